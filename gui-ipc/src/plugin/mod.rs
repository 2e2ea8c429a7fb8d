//! Plugins, for a front end: the overview of all of them, what can be asked of one, and what comes of it.
//!
//! | module | has |
//! |---|---|
//! | here | the overview, and the changes of a plugin's state |
//! | [`info`] | everything about one plugin |
//! | [`grant`] | what it may do: shown, granted, revoked |
//! | [`watch`] | statistics, logs, integrity, the audit log |
//!
//! What a plugin says of itself (author, description, log lines, reasons) is passed on as it is. A front end must show
//! it as text that can't do anything: without control characters, and without characters that turn the direction.

pub mod grant;
pub mod info;
pub mod watch;

use serde::{Deserialize, Serialize};

use crate::check::Diagnostic;

pub use grant::{GrantParams, GrantPart, GrantView, RefusedPart, RevokeParams, RevokeResult, Tie};
pub use info::{
    ActionView, Breaker, CapabilityView, ConfinementPart, ConfinementView, DependencyView, Enforcement,
    HostState, HostView, How, LimitsView, ParameterView, PluginInfo, PreparedCall, SignatureView,
};
pub use watch::{
    AuditEntry, AuditList, AuditParams, LOG_LINES_DEFAULT, LOG_LINES_MAX, LogLine, LogLines, LogSource,
    LogsParams, StatsList, StatsView, Verified, VerifyReport, newest_that_fit,
};

/// One plugin at a glance. The list of all of them is part of the state that a front end mirrors
/// ([`crate::state::State`]).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PluginSummary {
    /// Its name; if its manifest has no usable one, the name of its folder.
    pub name: String,
    /// Its version; empty if its manifest can't be read.
    pub version: String,
    /// What it does, in its own words.
    pub description: String,
    /// How it is.
    pub state: PluginState,
    /// Why it is not ready, and what to do next, a sentence; `None` if there is nothing to say.
    pub reason: Option<String>,
    /// The highest risk of what it requests; `None` if it requests nothing.
    pub risk: Option<Risk>,
    /// The names of its actions.
    pub actions: Vec<String>,
    /// Whether it is signed.
    pub signature: SignatureState,
    /// Whether it asks for more than was granted, though it can be used without.
    pub asks_more: bool,
    /// The process of its host, if one runs.
    pub pid: Option<u32>,
    /// Calls that were carried out, or tried.
    pub executions: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// 99 of 100 calls took no longer, in microseconds; `None` without calls.
    pub p99_us: Option<u64>,
    /// Memory of its host, in bytes; `None` if none runs.
    pub rss_bytes: Option<u64>,
}

/// How a plugin is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PluginState {
    /// It was found. Nothing more is known yet.
    Available,
    /// Its file is hashed and stored, and nothing is against using it; it has no host yet.
    Verified,
    /// It waits for a user to grant what it requests.
    Waiting,
    /// Its host is starting, or is started again.
    Starting,
    /// Its host is ready for calls.
    Enabled,
    /// The user disabled it.
    Disabled,
    /// It died too often, and is left alone for a while.
    Quarantined,
    /// It can't be used here; the reason says why.
    Unusable,
    /// The user unloaded it: it has no host until it is loaded again.
    Unloaded,
    /// Not known to this version.
    #[default]
    #[serde(other)]
    Unknown,
}

impl PluginState {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            PluginState::Available => "available",
            PluginState::Verified => "verified",
            PluginState::Waiting => "waiting",
            PluginState::Starting => "starting",
            PluginState::Enabled => "ready",
            PluginState::Disabled => "disabled",
            PluginState::Quarantined => "quarantined",
            PluginState::Unusable => "unusable",
            PluginState::Unloaded => "unloaded",
            PluginState::Unknown => "?",
        }
    }
}

/// How much harm something can do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Annoying at worst.
    Low,
    /// Can disturb or tell others something.
    Medium,
    /// Can read or destroy what the user owns, or act as the user.
    High,
    /// Not known to this version; to be taken for the highest.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Risk {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
            Risk::Unknown => "unknown",
        }
    }
}

/// Whether a plugin is signed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureState {
    /// It is not.
    None,
    /// By a key that the user trusts, and it is right.
    Trusted,
    /// By a key that the user does not trust, so that it says nothing.
    Untrusted,
    /// It is wrong: the file is not the one that was signed, or it is for another plugin or version.
    Bad,
    /// Not known to this version.
    #[default]
    #[serde(other)]
    Unknown,
}

impl SignatureState {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            SignatureState::None => "none",
            SignatureState::Trusted => "trusted",
            SignatureState::Untrusted => "untrusted",
            SignatureState::Bad => "wrong",
            SignatureState::Unknown => "?",
        }
    }
}

/// What `plugin.list` and `plugin.rescan` answer.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PluginList {
    /// All plugins that were found, by name.
    pub plugins: Vec<PluginSummary>,
    /// The folders that were looked through, in the order in which the first plugin of a name wins. Those that do not
    /// exist are here as well.
    pub folders: Vec<String>,
    /// What is wrong with manifests. A plugin of whose manifest nothing can be read is in `plugins` by its folder.
    pub problems: Vec<Diagnostic>,
}

/// Which plugin is meant.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PluginParams {
    /// Its name. One that does not exist is [`crate::ErrorCode::NotFound`], with the nearest in the message.
    pub plugin: String,
}

/// Which plugin is meant, or all.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AnyPluginParams {
    /// Its name; `None`: all.
    pub plugin: Option<String>,
}

/// What `plugin.enable`, `.disable`, `.load`, `.unload` and `.reload` answer, once it is done.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PluginChange {
    /// The plugin as it is now.
    pub plugin: PluginSummary,
    /// Whether anything changed.
    pub changed: bool,
    /// What else there is to know, a sentence each: dependants that were ended, calls that can't be prepared.
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::{PluginChange, PluginList, PluginState, PluginSummary, Risk, SignatureState};

    #[test]
    fn what_a_later_version_says_is_unknown_and_no_error() {
        let list: PluginList = serde_json::from_str(
            r#"{"plugins":[{"name":"obs","state":"hibernating","risk":"cosmic","signature":"wax","mood":1}]}"#,
        )
        .unwrap();
        let obs = &list.plugins[0];
        assert_eq!(obs.state, PluginState::Unknown);
        assert_eq!(obs.risk, Some(Risk::Unknown));
        assert_eq!(obs.signature, SignatureState::Unknown);
        assert_eq!((obs.pid, obs.p99_us), (None, None));
    }

    #[test]
    fn states_have_the_names_of_the_protocol() {
        let summary = PluginSummary { name: "obs".into(), state: PluginState::Enabled, ..Default::default() };
        let change = PluginChange { plugin: summary, changed: true, notes: Vec::new() };
        let json = serde_json::to_value(&change).unwrap();
        assert_eq!(json["plugin"]["state"], "enabled");
        assert_eq!(json["plugin"]["risk"], serde_json::Value::Null);
        assert_eq!(serde_json::from_value::<PluginChange>(json).unwrap(), change);
    }
}
