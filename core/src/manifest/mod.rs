//! The manifest of a plugin, `plugin.toml`: what the plugin says of itself, and what it requests.
//!
//! A manifest is read without running any of the plugin's code, and nothing that it says is believed further than that:
//! what it requests must be granted, and what its binary really is, the daemon hashes.

use std::time::Duration;

use crate::capability::{Capability, Rights};

/// The longest name of a plugin, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// What a `plugin.toml` means.
#[derive(Clone, PartialEq, Debug)]
pub struct Manifest {
    /// The plugin's name: 1 to [`NAME_BYTES_MAX`] of `a` to `z`, `0` to `9` and `-`, beginning with a letter.
    pub name: String,
    /// Its version (semantic versioning), as written; it is valid.
    pub version: semver::Version,
    /// What it does, in a sentence.
    pub description: String,
    /// Who wrote it.
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
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// What it does, in a sentence.
    pub description: String,
    /// Whether it wants to be told of the release as well.
    pub held: bool,
    /// Its parameters, in the order of the manifest.
    pub parameters: Vec<Parameter>,
}

/// One parameter of an action.
#[derive(Clone, PartialEq, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it is for.
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
