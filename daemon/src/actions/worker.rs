//! The thread of a back end: takes what waits in its queue, does it, and reports how it ended.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use padgate_core::time::Time;

use super::queue::{Entry, Job, Queue};
use crate::clock;
use crate::outcome::{Outcome, Report, ReportSink};

/// What is said of a panic.
const MISTAKE: &str = "this is a mistake in Padgate; its log has the details";

/// Does one kind of action. Lives on its own thread, and may wait there for what it talks to.
pub(crate) trait BackEnd {
    /// What it is told besides requests.
    type Control: Default + Send + 'static;

    /// Does what the entry says. `None`: the entry was handed on, and whoever has it now reports.
    fn perform(&mut self, entry: &mut Entry) -> Option<Outcome>;

    /// Takes something that is no request.
    fn control(&mut self, control: Self::Control);

    /// Does what waits until there are no requests.
    fn idle(&mut self) {}

    /// Releases everything that it holds; nothing follows.
    fn close(&mut self);
}

/// Starts the thread. `make` runs on it, so that a slow connection delays nobody.
///
/// # Panics
///
/// If the system has no thread left, which at start-up nothing sensible can follow.
pub(crate) fn start<B: BackEnd>(
    name: &str,
    queue: Arc<Queue<B::Control>>,
    sink: Arc<dyn ReportSink>,
    make: impl FnOnce() -> B + Send + 'static,
) {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            match catch_unwind(AssertUnwindSafe(make)) {
                Ok(mut back_end) => run(&queue, &mut back_end, &*sink),
                Err(_) => run(&queue, &mut Broken::<B>(PhantomData), &*sink),
            }
            queue.end();
        })
        .expect("a daemon that is starting can have a few threads");
}

/// Stands for a back end that could not even be made: every request still ends.
struct Broken<B>(PhantomData<B>);

impl<B: BackEnd> BackEnd for Broken<B> {
    type Control = B::Control;

    fn perform(&mut self, _: &mut Entry) -> Option<Outcome> {
        Some(Outcome::Failed(MISTAKE.into()))
    }

    fn control(&mut self, _: Self::Control) {}

    fn close(&mut self) {}
}

fn run<B: BackEnd>(queue: &Queue<B::Control>, back_end: &mut B, sink: &dyn ReportSink) {
    loop {
        match queue.next() {
            Job::Do(mut entry) => {
                let started = clock::now();
                // A mistake in a back end costs one action, not all that follow and the keys that are held.
                let outcome = catch_unwind(AssertUnwindSafe(|| back_end.perform(&mut entry)))
                    .unwrap_or_else(|_| Some(Outcome::Failed(MISTAKE.into())));
                if let Some(outcome) = outcome {
                    report(sink, &entry, &outcome, started);
                }
            }
            Job::Abandon(entry) => {
                let outcome =
                    Outcome::Unavailable(Cow::Borrowed("Padgate was stopped before it came to this"));
                report(sink, &entry, &outcome, clock::now());
            }
            Job::Control(control) => back_end.control(control),
            Job::Idle => back_end.idle(),
            Job::Close => {
                back_end.close();
                return;
            }
        }
    }
}

fn report(sink: &dyn ReportSink, entry: &Entry, outcome: &Outcome, started: Time) {
    let done = clock::now();
    for &request in std::iter::once(&entry.id).chain(&entry.merged) {
        sink.report(Report { request, outcome: outcome.clone(), started, done });
    }
}
