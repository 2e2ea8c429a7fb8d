//! What the configuration says of plugins: `[plugins]` for all, `[plugin.NAME]` for one.

use crate::manifest::Limits;

/// What holds for plugins.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PluginSettings {
    /// Folders to look for plugins in, before the user's and the system's own. As written, `~/` for the home folder.
    pub folders: Vec<String>,
    /// What is granted without asking.
    pub auto_grant: AutoGrant,
    /// Which plugins must be signed.
    pub signatures: SignaturePolicy,
    /// The minisign public keys that the user trusts, as text (`RW…`).
    pub trusted_keys: Vec<String>,
    /// What to do with a plugin that this system can't confine fully.
    pub unenforced: UnenforcedPolicy,
    /// Whether the folders are watched, so that a changed plugin is loaded by itself.
    pub watch: bool,
    /// Limits that the user sets for one plugin, by its name. They win over what the manifest says.
    pub limits: Vec<(String, Limits)>,
}

/// What is granted without asking.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AutoGrant {
    /// Requests of low risk.
    #[default]
    Low,
    /// Nothing.
    None,
}

/// Which plugins must be signed by a trusted key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SignaturePolicy {
    /// None. A signature that is there is verified all the same, and a wrong one is refused.
    #[default]
    Off,
    /// Those that request something of high risk.
    HighRisk,
    /// All.
    Required,
}

/// What to do with a plugin that this system can't confine fully.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum UnenforcedPolicy {
    /// It is not run.
    #[default]
    Refuse,
    /// It is run with what the daemon does for it; direct forms are not there.
    Brokered,
    /// It is run, as confined as it can be.
    Run,
}
