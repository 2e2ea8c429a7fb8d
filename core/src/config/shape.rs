//! `value`: how a control's value becomes the action's.

use toml::de::DeValue;

use super::context::Context;
use super::diagnostics::Code;
use super::keys::VALUE;
use super::reader::{self, Table, Written};
use super::values;
use crate::ruleset::Shape;
use crate::ruleset::shape::Curve;

/// Reads the shaping of a control that goes up to `max`.
pub(super) fn read(ctx: &mut Context, value: &Written<'_>, max: u16) -> Shape {
    let mut shape = Shape::default();
    let Some(table) = reader::table(ctx, value, &VALUE) else { return shape };
    shape.from = table.range(ctx, "from", max);
    if let Some(from) = &shape.from
        && from.start() == from.end()
    {
        ctx.report(Code::BadRange, table.value_span("from"), "a travel of a single value can't be shaped");
    }
    shape.dead_zone = dead_zone(ctx, &table).unwrap_or(0.0);
    shape.invert = table.flag(ctx, "invert").unwrap_or(false);
    shape.curve = curve(ctx, &table).unwrap_or_default();
    shape.steps = table.integer(ctx, "steps").and_then(|steps| u16::try_from(steps).ok());
    shape.to = to(ctx, &table).unwrap_or((0.0, 1.0));
    shape
}

fn dead_zone(ctx: &mut Context, table: &Table<'_>) -> Option<f64> {
    const MAX: f64 = 0.49;
    let value = table.get("dead_zone")?;
    let DeValue::String(text) = value.get_ref() else { return reader::number(ctx, value, 0.0..=MAX) };
    let Some(zone) = values::percent(text) else {
        let message = format!("{:?} is not a share", reader::shortened(text));
        ctx.report(Code::BadRange, value.span(), message).help("write it like \"5%\" or 0.05");
        return None;
    };
    if zone > MAX {
        ctx.report(Code::OutOfRange, value.span(), format!("{text} is not within 0% to 49%"));
        return None;
    }
    Some(zone)
}

fn curve(ctx: &mut Context, table: &Table<'_>) -> Option<Curve> {
    let value = table.get("curve")?;
    if !matches!(value.get_ref(), DeValue::String(_)) {
        return reader::number(ctx, value, 0.1..=10.0).map(Curve::Power);
    }
    let curve = match reader::word(ctx, value, &["linear", "slow", "fast", "smooth"])? {
        "slow" => Curve::Slow,
        "fast" => Curve::Fast,
        "smooth" => Curve::Smooth,
        _ => Curve::Linear,
    };
    Some(curve)
}

fn to(ctx: &mut Context, table: &Table<'_>) -> Option<(f64, f64)> {
    const EXPECTED: &str = "a range such as \"0-50%\" or [0.0, 0.5]";
    let value = table.get("to")?;
    let (low, high) = match value.get_ref() {
        DeValue::String(text) => match values::percent_range(text) {
            Some(range) => range,
            None => {
                let message = format!("{:?} is not a range of shares", reader::shortened(text));
                ctx.report(Code::BadRange, value.span(), message).help(format!("expected {EXPECTED}"));
                return None;
            }
        },
        _ => {
            let items = reader::list(ctx, value, 2..=2, EXPECTED)?;
            let low = reader::number(ctx, items[0], 0.0..=1.0);
            let high = reader::number(ctx, items[1], 0.0..=1.0);
            (low?, high?)
        }
    };
    if low > 1.0 || high > 1.0 {
        ctx.report(Code::OutOfRange, value.span(), "a value goes up to 100%");
        return None;
    }
    Some((low, high))
}
