//! The thread that writes the log.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::read::Record;
use super::{Entry, Event, OLD_FILES, old};
use crate::plugins::files;

/// How long equal refusals are counted before their number is written.
const TOGETHER: Duration = Duration::from_secs(1);

/// How many different refusals are counted at the same time. With one more, the oldest is written.
const COUNTED_MAX: usize = 64;

/// How many different refusals of one plugin are written at once after a rest, and how many a second from then on. What
/// is more becomes one line with a number, so that a plugin can't push all else out of the log by trying ever new things.
const DIFFERENT_BURST: f64 = 256.0;
const DIFFERENT_PER_SECOND: f64 = 1.0;

/// What is written for those.
const TOO_MANY: &str = "was refused too many different things in a short time to write each of them down";

/// What the thread is told.
pub(super) enum Message {
    Entry(Timestamp, Entry),
    Flush(SyncSender<()>),
}

pub(super) struct Writer {
    path: PathBuf,
    file: File,
    length: u64,
    length_max: u64,
    lost: Arc<AtomicU64>,
    counted: Vec<Counted>,
    /// Plugins with refusals: how many different ones each may have written, as of then.
    allowed: HashMap<String, (f64, Instant)>,
    /// Refusals that wait to be written.
    refusals: Arc<AtomicUsize>,
    failing: bool,
}

/// A refusal that was written, and how often it came again since.
struct Counted {
    entry: Entry,
    until: Instant,
    last: Timestamp,
    again: u64,
}

impl Writer {
    /// `lost` counts entries that did not fit into the queue, `refusals` the refusals in it.
    pub(super) fn open(
        path: PathBuf,
        length_max: u64,
        lost: Arc<AtomicU64>,
        refusals: Arc<AtomicUsize>,
    ) -> io::Result<Writer> {
        let (file, length) = open(&path)?;
        let (counted, allowed) = (Vec::new(), HashMap::new());
        Ok(Writer { path, file, length, length_max, lost, counted, allowed, refusals, failing: false })
    }

    /// Writes until nobody can record any more, and then what is left.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        loop {
            // Nothing is counted most of the time: then it sleeps until there is something to do.
            let next = match self.counted.iter().map(|counted| counted.until).min() {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(until) => messages.recv_timeout(until.saturating_duration_since(Instant::now())),
            };
            match next {
                Ok(Message::Entry(time, entry)) => self.entry(time, entry),
                Ok(Message::Flush(done)) => {
                    self.finish_counting(None);
                    self.sync();
                    // Whoever asked may have gone.
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.finish_counting(Some(Instant::now()));
            self.tell_lost();
        }
        self.finish_counting(None);
        self.tell_lost();
        self.sync();
    }

    fn entry(&mut self, time: Timestamp, mut entry: Entry) {
        if entry.event != Event::Refusal {
            return self.write(time, &entry, 1);
        }
        self.refusals.fetch_sub(1, Ordering::Relaxed);
        if !self.counted.iter().any(|counted| counted.entry == entry) && !self.may_differ(&entry.plugin) {
            entry = Entry::new(Event::Refusal, &entry.plugin, TOO_MANY);
        }
        if let Some(counted) = self.counted.iter_mut().find(|counted| counted.entry == entry) {
            counted.again += 1;
            counted.last = time;
            return;
        }
        self.write(time, &entry, 1);
        if self.counted.len() >= COUNTED_MAX {
            let oldest = self.counted.remove(0);
            self.tell(oldest);
        }
        self.counted.push(Counted { entry, until: Instant::now() + TOGETHER, last: time, again: 0 });
    }

    /// Whether one more refusal of the plugin that is like none of the last is written as it is.
    fn may_differ(&mut self, plugin: &str) -> bool {
        let now = Instant::now();
        let (left, since) = self.allowed.entry(plugin.to_owned()).or_insert((DIFFERENT_BURST, now));
        *left = (*left + (now - *since).as_secs_f64() * DIFFERENT_PER_SECOND).min(DIFFERENT_BURST);
        *since = now;
        let may = *left >= 1.0;
        *left -= if may { 1.0 } else { 0.0 };
        may
    }

    /// Writes the numbers of those whose time is over by `now`; of all without it.
    fn finish_counting(&mut self, now: Option<Instant>) {
        let is_over = |counted: &Counted| now.is_none_or(|now| counted.until <= now);
        let over: Vec<Counted> = self.counted.extract_if(.., |counted| is_over(counted)).collect();
        for counted in over {
            self.tell(counted);
        }
    }

    fn tell(&mut self, counted: Counted) {
        if counted.again > 0 {
            self.write(counted.last, &counted.entry, counted.again);
        }
    }

    fn tell_lost(&mut self) {
        if self.failing {
            return;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let text =
                format!("{lost} entries of this log were lost: too many came at once, or the disk was full");
            self.write(Timestamp::now(), &Entry::new(Event::Lost, "", text), lost);
        }
    }

    fn write(&mut self, time: Timestamp, entry: &Entry, count: u64) {
        match self.try_write(&Record::new(time, entry, count)) {
            Ok(()) => self.failing = false,
            Err(error) => {
                self.lost.fetch_add(count, Ordering::Relaxed);
                if !std::mem::replace(&mut self.failing, true) {
                    let path = self.path.display();
                    tracing::error!(%path, %error, "the audit log can't be written; is the disk full?");
                }
            }
        }
    }

    fn try_write(&mut self, record: &Record) -> io::Result<()> {
        let line = record.line();
        if self.length > 0 && self.length + line.len() as u64 > self.length_max {
            self.rotate()?;
        }
        // In one call, so that a crash leaves no half line but for the last one.
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Part of it may be there: the next line must not be glued to it.
            if let Ok((file, length)) = open(&self.path) {
                (self.file, self.length) = (file, length);
            }
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        for number in (1..OLD_FILES).rev() {
            match std::fs::rename(old(&self.path, number), old(&self.path, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        std::fs::rename(&self.path, old(&self.path, 1))?;
        (self.file, self.length) = open(&self.path)?;
        Ok(())
    }

    fn sync(&mut self) {
        if let Err(error) = self.file.sync_data() {
            tracing::warn!(path = %self.path.display(), %error, "the audit log may not survive a loss of power");
        }
    }
}

/// Opens the file for appending, and ends a line that was torn by a crash.
fn open(path: &std::path::Path) -> io::Result<(File, u64)> {
    let mut file = files::private_file().read(true).append(true).create(true).open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok((file, 0));
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok((file, length));
    }
    file.write_all(b"\n")?;
    Ok((file, length + 1))
}
