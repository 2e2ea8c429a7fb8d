//! Accepts clients: checks who they are, and that there are not too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::tokio::Listener as _;
use padgate_ipc::rpc::Response;
use padgate_ipc::{ErrorCode, ErrorObject};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;

use super::{Control, Hub, connection, socket};

/// How many clients can be connected. One more is told so and disconnected.
pub const CLIENTS_MAX: usize = 64;

/// How long to leave the system alone after it refused to accept (out of descriptors, most likely).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) control: Arc<dyn Control>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) clients: AtomicUsize,
}

/// The server.
pub struct Server {
    listener: Listener,
    shared: Arc<Shared>,
}

impl Server {
    /// A server for clients of `listener`, which do to `control` what they want and hear of what goes through `hub`.
    #[must_use]
    pub fn new(listener: Listener, control: Arc<dyn Control>, hub: Arc<Hub>) -> Server {
        Server { listener, shared: Arc::new(Shared { control, hub, clients: AtomicUsize::new(0) }) }
    }

    /// Accepts clients until `stop`, then disconnects all of them. Calls under way are told to end; they do so on
    /// their own threads.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut talks = JoinSet::new();
        let mut last_id = 0;
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok(stream) => {
                        last_id += 1;
                        self.admit(stream, last_id, &mut talks);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a client could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(ended) = talks.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a connection ended in a panic");
                    }
                }
                () = &mut stop => break,
            }
        }
        talks.shutdown().await;
    }

    fn admit(&self, stream: Stream, id: u64, talks: &mut JoinSet<()>) {
        if !socket::may_connect(&stream) {
            tracing::warn!("a process of another user wanted to connect: refused");
            let text = "only the user who started the daemon may use it: start your own with `padgated`";
            return refuse(stream, ErrorObject::new(ErrorCode::Forbidden, text), talks);
        }
        if self.shared.clients.fetch_add(1, Ordering::Relaxed) >= CLIENTS_MAX {
            self.shared.clients.fetch_sub(1, Ordering::Relaxed);
            tracing::warn!("more than {CLIENTS_MAX} clients: one was refused");
            let text =
                format!("{CLIENTS_MAX} clients are connected, which is the most: close one and try again");
            return refuse(stream, ErrorObject::new(ErrorCode::TooManyClients, text), talks);
        }
        talks.spawn(connection::talk(stream, id, Arc::clone(&self.shared)));
    }
}

/// Says why, and disconnects. The line fits into the empty buffer of a new socket, so that nothing is waited for.
fn refuse(mut stream: Stream, error: ErrorObject, talks: &mut JoinSet<()>) {
    let line = Response { id: Value::Null, outcome: Err(error) }.line() + "\n";
    talks.spawn(async move {
        // If it can't be told, it is disconnected all the same.
        let _ = tokio::time::timeout(ACCEPT_PAUSE, stream.write_all(line.as_bytes())).await;
    });
}

#[cfg(unix)]
#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
