//! How a control is used in a test.

use padgate_plugin_abi::{PADGATE_NONE, PadgateContext};

use crate::{Context, Moment};

/// How a control is used: which one, and how hard or how far.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Touch {
    raw: PadgateContext,
}

impl Touch {
    fn blank() -> PadgateContext {
        PadgateContext {
            press: 1,
            received_ns: Moment::now().as_nanos(),
            deadline_ns: Moment::now().as_nanos() + 5_000_000_000,
            note: PADGATE_NONE,
            controller: PADGATE_NONE,
            message_length: 3,
            ..PadgateContext::default()
        }
    }

    /// A pad or key: a note, 0 to 127, with a velocity, 0 to 127.
    #[must_use]
    pub fn note(note: u8, velocity: u8) -> Touch {
        let raw = PadgateContext {
            note,
            raw: u16::from(velocity),
            value: f64::from(velocity) / 127.0,
            message: [0x90, note, velocity],
            ..Touch::blank()
        };
        Touch { raw }
    }

    /// A knob, fader or button: a controller, 0 to 127, at a position, 0 to 127.
    #[must_use]
    pub fn controller(controller: u8, position: u8) -> Touch {
        let raw = PadgateContext {
            controller,
            raw: u16::from(position),
            value: f64::from(position) / 127.0,
            message: [0xB0, controller, position],
            ..Touch::blank()
        };
        Touch { raw }
    }

    /// An endless encoder with this controller's number, turned by so many ticks, positive to the right.
    #[must_use]
    pub fn encoder(controller: u8, ticks: i16) -> Touch {
        let byte = (ticks & 0x7F) as u8;
        let raw = PadgateContext {
            controller,
            ticks,
            raw: u16::from(byte),
            message: [0xB0, controller, byte],
            ..Touch::blank()
        };
        Touch { raw }
    }

    /// On this MIDI channel, 0 to 15; 0 unless set.
    #[must_use]
    pub fn channel(mut self, channel: u8) -> Touch {
        self.raw.channel = channel;
        self.raw.message[0] = self.raw.message[0] & 0xF0 | channel & 0x0F;
        self
    }

    /// With this value after curve and range, 0 to 1.
    #[must_use]
    pub fn value(mut self, value: f64) -> Touch {
        self.raw.value = value;
        self
    }

    /// What a plugin is told of it, as a tap: for tests of what needs no plugin.
    #[must_use]
    pub fn context(&self) -> Context {
        Context::new(self.raw)
    }

    pub(super) fn raw(&self) -> PadgateContext {
        self.raw
    }

    /// Let go.
    pub(super) fn released(mut self) -> Touch {
        (self.raw.raw, self.raw.value, self.raw.message[2]) = (0, 0.0, 0);
        if self.raw.note != PADGATE_NONE {
            self.raw.message[0] = 0x80 | self.raw.channel & 0x0F;
        }
        self
    }
}
