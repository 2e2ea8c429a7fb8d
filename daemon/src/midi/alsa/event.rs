//! Sequencer events as MIDI bytes, and MIDI bytes as sequencer events.
//!
//! Events are read as the kernel writes them (`struct snd_seq_event` in its `sound/asequencer.h`): records of 28 bytes,
//! and after those of variable length their data, padded to a multiple of 28. Reading them so costs one system call for
//! many, and nothing per event until it is handed on; `input` says why that matters. Nothing here allocates.

use alsa::seq::{Connect, EvCtrl, EvNote, EvQueueControl, Event, EventType};

/// Size of one record.
pub(super) const RECORD_BYTES: usize = 28;
/// The most bytes that an event other than System Exclusive becomes: four control changes.
const EVENT_BYTES_MAX: usize = 12;
/// Where a record says how long its data are: the two lowest bits of its flags.
const FLAGS: usize = 1;
const LENGTH_MASK: u8 = 0b1100;
const LENGTH_VARIABLE: u8 = 0b0100;
/// Where what is particular to the type begins.
const DATA: usize = 16;
/// The upper two bits of a length are flags of the kernel.
const EXTENT_MASK: u32 = 0x3FFF_FFFF;

/// Where the bend wheel rests; ALSA counts from there.
const BEND_CENTRE: i64 = 8192;

/// What one record means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning<'a> {
    /// One or several messages.
    Midi([u8; EVENT_BYTES_MAX], usize),
    /// A piece of a System Exclusive.
    Sysex(&'a [u8]),
    /// A sender is no longer connected to us.
    SenderLeft,
    /// Nothing that concerns MIDI.
    Nothing,
}

/// The first record's meaning, and how many bytes it takes with its data. `None` if it is not all there, which the kernel
/// does not do.
pub(super) fn parse(bytes: &[u8]) -> Option<(Meaning<'_>, usize)> {
    let record = bytes.first_chunk::<RECORD_BYTES>()?;
    let word = |at: usize| [0, 1, 2, 3].map(|index| record[DATA + at + index]);
    let event_type = record[0];
    if record[FLAGS] & LENGTH_MASK == LENGTH_VARIABLE {
        let length = (u32::from_ne_bytes(word(0)) & EXTENT_MASK) as usize;
        let data = bytes.get(RECORD_BYTES..)?.get(..length)?;
        let size = RECORD_BYTES + length.div_ceil(RECORD_BYTES) * RECORD_BYTES;
        let is_sysex = event_type == EventType::Sysex as u8;
        return Some((if is_sysex { Meaning::Sysex(data) } else { Meaning::Nothing }, size.min(bytes.len())));
    }
    if event_type == EventType::PortUnsubscribed as u8 {
        return Some((Meaning::SenderLeft, RECORD_BYTES));
    }
    let (midi, length) =
        to_midi(event_type, word(0), u32::from_ne_bytes(word(4)), i32::from_ne_bytes(word(8)));
    let meaning = if length == 0 { Meaning::Nothing } else { Meaning::Midi(midi, length) };
    Some((meaning, RECORD_BYTES))
}

/// The bytes of an event, and how many of them count: none for what is no MIDI. `head` is channel, note, velocity for a
/// note; any program can send events, so numbers that MIDI does not have are cut to size.
fn to_midi(event_type: u8, head: [u8; 4], parameter: u32, value: i32) -> ([u8; EVENT_BYTES_MAX], usize) {
    const NOTE_ON: u8 = EventType::Noteon as u8;
    const NOTE_OFF: u8 = EventType::Noteoff as u8;
    const KEY_PRESSURE: u8 = EventType::Keypress as u8;
    const TUNE_REQUEST: u8 = EventType::TuneRequest as u8;
    const CLOCK: u8 = EventType::Clock as u8;
    const START: u8 = EventType::Start as u8;
    const CONTINUE: u8 = EventType::Continue as u8;
    const STOP: u8 = EventType::Stop as u8;
    const SENSING: u8 = EventType::Sensing as u8;
    const RESET: u8 = EventType::Reset as u8;
    let mut bytes = [0; EVENT_BYTES_MAX];
    let mut length = 0;
    let mut put = |message: &[u8]| {
        bytes[length..length + message.len()].copy_from_slice(message);
        length += message.len();
    };
    let [channel, note, velocity, _] = head.map(|byte| byte & 0x7F);
    let channel = channel & 0x0F;
    match event_type {
        NOTE_ON => put(&[0x90 | channel, note, velocity]),
        NOTE_OFF => put(&[0x80 | channel, note, velocity]),
        KEY_PRESSURE => put(&[0xA0 | channel, note, velocity]),
        TUNE_REQUEST => put(&[0xF6]),
        CLOCK => put(&[0xF8]),
        START => put(&[0xFA]),
        CONTINUE => put(&[0xFB]),
        STOP => put(&[0xFC]),
        SENSING => put(&[0xFE]),
        RESET => put(&[0xFF]),
        _ => control(event_type, channel, parameter.into(), value.into(), put),
    }
    (bytes, length)
}

/// The bytes of an event that carries a parameter and a value.
fn control(event_type: u8, channel: u8, parameter: i64, value: i64, mut put: impl FnMut(&[u8])) {
    const CONTROLLER: u8 = EventType::Controller as u8;
    const CONTROLLER_14: u8 = EventType::Control14 as u8;
    const UNREGISTERED: u8 = EventType::Nonregparam as u8;
    const REGISTERED: u8 = EventType::Regparam as u8;
    const PROGRAM: u8 = EventType::Pgmchange as u8;
    const PRESSURE: u8 = EventType::Chanpress as u8;
    const BEND: u8 = EventType::Pitchbend as u8;
    const SONG_POSITION: u8 = EventType::Songpos as u8;
    const SONG: u8 = EventType::Songsel as u8;
    const TIME_CODE: u8 = EventType::Qframe as u8;
    let seven = |value: i64| (value & 0x7F) as u8;
    let change = 0xB0 | channel;
    match event_type {
        CONTROLLER_14 if parameter < 32 => {
            put(&[change, seven(parameter), seven(value >> 7)]);
            put(&[change, seven(parameter + 32), seven(value)]);
        }
        CONTROLLER | CONTROLLER_14 => put(&[change, seven(parameter), seven(value)]),
        UNREGISTERED | REGISTERED => {
            let (high, low) = if event_type == UNREGISTERED { (99, 98) } else { (101, 100) };
            put(&[change, high, seven(parameter >> 7)]);
            put(&[change, low, seven(parameter)]);
            put(&[change, 6, seven(value >> 7)]);
            put(&[change, 38, seven(value)]);
        }
        PROGRAM => put(&[0xC0 | channel, seven(value)]),
        PRESSURE => put(&[0xD0 | channel, seven(value)]),
        BEND => {
            let value = (value + BEND_CENTRE).clamp(0, 16383);
            put(&[0xE0 | channel, seven(value), seven(value >> 7)]);
        }
        SONG_POSITION => put(&[0xF2, seven(value), seven(value >> 7)]),
        SONG => put(&[0xF3, seven(value)]),
        TIME_CODE => put(&[0xF1, seven(value)]),
        _ => {}
    }
}

/// Appends an event that the library has read to records that the kernel wrote, as if it were one of them.
pub(super) fn append_record(event: &Event<'_>, records: &mut Vec<u8>) {
    let mut record = [0; RECORD_BYTES];
    record[0] = event.get_type() as u8;
    let mut put = |at: usize, bytes: &[u8]| record[DATA + at..][..bytes.len()].copy_from_slice(bytes);
    if let Some(note) = event.get_data::<EvNote>() {
        put(0, &[note.channel, note.note, note.velocity, note.off_velocity]);
    } else if let Some(control) = event.get_data::<EvCtrl>() {
        put(0, &[control.channel]);
        put(4, &control.param.to_ne_bytes());
        put(8, &control.value.to_ne_bytes());
    } else if let Some(connect) = event.get_data::<Connect>() {
        put(0, &[connect.sender.client as u8, connect.sender.port as u8]);
    } else if let Some(piece) = event.get_ext() {
        put(0, &(piece.len() as u32 & EXTENT_MASK).to_ne_bytes());
        record[FLAGS] = LENGTH_VARIABLE;
        records.extend_from_slice(&record);
        records.extend_from_slice(piece);
        records.resize(records.len().next_multiple_of(RECORD_BYTES), 0);
        return;
    }
    records.extend_from_slice(&record);
}

/// The event for one complete message that is no System Exclusive; `None` for bytes that are none.
pub(super) fn from_bytes(bytes: &[u8]) -> Option<Event<'static>> {
    let (status, first, second) = match *bytes {
        [status, first, second] => (status, first, second),
        [status, first] => (status, first, 0),
        [status] => (status, 0, 0),
        _ => return None,
    };
    let channel = status & 0x0F;
    let fourteen = i32::from(first) | i32::from(second) << 7;
    let note = EvNote { channel, note: first, velocity: second, off_velocity: 0, duration: 0 };
    let control = |param: u8, value: i32| EvCtrl { channel, param: u32::from(param), value };
    let plain = EvQueueControl { queue: 0, value: () };
    Some(match status {
        0x80..=0x8F => Event::new(EventType::Noteoff, &note),
        0x90..=0x9F => Event::new(EventType::Noteon, &note),
        0xA0..=0xAF => Event::new(EventType::Keypress, &note),
        0xB0..=0xBF => Event::new(EventType::Controller, &control(first, second.into())),
        0xC0..=0xCF => Event::new(EventType::Pgmchange, &control(0, first.into())),
        0xD0..=0xDF => Event::new(EventType::Chanpress, &control(0, first.into())),
        0xE0..=0xEF => Event::new(EventType::Pitchbend, &control(0, fourteen - BEND_CENTRE as i32)),
        0xF1 => Event::new(EventType::Qframe, &control(0, first.into())),
        0xF2 => Event::new(EventType::Songpos, &control(0, fourteen)),
        0xF3 => Event::new(EventType::Songsel, &control(0, first.into())),
        0xF6 => Event::new(EventType::TuneRequest, &()),
        0xF8 => Event::new(EventType::Clock, &plain),
        0xFA => Event::new(EventType::Start, &plain),
        0xFB => Event::new(EventType::Continue, &plain),
        0xFC => Event::new(EventType::Stop, &plain),
        0xFE => Event::new(EventType::Sensing, &()),
        0xFF => Event::new(EventType::Reset, &()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use alsa::seq::{Addr, Connect, EvCtrl, EvNote, Event, EventType};
    use proptest::prelude::{any, prop, proptest};

    use super::{LENGTH_VARIABLE, Meaning, RECORD_BYTES, append_record, from_bytes, parse};

    fn bytes(event: &Event<'_>) -> Vec<u8> {
        let mut records = Vec::new();
        append_record(event, &mut records);
        let (meaning, size) = parse(&records).unwrap();
        assert_eq!(size, records.len());
        match meaning {
            Meaning::Midi(bytes, length) => bytes[..length].to_vec(),
            Meaning::Sysex(piece) => piece.to_vec(),
            Meaning::SenderLeft | Meaning::Nothing => Vec::new(),
        }
    }

    #[test]
    fn every_message_reads_back() {
        let data = [0u8, 1, 64, 127];
        for status in 0x80..=0xFFu8 {
            let length = match status {
                0xC0..=0xDF | 0xF1 | 0xF3 => 2,
                0x80..=0xEF | 0xF2 => 3,
                _ => 1,
            };
            for first in data {
                for second in data {
                    let message = &[status, first, second][..length];
                    match from_bytes(message) {
                        Some(event) => assert_eq!(bytes(&event), message),
                        None => assert!(
                            matches!(status, 0xF0 | 0xF4 | 0xF5 | 0xF7 | 0xF9 | 0xFD),
                            "{message:02X?}"
                        ),
                    }
                }
            }
        }
        assert!(from_bytes(&[]).is_none());
        assert!(from_bytes(&[0x90, 1, 2, 3]).is_none());
    }

    #[test]
    fn records_follow_each_other_and_the_data_of_a_sysex_are_padded() {
        let mut records = Vec::new();
        for length in [0, 1, 28, 29, 256] {
            append_record(&Event::new_ext(EventType::Sysex, vec![7; length]), &mut records);
        }
        let connect = Connect { sender: Addr { client: 20, port: 0 }, dest: Addr { client: 128, port: 0 } };
        append_record(&Event::new(EventType::PortSubscribed, &connect), &mut records);
        append_record(&Event::new(EventType::PortUnsubscribed, &connect), &mut records);
        let mut rest = &records[..];
        let mut lengths = Vec::new();
        while let Some((Meaning::Sysex(piece), size)) = parse(rest) {
            assert!(piece.iter().all(|byte| *byte == 7));
            lengths.push(piece.len());
            rest = &rest[size..];
        }
        assert_eq!(lengths, [0, 1, 28, 29, 256]);
        assert_eq!(parse(rest), Some((Meaning::Nothing, RECORD_BYTES)));
        assert_eq!(parse(&rest[RECORD_BYTES..]), Some((Meaning::SenderLeft, RECORD_BYTES)));
        assert_eq!(parse(&rest[2 * RECORD_BYTES..]), None);
    }

    #[test]
    fn combined_controllers_become_the_messages_that_they_stand_for() {
        let event = |event_type, param, value| Event::new(event_type, &EvCtrl { channel: 2, param, value });
        assert_eq!(bytes(&event(EventType::Control14, 7, (100 << 7) | 5)), [0xB2, 7, 100, 0xB2, 39, 5]);
        assert_eq!(bytes(&event(EventType::Control14, 64, 127)), [0xB2, 64, 127]);
        assert_eq!(
            bytes(&event(EventType::Nonregparam, (1 << 7) | 2, (3 << 7) | 4)),
            [0xB2, 99, 1, 0xB2, 98, 2, 0xB2, 6, 3, 0xB2, 38, 4]
        );
    }

    #[test]
    fn numbers_that_midi_does_not_have_are_cut_to_size() {
        let note = EvNote { channel: 200, note: 255, velocity: 255, off_velocity: 0, duration: 0 };
        assert_eq!(bytes(&Event::new(EventType::Noteon, &note)), [0x98, 127, 127]);
        for value in [i32::MIN, -1, i32::MAX] {
            for event_type in [EventType::Pitchbend, EventType::Songpos, EventType::Regparam] {
                let event = Event::new(event_type, &EvCtrl { channel: 255, param: u32::MAX, value });
                assert!(bytes(&event).chunks(3).all(|message| message[1..].iter().all(|byte| *byte < 0x80)));
            }
        }
    }

    proptest! {
        /// Whatever the kernel were to write, it is read to its end, and what comes of it is MIDI.
        #[test]
        fn any_bytes_are_read_without_harm(mut bytes in prop::collection::vec(any::<u8>(), 0..300), variable in any::<bool>()) {
            if let Some(flags) = bytes.get_mut(1).filter(|_| variable) {
                *flags = LENGTH_VARIABLE;
            }
            let mut rest = &bytes[..];
            while let Some((meaning, size)) = parse(rest) {
                assert!(size >= RECORD_BYTES);
                if let Meaning::Midi(midi, length) = meaning {
                    assert!(midi[0] >= 0x80 && length <= midi.len());
                }
                rest = &rest[size..];
            }
        }
    }
}
