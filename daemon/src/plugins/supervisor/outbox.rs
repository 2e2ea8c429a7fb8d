//! What is to be said and done after a plugin's lock is given back: nobody is called with it held.

use std::time::Duration;

use padgate_core::engine::RequestId;
use padgate_core::time::Time;

use super::types::{Happening, LogLevel};
use crate::outcome::{Outcome, Report};

/// Takes the answer to a ping: how long it took, or why there is none.
pub(super) type PingReply = Box<dyn FnOnce(Result<Duration, String>) + Send>;

/// See the module. Used again and again, so that it does not allocate once it is warm.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) reports: Vec<Report>,
    pub(super) happenings: Vec<Happening>,
    pub(super) lines: Vec<(LogLevel, String)>,
    /// Why calls failed, for the plugin's log. A plugin decides how many there are, so that they count among its lines.
    pub(super) failures: Vec<String>,
    pub(super) pings: Vec<(PingReply, Result<Duration, String>)>,
    /// A host ended: what it holds is released; and the devices that its successor listens to already.
    pub(super) ended: Option<Vec<String>>,
    /// The plugin's state is to be written to its file.
    pub(super) save: Option<Vec<u8>>,
    /// The counters changed.
    pub(super) counted: bool,
}

impl Outbox {
    /// A request ended.
    pub(super) fn report(&mut self, request: RequestId, outcome: Outcome, started: Time, done: Time) {
        self.reports.push(Report { request, outcome, started, done });
    }

    /// Something happened, and is said in the plugin's log.
    pub(super) fn happened(&mut self, level: LogLevel, line: String, what: Happening) {
        self.lines.push((level, line));
        self.happenings.push(what);
    }
}
