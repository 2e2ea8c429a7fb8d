//! The total decoder: any sequence of bytes gives messages or counted errors.
//!
//! Handles running status, real-time bytes anywhere (also inside System Exclusive), and a System Exclusive
//! that arrives in pieces, never ends, or is longer than anybody needs. Source: *MIDI 1.0 Detailed
//! Specification*, appendix A.

use super::message::{Channel, Message, Received};

/// The longest System Exclusive that is kept, in bytes with its `F0` and `F7`. A firmware dump is longer,
/// and nothing maps that; what is longer is counted and dropped up to its end.
pub const SYSEX_BYTES_MAX: usize = 64 * 1024;

/// What a decoder could not use, counted since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DecodeErrors {
    /// Data bytes without a status byte before them.
    pub stray_bytes: u64,
    /// Messages that another status byte cut off.
    pub cut_off: u64,
    /// System Exclusives longer than [`SYSEX_BYTES_MAX`].
    pub too_long: u64,
    /// Status bytes that MIDI 1.0 leaves undefined (F4, F5, F9, FD).
    pub undefined: u64,
}

impl DecodeErrors {
    /// All of them together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.stray_bytes + self.cut_off + self.too_long + self.undefined
    }
}

/// A decoder for one stream of bytes. Its state is one message at most.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    /// Channel messages keep their status for the next one; system messages end that.
    running: Option<u8>,
    first_data: Option<u8>,
    sysex: Vec<u8>,
    errors: DecodeErrors,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Between messages; data bytes belong to the running status, if there is one.
    Idle,
    /// After a system common status that wants data.
    Common(u8),
    /// Inside a System Exclusive.
    Sysex,
    /// Inside one that was too long.
    SysexTooLong,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            state: State::Idle,
            running: None,
            first_data: None,
            // Room for what controllers send in practice, so that the first one costs no allocation.
            sysex: Vec::with_capacity(1024),
            errors: DecodeErrors::default(),
        }
    }
}

impl Decoder {
    /// What could not be used so far.
    #[must_use]
    pub fn errors(&self) -> DecodeErrors {
        self.errors
    }

    /// Decodes `bytes`, which may begin and end anywhere in a message, and hands over what is complete, in
    /// order.
    pub fn feed(&mut self, bytes: &[u8], mut sink: impl FnMut(Received<'_>)) {
        for byte in bytes {
            match byte {
                0xF8..=0xFF => self.real_time(*byte, &mut sink),
                0x80..=0xF7 => self.status(*byte, &mut sink),
                0x00..=0x7F => self.data(*byte, &mut sink),
            }
        }
    }

    /// Forgets a message that is half here, as after a reconnection.
    pub fn reset(&mut self) {
        self.abort();
        self.running = None;
        self.state = State::Idle;
    }

    fn abort(&mut self) {
        if self.first_data.take().is_some() || self.state != State::Idle {
            self.errors.cut_off += u64::from(self.state != State::SysexTooLong);
        }
        self.sysex.clear();
    }

    fn real_time(&mut self, byte: u8, sink: &mut impl FnMut(Received<'_>)) {
        sink(Received::Message(match byte {
            0xF8 => Message::Clock,
            0xFA => Message::Start,
            0xFB => Message::Continue,
            0xFC => Message::Stop,
            0xFE => Message::ActiveSensing,
            0xFF => Message::Reset,
            _ => {
                self.errors.undefined += 1;
                return;
            }
        }));
    }

    fn status(&mut self, byte: u8, sink: &mut impl FnMut(Received<'_>)) {
        if byte == 0xF7 && matches!(self.state, State::Sysex | State::SysexTooLong) {
            if self.state == State::Sysex {
                self.sysex.push(byte);
                sink(Received::Sysex(&self.sysex));
            }
            self.sysex.clear();
            self.state = State::Idle;
            return;
        }
        self.abort();
        self.state = State::Idle;
        self.running = None;
        match byte {
            0x80..=0xEF => self.running = Some(byte),
            0xF0 => {
                self.sysex.push(byte);
                self.state = State::Sysex;
            }
            0xF1..=0xF3 => self.state = State::Common(byte),
            0xF6 => sink(Received::Message(Message::TuneRequest)),
            // An F7 that ends nothing is as undefined as F4 and F5.
            _ => self.errors.undefined += 1,
        }
    }

    fn data(&mut self, byte: u8, sink: &mut impl FnMut(Received<'_>)) {
        let status = match self.state {
            State::SysexTooLong => return,
            State::Sysex => {
                if self.sysex.len() + 1 < SYSEX_BYTES_MAX {
                    self.sysex.push(byte);
                } else {
                    self.errors.too_long += 1;
                    self.sysex.clear();
                    self.state = State::SysexTooLong;
                }
                return;
            }
            State::Common(status) => status,
            State::Idle => match self.running {
                Some(status) => status,
                None => {
                    self.errors.stray_bytes += 1;
                    return;
                }
            },
        };
        let message = if matches!(status, 0xC0..=0xDF | 0xF1 | 0xF3) {
            one_data_byte(status, byte)
        } else {
            let Some(first) = self.first_data.take() else {
                self.first_data = Some(byte);
                return;
            };
            two_data_bytes(status, first, byte)
        };
        self.state = State::Idle;
        sink(Received::Message(message));
    }
}

fn one_data_byte(status: u8, data: u8) -> Message {
    let channel = Channel::from_wire(status);
    match status & 0xF0 {
        0xC0 => Message::ProgramChange { channel, program: data },
        0xD0 => Message::ChannelPressure { channel, pressure: data },
        _ if status == 0xF1 => Message::TimeCode(data),
        _ => Message::SongSelect(data),
    }
}

fn two_data_bytes(status: u8, first: u8, second: u8) -> Message {
    let channel = Channel::from_wire(status);
    let fourteen = u16::from(first) | u16::from(second) << 7;
    match status & 0xF0 {
        0x80 => Message::NoteOff { channel, note: first, velocity: second },
        // The specification's default release velocity, for senders that have none.
        0x90 if second == 0 => Message::NoteOff { channel, note: first, velocity: 64 },
        0x90 => Message::NoteOn { channel, note: first, velocity: second },
        0xA0 => Message::PolyPressure { channel, note: first, pressure: second },
        0xB0 => Message::ControlChange { channel, controller: first, value: second },
        0xE0 => Message::PitchBend { channel, value: fourteen },
        _ => Message::SongPosition(fourteen),
    }
}

#[cfg(test)]
mod tests {
    use super::{DecodeErrors, Decoder, SYSEX_BYTES_MAX};
    use crate::midi::{Message, Received};
    use proptest::prelude::*;

    fn decode(chunks: &[&[u8]]) -> (Vec<String>, DecodeErrors) {
        let mut decoder = Decoder::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            decoder.feed(chunk, |received| {
                seen.push(match received {
                    Received::Message(message) => message.to_string(),
                    Received::Sysex(bytes) => format!("sysex {bytes:02X?}"),
                });
            });
        }
        (seen, decoder.errors())
    }

    #[test]
    fn running_status_and_velocity_zero() {
        let (seen, errors) = decode(&[&[0x90, 60, 100, 60, 0, 62], &[1]]);
        assert_eq!(
            seen,
            ["note on C4 ch 1 velocity 100", "note off C4 ch 1 velocity 64", "note on D4 ch 1 velocity 1"]
        );
        assert_eq!(errors.total(), 0);
    }

    #[test]
    fn real_time_may_stand_anywhere() {
        let (seen, errors) = decode(&[&[0xF0, 1, 0xF8, 2, 0xF7, 0xB0, 7, 0xFE, 99]]);
        assert_eq!(seen, ["clock", "sysex [F0, 01, 02, F7]", "active sensing", "cc 7 ch 1 value 99"]);
        assert_eq!(errors.total(), 0);
    }

    #[test]
    fn a_status_byte_ends_an_unfinished_sysex() {
        let (seen, errors) = decode(&[&[0xF0, 1, 2, 3, 0x90, 60, 1]]);
        assert_eq!(seen, ["note on C4 ch 1 velocity 1"]);
        assert_eq!(errors.cut_off, 1);
    }

    #[test]
    fn a_megabyte_of_sysex_is_one_error_and_the_next_message_is_heard() {
        let long = vec![1; 1 << 20];
        let (seen, errors) = decode(&[&[0xF0], &long, &[0xF7, 0xC3, 5]]);
        assert_eq!(seen, ["program 5 ch 4"]);
        assert_eq!(errors, DecodeErrors { too_long: 1, ..DecodeErrors::default() });
        let fits = vec![1; SYSEX_BYTES_MAX - 2];
        assert_eq!(decode(&[&[0xF0], &fits, &[0xF7]]).0.len(), 1);
    }

    #[test]
    fn stray_and_undefined_bytes_are_counted() {
        let (seen, errors) = decode(&[&[1, 2, 0xF4, 3, 0xF9, 0xF7]]);
        assert!(seen.is_empty());
        assert_eq!(errors, DecodeErrors { stray_bytes: 3, undefined: 3, ..DecodeErrors::default() });
    }

    proptest! {
        #[test]
        fn every_message_reads_back_however_it_is_cut(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..200) {
            let whole = decode(&[&bytes]);
            let cut = cut.min(bytes.len());
            prop_assert_eq!(&decode(&[&bytes[..cut], &bytes[cut..]]), &whole);
            let mut decoder = Decoder::default();
            let mut messages: Vec<Message> = Vec::new();
            decoder.feed(&bytes, |received| if let Received::Message(message) = received { messages.push(message) });
            for message in messages {
                let (encoded, length) = message.encode();
                let mut again = None;
                Decoder::default().feed(&encoded[..length], |received| if let Received::Message(message) = received { again = Some(message) });
                prop_assert_eq!(again, Some(message));
            }
        }
    }
}
