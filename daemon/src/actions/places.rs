//! Where the servers are that the back ends talk to: read from the environment once, so that tests can say otherwise.

use std::path::PathBuf;

/// Where to find displays, the sound server, the session bus and the kernel's device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The X display, such as `:0`.
    pub display: Option<String>,
    /// The Wayland display, such as `wayland-0`.
    pub wayland_display: Option<String>,
    /// The sound server's socket.
    pub sound_socket: Option<PathBuf>,
    /// The sound server's cookie, which it may want to see.
    pub sound_cookie: Option<PathBuf>,
    /// The address of the session bus.
    pub session_bus: Option<String>,
    /// The kernel's device for virtual keyboards.
    pub uinput: Option<PathBuf>,
}

impl Places {
    /// As the environment of this process says.
    #[must_use]
    pub fn from_environment() -> Places {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let runtime = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
        let home = etcetera::home_dir().ok();
        let socket = match variable("PULSE_SERVER") {
            // A server elsewhere in the network is not something to move the volume of by surprise.
            Some(server) => {
                server.strip_prefix("unix:").or(server.starts_with('/').then_some(&server)).map(PathBuf::from)
            }
            None => variable("PULSE_RUNTIME_PATH")
                .map(|folder| PathBuf::from(folder).join("native"))
                .or_else(|| runtime.as_ref().map(|folder| folder.join("pulse/native"))),
        };
        let cookie = variable("PULSE_COOKIE").map(PathBuf::from).or_else(|| {
            let home = home.as_ref()?;
            [home.join(".config/pulse/cookie"), home.join(".pulse-cookie")]
                .into_iter()
                .find(|path| path.exists())
        });
        let bus = variable("DBUS_SESSION_BUS_ADDRESS").or_else(|| {
            let socket = runtime.as_ref()?.join("bus");
            socket.exists().then(|| format!("unix:path={}", socket.display()))
        });
        Places {
            display: variable("DISPLAY"),
            wayland_display: variable("WAYLAND_DISPLAY"),
            sound_socket: socket,
            sound_cookie: cookie,
            session_bus: bus,
            uinput: Some(PathBuf::from("/dev/uinput")),
        }
    }
}
