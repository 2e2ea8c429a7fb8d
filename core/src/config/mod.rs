//! From the text of a configuration to what it means.
//!
//! Two stages. First, what was written: TOML values with their places (modules `syntax`, `table`, `reader`).
//! Then, what it means: a [`Ruleset`] with every name resolved and no invalid state. Every mistake of both stages is
//! reported, not only the first, each with its place and what would be right ([`Diagnostic`]). A
//! configuration with any error gives no ruleset at all.
//!
//! Nothing here reads a file: the daemon brings the texts, and the controller files and manifests of plugins by name.
//!
//! - [`keys`]: every key there is, in one table.
//! - [`diagnostics`]: mistakes and their codes.
//! - [`title`]: mappings in a few words.

mod action;
mod check;
mod condition;
pub(crate) mod context;
mod device;
pub mod diagnostics;
pub mod keys;
mod launch;
mod mapping;
mod midi;
pub(crate) mod plugin;
pub(crate) mod reader;
mod settings;
mod shape;
pub(crate) mod syntax;
pub(crate) mod table;
pub mod title;
mod trigger;
pub(crate) mod values;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use diagnostics::{Code, Diagnostic, Place, Severity};
use toml::de::DeValue;

use crate::ids::Names;
use crate::manifest::Manifest;
use crate::ruleset::{PluginSettings, Ruleset};
use context::Context;
use plugin::Catalogue;
use reader::Written;

/// One file's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// The file's name, as it is shown to the user.
    pub name: String,
    /// What is in it. A byte order mark at the beginning is ignored.
    pub text: String,
}

impl Source {
    /// A file's text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source { name: name.into(), text: text.into() }
    }
}

/// Where controller files come from.
pub trait Controllers {
    /// The controller file with this name; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The reason, in words, why it is there and can't be read.
    fn source(&self, name: &str) -> Result<Option<Source>, String>;

    /// The names of all controller files, for suggestions.
    fn names(&self) -> Vec<String>;
}

/// No controller files at all.
impl Controllers for () {
    fn source(&self, _: &str) -> Result<Option<Source>, String> {
        Ok(None)
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Where manifests of plugins come from.
pub trait Plugins {
    /// The manifest of the plugin with this name; `None` if there is no such plugin, or its manifest has mistakes.
    fn manifest(&self, name: &str) -> Option<Arc<Manifest>>;

    /// The names of all plugins, also of those whose manifests have mistakes.
    fn names(&self) -> Vec<String>;
}

/// No plugins at all.
impl Plugins for () {
    fn manifest(&self, _: &str) -> Option<Arc<Manifest>> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What became of a configuration.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it means; `None` if there was any error.
    pub ruleset: Option<Ruleset>,
    /// All mistakes, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a configuration of several files, which count as one; where order matters, that of `sources` does.
///
/// `names` gets the names that are new, if there was no error; else it stays as it is.
#[must_use]
pub fn load(
    sources: &[Source],
    names: &mut Names,
    controllers: &dyn Controllers,
    plugins: &dyn Plugins,
) -> Loaded {
    let mut ctx = Context::new(names.clone());
    ctx.plugins = Catalogue::of(plugins);
    let texts: Vec<Arc<str>> = sources.iter().map(|source| ctx.open(&source.name, &source.text)).collect();
    let mut roots = Vec::new();
    for (file, text) in texts.iter().enumerate() {
        ctx.file = file;
        roots.push(syntax::parse(&mut ctx, text));
    }
    let mut parts = Parts::default();
    for (file, root) in roots.iter().enumerate() {
        ctx.file = file;
        parts.collect(&mut ctx, root);
    }
    let mut settings = settings::read(&mut ctx, &parts.settings);
    settings.plugins = plugin::settings(&mut ctx, &parts.plugins, &parts.plugin);
    let devices = device::read(&mut ctx, &parts.devices, controllers);
    let variables = settings::read_variables(&mut ctx, &parts.variables);
    let mut mappings = Vec::new();
    for (file, value) in &parts.mappings {
        ctx.file = *file;
        mappings.extend(mapping::read(&mut ctx, value));
    }
    check::all(&mut ctx, &mappings);
    let good = ctx.error_count() == 0;
    let (diagnostics, new_names) = ctx.finish();
    let ruleset = good.then(|| {
        names.clone_from(&new_names);
        let mappings = mappings.into_iter().map(|read| read.mapping).collect();
        Ruleset { names: new_names, devices, mappings, variables, settings }
    });
    Loaded { ruleset, diagnostics }
}

/// What a configuration says of all plugins, without a word about mistakes: whoever finds the plugins must know their
/// folders before [`load`] can be given what there is.
#[must_use]
pub fn plugin_settings(sources: &[Source]) -> PluginSettings {
    let mut ctx = Context::new(Names::default());
    let texts: Vec<Arc<str>> = sources.iter().map(|source| ctx.open(&source.name, &source.text)).collect();
    let roots: Vec<_> = texts.iter().map(|text| syntax::parse(&mut ctx, text)).collect();
    let mut parts = Parts::default();
    roots.iter().for_each(|root| parts.collect(&mut ctx, root));
    plugin::settings(&mut ctx, &parts.plugins, &parts.plugin)
}

/// The parts of all files, each with the index of its file.
#[derive(Default)]
struct Parts<'t> {
    settings: Vec<(usize, &'t Written<'t>)>,
    devices: Vec<(usize, &'t Written<'t>)>,
    variables: Vec<(usize, &'t Written<'t>)>,
    /// `[plugins]`.
    plugins: Vec<(usize, &'t Written<'t>)>,
    /// `[plugin.NAME]`.
    plugin: Vec<(usize, &'t Written<'t>)>,
    mappings: Vec<(usize, &'t Written<'t>)>,
}

impl<'t> Parts<'t> {
    fn collect(&mut self, ctx: &mut Context, root: &'t toml::Spanned<toml::de::DeTable<'t>>) {
        let file = ctx.file;
        let Some(table) = reader::open(ctx, root.get_ref(), 0..0, &keys::ROOT) else { return };
        self.settings.extend(table.get("settings").map(|value| (file, value)));
        self.devices.extend(table.get("device").map(|value| (file, value)));
        self.variables.extend(table.get("variables").map(|value| (file, value)));
        self.plugins.extend(table.get("plugins").map(|value| (file, value)));
        self.plugin.extend(table.get("plugin").map(|value| (file, value)));
        match table.get("map").map(|value| (value, value.get_ref())) {
            None => {}
            Some((_, DeValue::Array(items))) => self.mappings.extend(items.iter().map(|item| (file, item))),
            Some((value, DeValue::Table(_))) => {
                ctx.report(Code::WrongType, value.span(), "a mapping begins with [[map]], with two brackets");
            }
            Some((value, _)) => _ = reader::wrong_type::<()>(ctx, value, "mappings, as in [[map]]"),
        }
    }
}
