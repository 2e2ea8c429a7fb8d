//! MIDI: messages, the decoder, names of notes, patterns on System Exclusive.

mod decoder;
mod message;
pub mod note;
mod sysex;

pub use decoder::{DecodeErrors, Decoder, SYSEX_BYTES_MAX};
pub use message::{Channel, Message, Received};
pub use sysex::{SysexPattern, SysexPatternError};
