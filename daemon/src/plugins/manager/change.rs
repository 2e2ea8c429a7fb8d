//! What a user can change: grants, whether a plugin is enabled, and whether it is loaded.

use std::sync::Arc;
use std::time::Instant;

use padgate_core::capability::{Capability, Rights};
use sha2::{Digest as _, Sha256};

use super::book::Book;
use super::settle::is_direct;
use super::{Plugins, SETTLE_WAIT};
use crate::lock::lock;
use crate::plugins::audit::{Entry, Event};
use crate::plugins::grants::{Grant, GrantsError, Protected, Tie};
use crate::plugins::inventory::{Integrity, Plugin, Signature, Standing};
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

/// What a user would grant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wish {
    /// Capabilities with their scopes, as on the command line; `None`: all that the plugin asks for.
    pub rights: Option<Vec<String>>,
    /// Whether the grant is for whatever the signer signs, instead of for this file alone.
    pub tie_to_key: bool,
}

/// What a grant would be, before it is given.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The plugin.
    pub plugin: Plugin,
    /// What it would be allowed that it is not now.
    pub new: Rights,
    /// What it would be allowed in all.
    pub granted: Rights,
    /// Why none of this can be granted, if it can't.
    pub refused: Option<String>,
    /// Stands for all of this: a grant with it grants just what was shown.
    pub confirm: String,
}

/// What was granted.
#[derive(Clone, Debug)]
pub struct Granted {
    /// As it was proposed.
    pub proposal: Proposal,
    /// How its host is now.
    pub host: HostStatus,
}

impl Plugins {
    /// What would be granted.
    ///
    /// # Errors
    ///
    /// If there is no such plugin, it has nothing that could be granted, or the wish makes no sense.
    pub fn propose(&self, name: &str, wish: &Wish) -> Result<Proposal, Trouble> {
        let mut book = lock(&self.book);
        // The file may have changed since the last look.
        self.rescan(&mut book);
        self.proposal(&book, name, wish).map(|(proposal, _)| proposal)
    }

    fn proposal(&self, book: &Book, name: &str, wish: &Wish) -> Result<(Proposal, Integrity), Trouble> {
        let plugin = known(book, name)?.clone();
        let Some(integrity) = plugin.integrity.clone() else {
            let why = match &plugin.standing {
                Standing::Unusable(why) => why.clone(),
                _ => "it has no binary".to_owned(),
            };
            return Err(Trouble::Refused(format!("nothing can be granted to the plugin {name:?}: {why}")));
        };
        let request = plugin.request();
        let granted = match &wish.rights {
            None => request.clone(),
            Some(texts) => narrowed(&plugin, &request, texts)?,
        };
        let tie = if wish.tie_to_key { "key" } else { "file" };
        let shown = format!("{}\n{tie}\n{request:?}\n{granted:?}\n{:?}", integrity.sha256, plugin.rights);
        let confirm = Sha256::digest(shown.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let refused = Protected::new(&self.folders, &book.settings).refuses(&granted);
        let new = granted.beyond(&plugin.rights);
        Ok((Proposal { plugin, new, granted, refused, confirm }, integrity))
    }

    /// Grants what was proposed.
    ///
    /// # Errors
    ///
    /// As [`Plugins::propose`]; and if it is something else now than what was shown, or may not be granted.
    pub fn grant(&self, name: &str, wish: &Wish, confirm: &str) -> Result<Granted, Trouble> {
        let (proposal, id) = {
            let mut book = lock(&self.book);
            self.rescan(&mut book);
            let (proposal, integrity) = self.proposal(&book, name, wish)?;
            if proposal.confirm != confirm {
                return Err(Trouble::Changed(format!(
                    "the plugin {name:?} is not any more what was shown: look at it again"
                )));
            }
            if let Some(why) = &proposal.refused {
                return Err(Trouble::Refused(why.clone()));
            }
            let tie = match (&integrity.signature, wish.tie_to_key) {
                (_, false) => Tie::Hash(integrity.sha256.clone()),
                (Signature::Good { key, .. }, true) => Tie::Key(key.clone()),
                (_, true) => {
                    return Err(Trouble::Refused(format!(
                        "the plugin {name:?} is not signed with a key that you trust, so that nothing can be tied to \
                         one; without `--tie key` the grant is for this file alone"
                    )));
                }
            };
            let grant = Grant {
                plugin: name.to_owned(),
                tie,
                given: jiff::Timestamp::now().to_string(),
                requested: proposal.plugin.request(),
                granted: proposal.granted.clone(),
            };
            let protected = Protected::new(&self.folders, &book.settings);
            book.grants.record(grant, &integrity, &protected)?;
            self.audit.record(
                Entry::new(Event::Grant, name, words(&proposal.granted)).detail(integrity.sha256.clone()),
            );
            book.unloaded.remove(&proposal.plugin.id);
            self.rescan(&mut book);
            let id = proposal.plugin.id;
            (proposal, id)
        };
        let host = self.await_host(id);
        Ok(Granted { proposal, host })
    }

    /// Takes capabilities back; all of them if none is named. Returns what was taken, and whether the host was started
    /// anew for it.
    ///
    /// # Errors
    ///
    /// If there is no such plugin, or the grants can't be written.
    pub fn revoke(&self, name: &str, capabilities: &[String]) -> Result<(Vec<Capability>, bool), Trouble> {
        let mut book = lock(&self.book);
        let plugin = known(&book, name)?;
        let (id, rights) = (plugin.id, plugin.rights.clone());
        let mut taken = Vec::new();
        for text in capabilities {
            taken.push(Capability::of_name(text).ok_or_else(|| {
                let names: Vec<&str> = Capability::ALL.iter().map(|capability| capability.name()).collect();
                Trouble::Invalid(format!("there is no capability {text:?}: there are {}", names.join(", ")))
            })?);
        }
        if capabilities.is_empty() {
            taken.extend(plugin.request().capabilities());
        }
        let running = book.hosted.contains_key(&id);
        book.grants.revoke(name, &taken)?;
        let had: Vec<Capability> = taken.into_iter().filter(|capability| rights.has(*capability)).collect();
        let names: Vec<&str> = had.iter().map(|capability| capability.name()).collect();
        self.audit.record(Entry::new(Event::Revoke, name, format!("taken back: {}", names.join(", "))));
        self.rescan(&mut book);
        let restarted = running && had.iter().any(|capability| is_direct(&rights, *capability));
        Ok((had, restarted))
    }

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
            book.unloaded.remove(&id);
            let dead = self.is_dead(id);
            if dead {
                book.hosted.remove(&id);
            }
            self.rescan(&mut book);
            (id, !was || dead)
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
            let changed = dead || !book.hosted.contains_key(&id);
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
        book.unloaded.insert(id);
        let changed = book.hosted.contains_key(&id);
        self.settle(&mut book);
        drop(book);
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
                book.replace_failed.remove(&plugin.id);
                book.hosted.insert(plugin.id, hosting.clone());
                self.supervisor.host(hosting);
            }
            self.settle(&mut book);
            plugin.id
        };
        let host = self.await_host(id);
        if let Some(why) = lock(&self.book).replace_failed.get(&id) {
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
    fn await_host(&self, id: PluginId) -> HostStatus {
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

/// The rights that the texts say, and what the plugin has already of capabilities that they don't name.
fn narrowed(plugin: &Plugin, request: &Rights, texts: &[String]) -> Result<Rights, Trouble> {
    let mut granted = plugin.rights.clone();
    for text in texts {
        let (capability, scope) = Rights::parse_one(text).map_err(Trouble::Invalid)?;
        if !request.has(capability) {
            return Err(Trouble::Invalid(format!(
                "the plugin {:?} does not ask for {capability}",
                plugin.name
            )));
        }
        let wanted = scope.unwrap_or_else(|| request.only(capability));
        if !wanted.is_within(request) {
            return Err(Trouble::Invalid(format!(
                "{text:?} is more than the plugin {:?} asks for, which is {}",
                plugin.name,
                request.one_text(capability).unwrap_or_default()
            )));
        }
        granted.remove(capability);
        granted = granted.joined(&wanted);
    }
    Ok(granted)
}

/// Rights in a line, for the audit log.
pub(super) fn words(rights: &Rights) -> String {
    let parts: Vec<String> =
        rights.capabilities().filter_map(|capability| rights.one_text(capability)).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
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
