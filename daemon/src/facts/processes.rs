//! The list of processes, as Linux shows it in `/proc`, and descriptors that tell when one ended.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use padgate_core::ids::ProgramId;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{FactSink, Shared};
use crate::lock::lock;

/// How often the list is looked at, while there is something to look for.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// How many processes are waited for by descriptor; of further ones the next look tells that they ended.
const DESCRIPTORS_MAX: usize = 64;

/// The kernel keeps this much of a program's name; a longer one is compared by its file.
const COMM_BYTES: usize = 15;

/// Wakes the watching thread from its poll.
#[derive(Debug)]
pub(super) struct Interrupt {
    event: OwnedFd,
}

impl Interrupt {
    pub(super) fn new() -> io::Result<Interrupt> {
        Ok(Interrupt { event: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }

    pub(super) fn wake(&self) {
        // Full means that it is awake already.
        let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
    }

    fn clear(&self) {
        // Empty means that there is nothing to clear.
        let _ = rustix::io::read(&self.event, &mut [0; 8]);
    }
}

/// One watched program.
struct Watched {
    id: ProgramId,
    name: String,
    runs: bool,
    /// Of its processes, as long as they live.
    processes: Vec<(i32, OwnedFd)>,
}

/// Runs until the watcher is dropped.
pub(super) fn watch(shared: &Shared, interrupt: &Interrupt, sink: &dyn FactSink) {
    let mut watched: Vec<Watched> = Vec::new();
    loop {
        let mut state = lock(&shared.state);
        while !state.changed && !state.closed && watched.is_empty() {
            state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return;
        }
        interrupt.clear();
        if std::mem::take(&mut state.changed) {
            let wanted = state.watched.clone();
            drop(state);
            change_watched(&mut watched, wanted, sink);
        } else {
            drop(state);
        }
        look(&mut watched, sink);
        wait(&mut watched, interrupt, sink);
    }
}

/// Keeps what is known of programs that are watched on. What is no longer watched counts as not running, so that it
/// starts afresh if it is watched again.
fn change_watched(watched: &mut Vec<Watched>, wanted: Vec<(ProgramId, String)>, sink: &dyn FactSink) {
    let mut old = std::mem::take(watched);
    for (id, name) in wanted {
        let known = old.iter().position(|program| program.id == id && program.name == name);
        watched.push(match known {
            Some(place) => old.swap_remove(place),
            None => Watched { id, name, runs: false, processes: Vec::new() },
        });
    }
    for program in old.into_iter().filter(|program| program.runs) {
        sink.running(program.id, false);
    }
}

/// Looks at the list of processes and tells what changed.
fn look(watched: &mut [Watched], sink: &dyn FactSink) {
    if watched.is_empty() {
        return;
    }
    let mut running = vec![false; watched.len()];
    let descriptors =
        |watched: &[Watched]| watched.iter().map(|program| program.processes.len()).sum::<usize>();
    for (process, comm) in processes() {
        for place in 0..watched.len() {
            if !is_program(&watched[place].name, &comm, process) {
                continue;
            }
            running[place] = true;
            let known = watched[place].processes.iter().any(|(id, _)| *id == process);
            if !known && descriptors(watched) < DESCRIPTORS_MAX {
                let descriptor =
                    Pid::from_raw(process).and_then(|id| pidfd_open(id, PidfdFlags::empty()).ok());
                watched[place].processes.extend(descriptor.map(|descriptor| (process, descriptor)));
            }
        }
    }
    for (program, runs) in watched.iter_mut().zip(running) {
        tell(program, runs, sink);
    }
}

fn tell(program: &mut Watched, runs: bool, sink: &dyn FactSink) {
    if program.runs != runs {
        program.runs = runs;
        sink.running(program.id, runs);
    }
}

/// Waits until it is time to look again, or something is to be done before; what ended meanwhile is told.
fn wait(watched: &mut [Watched], interrupt: &Interrupt, sink: &dyn FactSink) {
    if watched.is_empty() {
        return;
    }
    let until = Instant::now() + LOOK_INTERVAL;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        let limit = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        let mut sources = vec![PollFd::new(&interrupt.event, PollFlags::IN)];
        for program in watched.iter() {
            sources.extend(
                program.processes.iter().map(|(_, descriptor)| PollFd::new(descriptor, PollFlags::IN)),
            );
        }
        // An error here (a signal, at most) only means to look earlier.
        if poll(&mut sources, Some(&limit)).is_err() {
            return;
        }
        let ready: Vec<bool> = sources.iter().map(|source| !source.revents().is_empty()).collect();
        drop(sources);
        if ready[0] {
            return;
        }
        let mut ready = ready.into_iter().skip(1);
        for program in watched.iter_mut() {
            let before = program.processes.len();
            program.processes.retain(|_| !ready.next().unwrap_or(false));
            if before > 0 && program.processes.is_empty() {
                // Perhaps another process of it was started since the last look.
                let runs = processes().any(|(process, comm)| is_program(&program.name, &comm, process));
                tell(program, runs, sink);
            }
        }
    }
}

/// All processes: number and short name.
fn processes() -> impl Iterator<Item = (i32, String)> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let id: i32 = entry.file_name().to_str()?.parse().ok()?;
        let comm = fs::read_to_string(entry.path().join("comm")).ok()?;
        Some((id, comm.trim_end().to_owned()))
    })
}

/// Whether the process is the program: by the name that the kernel has for it, or by that of its file. A process
/// that has ended and only waits for its parent is none.
fn is_program(name: &str, comm: &str, process: i32) -> bool {
    let same = comm.eq_ignore_ascii_case(name);
    let cut_off = comm.len() == COMM_BYTES && name.len() > COMM_BYTES && name.is_char_boundary(COMM_BYTES);
    let begins = cut_off && name[..COMM_BYTES].eq_ignore_ascii_case(comm);
    // Interpreters name themselves; asking for each process's file would cost a system call for each. So only for
    // those whose name may have been cut off.
    (same || (begins && file_name(process).is_none_or(|file| file.eq_ignore_ascii_case(name))))
        && is_alive(process)
}

fn file_name(process: i32) -> Option<String> {
    let file = fs::read_link(format!("/proc/{process}/exe")).ok()?;
    Some(Path::new(&file).file_name()?.to_str()?.to_owned())
}

fn is_alive(process: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The state stands after the name, which may itself contain brackets.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use padgate_core::ids::ProgramId;

    use super::super::{FactSink, Facts};
    use super::is_program;

    struct Told(Sender<(ProgramId, bool)>);

    impl FactSink for Told {
        fn running(&self, program: ProgramId, runs: bool) {
            let _ = self.0.send((program, runs));
        }
    }

    const DEADLINE: Duration = Duration::from_secs(20);

    #[test]
    fn starts_and_ends_are_told() {
        let folder = tempfile::tempdir().unwrap();
        // A name of its own, longer than the kernel keeps, so that nothing else on this machine is meant.
        let name = format!("padgate-facts-test-{}", std::process::id());
        let program = folder.path().join(&name);
        std::fs::copy("/bin/sleep", &program).unwrap();
        let (sender, told) = channel();
        let facts = Facts::new(Arc::new(Told(sender))).unwrap();
        let id = ProgramId::new(3);
        let mut child = Command::new(&program).arg("600").spawn().unwrap();
        facts.watch(vec![(id, name.clone()), (ProgramId::new(4), "padgate-never".to_owned())]);
        assert_eq!(told.recv_timeout(DEADLINE), Ok((id, true)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(told.recv_timeout(DEADLINE), Ok((id, false)));
        let mut child = Command::new(&program).arg("600").spawn().unwrap();
        assert_eq!(told.recv_timeout(DEADLINE), Ok((id, true)));
        // What is no longer asked for counts as not running.
        facts.watch(Vec::new());
        assert_eq!(told.recv_timeout(DEADLINE), Ok((id, false)));
        child.kill().unwrap();
        child.wait().unwrap();
        drop(facts);
        assert!(told.recv_timeout(DEADLINE).is_err(), "the watcher ended and told nothing else");
    }

    #[test]
    fn names_are_whole_and_without_case() {
        let me = std::process::id() as i32;
        assert!(is_program("OBS", "obs", me));
        assert!(!is_program("ob", "obs", me));
        assert!(!is_program("obs-studio", "obs", me));
    }
}
