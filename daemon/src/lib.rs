//! Padgate's daemon as a library, so that tests can run it in their own process.

pub mod clock;
pub mod hands;
pub mod history;
pub mod ipc;
pub mod outcome;
pub mod pipeline;
pub mod stats;
