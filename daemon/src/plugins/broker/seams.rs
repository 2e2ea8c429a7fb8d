//! What the brokers need of others: the seams to the devices, the sound back end and the supervisor.

use std::path::PathBuf;

use padgate_core::ids::{DeviceId, TargetId};

use crate::actions::Actions;
use crate::plugins::part::PluginId;

/// Names of devices.
pub trait DeviceNames: Send + Sync {
    /// The device with this name; `Some(None)` is the virtual output, which is `Padgate Out` or the empty name.
    fn device(&self, name: &str) -> Option<Option<DeviceId>>;

    /// All names, for a text that says which there are.
    fn names(&self) -> Vec<String>;
}

/// Takes what happens between calls, for a plugin. Called on a driver's thread; must not wait.
pub trait EventSink: Send + Sync {
    /// `kind` is one of the ABI's `PADGATE_EVENT_…`, `time_ns` on the system's monotonic clock.
    fn event(&self, plugin: PluginId, kind: u32, time_ns: u64, data: &[u8], device: &str);
}

/// Numbers for sound outputs that are not in the configuration.
pub trait SoundOutputs: Send + Sync {
    /// The number for outputs whose names fit the pattern, given out now if the pattern is new. It stays for as long as
    /// the daemon runs. `None`: there are [`crate::actions::GUEST_OUTPUTS_MAX`] already.
    fn output(&self, pattern: &str) -> Option<TargetId>;
}

impl SoundOutputs for Actions {
    fn output(&self, pattern: &str) -> Option<TargetId> {
        self.guest_output(pattern)
    }
}

/// Where the screen's brightness is read and set. A value, so that tests can say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The address of the system bus, where the login service sets it.
    pub system_bus: String,
    /// The folder in which the kernel shows the screens' lights.
    pub backlights: PathBuf,
}

impl Screen {
    /// As this system has it.
    #[must_use]
    pub fn from_environment() -> Screen {
        let bus = std::env::var("DBUS_SYSTEM_BUS_ADDRESS").ok().filter(|address| !address.is_empty());
        Screen {
            system_bus: bus.unwrap_or_else(|| "unix:path=/run/dbus/system_bus_socket".to_owned()),
            backlights: PathBuf::from("/sys/class/backlight"),
        }
    }
}
