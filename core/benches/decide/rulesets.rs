//! Rulesets of any size, spread as people spread theirs: for the benchmark and the allocation guard.

use std::sync::Arc;
use std::time::Duration;

use padgate_core::engine::Control;
use padgate_core::ids::{DeviceId, ModeId, Names};
use padgate_core::midi::Channel;
use padgate_core::ruleset::action::{Amount, Hold, Level, MidiSend, PluginCall};
use padgate_core::ruleset::keys::parse_chord;
use padgate_core::ruleset::trigger::{ControlKind, Direction, Edge, MoveFilter, Selector};
use padgate_core::ruleset::{
    Action, Again, Condition, Device, DevicePorts, Gesture, Mapping, Origin, Program, Ruleset, Shape, Step,
    Takeover, Trigger,
};

/// How mappings are spread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spread {
    /// Over devices, channels and notes, with faders, holds, taps and chords among them.
    Wide,
    /// As many modes as it takes on the same 100 pads: each pad has a mapping in every mode.
    Modes,
}

/// The pads that [`Spread::Modes`] uses over and over.
const PADS: usize = 100;
/// Pads of one device and channel that [`Spread::Wide`] uses; the others are unmapped.
const NOTES: usize = 96;

/// A ruleset, and controls of it to play.
pub(crate) struct Played {
    pub(crate) rules: Arc<Ruleset>,
    /// Pads with one plain mapping that applies.
    pub(crate) pads: Vec<Control>,
    /// Faders that move something.
    pub(crate) faders: Vec<Control>,
    /// Pads that nothing maps, or nothing in an active mode.
    pub(crate) silent: Vec<Control>,
}

/// A ruleset of about `size` mappings.
pub(crate) fn ruleset(size: usize, spread: Spread) -> Played {
    let mut played = match spread {
        Spread::Wide => wide(size),
        Spread::Modes => modes(size),
    };
    let rules = Arc::get_mut(&mut played.rules).expect("nobody else has it yet");
    let device_count = rules.names.devices.len();
    rules.devices = (0..device_count)
        .map(|id| Device {
            id: DeviceId::new(id as u32),
            ports: DevicePorts::default(),
            controls: Vec::new(),
            echo: Duration::ZERO,
        })
        .collect();
    played
}

fn wide(size: usize) -> Played {
    let mut maker = Maker::default();
    let (mut pads, mut faders, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    for place in 0..size {
        let (page, within) = (place / NOTES, (place % NOTES) as u8);
        let (device, channel) = (page / 16, Channel::from_wire((page % 16) as u8));
        let device = maker.device(device);
        let control = |kind, number| Control { device, kind, channel, number };
        match within % 12 {
            // A fader.
            9 => {
                let fader = control(ControlKind::Controller, within);
                maker.add(None, movement(selector(fader)), volume());
                faders.push(fader);
            }
            // The pad before it, held.
            10 => {
                let pad = selector(control(ControlKind::Note, within - 2));
                pads.retain(|known: &Control| !pad_is(known, &pad));
                maker.add(None, press(pad, Gesture::Hold(Duration::from_millis(400))), keys());
            }
            // Two pads before it together.
            11 => {
                let controls =
                    [within - 5, within - 4].map(|note| selector(control(ControlKind::Note, note)));
                pads.retain(|known| !controls.iter().any(|pad| pad_is(known, pad)));
                let within = Duration::from_millis(40);
                maker.add(None, Trigger::Chord { controls: controls.to_vec(), within }, keys());
            }
            other => {
                let pad = control(ControlKind::Note, within);
                let action = match other {
                    0..4 => keys(),
                    4 => call(),
                    _ => note(),
                };
                maker.add(None, press(selector(pad), Gesture::Press), action);
                pads.push(pad);
            }
        }
        if within == 0 {
            silent.extend((NOTES as u8..127).map(|note| control(ControlKind::Note, note)));
        }
    }
    Played { rules: maker.rules(), pads, faders, silent }
}

fn pad_is(control: &Control, pad: &Selector) -> bool {
    Some(control.number) == pad.number
        && Some(control.device) == pad.device
        && Some(control.channel) == pad.channel
}

fn modes(size: usize) -> Played {
    let mut maker = Maker::default();
    let device = maker.device(0);
    let channel = Channel::from_wire(0);
    let pad = |number| Control { device, kind: ControlKind::Note, channel, number };
    let fader = |number| Control { device, kind: ControlKind::Controller, channel, number };
    let mode_count = size.div_ceil(PADS).max(1);
    // The mode in which the engine starts comes last in the file: the most to look through.
    for mode in (0..mode_count).rev() {
        let id = maker.mode(mode);
        for number in 0..(size / mode_count) as u8 {
            // The highest pads are not mapped in the start mode.
            if number % 10 == 9 && mode == 0 {
                continue;
            }
            let (trigger, program) = if number % 10 == 8 {
                (movement(any_channel(fader(number))), volume())
            } else {
                (press(any_channel(pad(number)), Gesture::Press), keys())
            };
            maker.add(Some(id), trigger, program);
        }
    }
    let numbers = || 0..(size / mode_count) as u8;
    Played {
        rules: maker.rules(),
        pads: numbers().filter(|number| number % 10 < 8).map(pad).collect(),
        faders: numbers().filter(|number| number % 10 == 8).map(fader).collect(),
        silent: numbers().filter(|number| number % 10 == 9).map(pad).collect(),
    }
}

fn selector(control: Control) -> Selector {
    let Control { device, kind, channel, number } = control;
    Selector { device: Some(device), channel: Some(channel), kind, number: Some(number) }
}

fn any_channel(control: Control) -> Selector {
    Selector { channel: None, ..selector(control) }
}

fn press(control: Selector, gesture: Gesture) -> Trigger {
    Trigger::Press { control, gesture, velocity: 1..=127 }
}

fn movement(control: Selector) -> Trigger {
    let filter = MoveFilter { range: 0..=127, edge: Edge::Every, direction: Direction::Both };
    Trigger::Move { control, filter }
}

fn keys() -> Action {
    let chord = parse_chord("ctrl+shift+a").expect("three keys");
    Action::Keys { chord, hold: Hold::WhileHeld }
}

fn note() -> Action {
    let channel = Channel::from_wire(0);
    let send = MidiSend::Note { channel, note: None, velocity: Amount::Value, hold: Hold::WhileHeld };
    Action::Midi { to: None, send }
}

fn call() -> Action {
    let parameters = "{\"method\":\"POST\",\"url\":\"http://localhost:8080/scene/2\"}";
    let call =
        PluginCall { plugin: "http-request".into(), action: "request".into(), parameters: parameters.into() };
    Action::Plugin { call: Arc::new(call), hold: Hold::WhileHeld }
}

fn volume() -> Action {
    Action::Volume { target: padgate_core::ids::TargetId::new(0), level: Level::Value }
}

#[derive(Default)]
struct Maker {
    rules: Ruleset,
}

impl Maker {
    fn device(&mut self, number: usize) -> DeviceId {
        self.rules.names.devices.intern(&format!("device {number}"))
    }

    fn mode(&mut self, number: usize) -> ModeId {
        match number {
            0 => ModeId::new(0),
            _ => self.rules.names.modes.intern(&format!("mode {number}")),
        }
    }

    fn add(&mut self, mode: Option<ModeId>, trigger: Trigger, action: Action) {
        let place = self.rules.mappings.len();
        self.rules.mappings.push(Arc::new(Mapping {
            name: format!("mapping {place}"),
            origin: Origin { file: "config.toml".into(), line: 5 * place as u32 + 1 },
            mode,
            trigger,
            when: Condition::Always,
            shape: Shape::default(),
            takeover: Takeover::Jump,
            program: Arc::new(Program { steps: vec![Step::Do(action)] }),
            again: Again::Restart,
        }));
    }

    fn rules(self) -> Arc<Ruleset> {
        debug_assert!(self.rules.names.devices.len() > Names::default().devices.len(), "it has a device");
        Arc::new(self.rules)
    }
}
