//! What a configuration means: devices, modes and mappings, with every name resolved and no invalid state.
//!
//! Made by [`crate::config`] from what was written, or by hand in tests; read by the engine, which indexes
//! it once ([`crate::engine::Engine::reload`]) and never changes it.

pub mod action;
pub mod condition;
pub mod keys;
pub mod plugins;
pub mod shape;
pub mod trigger;

use std::sync::Arc;
use std::time::Duration;

pub use action::{Action, Again, Program, Step};
pub use condition::{Condition, Value};
pub use keys::{Key, KeyChord};
pub use plugins::PluginSettings;
pub use shape::Shape;
pub use trigger::{Gesture, Trigger};

use crate::ids::{DeviceId, ModeId, Names, VariableId};

/// The meaning of a whole configuration.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    /// The tables that give the ids below their names.
    pub names: Names,
    /// The devices that this configuration has (a subset of `names.devices`).
    pub devices: Vec<Device>,
    /// The mappings, in the order of the files.
    pub mappings: Vec<Arc<Mapping>>,
    /// What variables hold until an action sets them. A variable keeps its value across reloads.
    pub variables: Vec<(VariableId, Value)>,
    /// What holds for all mappings.
    pub settings: Settings,
}

/// How a device is found, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Which device this is.
    pub id: DeviceId,
    /// The ports it is read from and written to.
    pub ports: DevicePorts,
    /// An incoming message that equals one sent to the device less than this long ago is an echo, and is
    /// dropped. Zero: nothing is dropped.
    pub echo: Duration,
    /// What its controls are called, sorted by name.
    pub controls: Vec<(String, NamedControl)>,
}

/// What a control that has a name sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NamedControl {
    /// Its sort.
    pub kind: trigger::ControlKind,
    /// Its number, 0 to 127; 0 where the kind has none.
    pub number: u8,
    /// Its channel; `None`: any.
    pub channel: Option<crate::midi::Channel>,
}

/// Which of the operating system's ports belong to a device.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DevicePorts {
    /// Pattern on the input port's name; `None` for a device that is only written to.
    pub input: Option<PortPattern>,
    /// Pattern on the output port's name; `None` where nothing is sent to the device.
    pub output: Option<PortPattern>,
    /// USB serial number or path, to tell twins apart; a pattern too.
    pub usb: Option<PortPattern>,
}

/// A pattern on a name: `*` stands for any run of characters, `?` for one; case does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortPattern(pub String);

impl PortPattern {
    /// Whether the whole of `name` fits.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let pattern: Vec<char> = self.0.to_lowercase().chars().collect();
        let name: Vec<char> = name.to_lowercase().chars().collect();
        // Greedy with one point of return: linear in practice, never exponential.
        let (mut p, mut n) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            if p < pattern.len() && pattern[p] == '*' {
                star = Some((p, n));
                p += 1;
            } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == name[n]) {
                p += 1;
                n += 1;
            } else if let Some((star_p, star_n)) = star {
                p = star_p + 1;
                n = star_n + 1;
                star = Some((star_p, n));
            } else {
                return false;
            }
        }
        pattern[p..].iter().all(|c| *c == '*')
    }
}

/// What holds for all mappings.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The mode in which the engine starts.
    pub start_mode: ModeId,
    /// Whether `shell` actions may run.
    pub allow_shell: bool,
    /// Which back end types keys and moves the mouse.
    pub output: OutputChoice,
    /// Whether the ports `Padgate In` and `Padgate Out` are made.
    pub virtual_ports: bool,
    /// What holds for plugins.
    pub plugins: PluginSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start_mode: ModeId::new(0),
            allow_shell: false,
            output: OutputChoice::Auto,
            virtual_ports: true,
            plugins: PluginSettings::default(),
        }
    }
}

/// Which back end types keys and moves the mouse.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OutputChoice {
    /// X11 where there is a display, then Wayland if built in, then uinput, else none.
    #[default]
    Auto,
    /// The X server, through its XTEST extension.
    X11,
    /// The compositor, through enigo.
    Wayland,
    /// The kernel: a virtual keyboard and mouse.
    Uinput,
    /// Nothing: such actions fail, and say so.
    None,
}

/// A trigger, conditions and an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// What the user called it; if nothing, what it does in a few words. Shown everywhere.
    pub name: String,
    /// Where it was written: file, line.
    pub origin: Origin,
    /// The mode it belongs to; `None`: every mode.
    pub mode: Option<ModeId>,
    /// What the hand must do.
    pub trigger: Trigger,
    /// What must be true as well.
    pub when: Condition,
    /// How the control's value becomes the action's.
    pub shape: Shape,
    /// Whether the control must first meet the target's value.
    pub takeover: Takeover,
    /// What to do.
    pub program: Arc<Program>,
    /// What happens if it fires while it still runs.
    pub again: Again,
}

impl Mapping {
    /// Whether it says the same as `other`, wherever that was written.
    #[must_use]
    pub fn is_same(&self, other: &Mapping) -> bool {
        let Mapping { name, origin: _, mode, trigger, when, shape, takeover, program, again } = self;
        *name == other.name
            && *mode == other.mode
            && *trigger == other.trigger
            && *when == other.when
            && *shape == other.shape
            && *takeover == other.takeover
            && *program == other.program
            && *again == other.again
    }
}

/// Where a mapping was written.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Origin {
    /// Name of the file as the user knows it.
    pub file: String,
    /// Line, from 1; 0 if unknown.
    pub line: u32,
}

/// Whether a control with a position must first meet the value of what it moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Takeover {
    /// The value jumps to the control.
    #[default]
    Jump,
    /// Nothing happens until the control has reached or crossed the target's value.
    Pickup,
}

#[cfg(test)]
mod tests {
    use super::PortPattern;

    #[test]
    fn patterns_match_whole_names_without_regard_to_case() {
        let fits = |pattern: &str, name: &str| PortPattern(pattern.into()).matches(name);
        assert!(fits("Launchpad Mini MK3*", "launchpad mini mk3 LPMiniMK3 MIDI"));
        assert!(fits("*MIDI ?", "nanoKONTROL2 MIDI 1"));
        assert!(fits("*", ""));
        assert!(!fits("Launchpad", "Launchpad X"));
        assert!(!fits("", "x"));
        assert!(fits("a*b*c", "a__b__b__c"));
        assert!(!fits("a*b*c", "a__c__b"));
    }
}
