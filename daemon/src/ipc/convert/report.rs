//! What was found wrong with a configuration, as the protocol says it.

use padgate_core::config::{Diagnostic, Severity};
use padgate_ipc::check::{self, CheckReport};

use crate::config::render::Colour;
use crate::config::{Outcome, Paths};

/// The report on what became of reading the files at `paths`.
#[must_use]
pub fn report(outcome: &Outcome, paths: &Paths) -> CheckReport {
    CheckReport {
        path: paths.main.display().to_string(),
        ok: outcome.ruleset.is_some(),
        mappings: outcome.ruleset.as_ref().map_or(0, |rules| rules.mappings.len() as u64),
        diagnostics: diagnostics(&outcome.diagnostics),
        rendered: outcome.rendered(Colour::Never),
    }
}

/// Diagnostics one by one.
#[must_use]
pub fn diagnostics(diagnostics: &[Diagnostic]) -> Vec<check::Diagnostic> {
    let convert = |diagnostic: &Diagnostic| check::Diagnostic {
        severity: match diagnostic.severity() {
            Severity::Error => check::Severity::Error,
            Severity::Warning => check::Severity::Warning,
        },
        code: diagnostic.code.id().to_owned(),
        file: diagnostic.place.file.to_string(),
        line: diagnostic.place.line,
        column: diagnostic.place.column,
        message: diagnostic.message.clone(),
        help: diagnostic.help.clone(),
    };
    diagnostics.iter().map(convert).collect()
}
