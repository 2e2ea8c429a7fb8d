//! The blocking client: connects, says hello, calls methods, waits for events.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use interprocess::local_socket::traits::Stream as _;
use interprocess::local_socket::{GenericFilePath, Stream, ToFsName as _};
use serde_json::Value;

use crate::address;
use crate::codec::LineBuffer;
use crate::error::{ErrorCode, ErrorObject};
use crate::event::{Event, Topic};
use crate::hello::{Hello, HelloParams, PROTOCOL};
use crate::method::{Method, SayHello, Subscribe, SubscribeParams};
use crate::rpc::{FromDaemon, Request};
use crate::state::State;

/// How long a call waits for its answer, unless the method may take as long as it wants ([`Method::SLOW`]).
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How many events are kept while a call waits for its answer. The daemon's own queue is no longer, so that more means
/// a broken daemon.
const EVENTS_KEPT_MAX: usize = 65_536;

/// Why a call, or the connection, failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("the daemon is not running: start it with `padgated` or `systemctl --user start padgate`")]
    NotRunning,
    /// Somebody else's daemon, or a folder that others can write to.
    #[error("{0}")]
    Forbidden(String),
    /// The daemon answered with an error.
    #[error(transparent)]
    Refused(#[from] ErrorObject),
    /// No answer came in time.
    #[error("the daemon did not answer in time: `padgate status` may tell more, else restart it")]
    Timeout,
    /// The connection ended.
    #[error("the daemon closed the connection{}: its log says why", if *mid_line { " in the middle of a line" } else { "" })]
    Closed {
        /// Whether a line was cut off.
        mid_line: bool,
    },
    /// What came is not the protocol.
    #[error("the daemon sent what this version can't read ({0}): update both to the same version")]
    Protocol(String),
    /// Reading or writing failed.
    #[error("the connection to the daemon failed: {0}")]
    Io(#[from] io::Error),
}

/// A connection to the daemon.
#[derive(Debug)]
pub struct Client {
    stream: Stream,
    buffer: LineBuffer,
    hello: Hello,
    last_id: u64,
    events: VecDeque<Event>,
}

impl Client {
    /// Connects to the daemon of this user ([`address::socket_path`]) and says hello as `name`.
    ///
    /// # Errors
    ///
    /// If it is not running, is somebody else's, or speaks another protocol.
    pub fn connect(name: &str) -> Result<Client, ClientError> {
        Client::connect_to(&address::socket_path(), name)
    }

    /// Connects to the daemon at `path` and says hello as `name`.
    ///
    /// # Errors
    ///
    /// If it is not running, is somebody else's, or speaks another protocol.
    pub fn connect_to(path: &Path, name: &str) -> Result<Client, ClientError> {
        address::check_length(path)?;
        address::check_folder(path).map_err(|error| connect_error(error, path))?;
        let socket = path.to_fs_name::<GenericFilePath>()?;
        let stream = Stream::connect(socket).map_err(|error| connect_error(error, path))?;
        check_peer(&stream)?;
        let hello = Hello {
            protocol: PROTOCOL,
            version: String::new(),
            pid: 0,
            features: Vec::new(),
            clock: crate::hello::ClockPair::default(),
        };
        let mut client =
            Client { stream, buffer: LineBuffer::default(), hello, last_id: 0, events: VecDeque::new() };
        let params = HelloParams {
            protocol: PROTOCOL,
            client: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        client.hello = client.call::<SayHello>(&params)?;
        Ok(client)
    }

    /// What the daemon said of itself.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Calls a method and waits for the answer. Events that come meanwhile are kept for [`Client::next_event`].
    ///
    /// # Errors
    ///
    /// If the daemon refuses it, or the connection fails.
    pub fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Result, ClientError> {
        let params =
            serde_json::to_value(params).map_err(|error| ClientError::Protocol(error.to_string()))?;
        let result = self.call_untyped(M::NAME, params, (!M::SLOW).then_some(ANSWER_TIMEOUT))?;
        serde_json::from_value(result).map_err(|error| ClientError::Protocol(error.to_string()))
    }

    /// Subscribes to topics; the events come from [`Client::next_event`].
    ///
    /// # Errors
    ///
    /// If the daemon refuses it, or the connection fails.
    pub fn subscribe(&mut self, topics: &[Topic]) -> Result<State, ClientError> {
        self.call::<Subscribe>(&SubscribeParams { topics: topics.to_vec() })
    }

    /// Waits for the next event, `timeout` at the longest. `None`: none came in time.
    ///
    /// # Errors
    ///
    /// If the connection fails or ends.
    pub fn next_event(&mut self, timeout: Option<Duration>) -> Result<Option<Event>, ClientError> {
        if let Some(event) = self.events.pop_front() {
            return Ok(Some(event));
        }
        self.stream.set_recv_timeout(timeout)?;
        loop {
            match self.read() {
                Ok(FromDaemon::Event(params)) => return Ok(Some(read_event(params)?)),
                Ok(FromDaemon::Response(_) | FromDaemon::Unknown) => {}
                Err(ClientError::Timeout) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    fn call_untyped(
        &mut self,
        method: &str,
        params: Value,
        timeout: Option<Duration>,
    ) -> Result<Value, ClientError> {
        self.last_id += 1;
        let id = Value::from(self.last_id);
        let mut line = Request { id: Some(id.clone()), method: method.to_owned(), params }.line();
        line.push('\n');
        // Whoever is refused (too many clients) finds the reason in what was sent before the connection was closed.
        let written = self.stream.write_all(line.as_bytes());
        self.stream.set_recv_timeout(timeout)?;
        loop {
            match self.read() {
                Ok(FromDaemon::Response(response)) if response.id == id => return Ok(response.outcome?),
                // An error without an id is about the connection.
                Ok(FromDaemon::Response(response)) if response.id.is_null() => {
                    response.outcome.map_err(from_refusal)?;
                }
                Ok(FromDaemon::Event(params)) if self.events.len() < EVENTS_KEPT_MAX => {
                    self.events.push_back(read_event(params)?);
                }
                Ok(_) => {}
                Err(error) => return Err(written.err().map_or(error, ClientError::Io)),
            }
        }
    }

    fn read(&mut self) -> Result<FromDaemon, ClientError> {
        let mut piece = [0; 16_384];
        loop {
            let line = self.buffer.next_line().map_err(|error| ClientError::Protocol(error.to_string()))?;
            if let Some(line) = line {
                return FromDaemon::parse(line).map_err(|error| ClientError::Protocol(error.to_string()));
            }
            match self.stream.read(&mut piece) {
                Ok(0) => return Err(ClientError::Closed { mid_line: self.buffer.is_mid_line() }),
                Ok(length) => self.buffer.feed(&piece[..length]),
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return Err(ClientError::Timeout),
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                        return Err(ClientError::Closed { mid_line: self.buffer.is_mid_line() });
                    }
                    _ => return Err(ClientError::Io(error)),
                },
            }
        }
    }
}

fn read_event(params: Value) -> Result<Event, ClientError> {
    serde_json::from_value(params).map_err(|error| ClientError::Protocol(error.to_string()))
}

fn from_refusal(error: ErrorObject) -> ClientError {
    match error.kind() {
        ErrorCode::Forbidden => ClientError::Forbidden(error.message),
        _ => ClientError::Refused(error),
    }
}

fn connect_error(error: io::Error, path: &Path) -> ClientError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NotRunning,
        // The system's own words say neither where nor why.
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_some() => ClientError::Forbidden(format!(
            "{} is not yours to use: a daemon serves only the user that started it",
            path.display()
        )),
        io::ErrorKind::PermissionDenied => ClientError::Forbidden(error.to_string()),
        _ => ClientError::Io(error),
    }
}

/// Whether the daemon runs as this user. Root's daemon is nobody else's, but then the folder would not be ours either.
#[cfg(unix)]
fn check_peer(stream: &Stream) -> Result<(), ClientError> {
    use interprocess::local_socket::traits::StreamCommon as _;

    let peer = stream.peer_creds()?.euid();
    if peer.is_none_or(|uid| uid == address::user()) {
        return Ok(());
    }
    Err(ClientError::Forbidden(
        "the daemon at this socket runs as another user: start your own with `padgated`".to_owned(),
    ))
}

/// The pipe's owner is checked by the system.
#[cfg(windows)]
fn check_peer(_stream: &Stream) -> Result<(), ClientError> {
    Ok(())
}
