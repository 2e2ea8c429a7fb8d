//! What is held, on disk: so that the next start releases what a killed daemon left down.
//!
//! A daemon that ends in any orderly way releases everything itself. This is for the other ways. The file lives in
//! the runtime folder, which is memory and goes with the session, and is replaced as a whole, so that there is always
//! a complete one. A thread writes it, a moment after the change: the keys themselves must not wait for a file. What
//! was pressed in that moment before a kill is not known to the next start.
//!
//! | held | released by the next start |
//! |---|---|
//! | keys and buttons on X11 | through the keyboard back end, if it reaches the same display |
//! | keys and buttons of uinput | no need: the kernel releases them with the device |
//! | notes on a port | whoever sends to that port: note-offs for [`LeftOver::notes`] once it is connected |

mod file;

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use padgate_core::midi::Channel;

use self::file::{Held, read, write};
use crate::lock::lock;

/// What is held changes with every pad. The file follows at most once in this time.
pub const WRITE_INTERVAL: Duration = Duration::from_millis(10);

/// How many ports can have held notes in the journal. Notes of further ports are not written down.
pub const PORTS_MAX: usize = 64;

/// Keys and buttons that are down in a display server.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HeldOutput {
    /// The X display.
    pub display: String,
    /// Keycodes as X numbers them.
    pub keycodes: Vec<u8>,
    /// Buttons as X numbers them.
    pub buttons: Vec<u8>,
}

/// A note that sounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldNote {
    /// The port, under the name that was given to [`Journal::note_down`].
    pub port: String,
    /// The channel.
    pub channel: Channel,
    /// The note, 0 to 127.
    pub note: u8,
}

/// What a predecessor left held.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LeftOver {
    /// Keys and buttons.
    pub output: Option<HeldOutput>,
    /// Notes. They stay in the journal until [`Journal::note_up`].
    pub notes: Vec<HeldNote>,
    /// What was wrong with the file, if it could not be read: a sentence for the log.
    pub problem: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    held: Held,
    changed: bool,
    closed: bool,
    ended: bool,
}

/// See the module. Changes are noted from any thread, in a few nanoseconds.
#[derive(Debug)]
pub struct Journal {
    state: Mutex<State>,
    wake: Condvar,
}

impl Journal {
    /// Reads what a predecessor left in the file, and starts the thread that writes it from now on.
    #[must_use]
    pub fn open(path: &Path) -> (Arc<Journal>, LeftOver) {
        let left_over = read(path);
        let mut held = Held::default();
        // The notes stay written down until they are released: their port may not be there yet.
        for note in &left_over.notes {
            held.set(&note.port, note.channel, note.note, true);
        }
        held.output.clone_from(&left_over.output);
        let state = State { held, changed: true, ..State::default() };
        let journal = Arc::new(Journal { state: Mutex::new(state), wake: Condvar::new() });
        let writer = Arc::clone(&journal);
        let path = path.to_owned();
        let thread = std::thread::Builder::new().name("padgate journal".to_owned()).stack_size(128 * 1024);
        if let Err(error) = thread.spawn(move || writer.write_changes(&path)) {
            tracing::warn!(%error, "no journal: what is held at a crash will not be released by the next start");
            journal.lock().ended = true;
        }
        (journal, left_over)
    }

    /// A note was switched on at this port.
    pub fn note_down(&self, port: &str, channel: Channel, note: u8) {
        self.change(|held| held.set(port, channel, note, true));
    }

    /// A note was switched off at this port, or the port went away with it.
    pub fn note_up(&self, port: &str, channel: Channel, note: u8) {
        self.change(|held| held.set(port, channel, note, false));
    }

    /// What the keyboard back end holds now.
    pub fn output(&self, output: Option<HeldOutput>) {
        self.change(|held| {
            let changed = held.output != output;
            held.output = output;
            changed
        });
    }

    /// Writes what is still to be written and ends the thread; returns when that is done, or after a second. A
    /// journal with nothing in it leaves no file.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake.notify_all();
        let limit = Duration::from_secs(1);
        let waited = self.wake.wait_timeout_while(state, limit, |state| !state.ended);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn change(&self, change: impl FnOnce(&mut Held) -> bool) {
        let mut state = self.lock();
        if change(&mut state.held) && !state.changed {
            state.changed = true;
            drop(state);
            self.wake.notify_all();
        }
    }

    fn write_changes(&self, path: &Path) {
        let mut complained = false;
        let mut written = None;
        let mut state = self.lock();
        loop {
            while !state.changed && !state.closed {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.changed {
                state.changed = false;
                let held = state.held.clone();
                drop(state);
                if written.as_ref() != Some(&held) {
                    if let Err(error) = write(path, &held)
                        && !std::mem::replace(&mut complained, true)
                    {
                        let path = path.display();
                        tracing::warn!(%error, %path, "what is held can't be written down for the next start");
                    }
                    written = Some(held);
                }
                // A burst of changes costs one file, unless the daemon stops meanwhile.
                state = self.lock();
                let waited = self.wake.wait_timeout_while(state, WRITE_INTERVAL, |state| !state.closed);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            } else {
                state.ended = true;
                drop(state);
                self.wake.notify_all();
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use padgate_core::midi::Channel;

    use super::{HeldNote, HeldOutput, Journal, LeftOver};

    fn channel(number: u8) -> Channel {
        Channel::from_human(number).unwrap()
    }

    #[test]
    fn what_is_held_is_read_back_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("held");
        let (journal, left_over) = Journal::open(&path);
        assert_eq!(left_over, LeftOver::default());
        let output = HeldOutput { display: ":7".to_owned(), keycodes: vec![37, 54], buttons: vec![1] };
        journal.output(Some(output.clone()));
        journal.note_down("A\nport\\ of old", channel(10), 60);
        journal.note_down("Synth", channel(1), 127);
        journal.note_down("Synth", channel(1), 0);
        journal.note_up("Synth", channel(1), 127);
        journal.note_up("never seen", channel(1), 1);
        journal.close();

        let (second, left_over) = Journal::open(&path);
        let note =
            |port: &str, number, note| HeldNote { port: port.to_owned(), channel: channel(number), note };
        assert_eq!(left_over.output, Some(output));
        assert_eq!(left_over.notes, [note("A\nport\\ of old", 10, 60), note("Synth", 1, 0)]);
        // Notes whose port did not come back are still there for a third.
        second.output(None);
        second.note_up("Synth", channel(1), 0);
        second.close();
        let (third, left_over) = Journal::open(&path);
        assert_eq!((left_over.output, left_over.notes.len()), (None, 1));
        third.note_up("A\nport\\ of old", channel(10), 60);
        third.close();
        assert!(!path.exists(), "nothing is held, and a file says so");
    }

    #[test]
    fn a_damaged_file_is_told_and_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("held");
        for damaged in
            ["", "x", "padgate journal 1\nnote 1 60 S\n", "padgate journal 1\nnote 17 60 S\nend 1\n"]
        {
            std::fs::write(&path, damaged).unwrap();
            let (journal, left_over) = Journal::open(&path);
            let problem = left_over.problem.unwrap();
            assert!(problem.contains("held") && left_over.notes.is_empty(), "{problem}");
            journal.close();
        }
        std::fs::write(&path, [0xFF, 0xFE, 0]).unwrap();
        let (journal, left_over) = Journal::open(&path);
        assert!(left_over.problem.is_some());
        journal.close();
    }
}
