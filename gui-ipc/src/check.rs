//! What `check` and `reload` answer: mistakes in a configuration.

use serde::{Deserialize, Serialize};

/// What is to be checked.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckParams {
    /// An absolute path; `None`: the daemon's own configuration as it is on disk now.
    pub path: Option<String>,
}

/// What is wrong with a configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckReport {
    /// The main file.
    pub path: String,
    /// Whether it can be used: no errors, though there may be warnings.
    pub ok: bool,
    /// How many mappings it has.
    pub mappings: u64,
    /// All that is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// The same as text for a terminal without colours, with the lines of the file.
    pub rendered: String,
}

impl CheckReport {
    /// How many of the diagnostics are as severe as this.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }
}

/// One mistake.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Diagnostic {
    /// How severe it is.
    pub severity: Severity,
    /// Its code, as in the book.
    pub code: String,
    /// The file.
    pub file: String,
    /// The line, from 1; 0 if it belongs to no line.
    pub line: u32,
    /// The column in characters, from 1; 0 if it belongs to no line.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// How severe a mistake is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The configuration can't be used.
    Error,
    /// It can be used, but hardly means what it says.
    Warning,
    /// Not known to this version.
    #[default]
    #[serde(other)]
    Unknown,
}
