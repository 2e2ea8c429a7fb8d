//! The breaker: a plugin that dies again and again is left alone, and tried once more after a while.
//!
//! Pure: whoever calls says what time it is.

use std::collections::VecDeque;
use std::time::Duration;

use padgate_core::time::Time;

/// So many deaths …
pub const DEATHS_MAX: usize = 5;
/// … within this long open the breaker.
pub const DEATHS_WITHIN: Duration = Duration::from_secs(60);
/// After this long an open breaker lets one start through.
pub const HALF_OPEN_AFTER: Duration = Duration::from_secs(5 * 60);

/// Counts deaths; see the module.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    deaths: VecDeque<Time>,
    open_until: Option<Time>,
    /// One start was let through: if that dies soon, the breaker opens again at once.
    trying_since: Option<Time>,
}

impl Breaker {
    /// A host died. Returns when it is to be tried again, if the breaker is open now.
    pub(super) fn died(&mut self, now: Time) -> Option<Time> {
        while self.deaths.front().is_some_and(|death| now.since(*death) > DEATHS_WITHIN) {
            self.deaths.pop_front();
        }
        self.deaths.push_back(now);
        let on_trial = self.trying_since.is_some_and(|since| now.since(since) <= DEATHS_WITHIN);
        if on_trial || self.deaths.len() >= DEATHS_MAX {
            self.open_until = Some(now + HALF_OPEN_AFTER);
            self.trying_since = None;
            self.deaths.clear();
        }
        self.open_until
    }

    /// Until when it is open.
    pub(super) fn open_until(&self) -> Option<Time> {
        self.open_until
    }

    /// Lets one start through if it is time for that, or it was never open. Returns whether a start is allowed.
    pub(super) fn allows(&mut self, now: Time) -> bool {
        match self.open_until {
            Some(until) if now < until => false,
            Some(_) => {
                self.open_until = None;
                self.trying_since = Some(now);
                true
            }
            None => true,
        }
    }

    /// Forgets everything: the user wants it to be tried.
    pub(super) fn reset(&mut self) {
        *self = Breaker::default();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use padgate_core::time::Time;

    use super::{Breaker, DEATHS_MAX, HALF_OPEN_AFTER};

    fn second(number: u64) -> Time {
        Time::from_millis(number * 1000)
    }

    #[test]
    fn five_deaths_in_a_minute_open_it() {
        let mut breaker = Breaker::default();
        for at in 0..DEATHS_MAX as u64 - 1 {
            assert_eq!(breaker.died(second(at)), None);
            assert!(breaker.allows(second(at)));
        }
        assert_eq!(breaker.died(second(59)), Some(second(59) + HALF_OPEN_AFTER));
        assert!(!breaker.allows(second(60)));
        assert!(breaker.allows(second(59) + HALF_OPEN_AFTER));
    }

    #[test]
    fn deaths_further_apart_do_not() {
        let mut breaker = Breaker::default();
        for at in 0..100 {
            assert_eq!(breaker.died(second(at * 16)), None, "death {at}");
        }
    }

    #[test]
    fn one_death_on_trial_opens_it_again_and_a_reset_forgets() {
        let mut breaker = Breaker::default();
        for _ in 0..DEATHS_MAX {
            breaker.died(second(1));
        }
        let again = second(1) + HALF_OPEN_AFTER;
        assert!(breaker.allows(again));
        let open = breaker.died(again + Duration::from_secs(3));
        assert_eq!(open, Some(again + Duration::from_secs(3) + HALF_OPEN_AFTER));
        breaker.reset();
        assert!(breaker.allows(again));
        assert_eq!(breaker.died(again), None);
    }

    #[test]
    fn a_trial_that_lasted_counts_anew() {
        let mut breaker = Breaker::default();
        for _ in 0..DEATHS_MAX {
            breaker.died(second(1));
        }
        let again = second(1) + HALF_OPEN_AFTER;
        assert!(breaker.allows(again));
        assert_eq!(breaker.died(again + Duration::from_secs(61)), None);
    }
}
