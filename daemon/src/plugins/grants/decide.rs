//! What follows from a request and from what the user agreed to.

use padgate_core::capability::{Capability, Rights, Risk};
use padgate_core::manifest::Manifest;
use padgate_core::ruleset::plugins::AutoGrant;

use super::Grants;
use crate::plugins::inventory::Integrity;

/// What a plugin may do, and what it may not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decision {
    /// What it may do.
    pub rights: Rights,
    /// What of that nobody was asked about, because its risk is low.
    pub auto_granted: Rights,
    /// What it requests and may not do.
    pub missing: Rights,
    /// What of that it can't do without: it waits for the user to grant it.
    pub waits_for: Rights,
}

/// Decides, for each capability that a plugin requests. Nothing is granted if the file of the grants can't be read.
#[must_use]
pub fn decide(grants: &Grants, manifest: &Manifest, integrity: &Integrity, auto: AutoGrant) -> Decision {
    let request = &manifest.request;
    let mut decision = Decision::default();
    if grants.problem().is_none() {
        let grant = grants.find(&manifest.name, integrity);
        let granted = grant.map_or(Rights::NONE, |grant| request.cut_to(&grant.granted));
        for capability in request.capabilities() {
            if is_automatic(grants, manifest, capability, auto) {
                put(&mut decision.auto_granted, request, capability);
                put(&mut decision.rights, request, capability);
            } else {
                put(&mut decision.rights, &granted, capability);
            }
        }
    }
    decision.missing = request.beyond(&decision.rights);
    for capability in request.capabilities() {
        // A narrower scope than requested is the user's decision, and no reason to wait.
        if !decision.rights.has(capability) && !manifest.optional.contains(&capability) {
            put(&mut decision.waits_for, request, capability);
        }
    }
    decision
}

/// Whether the capability is granted without asking. Once the user has said anything else about it, for whatever file
/// of the plugin, it is his to decide.
fn is_automatic(grants: &Grants, manifest: &Manifest, capability: Capability, auto: AutoGrant) -> bool {
    let is_low = match auto {
        AutoGrant::Low => manifest.request.risk(capability) == Some(Risk::Low),
        AutoGrant::None => false,
    };
    let was_narrowed =
        || grants.of(&manifest.name).any(|grant| grant.requested.beyond(&grant.granted).has(capability));
    is_low && !grants.denied(&manifest.name).contains(&capability) && !was_narrowed()
}

/// Puts one capability of `from` into `into`.
fn put(into: &mut Rights, from: &Rights, capability: Capability) {
    match capability {
        Capability::Midi => into.midi = from.midi.clone(),
        Capability::Audio => into.audio = from.audio,
        Capability::Network => into.network = from.network.clone(),
        Capability::SystemControl => into.system_control = from.system_control,
        Capability::Filesystem => into.filesystem = from.filesystem.clone(),
        Capability::Subprocess => into.subprocess = from.subprocess.clone(),
    }
}
