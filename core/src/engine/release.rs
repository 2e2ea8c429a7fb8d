//! The ways in which something comes up again: a release, a lost device, panic, the end.

use std::sync::Arc;

use super::io::{Context, Effect, Output, PressId, Trace};
use super::ledger::{Entry, Release};
use super::moves::Position;
use super::touch::Touch;
use super::{Engine, nobody};
use crate::ids::DeviceId;
use crate::midi::{Channel, Message};
use crate::time::Time;

impl Engine {
    /// Releases everything and stops everything, without a word to the outputs beyond that: for the end.
    pub fn release_all(&mut self, now: Time, out: &mut Vec<Output>) {
        self.runs.stop_all();
        self.settle_withheld_silently();
        self.pairs.clear();
        self.entered.clear();
        self.touches.retain(|touch| touch.released_at.is_none());
        self.touches.iter_mut().for_each(Touch::settle);
        self.live.clear();
        self.release_held(|_| true, now, out);
        if self.world.release_all_modes() {
            out.push(Output::Trace(Trace::ModeChanged { top: self.world.top() }));
        }
    }

    /// What waits for a chord does nothing any more, but is down.
    fn settle_withheld_silently(&mut self) {
        for press in std::mem::take(&mut self.withheld).into_presses() {
            self.touches.retain(|touch| touch.control != press.control);
            let id = self.new_press();
            self.touches.push(Touch::decided(press, id));
        }
    }

    /// Releases everything, and tells every output to stop sounding.
    pub(super) fn panic(&mut self, now: Time, out: &mut Vec<Output>) {
        self.release_all(now, out);
        out.push(Output::Trace(Trace::Panicked));
        let index = Arc::clone(&self.index);
        let outputs = index.rules.devices.iter().filter(|device| device.ports.output.is_some());
        let virtual_output = index.rules.settings.virtual_ports.then_some(None);
        for to in outputs.map(|device| Some(device.id)).chain(virtual_output) {
            for channel in (0..16).map(Channel::from_wire) {
                // Sustain off, all notes off, all sound off.
                for controller in [64, 123, 120] {
                    let message = Message::ControlChange { channel, controller, value: 0 };
                    self.request(None, Effect::Midi { to, message }, nobody(now), out);
                }
            }
        }
    }

    pub(super) fn device_lost(&mut self, device: DeviceId, now: Time, out: &mut Vec<Output>) {
        self.withheld.forget_device(device);
        self.pairs.retain(|pair| pair.control.device != device);
        while let Some(place) = self.touches.iter().position(|touch| touch.control.device == device) {
            let touch = self.touches.swap_remove(place);
            self.release_press(touch.press, now, out);
        }
        while let Some(place) = self.entered.iter().position(|entered| entered.control.device == device) {
            let entered = self.entered.remove(place);
            self.release_press(entered.press, now, out);
        }
        if let Some(Some(positions)) = self.positions.get_mut(device.index()) {
            positions.fill(Position::default());
        }
    }

    /// A press is over: what it holds goes up, and its mappings are told. Of a chord, the first release ends
    /// it for all; its other controls are down for nothing then.
    pub(super) fn release_press(&mut self, press: PressId, now: Time, out: &mut Vec<Output>) {
        for place in 0..self.touches.len() {
            if self.touches[place].press == press {
                self.touches[place].press = self.new_press();
            }
        }
        self.end_repetitions(press, now);
        self.live.retain(|(of, mapping)| {
            if *of == press {
                out.push(Output::Trace(Trace::Released { mapping: Arc::clone(mapping), press }));
            }
            *of != press
        });
        self.release_held(|entry| entry.press == press, now, out);
        if self.world.holds_modes() && self.world.release_modes(press) {
            out.push(Output::Trace(Trace::ModeChanged { top: self.world.top() }));
        }
    }

    /// Lets go of what the ledger holds and `wanted` picks.
    pub(super) fn release_held(
        &mut self,
        wanted: impl FnMut(&Entry) -> bool,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let mut ledger = std::mem::take(&mut self.ledger);
        ledger.release(wanted, |release| self.let_go(release, now, out));
        self.ledger = ledger;
    }

    fn let_go(&mut self, release: Release, now: Time, out: &mut Vec<Output>) {
        let Release { effect, mapping, context } = release;
        if let Effect::Midi { to: Some(device), message } = effect
            && !self.index.echo_window(device).is_zero()
        {
            self.world.remember_sent(device, message, now);
        }
        self.request(Some(&mapping), effect, Context { received: now, ..context }, out);
    }
}
