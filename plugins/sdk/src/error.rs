//! Why something was not done: a kind that travels as the ABI's status, and a text for the user.

use padgate_plugin_abi::{
    PADGATE_FAILED, PADGATE_INVALID, PADGATE_LIMIT, PADGATE_REFUSED, PADGATE_TIMEOUT, PADGATE_UNAVAILABLE,
    PadgateStatus,
};

/// What sort of failure it was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It failed.
    Failed,
    /// The user has not granted it.
    Refused,
    /// It can't be done now: no such device, no server, no network; or the host is older than the plugin.
    Unavailable,
    /// Something impossible was asked for.
    Invalid,
    /// It took too long.
    Timeout,
    /// Too much of it at once.
    Limit,
}

/// Why something was not done. The text is for the user, and says what to do about it where that is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    kind: ErrorKind,
    text: String,
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Error {
        Error { kind, text: text.into() }
    }

    /// It failed.
    pub fn failed(text: impl Into<String>) -> Error {
        Error::new(ErrorKind::Failed, text)
    }

    /// It can't be done now.
    pub fn unavailable(text: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unavailable, text)
    }

    /// Something impossible was asked for.
    pub fn invalid(text: impl Into<String>) -> Error {
        Error::new(ErrorKind::Invalid, text)
    }

    /// What sort of failure it was.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the user is told.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same failure, with `what: ` before its text.
    #[must_use]
    pub fn of(self, what: impl std::fmt::Display) -> Error {
        Error { kind: self.kind, text: format!("{what}: {}", self.text) }
    }

    pub(crate) fn status(&self) -> PadgateStatus {
        match self.kind {
            ErrorKind::Failed => PADGATE_FAILED,
            ErrorKind::Refused => PADGATE_REFUSED,
            ErrorKind::Unavailable => PADGATE_UNAVAILABLE,
            ErrorKind::Invalid => PADGATE_INVALID,
            ErrorKind::Timeout => PADGATE_TIMEOUT,
            ErrorKind::Limit => PADGATE_LIMIT,
        }
    }

    /// What a status other than `PADGATE_OK` means. One that this version does not know is a failure.
    pub(crate) fn of_status(status: PadgateStatus, text: String) -> Error {
        let kind = match status {
            PADGATE_REFUSED => ErrorKind::Refused,
            PADGATE_UNAVAILABLE => ErrorKind::Unavailable,
            PADGATE_INVALID => ErrorKind::Invalid,
            PADGATE_TIMEOUT => ErrorKind::Timeout,
            PADGATE_LIMIT => ErrorKind::Limit,
            _ => ErrorKind::Failed,
        };
        let text = if text.is_empty() { format!("it failed, with the status {status}") } else { text };
        Error { kind, text }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<&str> for Error {
    fn from(text: &str) -> Error {
        Error::failed(text)
    }
}

impl From<String> for Error {
    fn from(text: String) -> Error {
        Error::failed(text)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::TimedOut | Io::WouldBlock => ErrorKind::Timeout,
            Io::PermissionDenied => ErrorKind::Refused,
            Io::InvalidInput => ErrorKind::Invalid,
            Io::NotFound
            | Io::ConnectionRefused
            | Io::ConnectionReset
            | Io::ConnectionAborted
            | Io::NotConnected
            | Io::BrokenPipe => ErrorKind::Unavailable,
            _ => ErrorKind::Failed,
        };
        Error::new(kind, error.to_string())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Error {
        Error::new(ErrorKind::Invalid, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, ErrorKind};

    #[test]
    fn a_kind_comes_back_from_its_status() {
        use ErrorKind::{Failed, Invalid, Limit, Refused, Timeout, Unavailable};
        for kind in [Failed, Refused, Unavailable, Invalid, Timeout, Limit] {
            let error = Error::new(kind, "why");
            assert_eq!(Error::of_status(error.status(), "why".into()), error);
        }
        assert_eq!(Error::of_status(77, String::new()).text(), "it failed, with the status 77");
    }

    #[test]
    fn errors_of_the_system_keep_their_meaning() {
        let error =
            Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionRefused)).of("localhost:1");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.text().starts_with("localhost:1: "), "{error}");
    }
}
