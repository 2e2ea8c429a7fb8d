//! From the daemon's types to the protocol's. Nowhere else is one made into the other.
//!
//! - here: records, decisions, requests, outcomes, controls, values.
//! - [`status`]: devices, ports, modes, counters.
//! - [`report`]: what is wrong with a configuration.
//! - [`recording`]: the lines of a recording, in both directions.

pub mod plugin;
pub mod recording;
pub mod report;
pub mod status;

use padgate_core::engine::{Control, RefuseReason, Trace, WaitReason};
use padgate_core::ids::{DeviceId, Names};
use padgate_core::midi::{Message, note};
use padgate_core::ruleset::Mapping;
use padgate_core::ruleset::condition::Value;
use padgate_core::ruleset::trigger::ControlKind;
use padgate_core::time::Time;
use padgate_ipc::event as wire;
use padgate_ipc::event::{DecisionKind, OutcomeKind};

use super::sentence;
use crate::history::{Cause, Record, RequestRecord};
use crate::outcome::{Outcome, Report};

/// One record.
#[must_use]
pub fn record(record: &Record, names: &Names) -> wire::Record {
    wire::Record {
        sequence: record.sequence,
        cause: cause(&record.cause, names),
        received_ns: record.received.0,
        decided_ns: record.decided.0,
        handed_off_ns: record.handed_off.0,
        decisions: record.traces.iter().map(|trace| decision(trace, record.received, names)).collect(),
        requests: record.requests.iter().map(|it| request(it, names)).collect(),
    }
}

/// What came in.
#[must_use]
pub fn cause(cause: &Cause, names: &Names) -> wire::Cause {
    match cause {
        Cause::Message(device, message) => {
            let (bytes, length) = message.encode();
            wire::Cause {
                kind: "message".to_owned(),
                device: Some(names.devices.name(*device).to_owned()),
                control: control_of(*device, message).map(|control| control_text(&control)),
                midi: Some(hex(&bytes[..length])),
                length: Some(length as u64),
                text: message.to_string(),
            }
        }
        Cause::Sysex(device, length, beginning) => wire::Cause {
            kind: "sysex".to_owned(),
            device: Some(names.devices.name(*device).to_owned()),
            control: None,
            midi: Some(hex(beginning)),
            length: Some(*length as u64),
            text: format!("System Exclusive of {length} bytes"),
        },
        Cause::Timer => wire::Cause {
            kind: "timer".to_owned(),
            text: "a deadline passed".to_owned(),
            ..wire::Cause::default()
        },
        Cause::Reload => wire::Cause {
            kind: "reload".to_owned(),
            text: "the rules were replaced".to_owned(),
            ..wire::Cause::default()
        },
        Cause::Other(what) => {
            wire::Cause { kind: (*what).to_owned(), text: (*what).to_owned(), ..wire::Cause::default() }
        }
    }
}

/// A mapping.
#[must_use]
pub fn mapping(mapping: &Mapping) -> wire::MappingRef {
    let origin = &mapping.origin;
    wire::MappingRef { name: mapping.name.clone(), file: origin.file.clone(), line: origin.line }
}

/// One decision, made at `at`.
#[must_use]
pub fn decision(trace: &Trace, at: Time, names: &Names) -> wire::Decision {
    let text = sentence::decision(trace, at, names);
    let base = wire::Decision { text, ..wire::Decision::default() };
    let about = |control: &Control| Some(control_text(control));
    let word = |word: &str| Some(word.to_owned());
    match trace {
        Trace::Unmapped { control } => {
            wire::Decision { kind: DecisionKind::Unmapped, control: control.as_ref().and_then(about), ..base }
        }
        Trace::Waiting { control, reason, until } => wire::Decision {
            kind: DecisionKind::Waiting,
            control: about(control),
            reason: word(wait_word(*reason)),
            until_ns: until.map(|until| until.0),
            ..base
        },
        Trace::Fired { mapping: it, press, withheld } => wire::Decision {
            kind: DecisionKind::Fired,
            mapping: Some(mapping(it)),
            press: Some(press.0),
            withheld_ns: Some(u64::try_from(withheld.as_nanos()).unwrap_or(u64::MAX)),
            ..base
        },
        Trace::Released { mapping: it, press } => wire::Decision {
            kind: DecisionKind::Released,
            mapping: Some(mapping(it)),
            press: Some(press.0),
            ..base
        },
        Trace::Passed { mapping: it, reason } => wire::Decision {
            kind: DecisionKind::Passed,
            mapping: Some(mapping(it)),
            reason: word(sentence::pass_word(*reason)),
            ..base
        },
        Trace::Refused { mapping: it, reason } => wire::Decision {
            kind: DecisionKind::Refused,
            mapping: Some(mapping(it)),
            reason: word(refuse_word(*reason)),
            ..base
        },
        Trace::Echo { .. } => wire::Decision { kind: DecisionKind::Echo, ..base },
        Trace::ModeChanged { .. } => wire::Decision { kind: DecisionKind::ModeChanged, ..base },
        Trace::VariableChanged { .. } => wire::Decision { kind: DecisionKind::VariableChanged, ..base },
        Trace::Panicked => wire::Decision { kind: DecisionKind::Panicked, ..base },
    }
}

fn wait_word(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::Taps => "taps",
        WaitReason::Hold => "hold",
        WaitReason::Length => "length",
        WaitReason::Chord => "chord",
    }
}

fn refuse_word(reason: RefuseReason) -> &'static str {
    match reason {
        RefuseReason::StillRunning => "still_running",
        RefuseReason::QueueFull => "queue_full",
        RefuseReason::TooManyRunning => "too_many_running",
    }
}

/// One request.
#[must_use]
pub fn request(record: &RequestRecord, names: &Names) -> wire::Request {
    let request = &record.request;
    wire::Request {
        id: request.id.0,
        action: sentence::effect(&request.effect, names),
        release: request.effect.is_release(),
        mapping: request.mapping.as_deref().map(mapping),
        press: request.context.press.0,
        handed_off_ns: record.handed_off.0,
        outcome: record.report.as_ref().map(outcome),
    }
}

/// How a request ended.
#[must_use]
pub fn outcome(report: &Report) -> wire::Outcome {
    let (result, message) = match &report.outcome {
        Outcome::Done => (OutcomeKind::Done, None),
        Outcome::Failed(why) => (OutcomeKind::Failed, Some(why.to_string())),
        Outcome::Unavailable(why) => (OutcomeKind::Unavailable, Some(why.to_string())),
        Outcome::Refused(why) => (OutcomeKind::Refused, Some(why.to_string())),
        Outcome::Dropped => (OutcomeKind::Dropped, None),
    };
    wire::Outcome {
        request: report.request.0,
        result,
        message,
        started_ns: report.started.0,
        done_ns: report.done.0,
    }
}

/// The control that a message comes from, if it comes from one.
#[must_use]
pub fn control_of(device: DeviceId, message: &Message) -> Option<Control> {
    let (kind, channel, number) = match *message {
        Message::NoteOn { channel, note, .. } | Message::NoteOff { channel, note, .. } => {
            (ControlKind::Note, channel, note)
        }
        Message::PolyPressure { channel, note, .. } => (ControlKind::PolyPressure, channel, note),
        Message::ControlChange { channel, controller, .. } => (ControlKind::Controller, channel, controller),
        Message::ProgramChange { channel, program } => (ControlKind::Program, channel, program),
        Message::ChannelPressure { channel, .. } => (ControlKind::ChannelPressure, channel, 0),
        Message::PitchBend { channel, .. } => (ControlKind::Bend, channel, 0),
        _ => return None,
    };
    Some(Control { device, kind, channel, number })
}

/// A control as [`padgate_ipc::control::ControlSpec`] reads it: `C1@1`.
#[must_use]
pub fn control_text(control: &Control) -> String {
    let number = control.number;
    let what = match control.kind {
        ControlKind::Note => note::name(number).to_string(),
        ControlKind::Controller => format!("cc:{number}"),
        ControlKind::Controller14 => format!("cc14:{number}"),
        ControlKind::Bend => "bend".to_owned(),
        ControlKind::PolyPressure => format!("pressure:{}", note::name(number)),
        ControlKind::ChannelPressure => "pressure".to_owned(),
        ControlKind::Program => format!("program:{number}"),
    };
    format!("{what}@{}", control.channel.human())
}

/// Bytes in hexadecimal, with spaces between.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(" ")
}

/// The bytes of a text such as `90 3C 64`; white space between bytes is optional.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_ascii_whitespace()).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

/// Up to here, every whole number has a value of its own.
const WHOLE_NUMBERS_EXACT: f64 = 9_007_199_254_740_992.0;

/// A variable's value as JSON; a whole number is one there too.
#[must_use]
pub fn value(value: &Value) -> serde_json::Value {
    match value {
        Value::Flag(flag) => (*flag).into(),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < WHOLE_NUMBERS_EXACT => {
            (*number as i64).into()
        }
        Value::Number(number) => (*number).into(),
        Value::Text(text) => text.as_ref().into(),
    }
}

/// A variable's value from JSON; `None` for lists, objects and null.
#[must_use]
pub fn value_from(value: &serde_json::Value) -> Option<Value> {
    match value {
        serde_json::Value::Bool(flag) => Some(Value::Flag(*flag)),
        serde_json::Value::Number(number) => number.as_f64().map(Value::Number),
        serde_json::Value::String(text) => Some(Value::Text(text.as_str().into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{control_of, control_text, hex, unhex};
    use padgate_core::ids::DeviceId;
    use padgate_core::midi::{Channel, Message};
    use padgate_ipc::control::ControlSpec;

    #[test]
    fn what_the_daemon_calls_a_control_it_reads_back() {
        let channel = Channel::from_human(10).unwrap();
        let messages = [
            (Message::NoteOn { channel, note: 36, velocity: 1 }, "C2@10"),
            (Message::ControlChange { channel, controller: 7, value: 1 }, "cc:7@10"),
            (Message::PitchBend { channel, value: 0 }, "bend@10"),
            (Message::PolyPressure { channel, note: 61, pressure: 1 }, "pressure:C#4@10"),
            (Message::ChannelPressure { channel, pressure: 1 }, "pressure@10"),
            (Message::ProgramChange { channel, program: 5 }, "program:5@10"),
        ];
        for (message, text) in messages {
            let control = control_of(DeviceId::new(0), &message).unwrap();
            assert_eq!(control_text(&control), text);
            assert_eq!(text.parse::<ControlSpec>().unwrap().to_string(), text);
        }
        assert_eq!(control_of(DeviceId::new(0), &Message::Clock), None);
    }

    #[test]
    fn hexadecimal_reads_back() {
        assert_eq!(hex(&[0x90, 0x3C, 0]), "90 3C 00");
        assert_eq!(unhex("90 3c00"), Some(vec![0x90, 0x3C, 0]));
        for wrong in ["9", "9 0 3", "xx", "é0"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }
}
