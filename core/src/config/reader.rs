//! Typed access to what was written: each reader gives a value, or reports what is wrong with it.
//!
//! A reader that gives `None` has reported why (or the key is absent); the caller goes on with some
//! harmless value, so that one mistake never hides another. A configuration with any error is not used.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::context::{Context, nearest};
use super::diagnostics::Code;
use super::keys::Kind;
pub(crate) use super::table::{Table, in_order, open, table};
use super::values;
use crate::midi::note;

/// A value with its place.
pub(crate) type Written<'t> = Spanned<DeValue<'t>>;

/// Reports a value of a wrong type.
pub(crate) fn wrong_type<T>(ctx: &mut Context, value: &Written<'_>, expected: &str) -> Option<T> {
    let found = match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    ctx.report(Code::WrongType, value.span(), format!("this is {found}, and should be {expected}"));
    None
}

/// A text that is not empty and has no NUL (which no program, path or key could take).
pub(crate) fn text<'t>(ctx: &mut Context, value: &'t Written<'t>, expected: &str) -> Option<&'t str> {
    let DeValue::String(text) = value.get_ref() else { return wrong_type(ctx, value, expected) };
    if text.is_empty() {
        ctx.report(Code::BadText, value.span(), "this text is empty");
        return None;
    }
    if text.contains('\0') {
        ctx.report(Code::BadText, value.span(), "this text has a NUL character, which can't stand anywhere");
        return None;
    }
    Some(text)
}

/// One of `words`.
pub(crate) fn word(
    ctx: &mut Context,
    value: &Written<'_>,
    words: &'static [&'static str],
) -> Option<&'static str> {
    let DeValue::String(text) = value.get_ref() else {
        return wrong_type(ctx, value, &Kind::Words(words).describe());
    };
    if let Some(word) = words.iter().copied().find(|word| *word == text.as_ref()) {
        return Some(word);
    }
    let suggestion = nearest(text, words.iter().copied());
    let help = match suggestion {
        Some(right) => format!("did you mean {right:?}?"),
        None => format!("it can be {}", Kind::Words(words).describe()),
    };
    ctx.report(Code::UnknownWord, value.span(), format!("{:?} can't stand here", shortened(text))).help(help);
    None
}

/// A whole number within bounds.
pub(crate) fn integer(ctx: &mut Context, value: &Written<'_>, bounds: RangeInclusive<i64>) -> Option<i64> {
    let (low, high) = (*bounds.start(), *bounds.end());
    let DeValue::Integer(written) = value.get_ref() else {
        let unbounded = (low, high) == (i64::MIN, i64::MAX);
        let expected =
            if unbounded { "a whole number".to_owned() } else { Kind::Integer(low, high).describe() };
        return wrong_type(ctx, value, &expected);
    };
    match i64::from_str_radix(written.as_str(), written.radix()) {
        Ok(number) if bounds.contains(&number) => Some(number),
        _ => {
            let message = format!("{} is not within {low} to {high}", shortened(written.as_str()));
            ctx.report(Code::OutOfRange, value.span(), message);
            None
        }
    }
}

/// A number within bounds; never infinite, never NaN.
pub(crate) fn number(ctx: &mut Context, value: &Written<'_>, bounds: RangeInclusive<f64>) -> Option<f64> {
    let (low, high) = (*bounds.start(), *bounds.end());
    let unbounded = low == f64::MIN;
    let (text, number) = match value.get_ref() {
        DeValue::Integer(written) => {
            let number = i64::from_str_radix(written.as_str(), written.radix());
            (written.as_str(), number.ok().map(|number| number as f64))
        }
        DeValue::Float(written) => (written.as_str(), written.as_str().parse::<f64>().ok()),
        _ if unbounded => return wrong_type(ctx, value, "a number"),
        _ => return wrong_type(ctx, value, &Kind::Number(low, high).describe()),
    };
    if let Some(number) = number.filter(|number| number.is_finite() && bounds.contains(number)) {
        return Some(number);
    }
    let text = shortened(text).to_owned();
    let message = match unbounded {
        true => format!("{text} is not a number that can be reckoned with"),
        false => format!("{text} is not within {low} to {high}"),
    };
    ctx.report(Code::OutOfRange, value.span(), message);
    None
}

/// A bound as one would write it in a configuration.
fn spelled(duration: Duration) -> String {
    match duration.as_millis() {
        millis if millis > 0 && millis % 60_000 == 0 => format!("{}m", millis / 60_000),
        millis if millis > 0 && millis % 1000 == 0 => format!("{}s", millis / 1000),
        millis => format!("{millis}ms"),
    }
}

/// A duration within bounds in milliseconds.
pub(crate) fn duration(
    ctx: &mut Context,
    value: &Written<'_>,
    bounds: RangeInclusive<u64>,
) -> Option<Duration> {
    let text = match value.get_ref() {
        DeValue::String(text) => text.as_ref(),
        DeValue::Integer(number) if number.as_str() == "0" => "0",
        DeValue::Integer(number) => {
            let help = format!("write \"{}ms\"", shortened(number.as_str()));
            wrong_type::<()>(ctx, value, "a duration such as \"400ms\"");
            ctx.help_last(help);
            return None;
        }
        _ => return wrong_type(ctx, value, "a duration such as \"400ms\""),
    };
    let read = match values::duration(text) {
        Ok(read) => read,
        Err(reason) => {
            let message = format!("{:?} is not a duration: {reason}", shortened(text));
            ctx.report(Code::BadDuration, value.span(), message)
                .help("write it like \"400ms\", \"1.5s\" or \"2m\"");
            return None;
        }
    };
    let (low, high) = (Duration::from_millis(*bounds.start()), Duration::from_millis(*bounds.end()));
    if read < low || read > high {
        ctx.report(
            Code::OutOfRange,
            value.span(),
            format!("{text} is not within {} to {}", spelled(low), spelled(high)),
        );
        return None;
    }
    Some(read)
}

/// A range within bounds: `"20-100"`, `7`, or `[20, 100]`.
pub(crate) fn range(
    ctx: &mut Context,
    value: &Written<'_>,
    bounds: RangeInclusive<u16>,
) -> Option<RangeInclusive<u16>> {
    let (min, max) = (i64::from(*bounds.start()), i64::from(*bounds.end()));
    let expected = Kind::Range(*bounds.start(), *bounds.end()).describe();
    let (low, high) = match value.get_ref() {
        DeValue::String(text) => match values::range(text) {
            Ok(range) => (i64::from(*range.start()), i64::from(*range.end())),
            Err(reason) => {
                let message = format!("{:?} is not a range: {reason}", shortened(text));
                ctx.report(Code::BadRange, value.span(), message).help(format!("expected {expected}"));
                return None;
            }
        },
        DeValue::Integer(_) => {
            let only = integer(ctx, value, min..=max)?;
            (only, only)
        }
        DeValue::Array(pair) => {
            let mut pair = pair.iter();
            let (Some(low), Some(high), None) = (pair.next(), pair.next(), pair.next()) else {
                let message = "a range as an array has two numbers";
                ctx.report(Code::BadLength, value.span(), message);
                return None;
            };
            let (low, high) = (integer(ctx, low, min..=max), integer(ctx, high, min..=max));
            (low?, high?)
        }
        _ => return wrong_type(ctx, value, &expected),
    };
    if low > high {
        ctx.report(Code::BadRange, value.span(), format!("the range is empty: {low} is above {high}"))
            .help(format!("write \"{high}-{low}\""));
        return None;
    }
    match (u16::try_from(low), u16::try_from(high)) {
        (Ok(low), Ok(high)) if bounds.contains(&low) && bounds.contains(&high) => Some(low..=high),
        _ => {
            ctx.report(Code::OutOfRange, value.span(), format!("{low}-{high} is not within {min} to {max}"));
            None
        }
    }
}

/// A note: a name or a number.
pub(crate) fn note(ctx: &mut Context, value: &Written<'_>) -> Option<u8> {
    match value.get_ref() {
        DeValue::Integer(_) => integer(ctx, value, 0..=127).and_then(|number| u8::try_from(number).ok()),
        DeValue::String(text) => note::parse(text).or_else(|| {
            let message = format!("there is no note {:?}", shortened(text));
            ctx.report(Code::BadNote, value.span(), message)
                .help("notes go from \"C-1\" (0) over \"C4\" (60) to \"G9\" (127), with # or b; or write the number");
            None
        }),
        _ => wrong_type(ctx, value, "a note such as \"C4\" or 60"),
    }
}

/// The items of an array with so many of them.
pub(crate) fn list<'t>(
    ctx: &mut Context,
    value: &'t Written<'t>,
    bounds: RangeInclusive<usize>,
    expected: &str,
) -> Option<Vec<&'t Written<'t>>> {
    let DeValue::Array(array) = value.get_ref() else { return wrong_type(ctx, value, expected) };
    let items: Vec<_> = array.iter().collect();
    if bounds.contains(&items.len()) {
        return Some(items);
    }
    let message = match items.len() {
        0 => "this array is empty".to_owned(),
        1 => "this array has one item".to_owned(),
        count => format!("this array has {count} items"),
    };
    let help = match *bounds.end() {
        usize::MAX => format!("it must have at least {}", bounds.start()),
        high => format!("it can have {} to {high}", bounds.start()),
    };
    ctx.report(Code::BadLength, value.span(), message).help(help);
    None
}

/// One value, or the items of an array.
pub(crate) fn one_or_more<'t>(ctx: &mut Context, value: &'t Written<'t>) -> Option<Vec<&'t Written<'t>>> {
    match value.get_ref() {
        DeValue::Array(_) => list(ctx, value, 1..=usize::MAX, "an array"),
        _ => Some(vec![value]),
    }
}

/// Cut off where a message would get longer than anybody wants to read.
pub(crate) fn shortened(text: &str) -> &str {
    const CHARS_MAX: usize = 60;
    text.char_indices().nth(CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}
