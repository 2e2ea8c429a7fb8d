//! Everything about one plugin, as front ends see it.

use padgate_core::capability::Capability;
use padgate_core::manifest::{Manifest, ParameterKind};
use padgate_ipc::plugin as wire;
use padgate_plugin_host::confinement::{Confinement, Enforced};

use super::{risk, scope, sentence, signature, summary, warning};
use crate::ipc::convert::report;
use crate::plugins::manager::{View, is_direct, unix_ms};
use crate::plugins::supervisor::HostState;

/// Everything about one plugin.
#[must_use]
pub fn info(view: &View) -> wire::PluginInfo {
    let View { plugin, host, .. } = view;
    let manifest = plugin.manifest.as_deref();
    let text =
        |of: fn(&Manifest) -> &String| manifest.map(|manifest| of(manifest).clone()).unwrap_or_default();
    let limits = view.limits;
    wire::PluginInfo {
        summary: summary(view),
        author: text(|manifest| &manifest.author),
        license: text(|manifest| &manifest.license),
        homepage: text(|manifest| &manifest.homepage),
        folder: plugin.folder.display().to_string(),
        sha256: plugin.integrity.as_ref().map(|integrity| integrity.sha256.clone()).unwrap_or_default(),
        signature: signature(plugin),
        requests: requests(view),
        confinement: host.confinement.as_ref().map(confinement),
        limits: wire::LimitsView {
            deadline_ms: limits
                .deadline
                .map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            memory_bytes: limits.memory.unwrap_or(0),
            rate_per_second: limits.rate.unwrap_or(0),
            cpu_percent: limits.cpu.unwrap_or(0),
            files: limits.files.unwrap_or(0),
        },
        dependencies: manifest.map(|manifest| dependencies(manifest, view)).unwrap_or_default(),
        actions: manifest.map(actions).unwrap_or_default(),
        calls: host
            .calls
            .iter()
            .map(|(call, problem)| wire::PreparedCall {
                text: format!("{} {}", call.action, call.parameters),
                problem: problem.clone(),
            })
            .collect(),
        host: host_view(view),
        problems: report::diagnostics(&plugin.problems),
    }
}

fn requests(view: &View) -> Vec<wire::CapabilityView> {
    let plugin = &view.plugin;
    let request = plugin.request();
    // What was granted in part is explained as far as it was.
    let granted = plugin.rights.meanings();
    let optional =
        |capability| plugin.manifest.as_ref().is_some_and(|manifest| manifest.optional.contains(&capability));
    request
        .meanings()
        .into_iter()
        .map(|meaning| {
            let capability = meaning.capability;
            let had = scope(&plugin.rights, capability);
            let explained = granted.iter().find(|it| it.capability == capability).unwrap_or(&meaning);
            let direct = is_direct(&request, capability);
            let (enforced, enforced_by) = enforcement(capability, direct, view.host.confinement.as_ref());
            wire::CapabilityView {
                capability: capability.name().to_owned(),
                risk: risk(meaning.risk),
                scope: scope(&request, capability).unwrap_or_default(),
                meaning: match warning(explained) {
                    Some(warning) => format!("{} {warning}", sentence(explained)),
                    None => sentence(explained),
                },
                how: how(view, capability, had.is_some()),
                granted: had,
                direct,
                optional: optional(capability),
                enforced,
                enforced_by,
            }
        })
        .collect()
}

fn how(view: &View, capability: Capability, granted: bool) -> wire::How {
    if granted && view.plugin.auto_granted.has(capability) {
        wire::How::Auto
    } else if granted {
        wire::How::User
    } else if view.denied.contains(&capability) {
        wire::How::Revoked
    } else {
        wire::How::Undecided
    }
}

/// What keeps the plugin to its scope: the daemon, which looks at each request, or the operating system.
fn enforcement(
    capability: Capability,
    direct: bool,
    confinement: Option<&Confinement>,
) -> (Option<wire::Enforcement>, String) {
    let part = |confinement: &Confinement| match capability {
        Capability::Midi | Capability::Audio | Capability::SystemControl => confinement.processes.clone(),
        Capability::Network => confinement.network.clone(),
        Capability::Filesystem => confinement.files.clone(),
        Capability::Subprocess => confinement.programs.clone(),
    };
    let by = if direct {
        "the operating system holds it to that"
    } else {
        "the daemon does it and looks at each request; the operating system leaves no other way"
    };
    match confinement.map(part) {
        None => (None, by.to_owned()),
        Some(Enforced::Fully) => (Some(wire::Enforcement::Fully), by.to_owned()),
        Some(Enforced::Partly(why)) => (Some(wire::Enforcement::Partly), why),
        Some(Enforced::Not(why)) => (Some(wire::Enforcement::Not), why),
    }
}

fn confinement(confinement: &Confinement) -> wire::ConfinementView {
    let part = |(name, enforced): (&'static str, &Enforced)| {
        let (enforced, why) = match enforced {
            Enforced::Fully => (wire::Enforcement::Fully, None),
            Enforced::Partly(why) => (wire::Enforcement::Partly, Some(why.clone())),
            Enforced::Not(why) => (wire::Enforcement::Not, Some(why.clone())),
        };
        wire::ConfinementPart { name: name.to_owned(), enforced, why }
    };
    wire::ConfinementView {
        landlock: confinement.landlock,
        filters: confinement.filters,
        parts: confinement.parts().map(part).collect(),
    }
}

fn dependencies(manifest: &Manifest, view: &View) -> Vec<wire::DependencyView> {
    let found = |name: &str| {
        view.needs.iter().find(|(need, _)| need == name).and_then(|(_, version)| version.clone())
    };
    manifest
        .dependencies
        .iter()
        .map(|(name, requirement)| {
            let found = found(name);
            let fits =
                |version: &String| semver_of(version).is_some_and(|version| requirement.matches(&version));
            let problem = match &found {
                None => Some("it is not installed".to_owned()),
                Some(version) if !fits(version) => Some(format!("{version} does not fit")),
                Some(_) => None,
            };
            wire::DependencyView { name: name.clone(), requirement: requirement.to_string(), found, problem }
        })
        .collect()
}

fn semver_of(text: &str) -> Option<semver::Version> {
    text.parse().ok()
}

fn actions(manifest: &Manifest) -> Vec<wire::ActionView> {
    manifest
        .actions
        .iter()
        .map(|action| wire::ActionView {
            name: action.name.clone(),
            description: action.description.clone(),
            held: action.held,
            parameters: action
                .parameters
                .iter()
                .map(|parameter| wire::ParameterView {
                    name: parameter.name.clone(),
                    kind: kind(&parameter.kind),
                    required: parameter.required,
                    default: parameter.default.clone(),
                    description: parameter.description.clone(),
                })
                .collect(),
        })
        .collect()
}

fn kind(kind: &ParameterKind) -> String {
    match kind {
        ParameterKind::Text { choices } if choices.is_empty() => "text".to_owned(),
        ParameterKind::Text { choices } => format!("one of {}", choices.join(", ")),
        ParameterKind::Integer { min, max } => match (*min, *max) {
            (i64::MIN, i64::MAX) => "integer".to_owned(),
            (min, max) => format!("integer, {min} to {max}"),
        },
        ParameterKind::Number { min, max } => {
            if min.is_finite() && max.is_finite() && *min > f64::MIN && *max < f64::MAX {
                format!("number, {min} to {max}")
            } else {
                "number".to_owned()
            }
        }
        ParameterKind::Flag => "flag".to_owned(),
        ParameterKind::List(of) => format!("list of {}", self::kind(of)),
        ParameterKind::Table(of) => format!("table of {}", self::kind(of)),
        ParameterKind::Any => "any".to_owned(),
    }
}

fn host_view(view: &View) -> Option<wire::HostView> {
    let host = &view.host;
    if host.generation == 0 {
        return None;
    }
    let state = match host.state {
        HostState::Absent | HostState::Unusable => wire::HostState::Gone,
        HostState::Starting => wire::HostState::Starting,
        HostState::Ready => wire::HostState::Ready,
        HostState::Restarting | HostState::Quarantined => wire::HostState::Pausing,
        HostState::Stopping => wire::HostState::Ending,
    };
    let breaker = (host.state == HostState::Quarantined).then(|| wire::Breaker {
        reason: host.reason.clone().unwrap_or_default(),
        until_unix_ms: host.restart_at.map(unix_ms),
    });
    Some(wire::HostView {
        pid: host.pid,
        generation: u64::from(host.generation),
        state,
        started_unix_ms: host.ready_since.map(unix_ms),
        restarts: view.statistics.restarts,
        breaker,
    })
}
