//! Sequences of presses. Nothing is withheld for them: each press does what it does, and the last one goes
//! to the sequence.

use std::sync::Arc;

use arrayvec::ArrayVec;

use super::Engine;
use super::index::{Group, Index};
use super::io::Control;
use crate::ruleset::Mapping;
use crate::ruleset::trigger::{SEQUENCE_MAX, Trigger};
use crate::time::Time;

/// The last presses, the newest at the end. As many as the longest sequence has; the oldest makes room.
pub(super) type Recent = ArrayVec<(Control, Time), SEQUENCE_MAX>;

impl Engine {
    pub(super) fn remember_press(&mut self, control: Control, at: Time) {
        if self.recent.is_full() {
            self.recent.remove(0);
        }
        self.recent.push((control, at));
    }

    /// The sequence that the newest press completes: the longest, then the topmost mode's, then the first in
    /// the files. What it was made of can't be part of another.
    pub(super) fn completed_sequence(&mut self, index: &Index, group: &Group) -> Option<Arc<Mapping>> {
        let mut best: Option<(usize, &Arc<Mapping>)> = None;
        for mapping in group.sequences.active(self.world.active()).map(|place| index.mapping(place)) {
            let Trigger::Sequence { controls, within } = &mapping.trigger else { continue };
            if best.is_some_and(|best| best.0 >= controls.len()) || !self.world.is_true(&mapping.when) {
                continue;
            }
            let Some(start) = self.recent.len().checked_sub(controls.len()) else { continue };
            let played = &self.recent[start..];
            let right =
                controls.iter().zip(played).all(|(selector, (control, _))| selector.matches(*control));
            let in_time = played.windows(2).all(|pair| pair[1].1.since(pair[0].1) <= *within);
            if right && in_time {
                best = Some((controls.len(), mapping));
            }
        }
        let mapping = best.map(|(_, mapping)| Arc::clone(mapping))?;
        self.recent.clear();
        Some(mapping)
    }
}
