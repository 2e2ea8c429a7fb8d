//! The only place that asks what time it is.

use std::sync::OnceLock;
use std::time::Instant;

use padgate_core::time::{LocalTime, Time};

static EPOCH: OnceLock<Instant> = OnceLock::new();

/// The monotonic time since this process first asked, in nanoseconds.
#[must_use]
pub fn now() -> Time {
    let epoch = EPOCH.get_or_init(Instant::now);
    Time(u64::try_from(epoch.elapsed().as_nanos()).unwrap_or(u64::MAX))
}

/// The moment at which [`now`] will be `time`, for waiting.
#[must_use]
pub fn instant(time: Time) -> Instant {
    *EPOCH.get_or_init(Instant::now) + std::time::Duration::from_nanos(time.0)
}

/// The wall clock in the user's time zone.
#[must_use]
pub fn local() -> LocalTime {
    let now = jiff::Zoned::now();
    LocalTime {
        minute_of_day: u16::try_from(i32::from(now.hour()) * 60 + i32::from(now.minute())).unwrap_or(0),
        weekday: u8::try_from(now.weekday().to_monday_zero_offset()).unwrap_or(0),
    }
}
