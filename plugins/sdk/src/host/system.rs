//! Sounds, volumes and the desktop, through the daemon.

use std::path::Path;

use padgate_plugin_abi::audio::{PADGATE_VOLUME_BY, PADGATE_VOLUME_MUTE, PADGATE_VOLUME_TO};
use padgate_plugin_abi::system::{
    PADGATE_SYSTEM_BRIGHTNESS, PADGATE_SYSTEM_KEYS, PADGATE_SYSTEM_MEDIA, PADGATE_SYSTEM_NOTIFY,
    PADGATE_SYSTEM_OPEN, PADGATE_SYSTEM_TYPE,
};

use crate::Error;
use crate::raw::{self, Received};

use super::{Host, ended};

/// How a volume changes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Volume {
    /// To this: 0 to 1.5.
    To(f64),
    /// By so much: -1 to 1.
    By(f64),
}

/// A media key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Media {
    /// Plays, or pauses what plays.
    PlayPause,
    /// Plays.
    Play,
    /// Pauses.
    Pause,
    /// Stops.
    Stop,
    /// The next title.
    Next,
    /// The title before.
    Previous,
}

/// How the brightness of the screen changes, in percent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Brightness {
    /// To this: 0 to 100.
    To(u8),
    /// By so much: -100 to 100.
    By(i8),
}

impl Host {
    /// Plays a WAV file of the plugin's own data folder, or of a folder that it may read, with a gain of 0 to 1. Returns
    /// when it has begun. Needs the capability `audio`.
    ///
    /// # Errors
    ///
    /// If it can't be played.
    pub fn play(&self, path: impl AsRef<Path>, gain: f64) -> Result<(), Error> {
        let path = path.as_ref().to_str().ok_or_else(|| Error::invalid("the file's path is not UTF-8"))?;
        self.with(
            padgate_plugin_abi::audio::NAME,
            |tables| tables.audio?.play,
            |play, context| {
                let mut error = Received::new();
                // SAFETY: Called as the ABI says, while the tables live.
                let status = unsafe { play(context, raw::text(path), gain, error.place()) };
                ended(status, &error)
            },
        )
    }

    /// Changes the volume of the sound output whose name fits the pattern; of the default one, if it is empty. Needs the
    /// capability `audio`.
    ///
    /// # Errors
    ///
    /// If there is no such output, or no sound server.
    pub fn volume(&self, output: &str, volume: Volume) -> Result<(), Error> {
        match volume {
            Volume::To(value) => self.change(output, PADGATE_VOLUME_TO, value),
            Volume::By(value) => self.change(output, PADGATE_VOLUME_BY, value),
        }
    }

    /// Mutes a sound output, or makes it heard again.
    ///
    /// # Errors
    ///
    /// As [`Host::volume`].
    pub fn mute(&self, output: &str, muted: bool) -> Result<(), Error> {
        self.change(output, PADGATE_VOLUME_MUTE, f64::from(u8::from(muted)))
    }

    fn change(&self, output: &str, change: u32, value: f64) -> Result<(), Error> {
        self.with(
            padgate_plugin_abi::audio::NAME,
            |tables| tables.audio?.volume,
            |volume, context| {
                let mut error = Received::new();
                // SAFETY: Called as the ABI says, while the tables live.
                let status = unsafe { volume(context, raw::text(output), change, value, error.place()) };
                ended(status, &error)
            },
        )
    }
}

/// The desktop, through the daemon; [`Host::system`] gives it. Each part must be granted by itself, and all return when
/// it has been handed on.
#[derive(Clone, Copy, Debug)]
pub struct System<'a> {
    pub(super) host: &'a Host,
}

impl System<'_> {
    /// Does a media key.
    ///
    /// # Errors
    ///
    /// If it was not granted, or can't be done here.
    pub fn media(&self, key: Media) -> Result<(), Error> {
        let key = match key {
            Media::PlayPause => "play-pause",
            Media::Play => "play",
            Media::Pause => "pause",
            Media::Stop => "stop",
            Media::Next => "next",
            Media::Previous => "previous",
        };
        self.perform(PADGATE_SYSTEM_MEDIA, key)
    }

    /// Shows a notification with a title and, if it is not empty, a text below it.
    ///
    /// # Errors
    ///
    /// If it was not granted, or can't be done here.
    pub fn notify(&self, title: &str, text: &str) -> Result<(), Error> {
        // The first of several lines is the title.
        let title = title.replace('\n', " ");
        match text {
            "" => self.perform(PADGATE_SYSTEM_NOTIFY, &title),
            text => self.perform(PADGATE_SYSTEM_NOTIFY, &format!("{title}\n{text}")),
        }
    }

    /// Changes the brightness of the screen.
    ///
    /// # Errors
    ///
    /// If it was not granted, or can't be done here.
    pub fn brightness(&self, brightness: Brightness) -> Result<(), Error> {
        let text = match brightness {
            Brightness::To(percent) => format!("{percent}%"),
            Brightness::By(percent) => format!("{percent:+}%"),
        };
        self.perform(PADGATE_SYSTEM_BRIGHTNESS, &text)
    }

    /// Opens a URL. Needs the capability `network` for its host as well.
    ///
    /// # Errors
    ///
    /// If it was not granted, or can't be done here.
    pub fn open(&self, url: &str) -> Result<(), Error> {
        self.perform(PADGATE_SYSTEM_OPEN, url)
    }

    /// Presses and releases keys, written as in a configuration: `ctrl+shift+r`.
    ///
    /// # Errors
    ///
    /// If it was not granted, or can't be done here.
    pub fn keys(&self, keys: &str) -> Result<(), Error> {
        self.perform(PADGATE_SYSTEM_KEYS, keys)
    }

    /// Types a text.
    ///
    /// # Errors
    ///
    /// If it was not granted, or can't be done here.
    pub fn type_text(&self, text: &str) -> Result<(), Error> {
        self.perform(PADGATE_SYSTEM_TYPE, text)
    }

    fn perform(&self, what: u32, text: &str) -> Result<(), Error> {
        self.host.with(
            padgate_plugin_abi::system::NAME,
            |tables| tables.system?.perform,
            |perform, context| {
                let mut error = Received::new();
                // SAFETY: Called as the ABI says, while the tables live.
                let status = unsafe { perform(context, what, raw::text(text), error.place()) };
                ended(status, &error)
            },
        )
    }
}
