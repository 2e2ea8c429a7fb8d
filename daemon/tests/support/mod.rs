//! What the tests of actions share: back ends with a collector of their reports, and a way to wait with a deadline.

#![allow(dead_code, reason = "each test binary uses its part of this")]

pub(crate) mod soundserver;
pub(crate) mod window;
pub(crate) mod xserver;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use padgate_core::engine::{Context, Effect, Phase, PressId, Request, RequestId};
use padgate_core::ids::TargetId;
use padgate_core::ruleset::OutputChoice;
use padgate_core::ruleset::keys::parse_chord;
use padgate_core::time::Time;
use padgated::actions::{Actions, LevelSink, Places, Setup};
use padgated::hands::ActionSend;
use padgated::journal::Journal;
use padgated::outcome::{Outcome, Report, ReportSink};

/// What a test waits for comes within this, even on a busy machine, or the test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Collects reports and volumes, and lets tests wait for them.
#[derive(Default)]
pub(crate) struct Collector {
    seen: Mutex<Seen>,
    news: Condvar,
}

#[derive(Default)]
struct Seen {
    reports: HashMap<RequestId, Vec<Report>>,
    levels: Vec<(TargetId, Option<f64>)>,
}

impl ReportSink for Collector {
    fn report(&self, report: Report) {
        self.seen.lock().unwrap().reports.entry(report.request).or_default().push(report);
        self.news.notify_all();
    }
}

impl LevelSink for Collector {
    fn level(&self, target: TargetId, level: Option<f64>) {
        self.seen.lock().unwrap().levels.push((target, level));
        self.news.notify_all();
    }
}

impl Collector {
    /// Waits for the request's report.
    pub(crate) fn wait(&self, id: RequestId) -> Report {
        let seen = self.seen.lock().unwrap();
        let (seen, _) =
            self.news.wait_timeout_while(seen, DEADLINE, |seen| !seen.reports.contains_key(&id)).unwrap();
        let reports = seen.reports.get(&id).unwrap_or_else(|| panic!("no report for {id:?}"));
        assert_eq!(reports.len(), 1, "a request ends exactly once");
        reports[0].clone()
    }

    /// Waits until the volume of the target was last told to be about this, or not to be known.
    pub(crate) fn wait_level(&self, target: TargetId, level: impl Into<Option<f64>>) {
        let level = level.into();
        let seen = self.seen.lock().unwrap();
        let differs = |seen: &mut Seen| {
            let last = seen.levels.iter().rev().find(|(known, _)| *known == target);
            last.is_none_or(|(_, last)| match (last, level) {
                (Some(last), Some(level)) => (last - level).abs() > 0.001,
                (last, level) => *last != level,
            })
        };
        let (seen, timeout) = self.news.wait_timeout_while(seen, DEADLINE, differs).unwrap();
        assert!(!timeout.timed_out(), "{level:?} was not told, but {:?}", seen.levels);
    }
}

/// Back ends under test.
pub(crate) struct Rig {
    pub(crate) actions: Actions,
    pub(crate) collector: Arc<Collector>,
    pub(crate) journal_path: PathBuf,
    next: AtomicU64,
    _folder: tempfile::TempDir,
}

impl Rig {
    /// Starts the back ends with servers at these places; what is not said does not exist.
    pub(crate) fn new(places: Places) -> Rig {
        Rig::with(places, |_| {})
    }

    /// The same, with something changed.
    pub(crate) fn with(places: Places, change: impl FnOnce(&mut Setup)) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let journal_path = folder.path().join("held");
        let (journal, _) = Journal::open(&journal_path);
        let collector = Arc::new(Collector::default());
        let mut setup = Setup {
            output: OutputChoice::Auto,
            allow_shell: false,
            targets: vec![String::new()],
            followed: Vec::new(),
            reports: collector.clone(),
            levels: collector.clone(),
            journal,
            left_over: None,
            places,
        };
        change(&mut setup);
        Rig {
            actions: Actions::new(setup),
            collector,
            journal_path,
            next: AtomicU64::new(1),
            _folder: folder,
        }
    }

    /// Hands the effect over; `Err` is the outcome, if it is known at once.
    pub(crate) fn send(&self, effect: Effect) -> Result<RequestId, Outcome> {
        let id = RequestId(self.next.fetch_add(1, Ordering::Relaxed));
        let context = Context {
            press: PressId(id.0),
            control: None,
            message: None,
            value: 0.0,
            raw: 0,
            ticks: 0,
            received: Time::ZERO,
        };
        self.actions.send(Request { id, mapping: None, effect, context }).map(|()| id)
    }

    /// Does the effect and waits for its outcome.
    pub(crate) fn run(&self, effect: Effect) -> Outcome {
        match self.send(effect) {
            Ok(id) => {
                let report = self.collector.wait(id);
                assert!(report.started <= report.done);
                report.outcome
            }
            Err(outcome) => outcome,
        }
    }

    /// Does the effect, which must succeed.
    pub(crate) fn done(&self, effect: Effect) {
        assert_eq!(self.run(effect.clone()), Outcome::Done, "{effect:?}");
    }
}

/// Keys as a configuration writes them.
pub(crate) fn keys(text: &str, phase: Phase) -> Effect {
    Effect::Keys { keys: parse_chord(text).unwrap(), phase }
}

/// Text to type.
pub(crate) fn text(text: &str) -> Effect {
    Effect::Text(text.into())
}

/// Tries again until it works; for what another process does in its own time.
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < until, "{what} did not happen in {DEADLINE:?}");
        std::thread::yield_now();
    }
}
