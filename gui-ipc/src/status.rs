//! What `status`, `devices` and `mode` answer.

use serde::{Deserialize, Serialize};

use crate::check::Diagnostic;

/// The daemon as a whole.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it started, in milliseconds since 1970 (UTC).
    pub started_unix_ms: i64,
    /// How long it has been running, in milliseconds.
    pub uptime_ms: u64,
    /// The configuration in force.
    pub config: ConfigState,
    /// The configured devices.
    pub devices: Vec<Device>,
    /// Modes and variables.
    pub modes: ModeState,
    /// What is held down now, in words.
    pub held: Vec<String>,
    /// How many sequences are running.
    pub running: u64,
    /// What does the actions here.
    pub backends: Vec<Backend>,
    /// Counted since the start.
    pub counters: Counters,
    /// How many clients are connected.
    pub clients: u64,
    /// What the user could do next, in sentences; empty if all is well.
    pub hints: Vec<String>,
}

/// The configuration in force.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigState {
    /// The main file, whether it exists or not.
    pub path: String,
    /// Whether the files as they are now are the ones in force. If not, the last good ones are.
    pub ok: bool,
    /// How many mappings are in force.
    pub mappings: u64,
    /// What was wrong when the files were read last.
    pub diagnostics: Vec<Diagnostic>,
    /// When the rules in force were read, in milliseconds since 1970 (UTC); `None` if no file has been.
    pub loaded_unix_ms: Option<i64>,
}

/// One device of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// The user's name for it.
    pub name: String,
    /// The port that it is read from, if it is there.
    pub input: Option<String>,
    /// The port that it is written to, if it is there.
    pub output: Option<String>,
    /// The pattern on its input port's name, if it is read from.
    pub input_pattern: Option<String>,
    /// The pattern on its output port's name, if it is written to.
    pub output_pattern: Option<String>,
    /// Its USB serial number or path, where known.
    pub usb: Option<String>,
    /// Whether everything that is configured is there.
    pub connected: bool,
    /// Why not, or what else there is to know.
    pub note: Option<String>,
    /// Messages received since the start.
    pub received: u64,
    /// Messages sent since the start.
    pub sent: u64,
    /// Bytes that were no MIDI, or could not be used.
    pub decode_errors: u64,
}

/// A port of the operating system.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Port {
    /// Its name, as patterns see it.
    pub name: String,
    /// Whether messages come from it or go to it.
    pub direction: Direction,
    /// The device that has it open, if one has.
    pub device: Option<String>,
    /// Its USB serial number or path, where known.
    pub usb: Option<String>,
}

/// Which way a port works, as Padgate sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Messages come from it.
    Input,
    /// Messages go to it.
    Output,
    /// Not known to this version.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What `devices` answers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceList {
    /// The configured devices.
    pub devices: Vec<Device>,
    /// All ports that there are now.
    pub ports: Vec<Port>,
}

/// What does one sort of action on this machine.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Backend {
    /// The sort of action: `keys`, `volume`, `notify` …
    pub name: String,
    /// What does it: `x11`, `uinput`, `pulseaudio` …
    pub by: String,
    /// Whether it works now.
    pub available: bool,
    /// If not, why, and what next.
    pub note: Option<String>,
}

/// Modes and variables.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModeState {
    /// The stack of modes, the topmost last.
    pub stack: Vec<String>,
    /// All modes that the configuration has.
    pub known: Vec<String>,
    /// The variables, by name.
    pub variables: std::collections::BTreeMap<String, serde_json::Value>,
}

/// Counted since the daemon started.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Things that came in: messages, lost devices, and the like.
    pub inputs: u64,
    /// Action requests.
    pub requests: u64,
    /// Requests that were done.
    pub done: u64,
    /// Requests that were tried and failed.
    pub failed: u64,
    /// Requests that could not be done on this machine.
    pub unavailable: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Requests that a full queue dropped. Never releases.
    pub dropped: u64,
    /// Events that were left out for subscribers that did not keep up.
    pub missed: u64,
    /// How long steps took.
    pub latencies: Vec<Latency>,
}

/// How long one step took, in nanoseconds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    /// From what to what: `received → decided` …
    pub step: String,
    /// How often it was measured.
    pub count: u64,
    /// The mean.
    pub mean_ns: u64,
    /// Half of all took no longer.
    pub p50_ns: u64,
    /// 99 in 100 took no longer.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}
