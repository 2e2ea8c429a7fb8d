//! The frames of the link: a header of 32 bytes, and a payload of at most [`PAYLOAD_BYTES_MAX`].
//!
//! | kind | from | number | handle | status | payload |
//! |---|---|---|---|---|---|
//! | `Assign` | daemon | | | | [`crate::assignment::Assignment`]; the first frame |
//! | `Prepare` | daemon | yes | which | | action and parameters (two texts) |
//! | `Forget` | daemon | | which | | |
//! | `Call` | daemon | yes | which | | `PadgateContext`, 64 bytes |
//! | `Event` | daemon | | kind | | time (u64), data, device |
//! | `Answer` | daemon | of the `Ask` | | yes | [`crate::ask::Answer`]; a descriptor may come with it |
//! | `Ping` | daemon | yes | | | |
//! | `Save` | daemon | yes | | | |
//! | `Stop` | daemon | | | | `destroy`, then the host exits with 0 |
//! | `Confined` | host | | | | [`crate::confinement::Confinement`]; sent before any code of the plugin runs |
//! | `Ready` | host | | | | name and version that the library says (two texts) |
//! | `Unfit` | host | | | | a text: why the plugin can't be run; the host exits |
//! | `Prepared` | host | of the `Prepare` | which | yes | a text, on failure |
//! | `Result` | host | of the `Call` | which | yes | a text, on failure |
//! | `Ask` | host | yes | | | [`crate::ask::Ask`] |
//! | `Log` | host | | level | | a text |
//! | `Pong` | host | of the `Ping` | | | |
//! | `State` | host | of the `Save` | | yes | the state; a text, on failure |
//!
//! One `Call` is under way at a time. While it is, the host can ask, and is answered.

use crate::wire::WireError;

/// The size of a header, in bytes.
pub const HEADER_BYTES: usize = 32;
/// The largest payload, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 60 * 1024;
/// The largest frame, in bytes.
pub const FRAME_BYTES_MAX: usize = HEADER_BYTES + PAYLOAD_BYTES_MAX;
/// The first two bytes of every frame.
const MAGIC: [u8; 2] = *b"Pg";

macro_rules! kinds {
    ($($(#[$docs:meta])* $kind:ident = $number:literal,)*) => {
        /// What a frame is.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u16)]
        pub enum Kind {
            $($(#[$docs])* $kind = $number,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Kind] = &[$(Kind::$kind,)*];
        }
    };
}

// The table of the module's documentation, with its numbers.
kinds! {
    /// What the host is to run, and how confined.
    Assign = 1,
    /// Take parameters.
    Prepare = 2,
    /// Forget parameters.
    Forget = 3,
    /// Execute.
    Call = 4,
    /// Something happened.
    Event = 5,
    /// The answer to an `Ask`.
    Answer = 6,
    /// Are you there?
    Ping = 7,
    /// Give me your state.
    Save = 8,
    /// End.
    Stop = 9,
    /// This is how I am confined.
    Confined = 32,
    /// The plugin can be called.
    Ready = 33,
    /// The plugin can't be run.
    Unfit = 34,
    /// Parameters were taken, or not.
    Prepared = 35,
    /// A call ended.
    Result = 36,
    /// The plugin asks for something.
    Ask = 37,
    /// A line for the log.
    Log = 38,
    /// I am here.
    Pong = 39,
    /// This is my state.
    State = 40,
}

/// A frame's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// What it is.
    pub kind: Kind,
    /// Ties an answer to its question. Numbers are chosen by whoever asks; the two directions don't share them.
    pub number: u32,
    /// What it is about; see the table of the module.
    pub handle: u32,
    /// How something ended: a `PadgateStatus`.
    pub status: i32,
    /// The generation of the host. The daemon ignores a frame of another generation than the host's.
    pub generation: u32,
}

impl Header {
    /// A header with nothing but a kind.
    #[must_use]
    pub fn new(kind: Kind, generation: u32) -> Header {
        Header { kind, number: 0, handle: 0, status: 0, generation }
    }

    /// The header's bytes, for a payload of this length.
    ///
    /// # Errors
    ///
    /// If the payload is too large.
    pub fn encode(&self, payload_length: usize) -> Result<[u8; HEADER_BYTES], WireError> {
        if payload_length > PAYLOAD_BYTES_MAX {
            return Err(WireError::TooLarge(payload_length, PAYLOAD_BYTES_MAX));
        }
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..2].copy_from_slice(&MAGIC);
        bytes[2..4].copy_from_slice(&(self.kind as u16).to_le_bytes());
        bytes[4..8].copy_from_slice(&self.number.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.handle.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.status.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.generation.to_le_bytes());
        bytes[20..24].copy_from_slice(&(payload_length as u32).to_le_bytes());
        Ok(bytes)
    }
}

/// Takes a received datagram apart.
///
/// # Errors
///
/// If it is no frame: too short, another beginning, an unknown kind, a length that is not its payload's, or anything
/// in the bytes that must be zero.
pub fn decode(datagram: &[u8]) -> Result<(Header, &[u8]), WireError> {
    let (header, payload) = datagram.split_at_checked(HEADER_BYTES).ok_or(WireError::Short)?;
    let u16_at = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    let u32_at = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if header[0..2] != MAGIC {
        return Err(WireError::Unknown("frame's beginning", u32::from(u16_at(0))));
    }
    let kind = u16_at(2);
    let kind = *Kind::ALL
        .iter()
        .find(|known| **known as u16 == kind)
        .ok_or(WireError::Unknown("frame's kind", u32::from(kind)))?;
    let length = u32_at(20) as usize;
    if length > payload.len() {
        return Err(WireError::Short);
    }
    if length < payload.len() {
        return Err(WireError::Long(payload.len() - length));
    }
    if header[24..].iter().any(|byte| *byte != 0) {
        return Err(WireError::Unknown("frame's reserved part", u32_at(24)));
    }
    let header = Header {
        kind,
        number: u32_at(4),
        handle: u32_at(8),
        status: u32_at(12) as i32,
        generation: u32_at(16),
    };
    Ok((header, payload))
}

#[cfg(test)]
mod tests {
    use super::{HEADER_BYTES, Header, Kind, PAYLOAD_BYTES_MAX, decode};

    #[test]
    fn every_kind_reads_back() {
        for kind in Kind::ALL {
            let header = Header { kind: *kind, number: 7, handle: 3, status: -100, generation: 9 };
            let mut frame = header.encode(2).unwrap().to_vec();
            frame.extend([1, 2]);
            assert_eq!(decode(&frame), Ok((header, &[1, 2][..])));
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let frame = Header::new(Kind::Ready, 1).encode(0).unwrap();
        assert!(decode(&frame).is_ok());
        for length in 0..HEADER_BYTES {
            assert!(decode(&frame[..length]).is_err(), "{length} bytes");
        }
        for (at, value) in [(0, b'x'), (2, 99), (20, 1), (31, 1)] {
            let mut wrong = frame;
            wrong[at] = value;
            assert!(decode(&wrong).is_err(), "byte {at}");
        }
        let mut long = frame.to_vec();
        long.push(0);
        assert!(decode(&long).is_err());
        assert!(Header::new(Kind::Log, 1).encode(PAYLOAD_BYTES_MAX + 1).is_err());
    }
}
