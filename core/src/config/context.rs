//! What is at hand while a configuration is read: the files, the mistakes so far, the names.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::device::DeclaredDevice;
use super::diagnostics::{Code, DIAGNOSTICS_MAX, Diagnostic, Place, Severity};
use super::plugin::Catalogue;
use crate::ids::{ModeId, Names, ProgramId, TargetId, VariableId};
use crate::ruleset::action::PluginCall;

/// Where something was written, before it is worth counting lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Spot {
    pub(crate) file: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// One file that is being read.
pub(crate) struct File {
    name: Arc<str>,
    text: Arc<str>,
    line_starts: Vec<usize>,
    /// Then what is missing may be in the part that could not be read, and is not worth a word.
    pub(crate) has_syntax_errors: bool,
    /// What stands in these lines is what the parser made of a slip; more than that slip is not reported.
    pub(crate) spoilt_lines: HashSet<u32>,
}

/// Durations that hold where a mapping gives none.
pub(crate) struct Defaults {
    pub(crate) hold: Duration,
    pub(crate) tap_window: Duration,
    pub(crate) chord_window: Duration,
    pub(crate) sequence_window: Duration,
}

/// Everything that is at hand while reading.
pub(crate) struct Context {
    pub(crate) files: Vec<File>,
    /// The file that is being read now, which spans refer to.
    pub(crate) file: usize,
    diagnostics: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    /// Takes what is over the bound, so that callers need not care.
    surplus: Diagnostic,
    pub(crate) names: Names,
    known: Known,
    pub(super) devices: HashMap<String, DeclaredDevice>,
    pub(crate) defaults: Defaults,
    pub(crate) allow_shell: bool,
    pub(crate) plugins: Catalogue,
    /// Calls of plugins so far, each once.
    pub(crate) calls: HashSet<Arc<PluginCall>>,
    /// Modes that something makes active, and modes that conditions ask about, with the first such place.
    pub(crate) modes_activated: HashMap<ModeId, Spot>,
    pub(crate) modes_asked: HashMap<ModeId, Spot>,
    pub(crate) variables_set: HashMap<VariableId, Spot>,
    pub(crate) variables_asked: HashMap<VariableId, Spot>,
}

/// Ids by name: the tables in [`Names`] search from the front, which is slow for ten thousand mappings.
#[derive(Default)]
struct Known {
    modes: HashMap<String, ModeId>,
    variables: HashMap<String, VariableId>,
    programs: HashMap<String, ProgramId>,
    targets: HashMap<String, TargetId>,
}

impl Context {
    pub(crate) fn new(names: Names) -> Context {
        Context {
            files: Vec::new(),
            file: 0,
            diagnostics: Vec::new(),
            errors: 0,
            warnings: 0,
            surplus: Diagnostic::new(Code::Syntax, Place::whole_file(""), ""),
            names,
            known: Known::default(),
            devices: HashMap::new(),
            defaults: Defaults {
                hold: Duration::from_millis(400),
                tap_window: Duration::from_millis(300),
                chord_window: Duration::from_millis(40),
                sequence_window: Duration::from_secs(1),
            },
            allow_shell: false,
            plugins: Catalogue::default(),
            calls: HashSet::new(),
            modes_activated: HashMap::new(),
            modes_asked: HashMap::new(),
            variables_set: HashMap::new(),
            variables_asked: HashMap::new(),
        }
    }

    /// Adds a file, and makes it the current one.
    pub(crate) fn open(&mut self, name: &str, text: &str) -> Arc<str> {
        let text: Arc<str> = text.into();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        self.file = self.files.len();
        let spoilt_lines = HashSet::new();
        let file = File {
            name: name.into(),
            text: text.clone(),
            line_starts,
            has_syntax_errors: false,
            spoilt_lines,
        };
        self.files.push(file);
        text
    }

    /// Reports a mistake in the current file. The caller may add help and a second place to the result.
    pub(crate) fn report(
        &mut self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let spot = self.spot(span);
        self.report_at(code, spot, message)
    }

    /// Reports a mistake in any file.
    pub(crate) fn report_at(
        &mut self,
        code: Code,
        spot: Spot,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let spoilt = &self.files[spot.file].spoilt_lines;
        if !spoilt.is_empty() && spoilt.contains(&self.line(spot)) {
            return &mut self.surplus;
        }
        // Counted apart, so that warnings never take an error's room.
        let count = match code.severity() {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count > DIAGNOSTICS_MAX {
            return &mut self.surplus;
        }
        let diagnostic = Diagnostic::new(code, self.place(spot), message);
        self.diagnostics.push(diagnostic);
        self.diagnostics.last_mut().unwrap_or(&mut self.surplus)
    }

    /// Adds help to what was reported last.
    pub(crate) fn help_last(&mut self, help: String) {
        if let Some(last) = self.diagnostics.last_mut().filter(|_| self.errors <= DIAGNOSTICS_MAX) {
            last.help = Some(help);
        }
    }

    /// Whether more mistakes are only counted, so that looking for a good suggestion is not worth it.
    pub(crate) fn is_full(&self) -> bool {
        self.errors >= DIAGNOSTICS_MAX
    }

    /// How many errors there are so far.
    pub(crate) fn error_count(&self) -> usize {
        self.errors
    }

    /// The span as a spot in the current file.
    pub(crate) fn spot(&self, span: Range<usize>) -> Spot {
        Spot { file: self.file, start: span.start, end: span.end }
    }

    /// The line that the spot begins in, from 1. Quick however long the line is.
    fn line(&self, spot: Spot) -> u32 {
        let starts = &self.files[spot.file].line_starts;
        let line = starts.partition_point(|line| *line <= spot.start).max(1);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    /// The spot as people count.
    pub(crate) fn place(&self, spot: Spot) -> Place {
        let file = &self.files[spot.file];
        let start = spot.start.min(file.text.len());
        let line = self.line(spot);
        let line_start = file.line_starts[line as usize - 1];
        // The byte order mark is no character that anybody sees.
        let line_start =
            if file.text[line_start..].starts_with('\u{feff}') { line_start + 3 } else { line_start };
        let column = file.text.get(line_start..start).map_or(0, |before| before.chars().count()) + 1;
        Place {
            file: file.name.clone(),
            span: spot.start..spot.end.max(spot.start),
            line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    pub(crate) fn mode(&mut self, name: &str) -> ModeId {
        let table = &mut self.names.modes;
        look_up(&mut self.known.modes, name, || table.intern(name))
    }

    pub(crate) fn variable(&mut self, name: &str) -> VariableId {
        let table = &mut self.names.variables;
        look_up(&mut self.known.variables, name, || table.intern(name))
    }

    pub(crate) fn program(&mut self, name: &str) -> ProgramId {
        let table = &mut self.names.programs;
        look_up(&mut self.known.programs, name, || table.intern(name))
    }

    pub(crate) fn target(&mut self, name: &str) -> TargetId {
        let table = &mut self.names.targets;
        look_up(&mut self.known.targets, name, || table.intern(name))
    }

    /// The mistakes in the order of the files, and the names.
    pub(crate) fn finish(mut self) -> (Vec<Diagnostic>, Names) {
        let order: HashMap<Arc<str>, usize> =
            self.files.iter().enumerate().map(|(index, file)| (file.name.clone(), index)).collect();
        self.diagnostics.sort_by_key(|d| (order.get(&d.place.file).copied(), d.place.span.start, d.code));
        let last = self.diagnostics.last().map_or(Place::whole_file(""), |last| last.place.clone());
        for (code, count) in [(Code::MoreErrors, self.errors), (Code::MoreWarnings, self.warnings)] {
            if count > DIAGNOSTICS_MAX {
                let message = format!("{} more are not shown", count - DIAGNOSTICS_MAX);
                self.diagnostics.push(Diagnostic::new(code, last.clone(), message));
            }
        }
        (self.diagnostics, self.names)
    }
}

fn look_up<T: Copy>(known: &mut HashMap<String, T>, name: &str, intern: impl FnOnce() -> T) -> T {
    if let Some(id) = known.get(name) {
        return *id;
    }
    let id = intern();
    known.insert(name.to_owned(), id);
    id
}

/// The candidate that `name` was probably meant to be.
pub(crate) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    /// Below this, suggestions are more often silly than helpful.
    const LIKENESS_MIN: f64 = 0.8;
    /// Nobody mistypes a name this long; comparing takes time that grows with the square.
    const NAME_BYTES_MAX: usize = 100;
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let name = name.to_lowercase();
    let likeness = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        // One slip in a short word changes it so much that the usual measure does not see it.
        let one_slip = name.chars().count() > 2 && strsim::osa_distance(&name, &candidate) == 1;
        strsim::jaro_winkler(&name, &candidate).max(if one_slip { 0.9 } else { 0.0 })
    };
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= NAME_BYTES_MAX)
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        // Of equals the first in the alphabet, whatever the order of a hash map.
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
        .map(|(_, candidate)| candidate)
}
