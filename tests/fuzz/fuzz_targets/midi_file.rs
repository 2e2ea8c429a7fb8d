//! Any bytes as a MIDI file, or as the one track of a file: it is refused, or plays to its end, at full speed, with every
//! note let go of.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padgate_core::midi::{Message, Received};
use padgated::ipc::Cancel;
use padgated::play::Performance;

fuzz_target!(|bytes: &[u8]| {
    play(bytes);
    let length = u32::try_from(bytes.len()).expect("inputs are short").to_be_bytes();
    play(&[b"MThd\0\0\0\x06\0\0\0\x01\x01\xE0MTrk", &length[..], bytes].concat());
});

fn play(file: &[u8]) {
    let Ok(performance) = Performance::parse(file) else { return };
    let mut down = std::collections::BTreeSet::new();
    let mut heard = 0;
    let mut sink = |received: Received<'_>| {
        heard += 1;
        match received {
            Received::Message(Message::NoteOn { channel, note, .. }) => drop(down.insert((channel, note))),
            Received::Message(Message::NoteOff { channel, note, .. }) => drop(down.remove(&(channel, note))),
            _ => {}
        }
    };
    let played = performance.play(false, &Cancel::default(), &mut sink, &mut |_, _| {});
    assert!(!played.cancelled && played.played <= performance.len());
    assert!(down.is_empty(), "held at the end: {down:?}");
}
