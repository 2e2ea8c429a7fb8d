//! What a user can change besides grants: whether a plugin is enabled, and whether it is loaded.

use std::sync::Arc;
use std::time::Instant;

use super::book::Book;
use super::{Plugins, SETTLE_WAIT};
use crate::lock::lock;
use crate::plugins::audit::{Entry, Event};
use crate::plugins::grants::GrantsError;
use crate::plugins::inventory::{Plugin, Standing};
use crate::plugins::part::PluginId;
use crate::plugins::supervisor::{HostState, HostStatus};

/// Why something could not be changed. The texts are for the user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// There is no such plugin; the text names the nearest.
    NotFound(String),
    /// What was asked for makes no sense.
    Invalid(String),
    /// It may not be, or could not be done.
    Refused(String),
    /// It is not any more what the user was shown.
    Changed(String),
}

impl Plugins {
    /// Lets a plugin be used, or gives one that died too often another chance.
    ///
    /// # Errors
    ///
    /// If there is no such plugin, or that can't be written down.
    pub fn enable(&self, name: &str) -> Result<bool, Trouble> {
        let (id, changed) = {
            let mut book = lock(&self.book);
            let (id, was) = (known(&book, name)?.id, known(&book, name)?.enabled);
            if !was {
                book.grants.set_enabled(name, true)?;
                self.audit.record(Entry::new(Event::Enable, name, "enabled"));
            }
            let unloaded = book.unloaded.remove(&id);
            let dead = self.is_dead(id);
            if dead {
                book.hosted.remove(&id);
            }
            self.rescan(&mut book);
            (id, !was || dead || unloaded)
        };
        self.await_host(id);
        Ok(changed)
    }

    /// Ends a plugin, and keeps it from being used until it is enabled.
    ///
    /// # Errors
    ///
    /// If there is no such plugin, or that can't be written down.
    pub fn disable(&self, name: &str) -> Result<bool, Trouble> {
        let mut book = lock(&self.book);
        let was = known(&book, name)?.enabled;
        if was {
            book.grants.set_enabled(name, false)?;
            self.audit.record(Entry::new(Event::Disable, name, "disabled"));
            self.rescan(&mut book);
            let id = known(&book, name)?.id;
            drop(book);
            self.await_host(id);
        }
        Ok(was)
    }

    /// Starts a plugin's host now, whether or not a mapping calls it.
    ///
    /// # Errors
    ///
    /// If there is no such plugin, it can't be used, or it does not become ready.
    pub fn load(&self, name: &str) -> Result<bool, Trouble> {
        let (id, changed) = {
            let mut book = lock(&self.book);
            self.rescan(&mut book);
            let plugin = known(&book, name)?;
            let id = plugin.id;
            usable(plugin)?;
            book.unloaded.remove(&id);
            book.loaded.insert(id);
            let dead = self.is_dead(id);
            if dead {
                book.hosted.remove(&id);
            }
            // Looking again may have begun to start it.
            let changed = dead || self.supervisor.status(id).state != HostState::Ready;
            self.settle(&mut book);
            if changed && !book.hosted.contains_key(&id) {
                return Err(Trouble::Refused(format!(
                    "the plugin {name:?} waits for a plugin that it needs: `padgate plugin info {name}` says for which"
                )));
            }
            (id, changed)
        };
        self.audit.record(Entry::new(Event::Load, name, "loaded by the user"));
        self.ready(name, &self.await_host(id)).map(|()| changed)
    }

    /// Ends a plugin's host; it is not started again until it is loaded, or the daemon starts.
    ///
    /// # Errors
    ///
    /// If there is no such plugin.
    pub fn unload(&self, name: &str) -> Result<bool, Trouble> {
        let mut book = lock(&self.book);
        let id = known(&book, name)?.id;
        book.loaded.remove(&id);
        // One that had no host yet is kept from getting one.
        let changed = book.unloaded.insert(id);
        self.settle(&mut book);
        drop(book);
        self.await_host(id);
        self.tell_changed();
        Ok(changed)
    }

    /// Reads a plugin's files again, and lets what is there now take over, with what the running one saved.
    ///
    /// # Errors
    ///
    /// If there is no such plugin, it can't be used, or it does not become ready: then the old one goes on.
    pub fn reload(&self, name: &str) -> Result<(), Trouble> {
        let id = {
            let mut book = lock(&self.book);
            book.inventory.forget();
            let before = book.hosted.get(&known(&book, name)?.id).cloned();
            self.rescan(&mut book);
            let plugin = known(&book, name)?.clone();
            usable(&plugin)?;
            book.unloaded.remove(&plugin.id);
            book.loaded.insert(plugin.id);
            let was_told = book.hosted.get(&plugin.id) != before.as_ref();
            if !was_told && let Some(hosting) = self.hosting(&book, &plugin) {
                // Nothing changed in the files; the user wants it anew all the same.
                self.host(&mut book, hosting);
            }
            self.settle(&mut book);
            plugin.id
        };
        let host = self.await_host(id);
        if let Some(why) = &host.not_replaced {
            return Err(Trouble::Refused(format!(
                "the plugin {name:?} could not be replaced, and the old one goes on: {why}"
            )));
        }
        self.ready(name, &host)
    }

    /// Looks through the plugin folders again.
    pub fn look_again(&self) {
        let mut book = lock(&self.book);
        book.inventory.forget();
        self.rescan(&mut book);
    }

    fn is_dead(&self, id: PluginId) -> bool {
        matches!(self.supervisor.status(id).state, HostState::Quarantined | HostState::Unusable)
    }

    /// Waits until the host has become what it will be: ready, dead, or absent.
    pub(super) fn await_host(&self, id: PluginId) -> HostStatus {
        let until = Instant::now() + SETTLE_WAIT;
        let mut book = lock(&self.book);
        loop {
            let status = self.supervisor.status(id);
            let hosted = book.hosted.contains_key(&id);
            let moving = match status.state {
                HostState::Starting | HostState::Restarting | HostState::Stopping => true,
                HostState::Absent => hosted,
                HostState::Ready => status.replacing,
                HostState::Quarantined | HostState::Unusable => false,
            };
            let left = until.saturating_duration_since(Instant::now());
            if !moving || left.is_zero() {
                return status;
            }
            // A note may come between the look and the wait: looking again soon costs nothing here.
            let wait = left.min(std::time::Duration::from_millis(20));
            book = self
                .settled
                .wait_timeout(book, wait)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(book, _)| book);
        }
    }

    fn ready(&self, name: &str, host: &HostStatus) -> Result<(), Trouble> {
        if host.state == HostState::Ready {
            return Ok(());
        }
        let why = host.reason.clone().unwrap_or_else(|| "it did not become ready in time".to_owned());
        Err(Trouble::Refused(format!("the plugin {name:?} does not run: {why}")))
    }
}

/// The plugin with this name.
pub(super) fn known<'a>(book: &'a Book, name: &str) -> Result<&'a Plugin, Trouble> {
    book.find(name).ok_or_else(|| {
        let names = book.plugins.iter().map(|plugin| &*plugin.name);
        let near = super::nearest(name, names).map(|near| format!("; did you mean {near:?}?"));
        let hint = near.unwrap_or_else(|| ": `padgate plugin list` shows those that there are".to_owned());
        Trouble::NotFound(format!("there is no plugin {name:?}{hint}"))
    })
}

fn usable(plugin: &Plugin) -> Result<(), Trouble> {
    let name = &plugin.name;
    match &plugin.standing {
        Standing::Ready => Ok(()),
        Standing::WaitingForGrant(_) => Err(Trouble::Refused(format!(
            "the plugin {name:?} waits for a grant: `padgate plugin grant {name}` shows what it asks for, and allows it"
        ))),
        Standing::Disabled => Err(Trouble::Refused(format!(
            "the plugin {name:?} is disabled: `padgate plugin enable {name}` enables it"
        ))),
        Standing::Unusable(why) => Err(Trouble::Refused(format!("the plugin {name:?} can't be used: {why}"))),
    }
}

impl From<GrantsError> for Trouble {
    fn from(error: GrantsError) -> Trouble {
        Trouble::Refused(error.to_string())
    }
}

impl Plugins {
    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> &Arc<crate::plugins::audit::Audit> {
        &self.audit
    }
}
