//! Mistakes in a configuration: what is wrong, where, and what would be right.
//!
//! Every mistake has a code that stays the same across versions, so that documentation, searches and tools
//! can refer to it. The table at the end of this file is the only place that gives codes out.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// How many errors are kept, and how many warnings. More than these nobody reads; the rest are counted.
pub const DIAGNOSTICS_MAX: usize = 200;

/// One mistake, or something that is allowed but looks like one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What sort of mistake.
    pub code: Code,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where.
    pub place: Place,
    /// Another place that has to do with it, and what is there ("first defined here").
    pub second: Option<(Place, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A mistake without a second place or help.
    #[must_use]
    pub fn new(code: Code, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code, message: message.into(), place, second: None, help: None }
    }

    /// Adds what to do about it.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Whether the configuration can't be used because of it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Whether the configuration can't be used because of it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }
}

/// One line, as in `config.toml:3:8: error[E003]: there is no key …`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}: {severity}[{}]: {}", self.place, self.code.id(), self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file's name as the user knows it.
    pub file: Arc<str>,
    /// Bytes from the beginning of the file; empty at 0 if the whole file is meant.
    pub span: Range<usize>,
    /// Line, from 1; 0 if the whole file is meant.
    pub line: u32,
    /// Column in characters, from 1; 0 if the whole file is meant.
    pub column: u32,
}

impl Place {
    /// The whole of a file, for what has no line: it can't be read at all.
    #[must_use]
    pub fn whole_file(file: &str) -> Place {
        Place { file: file.into(), span: 0..0, line: 0, column: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// The configuration can't be used.
    Error,
    /// It can be used, and is probably not what was meant.
    Warning,
}

/// Sorts of mistakes. `E…` are errors, `W…` warnings.
#[allow(missing_docs, reason = "the table below says what each is")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Code {
    Unreadable,
    Syntax,
    UnknownKey,
    MissingKey,
    WrongType,
    OutOfRange,
    UnknownWord,
    BadNote,
    BadDuration,
    BadRange,
    BadKeys,
    BadMessage,
    Conflict,
    UnknownDevice,
    UnknownControl,
    UnknownController,
    DefinedTwice,
    BadLength,
    TooDeep,
    ShellNotAllowed,
    NotSupported,
    EqualMembers,
    NoPort,
    BadTime,
    BadText,
    TooManyGestures,
    MoreErrors,
    BadName,
    BadVersion,
    BadPath,
    BadHost,
    BadAmount,
    BadPublicKey,
    UnknownAction,
    UnknownParameter,
    MissingParameter,
    NeverFires,
    ModeNeverActive,
    ModeEmpty,
    VariableNeverSet,
    NoEffect,
    MoreWarnings,
    UnknownPlugin,
    RefusedParameters,
}

impl Code {
    /// The code that users see, such as `E003`. It never changes its meaning.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.entry().1
    }

    /// What sort of mistake it is, in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.entry().2
    }

    /// Whether the configuration can't be used because of it.
    #[must_use]
    pub fn severity(self) -> Severity {
        if self.id().starts_with('E') { Severity::Error } else { Severity::Warning }
    }

    fn entry(self) -> &'static (Code, &'static str, &'static str) {
        // The table is in the order of the enum; a test keeps it so.
        &CODES[self as usize]
    }
}

/// Every code with its id and title, in the order of the ids. New ones get new numbers.
pub const CODES: &[(Code, &str, &str)] = &[
    (Code::Unreadable, "E001", "a file can't be read"),
    (Code::Syntax, "E002", "it is not TOML"),
    (Code::UnknownKey, "E003", "there is no such key"),
    (Code::MissingKey, "E004", "a key is missing"),
    (Code::WrongType, "E005", "a value is of the wrong type"),
    (Code::OutOfRange, "E006", "a number is too small or too large"),
    (Code::UnknownWord, "E007", "a value is none of the words that can stand there"),
    (Code::BadNote, "E008", "there is no such note"),
    (Code::BadDuration, "E009", "a duration can't be read"),
    (Code::BadRange, "E010", "a range can't be read, or is empty"),
    (Code::BadKeys, "E011", "a key chord can't be read"),
    (Code::BadMessage, "E012", "a MIDI message or pattern can't be read"),
    (Code::Conflict, "E013", "keys that don't go together"),
    (Code::UnknownDevice, "E014", "there is no such device"),
    (Code::UnknownControl, "E015", "the device has no such control"),
    (Code::UnknownController, "E016", "there is no such controller file"),
    (Code::DefinedTwice, "E017", "something is defined twice"),
    (Code::BadLength, "E018", "a list is too short or too long"),
    (Code::TooDeep, "E019", "nested too deeply"),
    (Code::ShellNotAllowed, "E020", "shell actions are not allowed"),
    (Code::NotSupported, "E021", "this version can't do that yet"),
    (Code::EqualMembers, "E022", "a chord has the same control twice"),
    (Code::NoPort, "E023", "the device has no port in that direction"),
    (Code::BadTime, "E024", "a time of day or weekday can't be read"),
    (Code::BadText, "E025", "a text is empty, or has characters that can't stand there"),
    (Code::TooManyGestures, "E026", "too many gestures on one control"),
    (Code::MoreErrors, "E027", "there are more errors than are shown"),
    (Code::BadName, "E028", "a name has characters that can't stand there"),
    (Code::BadVersion, "E029", "a version can't be read"),
    (Code::BadPath, "E030", "a path can't stand there"),
    (Code::BadHost, "E031", "a host can't be read"),
    (Code::BadAmount, "E032", "an amount of memory can't be read"),
    (Code::BadPublicKey, "E033", "a public key can't be read"),
    (Code::UnknownAction, "E034", "the plugin has no such action"),
    (Code::UnknownParameter, "E035", "the plugin's action has no such parameter"),
    (Code::MissingParameter, "E036", "a parameter of the plugin's action is missing"),
    (Code::NeverFires, "W101", "a mapping can never fire"),
    (Code::ModeNeverActive, "W102", "nothing makes a mode active"),
    (Code::ModeEmpty, "W103", "a mode has no mappings"),
    (Code::VariableNeverSet, "W104", "nothing sets a variable"),
    (Code::NoEffect, "W105", "something has no effect where it stands"),
    (Code::MoreWarnings, "W106", "there are more warnings than are shown"),
    (Code::UnknownPlugin, "W107", "there is no such plugin"),
    (Code::RefusedParameters, "W108", "the plugin does not take the parameters of a call"),
];

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn the_table_is_in_the_order_of_the_enum_and_ids_are_unique() {
        for (index, (code, id, _)) in CODES.iter().enumerate() {
            assert_eq!(*code as usize, index, "{id}");
            assert_eq!(code.id(), *id);
        }
        assert!(CODES.is_sorted_by(|a, b| a.1 < b.1));
    }
}
