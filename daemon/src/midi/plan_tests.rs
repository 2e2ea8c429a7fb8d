//! Tests of the plan: every rule of [`super`], on ports made up for it.

use std::collections::BTreeMap;
use std::time::Duration;

use padgate_core::ids::DeviceId;
use padgate_core::ruleset::{Device, DevicePorts, PortPattern};
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use super::{Assignment, Claims, plan};
use crate::midi::port::{Port, PortDirection, PortKey, UsbIdentity};

fn port(client: &str, name: &str, number: (u32, u32), direction: PortDirection) -> Port {
    Port {
        key: PortKey(format!("{}:{}", number.0, number.1)),
        direction,
        client: client.into(),
        name: name.into(),
        rank: number,
        usb: None,
        own: false,
    }
}

/// Both directions of one port of a USB controller.
fn usb(client: &str, number: u32, serial: Option<&str>, path: &str) -> Vec<Port> {
    [PortDirection::Input, PortDirection::Output]
        .map(|direction| {
            let name = format!("{client} MIDI 1");
            let identity = UsbIdentity { serial: serial.map(Into::into), path: path.into() };
            Port { usb: Some(identity), ..port(client, &name, (number, 0), direction) }
        })
        .into()
}

fn device(id: u32, input: &str, output: &str, usb: &str) -> Device {
    let pattern = |text: &str| (!text.is_empty()).then(|| PortPattern(text.into()));
    let ports = DevicePorts { input: pattern(input), output: pattern(output), usb: pattern(usb) };
    Device { id: DeviceId::new(id), ports, echo: Duration::ZERO, controls: Vec::new() }
}

/// The keys that each device gets, in the order of the devices, as `input/output`.
fn chosen(ports: &[Port], devices: &[Device], current: &BTreeMap<DeviceId, Claims>) -> Vec<String> {
    let result = plan(ports, devices, current);
    let key = |index: Option<usize>| index.map_or("-".to_owned(), |index| ports[index].key.to_string());
    devices.iter().map(|d| format!("{}/{}", key(result[&d.id].input), key(result[&d.id].output))).collect()
}

fn fresh() -> BTreeMap<DeviceId, Claims> {
    BTreeMap::new()
}

#[test]
fn a_pattern_matches_client_port_or_both() {
    let ports = [port("Launchpad X", "LPX MIDI", (24, 1), PortDirection::Input)];
    for pattern in ["launchpad x", "LPX*", "Launchpad X:LPX MIDI", "Launchpad*MIDI"] {
        assert_eq!(chosen(&ports, &[device(0, pattern, "", "")], &fresh()), ["24:1/-"], "{pattern}");
    }
    for pattern in ["Launchpad", "MIDI", "24:1", "Launchpad X:LPX MIDI 24:1"] {
        assert_eq!(chosen(&ports, &[device(0, pattern, "", "")], &fresh()), ["-/-"], "{pattern}");
    }
}

#[test]
fn an_absent_device_has_an_entry_without_ports() {
    let result = plan(&[], &[device(3, "Pad", "Pad", "")], &fresh());
    assert_eq!(result[&DeviceId::new(3)], Assignment::default());
}

#[test]
fn padgates_own_ports_are_never_taken() {
    let own = Port { own: true, ..port("Padgate Out", "Padgate Out", (128, 0), PortDirection::Input) };
    assert_eq!(chosen(&[own], &[device(0, "*", "*", "")], &fresh()), ["-/-"]);
}

#[test]
fn the_loop_back_port_is_taken_only_if_it_is_meant() {
    let ports = [port("Midi Through", "Midi Through Port-0", (14, 0), PortDirection::Input)];
    assert_eq!(chosen(&ports, &[device(0, "*", "", "")], &fresh()), ["-/-"]);
    assert_eq!(chosen(&ports, &[device(0, "midi through*", "", "")], &fresh()), ["14:0/-"]);
}

#[test]
fn twins_without_usb_are_given_out_in_the_order_of_their_sockets_and_it_says_so() {
    let ports = [usb("Pad", 28, None, "1-2"), usb("Pad", 24, None, "1-10")].concat();
    let devices = [device(0, "Pad", "Pad", ""), device(1, "Pad", "Pad", "")];
    assert_eq!(chosen(&ports, &devices, &fresh()), ["28:0/28:0", "24:0/24:0"]);
    let note = plan(&ports, &devices, &fresh())[&DeviceId::new(0)].note.clone().unwrap();
    assert!(note.contains("2 input ports are named alike") && note.contains("USB 1-2"), "{note}");
}

#[test]
fn twins_are_told_apart_by_serial_or_path() {
    let ports = [usb("Pad", 24, Some("A1"), "1-1"), usb("Pad", 28, Some("B2"), "1-2")].concat();
    let by_serial = [device(0, "Pad", "Pad", "b2"), device(1, "Pad", "Pad", "A1")];
    assert_eq!(chosen(&ports, &by_serial, &fresh()), ["28:0/28:0", "24:0/24:0"]);
    assert_eq!(plan(&ports, &by_serial, &fresh())[&DeviceId::new(0)].note, None);
    let by_path = [device(0, "Pad", "Pad", "1-2*"), device(1, "Pad", "Pad", "1-1")];
    assert_eq!(chosen(&ports, &by_path, &fresh()), ["28:0/28:0", "24:0/24:0"]);
}

#[test]
fn a_device_with_usb_chooses_before_one_without() {
    let ports = [usb("Pad", 24, Some("A1"), "1-1"), usb("Pad", 28, Some("B2"), "1-2")].concat();
    let devices = [device(0, "Pad", "Pad", ""), device(1, "Pad", "Pad", "A1")];
    assert_eq!(chosen(&ports, &devices, &fresh()), ["28:0/28:0", "24:0/24:0"]);
}

#[test]
fn a_usb_pattern_needs_a_usb_port() {
    let ports = [port("Pad", "Pad", (20, 0), PortDirection::Input)];
    assert_eq!(chosen(&ports, &[device(0, "Pad", "", "*")], &fresh()), ["-/-"]);
}

#[test]
fn a_specific_pattern_chooses_before_a_vague_one() {
    let ports = [
        port("A", "Pad", (20, 0), PortDirection::Input),
        port("B", "Pad two", (21, 0), PortDirection::Input),
    ];
    let devices = [device(0, "*", "", ""), device(1, "Pad*", "", ""), device(2, "Pad", "", "")];
    assert_eq!(chosen(&ports, &devices, &fresh()), ["-/-", "21:0/-", "20:0/-"]);
    let note = plan(&ports, &devices, &fresh())[&DeviceId::new(0)].note.clone().unwrap();
    assert!(note.contains("taken by another device"), "{note}");
}

#[test]
fn what_is_connected_stays_when_a_twin_arrives() {
    let ports = [usb("Pad", 24, None, "1-1"), usb("Pad", 28, None, "1-2")].concat();
    let devices = [device(0, "Pad", "Pad", ""), device(1, "Pad", "Pad", "")];
    let key = Some(PortKey("24:0".into()));
    let current = BTreeMap::from([(DeviceId::new(1), Claims { input: key.clone(), output: key })]);
    assert_eq!(chosen(&ports, &devices, &current), ["28:0/28:0", "24:0/24:0"]);
}

#[test]
fn what_no_longer_fits_is_not_kept() {
    let ports = usb("Pad", 24, None, "1-1");
    let key = Some(PortKey("24:0".into()));
    let current = BTreeMap::from([(DeviceId::new(0), Claims { input: key.clone(), output: key })]);
    assert_eq!(chosen(&ports, &[device(0, "Other", "", "")], &current), ["-/-"]);
}

#[test]
fn the_output_is_on_the_hardware_of_the_input() {
    let ports = [usb("Pad", 24, Some("A1"), "1-1"), usb("Pad", 28, Some("B2"), "1-2")].concat();
    // The input is kept on the second; the output pattern alone would take the first.
    let current =
        BTreeMap::from([(DeviceId::new(0), Claims { input: Some(PortKey("28:0".into())), output: None })]);
    assert_eq!(chosen(&ports, &[device(0, "Pad", "Pad", "")], &current), ["28:0/28:0"]);
}

#[test]
fn one_port_can_be_read_for_one_device_and_written_for_another() {
    let ports = usb("Pad", 24, None, "1-1");
    let devices = [device(0, "Pad", "", ""), device(1, "", "Pad", "")];
    assert_eq!(chosen(&ports, &devices, &fresh()), ["24:0/-", "-/24:0"]);
}

#[test]
fn several_ports_that_match_are_mentioned() {
    let ports = [
        port("LP", "LP DAW", (24, 0), PortDirection::Input),
        port("LP", "LP MIDI", (24, 1), PortDirection::Input),
    ];
    let result = plan(&ports, &[device(0, "LP*", "", "")], &fresh());
    let note = result[&DeviceId::new(0)].note.clone().unwrap();
    assert!(note.contains("2 input ports match; took `LP:LP DAW`"), "{note}");
}

fn any_device() -> impl Strategy<Value = (u8, u8, u8)> {
    (0u8..5, 0u8..5, 0u8..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Whatever there is: no port twice, only ports that fit, a second plan changes nothing, and the order in which
    /// the system lists the ports does not matter.
    #[test]
    fn a_plan_is_exclusive_stable_and_independent_of_listing_order(
        shape in prop::collection::vec((0u8..3, any::<bool>(), prop_oneof![Just(None), (0u8..3).prop_map(Some)]), 0..8),
        wanted in prop::collection::vec(any_device(), 0..6),
        rotate in 0usize..8,
    ) {
        let patterns = ["", "*", "Pad?", "Pad1", "Pad*"];
        let serials = ["", "s0", "s1", "*"];
        let ports: Vec<Port> = shape.iter().enumerate().map(|(number, (name, input, serial))| {
            let direction = if *input { PortDirection::Input } else { PortDirection::Output };
            let name = format!("Pad{name}");
            let usb = serial.map(|serial| UsbIdentity { serial: Some(format!("s{serial}")), path: format!("1-{number}") });
            Port { usb, ..port(&name, "MIDI", (20 + number as u32, 0), direction) }
        }).collect();
        let devices: Vec<Device> = wanted.iter().enumerate().map(|(id, (input, output, usb))| {
            device(id as u32, patterns[*input as usize], patterns[*output as usize], serials[*usb as usize])
        }).collect();
        let first = plan(&ports, &devices, &fresh());
        for pick in [|a: &Assignment| a.input, |a: &Assignment| a.output] {
            let mut seen: Vec<usize> = first.values().filter_map(pick).collect();
            let count = seen.len();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), count);
        }
        for device in &devices {
            for index in first[&device.id].input.iter() {
                prop_assert!(super::fits(&ports[*index], &device.ports, PortDirection::Input));
            }
        }
        let key = |index: Option<usize>| index.map(|index| ports[index].key.clone());
        let current: BTreeMap<DeviceId, Claims> = first.iter()
            .map(|(id, a)| (*id, Claims { input: key(a.input), output: key(a.output) })).collect();
        prop_assert_eq!(chosen(&ports, &devices, &current), chosen(&ports, &devices, &fresh()));
        let mut other = ports.clone();
        let count = other.len().max(1);
        other.rotate_left(rotate % count);
        prop_assert_eq!(chosen(&other, &devices, &fresh()), chosen(&ports, &devices, &fresh()));
    }
}
