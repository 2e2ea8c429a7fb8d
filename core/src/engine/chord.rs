//! Chords: presses that may belong together are withheld until it is clear, and not a moment longer.
//!
//! The window opens with the first press. The longest chord wins over its parts; what belongs to none is
//! replayed in order with its own time, and what came after it may still belong to another. Semantics after
//! kanata's `chordsv2`.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;

use super::Engine;
use super::index::{Group, Index};
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

    pub(super) fn into_presses(self) -> impl Iterator<Item = Press> {
        self.presses.into_iter()
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

/// What can come of the presses that are withheld.
struct Prospects {
    /// They make up a chord as they are.
    complete: bool,
    /// They are part of a longer one, which can be completed until then.
    longer_until: Option<Time>,
}

impl Engine {
    /// A control went down: withholds it for a chord, or hands it on.
    pub(super) fn press(&mut self, index: &Index, press: Press, now: Time, out: &mut Vec<Output>) {
        // A second note-on without a note-off: the device lost one, or never sends them.
        self.settle_control(index, press.control, now, out);
        self.release_control(press.control, now, out);
        while !self.try_withhold(index, press, now, out) {
            if self.withheld.presses.is_empty() {
                return self.press_single(index, press, now, out);
            }
            // What was withheld makes no chord with this press; what came after its first press may.
            self.settle(index, now, out);
        }
    }

    /// Takes the press in, if some chord can come of it and those before it.
    fn try_withhold(&mut self, index: &Index, press: Press, now: Time, out: &mut Vec<Output>) -> bool {
        if index.group(press.control).is_none_or(|group| group.chords.is_empty())
            || self.withheld.presses.try_push(press).is_err()
        {
            return false;
        }
        let prospects = self.prospects(index);
        if let Some(until) = prospects.longer_until {
            self.withheld.deadline = Some(until);
            out.push(Output::Trace(Trace::Waiting {
                control: press.control,
                reason: WaitReason::Chord,
                until: Some(until),
            }));
        } else if prospects.complete {
            self.settle(index, now, out);
        } else {
            self.withheld.presses.pop();
            return false;
        }
        true
    }

    /// What can come of all that is withheld.
    fn prospects(&self, index: &Index) -> Prospects {
        let presses = self.withheld.presses.as_slice();
        let mut prospects = Prospects { complete: false, longer_until: None };
        let (Some(first), Some(last)) = (presses.first(), presses.last()) else { return prospects };
        let Some(group) = index.group(last.control) else { return prospects };
        for mapping in self.active_chords(index, group) {
            let Some((selectors, within)) = chord(mapping) else { continue };
            if !is_part(mapping, presses) {
                continue;
            }
            if selectors.len() == presses.len() {
                prospects.complete = true;
            } else if !self.is_spent(selectors, presses) {
                prospects.longer_until = prospects.longer_until.max(Some(first.at + within));
            }
        }
        prospects
    }

    /// Those of a control that can be played now, from the topmost mode down.
    fn active_chords<'a>(
        &'a self,
        index: &'a Index,
        group: &'a Group,
    ) -> impl Iterator<Item = &'a Arc<Mapping>> {
        let mappings = group.chords.active(self.world.active()).map(|place| index.mapping(place));
        mappings.filter(|mapping| self.world.is_true(&mapping.when))
    }

    /// Whether a control that the chord still lacks is down already, so that it can't be pressed to join.
    fn is_spent(&self, selectors: &[Selector], presses: &[Press]) -> bool {
        let down = |selector: &Selector| {
            self.touches.iter().any(|touch| touch.released_at.is_none() && selector.matches(touch.control))
        };
        selectors
            .iter()
            .any(|selector| !presses.iter().any(|press| selector.matches(press.control)) && down(selector))
    }

    /// Ends the wait of a control, and of those that were pressed before it.
    pub(super) fn settle_control(
        &mut self,
        index: &Index,
        control: Control,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        while self.withheld.holds(control) {
            self.settle(index, now, out);
        }
    }

    /// Ends the wait of the first withheld press. Those after it wait on, if a chord can come of them yet.
    pub(super) fn settle(&mut self, index: &Index, now: Time, out: &mut Vec<Output>) {
        loop {
            self.settle_first(index, now, out);
            self.withheld.deadline = self.prospects(index).longer_until.filter(|until| *until > now);
            if self.withheld.deadline.is_some() || self.withheld.presses.is_empty() {
                return;
            }
        }
    }

    /// The first withheld press goes into the longest chord that is complete, or, if it is not in it, is
    /// played by itself.
    fn settle_first(&mut self, index: &Index, now: Time, out: &mut Vec<Output>) {
        match self.longest_chord(index) {
            Some((mapping, members)) if members & 1 != 0 => self.play_chord(&mapping, members, now, out),
            other => {
                let Some(press) = self.withheld.presses.pop_at(0) else { return };
                if other.is_none() {
                    self.pass_chords(index, press.control, out);
                }
                self.press_single(index, press, now, out);
            }
        }
    }

    /// Fires a chord for those of the withheld presses that are its members (a bit each).
    fn play_chord(&mut self, mapping: &Arc<Mapping>, members: u32, now: Time, out: &mut Vec<Output>) {
        let id = self.new_press();
        // A chord is another press, between those of any sequence.
        self.recent.clear();
        let mut strongest: Option<Press> = None;
        let mut last_at = Time::ZERO;
        let presses = std::mem::take(&mut self.withheld.presses);
        for (place, press) in presses.into_iter().enumerate() {
            if members & (1 << place) == 0 {
                self.withheld.presses.push(press);
                continue;
            }
            self.end_series(press.control, now, out);
            self.touches.push(Touch::decided(press, id));
            last_at = last_at.max(press.at);
            if strongest.is_none_or(|strongest| press.velocity > strongest.velocity) {
                strongest = Some(press);
            }
        }
        if let Some(press) = strongest {
            let mut context = self.press_context(mapping, id, press);
            context.received = now;
            self.fire(mapping, context, now.since(last_at), None, now, out);
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

    /// The longest chord that some of the withheld presses make up, and which they are (a bit each).
    fn longest_chord(&self, index: &Index) -> Option<(Arc<Mapping>, u32)> {
        let presses = self.withheld.presses.as_slice();
        let mut best: Option<(usize, &Arc<Mapping>, u32)> = None;
        for group in presses.iter().filter_map(|press| index.group(press.control)) {
            for mapping in self.active_chords(index, group) {
                let long = chord(mapping).map_or(0, |(selectors, _)| selectors.len());
                if best.is_none_or(|best| best.0 < long)
                    && let Some(members) = members(mapping, presses)
                {
                    best = Some((long, mapping, members));
                }
            }
        }
        best.map(|(_, mapping, members)| (Arc::clone(mapping), members))
    }

    /// Says of the chords of a control that they were not completed.
    fn pass_chords(&mut self, index: &Index, control: Control, out: &mut Vec<Output>) {
        let Some(group) = index.group(control) else { return };
        self.pass_active(index, &group.chords, PassReason::Incomplete, out);
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
