//! Touches: from a press to the one gesture that it was.
//!
//! Tap, hold, short, long and multiple taps of one control exclude each other, and each fires as soon as the
//! others are ruled out: a plain press with the press itself if nothing competes, else when the last rival
//! has lost. Semantics after kanata's tap-dance and ReaLearn's press durations.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::index::{Group, Index};
use super::io::{Context, Control, Output, PassReason, PressId, Trace, WaitReason};
use super::touch::{Candidates, Touch, gesture, same_gesture};
use crate::midi::Message;
use crate::ruleset::trigger::Trigger;
use crate::ruleset::{Gesture, Mapping};
use crate::time::Time;

/// A control that went down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Press {
    pub(super) control: Control,
    pub(super) velocity: u8,
    pub(super) message: Option<Message>,
    /// When; earlier than now if it was withheld for a chord.
    pub(super) at: Time,
}

impl Engine {
    /// A control went down and belongs to no chord.
    pub(super) fn press_single(&mut self, index: &Index, press: Press, now: Time, out: &mut Vec<Output>) {
        self.remember_press(press.control, press.at);
        let group = index.group(press.control).filter(|group| group.can_be_pressed());
        let sequence = group.and_then(|group| self.completed_sequence(index, group));
        if let Some(place) = self.touches.iter().position(|touch| touch.control == press.control) {
            if sequence.is_none() {
                return self.tap_again(place, press, now, out);
            }
            // The tap before belongs to the sequence, and can't be the first of two.
            self.touch_due(place, now, out);
        }
        let Some(group) = group else {
            out.push(Output::Trace(Trace::Unmapped { control: Some(press.control) }));
            return;
        };
        let id = self.new_press();
        let mut touch = Touch::decided(press, id);
        if let Some(mapping) = sequence {
            self.touches.push(touch);
            let context = self.press_context(&mapping, id, press);
            return self.fire(&mapping, context, now.since(press.at), None, now, out);
        }
        touch.candidates = self.press_candidates(index, group, press.velocity, out);
        if touch.candidates.is_empty() {
            self.pass_active(index, &group.sequences, PassReason::Incomplete, out);
            self.pass_inactive(index, &group.presses, |_| true, out);
        }
        let plain = touch.find(|gesture| gesture == Gesture::Press);
        let contested = touch.taps().is_some() || touch.depends_on_length();
        if contested {
            touch.decided = false;
            touch.taps_over = false;
            touch.schedule(now);
            let reason = match (touch.taps(), touch.next_hold()) {
                (Some(_), _) => WaitReason::Taps,
                (None, Some(_)) => WaitReason::Hold,
                (None, None) => WaitReason::Length,
            };
            out.push(Output::Trace(Trace::Waiting { control: press.control, reason, until: touch.deadline }));
        }
        // Remembered even if nothing comes of it: a control that is down can't go down again.
        self.touches.push(touch);
        if let Some(plain) = plain.filter(|_| !contested) {
            let context = self.press_context(&plain, id, press);
            self.fire(&plain, context, now.since(press.at), None, now, out);
        }
    }

    /// The control went up.
    pub(super) fn release_control(&mut self, control: Control, now: Time, out: &mut Vec<Output>) {
        let down = |touch: &Touch| touch.control == control && touch.released_at.is_none();
        let Some(place) = self.touches.iter().position(down) else { return };
        let touch = &mut self.touches[place];
        touch.released_at = Some(now);
        let press = touch.as_press();
        let id = touch.press;
        let at_release = touch.find(|gesture| gesture == Gesture::Release);
        if touch.decided {
            self.touches.swap_remove(place);
            self.release_press(id, now, out);
        } else if touch.window_end().is_some() {
            touch.schedule(now);
        } else {
            let touch = self.touches.swap_remove(place);
            self.decide_by_length(&touch, now, out);
        }
        if let Some(mapping) = at_release {
            let mut context = self.press_context(&mapping, id, press);
            context.received = now;
            self.fire(&mapping, context, Duration::ZERO, None, now, out);
        }
    }

    /// The deadline of a touch has come.
    pub(super) fn touch_due(&mut self, place: usize, at: Time, out: &mut Vec<Output>) {
        let touch = &mut self.touches[place];
        if touch.released_at.is_some() && self.withheld.holds(touch.control) {
            // The next tap has come in time; a chord holds it back, and when that is decided, so is this.
            touch.deadline = None;
            return;
        }
        if let Some(hold) = touch.hold_at().filter(|hold| *hold <= at) {
            return self.decide_hold(place, hold, at, out);
        }
        touch.taps_over = true;
        if touch.count > 1 && self.decide_series(place, at, out) {
            return;
        }
        let touch = &mut self.touches[place];
        touch.schedule(at);
        if touch.released_at.is_some() {
            let touch = self.touches.swap_remove(place);
            self.decide_by_length(&touch, at, out);
        } else if !touch.depends_on_length() {
            touch.decided = true;
            let press = touch.as_press();
            if let Some(plain) = touch.find(|gesture| gesture == Gesture::Press) {
                self.end_touch(place, &plain, press, at.since(press.at), at, out);
            }
        }
    }

    /// The control has been down for as long as the next hold asks.
    fn decide_hold(&mut self, place: usize, hold: Time, at: Time, out: &mut Vec<Output>) {
        self.play_singly(place, at, out);
        let touch = &mut self.touches[place];
        let after = touch.next_hold().unwrap_or_default();
        touch.held_for = after;
        touch.decided = true;
        touch.taps_over = true;
        touch.schedule(at);
        let press = touch.as_press();
        if let Some(mapping) = touch.find(|gesture| gesture == Gesture::Hold(after)) {
            self.end_touch(place, &mapping, press, at.since(hold), at, out);
        }
    }

    fn decide_by_length(&mut self, touch: &Touch, now: Time, out: &mut Vec<Output>) {
        let released_at = touch.released_at.unwrap_or(now);
        let winner = touch.by_length(released_at.since(touch.pressed_at));
        self.pass_rivals(&touch.candidates, winner.as_ref(), out);
        if let Some(mapping) = winner {
            self.fire_by_length(&mapping, touch.press, touch.as_press(), released_at, now, out);
        }
    }

    /// Fires what a press was by its length.
    pub(super) fn fire_by_length(
        &mut self,
        mapping: &Arc<Mapping>,
        id: PressId,
        press: Press,
        released_at: Time,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let mut context = self.press_context(mapping, id, press);
        context.received = now;
        // A plain press could have fired with the press; what depends on the length not before the release.
        let could = if gesture(mapping) == Some(Gesture::Press) { press.at } else { released_at };
        self.fire(mapping, context, now.since(could), None, now, out);
    }

    /// Fires `mapping` for a touch that is decided, and lets the touch go if it is up already.
    pub(super) fn end_touch(
        &mut self,
        place: usize,
        mapping: &Arc<Mapping>,
        press: Press,
        withheld: Duration,
        at: Time,
        out: &mut Vec<Output>,
    ) {
        let touch = &self.touches[place];
        let id = touch.press;
        let rivals = touch.candidates.clone();
        if touch.released_at.is_some() {
            self.touches.swap_remove(place);
        }
        self.pass_rivals(&rivals, Some(mapping), out);
        let mut context = self.press_context(mapping, id, press);
        context.received = at;
        self.fire(mapping, context, withheld, None, at, out);
    }

    /// Says of the other gestures of the control that it was not them.
    fn pass_rivals(&mut self, rivals: &[Arc<Mapping>], winner: Option<&Arc<Mapping>>, out: &mut Vec<Output>) {
        let won = winner.and_then(|mapping| gesture(mapping)).unwrap_or(Gesture::Press);
        for rival in rivals {
            let later = matches!((gesture(rival), won), (Some(Gesture::Hold(this)), Gesture::Hold(that)) if this != that);
            let is_winner = winner.is_some_and(|winner| Arc::ptr_eq(winner, rival));
            if !is_winner && !later && gesture(rival) != Some(Gesture::Release) {
                self.pass(rival, PassReason::OtherGesture(won), out);
            }
        }
    }

    /// For each gesture the mapping that it goes to: that of the topmost mode, then the first in the files.
    fn press_candidates(
        &mut self,
        index: &Index,
        group: &Group,
        velocity: u8,
        out: &mut Vec<Output>,
    ) -> Candidates {
        let mut chosen = Candidates::new();
        for mode in 0..self.world.active().len() {
            for place in group.presses.of(self.world.active()[mode]) {
                let mapping = index.mapping(place);
                let Trigger::Press { gesture: this, velocity: zone, .. } = &mapping.trigger else { continue };
                if !self.applies(mapping, out) {
                    continue;
                }
                let same =
                    |other: &Arc<Mapping>| gesture(other).is_some_and(|other| same_gesture(other, *this));
                if !zone.contains(&velocity) {
                    self.pass(mapping, PassReason::Velocity, out);
                } else if chosen.iter().any(same) {
                    self.pass(mapping, PassReason::Shadowed, out);
                } else {
                    // The configuration allows no more gestures on a control than fit.
                    let _ = chosen.try_push(Arc::clone(mapping));
                }
            }
        }
        chosen
    }

    pub(super) fn press_context(&self, mapping: &Mapping, id: PressId, press: Press) -> Context {
        Context {
            press: id,
            control: Some(press.control),
            message: press.message,
            value: mapping.shape.apply(u16::from(press.velocity), 127, None),
            raw: u16::from(press.velocity),
            ticks: 0,
            received: press.at,
        }
    }
}
