//! MIDI for plugins: messages now or later, and the release of what sounds when a plugin ends.
//!
//! Everything goes out under one lock: so a message can't come after the release that its plugin's end causes. Sending
//! does not wait, so neither does the lock. A thread sleeps until exactly the next planned message; it is started with
//! the first, and costs nothing while nothing is planned.
//!
//! What a plugin sends goes out to the device and nowhere else: it never comes into the engine, so that no loop can be
//! built inside Padgate.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use padgate_core::ids::DeviceId;
use padgate_core::time::Time;
use padgate_plugin_abi::PADGATE_LIMIT;

use super::held::{Change, Ledger, fault};
use super::schedule::Plan;
use super::{DeviceNames, Trouble};
use crate::clock;
use crate::hands::MidiSend;
use crate::lock::lock;
use crate::pipeline::sharpen;
use crate::plugins::part::PluginId;

/// The longest System Exclusive that a plugin can send, in bytes.
pub const SYSEX_BYTES_MAX: usize = 48 * 1024;
/// How far ahead something can be planned.
pub const AHEAD_MAX: Duration = Duration::from_secs(60);
/// How many messages can be planned for one plugin. Beyond, a message is refused with `PADGATE_LIMIT`. Releases have as
/// much room again; beyond that, a release is sent at once rather than refused.
pub const PLANNED_MAX: usize = 1024;

/// See the module.
pub(super) struct Midi {
    shared: Arc<Shared>,
    devices: Arc<dyn DeviceNames>,
}

struct Shared {
    out: Arc<dyn MidiSend>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    plan: Plan<Planned>,
    ledger: Ledger,
    running: bool,
    stop: bool,
}

struct Planned {
    to: Option<DeviceId>,
    /// As the plugin calls it.
    device: Arc<str>,
    bytes: Box<[u8]>,
}

impl Midi {
    pub(super) fn new(out: Arc<dyn MidiSend>, devices: Arc<dyn DeviceNames>) -> Midi {
        let shared = Shared { out, state: Mutex::default(), changed: Condvar::new() };
        Midi { shared: Arc::new(shared), devices }
    }

    /// Sends a message at `at_ns` of the system's monotonic clock; what is over is now.
    pub(super) fn send(
        &self,
        plugin: PluginId,
        device: &str,
        message: &[u8],
        at_ns: u64,
    ) -> Result<(), Trouble> {
        if message.len() > SYSEX_BYTES_MAX {
            let why = format!("a System Exclusive of {} bytes: at most {SYSEX_BYTES_MAX}", message.len());
            return Err(Trouble::new(PADGATE_LIMIT, why));
        }
        if let Some(fault) = fault(message) {
            return Err(Trouble::invalid(format!("not one complete MIDI message: {fault}")));
        }
        let to = find(&*self.devices, device)?;
        let (at, now) = (clock::from_system(at_ns), clock::now());
        if at.since(now) > AHEAD_MAX {
            let why = format!("a message can be planned {} s ahead at most", AHEAD_MAX.as_secs());
            return Err(Trouble::invalid(why));
        }
        let change = Change::of(message);
        let mut state = lock(&self.shared.state);
        if state.stop && !change.is_release() {
            return Err(Trouble::unavailable("Padgate is stopping"));
        }
        let planned = state.plan.count(plugin);
        // After the end there is nobody who would send it later.
        let crowded = planned >= 2 * PLANNED_MAX || state.stop;
        if at > now && !(crowded && change.is_release()) {
            if planned >= PLANNED_MAX && !change.is_release() {
                let why =
                    format!("{PLANNED_MAX} messages of this plugin are planned already: plan fewer ahead");
                return Err(Trouble::new(PADGATE_LIMIT, why));
            }
            let message = Planned { to, device: device.into(), bytes: message.into() };
            return self.plan(state, at, plugin, message);
        }
        // What is due goes first, even if the thread has not woken up yet.
        self.shared.send_due(&mut state, now);
        self.shared.emit(&mut state, plugin, to, message).map_err(Trouble::unavailable)
    }

    /// Drops what is planned, except that releases of what sounds are sent now.
    pub(super) fn cancel(&self, plugin: PluginId) {
        self.drop_planned(&mut lock(&self.shared.state), plugin, |_| true);
    }

    /// The same for what is planned for devices that the plugin may not send to any more.
    pub(super) fn retain(&self, plugin: PluginId, may_send: impl Fn(&str) -> bool) {
        // Not under the lock: whoever decides may take its time.
        let mut devices: Vec<Arc<str>> =
            lock(&self.shared.state).plan.of(plugin).map(|planned| Arc::clone(&planned.device)).collect();
        devices.sort_unstable();
        devices.dedup();
        devices.retain(|device| !may_send(device));
        if !devices.is_empty() {
            let mut state = lock(&self.shared.state);
            self.drop_planned(&mut state, plugin, |device| devices.iter().any(|gone| **gone == *device));
        }
    }

    /// The plugin has ended: everything of it is dropped, and what sounds is released.
    pub(super) fn ended(&self, plugin: PluginId) {
        let mut state = lock(&self.shared.state);
        self.drop_planned(&mut state, plugin, |_| true);
        self.release(&mut state, plugin);
    }

    /// Releases what sounds, of all plugins, and ends the thread.
    pub(super) fn shutdown(&self) {
        let mut state = lock(&self.shared.state);
        state.plan.clear();
        for plugin in state.ledger.plugins() {
            self.release(&mut state, plugin);
        }
        state.stop = true;
        drop(state);
        self.shared.changed.notify_all();
    }

    fn release(&self, state: &mut State, plugin: PluginId) {
        for (to, held) in state.ledger.end(plugin) {
            let (bytes, length) = held.release();
            if let Err(error) = self.shared.out.send(to, &bytes[..length]) {
                tracing::debug!(%error, "what a plugin left sounding can't be released");
            }
        }
    }

    fn drop_planned(&self, state: &mut State, plugin: PluginId, gone: impl Fn(&str) -> bool) {
        let dropped = state.plan.take(plugin, |planned| gone(&planned.device));
        for Planned { to, bytes, .. } in dropped {
            let change = Change::of(&bytes);
            if state.ledger.lets_go(plugin, to, change)
                && let Err(error) = self.shared.emit(state, plugin, to, &bytes)
            {
                tracing::debug!(%error, "a planned release can't be sent");
            }
        }
    }

    fn plan(
        &self,
        mut state: MutexGuard<'_, State>,
        at: Time,
        plugin: PluginId,
        planned: Planned,
    ) -> Result<(), Trouble> {
        if !state.running {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("padgate planned".to_owned());
            if let Err(error) = thread.spawn(move || shared.run()) {
                return Err(Trouble::unavailable(format!("nothing can be planned now: {error}")));
            }
            state.running = true;
        }
        let first = state.plan.next().is_none_or(|next| at < next);
        state.plan.add(at, plugin, planned);
        drop(state);
        if first {
            self.shared.changed.notify_one();
        }
        Ok(())
    }
}

impl Drop for Midi {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl Shared {
    /// The thread: sleeps until the next is due.
    fn run(&self) {
        sharpen();
        let mut state = lock(&self.state);
        while !state.stop {
            self.send_due(&mut state, clock::now());
            state = match state.plan.next() {
                Some(next) => {
                    let waited = self.changed.wait_timeout(state, next.since(clock::now()));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn send_due(&self, state: &mut State, now: Time) {
        while let Some((plugin, Planned { to, device, bytes })) = state.plan.take_due(now) {
            if let Err(error) = self.emit(state, plugin, to, &bytes) {
                tracing::debug!(%device, %error, "a planned message can't be sent");
            }
        }
    }

    fn emit(
        &self,
        state: &mut State,
        plugin: PluginId,
        to: Option<DeviceId>,
        message: &[u8],
    ) -> Result<(), String> {
        // What could not be sent changes nothing: a note stays in the ledger until its release has gone out.
        self.out.send(to, message)?;
        state.ledger.sent(plugin, to, Change::of(message));
        Ok(())
    }
}

/// The device with this name, or a text that says which there are.
pub(super) fn find(devices: &dyn DeviceNames, name: &str) -> Result<Option<DeviceId>, Trouble> {
    devices.device(name).ok_or_else(|| {
        let names: Vec<String> = devices.names().iter().map(|name| format!("{name:?}")).collect();
        let there = if names.is_empty() { "there are none".to_owned() } else { names.join(", ") };
        Trouble::unavailable(format!("the configuration has no device {name:?}; its devices: {there}"))
    })
}
