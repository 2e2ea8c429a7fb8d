//! Plugins, as front ends see them.

mod grant;
mod info;

use std::time::Duration;

use padgate_core::capability::{Capability, Meaning, Rights, Risk};
use padgate_core::manifest::Manifest;
use padgate_ipc::plugin as wire;

use crate::plugins::inventory::{Plugin, Signature, Standing};
use crate::plugins::manager::View;
use crate::plugins::supervisor::{HostState, LogLevel, LogLine, LogSource, Statistics};

pub use grant::{granted, proposal};
pub use info::info;

/// The overview of one plugin.
#[must_use]
pub fn summary(view: &View) -> wire::PluginSummary {
    let View { plugin, host, statistics, .. } = view;
    let manifest = plugin.manifest.as_deref();
    let (state, reason) = state(view);
    wire::PluginSummary {
        name: plugin.name.to_string(),
        version: manifest.map(|manifest| manifest.version.to_string()).unwrap_or_default(),
        description: manifest.map(|manifest| manifest.description.clone()).unwrap_or_default(),
        state,
        reason,
        risk: plugin.request().highest_risk().map(risk),
        actions: manifest.map(action_names).unwrap_or_default(),
        signature: signature(plugin).state,
        asks_more: asks_more(plugin),
        pid: host.pid,
        executions: statistics.executions,
        failures: statistics.failures,
        p99_us: (statistics.executions > 0).then(|| micros(statistics.times.p99)),
        rss_bytes: statistics.rss,
    }
}

fn action_names(manifest: &Manifest) -> Vec<String> {
    manifest.actions.iter().map(|action| action.name.clone()).collect()
}

/// Whether it works, and would like to do more than it may.
fn asks_more(plugin: &Plugin) -> bool {
    let undecided = match &plugin.grant {
        Some(grant) => plugin.missing.beyond(&grant.requested),
        None => plugin.missing.clone(),
    };
    plugin.standing == Standing::Ready && undecided != Rights::NONE
}

fn state(view: &View) -> (wire::PluginState, Option<String>) {
    let View { plugin, host, unloaded, .. } = view;
    let name = &plugin.name;
    match &plugin.standing {
        Standing::Disabled => {
            return (wire::PluginState::Disabled, Some(format!("`padgate plugin enable {name}` enables it")));
        }
        Standing::Unusable(why) => return (wire::PluginState::Unusable, Some(why.clone())),
        Standing::WaitingForGrant(missing) => {
            let missing: Vec<&str> = missing.capabilities().map(Capability::name).collect();
            let text = format!("{} not granted: `padgate plugin grant {name}`", missing.join(", "));
            return (wire::PluginState::Waiting, Some(text));
        }
        Standing::Ready => {}
    }
    match host.state {
        HostState::Absent if *unloaded => {
            (wire::PluginState::Unloaded, Some(format!("`padgate plugin load {name}` loads it")))
        }
        HostState::Absent => (wire::PluginState::Verified, None),
        HostState::Starting | HostState::Restarting | HostState::Stopping => {
            (wire::PluginState::Starting, host.reason.clone())
        }
        HostState::Ready => (wire::PluginState::Enabled, host.reason.clone()),
        HostState::Quarantined => (wire::PluginState::Quarantined, host.reason.clone()),
        HostState::Unusable => (wire::PluginState::Unusable, host.reason.clone()),
    }
}

/// The scope of one capability, as a grant takes it after the `=`.
fn scope(rights: &Rights, capability: Capability) -> Option<String> {
    let text = rights.one_text(capability)?;
    text.split_once('=').map(|(_, scope)| scope.to_owned())
}

/// What a scope means, as a sentence.
fn sentence(meaning: &Meaning) -> String {
    format!("It may {}.", meaning.means.join("; "))
}

/// What is easily overlooked, as a sentence.
fn warning(meaning: &Meaning) -> Option<String> {
    let mut text = meaning.warning?.chars();
    let first = text.next()?;
    Some(format!("{}{}.", first.to_uppercase(), text.as_str()))
}

/// The wire's word for a risk.
#[must_use]
pub fn risk(risk: Risk) -> wire::Risk {
    match risk {
        Risk::Low => wire::Risk::Low,
        Risk::Medium => wire::Risk::Medium,
        Risk::High => wire::Risk::High,
    }
}

/// Who signed it.
#[must_use]
pub fn signature(plugin: &Plugin) -> wire::SignatureView {
    let view = |state, key, text: String| wire::SignatureView { state, key, text };
    match plugin.integrity.as_ref().map(|integrity| &integrity.signature) {
        None | Some(Signature::None) => view(wire::SignatureState::None, None, "not signed".to_owned()),
        Some(Signature::Good { key, comment }) => view(
            wire::SignatureState::Trusted,
            Some(key.clone()),
            format!("signed by a key that you trust: {comment}"),
        ),
        Some(Signature::Bad(why)) => view(wire::SignatureState::Bad, None, why.clone()),
        Some(Signature::Untrusted(key)) => view(
            wire::SignatureState::Untrusted,
            Some(key.clone()),
            format!("signed by the key {key}, which is not among your trusted_keys"),
        ),
    }
}

/// What was counted.
#[must_use]
pub fn stats(view: &View) -> wire::StatsView {
    let Statistics {
        name: _,
        executions,
        failures,
        refusals,
        timeouts,
        crashes,
        restarts,
        dropped: _,
        last_execution_ms,
        times,
        cpu_ms,
        rss,
        pss: _,
    } = view.statistics;
    wire::StatsView {
        plugin: view.plugin.name.to_string(),
        executions,
        failures,
        refusals,
        timeouts,
        crashes,
        restarts,
        last_execution_unix_ms: i64::try_from(last_execution_ms).ok().filter(|ms| *ms > 0),
        mean_us: micros(times.mean),
        p50_us: micros(times.p50),
        p99_us: micros(times.p99),
        max_us: micros(times.max),
        cpu_ms,
        rss_bytes: rss,
        queue: view.host.waiting as u64,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A line of a log.
#[must_use]
pub fn log_line(line: &LogLine) -> wire::LogLine {
    wire::LogLine {
        sequence: line.sequence,
        unix_ms: i64::try_from(line.time_ms).unwrap_or(i64::MAX),
        level: match line.level {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        }
        .to_owned(),
        source: match line.source {
            LogSource::Plugin => wire::LogSource::Plugin,
            LogSource::Output => wire::LogSource::Output,
            LogSource::Padgate => wire::LogSource::Padgate,
        },
        text: line.text.clone(),
    }
}
