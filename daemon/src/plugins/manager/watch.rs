//! Looks at the plugin folders, if the configuration wants that.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};

/// How long nothing must change before the folders are looked at: a plugin that is being copied is not a whole one.
pub(super) const QUIET: Duration = Duration::from_millis(300);

/// Tells of changes in folders until it is dropped.
pub(super) struct FolderWatcher {
    folders: Vec<PathBuf>,
    _watcher: notify::RecommendedWatcher,
}

impl FolderWatcher {
    /// Starts watching the folders that there are, and the parents of those that there are not yet.
    ///
    /// # Errors
    ///
    /// If the system can't watch.
    pub(super) fn start(
        folders: Vec<PathBuf>,
        changed: impl Fn() + Send + 'static,
    ) -> Result<FolderWatcher, notify::Error> {
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading is no change.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                changed();
            }
        })?;
        for folder in &folders {
            let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
            let mode = if there == folder { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            watcher.watch(there, mode)?;
        }
        Ok(FolderWatcher { folders, _watcher: watcher })
    }

    /// The folders that it was started with.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }
}
