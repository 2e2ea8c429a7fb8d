//! What a trigger and an action are, in a few words: names for mappings that have none.

use std::fmt::Write as _;
use std::time::Duration;

use crate::ids::{DeviceId, Names};
use crate::midi::{Channel, note};
use crate::ruleset::action::{
    Action, Assignment, Hold, Level, MediaKey, MidiSend, ModeChange, PointerMove, Program, Step, Switch,
};
use crate::ruleset::trigger::{
    ControlKind, Direction, Edge, Gesture, MoveFilter, Realtime, Selector, Trigger,
};

/// The longest text that is quoted, in characters.
const QUOTE_CHARS_MAX: usize = 24;

/// A trigger in a few words: `pads C1 hold 400ms`. `control` is the name of its control, if it has one.
#[must_use]
pub fn trigger(trigger: &Trigger, control: Option<&str>, names: &Names) -> String {
    let one = |selector: &Selector| selector_text(selector, control, names);
    match trigger {
        Trigger::Press { control, gesture, velocity } => {
            let mut text = one(control);
            match gesture {
                Gesture::Press => {}
                Gesture::Release => text.push_str(" release"),
                Gesture::Hold(length) => _ = write!(text, " hold {}", span(*length)),
                Gesture::Short(length) => _ = write!(text, " shorter than {}", span(*length)),
                Gesture::Long(length) => _ = write!(text, " longer than {}", span(*length)),
                Gesture::Taps { count, .. } => _ = write!(text, " {count} taps"),
            }
            if *velocity != (1..=127) {
                let _ = write!(text, " velocity {}-{}", velocity.start(), velocity.end());
            }
            text
        }
        Trigger::Chord { controls, .. } => joined(controls, "+", names),
        Trigger::Sequence { controls, .. } => joined(controls, " then ", names),
        Trigger::Move { control, filter } => one(control) + &filter_text(filter),
        Trigger::Turn { control, direction, .. } => {
            format!("{} turn{}", one(control), direction_text(*direction))
        }
        Trigger::Program { control } => one(control),
        Trigger::Sysex { device, .. } => device_text(*device, names) + "System Exclusive",
        Trigger::Realtime { device, message } => device_text(*device, names) + realtime_text(*message),
    }
}

fn device_text(device: Option<DeviceId>, names: &Names) -> String {
    device.map(|device| format!("{} ", names.devices.name(device))).unwrap_or_default()
}

fn selector_text(selector: &Selector, control: Option<&str>, names: &Names) -> String {
    let device = device_text(selector.device, names);
    match control {
        Some(control) => device + control,
        None => device + &control_text(selector),
    }
}

/// The device once, if it is the same for all.
fn joined(controls: &[Selector], separator: &str, names: &Names) -> String {
    let device = controls.first().and_then(|first| first.device);
    if controls.iter().all(|control| control.device == device) {
        let controls: Vec<String> = controls.iter().map(control_text).collect();
        device_text(device, names) + &controls.join(separator)
    } else {
        let controls: Vec<String> =
            controls.iter().map(|control| selector_text(control, None, names)).collect();
        controls.join(separator)
    }
}

fn control_text(selector: &Selector) -> String {
    let number = selector.number;
    let mut text = match (selector.kind, number) {
        (ControlKind::Note, Some(number)) => note::name(number).to_string(),
        (ControlKind::Note, None) => "any note".to_owned(),
        (ControlKind::Controller, _) => format!("cc {}", number.unwrap_or(0)),
        (ControlKind::Controller14, _) => format!("cc14 {}", number.unwrap_or(0)),
        (ControlKind::Bend, _) => "bend".to_owned(),
        (ControlKind::PolyPressure, _) => format!("pressure {}", note::name(number.unwrap_or(0))),
        (ControlKind::ChannelPressure, _) => "pressure".to_owned(),
        (ControlKind::Program, Some(number)) => format!("program {number}"),
        (ControlKind::Program, None) => "any program".to_owned(),
    };
    if let Some(channel) = selector.channel {
        let _ = write!(text, " ch {}", channel.human());
    }
    text
}

fn filter_text(filter: &MoveFilter) -> String {
    let whole = *filter.range.start() == 0 && matches!(filter.range.end(), 127 | 16383);
    let mut text = String::new();
    if filter.edge == Edge::Enter {
        let _ = write!(text, " into {}-{}", filter.range.start(), filter.range.end());
    } else if !whole {
        let _ = write!(text, " {}-{}", filter.range.start(), filter.range.end());
    }
    text + direction_text(filter.direction)
}

fn direction_text(direction: Direction) -> &'static str {
    match direction {
        Direction::Both => "",
        Direction::Up => " up",
        Direction::Down => " down",
    }
}

fn realtime_text(message: Realtime) -> &'static str {
    match message {
        Realtime::Clock => "clock",
        Realtime::Start => "start",
        Realtime::Continue => "continue",
        Realtime::Stop => "stop",
        Realtime::Reset => "reset",
    }
}

/// An action in a few words: `key ctrl+r`, and how many more steps there are.
#[must_use]
pub fn program(program: &Program, names: &Names) -> String {
    // A wait at the front says less than what comes after it.
    let telling = program.steps.iter().position(|step| !matches!(step, Step::Wait(_)));
    let Some(first) = telling.or((!program.steps.is_empty()).then_some(0)) else {
        return "nothing".to_owned();
    };
    match &program.steps[first] {
        Step::Repeat { .. } => format!("repeat {}", inner(program, first + 1, names)),
        Step::If { .. } => format!("if … {}", inner(program, first + 1, names)),
        step if program.steps.len() > 1 => format!("{}, …", step_text(step, names)),
        step => step_text(step, names),
    }
}

fn inner(program: &Program, from: usize, names: &Names) -> String {
    program.steps.get(from).map_or("nothing".to_owned(), |step| format!("{}, …", step_text(step, names)))
}

fn step_text(step: &Step, names: &Names) -> String {
    match step {
        Step::Do(action) => action_text(action, names),
        Step::Wait(length) => format!("wait {}", span(*length)),
        Step::Repeat { .. } => "repeat".to_owned(),
        Step::If { .. } => "if".to_owned(),
    }
}

fn action_text(action: &Action, names: &Names) -> String {
    match action {
        Action::Keys { chord, .. } => {
            let keys: Vec<String> = chord.iter().map(ToString::to_string).collect();
            format!("key {}", keys.join("+"))
        }
        Action::Text(text) => format!("text {}", quoted(text)),
        Action::Button { button, hold, clicks } => {
            let what = if *hold == Hold::WhileHeld { "hold" } else { "click" };
            let button = format!("{button:?}").to_lowercase();
            if *clicks > 1 { format!("{clicks} {button} clicks") } else { format!("{what} {button}") }
        }
        Action::Pointer(PointerMove::By(x, y)) => format!("move the pointer by {x}, {y}"),
        Action::Pointer(PointerMove::To(x, y)) => format!("move the pointer to {x}, {y}"),
        Action::Scroll { .. } => "scroll".to_owned(),
        Action::Run(launch) => format!("run {}", quoted_plain(&launch.program)),
        Action::Shell(line) => format!("shell {}", quoted(line)),
        Action::Open(what) => format!("open {}", quoted_plain(what)),
        Action::Midi { to, send } => {
            let to = to.map(|to| format!(" to {}", names.devices.name(to))).unwrap_or_default();
            format!("send {}{to}", send_text(send))
        }
        Action::Volume { target, level } => {
            let level = match level {
                Level::Value => String::new(),
                Level::Fixed(share) => format!(" {:.0}%", share * 100.0),
                Level::Change(share) => format!(" {:+.0}%", share * 100.0),
            };
            format!("volume{level}{}", of_target(names.targets.name(*target)))
        }
        Action::Mute { target, switch } => {
            let what = match switch {
                Switch::On => "mute",
                Switch::Off => "unmute",
                Switch::Toggle => "toggle mute",
            };
            format!("{what}{}", of_target(names.targets.name(*target)))
        }
        Action::Media(key) => media_text(*key).to_owned(),
        Action::Notify(notice) => format!("notify {}", quoted(&notice.body)),
        Action::Plugin { call, .. } if call.action.is_empty() => call.plugin.to_string(),
        Action::Plugin { call, .. } => format!("{} {}", call.plugin, call.action),
        Action::Mode(change) => mode_text(*change, names),
        Action::Set(variable, assignment) => {
            let name = names.variables.name(*variable);
            match assignment {
                Assignment::To(value) => format!("set {name} = {value}"),
                Assignment::Input => format!("set {name}"),
                Assignment::Toggle => format!("toggle {name}"),
                Assignment::Add(number) => format!("add {number} to {name}"),
            }
        }
        Action::Panic => "panic".to_owned(),
    }
}

fn send_text(send: &MidiSend) -> String {
    let on = |channel: &Channel| format!("ch {}", channel.human());
    match send {
        MidiSend::Note { channel, note: Some(number), .. } => {
            format!("note {} {}", note::name(*number), on(channel))
        }
        MidiSend::Note { channel, note: None, .. } => format!("the note {}", on(channel)),
        MidiSend::Controller { channel, controller, .. } => format!("cc {controller} {}", on(channel)),
        MidiSend::Controller14 { channel, controller, .. } => format!("cc14 {controller} {}", on(channel)),
        MidiSend::Program { channel, .. } => format!("program {}", on(channel)),
        MidiSend::Bend { channel, .. } => format!("bend {}", on(channel)),
        MidiSend::Pressure { channel, .. } => format!("pressure {}", on(channel)),
        MidiSend::Message(message) => message.to_string(),
        MidiSend::Sysex(_) => "System Exclusive".to_owned(),
        MidiSend::Same { channel: None } => "the same".to_owned(),
        MidiSend::Same { channel: Some(channel) } => format!("the same {}", on(channel)),
    }
}

fn media_text(key: MediaKey) -> &'static str {
    match key {
        MediaKey::PlayPause => "play/pause",
        MediaKey::Play => "play",
        MediaKey::Pause => "pause",
        MediaKey::Stop => "stop",
        MediaKey::Next => "next track",
        MediaKey::Previous => "previous track",
    }
}

fn mode_text(change: ModeChange, names: &Names) -> String {
    match change {
        ModeChange::Switch(mode) => format!("mode {}", names.modes.name(mode)),
        ModeChange::Push(mode) => format!("push mode {}", names.modes.name(mode)),
        ModeChange::Pop => "pop mode".to_owned(),
        ModeChange::Toggle(mode) => format!("toggle mode {}", names.modes.name(mode)),
        ModeChange::Hold(mode) => format!("hold mode {}", names.modes.name(mode)),
    }
}

fn of_target(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" of {name}") }
}

/// A duration as configurations write it, in the largest unit that leaves no fraction of a millisecond out.
fn span(length: Duration) -> String {
    let ms = length.as_millis();
    if ms >= 1000 { format!("{}s", length.as_secs_f64()) } else { format!("{ms}ms") }
}

fn quoted(text: &str) -> String {
    format!("{:?}", quoted_plain(text))
}

fn quoted_plain(text: &str) -> String {
    match text.char_indices().nth(QUOTE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
