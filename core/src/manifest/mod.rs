//! The manifest of a plugin, `plugin.toml`: what the plugin says of itself, and what it requests.
//!
//! A manifest is read without running any of the plugin's code, and nothing that it says is believed further than that:
//! what it requests must be granted, and what its binary really is, the daemon hashes.

mod action;
pub(crate) mod limits;
mod read;
pub(crate) mod value;

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::time::Duration;

pub use read::read;

use crate::capability::{Capability, Rights};

/// The longest name of a plugin, of an action or of a parameter, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// The most actions of a plugin.
pub const ACTIONS_MAX: usize = 256;
/// The most parameters of an action.
pub const PARAMETERS_MAX: usize = 64;
/// The most choices of a parameter.
pub const CHOICES_MAX: usize = 256;
/// The most plugins that a plugin can depend on.
pub const DEPENDENCIES_MAX: usize = 64;
/// How long the parameters of a call can be as JSON, in bytes: they go to the host in one frame.
pub const PARAMETERS_BYTES_MAX: usize = 32 * 1024;
/// The longest that a call may take, in milliseconds.
pub const DEADLINE_MS: RangeInclusive<u64> = 1..=5_000;
/// Address space of a host, in bytes.
pub const MEMORY_BYTES: RangeInclusive<u64> = (16 << 20)..=(64 << 30);
/// Calls in a second.
pub const RATE: RangeInclusive<i64> = 1..=100_000;
/// Open files.
pub const FILES: RangeInclusive<i64> = 8..=1024;

/// Whether a plugin can have this name: 1 to [`NAME_BYTES_MAX`] of `a` to `z`, `0` to `9` and `-`, beginning with a
/// letter.
#[must_use]
pub fn is_plugin_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether an action or a parameter can have this name: letters, digits, `-` and `_`, beginning with a letter.
#[must_use]
pub fn is_identifier(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// What a `plugin.toml` means.
#[derive(Clone, PartialEq, Debug)]
pub struct Manifest {
    /// The plugin's name: 1 to [`NAME_BYTES_MAX`] of `a` to `z`, `0` to `9` and `-`, beginning with a letter.
    pub name: String,
    /// Its version (semantic versioning), as written; it is valid.
    pub version: semver::Version,
    /// What it does, in a sentence.
    pub description: String,
    /// Who wrote it; may be empty, as may the next two.
    pub author: String,
    /// Its licence.
    pub license: String,
    /// Where to read more.
    pub homepage: String,
    /// The file with its code, relative to the manifest's folder and inside it, for this platform; `None` if the
    /// plugin has no binary for this platform.
    pub binary: Option<String>,
    /// The platforms that it has a binary for (`linux-x86_64`), sorted; empty if one is for all.
    pub platforms: Vec<String>,
    /// The version of the ABI that it was built for.
    pub api: u16,
    /// The capabilities that it requests.
    pub request: Rights,
    /// Those of them that it can do without.
    pub optional: Vec<Capability>,
    /// Limits that it asks for; `None`: the default.
    pub limits: Limits,
    /// What it can do. At least one, each with another name.
    pub actions: Vec<ActionSpec>,
    /// Other plugins that must be enabled before it.
    pub dependencies: Vec<(String, semver::VersionReq)>,
}

/// Limits of one plugin. `None` is the default, which the daemon's documentation states.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// The longest that a call may take, 1 ms to 5 s.
    pub deadline: Option<Duration>,
    /// The address space of the host, in bytes, from 16 MiB on.
    pub memory: Option<u64>,
    /// Calls in a second, from 1 on.
    pub rate: Option<u32>,
    /// Share of one processor over a few seconds, 1 to 100 (percent).
    pub cpu: Option<u8>,
    /// Open files, 8 to 1024.
    pub files: Option<u32>,
}

/// One action of a plugin.
#[derive(Clone, PartialEq, Debug)]
pub struct ActionSpec {
    /// Its name, as [`is_identifier`] allows it.
    pub name: String,
    /// What it does, in a sentence; may be empty.
    pub description: String,
    /// Whether it wants to be told of the release as well.
    pub held: bool,
    /// Its parameters, in the order of the manifest.
    pub parameters: Vec<Parameter>,
}

/// One parameter of an action.
#[derive(Clone, PartialEq, Debug)]
pub struct Parameter {
    /// Its name, as [`is_identifier`] allows it.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// What it can be.
    pub kind: ParameterKind,
    /// Whether it must be given.
    pub required: bool,
    /// What it is if it is not given, as JSON. The daemon puts it in, so that a plugin need not know it twice.
    pub default: Option<String>,
}

/// What a parameter can be.
#[derive(Clone, PartialEq, Debug)]
pub enum ParameterKind {
    /// Text; one of `choices`, if there are any.
    Text {
        /// What it can be.
        choices: Vec<String>,
    },
    /// A whole number.
    Integer {
        /// The least, inclusive.
        min: i64,
        /// The most, inclusive.
        max: i64,
    },
    /// Any finite number.
    Number {
        /// The least, inclusive.
        min: f64,
        /// The most, inclusive.
        max: f64,
    },
    /// True or false.
    Flag,
    /// A list of such values.
    List(Box<ParameterKind>),
    /// A table with any keys, whose values are such.
    Table(Box<ParameterKind>),
    /// Anything that TOML can say, except dates.
    Any,
}

impl Manifest {
    /// The action with this name.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&ActionSpec> {
        self.actions.iter().find(|action| action.name == name)
    }
}

impl ParameterKind {
    /// What it is, in a few words: `a whole number`.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            ParameterKind::Text { .. } => "a text",
            ParameterKind::Integer { .. } => "a whole number",
            ParameterKind::Number { .. } => "a number",
            ParameterKind::Flag => "true or false",
            ParameterKind::List(_) => "an array",
            ParameterKind::Table(_) => "a table",
            ParameterKind::Any => "anything but a date",
        }
    }
}
