//! Systems on which nothing is enforced yet: macOS and Windows. The plugin still has its own process and its own
//! deadline, and everything brokered still goes through the daemon's gate. Untested.

use super::LockError;
use crate::assignment::Assignment;
use crate::confinement::{Confinement, Enforced};

/// Nothing to seal.
#[derive(Debug)]
pub(super) struct Seal;

impl Seal {
    pub(super) fn seal(self) -> Result<(), LockError> {
        Ok(())
    }
}

pub(super) fn lock(_assignment: &Assignment) -> Result<(Confinement, Seal), LockError> {
    let not = || Enforced::Not("plugins are confined on Linux only, so far".to_owned());
    let confinement = Confinement {
        landlock: 0,
        filters: 0,
        files: not(),
        network: not(),
        programs: not(),
        processes: not(),
        limits: not(),
    };
    Ok((confinement, Seal))
}
