//! How a host ended, in words.

use std::fmt::{self, Display, Formatter};

/// The exit code of a host that was told to stop, or whose daemon is gone.
pub const EXIT_STOPPED: i32 = 0;
/// The exit code of a host whose plugin can't be run; it has sent `Unfit` before.
pub const EXIT_UNFIT: i32 = 70;
/// The exit code of a host that was started wrongly: by hand, or on a system where there are none.
pub const EXIT_USAGE: i32 = 64;
/// The exit code of a host that can't use its link: what came was no frame, or the plugin closed it.
pub const EXIT_LINK: i32 = 76;

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal.
    Killed(i32),
}

/// The signals that end a process that did something wrong, as they are numbered on every Linux that Padgate runs on.
const SIGNALS: &[(i32, &str)] = &[
    (4, "it ran into an instruction that is none (SIGILL)"),
    (6, "it aborted (SIGABRT)"),
    (7, "it used memory that is not there (SIGBUS)"),
    (8, "it divided by zero or the like (SIGFPE)"),
    (9, "it was killed (SIGKILL)"),
    (11, "it used memory that is not its own (SIGSEGV)"),
    (24, "it used too much CPU time (SIGXCPU)"),
    (25, "it wrote too large a file (SIGXFSZ)"),
    (31, "it made a system call that no plugin may make (SIGSYS)"),
];

impl Display for Ended {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Exited(code) => write!(f, "it exited with code {code}"),
            Ended::Killed(signal) => match SIGNALS.iter().find(|(number, _)| number == signal) {
                Some((_, what)) => f.write_str(what),
                None => write!(f, "it was ended by signal {signal}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ended;

    #[test]
    fn the_end_is_told_in_words() {
        assert_eq!(Ended::Exited(3).to_string(), "it exited with code 3");
        assert!(Ended::Killed(11).to_string().contains("SIGSEGV"));
        assert_eq!(Ended::Killed(40).to_string(), "it was ended by signal 40");
    }
}
