//! Grants, as front ends see them.

use padgate_core::capability::Capability;
use padgate_core::manifest::Manifest;
use padgate_ipc::plugin as wire;

use super::{risk, scope, sentence, signature, warning};
use crate::plugins::manager::{Granted, Proposal, is_direct};

/// What would be granted.
#[must_use]
pub fn proposal(proposal: &Proposal, tie: wire::Tie) -> wire::GrantView {
    let plugin = &proposal.plugin;
    let manifest = plugin.manifest.as_deref();
    let text =
        |of: fn(&Manifest) -> &String| manifest.map(|manifest| of(manifest).clone()).unwrap_or_default();
    let request = plugin.request();
    let granted = &proposal.granted;
    let mut warnings = Vec::new();
    let mut grants = Vec::new();
    for meaning in granted.meanings().into_iter().filter(|meaning| proposal.new.has(meaning.capability)) {
        let capability = meaning.capability;
        let whole = scope(&request, capability).unwrap_or_default();
        let scope = scope(granted, capability).unwrap_or_default();
        warnings.extend(warning(&meaning));
        grants.push(wire::GrantPart {
            capability: capability.name().to_owned(),
            risk: risk(meaning.risk),
            of: (whole != scope).then_some(whole),
            scope,
            meaning: sentence(&meaning),
            direct: is_direct(granted, capability),
        });
    }
    let refused = proposal.refused.iter().map(|reason| wire::RefusedPart {
        capability: Capability::Filesystem.name().to_owned(),
        scope: scope(granted, Capability::Filesystem).unwrap_or_default(),
        reason: reason.clone(),
    });
    wire::GrantView {
        plugin: plugin.name.to_string(),
        version: text_of_version(manifest),
        description: text(|manifest| &manifest.description),
        author: text(|manifest| &manifest.author),
        signature: signature(plugin),
        sha256: plugin.integrity.as_ref().map(|integrity| integrity.sha256.clone()).unwrap_or_default(),
        tie,
        risk: granted
            .capabilities()
            .filter(|it| proposal.new.has(*it))
            .filter_map(|it| granted.risk(it))
            .max()
            .map(risk),
        grants,
        has: plugin.rights.capabilities().filter_map(|it| plugin.rights.one_text(it)).collect(),
        refused: refused.collect(),
        warnings,
        confirm: proposal.confirm.clone(),
        done: false,
        after: None,
    }
}

fn text_of_version(manifest: Option<&Manifest>) -> String {
    manifest.map(|manifest| manifest.version.to_string()).unwrap_or_default()
}

/// What was granted.
#[must_use]
pub fn granted(granted: &Granted, tie: wire::Tie, after: wire::PluginSummary) -> wire::GrantView {
    wire::GrantView { done: true, after: Some(after), ..proposal(&granted.proposal, tie) }
}
