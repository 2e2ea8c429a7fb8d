//! `[settings]` and `[variables]`: what holds for the whole configuration.

use std::collections::HashMap;

use toml::de::DeValue;

use super::context::{Context, Spot};
use super::diagnostics::Code;
use super::keys::SETTINGS;
use super::reader::{self, Written};
use crate::ids::VariableId;
use crate::ruleset::{OutputChoice, Settings, Value};

/// Reads the settings of all files; each key may stand in one of them.
pub(super) fn read(ctx: &mut Context, written: &[(usize, &Written<'_>)]) -> Settings {
    let mut settings = Settings::default();
    let mut seen: HashMap<&str, Spot> = HashMap::new();
    for (file, value) in written {
        ctx.file = *file;
        let Some(table) = reader::table(ctx, value, &SETTINGS) else { continue };
        for (name, span, _) in table.in_order() {
            let spot = ctx.spot(span);
            match seen.get(name) {
                Some(first) => defined_twice(ctx, &format!("the setting `{name}`"), spot, *first),
                None => _ = seen.insert(name, spot),
            }
        }
        if let Some(name) = table.text(ctx, "mode") {
            settings.start_mode = ctx.mode(name);
        }
        settings.allow_shell |= table.flag(ctx, "allow_shell").unwrap_or(false);
        settings.virtual_ports &= table.flag(ctx, "virtual_ports").unwrap_or(true);
        settings.output = match table.word(ctx, "output") {
            Some("x11") => OutputChoice::X11,
            Some("wayland") => OutputChoice::Wayland,
            Some("uinput") => OutputChoice::Uinput,
            Some("none") => OutputChoice::None,
            _ => settings.output,
        };
        let own = |ctx: &mut Context, name, default| table.duration(ctx, name).unwrap_or(default);
        ctx.defaults.hold = own(ctx, "hold", ctx.defaults.hold);
        ctx.defaults.tap_window = own(ctx, "tap_window", ctx.defaults.tap_window);
        ctx.defaults.chord_window = own(ctx, "chord_window", ctx.defaults.chord_window);
        ctx.defaults.sequence_window = own(ctx, "sequence_window", ctx.defaults.sequence_window);
    }
    ctx.allow_shell = settings.allow_shell;
    ctx.modes_activated.entry(settings.start_mode).or_insert(Spot { file: 0, start: 0, end: 0 });
    settings
}

/// Reads the variables of all files; each may stand in one of them.
pub(super) fn read_variables(
    ctx: &mut Context,
    written: &[(usize, &Written<'_>)],
) -> Vec<(VariableId, Value)> {
    let mut variables = Vec::new();
    let mut seen: HashMap<VariableId, Spot> = HashMap::new();
    for (file, value) in written {
        ctx.file = *file;
        let DeValue::Table(entries) = value.get_ref() else {
            reader::wrong_type::<()>(ctx, value, "a table such as { scene = 1 }");
            continue;
        };
        for (name, span, value) in reader::in_order(entries) {
            let Some(value) = variable_value(ctx, value) else { continue };
            let spot = ctx.spot(span);
            let id = ctx.variable(name);
            match seen.get(&id) {
                Some(first) => defined_twice(ctx, &format!("the variable `{name}`"), spot, *first),
                None => {
                    seen.insert(id, spot);
                    ctx.variables_set.entry(id).or_insert(spot);
                    variables.push((id, value));
                }
            }
        }
    }
    variables
}

/// True, false, a number, or a text (which may be empty).
pub(super) fn variable_value(ctx: &mut Context, value: &Written<'_>) -> Option<Value> {
    match value.get_ref() {
        DeValue::Boolean(flag) => Some(Value::Flag(*flag)),
        DeValue::Integer(_) | DeValue::Float(_) => {
            reader::number(ctx, value, f64::MIN..=f64::MAX).map(Value::Number)
        }
        DeValue::String(text) => Some(Value::Text(text.as_ref().into())),
        _ => reader::wrong_type(ctx, value, "true, false, a number or a text"),
    }
}

/// Reports what is defined in two places.
pub(super) fn defined_twice(ctx: &mut Context, what: &str, spot: Spot, first: Spot) {
    let first = ctx.place(first);
    let error = ctx.report_at(Code::DefinedTwice, spot, format!("{what} is defined twice"));
    error.second = Some((first, "it was first defined here".to_owned()));
    error.help("keep one of them");
}
