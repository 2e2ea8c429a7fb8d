//! Sequences of presses. Nothing is withheld for them: each press does what it does, and the last one goes
//! to the sequence.

use std::sync::Arc;

use arrayvec::ArrayVec;

use super::Engine;
use super::index::{Group, Index};
use super::io::{Control, Output, PassReason};
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
        let mut best: Option<(usize, usize, &Arc<Mapping>)> = None;
        for place in &group.sequences {
            let mapping = index.mapping(*place);
            let Trigger::Sequence { controls, within } = &mapping.trigger else { continue };
            let Some(rank) = self.rank_of(mapping) else { continue };
            if best.is_some_and(|(length, best, _)| (length, best) >= (controls.len(), rank)) {
                continue;
            }
            let Some(start) = self.recent.len().checked_sub(controls.len()) else { continue };
            let played = &self.recent[start..];
            let right =
                controls.iter().zip(played).all(|(selector, (control, _))| selector.matches(*control));
            let in_time = played.windows(2).all(|pair| pair[1].1.since(pair[0].1) <= *within);
            if right && in_time {
                best = Some((controls.len(), rank, mapping));
            }
        }
        let mapping = best.map(|(_, _, mapping)| Arc::clone(mapping))?;
        self.recent.clear();
        Some(mapping)
    }

    /// Says of the sequences of a control that this press did not complete them.
    pub(super) fn pass_sequences(&mut self, index: &Index, group: &Group, out: &mut Vec<Output>) {
        for place in &group.sequences {
            let mapping = index.mapping(*place);
            if self.rank_of(mapping).is_some() {
                self.pass(mapping, PassReason::Incomplete, out);
            }
        }
    }
}
