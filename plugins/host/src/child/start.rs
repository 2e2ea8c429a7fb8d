//! The first steps of a host, before it knows what it is to run.

#![allow(unsafe_code, reason = "two calls of the C library that rustix does not have")]

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::net::{SocketType, sockopt};
use rustix::process::Signal;

/// What is said to somebody who starts a host by hand.
const NOT_BY_HAND: &str = "it is started by padgated, for each plugin, with a socket as standard input";

/// Closes what was inherited, arranges to die with the daemon, and takes the link away from standard input, which is
/// `/dev/null` from then on: a plugin that reads it, or a program that it starts, must not take frames away.
///
/// # Errors
///
/// If standard input is not the daemon's end of a link, with what was found instead.
pub(crate) fn link() -> Result<OwnedFd, String> {
    // SAFETY: Nothing in this process has opened a descriptor yet; 0 to 2 stay.
    if unsafe { libc::close_range(3, libc::c_uint::MAX, 0) } != 0 {
        let error = std::io::Error::last_os_error();
        return Err(format!(
            "inherited descriptors can't be closed (close_range, from Linux 5.9 on): {error}"
        ));
    }
    let stdin = rustix::stdio::stdin();
    match sockopt::socket_type(stdin) {
        Ok(SocketType::SEQPACKET) => {}
        Ok(_) | Err(rustix::io::Errno::NOTSOCK) => return Err(NOT_BY_HAND.to_owned()),
        Err(error) => return Err(format!("{NOT_BY_HAND}: {error}")),
    }
    let daemon =
        sockopt::socket_peercred(stdin).map_err(|error| format!("the daemon is not known: {error}"))?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("dying with the daemon can't be arranged: {error}"))?;
    // It may have died just before.
    if rustix::process::getppid() != Some(daemon.pid) {
        return Err(format!("the daemon (process {}) is gone", daemon.pid.as_raw_nonzero()));
    }
    let failed = |error| format!("the link can't be taken from standard input: {error}");
    let link = rustix::io::fcntl_dupfd_cloexec(stdin, 3).map_err(failed)?;
    let null =
        rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(failed)?;
    rustix::stdio::dup2_stdin(&null).map_err(failed)?;
    Ok(link)
}

/// Makes C's standard output write out each line, so that what a plugin printed is in its log when it crashes.
pub(crate) fn print_lines() {
    unsafe extern "C" {
        static stdout: *mut libc::FILE;
    }
    // SAFETY: It is the stream of the C library that the plugin will use too, and nobody uses it yet.
    unsafe { libc::setvbuf(stdout, std::ptr::null_mut(), libc::_IOLBF, 0) };
}
