//! Child processes that are waited for with a deadline, and never outlive the test.

use std::io::Read;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::DEADLINE;

/// A running child. Killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    ended: Receiver<ExitStatus>,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts the command. `at_end` is called, on another thread, when the child has ended and before [`Process::wait`]
    /// returns.
    ///
    /// # Errors
    ///
    /// If it can't be started.
    pub fn start(command: &mut Command, at_end: impl FnOnce() + Send + 'static) -> Result<Process> {
        let child = command.spawn().with_context(|| format!("starting {}", name(command)))?;
        Ok(Process::watch(child, at_end))
    }

    fn watch(mut child: Child, at_end: impl FnOnce() + Send + 'static) -> Process {
        let pid = Pid::from_child(&child);
        let (sender, ended) = channel();
        thread::spawn(move || {
            // Waiting fails only for a child that was waited for already, and nobody else has this one.
            let status = child.wait().unwrap_or_else(|_| ExitStatus::from_raw(0));
            at_end();
            // Whoever started it may be gone: then nobody wants to know.
            let _ = sender.send(status);
        });
        Process { pid, ended, status: None }
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.pid.as_raw_pid().unsigned_abs()
    }

    /// Sends a signal. Does nothing if the process is known to have ended.
    pub fn signal(&self, signal: Signal) {
        if self.status.is_none() {
            // It may have ended just now; then there is nobody to signal.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// If it has not within [`DEADLINE`].
    pub fn wait(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        match self.ended.recv_timeout(DEADLINE) {
            Ok(status) => Ok(*self.status.insert(status)),
            Err(RecvTimeoutError::Timeout) => bail!("process {} did not end within {DEADLINE:?}", self.id()),
            Err(RecvTimeoutError::Disconnected) => bail!("nobody waits for process {}", self.id()),
        }
    }

    /// Whether it has ended by now.
    pub fn has_ended(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.ended.try_recv().ok();
        }
        self.status.is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.signal(Signal::KILL);
            let _ = self.ended.recv_timeout(Duration::from_secs(5));
        }
    }
}

/// How a command that ran to its end went.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Finished {
    /// What it printed, if it succeeded.
    ///
    /// # Errors
    ///
    /// If it did not.
    pub fn success(self) -> Result<String> {
        if !self.status.success() {
            bail!("{}\n{}{}", self.status, self.stdout, self.stderr);
        }
        Ok(self.stdout)
    }

    /// What it printed, as JSON, if it succeeded.
    ///
    /// # Errors
    ///
    /// If it did not, or it is no JSON.
    pub fn json(self) -> Result<serde_json::Value> {
        let text = self.success()?;
        serde_json::from_str(&text).with_context(|| format!("this is no JSON: {text}"))
    }

    /// The exit code; -1 if a signal ended it.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }
}

/// Runs a command to its end.
///
/// # Errors
///
/// If it can't be started, or does not end within [`DEADLINE`]; then it is killed.
pub fn run(command: &mut Command) -> Result<Finished> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", name(command)))?;
    let stdout = read_all(child.stdout.take().context("standard output is a pipe")?);
    let stderr = read_all(child.stderr.take().context("standard error is a pipe")?);
    let mut process = Process::watch(child, || {});
    let status = process.wait().with_context(|| name(command))?;
    Ok(Finished { status, stdout: stdout.recv_timeout(DEADLINE)?, stderr: stderr.recv_timeout(DEADLINE)? })
}

fn read_all(mut from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, all) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What could be read before an error is still worth showing.
        let _ = from.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    all
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
