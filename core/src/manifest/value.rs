//! Values of parameters: from what was written in TOML to JSON, checked against what the parameter can be.

use serde_json::Value;
use toml::de::DeValue;

use super::ParameterKind;
use crate::config::context::{Context, nearest};
use crate::config::diagnostics::Code;
use crate::config::keys::or_list;
use crate::config::reader::{self, Written};

/// The value as JSON; `None` (and a report) if it is not what the parameter can be.
pub(crate) fn json(ctx: &mut Context, value: &Written<'_>, kind: &ParameterKind) -> Option<Value> {
    match kind {
        ParameterKind::Text { choices } => text(ctx, value, choices),
        ParameterKind::Integer { min, max } => integer(ctx, value, *min, *max).map(Value::from),
        ParameterKind::Number { min, max } => number(ctx, value, *min, *max),
        ParameterKind::Flag => match value.get_ref() {
            DeValue::Boolean(flag) => Some(Value::Bool(*flag)),
            _ => reader::wrong_type(ctx, value, "true or false"),
        },
        ParameterKind::List(of) => match value.get_ref() {
            // Each is read, so that no mistake hides another.
            DeValue::Array(items) => {
                let items: Vec<Option<Value>> = items.iter().map(|item| json(ctx, item, of)).collect();
                items.into_iter().collect::<Option<Vec<_>>>().map(Value::Array)
            }
            _ => reader::wrong_type(ctx, value, "an array"),
        },
        ParameterKind::Table(of) => match value.get_ref() {
            DeValue::Table(entries) => {
                let entries: Vec<(String, Option<Value>)> = entries
                    .iter()
                    .map(|(key, value)| (key.get_ref().to_string(), json(ctx, value, of)))
                    .collect();
                let entries = entries.into_iter().map(|(key, value)| value.map(|value| (key, value)));
                entries.collect::<Option<serde_json::Map<_, _>>>().map(Value::Object)
            }
            _ => reader::wrong_type(ctx, value, "a table"),
        },
        ParameterKind::Any => anything(ctx, value),
    }
}

fn text(ctx: &mut Context, value: &Written<'_>, choices: &[String]) -> Option<Value> {
    let DeValue::String(text) = value.get_ref() else { return reader::wrong_type(ctx, value, "a text") };
    if text.contains('\0') {
        ctx.report(Code::BadText, value.span(), "this text has a NUL character, which can't stand anywhere");
        return None;
    }
    if choices.is_empty() || choices.iter().any(|choice| choice == text) {
        return Some(Value::from(text.as_ref()));
    }
    let help = match nearest(text, choices.iter().map(String::as_str)) {
        Some(right) => format!("did you mean {right:?}?"),
        None => {
            let quoted: Vec<String> = choices.iter().map(|choice| format!("{choice:?}")).collect();
            format!("it can be {}", or_list(&quoted))
        }
    };
    let message = format!("{:?} can't stand here", reader::shortened(text));
    ctx.report(Code::UnknownWord, value.span(), message).help(help);
    None
}

fn integer(ctx: &mut Context, value: &Written<'_>, min: i64, max: i64) -> Option<i64> {
    match value.get_ref() {
        DeValue::Integer(_) => reader::integer(ctx, value, min..=max),
        _ => reader::wrong_type(ctx, value, "a whole number"),
    }
}

fn number(ctx: &mut Context, value: &Written<'_>, min: f64, max: f64) -> Option<Value> {
    let number = reader::number(ctx, value, f64::MIN..=f64::MAX)?;
    if number < min || number > max {
        let message = match (min == f64::MIN, max == f64::MAX) {
            (true, _) => format!("{number} is more than {max}"),
            (_, true) => format!("{number} is less than {min}"),
            _ => format!("{number} is not within {min} to {max}"),
        };
        ctx.report(Code::OutOfRange, value.span(), message);
        return None;
    }
    // 5 and 5.0 are the same number, and give the same call.
    serde_json::Number::from_f64(number).map(Value::Number)
}

fn anything(ctx: &mut Context, value: &Written<'_>) -> Option<Value> {
    match value.get_ref() {
        DeValue::String(_) => text(ctx, value, &[]),
        DeValue::Integer(_) => integer(ctx, value, i64::MIN, i64::MAX).map(Value::from),
        DeValue::Float(_) => number(ctx, value, f64::MIN, f64::MAX),
        DeValue::Boolean(flag) => Some(Value::Bool(*flag)),
        DeValue::Array(_) => json(ctx, value, &ParameterKind::List(Box::new(ParameterKind::Any))),
        DeValue::Table(_) => json(ctx, value, &ParameterKind::Table(Box::new(ParameterKind::Any))),
        DeValue::Datetime(_) => {
            reader::wrong_type::<()>(ctx, value, "something else: dates can't be told to a plugin");
            ctx.help_last("write it as a text, in quotes".to_owned());
            None
        }
    }
}
