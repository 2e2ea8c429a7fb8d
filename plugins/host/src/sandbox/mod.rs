//! The lock-down of a host's process. It is done by the process itself, in one thread, before any code of the plugin is
//! loaded, and it can never be undone: what a plugin gets later, it gets by a new process.
//!
//! [`lock`] comes before the library is loaded, [`Locked::seal`] after it. In between, the plugin's constructors run, as
//! confined as everything later; only the loader's own needs (mapping code) are still open.
//!
//! What is not stopped on Linux:
//!
//! - Asking whether a path exists, and for its size, owner and times (`stat`, `access`): neither Landlock nor seccomp can
//!   tell the plugin's own folder from others there. Where links point to is told only with a grant of files or programs.
//! - Reading the system's libraries, locales and time zones, and mapping them as code while the library is loaded.
//! - With own sockets to all ports, binding a UDP socket and being sent something; with own programs, mapping any readable
//!   file as code, which gives the plugin nothing that it may not do already.
//! - Using up processor time, and the disk below the size of a file, which are the daemon's to watch.
//! - Staying out of the seal: a constructor that never returns, puts a filter of its own where the second would be, and
//!   speaks for its host, is taken for ready. It can make new code then, and nothing else: all that keeps it from what it
//!   was not granted was in force before it ran.
//! - With own programs, outliving a daemon that was killed: the host dies with the daemon, what it started does not, and
//!   goes on in its confinement. (If the daemon lives, or the service manager ends its group, it ends with the host.)
//! - What the kernel does wrong: the calls that are let through are few, and reach it all the same.
//!
//! With listed ports, own sockets are TCP alone: no Landlock that is known here limits the ports of UDP.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

use std::io;
use std::path::PathBuf;

use crate::assignment::{Assignment, Unenforced};
use crate::confinement::{Confinement, Enforced};

/// Why a process could not be locked down as it was told. The plugin must not be loaded then.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A step failed that never fails on a system that has it at all.
    #[error("the plugin's process could not be locked down: {step}: {source}")]
    Step {
        /// What was being done.
        step: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A folder or file of the plugin's grants can't be opened.
    #[error(
        "{path} is among what the plugin may use, and can't be opened: {source}; create it, or take it out of the \
         plugin's grant",
        path = path.display()
    )]
    Path {
        /// The folder or file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The kernel refused a rule that its version of Landlock should take.
    #[error("the plugin's process could not be locked down: Landlock: {0}")]
    Landlock(String),
    /// This system can't enforce all of it, and the user does not want it otherwise.
    #[error(
        "this system can't confine the plugin as its grants say: {0}; `unenforced = \"brokered\"` in [plugins] runs \
         it with what goes through the daemon alone, `unenforced = \"run\"` runs it all the same"
    )]
    Unenforced(String),
}

/// A process that is locked down, and not yet sealed.
#[derive(Debug)]
pub struct Locked {
    confinement: Confinement,
    seal: system::Seal,
}

/// Locks this process down, and tries whether it holds.
///
/// It must have no other thread, and no descriptors but those that the plugin may have.
///
/// With [`Unenforced::Brokered`], a profile that this system can't enforce in full loses all its direct forms.
///
/// # Errors
///
/// If a step fails; and with [`Unenforced::Refuse`], if any part is not in force, see [`missing`].
pub fn lock(assignment: &Assignment) -> Result<Locked, LockError> {
    let (confinement, seal) = system::lock(assignment)?;
    if assignment.policy == Unenforced::Refuse
        && let Some(reason) = missing(&confinement)
    {
        return Err(LockError::Unenforced(reason));
    }
    Ok(Locked { confinement, seal })
}

/// What of the confinement is missing so badly that [`Unenforced::Refuse`] refuses the plugin: a part that is not fully
/// enforced. Of the limits, it is only their absence: that threads can't be counted on a system (they can, where
/// a user may make a namespace) is shown, and lets a plugin do nothing that it was not granted.
#[must_use]
pub fn missing(confinement: &Confinement) -> Option<String> {
    let mut reasons = Vec::new();
    for (part, enforced) in confinement.parts() {
        match enforced {
            Enforced::Fully => {}
            Enforced::Partly(_) if part == "limits" => {}
            Enforced::Partly(why) => reasons.push(format!("{part} in part only ({why})")),
            Enforced::Not(why) => reasons.push(format!("{part} not at all ({why})")),
        }
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

impl Locked {
    /// What is in force, as tried in this process.
    #[must_use]
    pub fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    /// Closes what only the loader needed, for all threads: no new code, and no further filters. To be called when the
    /// library is loaded, before any function of it is called.
    ///
    /// # Errors
    ///
    /// If the system refuses it, or if a thread that a constructor started stays out of it.
    pub fn seal(self) -> Result<(), LockError> {
        self.seal.seal()
    }
}

#[cfg(test)]
mod tests {
    use super::missing;
    use crate::confinement::{Confinement, Enforced};

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_with_other_threads_is_not_locked_down() {
        let (end, ended) = std::sync::mpsc::sync_channel::<()>(1);
        let other = std::thread::spawn(move || ended.recv());
        let error = super::lock(&crate::assignment::Assignment::default()).unwrap_err();
        assert!(error.to_string().contains("other threads"), "{error}");
        drop(end);
        other.join().unwrap().unwrap_err();
    }

    fn confinement() -> Confinement {
        Confinement {
            landlock: 7,
            filters: 2,
            files: Enforced::Fully,
            network: Enforced::Fully,
            programs: Enforced::Fully,
            processes: Enforced::Fully,
            limits: Enforced::Fully,
        }
    }

    #[test]
    fn uncounted_threads_alone_are_no_reason_to_refuse() {
        assert_eq!(missing(&confinement()), None);
        let mut partly = confinement();
        partly.limits = Enforced::Partly("threads are not counted".into());
        assert_eq!(missing(&partly), None);
        partly.limits = Enforced::Not("no limits here".into());
        assert_eq!(missing(&partly).unwrap(), "limits not at all (no limits here)");
    }

    #[test]
    fn every_part_that_is_missing_is_named() {
        let mut bad = confinement();
        bad.files = Enforced::Not("no Landlock".into());
        bad.network = Enforced::Partly("ports".into());
        assert_eq!(missing(&bad).unwrap(), "files not at all (no Landlock); network in part only (ports)");
    }
}
