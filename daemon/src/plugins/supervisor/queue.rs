//! What waits for a host that is busy, or not ready: bounded, in order, the newest value of a control in place of an older
//! one, and never losing a release.
//!
//! Nothing here allocates once it is warm, because the engine's lock is held while a request is put in.

use std::collections::VecDeque;

use padgate_core::engine::{CallPhase, Context, Control, RequestId};
use padgate_core::time::Time;

/// How many presses and values wait for one plugin. When so many do, a further one is answered with
/// [`crate::outcome::Outcome::Dropped`]. A release is always taken: each belongs to a press that was, see [`HELD_MAX`].
pub const QUEUE_CALLS: usize = 64;

/// How many requests the waiting values of one plugin can stand for beside their own. Beyond, the newest value still
/// counts, but its request is answered with [`crate::outcome::Outcome::Dropped`].
pub const MERGED_CALLS: usize = 256;

/// How many presses of one plugin can be waiting for their release. When so many do, a further press is answered with
/// [`crate::outcome::Outcome::Dropped`]; so this also bounds the releases that can wait.
pub const HELD_MAX: usize = 512;

/// A request that waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    /// Ties the requests that it stands for to it.
    pub(super) key: u64,
    pub(super) id: RequestId,
    pub(super) handle: u32,
    pub(super) phase: CallPhase,
    pub(super) context: Context,
    /// When it was put in.
    pub(super) taken: Time,
    /// Whether it was counted against the rate. What was not yet is sent when the rate allows.
    pub(super) paid: bool,
}

impl Entry {
    pub(super) fn is_release(&self) -> bool {
        self.phase == CallPhase::Release
    }
}

/// What became of a request that was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It waits, or another stands for it.
    Waits,
    /// There is no room.
    Full,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    /// How many of `entries` are not releases.
    ordinary: usize,
    merged: Vec<(u64, RequestId)>,
    next_key: u64,
}

impl Queue {
    pub(super) fn new() -> Queue {
        Queue {
            entries: VecDeque::with_capacity(QUEUE_CALLS + HELD_MAX),
            ordinary: 0,
            merged: Vec::with_capacity(MERGED_CALLS),
            next_key: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A key for a request that does not wait.
    pub(super) fn key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    /// Puts a request in; its key is chosen here.
    pub(super) fn put(&mut self, mut entry: Entry) -> Put {
        if entry.phase == CallPhase::Change
            && let Some(control) = entry.context.control
            && let Some(earlier) = same(&mut self.entries, entry.handle, control)
        {
            // The newest value counts, in the older one's place in the row.
            let ticks = earlier.context.ticks.saturating_add(entry.context.ticks);
            earlier.context = Context { ticks, ..entry.context };
            if self.merged.len() >= MERGED_CALLS {
                return Put::Full;
            }
            self.merged.push((earlier.key, entry.id));
            return Put::Waits;
        }
        if !entry.is_release() {
            if self.ordinary >= QUEUE_CALLS {
                return Put::Full;
            }
            self.ordinary += 1;
        }
        entry.key = self.key();
        self.entries.push_back(entry);
        Put::Waits
    }

    /// Takes out the first that `may_go`.
    pub(super) fn take(&mut self, mut may_go: impl FnMut(&mut Entry) -> bool) -> Option<Entry> {
        let place = self.entries.iter_mut().position(&mut may_go)?;
        let entry = self.entries.remove(place)?;
        self.ordinary -= usize::from(!entry.is_release());
        Some(entry)
    }

    /// Takes out the first, whatever it is.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        self.take(|_| true)
    }

    /// Puts one back to the front that was taken out a moment ago.
    pub(super) fn put_back(&mut self, entry: Entry) {
        self.ordinary += usize::from(!entry.is_release());
        self.entries.push_front(entry);
    }

    /// The requests that the entry with this key stands for, its own not among them.
    pub(super) fn merged(&mut self, key: u64, mut each: impl FnMut(RequestId)) {
        if self.merged.is_empty() {
            return;
        }
        self.merged.retain(|(of, id)| {
            if *of == key {
                each(*id);
            }
            *of != key
        });
    }

    /// When the oldest that is no release was put in.
    pub(super) fn oldest(&self) -> Option<Time> {
        self.entries.iter().filter(|entry| !entry.is_release()).map(|entry| entry.taken).min()
    }

    /// Whether anything waits that is not counted against the rate yet, and whether anything that is.
    pub(super) fn has_unpaid(&self) -> bool {
        self.entries.iter().any(|entry| !entry.paid)
    }

    /// Whether a request for this handle waits.
    pub(super) fn uses(&self, handle: u32) -> bool {
        self.entries.iter().any(|entry| entry.handle == handle)
    }
}

fn same(entries: &mut VecDeque<Entry>, handle: u32, control: Control) -> Option<&mut Entry> {
    entries.iter_mut().find(|entry| {
        entry.phase == CallPhase::Change && entry.handle == handle && entry.context.control == Some(control)
    })
}

#[cfg(test)]
mod tests {
    use padgate_core::engine::{CallPhase, Context, Control, PressId, RequestId};
    use padgate_core::ids::DeviceId;
    use padgate_core::midi::Channel;
    use padgate_core::ruleset::trigger::ControlKind;
    use padgate_core::time::Time;

    use super::{Entry, MERGED_CALLS, Put, QUEUE_CALLS, Queue};

    fn entry(id: u64, phase: CallPhase, number: u8) -> Entry {
        let control = Control {
            device: DeviceId::new(0),
            kind: ControlKind::Controller,
            channel: Channel::from_wire(0),
            number,
        };
        let context = Context {
            press: PressId(id),
            control: Some(control),
            message: None,
            value: id as f64,
            raw: 0,
            ticks: 1,
            received: Time::ZERO,
        };
        Entry { key: 0, id: RequestId(id), handle: 1, phase, context, taken: Time(id), paid: true }
    }

    #[test]
    fn presses_are_bounded_and_releases_are_not_dropped() {
        let mut queue = Queue::new();
        for id in 0..QUEUE_CALLS as u64 {
            assert_eq!(queue.put(entry(id, CallPhase::Press, 1)), Put::Waits);
        }
        assert_eq!(queue.put(entry(99, CallPhase::Tap, 1)), Put::Full);
        for id in 0..QUEUE_CALLS as u64 {
            assert_eq!(queue.put(entry(id, CallPhase::Release, 1)), Put::Waits);
        }
        assert_eq!(queue.pop().map(|first| first.id), Some(RequestId(0)));
        assert_eq!(queue.put(entry(99, CallPhase::Tap, 1)), Put::Waits);
        assert_eq!(queue.len(), QUEUE_CALLS * 2);
        let releases = std::iter::from_fn(|| queue.pop()).filter(Entry::is_release).count();
        assert_eq!(releases, QUEUE_CALLS);
    }

    #[test]
    fn the_newest_value_of_a_control_stands_for_the_older_ones() {
        let mut queue = Queue::new();
        queue.put(entry(1, CallPhase::Change, 7));
        queue.put(entry(2, CallPhase::Tap, 7));
        queue.put(entry(3, CallPhase::Change, 8));
        queue.put(entry(4, CallPhase::Change, 7));
        let first = queue.pop().unwrap();
        assert_eq!((first.id, first.context.value, first.context.ticks), (RequestId(1), 4.0, 2));
        let mut merged = Vec::new();
        queue.merged(first.key, |id| merged.push(id));
        assert_eq!(merged, [RequestId(4)]);
        assert_eq!(queue.pop().unwrap().id, RequestId(2));
        assert_eq!(queue.pop().unwrap().context.value, 3.0);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_value_that_stands_for_too_many_still_becomes_the_newest() {
        let mut queue = Queue::new();
        queue.put(entry(0, CallPhase::Change, 7));
        for id in 1..=MERGED_CALLS as u64 {
            assert_eq!(queue.put(entry(id, CallPhase::Change, 7)), Put::Waits);
        }
        assert_eq!(queue.put(entry(5000, CallPhase::Change, 7)), Put::Full);
        assert_eq!(queue.pop().unwrap().context.value, 5000.0);
    }

    #[test]
    fn what_may_not_go_yet_is_passed() {
        let mut queue = Queue::new();
        queue.put(Entry { paid: false, ..entry(1, CallPhase::Change, 7) });
        queue.put(entry(2, CallPhase::Release, 7));
        assert!(queue.has_unpaid());
        assert_eq!(queue.take(|entry| entry.paid).unwrap().id, RequestId(2));
        assert_eq!(queue.take(|entry| entry.paid), None);
        assert_eq!(queue.oldest(), Some(Time(1)));
        assert!(queue.uses(1) && !queue.uses(2));
    }
}
