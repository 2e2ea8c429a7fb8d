//! The queue in front of a back end: bounded, ordered, merging what supersedes, and never losing a release.
//!
//! One queue per back end, so that a sound server that hangs does not delay a key. Putting something in takes a
//! short lock and never waits, because the engine's own lock is held meanwhile.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use padgate_core::engine::{Effect, Request, RequestId, VolumeChange};
use padgate_core::ruleset::action::PointerMove;

use crate::lock::lock;
use crate::outcome::Outcome;

/// How many requests wait for one back end. When so many do, a further one is answered with [`Outcome::Dropped`],
/// unless it is a release: that is always taken. While the queue is full no press is taken, and a release that
/// already waits there is not put in twice, so releases are bounded by the number of keys there are.
pub const QUEUE_REQUESTS: usize = 256;

/// How many requests one waiting request can stand for (a fader that moved often while the sound server was busy).
/// Beyond, the newest value still counts, but its request is answered with [`Outcome::Dropped`].
pub const MERGED_REQUESTS: usize = 1024;

/// What waits for a back end.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The request that put it here.
    pub(crate) id: RequestId,
    /// Further requests that it stands for, and that get the same outcome.
    pub(crate) merged: Vec<RequestId>,
    /// What to do.
    pub(crate) effect: Effect,
}

/// What a back end is to do next.
#[derive(Debug)]
pub(crate) enum Job<C> {
    /// A request.
    Do(Entry),
    /// A request that comes too late, because the daemon stops: only its outcome is wanted.
    Abandon(Entry),
    /// Something that is no request.
    Control(C),
    /// What was asked for with [`Queue::when_idle`], now that nothing else waits.
    Idle,
    /// Release everything and end.
    Close,
}

#[derive(Debug)]
struct State<C> {
    entries: VecDeque<Entry>,
    /// How many of `entries` are not releases.
    ordinary: usize,
    control: Option<C>,
    idle_wanted: bool,
    closed: bool,
    ended: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Queue<C> {
    state: Mutex<State<C>>,
    wake: Condvar,
    ended: Condvar,
}

impl<C: Default> Queue<C> {
    pub(crate) fn new() -> Self {
        let entries = VecDeque::with_capacity(QUEUE_REQUESTS);
        let state =
            State { entries, ordinary: 0, control: None, idle_wanted: false, closed: false, ended: false };
        Self { state: Mutex::new(state), wake: Condvar::new(), ended: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        lock(&self.state)
    }

    /// Puts a request in.
    ///
    /// # Errors
    ///
    /// With its outcome, if it is not taken.
    pub(crate) fn push(&self, request: Request) -> Result<(), Outcome> {
        self.push_entry(Entry { id: request.id, merged: Vec::new(), effect: request.effect })
    }

    /// The same for what another back end hands on.
    ///
    /// # Errors
    ///
    /// With its outcome, if it is not taken.
    pub(crate) fn push_entry(&self, entry: Entry) -> Result<(), Outcome> {
        let mut state = self.lock();
        if state.closed {
            return Err(Outcome::Unavailable("Padgate is stopping".into()));
        }
        let full = state.ordinary >= QUEUE_REQUESTS;
        if let Some(earlier) = mergeable(&mut state.entries, &entry.effect, full) {
            merge(&mut earlier.effect, &entry.effect);
            if earlier.merged.len() >= MERGED_REQUESTS {
                // The release waits there already, so this one has nothing left to do.
                return Err(if entry.effect.is_release() { Outcome::Done } else { Outcome::Dropped });
            }
            earlier.merged.push(entry.id);
            return Ok(());
        }
        if !entry.effect.is_release() {
            if full {
                return Err(Outcome::Dropped);
            }
            state.ordinary += 1;
        }
        state.entries.push_back(entry);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Changes what the back end is told besides requests; it is told before its next request.
    pub(crate) fn control(&self, change: impl FnOnce(&mut C)) {
        let mut state = self.lock();
        change(state.control.get_or_insert_default());
        drop(state);
        self.wake.notify_one();
    }

    /// Asks for [`Job::Idle`] once, when no request waits. Asking again before that changes nothing.
    pub(crate) fn when_idle(&self) {
        self.lock().idle_wanted = true;
        self.wake.notify_one();
    }

    /// Waits for the next thing to do, without limit.
    pub(crate) fn next(&self) -> Job<C> {
        let mut state = self.lock();
        loop {
            if let Some(control) = state.control.take() {
                return Job::Control(control);
            }
            if let Some(entry) = state.entries.pop_front() {
                let release = entry.effect.is_release();
                if !release {
                    state.ordinary -= 1;
                }
                return if state.closed && !release { Job::Abandon(entry) } else { Job::Do(entry) };
            }
            if state.closed {
                return Job::Close;
            }
            if std::mem::take(&mut state.idle_wanted) {
                return Job::Idle;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// No further requests; what waits is abandoned, except releases.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// The back end's thread says that it is done.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.ended.notify_all();
    }

    /// Waits until the back end's thread is done, at most until `deadline`. Returns whether it is.
    pub(crate) fn wait_ended(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return false;
            }
            state = self.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// The waiting entry that can stand for `effect` as well.
fn mergeable<'a>(entries: &'a mut VecDeque<Entry>, effect: &Effect, full: bool) -> Option<&'a mut Entry> {
    match effect {
        // Only with the last one: between two moves there may be a click, and it belongs where it is.
        Effect::Pointer(PointerMove::By(..)) => {
            entries.back_mut().filter(|last| matches!(last.effect, Effect::Pointer(_)))
        }
        Effect::Pointer(PointerMove::To(..)) => {
            entries.back_mut().filter(|last| matches!(last.effect, Effect::Pointer(PointerMove::To(..))))
        }
        Effect::Scroll { .. } => {
            entries.back_mut().filter(|last| matches!(last.effect, Effect::Scroll { .. }))
        }
        Effect::Volume { target, .. } => entries
            .iter_mut()
            .rev()
            .find(|entry| matches!(&entry.effect, Effect::Volume { target: other, .. } if other == target)),
        // With room, a release is simply put in. Without, one that already waits will do: since the queue became
        // full, no press can have come after it.
        _ if full && effect.is_release() => {
            let last_press = entries.iter().rposition(|entry| !entry.effect.is_release());
            let after = last_press.map_or(0, |place| place + 1);
            entries.iter_mut().skip(after).find(|entry| entry.effect == *effect)
        }
        _ => None,
    }
}

/// Makes `earlier` do what `earlier` and then `later` would have done.
fn merge(earlier: &mut Effect, later: &Effect) {
    match (earlier, later) {
        (Effect::Pointer(first), Effect::Pointer(second)) => {
            *first = match (*first, *second) {
                (PointerMove::By(x, y), PointerMove::By(dx, dy)) => {
                    PointerMove::By(x.saturating_add(dx), y.saturating_add(dy))
                }
                (PointerMove::To(x, y), PointerMove::By(dx, dy)) => {
                    PointerMove::To(x.saturating_add(dx), y.saturating_add(dy))
                }
                (_, to @ PointerMove::To(..)) => to,
            };
        }
        (Effect::Scroll { horizontal, vertical }, Effect::Scroll { horizontal: right, vertical: down }) => {
            *horizontal = horizontal.saturating_add(*right);
            *vertical = vertical.saturating_add(*down);
        }
        (Effect::Volume { change: first, .. }, Effect::Volume { change: second, .. }) => {
            *first = match (*first, *second) {
                (VolumeChange::To(level), VolumeChange::By(step)) => {
                    VolumeChange::To((level + step).clamp(0.0, 1.5))
                }
                (VolumeChange::By(step), VolumeChange::By(more)) => {
                    VolumeChange::By((step + more).clamp(-1.5, 1.5))
                }
                (_, to @ VolumeChange::To(_)) => to,
            };
        }
        // Equal releases: once is enough.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use padgate_core::engine::{Context, Phase, PressId};
    use padgate_core::ids::TargetId;
    use padgate_core::ruleset::keys::parse_chord;
    use padgate_core::time::Time;

    use super::{Effect, Entry, Job, MERGED_REQUESTS, Outcome, PointerMove, QUEUE_REQUESTS, Queue};
    use super::{Request, RequestId, VolumeChange};

    fn request(id: u64, effect: Effect) -> Request {
        let context = Context {
            press: PressId(id),
            control: None,
            message: None,
            value: 0.0,
            raw: 0,
            ticks: 0,
            received: Time::ZERO,
        };
        Request { id: RequestId(id), mapping: None, effect, context }
    }

    fn keys(text: &str, phase: Phase) -> Effect {
        Effect::Keys { keys: parse_chord(text).unwrap(), phase }
    }

    fn volume(change: VolumeChange) -> Effect {
        Effect::Volume { target: TargetId::new(0), change }
    }

    fn take(queue: &Queue<()>) -> Entry {
        match queue.next() {
            Job::Do(entry) => entry,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_full_queue_drops_presses_and_keeps_releases_once() {
        let queue = Queue::<()>::new();
        for id in 0..QUEUE_REQUESTS as u64 {
            assert_eq!(queue.push(request(id, keys("a", Phase::Down))), Ok(()));
        }
        assert_eq!(queue.push(request(900, keys("b", Phase::Down))), Err(Outcome::Dropped));
        for id in 1000..5000 {
            for name in ["a", "b"] {
                let outcome = queue.push(request(id, keys(name, Phase::Up)));
                assert!(outcome == Ok(()) || outcome == Err(Outcome::Done), "{outcome:?}");
            }
        }
        for _ in 0..QUEUE_REQUESTS {
            assert_eq!(take(&queue).effect, keys("a", Phase::Down));
        }
        let release = take(&queue);
        assert_eq!((release.id, &release.effect), (RequestId(1000), &keys("a", Phase::Up)));
        assert_eq!(release.merged.len(), MERGED_REQUESTS);
        assert_eq!(take(&queue).effect, keys("b", Phase::Up));
        queue.close();
        assert!(matches!(queue.next(), Job::Close));
    }

    #[test]
    fn volumes_of_one_output_become_the_latest() {
        let queue = Queue::<()>::new();
        for (id, change) in
            [VolumeChange::To(0.2), VolumeChange::To(0.5), VolumeChange::By(0.1)].into_iter().enumerate()
        {
            queue.push(request(id as u64, volume(change))).unwrap();
        }
        let entry = take(&queue);
        assert_eq!(entry.effect, volume(VolumeChange::To(0.6)));
        assert_eq!((entry.id, entry.merged), (RequestId(0), vec![RequestId(1), RequestId(2)]));
    }

    #[test]
    fn moves_merge_only_with_their_neighbour() {
        let queue = Queue::<()>::new();
        let by = |x, y| Effect::Pointer(PointerMove::By(x, y));
        for (id, effect) in [by(1, 1), by(2, -3), keys("a", Phase::Tap), by(5, 5)].into_iter().enumerate() {
            queue.push(request(id as u64, effect)).unwrap();
        }
        assert_eq!(take(&queue).effect, by(3, -2));
        assert_eq!(take(&queue).effect, keys("a", Phase::Tap));
        assert_eq!(take(&queue).effect, by(5, 5));
    }

    #[test]
    fn closing_abandons_all_but_releases() {
        let queue = Queue::<()>::new();
        queue.push(request(1, keys("a", Phase::Tap))).unwrap();
        queue.push(request(2, keys("b", Phase::Up))).unwrap();
        queue.close();
        assert!(matches!(queue.next(), Job::Abandon(entry) if entry.id == RequestId(1)));
        assert!(matches!(queue.next(), Job::Do(entry) if entry.id == RequestId(2)));
        assert!(matches!(queue.next(), Job::Close));
        assert!(matches!(queue.push(request(3, keys("c", Phase::Tap))), Err(Outcome::Unavailable(_))));
    }
}
