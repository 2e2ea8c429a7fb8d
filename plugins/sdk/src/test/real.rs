//! Programs that are really run for a test.

use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::{Command, Error, ErrorKind, Output};

/// What a program leaves is cut off here, as Padgate does.
const OUTPUT_BYTES_MAX: u64 = 48 * 1024;

/// Runs a program with an empty environment, nearly as Padgate does; for [`Kit::answer_run`](super::Kit::answer_run). One
/// that takes too long is killed. One with a timeout of zero is only started.
///
/// # Errors
///
/// If it can't be run, or took too long.
pub fn run_really(command: &Command) -> Result<Output, Error> {
    let (mut reader, writer) = std::io::pipe()?;
    let mut child = std::process::Command::new(&command.program)
        .args(&command.arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()
        .map_err(|error| Error::from(error).of(&command.program))?;
    let (mut stdin, input) = (child.stdin.take().expect("it is piped"), command.input.clone());
    // A program need not read its input; that is no failure.
    thread::spawn(move || drop(stdin.write_all(&input)));
    let (sender, receiver) = sync_channel(1);
    thread::spawn(move || {
        let mut output = Vec::new();
        let read = reader.by_ref().take(OUTPUT_BYTES_MAX).read_to_end(&mut output);
        // The rest is read so that the program does not wait, and thrown away.
        let rest = read.and_then(|_| std::io::copy(&mut reader, &mut std::io::sink()));
        drop(rest);
        // Nobody waits for a program that was only started.
        drop(sender.send(output));
    });
    if command.timeout == Duration::ZERO {
        thread::spawn(move || drop(child.wait()));
        return Ok(Output::new(0, ""));
    }
    let output = match receiver.recv_timeout(command.timeout) {
        Ok(output) => output,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            child.kill()?;
            child.wait()?;
            let text = format!("{} took longer than {:?} and was killed", command.program, command.timeout);
            return Err(Error::new(ErrorKind::Timeout, text));
        }
    };
    Ok(Output::new(exit_code(child.wait()?), output))
}

#[cfg(unix)]
fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(not(unix))]
fn exit_code(status: std::process::ExitStatus) -> i32 {
    status.code().unwrap_or(128)
}
