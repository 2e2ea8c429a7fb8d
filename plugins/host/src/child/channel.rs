//! The host's end of the link, shared by all threads of the plugin.
//!
//! Whoever waits for a frame reads the socket, unless somebody reads already; a reader passes on what is for others.
//! So exactly one thread reads at a time, no thread exists only to read, and where nobody else waits (nearly always)
//! a call costs one mutex that is free. The buffer is the token: who has taken it out of the state reads.
//!
//! Answers go to who asked. All else is for the main thread, and waits in its inbox.

use std::collections::VecDeque;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use padgate_plugin_abi::{PADGATE_FAILED, PADGATE_INVALID, PADGATE_LIMIT, PADGATE_OK, PadgateStatus};
use padgate_plugin_host::ask::{Answer, Ask};
use padgate_plugin_host::ended::{EXIT_LINK, EXIT_STOPPED};
use padgate_plugin_host::frame::{self, HEADER_BYTES, Header, Kind, PAYLOAD_BYTES_MAX};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags, recvmsg, send,
};

/// The most frames that wait for the main thread. None is ever dropped: when there are so many, nobody reads until the
/// main thread has taken one, and if it is the main thread that asks, its question fails with [`PADGATE_LIMIT`].
const INBOX_FRAMES_MAX: usize = 1024;
/// So many used frames are kept for the next.
const SPARE_FRAMES: usize = 4;
/// Frames up to this size are put together on the stack of the thread, which may be small.
const STACK_BYTES: usize = 512;

/// What became of a question.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: PadgateStatus,
    pub(crate) code: i32,
    pub(crate) body: Vec<u8>,
    pub(crate) descriptor: Option<OwnedFd>,
}

impl Answered {
    pub(crate) fn failed(status: PadgateStatus, why: impl Into<String>) -> Answered {
        Answered { status, code: 0, body: why.into().into_bytes(), descriptor: None }
    }
}

pub(crate) struct Channel {
    link: OwnedFd,
    generation: u32,
    main: ThreadId,
    /// Lines for the log that the link had no room for, since the last one that it had.
    left_out: AtomicU32,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// `None` while somebody reads into it.
    buffer: Option<Box<[u8]>>,
    /// For the main thread.
    inbox: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    /// Who waits for an answer.
    asking: Vec<Asking>,
    /// The number of the last question.
    number: u32,
    /// How many threads sleep on the condition.
    sleeping: usize,
}

struct Asking {
    number: u32,
    answer: Option<Answered>,
}

impl Channel {
    /// The link, after the first frame, which said the generation. To be called on the main thread.
    pub(crate) fn new(link: OwnedFd, generation: u32, buffer: Box<[u8]>) -> Channel {
        let state = State {
            buffer: Some(buffer),
            inbox: VecDeque::with_capacity(SPARE_FRAMES),
            spare: Vec::with_capacity(SPARE_FRAMES),
            asking: Vec::with_capacity(SPARE_FRAMES),
            number: 0,
            sleeping: 0,
        };
        Channel {
            link,
            generation,
            main: std::thread::current().id(),
            left_out: AtomicU32::new(0),
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// A header of this host.
    pub(crate) fn header(&self, kind: Kind) -> Header {
        Header::new(kind, self.generation)
    }

    /// Sends a frame, and waits while the link is full. The payload must fit.
    pub(crate) fn send(&self, header: Header, payload: &[u8]) {
        match self.send_with(&header, payload, SendFlags::NOSIGNAL) {
            Ok(()) => {}
            Err(error) => fail(&format!("a frame can't be sent: {error}")),
        }
    }

    /// Sends a line for the log if the link has room for it now; else counts it.
    pub(crate) fn log(&self, level: u32, line: &str) {
        let now = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let header = Header { handle: level, ..self.header(Kind::Log) };
        let missing = self.left_out.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let note =
                format!("({missing} lines were left out here: the plugin wrote faster than they were read)");
            if self.send_with(&header, note.as_bytes(), now).is_err() {
                self.left_out.fetch_add(missing + 1, Ordering::Relaxed);
                return;
            }
        }
        if self.send_with(&header, line.as_bytes(), now).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn send_with(&self, header: &Header, payload: &[u8], flags: SendFlags) -> Result<(), Errno> {
        let header = header.encode(payload.len()).map_err(|_| Errno::MSGSIZE)?;
        let length = HEADER_BYTES + payload.len();
        let mut small = [0; STACK_BYTES];
        let mut large = Vec::new();
        let frame = if length <= STACK_BYTES {
            &mut small[..length]
        } else {
            large.resize(length, 0);
            &mut large[..]
        };
        frame[..HEADER_BYTES].copy_from_slice(&header);
        frame[HEADER_BYTES..].copy_from_slice(payload);
        // `send`, not `sendmsg`: the sandbox allows nothing with an address in memory that it can't look at.
        match rustix::io::retry_on_intr(|| send(&self.link, frame, flags)) {
            Ok(_) => Ok(()),
            Err(Errno::PIPE | Errno::CONNRESET) => gone(),
            Err(error) => Err(error),
        }
    }

    /// Waits for the next frame for the main thread, and swaps it into `frame`.
    pub(crate) fn next(&self, frame: &mut Vec<u8>) {
        let mut state = self.lock();
        loop {
            let full = state.inbox.len() >= INBOX_FRAMES_MAX;
            if let Some(next) = state.inbox.pop_front() {
                let used = std::mem::replace(frame, next);
                if state.spare.len() < SPARE_FRAMES {
                    state.spare.push(used);
                }
                if full {
                    self.wake(&state);
                }
                return;
            }
            state = self.read_or_sleep(state);
        }
    }

    /// Asks the daemon, and waits for the answer.
    pub(crate) fn ask(&self, ask: &Ask<'_>) -> Answered {
        let payload = ask.encode();
        if payload.len() > PAYLOAD_BYTES_MAX {
            let why = format!(
                "this is too large for one request: {} bytes in all, and {PAYLOAD_BYTES_MAX} is the most",
                payload.len()
            );
            return Answered::failed(PADGATE_INVALID, why);
        }
        let number = {
            let mut state = self.lock();
            state.number = state.number.wrapping_add(1);
            let number = state.number;
            state.asking.push(Asking { number, answer: None });
            number
        };
        let header = Header { number, ..self.header(Kind::Ask) };
        if let Err(error) = self.send_with(&header, &payload, SendFlags::NOSIGNAL) {
            let mut state = self.lock();
            state.asking.retain(|asking| asking.number != number);
            return Answered::failed(PADGATE_FAILED, format!("the daemon can't be asked: {error}"));
        }
        self.wait(number)
    }

    fn wait(&self, number: u32) -> Answered {
        let mut state = self.lock();
        loop {
            let at = state.asking.iter().position(|asking| asking.number == number);
            let at = at.expect("it is there until it is taken out below");
            if let Some(answer) = state.asking[at].answer.take() {
                state.asking.swap_remove(at);
                return answer;
            }
            if state.inbox.len() < INBOX_FRAMES_MAX {
                state = self.read_or_sleep(state);
            } else if std::thread::current().id() == self.main {
                state.asking.swap_remove(at);
                let why = format!(
                    "{INBOX_FRAMES_MAX} events wait for the plugin while it asks, and whether this was done is \
                     not known: return sooner, or listen to less"
                );
                return Answered::failed(PADGATE_LIMIT, why);
            } else {
                state = self.sleep(state);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one frame and hands it over, or waits until another thread has.
    fn read_or_sleep<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let Some(mut buffer) = state.buffer.take() else {
            return self.sleep(state);
        };
        drop(state);
        let (length, descriptor) = receive(&self.link, &mut buffer);
        let mut state = self.lock();
        state.hand_over(&buffer[..length], descriptor);
        state.buffer = Some(buffer);
        self.wake(&state);
        state
    }

    fn sleep<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.sleeping += 1;
        let mut state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.sleeping -= 1;
        state
    }

    /// Wakes all who sleep: one of them may have been handed something, and one of them must read on.
    fn wake(&self, state: &State) {
        if state.sleeping > 0 {
            self.changed.notify_all();
        }
    }
}

impl State {
    /// Puts a frame where it belongs. What is no frame ends the host: the daemon sends none such.
    fn hand_over(&mut self, datagram: &[u8], descriptor: Option<OwnedFd>) {
        let (header, payload) = match frame::decode(datagram) {
            Ok(frame) => frame,
            Err(error) => fail(&format!("what came is no frame: {error}")),
        };
        if header.kind != Kind::Answer {
            let mut frame = self.spare.pop().unwrap_or_default();
            frame.clear();
            frame.extend_from_slice(datagram);
            self.inbox.push_back(frame);
            return;
        }
        // An answer that nobody waits for came too late; its descriptor is closed here.
        let Some(asking) = self.asking.iter_mut().find(|asking| asking.number == header.number) else {
            return;
        };
        asking.answer = Some(match Answer::decode(payload) {
            Ok(Answer { code, body }) => {
                let descriptor = descriptor.filter(|_| header.status == PADGATE_OK);
                Answered { status: header.status, code, body: body.to_vec(), descriptor }
            }
            Err(error) => Answered::failed(PADGATE_FAILED, format!("the daemon's answer is broken: {error}")),
        });
    }
}

/// Waits for one datagram. Ends the process if there will be none.
pub(crate) fn receive(link: &OwnedFd, buffer: &mut [u8]) -> (usize, Option<OwnedFd>) {
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = RecvAncillaryBuffer::new(&mut room);
    let received = rustix::io::retry_on_intr(|| {
        let mut parts = [IoSliceMut::new(buffer)];
        recvmsg(link, &mut parts, &mut beside, RecvFlags::CMSG_CLOEXEC)
    });
    let received = match received {
        Ok(received) => received,
        Err(Errno::CONNRESET) => gone(),
        Err(error) => fail(&format!("the link can't be read: {error}")),
    };
    if received.bytes == 0 {
        gone();
    }
    if received.flags.contains(ReturnFlags::TRUNC) {
        fail("a frame is larger than any may be");
    }
    let descriptor = beside.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    (received.bytes, descriptor)
}

/// Ends the process: the daemon is gone, and nobody is left to do anything for. Nothing of the plugin runs any more.
fn gone() -> ! {
    exit_now(EXIT_STOPPED)
}

/// Ends the process: the link can't be used.
pub(crate) fn fail(why: &str) -> ! {
    eprintln!("padgate-plugin-host: {why}");
    exit_now(EXIT_LINK)
}

/// Ends the process at once; the standard library's way runs the plugin's handlers, which may hang.
#[allow(unsafe_code, reason = "one call of the C library that neither rustix nor the standard library has")]
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: It has no conditions.
    unsafe { libc::_exit(code) }
}
