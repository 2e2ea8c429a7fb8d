//! How a control is written: `C1`, `36`, `cc:7`, `cc14:1`, `bend`, `pressure`, `pressure:C1`, `program:5`, each with
//! an optional channel as in `C1@10`. Anything else is a name, which the daemon looks up in its configuration.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A control, as a person writes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ControlSpec {
    /// Which sort, with its number as far as it is one.
    pub kind: ControlName,
    /// The channel, 1 to 16; `None`: any, or the first where one is needed.
    pub channel: Option<u8>,
}

/// A control without its channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ControlName {
    /// A note by number or name (`C1`), or a control by the name that the configuration gave it. The daemon knows which.
    Named(String),
    /// A control change, 0 to 127.
    Controller(u8),
    /// A pair of control changes that make one value of 14 bits, 0 to 31.
    Controller14(u8),
    /// Pitch bend.
    Bend,
    /// Pressure on the channel.
    Pressure,
    /// Pressure on one key, by note number or name.
    KeyPressure(String),
    /// A program, 0 to 127.
    Program(u8),
}

/// Why a control can't be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{0:?} is no control: write a note (C1, 36), cc:7, cc14:1, bend, pressure, pressure:C1, program:5 or a name, \
     and @10 after it for channel 10"
)]
pub struct ControlSpecError(pub String);

impl FromStr for ControlSpec {
    type Err = ControlSpecError;

    fn from_str(text: &str) -> Result<ControlSpec, ControlSpecError> {
        let wrong = || ControlSpecError(text.to_owned());
        let (name, channel) = match text.rsplit_once('@') {
            Some((name, channel)) => {
                (name, Some(channel.parse().ok().filter(|n| (1..=16).contains(n)).ok_or_else(wrong)?))
            }
            None => (text, None),
        };
        let number = |text: &str, max: u8| text.trim().parse().ok().filter(|n| *n <= max).ok_or_else(wrong);
        let kind = match name.split_once(':') {
            Some(("cc", n)) => ControlName::Controller(number(n, 127)?),
            Some(("cc14", n)) => ControlName::Controller14(number(n, 31)?),
            Some(("program", n)) => ControlName::Program(number(n, 127)?),
            Some(("pressure", note)) if !note.is_empty() => ControlName::KeyPressure(note.to_owned()),
            Some(("note", note)) if !note.is_empty() => ControlName::Named(note.to_owned()),
            Some(_) => return Err(wrong()),
            None if name == "bend" => ControlName::Bend,
            None if name == "pressure" => ControlName::Pressure,
            None if name.is_empty() => return Err(wrong()),
            None => ControlName::Named(name.to_owned()),
        };
        Ok(ControlSpec { kind, channel })
    }
}

impl fmt::Display for ControlSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ControlName::Named(name) => f.write_str(name)?,
            ControlName::Controller(n) => write!(f, "cc:{n}")?,
            ControlName::Controller14(n) => write!(f, "cc14:{n}")?,
            ControlName::Bend => f.write_str("bend")?,
            ControlName::Pressure => f.write_str("pressure")?,
            ControlName::KeyPressure(note) => write!(f, "pressure:{note}")?,
            ControlName::Program(n) => write!(f, "program:{n}")?,
        }
        match self.channel {
            Some(channel) => write!(f, "@{channel}"),
            None => Ok(()),
        }
    }
}

impl TryFrom<String> for ControlSpec {
    type Error = ControlSpecError;

    fn try_from(text: String) -> Result<ControlSpec, ControlSpecError> {
        text.parse()
    }
}

impl From<ControlSpec> for String {
    fn from(spec: ControlSpec) -> String {
        spec.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{ControlName, ControlSpec};

    #[test]
    fn controls_read_back() {
        for text in
            ["C1", "36@10", "cc:7", "cc14:31@16", "bend", "pressure", "pressure:F#2@1", "program:5", "play"]
        {
            assert_eq!(text.parse::<ControlSpec>().unwrap().to_string(), text);
        }
        assert_eq!("note:C1".parse::<ControlSpec>().unwrap().kind, ControlName::Named("C1".into()));
    }

    #[test]
    fn what_is_no_control_is_refused() {
        for text in ["", "@1", "cc:128", "cc:x", "cc14:32", "C1@0", "C1@17", "C1@", "fader:1", "pressure:"] {
            let error = text.parse::<ControlSpec>().unwrap_err();
            assert!(error.to_string().contains("cc14:1"), "{error}");
        }
    }
}
