//! The lock-down on Linux: limits, no privileges, Landlock, seccomp; then a trial of all of it.
//!
//! The order matters. A user namespace is made before the process stops being dumpable, because the kernel takes its
//! files in `/proc` away then; Landlock opens what it allows before the filter forbids such descriptors; the filter
//! comes last, since the steps before need calls that it refuses.

#![allow(unsafe_code, reason = "the kernel's calls for confinement have no safe form in std")]

mod calls;
mod domain;
mod filter;
mod limits;
mod lists;
mod trial;

use std::io;

use super::LockError;
use crate::assignment::{Assignment, Profile, Unenforced};
use crate::confinement::{Confinement, Enforced};
use calls::{Needs, Network};
use filter::Filter;

/// Filters that are in force when a process is sealed.
const FILTERS: u32 = 2;

/// What [`super::Locked::seal`] installs; nothing where this kernel takes no filters and the user wants it all the same.
#[derive(Debug)]
pub(super) struct Seal(Option<Filter>);

impl Seal {
    pub(super) fn seal(self) -> Result<(), LockError> {
        let Some(filter) = self.0 else { return Ok(()) };
        let failed = |source| LockError::Step { step: "filtering the calls of the loaded library", source };
        filter.install(true).map_err(failed)?;
        // A constructor may have put a filter of its own before, that only pretends.
        trial::sealed().map_err(|why| failed(io::Error::other(why)))
    }
}

/// Landlock holds for one thread and what it starts, so that there may be no other.
fn alone() -> Result<(), LockError> {
    match std::fs::read_dir("/proc/self/task").map(Iterator::count) {
        Ok(1) | Err(_) => Ok(()),
        Ok(threads) => Err(LockError::Step {
            step: "looking for other threads",
            source: io::Error::other(format!("there are {threads}")),
        }),
    }
}

/// Whether this kernel lacks something that the profile needs.
fn lacks(landlock: u32, profile: &Profile) -> bool {
    let ports = profile.network.as_ref().is_some_and(|ports| !ports.is_empty());
    landlock == 0 || (ports && landlock < 4)
}

fn needs(landlock: u32, profile: &Profile) -> Needs {
    Needs {
        network: match profile.network.as_deref() {
            None => Network::None,
            Some([]) => Network::All,
            Some(_) => Network::Ports,
        },
        subprocess: profile.subprocess,
        files: !profile.read.is_empty() || !profile.write.is_empty(),
        landlock,
        process: std::process::id(),
    }
}

pub(super) fn lock(assignment: &Assignment) -> Result<(Confinement, Seal), LockError> {
    alone()?;
    let landlock = domain::version();
    let brokered = assignment.policy == Unenforced::Brokered && lacks(landlock, &assignment.profile);
    let profile = if brokered { Profile::default() } else { assignment.profile.clone() };
    let needs = needs(landlock, &profile);
    let system = domain::system_places(&profile);
    let outside = trial::Outside::find(assignment, &profile, &system);
    // What it starts stays in this group, and ends with it. Fails if it leads one already, which is as good.
    // SAFETY: Changes what the kernel knows of this process, and no memory.
    unsafe { libc::setsid() };

    limits::apply(&assignment.limits)?;
    let threads = limits::threads(assignment.limits.threads, &needs);
    limits::drop_privileges()?;
    if landlock > 0 {
        domain::restrict(landlock, assignment, &profile, system)?;
    }
    let filtered = match calls::first(&needs).install(true) {
        Ok(()) => true,
        Err(source) if assignment.policy == Unenforced::Refuse => {
            return Err(LockError::Step { step: "filtering its system calls", source });
        }
        Err(_) => false,
    };
    let limits = match (limits::tried(&assignment.limits), threads) {
        (Err(why), _) => Enforced::Not(why),
        (Ok(()), Err(why)) => Enforced::Partly(why),
        (Ok(()), Ok(())) => Enforced::Fully,
    };
    let confinement = Confinement {
        landlock,
        filters: if filtered { FILTERS } else { 0 },
        files: trial::files(&needs, &outside),
        network: trial::network(&needs, profile.network.as_deref()),
        programs: trial::programs(&needs),
        processes: trial::processes(&needs),
        limits,
    };
    // Without Landlock, brokered capabilities alone mean no files at all, once the loader is done.
    let paths = !(brokered && landlock == 0);
    Ok((confinement, Seal(filtered.then(|| calls::second(&needs, paths)))))
}
