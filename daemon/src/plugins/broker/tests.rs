//! The brokers together.
