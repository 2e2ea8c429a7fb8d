//! Makes it so: opens and closes connections until what is connected is what [`super::plan`] says.
//!
//! Everything happens on one thread, which sleeps in its back end until something changes. It holds no lock while it
//! talks to a driver, the sink or a watcher.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use padgate_core::engine::Input;
use padgate_core::ids::DeviceId;
use padgate_core::ruleset::Device;

use super::backend::{Backend, Gone};
use super::link::{Link, absent, close_input, due, failure, opened};
use super::output::Slot;
use super::plan::{Assignment, Claims, plan};
use super::port::{Port, PortDirection, PortKey};
use super::shared::Shared;
use super::status::Counters;
use super::stream::Stream;
use super::{MidiConfig, VIRTUAL_INPUT, VIRTUAL_OUTPUT};
use crate::clock;
use crate::lock::lock;

/// What others ask of the manager.
pub(super) enum Command {
    /// These devices from now on.
    Configure(MidiConfig),
    /// The input with this number (`None`: the virtual one) ended by itself.
    InputEnded(Option<u64>),
    /// Close everything.
    Stop,
}

/// One configured device.
pub(super) struct Entry<I> {
    pub(super) device: Device,
    pub(super) name: Arc<str>,
    pub(super) counters: Arc<Counters>,
    pub(super) slot: Arc<Slot>,
    /// The number of the latest input connection. A late word about an earlier one is ignored.
    pub(super) connection: u64,
    pub(super) input: Link<I>,
    pub(super) output: Link<()>,
    pub(super) note: Option<String>,
}

/// The manager, on its thread.
pub(super) struct Manager<B: Backend> {
    backend: B,
    pub(super) shared: Arc<Shared>,
    commands: Receiver<Command>,
    pub(super) config: MidiConfig,
    pub(super) entries: BTreeMap<DeviceId, Entry<B::Input>>,
    pub(super) virtual_input: Link<B::Input>,
    pub(super) virtual_output: Link<()>,
    /// Counts input connections.
    connections: u64,
}

impl<B: Backend> Manager<B> {
    pub(super) fn new(backend: B, shared: Arc<Shared>, commands: Receiver<Command>) -> Self {
        Manager {
            backend,
            shared,
            commands,
            config: MidiConfig::default(),
            entries: BTreeMap::new(),
            virtual_input: Link::Absent,
            virtual_output: Link::Absent,
            connections: 0,
        }
    }

    /// Runs until it is told to stop. Calls `looked` after the first look at the ports.
    pub(super) fn run(mut self, config: MidiConfig, looked: Box<dyn FnOnce() + Send>) {
        self.configure(config);
        let mut pause = self.settle(Instant::now());
        looked();
        loop {
            let gone = self.backend.wait(pause);
            self.forget(&gone);
            loop {
                match self.commands.try_recv() {
                    Ok(Command::Configure(config)) => self.configure(config),
                    Ok(Command::InputEnded(connection)) => self.input_ended(connection),
                    Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return self.close_all(),
                    Err(TryRecvError::Empty) => break,
                }
            }
            pause = self.settle(Instant::now());
        }
    }

    /// Takes over a configuration. Connections of devices that stay are kept; the plan sorts out the rest.
    pub(super) fn configure(&mut self, config: MidiConfig) {
        let gone: Vec<DeviceId> = self
            .entries
            .keys()
            .copied()
            .filter(|id| !config.devices.iter().any(|(device, _)| device.id == *id))
            .collect();
        for id in gone {
            if let Some(mut entry) = self.entries.remove(&id) {
                close_input(&mut entry.input);
                self.close_output(&mut entry, "is no longer in the configuration".into());
            }
        }
        for (device, name) in &config.devices {
            match self.entries.get_mut(&device.id) {
                Some(entry) => entry.device = device.clone(),
                None => {
                    let entry = self.entry(device.clone(), name);
                    self.entries.insert(device.id, entry);
                }
            }
        }
        let mut slots = Vec::new();
        for (id, entry) in &self.entries {
            slots.resize(slots.len().max(id.index() + 1), None);
            slots[id.index()] = Some(Arc::clone(&entry.slot));
        }
        *self.shared.slots.write().unwrap_or_else(PoisonError::into_inner) = slots;
        if !config.virtual_ports || config.virtual_device != self.config.virtual_device {
            self.virtual_input = Link::Absent;
        }
        if !config.virtual_ports {
            self.virtual_output = Link::Absent;
            self.shared.virtual_slot.close("is not open: `virtual_ports` is off in the configuration".into());
        }
        self.config = config;
    }

    fn entry(&self, device: Device, name: &str) -> Entry<B::Input> {
        let counters = Arc::new(Counters::default());
        let slot = Slot::new(
            format!("device `{name}`"),
            Arc::clone(&counters),
            Arc::clone(&self.shared.writer),
            "is not looked for yet".into(),
        );
        Entry {
            device,
            name: name.into(),
            counters,
            slot: Arc::new(slot),
            connection: 0,
            input: Link::Absent,
            output: Link::Absent,
            note: None,
        }
    }

    /// Closes what is certainly gone, before the ports are looked at: by then there may be another port with that number.
    pub(super) fn forget(&mut self, gone: &Gone) {
        let mut entries = std::mem::take(&mut self.entries);
        for entry in entries.values_mut() {
            let is_gone = |port: &Port| gone.ports.contains(&port.key) || gone.clients.contains(&port.rank.0);
            if entry.input.open_port().is_some_and(is_gone) {
                close_input(&mut entry.input);
            }
            // Without announcements, an input still knows by itself when it ends. An output does not.
            if entry.output.open_port().is_some_and(|port| gone.perhaps_all || is_gone(port)) {
                self.close_output(entry, "is absent: its output port went away".into());
            }
        }
        self.entries = entries;
    }

    fn input_ended(&mut self, ended: Option<u64>) {
        if ended.is_none() {
            self.virtual_input = Link::Absent;
        }
        for entry in self.entries.values_mut() {
            if ended == Some(entry.connection) {
                close_input(&mut entry.input);
            }
        }
    }

    /// Looks at the ports, and opens and closes until it is as planned. Returns when to try again, if anything failed.
    pub(super) fn settle(&mut self, now: Instant) -> Option<Duration> {
        let (ports, unavailable) = match self.backend.ports() {
            Ok(ports) => (ports, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        let devices: Vec<Device> = self.config.devices.iter().map(|(device, _)| device.clone()).collect();
        let key = |port: Option<&Port>| port.map(|port| port.key.clone());
        let current: BTreeMap<DeviceId, Claims> = self
            .entries
            .iter()
            .map(|(id, entry)| {
                (*id, Claims { input: key(entry.input.open_port()), output: key(entry.output.open_port()) })
            })
            .collect();
        let assignments = plan(&ports, &devices, &current);
        let mut entries = std::mem::take(&mut self.entries);
        // All that must go is closed before anything is opened, because a port can pass from one device to another.
        for (id, entry) in &mut entries {
            let (input, output) = wanted(&ports, assignments.get(id));
            if entry.input.open_port().is_some_and(|port| input != Some(&port.key)) {
                close_input(&mut entry.input);
            }
            if entry.output.open_port().is_some_and(|port| output != Some(&port.key)) {
                let reason = absent(&entry.device.ports, PortDirection::Output, unavailable.as_deref());
                self.close_output(entry, reason);
            }
        }
        for (id, entry) in &mut entries {
            let assignment = assignments.get(id).cloned().unwrap_or_default();
            self.open(entry, &ports, &assignment, unavailable.as_deref(), now);
        }
        self.entries = entries;
        let ports = if self.open_virtual(unavailable.as_deref(), now) {
            // So that the new ones are listed too.
            self.backend.ports().unwrap_or(ports)
        } else {
            ports
        };
        self.publish(&ports, unavailable);
        let links = self.entries.values().flat_map(|entry| [entry.input.again(), entry.output.again()]);
        let next = links.chain([self.virtual_input.again(), self.virtual_output.again()]).flatten().min();
        next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    /// Opens what the plan gives to one device and is not open.
    fn open(
        &mut self,
        entry: &mut Entry<B::Input>,
        ports: &[Port],
        assignment: &Assignment,
        unavailable: Option<&str>,
        now: Instant,
    ) {
        entry.note.clone_from(&assignment.note);
        match assignment.input.map(|index| &ports[index]) {
            None => entry.input = Link::Absent,
            Some(port) if due(&entry.input, port, now) => {
                let stream = self.stream(entry.device.id, &entry.name, &entry.counters);
                let pause = entry.input.next_pause(port);
                self.connections += 1;
                entry.connection = self.connections;
                let connected = stream.connected();
                let result = self.backend.open_input(port, &entry.name, entry.connection, stream);
                connected.store(result.is_ok(), Ordering::Release);
                entry.input = opened(result, port, pause, &entry.name);
            }
            Some(_) => {}
        }
        match assignment.output.map(|index| &ports[index]) {
            None => {
                entry.output = Link::Absent;
                entry.slot.close(absent(&entry.device.ports, PortDirection::Output, unavailable));
            }
            Some(port) if due(&entry.output, port, now) => {
                let pause = entry.output.next_pause(port);
                let result = self.backend.open_output(port, &entry.name).map(|wire| entry.slot.open(wire));
                if let Err(error) = &result {
                    entry.slot.close(failure(port, error).1);
                }
                entry.output = opened(result, port, pause, &entry.name);
            }
            Some(_) => {}
        }
    }

    /// Makes the virtual ports, where they are wanted and there are none. Returns whether it made any.
    fn open_virtual(&mut self, unavailable: Option<&str>, now: Instant) -> bool {
        if !self.config.virtual_ports {
            return false;
        }
        let mut made = false;
        let named = |name: &str, direction| Port {
            key: PortKey(name.to_owned()),
            direction,
            client: String::new(),
            name: name.to_owned(),
            rank: (0, 0),
            usb: None,
            own: true,
        };
        if let Some(reason) = unavailable {
            self.virtual_input = Link::Absent;
            self.virtual_output = Link::Absent;
            self.shared.virtual_slot.close(format!("is unavailable: {reason}"));
            return false;
        }
        if let Some(device) = self.config.virtual_device {
            let port = named(VIRTUAL_INPUT, PortDirection::Input);
            if due(&self.virtual_input, &port, now) {
                let stream = self.stream(device, &VIRTUAL_INPUT.into(), &self.shared.virtual_counters);
                let pause = self.virtual_input.next_pause(&port);
                let connected = stream.connected();
                let result = self.backend.open_virtual_input(stream);
                connected.store(result.is_ok(), Ordering::Release);
                made |= result.is_ok();
                self.virtual_input = opened(result, &port, pause, VIRTUAL_INPUT);
            }
        }
        let port = named(VIRTUAL_OUTPUT, PortDirection::Output);
        if due(&self.virtual_output, &port, now) {
            let pause = self.virtual_output.next_pause(&port);
            let slot = &self.shared.virtual_slot;
            let result = self.backend.open_virtual_output().map(|wire| slot.open(wire));
            if let Err(error) = &result {
                slot.close(failure(&port, error).1);
            }
            made |= result.is_ok();
            self.virtual_output = opened(result, &port, pause, VIRTUAL_OUTPUT);
        }
        made
    }

    fn stream(&self, device: DeviceId, name: &Arc<str>, counters: &Arc<Counters>) -> Stream {
        let realtime = Arc::clone(&self.shared.wants_realtime);
        Stream::new(device, Arc::clone(name), Arc::clone(&self.shared.sink), Arc::clone(counters), realtime)
    }

    /// Closes an output. The sink is told before, so that it can let go of what it holds there: the port may well exist,
    /// and only belong to nobody or to another device from now on.
    fn close_output(&self, entry: &mut Entry<B::Input>, reason: String) {
        let was_open = entry.output.open_port().is_some();
        if was_open {
            entry.slot.begin_close(reason.clone());
            self.shared.sink.input(Input::OutputLost(entry.device.id), clock::now());
            tracing::info!(device = &*entry.name, "MIDI output lost");
        }
        entry.slot.close(reason);
        entry.output = Link::Absent;
    }

    fn close_all(mut self) {
        self.configure(MidiConfig::default());
        lock(&self.shared.table).devices.clear();
    }
}

/// The keys that an assignment means.
fn wanted<'a>(
    ports: &'a [Port],
    assignment: Option<&Assignment>,
) -> (Option<&'a PortKey>, Option<&'a PortKey>) {
    let key = |index: Option<usize>| index.map(|index| &ports[index].key);
    assignment.map_or((None, None), |assignment| (key(assignment.input), key(assignment.output)))
}

#[cfg(test)]
#[path = "manager_tests.rs"]
mod tests;
