//! The calls that the configuration makes of one plugin, and the presses whose release is to come.
//!
//! Each distinct call has a handle, a small number by which the host knows its parameters. A handle is forgotten when
//! neither the configuration nor a press that is under way needs it.

use std::collections::HashMap;
use std::sync::Arc;

use padgate_core::engine::PressId;
use padgate_core::ruleset::action::PluginCall;

use super::queue::HELD_MAX;

/// How many distinct calls of one plugin there can be.
pub const CALLS_MAX: usize = 4096;

/// A press that was taken, and whose release was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    press: PressId,
    handle: u32,
    /// The host that got it; `None` while it waits.
    generation: Option<u32>,
}

#[derive(Debug)]
struct Known {
    call: Arc<PluginCall>,
    /// Whether the configuration makes it.
    wanted: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Calls {
    known: Vec<Option<Known>>,
    by_address: HashMap<usize, u32>,
    by_value: HashMap<Arc<PluginCall>, u32>,
    held: Vec<Held>,
    /// How many the configuration makes no longer, that a press still needs.
    unwanted: usize,
}

fn address(call: &Arc<PluginCall>) -> usize {
    Arc::as_ptr(call) as usize
}

impl Calls {
    pub(super) fn new() -> Calls {
        Calls { held: Vec::with_capacity(HELD_MAX), ..Calls::default() }
    }

    /// The handle of a call, if it has one. The very same call is found by where it is, an equal one by what it says.
    pub(super) fn find(&self, call: &Arc<PluginCall>) -> Option<u32> {
        if let Some(handle) = self.by_address.get(&address(call)) {
            // An address means what it meant as long as the call that is there is kept, and it is.
            return Some(*handle);
        }
        self.by_value.get(call).copied()
    }

    /// The handle of a call, a new one if need be; `None` if there are too many.
    pub(super) fn add(&mut self, call: &Arc<PluginCall>) -> Option<u32> {
        if let Some(handle) = self.find(call) {
            return Some(handle);
        }
        let free = self.known.iter().position(Option::is_none);
        let index = match free {
            Some(index) => index,
            None if self.known.len() < CALLS_MAX => {
                self.known.push(None);
                self.known.len() - 1
            }
            None => return None,
        };
        let handle = u32::try_from(index).expect("there are at most CALLS_MAX");
        self.known[index] = Some(Known { call: Arc::clone(call), wanted: true });
        self.by_address.insert(address(call), handle);
        self.by_value.insert(Arc::clone(call), handle);
        Some(handle)
    }

    /// The configuration makes these calls and no others. Returns those that there was no room for.
    pub(super) fn replace<'a>(
        &mut self,
        calls: impl Iterator<Item = &'a Arc<PluginCall>>,
    ) -> Vec<Arc<PluginCall>> {
        self.known.iter_mut().flatten().for_each(|known| known.wanted = false);
        let mut left_out = Vec::new();
        for call in calls {
            let Some(handle) = self.add(call) else {
                left_out.push(Arc::clone(call));
                continue;
            };
            if let Some(known) = &mut self.known[handle as usize] {
                known.wanted = true;
                if !Arc::ptr_eq(&known.call, call) {
                    // The new configuration's own one is what presses will come with.
                    self.by_address.remove(&address(&known.call));
                    self.by_address.insert(address(call), handle);
                    known.call = Arc::clone(call);
                }
            }
        }
        left_out
    }

    /// Forgets what nobody needs any more, and says which handles these were.
    pub(super) fn sweep(&mut self, in_use: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut forgotten = Vec::new();
        self.unwanted = 0;
        for (index, place) in self.known.iter_mut().enumerate() {
            let handle = index as u32;
            let needed = |known: &Known| {
                known.wanted || in_use(handle) || self.held.iter().any(|held| held.handle == handle)
            };
            if let Some(known) = place.take_if(|known| !needed(known)) {
                self.by_address.remove(&address(&known.call));
                self.by_value.remove(&known.call);
                forgotten.push(handle);
            }
            self.unwanted += usize::from(place.as_ref().is_some_and(|known| !known.wanted));
        }
        forgotten
    }

    /// Whether something is kept that can be forgotten when its presses are over.
    pub(super) fn has_unwanted(&self) -> bool {
        self.unwanted > 0
    }

    /// All handles, in order.
    pub(super) fn handles(&self) -> impl Iterator<Item = (u32, &Arc<PluginCall>)> {
        self.known
            .iter()
            .enumerate()
            .filter_map(|(index, known)| known.as_ref().map(|known| (index as u32, &known.call)))
    }

    /// The call with this handle.
    pub(super) fn get(&self, handle: u32) -> Option<&Arc<PluginCall>> {
        self.known.get(handle as usize)?.as_ref().map(|known| &known.call)
    }

    /// Whether another press can be held.
    pub(super) fn can_hold(&self) -> bool {
        self.held.len() < HELD_MAX
    }

    /// A press was taken, whose release will come.
    pub(super) fn hold(&mut self, press: PressId, handle: u32) {
        self.held.push(Held { press, handle, generation: None });
    }

    /// A press was handed to a host.
    pub(super) fn handed(&mut self, press: PressId, handle: u32, generation: u32) {
        if let Some(held) = self
            .held
            .iter_mut()
            .find(|held| held.press == press && held.handle == handle && held.generation.is_none())
        {
            held.generation = Some(generation);
        }
    }

    /// A press that waited will not be done.
    pub(super) fn dropped(&mut self, press: PressId, handle: u32) {
        let place = self
            .held
            .iter()
            .position(|held| held.press == press && held.handle == handle && held.generation.is_none());
        if let Some(place) = place {
            self.held.swap_remove(place);
        }
    }

    /// Whether the press of a release was taken, and still means something.
    pub(super) fn is_held(&self, press: PressId, handle: u32) -> bool {
        self.held.iter().any(|held| held.press == press && held.handle == handle)
    }

    /// Whether the host of `generation` got the press of a release.
    pub(super) fn is_with(&self, press: PressId, handle: u32, generation: u32) -> bool {
        let mut held = self.held.iter().filter(|held| held.press == press && held.handle == handle);
        held.any(|held| held.generation == Some(generation))
    }

    /// The release is about to be handed to the host of `generation`. Returns whether that host got the press.
    pub(super) fn released(&mut self, press: PressId, handle: u32, generation: u32) -> bool {
        let place = self.held.iter().position(|held| held.press == press && held.handle == handle);
        place.is_some_and(|place| self.held.swap_remove(place).generation == Some(generation))
    }

    /// The host of this generation is gone, and what was pressed there with it.
    pub(super) fn lost(&mut self, generation: u32) {
        self.held.retain(|held| held.generation != Some(generation));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use padgate_core::engine::PressId;
    use padgate_core::ruleset::action::PluginCall;

    use super::Calls;

    fn call(parameters: &str) -> Arc<PluginCall> {
        Arc::new(PluginCall { plugin: "p".into(), action: "a".into(), parameters: parameters.into() })
    }

    #[test]
    fn equal_calls_have_one_handle_and_unneeded_handles_are_used_again() {
        let mut calls = Calls::new();
        let (one, same, two) = (call("{}"), call("{}"), call("{\"x\":1}"));
        assert!(calls.replace([&one, &two].into_iter()).is_empty());
        assert_eq!((calls.find(&one), calls.find(&same), calls.find(&two)), (Some(0), Some(0), Some(1)));
        calls.replace([&same].into_iter());
        assert_eq!(calls.find(&one), Some(0), "by its value");
        assert_eq!(calls.sweep(|handle| handle == 1), [0u32; 0]);
        assert_eq!(calls.sweep(|_| false), [1]);
        assert_eq!((calls.find(&two), calls.get(1)), (None, None));
        assert_eq!(calls.add(&call("{\"y\":2}")), Some(1));
    }

    #[test]
    fn a_release_goes_where_its_press_went() {
        let mut calls = Calls::new();
        let handle = calls.add(&call("{}")).unwrap();
        let press = PressId(4);
        calls.hold(press, handle);
        calls.replace([].into_iter());
        assert!(calls.sweep(|_| false).is_empty(), "the press needs it");
        calls.handed(press, handle, 1);
        assert!(calls.is_held(press, handle));
        assert!(calls.released(press, handle, 1));
        assert!(!calls.is_held(press, handle));
        calls.hold(press, handle);
        calls.handed(press, handle, 1);
        assert!(!calls.released(press, handle, 2), "another host knows nothing of the press");
        calls.hold(press, handle);
        calls.dropped(press, handle);
        assert!(!calls.is_held(press, handle));
        calls.hold(press, handle);
        calls.handed(press, handle, 3);
        calls.lost(3);
        assert!(!calls.is_held(press, handle));
        assert_eq!(calls.sweep(|_| false), [0]);
    }
}
