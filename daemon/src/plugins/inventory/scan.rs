//! Takes stock.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::Metadata;
use std::io;
use std::sync::Arc;

use padgate_core::capability::Rights;
use padgate_core::ruleset::plugins::PluginSettings;

use super::{Catalogue, Integrity, Plugin, Standing};
use crate::plugins::audit::{Audit, Entry, Event};
use crate::plugins::depend::{Node, Ordered, order};
use crate::plugins::find::{self, Finding, Found};
use crate::plugins::folders::Folders;
use crate::plugins::grants::{Decision, Grants, Protected, decide};
use crate::plugins::part::PluginId;
use crate::plugins::signature::{self, About, Keys, Signature};
use crate::plugins::store::{self, BINARY_BYTES_MAX, Store};

/// Knows every plugin that was ever found.
#[derive(Debug, Default)]
pub struct Inventory {
    ids: HashMap<String, PluginId>,
    seen: HashMap<String, Seen>,
    /// The next scan is to read everything.
    anew: bool,
    problems: Vec<String>,
    catalogue: Catalogue,
}

/// What was found out about a binary, and what it holds for.
#[derive(Debug)]
struct Seen {
    binary: Stamp,
    copy: Stamp,
    signature: Option<String>,
    version: String,
    keys: Keys,
    integrity: Integrity,
}

/// What tells that a file is still the same without reading it: its number, its length and its times.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg(unix)]
struct Stamp([i64; 7]);

/// What tells that a file is still the same without reading it; untested.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg(not(unix))]
struct Stamp(u64, Option<std::time::SystemTime>);

impl Stamp {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Stamp {
        use std::os::unix::fs::MetadataExt as _;
        Stamp([
            metadata.dev() as i64,
            metadata.ino() as i64,
            metadata.size() as i64,
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
        ])
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Stamp {
        Stamp(metadata.len(), metadata.modified().ok())
    }
}

/// What stays the same for all plugins of one scan.
struct Scan<'a> {
    folders: &'a Folders,
    settings: &'a PluginSettings,
    grants: &'a Grants,
    audit: &'a Audit,
    keys: Keys,
    protected: Protected,
    store: Result<Store, String>,
    /// Nothing that was found out before is to be relied on.
    anew: bool,
}

impl Inventory {
    /// An inventory that knows no plugin yet.
    #[must_use]
    pub fn new() -> Inventory {
        Inventory::default()
    }

    /// Looks for plugins, verifies them and finds out what they may do. Those that are needed come before those that
    /// need them; the rest is in the order of the alphabet.
    pub fn scan(
        &mut self,
        folders: &Folders,
        settings: &PluginSettings,
        grants: &Grants,
        audit: &Audit,
    ) -> Vec<Plugin> {
        let finding = find::find(&folders.search(settings));
        let (keys, problems) = Keys::read(&settings.trusted_keys);
        let store = folders.store();
        let scan = Scan {
            folders,
            settings,
            grants,
            audit,
            keys,
            protected: Protected::new(folders, settings),
            store: Store::open(&store)
                .map_err(|error| format!("can't write to {}: {error}", store.display())),
            anew: std::mem::take(&mut self.anew),
        };
        let verified: BTreeMap<&str, Result<Integrity, String>> =
            finding.plugins.iter().map(|(name, found)| (name.as_str(), self.verify(&scan, found))).collect();
        let Ordered { order, problems: unmet } = needs_order(&finding, &verified, grants);
        let plugin = |name: &String| {
            let found = finding.plugins.get(name)?;
            let integrity = verified.get(name.as_str())?.clone();
            Some(scan.plugin(self.id(name), found, integrity, unmet.get(name)))
        };
        let plugins = order.iter().filter_map(plugin).collect();
        self.seen.retain(|name, _| finding.plugins.contains_key(name));
        self.catalogue = Catalogue::of(&finding);
        self.problems = finding.problems;
        self.problems.extend(problems);
        self.problems.extend(grants.problem().map(|why| format!("no plugin is used: {why}")));
        plugins
    }

    /// What went wrong beside the plugins in the last scan: folders that can't be read, keys that are none.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The manifests of the last scan.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The number of the plugin with this name, if there ever was one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PluginId> {
        self.ids.get(name).copied()
    }

    /// Lets the next scan read and hash every binary again, also those that seem unchanged.
    pub fn forget(&mut self) {
        // What they were is kept: whether one has changed is worth a line in the audit log.
        self.anew = true;
    }

    /// Removes from the store what no plugin of the last scan uses. `loaded` are hashes of what hosts run. Returns how
    /// many were removed.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn prune(&self, folders: &Folders, loaded: &[String]) -> io::Result<usize> {
        let used = self.seen.values().map(|seen| seen.integrity.sha256.clone());
        let keep: HashSet<String> = used.chain(loaded.iter().cloned()).collect();
        Store::open(&folders.store())?.prune(&keep)
    }

    fn verify(&mut self, scan: &Scan<'_>, found: &Found) -> Result<Integrity, String> {
        if !self.ids.contains_key(&found.name) {
            let next = u32::try_from(self.ids.len()).expect("fewer than 2^32 names fit in memory");
            self.ids.insert(found.name.clone(), PluginId(next));
        }
        let before = self.seen.remove(&found.name);
        let (integrity, seen) = scan.verify(found, before)?;
        if let Some(seen) = seen {
            self.seen.insert(found.name.clone(), seen);
        }
        Ok(integrity)
    }

    fn id(&self, name: &str) -> PluginId {
        self.ids[name]
    }
}

fn needs_order(
    finding: &Finding,
    verified: &BTreeMap<&str, Result<Integrity, String>>,
    grants: &Grants,
) -> Ordered {
    let mut nodes: BTreeMap<&str, Node<'_>> = BTreeMap::new();
    for (name, found) in &finding.plugins {
        let is_sound = verified.get(name.as_str()).is_some_and(Result::is_ok);
        let manifest = found.manifest.as_deref();
        let node = Node {
            version: manifest.filter(|_| is_sound).map(|manifest| &manifest.version),
            enabled: grants.is_enabled(name),
            needs: manifest.map_or(&[], |manifest| &manifest.dependencies),
        };
        nodes.insert(name, node);
    }
    order(&nodes)
}

impl Scan<'_> {
    /// Finds out what a plugin's binary is, and keeps a copy.
    fn verify(&self, found: &Found, before: Option<Seen>) -> Result<(Integrity, Option<Seen>), String> {
        if let Some(why) = &found.why_not {
            return Err(why.clone());
        }
        let manifest = found.manifest.as_ref().ok_or("it has no manifest")?;
        let store = self.store.as_ref().map_err(Clone::clone)?;
        let opened = find::open_binary(found)?;
        let binary = Stamp::of(&opened.metadata);
        let name = manifest.binary.as_deref().unwrap_or_default();
        let signature_name = format!("{name}{}", signature::SUFFIX);
        let signature = find::read_beside(found, &signature_name, signature::FILE_BYTES_MAX);
        let version = manifest.version.to_string();
        let before = match (before, &signature) {
            (Some(before), Ok(signature)) if self.holds(&before, &binary, signature.as_deref(), &version) => {
                return Ok((before.integrity.clone(), Some(before)));
            }
            (before, _) => before,
        };
        let bytes =
            find::read_all(opened, BINARY_BYTES_MAX).map_err(|why| format!("its binary {name:?}: {why}"))?;
        let sha256 = store::sha256(&bytes);
        let about = About { plugin: &found.name, version: &version, sha256: &sha256 };
        let verdict = match &signature {
            Ok(None) => Signature::None,
            Ok(Some(text)) => self.keys.verify(&bytes, text, about),
            Err(why) => Signature::Bad(format!("{signature_name}: {why}")),
        };
        if let Signature::Bad(why) = &verdict {
            self.integrity_event(
                found,
                format!("the signature of {:?} is wrong: {why}", found.name),
                &sha256,
            );
        }
        if let Some(before) = before.filter(|before| before.integrity.sha256 != sha256) {
            let text = format!("the binary of {:?} has changed", found.name);
            self.integrity_event(found, text, &format!("{} -> {sha256}", before.integrity.sha256));
        }
        let kept = store.keep(&bytes, &sha256).map_err(|error| {
            format!("its binary can't be copied to {}: {error}", self.folders.store().display())
        })?;
        if kept.repaired {
            let text = format!("the stored copy of {:?} was changed by somebody; it is replaced", found.name);
            self.integrity_event(found, text, &sha256);
        }
        let integrity = Integrity { sha256, library: kept.library, signature: verdict };
        let copy = std::fs::metadata(&integrity.library).map_err(|error| error.to_string())?;
        let seen = signature.ok().map(|signature| Seen {
            binary,
            copy: Stamp::of(&copy),
            signature,
            version,
            keys: self.keys.clone(),
            integrity: integrity.clone(),
        });
        Ok((integrity, seen))
    }

    /// Whether what was found out before still holds.
    fn holds(&self, before: &Seen, binary: &Stamp, signature: Option<&str>, version: &str) -> bool {
        let copy = std::fs::metadata(&before.integrity.library);
        !self.anew
            && before.binary == *binary
            && copy.is_ok_and(|copy| Stamp::of(&copy) == before.copy)
            && before.signature.as_deref() == signature
            && before.version == version
            && before.keys == self.keys
    }

    fn integrity_event(&self, found: &Found, text: String, detail: &str) {
        self.audit.record(Entry::new(Event::Integrity, &found.name, text).detail(detail));
    }

    fn plugin(
        &self,
        id: PluginId,
        found: &Found,
        integrity: Result<Integrity, String>,
        unmet: Option<&String>,
    ) -> Plugin {
        let name: Arc<str> = Arc::from(&*found.name);
        let enabled = self.grants.is_enabled(&name);
        let decision = match (&found.manifest, &integrity) {
            (Some(manifest), Ok(integrity)) => {
                decide(self.grants, manifest, integrity, self.settings.auto_grant)
            }
            (Some(manifest), Err(_)) => Decision { missing: manifest.request.clone(), ..Decision::default() },
            (None, _) => Decision::default(),
        };
        let standing = self.standing(found, &integrity, enabled, unmet, &decision);
        let integrity = integrity.ok();
        let grant = integrity.as_ref().and_then(|integrity| self.grants.find(&name, integrity)).cloned();
        let needs = found.manifest.iter().flat_map(|manifest| &manifest.dependencies);
        Plugin {
            id,
            folder: found.folder.clone(),
            data_folder: self.folders.plugin_data(&name),
            manifest: found.manifest.clone(),
            problems: found.problems.clone(),
            integrity,
            standing,
            enabled,
            rights: decision.rights,
            auto_granted: decision.auto_granted,
            missing: decision.missing,
            grant,
            needs: needs.map(|(need, _)| Arc::from(&**need)).collect(),
            shadows: found.shadows.clone(),
            name,
        }
    }

    fn standing(
        &self,
        found: &Found,
        integrity: &Result<Integrity, String>,
        enabled: bool,
        unmet: Option<&String>,
        decision: &Decision,
    ) -> Standing {
        let integrity = match integrity {
            Ok(integrity) => integrity,
            Err(why) => return Standing::Unusable(why.clone()),
        };
        let request = found.manifest.as_ref().map_or(Rights::NONE, |manifest| manifest.request.clone());
        if let Some(why) = signature::refusal(self.settings.signatures, &integrity.signature, &request) {
            return Standing::Unusable(why);
        }
        if let Some(why) = self.grants.problem() {
            return Standing::Unusable(format!(
                "what plugins were granted can't be read: {why}: correct it, then `padgate plugin list --rescan`"
            ));
        }
        if !enabled {
            return Standing::Disabled;
        }
        if let Some(why) = unmet {
            return Standing::Unusable(why.clone());
        }
        // Also where the file was changed by hand, or the configuration since.
        if let Some(why) = self.protected.refuses(&decision.rights) {
            return Standing::Unusable(format!("it was granted too much: {why}"));
        }
        if decision.waits_for != Rights::NONE {
            return Standing::WaitingForGrant(decision.waits_for.clone());
        }
        Standing::Ready
    }
}
