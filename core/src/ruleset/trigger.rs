//! Triggers: what a hand must do.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::DeviceId;
use crate::midi::{Channel, SysexPattern};

/// How many controls a chord can have.
pub const CHORD_MAX: usize = 8;
/// How many presses a sequence can have.
pub const SEQUENCE_MAX: usize = 16;
/// How many mappings with different gestures can compete for one control.
pub const GESTURES_MAX: usize = 16;
/// The most presses a multiple tap can have.
pub const TAPS_MAX: u8 = 8;

/// What a hand must do for a mapping to fire.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// Something is done with one control that can be pressed.
    Press {
        /// Which control.
        control: Selector,
        /// What is done with it.
        gesture: Gesture,
        /// The velocity (for a controller: the value) of the press, 1 to 127.
        velocity: RangeInclusive<u8>,
    },
    /// Several controls are pressed together, in any order.
    Chord {
        /// Two to [`CHORD_MAX`] different controls.
        controls: Vec<Selector>,
        /// When it is too late for the last press, counted from the first.
        within: Duration,
    },
    /// Controls are pressed one after the other, with no other press between.
    Sequence {
        /// Two to [`SEQUENCE_MAX`] controls.
        controls: Vec<Selector>,
        /// The longest pause between two presses.
        within: Duration,
    },
    /// A control with a position moves.
    Move {
        /// Which control.
        control: Selector,
        /// Which of its movements count.
        filter: MoveFilter,
    },
    /// An endless encoder turns.
    Turn {
        /// Which control; always a control change.
        control: Selector,
        /// How its messages are read.
        encoder: Encoder,
        /// Which way counts.
        direction: Direction,
    },
    /// A program change arrives.
    Program {
        /// Which device and channel; the number in `control` is the program, or any.
        control: Selector,
    },
    /// A System Exclusive arrives.
    Sysex {
        /// From which device; `None`: any.
        device: Option<DeviceId>,
        /// What it must look like.
        pattern: Arc<SysexPattern>,
    },
    /// A real-time message arrives.
    Realtime {
        /// From which device; `None`: any.
        device: Option<DeviceId>,
        /// Which one.
        message: Realtime,
    },
}

/// Which control is meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Selector {
    /// The device; `None`: any device.
    pub device: Option<DeviceId>,
    /// The channel; `None`: any channel. Each channel is a control of its own.
    pub channel: Option<Channel>,
    /// What sort of control.
    pub kind: ControlKind,
    /// Its number (note, controller or program, 0 to 127; 0 where the kind has none); `None`: any, for notes
    /// and programs only.
    pub number: Option<u8>,
}

/// What sort of control it is, by the message that it sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ControlKind {
    /// Note-on and note-off.
    Note,
    /// Control change.
    Controller,
    /// A pair of control changes, n and n + 32, that make one value of 14 bits.
    Controller14,
    /// Pitch bend.
    Bend,
    /// Pressure on one key.
    PolyPressure,
    /// Pressure on the whole keyboard.
    ChannelPressure,
    /// Program change.
    Program,
}

/// What is done with a control that can be pressed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Gesture {
    /// It is pressed. Fires with the press if no other gesture of the control has to be ruled out first.
    Press,
    /// It is let go. Competes with nothing.
    Release,
    /// It is held for this long; fires then, once, while it is still down.
    Hold(Duration),
    /// It is let go sooner than this after the press; fires with the release.
    Short(Duration),
    /// It is let go no sooner than this after the press; fires with the release.
    Long(Duration),
    /// It is pressed `count` times (2 to [`TAPS_MAX`]), each press sooner than `window` after the one before.
    Taps {
        /// How many presses.
        count: u8,
        /// When it is too late for the next press, counted from the last.
        window: Duration,
    },
}

/// Which movements of a control with a position count.
#[derive(Clone, Debug, PartialEq)]
pub struct MoveFilter {
    /// The values that count, in the control's own unit: 0 to 127, or to 16383 for those of 14 bits.
    pub range: RangeInclusive<u16>,
    /// Whether every movement in the range fires, or only entering it.
    pub edge: Edge,
    /// Which way counts.
    pub direction: Direction,
}

/// When a movement within the range fires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// With every message in the range.
    Every,
    /// As a press when the value enters the range, and as a release when it leaves it.
    Enter,
}

/// Which way a control must move.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Direction {
    /// Either way.
    #[default]
    Both,
    /// To larger values, or clockwise.
    Up,
    /// To smaller values, or counter-clockwise.
    Down,
}

/// How an endless encoder's messages are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encoder {
    /// The encoding.
    pub encoding: Encoding,
    /// Clockwise is counter-clockwise.
    pub invert: bool,
    /// How many ticks make one step, at least 1.
    pub divide: u8,
    /// Whether one message can be several ticks (acceleration), or always counts as one.
    pub accelerate: bool,
}

/// Encodings of relative movement in a control change.
///
/// Source: the encoders table of REAPER and ReaLearn ("Relative 1" to "Relative 3"), Mackie Control.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// 1 to 63 up, 127 to 64 down ("Relative 1").
    TwosComplement,
    /// 65 to 127 up, 63 to 0 down, 64 rests ("Relative 2").
    BinaryOffset,
    /// 1 to 63 up, 65 to 127 down, 0 and 64 rest ("Relative 3", Mackie).
    SignMagnitude,
    /// 17 and more up, 15 and less down, 16 rests (Zynthian's "relative #3").
    Offset16,
}

impl Encoding {
    /// Ticks that `value` (0 to 127) stands for: positive is up.
    #[must_use]
    pub fn decode(self, value: u8) -> i16 {
        let value = i16::from(value & 0x7F);
        match self {
            Encoding::TwosComplement if value < 64 => value,
            Encoding::TwosComplement => value - 128,
            Encoding::BinaryOffset => value - 64,
            Encoding::SignMagnitude if value < 64 => value,
            Encoding::SignMagnitude => -(value & 63),
            Encoding::Offset16 => value - 16,
        }
    }
}

/// Real-time messages that can be a trigger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Realtime {
    /// Timing clock.
    Clock,
    /// Start.
    Start,
    /// Continue.
    Continue,
    /// Stop.
    Stop,
    /// System reset.
    Reset,
}
