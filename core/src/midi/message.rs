//! MIDI 1.0 messages, decoded: what the wire says, in the terms of the specification.
//!
//! Source: *MIDI 1.0 Detailed Specification*, table 1 (status bytes). System Exclusive is not here,
//! because it has no bound; see [`Received`].

use std::fmt;

/// A MIDI channel, 0 to 15 as on the wire. People see 1 to 16.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Channel(u8);

impl Channel {
    /// The channel with this wire number; bits above the lower four are dropped.
    #[must_use]
    pub const fn from_wire(number: u8) -> Channel {
        Channel(number & 0x0F)
    }

    /// The channel that people call `number`, 1 to 16.
    #[must_use]
    pub const fn from_human(number: u8) -> Option<Channel> {
        match number {
            1..=16 => Some(Channel(number - 1)),
            _ => None,
        }
    }

    /// 0 to 15.
    #[must_use]
    pub const fn wire(self) -> u8 {
        self.0
    }

    /// 1 to 16.
    #[must_use]
    pub const fn human(self) -> u8 {
        self.0 + 1
    }
}

/// One MIDI message without a payload of its own. Data bytes are 0 to 127 unless stated otherwise.
#[allow(missing_docs, reason = "the fields are named as in the specification")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Message {
    /// A key was released. A note-on with velocity 0 is decoded to this, with velocity 64.
    NoteOff { channel: Channel, note: u8, velocity: u8 },
    /// A key was struck; velocity 1 to 127.
    NoteOn { channel: Channel, note: u8, velocity: u8 },
    /// Pressure on one key after it was struck.
    PolyPressure { channel: Channel, note: u8, pressure: u8 },
    /// A controller moved. Controllers 120 to 127 are channel mode messages.
    ControlChange { channel: Channel, controller: u8, value: u8 },
    /// Another program (patch) was chosen.
    ProgramChange { channel: Channel, program: u8 },
    /// Pressure on the whole keyboard.
    ChannelPressure { channel: Channel, pressure: u8 },
    /// The bend wheel: 0 to 16383, at rest at 8192.
    PitchBend { channel: Channel, value: u16 },
    /// MIDI time code quarter frame.
    TimeCode(u8),
    /// Song position in sixteenth notes, 0 to 16383.
    SongPosition(u16),
    /// Song select.
    SongSelect(u8),
    /// Tune request.
    TuneRequest,
    /// Timing clock, 24 per quarter note.
    Clock,
    /// Start from the beginning.
    Start,
    /// Continue from where it stopped.
    Continue,
    /// Stop.
    Stop,
    /// Active sensing.
    ActiveSensing,
    /// System reset.
    Reset,
}

/// One thing that a decoder found: a message or a whole System Exclusive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received<'a> {
    /// Anything but System Exclusive.
    Message(Message),
    /// A System Exclusive with its `F0` and `F7`, without real-time bytes that were inside it.
    Sysex(&'a [u8]),
}

impl Message {
    /// The bytes of the message, without running status, and how many of them count.
    #[must_use]
    pub fn encode(self) -> ([u8; 3], usize) {
        let seven = |value: u16| [(value & 0x7F) as u8, ((value >> 7) & 0x7F) as u8];
        match self {
            Message::NoteOff { channel, note, velocity } => ([0x80 | channel.0, note, velocity], 3),
            Message::NoteOn { channel, note, velocity } => ([0x90 | channel.0, note, velocity], 3),
            Message::PolyPressure { channel, note, pressure } => ([0xA0 | channel.0, note, pressure], 3),
            Message::ControlChange { channel, controller, value } => {
                ([0xB0 | channel.0, controller, value], 3)
            }
            Message::ProgramChange { channel, program } => ([0xC0 | channel.0, program, 0], 2),
            Message::ChannelPressure { channel, pressure } => ([0xD0 | channel.0, pressure, 0], 2),
            Message::PitchBend { channel, value } => {
                let [low, high] = seven(value);
                ([0xE0 | channel.0, low, high], 3)
            }
            Message::TimeCode(data) => ([0xF1, data, 0], 2),
            Message::SongPosition(position) => {
                let [low, high] = seven(position);
                ([0xF2, low, high], 3)
            }
            Message::SongSelect(song) => ([0xF3, song, 0], 2),
            Message::TuneRequest => ([0xF6, 0, 0], 1),
            Message::Clock => ([0xF8, 0, 0], 1),
            Message::Start => ([0xFA, 0, 0], 1),
            Message::Continue => ([0xFB, 0, 0], 1),
            Message::Stop => ([0xFC, 0, 0], 1),
            Message::ActiveSensing => ([0xFE, 0, 0], 1),
            Message::Reset => ([0xFF, 0, 0], 1),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use super::note::name;
        match *self {
            Message::NoteOff { channel, note, velocity } => {
                write!(f, "note off {} ch {} velocity {velocity}", name(note), channel.human())
            }
            Message::NoteOn { channel, note, velocity } => {
                write!(f, "note on {} ch {} velocity {velocity}", name(note), channel.human())
            }
            Message::PolyPressure { channel, note, pressure } => {
                write!(f, "pressure {} ch {} value {pressure}", name(note), channel.human())
            }
            Message::ControlChange { channel, controller, value } => {
                write!(f, "cc {controller} ch {} value {value}", channel.human())
            }
            Message::ProgramChange { channel, program } => {
                write!(f, "program {program} ch {}", channel.human())
            }
            Message::ChannelPressure { channel, pressure } => {
                write!(f, "channel pressure ch {} value {pressure}", channel.human())
            }
            Message::PitchBend { channel, value } => {
                write!(f, "pitch bend ch {} value {value}", channel.human())
            }
            Message::TimeCode(data) => write!(f, "time code {data}"),
            Message::SongPosition(position) => write!(f, "song position {position}"),
            Message::SongSelect(song) => write!(f, "song select {song}"),
            Message::TuneRequest => f.write_str("tune request"),
            Message::Clock => f.write_str("clock"),
            Message::Start => f.write_str("start"),
            Message::Continue => f.write_str("continue"),
            Message::Stop => f.write_str("stop"),
            Message::ActiveSensing => f.write_str("active sensing"),
            Message::Reset => f.write_str("reset"),
        }
    }
}
