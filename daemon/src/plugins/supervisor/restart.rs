//! How long a host that died waits until it is started again: 0, 50, 100, 200 ms, …, 30 s, and a little chance, so that
//! hosts that died together are not started together.
//!
//! Pure: whoever calls says what time it is, and what the chance is.

use std::time::Duration;

use padgate_core::time::Time;

/// The second wait; it doubles from there.
const FIRST: Duration = Duration::from_millis(50);
/// The longest wait, without the chance.
pub const LONGEST: Duration = Duration::from_secs(30);
/// A host that lived this long after it was ready begins anew.
pub const SETTLED_AFTER: Duration = Duration::from_secs(60);
/// The chance adds up to this part of the wait.
const JITTER_PART: u32 = 4;

/// Counts deaths in a row; see the module.
#[derive(Debug)]
pub(super) struct BackOff {
    deaths: u32,
    seed: u64,
}

impl BackOff {
    /// Begins at no wait. `seed` makes the chance, the same one each time.
    pub(super) fn new(seed: u64) -> BackOff {
        BackOff { deaths: 0, seed: seed | 1 }
    }

    /// A host died that was ready since `ready`. Returns how long to wait.
    pub(super) fn died(&mut self, now: Time, ready: Option<Time>) -> Duration {
        if ready.is_some_and(|since| now.since(since) >= SETTLED_AFTER) {
            self.deaths = 0;
        }
        let wait = match self.deaths {
            0 => Duration::ZERO,
            before => FIRST.saturating_mul(1 << (before - 1).min(20)).min(LONGEST),
        };
        self.deaths = self.deaths.saturating_add(1);
        wait + self.jitter(wait)
    }

    /// Begins anew: the user wants it to be tried.
    pub(super) fn reset(&mut self) {
        self.deaths = 0;
    }

    fn jitter(&mut self, wait: Duration) -> Duration {
        // xorshift: good enough to spread starts.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let part = wait / JITTER_PART;
        Duration::from_nanos(
            self.seed % (u64::try_from(part.as_nanos()).unwrap_or(u64::MAX).saturating_add(1)),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use padgate_core::time::Time;

    use super::{BackOff, JITTER_PART, LONGEST};

    #[test]
    fn it_doubles_up_to_half_a_minute() {
        let mut back_off = BackOff::new(7);
        let mut expected = Duration::ZERO;
        for death in 0..30 {
            let wait = back_off.died(Time::ZERO, None);
            assert!(wait >= expected && wait <= expected + expected / JITTER_PART, "death {death}: {wait:?}");
            expected = match expected {
                Duration::ZERO => Duration::from_millis(50),
                other => (other * 2).min(LONGEST),
            };
        }
    }

    #[test]
    fn one_that_had_settled_is_started_at_once() {
        let mut back_off = BackOff::new(7);
        for _ in 0..4 {
            back_off.died(Time::ZERO, None);
        }
        let ready = Time::from_millis(1000);
        assert!(back_off.died(ready + Duration::from_secs(59), Some(ready)) > Duration::ZERO);
        assert_eq!(back_off.died(ready + Duration::from_secs(60), Some(ready)), Duration::ZERO);
        back_off.died(ready, None);
        back_off.reset();
        assert_eq!(back_off.died(ready, None), Duration::ZERO);
    }

    #[test]
    fn the_chance_is_the_same_each_time_and_differs_between_plugins() {
        let waits = |seed| {
            let mut back_off = BackOff::new(seed);
            (0..8).map(|_| back_off.died(Time::ZERO, None)).collect::<Vec<_>>()
        };
        assert_eq!(waits(9), waits(9));
        assert_ne!(waits(9), waits(11));
    }
}
