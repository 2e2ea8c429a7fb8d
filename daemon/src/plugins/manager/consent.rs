//! What a user grants and takes back: shown first, and granted only if it is still what was shown.

use std::path::Path;

use padgate_core::capability::{Capability, Rights};
use sha2::{Digest as _, Sha256};

use super::Plugins;
use super::book::Book;
use super::change::{Trouble, known};
use super::settle::is_direct;
use crate::lock::lock;
use crate::plugins::audit::{Entry, Event};
use crate::plugins::grants::{Grant, Protected, Tie};
use crate::plugins::inventory::{Integrity, Plugin, Signature, Standing};
use crate::plugins::supervisor::HostStatus;

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
    /// What it would be allowed otherwise than now, each with its whole new scope.
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
            Some(texts) => narrowed(&plugin, &request, texts, &self.folders.home)?,
        };
        let tie = if wish.tie_to_key { "key" } else { "file" };
        // All that is shown: also the author and the description, which a manifest can change, and who signed.
        let shown = format!(
            "{}\n{tie}\n{:?}\n{:?}\n{request:?}\n{granted:?}\n{:?}",
            integrity.sha256, integrity.signature, plugin.manifest, plugin.rights
        );
        let confirm = Sha256::digest(shown.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let refused = Protected::new(&self.folders, &book.settings).refuses(&granted);
        // Also what would be narrower than now: that is for the user to see and to agree to as well.
        let mut new = granted.clone();
        for capability in granted.capabilities() {
            if granted.only(capability) == plugin.rights.only(capability) {
                new.remove(capability);
            }
        }
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
        let text = match names.as_slice() {
            // From now on it is not granted by itself either.
            [] => "taken back what it did not have".to_owned(),
            names => format!("taken back: {}", names.join(", ")),
        };
        self.audit.record(Entry::new(Event::Revoke, name, text));
        self.rescan(&mut book);
        // Without what it must have it is not started again.
        let running = running && book.hosted.contains_key(&id);
        drop(book);
        // When this returns, what was taken back is not had any more.
        self.await_host(id);
        let restarted = running && had.iter().any(|capability| is_direct(&rights, *capability));
        Ok((had, restarted))
    }
}

/// The rights that the texts say, and what the plugin has already of capabilities that they don't name.
fn narrowed(plugin: &Plugin, request: &Rights, texts: &[String], home: &Path) -> Result<Rights, Trouble> {
    let mut granted = plugin.rights.clone();
    let mut named = Vec::new();
    for text in texts {
        let (capability, scope) = Rights::parse_one(text).map_err(Trouble::Invalid)?;
        if !request.has(capability) {
            return Err(Trouble::Invalid(format!(
                "the plugin {:?} does not ask for {capability}",
                plugin.name
            )));
        }
        let mut wanted = scope.unwrap_or_else(|| request.only(capability));
        if !wanted.is_within(request) {
            // The shell may have put the home folder in the place of `~`.
            wanted = wanted.below_home(&home.to_string_lossy());
        }
        if !wanted.is_within(request) {
            return Err(Trouble::Invalid(format!(
                "{text:?} is more than the plugin {:?} asks for, which is {}",
                plugin.name,
                request.one_text(capability).unwrap_or_default()
            )));
        }
        // Named for the first time it replaces what the plugin has; from then on it adds to what was named.
        if !named.contains(&capability) {
            granted.remove(capability);
            named.push(capability);
        }
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
