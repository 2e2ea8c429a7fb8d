//! Runs: a mapping's program being stepped through, with waits, repetitions and branches.
//!
//! A wait is a deadline, never a sleep, so that no wait holds up another press.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;

use super::Engine;
use super::io::{Context, Output, PressId, RefuseReason, Trace};
use super::ledger::Entry;
use crate::ruleset::Mapping;
use crate::ruleset::action::{Again, NESTING_MAX, Program, Step, Times};
use crate::time::Time;

/// How many programs can run at once. What comes above is refused, and said.
pub const RUNS_MAX: usize = 256;
/// How many starts can wait in all queues together. What comes above is refused, and said.
pub const QUEUE_MAX: usize = 64;
/// How many steps a run takes before it lets others go first, so that the time under the engine's lock is
/// bounded.
const STEPS_PER_TURN: usize = 256;
/// How long it then waits.
const TURN_PAUSE: Duration = Duration::from_millis(1);

/// A program that has begun and not ended.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) mapping: Arc<Mapping>,
    pub(super) context: Context,
    next: usize,
    frames: ArrayVec<Frame, NESTING_MAX>,
    pub(super) wake: Time,
    /// The System Exclusive that fired it, for passing on.
    sysex: Option<Arc<[u8]>>,
}

/// A block that is being run: a repetition, or the branch of an `if`.
#[derive(Clone, Copy, Debug)]
struct Frame {
    start: usize,
    end: usize,
    /// Where to go on after the block.
    after: usize,
    left: Left,
    every: Duration,
    /// When the current round began.
    began: Time,
}

/// How many rounds are left after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Rounds(u32),
    WhileHeld,
}

/// A start that waits for the run before it.
#[derive(Debug)]
pub(super) struct Queued {
    mapping: Arc<Mapping>,
    context: Context,
    sysex: Option<Arc<[u8]>>,
}

/// All that run and all that wait.
#[derive(Debug)]
pub(super) struct Runs {
    pub(super) running: Vec<Run>,
    queue: VecDeque<Queued>,
}

impl Runs {
    pub(super) fn new() -> Runs {
        Runs { running: Vec::with_capacity(32), queue: VecDeque::with_capacity(QUEUE_MAX) }
    }

    pub(super) fn stop_all(&mut self) {
        self.running.clear();
        self.queue.clear();
    }

    fn of(&self, mapping: &Arc<Mapping>) -> Option<usize> {
        self.running.iter().position(|run| same(&run.mapping, mapping))
    }

    /// Why the mapping can't fire now, if it can't.
    fn refusal(&self, mapping: &Mapping, is_running: bool) -> Option<RefuseReason> {
        match mapping.again {
            Again::Ignore if is_running => Some(RefuseReason::StillRunning),
            Again::Queue if is_running => (self.queue.len() >= QUEUE_MAX).then_some(RefuseReason::QueueFull),
            Again::Restart if is_running => None,
            _ => {
                let steps = &mapping.program.steps;
                let may_last = || mapping.program.takes_time() || steps.len() >= STEPS_PER_TURN;
                (self.running.len() >= RUNS_MAX && may_last()).then_some(RefuseReason::TooManyRunning)
            }
        }
    }
}

/// Whether it is the same mapping, also after a reload that left it as it was.
fn same(one: &Arc<Mapping>, other: &Arc<Mapping>) -> bool {
    Arc::ptr_eq(one, other) || one.is_same(other)
}

enum Pace {
    Ended,
    Until(Time),
}

impl Engine {
    /// A mapping fires: its program starts, or waits, or is refused, as the mapping says.
    pub(super) fn fire(
        &mut self,
        mapping: &Arc<Mapping>,
        context: Context,
        withheld: Duration,
        sysex: Option<&[u8]>,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let running = self.runs.of(mapping);
        if let Some(reason) = self.runs.refusal(mapping, running.is_some()) {
            return self.refuse(mapping, reason, out);
        }
        out.push(Output::Trace(Trace::Fired {
            mapping: Arc::clone(mapping),
            press: context.press,
            withheld,
        }));
        if self.is_down(context.press) {
            self.live.push((context.press, Arc::clone(mapping)));
        }
        // Only a System Exclusive costs an allocation here.
        let sysex = sysex.map(Arc::from);
        match (mapping.again, running) {
            (Again::Queue, Some(_)) => {
                return self.runs.queue.push_back(Queued { mapping: Arc::clone(mapping), context, sysex });
            }
            (Again::Restart, Some(place)) => {
                let old = self.runs.running.swap_remove(place);
                let held = |entry: &Entry| {
                    entry.press == old.context.press && Arc::ptr_eq(&entry.mapping, &old.mapping)
                };
                self.release_held(held, now, out);
            }
            (Again::Concurrent | Again::Ignore, _) | (_, None) => {}
        }
        self.start(mapping, context, sysex, now, out);
    }

    fn refuse(&mut self, mapping: &Arc<Mapping>, reason: RefuseReason, out: &mut Vec<Output>) {
        out.push(Output::Trace(Trace::Refused { mapping: Arc::clone(mapping), reason }));
    }

    fn start(
        &mut self,
        mapping: &Arc<Mapping>,
        context: Context,
        sysex: Option<Arc<[u8]>>,
        at: Time,
        out: &mut Vec<Output>,
    ) {
        let mut run =
            Run { mapping: Arc::clone(mapping), context, next: 0, frames: ArrayVec::new(), wake: at, sysex };
        if let Pace::Until(wake) = self.advance(&mut run, at, out) {
            run.wake = wake;
            self.runs.running.push(run);
        }
    }

    /// The wait of a run is over.
    pub(super) fn run_due(&mut self, place: usize, at: Time, out: &mut Vec<Output>) {
        let mut run = self.runs.running.swap_remove(place);
        match self.advance(&mut run, at, out) {
            Pace::Until(wake) => {
                run.wake = wake;
                self.runs.running.push(run);
            }
            Pace::Ended => self.start_queued(&run.mapping, at, out),
        }
    }

    fn start_queued(&mut self, mapping: &Arc<Mapping>, at: Time, out: &mut Vec<Output>) {
        while self.runs.of(mapping).is_none() {
            let waiting = |queued: &Queued| same(&queued.mapping, mapping);
            let Some(place) = self.runs.queue.iter().position(waiting) else { return };
            let Some(queued) = self.runs.queue.remove(place) else { return };
            self.start(&queued.mapping, queued.context, queued.sysex, at, out);
        }
    }

    /// Repetitions that last as long as this press end now, not at their next round.
    pub(super) fn end_repetitions(&mut self, press: PressId, now: Time) {
        for run in self.runs.running.iter_mut().filter(|run| run.context.press == press) {
            let between = |frame: &Frame| frame.left == Left::WhileHeld && run.next >= frame.end;
            if run.frames.last().is_some_and(between) {
                run.wake = run.wake.min(now);
            }
        }
    }

    /// Takes steps until a wait or the end.
    fn advance(&mut self, run: &mut Run, at: Time, out: &mut Vec<Output>) -> Pace {
        let program: Arc<Program> = Arc::clone(&run.mapping.program);
        for _ in 0..STEPS_PER_TURN {
            if let Some(frame) = run.frames.last().copied()
                && run.next >= frame.end
            {
                if let Some(wake) = self.end_round(run, frame, at) {
                    return Pace::Until(wake);
                }
                continue;
            }
            let place = run.next;
            let Some(step) = program.steps.get(place) else { return Pace::Ended };
            run.next += 1;
            match step {
                Step::Do(action) => {
                    self.act(&run.mapping, action, run.context, run.sysex.as_ref(), at, out);
                }
                Step::Wait(span) => return Pace::Until(at + *span),
                Step::Repeat { times, every, body } => {
                    let left = match times {
                        Times::Count(count) => Left::Rounds(count.saturating_sub(1)),
                        Times::WhileHeld => Left::WhileHeld,
                    };
                    let end = place + 1 + *body as usize;
                    let frame = Frame { start: place + 1, end, after: end, left, every: *every, began: at };
                    self.enter(run, frame);
                }
                Step::If { condition, then, otherwise } => {
                    let (first, second) = (place + 1, place + 1 + *then as usize);
                    let after = second + *otherwise as usize;
                    let (start, end) =
                        if self.world.is_true(condition) { (first, second) } else { (second, after) };
                    let frame =
                        Frame { start, end, after, left: Left::Rounds(0), every: Duration::ZERO, began: at };
                    self.enter(run, frame);
                }
            }
        }
        Pace::Until(at + TURN_PAUSE)
    }

    fn enter(&mut self, run: &mut Run, frame: Frame) {
        run.next = frame.start;
        if run.frames.try_push(frame).is_err() {
            // Deeper than the configuration allows; skip what can't be run.
            debug_assert!(false, "the configuration bounds the nesting");
            run.next = frame.after;
        }
    }

    /// A block has come to its end: it begins again, now or later, or is left.
    fn end_round(&mut self, run: &mut Run, frame: Frame, at: Time) -> Option<Time> {
        let again = match frame.left {
            Left::Rounds(0) => None,
            Left::Rounds(left) => Some(Left::Rounds(left - 1)),
            Left::WhileHeld if self.is_down(run.context.press) => Some(Left::WhileHeld),
            Left::WhileHeld => None,
        };
        let due = frame.began + frame.every;
        if again.is_some() && due > at {
            // Not decided yet: a release may come before the next round.
            return Some(due);
        }
        run.frames.pop();
        match again {
            Some(left) => {
                run.next = frame.start;
                // From start to start, so that rounds do not drift; a round that took longer starts at once.
                let began = if due + frame.every < at { at } else { due };
                let _ = run.frames.try_push(Frame { left, began, ..frame });
            }
            None => run.next = frame.after,
        }
        None
    }
}
