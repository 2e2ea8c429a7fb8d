//! The inventory: every plugin that was found, what it is, and whether it can be used.
//!
//! Nothing here runs any code of a plugin. A binary is read, hashed, looked at for its signature and copied into the
//! store in one go ([`super::store`]); one that has not changed since is not read again.

mod catalogue;
mod scan;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use padgate_core::capability::Rights;
use padgate_core::config::Diagnostic;
use padgate_core::manifest::Manifest;

pub use catalogue::Catalogue;
pub use scan::Inventory;

use super::gate::Gated;
use super::grants::Grant;
use super::part::PluginId;
pub use super::signature::Signature;

/// A plugin that was found, working or not.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Its number, which stays the same as long as the daemon runs.
    pub id: PluginId,
    /// Its name, which is that of its folder.
    pub name: Arc<str>,
    /// The folder with its `plugin.toml`.
    pub folder: PathBuf,
    /// Its data folder. Made when it is first hosted.
    pub data_folder: PathBuf,
    /// What it says of itself; `None` if that can't be read.
    pub manifest: Option<Arc<Manifest>>,
    /// What is wrong with its manifest.
    pub problems: Vec<Diagnostic>,
    /// What its binary is; `None` if there is none that could be used.
    pub integrity: Option<Integrity>,
    /// Whether it can be called, and why not.
    pub standing: Standing,
    /// Whether the user wants it.
    pub enabled: bool,
    /// What it may do.
    pub rights: Rights,
    /// What of its rights was granted without asking, because its risk is low.
    pub auto_granted: Rights,
    /// What it requests and may not do; it may wait for that ([`Standing::WaitingForGrant`]), or go without.
    pub missing: Rights,
    /// What the user agreed to for this file of it; `None` if he was not asked yet.
    pub grant: Option<Grant>,
    /// The names of the plugins that it needs, in the order of its manifest.
    pub needs: Vec<Arc<str>>,
    /// Other folders with a plugin of this name, which are not used.
    pub shadows: Vec<PathBuf>,
}

/// Whether a plugin can be called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It can.
    Ready,
    /// The user has not granted what it can't do without. These are missing.
    WaitingForGrant(Rights),
    /// The user does not want it.
    Disabled,
    /// It can't be used, and this sentence (without a full stop) says why.
    Unusable(String),
}

/// What a plugin's binary is, and who vouches for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Integrity {
    /// The SHA-256 of the binary, in 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The copy in the store, which is what is loaded. Absolute.
    pub library: PathBuf,
    /// Who signed it.
    pub signature: Signature,
}

impl Plugin {
    /// What the plugin requests; nothing if its manifest can't be read.
    #[must_use]
    pub fn request(&self) -> Rights {
        self.manifest.as_ref().map_or(Rights::NONE, |manifest| manifest.request.clone())
    }

    /// What the gate is to know of it.
    #[must_use]
    pub fn gated(&self) -> Gated {
        Gated {
            id: self.id,
            name: Arc::clone(&self.name),
            standing: self.standing.clone(),
            rights: self.rights.clone(),
            request: self.request(),
            data_folder: self.data_folder.clone(),
            folder: self.folder.clone(),
        }
    }
}
