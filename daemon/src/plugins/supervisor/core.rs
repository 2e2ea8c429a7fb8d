//! What the supervisor's thread and everybody else share: the plugins by number, and the ways to the rest of the daemon.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use padgate_core::time::Time;
use padgate_plugin_abi::STATE_BYTES_MAX;

use super::files::Files;
use super::lane::Lane;
use super::log::PluginLog;
use super::poller::Poller;
use super::statistics::{Counters, Kept, render};
use super::types::LogLine;
use super::types::Setup;
use super::usage::Verify;
use crate::clock;
use crate::lock::lock;
use crate::plugins::part::PluginId;

/// The place among the deadlines that belongs to no plugin.
pub(super) const OWN_SLOT: u32 = 0;
/// How long after a change the statistics are written.
pub(super) const STATISTICS_AFTER: Duration = Duration::from_secs(30);

/// One plugin that the supervisor knows.
pub(super) struct Plugin {
    pub(super) slot: u32,
    pub(super) id: PluginId,
    pub(super) name: Arc<str>,
    pub(super) lane: Mutex<Lane>,
    pub(super) log: Mutex<PluginLog>,
}

#[derive(Default)]
struct Plugins {
    by_slot: Vec<Arc<Plugin>>,
    by_id: HashMap<PluginId, Arc<Plugin>>,
}

/// See the module.
pub(super) struct Core {
    pub(super) setup: Setup,
    pub(super) poller: Poller,
    pub(super) files: Files,
    pub(super) verify: Verify,
    plugins: RwLock<Plugins>,
    /// The statistics of plugins that are not hosted, by name.
    kept: Mutex<BTreeMap<String, Kept>>,
    /// Slots for the supervisor's thread to look at; each at most once.
    dirty: Mutex<Vec<u32>>,
    pub(super) stopping: AtomicBool,
}

impl Core {
    pub(super) fn new(setup: Setup, poller: Poller, files: Files, verify: Verify) -> Core {
        let kept = super::statistics::load(&statistics_path(&setup.state_folder)).unwrap_or_else(|why| {
            tracing::warn!("{why}");
            BTreeMap::new()
        });
        Core {
            setup,
            poller,
            files,
            verify,
            plugins: RwLock::default(),
            kept: Mutex::new(kept),
            dirty: Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// The plugin with this number.
    pub(super) fn plugin(&self, id: PluginId) -> Option<Arc<Plugin>> {
        let plugins = self.plugins.read().unwrap_or_else(PoisonError::into_inner);
        plugins.by_id.get(&id).map(Arc::clone)
    }

    /// The plugin in this slot.
    pub(super) fn in_slot(&self, slot: u32) -> Option<Arc<Plugin>> {
        let plugins = self.plugins.read().unwrap_or_else(PoisonError::into_inner);
        plugins.by_slot.get((slot as usize).checked_sub(1)?).map(Arc::clone)
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<Plugin>> {
        self.plugins.read().unwrap_or_else(PoisonError::into_inner).by_slot.clone()
    }

    /// The plugin with this number, which is made known if it is not.
    pub(super) fn known(&self, id: PluginId, name: &str) -> Arc<Plugin> {
        if let Some(plugin) = self.plugin(id) {
            return plugin;
        }
        // Files are read before the lock is taken: calls wait for it.
        let now = clock::now();
        let saved = read_state(&self.state_path(name));
        let kept = lock(&self.kept).get(name).cloned().unwrap_or_default();
        let mut plugins = self.plugins.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(plugin) = plugins.by_id.get(&id) {
            return Arc::clone(plugin);
        }
        let slot = u32::try_from(plugins.by_slot.len() + 1).expect("there are fewer plugins than that");
        let name: Arc<str> = name.into();
        let watch = Arc::clone(&self.setup.watch);
        let told = Box::new(move |line: &LogLine| watch.logged(id, line));
        let plugin = Arc::new(Plugin {
            slot,
            id,
            lane: Mutex::new(Lane::new(Arc::clone(&name), slot, Counters::new(kept), saved, now)),
            log: Mutex::new(PluginLog::new(self.file(&name, "log"), now, told)),
            name,
        });
        plugins.by_slot.push(Arc::clone(&plugin));
        plugins.by_id.insert(id, Arc::clone(&plugin));
        plugin
    }

    fn file(&self, name: &str, extension: &str) -> PathBuf {
        // Manifests allow no other characters; a name from elsewhere must not lead out of the folder either.
        let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
        let name: String = name.chars().map(plain).collect();
        self.setup.state_folder.join("plugins").join(format!("{name}.{extension}"))
    }

    /// Where a plugin's state is kept.
    pub(super) fn state_path(&self, name: &str) -> PathBuf {
        self.file(name, "state")
    }

    /// Has the supervisor's thread look at a plugin.
    pub(super) fn look_at(&self, slot: u32) {
        let mut dirty = lock(&self.dirty);
        if !dirty.contains(&slot) {
            dirty.push(slot);
        }
        drop(dirty);
        self.poller.wake();
    }

    /// What it is to look at.
    pub(super) fn take_dirty(&self, into: &mut Vec<u32>) {
        into.append(&mut lock(&self.dirty));
    }

    /// Whether the daemon stops.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// What was counted of a plugin that nobody hosted since the daemon started.
    pub(super) fn kept(&self, name: &str) -> Option<Kept> {
        lock(&self.kept).get(name).cloned()
    }

    /// Writes the statistics, if any changed.
    pub(super) fn save_statistics(&self) {
        let mut kept = lock(&self.kept);
        let mut changed = false;
        for plugin in self.all() {
            let mut lane = lock(&plugin.lane);
            if std::mem::take(&mut lane.counters.changed) {
                changed = true;
                kept.insert(plugin.name.to_string(), lane.counters.keep());
            }
        }
        if changed {
            self.files.replace(&statistics_path(&self.setup.state_folder), render(kept.clone()));
        }
    }

    /// Has the statistics written a while from `now`.
    pub(super) fn save_statistics_later(&self, now: Time) {
        self.poller.no_later(OWN_SLOT, now + STATISTICS_AFTER);
    }
}

fn statistics_path(folder: &Path) -> PathBuf {
    folder.join("plugin-stats.json")
}

/// What a plugin saved; nothing if that is not there, or larger than any state.
fn read_state(path: &Path) -> Vec<u8> {
    let mut state = Vec::new();
    let most = STATE_BYTES_MAX as u64 + 1;
    match std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut state)) {
        Ok(_) if state.len() <= STATE_BYTES_MAX => state,
        Ok(_) => {
            tracing::warn!(
                "{} is too large for the state of a plugin, which begins without one",
                path.display()
            );
            Vec::new()
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            tracing::warn!("can't read {}: {error}; the plugin begins without its state", path.display());
            Vec::new()
        }
    }
}
