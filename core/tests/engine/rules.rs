//! Makes rulesets in code, in a line per mapping.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use padgate_core::ids::{DeviceId, ModeId, Names, ProgramId, TargetId, VariableId};
use padgate_core::midi::{Channel, SysexPattern};
use padgate_core::ruleset::action::{
    Amount, Assignment, Hold, Level, MidiSend, ModeChange, MouseButton, PluginCall, Times,
};
use padgate_core::ruleset::keys::parse_chord;
use padgate_core::ruleset::trigger::{
    ControlKind, Direction, Edge, Encoder, Encoding, MoveFilter, Realtime, Selector,
};
use padgate_core::ruleset::{
    Action, Again, Condition, Device, DevicePorts, Gesture, Mapping, Origin, PortPattern, Program, Ruleset,
    Shape, Step, Takeover, Trigger, Value,
};

pub(crate) const PADS: DeviceId = DeviceId::new(1);
pub(crate) const KEYS: DeviceId = DeviceId::new(2);
pub(crate) const SYNTH: DeviceId = DeviceId::new(3);
pub(crate) const MODE_A: ModeId = ModeId::new(1);
pub(crate) const MODE_B: ModeId = ModeId::new(2);
pub(crate) const X: VariableId = VariableId::new(0);
pub(crate) const Y: VariableId = VariableId::new(1);
pub(crate) const OBS: ProgramId = ProgramId::new(0);
pub(crate) const DEFAULT_OUTPUT: TargetId = TargetId::new(0);

/// Steps of a program; the helpers below give one or several.
pub(crate) type Steps = Vec<Step>;

pub(crate) fn names() -> Names {
    let mut names = Names::default();
    for device in ["pads", "keys", "synth"] {
        names.devices.intern(device);
    }
    for mode in ["a", "b", "c"] {
        names.modes.intern(mode);
    }
    for variable in ["x", "y"] {
        names.variables.intern(variable);
    }
    names.programs.intern("obs");
    names
}

/// A ruleset with the devices `pads`, `keys` (with echo guard) and `synth` and these mappings.
pub(crate) fn rules(maps: impl IntoIterator<Item = Map>) -> Ruleset {
    let device = |id, echo| Device {
        id,
        ports: DevicePorts { output: Some(PortPattern("*".into())), ..DevicePorts::default() },
        echo,
        controls: Vec::new(),
    };
    Ruleset {
        names: names(),
        devices: vec![
            device(DeviceId::new(0), Duration::ZERO),
            device(PADS, Duration::ZERO),
            device(KEYS, ms(20)),
            device(SYNTH, Duration::ZERO),
        ],
        mappings: maps.into_iter().map(|map| Arc::new(map.0)).collect(),
        ..Ruleset::default()
    }
}

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A mapping in the making. Types its name, unless told otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Map(pub(crate) Mapping);

pub(crate) fn control(kind: ControlKind, number: u8) -> Selector {
    Selector { device: Some(PADS), channel: None, kind, number: Some(number) }
}

pub(crate) fn pad(number: u8) -> Selector {
    control(ControlKind::Note, number)
}

pub(crate) fn map(name: &str, trigger: Trigger) -> Map {
    Map(Mapping {
        name: name.into(),
        origin: Origin::default(),
        mode: None,
        trigger,
        when: Condition::Always,
        shape: Shape::default(),
        takeover: Takeover::Jump,
        program: Arc::new(Program { steps: text(name) }),
        again: Again::Restart,
    })
}

fn gesture(name: &str, note: u8, gesture: Gesture) -> Map {
    map(name, Trigger::Press { control: pad(note), gesture, velocity: 1..=127 })
}

pub(crate) fn press(note: u8) -> Map {
    gesture("press", note, Gesture::Press)
}

pub(crate) fn release(note: u8) -> Map {
    gesture("release", note, Gesture::Release)
}

pub(crate) fn hold(note: u8, after: u64) -> Map {
    gesture("hold", note, Gesture::Hold(ms(after)))
}

pub(crate) fn short(note: u8, below: u64) -> Map {
    gesture("short", note, Gesture::Short(ms(below)))
}

pub(crate) fn long(note: u8, from: u64) -> Map {
    gesture("long", note, Gesture::Long(ms(from)))
}

/// With a window of 300 ms.
pub(crate) fn taps(note: u8, count: u8) -> Map {
    gesture(&format!("taps{count}"), note, Gesture::Taps { count, window: ms(300) })
}

pub(crate) fn chord(name: &str, notes: &[u8], within: u64) -> Map {
    map(name, Trigger::Chord { controls: notes.iter().copied().map(pad).collect(), within: ms(within) })
}

pub(crate) fn sequence(name: &str, notes: &[u8], within: u64) -> Map {
    map(name, Trigger::Sequence { controls: notes.iter().copied().map(pad).collect(), within: ms(within) })
}

pub(crate) fn cc_press(controller: u8) -> Map {
    let control = control(ControlKind::Controller, controller);
    map("press", Trigger::Press { control, gesture: Gesture::Press, velocity: 1..=127 })
}

fn movement(name: &str, control: Selector, max: u16) -> Map {
    let filter = MoveFilter { range: 0..=max, edge: Edge::Every, direction: Direction::Both };
    map(name, Trigger::Move { control, filter }).does(&[send_value(20)])
}

/// Sends its value on as CC 20.
pub(crate) fn cc(controller: u8) -> Map {
    movement("cc", control(ControlKind::Controller, controller), 127)
}

/// Sends its value on as pitch bend.
pub(crate) fn cc14(controller: u8) -> Map {
    movement("cc14", control(ControlKind::Controller14, controller), 16383).does(&[send_bend()])
}

pub(crate) fn bend() -> Map {
    movement("bend", control(ControlKind::Bend, 0), 16383).does(&[send_bend()])
}

pub(crate) fn channel_pressure() -> Map {
    movement("pressure", control(ControlKind::ChannelPressure, 0), 127)
}

pub(crate) fn key_pressure(note: u8) -> Map {
    movement("pressure", control(ControlKind::PolyPressure, note), 127)
}

/// Scrolls.
pub(crate) fn turn(controller: u8, encoding: Encoding) -> Map {
    let encoder = Encoder { encoding, invert: false, divide: 1, accelerate: true };
    let control = control(ControlKind::Controller, controller);
    map("turn", Trigger::Turn { control, encoder, direction: Direction::Both })
        .does(&[vec![Step::Do(Action::Scroll { horizontal: 0, vertical: 1 })]])
}

pub(crate) fn program(number: Option<u8>) -> Map {
    let control = Selector { number, ..control(ControlKind::Program, 0) };
    map("program", Trigger::Program { control })
}

pub(crate) fn sysex(pattern: &str) -> Map {
    let pattern = Arc::new(SysexPattern::parse(pattern).expect("a well-formed script"));
    map("sysex", Trigger::Sysex { device: Some(PADS), pattern })
}

pub(crate) fn realtime(message: Realtime) -> Map {
    map("realtime", Trigger::Realtime { device: None, message })
}

impl Map {
    pub(crate) fn named(mut self, name: &str) -> Map {
        self.0.name = name.into();
        self.does(&[text(name)])
    }

    pub(crate) fn does(mut self, steps: &[Steps]) -> Map {
        self.0.program = Arc::new(Program { steps: steps.concat() });
        self
    }

    pub(crate) fn mode(mut self, mode: ModeId) -> Map {
        self.0.mode = Some(mode);
        self
    }

    pub(crate) fn when(mut self, condition: Condition) -> Map {
        self.0.when = condition;
        self
    }

    pub(crate) fn again(mut self, again: Again) -> Map {
        self.0.again = again;
        self
    }

    pub(crate) fn shape(mut self, shape: Shape) -> Map {
        self.0.shape = shape;
        self
    }

    pub(crate) fn pickup(mut self) -> Map {
        self.0.takeover = Takeover::Pickup;
        self
    }

    pub(crate) fn velocity(mut self, zone: RangeInclusive<u8>) -> Map {
        let Trigger::Press { velocity, .. } = &mut self.0.trigger else { panic!("no press") };
        *velocity = zone;
        self
    }

    /// Changes the selectors of the trigger.
    pub(crate) fn select(mut self, change: impl Fn(&mut Selector)) -> Map {
        match &mut self.0.trigger {
            Trigger::Press { control, .. }
            | Trigger::Move { control, .. }
            | Trigger::Turn { control, .. }
            | Trigger::Program { control } => change(control),
            Trigger::Chord { controls, .. } | Trigger::Sequence { controls, .. } => {
                controls.iter_mut().for_each(change);
            }
            Trigger::Sysex { .. } | Trigger::Realtime { .. } => panic!("no selector"),
        }
        self
    }

    pub(crate) fn filter(mut self, change: impl FnOnce(&mut MoveFilter)) -> Map {
        let Trigger::Move { filter, .. } = &mut self.0.trigger else { panic!("no movement") };
        change(filter);
        self
    }

    pub(crate) fn encoder(mut self, change: impl FnOnce(&mut Encoder, &mut Direction)) -> Map {
        let Trigger::Turn { encoder, direction, .. } = &mut self.0.trigger else { panic!("no encoder") };
        change(encoder, direction);
        self
    }
}

pub(crate) fn text(text: &str) -> Steps {
    vec![Step::Do(Action::Text(text.into()))]
}

/// Held as long as the control.
pub(crate) fn key(chord: &str) -> Steps {
    vec![Step::Do(Action::Keys {
        chord: parse_chord(chord).expect("a well-formed script"),
        hold: Hold::WhileHeld,
    })]
}

pub(crate) fn key_tap(chord: &str) -> Steps {
    vec![Step::Do(Action::Keys { chord: parse_chord(chord).expect("a well-formed script"), hold: Hold::Tap })]
}

pub(crate) fn button(hold: Hold) -> Steps {
    vec![Step::Do(Action::Button { button: MouseButton::Left, hold, clicks: 1 })]
}

/// An action `action` of the plugin `lamp`.
pub(crate) fn call(action: &str, hold: Hold) -> Steps {
    let call = PluginCall { plugin: "lamp".into(), action: action.into(), parameters: "{}".into() };
    vec![Step::Do(Action::Plugin { call: Arc::new(call), hold })]
}

pub(crate) fn midi(to: Option<DeviceId>, send: MidiSend) -> Steps {
    vec![Step::Do(Action::Midi { to, send })]
}

/// Held as long as the control; on the virtual output.
pub(crate) fn note(note: u8) -> Steps {
    note_to(None, note, Hold::WhileHeld)
}

pub(crate) fn note_to(to: Option<DeviceId>, note: u8, hold: Hold) -> Steps {
    let channel = Channel::from_wire(0);
    midi(to, MidiSend::Note { channel, note: Some(note), velocity: Amount::Value, hold })
}

pub(crate) fn send_value(controller: u8) -> Steps {
    midi(None, MidiSend::Controller { channel: Channel::from_wire(0), controller, value: Amount::Value })
}

pub(crate) fn send_bend() -> Steps {
    midi(None, MidiSend::Bend { channel: Channel::from_wire(0), value: Amount::Value })
}

pub(crate) fn same() -> Steps {
    midi(None, MidiSend::Same { channel: None })
}

pub(crate) fn volume(level: Level) -> Steps {
    vec![Step::Do(Action::Volume { target: DEFAULT_OUTPUT, level })]
}

pub(crate) fn mode(change: ModeChange) -> Steps {
    vec![Step::Do(Action::Mode(change))]
}

pub(crate) fn set(variable: VariableId, assignment: Assignment) -> Steps {
    vec![Step::Do(Action::Set(variable, assignment))]
}

pub(crate) fn set_number(variable: VariableId, number: f64) -> Steps {
    set(variable, Assignment::To(Value::Number(number)))
}

pub(crate) fn panic_all() -> Steps {
    vec![Step::Do(Action::Panic)]
}

pub(crate) fn wait(milliseconds: u64) -> Steps {
    vec![Step::Wait(ms(milliseconds))]
}

pub(crate) fn repeat(times: u32, every: u64, body: &[Steps]) -> Steps {
    block(Times::Count(times), every, body)
}

pub(crate) fn repeat_held(every: u64, body: &[Steps]) -> Steps {
    block(Times::WhileHeld, every, body)
}

fn block(times: Times, every: u64, body: &[Steps]) -> Steps {
    let body = body.concat();
    let mut steps = vec![Step::Repeat { times, every: ms(every), body: body.len() as u32 }];
    steps.extend(body);
    steps
}

pub(crate) fn choose(condition: Condition, then: &[Steps], otherwise: &[Steps]) -> Steps {
    let (then, otherwise) = (then.concat(), otherwise.concat());
    let condition = Arc::new(condition);
    let mut steps = vec![Step::If { condition, then: then.len() as u32, otherwise: otherwise.len() as u32 }];
    steps.extend(then);
    steps.extend(otherwise);
    steps
}
