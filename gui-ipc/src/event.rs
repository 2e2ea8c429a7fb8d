//! Events: what the daemon sends to a client that subscribed, until the connection ends.
//!
//! A client that reads too slowly is disconnected, so that it never mistakes half of the events for all.

use serde::{Deserialize, Serialize};

use crate::plugin::{LogLine, PluginSummary};
use crate::recording::Line;
use crate::status::{ConfigState, Device, ModeState};

/// What can be subscribed to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Every message and what became of it: [`Event::Record`], [`Event::Outcome`], [`Event::Missed`].
    Events,
    /// Devices that come and go: [`Event::Devices`].
    Devices,
    /// Modes and variables: [`Event::Modes`].
    Modes,
    /// The configuration: [`Event::Config`].
    Config,
    /// Everything that the engine is fed, for a recording: [`Event::Input`], [`Event::Missed`].
    Input,
    /// Plugins that come, go, or change how they are: [`Event::Plugins`].
    Plugins,
    /// Every line of every plugin's log: [`Event::PluginLog`], [`Event::Missed`].
    PluginLog,
}

impl Topic {
    /// All topics of this version.
    pub const ALL: [Topic; 7] = [
        Topic::Events,
        Topic::Devices,
        Topic::Modes,
        Topic::Config,
        Topic::Input,
        Topic::Plugins,
        Topic::PluginLog,
    ];
}

/// One event.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Something came in and was decided. Requests without an outcome are still under way.
    Record(Record),
    /// A request of an earlier record ended.
    Outcome(Outcome),
    /// So many events are missing here, because the daemon had more to do than to report.
    Missed {
        /// How many.
        count: u64,
    },
    /// These are the devices now.
    Devices {
        /// All configured ones.
        devices: Vec<Device>,
    },
    /// These are the modes and variables now.
    Modes(ModeState),
    /// This is the configuration now.
    Config(ConfigState),
    /// The engine was fed this.
    Input(Line),
    /// So much of a file was played; sent only to the client that plays it.
    Play {
        /// Messages played.
        played: u64,
        /// Messages in the file.
        total: u64,
    },
    /// These are the plugins now. The figures in it are as they were at the last change of state.
    Plugins {
        /// All that were found, by name.
        plugins: Vec<PluginSummary>,
    },
    /// A plugin's log has another line.
    PluginLog {
        /// The plugin.
        plugin: String,
        /// The line.
        line: LogLine,
    },
    /// Not known to this version; to be ignored.
    #[serde(other)]
    Unknown,
}

/// One thing that came in, and what became of it. All times are on the daemon's monotonic clock
/// ([`crate::hello::ClockPair`]).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Counts records since the daemon started.
    pub sequence: u64,
    /// What came in.
    pub cause: Cause,
    /// When it came in.
    pub received_ns: u64,
    /// When the engine had decided.
    pub decided_ns: u64,
    /// When the last request had been handed off.
    pub handed_off_ns: u64,
    /// What was decided and why, in order.
    pub decisions: Vec<Decision>,
    /// What was asked for, in order.
    pub requests: Vec<Request>,
}

/// What came in.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cause {
    /// `message`, `sysex`, `timer`, or something else in a word or two.
    pub kind: String,
    /// The device, if it came from one.
    pub device: Option<String>,
    /// The control, as [`crate::control::ControlSpec`] writes it, if it is one.
    pub control: Option<String>,
    /// The bytes in hexadecimal, if it was MIDI; of a long System Exclusive only the beginning.
    pub midi: Option<String>,
    /// The whole length in bytes, if it was MIDI.
    pub length: Option<u64>,
    /// What it was, in words.
    pub text: String,
}

/// A mapping, for a reader.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MappingRef {
    /// Its name.
    pub name: String,
    /// The file it stands in.
    pub file: String,
    /// The line, from 1; 0 if unknown.
    pub line: u32,
}

/// One decision of the engine.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Decision {
    /// What was decided.
    pub kind: DecisionKind,
    /// The decision and its reason, a sentence.
    pub text: String,
    /// The mapping, if it is about one.
    pub mapping: Option<MappingRef>,
    /// The control, if it is about one.
    pub control: Option<String>,
    /// The press, if it is about one; counts presses since the daemon started.
    pub press: Option<u64>,
    /// The reason in one word, where there is one: `mode`, `condition`, `taps` …
    pub reason: Option<String>,
    /// How long the press was held back before the mapping fired, in nanoseconds.
    pub withheld_ns: Option<u64>,
    /// Until when the press is held back at most.
    pub until_ns: Option<u64>,
}

/// Kinds of decisions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// Nothing is mapped to what was done.
    Unmapped,
    /// The press is held back.
    Waiting,
    /// A mapping fired.
    Fired,
    /// A release went to its mapping.
    Released,
    /// A mapping did not fire.
    Passed,
    /// A mapping should have fired, and was refused.
    Refused,
    /// An echo was dropped.
    Echo,
    /// The mode changed.
    ModeChanged,
    /// A variable changed.
    VariableChanged,
    /// Everything was released.
    Panicked,
    /// Not known to this version.
    #[default]
    #[serde(other)]
    Unknown,
}

/// One action request.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// Its number, counted since the daemon started.
    pub id: u64,
    /// What is to be done, in words.
    pub action: String,
    /// Whether it lets something go.
    pub release: bool,
    /// The mapping that asked, if one did.
    pub mapping: Option<MappingRef>,
    /// The press behind it.
    pub press: u64,
    /// When it had been handed off.
    pub handed_off_ns: u64,
    /// How it ended, once that is known.
    pub outcome: Option<Outcome>,
}

/// How a request ended.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// Which request.
    pub request: u64,
    /// How.
    pub result: OutcomeKind,
    /// Why, and what next, if it was not done.
    pub message: Option<String>,
    /// When the back end took it up.
    pub started_ns: u64,
    /// When it had ended.
    pub done_ns: u64,
}

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// It was done.
    Done,
    /// It was tried, and failed.
    Failed,
    /// It can't be done on this machine now.
    Unavailable,
    /// The configuration or the design forbids it.
    Refused,
    /// A queue was full. Never happens to a release.
    Dropped,
    /// Not known to this version.
    #[default]
    #[serde(other)]
    Unknown,
}

impl OutcomeKind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            OutcomeKind::Done => "done",
            OutcomeKind::Failed => "failed",
            OutcomeKind::Unavailable => "unavailable",
            OutcomeKind::Refused => "refused",
            OutcomeKind::Dropped => "dropped: the queue was full",
            OutcomeKind::Unknown => "ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DecisionKind, Event, Record, Topic};
    use crate::plugin::{LogLine, LogSource};

    #[test]
    fn an_event_of_the_future_is_unknown_and_no_error() {
        let event: Event = serde_json::from_str(r#"{"type":"plugin.died","name":"x"}"#).unwrap();
        assert_eq!(event, Event::Unknown);
        let record: Record =
            serde_json::from_str(r#"{"decisions":[{"kind":"guessed","text":"why"}]}"#).unwrap();
        assert_eq!(record.decisions[0].kind, DecisionKind::Unknown);
        assert_eq!(record.decisions[0].text, "why");
    }

    #[test]
    fn events_read_back() {
        let event = Event::Record(Record { sequence: 3, ..Record::default() });
        let text = serde_json::to_string(&event).unwrap();
        assert!(text.starts_with(r#"{"type":"record","sequence":3"#), "{text}");
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }

    #[test]
    fn topics_are_their_own_index() {
        for (index, topic) in Topic::ALL.into_iter().enumerate() {
            assert_eq!(topic as usize, index);
        }
        assert_eq!(serde_json::to_value(Topic::PluginLog).unwrap(), "plugin_log");
        let event: Event = serde_json::from_str(
            r#"{"type":"plugin_log","plugin":"obs","line":{"level":"warn","source":"output","text":"hm"}}"#,
        )
        .unwrap();
        let line = LogLine {
            level: "warn".into(),
            source: LogSource::Output,
            text: "hm".into(),
            ..LogLine::default()
        };
        assert_eq!(event, Event::PluginLog { plugin: "obs".into(), line });
    }
}
