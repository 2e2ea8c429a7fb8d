//! What the manager knows: the plugins of the last scan, what the configuration says, and what is hosted.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use padgate_core::ruleset::PluginSettings;
use padgate_core::ruleset::action::PluginCall;

use crate::plugins::grants::Grants;
use crate::plugins::inventory::{Inventory, Plugin, Standing};
use crate::plugins::part::PluginId;
use crate::plugins::supervisor::Hosting;

/// See the module.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) inventory: Inventory,
    pub(super) grants: Grants,
    pub(super) settings: PluginSettings,
    pub(super) calls: Vec<Arc<PluginCall>>,
    /// Those that are needed come before those that need them.
    pub(super) plugins: Vec<Plugin>,
    /// Those that the user loaded by hand, whether or not a mapping calls them.
    pub(super) loaded: HashSet<PluginId>,
    /// Those that the user unloaded by hand.
    pub(super) unloaded: HashSet<PluginId>,
    /// What the supervisor was told to host.
    pub(super) hosted: HashMap<PluginId, Hosting>,
    /// Whether there are other manifests now than when the configuration was read.
    pub(super) catalogue_changed: bool,
}

impl Book {
    pub(super) fn new(inventory: Inventory, grants: Grants) -> Book {
        Book {
            inventory,
            grants,
            settings: PluginSettings::default(),
            calls: Vec::new(),
            plugins: Vec::new(),
            loaded: HashSet::new(),
            unloaded: HashSet::new(),
            hosted: HashMap::new(),
            catalogue_changed: false,
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<&Plugin> {
        self.plugins.iter().find(|plugin| &*plugin.name == name)
    }

    pub(super) fn by_id(&self, id: PluginId) -> Option<&Plugin> {
        self.plugins.iter().find(|plugin| plugin.id == id)
    }

    /// Those that are to be hosted: what a mapping calls, what was loaded by hand, and what these need.
    pub(super) fn wanted(&self) -> HashSet<PluginId> {
        let mut wanted = HashSet::new();
        // Backwards, so that whoever needs something is looked at before it.
        for plugin in self.plugins.iter().rev() {
            let called = || self.calls.iter().any(|call| *call.plugin == *plugin.name);
            let needed = || {
                self.plugins
                    .iter()
                    .any(|other| wanted.contains(&other.id) && other.needs.contains(&plugin.name))
            };
            let usable = plugin.standing == Standing::Ready && !self.unloaded.contains(&plugin.id);
            if usable && (self.loaded.contains(&plugin.id) || called() || needed()) {
                wanted.insert(plugin.id);
            }
        }
        wanted
    }
}
