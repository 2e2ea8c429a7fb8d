//! A terminal of a certain width, with somebody who types.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::Ran;

/// How long the command may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the command in a terminal of this many columns, types `typed` once it has shown `question`, and waits for its
/// end. What it prints has the line ends of a terminal taken away.
pub(crate) fn run_in_terminal(command: &mut Command, columns: u16, question: &str, typed: &str) -> Ran {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal can be made");
    grantpt(&ours).expect("it is ours");
    unlockpt(&ours).expect("it can be used");
    tcsetwinsize(&ours, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })
        .expect("it has a size");
    let name = ptsname(&ours, Vec::new()).expect("it has a name");
    let theirs = rustix::fs::open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())
        .expect("its other end can be opened");
    let again = || Stdio::from(theirs.try_clone().expect("it can be shared"));
    command.env("TERM", "xterm").env_remove("NO_COLOR").stdin(again()).stdout(again()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    // Both hold the other end: only when both have let go does the terminal end.
    command.stdin(Stdio::null()).stdout(Stdio::null());
    drop(theirs);
    let mut screen = std::fs::File::from(ours);
    let (mut out, mut typed) = (Vec::new(), Some(typed));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: 0 };
        let ready =
            poll(&mut [PollFd::new(&screen, PollFlags::IN)], Some(&left)).expect("it can be waited for");
        assert!(ready > 0, "nothing more came: {}", String::from_utf8_lossy(&out));
        let mut piece = [0; 4096];
        // Linux says EIO when nobody has the other end any more.
        let Ok(length @ 1..) = screen.read(&mut piece) else { break };
        out.extend_from_slice(&piece[..length]);
        if String::from_utf8_lossy(&out).contains(question)
            && let Some(typed) = typed.take()
        {
            screen.write_all(typed.as_bytes()).expect("the terminal takes it");
        }
    }
    let mut err = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut err).expect("it prints text");
    let status = child.wait().expect("it ends");
    let out = String::from_utf8(out).expect("it prints text").replace("\r\n", "\n");
    Ran { code: status.code().expect("it was not killed"), out, err }
}
