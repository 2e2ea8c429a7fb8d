//! A flag that ends a call that takes long (a held press, a file that is played) as soon as its client leaves.

use crate::lock::lock;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Set once, from any thread; clones are the same flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<(Mutex<bool>, Condvar)>);

impl Cancel {
    /// Sets the flag and wakes everybody who waits.
    pub fn cancel(&self) {
        *lock(&self.0.0) = true;
        self.0.1.notify_all();
    }

    /// Whether it is set.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *lock(&self.0.0)
    }

    /// Waits until `moment`, or until the flag is set; says whether it is.
    #[must_use]
    pub fn wait_until(&self, moment: Instant) -> bool {
        let mut set = lock(&self.0.0);
        while !*set {
            let left = moment.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return false;
            }
            set = self.0.1.wait_timeout(set, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Cancel;
    use std::time::{Duration, Instant};

    #[test]
    fn setting_it_ends_a_wait() {
        let cancel = Cancel::default();
        assert!(!cancel.wait_until(Instant::now()));
        let waiting = std::thread::spawn({
            let cancel = cancel.clone();
            move || cancel.wait_until(Instant::now() + Duration::from_secs(60))
        });
        cancel.cancel();
        assert!(waiting.join().unwrap() && cancel.is_cancelled());
    }
}
