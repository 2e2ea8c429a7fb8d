//! Until when the timer thread may sleep.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use padgate_core::time::Time;

use crate::clock;
use crate::lock::lock;

/// The deadline, shared between the threads that bring events and the one that sleeps.
#[derive(Default)]
pub(super) struct Timer {
    state: Mutex<State>,
    changed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct State {
    deadline: Option<Time>,
    stop: bool,
}

impl Timer {
    /// Keeps the thread that calls [`Timer::wait`], for [`Timer::stop`].
    pub(super) fn keep(&self, thread: JoinHandle<()>) {
        *lock(&self.thread) = Some(thread);
    }

    /// Tells the thread about a deadline, if that is earlier than what it sleeps for. A later one needs no word:
    /// the thread wakes once for nothing and asks again.
    pub(super) fn wake_at(&self, deadline: Option<Time>) {
        let Some(deadline) = deadline else { return };
        let mut state = lock(&self.state);
        if state.deadline.is_none_or(|known| deadline < known) {
            state.deadline = Some(deadline);
            self.changed.notify_one();
        }
    }

    /// Sleeps until the deadline; false at the end.
    pub(super) fn wait(&self) -> bool {
        let mut state = lock(&self.state);
        loop {
            if state.stop {
                return false;
            }
            let now = clock::now();
            state = match state.deadline {
                Some(deadline) if deadline <= now => {
                    state.deadline = None;
                    return true;
                }
                Some(deadline) => {
                    let waited = self.changed.wait_timeout(state, deadline.since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Ends the thread, and waits for its end (unless it is the thread itself that asks).
    pub(super) fn stop(&self) {
        lock(&self.state).stop = true;
        self.changed.notify_all();
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            // A panic there was logged when it happened.
            let _ = thread.join();
        }
    }
}

/// Asks the kernel to wake this thread when it said, not up to 50 µs later.
pub(crate) fn sharpen() {
    #[cfg(target_os = "linux")]
    if let Some(slack) = std::num::NonZeroU64::new(1)
        && let Err(error) = rustix::thread::set_current_timer_slack(Some(slack))
    {
        tracing::debug!(%error, "timers stay as coarse as the system makes them");
    }
}
