//! Controls with a position, and endless encoders: which of their movements fire what.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;

use super::Engine;
use super::index::{Index, PickupTarget, slot_of};
use super::io::{Context, Control, Output, PassReason, PressId, Trace};
use crate::midi::Message;
use crate::ruleset::condition::Value;
use crate::ruleset::trigger::{ControlKind, Direction, Edge, Encoder, GESTURES_MAX, MoveFilter, Trigger};
use crate::ruleset::{Mapping, Takeover};
use crate::time::Time;

/// A control that moves again within this time still makes the same movement. Source: ReaLearn's takeover.
const SAME_MOVEMENT: Duration = Duration::from_millis(100);
/// How near a control must come to its target's value to pick it up, as a part of the travel: enough to catch
/// fast moves. Source: Mixxx, `softtakeover.cpp`.
const PICKUP_NEAR: f64 = 3.0 / 128.0;
/// How long the coarse half of a 14-bit value waits for its fine half, once the control has shown that it
/// sends both. Longer than two messages take on a DIN cable (2 ms).
const FINE_HALF_WAIT: Duration = Duration::from_millis(5);

/// What is remembered of one control with a position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    /// Its last value; [`Position::UNKNOWN`] before the first.
    last: u16,
    /// The coarse half of a 14-bit value.
    coarse: u8,
    /// It sends fine halves.
    sends_fine: bool,
}

impl Position {
    const UNKNOWN: u16 = u16::MAX;
}

impl Default for Position {
    fn default() -> Self {
        Position { last: Position::UNKNOWN, coarse: 0, sends_fine: false }
    }
}

/// A control inside the range that a mapping wants entered.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) control: Control,
    mapping: Arc<Mapping>,
    pub(super) press: PressId,
}

/// A coarse half that waits for its fine half.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) control: Control,
    message: Message,
    pub(super) deadline: Time,
}

/// What is remembered for each mapping of a movement.
#[derive(Clone, Debug, Default)]
pub(super) struct Following {
    /// Ticks of an encoder that do not make a step yet.
    ticks: i16,
    /// The last shaped value, where steps are wanted.
    shaped: Option<f64>,
    /// For pickup: the last value and when, and whether the target follows.
    last: Option<(f64, Time)>,
    synced: bool,
}

/// One movement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Movement {
    control: Control,
    message: Message,
    raw: u16,
    old: Option<u16>,
}

/// The largest value of a control of this kind, and where it rests in the middle.
fn travel(kind: ControlKind) -> (u16, Option<u16>) {
    match kind {
        ControlKind::Bend => (16383, Some(8192)),
        ControlKind::Controller14 => (16383, None),
        _ => (127, None),
    }
}

impl Engine {
    /// A control change may be half of a 14-bit value.
    pub(super) fn controller14(
        &mut self,
        index: &Index,
        control: Control,
        message: Message,
        value: u8,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let pair = Control { kind: ControlKind::Controller14, number: control.number & 31, ..control };
        if control.number >= 64 || index.group(pair).is_none() {
            return;
        }
        let Some(position) = self.position(pair) else { return };
        if control.number >= 32 {
            position.sends_fine = true;
            let raw = u16::from(position.coarse) << 7 | u16::from(value);
            self.pairs.retain(|waiting| waiting.control != pair);
            self.moved(index, pair, message, raw, now, out);
            return;
        }
        position.coarse = value;
        if position.sends_fine {
            self.pairs.retain(|waiting| waiting.control != pair);
            self.pairs.push(Pair { control: pair, message, deadline: now + FINE_HALF_WAIT });
        } else {
            // A new coarse half resets the fine half, says the specification.
            self.moved(index, pair, message, u16::from(value) << 7, now, out);
        }
    }

    /// The fine half did not come.
    pub(super) fn pair_due(&mut self, index: &Index, place: usize, at: Time, out: &mut Vec<Output>) {
        let pair = self.pairs.remove(place);
        let coarse = self.position(pair.control).map_or(0, |position| position.coarse);
        self.moved(index, pair.control, pair.message, u16::from(coarse) << 7, at, out);
    }

    fn position(&mut self, control: Control) -> Option<&mut Position> {
        let table = self.positions.get_mut(control.device.index())?.as_mut()?;
        table.get_mut(slot_of(control.kind, control.channel, control.number))
    }

    /// A control with a position, or an encoder, sent `raw`.
    pub(super) fn moved(
        &mut self,
        index: &Index,
        control: Control,
        message: Message,
        raw: u16,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let old = self.position(control).and_then(|position| {
            let old = std::mem::replace(&mut position.last, raw);
            (old != Position::UNKNOWN).then_some(old)
        });
        self.leave(control, raw, now, out);
        let Some(group) = index.group(control) else {
            out.push(Output::Trace(Trace::Unmapped { control: Some(control) }));
            return;
        };
        if group.moves.is_empty() {
            if group.presses.is_empty() && group.chords.is_empty() && group.sequences.is_empty() {
                out.push(Output::Trace(Trace::Unmapped { control: Some(control) }));
            }
            return;
        }
        let movement = Movement { control, message, raw, old };
        let mut chosen = ArrayVec::<(u32, usize), GESTURES_MAX>::new();
        for place in &group.moves {
            self.consider(index, *place, movement, &mut chosen, out);
        }
        for (place, _) in chosen {
            let mapping = Arc::clone(index.mapping(place));
            match &mapping.trigger {
                Trigger::Turn { encoder, direction, .. } => {
                    self.turn(&mapping, place, *encoder, *direction, movement, now, out);
                }
                Trigger::Move { filter, .. } => {
                    self.follow(index, &mapping, place, filter.edge, movement, now, out);
                }
                _ => {}
            }
        }
    }

    /// Adds the mapping to those that this movement fires, unless something speaks against it.
    fn consider(
        &mut self,
        index: &Index,
        place: u32,
        movement: Movement,
        chosen: &mut ArrayVec<(u32, usize), GESTURES_MAX>,
        out: &mut Vec<Output>,
    ) {
        let mapping = index.mapping(place);
        let Some(rank) = self.applies(mapping, out) else { return };
        if let Trigger::Move { filter, .. } = &mapping.trigger
            && let Err(reason) = self.counts(mapping, filter, movement)
        {
            self.pass(mapping, reason, out);
            return;
        }
        let rival = chosen
            .iter()
            .position(|(other, _)| same_movement(&index.mapping(*other).trigger, &mapping.trigger));
        match rival {
            Some(rival) if rank > chosen[rival].1 => {
                let loser = std::mem::replace(&mut chosen[rival], (place, rank)).0;
                self.pass(index.mapping(loser), PassReason::Shadowed, out);
            }
            Some(_) => self.pass(mapping, PassReason::Shadowed, out),
            // More different filters on one control than the configuration allows can't be here.
            None => drop(chosen.try_push((place, rank))),
        }
    }

    fn counts(
        &self,
        mapping: &Arc<Mapping>,
        filter: &MoveFilter,
        movement: Movement,
    ) -> Result<(), PassReason> {
        if !filter.range.contains(&movement.raw) {
            return Err(PassReason::Range);
        }
        let right_way = match (filter.direction, movement.old) {
            (Direction::Both, _) => true,
            (Direction::Up, Some(old)) => movement.raw > old,
            (Direction::Down, Some(old)) => movement.raw < old,
            // Nobody knows which way the first message moved.
            (Direction::Up | Direction::Down, None) => false,
        };
        if !right_way {
            return Err(PassReason::Direction);
        }
        let inside = |entered: &Entered| {
            entered.control == movement.control && same_mapping(&entered.mapping, mapping)
        };
        if filter.edge == Edge::Enter && self.entered.iter().any(inside) {
            return Err(PassReason::Range);
        }
        Ok(())
    }

    /// Releases what was pressed by entering a range that the control has left.
    fn leave(&mut self, control: Control, raw: u16, now: Time, out: &mut Vec<Output>) {
        let left = |entered: &Entered| {
            let range = match &entered.mapping.trigger {
                Trigger::Move { filter, .. } => &filter.range,
                _ => return true,
            };
            entered.control == control && !range.contains(&raw)
        };
        while let Some(place) = self.entered.iter().position(left) {
            let entered = self.entered.remove(place);
            self.release_press(entered.press, now, out);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one movement and all that it meets")]
    fn turn(
        &mut self,
        mapping: &Arc<Mapping>,
        place: u32,
        encoder: Encoder,
        direction: Direction,
        movement: Movement,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let mut ticks = encoder.encoding.decode(movement.raw as u8);
        if encoder.invert {
            ticks = -ticks;
        }
        if !encoder.accelerate {
            ticks = ticks.signum();
        }
        let wrong_way = match direction {
            Direction::Both => ticks == 0,
            Direction::Up => ticks <= 0,
            Direction::Down => ticks >= 0,
        };
        if wrong_way {
            self.pass(mapping, PassReason::Direction, out);
            return;
        }
        let following = &mut self.following[place as usize];
        // A turn the other way starts from rest, or the first ticks of it would be lost.
        if following.ticks.signum() != ticks.signum() {
            following.ticks = 0;
        }
        following.ticks += ticks;
        let divide = i16::from(encoder.divide.max(1));
        let steps = following.ticks / divide;
        following.ticks %= divide;
        if steps == 0 {
            self.pass(mapping, PassReason::Divided, out);
            return;
        }
        let press = self.new_press();
        let value = mapping.shape.apply(movement.raw, 127, None);
        let context = Context { ticks: steps, ..movement.context(press, value, now) };
        self.fire(mapping, context, Duration::ZERO, None, out);
    }

    #[expect(clippy::too_many_arguments, reason = "one movement and all that it meets")]
    fn follow(
        &mut self,
        index: &Index,
        mapping: &Arc<Mapping>,
        place: u32,
        edge: Edge,
        movement: Movement,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let (max, rest) = travel(movement.control.kind);
        let value = mapping.shape.apply(movement.raw, max, rest);
        if edge == Edge::Every {
            let following = &mut self.following[place as usize];
            if mapping.shape.steps.is_some() && following.shaped.replace(value) == Some(value) {
                self.pass(mapping, PassReason::Unchanged, out);
                return;
            }
            if mapping.takeover == Takeover::Pickup && !self.picks_up(index, place, value, now) {
                self.pass(mapping, PassReason::Pickup, out);
                return;
            }
        }
        let press = self.new_press();
        if edge == Edge::Enter {
            let entered = Entered { control: movement.control, mapping: Arc::clone(mapping), press };
            self.entered.push(entered);
        }
        self.fire(mapping, movement.context(press, value, now), Duration::ZERO, None, out);
    }

    /// Whether the target follows the control: it did, and this is still the same movement; or the control
    /// has come near the target's value, or crossed it. Source: helgoboss-learn, `mode_struct.rs`.
    fn picks_up(&mut self, index: &Index, place: u32, value: f64, now: Time) -> bool {
        let Some(target) = index.pickup_targets[place as usize] else { return true };
        let current = match target {
            PickupTarget::Level(target) => self.world.level(target),
            PickupTarget::Variable(variable) => self.world.variable(variable).and_then(Value::number),
        };
        let following = &mut self.following[place as usize];
        let before = following.last.replace((value, now));
        let same_movement = before.is_some_and(|(_, at)| now.since(at) <= SAME_MOVEMENT);
        let accepted = match current {
            // What can't be read can't be picked up.
            None => true,
            Some(_) if following.synced && same_movement => true,
            Some(current) => {
                let near = (value - current).abs() <= PICKUP_NEAR;
                let crossed = same_movement
                    && before.is_some_and(|(before, _)| (before - current) * (value - current) < 0.0);
                near || crossed
            }
        };
        following.synced = accepted;
        if accepted && let PickupTarget::Level(target) = target {
            // What the sound server reports comes later; until then this is the best knowledge.
            self.world.set_level(target, value);
        }
        accepted
    }
}

impl Movement {
    fn context(self, press: PressId, value: f64, now: Time) -> Context {
        Context {
            press,
            control: Some(self.control),
            message: Some(self.message),
            value,
            raw: self.raw,
            ticks: 0,
            received: now,
        }
    }
}

/// Whether two mappings want the same movement, so that only one of them can have it.
fn same_movement(one: &Trigger, other: &Trigger) -> bool {
    match (one, other) {
        (Trigger::Move { filter: one, .. }, Trigger::Move { filter: other, .. }) => one == other,
        (Trigger::Turn { direction: one, .. }, Trigger::Turn { direction: other, .. }) => one == other,
        _ => false,
    }
}

/// Whether it is the same mapping, also after a reload that left it as it was.
fn same_mapping(one: &Arc<Mapping>, other: &Arc<Mapping>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}
