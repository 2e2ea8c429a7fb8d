//! Media players and notifications, through D-Bus.
//!
//! Media keys go to a player through MPRIS; if no player is there, to the keyboard's media keys, which the desktop
//! or a browser may listen to. Notifications are one plain call; a library for them would make a connection for each.

#[cfg(target_os = "linux")]
mod bus;

use std::sync::Arc;

use padgate_core::engine::{Effect, Phase};
use padgate_core::ruleset::action::MediaKey;
use padgate_core::ruleset::keys::{Key, KeyChord, NamedKey};

use super::keyboard;
use super::places::Places;
use super::queue::{Entry, Queue};
use super::worker::BackEnd;
use crate::outcome::Outcome;

/// The back end behind the queue.
pub(crate) struct Desktop {
    #[cfg(target_os = "linux")]
    bus: bus::Bus,
    keyboard: Arc<Queue<keyboard::Control>>,
}

impl Desktop {
    #[cfg(target_os = "linux")]
    pub(crate) fn new(places: &Places, keyboard: Arc<Queue<keyboard::Control>>) -> Desktop {
        Desktop { bus: bus::Bus::new(places.session_bus.clone()), keyboard }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn new(_: &Places, keyboard: Arc<Queue<keyboard::Control>>) -> Desktop {
        Desktop { keyboard }
    }

    #[cfg(target_os = "linux")]
    fn media(&mut self, key: MediaKey, entry: &mut Entry) -> Option<Outcome> {
        match self.bus.media(key) {
            Ok(true) => Some(Outcome::Done),
            Ok(false) => self.press_media_key(key, entry),
            Err(outcome) => Some(outcome),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn media(&mut self, key: MediaKey, entry: &mut Entry) -> Option<Outcome> {
        self.press_media_key(key, entry)
    }

    /// Hands the request on to the keyboard, which then reports on it.
    fn press_media_key(&mut self, key: MediaKey, entry: &mut Entry) -> Option<Outcome> {
        let named = match key {
            // Keyboards have one key for these.
            MediaKey::PlayPause | MediaKey::Play | MediaKey::Pause => NamedKey::PlayPause,
            MediaKey::Stop => NamedKey::StopTrack,
            MediaKey::Next => NamedKey::NextTrack,
            MediaKey::Previous => NamedKey::PreviousTrack,
        };
        let keys: KeyChord = std::iter::once(Key::Named(named)).collect();
        let effect = Effect::Keys { keys, phase: Phase::Tap };
        let handed_on = Entry { id: entry.id, merged: std::mem::take(&mut entry.merged), effect };
        self.keyboard.push_entry(handed_on).err()
    }

    #[cfg(target_os = "linux")]
    fn notify(&mut self, title: &str, body: &str) -> Outcome {
        self.bus.notify(title, body)
    }

    #[cfg(not(target_os = "linux"))]
    fn notify(&mut self, _: &str, _: &str) -> Outcome {
        Outcome::Unavailable("notifications are not supported on this platform yet".into())
    }
}

impl BackEnd for Desktop {
    type Control = ();

    fn perform(&mut self, entry: &mut Entry) -> Option<Outcome> {
        match &entry.effect {
            Effect::Media(key) => self.media(*key, entry),
            Effect::Notify(notice) => Some(self.notify(&notice.title, &notice.body)),
            _ => {
                Some(Outcome::Failed("this is a mistake in Padgate: that is nothing for the desktop".into()))
            }
        }
    }

    fn control(&mut self, (): ()) {}

    fn close(&mut self) {}
}
