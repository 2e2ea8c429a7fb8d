//! Any bytes on a MIDI cable: the decoder finds the same messages however the stream is cut into pieces, every message
//! survives encoding and decoding, and every System Exclusive is whole.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padgate_core::midi::{Decoder, Message, Received, SYSEX_BYTES_MAX};

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let whole = decode(bytes, bytes.len().max(1));
    assert_eq!(decode(bytes, usize::from(piece).max(1)), whole);
    for (message, sysex) in whole.0 {
        match message {
            Some(message) => {
                let (encoded, length) = message.encode();
                assert_eq!(decode(&encoded[..length], length).0, [(Some(message), Vec::new())]);
            }
            None => {
                assert!(sysex.len() <= SYSEX_BYTES_MAX);
                assert_eq!((sysex.first(), sysex.last()), (Some(&0xF0), Some(&0xF7)));
                assert!(sysex[1..sysex.len() - 1].iter().all(|byte| *byte < 0x80));
            }
        }
    }
});

/// What the decoder finds in `bytes`, fed `piece` bytes at a time, and how many errors it counts.
fn decode(bytes: &[u8], piece: usize) -> (Vec<(Option<Message>, Vec<u8>)>, u64) {
    let mut decoder = Decoder::default();
    let mut found = Vec::new();
    for piece in bytes.chunks(piece) {
        decoder.feed(piece, |received| {
            found.push(match received {
                Received::Message(message) => (Some(message), Vec::new()),
                Received::Sysex(bytes) => (None, bytes.to_vec()),
            });
        });
    }
    (found, decoder.errors().total())
}
