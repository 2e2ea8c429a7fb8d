//! The harness that Padgate's end-to-end tests, demo and benchmarks share: a real `padgated` in a folder of its own, the
//! `padgate` command, and a client that waits for events. Nothing here sleeps; everything that waits has a deadline.

#[cfg(target_os = "linux")]
pub mod alsa;
pub mod binaries;
pub mod daemon;
pub mod events;
pub mod folder;
#[cfg(target_os = "linux")]
pub mod plugin;
pub mod plugin_watch;
#[cfg(target_os = "linux")]
pub mod plugins;
pub mod process;
pub mod smf;
pub mod web;
#[cfg(target_os = "linux")]
pub mod window;

use std::time::Duration;

/// How long anything may take at the most before a test fails. Long, because the machine may be emulated and busy; a
/// test that passes never waits for it.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Prints a line that the test runner does not keep back: a figure, or that something could not be tested here.
pub fn notice(text: &str) {
    use std::io::Write as _;
    // A test does not fail because nobody reads along.
    let _ = writeln!(std::io::stderr(), "{text}");
}
