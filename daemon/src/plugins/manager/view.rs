//! How plugins are, for front ends.

use std::path::PathBuf;
use std::sync::Arc;

use padgate_core::manifest::Limits;
use padgate_core::ruleset::action::PluginCall;

use super::book::Book;
use super::change::known;
use super::settle::{CPU, DEADLINE, RATE, limits};
use super::{Plugins, Trouble};
use crate::lock::lock;
use crate::plugins::inventory::{Integrity, Inventory, Plugin};
use crate::plugins::part::PluginId;
use crate::plugins::supervisor::{HostStatus, LogLine, Statistics};

/// Everything about one plugin.
#[derive(Clone, Debug)]
pub struct View {
    /// What it is and may do.
    pub plugin: Plugin,
    /// How its host is.
    pub host: HostStatus,
    /// What was counted of it.
    pub statistics: Statistics,
    /// Whether the user unloaded it.
    pub unloaded: bool,
    /// Whether the user took capabilities back, and which.
    pub denied: Vec<padgate_core::capability::Capability>,
    /// Its limits, with the defaults in place.
    pub limits: Limits,
    /// The versions of the plugins that it needs, by name; `None` for one that is not there.
    pub needs: Vec<(String, Option<String>)>,
}

/// What `verify` found.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The plugin, as it was found just now.
    pub plugin: Plugin,
    /// What its host runs, if one does.
    pub loaded: Option<Integrity>,
}

impl Plugins {
    /// All plugins, those that are needed before those that need them.
    #[must_use]
    pub fn list(&self) -> Vec<View> {
        let mut views: Vec<View> = {
            let book = lock(&self.book);
            book.plugins.iter().map(|plugin| self.view_of(&book, plugin)).collect()
        };
        views.iter_mut().for_each(|view| self.count(view));
        views
    }

    /// One plugin.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn view(&self, name: &str) -> Result<View, Trouble> {
        let mut view = {
            let book = lock(&self.book);
            self.view_of(&book, known(&book, name)?)
        };
        self.count(&mut view);
        Ok(view)
    }

    /// The calls of the configuration in force whose parameters their plugin did not take, with what it said.
    #[must_use]
    pub fn refused_calls(&self) -> Vec<(Arc<PluginCall>, String)> {
        let ids: Vec<PluginId> = lock(&self.book).plugins.iter().map(|plugin| plugin.id).collect();
        let calls = ids.into_iter().flat_map(|id| self.supervisor.status(id).calls);
        calls.filter_map(|(call, problem)| Some((call, problem?))).collect()
    }

    /// Adds what was counted. Reads files of each process, which takes a while for many: not with the book locked.
    fn count(&self, view: &mut View) {
        view.statistics =
            self.supervisor.statistics_of(view.plugin.id, &view.plugin.name).unwrap_or_default();
    }

    fn view_of(&self, book: &Book, plugin: &Plugin) -> View {
        let set = limits(
            &book.settings.limits,
            &plugin.name,
            plugin.manifest.as_ref().map(|manifest| manifest.limits).unwrap_or_default(),
        );
        let defaults = padgate_plugin_host::assignment::HostLimits::default();
        let version = |name: &str| {
            let manifest = book.find(name)?.manifest.as_ref()?;
            Some(manifest.version.to_string())
        };
        View {
            host: self.supervisor.status(plugin.id),
            statistics: Statistics::default(),
            unloaded: book.unloaded.contains(&plugin.id),
            denied: book.grants.denied(&plugin.name).to_vec(),
            limits: Limits {
                deadline: set.deadline.or(Some(DEADLINE)),
                memory: set.memory.or(Some(defaults.memory)),
                rate: set.rate.or(Some(RATE)),
                cpu: set.cpu.or(Some(CPU)),
                files: set.files.or(Some(defaults.files)),
            },
            needs: plugin.needs.iter().map(|need| (need.to_string(), version(need))).collect(),
            plugin: plugin.clone(),
        }
    }

    /// Where plugins are looked for, and what went wrong there.
    #[must_use]
    pub fn places(&self) -> (Vec<PathBuf>, Vec<String>) {
        let book = lock(&self.book);
        (self.folders.search(&book.settings), book.inventory.problems().to_vec())
    }

    /// The newest lines of a plugin's log, and where the whole log is.
    ///
    /// # Errors
    ///
    /// If there is no such plugin.
    pub fn log(&self, name: &str, lines: usize) -> Result<(PathBuf, Vec<LogLine>), Trouble> {
        let id = known(&lock(&self.book), name)?.id;
        Ok((self.folders.log(name), self.supervisor.log(id, lines)))
    }

    /// Reads and hashes the files of all plugins anew, and changes nothing.
    ///
    /// # Errors
    ///
    /// If a plugin is named and there is none of that name.
    pub fn verify(&self, name: Option<&str>) -> Result<Vec<Verification>, Trouble> {
        let (settings, loaded) = {
            let book = lock(&self.book);
            if let Some(name) = name {
                known(&book, name)?;
            }
            let loaded: Vec<(String, Option<Integrity>)> = book
                .plugins
                .iter()
                .filter(|plugin| book.hosted.contains_key(&plugin.id))
                .map(|plugin| (plugin.name.to_string(), plugin.integrity.clone()))
                .collect();
            (book.settings.clone(), loaded)
        };
        let grants = crate::plugins::grants::Grants::load(&self.folders.grants());
        let audit = crate::plugins::audit::Audit::none();
        // An inventory of its own: it knows nothing, so that it reads everything.
        let plugins = Inventory::new().scan(&self.folders, &settings, &grants, &audit);
        Ok(plugins
            .into_iter()
            .filter(|plugin| name.is_none_or(|name| *plugin.name == *name))
            .map(|plugin| {
                let loaded = loaded.iter().find(|(name, _)| **name == *plugin.name);
                Verification { loaded: loaded.and_then(|(_, integrity)| integrity.clone()), plugin }
            })
            .collect())
    }
}

/// The name that is most like the wanted one, if any is.
pub fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (strsim::jaro_winkler(wanted, name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}
