//! Notes that sound, and for which press.

use padgate_plugin::{Error, Host, Moment};

use crate::Target;

/// One note on one channel of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Voice {
    to: String,
    channel: u8,
    note: u8,
}

impl Voice {
    pub(crate) fn new(target: &Target, note: u8) -> Voice {
        // The manifest keeps the channel within 1 to 16.
        Voice { to: target.to.clone(), channel: target.channel.saturating_sub(1) & 0x0F, note }
    }

    pub(crate) fn on(&self, velocity: u8, at: Moment, host: &Host) -> Result<(), Error> {
        host.midi().send_at(&self.to, &[0x90 | self.channel, self.note, velocity], at)
    }

    pub(crate) fn off(&self, at: Moment, host: &Host) -> Result<(), Error> {
        host.midi().send_at(&self.to, &[0x80 | self.channel, self.note, 64], at)
    }
}

/// Notes that are held by presses.
#[derive(Default)]
pub(crate) struct Voices {
    held: Vec<(u64, Voice, Moment)>,
}

impl Voices {
    /// The note sounds from `since` on, until the press is released.
    pub(crate) fn keep(&mut self, press: u64, voice: Voice, since: Moment) {
        self.held.push((press, voice, since));
    }

    /// Ends the notes of the press. A note of a strum that has not sounded yet ends right after it began: its end must
    /// not overtake it.
    pub(crate) fn release(&mut self, press: u64, host: &Host) -> Result<(), Error> {
        let now = host.now();
        let mut result = Ok(());
        self.held.retain(|(by, voice, since)| {
            if *by != press {
                return true;
            }
            // Each is tried, whatever became of the others.
            if let Err(error) = voice.off(now.max(*since), host) {
                result = Err(error);
            }
            false
        });
        result
    }
}
