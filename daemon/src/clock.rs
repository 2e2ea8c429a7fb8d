//! The only place that asks what time it is.

use std::sync::OnceLock;
use std::time::Instant;

use padgate_core::time::{LocalTime, Time};

static EPOCH: OnceLock<Instant> = OnceLock::new();
/// What the system's monotonic clock says when [`now`] says 0, in nanoseconds.
#[cfg(unix)]
static SYSTEM_EPOCH: OnceLock<u64> = OnceLock::new();
/// How often both clocks are read, once, to learn how far they are apart.
#[cfg(unix)]
const CLOCK_READINGS: usize = 16;

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

/// `time` on the system's monotonic clock (`CLOCK_MONOTONIC`), in nanoseconds: what other processes understand.
#[cfg(unix)]
#[must_use]
pub fn to_system(time: Time) -> u64 {
    system_epoch().saturating_add(time.0)
}

/// What [`now`] said, or will say, when the system's monotonic clock says `ns`. Before the epoch: 0.
#[cfg(unix)]
#[must_use]
pub fn from_system(ns: u64) -> Time {
    Time(ns.saturating_sub(system_epoch()))
}

#[cfg(unix)]
fn system_epoch() -> u64 {
    *SYSTEM_EPOCH.get_or_init(|| {
        // A thread can be held up between two readings: the pair that took the least time is the truest.
        let pair = || {
            let before = now().0;
            let system = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
            let took = now().0 - before;
            let ns = u64::try_from(system.tv_sec).unwrap_or(0) * 1_000_000_000
                + u64::try_from(system.tv_nsec).unwrap_or(0);
            (took, ns.saturating_sub(before + took / 2))
        };
        (0..CLOCK_READINGS).map(|_| pair()).min().map_or(0, |(_, epoch)| epoch)
    })
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
