//! Capabilities: what a plugin may be allowed to do, how risky that is, and how far it reaches.
//!
//! The same six words and the same scopes stand in a manifest (what a plugin requests), in the grants file (what the
//! user granted) and in the profile that a host is locked down with. Nothing here decides: the daemon's gate does,
//! from what these types say.
//!
//! Texts: [`Rights::from_toml`] and [`Rights::to_toml`] for files, [`Rights::parse_one`] for the command line,
//! [`Rights::meanings`] for the user who is asked.
//!
//! Every `match` over [`Capability`] names all six, so that a seventh can't be forgotten anywhere.

pub(crate) mod entry;
mod host;
mod pattern;
mod program;
mod scope;
mod text;
mod words;
pub(crate) mod written;

#[cfg(test)]
mod tests;

pub use entry::path;
pub use host::{Host, HostPattern};
pub use scope::{AudioScope, FilesystemScope, MidiScope, NetworkScope, SubprocessScope, SystemScope};
pub use words::Meaning;

/// The most entries in one list of a scope. More nobody would read before granting it.
pub const SCOPE_ENTRIES_MAX: usize = 64;

/// A right that a plugin can have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Capability {
    /// Sending to and listening on MIDI devices, through the daemon.
    Midi,
    /// Playing sounds and setting volumes, through the daemon.
    Audio,
    /// HTTP requests and TCP connections.
    Network,
    /// Media keys, notifications, brightness, opening URLs, typing keys; through the daemon.
    SystemControl,
    /// Files outside the plugin's own folder.
    Filesystem,
    /// Running programs.
    Subprocess,
}

impl Capability {
    /// All of them, from the least risky on.
    pub const ALL: [Capability; 6] = [
        Capability::Midi,
        Capability::Audio,
        Capability::Network,
        Capability::SystemControl,
        Capability::Filesystem,
        Capability::Subprocess,
    ];

    /// The name in manifests, grants and commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Capability::Midi => "midi",
            Capability::Audio => "audio",
            Capability::Network => "network",
            Capability::SystemControl => "system-control",
            Capability::Filesystem => "filesystem",
            Capability::Subprocess => "subprocess",
        }
    }

    /// The capability with this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Capability> {
        Capability::ALL.into_iter().find(|capability| capability.name() == name)
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How much harm a granted capability can do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Risk {
    /// Annoying at worst; granted by itself unless the user is careful.
    Low,
    /// Can disturb or tell others something.
    Medium,
    /// Can read or destroy what the user owns, or act as the user.
    High,
}

impl Risk {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
        }
    }
}

/// A set of capabilities, each with its scope: a request, a grant, or what of a request was granted.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Rights {
    /// See [`Capability::Midi`].
    pub midi: Option<MidiScope>,
    /// See [`Capability::Audio`].
    pub audio: Option<AudioScope>,
    /// See [`Capability::Network`].
    pub network: Option<NetworkScope>,
    /// See [`Capability::SystemControl`].
    pub system_control: Option<SystemScope>,
    /// See [`Capability::Filesystem`].
    pub filesystem: Option<FilesystemScope>,
    /// See [`Capability::Subprocess`].
    pub subprocess: Option<SubprocessScope>,
}

impl Rights {
    /// None at all.
    pub const NONE: Rights = Rights {
        midi: None,
        audio: None,
        network: None,
        system_control: None,
        filesystem: None,
        subprocess: None,
    };

    /// Whether the capability is in the set, whatever its scope.
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Midi => self.midi.is_some(),
            Capability::Audio => self.audio.is_some(),
            Capability::Network => self.network.is_some(),
            Capability::SystemControl => self.system_control.is_some(),
            Capability::Filesystem => self.filesystem.is_some(),
            Capability::Subprocess => self.subprocess.is_some(),
        }
    }

    /// The capabilities in the set, from the least risky on.
    pub fn capabilities(&self) -> impl Iterator<Item = Capability> + '_ {
        Capability::ALL.into_iter().filter(|capability| self.has(*capability))
    }

    /// How risky the capability is with this scope; `None` if it is not in the set.
    #[must_use]
    pub fn risk(&self, capability: Capability) -> Option<Risk> {
        match capability {
            Capability::Midi => self.midi.as_ref().map(|_| Risk::Low),
            Capability::Audio => self.audio.as_ref().map(|_| Risk::Low),
            Capability::Network => self.network.as_ref().map(NetworkScope::risk),
            Capability::SystemControl => self.system_control.as_ref().map(SystemScope::risk),
            Capability::Filesystem => self.filesystem.as_ref().map(|_| Risk::High),
            Capability::Subprocess => self.subprocess.as_ref().map(|_| Risk::High),
        }
    }

    /// The highest risk in the set; `None` if it is empty.
    #[must_use]
    pub fn highest_risk(&self) -> Option<Risk> {
        self.capabilities().filter_map(|capability| self.risk(capability)).max()
    }

    /// Takes the capability out of the set.
    pub fn remove(&mut self, capability: Capability) {
        match capability {
            Capability::Midi => self.midi = None,
            Capability::Audio => self.audio = None,
            Capability::Network => self.network = None,
            Capability::SystemControl => self.system_control = None,
            Capability::Filesystem => self.filesystem = None,
            Capability::Subprocess => self.subprocess = None,
        }
    }

    /// What is in `self` and not in `granted`: what a plugin asks for and does not have.
    #[must_use]
    pub fn beyond(&self, granted: &Rights) -> Rights {
        Rights {
            midi: beyond(&self.midi, &granted.midi, MidiScope::beyond),
            audio: beyond(&self.audio, &granted.audio, AudioScope::beyond),
            network: beyond(&self.network, &granted.network, NetworkScope::beyond),
            system_control: beyond(&self.system_control, &granted.system_control, SystemScope::beyond),
            filesystem: beyond(&self.filesystem, &granted.filesystem, FilesystemScope::beyond),
            subprocess: beyond(&self.subprocess, &granted.subprocess, SubprocessScope::beyond),
        }
    }

    /// Whether `granted` holds all of this.
    #[must_use]
    pub fn is_within(&self, granted: &Rights) -> bool {
        self.beyond(granted) == Rights::NONE
    }

    /// What is in at least one of them.
    #[must_use]
    pub fn joined(&self, other: &Rights) -> Rights {
        Rights {
            midi: either(&self.midi, &other.midi, MidiScope::joined),
            audio: either(&self.audio, &other.audio, AudioScope::joined),
            network: either(&self.network, &other.network, NetworkScope::joined),
            system_control: either(&self.system_control, &other.system_control, SystemScope::joined),
            filesystem: either(&self.filesystem, &other.filesystem, FilesystemScope::joined),
            subprocess: either(&self.subprocess, &other.subprocess, SubprocessScope::joined),
        }
    }

    /// This capability alone, with its scope.
    #[must_use]
    pub fn only(&self, capability: Capability) -> Rights {
        let mut rights = self.clone();
        Capability::ALL
            .into_iter()
            .filter(|other| *other != capability)
            .for_each(|other| rights.remove(other));
        rights
    }

    /// The same with `~` in the place of the home folder (an absolute path): a shell that completes paths in the words of
    /// a command says `/home/ada/Music` where the manifest says `~/Music`.
    #[must_use]
    pub fn below_home(&self, home: &str) -> Rights {
        let home = home.trim_end_matches('/');
        let below = |path: &String| match path.strip_prefix(home) {
            Some(rest) if !home.is_empty() && (rest.is_empty() || rest.starts_with('/')) => {
                format!("~{rest}")
            }
            _ => path.clone(),
        };
        let all = |paths: &[String]| paths.iter().map(below).collect();
        let mut rights = self.clone();
        if let Some(scope) = &mut rights.filesystem {
            (scope.read, scope.write) = (all(&scope.read), all(&scope.write));
        }
        if let Some(scope) = &mut rights.subprocess {
            scope.programs = all(&scope.programs);
        }
        rights
    }

    /// What is in both, at the narrower of the two scopes: a request cut down to a grant.
    #[must_use]
    pub fn cut_to(&self, granted: &Rights) -> Rights {
        Rights {
            midi: both(&self.midi, &granted.midi, MidiScope::cut_to),
            audio: both(&self.audio, &granted.audio, AudioScope::cut_to),
            network: both(&self.network, &granted.network, NetworkScope::cut_to),
            system_control: both(&self.system_control, &granted.system_control, SystemScope::cut_to),
            filesystem: both(&self.filesystem, &granted.filesystem, FilesystemScope::cut_to),
            subprocess: both(&self.subprocess, &granted.subprocess, SubprocessScope::cut_to),
        }
    }
}

fn beyond<S: Clone>(wanted: &Option<S>, had: &Option<S>, beyond: fn(&S, &S) -> Option<S>) -> Option<S> {
    match (wanted, had) {
        (None, _) => None,
        (Some(wanted), None) => Some(wanted.clone()),
        (Some(wanted), Some(had)) => beyond(wanted, had),
    }
}

fn both<S>(one: &Option<S>, other: &Option<S>, cut: fn(&S, &S) -> Option<S>) -> Option<S> {
    cut(one.as_ref()?, other.as_ref()?)
}

fn either<S: Clone>(one: &Option<S>, other: &Option<S>, join: fn(&S, &S) -> S) -> Option<S> {
    match (one, other) {
        (Some(one), Some(other)) => Some(join(one, other)),
        (one, other) => one.as_ref().or(other.as_ref()).cloned(),
    }
}
