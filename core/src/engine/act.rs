//! Single actions: what each becomes, and what the ledger must know of it.

use std::sync::Arc;

use super::Engine;
use super::io::{CallPhase, Context, Effect, Output, Phase, Request, RequestId, Trace, VolumeChange};
use super::ledger::{Held, RELEASE_VELOCITY};
use crate::ids::DeviceId;
use crate::midi::{Channel, Message};
use crate::ruleset::Mapping;
use crate::ruleset::action::{Action, Amount, Hold, Level, MidiSend, ModeChange, PluginCall, PointerMove};
use crate::ruleset::keys::{Key, KeyChord};
use crate::ruleset::trigger::{ControlKind, Edge, Trigger};
use crate::time::Time;

/// The note that is sent where "the note that was played" was no note: middle C.
const NO_NOTE_PLAYED: u8 = 60;

impl Engine {
    /// Does one action of a mapping.
    pub(super) fn act(
        &mut self,
        mapping: &Arc<Mapping>,
        action: &Action,
        context: Context,
        sysex: Option<&Arc<[u8]>>,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        // An encoder's message stands for several ticks; everything else happens once.
        let times = if context.ticks == 0 { 1 } else { i32::from(context.ticks) };
        let effect = match action {
            Action::Keys { chord, hold } => {
                let keeps = *hold == Hold::WhileHeld && self.is_down(context.press);
                return if keeps {
                    self.hold_keys(mapping, chord, context, out);
                } else {
                    self.tap_keys(mapping, chord, context, now, out);
                };
            }
            Action::Button { button, hold, clicks } => {
                let keeps = *hold == Hold::WhileHeld && self.is_down(context.press);
                let phase = if keeps { Phase::Down } else { Phase::Tap };
                let held = Held::Button(*button);
                if keeps && !self.ledger.enter(held.clone(), mapping, context) {
                    return;
                }
                if !keeps {
                    self.release_held(|entry| entry.what == held, now, out);
                }
                Effect::Button { button: *button, phase, clicks: *clicks }
            }
            Action::Midi { to, send } => return self.send(mapping, *to, send, context, sysex, now, out),
            Action::Mode(change) => return self.change_mode(*change, context, out),
            Action::Set(variable, assignment) => {
                self.world.assign(*variable, assignment, context.value, f64::from(times));
                return out.push(Output::Trace(Trace::VariableChanged { variable: *variable }));
            }
            Action::Panic => {
                self.panic_wanted = true;
                return;
            }
            Action::Text(text) => Effect::Text(Arc::clone(text)),
            Action::Pointer(PointerMove::By(right, down)) => {
                Effect::Pointer(PointerMove::By(right.saturating_mul(times), down.saturating_mul(times)))
            }
            Action::Pointer(to) => Effect::Pointer(*to),
            Action::Scroll { horizontal, vertical } => Effect::Scroll {
                horizontal: horizontal.saturating_mul(times),
                vertical: vertical.saturating_mul(times),
            },
            Action::Run(launch) => Effect::Run(Arc::clone(launch)),
            Action::Shell(line) => Effect::Shell(Arc::clone(line)),
            Action::Open(what) => Effect::Open(Arc::clone(what)),
            Action::Volume { target, level } => {
                let change = match level {
                    Level::Value => VolumeChange::To(context.value),
                    Level::Fixed(level) => VolumeChange::To(*level),
                    Level::Change(by) => VolumeChange::By((by * f64::from(times)).clamp(-1.5, 1.5)),
                };
                Effect::Volume { target: *target, change }
            }
            Action::Mute { target, switch } => Effect::Mute { target: *target, switch: *switch },
            Action::Media(key) => Effect::Media(*key),
            Action::Notify(notice) => Effect::Notify(Arc::clone(notice)),
            Action::Plugin { call, hold } => return self.call(mapping, call, *hold, context, now, out),
        };
        self.request(Some(mapping), effect, context, out);
    }

    /// Calls a plugin. Of a press whose release it is to be told, each press gets a release of its own: for a plugin,
    /// two hands on the same thing are two things.
    fn call(
        &mut self,
        mapping: &Arc<Mapping>,
        call: &Arc<PluginCall>,
        hold: Hold,
        context: Context,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let moves = matches!(&mapping.trigger, Trigger::Move { filter, .. } if filter.edge == Edge::Every);
        let phase = if moves {
            CallPhase::Change
        } else if hold == Hold::WhileHeld && self.is_down(context.press) {
            let held = Held::Plugin(Arc::clone(call));
            // The same press presses it again: it is let go first, as a note that sounds already.
            self.release_held(|entry| entry.press == context.press && entry.what == held, now, out);
            self.ledger.enter(held, mapping, context);
            CallPhase::Press
        } else {
            // Ticks of an encoder add up, so that no call for them may be left out for a newer one.
            CallPhase::Tap
        };
        self.request(Some(mapping), Effect::Plugin { call: Arc::clone(call), phase }, context, out);
    }

    fn hold_keys(
        &mut self,
        mapping: &Arc<Mapping>,
        chord: &KeyChord,
        context: Context,
        out: &mut Vec<Output>,
    ) {
        let was_up = |key: &&Key| self.ledger.enter(Held::Key(**key), mapping, context);
        let keys: KeyChord = chord.iter().filter(was_up).copied().collect();
        if !keys.is_empty() {
            self.request(Some(mapping), Effect::Keys { keys, phase: Phase::Down }, context, out);
        }
    }

    fn tap_keys(
        &mut self,
        mapping: &Arc<Mapping>,
        chord: &KeyChord,
        context: Context,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let mut keys = KeyChord::new();
        for key in chord {
            let held = Held::Key(*key);
            // A modifier that another press holds does its work already, and must stay down after the tap.
            if key.is_modifier() && self.ledger.is_held(&held) {
                continue;
            }
            // Another key that is down can't be pressed: it comes up for its holder first.
            self.release_held(|entry| entry.what == held, now, out);
            keys.push(*key);
        }
        if !keys.is_empty() {
            self.request(Some(mapping), Effect::Keys { keys, phase: Phase::Tap }, context, out);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a message, its way, and what it is made from")]
    fn send(
        &mut self,
        mapping: &Arc<Mapping>,
        to: Option<DeviceId>,
        send: &MidiSend,
        context: Context,
        sysex: Option<&Arc<[u8]>>,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let seven = |amount: Amount| scale(amount, context.value, 127) as u8;
        let message = match send {
            MidiSend::Note { channel, note, velocity, hold } => {
                let played = context.control.filter(|control| control.kind == ControlKind::Note);
                let note = note.or(played.map(|control| control.number)).unwrap_or(NO_NOTE_PLAYED);
                // Velocity 0 would be a note-off.
                let on = Message::NoteOn { channel: *channel, note, velocity: seven(*velocity).max(1) };
                return self.note(mapping, to, on, *hold, context, now, out);
            }
            MidiSend::Controller { channel, controller, value } => {
                Message::ControlChange { channel: *channel, controller: *controller, value: seven(*value) }
            }
            MidiSend::Controller14 { channel, controller, value } => {
                let value = scale(*value, context.value, 16383);
                let half =
                    |controller, value| Message::ControlChange { channel: *channel, controller, value };
                self.midi(mapping, to, half(*controller, (value >> 7) as u8), context, now, out);
                half(controller + 32, (value & 0x7F) as u8)
            }
            MidiSend::Program { channel, program } => {
                Message::ProgramChange { channel: *channel, program: seven(*program) }
            }
            MidiSend::Bend { channel, value } => {
                Message::PitchBend { channel: *channel, value: scale(*value, context.value, 16383) }
            }
            MidiSend::Pressure { channel, note: Some(note), value } => {
                Message::PolyPressure { channel: *channel, note: *note, pressure: seven(*value) }
            }
            MidiSend::Pressure { channel, note: None, value } => {
                Message::ChannelPressure { channel: *channel, pressure: seven(*value) }
            }
            MidiSend::Message(message) => *message,
            MidiSend::Sysex(bytes) => {
                let effect = Effect::Sysex { to, bytes: Arc::clone(bytes) };
                return self.request(Some(mapping), effect, context, out);
            }
            MidiSend::Same { channel } => match (context.message, sysex) {
                (Some(Message::ControlChange { channel: own, .. }), _)
                    if context.control.is_some_and(|control| control.kind == ControlKind::Controller14) =>
                {
                    // The message is one half of it only.
                    let controller = context.control.map_or(0, |control| control.number);
                    let value = Amount::Fixed(context.raw);
                    let both = MidiSend::Controller14 { channel: channel.unwrap_or(own), controller, value };
                    return self.send(mapping, to, &both, context, sysex, now, out);
                }
                (Some(message), _) => match rechannel(message, *channel) {
                    on @ Message::NoteOn { .. } => {
                        return self.note(mapping, to, on, Hold::WhileHeld, context, now, out);
                    }
                    other => other,
                },
                (None, Some(bytes)) => {
                    let effect = Effect::Sysex { to, bytes: Arc::clone(bytes) };
                    return self.request(Some(mapping), effect, context, out);
                }
                (None, None) => return,
            },
        };
        self.midi(mapping, to, message, context, now, out);
    }

    /// Sends a note-on, and sees to its note-off. What sounds already is struck anew: its note-off first, for
    /// some instruments count, and would sound on for ever.
    #[expect(clippy::too_many_arguments, reason = "a message, its way, and what it is made from")]
    fn note(
        &mut self,
        mapping: &Arc<Mapping>,
        to: Option<DeviceId>,
        on: Message,
        hold: Hold,
        context: Context,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let Message::NoteOn { channel, note, .. } = on else { return };
        let held = Held::Note { to, channel, note };
        let off = Message::NoteOff { channel, note, velocity: RELEASE_VELOCITY };
        if self.ledger.is_held(&held) {
            self.midi(mapping, to, off, context, now, out);
        }
        if hold == Hold::WhileHeld && self.is_down(context.press) {
            self.ledger.enter(held.clone(), mapping, context);
        }
        self.midi(mapping, to, on, context, now, out);
        if !self.ledger.is_held(&held) {
            self.midi(mapping, to, off, context, now, out);
        }
    }

    fn midi(
        &mut self,
        mapping: &Arc<Mapping>,
        to: Option<DeviceId>,
        message: Message,
        context: Context,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        if let Some(device) = to
            && !self.index.echo_window(device).is_zero()
        {
            self.world.remember_sent(device, message, now);
        }
        self.request(Some(mapping), Effect::Midi { to, message }, context, out);
    }

    pub(super) fn change_mode(&mut self, change: ModeChange, context: Context, out: &mut Vec<Output>) {
        let changed = match change {
            ModeChange::Hold(mode) if self.is_down(context.press) => {
                self.world.hold_mode(context.press, mode)
            }
            other => self.world.change_mode(other),
        };
        if changed {
            out.push(Output::Trace(Trace::ModeChanged { top: self.world.top() }));
        }
    }

    /// Asks for an effect.
    pub(super) fn request(
        &mut self,
        mapping: Option<&Arc<Mapping>>,
        effect: Effect,
        context: Context,
        out: &mut Vec<Output>,
    ) {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        out.push(Output::Request(Request { id, mapping: mapping.cloned(), effect, context }));
    }
}

/// A number for a message: as it stands, or the value from 0 to 1 scaled to `max`.
fn scale(amount: Amount, value: f64, max: u16) -> u16 {
    match amount {
        Amount::Fixed(fixed) => fixed.min(max),
        Amount::Value => (value.clamp(0.0, 1.0) * f64::from(max)).round() as u16,
    }
}

fn rechannel(message: Message, channel: Option<Channel>) -> Message {
    let Some(to) = channel else { return message };
    match message {
        Message::NoteOff { note, velocity, .. } => Message::NoteOff { channel: to, note, velocity },
        Message::NoteOn { note, velocity, .. } => Message::NoteOn { channel: to, note, velocity },
        Message::PolyPressure { note, pressure, .. } => Message::PolyPressure { channel: to, note, pressure },
        Message::ControlChange { controller, value, .. } => {
            Message::ControlChange { channel: to, controller, value }
        }
        Message::ProgramChange { program, .. } => Message::ProgramChange { channel: to, program },
        Message::ChannelPressure { pressure, .. } => Message::ChannelPressure { channel: to, pressure },
        Message::PitchBend { value, .. } => Message::PitchBend { channel: to, value },
        other => other,
    }
}
