//! From a message to the part of the engine that it concerns.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::index::{Group, Index};
use super::io::{Context, Control, Output, PassReason, Trace};
use super::places::Places;
use super::press::Press;
use super::touch::Touch;
use crate::ids::DeviceId;
use crate::midi::Message;
use crate::ruleset::Mapping;
use crate::ruleset::trigger::{ControlKind, Realtime, Trigger};
use crate::time::Time;

/// A controller that is used as a button is down from this value up, as the specification says of switches.
const BUTTON_DOWN: u8 = 64;

impl Engine {
    pub(super) fn message(&mut self, device: DeviceId, message: Message, now: Time, out: &mut Vec<Output>) {
        let window = self.index.echo_window(device);
        if !window.is_zero()
            && !self.lets_go(device, message)
            && self.world.is_echo(device, message, window, now)
        {
            out.push(Output::Trace(Trace::Echo { device }));
            return;
        }
        let index = Arc::clone(&self.index);
        let control = |kind, channel, number| Control { device, kind, channel, number };
        match message {
            Message::NoteOn { channel, note, velocity } => {
                let control = control(ControlKind::Note, channel, note);
                let press = Press { control, velocity, message: Some(message), at: now };
                self.press(&index, press, now, out);
            }
            Message::NoteOff { channel, note, .. } => {
                self.release(&index, control(ControlKind::Note, channel, note), now, out);
            }
            Message::ControlChange { channel, controller, value } => {
                let control = control(ControlKind::Controller, channel, controller);
                self.control_change(&index, control, message, value, now, out);
            }
            Message::PolyPressure { channel, note, pressure } => {
                let control = control(ControlKind::PolyPressure, channel, note);
                self.moved(&index, control, message, u16::from(pressure), now, out);
            }
            Message::ChannelPressure { channel, pressure } => {
                let control = control(ControlKind::ChannelPressure, channel, 0);
                self.moved(&index, control, message, u16::from(pressure), now, out);
            }
            Message::PitchBend { channel, value } => {
                let control = control(ControlKind::Bend, channel, 0);
                self.moved(&index, control, message, value, now, out);
            }
            Message::ProgramChange { channel, program } => {
                let control = control(ControlKind::Program, channel, program);
                self.program(&index, control, message, now, out);
            }
            Message::Clock => self.realtime(&index, device, Realtime::Clock, message, now, out),
            Message::Start => self.realtime(&index, device, Realtime::Start, message, now, out),
            Message::Continue => self.realtime(&index, device, Realtime::Continue, message, now, out),
            Message::Stop => self.realtime(&index, device, Realtime::Stop, message, now, out),
            Message::Reset => self.realtime(&index, device, Realtime::Reset, message, now, out),
            Message::TimeCode(_)
            | Message::SongPosition(_)
            | Message::SongSelect(_)
            | Message::TuneRequest
            | Message::ActiveSensing => {}
        }
    }

    /// Whether the message releases a control that is down. That is never taken for an echo: better a pad
    /// that comes up too early than one that stays down.
    fn lets_go(&self, device: DeviceId, message: Message) -> bool {
        let (kind, channel, number) = match message {
            Message::NoteOff { channel, note, .. } => (ControlKind::Note, channel, note),
            Message::ControlChange { channel, controller, value } if value < BUTTON_DOWN => {
                (ControlKind::Controller, channel, controller)
            }
            _ => return false,
        };
        self.is_control_down(Control { device, kind, channel, number })
    }

    fn control_change(
        &mut self,
        index: &Index,
        control: Control,
        message: Message,
        value: u8,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        // All sound off, all notes off, and the modes that imply it: the controller says that no key is down.
        if matches!(control.number, 120 | 123..=127) {
            self.release_notes(control, now, out);
        }
        self.controller14(index, control, message, value, now, out);
        // A button that is down goes up even if the rules have been replaced by some without it.
        if value < BUTTON_DOWN {
            self.release(index, control, now, out);
        } else if index.group(control).is_some_and(Group::can_be_pressed) && !self.is_control_down(control) {
            let press = Press { control, velocity: value, message: Some(message), at: now };
            self.press(index, press, now, out);
        }
        let is_half = control.number < 64
            && index.group(control).is_none()
            && index
                .group(Control { kind: ControlKind::Controller14, number: control.number & 31, ..control })
                .is_some();
        if !is_half {
            self.moved(index, control, message, u16::from(value), now, out);
        }
    }

    /// A control went up.
    fn release(&mut self, index: &Index, control: Control, now: Time, out: &mut Vec<Output>) {
        self.settle_control(index, control, now, out);
        self.release_control(control, now, out);
    }

    fn is_control_down(&self, control: Control) -> bool {
        let is_down = |touch: &Touch| touch.control == control && touch.released_at.is_none();
        self.withheld.holds(control) || self.touches.iter().any(is_down)
    }

    fn release_notes(&mut self, like: Control, now: Time, out: &mut Vec<Output>) {
        let index = Arc::clone(&self.index);
        for number in 0..128 {
            let note = Control { kind: ControlKind::Note, number, ..like };
            if self.is_control_down(note) {
                self.release(&index, note, now, out);
            }
        }
    }

    fn program(
        &mut self,
        index: &Index,
        control: Control,
        message: Message,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let none = Places::default();
        let places = index.group(control).map_or(&none, |group| &group.programs);
        let raw = u16::from(control.number);
        let source = Source { control: Some(control), message: Some(message), raw, sysex: None };
        self.fire_first(index, places, |_| true, source, now, out);
    }

    fn realtime(
        &mut self,
        index: &Index,
        device: DeviceId,
        realtime: Realtime,
        message: Message,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let wanted = |trigger: &Trigger| {
            matches!(trigger, Trigger::Realtime { device: from, message }
                if *message == realtime && from.is_none_or(|from| from == device))
        };
        let source = Source { control: None, message: Some(message), raw: 0, sysex: None };
        self.fire_first(index, index.realtime(), wanted, source, now, out);
    }

    pub(super) fn sysex(&mut self, device: DeviceId, bytes: &[u8], now: Time, out: &mut Vec<Output>) {
        let index = Arc::clone(&self.index);
        let wanted = |trigger: &Trigger| {
            matches!(trigger, Trigger::Sysex { device: from, pattern }
                if from.is_none_or(|from| from == device) && pattern.matches(bytes))
        };
        let source = Source { control: None, message: None, raw: 0, sysex: Some(bytes) };
        self.fire_first(&index, &index.sysex, wanted, source, now, out);
    }

    /// Fires the mapping of the topmost mode, then the first in the files, for an event that is over at once.
    fn fire_first(
        &mut self,
        index: &Index,
        places: &Places,
        wanted: impl Fn(&Trigger) -> bool,
        source: Source<'_>,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let mut first: Option<&Arc<Mapping>> = None;
        for mode in 0..self.world.active().len() {
            for mapping in places.of(self.world.active()[mode]).map(|place| index.mapping(place)) {
                if !wanted(&mapping.trigger) || !self.applies(mapping, out) {
                    continue;
                }
                if first.is_some() {
                    self.pass(mapping, PassReason::Shadowed, out);
                } else {
                    first = Some(mapping);
                }
            }
        }
        let Source { control, message, raw, sysex } = source;
        let Some(mapping) = first else {
            if !places.all().any(|place| wanted(&index.mapping(place).trigger)) {
                out.push(Output::Trace(Trace::Unmapped { control }));
            }
            return self.pass_inactive(index, places, wanted, out);
        };
        let press = self.new_press();
        let value = mapping.shape.apply(raw, 127, None);
        let context = Context { press, control, message, value, raw, ticks: 0, received: now };
        self.fire(mapping, context, Duration::ZERO, sysex, now, out);
    }
}

/// What fires a mapping and is over at once.
struct Source<'a> {
    control: Option<Control>,
    message: Option<Message>,
    raw: u16,
    sysex: Option<&'a [u8]>,
}
