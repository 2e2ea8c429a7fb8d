//! What sounds because of plugins: the ledger of notes and pedals that went down and did not come up, and how messages
//! change it.
//!
//! A plugin can be killed between a note and its release. What is in the ledger is then released for it, except what
//! another plugin holds down as well.

use std::collections::BTreeMap;

use padgate_core::ids::DeviceId;
use padgate_core::midi::{Channel, Message};

use crate::plugins::part::PluginId;

/// How many releases of one note are sent at most. A note that was struck twice may sound twice; one that was struck a
/// thousand times is no music.
const STRUCK_MAX: u8 = 8;

/// Something that can be held down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Held {
    /// A note of a channel.
    Note(u8, u8),
    /// A pedal of a channel, by its controller: sustain or sostenuto.
    Pedal(u8, u8),
}

/// What a message does to what is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// This goes down.
    Down(Held),
    /// This comes up.
    Up(Held),
    /// All notes of the channel come up.
    NotesUp(u8),
}

impl Change {
    /// What one complete message does.
    pub(super) fn of(message: &[u8]) -> Change {
        let [status, first, second] = *message else { return Change::None };
        let channel = status & 0x0F;
        match (status & 0xF0, first, second) {
            (0x90, note, 1..) => Change::Down(Held::Note(channel, note)),
            (0x80, note, _) | (0x90, note, 0) => Change::Up(Held::Note(channel, note)),
            (0xB0, 64 | 66, 64..) => Change::Down(Held::Pedal(channel, first)),
            (0xB0, 64 | 66, _) => Change::Up(Held::Pedal(channel, first)),
            // All sound off, all notes off.
            (0xB0, 120 | 123, _) => Change::NotesUp(channel),
            _ => Change::None,
        }
    }

    /// Whether it lets something go. Such a message is never dropped.
    pub(super) fn is_release(self) -> bool {
        matches!(self, Change::Up(_) | Change::NotesUp(_))
    }
}

impl Held {
    /// The message that lets it go, and how many of its bytes count.
    pub(super) fn release(self) -> ([u8; 3], usize) {
        match self {
            Held::Note(channel, note) => {
                Message::NoteOff { channel: Channel::from_wire(channel), note, velocity: 64 }
            }
            Held::Pedal(channel, controller) => {
                Message::ControlChange { channel: Channel::from_wire(channel), controller, value: 0 }
            }
        }
        .encode()
    }
}

type Place = (PluginId, Option<DeviceId>, Held);

/// See the module. There are 128 notes and 2 pedals to a channel, which bounds it.
#[derive(Default)]
pub(super) struct Ledger {
    down: BTreeMap<Place, u8>,
}

impl Ledger {
    /// Whether this message would let go of something that the plugin holds.
    pub(super) fn lets_go(&self, plugin: PluginId, to: Option<DeviceId>, change: Change) -> bool {
        match change {
            Change::Up(held) => self.down.contains_key(&(plugin, to, held)),
            Change::NotesUp(channel) => self.down.keys().any(|place| is_note(place, plugin, to, channel)),
            Change::None | Change::Down(_) => false,
        }
    }

    /// The plugin sent a message that does this.
    pub(super) fn sent(&mut self, plugin: PluginId, to: Option<DeviceId>, change: Change) {
        match change {
            Change::None => {}
            Change::Down(held @ Held::Pedal(..)) => {
                self.down.insert((plugin, to, held), 1);
            }
            Change::Down(held) => {
                let count = self.down.entry((plugin, to, held)).or_default();
                *count = (*count + 1).min(STRUCK_MAX);
            }
            Change::Up(held) => {
                if let Some(count) = self.down.get_mut(&(plugin, to, held)) {
                    *count -= 1;
                    if *count == 0 {
                        self.down.remove(&(plugin, to, held));
                    }
                }
            }
            Change::NotesUp(channel) => self.down.retain(|place, _| !is_note(place, plugin, to, channel)),
        }
    }

    /// Takes out everything that the plugin holds, and returns what must be released, as often as it is returned.
    pub(super) fn end(&mut self, plugin: PluginId) -> Vec<(Option<DeviceId>, Held)> {
        let mine: Vec<(Place, u8)> = self
            .down
            .iter()
            .filter(|((owner, ..), _)| *owner == plugin)
            .map(|(place, count)| (*place, *count))
            .collect();
        self.down.retain(|(owner, ..), _| *owner != plugin);
        let mut releases = Vec::new();
        for ((_, to, held), count) in mine {
            if !self.down.keys().any(|(_, other, also)| (*other, *also) == (to, held)) {
                releases.extend((0..count).map(|_| (to, held)));
            }
        }
        releases
    }

    /// Who holds anything.
    pub(super) fn plugins(&self) -> Vec<PluginId> {
        let mut plugins: Vec<PluginId> = self.down.keys().map(|(plugin, ..)| *plugin).collect();
        plugins.dedup();
        plugins
    }
}

fn is_note(place: &Place, plugin: PluginId, to: Option<DeviceId>, channel: u8) -> bool {
    (place.0, place.1) == (plugin, to) && matches!(place.2, Held::Note(of, _) if of == channel)
}

/// What is wrong with bytes that are to be one complete message or System Exclusive.
pub(super) fn fault(message: &[u8]) -> Option<&'static str> {
    let Some((status, data)) = message.split_first() else { return Some("an empty message") };
    let wanted = match status {
        0x00..=0x7F => return Some("a message begins with a status byte, 80 to FF"),
        0xF0 => {
            let Some((0xF7, inner)) = data.split_last() else {
                return Some("a System Exclusive ends with F7: send all of it at once");
            };
            let fine = inner.iter().all(|byte| *byte < 0x80);
            return (!fine).then_some("inside a System Exclusive, bytes go up to 7F");
        }
        0xF4 | 0xF5 | 0xF7 | 0xF9 | 0xFD => return Some("no MIDI message begins so"),
        0xC0..=0xDF | 0xF1 | 0xF3 => 1,
        0xF6 | 0xF8..=0xFF => 0,
        _ => 2,
    };
    if data.iter().any(|byte| *byte >= 0x80) {
        return Some("data bytes go up to 7F: send one message at a time");
    }
    match data.len() {
        length if length < wanted => Some("the message is not complete"),
        length if length > wanted => Some("that is more than one message: send one at a time"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use padgate_core::midi::{Decoder, Received};
    use proptest::prelude::{any, proptest};

    use super::{Change, Held, Ledger, PluginId, fault};

    #[test]
    fn messages_are_looked_at_whole() {
        for good in [
            &[0x90, 60, 100][..],
            &[0xC0, 5],
            &[0xF8],
            &[0xF6],
            &[0xF2, 1, 2],
            &[0xF0, 0xF7],
            &[0xF0, 1, 2, 0xF7],
        ] {
            assert_eq!(fault(good), None, "{good:02X?}");
        }
        for bad in [
            &[][..],
            &[60, 100],
            &[0x90, 60],
            &[0x90, 60, 100, 62, 100],
            &[0x90, 60, 0x80],
            &[0xF0, 1, 2],
            &[0xF0, 0x90, 0xF7],
            &[0xF0],
            &[0xF7],
            &[0xF4],
            &[0xF8, 0xF8],
        ] {
            assert!(fault(bad).is_some(), "{bad:02X?}");
        }
    }

    proptest! {
        #[test]
        fn what_has_no_fault_is_one_message_to_a_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..6)) {
            let mut decoder = Decoder::default();
            let mut found = 0;
            decoder.feed(&bytes, |received| {
                found += 1;
                if let Received::Sysex(all) = received {
                    assert_eq!(all.len(), bytes.len());
                }
            });
            if fault(&bytes).is_none() {
                assert_eq!((found, decoder.errors().total()), (1, 0));
            }
        }
    }

    #[test]
    fn what_is_down_is_released_unless_another_holds_it() {
        let (one, two) = (PluginId(1), PluginId(2));
        let mut ledger = Ledger::default();
        let mut send = |plugin, message: &[u8]| ledger.sent(plugin, None, Change::of(message));
        send(one, &[0x90, 60, 1]);
        send(one, &[0x91, 61, 1]);
        send(one, &[0x91, 61, 1]);
        send(one, &[0x90, 62, 1]);
        send(one, &[0x90, 62, 0]);
        send(one, &[0xB0, 64, 127]);
        send(two, &[0x90, 60, 1]);
        assert_eq!(
            ledger.end(one),
            [(None, Held::Note(1, 61)), (None, Held::Note(1, 61)), (None, Held::Pedal(0, 64))]
        );
        assert_eq!(ledger.end(two), [(None, Held::Note(0, 60))]);
        assert!(ledger.plugins().is_empty());
    }

    #[test]
    fn all_notes_off_leaves_the_pedal() {
        let mut ledger = Ledger::default();
        for message in [[0x90, 60, 1], [0x91, 61, 1], [0xB0, 64, 127], [0xB0, 123, 0]] {
            ledger.sent(PluginId(1), None, Change::of(&message));
        }
        assert_eq!(ledger.end(PluginId(1)), [(None, Held::Note(1, 61)), (None, Held::Pedal(0, 64))]);
    }
}
