//! Which life of a plugin something is done for.
//!
//! What a worker does for a plugin can begin just when the plugin's host ends. Whoever ends what is under way would not
//! find it yet, and it would go on for a plugin that is not there. So each job knows the life that it was asked in:
//! first it makes itself known, then it looks whether that life is over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::lock::lock;
use crate::plugins::part::PluginId;

/// Counts the lives of plugins.
#[derive(Default)]
pub(super) struct Lives {
    ended: Mutex<Ended>,
}

#[derive(Default)]
struct Ended {
    of: HashMap<PluginId, u64>,
    all: bool,
}

/// One life of one plugin.
#[derive(Clone)]
pub(super) struct Life {
    lives: Arc<Lives>,
    /// Whose.
    pub(super) plugin: PluginId,
    number: u64,
}

impl Lives {
    /// The plugin's life now.
    pub(super) fn of(self: &Arc<Lives>, plugin: PluginId) -> Life {
        let number = lock(&self.ended).of.get(&plugin).copied().unwrap_or(0);
        Life { lives: Arc::clone(self), plugin, number }
    }

    /// The plugin's life is over. To be said before what is under way is ended.
    pub(super) fn end(&self, plugin: PluginId) {
        *lock(&self.ended).of.entry(plugin).or_default() += 1;
    }

    /// All lives are over, for good.
    pub(super) fn end_all(&self) {
        lock(&self.ended).all = true;
    }
}

impl Life {
    /// Whether it is over. To be asked after what is under way was made known.
    pub(super) fn is_over(&self) -> bool {
        let ended = lock(&self.lives.ended);
        ended.all || ended.of.get(&self.plugin).copied().unwrap_or(0) != self.number
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Lives, PluginId};

    #[test]
    fn a_life_ends_once_and_for_one() {
        let lives = Arc::new(Lives::default());
        let (one, other) = (lives.of(PluginId(1)), lives.of(PluginId(2)));
        lives.end(PluginId(1));
        let next = lives.of(PluginId(1));
        assert_eq!([one.is_over(), other.is_over(), next.is_over()], [true, false, false]);
        lives.end_all();
        assert!(other.is_over() && lives.of(PluginId(3)).is_over());
    }
}
