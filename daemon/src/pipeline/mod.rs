//! The pipeline: the engine behind one lock, and the hand-off of what it decides.
//!
//! The thread that brings an event runs the engine and hands the result off itself, still under the lock:
//! so a press costs no wake-up that it does not need, and no release can overtake its press. The lock is
//! held for microseconds; nothing under it waits. A thread of its own sleeps until exactly the engine's next
//! deadline.

mod heard;
mod state;
mod timer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::lock::lock;
use padgate_core::engine::{Effect, Engine, Index, Input, Output, Request, Trace};
use padgate_core::ids::DeviceId;
use padgate_core::midi::Received;
use padgate_core::ruleset::Ruleset;
use padgate_core::time::Time;
use tokio::sync::mpsc;

pub use heard::{Heard, HeardInput};
pub use state::EngineState;
use timer::Timer;
pub(crate) use timer::sharpen;

use crate::clock;
use crate::hands::Hands;
use crate::history::{Cause, HISTORY_RECORDS, Happened, History, Record};
use crate::outcome::{Outcome, Report, ReportSink};
use crate::stats::{Counters, Latencies, note};

/// How many things wait for one subscriber. What comes above is left out, and the subscriber told how much.
pub const SUBSCRIBER_QUEUE: usize = 4096;
/// How many inputs wait for one recorder. A recorder that falls behind is told, and its recording is no good.
pub const RECORDER_QUEUE: usize = 65_536;
/// How many records are copied before others get the lock.
const RECORDS_AT_ONCE: usize = 64;
/// How often the wall clock is read at most, while some condition asks for it.
const WALL_CLOCK_EVERY: Duration = Duration::from_secs(1);

/// The engine, and what it hands off to.
pub struct Pipeline {
    core: Mutex<Core>,
    timer: Timer,
    hands: Hands,
}

struct Core {
    engine: Engine,
    outputs: Vec<Output>,
    history: History,
    counters: Counters,
    latencies: Latencies,
    subscribers: Vec<Subscriber>,
    recorders: Vec<mpsc::Sender<Heard>>,
    wall_clock_read: Option<Time>,
    /// Everything was released for good; nothing may go down after that.
    closed: bool,
}

struct Subscriber {
    sender: mpsc::Sender<Happened>,
    missed: u64,
}

impl Pipeline {
    /// A pipeline with these rules, and its timer thread.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn new(ruleset: Arc<Ruleset>, hands: Hands) -> std::io::Result<Arc<Pipeline>> {
        let engine = Engine::new(Arc::new(Index::build(ruleset)));
        let pipeline = Arc::new(Pipeline {
            core: Mutex::new(Core {
                engine,
                outputs: Vec::with_capacity(256),
                history: History::default(),
                counters: Counters::default(),
                latencies: Latencies::default(),
                subscribers: Vec::new(),
                recorders: Vec::new(),
                wall_clock_read: None,
                closed: false,
            }),
            timer: Timer::default(),
            hands,
        });
        let for_thread = Arc::downgrade(&pipeline);
        let thread = std::thread::Builder::new().name("padgate-timer".into()).spawn(move || {
            timer::sharpen();
            while let Some(pipeline) = for_thread.upgrade() {
                if !pipeline.timer.wait() {
                    return;
                }
                // A mistake must not end this thread: from then on nothing would be held long enough, or end by itself.
                let done = catch_unwind(AssertUnwindSafe(|| pipeline.input(Input::Timer, clock::now())));
                if done.is_err() {
                    tracing::error!(
                        "a bug: what was due panicked; it is looked at again with the next input"
                    );
                }
            }
        })?;
        pipeline.timer.keep(thread);
        Ok(pipeline)
    }

    /// A device sent something.
    pub fn midi(&self, device: DeviceId, received: Received<'_>, at: Time) {
        self.input(Input::Midi { device, received }, at);
    }

    /// Anything happened.
    pub fn input(&self, input: Input<'_>, at: Time) {
        let mut core = lock(&self.core);
        let core = &mut *core;
        if core.closed {
            return;
        }
        core.refresh_wall_clock(at);
        core.record_input(&input, at);
        if let Input::Midi { .. } = input {
            core.counters.messages += 1;
        }
        let cause = Cause::of(&input);
        core.engine.handle(input, at, &mut core.outputs);
        self.hand_off(core, cause, at);
        self.timer.wake_at(core.engine.next_deadline());
    }

    /// Replaces the rules between two events.
    pub fn reload(&self, ruleset: Arc<Ruleset>, at: Time) {
        let mappings = ruleset.mappings.len();
        let index = Arc::new(Index::build(ruleset));
        let old = {
            let mut core = lock(&self.core);
            let core = &mut *core;
            if core.closed {
                return;
            }
            let old = core.engine.reload(index, at, &mut core.outputs);
            core.wall_clock_read = None;
            self.hand_off(core, Cause::Reload, at);
            core.tell(|| Happened::Reloaded(mappings));
            self.timer.wake_at(core.engine.next_deadline());
            old
        };
        // Freeing thousands of mappings takes its time: not under the lock.
        drop(old);
    }

    /// The rules in force.
    #[must_use]
    pub fn ruleset(&self) -> Arc<Ruleset> {
        Arc::clone(lock(&self.core).engine.rules())
    }

    /// What is active, set and held now.
    #[must_use]
    pub fn state(&self) -> EngineState {
        EngineState::of(&lock(&self.core).engine)
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        lock(&self.core).counters
    }

    /// How long the steps took so far.
    #[must_use]
    pub fn latencies(&self) -> Latencies {
        lock(&self.core).latencies.clone()
    }

    /// All records, the oldest first. Copied a few at a time, so that no press waits for all of them; what happens
    /// meanwhile is at the end.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let mut records: Vec<Record> = Vec::with_capacity(HISTORY_RECORDS);
        loop {
            let known = records.last().map_or(0, |record| record.sequence);
            let before = records.len();
            records.extend(lock(&self.core).history.after(known).take(RECORDS_AT_ONCE));
            if records.len() - before < RECORDS_AT_ONCE {
                return records;
            }
        }
    }

    /// From now on, everything that happens.
    #[must_use]
    pub fn subscribe(&self) -> mpsc::Receiver<Happened> {
        let (sender, receiver) = mpsc::channel(SUBSCRIBER_QUEUE);
        let mut core = lock(&self.core);
        // Those that left since anything last happened.
        core.subscribers.retain(|subscriber| !subscriber.sender.is_closed());
        core.subscribers.push(Subscriber { sender, missed: 0 });
        receiver
    }

    /// From now on, every input. The channel closes when the recorder falls behind.
    #[must_use]
    pub fn record(&self) -> mpsc::Receiver<Heard> {
        let (sender, receiver) = mpsc::channel(RECORDER_QUEUE);
        let mut core = lock(&self.core);
        core.recorders.retain(|recorder| !recorder.is_closed());
        core.recorders.push(sender);
        receiver
    }

    /// Whether any mapping asks for real-time messages.
    #[must_use]
    pub fn wants_realtime(&self) -> bool {
        lock(&self.core).engine.wants_realtime()
    }

    /// Releases everything for good, and ends the timer thread. Inputs that come later do nothing: what they pressed,
    /// nobody would release. Reports are still taken.
    pub fn shutdown(&self) {
        {
            let mut core = lock(&self.core);
            let core = &mut *core;
            let now = clock::now();
            core.engine.release_all(now, &mut core.outputs);
            core.closed = true;
            self.hand_off(core, Cause::Other("shutdown"), now);
        }
        self.timer.stop();
    }

    /// Hands off what the engine decided, in order, and remembers it.
    fn hand_off(&self, core: &mut Core, cause: Cause, received: Time) {
        let decided = clock::now();
        if core.outputs.is_empty() && cause == Cause::Timer {
            return;
        }
        let is_message = matches!(cause, Cause::Message(..) | Cause::Sysex(..));
        let Core { history, counters, latencies, outputs, .. } = core;
        history.add(cause, received, decided, outputs);
        let panicked = history.newest_traces().any(|trace| *trace == Trace::Panicked);
        for entry in history.newest_requests_mut() {
            // Before the hand-off, because a back end on another thread may be quicker than a stamp after it.
            entry.handed_off = clock::now();
            if let Some(outcome) = self.send(&entry.request) {
                if !(panicked && silenced_nothing(&entry.request, &outcome)) {
                    counters.count(&outcome);
                }
                let (started, done) = (entry.handed_off, clock::now());
                entry.report = Some(Report { request: entry.request.id, outcome, started, done });
            }
        }
        if panicked {
            history.retain_newest_requests(|entry| match &entry.report {
                Some(report) => !silenced_nothing(&entry.request, &report.outcome),
                None => true,
            });
        }
        let handed_off = clock::now();
        history.handed_off(handed_off);
        let requests = history.newest_requests_mut().len() as u64;
        counters.requests += requests;
        for trace in history.newest_traces() {
            match trace {
                Trace::Fired { .. } => counters.fired += 1,
                Trace::Unmapped { .. } => counters.unmapped += 1,
                Trace::Echo { .. } => counters.echoes += 1,
                _ => {}
            }
        }
        if is_message {
            note(&mut latencies.decide, decided.since(received));
            if requests > 0 {
                note(&mut latencies.hand_off, handed_off.since(decided));
            }
        }
        if !core.subscribers.is_empty()
            && let Some(record) = core.history.newest()
        {
            let record = Arc::new(record);
            core.tell(|| Happened::Record(Arc::clone(&record)));
        }
    }

    /// The outcome, if it is known at once.
    fn send(&self, request: &Request) -> Option<Outcome> {
        let sent = match &request.effect {
            Effect::Midi { to, message } => {
                let (bytes, length) = message.encode();
                self.hands.midi.send(*to, &bytes[..length])
            }
            Effect::Sysex { to, bytes } => self.hands.midi.send(*to, bytes),
            _ => return self.hands.actions.send(request.clone()).err(),
        };
        Some(match sent {
            Ok(()) => Outcome::Done,
            Err(reason) => Outcome::Unavailable(reason),
        })
    }
}

/// Whether a panic told an output to be silent that is not there: a dozen lines for nothing in every monitor.
fn silenced_nothing(request: &Request, outcome: &Outcome) -> bool {
    request.mapping.is_none() && matches!(outcome, Outcome::Unavailable(_))
}

impl ReportSink for Pipeline {
    fn report(&self, report: Report) {
        let mut core = lock(&self.core);
        let core = &mut *core;
        core.counters.count(&report.outcome);
        if let Some(entry) = core.history.report(&report) {
            note(&mut core.latencies.wait, report.started.since(entry.handed_off));
            note(&mut core.latencies.carry_out, report.done.since(report.started));
        }
        core.tell(|| Happened::Report(report.clone()));
    }
}

impl Core {
    fn tell(&mut self, mut happened: impl FnMut() -> Happened) {
        let counters = &mut self.counters;
        self.subscribers.retain_mut(|subscriber| {
            if subscriber.missed > 0
                && subscriber.sender.try_send(Happened::Missed(subscriber.missed)).is_ok()
            {
                subscriber.missed = 0;
            }
            match subscriber.sender.try_send(happened()) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    subscriber.missed += 1;
                    counters.missed += 1;
                    true
                }
                Err(mpsc::error::TrySendError::Closed(_)) => false,
            }
        });
    }

    fn record_input(&mut self, input: &Input<'_>, at: Time) {
        if self.recorders.is_empty() || *input == Input::Timer {
            return;
        }
        let input = heard::keep(input);
        self.recorders.retain(|recorder| recorder.try_send(Heard { at, input: input.clone() }).is_ok());
    }

    /// Tells the engine the time of day, if it wants it and the last time is old.
    fn refresh_wall_clock(&mut self, now: Time) {
        let is_old = self.wall_clock_read.is_none_or(|read| now.since(read) >= WALL_CLOCK_EVERY);
        if self.engine.wants_wall_clock() && is_old {
            self.wall_clock_read = Some(now);
            let input = Input::WallClock(clock::local());
            self.record_input(&input, now);
            self.engine.handle(input, now, &mut self.outputs);
        }
    }
}

#[cfg(test)]
mod tests;
