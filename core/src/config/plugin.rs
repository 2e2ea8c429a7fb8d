//! `plugin = …` in `do`, `[plugins]` and `[plugin.NAME]`.
//!
//! What is known of a plugin is checked: its actions, their parameters. A plugin that is not there is no error, so that
//! a configuration stays good on another machine, or when a plugin's folder goes away: a call of it is refused when
//! the control is used.

use std::collections::HashMap;
use std::sync::Arc;

use toml::de::DeValue;

use super::Plugins;
use super::context::{Context, Spot, nearest};
use super::diagnostics::Code;
use super::keys::{LIMITS, PLUGINS};
use super::reader::{self, Table, Written};
use super::settings::defined_twice;
use crate::capability;
use crate::manifest::{
    ActionSpec, Limits, Manifest, PARAMETERS_BYTES_MAX, ParameterKind, is_plugin_name, limits, value,
};
use crate::ruleset::action::{Action, Hold, PluginCall};
use crate::ruleset::plugins::{AutoGrant, PluginSettings, SignaturePolicy, UnenforcedPolicy};

/// Plugins by name; one without a manifest has mistakes in it.
#[derive(Default)]
pub(crate) struct Catalogue(HashMap<String, Option<Arc<Manifest>>>);

impl Catalogue {
    pub(super) fn of(plugins: &dyn Plugins) -> Catalogue {
        Catalogue(plugins.names().into_iter().map(|name| (name.clone(), plugins.manifest(&name))).collect())
    }
}

/// Reads an action that calls a plugin.
pub(super) fn call(ctx: &mut Context, table: &Table<'_>, default_hold: Hold) -> Option<Action> {
    let hold = table.flag(ctx, "hold");
    let action = table.text(ctx, "action");
    let name = table.text(ctx, "plugin")?;
    if !check_name(ctx, name, table.value_span("plugin")) || (table.has("action") && action.is_none()) {
        return None;
    }
    let (action, wants_release, parameters) = match known(ctx, name, table.value_span("plugin")) {
        Some(manifest) => {
            let spec = chosen_action(ctx, table, &manifest, action)?;
            (spec.name.as_str().to_owned(), spec.held, parameters(ctx, table, name, spec)?)
        }
        None => (action.unwrap_or_default().to_owned(), false, unchecked(ctx, table)?),
    };
    if parameters.len() > PARAMETERS_BYTES_MAX {
        let message = format!("these parameters are {} bytes long as JSON", parameters.len());
        ctx.report(Code::BadLength, table.value_span("params"), message)
            .help(format!("a plugin can be told {PARAMETERS_BYTES_MAX} bytes; put more into a file"));
        return None;
    }
    let call = PluginCall { plugin: name.into(), action: action.into(), parameters: parameters.into() };
    let hold = match hold {
        Some(true) => Hold::WhileHeld,
        None if wants_release => default_hold,
        Some(false) | None => Hold::Tap,
    };
    Some(Action::Plugin { call: interned(ctx, call), hold })
}

/// The one call that is equal to this, so that it is prepared once.
fn interned(ctx: &mut Context, call: PluginCall) -> Arc<PluginCall> {
    if let Some(known) = ctx.calls.get(&call) {
        return Arc::clone(known);
    }
    let call = Arc::new(call);
    ctx.calls.insert(Arc::clone(&call));
    call
}

fn check_name(ctx: &mut Context, name: &str, span: std::ops::Range<usize>) -> bool {
    let good = is_plugin_name(name);
    if !good {
        let message = format!("{:?} is not the name of a plugin", reader::shortened(name));
        ctx.report(Code::BadName, span, message)
            .help("it can have up to 64 small letters, digits and -, and begins with a letter");
    }
    good
}

/// The manifest of a plugin; says so if there is none.
fn known(ctx: &mut Context, name: &str, span: std::ops::Range<usize>) -> Option<Arc<Manifest>> {
    match ctx.plugins.0.get(name) {
        Some(Some(manifest)) => return Some(Arc::clone(manifest)),
        Some(None) => {
            let message =
                format!("the manifest of the plugin `{name}` has mistakes, so that it can't be used");
            ctx.report(Code::UnknownPlugin, span, message)
                .help(format!("`padgate plugin info {name}` shows them"));
        }
        None => {
            let similar = nearest(name, ctx.plugins.0.keys().map(String::as_str)).map(str::to_owned);
            let message = format!("there is no plugin `{name}` on this machine");
            let help = match similar {
                Some(right) => format!("did you mean {right:?}? `padgate plugin list` shows them"),
                None => "`padgate plugin list` shows those that there are".to_owned(),
            };
            ctx.report(Code::UnknownPlugin, span, message).help(help);
        }
    }
    None
}

fn chosen_action<'m>(
    ctx: &mut Context,
    table: &Table<'_>,
    manifest: &'m Manifest,
    written: Option<&str>,
) -> Option<&'m ActionSpec> {
    let names = || manifest.actions.iter().map(|action| action.name.as_str());
    let all = || names().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let Some(written) = written else {
        if let [only] = manifest.actions.as_slice() {
            return Some(only);
        }
        let message = format!("`action` is missing: the plugin `{}` has several", manifest.name);
        ctx.report(Code::MissingKey, table.key_span("plugin"), message).help(format!("it has {}", all()));
        return None;
    };
    let found = manifest.action(written);
    if found.is_none() {
        let help = match nearest(written, names()) {
            Some(right) => format!("did you mean {right:?}?"),
            None => format!("it has {}", all()),
        };
        let message =
            format!("the plugin `{}` has no action {:?}", manifest.name, reader::shortened(written));
        ctx.report(Code::UnknownAction, table.value_span("action"), message).help(help);
    }
    found
}

/// The entries of `params`, in the order written. `None` (and a report) if it is no table.
fn written_parameters<'t>(
    ctx: &mut Context,
    table: &Table<'t>,
) -> Option<Vec<(&'t str, std::ops::Range<usize>, &'t Written<'t>)>> {
    let Some(value) = table.get("params") else { return Some(Vec::new()) };
    match value.get_ref() {
        DeValue::Table(entries) => Some(reader::in_order(entries)),
        _ => reader::wrong_type(ctx, value, "a table such as { url = \"http://localhost\" }"),
    }
}

/// The parameters as JSON in the order of the manifest, with its defaults.
fn parameters(ctx: &mut Context, table: &Table<'_>, plugin: &str, spec: &ActionSpec) -> Option<String> {
    let written = written_parameters(ctx, table)?;
    let errors = ctx.error_count();
    for (name, span, _) in &written {
        if spec.parameters.iter().all(|parameter| parameter.name != *name) {
            unknown_parameter(ctx, name, span.clone(), plugin, spec);
        }
    }
    let mut members = Vec::with_capacity(spec.parameters.len());
    for parameter in &spec.parameters {
        let name = &parameter.name;
        match written.iter().find(|(written, ..)| written == name) {
            Some((.., value)) => {
                let json = value::json(ctx, value, &parameter.kind);
                members.extend(json.map(|json| (name.as_str(), json.to_string())));
            }
            None if parameter.required => {
                let key = if table.has("params") { "params" } else { "plugin" };
                let message = format!("`{name}` is missing: `{plugin}` can't do `{}` without it", spec.name);
                let description = match parameter.description.as_str() {
                    "" => String::new(),
                    words => format!("; {words}"),
                };
                ctx.report(Code::MissingParameter, table.key_span(key), message)
                    .help(format!("it is {}{description}", parameter.kind.describe()));
            }
            None => members.extend(parameter.default.clone().map(|default| (name.as_str(), default))),
        }
    }
    (ctx.error_count() == errors).then(|| object(&members))
}

fn unknown_parameter(
    ctx: &mut Context,
    name: &str,
    span: std::ops::Range<usize>,
    plugin: &str,
    spec: &ActionSpec,
) {
    let names = || spec.parameters.iter().map(|parameter| parameter.name.as_str());
    let help = match nearest(name, names()) {
        Some(right) => format!("did you mean `{right}`?"),
        None if spec.parameters.is_empty() => "it has no parameters".to_owned(),
        None => format!("it can have {}", names().collect::<Vec<_>>().join(", ")),
    };
    let message = format!(
        "the action `{}` of `{plugin}` has no parameter `{}`",
        spec.name,
        reader::shortened(name).escape_debug()
    );
    ctx.report(Code::UnknownParameter, span, message).help(help);
}

/// The parameters of a plugin that is not known, as they are, sorted by name.
fn unchecked(ctx: &mut Context, table: &Table<'_>) -> Option<String> {
    let mut written = written_parameters(ctx, table)?;
    written.sort_unstable_by_key(|(name, ..)| *name);
    let mut members = Vec::with_capacity(written.len());
    let errors = ctx.error_count();
    for (name, _, value) in written {
        let json = value::json(ctx, value, &ParameterKind::Any);
        members.extend(json.map(|json| (name, json.to_string())));
    }
    (ctx.error_count() == errors).then(|| object(&members))
}

/// A JSON object of members that are JSON already.
fn object(members: &[(&str, String)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, json)| format!("{}:{json}", serde_json::Value::from(*name))).collect();
    format!("{{{}}}", members.join(","))
}

/// Reads `[plugins]` and `[plugin.NAME]` of all files; each key may stand in one of them.
pub(super) fn settings(
    ctx: &mut Context,
    general: &[(usize, &Written<'_>)],
    own: &[(usize, &Written<'_>)],
) -> PluginSettings {
    let mut settings = PluginSettings::default();
    let mut seen: HashMap<&str, Spot> = HashMap::new();
    for (file, value) in general {
        ctx.file = *file;
        let Some(table) = reader::table(ctx, value, &PLUGINS) else { continue };
        for (name, span, _) in table.in_order() {
            let spot = ctx.spot(span);
            match seen.get(name) {
                Some(first) => defined_twice(ctx, &format!("the setting `{name}`"), spot, *first),
                None => _ = seen.insert(name, spot),
            }
        }
        general_settings(ctx, &table, &mut settings);
    }
    let mut seen: HashMap<&str, Spot> = HashMap::new();
    for (file, value) in own {
        ctx.file = *file;
        let DeValue::Table(entries) = value.get_ref() else {
            reader::wrong_type::<()>(ctx, value, "a table for each plugin, as in [plugin.http-request]");
            continue;
        };
        for (name, span, value) in reader::in_order(entries) {
            let spot = ctx.spot(span.clone());
            if check_name(ctx, name, span.clone()) {
                known(ctx, name, span);
            }
            let limits = reader::table(ctx, value, &LIMITS).map(|table| limits::read(ctx, &table));
            match seen.get(name) {
                Some(first) => defined_twice(ctx, &format!("[plugin.{name}]"), spot, *first),
                None => {
                    seen.insert(name, spot);
                    let limits = limits.filter(|limits| *limits != Limits::default());
                    settings.limits.extend(limits.map(|limits| (name.to_owned(), limits)));
                }
            }
        }
    }
    settings
}

fn general_settings(ctx: &mut Context, table: &Table<'_>, settings: &mut PluginSettings) {
    if let Some(value) = table.get("folders") {
        let items = reader::list(ctx, value, 0..=64, "an array of folders such as [\"~/plugins\"]");
        settings.folders = texts(ctx, items, Code::BadPath, capability::path);
    }
    settings.auto_grant = match table.word(ctx, "auto_grant") {
        Some("none") => AutoGrant::None,
        Some(_) => AutoGrant::Low,
        None => settings.auto_grant,
    };
    settings.signatures = match table.word(ctx, "signatures") {
        Some("required") => SignaturePolicy::Required,
        Some("high-risk") => SignaturePolicy::HighRisk,
        Some(_) => SignaturePolicy::Off,
        None => settings.signatures,
    };
    if let Some(value) = table.get("trusted_keys") {
        let items = reader::list(ctx, value, 0..=256, "an array of public keys");
        settings.trusted_keys = texts(ctx, items, Code::BadPublicKey, public_key);
    }
    settings.unenforced = match table.word(ctx, "unenforced") {
        Some("run") => UnenforcedPolicy::Run,
        Some("brokered") => UnenforcedPolicy::Brokered,
        Some(_) => UnenforcedPolicy::Refuse,
        None => settings.unenforced,
    };
    settings.watch = table.flag(ctx, "watch").unwrap_or(settings.watch);
    let needs_keys = settings.signatures != SignaturePolicy::Off && settings.trusted_keys.is_empty();
    if needs_keys && table.has("signatures") && !table.has("trusted_keys") {
        let message = "no key is trusted, so that no plugin that must be signed can be used";
        ctx.report(Code::NoEffect, table.key_span("signatures"), message)
            .help("name the public keys that you trust in `trusted_keys`");
    }
}

fn texts(
    ctx: &mut Context,
    items: Option<Vec<&Written<'_>>>,
    code: Code,
    read: fn(&str) -> Result<String, String>,
) -> Vec<String> {
    let mut texts = Vec::new();
    for item in items.unwrap_or_default() {
        let Some(text) = reader::text(ctx, item, "a text") else { continue };
        match read(text) {
            Ok(text) if texts.contains(&text) => {}
            Ok(text) => texts.push(text),
            Err(reason) => {
                let message = format!("{:?} can't stand here: {reason}", reader::shortened(text));
                ctx.report(code, item.span(), message);
            }
        }
    }
    texts
}

/// A public key of minisign: the second line of its file, 42 bytes as Base64.
fn public_key(text: &str) -> Result<String, String> {
    const CHARS: usize = 56;
    let text = text.trim();
    let is_base64 = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
    if text.len() == CHARS && text.starts_with("RW") && is_base64 {
        Ok(text.to_owned())
    } else {
        Err(format!("a public key of minisign has {CHARS} characters and begins with RW"))
    }
}
