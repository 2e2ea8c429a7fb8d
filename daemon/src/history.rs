//! What happened lately: every input with the decisions and requests that came of it, for `monitor` and `explain`.

use padgate_core::engine::{Input, Request, Trace};
use padgate_core::ids::DeviceId;
use padgate_core::midi::Message;
use padgate_core::time::Time;

use crate::outcome::{Outcome, Report};

/// How many records are kept for `explain`. When it is full, the oldest goes.
pub const HISTORY_RECORDS: usize = 2048;

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
    /// Anything else, described by its kind: `"device lost"`, `"panic"`, `"mode"` …
    Other(&'static str),
}

impl Cause {
    /// What to remember of an input.
    #[must_use]
    pub fn of(input: &Input<'_>) -> Cause {
        use padgate_core::midi::Received;
        /// As much of a System Exclusive as a person reads in a monitor.
        const SYSEX_BYTES_KEPT: usize = 64;
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
    Record(std::sync::Arc<Record>),
    /// A request of an earlier record ended.
    Report(Report),
    /// The rules were replaced; there are so many mappings.
    Reloaded(usize),
    /// This many things were left out, because the subscriber did not keep up.
    Missed(u64),
}

/// The outcome that a hand-off had at once, as a report.
#[must_use]
pub fn immediate(request: &Request, outcome: Outcome, at: Time, done: Time) -> Report {
    Report { request: request.id, outcome, started: at, done }
}
