//! What the supervisor's thread sleeps on: descriptors of hosts, one timer for all deadlines, and an eventfd for whoever has
//! something for it.
//!
//! The timer is set by whoever knows of an earlier deadline, on any thread, and never taken back: a call that ended in time
//! costs no system call for that. It then runs out once for nothing, and is set to what is really next.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;

use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use padgate_core::time::Time;

use super::deadlines::Deadlines;
use crate::clock;
use crate::lock::lock;

/// How many descriptors are looked at in one round.
const EVENTS_PER_ROUND: usize = 64;

/// What is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ready {
    /// Somebody woke the thread.
    Woken,
    /// A deadline may be over.
    Time,
    /// The link to a host of the plugin in this slot, of this generation.
    Link(u32, u32),
    /// What it prints.
    Output(u32, u32),
    /// Its death.
    Death(u32, u32),
}

impl Ready {
    const WOKEN: u64 = 0;
    const TIME: u64 = 1;

    fn token(self) -> epoll::EventData {
        // Slots of plugins begin with 1, so that no token of theirs is one of the two above.
        let of = |slot: u32, generation: u32, kind: u64| {
            (u64::from(slot) << 34) | (u64::from(generation) << 2) | kind
        };
        epoll::EventData::new_u64(match self {
            Ready::Woken => Ready::WOKEN,
            Ready::Time => Ready::TIME,
            Ready::Link(slot, generation) => of(slot, generation, 0),
            Ready::Output(slot, generation) => of(slot, generation, 1),
            Ready::Death(slot, generation) => of(slot, generation, 2),
        })
    }

    fn of(token: u64) -> Ready {
        let (slot, generation) = ((token >> 34) as u32, (token >> 2) as u32);
        match (token, token & 3) {
            (Ready::WOKEN, _) => Ready::Woken,
            (Ready::TIME, _) => Ready::Time,
            (_, 0) => Ready::Link(slot, generation),
            (_, 1) => Ready::Output(slot, generation),
            _ => Ready::Death(slot, generation),
        }
    }
}

/// See the module.
pub(super) struct Poller {
    epoll: OwnedFd,
    wake: OwnedFd,
    timer: OwnedFd,
    times: Mutex<Times>,
}

struct Times {
    deadlines: Deadlines,
    /// When the timer runs out.
    set: Option<Time>,
}

impl Poller {
    /// Makes it.
    ///
    /// # Errors
    ///
    /// If the system has no descriptors left.
    pub(super) fn new() -> io::Result<Poller> {
        let poller = Poller {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            timer: timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?,
            times: Mutex::new(Times { deadlines: Deadlines::default(), set: None }),
        };
        poller.add(&poller.wake, Ready::Woken)?;
        poller.add(&poller.timer, Ready::Time)?;
        Ok(poller)
    }

    /// From now on, says when there is something to read. Ends when the descriptor is closed.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub(super) fn add(&self, what: impl AsFd, ready: Ready) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, what, ready.token(), epoll::EventFlags::IN)?)
    }

    /// Says as well, or no longer, when it can be written.
    pub(super) fn writable(&self, what: impl AsFd, ready: Ready, wanted: bool) {
        let mut flags = epoll::EventFlags::IN;
        flags.set(epoll::EventFlags::OUT, wanted);
        if let Err(error) = epoll::modify(&self.epoll, what, ready.token(), flags) {
            tracing::warn!("can't wait for a plugin's link: {error}");
        }
    }

    /// Says no longer anything of it.
    pub(super) fn remove(&self, what: impl AsFd) {
        if let Err(error) = epoll::delete(&self.epoll, what) {
            tracing::warn!("can't leave a plugin's output alone: {error}");
        }
    }

    /// Wakes the thread.
    pub(super) fn wake(&self) {
        // It fails only if it was woken 2⁶⁴ times already.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    /// The deadline in `slot` is at the latest `at`.
    pub(super) fn no_later(&self, slot: u32, at: Time) {
        let mut times = lock(&self.times);
        times.deadlines.no_later(slot, at);
        self.arm(&mut times);
    }

    /// The deadline in `slot` is `at`, or there is none.
    pub(super) fn set(&self, slot: u32, at: Option<Time>) {
        let mut times = lock(&self.times);
        times.deadlines.set(slot, at);
        self.arm(&mut times);
    }

    /// Takes out the next slot whose deadline is over. If there is none, the timer is set to what is next: this is to be
    /// called until then, after each [`Ready::Time`].
    pub(super) fn due(&self, now: Time) -> Option<u32> {
        let mut times = lock(&self.times);
        match times.deadlines.first() {
            Some((at, slot)) if at <= now => {
                times.deadlines.set(slot, None);
                Some(slot)
            }
            _ => {
                self.arm(&mut times);
                None
            }
        }
    }

    /// The earliest deadline.
    #[cfg(test)]
    pub(super) fn first(&self) -> Option<(Time, u32)> {
        lock(&self.times).deadlines.first()
    }

    fn arm(&self, times: &mut Times) {
        let Some((at, _)) = times.deadlines.first() else { return };
        if times.set.is_some_and(|set| set <= at) {
            return;
        }
        let ns = clock::to_system(at).max(1);
        let value = Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as i64 };
        let interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let new = Itimerspec { it_interval: interval, it_value: value };
        match timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &new) {
            Ok(_) => times.set = Some(at),
            Err(error) => tracing::error!("can't set the timer of the plugins: {error}"),
        }
    }

    /// Sleeps until something is ready, and puts what into `ready`. Never sleeps if `busy`.
    pub(super) fn wait(&self, busy: bool, ready: &mut Vec<Ready>) {
        let mut events = [MaybeUninit::<epoll::Event>::uninit(); EVENTS_PER_ROUND];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        ready.clear();
        match epoll::wait(&self.epoll, &mut events, busy.then_some(&at_once)) {
            Ok((events, _)) => ready.extend(events.iter().map(|event| Ready::of(event.data.u64()))),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => tracing::error!("can't wait for plugins: {error}"),
        }
        for what in ready.iter() {
            match what {
                Ready::Woken => self.empty(&self.wake),
                Ready::Time => {
                    self.empty(&self.timer);
                    lock(&self.times).set = None;
                }
                Ready::Link(..) | Ready::Output(..) | Ready::Death(..) => {}
            }
        }
    }

    fn empty(&self, counter: &OwnedFd) {
        // Nothing to read is no error here: what it counts was read before.
        let _ = rustix::io::read(counter, &mut [0; 8]);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Poller, Ready};
    use crate::clock;

    #[test]
    fn tokens_read_back() {
        let largest = (1 << 30) - 1;
        for ready in [
            Ready::Woken,
            Ready::Time,
            Ready::Link(1, 0),
            Ready::Output(largest, u32::MAX),
            Ready::Death(7, 3),
        ] {
            assert_eq!(Ready::of(ready.token().u64()), ready);
        }
    }

    #[test]
    fn it_wakes_for_an_earlier_deadline_and_for_a_wake() {
        let poller = Poller::new().unwrap();
        let now = clock::now();
        poller.set(1, Some(now + Duration::from_secs(3600)));
        poller.no_later(2, now + Duration::from_micros(300));
        let mut ready = Vec::new();
        poller.wait(false, &mut ready);
        assert_eq!(ready, [Ready::Time]);
        assert_eq!((poller.due(clock::now()), poller.due(clock::now())), (Some(2), None));
        poller.wake();
        poller.wait(false, &mut ready);
        assert_eq!(ready, [Ready::Woken]);
        poller.wait(true, &mut ready);
        assert!(ready.is_empty(), "{ready:?}");
    }
}
