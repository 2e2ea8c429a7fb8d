//! `[[action]]`: what a plugin can do, and what it can be told.

use std::collections::HashMap;
use std::ops::Range;

use toml::de::DeValue;

use super::read::{DESCRIPTION_CHARS_MAX, line};
use super::{
    ACTIONS_MAX, ActionSpec, CHOICES_MAX, PARAMETERS_MAX, Parameter, ParameterKind, is_identifier, value,
};
use crate::config::context::{Context, Spot};
use crate::config::diagnostics::Code;
use crate::config::keys::{MANIFEST_ACTION, PARAMETER};
use crate::config::reader::{self, Table, Written};

/// Reads all actions; what is wrong is reported and left out.
pub(super) fn read_all(ctx: &mut Context, value: &Written<'_>) -> Vec<ActionSpec> {
    if let DeValue::Table(_) = value.get_ref() {
        ctx.report(Code::WrongType, value.span(), "an action begins with [[action]], with two brackets");
        return Vec::new();
    }
    let expected = "actions, as in [[action]]";
    let items = reader::list(ctx, value, 1..=ACTIONS_MAX, expected).unwrap_or_default();
    let mut actions: Vec<ActionSpec> = Vec::with_capacity(items.len());
    let mut seen: HashMap<String, Spot> = HashMap::new();
    for item in items {
        let Some(table) = reader::table(ctx, item, &MANIFEST_ACTION) else { continue };
        let Some(action) = read(ctx, &table) else { continue };
        let spot = ctx.spot(table.value_span("name"));
        if let Some(first) = seen.insert(action.name.clone(), spot) {
            let first = ctx.place(first);
            let message = format!("there are two actions `{}`", action.name);
            let error = ctx.report_at(Code::DefinedTwice, spot, message);
            error.second = Some((first, "the first is here".to_owned()));
            error.help("give one of them another name");
        }
        actions.push(action);
    }
    actions
}

fn read(ctx: &mut Context, table: &Table<'_>) -> Option<ActionSpec> {
    let description = line(ctx, table, "description", DESCRIPTION_CHARS_MAX);
    let held = table.flag(ctx, "held").unwrap_or(false);
    let parameters = table.get("parameters").map(|value| parameters(ctx, value)).unwrap_or_default();
    let name = table.text(ctx, "name")?;
    let name = identifier(ctx, name, table.value_span("name"), "action")?;
    Some(ActionSpec { name, description, held, parameters })
}

fn identifier(ctx: &mut Context, name: &str, span: Range<usize>, what: &str) -> Option<String> {
    if is_identifier(name) {
        return Some(name.to_owned());
    }
    let message = format!("{:?} is not the name of an {what}", reader::shortened(name));
    let message = if what == "action" { message } else { message.replace("an ", "a ") };
    ctx.report(Code::BadName, span, message)
        .help("it can have up to 64 letters, digits, - and _, and begins with a letter");
    None
}

fn parameters(ctx: &mut Context, value: &Written<'_>) -> Vec<Parameter> {
    let DeValue::Table(entries) = value.get_ref() else {
        reader::wrong_type::<()>(ctx, value, "a table such as { url = { type = \"text\" } }");
        return Vec::new();
    };
    let entries = reader::in_order(entries);
    if entries.len() > PARAMETERS_MAX {
        let message = format!("this action has {} parameters", entries.len());
        ctx.report(Code::BadLength, value.span(), message).help(format!("it can have {PARAMETERS_MAX}"));
        return Vec::new();
    }
    let mut parameters = Vec::with_capacity(entries.len());
    for (name, span, value) in entries {
        let name = identifier(ctx, name, span, "parameter");
        let Some(table) = reader::table(ctx, value, &PARAMETER) else { continue };
        let description = line(ctx, &table, "description", DESCRIPTION_CHARS_MAX);
        let required = table.flag(ctx, "required").unwrap_or(false);
        let errors = ctx.error_count();
        let kind = kind(ctx, &table);
        // What it can be is not known for certain where that has a mistake.
        let default = match (&kind, table.get("default")) {
            (Some(kind), Some(default)) if ctx.error_count() == errors => value::json(ctx, default, kind),
            _ => None,
        };
        let (Some(name), Some(kind)) = (name, kind) else { continue };
        let default = default.map(|default| default.to_string());
        parameters.push(Parameter { name, description, kind, required, default });
    }
    parameters
}

/// What the parameter can be.
fn kind(ctx: &mut Context, table: &Table<'_>) -> Option<ParameterKind> {
    let outer = table.word(ctx, "type")?;
    let holds_items = matches!(outer, "list" | "table");
    let inner = match (holds_items, table.has("of")) {
        (true, true) => table.word(ctx, "of")?,
        (true, false) => "any",
        (false, has_of) => {
            if has_of {
                not_with(ctx, table, "of", outer, "list` or `table");
            }
            outer
        }
    };
    if inner != "text" && table.has("choices") {
        not_with(ctx, table, "choices", inner, "text");
    }
    for bound in ["min", "max"].into_iter().filter(|bound| table.has(bound)) {
        if !matches!(inner, "integer" | "number") {
            not_with(ctx, table, bound, inner, "integer` or `number");
        }
    }
    let kind = match inner {
        "text" => ParameterKind::Text { choices: choices(ctx, table) },
        "integer" => integer(ctx, table),
        "number" => number(ctx, table),
        "flag" => ParameterKind::Flag,
        _ => ParameterKind::Any,
    };
    Some(match outer {
        "list" => ParameterKind::List(Box::new(kind)),
        "table" => ParameterKind::Table(Box::new(kind)),
        _ => kind,
    })
}

fn not_with(ctx: &mut Context, table: &Table<'_>, key: &str, kind: &str, wanted: &str) {
    let message = format!("`{key}` does not go with the type `{kind}`");
    ctx.report(Code::Conflict, table.key_span(key), message).help(format!("it goes with `{wanted}`"));
}

fn choices(ctx: &mut Context, table: &Table<'_>) -> Vec<String> {
    let Some(value) = table.get("choices") else { return Vec::new() };
    let items = reader::list(ctx, value, 1..=CHOICES_MAX, "an array of texts").unwrap_or_default();
    let mut choices: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        let Some(text) = reader::text(ctx, item, "a text") else { continue };
        if choices.iter().any(|choice| choice == text) {
            ctx.report(
                Code::DefinedTwice,
                item.span(),
                format!("{:?} stands here twice", reader::shortened(text)),
            );
        }
        choices.push(text.to_owned());
    }
    choices
}

fn integer(ctx: &mut Context, table: &Table<'_>) -> ParameterKind {
    let mut bound = |key: &str, default: i64| match table.get(key) {
        Some(value) => reader::integer(ctx, value, i64::MIN..=i64::MAX).unwrap_or(default),
        None => default,
    };
    let (min, max) = (bound("min", i64::MIN), bound("max", i64::MAX));
    check_bounds(ctx, table, min > max);
    ParameterKind::Integer { min, max }
}

fn number(ctx: &mut Context, table: &Table<'_>) -> ParameterKind {
    let min = table.number(ctx, "min").unwrap_or(f64::MIN);
    let max = table.number(ctx, "max").unwrap_or(f64::MAX);
    check_bounds(ctx, table, min > max);
    ParameterKind::Number { min, max }
}

fn check_bounds(ctx: &mut Context, table: &Table<'_>, is_empty: bool) {
    if is_empty {
        ctx.report(Code::BadRange, table.value_span("min"), "`min` is more than `max`");
    }
}
