//! Temporary folders of a test kit.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A data folder and a home folder, deleted when dropped.
#[derive(Debug)]
pub(super) struct Folder {
    top: PathBuf,
    pub(super) data: PathBuf,
    pub(super) home: PathBuf,
    /// The same, as the ABI wants them.
    pub(super) data_text: String,
    pub(super) home_text: String,
}

impl Folder {
    pub(super) fn new() -> Folder {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let top = std::env::temp_dir().join(format!("padgate-plugin-test-{process}-{count}"));
        // A process with this number may have died before it could clean up.
        drop(std::fs::remove_dir_all(&top));
        let (data, home) = (top.join("data"), top.join("home"));
        for folder in [&data, &home] {
            std::fs::create_dir_all(folder)
                .unwrap_or_else(|error| panic!("{}: a folder for the test: {error}", folder.display()));
        }
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        Folder { data_text: text(&data), home_text: text(&home), top, data, home }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // If it can't be deleted, a temporary folder is left: no reason to fail a test.
        drop(std::fs::remove_dir_all(&self.top));
    }
}
