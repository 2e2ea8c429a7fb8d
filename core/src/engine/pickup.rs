//! Takeover by pickup: a control moves its target only from where the target is.
//!
//! After helgoboss-learn, `mode_struct.rs`, and Mixxx, `softtakeover.cpp`; but a control that rests where its
//! target is stays in touch with it, however long it rests and however fast it is then moved.

use std::time::Duration;

use super::Engine;
use super::index::{Index, PickupTarget};
use crate::ruleset::Value;
use crate::time::Time;

/// A control that moves again within this time still makes the same movement. Source: ReaLearn.
const SAME_MOVEMENT: Duration = Duration::from_millis(100);
/// How near a control must come to its target's value to pick it up, as a part of the travel: enough to catch
/// fast moves. Source: Mixxx.
const NEAR: f64 = 3.0 / 128.0;

/// What a mapping with pickup knows of its last movement.
#[derive(Clone, Debug, Default)]
pub(super) struct Pickup {
    /// The last value, and when.
    last: Option<(f64, Time)>,
    /// The values that the target was given in this movement, from the least to the greatest; `None` while
    /// it does not follow.
    given: Option<(f64, f64)>,
}

impl Engine {
    /// Whether the target follows the control to `value` from `before`.
    pub(super) fn picks_up(
        &mut self,
        index: &Index,
        mover: usize,
        before: Option<f64>,
        value: f64,
        now: Time,
    ) -> bool {
        let Some(target) = index.pickup_target(mover) else { return true };
        let current = match target {
            PickupTarget::Level(target) => self.world.level(target),
            PickupTarget::Variable(variable) => self.world.variable(variable).and_then(Value::number),
        };
        let accepted = self.following[mover].pickup.accepts(current, before, value, now);
        if accepted && let PickupTarget::Level(target) = target {
            // What the sound server reports comes later; until then this is the best knowledge.
            self.world.set_level(target, Some(value));
        }
        accepted
    }
}

impl Pickup {
    fn accepts(&mut self, current: Option<f64>, before: Option<f64>, value: f64, now: Time) -> bool {
        let last = self.last.replace((value, now));
        let Some(current) = current else {
            // What can't be read can't be picked up.
            return true;
        };
        // Not the same movement either if the control has moved something else in between.
        let same_movement =
            last.is_some_and(|(last, at)| before == Some(last) && now.since(at) <= SAME_MOVEMENT);
        let near = |place: f64| (place - current).abs() <= NEAR;
        let crossed = |before: f64| same_movement && (before - current) * (value - current) < 0.0;
        // Reports of the target's value lag behind a fast hand: any value that this movement gave it is ours.
        let given = self.given.take().filter(|_| same_movement);
        let is_ours = |(least, greatest): (f64, f64)| least - NEAR <= current && current <= greatest + NEAR;
        let accepted = near(value)
            || before.is_some_and(|before| near(before) || crossed(before))
            || given.is_some_and(is_ours);
        if accepted {
            let (least, greatest) = given.unwrap_or((value, value));
            self.given = Some((least.min(value), greatest.max(value)));
        }
        accepted
    }
}
