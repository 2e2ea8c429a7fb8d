//! Output connections: a message is written at once, on the thread that decided it.
//!
//! What can't be written at once waits in a bounded backlog, and everything after it behind it, so that order is
//! kept: a System Exclusive longer than one piece, which is paced so that it does not overrun the receiver, and
//! messages for a device that is full. A thread that sleeps whenever there is no backlog writes it on. When a backlog
//! is full a message is refused and the caller told; a release is never refused.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::status::Counters;
use crate::lock::lock;

/// How much may wait for one output, in bytes: two firmware-sized System Exclusives of 1 MB. When it is full,
/// messages are refused, except releases.
pub(super) const BACKLOG_BYTES_MAX: usize = 2 << 20;
/// The pause between two rounds while there is progress.
const PAUSE: Duration = Duration::from_millis(2);
/// The longest pause while the receiver takes nothing.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long the daemon's end waits for backlogs to be written.
const FLUSH: Duration = Duration::from_millis(500);

/// The way to one open output port. Implemented by each back end. Nothing here waits.
pub(super) trait Wire: Send {
    /// Writes one complete message of 1 to 3 bytes.
    fn message(&mut self, bytes: &[u8]) -> Result<(), WireError>;
    /// Writes a piece of a System Exclusive, no longer than [`Wire::piece_bytes_max`]. A piece that is refused as
    /// [`WireError::Full`] has not been written in part.
    fn sysex(&mut self, piece: &[u8]) -> Result<(), WireError>;
    /// The longest piece.
    fn piece_bytes_max(&self) -> usize;
    /// How many pieces are written before a pause of 2 ms.
    fn pieces_at_once(&self) -> usize;
    /// Whether a message that was refused because of a full queue can be written again. Not so for a virtual port with
    /// several readers, of which only one may be full: the others would hear it twice.
    fn may_repeat(&self) -> bool;
}

/// Why something was not written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum WireError {
    /// There is no room now.
    Full,
    /// Anything else, in words.
    Other(String),
}

/// One device's output, connected or not. Lives as long as the device is configured.
pub(super) struct Slot {
    /// How texts name it: "device `synth`".
    title: String,
    counters: Arc<Counters>,
    writer: Arc<Writer>,
    state: Mutex<State>,
}

enum State {
    /// The text says why, after the title: "is absent: …".
    Closed(String),
    Open(Link),
}

struct Link {
    wire: Box<dyn Wire>,
    backlog: VecDeque<Queued>,
    backlog_bytes: usize,
    /// How much of the first entry of the backlog is written.
    written: usize,
    /// Whether the writer knows that there is a backlog.
    listed: bool,
    /// Why it is about to be closed, if it is; until then only releases are taken.
    closing: Option<String>,
}

enum Queued {
    Short([u8; 3], usize),
    Sysex(Box<[u8]>),
}

impl Queued {
    fn bytes(&self) -> &[u8] {
        match self {
            Queued::Short(bytes, length) => &bytes[..*length],
            Queued::Sysex(bytes) => bytes,
        }
    }
}

impl Slot {
    pub(super) fn new(title: String, counters: Arc<Counters>, writer: Arc<Writer>, reason: String) -> Slot {
        Slot { title, counters, writer, state: Mutex::new(State::Closed(reason)) }
    }

    /// Puts an open port behind the slot.
    pub(super) fn open(&self, wire: Box<dyn Wire>) {
        let backlog = VecDeque::new();
        let link = Link { wire, backlog, backlog_bytes: 0, written: 0, listed: false, closing: None };
        let before = std::mem::replace(&mut *lock(&self.state), State::Open(link));
        drop(before);
    }

    /// Announces that the port will be closed: from now on only releases are sent, and `reason` is why.
    pub(super) fn begin_close(&self, reason: String) {
        if let State::Open(link) = &mut *lock(&self.state) {
            link.closing = Some(reason);
        }
    }

    /// Closes the port, if one is open; from now on `reason` is why nothing can be sent. Releases that wait are sent
    /// before; the rest of what waits is lost.
    pub(super) fn close(&self, reason: String) {
        let mut before = std::mem::replace(&mut *lock(&self.state), State::Closed(reason));
        // Without the lock: closing a driver can take its time.
        if let State::Open(Link { wire, backlog, .. }) = &mut before {
            for release in backlog.iter().map(Queued::bytes).filter(|bytes| is_release(bytes)) {
                // The port may be gone, and then nobody hears anything any more.
                let _ = wire.message(release);
            }
        }
        drop(before);
    }

    /// Sends one complete message or System Exclusive.
    pub(super) fn send(self: &Arc<Self>, bytes: &[u8]) -> Result<(), Cow<'static, str>> {
        let result = self.try_send(bytes);
        Counters::count(match result {
            Ok(()) => &self.counters.messages_out,
            Err(_) => &self.counters.failed_sends,
        });
        result
    }

    fn try_send(self: &Arc<Self>, bytes: &[u8]) -> Result<(), Cow<'static, str>> {
        check(bytes)?;
        let mut state = lock(&self.state);
        let link = match &mut *state {
            State::Open(link) => link,
            State::Closed(reason) => return Err(format!("{} {reason}", self.title).into()),
        };
        if let Some(reason) = link.closing.as_ref().filter(|_| !is_release(bytes)) {
            return Err(format!("{} {reason}", self.title).into());
        }
        if link.backlog.is_empty() && bytes.len() <= link.wire.piece_bytes_max() {
            match link.write(bytes) {
                Ok(()) => return Ok(()),
                Err(WireError::Full) if link.wire.may_repeat() || is_release(bytes) => {}
                Err(WireError::Full) => {
                    return Err(
                        format!("a reader of {} does not keep up, and missed a message", self.title).into()
                    );
                }
                Err(WireError::Other(error)) => {
                    return Err(format!("{} did not take the message: {error}", self.title).into());
                }
            }
        }
        if !link.queue(bytes) {
            return Err(format!(
                "{} is too slow: {BACKLOG_BYTES_MAX} bytes wait for it already; send less at a time",
                self.title
            )
            .into());
        }
        if !std::mem::replace(&mut link.listed, true) {
            self.writer.wake(Arc::clone(self));
        }
        Ok(())
    }

    /// Writes some of the backlog. Called by the writer only.
    fn write_on(&self) -> Round {
        let mut state = lock(&self.state);
        let State::Open(link) = &mut *state else { return Round::Done };
        let mut progress = false;
        for _ in 0..link.wire.pieces_at_once() {
            let Some(first) = link.backlog.front() else { break };
            let rest = &first.bytes()[link.written..];
            let (piece, result) = match first {
                Queued::Short(..) => (rest.len(), link.wire.message(rest)),
                Queued::Sysex(_) => {
                    let piece = rest.len().min(link.wire.piece_bytes_max());
                    (piece, link.wire.sysex(&rest[..piece]))
                }
            };
            match result {
                Ok(()) => progress = true,
                Err(WireError::Full) if link.wire.may_repeat() || is_release(rest) => {
                    return if progress { Round::Progress } else { Round::Full };
                }
                Err(error) => {
                    Counters::count(&self.counters.failed_sends);
                    tracing::warn!(output = %self.title, ?error, "a MIDI message that had to wait was lost");
                }
            }
            link.written += piece;
            if link.written >= first.bytes().len() {
                link.backlog_bytes -= first.bytes().len();
                link.written = 0;
                link.backlog.pop_front();
            }
        }
        if link.backlog.is_empty() {
            link.listed = false;
            Round::Done
        } else {
            Round::Progress
        }
    }
}

impl Link {
    fn write(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        if bytes[0] == 0xF0 { self.wire.sysex(bytes) } else { self.wire.message(bytes) }
    }

    /// Whether there was room.
    fn queue(&mut self, bytes: &[u8]) -> bool {
        let queued = if bytes.len() <= 3 && bytes[0] != 0xF0 {
            let mut short = [0; 3];
            short[..bytes.len()].copy_from_slice(bytes);
            Queued::Short(short, bytes.len())
        } else {
            Queued::Sysex(bytes.into())
        };
        if self.backlog_bytes + bytes.len() > BACKLOG_BYTES_MAX {
            // A release goes in all the same. Once is enough, which bounds how many there can be; but only behind
            // everything else, because a press may have come after an earlier one.
            if !is_release(bytes) {
                return false;
            }
            let mut last =
                self.backlog.iter().rev().map(Queued::bytes).take_while(|waiting| is_release(waiting));
            if last.any(|waiting| waiting == bytes) {
                return true;
            }
        }
        self.backlog_bytes += bytes.len();
        self.backlog.push_back(queued);
        true
    }
}

/// Whether the message lets a note go.
fn is_release(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80..=0x8F, ..] | [0x90..=0x9F, _, 0])
}

/// Whether `bytes` are exactly one message, or one System Exclusive.
fn check(bytes: &[u8]) -> Result<(), Cow<'static, str>> {
    let length = match bytes.first() {
        Some(0x80..=0xBF | 0xE0..=0xEF | 0xF2) => 3,
        Some(0xC0..=0xDF | 0xF1 | 0xF3) => 2,
        Some(0xF6 | 0xF8 | 0xFA..=0xFC | 0xFE | 0xFF) => 1,
        Some(0xF0) if bytes.len() >= 2 && bytes.ends_with(&[0xF7]) => bytes.len(),
        _ => 0,
    };
    let end = length - usize::from(bytes.first() == Some(&0xF0) && length > 0);
    if length == 0 || bytes.len() != length || bytes[1..end].iter().any(|byte| *byte > 0x7F) {
        return Err(format!("not one complete MIDI message: {:02X?}", &bytes[..bytes.len().min(16)]).into());
    }
    Ok(())
}

/// How one round of writing a backlog went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Done,
    Progress,
    Full,
}

/// Knows the outputs that have a backlog. Its thread sleeps as long as there are none.
#[derive(Default)]
pub(super) struct Writer {
    waiting: Mutex<Vec<Arc<Slot>>>,
    woken: Condvar,
    stopping: AtomicBool,
}

impl Writer {
    fn wake(&self, slot: Arc<Slot>) {
        lock(&self.waiting).push(slot);
        self.woken.notify_one();
    }

    /// Makes [`Writer::run`] return as soon as the backlogs are written, or after [`FLUSH`].
    pub(super) fn stop(&self) {
        let _guard = lock(&self.waiting);
        self.stopping.store(true, Ordering::Relaxed);
        self.woken.notify_one();
    }

    /// The writer's thread.
    pub(super) fn run(&self) {
        let mut active: Vec<Arc<Slot>> = Vec::new();
        let mut pause = PAUSE;
        let mut flushing = Duration::ZERO;
        loop {
            let mut waiting = lock(&self.waiting);
            while waiting.is_empty() && active.is_empty() && !self.stopping.load(Ordering::Relaxed) {
                waiting = self.woken.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            active.append(&mut waiting);
            drop(waiting);
            let mut progress = false;
            active.retain(|slot| {
                let round = slot.write_on();
                progress |= round != Round::Full;
                round != Round::Done
            });
            let stopping = self.stopping.load(Ordering::Relaxed);
            if stopping && (active.is_empty() || flushing >= FLUSH) {
                return;
            }
            if active.is_empty() {
                continue;
            }
            pause = if progress || stopping { PAUSE } else { (pause * 2).min(PAUSE_MAX) };
            flushing += if stopping { pause } else { Duration::ZERO };
            let waiting = lock(&self.waiting);
            // Whether this returns because of the time or of a new backlog makes no difference.
            drop(self.woken.wait_timeout(waiting, pause).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
