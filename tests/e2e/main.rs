//! End-to-end tests that every machine can run: a real `padgated` in a folder of its own, played through its socket,
//! without a sequencer, a display or a sound server. One file per subject:
//!
//! - [`press`]: what a hand does, and what comes of it.
//! - [`config`]: reloading, mistakes, and files that are not what they should be.
//! - [`life`]: starting, ending, being killed, and a second daemon.
//! - [`clients`]: clients that send garbage, too much, or nothing.
//! - [`command`]: `padgate`, for people and for programs.
//! - [`files`]: MIDI files and recordings.
//! - [`machine`]: what is missing on the machine, and who says so.
//! - [`plugins`]: plugins, and above all those that misbehave.
//! - [`window`]: a real window under Xvfb that receives the keys.

mod clients;
mod command;
mod config;
mod files;
mod life;
mod machine;
#[cfg(target_os = "linux")]
mod plugins;
mod press;
mod window;

/// A configuration with one device, which no machine has: it is played through the socket.
const PADS: &str =
    "[settings]\noutput = \"none\"\nvirtual_ports = false\n[device.pads]\nport = \"No such port*\"\n";

/// [`PADS`] and these mappings.
fn with_pads(mappings: &str) -> String {
    format!("{PADS}{mappings}")
}
