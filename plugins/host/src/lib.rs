//! Hosts: the confined process that runs one plugin, and what the daemon needs to start it and to talk to it.
//!
//! The daemon and a host talk over a pair of `SOCK_SEQPACKET` sockets, in bounded frames and without shared memory. The
//! host shares its memory with the plugin, so that the plugin can forge every frame: what comes from a host is checked
//! byte by byte here, and every [`ask::Ask`] goes through the daemon's gate.
//!
//! The host is the program `padgate-plugin-host` (`src/child/`): it is locked down before the plugin's library is loaded,
//! and turns frames into calls of the plugin, and calls of the plugin into frames.
//!
//! - [`frame`]: the frames.
//! - [`wire`]: how the parts of a payload are written and read.
//! - [`ask`]: what a host can ask of the daemon, and the answers.
//! - [`assignment`]: what a host is told at its start.
//! - [`confinement`]: what a host reports of its own lock-down, before any code of the plugin runs.
//! - [`context`]: the context of a call in a frame.
//! - [`launch`] and [`link`]: the daemon's hands: start, kill and reap a host; send and receive a frame.
//! - [`ended`]: how a host ended, in words.
//! - [`profile`]: from what was granted to what the operating system must allow.
//! - [`sandbox`]: the lock-down itself.

pub mod ask;
pub mod assignment;
pub mod confinement;
pub mod context;
pub mod ended;
pub mod frame;
#[cfg(target_os = "linux")]
pub mod launch;
#[cfg(target_os = "linux")]
pub mod link;
pub mod profile;
pub mod sandbox;
#[cfg(not(target_os = "linux"))]
mod unsupported;
pub mod wire;

#[cfg(not(target_os = "linux"))]
pub use unsupported::{launch, link};
