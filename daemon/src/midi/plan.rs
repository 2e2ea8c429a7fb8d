//! Which device gets which port: a pure function of the ports that there are, the devices that the user
//! configured, and what is connected already.
//!
//! Rules, in this order: a port belongs to at most one device (per direction); a device with a `usb` pattern chooses
//! before those without; a more specific pattern chooses before a vaguer one; a device keeps the port it has for as
//! long as that fits; an earlier device chooses before a later one. Among several ports that fit, the first in a stable
//! order is taken: by USB socket, then by number. An output is looked for first on the hardware that the
//! device's input is on, so that the lamps of twins light up on the right one.

use std::collections::BTreeMap;

use padgate_core::ids::DeviceId;
use padgate_core::ruleset::{Device, DevicePorts, PortPattern};

use super::port::{Port, PortDirection, PortKey};

/// The system's loop-back client. It is matched only by patterns that mean it, because it returns what is sent to it.
const THROUGH: &str = "through";

/// What one device has now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// The port it is read from.
    pub(super) input: Option<PortKey>,
    /// The port it is written to.
    pub(super) output: Option<PortKey>,
}

/// What one device is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The port to read from, as an index into the ports.
    pub(super) input: Option<usize>,
    /// The port to write to, as an index into the ports.
    pub(super) output: Option<usize>,
    /// What the user should know of the choice: that it was not the only one, or why there was none.
    pub(super) note: Option<String>,
}

/// Decides for every device which ports it gets.
///
/// `current` says what is connected now; ports in it that are gone, or no longer fit, are ignored. The result has an
/// entry for every device.
pub(super) fn plan(
    ports: &[Port],
    devices: &[Device],
    current: &BTreeMap<DeviceId, Claims>,
) -> BTreeMap<DeviceId, Assignment> {
    let order = stable_order(ports);
    let mut result: BTreeMap<DeviceId, Assignment> =
        devices.iter().map(|device| (device.id, Assignment::default())).collect();
    for direction in [PortDirection::Input, PortDirection::Output] {
        let mut taken = vec![false; ports.len()];
        let mut choosing: Vec<&Device> =
            devices.iter().filter(|device| pattern(&device.ports, direction).is_some()).collect();
        // Stable: devices that are equal in this stay in the order of the configuration.
        choosing.sort_by_key(|device| {
            let kept = kept(ports, device, direction, current).is_none();
            (device.ports.usb.is_none(), vagueness(pattern(&device.ports, direction)), kept)
        });
        for device in choosing {
            let fitting: Vec<usize> = order
                .iter()
                .copied()
                .filter(|index| fits(&ports[*index], &device.ports, direction))
                .collect();
            let free = fitting.iter().copied().filter(|index| !taken[*index]);
            let chosen = match kept(ports, device, direction, current).filter(|index| !taken[*index]) {
                Some(index) => Some(index),
                None if direction == PortDirection::Output => {
                    let home = result[&device.id].input.map(|input| &ports[input]);
                    free.min_by_key(|index| home.is_some_and(|home| !same_hardware(home, &ports[*index])))
                }
                None => free.min_by_key(|_| 0),
            };
            let assignment = result.entry(device.id).or_default();
            match direction {
                PortDirection::Input => assignment.input = chosen,
                PortDirection::Output => assignment.output = chosen,
            }
            if let Some(index) = chosen {
                taken[index] = true;
            }
            if assignment.note.is_none() {
                assignment.note = note(ports, &fitting, chosen, device, direction);
            }
        }
    }
    result
}

/// The pattern for one direction.
fn pattern(ports: &DevicePorts, direction: PortDirection) -> Option<&PortPattern> {
    match direction {
        PortDirection::Input => ports.input.as_ref(),
        PortDirection::Output => ports.output.as_ref(),
    }
}

/// Whether a device may use a port.
fn fits(port: &Port, device: &DevicePorts, direction: PortDirection) -> bool {
    let Some(pattern) = pattern(device, direction) else { return false };
    if port.own || port.direction != direction {
        return false;
    }
    let name = pattern.matches(&port.full_name())
        || pattern.matches(&port.name)
        || (!port.client.is_empty() && pattern.matches(&port.client));
    let usb = device.usb.as_ref().is_none_or(|usb| {
        port.usb.as_ref().is_some_and(|identity| {
            usb.matches(&identity.path)
                || identity.serial.as_deref().is_some_and(|serial| usb.matches(serial))
        })
    });
    let through = |text: &str| text.to_lowercase().contains(THROUGH);
    name && usb && (!through(&port.client) || through(&pattern.0))
}

/// The port that the device has now, if it still fits.
fn kept(
    ports: &[Port],
    device: &Device,
    direction: PortDirection,
    current: &BTreeMap<DeviceId, Claims>,
) -> Option<usize> {
    let claims = current.get(&device.id)?;
    let key = match direction {
        PortDirection::Input => claims.input.as_ref()?,
        PortDirection::Output => claims.output.as_ref()?,
    };
    ports.iter().position(|port| &port.key == key && fits(port, &device.ports, direction))
}

/// Smaller for patterns that say more: without wildcards first, then with many letters.
fn vagueness(pattern: Option<&PortPattern>) -> (bool, std::cmp::Reverse<usize>) {
    let text = pattern.map_or("", |pattern| pattern.0.as_str());
    let wild = |c: char| c == '*' || c == '?';
    (text.contains(wild), std::cmp::Reverse(text.chars().filter(|c| !wild(*c)).count()))
}

/// Indices of the ports, by USB socket and then by number, so that the same hardware gives the same order.
fn stable_order(ports: &[Port]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..ports.len()).collect();
    order.sort_by_key(|index| {
        let port = &ports[*index];
        (port.usb.as_ref().map(|usb| natural(&usb.path)), port.rank)
    });
    order
}

/// The numbers in a USB path, so that `1-10` comes after `1-9`.
fn natural(path: &str) -> Vec<u32> {
    path.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

fn same_hardware(a: &Port, b: &Port) -> bool {
    match (&a.usb, &b.usb) {
        (Some(a), Some(b)) => a.path == b.path,
        _ => a.rank.0 == b.rank.0 && a.client == b.client,
    }
}

/// What to tell about the choice of one port.
fn note(
    ports: &[Port],
    fitting: &[usize],
    chosen: Option<usize>,
    device: &Device,
    direction: PortDirection,
) -> Option<String> {
    let way = match direction {
        PortDirection::Input => "input",
        PortDirection::Output => "output",
    };
    let Some(chosen) = chosen else {
        return (!fitting.is_empty()).then(|| {
            format!("every {way} port that matches is taken by another device: narrow the patterns")
        });
    };
    let twins =
        fitting.iter().filter(|index| ports[**index].full_name() == ports[chosen].full_name()).count();
    let place = ports[chosen].usb.as_ref().map(|usb| &usb.path);
    if twins > 1 && device.ports.usb.is_none() {
        let place = place.map_or(String::new(), |path| format!(", the one at USB {path}"));
        Some(format!(
            "{twins} {way} ports are named alike; took the first free one{place}: `usb = …` tells them apart"
        ))
    } else if fitting.len() > 1 && twins == 1 {
        Some(format!(
            "{} {way} ports match; took `{}`: a longer pattern chooses another",
            fitting.len(),
            ports[chosen].full_name()
        ))
    } else {
        None
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
