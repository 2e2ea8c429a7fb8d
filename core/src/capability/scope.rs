//! Scopes: the part of a capability that is meant.
//!
//! An empty list in a scope grants nothing of that sort; a scope in which everything is empty is not kept
//! (`beyond` and `cut_to` give `None` for it).

use super::Risk;
use crate::ruleset::PortPattern;

/// Which MIDI devices, by the names that the user gave them (or `Padgate Out`); `*` and `?` as in port patterns.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct MidiScope {
    /// Messages may be sent to these.
    pub send: Vec<String>,
    /// Messages of these may be heard.
    pub listen: Vec<String>,
}

/// What of the sound.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct AudioScope {
    /// Playing sound files from the plugin's own folders.
    pub play: bool,
    /// Setting and muting volumes.
    pub volume: bool,
}

/// Which hosts, and how.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct NetworkScope {
    /// HTTP requests and TCP connections, made by the daemon, to these.
    pub hosts: Vec<HostPattern>,
    /// The direct form: the plugin's own IPv4 and IPv6 sockets, to any host; `Some(ports)`, and empty for all ports.
    pub direct: Option<Vec<u16>>,
}

/// A host and a port, or a pattern on them: `localhost:4455`, `*.example.com:443`, `[::1]:80`, `*:443`, `*`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct HostPattern {
    /// The host.
    pub host: Host,
    /// The port; `None`: any.
    pub port: Option<u16>,
}

/// Which host.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Host {
    /// Any.
    Any,
    /// This name or address, in lower case and without brackets.
    Named(String),
    /// All names below this one (`*.example.com`), in lower case; not the name itself.
    Below(String),
}

/// What of the system.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct SystemScope {
    /// Media keys.
    pub media: bool,
    /// Desktop notifications.
    pub notify: bool,
    /// The brightness of the screen.
    pub brightness: bool,
    /// Opening a URL; needs the network capability for the URL's host as well.
    pub open: bool,
    /// Typing keys and text.
    pub keys: bool,
}

/// Which folders, as the user writes them: absolute, or below the home folder with `~/`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct FilesystemScope {
    /// Read in these folders and files, and everything below.
    pub read: Vec<String>,
    /// Read, write, create and delete in these, and everything below.
    pub write: Vec<String>,
}

/// Which programs, and how.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct SubprocessScope {
    /// The daemon runs these for the plugin: absolute paths, or names that are looked up in `PATH`.
    pub programs: Vec<String>,
    /// The direct form: `fork` and `exec` of anything that is installed, inside the plugin's own sandbox.
    pub direct: bool,
}

/// What `wanted` has that `had` has not, where an entry is had if some entry of `had` covers it.
fn left<T: Clone>(wanted: &[T], had: &[T], covers: impl Fn(&T, &T) -> bool) -> Vec<T> {
    wanted.iter().filter(|one| !had.iter().any(|other| covers(other, one))).cloned().collect()
}

/// What both lists allow: of each pair, the narrower.
fn common<T: Clone + PartialEq>(one: &[T], other: &[T], covers: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    let mut keep = |entry: &T| {
        if !kept.contains(entry) {
            kept.push(entry.clone());
        }
    };
    for first in one {
        for second in other {
            if covers(second, first) {
                keep(first);
            } else if covers(first, second) {
                keep(second);
            }
        }
    }
    kept
}

/// Whether every name that fits `narrow` fits `wide`. A pattern is taken as a name: it fits a wider pattern, because
/// `*` takes in `*` and `?`.
fn name_covers(wide: &String, narrow: &String) -> bool {
    PortPattern(wide.clone()).matches(narrow)
}

impl MidiScope {
    /// Everything.
    #[must_use]
    pub fn all() -> MidiScope {
        MidiScope { send: vec!["*".into()], listen: vec!["*".into()] }
    }

    /// Whether messages may be sent to the device with this name.
    #[must_use]
    pub fn may_send(&self, device: &str) -> bool {
        self.send.iter().any(|pattern| PortPattern(pattern.clone()).matches(device))
    }

    /// Whether the device with this name may be listened to.
    #[must_use]
    pub fn may_listen(&self, device: &str) -> bool {
        self.listen.iter().any(|pattern| PortPattern(pattern.clone()).matches(device))
    }

    fn kept(self) -> Option<MidiScope> {
        (!self.send.is_empty() || !self.listen.is_empty()).then_some(self)
    }

    pub(super) fn beyond(&self, had: &MidiScope) -> Option<MidiScope> {
        let send = left(&self.send, &had.send, name_covers);
        let listen = left(&self.listen, &had.listen, name_covers);
        MidiScope { send, listen }.kept()
    }

    pub(super) fn cut_to(&self, other: &MidiScope) -> Option<MidiScope> {
        let send = common(&self.send, &other.send, name_covers);
        let listen = common(&self.listen, &other.listen, name_covers);
        MidiScope { send, listen }.kept()
    }
}

impl AudioScope {
    /// Everything.
    #[must_use]
    pub fn all() -> AudioScope {
        AudioScope { play: true, volume: true }
    }

    fn kept(self) -> Option<AudioScope> {
        (self != AudioScope::default()).then_some(self)
    }

    pub(super) fn beyond(&self, had: &AudioScope) -> Option<AudioScope> {
        AudioScope { play: self.play && !had.play, volume: self.volume && !had.volume }.kept()
    }

    pub(super) fn cut_to(&self, other: &AudioScope) -> Option<AudioScope> {
        AudioScope { play: self.play && other.play, volume: self.volume && other.volume }.kept()
    }
}

impl HostPattern {
    /// Whether the daemon may connect to this host (lower case, no brackets) and port.
    #[must_use]
    pub fn allows(&self, host: &str, port: u16) -> bool {
        self.port.is_none_or(|only| only == port) && self.host.allows(host)
    }

    fn covers(&self, narrow: &HostPattern) -> bool {
        (self.port.is_none() || self.port == narrow.port) && self.host.covers(&narrow.host)
    }
}

impl Host {
    fn allows(&self, host: &str) -> bool {
        match self {
            Host::Any => true,
            Host::Named(name) => name == host,
            Host::Below(suffix) => {
                host.strip_suffix(suffix.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
        }
    }

    fn covers(&self, narrow: &Host) -> bool {
        match (self, narrow) {
            (Host::Any, _) => true,
            (_, Host::Any) => false,
            (wide, Host::Named(name)) => wide.allows(name),
            (Host::Below(wide), Host::Below(narrow)) => wide == narrow || self.allows(narrow),
            (Host::Named(_), Host::Below(_)) => false,
        }
    }
}

impl NetworkScope {
    /// Low with listed hosts, medium where any host can be reached.
    #[must_use]
    pub fn risk(&self) -> Risk {
        let any = self.direct.is_some() || self.hosts.iter().any(|pattern| pattern.host == Host::Any);
        if any { Risk::Medium } else { Risk::Low }
    }

    /// Whether the daemon may connect the plugin to this host and port. Names compare without regard to case.
    #[must_use]
    pub fn allows(&self, host: &str, port: u16) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_lowercase();
        self.hosts.iter().any(|pattern| pattern.allows(&host, port))
    }

    fn kept(self) -> Option<NetworkScope> {
        (!self.hosts.is_empty() || self.direct.is_some()).then_some(self)
    }

    pub(super) fn beyond(&self, had: &NetworkScope) -> Option<NetworkScope> {
        let hosts = left(&self.hosts, &had.hosts, HostPattern::covers);
        let direct = match (&self.direct, &had.direct) {
            (None, _) => None,
            (Some(_), Some(had)) if had.is_empty() => None,
            (Some(wanted), Some(_)) if wanted.is_empty() => Some(Vec::new()),
            (Some(wanted), Some(had)) => Some(left(wanted, had, u16::eq)).filter(|ports| !ports.is_empty()),
            (Some(wanted), None) => Some(wanted.clone()),
        };
        NetworkScope { hosts, direct }.kept()
    }

    pub(super) fn cut_to(&self, other: &NetworkScope) -> Option<NetworkScope> {
        let hosts = common(&self.hosts, &other.hosts, HostPattern::covers);
        let direct = match (&self.direct, &other.direct) {
            (Some(one), Some(other)) if one.is_empty() => Some(other.clone()),
            (Some(one), Some(other)) if other.is_empty() => Some(one.clone()),
            (Some(one), Some(other)) => Some(common(one, other, u16::eq)).filter(|ports| !ports.is_empty()),
            _ => None,
        };
        NetworkScope { hosts, direct }.kept()
    }
}

impl SystemScope {
    /// Medium, and high if keys can be typed.
    #[must_use]
    pub fn risk(&self) -> Risk {
        if self.keys { Risk::High } else { Risk::Medium }
    }

    fn kept(self) -> Option<SystemScope> {
        (self != SystemScope::default()).then_some(self)
    }

    fn zip(&self, other: &SystemScope, each: impl Fn(bool, bool) -> bool) -> Option<SystemScope> {
        SystemScope {
            media: each(self.media, other.media),
            notify: each(self.notify, other.notify),
            brightness: each(self.brightness, other.brightness),
            open: each(self.open, other.open),
            keys: each(self.keys, other.keys),
        }
        .kept()
    }

    pub(super) fn beyond(&self, had: &SystemScope) -> Option<SystemScope> {
        self.zip(had, |wanted, had| wanted && !had)
    }

    pub(super) fn cut_to(&self, other: &SystemScope) -> Option<SystemScope> {
        self.zip(other, |one, other| one && other)
    }
}

/// Whether `narrow` is `wide` or below it, by whole components of the path.
fn path_covers(wide: &String, narrow: &String) -> bool {
    let wide = wide.trim_end_matches('/');
    narrow.trim_end_matches('/') == wide
        || narrow.strip_prefix(wide).is_some_and(|rest| rest.starts_with('/'))
}

impl FilesystemScope {
    fn kept(self) -> Option<FilesystemScope> {
        (!self.read.is_empty() || !self.write.is_empty()).then_some(self)
    }

    pub(super) fn beyond(&self, had: &FilesystemScope) -> Option<FilesystemScope> {
        // What may be written may be read as well.
        let readable: Vec<String> = had.read.iter().chain(&had.write).cloned().collect();
        let read = left(&self.read, &readable, path_covers);
        let write = left(&self.write, &had.write, path_covers);
        FilesystemScope { read, write }.kept()
    }

    pub(super) fn cut_to(&self, other: &FilesystemScope) -> Option<FilesystemScope> {
        let readable = |scope: &FilesystemScope| -> Vec<String> {
            scope.read.iter().chain(&scope.write).cloned().collect()
        };
        let write = common(&self.write, &other.write, path_covers);
        let mut read = common(&readable(self), &readable(other), path_covers);
        read.retain(|path| !write.iter().any(|writable| path_covers(writable, path)));
        FilesystemScope { read, write }.kept()
    }
}

impl SubprocessScope {
    fn kept(self) -> Option<SubprocessScope> {
        (!self.programs.is_empty() || self.direct).then_some(self)
    }

    pub(super) fn beyond(&self, had: &SubprocessScope) -> Option<SubprocessScope> {
        let programs = left(&self.programs, &had.programs, String::eq);
        SubprocessScope { programs, direct: self.direct && !had.direct }.kept()
    }

    pub(super) fn cut_to(&self, other: &SubprocessScope) -> Option<SubprocessScope> {
        let programs = common(&self.programs, &other.programs, String::eq);
        SubprocessScope { programs, direct: self.direct && other.direct }.kept()
    }
}
