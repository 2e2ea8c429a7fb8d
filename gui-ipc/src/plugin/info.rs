//! Everything about one plugin: what it is, what it may do, what is enforced, and how its host is.

use serde::{Deserialize, Serialize};

use super::{PluginSummary, Risk, SignatureState};
use crate::check::Diagnostic;

/// What `plugin.info` answers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PluginInfo {
    /// At a glance.
    pub summary: PluginSummary,
    /// Who wrote it, in its own words.
    pub author: String,
    /// Its licence.
    pub license: String,
    /// Where to read more.
    pub homepage: String,
    /// The folder with its manifest.
    pub folder: String,
    /// The hash of its binary, in hexadecimal; empty if there is none that can be read.
    pub sha256: String,
    /// Its signature.
    pub signature: SignatureView,
    /// What it requests, from the least risky on.
    pub requests: Vec<CapabilityView>,
    /// How it is confined; `None` if it never ran since the daemon started.
    pub confinement: Option<ConfinementView>,
    /// The limits in force.
    pub limits: LimitsView,
    /// What it needs.
    pub dependencies: Vec<DependencyView>,
    /// What it can do.
    pub actions: Vec<ActionView>,
    /// What the configuration calls.
    pub calls: Vec<PreparedCall>,
    /// Its host; `None` if none was ever started.
    pub host: Option<HostView>,
    /// What is wrong with its manifest.
    pub problems: Vec<Diagnostic>,
}

/// A plugin's signature.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SignatureView {
    /// Whether it is signed.
    pub state: SignatureState,
    /// The public key, or its id, if it is signed.
    pub key: Option<String>,
    /// All of it in words: `signed with a key that you trust`, and if it is wrong, why.
    pub text: String,
}

/// One capability that a plugin requests, and what became of that.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CapabilityView {
    /// Its name: `network`, `filesystem` …
    pub capability: String,
    /// How risky it is with this scope.
    pub risk: Risk,
    /// What is requested, as `plugin.grant` takes it after the `=`.
    pub scope: String,
    /// What that means, in plain words.
    pub meaning: String,
    /// What of it was granted; `None`: nothing.
    pub granted: Option<String>,
    /// Who decided.
    pub how: How,
    /// Whether the plugin does it itself, inside its sandbox, instead of asking the daemon.
    pub direct: bool,
    /// Whether it can do without.
    pub optional: bool,
    /// How far the limits of this capability are enforced; `None` if it never ran since the daemon started.
    pub enforced: Option<Enforcement>,
    /// What enforces them, or why they are not: `the daemon does it, and checks each call`.
    pub enforced_by: String,
}

/// Who decided about a capability.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It was granted by itself, because its risk is low.
    Auto,
    /// A user granted it.
    User,
    /// A user revoked it.
    Revoked,
    /// Nobody yet.
    Undecided,
    /// Not known to this version.
    #[default]
    #[serde(other)]
    Unknown,
}

/// How far something is enforced.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// It is, and that was tried.
    Fully,
    /// In part.
    Partly,
    /// It is not.
    Not,
    /// Not known to this version; to be taken for not at all.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Enforcement {
    /// The words for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Enforcement::Fully => "enforced",
            Enforcement::Partly => "enforced in part",
            Enforcement::Not => "not enforced",
            Enforcement::Unknown => "not known",
        }
    }
}

/// How a plugin's host is confined, as it reported before any code of the plugin ran.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfinementView {
    /// The version of Landlock's ABI that is in force; 0 without it.
    pub landlock: u32,
    /// How many seccomp filters are in force.
    pub filters: u32,
    /// Part by part.
    pub parts: Vec<ConfinementPart>,
}

/// One part of the confinement.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfinementPart {
    /// `files`, `network`, `programs`, `processes`, `limits`.
    pub name: String,
    /// How far it is enforced.
    pub enforced: Enforcement,
    /// What is not, and why, if it is not fully enforced.
    pub why: Option<String>,
}

/// The limits of a plugin, whoever set them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitsView {
    /// The longest that a call may take, in milliseconds.
    pub deadline_ms: u64,
    /// The address space of the host, in bytes.
    pub memory_bytes: u64,
    /// Calls in a second.
    pub rate_per_second: u32,
    /// Share of one processor, in percent.
    pub cpu_percent: u8,
    /// Open files.
    pub files: u32,
}

/// Another plugin that must be there before.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DependencyView {
    /// Its name.
    pub name: String,
    /// The versions that will do: `^1.2`.
    pub requirement: String,
    /// The version that is here, if one is.
    pub found: Option<String>,
    /// Why it will not do, if it will not.
    pub problem: Option<String>,
}

/// One action of a plugin.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ActionView {
    /// Its name, as `action = "…"` takes it.
    pub name: String,
    /// What it does, in the plugin's words.
    pub description: String,
    /// Whether it is told of the release as well.
    pub held: bool,
    /// Its parameters, in the order of the manifest.
    pub parameters: Vec<ParameterView>,
}

/// One parameter of an action.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ParameterView {
    /// Its name.
    pub name: String,
    /// What it can be, in words: `text, one of GET, POST`, `integer from 0 to 127`.
    pub kind: String,
    /// Whether it must be given.
    pub required: bool,
    /// What it is if it is not given, as JSON.
    pub default: Option<String>,
    /// What it is for, in the plugin's words.
    pub description: String,
}

/// A call that the configuration makes of a plugin.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PreparedCall {
    /// The call, in words: `scene (name = "Live")`.
    pub text: String,
    /// What the plugin, or the daemon, has against it; then it ends as failed whenever it is made.
    pub problem: Option<String>,
}

/// The process that a plugin runs in.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HostView {
    /// Its number; `None` if there is none now.
    pub pid: Option<u32>,
    /// Counts the processes of this plugin.
    pub generation: u64,
    /// How it is.
    pub state: HostState,
    /// When it started, in milliseconds since 1970 (UTC).
    pub started_unix_ms: Option<i64>,
    /// How often it was started again because it had died.
    pub restarts: u64,
    /// Why it is not started again for now, if it is not.
    pub breaker: Option<Breaker>,
}

/// How a host is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostState {
    /// It is being locked down, or the plugin is being loaded.
    Starting,
    /// It can be called.
    Ready,
    /// It died, and is started again after a pause.
    Pausing,
    /// It is ending.
    Ending,
    /// There is none.
    Gone,
    /// Not known to this version.
    #[default]
    #[serde(other)]
    Unknown,
}

impl HostState {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            HostState::Starting => "starting",
            HostState::Ready => "ready",
            HostState::Pausing => "died, starts again soon",
            HostState::Ending => "ending",
            HostState::Gone => "not running",
            HostState::Unknown => "?",
        }
    }
}

/// An open breaker: the plugin died too often.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Breaker {
    /// Why, a sentence.
    pub reason: String,
    /// When it is tried again, in milliseconds since 1970 (UTC).
    pub until_unix_ms: Option<i64>,
}
