//! What happened lately: every input with the decisions and requests that came of it, for `monitor` and `explain`.

use std::collections::VecDeque;
use std::sync::Arc;

use padgate_core::engine::{Input, Output, Request, RequestId, Trace};
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

/// The last [`HISTORY_RECORDS`] records. Reuses the memory of those that go, so that keeping one costs no
/// allocation once it is full.
#[derive(Debug, Default)]
pub struct History {
    records: VecDeque<Record>,
    next: u64,
}

impl History {
    /// The records, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.iter()
    }

    /// Keeps what came of an input, and hands out the place for its requests.
    pub fn add(
        &mut self,
        cause: Cause,
        received: Time,
        decided: Time,
        outputs: &mut Vec<Output>,
    ) -> &mut Record {
        let (mut traces, mut requests) = match self.records.len() >= HISTORY_RECORDS {
            true => self.records.pop_front().map(|old| (old.traces, old.requests)).unwrap_or_default(),
            false => (Vec::new(), Vec::new()),
        };
        traces.clear();
        requests.clear();
        for output in outputs.drain(..) {
            match output {
                Output::Trace(trace) => traces.push(trace),
                Output::Request(request) => {
                    requests.push(RequestRecord { request, handed_off: decided, report: None });
                }
            }
        }
        self.next += 1;
        let sequence = self.next;
        let record = Record { sequence, cause, received, decided, handed_off: decided, traces, requests };
        self.records.push_back(record);
        self.records.back_mut().expect("one was pushed just now")
    }

    /// Enters the outcome of a request, and hands out the request's record, unless that is forgotten.
    pub fn report(&mut self, report: &Report) -> Option<&RequestRecord> {
        for record in self.records.iter_mut().rev() {
            let Some(last) = record.requests.last() else { continue };
            // Numbers grow, so that an older record can't have it.
            if last.request.id < report.request {
                return None;
            }
            if let Some(place) = place_of(&record.requests, report.request) {
                record.requests[place].report = Some(report.clone());
                return record.requests.get(place);
            }
        }
        None
    }
}

fn place_of(requests: &[RequestRecord], id: RequestId) -> Option<usize> {
    requests.iter().position(|request| request.request.id == id)
}
