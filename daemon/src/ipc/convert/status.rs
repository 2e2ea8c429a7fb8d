//! MIDI's, the actions' and the engine's figures, as the protocol says them.

use hdrhistogram::Histogram;
use padgate_core::ids::VIRTUAL_INPUT;
use padgate_core::ruleset::Ruleset;
use padgate_ipc::status::{Backend, Counters, Device, Direction, Latency, ModeState, Port};

use crate::actions::{OutputKind, OutputStatus};
use crate::midi::{DeviceState, DeviceStatus, LinkStatus, Overview, PortDirection, PortInfo, UsbIdentity};
use crate::pipeline::EngineState;
use crate::stats;

/// The devices, with the patterns that the rules have for them. Where there is no MIDI at all, each of them does not
/// repeat why. The virtual port is among them only where it exists.
pub(crate) fn devices(status: &[DeviceStatus], overview: &Overview, rules: &Ruleset) -> Vec<Device> {
    let has_midi = overview.unavailable.is_none();
    let exists = |status: &&DeviceStatus| {
        status.state == DeviceState::Connected || rules.names.devices.name(status.device) != VIRTUAL_INPUT
    };
    status.iter().filter(exists).map(|status| device(status, has_midi, rules)).collect()
}

fn device(status: &DeviceStatus, has_midi: bool, rules: &Ruleset) -> Device {
    let ports = rules.devices.iter().find(|device| device.id == status.device).map(|device| &device.ports);
    let open = |link: &Option<LinkStatus>| {
        link.as_ref().filter(|link| link.state == DeviceState::Connected).and_then(|link| link.port.clone())
    };
    // The device's own note comes first; else the reason why one direction is not connected.
    let reasons =
        [&status.input, &status.output].into_iter().flatten().filter_map(|link| link.reason.clone());
    let note = match has_midi {
        true => status.note.iter().cloned().chain(reasons).next(),
        false => Some("there is no MIDI here now".to_owned()),
    };
    Device {
        // Not the port's name: the virtual one has another.
        name: rules.names.devices.name(status.device).to_owned(),
        input: open(&status.input),
        output: open(&status.output),
        input_pattern: ports.and_then(|ports| ports.input.as_ref()).map(|pattern| pattern.0.clone()),
        output_pattern: ports.and_then(|ports| ports.output.as_ref()).map(|pattern| pattern.0.clone()),
        usb: status.usb.as_ref().map(usb),
        connected: status.state == DeviceState::Connected,
        note,
        received: status.counters.messages_in,
        sent: status.counters.messages_out,
        decode_errors: status.counters.decode_errors.total(),
    }
}

fn usb(identity: &UsbIdentity) -> String {
    match &identity.serial {
        Some(serial) => format!("{serial} at {}", identity.path),
        None => identity.path.clone(),
    }
}

/// The ports of the system, without Padgate's own.
pub(crate) fn ports(ports: &[PortInfo]) -> Vec<Port> {
    let convert = |info: &PortInfo| Port {
        name: info.port.full_name(),
        direction: match info.port.direction {
            PortDirection::Input => Direction::Input,
            PortDirection::Output => Direction::Output,
        },
        device: info.claimed_by.clone(),
        usb: info.port.usb.as_ref().map(usb),
    };
    ports.iter().filter(|info| !info.port.own).map(convert).collect()
}

/// What does the actions.
pub(crate) fn backends(keys: &OutputStatus, midi: &Overview) -> Vec<Backend> {
    let by = match keys.chosen {
        OutputKind::X11 => "x11",
        OutputKind::Enigo => "enigo",
        OutputKind::Uinput => "uinput",
        OutputKind::None => "nothing",
    };
    let problem = midi.unavailable.clone().or_else(|| midi.virtual_ports_unavailable.clone());
    vec![
        Backend {
            name: "midi".to_owned(),
            by: if cfg!(target_os = "linux") { "alsa" } else { "system" }.to_owned(),
            available: midi.unavailable.is_none(),
            note: problem,
        },
        Backend {
            name: "keys and mouse".to_owned(),
            by: by.to_owned(),
            available: keys.chosen != OutputKind::None,
            note: Some(keys.reason.clone()).filter(|reason| !reason.is_empty()),
        },
    ]
}

/// Modes and variables.
pub(crate) fn modes(state: &EngineState, rules: &Ruleset) -> ModeState {
    ModeState {
        stack: state.modes.clone(),
        known: rules.names.modes.iter().map(|(_, name)| name.to_owned()).collect(),
        variables: state.variables.iter().map(|(name, value)| (name.clone(), super::value(value))).collect(),
    }
}

/// What was counted.
pub(crate) fn counters(counters: &stats::Counters, latencies: &stats::Latencies) -> Counters {
    Counters {
        inputs: counters.messages,
        requests: counters.requests,
        done: counters.done,
        failed: counters.failed,
        unavailable: counters.unavailable,
        refused: counters.refused,
        dropped: counters.dropped,
        missed: counters.missed,
        latencies: vec![
            latency("received → decided", &latencies.decide),
            latency("decided → handed off", &latencies.hand_off),
            latency("handed off → started", &latencies.wait),
            latency("started → ended", &latencies.carry_out),
        ],
    }
}

fn latency(step: &str, histogram: &Histogram<u64>) -> Latency {
    Latency {
        step: step.to_owned(),
        count: histogram.len(),
        mean_ns: histogram.mean() as u64,
        p50_ns: histogram.value_at_quantile(0.5),
        p99_ns: histogram.value_at_quantile(0.99),
        max_ns: histogram.max(),
    }
}
