//! The lock-down of a host, where there is none: it says so, and nothing is called enforced.

use crate::assignment::Assignment;
use crate::confinement::{Confinement, Enforced};

/// Why a lock-down failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LockError(String);

/// A process that is locked down, but for the second filter.
#[derive(Debug)]
pub struct Locked(Confinement);

/// Locks this process down, for good.
///
/// # Errors
///
/// None.
pub fn lock(_: &Assignment) -> Result<Locked, LockError> {
    let not = || Enforced::Not("this build has no sandbox".to_owned());
    Ok(Locked(Confinement {
        landlock: 0,
        filters: 0,
        files: not(),
        network: not(),
        programs: not(),
        processes: not(),
        limits: not(),
    }))
}

impl Locked {
    /// What is enforced.
    #[must_use]
    pub fn confinement(&self) -> &Confinement {
        &self.0
    }

    /// Locks what only the loading of the library needed.
    ///
    /// # Errors
    ///
    /// None.
    pub fn seal(self) -> Result<(), LockError> {
        Ok(())
    }
}
