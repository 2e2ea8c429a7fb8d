//! Waiting for a program: its input is written, its output read, its end noticed, all at once and in bounded time.

use std::fs::File;
use std::io::{ErrorKind, PipeReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::ChildStdin;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::BODY_BYTES_MAX;

/// How the waiting ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Waited {
    /// The program has ended; it is not reaped.
    Ended,
    /// Time is up.
    TooLong,
}

/// Talks to a program until it ends or time is up. `ended` becomes readable when the program has ended. What it writes
/// beyond [`BODY_BYTES_MAX`] is read, so that it does not get stuck, and thrown away.
pub(super) fn pump(
    ended: &OwnedFd,
    output: PipeReader,
    input: Option<(ChildStdin, Vec<u8>)>,
    until: Instant,
) -> std::io::Result<(Waited, Vec<u8>)> {
    unblock(output.as_fd())?;
    let mut input = match input {
        Some((pipe, bytes)) => {
            let pipe = OwnedFd::from(pipe);
            unblock(pipe.as_fd())?;
            Some((File::from(pipe), bytes, 0))
        }
        None => None,
    };
    let mut output = Some(output);
    let mut collected = Vec::new();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left == Duration::ZERO {
            return Ok((Waited::TooLong, collected));
        }
        let over = wait(ended, output.as_ref(), input.as_ref().map(|(pipe, ..)| pipe), left)?;
        if let Some((pipe, bytes, written)) = &mut input {
            match pipe.write(&bytes[*written..]) {
                Ok(count) => *written += count,
                Err(error) if is_later(&error) => {}
                // The program does not read to the end, which is its own affair.
                Err(_) => *written = bytes.len(),
            }
            if *written >= bytes.len() {
                input = None;
            }
        }
        if let Some(pipe) = &mut output
            && is_finished(pipe, &mut collected)
        {
            output = None;
        }
        if over {
            return Ok((Waited::Ended, collected));
        }
    }
}

/// Waits until there is something to do; whether the program has ended.
fn wait(
    ended: &OwnedFd,
    output: Option<&PipeReader>,
    input: Option<&File>,
    left: Duration,
) -> std::io::Result<bool> {
    let mut fds = vec![PollFd::new(ended, PollFlags::IN)];
    fds.extend(output.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
    fds.extend(input.map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
    let left = Timespec::try_from(left).map_err(std::io::Error::other)?;
    match poll(&mut fds, Some(&left)) {
        Ok(_) => Ok(!fds[0].revents().is_empty()),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Reads what is there; whether nothing will follow.
fn is_finished(pipe: &mut PipeReader, collected: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 8192];
    // What a pipe holds, so that a program that writes for ever does not keep this from looking at the time.
    for _ in 0..16 {
        match pipe.read(&mut buffer) {
            Ok(0) => return true,
            Ok(count) => {
                let room = BODY_BYTES_MAX - collected.len();
                collected.extend_from_slice(&buffer[..count.min(room)]);
            }
            Err(error) if is_later(&error) => return false,
            Err(_) => return true,
        }
    }
    false
}

fn is_later(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// This end of a pipe belongs to nobody else, so that nobody else is surprised.
fn unblock(fd: BorrowedFd<'_>) -> std::io::Result<()> {
    fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?;
    Ok(())
}
