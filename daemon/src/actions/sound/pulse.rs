//! One connection to a PulseAudio server, or to PipeWire's stand-in for it.
//!
//! The crate's client has no setters for volumes, so this speaks the protocol below it: the caller writes a command
//! and waits for its answer, and a thread reads, because between answers there are news that nobody asked for.

use std::ffi::CString;
use std::io::{BufReader, Cursor, Read};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use pulseaudio::protocol::{
    AuthParams, AuthReply, Command, CommandReply, CommandTag, MAX_VERSION, Prop, Props, ProtocolError,
    PulseError, SetClientNameReply, read_ack_message, read_reply_message, write_command_message,
};

/// How long an answer may take. A server that takes longer counts as gone.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// The largest message that is read; the answers that are asked for have a few kilobytes for each sink.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Length of the header before each message.
const HEADER_BYTES: usize = 20;

/// Length of the cookie that proves to be the same user.
const COOKIE_BYTES: usize = 256;

/// Answers on their way from the reading thread. There is one question at a time; answers to questions that were
/// given up on may stand before. When it is full, the reading thread waits, and the server with it.
const ANSWERS: usize = 4;

/// Why a question has no good answer.
#[derive(Debug)]
pub(super) enum PulseTrouble {
    /// The connection can't be used any more.
    Lost(String),
    /// There is no such output.
    NoEntity,
    /// The server said no.
    Refused(String),
}

/// See the module.
pub(super) struct Connection {
    stream: UnixStream,
    answers: Receiver<Vec<u8>>,
    lost: Arc<AtomicBool>,
    version: u16,
    sequence: u32,
}

impl Connection {
    /// Connects and introduces itself. `news` is called, on the reading thread, whenever the server tells that
    /// something changed, and when the connection ended.
    pub(super) fn connect(
        socket: &Path,
        cookie: Option<&Path>,
        news: impl Fn() + Send + 'static,
    ) -> Result<Connection, PulseTrouble> {
        let lost_because = |error: std::io::Error| PulseTrouble::Lost(error.to_string());
        let stream = UnixStream::connect(socket).map_err(lost_because)?;
        stream.set_write_timeout(Some(ANSWER_WAIT)).map_err(lost_because)?;
        let reader = stream.try_clone().map_err(lost_because)?;
        let (sender, answers) = sync_channel(ANSWERS);
        let lost = Arc::new(AtomicBool::new(false));
        std::thread::Builder::new()
            .name("padgate sound news".to_owned())
            .stack_size(128 * 1024)
            .spawn({
                let lost = Arc::clone(&lost);
                move || {
                    let ended = read_messages(reader, &sender, &news);
                    tracing::debug!(?ended, "the sound server's connection ended");
                    lost.store(true, Ordering::Release);
                    drop(sender);
                    news();
                }
            })
            .map_err(lost_because)?;
        let mut connection = Connection { stream, answers, lost, version: MAX_VERSION, sequence: 0 };
        let mut cookie = cookie.and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        // A server that wants no cookie still wants one of this length.
        cookie.resize(COOKIE_BYTES, 0);
        let auth = AuthParams { version: MAX_VERSION, supports_shm: false, supports_memfd: false, cookie };
        let reply: AuthReply = connection.ask(&Command::Auth(auth))?;
        connection.version = MAX_VERSION.min(reply.version);
        let mut properties = Props::new();
        properties.set(Prop::ApplicationName, CString::from(c"Padgate"));
        connection.ask::<SetClientNameReply>(&Command::SetClientName(properties))?;
        Ok(connection)
    }

    /// Whether the server has closed the connection.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Asks for something that has an answer.
    pub(super) fn ask<T: CommandReply>(&mut self, command: &Command) -> Result<T, PulseTrouble> {
        let version = self.version;
        let message = self.exchange(command)?;
        let (_, reply) = read_reply_message(&mut Cursor::new(message), version).map_err(trouble)?;
        Ok(reply)
    }

    /// Asks for something to be done.
    pub(super) fn order(&mut self, command: &Command) -> Result<(), PulseTrouble> {
        let message = self.exchange(command)?;
        read_ack_message(&mut Cursor::new(message)).map_err(trouble)?;
        Ok(())
    }

    fn exchange(&mut self, command: &Command) -> Result<Vec<u8>, PulseTrouble> {
        self.sequence = self.sequence.wrapping_add(1);
        write_command_message(&mut self.stream, self.sequence, command, self.version).map_err(trouble)?;
        loop {
            let message = self.answers.recv_timeout(ANSWER_WAIT).map_err(|_| {
                let why = if self.is_lost() { "it closed the connection" } else { "it does not answer" };
                PulseTrouble::Lost(why.to_owned())
            })?;
            if tag_and_sequence(&message).is_some_and(|(_, sequence)| sequence == self.sequence) {
                return Ok(message);
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Ends the reading thread; an error means that the server was faster.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Reads until the connection ends: answers go to whoever asked, of news only that there are some.
fn read_messages(stream: UnixStream, answers: &SyncSender<Vec<u8>>, news: &impl Fn()) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut message = vec![0; HEADER_BYTES];
        reader.read_exact(&mut message)?;
        let length = u32::from_be_bytes([message[0], message[1], message[2], message[3]]) as usize;
        if length > MESSAGE_BYTES_MAX {
            return Err(std::io::Error::other(format!("a message of {length} bytes")));
        }
        message.resize(HEADER_BYTES + length, 0);
        reader.read_exact(&mut message[HEADER_BYTES..])?;
        let Some((tag, _)) = tag_and_sequence(&message) else { continue };
        let is_answer = tag == CommandTag::Reply as u32 || tag == CommandTag::Error as u32;
        if is_answer && answers.send(message).is_err() {
            // Nobody asks any more.
            return Ok(());
        }
        if tag == CommandTag::SubscribeEvent as u32 {
            news();
        }
    }
}

/// The first two fields of a message: what it is, and which question it answers.
fn tag_and_sequence(message: &[u8]) -> Option<(u32, u32)> {
    // Each number stands behind an `L`.
    let number = |at: usize| {
        let bytes = message.get(HEADER_BYTES + at..HEADER_BYTES + at + 5)?;
        (bytes[0] == b'L').then(|| u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]))
    };
    Some((number(0)?, number(5)?))
}

fn trouble(error: ProtocolError) -> PulseTrouble {
    match error {
        ProtocolError::ServerError(PulseError::NoEntity) => PulseTrouble::NoEntity,
        ProtocolError::ServerError(error) => PulseTrouble::Refused(format!("{error:?}")),
        other => PulseTrouble::Lost(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{HEADER_BYTES, tag_and_sequence};

    #[test]
    fn short_and_strange_messages_have_no_tag() {
        assert_eq!(tag_and_sequence(&[]), None);
        assert_eq!(tag_and_sequence(&[0; HEADER_BYTES + 9]), None);
        let mut message = vec![0; HEADER_BYTES];
        message.extend(b"L\0\0\0\x02L\0\0\0\x07rest");
        assert_eq!(tag_and_sequence(&message), Some((2, 7)));
        message.truncate(HEADER_BYTES + 9);
        assert_eq!(tag_and_sequence(&message), None);
    }
}
