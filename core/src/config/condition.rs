//! `when` and `if`: conditions.

use toml::de::DeValue;

use super::context::Context;
use super::diagnostics::Code;
use super::keys::CONDITION;
use super::reader::{self, Table, Written};
use super::settings::variable_value;
use super::values;
use crate::ruleset::Condition;
use crate::ruleset::action::NESTING_MAX;
use crate::ruleset::condition::Comparison;

/// Reads a condition: a table, or an array of tables that must all be true.
pub(super) fn read(ctx: &mut Context, value: &Written<'_>) -> Condition {
    match value.get_ref() {
        DeValue::Array(_) => join(several(ctx, value, 0), Condition::All),
        _ => one(ctx, value, 0),
    }
}

fn several(ctx: &mut Context, value: &Written<'_>, depth: usize) -> Vec<Condition> {
    let items = reader::list(ctx, value, 1..=usize::MAX, "an array of conditions").unwrap_or_default();
    items.into_iter().map(|item| one(ctx, item, depth)).collect()
}

/// One condition alone needs no list around it.
fn join(mut conditions: Vec<Condition>, several: fn(Vec<Condition>) -> Condition) -> Condition {
    match conditions.len() {
        0 => Condition::Always,
        1 => conditions.remove(0),
        _ => several(conditions),
    }
}

fn one(ctx: &mut Context, value: &Written<'_>, depth: usize) -> Condition {
    if depth >= NESTING_MAX {
        ctx.report(Code::TooDeep, value.span(), format!("conditions can be nested {NESTING_MAX} deep"));
        return Condition::Always;
    }
    let Some(table) = reader::table(ctx, value, &CONDITION) else { return Condition::Always };
    if table.in_order().is_empty() {
        ctx.report(Code::MissingKey, table.span.clone(), "this condition is empty")
            .help(format!("for example {}", CONDITION.example));
    }
    let mut parts = Vec::new();
    for (name, _, value) in table.in_order() {
        match name {
            "mode" => parts.push(join(modes(ctx, value), Condition::Any)),
            "time" => parts.extend(time(ctx, value)),
            "weekday" => parts.extend(weekday(ctx, value)),
            "running" => parts.push(join(running(ctx, value), Condition::Any)),
            "variable" => parts.extend(variable(ctx, &table)),
            "not" => parts.push(Condition::Not(Box::new(one(ctx, value, depth + 1)))),
            "all" => parts.push(join(several(ctx, value, depth + 1), Condition::All)),
            "any" => parts.push(join(several(ctx, value, depth + 1), Condition::Any)),
            _ => {}
        }
    }
    join(parts, Condition::All)
}

fn modes(ctx: &mut Context, value: &Written<'_>) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for item in reader::one_or_more(ctx, value).unwrap_or_default() {
        if let Some(name) = reader::text(ctx, item, "the name of a mode") {
            let mode = ctx.mode(name);
            let spot = ctx.spot(item.span());
            ctx.modes_asked.entry(mode).or_insert(spot);
            conditions.push(Condition::Mode(mode));
        }
    }
    conditions
}

fn running(ctx: &mut Context, value: &Written<'_>) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for item in reader::one_or_more(ctx, value).unwrap_or_default() {
        if let Some(name) = reader::text(ctx, item, "the name of a program") {
            conditions.push(Condition::Running(ctx.program(name)));
        }
    }
    conditions
}

fn time(ctx: &mut Context, value: &Written<'_>) -> Option<Condition> {
    let text = reader::text(ctx, value, "a span of the day such as \"22:00-06:00\"")?;
    match values::day_span(text) {
        Ok(span) => Some(Condition::Time(span)),
        Err(reason) => {
            let message = format!("{:?} is not a span of the day: {reason}", reader::shortened(text));
            ctx.report(Code::BadTime, value.span(), message).help("write it like \"22:00-06:00\"");
            None
        }
    }
}

fn weekday(ctx: &mut Context, value: &Written<'_>) -> Option<Condition> {
    let mut days = 0;
    for item in reader::one_or_more(ctx, value)? {
        let Some(text) = reader::text(ctx, item, "a weekday such as \"sat\"") else { continue };
        match values::weekdays(text) {
            Ok(more) => days |= more,
            Err(reason) => {
                ctx.report(Code::BadTime, item.span(), reason).help("write it like \"sat\" or \"mon-fri\"");
            }
        }
    }
    Some(Condition::Weekday(days))
}

fn variable(ctx: &mut Context, table: &Table<'_>) -> Option<Condition> {
    let name = table.text(ctx, "variable")?;
    let id = ctx.variable(name);
    let spot = ctx.spot(table.value_span("variable"));
    ctx.variables_asked.entry(id).or_insert(spot);
    let comparison = if let Some(value) = table.get("is") {
        Comparison::Is(variable_value(ctx, value)?)
    } else if table.has("above") {
        Comparison::Above(table.number(ctx, "above")?)
    } else if table.has("below") {
        Comparison::Below(table.number(ctx, "below")?)
    } else {
        ctx.report(
            Code::MissingKey,
            table.key_span("variable"),
            "what the variable is compared with is missing",
        )
        .help(format!("for example {{ variable = {name:?}, is = true }}"));
        return None;
    };
    Some(Condition::Variable(id, comparison))
}
