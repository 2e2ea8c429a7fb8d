//! Exit codes: part of the command's interface, in `padgate --help` and the book.

use std::io;
use std::process::ExitCode;

use padgate_ipc::{ClientError, ErrorCode};

/// How the command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Code {
    /// 0: it was done.
    Done = 0,
    /// 1: it failed, or the configuration has mistakes (`check`).
    Failure = 1,
    /// 2: wrong usage. The reader of the command line ends with it by itself; this one is for what only shows later.
    Usage = 2,
    /// 3: the daemon is not running.
    NotRunning = 3,
    /// 4: it was refused: another user's daemon, no permission, or something that must not be granted.
    Refused = 4,
    /// 78: it can't be done with this configuration (`reload`, `replay`).
    BadConfig = 78,
}

impl Code {
    /// The code for an error, by what is at its root.
    pub(crate) fn of(error: &anyhow::Error) -> Code {
        for cause in error.chain() {
            if let Some(error) = cause.downcast_ref::<ClientError>() {
                return match error {
                    ClientError::NotRunning => Code::NotRunning,
                    ClientError::Forbidden(_) => Code::Refused,
                    ClientError::Refused(error) if error.kind() == ErrorCode::ConfigInvalid => {
                        Code::BadConfig
                    }
                    ClientError::Refused(error)
                        if matches!(error.kind(), ErrorCode::Refused | ErrorCode::Changed) =>
                    {
                        Code::Refused
                    }
                    _ => Code::Failure,
                };
            }
            if let Some(error) = cause.downcast_ref::<io::Error>()
                && error.kind() == io::ErrorKind::PermissionDenied
            {
                return Code::Refused;
            }
        }
        Code::Failure
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> ExitCode {
        ExitCode::from(code as u8)
    }
}

/// Whether whoever read the output has gone (`padgate monitor | head`): no mistake, and nobody to tell.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let output = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    // Of the connection to the daemon, the client makes its own errors.
    let client = error.chain().any(|cause| cause.is::<ClientError>());
    !client && output.into_iter().any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
