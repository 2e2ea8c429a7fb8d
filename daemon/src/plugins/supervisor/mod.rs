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
//! | `api` | what the rest of the daemon calls |
//! | `core` | what that and the thread share |
//! | `reactor`, `poller` | the thread, and what it sleeps on |
//! | `lane` | all about one plugin that its lock protects; a call goes through here |
//! | `start`, `pump`, `frames`, `due`, `fate` | what happens to it: it is started, given work, answers, is late, ends |
//! | `host`, `outgoing` | one process, and what is on its way to it |
//! | `asks` | what plugins ask for |
//! | `queue`, `calls`, `context` | what waits, what is called, what a call says |
//! | `breaker`, `restart` | when a host that died is started again |
//! | `bucket` | so many a second |
//! | `deadlines` | the earliest deadline of all plugins |
//! | `usage` | what the kernel says of a process |
//! | `statistics`, `log`, `files` | what is kept |
//!
//! # What wakes the thread
//!
//! A frame, a line, a death; a deadline of a call or of a host's start; once five seconds after a plugin had something to
//! do, for a ping; once half a minute after statistics changed, to write them. While hosts run, their processor time is
//! looked at: every two seconds while they use any, and ever more seldom, down to once a minute, while they use none. With
//! no host there is no wake-up at all.
//!
//! # What is promised
//!
//! Each request ends exactly once. A host that is killed or dies takes the call with it that it was doing, which failed;
//! what waits is done by its successor if that is ready within the plugin's deadline. A release goes to the process that
//! got its press, and nowhere else: if that is gone, the release is done.

mod api;
mod asks;
mod breaker;
mod bucket;
mod calls;
mod context;
mod core;
mod deadlines;
mod due;
mod fate;
mod files;
mod frames;
mod host;
mod lane;
mod log;
mod outbox;
mod outgoing;
mod poller;
mod pump;
mod queue;
mod reactor;
mod restart;
mod start;
mod statistics;
#[cfg(test)]
mod tests;
mod types;
mod usage;

pub use api::Supervisor;
pub use breaker::{DEATHS_MAX, DEATHS_WITHIN, HALF_OPEN_AFTER};
pub use calls::CALLS_MAX;
pub use files::{FILE_JOBS, LOG_FILE_BYTES_MAX};
pub use host::{ASKS_MAX, PING_AFTER, PING_MAX, PREPARE_MAX, SAVE_MAX, START_MAX, STOP_MAX};
pub use lane::PINGS_MAX;
pub use log::LOG_LINES;
pub use outgoing::{EVENTS_MAX, OUTGOING_MAX};
pub use queue::{HELD_MAX, MERGED_CALLS, QUEUE_CALLS};
pub use reactor::SHUTDOWN_MAX;
pub use restart::{LONGEST, SETTLED_AFTER};
pub use types::{
    AskGate, Happening, HostState, HostStatus, Hosting, LogLevel, LogLine, LogSource, Setup, Statistics,
    Times, Watch,
};
pub use usage::OVER_SHARE_FOR;

/// The longest line of a plugin's log, in bytes. What is longer is cut off.
pub const LOG_LINE_BYTES_MAX: usize = 4096;
