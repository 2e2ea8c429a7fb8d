//! Deadlines: one per plugin, the earliest first, changed in place. No allocation once every plugin has its place.
//!
//! A binary heap that knows where each plugin stands in it. Pure: times come from whoever calls.

use padgate_core::time::Time;

/// Not in the heap.
const ABSENT: usize = usize::MAX;

/// See the module. A plugin is known by a small number, its slot.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    heap: Vec<(Time, u32)>,
    places: Vec<usize>,
}

impl Deadlines {
    /// Makes room for slots below `count`.
    pub(super) fn reserve(&mut self, count: usize) {
        if self.places.len() < count {
            self.places.resize(count, ABSENT);
            self.heap.reserve(count - self.heap.len());
        }
    }

    /// The earliest.
    pub(super) fn first(&self) -> Option<(Time, u32)> {
        self.heap.first().copied()
    }

    /// The deadline of `slot` is now `at`, or there is none.
    pub(super) fn set(&mut self, slot: u32, at: Option<Time>) {
        let index = slot as usize;
        self.reserve(index + 1);
        match (self.places[index], at) {
            (ABSENT, None) => {}
            (ABSENT, Some(at)) => {
                self.places[index] = self.heap.len();
                self.heap.push((at, slot));
                self.up(self.heap.len() - 1);
            }
            (place, Some(at)) => {
                let before = std::mem::replace(&mut self.heap[place].0, at);
                if at < before { self.up(place) } else { self.down(place) }
            }
            (place, None) => {
                self.places[index] = ABSENT;
                let last = self.heap.pop().expect("a slot with a place is in the heap");
                if place < self.heap.len() {
                    let before = std::mem::replace(&mut self.heap[place], last);
                    self.places[last.1 as usize] = place;
                    if last.0 < before.0 { self.up(place) } else { self.down(place) }
                }
            }
        }
    }

    /// The deadline of `slot` is at the latest `at`.
    pub(super) fn no_later(&mut self, slot: u32, at: Time) {
        let place = self.places.get(slot as usize).copied().unwrap_or(ABSENT);
        if place == ABSENT || self.heap[place].0 > at {
            self.set(slot, Some(at));
        }
    }

    fn up(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent].0 <= self.heap[place].0 {
                return;
            }
            self.swap(place, parent);
            place = parent;
        }
    }

    fn down(&mut self, mut place: usize) {
        loop {
            let left = place * 2 + 1;
            let Some(child) = [left, left + 1]
                .into_iter()
                .filter(|child| *child < self.heap.len())
                .min_by_key(|child| self.heap[*child].0)
            else {
                return;
            };
            if self.heap[place].0 <= self.heap[child].0 {
                return;
            }
            self.swap(place, child);
            place = child;
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        self.places[self.heap[one].1 as usize] = one;
        self.places[self.heap[other].1 as usize] = other;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use padgate_core::time::Time;
    use proptest::prelude::{any, prop};

    use super::Deadlines;

    proptest::proptest! {
        #[test]
        fn the_first_is_always_the_earliest(
            changes in prop::collection::vec((0u32..20, any::<Option<u8>>(), any::<bool>()), 0..200)
        ) {
            let mut deadlines = Deadlines::default();
            let mut model = BTreeMap::new();
            for (slot, at, lower) in changes {
                let at = at.map(|at| Time(u64::from(at)));
                match at {
                    Some(at) if lower => {
                        deadlines.no_later(slot, at);
                        let entry = model.entry(slot).or_insert(at);
                        *entry = at.min(*entry);
                    }
                    Some(at) => {
                        deadlines.set(slot, Some(at));
                        model.insert(slot, at);
                    }
                    None => {
                        deadlines.set(slot, None);
                        model.remove(&slot);
                    }
                }
                let first = deadlines.first();
                assert_eq!(first.map(|(at, _)| at), model.values().min().copied());
                if let Some((at, slot)) = first {
                    assert_eq!(model.get(&slot), Some(&at));
                }
            }
        }
    }
}
