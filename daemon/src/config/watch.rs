//! Watches the configuration's files, and calls when what is in them has changed.
//!
//! Folders are watched, never files: editors replace files, and a watch on a file ends with the first
//! replacement. What the watcher reports is only a hint; the files are read and compared, so that opening,
//! touching or saving a file without a change calls nobody. Nothing is polled: while nothing happens in the
//! folders, no thread wakes up.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::Paths;
use super::files;

/// How long the folders must be quiet before the files are read. A save makes several events.
const QUIET: Duration = Duration::from_millis(120);
/// After this time the files are read even if the folders are never quiet.
const QUIET_MAX: Duration = Duration::from_secs(1);
/// How many symbolic links a path is followed through. More than this is a loop.
const LINKS_MAX: usize = 40;
/// Hints under way. When it is full, further ones are dropped: one that waits already says "look again".
const HINTS_MAX: usize = 1;

/// Watches until it is dropped.
#[derive(Debug)]
pub struct ConfigWatcher {
    /// Dropped first, so that the thread's channel closes.
    watcher: Option<SharedWatcher>,
    stop: SyncSender<Hint>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Hint {
    Changed,
    Stop,
}

type SharedWatcher = std::sync::Arc<std::sync::Mutex<RecommendedWatcher>>;

/// The files can't be watched.
#[derive(Debug, thiserror::Error)]
#[error("the configuration can't be watched for changes: {0}; `padgate reload` still works")]
pub struct WatchError(#[from] notify::Error);

impl From<std::io::Error> for WatchError {
    fn from(error: std::io::Error) -> WatchError {
        WatchError(notify::Error::io(error))
    }
}

impl ConfigWatcher {
    /// Watches the files at `paths`, and calls `changed` (on a thread of its own) after each change of what
    /// is in them. The first comparison is with the files as they are now: read them after this, not before.
    ///
    /// `changed` must not wait for whoever drops the watcher, who waits for it.
    ///
    /// # Errors
    ///
    /// If the system gives no watch, for example because too many are in use.
    pub fn start(paths: Paths, changed: impl FnMut() + Send + 'static) -> Result<ConfigWatcher, WatchError> {
        let (hints, received) = sync_channel(HINTS_MAX);
        let for_watcher = hints.clone();
        let watched_names = watched_names(&paths);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if concerns(&event, &watched_names) {
                // A full channel holds a hint already.
                let (Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) =
                    for_watcher.try_send(Hint::Changed);
            }
        })?;
        let watcher = std::sync::Arc::new(std::sync::Mutex::new(watcher));
        let mut watch =
            Watch { watcher: std::sync::Arc::downgrade(&watcher), paths, folders: BTreeSet::new() };
        watch.follow_folders();
        let fingerprint = fingerprint(&watch.paths);
        let thread = std::thread::Builder::new()
            .name("config-watch".to_owned())
            .spawn(move || watch.run(&received, fingerprint, changed))?;
        Ok(ConfigWatcher { watcher: Some(watcher), stop: hints, thread: Some(thread) })
    }
}

impl Drop for ConfigWatcher {
    fn drop(&mut self) {
        self.watcher = None;
        let _ = self.stop.send(Hint::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic in the callback was reported already, by the panic hook.
            let _ = thread.join();
        }
    }
}

/// The thread's side.
struct Watch {
    watcher: std::sync::Weak<std::sync::Mutex<RecommendedWatcher>>,
    paths: Paths,
    folders: BTreeSet<PathBuf>,
}

impl Watch {
    fn run(mut self, hints: &Receiver<Hint>, mut last: u64, mut changed: impl FnMut()) {
        while let Ok(Hint::Changed) = hints.recv() {
            let begun = Instant::now();
            // Until it has been quiet for a while, but not for ever.
            while begun.elapsed() < QUIET_MAX {
                match hints.recv_timeout(QUIET) {
                    Ok(Hint::Changed) => {}
                    Ok(Hint::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => break,
                }
            }
            // Folders may have come, and links may lead elsewhere now. Before reading, so that no change is
            // missed between the two.
            self.follow_folders();
            let now = fingerprint(&self.paths);
            if now != last {
                last = now;
                changed();
            }
        }
    }

    /// Watches the folders that matter, until those that appeared meanwhile are watched too.
    fn follow_folders(&mut self) {
        const ROUNDS_MAX: usize = 5;
        for _ in 0..ROUNDS_MAX {
            self.watch_folders(folders(&self.paths));
            if folders(&self.paths) == self.folders {
                break;
            }
        }
    }

    /// Watches these folders, and no others.
    fn watch_folders(&mut self, wanted: BTreeSet<PathBuf>) {
        let Some(watcher) = self.watcher.upgrade() else { return };
        let Ok(mut watcher) = watcher.lock() else { return };
        for folder in self.folders.difference(&wanted) {
            // It is gone, most likely, and its watch with it.
            let _ = watcher.unwatch(folder);
        }
        let mut watched = BTreeSet::new();
        for folder in wanted {
            // Watching a folder again is harmless, and needed where it was replaced by another one.
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => _ = watched.insert(folder),
                Err(error) => {
                    tracing::debug!(folder = %folder.display(), %error, "this folder can't be watched")
                }
            }
        }
        self.folders = watched;
    }
}

/// The folders in which a change can matter: those of the files, of what links lead to, and where a folder
/// does not exist yet, the nearest one above it that does.
fn folders(paths: &Paths) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    for folder in [paths.main.parent(), Some(paths.further.as_path()), Some(paths.controllers.as_path())] {
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folders.extend(nearest_existing(folder));
        add_link_folders(folder, &mut folders);
    }
    add_link_folders(&paths.main, &mut folders);
    for folder in [&paths.further, &paths.controllers] {
        for file in configuration_files(folder) {
            add_link_folders(&file, &mut folders);
        }
    }
    folders
}

fn nearest_existing(folder: &Path) -> Option<PathBuf> {
    folder
        .ancestors()
        .map(|f| if f.as_os_str().is_empty() { Path::new(".") } else { f })
        .find(|f| f.is_dir())
        .map(Path::to_path_buf)
}

/// The folders of the links on the way from `path` to what it means.
fn add_link_folders(path: &Path, folders: &mut BTreeSet<PathBuf>) {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS_MAX {
        let Ok(target) = std::fs::read_link(&path) else { return };
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        folders.extend(nearest_existing(&folder));
        path = folder.join(target);
        if let Some(folder) = path.parent() {
            folders.extend(nearest_existing(folder));
        }
    }
}

fn configuration_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut list: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| files::is_configuration(path)).collect();
    list.sort();
    list.truncate(files::FILES_MAX);
    list
}

/// The names of folders on the way to the files; a change of one of them matters though it is no `.toml`.
fn watched_names(paths: &Paths) -> HashSet<OsString> {
    let all = [paths.main.as_path(), &paths.further, &paths.controllers];
    all.iter().flat_map(|path| path.components()).map(|part| part.as_os_str().to_owned()).collect()
}

/// Whether an event can mean a change of the configuration. Reading the files makes events as well.
fn concerns(event: &notify::Result<notify::Event>, watched_names: &HashSet<OsString>) -> bool {
    let Ok(event) = event else { return true };
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    // Without a path it is about everything. A link's target can have any name, so that only what editors
    // leave behind is known to be of no interest.
    event.paths.is_empty()
        || event.paths.iter().any(|path| match path.file_name() {
            Some(name) if watched_names.contains(name) => true,
            Some(name) => !name.to_string_lossy().ends_with('~'),
            None => true,
        })
}

/// A number that changes with what is in the files.
fn fingerprint(paths: &Paths) -> u64 {
    let mut hasher = DefaultHasher::new();
    let read = files::read(paths);
    read.sources.hash(&mut hasher);
    for diagnostic in &read.diagnostics {
        diagnostic.to_string().hash(&mut hasher);
    }
    for file in configuration_files(&paths.controllers) {
        file.hash(&mut hasher);
        files::read_text(&file).ok().hash(&mut hasher);
    }
    hasher.finish()
}
