//! The harness that Padgate's end-to-end tests and benchmarks share.
