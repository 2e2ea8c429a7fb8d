//! Shows what the engine decided in a few words, for comparing with what a script expects.

use std::time::Duration;

use padgate_core::engine::{Effect, Output, Phase, Request, Trace, VolumeChange};
use padgate_core::ids::DeviceId;
use padgate_core::midi::Message;
use padgate_core::ruleset::keys::KeyChord;
use padgate_core::time::Time;

use super::rules::names;

/// `400ms`, `2.5ms`.
pub(crate) fn duration(span: Duration) -> String {
    format!("{}ms", span.as_nanos() as f64 / 1e6)
}

pub(crate) fn time(time: Time) -> String {
    duration(time.since(Time::ZERO))
}

fn keys(keys: &KeyChord) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Down => "down",
        Phase::Up => "up",
        Phase::Tap => "tap",
    }
}

fn device(to: Option<DeviceId>) -> String {
    to.map_or("out".into(), |id| names().devices.name(id).to_owned())
}

fn percent(level: f64) -> String {
    format!("{}%", (level * 1000.0).round() / 10.0)
}

/// `on 60 100`, `off 60`, `cc 7 64`, `bend 8192`; others as they show themselves.
fn message(message: Message) -> String {
    let at = |channel: padgate_core::midi::Channel| match channel.human() {
        1 => String::new(),
        other => format!(" ch {other}"),
    };
    match message {
        Message::NoteOn { channel, note, velocity } => format!("on {note} {velocity}{}", at(channel)),
        Message::NoteOff { channel, note, .. } => format!("off {note}{}", at(channel)),
        Message::ControlChange { channel, controller, value } => {
            format!("cc {controller} {value}{}", at(channel))
        }
        Message::PitchBend { channel, value } => format!("bend {value}{}", at(channel)),
        other => other.to_string(),
    }
}

/// `lamp set press #3`: the plugin, the action, the phase, and the number of the press.
fn call(request: &Request) -> Option<String> {
    let Effect::Plugin { call, phase } = &request.effect else { return None };
    let phase = format!("{phase:?}").to_lowercase();
    let ticks = match request.context.ticks {
        0 => String::new(),
        ticks => format!(" {ticks} ticks"),
    };
    Some(format!("{} {} {phase} #{}{ticks}", call.plugin, call.action, request.context.press.0))
}

pub(crate) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Keys { keys: chord, phase: of } => format!("key {} {}", keys(chord), phase(*of)),
        Effect::Text(text) => text.to_string(),
        Effect::Button { phase: of, .. } => format!("button {}", phase(*of)),
        Effect::Scroll { vertical, .. } => format!("scroll {vertical}"),
        Effect::Midi { to, message: what } => format!("{} {}", device(*to), message(*what)),
        Effect::Sysex { to, bytes } => format!("{} sysex {bytes:02X?}", device(*to)),
        Effect::Volume { change: VolumeChange::To(level), .. } => format!("volume {}", percent(*level)),
        Effect::Volume { change: VolumeChange::By(level), .. } => format!("volume by {}", percent(*level)),
        other => format!("{other:?}"),
    }
}

/// Decisions that scripts compare; the rest is left out.
pub(crate) fn trace(trace: &Trace) -> Option<String> {
    Some(match trace {
        Trace::Fired { mapping, withheld, .. } if withheld.is_zero() => format!("fired {}", mapping.name),
        Trace::Fired { mapping, withheld, .. } => {
            format!("fired {} after {}", mapping.name, duration(*withheld))
        }
        Trace::Released { mapping, .. } => format!("released {}", mapping.name),
        Trace::Refused { mapping, reason } => format!("refused {} {reason:?}", mapping.name),
        Trace::Passed { mapping, reason } => format!("passed {} {reason:?}", mapping.name),
        Trace::Waiting { reason, until, .. } => {
            format!(
                "waiting {reason:?}{}",
                until.map_or(String::new(), |until| format!(" until {}", time(until)))
            )
        }
        Trace::Unmapped { .. } => "unmapped".into(),
        Trace::Echo { .. } => "echo".into(),
        Trace::Panicked => "panicked".into(),
        Trace::ModeChanged { top } => format!("mode {}", names().modes.name(*top)),
        Trace::VariableChanged { .. } => return None,
    })
}

/// The line for an output that `wanted` asks for.
pub(crate) fn line(at: Time, output: &Output, wanted: Wanted) -> Option<String> {
    let words = match (output, wanted) {
        (Output::Request(request), Wanted::Effects) => {
            call(request).unwrap_or_else(|| effect(&request.effect))
        }
        (Output::Trace(of @ Trace::Fired { .. }), Wanted::Fired) => trace(of)?,
        (Output::Trace(of), Wanted::Traces) => trace(of)?,
        _ => return None,
    };
    Some(format!("{} {words}", time(at)))
}

/// Which outputs a script compares.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// What is done.
    Effects,
    /// Which mappings fired, and how long they were held back.
    Fired,
    /// Every decision.
    Traces,
}
