//! Padgate's daemon as a library, so that tests can run it in their own process.

pub mod actions;
pub mod app;
pub mod clock;
pub mod config;
pub mod facts;
pub mod hands;
pub mod history;
pub mod ipc;
pub mod journal;
mod lock;
pub mod logging;
pub mod midi;
pub mod outcome;
pub mod pipeline;
pub mod play;
pub mod plugins;
pub mod replay;
pub mod service;
pub mod stats;
