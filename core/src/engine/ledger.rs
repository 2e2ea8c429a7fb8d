//! The ledger: every key, button and note that the engine keeps down, every call of a plugin that waits for its release,
//! and for which press.
//!
//! What two presses hold goes up with the last of them; a call of a plugin is released once for each. Emptied by releases, lost devices and ports, and
//! `panic`; nothing else keeps a list of what is down.

use std::sync::Arc;

use super::io::{CallPhase, Context, Effect, Phase, PressId};
use crate::ids::DeviceId;
use crate::midi::{Channel, Message};
use crate::ruleset::Mapping;
use crate::ruleset::action::{MouseButton, PluginCall};
use crate::ruleset::keys::{Key, KeyChord};

/// The velocity of a note-off that no finger gave one: the specification's default.
pub(super) const RELEASE_VELOCITY: u8 = 64;

/// Something that is kept down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Held {
    /// A key of the keyboard.
    Key(Key),
    /// A mouse button.
    Button(MouseButton),
    /// A note on an output.
    Note {
        /// The device; `None`: the virtual output.
        to: Option<DeviceId>,
        /// The channel.
        channel: Channel,
        /// The note.
        note: u8,
    },
    /// A call of a plugin that is to be told of the release.
    Plugin(Arc<PluginCall>),
}

/// One thing that one press keeps down.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) press: PressId,
    pub(super) what: Held,
    pub(super) mapping: Arc<Mapping>,
    context: Context,
}

/// What goes up, and for which mapping.
pub(super) struct Release {
    pub(super) effect: Effect,
    pub(super) mapping: Arc<Mapping>,
    pub(super) context: Context,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    pub(super) fn with_capacity(entries: usize) -> Ledger {
        Ledger { entries: Vec::with_capacity(entries) }
    }

    pub(super) fn is_held(&self, what: &Held) -> bool {
        self.entries.iter().any(|entry| entry.what == *what)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Held> {
        self.entries.iter().map(|entry| &entry.what)
    }

    /// Enters `what` for the press; says whether it was up until now.
    pub(super) fn enter(&mut self, what: Held, mapping: &Arc<Mapping>, context: Context) -> bool {
        let was_up = !self.is_held(&what);
        let same = |entry: &Entry| {
            entry.press == context.press && entry.what == what && Arc::ptr_eq(&entry.mapping, mapping)
        };
        if !self.entries.iter().any(same) {
            self.entries.push(Entry { press: context.press, what, mapping: Arc::clone(mapping), context });
        }
        was_up
    }

    /// Takes out what `wanted` picks and hands over what goes up by that, the last that went down first.
    pub(super) fn release(&mut self, mut wanted: impl FnMut(&Entry) -> bool, mut sink: impl FnMut(Release)) {
        let mut keys: Option<Keys> = None;
        let mut place = self.entries.len();
        while place > 0 {
            place -= 1;
            if !wanted(&self.entries[place]) {
                continue;
            }
            let Entry { what, mapping, context, .. } = self.entries.remove(place);
            // Every other press of a plugin is told of its own release.
            if !matches!(what, Held::Plugin(_)) && self.is_held(&what) {
                continue;
            }
            match what {
                Held::Key(key) => {
                    // Keys of one press and mapping go up in one effect, as they went down.
                    if let Some((chord, by, of)) = &mut keys
                        && of.press == context.press
                        && Arc::ptr_eq(by, &mapping)
                        && !chord.is_full()
                    {
                        chord.insert(0, key);
                        continue;
                    }
                    flush(&mut keys, &mut sink);
                    keys = Some((KeyChord::from_iter([key]), mapping, context));
                }
                Held::Button(button) => {
                    flush(&mut keys, &mut sink);
                    let effect = Effect::Button { button, phase: Phase::Up, clicks: 1 };
                    sink(Release { effect, mapping, context });
                }
                Held::Note { to, channel, note } => {
                    flush(&mut keys, &mut sink);
                    let message = Message::NoteOff { channel, note, velocity: RELEASE_VELOCITY };
                    sink(Release { effect: Effect::Midi { to, message }, mapping, context });
                }
                Held::Plugin(call) => {
                    flush(&mut keys, &mut sink);
                    let effect = Effect::Plugin { call, phase: CallPhase::Release };
                    sink(Release { effect, mapping, context });
                }
            }
        }
        flush(&mut keys, &mut sink);
    }
}

/// Keys that go up together.
type Keys = (KeyChord, Arc<Mapping>, Context);

fn flush(keys: &mut Option<Keys>, sink: &mut impl FnMut(Release)) {
    if let Some((keys, mapping, context)) = keys.take() {
        sink(Release { effect: Effect::Keys { keys, phase: Phase::Up }, mapping, context });
    }
}
