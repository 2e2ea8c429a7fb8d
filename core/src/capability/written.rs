//! Capabilities as they are written in TOML: in a manifest, in the grants file.

use std::ops::RangeInclusive;

use toml::de::DeValue;

use super::{
    AudioScope, Capability, FilesystemScope, HostPattern, MidiScope, NetworkScope, Rights, SCOPE_ENTRIES_MAX,
    SubprocessScope, SystemScope, entry,
};
use crate::config::context::Context;
use crate::config::diagnostics::{Code, Diagnostic};
use crate::config::keys::{
    CAPABILITIES, FILESYSTEM_SCOPE, MIDI_SCOPE, NETWORK_SCOPE, SUBPROCESS_SCOPE, Section,
};
use crate::config::reader::{self, Table, Written};
use crate::config::{Source, syntax};
use crate::ids::Names;

impl Rights {
    /// Reads a file that is one table of capabilities, as [`Rights::to_toml`] writes it. `None` if there is any error.
    #[must_use]
    pub fn from_toml(source: &Source) -> (Option<Rights>, Vec<Diagnostic>) {
        let mut ctx = Context::new(Names::default());
        let text = ctx.open(&source.name, &source.text);
        let root = syntax::parse(&mut ctx, &text);
        let rights = reader::open(&mut ctx, root.get_ref(), 0..0, &CAPABILITIES)
            .map(|table| read_table(&mut ctx, &table))
            .filter(|_| ctx.error_count() == 0);
        (rights, ctx.finish().0)
    }

    /// The same from a table that was read already.
    ///
    /// # Errors
    ///
    /// All mistakes, in words.
    pub fn from_table(table: &toml::Table) -> Result<Rights, String> {
        let (rights, diagnostics) = Rights::from_toml(&Source::new("capabilities", table.to_string()));
        rights.ok_or_else(|| {
            let mistakes = diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
            mistakes.map(|diagnostic| diagnostic.message.clone()).collect::<Vec<_>>().join("; ")
        })
    }
}

/// Reads a table of capabilities; what is wrong is reported and left out.
pub(crate) fn read(ctx: &mut Context, value: &Written<'_>) -> Rights {
    match reader::table(ctx, value, &CAPABILITIES) {
        Some(table) => read_table(ctx, &table),
        None => Rights::NONE,
    }
}

fn read_table(ctx: &mut Context, table: &Table<'_>) -> Rights {
    let mut rights = Rights::NONE;
    for capability in Capability::ALL {
        let Some(value) = table.get(capability.name()) else { continue };
        let errors = ctx.error_count();
        match capability {
            Capability::Midi => rights.midi = midi(ctx, value),
            Capability::Audio => rights.audio = audio(ctx, value),
            Capability::Network => rights.network = network(ctx, value),
            Capability::SystemControl => rights.system_control = system(ctx, value),
            Capability::Filesystem => rights.filesystem = filesystem(ctx, value),
            Capability::Subprocess => rights.subprocess = subprocess(ctx, value),
        }
        if !rights.has(capability) && ctx.error_count() == errors {
            let message = format!("this asks for nothing of `{capability}`");
            ctx.report(Code::NoEffect, table.key_span(capability.name()), message)
                .help("leave it out, or name what is meant");
        }
    }
    rights
}

fn is_true(value: &Written<'_>) -> bool {
    matches!(value.get_ref(), DeValue::Boolean(true))
}

/// The entries of a list, each in its usual form, each once.
fn entries<T: PartialEq>(
    ctx: &mut Context,
    value: &Written<'_>,
    expected: &str,
    code: Code,
    read: fn(&str) -> Result<T, String>,
) -> Vec<T> {
    const BOUNDS: RangeInclusive<usize> = 0..=SCOPE_ENTRIES_MAX;
    let mut entries = Vec::new();
    for item in
        reader::list(ctx, value, BOUNDS, &format!("an array, each entry {expected}")).unwrap_or_default()
    {
        let DeValue::String(text) = item.get_ref() else {
            reader::wrong_type::<()>(ctx, item, expected);
            continue;
        };
        match read(text) {
            Ok(entry) if entries.contains(&entry) => {}
            Ok(entry) => entries.push(entry),
            Err(reason) => {
                let message = format!("{:?} is not {expected}: {reason}", reader::shortened(text));
                ctx.report(code, item.span(), message);
            }
        }
    }
    entries
}

/// The entries of the list that `key` of a scope has.
fn entries_of<T: PartialEq>(
    ctx: &mut Context,
    table: &Table<'_>,
    key: &str,
    expected: &str,
    code: Code,
    read: fn(&str) -> Result<T, String>,
) -> Vec<T> {
    table.get(key).map(|value| entries(ctx, value, expected, code, read)).unwrap_or_default()
}

fn scope<'t>(ctx: &mut Context, value: &'t Written<'t>, section: &'static Section) -> Option<Table<'t>> {
    reader::table(ctx, value, section)
}

fn midi(ctx: &mut Context, value: &Written<'_>) -> Option<MidiScope> {
    if is_true(value) {
        return Some(MidiScope::all());
    }
    let table = scope(ctx, value, &MIDI_SCOPE)?;
    let mut of = |key| entries_of(ctx, &table, key, "a name of a device", Code::BadText, entry::device);
    let (send, listen) = (of("send"), of("listen"));
    (!send.is_empty() || !listen.is_empty()).then_some(MidiScope { send, listen })
}

/// The words of a list.
fn words(
    ctx: &mut Context,
    value: &Written<'_>,
    words: &'static [&'static str],
    expected: &str,
) -> Option<Vec<&'static str>> {
    let items = reader::list(ctx, value, 0..=words.len(), expected)?;
    Some(items.into_iter().filter_map(|item| reader::word(ctx, item, words)).collect())
}

fn audio(ctx: &mut Context, value: &Written<'_>) -> Option<AudioScope> {
    if is_true(value) {
        return Some(AudioScope::all());
    }
    let said = words(ctx, value, &["play", "volume"], "true, or an array such as [\"play\"]")?;
    let scope = AudioScope { play: said.contains(&"play"), volume: said.contains(&"volume") };
    (scope != AudioScope::default()).then_some(scope)
}

fn system(ctx: &mut Context, value: &Written<'_>) -> Option<SystemScope> {
    if is_true(value) {
        return Some(SystemScope::all_but_keys());
    }
    let known = &["media", "notify", "brightness", "open", "keys"];
    let said = words(ctx, value, known, "true, or an array such as [\"media\", \"notify\"]")?;
    let scope = SystemScope {
        media: said.contains(&"media"),
        notify: said.contains(&"notify"),
        brightness: said.contains(&"brightness"),
        open: said.contains(&"open"),
        keys: said.contains(&"keys"),
    };
    (scope != SystemScope::default()).then_some(scope)
}

const A_HOST: &str = "a host such as \"localhost:4455\"";

fn network(ctx: &mut Context, value: &Written<'_>) -> Option<NetworkScope> {
    let hosts = |ctx: &mut Context, value| entries(ctx, value, A_HOST, Code::BadHost, HostPattern::parse);
    let scope = match value.get_ref() {
        DeValue::Boolean(true) => {
            let any = HostPattern { host: super::Host::Any, port: None };
            NetworkScope { hosts: vec![any], direct: None }
        }
        DeValue::Array(_) => NetworkScope { hosts: hosts(ctx, value), direct: None },
        _ => {
            let table = scope(ctx, value, &NETWORK_SCOPE)?;
            let hosts = table.get("hosts").map(|value| hosts(ctx, value)).unwrap_or_default();
            NetworkScope { hosts, direct: table.get("direct").and_then(|value| ports(ctx, value)) }
        }
    };
    (!scope.hosts.is_empty() || scope.direct.is_some()).then_some(scope)
}

fn ports(ctx: &mut Context, value: &Written<'_>) -> Option<Vec<u16>> {
    if is_true(value) {
        return Some(Vec::new());
    }
    // Never none: an empty list would be every port.
    let items = reader::list(ctx, value, 1..=SCOPE_ENTRIES_MAX, "true, or an array of ports such as [443]")?;
    let mut ports = Vec::new();
    for item in items {
        let port = reader::integer(ctx, item, 1..=65535).and_then(|port| u16::try_from(port).ok());
        ports.extend(port.filter(|port| !ports.contains(port)));
    }
    (!ports.is_empty()).then_some(ports)
}

const A_FOLDER: &str = "a folder such as \"~/Music\"";

fn filesystem(ctx: &mut Context, value: &Written<'_>) -> Option<FilesystemScope> {
    if !matches!(value.get_ref(), DeValue::Table(_)) {
        reader::wrong_type::<()>(ctx, value, "a table of folders");
        ctx.help_last("name the folders, for example { read = [\"~/Music\"], write = [] }".to_owned());
        return None;
    }
    let table = scope(ctx, value, &FILESYSTEM_SCOPE)?;
    let mut of = |key| entries_of(ctx, &table, key, A_FOLDER, Code::BadPath, entry::path);
    let (read, write) = (of("read"), of("write"));
    (!read.is_empty() || !write.is_empty()).then_some(FilesystemScope { read, write })
}

const A_PROGRAM: &str = "a program such as \"obs-cli\" or \"/usr/bin/obs-cli\"";

fn subprocess(ctx: &mut Context, value: &Written<'_>) -> Option<SubprocessScope> {
    let programs = |ctx: &mut Context, value| entries(ctx, value, A_PROGRAM, Code::BadPath, entry::program);
    let scope = match value.get_ref() {
        DeValue::Array(_) => SubprocessScope { programs: programs(ctx, value), direct: false },
        DeValue::Table(_) => {
            let table = scope(ctx, value, &SUBPROCESS_SCOPE)?;
            table.only_true(ctx, "direct");
            let programs = table.get("programs").map(|value| programs(ctx, value)).unwrap_or_default();
            SubprocessScope { programs, direct: table.get("direct").is_some_and(is_true) }
        }
        _ => {
            reader::wrong_type::<()>(ctx, value, "an array of programs");
            ctx.help_last("name the programs, for example [\"obs-cli\"]".to_owned());
            return None;
        }
    };
    (!scope.programs.is_empty() || scope.direct).then_some(scope)
}
