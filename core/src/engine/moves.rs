//! Controls with a position, and endless encoders: which of their movements fire what.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;

use super::Engine;
use super::fourteen::Halves;
use super::index::{Index, slot_of};
use super::io::{Context, Control, Output, PassReason, PressId, Trace};
use super::pickup::Pickup;
use crate::midi::Message;
use crate::ruleset::trigger::{ControlKind, Direction, Edge, Encoder, GESTURES_MAX, MoveFilter, Trigger};
use crate::ruleset::{Mapping, Takeover};
use crate::time::Time;

/// What is remembered of one control with a position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    /// Its last value; [`Position::UNKNOWN`] before the first.
    last: u16,
    /// How its two halves come, if it has two.
    pub(super) halves: Halves,
}

impl Position {
    const UNKNOWN: u16 = u16::MAX;
}

impl Default for Position {
    fn default() -> Self {
        Position { last: Position::UNKNOWN, halves: Halves::default() }
    }
}

/// A control inside the range that a mapping wants entered.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) control: Control,
    range: RangeInclusive<u16>,
    pub(super) press: PressId,
}

/// What is remembered for each mapping of a movement.
#[derive(Clone, Debug, Default)]
pub(super) struct Following {
    /// Ticks of an encoder that do not make a step yet.
    ticks: i16,
    /// The last shaped value, where steps are wanted.
    shaped: Option<f64>,
    pub(super) pickup: Pickup,
}

/// One movement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Movement {
    control: Control,
    message: Message,
    raw: u16,
    /// The value before; `None` for the first.
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
    pub(super) fn position(&mut self, control: Control) -> Option<&mut Position> {
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
            if !group.can_be_pressed() {
                out.push(Output::Trace(Trace::Unmapped { control: Some(control) }));
            }
            return;
        }
        let movement = Movement { control, message, raw, old };
        let mut chosen = ArrayVec::<u32, GESTURES_MAX>::new();
        for mode in 0..self.world.active().len() {
            for place in group.moves.of(self.world.active()[mode]) {
                self.consider(index, place, movement, &mut chosen, out);
            }
        }
        if chosen.is_empty() {
            self.pass_inactive(index, &group.moves, |_| true, out);
        }
        for place in chosen {
            let mapping = Arc::clone(index.mapping(place));
            let mover = index.mover(place);
            match &mapping.trigger {
                Trigger::Turn { encoder, direction, .. } => {
                    self.turn(&mapping, mover, *encoder, *direction, movement, now, out);
                }
                Trigger::Move { filter, .. } => {
                    self.follow(index, &mapping, mover, filter.edge, movement, now, out);
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
        chosen: &mut ArrayVec<u32, GESTURES_MAX>,
        out: &mut Vec<Output>,
    ) {
        let mapping = index.mapping(place);
        if !self.applies(mapping, out) {
            return;
        }
        if let Trigger::Move { filter, .. } = &mapping.trigger
            && let Err(reason) = counts(filter, movement)
        {
            return self.pass(mapping, reason, out);
        }
        let same = |other: &u32| same_movement(&index.mapping(*other).trigger, &mapping.trigger);
        if chosen.iter().any(same) {
            self.pass(mapping, PassReason::Shadowed, out);
        } else {
            // More different filters on one control than the configuration allows can't be here.
            let _ = chosen.try_push(place);
        }
    }

    /// Releases what was pressed by entering a range that the control has left.
    fn leave(&mut self, control: Control, raw: u16, now: Time, out: &mut Vec<Output>) {
        let left = |entered: &Entered| entered.control == control && !entered.range.contains(&raw);
        while let Some(place) = self.entered.iter().position(left) {
            let entered = self.entered.remove(place);
            self.release_press(entered.press, now, out);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one movement and all that it meets")]
    fn turn(
        &mut self,
        mapping: &Arc<Mapping>,
        mover: usize,
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
        let following = &mut self.following[mover];
        // A turn the other way starts from rest, or the first ticks of it would be lost.
        if ticks != 0 && following.ticks.signum() != ticks.signum() {
            following.ticks = 0;
        }
        let wrong_way = match direction {
            Direction::Both => ticks == 0,
            Direction::Up => ticks <= 0,
            Direction::Down => ticks >= 0,
        };
        if wrong_way {
            return self.pass(mapping, PassReason::Direction, out);
        }
        following.ticks += ticks;
        let divide = i16::from(encoder.divide.max(1));
        let steps = following.ticks / divide;
        following.ticks %= divide;
        if steps == 0 {
            return self.pass(mapping, PassReason::Divided, out);
        }
        let press = self.new_press();
        let value = mapping.shape.apply(movement.raw, 127, None);
        let context = Context { ticks: steps, ..movement.context(press, value, now) };
        self.fire(mapping, context, Duration::ZERO, None, now, out);
    }

    #[expect(clippy::too_many_arguments, reason = "one movement and all that it meets")]
    fn follow(
        &mut self,
        index: &Index,
        mapping: &Arc<Mapping>,
        mover: usize,
        edge: Edge,
        movement: Movement,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let (max, rest) = travel(movement.control.kind);
        let value = mapping.shape.apply(movement.raw, max, rest);
        if edge == Edge::Every {
            let before = movement.old.map(|old| mapping.shape.apply(old, max, rest));
            if mapping.takeover == Takeover::Pickup && !self.picks_up(index, mover, before, value, now) {
                return self.pass(mapping, PassReason::Pickup, out);
            }
            let shaped = self.following[mover].shaped.replace(value);
            if mapping.shape.steps.is_some() && shaped == Some(value) {
                return self.pass(mapping, PassReason::Unchanged, out);
            }
        }
        let press = self.new_press();
        if edge == Edge::Enter {
            let Trigger::Move { filter, .. } = &mapping.trigger else { return };
            self.entered.push(Entered { control: movement.control, range: filter.range.clone(), press });
        }
        self.fire(mapping, movement.context(press, value, now), Duration::ZERO, None, now, out);
    }
}

/// Whether the movement is one that the filter asks for.
fn counts(filter: &MoveFilter, movement: Movement) -> Result<(), PassReason> {
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
    // Inside already, whatever mode or rules were active when it got there.
    let was_inside = movement.old.is_some_and(|old| filter.range.contains(&old));
    if filter.edge == Edge::Enter && was_inside { Err(PassReason::Range) } else { Ok(()) }
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
