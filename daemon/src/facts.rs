//! Which of the programs run that conditions ask about.
//!
//! Without such conditions this sleeps for good. With them it looks at the list of processes every two seconds:
//! Linux tells an ordinary user of no program that starts (the kernel's process connector wants privileges). That one
//! ended is known at once, through a descriptor of the process that becomes readable.

#[cfg(target_os = "linux")]
mod processes;

use std::sync::{Arc, Condvar, Mutex};

use crate::lock::lock;
use padgate_core::ids::{Names, ProgramId};
use padgate_core::ruleset::{Condition, Ruleset, Step};

/// Takes the news: a program runs now, or no longer. Called on the watching thread.
pub trait FactSink: Send + Sync {
    /// The program now runs, or has ended. Only changes are told; at first every program counts as not running.
    fn running(&self, program: ProgramId, runs: bool);
}

#[derive(Debug, Default)]
struct State {
    /// The names to watch; `None` when the watcher is to end.
    watched: Vec<(ProgramId, String)>,
    changed: bool,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

/// Watches programs on a thread of its own, which ends when this is dropped.
pub struct Facts {
    shared: Arc<Shared>,
    #[cfg(target_os = "linux")]
    interrupt: Arc<processes::Interrupt>,
}

impl Facts {
    /// Starts watching nothing.
    ///
    /// # Errors
    ///
    /// If the system has no thread or descriptor left.
    pub fn new(sink: Arc<dyn FactSink>) -> std::io::Result<Facts> {
        let shared = Arc::new(Shared::default());
        #[cfg(target_os = "linux")]
        {
            let interrupt = Arc::new(processes::Interrupt::new()?);
            let (for_thread, interrupt_there) = (Arc::clone(&shared), Arc::clone(&interrupt));
            std::thread::Builder::new()
                .name("padgate facts".to_owned())
                .spawn(move || processes::watch(&for_thread, &interrupt_there, &*sink))?;
            Ok(Facts { shared, interrupt })
        }
        #[cfg(not(target_os = "linux"))]
        {
            // Nobody looks, so every program counts as not running. The configuration's check says so.
            drop(sink);
            Ok(Facts { shared })
        }
    }

    /// Watches these from now on, see [`watched_programs`].
    pub fn watch(&self, programs: Vec<(ProgramId, String)>) {
        let mut state = lock(&self.shared.state);
        if state.watched != programs {
            state.watched = programs;
            state.changed = true;
        }
        drop(state);
        self.wake();
    }

    fn wake(&self) {
        self.shared.wake.notify_all();
        #[cfg(target_os = "linux")]
        self.interrupt.wake();
    }
}

impl Drop for Facts {
    fn drop(&mut self) {
        lock(&self.shared.state).closed = true;
        self.wake();
    }
}

/// The programs that the rules ask about. The table of names can hold more, of earlier configurations.
#[must_use]
pub fn watched_programs(ruleset: &Ruleset) -> Vec<(ProgramId, String)> {
    let mut found = Vec::new();
    for mapping in &ruleset.mappings {
        programs_in(&mapping.when, &ruleset.names, &mut found);
        for step in &mapping.program.steps {
            if let Step::If { condition, .. } = step {
                programs_in(condition, &ruleset.names, &mut found);
            }
        }
    }
    found
}

fn programs_in(condition: &Condition, names: &Names, found: &mut Vec<(ProgramId, String)>) {
    match condition {
        Condition::Running(program) => {
            if !found.iter().any(|(known, _)| known == program) {
                found.push((*program, names.programs.name(*program).to_owned()));
            }
        }
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().for_each(|part| programs_in(part, names, found));
        }
        Condition::Not(part) => programs_in(part, names, found),
        Condition::Always
        | Condition::Mode(_)
        | Condition::Time(_)
        | Condition::Weekday(_)
        | Condition::Variable(..) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use padgate_core::ids::{ModeId, Names};
    use padgate_core::ruleset::condition::Condition;

    use super::programs_in;

    #[test]
    fn programs_are_found_wherever_a_condition_hides_them() {
        let mut names = Names::default();
        let (obs, gimp) = (names.programs.intern("obs"), names.programs.intern("gimp"));
        names.programs.intern("of yesterday");
        let condition = Condition::Any(vec![
            Condition::Mode(ModeId::new(0)),
            Condition::Not(Box::new(Condition::All(vec![Condition::Running(gimp), Condition::Running(obs)]))),
            Condition::Running(gimp),
        ]);
        let mut found = Vec::new();
        programs_in(&Arc::new(condition), &names, &mut found);
        assert_eq!(found, [(gimp, "gimp".to_owned()), (obs, "obs".to_owned())]);
    }
}
