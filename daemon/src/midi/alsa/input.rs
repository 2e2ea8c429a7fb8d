//! One input's thread: it sleeps in `poll`, empties the kernel's queue, and hands on what it read.
//!
//! The kernel's queue holds 2000 events at most, and a program can send more than that in the time that the engine takes
//! for a few hundred. So the queue is emptied first into a backlog of our own, and again after every few messages
//! handed on: only reading has to keep up with the sender, not what is done with the messages. Without a burst the backlog
//! holds one message, which is handed on in the same breath.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

use alsa::poll::{Descriptors, Flags, pollfd};
use alsa::seq::{Connect, EventType, Input};
use alsa::{Direction, Seq};
use padgate_core::time::Time;

use super::{Own, Taken, event, read};
use crate::clock;
use crate::midi::Lost;
use crate::midi::stream::Stream;

/// How many events wait in the backlog at most. When it is full the kernel's queue fills up, and then the kernel drops
/// what comes; that is counted as an overrun, and all that the device holds is let go.
const BACKLOG_EVENTS_MAX: usize = 1 << 17;
/// How many bytes wait in the backlog at most: a few System Exclusives of 1 MB.
const BACKLOG_BYTES_MAX: usize = 4 << 20;
/// Room that the backlog keeps when a burst is over.
const BACKLOG_EVENTS_KEPT: usize = 4096;
/// How many events are handed on before the kernel's queue is looked at again. At a few microseconds each the queue
/// gets no more than some hundred new ones meanwhile.
const EVENTS_AT_ONCE: usize = 32;
/// How many events are read at a time, so that an endless flood does not keep the first of them from being handed on.
const READ_AT_ONCE: usize = 4096;

/// Keeps an input open. Dropping it hands on what had arrived, closes the input, and waits until that is done.
pub(in crate::midi) struct InputGuard {
    /// Dropped to make the thread end.
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
    _own: Own,
}

impl Drop for InputGuard {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread catches the panics of others; one of its own has been printed already.
            drop(thread.join());
        }
    }
}

/// Starts the thread. `connection` is what is told if the port goes away; without it, the port is a virtual one, which
/// senders come to and leave.
pub(super) fn start(
    seq: Seq,
    own: Own,
    name: &str,
    connection: Option<u64>,
    stream: Stream,
    lost: Lost,
) -> std::io::Result<InputGuard> {
    let (stop, stopped) = UnixStream::pair()?;
    let thread = std::thread::Builder::new().name(format!("midi in {name}")).spawn(move || {
        let ended_by_itself = run(&seq, &stopped, connection.is_none(), stream);
        if ended_by_itself {
            lost.tell(connection);
        }
    })?;
    Ok(InputGuard { stop: Some(stop), thread: Some(thread), _own: own })
}

/// Reads until it is told to stop (then returns `false`), or the connection ends by itself.
fn run(seq: &Seq, stopped: &UnixStream, is_virtual: bool, mut stream: Stream) -> bool {
    let mut fds = vec![pollfd { fd: stopped.as_raw_fd(), events: Flags::IN.bits(), revents: 0 }];
    fds.extend((seq, Some(Direction::Capture)).get().unwrap_or_default());
    let mut input = seq.input();
    let mut backlog = Backlog::default();
    let mut stopping = false;
    loop {
        backlog.fill(&mut input);
        for _ in 0..EVENTS_AT_ONCE {
            match backlog.next() {
                None => break,
                Some((at, Item::Bytes(bytes))) => stream.feed(bytes, at),
                Some((at, Item::Overrun)) => stream.overrun(at),
                Some((at, Item::SenderLeft)) if is_virtual => stream.interrupted(at),
                Some((at, Item::SenderLeft)) => {
                    stream.end(at);
                    return !stopping;
                }
                Some((at, Item::Broken(why))) => {
                    tracing::error!("a MIDI input can't be read any more: {why}");
                    stream.end(at);
                    return !stopping;
                }
            }
        }
        if backlog.is_empty() {
            if stopping {
                stream.end(clock::now());
                return false;
            }
            // An error here is an interruption; whatever it is, reading comes next and says more.
            let _ = alsa::poll::poll(&mut fds, -1);
            // After the last look at the queue, so that what had arrived by now is read before the end.
            stopping = fds[0].revents != 0;
        }
    }
}

/// What was read and not yet handed on.
#[derive(Default)]
struct Backlog {
    marks: Vec<(Time, Mark)>,
    next: usize,
    bytes: Vec<u8>,
    bytes_next: usize,
}

enum Mark {
    Bytes(usize),
    Overrun,
    SenderLeft,
    Broken(String),
}

/// One thing from the backlog.
enum Item<'a> {
    Bytes(&'a [u8]),
    Overrun,
    SenderLeft,
    Broken(&'a str),
}

impl Backlog {
    fn is_empty(&self) -> bool {
        self.next == self.marks.len()
    }

    fn next(&mut self) -> Option<(Time, Item<'_>)> {
        let (at, mark) = self.marks.get(self.next)?;
        self.next += 1;
        let item = match mark {
            Mark::Bytes(length) => {
                let start = self.bytes_next;
                self.bytes_next += length;
                Item::Bytes(&self.bytes[start..self.bytes_next])
            }
            Mark::Overrun => Item::Overrun,
            Mark::SenderLeft => Item::SenderLeft,
            Mark::Broken(why) => Item::Broken(why),
        };
        Some((*at, item))
    }

    /// Starts over in the same room when all has been handed on, and gives back what only a burst needed.
    fn tidy(&mut self) {
        if !self.is_empty() {
            // In a long burst, at least, what has been handed on makes room; seldom enough to cost nothing.
            if self.next >= READ_AT_ONCE && self.next > self.marks.len() / 2 {
                self.marks.drain(..self.next);
                self.bytes.drain(..self.bytes_next);
                (self.next, self.bytes_next) = (0, 0);
            }
            return;
        }
        self.marks.clear();
        self.bytes.clear();
        (self.next, self.bytes_next) = (0, 0);
        if self.marks.capacity() > BACKLOG_EVENTS_KEPT || self.bytes.capacity() > 3 * BACKLOG_EVENTS_KEPT {
            self.marks.shrink_to(BACKLOG_EVENTS_KEPT);
            self.bytes.shrink_to(3 * BACKLOG_EVENTS_KEPT);
        }
    }

    /// Reads what the kernel has.
    fn fill(&mut self, input: &mut Input<'_>) {
        self.tidy();
        for _ in 0..READ_AT_ONCE {
            if self.marks.len() >= BACKLOG_EVENTS_MAX || self.bytes.len() >= BACKLOG_BYTES_MAX {
                return;
            }
            let read = read(input);
            let at = clock::now();
            let mark = match read {
                Taken::Empty => return,
                Taken::Unknown => continue,
                Taken::Overrun => Mark::Overrun,
                Taken::Broken(error) => {
                    self.marks.push((at, Mark::Broken(super::reason(&error))));
                    return;
                }
                Taken::Event(event) if event.get_data::<Connect>().is_some() => match event.get_type() {
                    EventType::PortUnsubscribed => Mark::SenderLeft,
                    _ => continue,
                },
                Taken::Event(event) => {
                    let before = self.bytes.len();
                    match event.get_ext() {
                        Some(piece) if event.get_type() == EventType::Sysex => {
                            self.bytes.extend_from_slice(piece);
                        }
                        Some(_) => {}
                        None => {
                            let (bytes, length) = event::to_bytes(&event);
                            self.bytes.extend_from_slice(&bytes[..length]);
                        }
                    }
                    match self.bytes.len() - before {
                        0 => continue,
                        length => Mark::Bytes(length),
                    }
                }
            };
            self.marks.push((at, mark));
        }
    }
}
