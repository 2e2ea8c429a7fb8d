//! Scopes: the part of a capability that is meant.
//!
//! An empty list in a scope grants nothing of that sort; a scope in which everything is empty is not kept
//! (`beyond` and `cut_to` give `None` for it).

use super::Risk;
use super::entry::path_covers;
use super::host::{Host, HostPattern, plain_host};
use super::pattern::{self, without_covered};
use super::program;
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
    /// The daemon runs these for the plugin: absolute paths or ones below the home folder, whose last part may have `*` for
    /// any run of characters; or names that are looked up in `PATH`.
    pub programs: Vec<String>,
    /// The direct form: `fork` and `exec` of anything that is installed, inside the plugin's own sandbox.
    pub direct: bool,
}

/// What `wanted` has that `had` has not, where an entry is had if some entry of `had` covers it.
fn left<T: Clone>(wanted: &[T], had: &[T], covers: impl Fn(&T, &T) -> bool) -> Vec<T> {
    wanted.iter().filter(|one| !had.iter().any(|other| covers(other, one))).cloned().collect()
}

/// What both lists allow: of each pair, what both of it allow.
fn common<T, I: IntoIterator<Item = T>>(
    one: &[T],
    other: &[T],
    both: impl Fn(&T, &T) -> I,
    covers: impl Fn(&T, &T) -> bool,
) -> Vec<T> {
    let pairs = one.iter().flat_map(|first| other.iter().map(move |second| (first, second)));
    without_covered(pairs.flat_map(|(first, second)| both(first, second)).collect(), covers)
}

/// What at least one of the lists allows.
fn joined<T: Clone>(one: &[T], other: &[T], covers: impl Fn(&T, &T) -> bool) -> Vec<T> {
    without_covered(one.iter().chain(other).cloned().collect(), covers)
}

fn common_names(one: &[String], other: &[String]) -> Vec<String> {
    common(one, other, |one, other| pattern::common(one, other), |wide, narrow| pattern::covers(wide, narrow))
}

fn common_paths(one: &[String], other: &[String]) -> Vec<String> {
    let narrower = |one: &String, other: &String| {
        if path_covers(other, one) {
            Some(one.clone())
        } else {
            path_covers(one, other).then(|| other.clone())
        }
    };
    common(one, other, narrower, |wide, narrow| path_covers(wide, narrow))
}

fn common_equals<T: Clone + PartialEq>(one: &[T], other: &[T]) -> Vec<T> {
    common(one, other, |one, other| (one == other).then(|| one.clone()), T::eq)
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
        let send = left(&self.send, &had.send, |wide, narrow| pattern::covers(wide, narrow));
        let listen = left(&self.listen, &had.listen, |wide, narrow| pattern::covers(wide, narrow));
        MidiScope { send, listen }.kept()
    }

    pub(super) fn cut_to(&self, other: &MidiScope) -> Option<MidiScope> {
        let send = common_names(&self.send, &other.send);
        let listen = common_names(&self.listen, &other.listen);
        MidiScope { send, listen }.kept()
    }

    pub(super) fn joined(&self, other: &MidiScope) -> MidiScope {
        MidiScope {
            send: joined(&self.send, &other.send, |wide, narrow| pattern::covers(wide, narrow)),
            listen: joined(&self.listen, &other.listen, |wide, narrow| pattern::covers(wide, narrow)),
        }
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

    pub(super) fn joined(&self, other: &AudioScope) -> AudioScope {
        AudioScope { play: self.play || other.play, volume: self.volume || other.volume }
    }
}

impl NetworkScope {
    /// Low with listed hosts, medium where any host can be reached.
    #[must_use]
    pub fn risk(&self) -> Risk {
        // Below a name without a point (`*.com`) lies half of the internet.
        let is_any = |host: &Host| match host {
            Host::Any => true,
            Host::Below(above) => !above.contains('.'),
            Host::Named(_) => false,
        };
        let any = self.direct.is_some() || self.hosts.iter().any(|pattern| is_any(&pattern.host));
        if any { Risk::Medium } else { Risk::Low }
    }

    /// Whether the daemon may connect the plugin to this host and port. Names compare without regard to case, and
    /// addresses in whatever form they are written.
    #[must_use]
    pub fn allows(&self, host: &str, port: u16) -> bool {
        let host = plain_host(host);
        self.hosts.iter().any(|pattern| pattern.allows(&host, port))
    }

    /// Whether the plugin may open its own connection to this port.
    #[must_use]
    pub fn allows_direct(&self, port: u16) -> bool {
        self.direct.as_ref().is_some_and(|ports| ports.is_empty() || ports.contains(&port))
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
        let hosts = common(&self.hosts, &other.hosts, HostPattern::common, HostPattern::covers);
        let direct = match (&self.direct, &other.direct) {
            (Some(one), Some(other)) if one.is_empty() => Some(other.clone()),
            (Some(one), Some(other)) if other.is_empty() => Some(one.clone()),
            (Some(one), Some(other)) => Some(common_equals(one, other)).filter(|ports| !ports.is_empty()),
            _ => None,
        };
        NetworkScope { hosts, direct }.kept()
    }

    pub(super) fn joined(&self, other: &NetworkScope) -> NetworkScope {
        let hosts = joined(&self.hosts, &other.hosts, HostPattern::covers);
        let direct = match (&self.direct, &other.direct) {
            (Some(one), Some(other)) if one.is_empty() || other.is_empty() => Some(Vec::new()),
            (Some(one), Some(other)) => Some(joined(one, other, u16::eq)),
            (one, other) => one.as_ref().or(other.as_ref()).cloned(),
        };
        NetworkScope { hosts, direct }
    }
}

impl SystemScope {
    /// Everything but typing keys, which must be named.
    #[must_use]
    pub fn all_but_keys() -> SystemScope {
        SystemScope { media: true, notify: true, brightness: true, open: true, keys: false }
    }

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

    pub(super) fn joined(&self, other: &SystemScope) -> SystemScope {
        self.zip(other, |one, other| one || other).unwrap_or_default()
    }
}

impl FilesystemScope {
    /// Whether this place (a path in its usual form, as [`super::path`] gives it) may be read.
    #[must_use]
    pub fn may_read(&self, path: &str) -> bool {
        self.read.iter().any(|folder| path_covers(folder, path)) || self.may_write(path)
    }

    /// Whether this place (a path in its usual form, as [`super::path`] gives it) may be written.
    #[must_use]
    pub fn may_write(&self, path: &str) -> bool {
        self.write.iter().any(|folder| path_covers(folder, path))
    }

    /// The same with the home folder (an absolute path) in the place of `~`, so that scopes that were written in
    /// different ways can be compared.
    #[must_use]
    pub fn at_home(&self, home: &str) -> FilesystemScope {
        let expand = |path: &String| match path.strip_prefix('~') {
            Some(rest) => super::path(&format!("{home}{rest}")).unwrap_or_else(|_| path.clone()),
            None => path.clone(),
        };
        FilesystemScope {
            read: self.read.iter().map(expand).collect(),
            write: self.write.iter().map(expand).collect(),
        }
    }

    fn kept(self) -> Option<FilesystemScope> {
        (!self.read.is_empty() || !self.write.is_empty()).then_some(self)
    }

    /// What may be written may be read as well.
    fn readable(&self) -> Vec<String> {
        self.read.iter().chain(&self.write).cloned().collect()
    }

    /// Takes out of what may be read what may be written anyway.
    fn tidy(mut self) -> FilesystemScope {
        let FilesystemScope { read, write } = &mut self;
        read.retain(|path| !write.iter().any(|writable| path_covers(writable, path)));
        self
    }

    pub(super) fn beyond(&self, had: &FilesystemScope) -> Option<FilesystemScope> {
        let covers = |wide: &String, narrow: &String| path_covers(wide, narrow);
        let read = left(&self.read, &had.readable(), covers);
        let write = left(&self.write, &had.write, covers);
        FilesystemScope { read, write }.kept()
    }

    pub(super) fn cut_to(&self, other: &FilesystemScope) -> Option<FilesystemScope> {
        let write = common_paths(&self.write, &other.write);
        let read = common_paths(&self.readable(), &other.readable());
        FilesystemScope { read, write }.tidy().kept()
    }

    pub(super) fn joined(&self, other: &FilesystemScope) -> FilesystemScope {
        let covers = |wide: &String, narrow: &String| path_covers(wide, narrow);
        let read = joined(&self.read, &other.read, covers);
        let write = joined(&self.write, &other.write, covers);
        FilesystemScope { read, write }.tidy()
    }
}

impl SubprocessScope {
    fn kept(self) -> Option<SubprocessScope> {
        (!self.programs.is_empty() || self.direct).then_some(self)
    }

    /// Whether the daemon may run this for the plugin, named as in the scope: with `~/` for the home folder if the scope
    /// says so.
    #[must_use]
    pub fn may_run(&self, program: &str) -> bool {
        self.programs.iter().any(|entry| program::covers(entry, program))
    }

    pub(super) fn beyond(&self, had: &SubprocessScope) -> Option<SubprocessScope> {
        let programs = left(&self.programs, &had.programs, |wide, narrow| program::covers(wide, narrow));
        SubprocessScope { programs, direct: self.direct && !had.direct }.kept()
    }

    pub(super) fn cut_to(&self, other: &SubprocessScope) -> Option<SubprocessScope> {
        let programs = common(
            &self.programs,
            &other.programs,
            |one, other| program::common(one, other),
            |wide, narrow| program::covers(wide, narrow),
        );
        SubprocessScope { programs, direct: self.direct && other.direct }.kept()
    }

    pub(super) fn joined(&self, other: &SubprocessScope) -> SubprocessScope {
        let programs = joined(&self.programs, &other.programs, |wide, narrow| program::covers(wide, narrow));
        SubprocessScope { programs, direct: self.direct || other.direct }
    }
}
