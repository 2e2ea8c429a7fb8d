//! Programs: started with an argument list, through the shell, or by what they open. None is waited for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use padgate_core::engine::Effect;
use padgate_core::ruleset::action::Launch;

use super::queue::Entry;
use super::worker::BackEnd;
use crate::outcome::Outcome;

/// How many programs that Padgate started can run at the same time. Beyond, starting one fails and says so: a pad
/// that is drummed on must not bring the machine down.
pub const CHILDREN_MAX: usize = 256;

/// The stack of a thread that waits for one program. It calls one function.
const REAPER_STACK_BYTES: usize = 64 * 1024;

/// The back end behind the queue.
pub(crate) struct Programs {
    home: Option<PathBuf>,
    running: Arc<AtomicUsize>,
}

impl Programs {
    pub(crate) fn new() -> Programs {
        Programs { home: etcetera::home_dir().ok(), running: Arc::default() }
    }

    fn run(&self, launch: &Launch) -> Outcome {
        let program = expand_home(&launch.program, self.home.as_deref());
        let mut command = Command::new(&program);
        // Arguments come from no shell, so `~` is expanded here, where it starts one.
        command.args(launch.arguments.iter().map(|argument| expand_home(argument, self.home.as_deref())));
        command.envs(launch.environment.iter().map(|(name, value)| (name, value)));
        let folder =
            launch.folder.as_ref().map(|folder| PathBuf::from(expand_home(folder, self.home.as_deref())));
        self.start(command, &launch.program, folder)
    }

    fn shell(&self, line: &str) -> Outcome {
        let mut command = if cfg!(windows) { Command::new("cmd") } else { Command::new("sh") };
        command.arg(if cfg!(windows) { "/C" } else { "-c" }).arg(line);
        self.start(command, "sh", None)
    }

    fn start(&self, mut command: Command, name: &str, folder: Option<PathBuf>) -> Outcome {
        let folder = folder.or_else(|| self.home.clone());
        if let Some(folder) = &folder {
            if !folder.is_dir() {
                return Outcome::Failed(
                    format!("can't start {name}: there is no folder {}", folder.display()).into(),
                );
            }
            command.current_dir(folder);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        detach(&mut command);
        if self.running.load(Ordering::Relaxed) >= CHILDREN_MAX {
            let why =
                format!("{CHILDREN_MAX} programs that Padgate started still run; end some of them first");
            return Outcome::Failed(why.into());
        }
        match command.spawn() {
            Ok(child) => self.reap(child),
            Err(error) => {
                let hint = match error.kind() {
                    std::io::ErrorKind::NotFound => "; is it installed, and in the PATH of the daemon?",
                    std::io::ErrorKind::PermissionDenied => "; is it executable?",
                    _ => "",
                };
                Outcome::Failed(format!("can't start {name}: {error}{hint}").into())
            }
        }
    }

    /// Waits for the child on a thread of its own, so that it leaves no zombie and nothing has to poll.
    fn reap(&self, child: Child) -> Outcome {
        let running = Arc::clone(&self.running);
        let id = child.id();
        running.fetch_add(1, Ordering::Relaxed);
        let thread =
            std::thread::Builder::new().name("padgate child".to_owned()).stack_size(REAPER_STACK_BYTES);
        let mut child = child;
        let started = thread.spawn(move || {
            match child.wait() {
                Ok(status) => tracing::debug!(id, %status, "a program ended"),
                Err(error) => tracing::warn!(id, %error, "a program could not be waited for"),
            }
            running.fetch_sub(1, Ordering::Relaxed);
        });
        if let Err(error) = started {
            self.running.fetch_sub(1, Ordering::Relaxed);
            tracing::warn!(id, %error, "no thread to wait for a program; it will stay in the list when it ends");
        }
        Outcome::Done
    }

    fn open(&self, what: &str) -> Outcome {
        let what = expand_home(what, self.home.as_deref());
        if let Some(problem) = missing_file(&what) {
            return Outcome::Failed(problem.into());
        }
        match open::that_detached(&what) {
            Ok(()) => Outcome::Done,
            Err(error) => {
                Outcome::Failed(format!("can't open {what}: {error}; is xdg-utils installed?").into())
            }
        }
    }
}

impl BackEnd for Programs {
    type Control = ();

    fn perform(&mut self, entry: &mut Entry) -> Option<Outcome> {
        Some(match &entry.effect {
            Effect::Run(launch) => self.run(launch),
            Effect::Shell(line) => self.shell(line),
            Effect::Open(what) => self.open(what),
            _ => Outcome::Failed("this is a mistake in Padgate: that is no program".into()),
        })
    }

    fn control(&mut self, (): ()) {}

    // Programs belong to the user, not to the daemon: they go on.
    fn close(&mut self) {}
}

/// `~` and `~/…` become the home folder.
fn expand_home(text: &str, home: Option<&Path>) -> String {
    let (Some(home), Some(rest)) = (home, text.strip_prefix('~')) else { return text.to_owned() };
    if rest.is_empty() || rest.starts_with('/') {
        format!("{}{rest}", home.display())
    } else {
        text.to_owned()
    }
}

/// What is wrong with a path that is not there. URLs are not looked at.
fn missing_file(what: &str) -> Option<String> {
    let path = Path::new(what);
    (path.is_absolute() && !path.exists()).then(|| format!("can't open {what}: there is no such file"))
}

/// Its own process group, so that signals to the daemon's (Ctrl-C in a terminal) don't reach the program.
#[cfg(unix)]
fn detach(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
    // systemd's are meant for the daemon alone.
    for name in ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID"] {
        command.env_remove(OsStr::new(name));
    }
}

/// Untested.
#[cfg(windows)]
fn detach(command: &mut Command) {
    use std::os::windows::process::CommandExt as _;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
    let _: &OsStr = command.get_program();
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use padgate_core::ruleset::action::Launch;

    use super::{Outcome, Programs, expand_home, missing_file};

    #[test]
    fn only_a_leading_tilde_is_the_home_folder() {
        let home = Some(Path::new("/home/ada"));
        assert_eq!(expand_home("~", home), "/home/ada");
        assert_eq!(expand_home("~/x", home), "/home/ada/x");
        assert_eq!(expand_home("~bob/x", home), "~bob/x");
        assert_eq!(expand_home("a~", home), "a~");
        assert_eq!(expand_home("~/x", None), "~/x");
    }

    #[test]
    fn what_can_not_be_started_is_said_at_once() {
        let programs = Programs::new();
        let launch = |program: &str, folder: Option<&str>| Launch {
            program: program.to_owned(),
            arguments: Vec::new(),
            folder: folder.map(str::to_owned),
            environment: Vec::new(),
        };
        let Outcome::Failed(why) = programs.run(&launch("padgate-no-such-program", None)) else { panic!() };
        assert!(why.contains("padgate-no-such-program") && why.contains("PATH"), "{why}");
        let Outcome::Failed(why) = programs.run(&launch("true", Some("/padgate/none"))) else { panic!() };
        assert!(why.contains("/padgate/none"), "{why}");
    }

    #[test]
    fn urls_are_not_looked_up_as_files() {
        assert_eq!(missing_file("https://example.com/x"), None);
        assert!(missing_file("/padgate/no/such/file").is_some());
    }
}
