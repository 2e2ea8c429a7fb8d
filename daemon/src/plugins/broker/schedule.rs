//! What is planned: a list in the order of time, in which what is planned for the same time keeps the order in which it
//! was planned. Knows no clock.

use std::collections::{BTreeMap, HashMap};

use padgate_core::time::Time;

use crate::plugins::part::PluginId;

/// See the module.
pub(super) struct Plan<T> {
    entries: BTreeMap<(Time, u64), (PluginId, T)>,
    counts: HashMap<PluginId, usize>,
    planned: u64,
}

impl<T> Default for Plan<T> {
    fn default() -> Plan<T> {
        Plan { entries: BTreeMap::new(), counts: HashMap::new(), planned: 0 }
    }
}

impl<T> Plan<T> {
    /// How much is planned for the plugin.
    pub(super) fn count(&self, plugin: PluginId) -> usize {
        self.counts.get(&plugin).copied().unwrap_or(0)
    }

    /// When the first of it is due.
    pub(super) fn next(&self) -> Option<Time> {
        self.entries.first_key_value().map(|((at, _), _)| *at)
    }

    /// Plans something.
    pub(super) fn add(&mut self, at: Time, plugin: PluginId, what: T) {
        self.planned += 1;
        self.entries.insert((at, self.planned), (plugin, what));
        *self.counts.entry(plugin).or_default() += 1;
    }

    /// Takes out the first, if it is due.
    pub(super) fn take_due(&mut self, now: Time) -> Option<(PluginId, T)> {
        let first = self.entries.first_entry().filter(|first| first.key().0 <= now)?;
        let (plugin, what) = first.remove();
        self.uncount(plugin);
        Some((plugin, what))
    }

    /// Takes out all of the plugin's that is wanted, in the order of its time.
    pub(super) fn take(&mut self, plugin: PluginId, mut wanted: impl FnMut(&T) -> bool) -> Vec<T> {
        let mine: Vec<(Time, u64)> = self
            .entries
            .iter()
            .filter(|(_, (owner, what))| *owner == plugin && wanted(what))
            .map(|(key, _)| *key)
            .collect();
        mine.into_iter()
            .filter_map(|key| {
                self.uncount(plugin);
                self.entries.remove(&key).map(|(_, what)| what)
            })
            .collect()
    }

    /// All that is planned for the plugin.
    pub(super) fn of(&self, plugin: PluginId) -> impl Iterator<Item = &T> {
        self.entries.values().filter(move |(owner, _)| *owner == plugin).map(|(_, what)| what)
    }

    /// Takes out everything.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.counts.clear();
    }

    fn uncount(&mut self, plugin: PluginId) {
        if let Some(count) = self.counts.get_mut(&plugin) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&plugin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, PluginId, Time};

    #[test]
    fn order_is_by_time_and_then_as_planned() {
        let mut plan = Plan::default();
        for (at, what) in [(5, 'c'), (3, 'a'), (5, 'd'), (3, 'b'), (9, 'e')] {
            plan.add(Time(at), PluginId(1), what);
        }
        assert_eq!(plan.next(), Some(Time(3)));
        let mut due = String::new();
        while let Some((_, what)) = plan.take_due(Time(5)) {
            due.push(what);
        }
        assert_eq!(due, "abcd");
        assert_eq!((plan.next(), plan.count(PluginId(1))), (Some(Time(9)), 1));
    }

    #[test]
    fn what_is_taken_is_one_plugin_s() {
        let mut plan = Plan::default();
        for (plugin, what) in [(1, 1), (2, 2), (1, 3), (1, 4)] {
            plan.add(Time(7), PluginId(plugin), what);
        }
        assert_eq!(plan.take(PluginId(1), |what| *what != 3), [1, 4]);
        assert_eq!((plan.count(PluginId(1)), plan.count(PluginId(2))), (1, 1));
        assert_eq!(plan.take(PluginId(1), |_| true), [3]);
        assert_eq!(plan.count(PluginId(1)), 0);
    }
}
