//! Starting a host, ending it, and learning how it ended.
//!
//! A host is started with `posix_spawn` (a `Command` without anything to run between fork and exec), which costs the
//! same however much memory the daemon uses. It gets three descriptors and nothing else of the daemon: its end of the
//! link as standard input, and a pipe as standard output and standard error.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::OFlags;
use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::ended::Ended;

/// What each direction of the link is asked to hold, in bytes: a dozen of the largest frames. The kernel gives less
/// where its own limit (`net.core.wmem_max`) is lower, which is still several frames.
const LINK_BUFFER_BYTES: usize = 1 << 20;

/// A host that has been started, and waits for its first frame.
#[derive(Debug)]
pub struct Launched {
    /// Its process id, for a reader. Signals go through [`Launched::pidfd`], which can't hit another process.
    pub pid: u32,
    /// Becomes readable when the host has ended; then [`reap`] must be called.
    pub pidfd: OwnedFd,
    /// The daemon's end of the link; never waits.
    pub link: OwnedFd,
    /// What the host and its plugin write to standard output and standard error; never waits.
    pub output: OwnedFd,
}

/// Starts a host from this program.
///
/// The host is killed when the *thread* that called this ends, so that it is to be called on one that lives as long as
/// the host may.
///
/// # Errors
///
/// If the program can't be run, or the descriptors that this needs can't be made.
pub fn launch(program: &Path) -> io::Result<Launched> {
    let (link, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    for end in [&link, &theirs] {
        set_socket_send_buffer_size(end, LINK_BUFFER_BYTES)?;
        set_socket_recv_buffer_size(end, LINK_BUFFER_BYTES)?;
    }
    let (output, written) = pipe_with(PipeFlags::CLOEXEC)?;
    for ours in [&link, &output] {
        rustix::fs::fcntl_setfl(ours, rustix::fs::fcntl_getfl(ours)? | OFlags::NONBLOCK)?;
    }
    let mut child = Command::new(program)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::from(written.try_clone()?))
        .stderr(Stdio::from(written))
        .spawn()?;
    // Nobody has waited for the child, so that its number still means it.
    match rustix::process::pidfd_open(Pid::from_child(&child), PidfdFlags::NONBLOCK) {
        Ok(pidfd) => Ok(Launched { pid: child.id(), pidfd, link, output }),
        Err(error) => {
            child.kill()?;
            child.wait()?;
            Err(error.into())
        }
    }
}

/// Kills a host, at once and whatever it does. It is to be reaped all the same.
///
/// # Errors
///
/// None if it has ended already.
pub fn kill(pidfd: BorrowedFd<'_>) -> io::Result<()> {
    match rustix::process::pidfd_send_signal(pidfd, Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Says how a host ended, and lets the kernel forget it; `None` if it runs. Never waits.
///
/// # Errors
///
/// If it was reaped before.
pub fn reap(pidfd: BorrowedFd<'_>) -> io::Result<Option<Ended>> {
    let how = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    let waited = rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), how));
    let status = match waited {
        // A pidfd that was opened as one that never waits says it this way.
        Ok(None) | Err(rustix::io::Errno::AGAIN) => return Ok(None),
        Ok(Some(status)) => status,
        Err(error) => return Err(error.into()),
    };
    Ok(match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Some(Ended::Exited(code)),
        (None, Some(signal)) => Some(Ended::Killed(signal)),
        (None, None) => None,
    })
}

/// Kills the programs that a plugin started by itself, and that outlive its host. Each host leads a process group of its
/// own, which nothing of it can leave. Does nothing unless the host has ended and was not reaped: until then no other
/// process can have its number.
pub fn kill_left_over(pidfd: BorrowedFd<'_>, pid: u32) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let ended = matches!(waitid(WaitId::PidFd(pidfd), options), Ok(Some(_)));
    let group = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(group) = group.filter(|_| ended) {
        // There is no such group where nothing is left of it.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::path::Path;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::{Ended, kill, launch, reap};

    fn wait(launched: &super::Launched) -> Ended {
        let mut wanted = [PollFd::new(&launched.pidfd, PollFlags::IN)];
        let deadline = Timespec { tv_sec: 20, tv_nsec: 0 };
        assert_eq!(poll(&mut wanted, Some(&deadline)).unwrap(), 1, "it has not ended");
        reap(launched.pidfd.as_fd()).unwrap().expect("it has ended")
    }

    #[test]
    fn how_a_process_ends_is_told() {
        // `cat` ends when its standard input, the link, is closed; reading a socket with nothing in it, it waits.
        let launched = launch(Path::new("/bin/cat")).unwrap();
        assert_eq!(reap(launched.pidfd.as_fd()).unwrap(), None);
        kill(launched.pidfd.as_fd()).unwrap();
        assert_eq!(wait(&launched), Ended::Killed(9));
        kill(launched.pidfd.as_fd()).unwrap();
        assert!(reap(launched.pidfd.as_fd()).is_err());
        let mut launched = launch(Path::new("/bin/cat")).unwrap();
        launched.link = std::fs::File::open("/dev/null").unwrap().into();
        assert_eq!(wait(&launched), Ended::Exited(0));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(launch(Path::new("/nonexistent/padgate-plugin-host")).is_err());
    }
}
