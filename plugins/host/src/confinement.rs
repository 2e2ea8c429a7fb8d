//! What a host reports of its own lock-down. It is sent after the lock-down and before any code of the plugin runs, so
//! that it is the host's own word; and what can be seen from outside, the daemon looks at itself.

use crate::wire::{Reader, WireError, Writer};

/// How far one part of the confinement is enforced here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Enforced {
    /// It is, and the host has tried it.
    Fully,
    /// Only in part; the text says what is not, and why.
    Partly(String),
    /// It is not; the text says why.
    Not(String),
}

/// What a host reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Confinement {
    /// The version of Landlock's ABI that is in force; 0 without it.
    pub landlock: u32,
    /// How many seccomp filters are in force, or will be when the plugin is ready.
    pub filters: u32,
    /// Files and folders.
    pub files: Enforced,
    /// Sockets.
    pub network: Enforced,
    /// Starting programs.
    pub programs: Enforced,
    /// Other processes: signals, memory, priorities.
    pub processes: Enforced,
    /// Memory, open files, threads.
    pub limits: Enforced,
}

impl Confinement {
    /// The parts with their names, for a reader.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &Enforced)> {
        [
            ("files", &self.files),
            ("network", &self.network),
            ("programs", &self.programs),
            ("processes", &self.processes),
            ("limits", &self.limits),
        ]
        .into_iter()
    }

    /// Whether all of it is enforced.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.parts().all(|(_, enforced)| *enforced == Enforced::Fully)
    }

    /// Its payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u32(self.landlock).u32(self.filters);
        for (_, enforced) in self.parts() {
            match enforced {
                Enforced::Fully => out.u8(0),
                Enforced::Partly(why) => out.u8(1).text(why),
                Enforced::Not(why) => out.u8(2).text(why),
            };
        }
        out.finish()
    }

    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn decode(payload: &[u8]) -> Result<Confinement, WireError> {
        let mut from = Reader::new(payload);
        let (landlock, filters) = (from.u32()?, from.u32()?);
        let mut part = || {
            Ok(match from.u8()? {
                0 => Enforced::Fully,
                1 => Enforced::Partly(from.text()?.to_owned()),
                2 => Enforced::Not(from.text()?.to_owned()),
                other => return Err(WireError::Unknown("level", u32::from(other))),
            })
        };
        let (files, network, programs, processes, limits) = (part()?, part()?, part()?, part()?, part()?);
        from.finish()?;
        Ok(Confinement { landlock, filters, files, network, programs, processes, limits })
    }
}
