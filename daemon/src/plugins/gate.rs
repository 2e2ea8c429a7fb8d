//! The gate: the one place that decides whether something may be done for a plugin. Nothing acts without a [`Permit`],
//! and only this module can make one.

use super::part::PluginId;

/// Leave to do one thing for one plugin. It can't be copied, and whoever acts takes it.
#[derive(Debug)]
pub struct Permit {
    plugin: PluginId,
}

impl Permit {
    /// For this plugin.
    #[must_use]
    pub fn plugin(&self) -> PluginId {
        self.plugin
    }
}
