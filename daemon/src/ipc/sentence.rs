//! Sentences: the one place where decisions, actions and outcomes are put into words.
//!
//! They say what and why, and begin in lower case without a full stop, so that they fit into a list or a sentence.

use std::fmt::Write as _;
use std::time::Duration;

use padgate_core::engine::{
    CallPhase, Control, Effect, PassReason, Phase, RefuseReason, Trace, VolumeChange, WaitReason,
};
use padgate_core::ids::{DeviceId, Names, TargetId};
use padgate_core::midi::{Message, note};
use padgate_core::ruleset::action::{MediaKey, MouseButton, PointerMove, Switch};
use padgate_core::ruleset::trigger::ControlKind;
use padgate_core::ruleset::{Gesture, Mapping, Trigger};
use padgate_core::time::Time;

/// `C1 (ch 1) on pads`.
#[must_use]
pub fn control(control: &Control, names: &Names) -> String {
    let number = control.number;
    let what = match control.kind {
        ControlKind::Note => note::name(number).to_string(),
        ControlKind::Controller => format!("cc {number}"),
        ControlKind::Controller14 => format!("cc {number} and {}", number + 32),
        ControlKind::Bend => "the bend wheel".to_owned(),
        ControlKind::PolyPressure => format!("pressure on {}", note::name(number)),
        ControlKind::ChannelPressure => "pressure".to_owned(),
        ControlKind::Program => format!("program {number}"),
    };
    format!("{what} (ch {}) on {}", control.channel.human(), names.devices.name(control.device))
}

/// `"Play / pause" (config.toml:12)`.
#[must_use]
pub fn mapping(mapping: &Mapping) -> String {
    let origin = &mapping.origin;
    match (origin.file.as_str(), origin.line) {
        ("", _) => format!("\"{}\"", mapping.name),
        (file, 0) => format!("\"{}\" ({file})", mapping.name),
        (file, line) => format!("\"{}\" ({file}:{line})", mapping.name),
    }
}

/// A span of time, to three digits: `0.84 µs`, `12 ms`, `2.1 s`, `5 min`.
#[must_use]
pub fn span(span: Duration) -> String {
    let nanos = span.as_nanos() as f64;
    let (value, unit) = match nanos {
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n if n < 120e9 => (n / 1e9, "s"),
        n if n < 7200e9 => (n / 60e9, "min"),
        n => (n / 3600e9, "h"),
    };
    let digits = if value < 9.95 { 2 } else { usize::from(value < 99.5) };
    let text = format!("{value:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

/// What was decided and why. `at` is when it was decided.
#[must_use]
pub fn decision(trace: &Trace, at: Time, names: &Names) -> String {
    match trace {
        Trace::Unmapped { control: Some(it) } => format!("nothing is mapped to {}", control(it, names)),
        Trace::Unmapped { control: None } => "nothing is mapped to this message".to_owned(),
        Trace::Waiting { control: it, reason, until } => {
            let why = match reason {
                WaitReason::Taps => "another tap may follow",
                WaitReason::Hold => "it may become a hold",
                WaitReason::Length => "how long it is held decides",
                WaitReason::Chord => "other controls may join it to a chord",
            };
            let until = until.map_or_else(
                || "until it is let go".to_owned(),
                |until| format!("for {} at most", span(until.since(at))),
            );
            format!("{} is held back {until}: {why}", control(it, names))
        }
        Trace::Fired { mapping: it, withheld, .. } if withheld.is_zero() => format!("{} fired", mapping(it)),
        Trace::Fired { mapping: it, withheld, .. } => {
            format!("{} fired, after it was held back for {}", mapping(it), span(*withheld))
        }
        Trace::Released { mapping: it, .. } => format!("{} got the release of its press", mapping(it)),
        Trace::Passed { mapping: it, reason } => {
            format!("{} did not fire: {}", mapping(it), pass_reason(it, *reason, names))
        }
        Trace::Refused { mapping: it, reason } => {
            format!("{} was refused: {}", mapping(it), refusal(*reason))
        }
        Trace::Echo { device } => {
            let device = names.devices.name(*device);
            format!("dropped as an echo: Padgate sent the same to {device} a moment ago (`drop_echo`)")
        }
        Trace::ModeChanged { top } => format!("the mode is now \"{}\"", names.modes.name(*top)),
        Trace::VariableChanged { variable } => {
            format!("the variable \"{}\" was set", names.variables.name(*variable))
        }
        Trace::Panicked => "everything was released".to_owned(),
    }
}

fn pass_reason(mapping: &Mapping, reason: PassReason, names: &Names) -> String {
    match reason {
        PassReason::Mode(mode) => format!("its mode \"{}\" is not active", names.modes.name(mode)),
        PassReason::Condition => "its condition (`when`) is not true".to_owned(),
        PassReason::Velocity => "the velocity is outside its zone".to_owned(),
        PassReason::Range => "the value is outside its range, or was inside it before".to_owned(),
        PassReason::Direction => "the control moved the other way".to_owned(),
        PassReason::Shadowed => "another mapping with the same gesture comes first".to_owned(),
        PassReason::OtherGesture(was) => match &mapping.trigger {
            Trigger::Press { gesture: wanted, .. } => {
                format!("it wants {}, and this was {}", gesture(*wanted), gesture(was))
            }
            _ => format!("this was {}", gesture(was)),
        },
        PassReason::Incomplete => "the chord or sequence was not completed".to_owned(),
        PassReason::Pickup => {
            "the control has not met the present value yet (`takeover = \"pickup\"`)".to_owned()
        }
        PassReason::Divided => "the encoder has not turned far enough for a step".to_owned(),
        PassReason::Unchanged => "the shaped value is the same as before".to_owned(),
    }
}

/// The reason in one word, for programs.
#[must_use]
pub fn pass_word(reason: PassReason) -> &'static str {
    match reason {
        PassReason::Mode(_) => "mode",
        PassReason::Condition => "condition",
        PassReason::Velocity => "velocity",
        PassReason::Range => "range",
        PassReason::Direction => "direction",
        PassReason::Shadowed => "shadowed",
        PassReason::OtherGesture(_) => "other_gesture",
        PassReason::Incomplete => "incomplete",
        PassReason::Pickup => "pickup",
        PassReason::Divided => "divided",
        PassReason::Unchanged => "unchanged",
    }
}

fn gesture(gesture: Gesture) -> String {
    match gesture {
        Gesture::Press => "a press".to_owned(),
        Gesture::Release => "a release".to_owned(),
        Gesture::Hold(time) => format!("a hold of {}", span(time)),
        Gesture::Short(time) => format!("a press shorter than {}", span(time)),
        Gesture::Long(time) => format!("a press of {} or longer", span(time)),
        Gesture::Taps { count, .. } => format!("{count} taps"),
    }
}

fn refusal(reason: RefuseReason) -> &'static str {
    match reason {
        RefuseReason::StillRunning => "it still runs, and `again = \"ignore\"`",
        RefuseReason::QueueFull => "too many of its presses wait already",
        RefuseReason::TooManyRunning => "as many sequences run as can: `padgate panic` stops them",
    }
}

/// What is to be done: `tap ctrl+space`, `send note on C4 … to synth`.
#[must_use]
pub fn effect(effect: &Effect, names: &Names) -> String {
    match effect {
        Effect::Keys { keys, phase } => {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            format!("{} {}", verb(*phase), keys.join("+"))
        }
        Effect::Text(text) => format!("type {}", quoted(text)),
        Effect::Button { button, phase, clicks } => {
            let button = button_name(*button);
            match (phase, clicks) {
                (Phase::Tap, 0 | 1) => format!("click the {button} mouse button"),
                (Phase::Tap, clicks) => format!("click the {button} mouse button {clicks} times"),
                (phase, _) => format!("{} the {button} mouse button", verb(*phase)),
            }
        }
        Effect::Pointer(PointerMove::By(x, y)) => format!("move the pointer by {x}, {y}"),
        Effect::Pointer(PointerMove::To(x, y)) => format!("move the pointer to {x}, {y}"),
        Effect::Scroll { horizontal, vertical } => format!("scroll by {horizontal}, {vertical}"),
        Effect::Run(launch) => {
            let mut text = format!("start {}", launch.program);
            for argument in &launch.arguments {
                let _ = write!(text, " {argument}");
            }
            text
        }
        Effect::Shell(line) => format!("run in the shell: {line}"),
        Effect::Open(what) => format!("open {what}"),
        Effect::Midi { to, message } => format!("send {message} to {}", receiver(*to, names)),
        Effect::Sysex { to, bytes } => {
            format!("send a System Exclusive of {} bytes to {}", bytes.len(), receiver(*to, names))
        }
        Effect::Volume { target, change } => match change {
            VolumeChange::To(level) => {
                format!("set the volume of {} to {:.0} %", output(*target, names), level * 100.0)
            }
            VolumeChange::By(step) => {
                format!("change the volume of {} by {:+.0} %", output(*target, names), step * 100.0)
            }
        },
        Effect::Mute { target, switch } => {
            let verb = match switch {
                Switch::On => "mute",
                Switch::Off => "unmute",
                Switch::Toggle => "mute or unmute",
            };
            format!("{verb} {}", output(*target, names))
        }
        Effect::Media(key) => format!("media key {}", media(*key)),
        Effect::Notify(notice) => format!("show the notification {}", quoted(&notice.body)),
        Effect::Plugin { call, phase } => {
            let phase = match phase {
                CallPhase::Release => ", release",
                CallPhase::Tap | CallPhase::Press | CallPhase::Change => "",
            };
            format!("call the plugin {} ({}){phase}", call.plugin, call.action)
        }
    }
}

fn verb(phase: Phase) -> &'static str {
    match phase {
        Phase::Down => "press",
        Phase::Up => "release",
        Phase::Tap => "tap",
    }
}

fn button_name(button: MouseButton) -> &'static str {
    match button {
        MouseButton::Left => "left",
        MouseButton::Middle => "middle",
        MouseButton::Right => "right",
        MouseButton::Back => "back",
        MouseButton::Forward => "forward",
    }
}

fn media(key: MediaKey) -> &'static str {
    match key {
        MediaKey::PlayPause => "play/pause",
        MediaKey::Play => "play",
        MediaKey::Pause => "pause",
        MediaKey::Stop => "stop",
        MediaKey::Next => "next",
        MediaKey::Previous => "previous",
    }
}

/// A text in quotes, cut where it gets too long for a line.
fn quoted(text: &str) -> String {
    const SHOWN_CHARACTERS: usize = 40;
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

fn receiver(to: Option<DeviceId>, names: &Names) -> String {
    to.map_or_else(|| "Padgate Out".to_owned(), |device| names.devices.name(device).to_owned())
}

fn output(target: TargetId, names: &Names) -> String {
    match names.targets.name(target) {
        "" => "the default output".to_owned(),
        name => format!("\"{name}\""),
    }
}

/// What a hand did, at the beginning of an explanation.
#[must_use]
pub fn press(device: DeviceId, message: &Message, names: &Names) -> String {
    let device = names.devices.name(device);
    match *message {
        Message::NoteOn { channel, note, velocity } => {
            format!(
                "you pressed {} (ch {}) on {device} with velocity {velocity}",
                note::name(note),
                channel.human()
            )
        }
        Message::ControlChange { channel, controller, value } => {
            format!("cc {controller} (ch {}) on {device} went to {value}", channel.human())
        }
        other => format!("{device} sent {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{quoted, span};
    use std::time::Duration;

    #[test]
    fn spans_have_three_digits_at_most() {
        let cases = [
            (0, "0 µs"),
            (840, "0.84 µs"),
            (12_345, "12.3 µs"),
            (999_999, "1000 µs"),
            (300_000_000, "300 ms"),
            (2_100_000_000, "2.1 s"),
            (300_000_000_000, "5 min"),
            (7_200_000_000_000, "2 h"),
        ];
        for (nanos, text) in cases {
            assert_eq!(span(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(quoted("Grüße\n"), "\"Grüße\\n\"");
        assert_eq!(quoted(&"é".repeat(50)), format!("\"{}\"…", "é".repeat(40)));
    }
}
