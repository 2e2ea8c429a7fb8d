//! What the user granted to plugins, and whether he wants them: the file `grants.toml`.
//!
//! A grant remembers what the plugin asked for when the user agreed (`requested`), and what he agreed to (`granted`).
//! It is tied to the plugin's file, by its hash, or to the key that signed it. A plugin whose file has changed has no
//! grant any more; one that asks for more than it did goes on with what it has.
//!
//! The file is for people to read, and may be changed by hand. If it can't be read, nothing is granted, and Padgate
//! does not touch it: what the user decided must not be lost over a missing bracket.

mod decide;
mod file;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use padgate_core::capability::{Capability, Rights};
use padgate_core::manifest::is_plugin_name;
use padgate_core::ruleset::plugins::PluginSettings;

pub use decide::{Decision, decide};

use super::folders::Folders;
use super::inventory::Integrity;
use super::signature::Signature;
use super::store::is_sha256;

/// The longest file, in bytes.
pub const FILE_BYTES_MAX: u64 = 4 << 20;

/// How many grants of one plugin are kept, for as many versions of its file. With one more, the oldest goes.
pub const GRANTS_PER_PLUGIN: usize = 16;

/// What a grant is tied to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tie {
    /// To the very file: its SHA-256.
    Hash(String),
    /// To whoever signed it: the whole public key.
    Key(String),
}

impl Tie {
    /// Whether the file, or its signer, is the one that is meant.
    #[must_use]
    pub fn holds(&self, integrity: &Integrity) -> bool {
        match self {
            Tie::Hash(sha256) => *sha256 == integrity.sha256,
            Tie::Key(key) => {
                matches!(&integrity.signature, Signature::Good { key: signer, .. } if signer == key)
            }
        }
    }
}

/// What the user agreed to for one plugin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The plugin's name.
    pub plugin: String,
    /// For which file, or whose.
    pub tie: Tie,
    /// When, as in RFC 3339.
    pub given: String,
    /// What the plugin asked for then.
    pub requested: Rights,
    /// What the user agreed to.
    pub granted: Rights,
}

/// What is kept of a plugin whatever its file is.
#[derive(Clone, PartialEq, Eq, Debug)]
struct State {
    enabled: bool,
    /// Capabilities that were taken back: these are not granted by themselves any more, however low their risk is.
    denied: Vec<Capability>,
}

impl Default for State {
    fn default() -> State {
        State { enabled: true, denied: Vec::new() }
    }
}

/// What the file says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Content {
    plugins: BTreeMap<String, State>,
    /// The oldest first.
    grants: Vec<Grant>,
}

/// What was granted, as of the last reading or writing of the file.
#[derive(Debug)]
pub struct Grants {
    path: PathBuf,
    content: Content,
    problem: Option<String>,
}

/// What a plugin may never be granted.
#[derive(Clone, Debug)]
pub struct Protected {
    home: PathBuf,
    folders: Vec<PathBuf>,
}

impl Protected {
    /// Everything that decides what plugins may do.
    #[must_use]
    pub fn new(folders: &Folders, settings: &PluginSettings) -> Protected {
        Protected { home: folders.home.clone(), folders: folders.protected(settings) }
    }

    /// Why these rights would undo others; `None` if they would not.
    #[must_use]
    pub fn refuses(&self, rights: &Rights) -> Option<String> {
        padgate_plugin_host::profile::overlap(rights, &self.home, &self.folders)
    }
}

/// Why something was not granted, taken back, enabled or disabled. Nothing has changed then.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GrantsError {
    /// The file is there and makes no sense.
    #[error("{0}; correct that, or move the file away to begin anew")]
    Broken(String),
    /// The file can't be written.
    #[error("{0}")]
    Unwritable(String),
    /// What was to be granted can't be.
    #[error("{0}")]
    Refused(String),
}

impl Grants {
    /// Reads the file; if there is none, nothing is granted. Whether it could be read, [`Grants::problem`] says.
    #[must_use]
    pub fn load(path: &Path) -> Grants {
        let mut grants = Grants { path: path.to_path_buf(), content: Content::default(), problem: None };
        grants.reload();
        grants
    }

    /// Reads the file again.
    pub fn reload(&mut self) {
        (self.content, self.problem) = match file::read(&self.path) {
            Ok(content) => (content, None),
            Err(problem) => (Content::default(), Some(problem)),
        };
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why the file can't be read, with the place, without a full stop. No plugin may be used then: which of them were
    /// disabled is not known either.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Whether the user wants the plugin. Plugins are wanted until the user says otherwise.
    #[must_use]
    pub fn is_enabled(&self, plugin: &str) -> bool {
        self.content.plugins.get(plugin).is_none_or(|state| state.enabled)
    }

    /// Capabilities of the plugin that the user took back and did not grant again.
    #[must_use]
    pub fn denied(&self, plugin: &str) -> &[Capability] {
        self.content.plugins.get(plugin).map_or(&[], |state| &state.denied)
    }

    /// All grants for a plugin, also those for other files of it; the oldest first.
    pub fn of<'a>(&'a self, plugin: &'a str) -> impl DoubleEndedIterator<Item = &'a Grant> {
        self.content.grants.iter().filter(move |grant| grant.plugin == plugin)
    }

    /// The grant that holds for this file of the plugin: the youngest.
    #[must_use]
    pub fn find(&self, plugin: &str, integrity: &Integrity) -> Option<&Grant> {
        let holds = |grant: &&Grant| grant.plugin == plugin && grant.tie.holds(integrity);
        self.content.grants.iter().rev().find(holds)
    }

    /// Keeps a grant, and writes the file. What was granted for the same file before is replaced; grants for other
    /// files of the plugin stay.
    ///
    /// # Errors
    ///
    /// If the grant would undo others, is not for this file, goes beyond what was requested, or the file can't be read
    /// or written.
    pub fn record(
        &mut self,
        grant: Grant,
        integrity: &Integrity,
        protected: &Protected,
    ) -> Result<(), GrantsError> {
        let refused = |why: &str| Err(GrantsError::Refused(why.to_owned()));
        if !is_plugin_name(&grant.plugin) {
            return refused("nothing can be granted to a plugin without a proper name");
        }
        if !grant.tie.holds(integrity) {
            return match grant.tie {
                Tie::Key(_) => {
                    refused("the plugin is not signed with that key, so that nothing can be tied to it")
                }
                Tie::Hash(_) => {
                    refused("the plugin's file has changed since it was looked at: look at it again")
                }
            };
        }
        let over = grant.granted.beyond(&grant.requested);
        if over != Rights::NONE {
            let over = over.capabilities().map(Capability::name).collect::<Vec<_>>().join(", ");
            return Err(GrantsError::Refused(format!(
                "the plugin {:?} does not ask for that much: {over}",
                grant.plugin
            )));
        }
        if let Some(why) = protected.refuses(&grant.granted) {
            return Err(GrantsError::Refused(why));
        }
        self.change(|content| {
            let state = content.plugins.entry(grant.plugin.clone()).or_default();
            state.denied.retain(|denied| !grant.granted.has(*denied));
            content.grants.retain(|old| old.plugin != grant.plugin || !old.tie.holds(integrity));
            let mut before = content.grants.iter().filter(|old| old.plugin == grant.plugin).count();
            content.grants.retain(|old| {
                let goes = old.plugin == grant.plugin && before >= GRANTS_PER_PLUGIN;
                before -= usize::from(goes);
                !goes
            });
            content.grants.push(grant);
        })
    }

    /// Takes capabilities back from a plugin, whichever file of it they were granted for, and writes the file. They are
    /// not granted by themselves again either.
    ///
    /// # Errors
    ///
    /// If the file can't be read or written, or the plugin has no proper name.
    pub fn revoke(&mut self, plugin: &str, capabilities: &[Capability]) -> Result<(), GrantsError> {
        self.change_of(plugin, |content| {
            let state = content.plugins.entry(plugin.to_owned()).or_default();
            state.denied.extend_from_slice(capabilities);
            state.denied.sort_unstable();
            state.denied.dedup();
            for grant in content.grants.iter_mut().filter(|grant| grant.plugin == plugin) {
                capabilities.iter().for_each(|capability| grant.granted.remove(*capability));
            }
        })
    }

    /// Keeps whether the user wants the plugin, and writes the file.
    ///
    /// # Errors
    ///
    /// If the file can't be read or written, or the plugin has no proper name.
    pub fn set_enabled(&mut self, plugin: &str, enabled: bool) -> Result<(), GrantsError> {
        self.change_of(plugin, |content| {
            content.plugins.entry(plugin.to_owned()).or_default().enabled = enabled;
        })
    }

    fn change_of(&mut self, plugin: &str, change: impl FnOnce(&mut Content)) -> Result<(), GrantsError> {
        if !is_plugin_name(plugin) {
            return Err(GrantsError::Refused(format!("{plugin:?} is no name of a plugin")));
        }
        self.change(change)
    }

    /// Changes the file as it is now, which may not be as it was when it was last read.
    fn change(&mut self, change: impl FnOnce(&mut Content)) -> Result<(), GrantsError> {
        let changed = file::change(&self.path, |content| {
            change(content);
            content.plugins.retain(|_, state| *state != State::default());
        });
        match changed {
            Ok(content) => {
                (self.content, self.problem) = (content, None);
                Ok(())
            }
            Err(error) => {
                if let GrantsError::Broken(problem) = &error {
                    (self.content, self.problem) = (Content::default(), Some(problem.clone()));
                }
                Err(error)
            }
        }
    }
}

/// Whether a tie is one that could hold, for what is read from the file.
fn is_tie(tie: &Tie) -> bool {
    match tie {
        Tie::Hash(sha256) => is_sha256(sha256),
        Tie::Key(key) => super::signature::is_key(key),
    }
}
