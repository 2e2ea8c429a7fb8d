//! The format of recordings: JSON lines, a [`Header`] first, then one [`Line`] for each thing that the engine was fed.
//!
//! Nothing is left out that the engine decides by, so that a recording and a configuration give the same decisions
//! every time. Deadlines are not recorded: the engine sets them itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the format. A reader refuses any other: half-understood recordings would replay to something else.
pub const FORMAT: u32 = 1;

/// The first line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// See [`FORMAT`].
    pub padgate_recording: u32,
    /// When it was begun, in milliseconds since 1970 (UTC).
    #[serde(default)]
    pub started_unix_ms: i64,
    /// The names of the devices.
    #[serde(default)]
    pub devices: Vec<String>,
    /// The stack of modes at the beginning, the topmost last.
    #[serde(default)]
    pub modes: Vec<String>,
    /// The variables at the beginning.
    #[serde(default)]
    pub variables: BTreeMap<String, Value>,
}

/// One thing that the engine was fed: `{"t":1500000,"midi":{"device":"pads","bytes":"90 3C 64"}}`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// When, in nanoseconds; in a file since its beginning, in an event on the daemon's monotonic clock.
    pub t: u64,
    /// What.
    #[serde(flatten)]
    pub input: Input,
}

/// What the engine was fed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A device sent a message.
    Midi {
        /// Which device.
        device: String,
        /// The message in hexadecimal, without running status.
        bytes: String,
    },
    /// A device's input port went away.
    DeviceLost(String),
    /// A device's output port went away.
    OutputLost(String),
    /// The local time.
    WallClock {
        /// Minutes since midnight.
        minute: u16,
        /// 0 is Monday.
        weekday: u8,
    },
    /// A watched program started or ended.
    Program {
        /// Which.
        name: String,
        /// Whether it runs now.
        running: bool,
    },
    /// The volume of a sound output.
    Level {
        /// Which; empty for the default one.
        target: String,
        /// 0 to 1.5; `None`: nobody knows any more.
        level: Option<f64>,
    },
    /// The user changed the mode.
    Mode(crate::method::ModeParams),
    /// The user changed a variable.
    Variable {
        /// Which.
        name: String,
        /// To what: a flag, a number or a text.
        value: Value,
    },
    /// The user wanted everything released.
    Panic {},
    /// The rules were replaced here; a replay with one configuration passes over it, and says so.
    Reloaded {},
}

#[cfg(test)]
mod tests {
    use super::{Input, Line};
    use crate::method::ModeParams;

    #[test]
    fn lines_look_as_documented_and_read_back() {
        let midi = Line { t: 5, input: Input::Midi { device: "pads".into(), bytes: "90 3C 64".into() } };
        let mode = Line { t: 6, input: Input::Mode(ModeParams::Push("a".into())) };
        let texts = [
            (midi, r#"{"t":5,"midi":{"device":"pads","bytes":"90 3C 64"}}"#),
            (mode, r#"{"t":6,"mode":{"change":"push","mode":"a"}}"#),
            (Line { t: 7, input: Input::DeviceLost("pads".into()) }, r#"{"t":7,"device_lost":"pads"}"#),
            (Line { t: 8, input: Input::Panic {} }, r#"{"t":8,"panic":{}}"#),
        ];
        for (line, text) in texts {
            assert_eq!(serde_json::to_string(&line).unwrap(), text);
            assert_eq!(serde_json::from_str::<Line>(text).unwrap(), line);
        }
        assert!(
            serde_json::from_str::<Line>(r#"{"t":1,"dream":{}}"#).is_err(),
            "half-understood is not understood"
        );
        assert!(serde_json::from_str::<Line>(r#"{"t":-1,"panic":{}}"#).is_err());
    }
}
