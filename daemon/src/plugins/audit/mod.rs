//! The audit log: every grant, revocation, refusal, integrity failure, kill and restart, one JSON object a line, in a
//! file that only grows.
//!
//! Whoever records something must not wait for a disk, and may hold a lock that presses need: entries go through a
//! bounded queue to a thread of their own. That thread sleeps until there is something to write. If the queue is full,
//! an entry is lost, and how many were is written down as soon as there is room.
//!
//! A plugin that tries something forbidden in a loop must not push everything else out of the log: equal refusals
//! within a second become one line with their number.

mod read;
#[cfg(test)]
mod tests;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use jiff::Timestamp;

pub use read::Record;
use writer::{Message, Writer};

use super::files;
use crate::lock::lock;

/// How many entries can wait to be written. What comes while so many wait is lost, and counted.
pub const QUEUE_ENTRIES: usize = 1024;

/// How many of them can be refusals, which plugins cause as they like: what a user did must always find room.
pub const QUEUE_REFUSALS: usize = QUEUE_ENTRIES / 2;

/// How large the file may grow before a new one is begun, in bytes.
pub const FILE_BYTES_MAX: u64 = 10 << 20;

/// How many old files are kept, beside the one that is written.
pub const OLD_FILES: usize = 3;

/// The longest text or detail of an entry, in bytes. What is longer is cut off.
pub const TEXT_BYTES_MAX: usize = 4096;

/// Declares the events with their names, which stand in the file.
macro_rules! events {
    ($($(#[$doc:meta])* $event:ident = $name:literal,)*) => {
        /// What happened.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Event {
            $($(#[$doc])* $event,)*
        }

        impl Event {
            /// All of them.
            pub const ALL: &'static [Event] = &[$(Event::$event,)*];

            /// Its name in the file.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Event::$event => $name,)*
                }
            }
        }
    };
}

events! {
    /// Something was granted.
    Grant = "grant",
    /// A grant was taken back.
    Revoke = "revoke",
    /// Something was refused.
    Refusal = "refusal",
    /// A binary or a signature is not what it should be.
    Integrity = "integrity",
    /// A host was started.
    Start = "start",
    /// A host has locked itself down; the detail says how far.
    Confined = "confined",
    /// A host was killed.
    Kill = "kill",
    /// A host ended by itself, or died.
    Crash = "crash",
    /// A host was started again.
    Restart = "restart",
    /// The user wants the plugin.
    Enable = "enable",
    /// The user does not want the plugin.
    Disable = "disable",
    /// A plugin was loaded.
    Load = "load",
    /// A plugin was unloaded.
    Unload = "unload",
    /// Entries were lost, because too many came at once or the file could not be written.
    Lost = "lost",
}

/// Something to write down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What.
    pub event: Event,
    /// Of which plugin; empty if of none.
    pub plugin: String,
    /// In a sentence.
    pub text: String,
    /// Whatever else is worth knowing; may be empty.
    pub detail: String,
}

impl Entry {
    /// An entry without detail.
    #[must_use]
    pub fn new(event: Event, plugin: &str, text: impl Into<String>) -> Entry {
        Entry { event, plugin: plugin.to_owned(), text: text.into(), detail: String::new() }
    }

    /// Adds detail.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Entry {
        self.detail = detail.into();
        self
    }
}

/// The log. When it is dropped, what waits is still written.
#[derive(Debug)]
pub struct Audit {
    path: PathBuf,
    lost: Arc<AtomicU64>,
    /// How many refusals wait.
    refusals: Arc<AtomicUsize>,
    queue: Option<SyncSender<Message>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Audit {
    /// Opens the log, `audit.jsonl` in the state folder, and starts its thread. Makes the folder if need be.
    ///
    /// # Errors
    ///
    /// If the file can't be opened for writing, or the thread not be started.
    pub fn open(path: &Path) -> io::Result<Audit> {
        Audit::open_with(path, FILE_BYTES_MAX)
    }

    fn open_with(path: &Path, file_bytes_max: u64) -> io::Result<Audit> {
        if let Some(folder) = path.parent() {
            files::private_folder(folder)?;
        }
        let (lost, refusals) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let writer =
            Writer::open(path.to_path_buf(), file_bytes_max, Arc::clone(&lost), Arc::clone(&refusals))?;
        let (queue, entries) = sync_channel(QUEUE_ENTRIES);
        let thread = std::thread::Builder::new()
            .name("padgate-audit".to_owned())
            .spawn(move || writer.run(&entries))?;
        let (queue, thread) = (Some(queue), Mutex::new(Some(thread)));
        Ok(Audit { path: path.to_path_buf(), lost, refusals, queue, thread })
    }

    /// A log that keeps nothing, where there is no place for one.
    #[must_use]
    pub fn none() -> Audit {
        Audit {
            path: PathBuf::new(),
            lost: Arc::default(),
            refusals: Arc::default(),
            queue: None,
            thread: Mutex::default(),
        }
    }

    /// Where the file is; empty if there is none.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes an entry down, with the time of now. Never waits.
    pub fn record(&self, mut entry: Entry) {
        let Some(queue) = &self.queue else { return };
        cut(&mut entry.plugin);
        cut(&mut entry.text);
        cut(&mut entry.detail);
        let is_refusal = entry.event == Event::Refusal;
        if is_refusal && self.refusals.fetch_add(1, Ordering::Relaxed) >= QUEUE_REFUSALS {
            self.refusals.fetch_sub(1, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match queue.try_send(Message::Entry(Timestamp::now(), entry)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.refusals.fetch_sub(usize::from(is_refusal), Ordering::Relaxed);
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Waits until all that was recorded before is in the file.
    pub fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        let (done, written) = sync_channel(1);
        if queue.send(Message::Flush(done)).is_ok() {
            // The thread answers, or has ended with everything written.
            let _ = written.recv();
        }
    }

    /// The last `limit` entries, of one plugin if it is named, the newest last. Reads the old files as well if need be.
    ///
    /// # Errors
    ///
    /// If a file is there and can't be read.
    pub fn read(&self, limit: usize, plugin: Option<&str>) -> io::Result<Vec<Record>> {
        if self.queue.is_none() {
            return Ok(Vec::new());
        }
        self.flush();
        read::read(&self.path, limit, plugin)
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        // Without a sender, the thread writes what is left and ends.
        self.queue = None;
        if let Some(thread) = lock(&self.thread).take() {
            // A panic of it was shown when it happened.
            let _ = thread.join();
        }
    }
}

fn cut(text: &mut String) {
    if text.len() > TEXT_BYTES_MAX {
        let end = (0..=TEXT_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}

/// The name of an old file; the first is the newest.
fn old(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}
