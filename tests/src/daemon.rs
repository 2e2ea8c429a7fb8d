//! A real `padgated`, started in a folder of its own and known to be ready because it said so.

use std::fs::{self, File};
use std::ops::Deref;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use padgate_ipc::client::Client;
use rustix::process::Signal;

use crate::DEADLINE;
use crate::events::Watch;
use crate::folder::Folder;
use crate::process::Process;

/// A running daemon; dereferences to its folder. Killed when it is dropped; then its log is printed, which the test
/// runner shows if the test failed.
#[derive(Debug)]
pub struct Daemon {
    /// Its folder, which outlives it: another daemon can be started there.
    pub folder: Folder,
    /// Whether to print the log at the end.
    pub show_log: bool,
    process: Process,
}

impl Daemon {
    /// Starts a daemon with this configuration in a new folder.
    ///
    /// # Errors
    ///
    /// If it does not become ready; with its log.
    pub fn start(config: &str) -> Result<Daemon> {
        Daemon::start_in(Folder::new(config)?)
    }

    /// Starts a daemon in a folder that is there.
    ///
    /// # Errors
    ///
    /// If it does not become ready; with its log.
    pub fn start_in(folder: Folder) -> Result<Daemon> {
        let process = start(&folder)?;
        Ok(Daemon { folder, show_log: true, process })
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// A client that has said hello.
    ///
    /// # Errors
    ///
    /// If the daemon does not answer.
    pub fn client(&self) -> Result<Client> {
        Ok(Client::connect_to(&self.folder.socket(), "test")?)
    }

    /// A client that sees everything that happens from now on.
    ///
    /// # Errors
    ///
    /// If the daemon does not answer.
    pub fn watch(&self) -> Result<Watch> {
        Watch::new(self.client()?)
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        self.process.signal(Signal::TERM);
        self.process.wait().context(self.log())
    }

    /// Kills it without warning, and starts another one in the same folder.
    ///
    /// # Errors
    ///
    /// If the new one does not become ready.
    pub fn kill_and_restart(&mut self) -> Result<()> {
        self.process.signal(Signal::KILL);
        self.process.wait()?;
        self.process = start(&self.folder)?;
        Ok(())
    }

    /// Asks it to end, waits until it has, and starts another one in the same folder.
    ///
    /// # Errors
    ///
    /// If it does not end, or the new one does not become ready.
    pub fn restart(&mut self) -> Result<()> {
        let status = self.terminate()?;
        if !status.success() {
            bail!("padgated ended with {status}");
        }
        self.process = start(&self.folder)?;
        Ok(())
    }

    /// What it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(log_path(&self.folder)).unwrap_or_default()
    }
}

impl Deref for Daemon {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.show_log {
            eprintln!("--- the daemon's log:\n{}---", self.log());
        }
    }
}

fn log_path(folder: &Folder) -> PathBuf {
    folder.path().join("padgated.log")
}

/// Starts `padgated` and waits until it reports that it is ready, as it would to systemd.
fn start(folder: &Folder) -> Result<Process> {
    let socket = folder.path().join("notify.sock");
    // The one of a predecessor in the same folder.
    let _ = fs::remove_file(&socket);
    let notifications = UnixDatagram::bind(&socket)?;
    let log = File::options().create(true).append(true).open(log_path(folder))?;
    let mut command = folder.command("padgated")?;
    command.env("NOTIFY_SOCKET", &socket).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // Its end comes the same way as its readiness, so that one wait is enough for both.
    let ended = socket.clone();
    let process = Process::start(&mut command, move || {
        if let Ok(sender) = UnixDatagram::unbound() {
            let _ = sender.send_to(ENDED.as_bytes(), ended);
        }
    })?;
    let deadline = Instant::now() + DEADLINE;
    let mut message = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let log = || fs::read_to_string(log_path(folder)).unwrap_or_default();
        if left.is_zero() {
            bail!("padgated was not ready within {DEADLINE:?}; its log:\n{}", log());
        }
        notifications.set_read_timeout(Some(left))?;
        // An error is the time-out, which is dealt with above.
        let length = notifications.recv(&mut message).unwrap_or(0);
        let text = String::from_utf8_lossy(&message[..length]);
        if text.lines().any(|line| line == ENDED) {
            bail!("padgated ended instead of becoming ready; its log:\n{}", log());
        }
        if text.lines().any(|line| line == "READY=1") {
            return Ok(process);
        }
    }
}

/// What the harness sends to itself when the daemon has ended.
const ENDED: &str = "X_ENDED=1";
