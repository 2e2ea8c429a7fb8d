//! Counters and latencies of the whole pipeline since the daemon started.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::outcome::Outcome;

/// The longest span that a histogram tells from longer ones: a minute, in nanoseconds.
const SPAN_MAX_NS: u64 = 60_000_000_000;

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that devices sent, or that were injected.
    pub messages: u64,
    /// Messages that concerned no mapping.
    pub unmapped: u64,
    /// Mappings that fired.
    pub fired: u64,
    /// Messages that were dropped as echoes.
    pub echoes: u64,
    /// Requests that were handed off.
    pub requests: u64,
    /// Requests that were done.
    pub done: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests that this machine can't do.
    pub unavailable: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Requests that a full queue dropped.
    pub dropped: u64,
    /// Things that slow subscribers missed.
    pub missed: u64,
}

impl Counters {
    pub(crate) fn count(&mut self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Done => &mut self.done,
            Outcome::Failed(_) => &mut self.failed,
            Outcome::Unavailable(_) => &mut self.unavailable,
            Outcome::Refused(_) => &mut self.refused,
            Outcome::Dropped => &mut self.dropped,
        };
        *counter += 1;
    }
}

/// How long the steps took.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// From the driver's callback to the decision.
    pub decide: Histogram<u64>,
    /// From the decision to the hand-off of its last request.
    pub hand_off: Histogram<u64>,
    /// From the hand-off to the back end's taking it up.
    pub wait: Histogram<u64>,
    /// From the back end's taking it up to its end.
    pub carry_out: Histogram<u64>,
}

impl Default for Latencies {
    fn default() -> Self {
        // Two digits: 1 % of the value. All memory is taken here, none while recording.
        let histogram = || Histogram::new_with_bounds(1, SPAN_MAX_NS, 2).expect("the bounds are in order");
        Self { decide: histogram(), hand_off: histogram(), wait: histogram(), carry_out: histogram() }
    }
}

/// Records a span; one above the bound counts as the bound.
pub(crate) fn note(histogram: &mut Histogram<u64>, span: Duration) {
    histogram.saturating_record(u64::try_from(span.as_nanos()).unwrap_or(SPAN_MAX_NS).max(1));
}
