//! The supervisor's files, written by a thread of their own: a disk that hangs must not delay the answer of a plugin.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use crate::lock::lock;

/// How many writes wait. When so many do, a line of a log is left out of its file (it is in memory all the same), and
/// whole files, which are few, are waited for.
pub const FILE_JOBS: usize = 1024;

/// How large a plugin's log grows. Then it becomes `NAME.log.1`, in place of an older one, and a new one begins.
pub const LOG_FILE_BYTES_MAX: u64 = 1 << 20;

enum Job {
    Append { path: PathBuf, line: String },
    Replace { path: PathBuf, bytes: Vec<u8> },
}

/// See the module.
pub(super) struct Files {
    jobs: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Files {
    /// Starts the thread, and makes the folder with that of the logs in it, for this user alone.
    ///
    /// # Errors
    ///
    /// If either is not possible.
    pub(super) fn start(folder: &Path) -> io::Result<Files> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder.join("plugins"))?;
        let (jobs, queue) = sync_channel(FILE_JOBS);
        let thread = std::thread::Builder::new().name("padgate-files".into()).spawn(move || work(&queue))?;
        Ok(Files { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// Appends a line, which ends with a line feed, to a log. Returns whether it was taken.
    pub(super) fn append(&self, path: &Path, line: String) -> bool {
        let job = Job::Append { path: path.to_owned(), line };
        lock(&self.jobs).as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok())
    }

    /// Puts a file with these bytes in place of what is there, at once or not at all.
    pub(super) fn replace(&self, path: &Path, bytes: Vec<u8>) {
        let Some(jobs) = lock(&self.jobs).clone() else { return };
        match jobs.try_send(Job::Replace { path: path.to_owned(), bytes }) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            // Only if a thousand lines wait for a disk; what is written here is the users', and is not left out.
            Err(TrySendError::Full(job)) => {
                let _ = jobs.send(job);
            }
        }
    }

    /// Writes what waits, and ends.
    pub(super) fn finish(&self) {
        drop(lock(&self.jobs).take());
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::warn!("the thread that writes the files of plugins panicked; the newest may be missing");
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.finish();
    }
}

fn work(queue: &Receiver<Job>) {
    // A disk that is full says so once, not with every line.
    let mut failing = false;
    while let Ok(job) = queue.recv() {
        let (path, result) = match &job {
            Job::Append { path, line } => (path, append(path, line)),
            Job::Replace { path, bytes } => (path, replace(path, bytes)),
        };
        match result {
            Err(error) if !failing => {
                tracing::warn!(
                    "can't write {}: {error}; look at the disk and the folder's rights",
                    path.display()
                );
                failing = true;
            }
            Err(_) => {}
            Ok(()) => failing = false,
        }
    }
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    if file.metadata()?.len() + line.len() as u64 > LOG_FILE_BYTES_MAX {
        let mut old = path.as_os_str().to_owned();
        old.push(".1");
        fs::rename(path, old)?;
        file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    }
    file.write_all(line.as_bytes())
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let mut file: File =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(aside, path)
}

#[cfg(test)]
mod tests {
    use super::{Files, LOG_FILE_BYTES_MAX};

    #[test]
    fn a_log_is_rotated_and_a_file_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::start(folder.path()).unwrap();
        let log = folder.path().join("plugins/p.log");
        let state = folder.path().join("plugins/p.state");
        files.replace(&state, vec![1]);
        files.replace(&state, vec![2, 3]);
        let line = "x".repeat(LOG_FILE_BYTES_MAX as usize / 2 - 1) + "\n";
        for _ in 0..5 {
            assert!(files.append(&log, line.clone()));
        }
        files.finish();
        assert_eq!(std::fs::read(&state).unwrap(), [2, 3]);
        assert_eq!(std::fs::metadata(&log).unwrap().len(), LOG_FILE_BYTES_MAX / 2);
        let old = folder.path().join("plugins/p.log.1");
        assert_eq!(std::fs::metadata(old).unwrap().len(), LOG_FILE_BYTES_MAX);
        assert!(!files.append(&log, "late\n".into()));
    }
}
