//! What the supervisor tells, taken in on a thread of its own: it is told on the supervisor's thread, which must not wait,
//! and what follows from it (logs, the audit, other hosts) may take its time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::Builder;

use super::Plugins;
use crate::lock::lock;
use crate::plugins::audit::{Entry, Event};
use crate::plugins::part::PluginId;
use crate::plugins::supervisor::{Happening, LogLine, Watch};

/// Something that the manager's thread is to look at.
#[derive(Debug)]
pub(super) enum Note {
    /// The supervisor says so.
    Happened(PluginId, Happening),
    /// A plugin's log has another line.
    Logged(PluginId, LogLine),
    /// Something changed in a plugin folder.
    FoldersChanged,
    /// There will be no more.
    Close,
}

/// How many notes wait for the manager's thread. One that does not fit is left out: what follows from a note is found out
/// by looking at how things are, so that the next one makes up for it; what is lost is a line in the audit log, and that is
/// said there.
const NOTES_MAX: usize = 4096;

/// The way to the manager's thread.
#[derive(Clone, Debug)]
pub(super) struct Notes {
    sender: SyncSender<Note>,
    lost: Arc<AtomicU64>,
}

pub(super) fn queue() -> (Notes, Receiver<Note>) {
    let (sender, receiver) = sync_channel(NOTES_MAX);
    (Notes { sender, lost: Arc::default() }, receiver)
}

impl Notes {
    pub(super) fn send(&self, note: Note) {
        // Nobody is there any more only when everything ends.
        if let Err(TrySendError::Full(_)) = self.sender.try_send(note) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were left out since this was last asked.
    pub(super) fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }

    /// Ends the manager's thread, after what waits for it.
    pub(super) fn close(&self) {
        // Waits for room: it must get there.
        let _ = self.sender.send(Note::Close);
    }
}

impl Watch for Notes {
    fn logged(&self, plugin: PluginId, line: &LogLine) {
        // The log lets through a hundred lines a second.
        self.send(Note::Logged(plugin, line.clone()));
    }

    fn changed(&self, plugin: PluginId, what: Happening) {
        // The gate has written refusals down already, and they may be many.
        if !matches!(what, Happening::Refused { .. }) {
            self.send(Note::Happened(plugin, what));
        }
    }
}

/// Starts the manager's thread. It ends with the notes.
pub(super) fn take(notes: Receiver<Note>, plugins: Weak<Plugins>) -> std::io::Result<()> {
    Builder::new()
        .name("padgate-manager".into())
        .spawn(move || {
            while let Ok(note) = notes.recv() {
                let Some(plugins) = plugins.upgrade() else { return };
                match note {
                    Note::Happened(id, what) => plugins.happened(id, &what),
                    Note::Logged(id, line) => plugins.logged(id, &line),
                    Note::FoldersChanged => {
                        // Several changes make one look.
                        let mut more = true;
                        while more {
                            more = match notes.recv_timeout(super::watch::QUIET) {
                                Ok(Note::Happened(id, what)) => {
                                    plugins.happened(id, &what);
                                    true
                                }
                                Ok(Note::Logged(id, line)) => {
                                    plugins.logged(id, &line);
                                    true
                                }
                                Ok(Note::FoldersChanged) => true,
                                Ok(Note::Close) => return,
                                Err(_) => false,
                            };
                        }
                        plugins.rescan(&mut lock(&plugins.book));
                    }
                    Note::Close => return,
                }
            }
        })
        .map(drop)
}

impl Plugins {
    fn happened(self: &Arc<Self>, id: PluginId, what: &Happening) {
        let name = {
            let mut book = lock(&self.book);
            let Some(name) = book.by_id(id).map(|plugin| Arc::clone(&plugin.name)) else { return };
            if matches!(what, Happening::Ready { .. } | Happening::Replaced { .. }) {
                // Others may have waited for it.
                self.settle(&mut book);
            }
            name
        };
        self.write_down(&name, what);
        let lost = self.notes.take_lost();
        if lost > 0 {
            self.audit.record(Entry::new(
                Event::Lost,
                "",
                format!("{lost} events of plugins came too fast to be written"),
            ));
        }
        self.settled.notify_all();
        self.tell_changed();
    }

    fn write_down(&self, name: &str, what: &Happening) {
        let (event, text) = match what {
            Happening::Starting { generation } => {
                (Event::Start, format!("started (generation {generation})"))
            }
            Happening::Ready { generation, took } => {
                tracing::info!(plugin = name, generation, ?took, "plugin ready");
                return;
            }
            Happening::Unprepared { call, why } => {
                tracing::warn!(
                    "the plugin {name:?} does not take the parameters of {:?}: {why}",
                    call.action
                );
                return;
            }
            Happening::Died { reason, killed, .. } => {
                tracing::warn!("the plugin {name:?} ended: {reason}");
                (if *killed { Event::Kill } else { Event::Crash }, reason.clone())
            }
            Happening::Restarting { after } => (Event::Restart, format!("started again after {after:?}")),
            Happening::Quarantined { reason, .. } | Happening::Unusable { reason } => {
                tracing::warn!("the plugin {name:?} is not used any more: {reason}");
                (Event::Kill, reason.clone())
            }
            Happening::Replaced { generation } => {
                tracing::info!(plugin = name, generation, "a new version took over");
                (Event::Load, format!("a new version took over (generation {generation})"))
            }
            Happening::ReplaceFailed { reason } => {
                tracing::warn!(
                    "the plugin {name:?} could not be replaced, and the old one goes on: {reason}"
                );
                (Event::Load, format!("could not be replaced: {reason}"))
            }
            Happening::Refused { .. } => return,
            Happening::Ended => (Event::Unload, "ended".to_owned()),
        };
        self.audit.record(Entry::new(event, name, text));
    }

    fn logged(&self, id: PluginId, line: &LogLine) {
        let name = lock(&self.book).by_id(id).map(|plugin| Arc::clone(&plugin.name));
        let teller = self.teller.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        if let (Some(name), Some(teller)) = (name, teller) {
            teller.logged(&name, line);
        }
    }

    /// Has the configuration looked at again, because there are other plugins now.
    pub(super) fn tell_catalogue(&self) {
        let teller = self.teller.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        if let Some(teller) = teller {
            teller.catalogue_changed();
        }
    }

    /// Tells front ends that something changed.
    pub(super) fn tell_changed(&self) {
        let teller = self.teller.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        if let Some(teller) = teller {
            teller.plugins_changed();
        }
    }
}
