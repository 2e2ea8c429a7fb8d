//! What a call knows of the press that caused it, and what happens between calls.

use std::time::Duration;

use padgate_plugin_abi::{
    PADGATE_EVENT_MIDI, PADGATE_EVENT_TIMER, PADGATE_NONE, PADGATE_PHASE_CHANGE, PADGATE_PHASE_PRESS,
    PADGATE_PHASE_RELEASE, PadgateContext, PadgateEvent,
};

use crate::{Moment, raw};

/// Which part of a press a call is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Phase {
    /// A press of which no release will be told.
    Tap,
    /// A press that will be followed by its release.
    Press,
    /// The release of an earlier press.
    Release,
    /// A control with a position moved.
    Change,
}

/// What a call knows of the press that caused it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Context {
    raw: PadgateContext,
}

fn some(value: u8) -> Option<u8> {
    (value != PADGATE_NONE).then_some(value)
}

impl Context {
    pub(crate) fn new(raw: PadgateContext) -> Context {
        Context { raw }
    }

    /// Which part of a press it is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.raw.phase {
            PADGATE_PHASE_PRESS => Phase::Press,
            PADGATE_PHASE_RELEASE => Phase::Release,
            PADGATE_PHASE_CHANGE => Phase::Change,
            _ => Phase::Tap,
        }
    }

    /// Whether it is the beginning of a press: a tap, or a press whose release will follow.
    #[must_use]
    pub fn is_down(&self) -> bool {
        matches!(self.phase(), Phase::Tap | Phase::Press)
    }

    /// Counts presses since the daemon started; a release has the number of its press.
    #[must_use]
    pub fn press(&self) -> u64 {
        self.raw.press
    }

    /// The value after the curve and range that the mapping says, 0 to 1; for a press, how hard it was.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.raw.value
    }

    /// [`Context::value`] as a MIDI velocity, 0 to 127; at least 1 for a press, since 0 would be a release.
    #[must_use]
    pub fn velocity(&self) -> u8 {
        // In range and not NaN, so that the cast is exact.
        let velocity = (self.raw.value.clamp(0.0, 1.0) * 127.0).round() as u8;
        if self.is_down() { velocity.max(1) } else { velocity }
    }

    /// The control's own value, before any curve: 0 to 127, or to 16383.
    #[must_use]
    pub fn raw(&self) -> u16 {
        self.raw.raw
    }

    /// Ticks of an encoder, positive to the right; 0 of anything else.
    #[must_use]
    pub fn ticks(&self) -> i16 {
        self.raw.ticks
    }

    /// The note, 0 to 127, if the control is a note.
    #[must_use]
    pub fn note(&self) -> Option<u8> {
        some(self.raw.note)
    }

    /// The controller's number, 0 to 127, if the control is one.
    #[must_use]
    pub fn controller(&self) -> Option<u8> {
        some(self.raw.controller)
    }

    /// The MIDI channel as it stands in messages, 0 to 15; people and configurations count from 1.
    #[must_use]
    pub fn channel(&self) -> Option<u8> {
        some(self.raw.channel)
    }

    /// Numbers the device, for as long as the daemon runs.
    #[must_use]
    pub fn device(&self) -> u32 {
        self.raw.device
    }

    /// The bytes of the MIDI message that decided it; empty if that was a System Exclusive.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        let length = usize::from(self.raw.message_length).min(self.raw.message.len());
        &self.raw.message[..length]
    }

    /// When that message was received.
    #[must_use]
    pub fn received(&self) -> Moment {
        Moment::from_nanos(self.raw.received_ns)
    }

    /// When the call must have ended; past it, the plugin's process is killed.
    #[must_use]
    pub fn deadline(&self) -> Moment {
        Moment::from_nanos(self.raw.deadline_ns)
    }

    /// How long the call may still take.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline().since(Moment::now())
    }
}

/// Something that happened between calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The timer ran out.
    Timer {
        /// When.
        at: Moment,
    },
    /// A device that the plugin listens to sent something.
    Midi {
        /// The device's name.
        device: &'a str,
        /// The bytes of one message.
        message: &'a [u8],
        /// When it was received.
        at: Moment,
    },
}

impl<'a> Event<'a> {
    /// What the ABI's event means; `None` if it is of a kind that this version does not know, or is wrong.
    ///
    /// # Safety
    ///
    /// Its data and device must be readable for `'a`.
    pub(crate) unsafe fn read(event: &PadgateEvent) -> Option<Event<'a>> {
        let at = Moment::from_nanos(event.time_ns);
        match event.kind {
            PADGATE_EVENT_TIMER => Some(Event::Timer { at }),
            PADGATE_EVENT_MIDI => {
                // SAFETY: The caller promises it.
                let (message, device) = unsafe { (raw::slice(event.data), raw::slice(event.device)) };
                Some(Event::Midi { device: std::str::from_utf8(device).ok()?, message, at })
            }
            _ => None,
        }
    }
}
