//! The manifests by name, which calls in a configuration are checked against.

use std::collections::BTreeMap;
use std::sync::Arc;

use padgate_core::config::Plugins;
use padgate_core::manifest::Manifest;
use padgate_core::ruleset::plugins::PluginSettings;

use crate::plugins::find::{Finding, find};
use crate::plugins::folders::Folders;

/// What plugins say of themselves. Nothing of it is verified, and nothing needs to be: what can be called is another
/// question.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    manifests: BTreeMap<String, Option<Arc<Manifest>>>,
}

impl Catalogue {
    /// Reads the manifests of all plugins that can be found.
    #[must_use]
    pub fn find(folders: &Folders, settings: &PluginSettings) -> Catalogue {
        Catalogue::of(&find(&folders.search(settings)))
    }

    pub(super) fn of(finding: &Finding) -> Catalogue {
        let manifest = |found: &crate::plugins::find::Found| {
            // Under another name than its folder's it could be taken for another plugin.
            found.manifest.clone().filter(|manifest| manifest.name == found.name)
        };
        let manifests = finding.plugins.iter().map(|(name, found)| (name.clone(), manifest(found))).collect();
        Catalogue { manifests }
    }
}

impl Plugins for Catalogue {
    fn manifest(&self, name: &str) -> Option<Arc<Manifest>> {
        self.manifests.get(name).cloned().flatten()
    }

    fn names(&self) -> Vec<String> {
        self.manifests.keys().cloned().collect()
    }
}
