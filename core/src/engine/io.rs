//! What goes into the engine and what comes out: inputs, effects, and the trace of its decisions.

use std::sync::Arc;
use std::time::Duration;

use crate::ids::{DeviceId, ModeId, ProgramId, TargetId, VariableId};
use crate::midi::{Channel, Message, Received};
use crate::ruleset::action::{
    Launch, MediaKey, ModeChange, MouseButton, Notice, PluginCall, PointerMove, Switch,
};
use crate::ruleset::condition::Value;
use crate::ruleset::keys::KeyChord;
use crate::ruleset::trigger::ControlKind;
use crate::ruleset::{Gesture, Mapping};
use crate::time::{LocalTime, Time};

/// Everything that can happen to the engine, as a closed list.
#[derive(Clone, Debug, PartialEq)]
pub enum Input<'a> {
    /// A device sent this.
    Midi {
        /// Which.
        device: DeviceId,
        /// What.
        received: Received<'a>,
    },
    /// A device's input port went away: whatever it held is let go.
    DeviceLost(DeviceId),
    /// A device's output port is about to be closed, or went away: notes that are held there are let go, in case that
    /// somebody still hears it.
    OutputLost(DeviceId),
    /// The local time of day, needed only while [`super::Engine::wants_wall_clock`].
    WallClock(LocalTime),
    /// A watched program started or ended.
    Running(ProgramId, bool),
    /// A sound output's volume is now this (0 to 1.5), whoever set it; `None` if nobody knows any more.
    TargetLevel(TargetId, Option<f64>),
    /// The user changed the mode from outside.
    Mode(ModeChange),
    /// The user changed a variable from outside.
    Set(VariableId, Value),
    /// Release everything, stop everything that runs.
    Panic,
    /// Nothing happened; only what is due is done. Spurious timers do no harm.
    Timer,
}

/// One control: what a hand touches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Control {
    /// Of this device.
    pub device: DeviceId,
    /// Of this sort.
    pub kind: ControlKind,
    /// On this channel.
    pub channel: Channel,
    /// Note, controller or program number, 0 to 127; 0 where the kind has none.
    pub number: u8,
}

/// Counts presses, so that what belongs together can be told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PressId(pub u64);

/// Counts action requests. Each ends exactly once, with an outcome.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct RequestId(pub u64);

/// What an action knows of the press that caused it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Context {
    /// The press, or the movement.
    pub press: PressId,
    /// The control, where there is one (not for System Exclusive and real-time messages).
    pub control: Option<Control>,
    /// The message that decided it, where it was no System Exclusive.
    pub message: Option<Message>,
    /// The shaped value, 0 to 1; for a press, the shaped velocity.
    pub value: f64,
    /// The control's own value: 0 to 127, or to 16383.
    pub raw: u16,
    /// Ticks of an encoder, positive to the right; else 0.
    pub ticks: i16,
    /// When the message that decided it was received (for a gesture that a deadline decided: the deadline).
    pub received: Time,
}

/// Something that must be done outside the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Keys of the keyboard, only those that change: one that another press holds too is left out.
    Keys {
        /// Which; pressed in this order, released in reverse.
        keys: KeyChord,
        /// What of them.
        phase: Phase,
    },
    /// Text is typed.
    Text(Arc<str>),
    /// A mouse button.
    Button {
        /// Which.
        button: MouseButton,
        /// What of it.
        phase: Phase,
        /// How many clicks, where the phase is a tap.
        clicks: u8,
    },
    /// The pointer moves.
    Pointer(PointerMove),
    /// The wheel turns by so many notches.
    Scroll {
        /// To the right.
        horizontal: i32,
        /// Down.
        vertical: i32,
    },
    /// A program is started.
    Run(Arc<Launch>),
    /// A line is run by the shell.
    Shell(Arc<str>),
    /// A file or URL is opened.
    Open(Arc<str>),
    /// A MIDI message is sent; `to: None` is the virtual output.
    Midi {
        /// To which device.
        to: Option<DeviceId>,
        /// What.
        message: Message,
    },
    /// A System Exclusive is sent.
    Sysex {
        /// To which device.
        to: Option<DeviceId>,
        /// All of it, with `F0` and `F7`.
        bytes: Arc<[u8]>,
    },
    /// A volume is set.
    Volume {
        /// Of which output.
        target: TargetId,
        /// To what.
        change: VolumeChange,
    },
    /// An output is muted or unmuted.
    Mute {
        /// Which.
        target: TargetId,
        /// How.
        switch: Switch,
    },
    /// What a media key does.
    Media(MediaKey),
    /// A desktop notification is shown.
    Notify(Arc<Notice>),
    /// A plugin is called.
    Plugin {
        /// What is called.
        call: Arc<PluginCall>,
        /// What the hand did.
        phase: CallPhase,
    },
}

impl Effect {
    /// Whether the effect lets something go. Such an effect is never dropped, whatever queue is full.
    #[must_use]
    pub fn is_release(&self) -> bool {
        match self {
            Effect::Keys { phase, .. } | Effect::Button { phase, .. } => *phase == Phase::Up,
            Effect::Midi { message, .. } => matches!(message, Message::NoteOff { .. }),
            Effect::Plugin { phase, .. } => *phase == CallPhase::Release,
            _ => false,
        }
    }
}

/// What is done with something that can be held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Phase {
    /// It goes down and stays there.
    Down,
    /// It is let go.
    Up,
    /// It goes down and is let go at once.
    Tap,
}

/// What a plugin is called for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CallPhase {
    /// A press (or any other gesture) of which no release will be told. An encoder's ticks are in the context.
    Tap,
    /// A press whose release will be told.
    Press,
    /// The release of such a press, once for each. Its context has the number of that press.
    Release,
    /// A control with a position moved: only its newest value counts, so that several may become one call.
    Change,
}

/// A change of a volume.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum VolumeChange {
    /// To this, 0 to 1.5.
    To(f64),
    /// By this, -1.5 to 1.5; the result is kept within 0 to 1.5.
    By(f64),
}

/// One thing to be done, for whom, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its number.
    pub id: RequestId,
    /// The mapping that asked, if one did (not for `panic`, or a release after a reload).
    pub mapping: Option<Arc<Mapping>>,
    /// What to do.
    pub effect: Effect,
    /// The press behind it.
    pub context: Context,
}

/// What the engine has to say, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Something to do.
    Request(Request),
    /// Why.
    Trace(Trace),
}

/// One decision of the engine, for `monitor` and `explain`.
#[derive(Clone, Debug, PartialEq)]
pub enum Trace {
    /// Nothing is mapped to what was done.
    Unmapped {
        /// The control, where there is one.
        control: Option<Control>,
    },
    /// A press is being held back until it is clear which gesture it is.
    Waiting {
        /// The control.
        control: Control,
        /// For what.
        reason: WaitReason,
        /// Until then at the latest, unless it is decided at the release (`None`).
        until: Option<Time>,
    },
    /// A mapping fired.
    Fired {
        /// The mapping.
        mapping: Arc<Mapping>,
        /// The press.
        press: PressId,
        /// How long the gesture was held back after it could have fired, had nothing competed.
        withheld: Duration,
    },
    /// A release went to the mapping that got the press.
    Released {
        /// The mapping.
        mapping: Arc<Mapping>,
        /// The press.
        press: PressId,
    },
    /// A mapping of this control did not fire.
    Passed {
        /// The mapping.
        mapping: Arc<Mapping>,
        /// Why not.
        reason: PassReason,
    },
    /// A mapping should have fired, and was refused.
    Refused {
        /// The mapping.
        mapping: Arc<Mapping>,
        /// Why.
        reason: RefuseReason,
    },
    /// A message was dropped because it is what Padgate sent to the device a moment ago.
    Echo {
        /// The device.
        device: DeviceId,
    },
    /// The mode changed; the stack from the bottom up is [`super::Engine::modes`].
    ModeChanged {
        /// The mode that is now on top.
        top: ModeId,
    },
    /// A variable changed; its value is in [`super::Engine::variable`].
    VariableChanged {
        /// Which.
        variable: VariableId,
    },
    /// Everything was released.
    Panicked,
}

/// What a held-back press waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WaitReason {
    /// Another tap may follow.
    Taps,
    /// It may become a hold.
    Hold,
    /// It is decided by how long it was held.
    Length,
    /// Other controls may join it to a chord.
    Chord,
}

/// Why a mapping of the control did not fire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PassReason {
    /// Its mode is not active.
    Mode(ModeId),
    /// Its condition is not true.
    Condition,
    /// The velocity is outside its zone.
    Velocity,
    /// The value is outside its range, or has not entered it just now.
    Range,
    /// The control moved the other way.
    Direction,
    /// Another mapping with the same gesture comes first: a mode above it, or an earlier place in the file.
    Shadowed,
    /// It was another gesture (a tap, where this wants a hold).
    OtherGesture(Gesture),
    /// The chord or sequence was not completed.
    Incomplete,
    /// The control has not yet met its target's value.
    Pickup,
    /// The encoder has not turned far enough for a step.
    Divided,
    /// The shaped value is the same as before.
    Unchanged,
}

/// Why a mapping that should have fired was refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RefuseReason {
    /// It still runs, and the user chose `ignore`.
    StillRunning,
    /// Its queue is full.
    QueueFull,
    /// As many programs run as can.
    TooManyRunning,
}
