//! Times on the system's monotonic clock, which the daemon and its plugins share.

use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A time on the system's monotonic clock (`CLOCK_MONOTONIC`), to the nanosecond. It means nothing after a restart of the
/// machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Moment(u64);

impl Moment {
    /// Now. Reading it costs tens of nanoseconds. In a test, [`crate::Host::now`] is the one that can be advanced.
    #[must_use]
    pub fn now() -> Moment {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        Moment(seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0))
    }

    /// The time that is so many nanoseconds after the clock's zero.
    #[must_use]
    pub const fn from_nanos(nanoseconds: u64) -> Moment {
        Moment(nanoseconds)
    }

    /// Nanoseconds after the clock's zero.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is before.
    #[must_use]
    pub const fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Stays at the end of time instead of overflowing.
impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Moment {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

/// Stays at the clock's zero instead of going below.
impl Sub<Duration> for Moment {
    type Output = Moment;

    fn sub(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_sub(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// See [`Moment::since`].
impl Sub for Moment {
    type Output = Duration;

    fn sub(self, earlier: Moment) -> Duration {
        self.since(earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;
    use std::time::Duration;

    #[test]
    fn arithmetic_stays_on_the_clock() {
        let moment = Moment::from_nanos(5_000) + Duration::from_micros(2);
        assert_eq!(moment.as_nanos(), 7_000);
        assert_eq!(moment - Moment::from_nanos(5_000), Duration::from_micros(2));
        assert_eq!(Moment::from_nanos(1) - moment, Duration::ZERO);
        assert_eq!(moment - Duration::MAX, Moment::from_nanos(0));
        assert_eq!((moment + Duration::MAX).as_nanos(), u64::MAX);
        assert!(Moment::now() <= Moment::now());
    }
}
