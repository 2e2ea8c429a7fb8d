//! Programs for plugins: what the gate permitted, with a clean environment, in a process group of its own.
//!
//! The environment has `PATH`, `HOME`, `USER` and `LANG` and nothing else, so that neither a secret of the session nor
//! an `LD_PRELOAD` comes along; the folder is the user's home. A program that is waited for takes what it started with
//! it when it ends or when its time is up: the whole group is killed. To leave something running, a plugin starts it
//! without waiting. A program that makes a session of its own escapes that; it is outside the sandbox anyway, which is
//! why running programs is a high risk.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use padgate_plugin_abi::{PADGATE_FAILED, PADGATE_LIMIT, PADGATE_TIMEOUT};
use rustix::process::{Pid, Signal, kill_process_group};

use super::lives::Life;
use super::pump::{Waited, pump};
use super::{Answered, Trouble, answered, in_words};
use crate::lock::lock;
use crate::plugins::part::PluginId;

/// How many programs of one plugin can run at once, those included that are not waited for. Beyond, one more is
/// refused with `PADGATE_LIMIT`.
pub const RUNNING_MAX: usize = 32;
/// The `PATH` of every program.
const FOLDERS: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];
/// The stack of a thread that waits for one program. It calls one function.
const REAPER_STACK_BYTES: usize = 64 * 1024;

/// A program to run.
pub(super) struct Run {
    /// Where the gate found it; a bare name if it found none.
    pub(super) program: PathBuf,
    /// Without the program itself.
    pub(super) arguments: Vec<String>,
    /// Its standard input.
    pub(super) input: Vec<u8>,
    /// Until when it is waited for; `None`: it is left alone.
    pub(super) until: Option<Instant>,
}

/// What runs for plugins.
pub(super) struct Programs {
    home: PathBuf,
    running: Mutex<HashMap<PluginId, Running>>,
}

/// What runs for one plugin.
#[derive(Default)]
struct Running {
    count: Arc<AtomicUsize>,
    /// Groups of programs that are waited for. Their leaders are not reaped while they stand here, so that a group's
    /// number can't mean another one.
    groups: Vec<Pid>,
}

/// Counts a program while it runs.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Programs {
    pub(super) fn new(home: PathBuf) -> Programs {
        Programs { home, running: Mutex::default() }
    }

    /// Runs it, and waits for it if it is to be waited for.
    pub(super) fn run(&self, life: &Life, run: Run) -> Result<Answered, Trouble> {
        let Run { program: file, arguments, input, until } = run;
        let program = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        if !file.is_absolute() {
            let why =
                format!("there is no program {program:?}: is it installed, and in the PATH of the daemon?");
            return Err(Trouble::unavailable(why));
        }
        let counted = self.count(life.plugin)?;
        let mut command = Command::new(&file);
        command.args(&arguments).current_dir(&self.home).process_group(0);
        command.env_clear().envs(environment(&self.home));
        command.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() });
        match until {
            Some(until) => self.wait(life, &program, command, input, until),
            None => start(&program, command, input, counted),
        }
    }

    /// Ends what is waited for, for this plugin.
    pub(super) fn ended(&self, plugin: PluginId) {
        if let Some(running) = lock(&self.running).get(&plugin) {
            running.groups.iter().for_each(|group| kill(*group));
        }
    }

    /// Ends what is waited for, for all.
    pub(super) fn end_all(&self) {
        for running in lock(&self.running).values() {
            running.groups.iter().for_each(|group| kill(*group));
        }
    }

    fn count(&self, plugin: PluginId) -> Result<Counted, Trouble> {
        let mut running = lock(&self.running);
        let count = &running.entry(plugin).or_default().count;
        if count.load(Ordering::Relaxed) >= RUNNING_MAX {
            let why = format!("{RUNNING_MAX} programs of this plugin still run: wait until one of them ends");
            return Err(Trouble::new(PADGATE_LIMIT, why));
        }
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Counted(Arc::clone(count)))
    }

    fn wait(
        &self,
        life: &Life,
        program: &str,
        mut command: Command,
        input: Vec<u8>,
        until: Instant,
    ) -> Result<Answered, Trouble> {
        let begun = Instant::now();
        let trouble = |error: std::io::Error| {
            Trouble::new(PADGATE_FAILED, format!("{program} can't be talked to: {error}"))
        };
        // One pipe for both, so that what the program says keeps its order.
        let (output, writer) = std::io::pipe().map_err(trouble)?;
        command.stdout(writer.try_clone().map_err(trouble)?).stderr(writer);
        let mut child = command.spawn().map_err(|error| cannot_start(program, &error))?;
        // It holds the pipe's other end; without this, the pipe would never end.
        drop(command);
        let input = child.stdin.take().map(|pipe| (pipe, input));
        let group = Pid::from_child(&child);
        lock(&self.running).entry(life.plugin).or_default().groups.push(group);
        if life.is_over() {
            // It ended while the program was being started, and could not be found yet.
            kill(group);
        }
        let waited = watch(&child).and_then(|ended| pump(&ended, output, input, until));
        {
            let mut running = lock(&self.running);
            kill(group);
            if let Some(running) = running.get_mut(&life.plugin) {
                running.groups.retain(|known| *known != group);
            }
        }
        let status = child.wait().map_err(trouble)?;
        let (waited, output) = waited.map_err(trouble)?;
        match waited {
            Waited::TooLong => {
                let why = format!("{program} took longer than {} and was ended", in_words(until - begun));
                Err(Trouble::new(PADGATE_TIMEOUT, why))
            }
            Waited::Ended => {
                let signal = status.signal().map(|signal| 128 + signal);
                Ok(answered(status.code().or(signal).unwrap_or(-1), output))
            }
        }
    }
}

/// Starts a program that is left alone. A thread waits for it, so that it leaves no zombie and nothing has to poll.
fn start(program: &str, mut command: Command, input: Vec<u8>, counted: Counted) -> Result<Answered, Trouble> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| cannot_start(program, &error))?;
    let id = child.id();
    let thread = std::thread::Builder::new().name("padgate child".to_owned()).stack_size(REAPER_STACK_BYTES);
    let reaper = thread.spawn(move || {
        if let Some(mut pipe) = child.stdin.take() {
            // A program that does not read its input is none of ours.
            let _ = pipe.write_all(&input);
        }
        match child.wait() {
            Ok(status) => tracing::debug!(id, %status, "a plugin's program ended"),
            Err(error) => tracing::warn!(id, %error, "a plugin's program could not be waited for"),
        }
        drop(counted);
    });
    if let Err(error) = reaper {
        tracing::warn!(id, %error, "no thread to wait for a program; it will stay in the list when it ends");
    }
    Ok(answered(0, Vec::new()))
}

/// What becomes readable when the child has ended. It is not reaped by that.
#[cfg(target_os = "linux")]
fn watch(child: &Child) -> std::io::Result<OwnedFd> {
    Ok(rustix::process::pidfd_open(Pid::from_child(child), rustix::process::PidfdFlags::empty())?)
}

/// The same with a thread that waits, where processes have no descriptors. Untested.
#[cfg(not(target_os = "linux"))]
fn watch(child: &Child) -> std::io::Result<OwnedFd> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let pid = Pid::from_child(child);
    let (reader, writer) = std::io::pipe()?;
    let thread = std::thread::Builder::new().name("padgate child".to_owned()).stack_size(REAPER_STACK_BYTES);
    thread.spawn(move || {
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        drop(writer);
    })?;
    Ok(OwnedFd::from(reader))
}

fn kill(group: Pid) {
    // The group may be empty by now.
    let _ = kill_process_group(group, Signal::KILL);
}

fn environment(home: &Path) -> Vec<(&'static str, std::ffi::OsString)> {
    let mut environment = vec![("PATH", FOLDERS.join(":").into()), ("HOME", home.as_os_str().to_owned())];
    environment.extend(["USER", "LANG"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    environment
}

fn cannot_start(program: &str, error: &std::io::Error) -> Trouble {
    if error.kind() == std::io::ErrorKind::InvalidInput {
        return Trouble::invalid(format!("can't start {program}: an argument has a zero byte in it"));
    }
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => ": is it installed, and is the home folder there?",
        std::io::ErrorKind::PermissionDenied => ": is it executable?",
        _ => "",
    };
    Trouble::unavailable(format!("can't start {program}: {error}{hint}"))
}
