//! `run`: programs to start.

use toml::de::DeValue;

use super::context::Context;
use super::diagnostics::Code;
use super::reader::{self, Table};
use crate::ruleset::action::Launch;

/// The most arguments of a program.
const ARGUMENTS_MAX: usize = 1024;

/// Reads `run` with `folder` and `environment`.
pub(super) fn read(ctx: &mut Context, table: &Table<'_>) -> Option<Launch> {
    let folder = table.text(ctx, "folder").map(str::to_owned);
    let environment = environment(ctx, table);
    let value = table.get("run")?;
    let mut words = Vec::new();
    match value.get_ref() {
        DeValue::String(_) => {
            let program = reader::text(ctx, value, "a program")?;
            warn_of_line(ctx, value.span(), program);
            words.push(program.to_owned());
        }
        _ => {
            let expected = "a program, or an array of a program and its arguments";
            for (index, item) in
                reader::list(ctx, value, 1..=ARGUMENTS_MAX, expected)?.into_iter().enumerate()
            {
                words.push(argument(ctx, item, index)?);
            }
        }
    }
    let program = words.remove(0);
    Some(Launch { program, arguments: words, folder, environment })
}

/// An argument may be empty, the program may not.
fn argument(ctx: &mut Context, item: &reader::Written<'_>, index: usize) -> Option<String> {
    match item.get_ref() {
        DeValue::String(text) if text.is_empty() && index > 0 => Some(String::new()),
        _ => reader::text(ctx, item, "a text").map(str::to_owned),
    }
}

/// Whoever writes a program and its arguments in one text means something else than what would happen.
fn warn_of_line(ctx: &mut Context, span: std::ops::Range<usize>, program: &str) {
    if program.contains(char::is_whitespace) && !program.contains(['/', '\\']) {
        let words: Vec<String> = program.split_whitespace().map(|word| format!("{word:?}")).collect();
        let message = format!("this starts a program with the name {:?}", reader::shortened(program));
        ctx.report(Code::NoEffect, span, message)
            .help(format!("to give it arguments, write run = [{}]", words.join(", ")));
    }
}

fn environment(ctx: &mut Context, table: &Table<'_>) -> Vec<(String, String)> {
    let Some(value) = table.get("environment") else { return Vec::new() };
    let DeValue::Table(entries) = value.get_ref() else {
        reader::wrong_type::<()>(ctx, value, "a table such as { LANG = \"C\" }");
        return Vec::new();
    };
    let mut environment = Vec::new();
    for (name, span, value) in reader::in_order(entries) {
        if name.is_empty() || name.contains(['=', '\0']) {
            ctx.report(Code::BadText, span, "an environment variable can't have this name");
        }
        let text = match value.get_ref() {
            DeValue::String(text) if text.is_empty() => Some(""),
            _ => reader::text(ctx, value, "a text"),
        };
        environment.extend(text.map(|text| (name.to_owned(), text.to_owned())));
    }
    environment
}
