//! What a plugin can ask for, as the test kit records it.

use std::path::PathBuf;
use std::time::Duration;

use crate::{Command, HttpRequest, Level, Moment, Volume};

/// A service of the host; each but `Log` and `Timer` needs a capability.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Service {
    /// Lines for the log.
    Log,
    /// The timer.
    Timer,
    /// MIDI.
    Midi,
    /// HTTP requests.
    Http,
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
    /// Programs.
    Process,
    /// Sounds and volumes.
    Audio,
    /// The desktop.
    System,
}

/// Something that the plugin asked for.
#[derive(Clone, PartialEq, Debug)]
pub enum Asked {
    /// A line for the log.
    Log {
        /// How important it is.
        level: Level,
        /// What it says.
        text: String,
    },
    /// To send a MIDI message.
    Midi {
        /// To this device; empty: `Padgate Out`.
        device: String,
        /// Its bytes.
        message: Vec<u8>,
        /// When; `None`: now.
        at: Option<Moment>,
    },
    /// To take back what is not sent yet.
    CancelMidi,
    /// To listen to a device.
    Listen {
        /// Its name.
        device: String,
    },
    /// To set the timer, or to take it back.
    Timer {
        /// When it is to run out.
        at: Option<Moment>,
    },
    /// To make an HTTP request.
    Http(HttpRequest),
    /// To connect.
    Connect {
        /// To this host.
        host: String,
        /// And port.
        port: u16,
        /// Within this time.
        timeout: Duration,
    },
    /// To send a datagram.
    Udp {
        /// To this host.
        host: String,
        /// And port.
        port: u16,
        /// What is sent.
        data: Vec<u8>,
    },
    /// To run a program and wait for it.
    Run(Command),
    /// To start a program and leave it alone. Its `timeout` is zero.
    Start(Command),
    /// To play a sound.
    Play {
        /// This file.
        path: PathBuf,
        /// So loud.
        gain: f64,
    },
    /// To change a volume.
    Volume {
        /// Of these outputs; empty: the default one.
        output: String,
        /// How.
        volume: Volume,
    },
    /// To mute, or to stop muting.
    Mute {
        /// These outputs; empty: the default one.
        output: String,
        /// Whether it is to be muted.
        muted: bool,
    },
    /// To do something with the desktop.
    System {
        /// `media`, `notify`, `brightness`, `open`, `keys` or `type`.
        what: &'static str,
        /// What the ABI is told: `play-pause`, `+10%`, a URL, ….
        text: String,
    },
}
