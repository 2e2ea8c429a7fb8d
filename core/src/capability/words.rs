//! What rights mean, in words for the user who is to grant them.

use super::{Capability, Host, HostPattern, NetworkScope, Rights, Risk, program};

/// What one capability with its scope means to a user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meaning {
    /// Which.
    pub capability: Capability,
    /// How risky it is with this scope.
    pub risk: Risk,
    /// The scope in short: `localhost:4455, example.com:443`.
    pub scope: String,
    /// What the plugin can do with it, one thing each, without a subject or a full stop: `connect to localhost port
    /// 4455`.
    pub means: Vec<String>,
    /// What is easily overlooked about it, as a sentence without a full stop.
    pub warning: Option<&'static str>,
}

impl Rights {
    /// What each capability in the set means, from the least risky on.
    #[must_use]
    pub fn meanings(&self) -> Vec<Meaning> {
        let meaning = |capability| {
            let risk = self.risk(capability)?;
            let scope = self.items(capability).join(", ");
            Some(Meaning {
                capability,
                risk,
                scope,
                means: self.means(capability),
                warning: self.warning(capability),
            })
        };
        Capability::ALL.into_iter().filter_map(meaning).collect()
    }

    fn means(&self, capability: Capability) -> Vec<String> {
        match capability {
            Capability::Midi => self.midi.as_ref().map_or(Vec::new(), |scope| {
                let send = scope.send.iter().map(|name| format!("send MIDI to {}", devices(name)));
                let listen =
                    scope.listen.iter().map(|name| format!("hear what is played on {}", devices(name)));
                send.chain(listen).collect()
            }),
            Capability::Audio => self.audio.map_or(Vec::new(), |scope| {
                chosen(&[(scope.play, "play sounds"), (scope.volume, "change and mute volumes")])
            }),
            Capability::Network => self.network.as_ref().map_or(Vec::new(), network),
            Capability::SystemControl => self.system_control.map_or(Vec::new(), |scope| {
                chosen(&[
                    (scope.media, "press media keys"),
                    (scope.notify, "show notifications"),
                    (scope.brightness, "change the brightness of the screen"),
                    (scope.open, "open web addresses of hosts that it may connect to"),
                    (scope.keys, "type keys and text into whatever window is in front"),
                ])
            }),
            Capability::Filesystem => self.filesystem.as_ref().map_or(Vec::new(), |scope| {
                let read = scope.read.iter().map(|path| format!("read everything in {path}"));
                let write =
                    scope.write.iter().map(|path| format!("read, change and delete everything in {path}"));
                read.chain(write).collect()
            }),
            Capability::Subprocess => self.subprocess.as_ref().map_or(Vec::new(), |scope| {
                let listed = scope.programs.iter().map(|entry| program::words(entry));
                let direct = scope.direct.then(|| "run every program, within its own confinement".to_owned());
                listed.chain(direct).collect()
            }),
        }
    }

    fn warning(&self, capability: Capability) -> Option<&'static str> {
        match capability {
            Capability::Midi | Capability::Audio => None,
            Capability::Network => self.network.as_ref()?.direct.as_ref().map(
                |_| "it opens the connections itself: Padgate can't see or limit which hosts it talks to",
            ),
            Capability::SystemControl => {
                self.system_control?.keys.then_some("what can type can do whatever you can at the keyboard")
            }
            Capability::Filesystem => {
                let writes = !self.filesystem.as_ref()?.write.is_empty();
                writes.then_some("it can destroy what is there")
            }
            Capability::Subprocess => {
                let scope = self.subprocess.as_ref()?;
                // Programs that the daemon runs are not confined.
                (!scope.programs.is_empty()).then_some("it can do whatever those programs can")
            }
        }
    }
}

fn chosen(words: &[(bool, &str)]) -> Vec<String> {
    words.iter().filter(|(is, _)| *is).map(|(_, words)| (*words).to_owned()).collect()
}

fn devices(name: &str) -> String {
    match name {
        "*" => "every device".to_owned(),
        pattern if pattern.contains(['*', '?']) => format!("every device whose name fits {pattern:?}"),
        name => format!("{name:?}"),
    }
}

fn network(scope: &NetworkScope) -> Vec<String> {
    let mut means: Vec<String> = scope.hosts.iter().map(host).collect();
    means.extend(scope.direct.as_ref().map(|ports| match ports.as_slice() {
        [] => "open its own connections to any host, on any port".to_owned(),
        [port] => format!("open its own connections to any host, on port {port}"),
        ports => {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            format!("open its own connections to any host, on the ports {}", ports.join(", "))
        }
    }));
    means
}

fn host(pattern: &HostPattern) -> String {
    let host = match &pattern.host {
        Host::Any => "any host".to_owned(),
        Host::Named(name) => name.clone(),
        Host::Below(name) => format!("every host below {name}"),
    };
    match pattern.port {
        Some(port) => format!("connect to {host} port {port}"),
        None => format!("connect to {host} on any port"),
    }
}
