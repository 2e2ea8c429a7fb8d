//! Plugins that listen to devices. What a device says passes by here on the driver's thread, so looking whether anybody
//! listens costs one load.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use padgate_core::ids::DeviceId;
use padgate_core::time::Time;
use padgate_plugin_abi::PADGATE_EVENT_MIDI;

use super::midi::find;
use super::{DeviceNames, EventSink, Trouble};
use crate::clock;
use crate::plugins::part::PluginId;

/// The longest message that is told. A longer System Exclusive does not fit into a frame, and is left out.
pub const EVENT_BYTES_MAX: usize = 48 * 1024;

/// See the module.
pub(super) struct Listeners {
    devices: Arc<dyn DeviceNames>,
    events: Arc<dyn EventSink>,
    anybody: AtomicBool,
    /// A list is replaced, never changed: it is walked without the lock.
    lists: RwLock<HashMap<DeviceId, Arc<[Listener]>>>,
}

#[derive(Clone)]
struct Listener {
    plugin: PluginId,
    /// As the plugin calls the device.
    device: Arc<str>,
}

impl Listeners {
    pub(super) fn new(devices: Arc<dyn DeviceNames>, events: Arc<dyn EventSink>) -> Listeners {
        Listeners { devices, events, anybody: AtomicBool::new(false), lists: RwLock::default() }
    }

    /// From now on the plugin is told what the device says. Asking again changes nothing.
    pub(super) fn listen(&self, plugin: PluginId, device: &str) -> Result<(), Trouble> {
        let Some(id) = find(&*self.devices, device)? else {
            return Err(Trouble::invalid("\"Padgate Out\" is an output: there is nothing to listen to"));
        };
        self.change(|lists| {
            let list = lists.entry(id).or_insert_with(|| Arc::new([]));
            if !list.iter().any(|listener| listener.plugin == plugin) {
                let new = Listener { plugin, device: device.into() };
                *list = list.iter().cloned().chain([new]).collect();
            }
        });
        Ok(())
    }

    /// The plugin listens to nothing any more.
    pub(super) fn forget(&self, plugin: PluginId) {
        self.remove(|listener| listener.plugin == plugin);
    }

    /// The plugin listens only to what it still may listen to.
    pub(super) fn retain(&self, plugin: PluginId, may_listen: impl Fn(&str) -> bool) {
        let mine: Vec<Arc<str>> = {
            let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
            let all = lists.values().flat_map(|list| list.iter());
            all.filter(|listener| listener.plugin == plugin)
                .map(|listener| Arc::clone(&listener.device))
                .collect()
        };
        // Not under the lock: whoever decides may take its time.
        let gone: Vec<Arc<str>> = mine.into_iter().filter(|device| !may_listen(device)).collect();
        if !gone.is_empty() {
            self.remove(|listener| listener.plugin == plugin && gone.contains(&listener.device));
        }
    }

    /// Nobody listens any more.
    pub(super) fn clear(&self) {
        self.change(HashMap::clear);
    }

    /// A device said this.
    pub(super) fn heard(&self, device: DeviceId, bytes: &[u8], at: Time) {
        if !self.anybody.load(Ordering::Relaxed) || bytes.len() > EVENT_BYTES_MAX {
            return;
        }
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        let Some(list) = lists.get(&device).cloned() else { return };
        // Whoever takes events has locks of its own.
        drop(lists);
        let time_ns = clock::to_system(at);
        for listener in list.iter() {
            self.events.event(listener.plugin, PADGATE_EVENT_MIDI, time_ns, bytes, &listener.device);
        }
    }

    fn remove(&self, gone: impl Fn(&Listener) -> bool) {
        self.change(|lists| {
            for list in lists.values_mut() {
                if list.iter().any(&gone) {
                    *list = list.iter().filter(|listener| !gone(listener)).cloned().collect();
                }
            }
            lists.retain(|_, list| !list.is_empty());
        });
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<DeviceId, Arc<[Listener]>>)) {
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut lists);
        self.anybody.store(!lists.is_empty(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use padgate_core::ids::DeviceId;
    use padgate_core::time::Time;
    use padgate_plugin_abi::{PADGATE_EVENT_MIDI, PADGATE_INVALID, PADGATE_UNAVAILABLE};

    use super::{Arc, EVENT_BYTES_MAX, Listeners, PluginId, clock};
    use crate::plugins::broker::tests_kit::{Devices, Events};

    #[test]
    fn only_who_listens_is_told_and_only_of_that_device() {
        let (events, heard) = Events::new();
        let listeners = Listeners::new(Arc::new(Devices), events);
        let pads = DeviceId::new(2);
        listeners.heard(pads, &[0x90, 1, 1], Time(1));
        listeners.listen(PluginId(1), "pads").unwrap();
        listeners.listen(PluginId(1), "pads").unwrap();
        listeners.listen(PluginId(2), "pads").unwrap();
        listeners.heard(DeviceId::new(1), &[0x90, 2, 2], Time(2));
        listeners.heard(pads, &[0x90, 3, 3], Time(3));
        let long = vec![0; EVENT_BYTES_MAX + 1];
        listeners.heard(pads, &long, Time(4));
        listeners.forget(PluginId(2));
        listeners.heard(pads, &[0x90, 5, 5], Time(5));
        listeners.retain(PluginId(1), |device| device != "pads");
        listeners.heard(pads, &[0x90, 6, 6], Time(6));
        assert!(!listeners.anybody.load(super::Ordering::Relaxed));
        let told: Vec<_> = heard.try_iter().collect();
        let event = |plugin, at, note| {
            let time = clock::to_system(Time(at));
            (PluginId(plugin), PADGATE_EVENT_MIDI, time, vec![0x90, note, note], "pads".to_owned())
        };
        assert_eq!(told, [event(1, 3, 3), event(2, 3, 3), event(1, 5, 5)]);
    }

    #[test]
    fn what_can_not_be_listened_to_is_said() {
        let (events, _heard) = Events::new();
        let listeners = Listeners::new(Arc::new(Devices), events);
        let unknown = listeners.listen(PluginId(1), "organ").unwrap_err();
        assert_eq!(unknown.status, PADGATE_UNAVAILABLE);
        assert!(unknown.why.contains("\"organ\"") && unknown.why.contains("\"synth\""), "{}", unknown.why);
        assert_eq!(listeners.listen(PluginId(1), "").unwrap_err().status, PADGATE_INVALID);
    }
}
