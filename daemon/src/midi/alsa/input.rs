//! One input's thread: it sleeps in `poll`, empties the kernel's queue, and hands on what it read.
//!
//! The kernel's queue holds 2000 events at most, and a program can send more than that in the time that the engine takes
//! for a few hundred. So the queue is emptied first into a backlog of our own, and again after every few messages
//! handed on: only reading has to keep up with the sender, not what is done with the messages. Without a burst the backlog
//! holds one message, which is handed on in the same breath.
//!
//! Reading goes past the library, straight from the client's file: one system call for all that is there, and no work
//! per event. The library would fetch as much, but then wants it taken one by one before it fetches again.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, sync_channel};

use alsa::poll::{Descriptors, Flags, pollfd};
use alsa::{Direction, Seq};
use padgate_core::time::Time;

use rustix::io::Errno;

use super::event::{Meaning, RECORD_BYTES, append_record, parse};
use super::{Own, Taken, read};
use crate::clock;
use crate::midi::Lost;
use crate::midi::stream::Stream;

/// How many bytes wait in the backlog at most: 150,000 events, or a System Exclusive of more than 3 MB. When it is full the
/// kernel's queue fills up, and then the kernel drops what comes; that is counted as an overrun, and all that the device
/// holds is let go.
const BACKLOG_BYTES_MAX: usize = 4 << 20;
/// Room that the backlog keeps when a burst is over.
const BACKLOG_BYTES_KEPT: usize = 4096 * RECORD_BYTES;
/// As much as the kernel's queue can hold, so that one system call empties it.
const READ_BYTES: usize = (super::POOL_EVENTS as usize + 1) * RECORD_BYTES;
/// How often the queue is read at a time, so that an endless flood does not keep the first of it from being handed on.
const READS_AT_ONCE: usize = 4;
/// How many events are handed on before the kernel's queue is looked at again, if there was nothing in it the last time.
/// At a few microseconds each the queue gets no more than some hundred new ones meanwhile.
const EVENTS_AT_ONCE: usize = 32;
/// The niceness that an input's thread asks for: the one that PipeWire's threads have where they can't be real-time.
const NICENESS: i32 = -11;

/// Keeps an input open. Dropping it hands on what had arrived, and waits until that is done; but not until the
/// client is closed, for which some drivers take seconds when their device has just been unplugged.
pub(in crate::midi) struct InputGuard {
    /// Dropped to make the thread end.
    stop: Option<UnixStream>,
    /// Disconnected when the stream has ended.
    ended: Receiver<()>,
}

impl Drop for InputGuard {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Nothing is ever sent: this returns when the other end is dropped, also by a panic.
        let _ = self.ended.recv();
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
    let (ending, ended) = sync_channel(1);
    std::thread::Builder::new().name(format!("midi in {name}")).spawn(move || {
        let ended_by_itself = run(&seq, &stopped, connection.is_none(), stream);
        drop(ending);
        if ended_by_itself {
            lost.tell(connection);
        }
        drop(seq);
        drop(own);
    })?;
    Ok(InputGuard { stop: Some(stop), ended })
}

/// Reads until it is told to stop (then returns `false`), or the connection ends by itself.
fn run(seq: &Seq, stopped: &UnixStream, is_virtual: bool, mut stream: Stream) -> bool {
    hurry();
    let mut fds = vec![pollfd { fd: stopped.as_raw_fd(), events: Flags::IN.bits(), revents: 0 }];
    fds.extend((seq, Some(Direction::Capture)).get().unwrap_or_default());
    let mut source = Source::of(seq, &fds[1..]);
    let mut backlog = Backlog::default();
    let mut stopping = false;
    loop {
        // As long as more keeps coming, every look at the queue is worth its system call.
        let at_once = if backlog.fill(&mut source) { 1 } else { EVENTS_AT_ONCE };
        for _ in 0..at_once {
            match backlog.next() {
                None => break,
                Some((at, Item::Midi(bytes, length))) => stream.feed(&bytes[..length], at),
                Some((at, Item::Sysex(piece))) => stream.feed(piece, at),
                Some((_, Item::Nothing)) => {}
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

/// Asks that this thread be scheduled before others, so that the kernel's queue does not overflow and a press is not
/// late on a busy machine. Without the right to do so (`LimitNICE=` in the service, or `RLIMIT_NICE`) it stays as it is.
fn hurry() {
    let this = rustix::thread::gettid();
    // On Linux a priority belongs to a thread, and a thread's number is accepted for a process's.
    if let Err(error) = rustix::process::setpriority_process(Some(this), NICENESS) {
        tracing::debug!(%error, "the MIDI input's thread keeps its ordinary priority");
    }
}

/// Where events are read from.
enum Source<'a> {
    /// The client's file, and room to read into.
    File(OwnedFd, Box<[u8]>),
    /// The library, one event after the other; slower, and good enough for what hands can do.
    Library(alsa::seq::Input<'a>),
}

/// What reading gave.
enum Filled {
    Some,
    Nothing,
    Overrun,
    Broken(String),
}

impl<'a> Source<'a> {
    /// The client's own file, if the system lets us have it.
    ///
    /// The library tells its number, and `pidfd_getfd` turns a number into a file in safe code. That needs Linux 5.6, and is
    /// forbidden in some containers.
    fn of(seq: &'a Seq, fds: &[pollfd]) -> Source<'a> {
        use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
        let file = fds.first().ok_or(Errno::BADF).and_then(|fd| {
            let this = pidfd_open(getpid(), PidfdFlags::empty())?;
            pidfd_getfd(this, fd.fd, PidfdGetfdFlags::empty())
        });
        match file {
            Ok(file) => Source::File(file, vec![0; READ_BYTES].into()),
            Err(error) => {
                tracing::debug!(%error, "reading MIDI through the library");
                Source::Library(seq.input())
            }
        }
    }

    /// Appends what there is to the records.
    fn read(&mut self, records: &mut Vec<u8>) -> Filled {
        match self {
            Source::File(file, room) => match rustix::io::read(&*file, &mut room[..]) {
                Ok(0) => Filled::Broken("the sequencer closed the connection".into()),
                Ok(length) => {
                    records.extend_from_slice(&room[..length]);
                    Filled::Some
                }
                Err(Errno::AGAIN | Errno::INTR) => Filled::Nothing,
                Err(Errno::NOSPC) => Filled::Overrun,
                Err(error) => Filled::Broken(error.to_string()),
            },
            Source::Library(input) => match read(input) {
                Taken::Event(event) => {
                    append_record(&event, records);
                    Filled::Some
                }
                Taken::Unknown => Filled::Some,
                Taken::Empty => Filled::Nothing,
                Taken::Overrun => Filled::Overrun,
                Taken::Broken(error) => Filled::Broken(super::reason(&error)),
            },
        }
    }

    /// How often to read at a time.
    fn reads_at_once(&self) -> usize {
        match self {
            Source::File(..) => READS_AT_ONCE,
            Source::Library(_) => READS_AT_ONCE * super::POOL_EVENTS as usize,
        }
    }
}

/// What was read and not yet handed on.
#[derive(Default)]
struct Backlog {
    chunks: VecDeque<(Time, Chunk)>,
    records: Vec<u8>,
    /// Where the next record begins.
    next: usize,
}

/// What one read gave.
enum Chunk {
    /// Records up to here.
    Records(usize),
    Overrun,
    Broken(String),
}

/// One thing from the backlog.
enum Item<'a> {
    Midi([u8; 12], usize),
    Sysex(&'a [u8]),
    Nothing,
    SenderLeft,
    Overrun,
    Broken(String),
}

impl Backlog {
    fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    fn next(&mut self) -> Option<(Time, Item<'_>)> {
        let (at, chunk) = self.chunks.front_mut()?;
        let at = *at;
        let end = match chunk {
            Chunk::Records(end) => *end,
            Chunk::Overrun | Chunk::Broken(_) => {
                return self.chunks.pop_front().map(|(at, chunk)| match chunk {
                    Chunk::Broken(why) => (at, Item::Broken(why)),
                    _ => (at, Item::Overrun),
                });
            }
        };
        let (meaning, size) =
            parse(&self.records[self.next..end]).unwrap_or((Meaning::Nothing, end - self.next));
        self.next += size;
        if self.next >= end {
            self.chunks.pop_front();
        }
        let item = match meaning {
            Meaning::Midi(bytes, length) => Item::Midi(bytes, length),
            Meaning::Sysex(piece) => Item::Sysex(piece),
            Meaning::SenderLeft => Item::SenderLeft,
            Meaning::Nothing => Item::Nothing,
        };
        Some((at, item))
    }

    /// Starts over in the same room when all has been handed on, and gives back what only a burst needed.
    fn tidy(&mut self) {
        if self.is_empty() {
            self.records.clear();
            self.next = 0;
            if self.records.capacity() > BACKLOG_BYTES_KEPT {
                self.records.shrink_to(BACKLOG_BYTES_KEPT);
                self.chunks.shrink_to(READS_AT_ONCE);
            }
        } else if self.next > self.records.len() / 2 && self.next >= READ_BYTES {
            // In a long burst, what has been handed on makes room; seldom enough to cost nothing.
            let handed_on = std::mem::take(&mut self.next);
            self.records.drain(..handed_on);
            for (_, chunk) in &mut self.chunks {
                if let Chunk::Records(end) = chunk {
                    *end -= handed_on;
                }
            }
        }
    }

    /// Reads what the kernel has. Returns whether there was anything.
    fn fill(&mut self, source: &mut Source<'_>) -> bool {
        self.tidy();
        let mut any = false;
        for _ in 0..source.reads_at_once() {
            if self.records.len() >= BACKLOG_BYTES_MAX {
                break;
            }
            let filled = source.read(&mut self.records);
            let chunk = match filled {
                Filled::Nothing => break,
                Filled::Some => Chunk::Records(self.records.len()),
                Filled::Overrun => Chunk::Overrun,
                Filled::Broken(why) => Chunk::Broken(why),
            };
            let broken = matches!(chunk, Chunk::Broken(_));
            self.chunks.push_back((clock::now(), chunk));
            any = true;
            if broken {
                break;
            }
        }
        any
    }
}
