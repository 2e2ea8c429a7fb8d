//! Time as the engine sees it: a number that somebody else read from a clock.
//!
//! The engine reads no clock (see the crate documentation), so that hours of playing run in a
//! millisecond of virtual time and a recording replays to the same decisions.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point on a monotonic clock, in nanoseconds since an epoch that the caller chose.
///
/// Two values are comparable only if they came from the same clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

impl Time {
    /// The epoch itself.
    pub const ZERO: Time = Time(0);

    /// `milliseconds` after the epoch.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Time {
        Time(milliseconds * 1_000_000)
    }

    /// How long ago `earlier` was; zero if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    /// Saturates at the end of time, some 584 years after the epoch.
    fn add(self, span: Duration) -> Time {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Time(self.0.saturating_add(nanos))
    }
}

impl Sub<Time> for Time {
    type Output = Duration;

    /// The same as [`Time::since`].
    fn sub(self, earlier: Time) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}ms", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// A wall-clock reading in the user's time zone, for conditions on the time of day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub struct LocalTime {
    /// Minutes since local midnight, 0 to 1439.
    pub minute_of_day: u16,
    /// 0 is Monday, 6 is Sunday.
    pub weekday: u8,
}
