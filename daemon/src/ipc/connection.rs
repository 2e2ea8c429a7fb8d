//! One client: reads lines, carries calls out one after the other, writes answers and events.
//!
//! Three loops run side by side in one task: reading, working, writing. Reading goes on while a call is carried out, so
//! that a client that leaves cancels it; writing goes on as well, so that events don't wait for answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use interprocess::local_socket::tokio::Stream;
use padgate_ipc::codec::{LINE_BYTES_MAX, LineBuffer};
use padgate_ipc::event::Event;
use padgate_ipc::hello::{ClockPair, FEATURES, Hello, PROTOCOL};
use padgate_ipc::method::{Method as _, SayHello, Subscribe};
use padgate_ipc::rpc::{Request, Response, event_line};
use padgate_ipc::{ErrorCode, ErrorObject};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::hub::{CLIENT_LINES_MAX, LineSender};
use super::server::Shared;
use super::{Cancel, dispatch};

/// How long a client may take to say hello.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(5);

/// How many calls of one client can wait. When it is full, nothing more is read from the client until one is done.
pub const CALLS_WAITING_MAX: usize = 16;

/// How long one line may take to be written before the client counts as dead.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// For how long the rest of a line that is too long is thrown away, so that the client gets to reading why.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// And how many bytes of it. Whoever sends more than this does not read.
const DRAIN_BYTES_MAX: usize = 4 * LINE_BYTES_MAX;

/// What the loops of one client share.
struct Client {
    id: u64,
    shared: Arc<Shared>,
    lines: LineSender,
    /// Ends the connection at once.
    kick: Arc<Notify>,
    /// Ends the call under way.
    cancel: Cancel,
}

/// Talks to one client until it leaves, breaks the protocol, or does not keep up.
pub(crate) async fn talk(stream: Stream, id: u64, shared: Arc<Shared>) {
    let (lines, to_write) = mpsc::channel(CLIENT_LINES_MAX);
    let (calls, to_do) = mpsc::channel(CALLS_WAITING_MAX);
    let kick = Arc::new(Notify::new());
    let client = Client { id, shared, lines, kick: Arc::clone(&kick), cancel: Cancel::default() };
    let _leaves = Leaves { id, shared: Arc::clone(&client.shared), cancel: client.cancel.clone() };
    let refusals = client.lines.clone();
    let cancel = client.cancel.clone();
    let reading = async {
        if let Err(error) = read(&stream, &calls).await {
            send(&refusals, &Response { id: Value::Null, outcome: Err(error) }).await;
            drop(refusals);
            drain(&stream).await;
        } else {
            drop(refusals);
        }
        drop(calls);
        cancel.cancel();
    };
    tokio::select! {
        _ = async { tokio::join!(reading, work(client, to_do), write(&stream, to_write, &kick)) } => {}
        () = kick.notified() => tracing::warn!(client = id, "a client did not read what it asked for: disconnected"),
    }
}

/// Undoes what the client had, however the connection ends.
struct Leaves {
    id: u64,
    shared: Arc<Shared>,
    cancel: Cancel,
}

impl Drop for Leaves {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.shared.hub.leave(self.id, |topic| self.shared.control.interest(topic, false));
        self.shared.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads until the client has nothing more to say. An error is what it is told before it is disconnected.
async fn read(stream: &Stream, calls: &mpsc::Sender<Vec<u8>>) -> Result<(), ErrorObject> {
    let mut stream = stream;
    let mut buffer = LineBuffer::default();
    let mut piece = vec![0; 16_384];
    let deadline = tokio::time::Instant::now() + HELLO_TIMEOUT;
    let mut greeted = false;
    loop {
        while let Some(line) = buffer.next_line().map_err(|_| too_long())? {
            greeted = true;
            if calls.send(line.to_vec()).await.is_err() {
                return Ok(());
            }
        }
        let read = if greeted {
            stream.read(&mut piece).await
        } else {
            let read = tokio::time::timeout_at(deadline, stream.read(&mut piece)).await;
            read.map_err(|_| hello_timeout())?
        };
        match read {
            // A line that the end cuts off is not carried out: half a call is none.
            Ok(0) | Err(_) => return Ok(()),
            Ok(length) => buffer.feed(&piece[..length]),
        }
    }
}

fn too_long() -> ErrorObject {
    let text = format!("a line has at most {LINE_BYTES_MAX} bytes: send one request per line");
    ErrorObject::new(ErrorCode::LineTooLong, text)
}

fn hello_timeout() -> ErrorObject {
    let text = format!("nothing was said for {} s: connect again and send `hello`", HELLO_TIMEOUT.as_secs());
    ErrorObject::new(ErrorCode::HelloTimeout, text)
}

async fn drain(mut stream: &Stream) {
    let mut piece = vec![0; 16_384];
    let mut left = DRAIN_BYTES_MAX;
    let all = async {
        while let Ok(length @ 1..) = stream.read(&mut piece).await
            && length < left
        {
            left -= length;
        }
    };
    // Out of time is as good as done.
    let _ = timeout(DRAIN_TIMEOUT, all).await;
}

async fn write(mut stream: &Stream, mut lines: mpsc::Receiver<Arc<str>>, kick: &Notify) {
    while let Some(line) = lines.recv().await {
        match timeout(WRITE_TIMEOUT, stream.write_all(line.as_bytes())).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => {
                kick.notify_one();
                return;
            }
        }
    }
}

async fn send(lines: &LineSender, response: &Response) {
    // Nobody left to tell is no mistake.
    let _ = lines.send((response.line() + "\n").into()).await;
}

async fn work(client: Client, mut calls: mpsc::Receiver<Vec<u8>>) {
    let mut greeted = false;
    while let Some(line) = calls.recv().await {
        let (id, outcome) = match Request::parse(&line) {
            Err((id, error)) => (Some(id), Err(error)),
            Ok(request) => {
                let id = request.id.clone();
                (id, client.carry_out(request, &mut greeted).await)
            }
        };
        if let Some(id) = id {
            send(&client.lines, &Response { id, outcome }).await;
        }
    }
    // The subscriptions hold the way to the writer, which ends when nobody does.
    client.shared.hub.leave(client.id, |topic| client.shared.control.interest(topic, false));
}

impl Client {
    async fn carry_out(&self, request: Request, greeted: &mut bool) -> Result<Value, ErrorObject> {
        let Request { method, params, .. } = request;
        if method == SayHello::NAME {
            let answer = self.hello(params)?;
            *greeted = true;
            return Ok(answer);
        }
        if !*greeted {
            let text = "say `hello` with the protocol's version before anything else";
            return Err(ErrorObject::new(ErrorCode::HelloRequired, text));
        }
        let shared = Arc::clone(&self.shared);
        if method == Subscribe::NAME {
            let topics = dispatch::params::<Subscribe>(params)?.topics;
            for topic in topics {
                let interest = || shared.control.interest(topic, true);
                shared.hub.subscribe(self.id, topic, &self.lines, &self.kick, interest);
            }
            return self.blocking(move || to_value(&shared.control.state())).await;
        }
        let cancel = self.cancel.clone();
        let progress = self.lines.clone();
        self.blocking(move || {
            // How far it is may be left out where the client has enough to read.
            let mut progress = |played, total| {
                let _ = progress.try_send((event_line(&Event::Play { played, total }) + "\n").into());
            };
            let clients = shared.clients.load(Ordering::Relaxed) as u64;
            dispatch::call(&*shared.control, clients, &method, params, &cancel, &mut progress)
        })
        .await
    }

    async fn blocking(
        &self,
        call: impl FnOnce() -> Result<Value, ErrorObject> + Send + 'static,
    ) -> Result<Value, ErrorObject> {
        tokio::task::spawn_blocking(call).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a call ended in a panic");
            Err(ErrorObject::new(ErrorCode::Internal, "the daemon made a mistake: its log says more"))
        })
    }

    fn hello(&self, params: Value) -> Result<Value, ErrorObject> {
        let hello = dispatch::params::<SayHello>(params)?;
        if hello.protocol.major != PROTOCOL.major {
            let text = format!(
                "this daemon speaks version {}.{} of the protocol, not {}.{}: update the older of both",
                PROTOCOL.major, PROTOCOL.minor, hello.protocol.major, hello.protocol.minor
            );
            return Err(ErrorObject::new(ErrorCode::ProtocolVersion, text));
        }
        tracing::debug!(client = self.id, name = hello.client, version = hello.version, "hello");
        to_value(&Hello {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            features: FEATURES.map(str::to_owned).to_vec(),
            clock: clock_pair(),
        })
    }
}

fn to_value(result: &impl serde::Serialize) -> Result<Value, ErrorObject> {
    serde_json::to_value(result).map_err(|error| ErrorObject::new(ErrorCode::Internal, error.to_string()))
}

/// Now, on both clocks.
#[must_use]
pub fn clock_pair() -> ClockPair {
    ClockPair { monotonic_ns: crate::clock::now().0, unix_ms: jiff::Timestamp::now().as_millisecond() }
}
