//! Plays a Standard MIDI File as if a device did: reads it, lays its tracks on one line of time, and feeds it in.

use std::time::{Duration, Instant};

use midly::{EventIter, MetaMessage, TrackEventKind};
use padgate_core::midi::{Channel, Decoder, Message, Received};

use crate::ipc::Cancel;

/// The largest file that is read, in bytes. Songs have some 100 kB.
pub const FILE_BYTES_MAX: u64 = 8 << 20;

/// How often progress is told at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// After how many messages at full speed the clock is looked at, for progress and for ending early.
const LOOK_UP_EVERY: u64 = 256;

/// Microseconds per quarter note until a file says otherwise: 120 beats per minute.
const TEMPO_DEFAULT: u32 = 500_000;

/// Why a file can't be played.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FileError {
    /// It does not begin as such files do.
    #[error("this is no Standard MIDI File: it does not begin with a whole MThd header")]
    Header,
    /// It ends too soon.
    #[error(
        "the file is cut off: it ends at byte {end}, but track {track} should go on to byte {expected}; get it again"
    )]
    CutOff {
        /// Which track, from 1.
        track: usize,
        /// Where the file ends.
        end: usize,
        /// Where it should end at least.
        expected: usize,
    },
    /// It has fewer tracks than it says.
    #[error("the file is cut off: it ends at byte {end} after {found} of {announced} tracks; get it again")]
    TracksMissing {
        /// Where the file ends.
        end: usize,
        /// Tracks that are there.
        found: usize,
        /// Tracks that should be there.
        announced: usize,
    },
    /// Something in a track can't be read.
    #[error("track {track} is damaged at byte {at}: no MIDI event begins there; export the file again")]
    Damaged {
        /// Which track, from 1.
        track: usize,
        /// Where.
        at: usize,
    },
    /// The header's unit of time is none.
    #[error("the header of the file gives no unit of time (division {0:#06x}); export the file again")]
    Division(u16),
}

/// A file on one line of time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Performance {
    /// What is played, in order; the bytes of each are the next ones of `bytes`.
    events: Vec<Timed>,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Timed {
    at: Duration,
    length: u32,
}

/// What was played.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Played {
    /// Messages that were played.
    pub played: u64,
    /// Notes that were still down at the end, and were released.
    pub released: u64,
    /// Whether it ended before the file did.
    pub cancelled: bool,
}

impl Performance {
    /// Reads a Standard MIDI File of any of the three formats. Tracks of format 2 are played one after the other.
    ///
    /// # Errors
    ///
    /// If the file is damaged or cut off anywhere: half a performance would not show what is missing.
    pub fn parse(file: &[u8]) -> Result<Performance, FileError> {
        let header = Header::parse(file)?;
        let mut written = Vec::new();
        for (index, track) in tracks(file, &header)?.into_iter().enumerate() {
            read_track(file, index + 1, track, &header, &mut written)?;
        }
        // Stable, so that what is simultaneous stays in the order of the tracks, and a tempo comes before what it rules.
        written.sort_by_key(|event| (event.tick, !matches!(event.what, What::Tempo(_))));
        Ok(lay_out(&written, &header))
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.events.len() as u64
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// When the last message is due.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.events.last().map_or(Duration::ZERO, |event| event.at)
    }

    /// Plays on the calling thread, in time or at full speed, into `sink`. Notes that are down at the end, or when
    /// `cancel` ends it early, are released. `progress` is told messages played and in all, four times a second.
    pub fn play(
        &self,
        in_time: bool,
        cancel: &Cancel,
        sink: &mut dyn FnMut(Received<'_>),
        progress: &mut dyn FnMut(u64, u64),
    ) -> Played {
        let begin = Instant::now();
        let mut told = begin;
        let mut decoder = Decoder::default();
        let mut down = Down::default();
        let mut result = Played::default();
        let mut offset = 0;
        for event in &self.events {
            if in_time || result.played.is_multiple_of(LOOK_UP_EVERY) {
                result.cancelled =
                    if in_time { cancel.wait_until(begin + event.at) } else { cancel.is_cancelled() };
                if result.cancelled {
                    break;
                }
                if told.elapsed() >= PROGRESS_EVERY {
                    told = Instant::now();
                    progress(result.played, self.len());
                }
            }
            let end = offset + event.length as usize;
            decoder.feed(&self.bytes[offset..end], |received| {
                down.note(received);
                sink(received);
            });
            offset = end;
            result.played += 1;
        }
        result.released = down.release(sink);
        result
    }
}

/// Which notes are down.
#[derive(Default)]
struct Down([u128; 16]);

impl Down {
    fn note(&mut self, received: Received<'_>) {
        match received {
            Received::Message(Message::NoteOn { channel, note, .. }) => {
                self.0[usize::from(channel.wire())] |= 1 << note;
            }
            Received::Message(Message::NoteOff { channel, note, .. }) => {
                self.0[usize::from(channel.wire())] &= !(1 << note);
            }
            _ => {}
        }
    }

    fn release(&self, sink: &mut dyn FnMut(Received<'_>)) -> u64 {
        let mut released = 0;
        for (channel, notes) in (0..).zip(self.0) {
            for note in (0..128).filter(|note| notes & (1 << note) != 0) {
                let channel = Channel::from_wire(channel);
                sink(Received::Message(Message::NoteOff { channel, note, velocity: 64 }));
                released += 1;
            }
        }
        released
    }
}

struct Header {
    /// Where the first chunk after the header begins.
    end: usize,
    one_after_the_other: bool,
    tracks: usize,
    division: Division,
}

#[derive(Clone, Copy)]
enum Division {
    /// Ticks per quarter note.
    Metrical(u16),
    /// Nanoseconds per tick.
    Absolute(u64),
}

impl Header {
    fn parse(file: &[u8]) -> Result<Header, FileError> {
        let length = be32(file, 4).filter(|_| file.starts_with(b"MThd")).ok_or(FileError::Header)?;
        let end = 8_usize.saturating_add(length);
        let word = |at| be16(file, at).filter(|_| length >= 6 && end <= file.len()).ok_or(FileError::Header);
        let raw = word(12)?;
        let division = match raw.to_be_bytes() {
            [0, 0] => return Err(FileError::Division(raw)),
            [high, _] if high < 0x80 => Division::Metrical(raw),
            [frames, ticks] => {
                // The frame rate as a negative number; 29 means 30000/1001 (drop frame).
                let nanos_per_frame = match frames.wrapping_neg() {
                    24 => 1_000_000_000 / 24,
                    25 => 1_000_000_000 / 25,
                    29 => 1_001_000_000 / 30,
                    30 => 1_000_000_000 / 30,
                    _ => return Err(FileError::Division(raw)),
                };
                if ticks == 0 {
                    return Err(FileError::Division(raw));
                }
                Division::Absolute(nanos_per_frame / u64::from(ticks))
            }
        };
        Ok(Header { end, one_after_the_other: word(8)? == 2, tracks: usize::from(word(10)?), division })
    }
}

fn be16(file: &[u8], at: usize) -> Option<u16> {
    file.get(at..at + 2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
}

fn be32(file: &[u8], at: usize) -> Option<usize> {
    let bytes = file.get(at..at + 4)?;
    usize::try_from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).ok()
}

/// Where the tracks lie in the file. Chunks of other kinds are passed over, as the format wants.
fn tracks(file: &[u8], header: &Header) -> Result<Vec<std::ops::Range<usize>>, FileError> {
    let mut found = Vec::new();
    let mut at = header.end;
    while found.len() < header.tracks {
        let missing =
            FileError::TracksMissing { end: file.len(), found: found.len(), announced: header.tracks };
        let length = be32(file, at + 4).ok_or(missing)?;
        let expected = (at + 8).saturating_add(length);
        if expected > file.len() {
            return Err(FileError::CutOff { track: found.len() + 1, end: file.len(), expected });
        }
        if file[at..].starts_with(b"MTrk") {
            found.push(at + 8..expected);
        }
        at = expected;
    }
    Ok(found)
}

struct Written {
    tick: u64,
    what: What,
}

enum What {
    /// Microseconds per quarter note from here on.
    Tempo(u32),
    Bytes(Vec<u8>),
}

fn read_track(
    file: &[u8],
    number: usize,
    range: std::ops::Range<usize>,
    header: &Header,
    written: &mut Vec<Written>,
) -> Result<(), FileError> {
    let last = written.last().filter(|_| header.one_after_the_other);
    let mut tick = last.map_or(0, |event| event.tick);
    let mut at = range.start;
    for event in EventIter::new(&file[range.clone()]).bytemapped() {
        let Ok((bytes, event)) = event else { break };
        // The bytes are those of the event without the time before it.
        at = bytes.as_ptr() as usize - file.as_ptr() as usize + bytes.len();
        tick += u64::from(event.delta.as_int());
        let what = match event.kind {
            TrackEventKind::Meta(MetaMessage::EndOfTrack) => return Ok(()),
            TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => What::Tempo(tempo.as_int()),
            TrackEventKind::Meta(_) => continue,
            TrackEventKind::Midi { channel, message } => {
                let mut bytes = Vec::with_capacity(3);
                let live = midly::live::LiveEvent::Midi { channel, message };
                // Writing into memory does not fail.
                if live.write_std(&mut bytes).is_err() {
                    continue;
                }
                What::Bytes(bytes)
            }
            TrackEventKind::SysEx(data) => What::Bytes([&[0xF0], data].concat()),
            TrackEventKind::Escape(data) => What::Bytes(data.to_vec()),
        };
        written.push(Written { tick, what });
    }
    // The reader stops where it can't go on; a track that just ends without saying so does no harm.
    if at < range.end { Err(FileError::Damaged { track: number, at }) } else { Ok(()) }
}

fn lay_out(written: &[Written], header: &Header) -> Performance {
    let mut performance = Performance::default();
    let mut tempo = TEMPO_DEFAULT;
    let mut since = (0_u64, 0_u128);
    for event in written {
        let ticks = u128::from(event.tick - since.0);
        let nanos = since.1
            + match header.division {
                Division::Metrical(per_quarter) => ticks * u128::from(tempo) * 1000 / u128::from(per_quarter),
                Division::Absolute(nanos) => ticks * u128::from(nanos),
            };
        match &event.what {
            What::Tempo(new) => {
                since = (event.tick, nanos);
                tempo = *new;
            }
            What::Bytes(bytes) => {
                let at = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
                let length = u32::try_from(bytes.len()).unwrap_or(0);
                performance.events.push(Timed { at, length });
                performance.bytes.extend_from_slice(&bytes[..length as usize]);
            }
        }
    }
    performance
}

#[cfg(test)]
#[path = "play_tests.rs"]
mod tests;
