//! From the text of a `plugin.toml` to what it means, with every mistake reported.
//!
//! A manifest is a stranger's: its texts are shown to the user who is asked for a grant, so that nothing in them may
//! deceive on a screen.

use toml::de::DeValue;

use super::{DEPENDENCIES_MAX, Manifest, action, is_plugin_name, limits};
use crate::capability::{Capability, Rights, entry, written};
use crate::config::context::{Context, nearest};
use crate::config::diagnostics::{Code, Diagnostic};
use crate::config::keys::{LIMITS, MANIFEST, MANIFEST_PLUGIN};
use crate::config::reader::{self, Table, Written};
use crate::config::{Source, syntax};
use crate::ids::Names;

/// The longest description, in characters.
pub(super) const DESCRIPTION_CHARS_MAX: usize = 500;
/// The longest of the other texts that are shown, in characters.
const LINE_CHARS_MAX: usize = 200;
/// Platforms that Padgate is built for, for suggestions.
const PLATFORMS: &[&str] = &[
    "linux-x86_64",
    "linux-aarch64",
    "linux-arm",
    "linux-riscv64",
    "macos-x86_64",
    "macos-aarch64",
    "windows-x86_64",
    "windows-aarch64",
];

/// Reads a manifest for a platform (`linux-x86_64`: the names of the operating system and the processor as Rust has
/// them). There is a manifest exactly where no mistake is an error.
#[must_use]
pub fn read(source: &Source, platform: &str) -> (Option<Manifest>, Vec<Diagnostic>) {
    let mut ctx = Context::new(Names::default());
    let text = ctx.open(&source.name, &source.text);
    let root = syntax::parse(&mut ctx, &text);
    let manifest = reader::open(&mut ctx, root.get_ref(), 0..0, &MANIFEST)
        .and_then(|table| whole(&mut ctx, &table, platform))
        .filter(|_| ctx.error_count() == 0);
    (manifest, ctx.finish().0)
}

fn whole(ctx: &mut Context, table: &Table<'_>, platform: &str) -> Option<Manifest> {
    let actions = table.get("action").map(|value| action::read_all(ctx, value)).unwrap_or_default();
    let mut manifest = table.get("plugin").and_then(|value| plugin(ctx, value, platform));
    let own_name = manifest.as_ref().map_or("", |manifest| manifest.name.as_str());
    let dependencies = dependencies(ctx, table, own_name);
    if let Some(manifest) = &mut manifest {
        manifest.actions = actions;
        manifest.dependencies = dependencies;
    }
    manifest
}

/// A text of one line that can be shown; empty if it is not there.
pub(super) fn line(ctx: &mut Context, table: &Table<'_>, key: &str, chars_max: usize) -> String {
    let Some(text) = table.text(ctx, key) else { return String::new() };
    let span = table.value_span(key);
    if let Some(bad) = text.chars().find(|c| entry::is_deceptive(*c)) {
        ctx.report(Code::BadText, span, format!("the character {bad:?} can't stand in `{key}`"))
            .help("write one line of plain text");
    } else if text.chars().count() > chars_max {
        ctx.report(Code::BadText, span, format!("`{key}` has more than {chars_max} characters"));
    }
    text.to_owned()
}

fn plugin(ctx: &mut Context, value: &Written<'_>, platform: &str) -> Option<Manifest> {
    let table = reader::table(ctx, value, &MANIFEST_PLUGIN)?;
    let name = table.text(ctx, "name").unwrap_or_default();
    if table.has("name") && !name.is_empty() && !is_plugin_name(name) {
        let message = format!("{:?} is not the name of a plugin", reader::shortened(name));
        ctx.report(Code::BadName, table.value_span("name"), message)
            .help("it can have up to 64 small letters, digits and -, and begins with a letter");
    }
    let version = version(ctx, &table);
    let description = line(ctx, &table, "description", DESCRIPTION_CHARS_MAX);
    let author = line(ctx, &table, "author", LINE_CHARS_MAX);
    let license = line(ctx, &table, "license", LINE_CHARS_MAX);
    let homepage = line(ctx, &table, "homepage", LINE_CHARS_MAX);
    table.word(ctx, "type");
    let (binary, platforms) = binaries(ctx, &table, platform);
    let api = table.integer(ctx, "api").and_then(|api| u16::try_from(api).ok());
    let request = table.get("capabilities").map_or(Rights::NONE, |value| written::read(ctx, value));
    let optional = optional(ctx, &table, &request);
    let limits = table.get("limits").and_then(|value| reader::table(ctx, value, &LIMITS));
    let limits = limits.map(|table| limits::read(ctx, &table)).unwrap_or_default();
    Some(Manifest {
        name: name.to_owned(),
        version: version?,
        description,
        author,
        license,
        homepage,
        binary,
        platforms,
        api: api?,
        request,
        optional,
        limits,
        actions: Vec::new(),
        dependencies: Vec::new(),
    })
}

fn version(ctx: &mut Context, table: &Table<'_>) -> Option<semver::Version> {
    let text = table.text(ctx, "version")?;
    semver::Version::parse(text)
        .map_err(|reason| {
            let message = format!("{:?} is not a version: {reason}", reader::shortened(text));
            ctx.report(Code::BadVersion, table.value_span("version"), message)
                .help("write three numbers, as in \"1.0.2\"");
        })
        .ok()
}

/// The file for the platform, and the platforms that there is one for.
fn binaries(ctx: &mut Context, table: &Table<'_>, platform: &str) -> (Option<String>, Vec<String>) {
    let Some(value) = table.get("binary") else { return (None, Vec::new()) };
    let DeValue::Table(entries) = value.get_ref() else {
        return (binary(ctx, value, "a file, or a table of a file for each platform"), Vec::new());
    };
    if entries.is_empty() {
        ctx.report(Code::BadLength, value.span(), "there is no binary for any platform")
            .help("for example binary = { linux-x86_64 = \"libplugin.so\" }");
    }
    let mut own = None;
    let mut platforms = Vec::new();
    for (name, span, value) in reader::in_order(entries) {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let parts: Vec<&str> = name.split('-').collect();
        let is_platform = parts.len() == 2
            && name.len() <= super::NAME_BYTES_MAX
            && parts.iter().all(|part| !part.is_empty() && part.bytes().all(good));
        let help = match nearest(name, PLATFORMS.iter().copied()) {
            Some(right) => format!("did you mean {right}?"),
            None => format!("for example {}", PLATFORMS[0]),
        };
        if !is_platform {
            let message = format!("{:?} is not the name of a platform", reader::shortened(name));
            ctx.report(Code::BadName, span, message).help(help);
        } else if !PLATFORMS.contains(&name) && name != platform {
            let message = format!("Padgate is not built for the platform {name}");
            ctx.report(Code::NoEffect, span, message).help(help);
        }
        let file = binary(ctx, value, "a file");
        platforms.push(name.to_owned());
        if name == platform {
            own = file;
        }
    }
    platforms.sort();
    (own, platforms)
}

/// A file inside the folder of the manifest.
fn binary(ctx: &mut Context, value: &Written<'_>, expected: &str) -> Option<String> {
    let text = reader::text(ctx, value, expected)?;
    let reason = if text.starts_with('/') || text.starts_with('~') {
        Some("it must be a file in the folder of the manifest")
    } else if text.contains(['\\', ':']) || text.chars().any(entry::is_deceptive) {
        Some("it has characters that can't stand there")
    } else if text.split('/').any(|part| part == "..") {
        Some("a part \"..\" leads out of the folder of the manifest")
    } else if text.split('/').any(|part| matches!(part, "" | ".")) {
        Some("a part of it is empty or \".\"")
    } else {
        None
    };
    let Some(reason) = reason else { return Some(text.to_owned()) };
    let message = format!("{:?} can't be the binary: {reason}", reader::shortened(text));
    ctx.report(Code::BadPath, value.span(), message).help("for example binary = \"libplugin.so\"");
    None
}

fn optional(ctx: &mut Context, table: &Table<'_>, request: &Rights) -> Vec<Capability> {
    let Some(value) = table.get("optional") else { return Vec::new() };
    let names: &'static [&'static str] =
        &["midi", "audio", "network", "system-control", "filesystem", "subprocess"];
    let expected = "an array of capabilities such as [\"midi\"]";
    let items = reader::list(ctx, value, 0..=names.len(), expected).unwrap_or_default();
    let mut optional = Vec::new();
    for item in items {
        let Some(capability) = reader::word(ctx, item, names).and_then(Capability::of_name) else { continue };
        if optional.contains(&capability) {
            ctx.report(Code::DefinedTwice, item.span(), format!("`{capability}` stands here twice"));
        } else if !request.has(capability) && ctx.error_count() == 0 {
            ctx.report(Code::NoEffect, item.span(), format!("the plugin does not ask for `{capability}`"))
                .help("ask for it in [plugin.capabilities], or leave it out here");
        } else {
            optional.push(capability);
        }
    }
    optional.sort_unstable();
    optional
}

fn dependencies(ctx: &mut Context, table: &Table<'_>, own_name: &str) -> Vec<(String, semver::VersionReq)> {
    let Some(value) = table.get("dependencies") else { return Vec::new() };
    let DeValue::Table(entries) = value.get_ref() else {
        reader::wrong_type::<()>(ctx, value, "a table such as { obs = \"^1.2\" }");
        return Vec::new();
    };
    if entries.len() > DEPENDENCIES_MAX {
        let message = format!("these are {} plugins", entries.len());
        ctx.report(Code::BadLength, value.span(), message)
            .help(format!("a plugin can depend on {DEPENDENCIES_MAX}"));
        return Vec::new();
    }
    let mut dependencies = Vec::new();
    for (name, span, value) in reader::in_order(entries) {
        if !is_plugin_name(name) {
            let message = format!("{:?} is not the name of a plugin", reader::shortened(name));
            ctx.report(Code::BadName, span, message);
        } else if name == own_name {
            ctx.report(Code::Conflict, span, "a plugin can't depend on itself");
        }
        let Some(text) = reader::text(ctx, value, "versions such as \"^1.2\"") else { continue };
        match semver::VersionReq::parse(text) {
            Ok(versions) => dependencies.push((name.to_owned(), versions)),
            Err(reason) => {
                let message = format!("{:?} names no versions: {reason}", reader::shortened(text));
                ctx.report(Code::BadVersion, value.span(), message)
                    .help("write it like \"^1.2\" or \">=1, <3\"");
            }
        }
    }
    dependencies
}
