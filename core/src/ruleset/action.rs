//! Actions: what a mapping does, as a small program that the engine steps through.

use std::sync::Arc;
use std::time::Duration;

use super::condition::{Condition, Value};
use super::keys::KeyChord;
use crate::ids::{DeviceId, ModeId, TargetId, VariableId};
use crate::midi::{Channel, Message};

/// How deep `repeat` and `if` can be nested.
pub const NESTING_MAX: usize = 8;

/// The steps of a mapping's action. A single action is a program of one step.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Program {
    /// In order. Blocks (`Repeat`, `If`) say how many of the following steps are theirs.
    pub steps: Vec<Step>,
}

impl Program {
    /// Whether it may not end at once.
    #[must_use]
    pub fn takes_time(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Wait(_) | Step::Repeat { .. }))
    }
}

/// What happens when a mapping fires while its last program still runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Again {
    /// The running one is stopped, what it held is released, and it starts anew.
    #[default]
    Restart,
    /// It starts when the running one has ended (bounded; what does not fit is refused, and said).
    Queue,
    /// Both run.
    Concurrent,
    /// The new press does nothing.
    Ignore,
}

/// One step of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Do this, and go on at once.
    Do(Action),
    /// Go on after this long.
    Wait(Duration),
    /// Run the next `body` steps `times` times, `every` apart from start to start (zero: at once).
    Repeat {
        /// How often.
        times: Times,
        /// From one start to the next; at least a millisecond for [`Times::WhileHeld`].
        every: Duration,
        /// How many steps.
        body: u32,
    },
    /// If the condition is true, run the next `then` steps, else the `otherwise` after them.
    If {
        /// The condition, evaluated when the step is reached.
        condition: Arc<Condition>,
        /// How many steps there are for true.
        then: u32,
        /// How many steps follow them for false.
        otherwise: u32,
    },
}

/// How often a block repeats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Times {
    /// This often, at least once.
    Count(u32),
    /// Until the control is let go.
    WhileHeld,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Press keys.
    Keys {
        /// Which.
        chord: KeyChord,
        /// For how long.
        hold: Hold,
    },
    /// Type text.
    Text(Arc<str>),
    /// Press a mouse button.
    Button {
        /// Which.
        button: MouseButton,
        /// For how long.
        hold: Hold,
        /// How many clicks, at least 1; more than one only where it is not held.
        clicks: u8,
    },
    /// Move the pointer.
    Pointer(PointerMove),
    /// Turn the wheel; on a mapping of an encoder, that much for each tick.
    Scroll {
        /// Notches to the right.
        horizontal: i32,
        /// Notches down.
        vertical: i32,
    },
    /// Start a program, and don't wait for it.
    Run(Arc<Launch>),
    /// Run a line in the shell, and don't wait for it.
    Shell(Arc<str>),
    /// Open a file or URL with the program that is meant for it.
    Open(Arc<str>),
    /// Send a MIDI message.
    Midi {
        /// To which device; `None`: to the virtual output.
        to: Option<DeviceId>,
        /// What.
        send: MidiSend,
    },
    /// Set a volume.
    Volume {
        /// Of which output.
        target: TargetId,
        /// To what.
        level: Level,
    },
    /// Mute or unmute.
    Mute {
        /// Which output.
        target: TargetId,
        /// How.
        switch: Switch,
    },
    /// What a media key does.
    Media(MediaKey),
    /// Show a desktop notification.
    Notify(Arc<Notice>),
    /// Call a plugin.
    Plugin {
        /// Which action of which plugin, with what parameters.
        call: Arc<PluginCall>,
        /// Whether it is told of the release as well.
        hold: Hold,
    },
    /// Change the mode.
    Mode(ModeChange),
    /// Change a variable.
    Set(VariableId, Assignment),
    /// Release everything that Padgate holds, and stop everything that runs.
    Panic,
}

/// How long something stays pressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// Pressed and released at once.
    Tap,
    /// Until the control is released. Where the gesture has no release (a double tap that is over, a
    /// turn), the same as a tap.
    WhileHeld,
}

/// Buttons of a mouse.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MouseButton {
    /// The first.
    Left,
    /// The wheel.
    Middle,
    /// The second.
    Right,
    /// The one at the side that goes back.
    Back,
    /// The one at the side that goes forward.
    Forward,
}

/// A movement of the pointer, in pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PointerMove {
    /// By so much; on an encoder, for each tick.
    By(i32, i32),
    /// To this place on the screen.
    To(i32, i32),
}

/// A program to start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Launch {
    /// The program, by name or path; never a line for a shell.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The folder it starts in; `None`: the user's home.
    pub folder: Option<String>,
    /// What is added to its environment.
    pub environment: Vec<(String, String)>,
}

/// A number in a message: fixed, or the control's shaped value scaled to the message's range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Amount {
    /// This.
    Fixed(u16),
    /// The value, 0 to 127 (16383 for pitch bend and 14-bit controllers).
    Value,
}

/// A MIDI message to send.
#[derive(Clone, Debug, PartialEq)]
pub enum MidiSend {
    /// A note, with its note-off when the control is released (or at once).
    Note {
        /// On this channel.
        channel: Channel,
        /// This note; `None`: the note that was played.
        note: Option<u8>,
        /// With this velocity.
        velocity: Amount,
        /// For how long.
        hold: Hold,
    },
    /// A control change.
    Controller {
        /// On this channel.
        channel: Channel,
        /// This controller, 0 to 127.
        controller: u8,
        /// With this value.
        value: Amount,
    },
    /// Two control changes, `controller` (0 to 31) and `controller + 32`, that make one value of 14 bits.
    Controller14 {
        /// On this channel.
        channel: Channel,
        /// The coarse controller, 0 to 31.
        controller: u8,
        /// With this value, 0 to 16383.
        value: Amount,
    },
    /// A program change.
    Program {
        /// On this channel.
        channel: Channel,
        /// This program.
        program: Amount,
    },
    /// Pitch bend.
    Bend {
        /// On this channel.
        channel: Channel,
        /// This far, 0 to 16383.
        value: Amount,
    },
    /// Pressure, on a key or on the channel.
    Pressure {
        /// On this channel.
        channel: Channel,
        /// On this key; `None`: on the channel.
        note: Option<u8>,
        /// This much.
        value: Amount,
    },
    /// Any other message, as it is.
    Message(Message),
    /// A System Exclusive with its `F0` and `F7`.
    Sysex(Arc<[u8]>),
    /// What came in, on this channel or on its own.
    Same {
        /// `None`: on the channel it came on.
        channel: Option<Channel>,
    },
}

/// A volume to set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    /// The control's shaped value.
    Value,
    /// This, 0 to 1.5 (150 %).
    Fixed(f64),
    /// By this much, -1 to 1; on an encoder, for each tick.
    Change(f64),
}

/// A switch to set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
    /// To what it is not.
    Toggle,
}

/// Media keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MediaKey {
    /// Play or pause.
    PlayPause,
    /// Play.
    Play,
    /// Pause.
    Pause,
    /// Stop.
    Stop,
    /// Next track.
    Next,
    /// Previous track.
    Previous,
}

/// A desktop notification.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Notice {
    /// First line.
    pub title: String,
    /// The rest.
    pub body: String,
}

/// A call of a plugin's action. The same call (equal in all fields) is prepared once, whatever number of mappings
/// make it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PluginCall {
    /// The plugin, by its name.
    pub plugin: Arc<str>,
    /// The action, by its name; empty if none was written for a plugin that is not there.
    pub action: Arc<str>,
    /// The parameters as a JSON object, checked against the manifest, with its defaults put in, keys in the
    /// manifest's order. Of a plugin that is not there: as they were written, sorted by name.
    pub parameters: Arc<str>,
}

/// A change of the mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ModeChange {
    /// The stack becomes this mode alone (held modes stay while they are held).
    Switch(ModeId),
    /// This mode comes on top.
    Push(ModeId),
    /// The top mode goes, unless it is the last.
    Pop,
    /// Pushes the mode, or takes it from the stack if it is there.
    Toggle(ModeId),
    /// This mode is on top until the control is released.
    Hold(ModeId),
}

/// A change of a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Assignment {
    /// It becomes this.
    To(Value),
    /// It becomes the control's shaped value.
    Input,
    /// True becomes false, anything else true.
    Toggle,
    /// This is added; what is not a number counts as 0.
    Add(f64),
}
