//! Sequencer events as MIDI bytes, and MIDI bytes as sequencer events.
//!
//! ALSA's own converter (`snd_midi_event`) does the same, but its handle can't be shared between threads; and this
//! direction of travel never allocates.

use alsa::seq::{EvCtrl, EvNote, EvQueueControl, Event, EventType};

/// The most bytes that an event other than System Exclusive becomes: four control changes.
pub(super) const EVENT_BYTES_MAX: usize = 12;

/// Where the bend wheel rests; ALSA counts from there.
const BEND_CENTRE: i32 = 8192;

/// The bytes of an event, and how many of them count: none for what is no MIDI, and for System Exclusive, whose bytes
/// are in [`Event::get_ext`]. Any program can send events, so numbers that MIDI does not have are cut to size.
pub(super) fn to_bytes(event: &Event<'_>) -> ([u8; EVENT_BYTES_MAX], usize) {
    let mut bytes = [0; EVENT_BYTES_MAX];
    let mut length = 0;
    let mut put = |message: &[u8]| {
        bytes[length..length + message.len()].copy_from_slice(message);
        length += message.len();
    };
    let event_type = event.get_type();
    match event_type {
        EventType::Noteon | EventType::Noteoff | EventType::Keypress => {
            let note: EvNote = event.get_data().unwrap_or_default();
            let status = match event_type {
                EventType::Noteon => 0x90,
                EventType::Noteoff => 0x80,
                _ => 0xA0,
            };
            put(&[status | note.channel & 0x0F, note.note & 0x7F, note.velocity & 0x7F]);
        }
        EventType::Controller
        | EventType::Control14
        | EventType::Nonregparam
        | EventType::Regparam
        | EventType::Pgmchange
        | EventType::Chanpress
        | EventType::Pitchbend
        | EventType::Songpos
        | EventType::Songsel
        | EventType::Qframe => control(event_type, event.get_data().unwrap_or_default(), put),
        EventType::TuneRequest => put(&[0xF6]),
        EventType::Clock => put(&[0xF8]),
        EventType::Start => put(&[0xFA]),
        EventType::Continue => put(&[0xFB]),
        EventType::Stop => put(&[0xFC]),
        EventType::Sensing => put(&[0xFE]),
        EventType::Reset => put(&[0xFF]),
        _ => {}
    }
    (bytes, length)
}

/// The bytes of an event that carries a parameter and a value.
fn control(event_type: EventType, control: EvCtrl, mut put: impl FnMut(&[u8])) {
    let seven = |value: i64| (value & 0x7F) as u8;
    let (channel, parameter, value) =
        (control.channel & 0x0F, i64::from(control.param), i64::from(control.value));
    let change = 0xB0 | channel;
    match event_type {
        EventType::Controller => put(&[change, seven(parameter), seven(value)]),
        EventType::Control14 if (0..32).contains(&parameter) => {
            put(&[change, seven(parameter), seven(value >> 7)]);
            put(&[change, seven(parameter + 32), seven(value)]);
        }
        EventType::Control14 => put(&[change, seven(parameter), seven(value)]),
        EventType::Nonregparam | EventType::Regparam => {
            let (high, low) = if event_type == EventType::Nonregparam { (99, 98) } else { (101, 100) };
            put(&[change, high, seven(parameter >> 7)]);
            put(&[change, low, seven(parameter)]);
            put(&[change, 6, seven(value >> 7)]);
            put(&[change, 38, seven(value)]);
        }
        EventType::Pgmchange => put(&[0xC0 | channel, seven(value)]),
        EventType::Chanpress => put(&[0xD0 | channel, seven(value)]),
        EventType::Pitchbend => {
            let value = (value + i64::from(BEND_CENTRE)).clamp(0, 16383);
            put(&[0xE0 | channel, seven(value), seven(value >> 7)]);
        }
        EventType::Songpos => put(&[0xF2, seven(value), seven(value >> 7)]),
        EventType::Songsel => put(&[0xF3, seven(value)]),
        EventType::Qframe => put(&[0xF1, seven(value)]),
        _ => {}
    }
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
        0xE0..=0xEF => Event::new(EventType::Pitchbend, &control(0, fourteen - BEND_CENTRE)),
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
    use alsa::seq::{EvCtrl, EvNote, Event, EventType};

    use super::{from_bytes, to_bytes};

    fn bytes(event: &Event<'_>) -> Vec<u8> {
        let (bytes, length) = to_bytes(event);
        bytes[..length].to_vec()
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
    }

    #[test]
    fn the_length_of_a_message_that_its_status_does_not_have_is_none_of_the_converters_business() {
        assert!(from_bytes(&[]).is_none());
        assert!(from_bytes(&[0x90, 1, 2, 3]).is_none());
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
        assert!(bytes(&Event::new(EventType::PortStart, &alsa::seq::Addr { client: 1, port: 2 })).is_empty());
    }
}
