//! Chords: presses that may belong together are withheld until it is clear, and not a moment longer.
//!
//! The window opens with the first press. The longest chord wins over its parts; what belongs to none is
//! replayed in order with its own time. Semantics after kanata's `chordsv2`.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;

use super::Engine;
use super::index::Index;
use super::io::{Control, Output, PassReason, Trace, WaitReason};
use super::press::Press;
use super::touch::Touch;
use crate::ids::DeviceId;
use crate::ruleset::Mapping;
use crate::ruleset::trigger::{CHORD_MAX, Selector, Trigger};
use crate::time::Time;

/// Presses that may become a chord, in order, and until when.
#[derive(Debug, Default)]
pub(super) struct Withheld {
    presses: ArrayVec<Press, CHORD_MAX>,
    pub(super) deadline: Option<Time>,
}

impl Withheld {
    pub(super) fn holds(&self, control: Control) -> bool {
        self.presses.iter().any(|press| press.control == control)
    }

    pub(super) fn forget_device(&mut self, device: DeviceId) {
        self.presses.retain(|press| press.control.device != device);
        if self.presses.is_empty() {
            self.deadline = None;
        }
    }

    pub(super) fn forget_all(&mut self) {
        *self = Withheld::default();
    }
}

fn chord(mapping: &Mapping) -> Option<(&[Selector], Duration)> {
    match &mapping.trigger {
        Trigger::Chord { controls, within } => Some((controls, *within)),
        _ => None,
    }
}

/// Whether every press can be given a selector of its own. `free` has a bit for each selector not yet taken.
fn covers(selectors: &[Selector], presses: &[Press], free: u32) -> bool {
    let Some((press, rest)) = presses.split_first() else { return true };
    selectors.iter().enumerate().any(|(place, selector)| {
        free & (1 << place) != 0
            && selector.matches(press.control)
            && covers(selectors, rest, free & !(1 << place))
    })
}

/// Whether `presses` are part of the chord (all of it, if there are as many), played within its window.
fn is_part(mapping: &Mapping, presses: &[Press]) -> bool {
    let Some((selectors, within)) = chord(mapping) else { return false };
    let (Some(first), Some(last)) = (presses.first(), presses.last()) else { return false };
    presses.len() <= selectors.len()
        && last.at.since(first.at) <= within
        && covers(selectors, presses, u32::MAX)
}

fn length(mapping: &Mapping) -> usize {
    chord(mapping).map_or(0, |(selectors, _)| selectors.len())
}

impl Engine {
    /// A control went down: withholds it for a chord, or hands it on.
    pub(super) fn press(&mut self, index: &Index, press: Press, now: Time, out: &mut Vec<Output>) {
        self.remember_press(press.control, press.at);
        if !self.withheld.presses.is_empty() {
            if self.withheld.holds(press.control) {
                // Down twice without a release: the first can be no chord's any more.
                self.resolve_chord(index, now, out);
            } else if self.try_withhold(index, press, now, out) {
                return;
            } else {
                self.resolve_chord(index, now, out);
            }
        }
        if !self.try_withhold(index, press, now, out) {
            self.press_single(index, press, now, out);
        }
    }

    /// Takes the press in, if some chord can come of it and those before it.
    fn try_withhold(&mut self, index: &Index, press: Press, now: Time, out: &mut Vec<Output>) -> bool {
        let Some(group) = index.group(press.control).filter(|group| !group.chords.is_empty()) else {
            return false;
        };
        let mut presses = self.withheld.presses.clone();
        if presses.try_push(press).is_err() {
            return false;
        }
        let first = presses[0].at;
        let (mut complete, mut longer, mut until) = (false, false, first);
        for place in &group.chords {
            let mapping = index.mapping(*place);
            if self.rank_of(mapping).is_none() || !is_part(mapping, &presses) {
                continue;
            }
            if length(mapping) == presses.len() {
                complete = true;
            } else {
                longer = true;
                until = until.max(first + chord(mapping).map_or(Duration::ZERO, |(_, within)| within));
            }
        }
        if !complete && !longer {
            return false;
        }
        self.withheld.presses = presses;
        if longer {
            self.withheld.deadline = Some(until);
            out.push(Output::Trace(Trace::Waiting {
                control: press.control,
                reason: WaitReason::Chord,
                until: Some(until),
            }));
        } else {
            self.resolve_chord(index, now, out);
        }
        true
    }

    /// Ends the wait: the longest chord among what was withheld fires, the rest is replayed in order.
    pub(super) fn resolve_chord(&mut self, index: &Index, now: Time, out: &mut Vec<Output>) {
        let presses = std::mem::take(&mut self.withheld).presses;
        let Some((mapping, members)) = self.longest_chord(index, &presses, out) else {
            for press in presses {
                self.press_single(index, press, now, out);
            }
            return;
        };
        let id = self.new_press();
        let is_member = |place: usize| members & (1 << place) != 0;
        let mut strongest: Option<Press> = None;
        let mut last_at = Time::ZERO;
        for (place, press) in presses.iter().enumerate().filter(|(place, _)| is_member(*place)) {
            debug_assert!(place < CHORD_MAX, "only so many are withheld");
            self.end_series(press.control, now, out);
            self.touches.push(Touch::decided(*press, id));
            last_at = last_at.max(press.at);
            if strongest.is_none_or(|strongest| press.velocity > strongest.velocity) {
                strongest = Some(*press);
            }
        }
        if let Some(press) = strongest {
            let mut context = self.press_context(&mapping, id, press);
            context.received = now;
            self.fire(&mapping, context, now.since(last_at), None, out);
        }
        for (_, press) in presses.into_iter().enumerate().filter(|(place, _)| !is_member(*place)) {
            self.press_single(index, press, now, out);
        }
    }

    /// A control that goes into a chord can't be tapped again: what it was tapped before is decided now.
    fn end_series(&mut self, control: Control, now: Time, out: &mut Vec<Output>) {
        let Some(place) = self.touches.iter().position(|touch| touch.control == control) else { return };
        if self.touches[place].released_at.is_some() {
            self.touch_due(place, now, out);
        } else {
            self.release_control(control, now, out);
        }
    }

    /// The longest chord that some of the presses make up, and which they are (a bit each).
    fn longest_chord(
        &mut self,
        index: &Index,
        presses: &[Press],
        out: &mut Vec<Output>,
    ) -> Option<(Arc<Mapping>, u32)> {
        let mut best: Option<(usize, usize, Arc<Mapping>, u32)> = None;
        for press in presses {
            let Some(group) = index.group(press.control) else { continue };
            for place in &group.chords {
                let mapping = index.mapping(*place);
                let Some(rank) = self.rank_of(mapping) else { continue };
                let long = length(mapping);
                if best.as_ref().is_some_and(|best| (best.0, best.1) >= (long, rank)) {
                    continue;
                }
                if let Some(members) = members(mapping, presses) {
                    best = Some((long, rank, Arc::clone(mapping), members));
                }
            }
        }
        if best.is_none() {
            self.pass_chords(index, presses, out);
        }
        best.map(|(_, _, mapping, members)| (mapping, members))
    }

    fn pass_chords(&mut self, index: &Index, presses: &[Press], out: &mut Vec<Output>) {
        let Some(group) = presses.first().and_then(|press| index.group(press.control)) else { return };
        for place in &group.chords {
            self.pass(index.mapping(*place), PassReason::Incomplete, out);
        }
    }
}

/// Which of the presses make up the whole chord, if some do.
fn members(mapping: &Mapping, presses: &[Press]) -> Option<u32> {
    let (selectors, _) = chord(mapping)?;
    let mut chosen = 0u32;
    let mut part: ArrayVec<Press, CHORD_MAX> = ArrayVec::new();
    for (place, press) in presses.iter().enumerate() {
        part.push(*press);
        if is_part(mapping, &part) {
            chosen |= 1 << place;
        } else {
            part.pop();
        }
    }
    (part.len() == selectors.len()).then_some(chosen)
}
