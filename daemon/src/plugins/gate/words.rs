//! What the gate says when it refuses: what may not be done, and what to type.

use padgate_core::capability::{Capability, Rights};
use padgate_plugin_host::ask::Ask;

use super::Gated;
use crate::plugins::inventory::Standing;

/// For a plugin that is not there (any more).
pub(super) fn gone() -> String {
    "the plugin is not there any more: \"padgate plugin list\" shows those that are".to_owned()
}

/// What a capability allows, to go after "may not".
pub(in crate::plugins) fn phrase(capability: Capability) -> &'static str {
    match capability {
        Capability::Midi => "use MIDI devices",
        Capability::Audio => "play sounds or set volumes",
        Capability::Network => "use the network",
        Capability::SystemControl => "control the system",
        Capability::Filesystem => "reach files outside its own folder",
        Capability::Subprocess => "run programs",
    }
}

/// Why the plugin can't be called; `None` if it can.
pub(super) fn why_not(gated: &Gated) -> Option<String> {
    let name = &gated.name;
    match &gated.standing {
        Standing::Ready => None,
        Standing::WaitingForGrant(missing) => Some(waiting(name, missing)),
        Standing::Disabled => {
            Some(format!("the plugin {name:?} is disabled: \"padgate plugin enable {name}\" enables it"))
        }
        Standing::Unusable(why) => Some(format!("the plugin {name:?} can't be used: {why}")),
    }
}

/// Says what a plugin is waiting for.
pub(in crate::plugins) fn waiting(name: &str, missing: &Rights) -> String {
    let mut phrases: Vec<&str> = missing.capabilities().map(phrase).collect();
    let last = phrases.pop().unwrap_or("be called");
    let what = if phrases.is_empty() { last.to_owned() } else { format!("{} or {last}", phrases.join(", ")) };
    format!("the plugin {name:?} may not {what}: {}", how_to_grant(name))
}

fn how_to_grant(name: &str) -> String {
    format!("\"padgate plugin grant {name}\" shows what it asks for, and allows it")
}

/// For one thing that is not among the rights. `requested` says whether the manifest asks for it.
pub(super) fn refused(gated: &Gated, what: &str, capability: Capability, requested: bool) -> String {
    let name = &gated.name;
    if requested {
        return format!("the plugin {name:?} may not {what}: {}", how_to_grant(name));
    }
    format!(
        "the plugin {name:?} may not {what}: its plugin.toml does not ask for that under {capability}, so that it \
         can't be granted; its author would have to add it"
    )
}

/// What a plugin asked for, in a word or two, for the audit log.
pub(super) fn asked(ask: &Ask<'_>) -> &'static str {
    match ask {
        Ask::MidiSend { .. } => "send MIDI",
        Ask::MidiCancel => "cancel MIDI",
        Ask::MidiListen { .. } => "listen to MIDI",
        Ask::Timer { .. } => "timer",
        Ask::Http { .. } => "HTTP request",
        Ask::Connect { .. } => "connect",
        Ask::Datagram { .. } => "send a datagram",
        Ask::Run { .. } => "run",
        Ask::Play { .. } => "play",
        Ask::Volume { .. } => "volume",
        Ask::System { .. } => "system",
    }
}

/// A text of a plugin as it is shown in a sentence: quoted, escaped, and not long.
pub(super) fn shown(text: &str) -> String {
    const CHARACTERS_MAX: usize = 200;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
