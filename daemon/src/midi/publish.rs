//! Writes the manager's state down for others to read, and tells the watchers what changed.

use std::sync::Arc;

use padgate_core::ruleset::{DevicePorts, PortPattern};

use super::backend::{Backend, OpenError};
use super::link::{Link, describe_link};
use super::manager::{Entry, Manager};
use super::port::{Port, PortDirection};
use super::shared::{Known, Table};
use super::status::{CounterValues, DeviceState, DeviceStatus, Overview, PortInfo};
use super::{VIRTUAL_INPUT, VIRTUAL_OUTPUT};
use crate::clock;
use crate::lock::lock;

impl<B: Backend> Manager<B> {
    /// Writes down what is now, and tells the watchers what changed.
    pub(super) fn publish(&self, ports: &[Port], unavailable: Option<String>) {
        let mut devices: Vec<Known> = Vec::new();
        for (device, _) in &self.config.devices {
            if let Some(entry) = self.entries.get(&device.id) {
                let status = describe(entry, unavailable.as_deref());
                devices.push(Known { status, counters: Arc::clone(&entry.counters) });
            }
        }
        let virtual_unavailable = self.describe_virtual(unavailable.as_deref(), &mut devices);
        let claimed = |port: &Port| {
            self.entries.values().find_map(|entry| {
                let open = match port.direction {
                    PortDirection::Input => entry.input.open_port(),
                    PortDirection::Output => entry.output.open_port(),
                };
                open.filter(|open| open.key == port.key).map(|_| entry.name.to_string())
            })
        };
        let ports: Vec<PortInfo> =
            ports.iter().map(|port| PortInfo { port: port.clone(), claimed_by: claimed(port) }).collect();
        let overview = Overview { unavailable, virtual_ports_unavailable: virtual_unavailable };
        let (changed, ports_changed) = self.exchange(devices, ports, overview);
        let watchers = lock(&self.shared.watchers).clone();
        for watcher in &watchers {
            for status in &changed {
                watcher.device_changed(status);
            }
            if ports_changed {
                watcher.ports_changed();
            }
        }
    }

    /// Replaces the table; returns the devices that changed, and whether anything else did.
    fn exchange(
        &self,
        mut devices: Vec<Known>,
        ports: Vec<PortInfo>,
        overview: Overview,
    ) -> (Vec<DeviceStatus>, bool) {
        let mut table = lock(&self.shared.table);
        let mut changed = Vec::new();
        for known in &mut devices {
            let before = table.devices.iter().find(|before| before.status.device == known.status.device);
            if let Some(before) = before.filter(|before| before.status.state == known.status.state) {
                known.status.since = before.status.since;
            }
            if before.is_none_or(|before| before.status != known.status) {
                changed.push(DeviceStatus { counters: known.counters.values(), ..known.status.clone() });
            }
        }
        let ports_changed = table.ports != ports || table.overview != overview;
        if let Some(reason) = overview.unavailable.as_ref().filter(|_| table.overview != overview) {
            tracing::warn!("no MIDI: {reason}");
        }
        *table = Table { devices, ports, overview };
        (changed, ports_changed)
    }

    /// Adds the virtual device; returns why there are no virtual ports, if there should be.
    fn describe_virtual(&self, unavailable: Option<&str>, devices: &mut Vec<Known>) -> Option<String> {
        if !self.config.virtual_ports {
            return None;
        }
        let input = self.config.virtual_device.map(|device| {
            let ports = DevicePorts {
                input: Some(PortPattern(VIRTUAL_INPUT.into())),
                output: Some(PortPattern(VIRTUAL_OUTPUT.into())),
                usb: None,
            };
            let link = describe_link(&self.virtual_input, &ports, PortDirection::Input, unavailable);
            let output = describe_link(&self.virtual_output, &ports, PortDirection::Output, unavailable);
            let reason = link.reason.clone();
            devices.push(Known {
                status: DeviceStatus {
                    device,
                    name: VIRTUAL_INPUT.to_lowercase(),
                    state: link.state,
                    since: clock::now(),
                    input: Some(link),
                    output: Some(output),
                    usb: None,
                    note: None,
                    counters: CounterValues::default(),
                },
                counters: Arc::clone(&self.shared.virtual_counters),
            });
            reason
        });
        input.flatten().or_else(|| match &self.virtual_output {
            Link::Failed { error: OpenError::Busy(why) | OpenError::Failed(why), .. } => Some(why.clone()),
            _ => None,
        })
    }
}

fn describe<I>(entry: &Entry<I>, unavailable: Option<&str>) -> DeviceStatus {
    let ports = &entry.device.ports;
    let input =
        ports.input.as_ref().map(|_| describe_link(&entry.input, ports, PortDirection::Input, unavailable));
    let output = ports
        .output
        .as_ref()
        .map(|_| describe_link(&entry.output, ports, PortDirection::Output, unavailable));
    let main = input.as_ref().or(output.as_ref());
    DeviceStatus {
        device: entry.device.id,
        name: entry.name.to_string(),
        state: main.map_or(DeviceState::Absent, |link| link.state),
        since: clock::now(),
        usb: entry.input.open_port().or(entry.output.open_port()).and_then(|port| port.usb.clone()),
        input,
        output,
        note: entry.note.clone(),
        counters: CounterValues::default(),
    }
}
