//! Token buckets: so many a second, with a burst.
//!
//! Pure: whoever calls says what time it is.

use std::time::Duration;

use padgate_core::time::Time;

/// Nanoseconds in a second; a token is counted in as many parts.
const WHOLE: u64 = 1_000_000_000;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Tokens a second.
    rate: u64,
    /// In parts of a token.
    capacity: u64,
    level: u64,
    at: Time,
}

impl Bucket {
    /// A full bucket. `rate` and `burst` are at least 1.
    pub(super) fn new(rate: u32, burst: u32, now: Time) -> Bucket {
        let capacity = u64::from(burst.max(1)) * WHOLE;
        Bucket { rate: u64::from(rate.max(1)), capacity, level: capacity, at: now }
    }

    fn fill(&mut self, now: Time) {
        let passed = u64::try_from(now.since(self.at).as_nanos()).unwrap_or(u64::MAX);
        // A token has as many parts as a second has nanoseconds, so that a rate of r gains r parts a nanosecond.
        self.level = self.level.saturating_add(passed.saturating_mul(self.rate)).min(self.capacity);
        self.at = self.at.max(now);
    }

    /// Takes a token if there is one.
    pub(super) fn take(&mut self, now: Time) -> bool {
        self.take_many(1, now)
    }

    /// Takes so many, or none.
    pub(super) fn take_many(&mut self, count: u32, now: Time) -> bool {
        self.fill(now);
        let wanted = u64::from(count) * WHOLE;
        if self.level < wanted {
            return false;
        }
        self.level -= wanted;
        true
    }

    /// Takes as many as there are, up to `count`; returns whether these were all.
    pub(super) fn drain(&mut self, count: u32, now: Time) -> bool {
        self.fill(now);
        let wanted = u64::from(count) * WHOLE;
        let enough = self.level >= wanted;
        self.level = self.level.saturating_sub(wanted);
        enough
    }

    /// When there will be a token.
    pub(super) fn next(&self) -> Time {
        let missing = WHOLE.saturating_sub(self.level);
        self.at + Duration::from_nanos(missing.div_ceil(self.rate))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use padgate_core::time::Time;

    use super::Bucket;

    #[test]
    fn a_burst_and_then_the_rate() {
        let start = Time::from_millis(5);
        let mut bucket = Bucket::new(100, 3, start);
        assert!((0..3).all(|_| bucket.take(start)));
        assert!(!bucket.take(start));
        let next = bucket.next();
        assert_eq!(next, start + Duration::from_millis(10));
        assert!(!bucket.take(Time(next.0 - 1)));
        assert!(bucket.take(next));
        assert!(!bucket.take(next));
    }

    #[test]
    fn a_long_rest_fills_it_no_further_than_its_burst() {
        let mut bucket = Bucket::new(10, 2, Time::ZERO);
        let later = Time(u64::MAX / 2);
        assert!(bucket.take(later) && bucket.take(later) && !bucket.take(later));
        // Time that goes back gives nothing.
        assert!(!bucket.take(Time::ZERO));
    }

    #[test]
    fn many_at_once_are_all_or_nothing_unless_drained() {
        let mut bucket = Bucket::new(10, 10, Time::ZERO);
        assert!(!bucket.take_many(11, Time::ZERO));
        assert!(bucket.take_many(4, Time::ZERO));
        assert!(!bucket.drain(7, Time::ZERO));
        assert!(!bucket.take(Time::ZERO));
    }
}
