//! Errors on the wire: every code, and the object that carries it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Why a call failed. The numbers are part of the protocol and never change their meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    /// -32700: the line is not JSON.
    Parse,
    /// -32600: it is JSON, but no request.
    InvalidRequest,
    /// -32601: there is no such method; [`crate::hello::Hello::features`] lists what there is.
    MethodNotFound,
    /// -32602: the method has other parameters.
    InvalidParams,
    /// -32603: a fault of the daemon; its log says more.
    Internal,
    /// -32000: something else came before `hello`.
    HelloRequired,
    /// -32001: the daemon does not speak this major version of the protocol.
    ProtocolVersion,
    /// -32002: a line is longer than [`crate::codec::LINE_BYTES_MAX`]. The connection is closed after this.
    LineTooLong,
    /// -32003: as many clients are connected as can be. The connection is closed after this.
    TooManyClients,
    /// -32004: nothing was said in time. The connection is closed after this.
    HelloTimeout,
    /// -32005: the caller is another user. The connection is closed after this.
    Forbidden,
    /// -32010: there is no device, control, mode or plugin of that name.
    NotFound,
    /// -32011: the configuration has errors; `data` is a [`crate::check::CheckReport`].
    ConfigInvalid,
    /// -32012: a file can't be read, or is not what it should be.
    File,
    /// -32013: it can't be done on this machine now.
    Unavailable,
    /// -32014: it was stopped before it was finished.
    Cancelled,
    /// -32015: it is not allowed, or would do harm.
    Refused,
    /// -32016: the same is being done already; try again when it has ended.
    Busy,
    /// -32017: what the user agreed to is not what is there now; show it again.
    Changed,
    /// A code that this version of the protocol does not know.
    Other(i64),
}

const CODES: [(ErrorCode, i64); 19] = [
    (ErrorCode::Parse, -32700),
    (ErrorCode::InvalidRequest, -32600),
    (ErrorCode::MethodNotFound, -32601),
    (ErrorCode::InvalidParams, -32602),
    (ErrorCode::Internal, -32603),
    (ErrorCode::HelloRequired, -32000),
    (ErrorCode::ProtocolVersion, -32001),
    (ErrorCode::LineTooLong, -32002),
    (ErrorCode::TooManyClients, -32003),
    (ErrorCode::HelloTimeout, -32004),
    (ErrorCode::Forbidden, -32005),
    (ErrorCode::NotFound, -32010),
    (ErrorCode::ConfigInvalid, -32011),
    (ErrorCode::File, -32012),
    (ErrorCode::Unavailable, -32013),
    (ErrorCode::Cancelled, -32014),
    (ErrorCode::Refused, -32015),
    (ErrorCode::Busy, -32016),
    (ErrorCode::Changed, -32017),
];

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            ErrorCode::Other(number) => number,
            known => CODES.iter().find(|(code, _)| *code == known).map_or(0, |(_, number)| *number),
        }
    }

    /// The code with this number.
    #[must_use]
    pub fn from_number(number: i64) -> ErrorCode {
        CODES.iter().find(|(_, known)| *known == number).map_or(ErrorCode::Other(number), |(code, _)| *code)
    }
}

/// The `error` of a response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ErrorObject {
    /// See [`ErrorCode`].
    pub code: i64,
    /// What is wrong, and what to do next.
    pub message: String,
    /// More, for programs; which type it has depends on the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl ErrorObject {
    /// An error without data.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> ErrorObject {
        ErrorObject { code: code.number(), message: message.into(), data: None }
    }

    /// The same error with `data`.
    #[must_use]
    pub fn with_data(self, data: &impl Serialize) -> ErrorObject {
        ErrorObject { data: serde_json::to_value(data).ok(), ..self }
    }

    /// The code as one of the known ones.
    #[must_use]
    pub fn kind(&self) -> ErrorCode {
        ErrorCode::from_number(self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::{CODES, ErrorCode};

    #[test]
    fn every_code_reads_back_and_none_stands_twice() {
        for (index, (code, number)) in CODES.iter().enumerate() {
            assert_eq!(ErrorCode::from_number(code.number()), *code);
            assert_eq!(CODES.iter().position(|(_, other)| other == number), Some(index));
        }
        assert_eq!(ErrorCode::from_number(-1).number(), -1);
    }
}
