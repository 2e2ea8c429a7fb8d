//! Looks at what a plugin asks for, and at what it may do.
//!
//! Each check is a function of a set of rights. If it fails for what was granted, it is made once more for what the
//! manifest requests: that tells whether a grant would help.

use std::path::Path;

use padgate_core::capability::{Capability, FilesystemScope, NetworkScope, Rights, SystemScope};
use padgate_core::ruleset::PortPattern;
use padgate_plugin_abi::system::{
    PADGATE_SYSTEM_BRIGHTNESS, PADGATE_SYSTEM_KEYS, PADGATE_SYSTEM_MEDIA, PADGATE_SYSTEM_NOTIFY,
    PADGATE_SYSTEM_OPEN, PADGATE_SYSTEM_TYPE,
};
use padgate_plugin_host::ask::Ask;
use url::{Host, Url};

use super::words::{refused, shown};
use super::{Known, Permitted, Places, Target, programs};
use crate::plugins::files;

/// What `Padgate Out` is called where a scope names it.
pub(super) const OUTPUT: &str = "Padgate Out";

/// What may be done, or the sentence that says why not.
pub(super) fn ask(known: &Known, places: &Places, ask: &Ask<'_>) -> Result<Permitted, String> {
    match ask {
        Ask::Timer { .. } => Ok(Permitted::Timer),
        Ask::MidiSend { device, .. } => midi(known, device, true),
        Ask::MidiListen { device } => midi(known, device, false),
        Ask::MidiCancel => {
            let has = |rights: &Rights| rights.midi.is_some();
            plain(known, Capability::Midi, "use MIDI devices", has).map(|()| Permitted::MidiCancel)
        }
        Ask::Http { url, .. } => {
            let (url, target) = web(known, url, "make requests to")?;
            Ok(Permitted::Http { url, target })
        }
        Ask::Connect { host, port, .. } => {
            let host = parse_host(host)?;
            network(known, host, *port, "connect to").map(Permitted::Connect)
        }
        Ask::Datagram { host, port, .. } => {
            let host = parse_host(host)?;
            network(known, host, *port, "send to").map(Permitted::Datagram)
        }
        Ask::Run { program, .. } => {
            programs::run(known, places, program).map(|program| Permitted::Run { program })
        }
        Ask::Play { path, .. } => play(known, places, path),
        Ask::Volume { .. } => {
            let has = |rights: &Rights| rights.audio.is_some_and(|scope| scope.volume);
            plain(known, Capability::Audio, "set volumes", has).map(|()| Permitted::Volume)
        }
        Ask::System { what, text } => system(known, *what, text),
    }
}

/// Something that rights either have or have not.
fn plain(
    known: &Known,
    capability: Capability,
    what: &str,
    has: impl Fn(&Rights) -> bool,
) -> Result<(), String> {
    if has(&known.gated.rights) {
        return Ok(());
    }
    Err(refused(&known.gated, what, capability, has(&known.gated.request)))
}

fn midi(known: &Known, device: &str, send: bool) -> Result<Permitted, String> {
    let device = if device.is_empty() && send { OUTPUT } else { device };
    let (patterns, permitted) = match send {
        true => (&known.send, Permitted::MidiSend),
        false => (&known.listen, Permitted::MidiListen),
    };
    if patterns.iter().any(|pattern| fits(pattern, device)) {
        return Ok(permitted);
    }
    let requested = known.gated.request.midi.as_ref().is_some_and(|scope| match send {
        true => scope.may_send(device),
        false => scope.may_listen(device),
    });
    let verb = if send { "send MIDI to" } else { "listen to" };
    Err(refused(&known.gated, &format!("{verb} {}", shown(device)), Capability::Midi, requested))
}

/// Most scopes are `*` or plain names, which need no search.
fn fits(pattern: &PortPattern, device: &str) -> bool {
    pattern.0 == "*" || pattern.0 == device || pattern.matches(device)
}

/// A URL that the plugin wants something of.
fn web(known: &Known, text: &str, verb: &str) -> Result<(Url, Target), String> {
    let url = Url::parse(text).map_err(|error| format!("{} is no URL: {error}", shown(text)))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "{} begins with {}: only http and https are possible",
            shown(text),
            shown(&format!("{}:", url.scheme()))
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL must not have a user or a password in it: put them into a header".to_owned());
    }
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err(format!("{} names no host", shown(text)));
    };
    let target = network(known, host.to_owned(), port, verb)?;
    Ok((url, target))
}

/// A host as it stands in a request for a connection: a name, an IPv4 address, or an IPv6 address with or without
/// brackets. All the ways to write an address are made one here, so that none slips past a scope.
fn parse_host(text: &str) -> Result<Host<String>, String> {
    let parsed = match text.parse::<std::net::Ipv6Addr>() {
        Ok(address) => Ok(Host::Ipv6(address)),
        Err(_) => Host::parse(text),
    };
    parsed.map_err(|error| format!("{} is no host: {error}", shown(text)))
}

fn network(known: &Known, host: Host<String>, port: u16, verb: &str) -> Result<Target, String> {
    if port == 0 {
        return Err("port 0 can't be connected to".to_owned());
    }
    let name = host.to_string();
    let allows = |rights: &Rights| {
        rights.network.as_ref().filter(|scope: &&NetworkScope| scope.allows(&name, port)).cloned()
    };
    match allows(&known.gated.rights) {
        Some(scope) => {
            let near = is_near(&host) || scope.allows("localhost", port);
            Ok(Target { host, port, near })
        }
        None => {
            let requested = allows(&known.gated.request).is_some();
            let what = format!("{verb} {}:{port}", name.escape_debug());
            Err(refused(&known.gated, &what, Capability::Network, requested))
        }
    }
}

/// Whether a granted host can be this computer without the user being fooled: an address says what it is, and a name
/// without a dot comes from the user's own machine or network.
fn is_near(host: &Host<String>) -> bool {
    match host {
        Host::Ipv4(_) | Host::Ipv6(_) => true,
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            !name.contains('.') || name.ends_with(".localhost")
        }
    }
}

fn play(known: &Known, places: &Places, text: &str) -> Result<Permitted, String> {
    plain(known, Capability::Audio, "play sounds", |rights| rights.audio.is_some_and(|scope| scope.play))?;
    let wanted = files::expand(text, &places.home);
    // A relative path can only mean the plugin's own folder: its working folder says nothing.
    let wanted = known.gated.data_folder.join(wanted);
    let own = [&known.gated.data_folder, &known.gated.folder];
    let is_own = |path: &Path| own.into_iter().any(|folder| within(path, folder));
    let may_read = |rights: &Rights, path: &Path| {
        rights.filesystem.as_ref().is_some_and(|scope| reads(scope, places, path))
    };
    // What is elsewhere, and whether it is there at all, is none of the plugin's business: one sentence for all.
    let refusal = |path: &Path| {
        let what = format!("play {}, which is no file in a folder that it may read", shown(text));
        refused(&known.gated, &what, Capability::Filesystem, may_read(&known.gated.request, path))
    };
    match files::open_regular(&wanted) {
        Ok(opened) if is_own(&opened.path) || may_read(&known.gated.rights, &opened.path) => {
            Ok(Permitted::Play { file: opened.file, path: opened.path })
        }
        Ok(opened) => Err(refusal(&opened.path)),
        Err(_) => Err(refusal(&wanted)),
    }
}

fn reads(scope: &FilesystemScope, places: &Places, path: &Path) -> bool {
    scope.read.iter().chain(&scope.write).any(|folder| within(path, &files::expand(folder, &places.home)))
}

/// Whether the resolved `path` is `folder` or below it, wherever `folder` really is.
pub(super) fn within(path: &Path, folder: &Path) -> bool {
    folder.is_absolute() && std::fs::canonicalize(folder).is_ok_and(|folder| path.starts_with(folder))
}

fn system(known: &Known, what: u32, text: &str) -> Result<Permitted, String> {
    let (phrase, has, permitted): (&str, fn(&SystemScope) -> bool, Permitted) = match what {
        PADGATE_SYSTEM_MEDIA => ("do media keys", |scope| scope.media, Permitted::Media),
        PADGATE_SYSTEM_NOTIFY => ("show notifications", |scope| scope.notify, Permitted::Notify),
        PADGATE_SYSTEM_BRIGHTNESS => ("set the brightness", |scope| scope.brightness, Permitted::Brightness),
        PADGATE_SYSTEM_KEYS => ("press keys", |scope| scope.keys, Permitted::Keys),
        PADGATE_SYSTEM_TYPE => ("type text", |scope| scope.keys, Permitted::Type),
        PADGATE_SYSTEM_OPEN => {
            plain(known, Capability::SystemControl, "open URLs", |rights| {
                rights.system_control.is_some_and(|scope| scope.open)
            })?;
            let (url, _) = web(known, text, "open URLs of")?;
            return Ok(Permitted::Open(url));
        }
        other => return Err(format!("there is no system control with the number {other}")),
    };
    plain(known, Capability::SystemControl, phrase, |rights| {
        rights.system_control.is_some_and(|scope| has(&scope))
    })?;
    Ok(permitted)
}
