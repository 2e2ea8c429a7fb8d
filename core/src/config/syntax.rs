//! The first step: from text to TOML, with every mistake of syntax reported.

use std::collections::HashSet;

use toml::Spanned;
use toml::de::DeTable;

use super::context::Context;
use super::diagnostics::Code;

/// Parses the current file. What could be read is given even where there are mistakes.
pub(crate) fn parse<'t>(ctx: &mut Context, text: &'t str) -> Spanned<DeTable<'t>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut lines = HashSet::new();
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let line = ctx.place(ctx.spot(span.clone())).line;
        // One slip brings several messages of the parser; the first of a line is about the slip itself.
        if !lines.insert(line) {
            continue;
        }
        let (code, help) = match error.message() {
            "duplicate key" => {
                (Code::DefinedTwice, Some("keep one of them, or give the other a name of its own"))
            }
            _ if text.get(span.clone()).is_some_and(|text| text.contains('\0')) => {
                (Code::Syntax, Some("the file has a NUL character here; is it a text file?"))
            }
            _ => (Code::Syntax, None),
        };
        let report = ctx.report(code, span, error.message());
        if let Some(help) = help {
            report.help(help);
        }
    }
    let file = ctx.file;
    ctx.files[file].has_syntax_errors = !errors.is_empty();
    ctx.files[file].spoilt_lines = lines;
    root
}
