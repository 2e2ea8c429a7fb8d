//! The configuration in use, and how its next version is had: read, check, and keep the old one on errors.

use std::fmt;
use std::sync::Arc;

use padgate_core::config::diagnostics::{Code, Place};
use padgate_core::config::{Controllers as _, Diagnostic, Plugins, Source, load, plugin_settings};
use padgate_core::ids::Names;
use padgate_core::ruleset::{Origin, PluginSettings, Ruleset};

use super::controllers::ControllerFiles;
use super::{Paths, files, render};

/// Reads the configuration again and again. The numbers of names stay the same from one time to the next.
#[derive(Debug)]
pub struct ConfigStore {
    paths: Paths,
    names: Names,
    plugins: PluginFinder,
}

/// Finds the plugins that calls are checked against, from what the configuration says of their folders.
#[derive(Clone)]
pub struct PluginFinder(Arc<Find>);

type Find = dyn Fn(&PluginSettings) -> Arc<dyn Plugins> + Send + Sync;

impl PluginFinder {
    /// A finder. It may read files.
    pub fn new(find: impl Fn(&PluginSettings) -> Arc<dyn Plugins> + Send + Sync + 'static) -> PluginFinder {
        PluginFinder(Arc::new(find))
    }
}

/// No plugins, so that calls of them are not checked.
impl Default for PluginFinder {
    fn default() -> Self {
        PluginFinder::new(|_| Arc::new(()))
    }
}

impl fmt::Debug for PluginFinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PluginFinder")
    }
}

/// What became of reading the configuration.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The rules; `None` if there was any error.
    pub ruleset: Option<Ruleset>,
    /// All that is wrong, errors and warnings, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that the diagnostics are about, for showing them.
    pub sources: Vec<Source>,
}

impl Outcome {
    /// The mistakes as text for a terminal, with the lines of the files.
    #[must_use]
    pub fn rendered(&self, colour: render::Colour) -> String {
        render::render(&self.diagnostics, &self.sources, colour)
    }

    /// Adds a warning about a mapping of the ruleset.
    pub fn warn(&mut self, code: Code, origin: &Origin, message: String) {
        let source = self.sources.iter().find(|source| source.name == origin.file);
        let start = source.zip(origin.line.checked_sub(1)).map_or(0, |(source, before)| {
            source.text.split_inclusive('\n').take(before as usize).map(str::len).sum()
        });
        let place = Place {
            file: origin.file.as_str().into(),
            span: start..start,
            line: origin.line,
            column: u32::from(origin.line > 0),
        };
        self.diagnostics.push(Diagnostic::new(code, place, message));
    }

    /// How many errors and how many warnings there are.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
        (errors, self.diagnostics.len() - errors)
    }
}

impl ConfigStore {
    /// A store for the files at `paths`. Reads nothing yet.
    #[must_use]
    pub fn new(paths: Paths) -> ConfigStore {
        ConfigStore { paths, names: Names::default(), plugins: PluginFinder::default() }
    }

    /// The same, with calls of plugins checked against those that are found.
    #[must_use]
    pub fn with_plugins(self, plugins: PluginFinder) -> ConfigStore {
        ConfigStore { plugins, ..self }
    }

    /// A store for other files, with calls checked against the same plugins.
    #[must_use]
    pub fn elsewhere(&self, paths: Paths) -> ConfigStore {
        ConfigStore::new(paths).with_plugins(self.plugins.clone())
    }

    /// Where the files are.
    #[must_use]
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Reads the files as they are now. If there is no error, names that are new have got their numbers.
    pub fn load(&mut self) -> Outcome {
        load_files(&self.paths, &mut self.names, &self.plugins)
    }

    /// Reads the files as they are now, and changes nothing, for `check`.
    #[must_use]
    pub fn check(&self) -> Outcome {
        load_files(&self.paths, &mut self.names.clone(), &self.plugins)
    }
}

/// Reads a configuration and everything that belongs to it.
fn load_files(paths: &Paths, names: &mut Names, plugins: &PluginFinder) -> Outcome {
    let read = files::read(paths);
    let controllers = ControllerFiles { folder: paths.controllers.clone() };
    let mut new_names = names.clone();
    let plugins = (plugins.0)(&plugin_settings(&read.sources));
    let loaded = load(&read.sources, &mut new_names, &controllers, &*plugins);
    let mut diagnostics = read.diagnostics;
    let complete = diagnostics.is_empty();
    // What a file that can't be read would have declared is unknown; what refers to it is not worth a word.
    if complete || read.sources.is_empty() {
        diagnostics.extend(loaded.diagnostics);
    } else {
        diagnostics.extend(loaded.diagnostics.into_iter().filter(|diagnostic| !refers_elsewhere(diagnostic)));
    }
    let ruleset = loaded.ruleset.filter(|_| complete);
    if ruleset.is_some() {
        *names = new_names;
    }
    let mut sources = read.sources;
    add_controller_sources(&mut sources, &diagnostics, &controllers);
    Outcome { ruleset, diagnostics, sources }
}

fn refers_elsewhere(diagnostic: &Diagnostic) -> bool {
    use padgate_core::config::Code::{
        ModeEmpty, ModeNeverActive, ShellNotAllowed, UnknownDevice, VariableNeverSet,
    };
    matches!(
        diagnostic.code,
        ModeEmpty | ModeNeverActive | ShellNotAllowed | UnknownDevice | VariableNeverSet
    )
}

/// Adds the texts of controller files with mistakes.
fn add_controller_sources(
    sources: &mut Vec<Source>,
    diagnostics: &[Diagnostic],
    controllers: &ControllerFiles,
) {
    for diagnostic in diagnostics {
        let file = &*diagnostic.place.file;
        if sources.iter().any(|source| source.name == file) {
            continue;
        }
        let name = file.strip_prefix("controllers/").or_else(|| file.strip_prefix("built-in "));
        if let Some(name) = name.and_then(|name| name.strip_suffix(".toml"))
            && let Ok(Some(source)) = controllers.source(name)
        {
            sources.push(source);
        }
    }
}

/// Reads one text as a configuration of its own, with the built-in controller files: for tests of samples.
#[must_use]
pub fn load_text(name: &str, text: &str) -> Outcome {
    let sources = vec![Source::new(name, text)];
    let controllers = ControllerFiles { folder: std::path::PathBuf::new() };
    let loaded = load(&sources, &mut Names::default(), &controllers, &());
    Outcome { ruleset: loaded.ruleset, diagnostics: loaded.diagnostics, sources }
}
