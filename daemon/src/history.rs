//! What happened lately: every input with the decisions and requests that came of it, for `monitor` and `explain`.

use std::collections::VecDeque;
use std::sync::Arc;

use padgate_core::engine::{Input, Output, Request, Trace};
use padgate_core::ids::DeviceId;
use padgate_core::midi::{Message, Received};
use padgate_core::time::Time;

use crate::outcome::Report;

/// How many records are kept for `explain`. When it is full, the oldest goes.
pub const HISTORY_RECORDS: usize = 2048;
/// As much of a System Exclusive as a person reads in a monitor.
const SYSEX_BYTES_KEPT: usize = 64;

/// One input and all that became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Counts records since the daemon started.
    pub sequence: u64,
    /// What came in.
    pub cause: Cause,
    /// When it came in.
    pub received: Time,
    /// When the engine had decided.
    pub decided: Time,
    /// When the last request had been handed off.
    pub handed_off: Time,
    /// Why, in order.
    pub traces: Vec<Trace>,
    /// What was asked for, in order.
    pub requests: Vec<RequestRecord>,
}

/// One request, and its outcome as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRecord {
    /// The request.
    pub request: Request,
    /// When it had been handed off.
    pub handed_off: Time,
    /// How it ended, once that is known.
    pub report: Option<Report>,
}

/// What came in.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// A message from a device (or injected as if it were).
    Message(DeviceId, Message),
    /// A System Exclusive: the device, the length in bytes, and its beginning.
    Sysex(DeviceId, usize, Vec<u8>),
    /// A deadline passed.
    Timer,
    /// The rules were replaced.
    Reload,
    /// Anything else, by its kind: `"device lost"`, `"panic"`, `"mode"` …
    Other(&'static str),
}

impl Cause {
    /// What to remember of an input.
    #[must_use]
    pub fn of(input: &Input<'_>) -> Cause {
        match input {
            Input::Midi { device, received: Received::Message(message) } => Cause::Message(*device, *message),
            Input::Midi { device, received: Received::Sysex(bytes) } => {
                Cause::Sysex(*device, bytes.len(), bytes[..bytes.len().min(SYSEX_BYTES_KEPT)].to_vec())
            }
            Input::Timer => Cause::Timer,
            Input::DeviceLost(_) => Cause::Other("device lost"),
            Input::OutputLost(_) => Cause::Other("output lost"),
            Input::WallClock(_) => Cause::Other("wall clock"),
            Input::Running(..) => Cause::Other("program"),
            Input::TargetLevel(..) => Cause::Other("volume"),
            Input::Mode(_) => Cause::Other("mode"),
            Input::Set(..) => Cause::Other("variable"),
            Input::Panic => Cause::Other("panic"),
        }
    }
}

/// What a subscriber gets.
#[derive(Clone, Debug)]
pub enum Happened {
    /// An input was dealt with; requests may still be under way.
    Record(Arc<Record>),
    /// A request of an earlier record ended.
    Report(Report),
    /// The rules were replaced; there are so many mappings.
    Reloaded(usize),
    /// This many things were left out, because the subscriber did not keep up.
    Missed(u64),
}

/// The last [`HISTORY_RECORDS`] records. All of them share the room for what came of them, so that keeping one costs no
/// allocation once there is enough of it, however different they are.
#[derive(Debug, Default)]
pub struct History {
    records: VecDeque<Kept>,
    traces: VecDeque<Trace>,
    requests: VecDeque<RequestRecord>,
    last: u64,
}

/// A record without what came of it: that stands in the same order in the history's other queues.
#[derive(Debug)]
struct Kept {
    cause: Cause,
    received: Time,
    decided: Time,
    handed_off: Time,
    traces: usize,
    requests: usize,
}

impl History {
    /// Keeps what came of an input.
    pub fn add(&mut self, cause: Cause, received: Time, decided: Time, outputs: &mut Vec<Output>) {
        if self.records.len() >= HISTORY_RECORDS
            && let Some(oldest) = self.records.pop_front()
        {
            self.traces.drain(..oldest.traces);
            self.requests.drain(..oldest.requests);
        }
        let mut kept = Kept { cause, received, decided, handed_off: decided, traces: 0, requests: 0 };
        for output in outputs.drain(..) {
            match output {
                Output::Trace(trace) => {
                    self.traces.push_back(trace);
                    kept.traces += 1;
                }
                Output::Request(request) => {
                    self.requests.push_back(RequestRecord { request, handed_off: decided, report: None });
                    kept.requests += 1;
                }
            }
        }
        self.records.push_back(kept);
        self.last += 1;
    }

    /// The decisions of the newest record.
    pub fn newest_traces(&self) -> impl Iterator<Item = &Trace> {
        let count = self.records.back().map_or(0, |record| record.traces);
        self.traces.range(self.traces.len() - count..)
    }

    /// The requests of the newest record.
    pub fn newest_requests_mut(&mut self) -> impl ExactSizeIterator<Item = &mut RequestRecord> {
        let count = self.records.back().map_or(0, |record| record.requests);
        let first = self.requests.len() - count;
        self.requests.range_mut(first..)
    }

    /// Takes out those requests of the newest record that are not `wanted`.
    pub fn retain_newest_requests(&mut self, mut wanted: impl FnMut(&RequestRecord) -> bool) {
        let Some(newest) = self.records.back_mut() else { return };
        let mut requests = self.requests.split_off(self.requests.len() - newest.requests);
        requests.retain(|request| wanted(request));
        newest.requests = requests.len();
        self.requests.append(&mut requests);
    }

    /// Enters when the last request of the newest record had been handed off.
    pub fn handed_off(&mut self, at: Time) {
        if let Some(newest) = self.records.back_mut() {
            newest.handed_off = at;
        }
    }

    /// A copy of the newest record.
    #[must_use]
    pub fn newest(&self) -> Option<Record> {
        self.after(self.last.checked_sub(1)?).next()
    }

    /// Copies of the records after the one with this sequence number, the oldest first.
    pub fn after(&self, sequence: u64) -> impl Iterator<Item = Record> {
        let first = self.last + 1 - self.records.len() as u64;
        let skipped = usize::try_from((sequence + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let skipped = skipped.min(self.records.len());
        let (mut trace, mut request) = self
            .records
            .range(..skipped)
            .fold((0, 0), |(traces, requests), kept| (traces + kept.traces, requests + kept.requests));
        (first + skipped as u64..).zip(self.records.range(skipped..)).map(move |(sequence, kept)| {
            let (traces, requests) = (trace..trace + kept.traces, request..request + kept.requests);
            (trace, request) = (traces.end, requests.end);
            Record {
                sequence,
                cause: kept.cause.clone(),
                received: kept.received,
                decided: kept.decided,
                handed_off: kept.handed_off,
                traces: self.traces.range(traces).cloned().collect(),
                requests: self.requests.range(requests).cloned().collect(),
            }
        })
    }

    /// Enters the outcome of a request, and hands out the request's record, unless that is forgotten.
    pub fn report(&mut self, report: &Report) -> Option<&RequestRecord> {
        // The engine numbers requests in the order in which it asks.
        let place = self.requests.binary_search_by_key(&report.request, |request| request.request.id).ok()?;
        let request = self.requests.get_mut(place)?;
        request.report = Some(report.clone());
        Some(request)
    }
}
