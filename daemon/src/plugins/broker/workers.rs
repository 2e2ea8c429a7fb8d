//! The threads on which things happen that take time: a few, started when needed, gone when idle.
//!
//! One plugin's slow servers must not delay another plugin. So a plugin has at most [`JOBS_PER_PLUGIN`] jobs under way,
//! the others wait in its own queue, and the first job of a plugin that has none under way always gets a thread, even if
//! [`WORKERS_MAX`] are busy. There are never more than that and one for each plugin.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use padgate_plugin_abi::{PADGATE_LIMIT, PADGATE_UNAVAILABLE};

use crate::lock::lock;
use crate::plugins::part::{PluginId, Reply};

/// How many jobs are under way at once, besides one for each plugin that has no other.
pub const WORKERS_MAX: usize = 8;
/// How many of them can be one plugin's.
pub const JOBS_PER_PLUGIN: usize = 4;
/// How many more wait for one plugin. When so many do, a further one is answered with `PADGATE_LIMIT`.
pub const QUEUE_JOBS: usize = 64;
/// How long a thread without work stays, so that a burst does not start one for each job.
const LINGER: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;

/// See the module.
#[derive(Default)]
pub(super) struct Pool {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    lanes: HashMap<PluginId, Lane>,
    /// Plugins with waiting jobs, each once; whose turn is next stands first.
    turns: VecDeque<PluginId>,
    busy: usize,
    threads: usize,
    /// Threads that wait and were not woken.
    idle: usize,
    /// Threads that were woken and have not noticed.
    woken: usize,
    closed: bool,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Job>,
    running: usize,
}

impl Pool {
    /// Does the job on a worker; if it can't be taken, answers why. Never waits.
    pub(super) fn submit(&self, plugin: PluginId, reply: Reply, job: impl FnOnce(Reply) + Send + 'static) {
        let mut state = lock(&self.shared.state);
        if state.closed {
            drop(state);
            reply.failed(PADGATE_UNAVAILABLE, "Padgate is stopping");
            return;
        }
        let lane = state.lanes.entry(plugin).or_default();
        if lane.waiting.len() >= QUEUE_JOBS {
            drop(state);
            let why =
                format!("{QUEUE_JOBS} requests of this plugin wait already: let some of them end first");
            reply.failed(PADGATE_LIMIT, why);
            return;
        }
        let first = lane.waiting.is_empty();
        lane.waiting.push_back(Box::new(move || job(reply)));
        if first {
            state.turns.push_back(plugin);
        }
        self.shared.staff(&mut state);
    }

    /// Drops what waits for the plugin. What is under way goes on.
    pub(super) fn forget(&self, plugin: PluginId) {
        let mut state = lock(&self.shared.state);
        let dropped = state.lanes.get_mut(&plugin).map(|lane| std::mem::take(&mut lane.waiting));
        state.turns.retain(|turn| *turn != plugin);
        drop(state);
        // Without the lock: with each job its reply is dropped, which tells somebody.
        drop(dropped);
    }

    /// Drops what waits, and takes nothing more.
    pub(super) fn close(&self) {
        let mut state = lock(&self.shared.state);
        state.closed = true;
        state.turns.clear();
        let dropped = std::mem::take(&mut state.lanes);
        drop(state);
        self.shared.wake.notify_all();
        drop(dropped);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Sees to it that somebody takes what can start now: wakes a thread or starts one.
    fn staff(self: &Arc<Shared>, state: &mut State) {
        if state.next_turn().is_none() {
            return;
        }
        if state.idle > 0 {
            state.idle -= 1;
            state.woken += 1;
            self.wake.notify_one();
            return;
        }
        state.threads += 1;
        let shared = Arc::clone(self);
        let thread = std::thread::Builder::new().name("padgate broker".to_owned());
        if let Err(error) = thread.spawn(move || shared.work()) {
            // What waits is taken by a thread that ends its job; without any, it waits for the next job.
            state.threads -= 1;
            tracing::warn!(%error, threads = state.threads, "no thread for what a plugin asked for");
        }
    }

    fn work(self: &Arc<Shared>) {
        let mut state = lock(&self.state);
        loop {
            let Some((plugin, job)) = state.take() else {
                state = match self.wait(state) {
                    Some(state) => state,
                    None => return,
                };
                continue;
            };
            // The turns may have passed over somebody who can start as well.
            self.staff(&mut state);
            drop(state);
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!(plugin = plugin.0, "a mistake in Padgate ended what a plugin asked for");
            }
            state = lock(&self.state);
            state.done(plugin);
        }
    }

    /// Waits for work; `None` if the thread is to end.
    fn wait<'a>(
        &'a self,
        mut state: std::sync::MutexGuard<'a, State>,
    ) -> Option<std::sync::MutexGuard<'a, State>> {
        let end = Instant::now() + LINGER;
        state.idle += 1;
        loop {
            if state.woken > 0 {
                state.woken -= 1;
                return Some(state);
            }
            let left = end.saturating_duration_since(Instant::now());
            if state.closed || left == Duration::ZERO {
                state.idle -= 1;
                state.threads -= 1;
                return None;
            }
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    /// The place in `turns` of the first plugin whose job can start now.
    fn next_turn(&self) -> Option<usize> {
        self.turns.iter().position(|plugin| {
            let running = self.lanes.get(plugin).map_or(0, |lane| lane.running);
            running == 0 || (running < JOBS_PER_PLUGIN && self.busy < WORKERS_MAX)
        })
    }

    fn take(&mut self) -> Option<(PluginId, Job)> {
        let plugin = self.turns.remove(self.next_turn()?)?;
        let lane = self.lanes.get_mut(&plugin)?;
        let job = lane.waiting.pop_front()?;
        lane.running += 1;
        if !lane.waiting.is_empty() {
            self.turns.push_back(plugin);
        }
        self.busy += 1;
        Some((plugin, job))
    }

    fn done(&mut self, plugin: PluginId) {
        self.busy -= 1;
        if let Some(lane) = self.lanes.get_mut(&plugin) {
            lane.running -= 1;
            if lane.running == 0 && lane.waiting.is_empty() {
                self.lanes.remove(&plugin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use padgate_plugin_abi::{PADGATE_FAILED, PADGATE_LIMIT, PADGATE_OK};

    use super::{JOBS_PER_PLUGIN, PluginId, Pool, QUEUE_JOBS, Reply, WORKERS_MAX};
    use crate::plugins::broker::tests_kit::{DEADLINE, Waiting, waiting};

    /// Submits a job that says that it began, and waits for a word.
    fn blocked(pool: &Pool, plugin: u32, began: &Sender<u32>) -> (Sender<()>, Waiting) {
        let (go, gone) = channel::<()>();
        let (reply, waiting) = waiting();
        let began = began.clone();
        pool.submit(PluginId(plugin), reply, move |reply: Reply| {
            let _ = began.send(plugin);
            let _ = gone.recv();
            reply.done();
        });
        (go, waiting)
    }

    fn began(from: &Receiver<u32>) -> u32 {
        from.recv_timeout(DEADLINE).expect("a job begins")
    }

    #[test]
    fn one_plugin_s_slow_jobs_never_delay_another() {
        let pool = Pool::default();
        let (sender, receiver) = channel();
        let mut jobs = Vec::new();
        // Two plugins fill all workers and their queues.
        for plugin in [1, 2] {
            for _ in 0..JOBS_PER_PLUGIN + 2 {
                jobs.push(blocked(&pool, plugin, &sender));
            }
        }
        let mut first: Vec<u32> = (0..WORKERS_MAX).map(|_| began(&receiver)).collect();
        first.sort_unstable();
        assert_eq!(first, [1, 1, 1, 1, 2, 2, 2, 2]);
        // Others get a thread at once all the same, but only for one job.
        let (go, third) = blocked(&pool, 3, &sender);
        assert_eq!(began(&receiver), 3);
        let (_go_later, _second_of_third) = blocked(&pool, 3, &sender);
        let (_go_fourth, _fourth) = blocked(&pool, 4, &sender);
        assert_eq!(began(&receiver), 4, "the second job of the third plugin waits");
        drop(go);
        assert_eq!(third.get().status, PADGATE_OK);
        assert_eq!(began(&receiver), 3, "and starts when the first is done");
        for (go, waiting) in jobs {
            drop(go);
            assert_eq!(waiting.get().status, PADGATE_OK);
        }
    }

    #[test]
    fn a_full_queue_is_said_and_forgetting_ends_what_waits() {
        let pool = Pool::default();
        let (sender, receiver) = channel();
        let running: Vec<_> = (0..JOBS_PER_PLUGIN).map(|_| blocked(&pool, 1, &sender)).collect();
        for _ in 0..JOBS_PER_PLUGIN {
            began(&receiver);
        }
        let queued: Vec<_> = (0..QUEUE_JOBS).map(|_| blocked(&pool, 1, &sender)).collect();
        let (_, refused) = blocked(&pool, 1, &sender);
        let refused = refused.get();
        assert_eq!(refused.status, PADGATE_LIMIT);
        assert!(String::from_utf8(refused.body).unwrap().contains("64"), "the text says how many");
        pool.forget(PluginId(1));
        for (_, waiting) in queued {
            assert_eq!(waiting.get().status, PADGATE_FAILED);
        }
        for (go, waiting) in running {
            drop(go);
            assert_eq!(waiting.get().status, PADGATE_OK);
        }
    }

    #[test]
    fn a_panic_costs_one_answer() {
        let pool = Pool::default();
        let (reply, waiting) = waiting();
        pool.submit(PluginId(1), reply, |_| panic!("a job that fails"));
        assert_eq!(waiting.get().status, PADGATE_FAILED);
        let (sender, receiver) = channel();
        let (go, next) = blocked(&pool, 1, &sender);
        began(&receiver);
        drop(go);
        assert_eq!(next.get().status, PADGATE_OK);
    }
}
