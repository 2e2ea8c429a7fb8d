//! The supervisor: one process per plugin, started, called, watched, killed, started again, and counted.
//!
//! One thread, `padgate-plugins`, waits for everything that hosts do: frames on their links, what they print, their deaths,
//! and the deadlines of all of them. It is woken by nothing else, so that a daemon whose plugins have nothing to do
//! sleeps. A call goes from the thread that has it straight to the host, in one system call, if the host has nothing else
//! to do.
//!
//! | module | does |
//! |---|---|
//! | `types` | the words for the rest of the daemon |
//! | `breaker`, `restart` | when a host that died is started again |
//! | `bucket` | so many a second |
//! | `deadlines` | the earliest deadline of all plugins |

mod breaker;
mod bucket;
mod calls;
mod context;
mod deadlines;
mod files;
mod log;
mod queue;
mod restart;
mod statistics;
mod types;
mod usage;

pub use breaker::{DEATHS_MAX, DEATHS_WITHIN, HALF_OPEN_AFTER};
pub use types::{
    AskGate, Happening, HostState, HostStatus, Hosting, LogLevel, LogLine, LogSource, Setup, Statistics,
    Times, Watch,
};

/// The longest line of a plugin's log, in bytes. What is longer is cut off.
pub const LOG_LINE_BYTES_MAX: usize = 4096;
