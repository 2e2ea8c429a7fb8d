//! Outcomes: how an action request ended, and the way back for whoever carried it out.

use std::borrow::Cow;

use padgate_core::engine::RequestId;
use padgate_core::time::Time;

/// How an action request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was tried, and failed; the text says what and what next.
    Failed(Cow<'static, str>),
    /// It can't be done on this machine now (no display, no sound server, no such port); the text says why.
    Unavailable(Cow<'static, str>),
    /// The configuration or the design forbids it; the text says what would allow it.
    Refused(Cow<'static, str>),
    /// A queue was full. Never happens to a release.
    Dropped,
}

/// One outcome with its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which request.
    pub request: RequestId,
    /// How it ended.
    pub outcome: Outcome,
    /// When the back end took it up.
    pub started: Time,
    /// When it had ended.
    pub done: Time,
}

/// Takes reports from any thread. Implementations don't block.
pub trait ReportSink: Send + Sync {
    /// Takes one report.
    fn report(&self, report: Report);
}
