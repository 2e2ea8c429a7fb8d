//! `press`: from what a user says of a control to the messages that a hand on it would send.

use padgate_core::ids::{DeviceId, Names};
use padgate_core::midi::{Channel, Decoder, Message, Received, note};
use padgate_core::ruleset::Device;
use padgate_core::ruleset::trigger::ControlKind;
use padgate_ipc::control::{ControlName, ControlSpec};
use padgate_ipc::method::{PressParams, PressPhase};
use padgate_ipc::{ErrorCode, ErrorObject};

use crate::ipc::convert;
use crate::ipc::explain::Wanted;

/// The velocity of a press that says none: firm, so that it is in most zones.
const VELOCITY_DEFAULT: u8 = 100;

/// What is to be put in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// As if this device had sent it.
    pub device: DeviceId,
    /// Messages that come first, each in bytes of its own.
    pub first: Vec<Vec<u8>>,
    /// Messages that follow when the control has been held long enough.
    pub after_hold: Vec<Vec<u8>>,
}

/// Finds a device by name; without one, the only configured device that sends, or else the virtual port.
///
/// # Errors
///
/// If there is no device of that name, with those that there are.
pub fn device(name: Option<&str>, devices: &[Device], names: &Names) -> Result<DeviceId, ErrorObject> {
    let virtual_port = DeviceId::new(0);
    let Some(name) = name else {
        let mut inputs = devices.iter().filter(|device| device.ports.input.is_some());
        return Ok(match (inputs.next(), inputs.next()) {
            (Some(only), None) => only.id,
            _ => virtual_port,
        });
    };
    let known = |id: DeviceId| id == virtual_port || devices.iter().any(|device| device.id == id);
    names.devices.find(name).filter(|id| known(*id)).ok_or_else(|| {
        let others = devices.iter().map(|device| device.id).filter(|id| *id != virtual_port);
        let all: Vec<&str> = others.chain([virtual_port]).map(|id| names.devices.name(id)).collect();
        let text = format!("there is no device {name:?} in the configuration; there are: {}", all.join(", "));
        ErrorObject::new(ErrorCode::NotFound, text)
    })
}

/// What a control is in MIDI. A name that the user or the controller file gave comes before a note's.
///
/// # Errors
///
/// If it is neither a named control of `device` (`None`: of any device), nor a note, nor anything else.
fn control(
    spec: &ControlSpec,
    device: Option<DeviceId>,
    devices: &[Device],
) -> Result<(ControlKind, u8, Option<Channel>), ErrorObject> {
    let channel = spec.channel.and_then(Channel::from_human);
    let (kind, number) = match &spec.kind {
        ControlName::Named(name) => {
            let mut meant = devices.iter().filter(|known| device.is_none_or(|device| device == known.id));
            let named = meant.find_map(|device| device.controls.iter().find(|(known, _)| known == name));
            if let Some((_, named)) = named {
                return Ok((named.kind, named.number, channel.or(named.channel)));
            }
            (ControlKind::Note, note_number(name)?)
        }
        ControlName::Controller(number) => (ControlKind::Controller, *number),
        ControlName::Controller14(number) => (ControlKind::Controller14, *number),
        ControlName::Bend => (ControlKind::Bend, 0),
        ControlName::Pressure => (ControlKind::ChannelPressure, 0),
        ControlName::KeyPressure(name) => (ControlKind::PolyPressure, note_number(name)?),
        ControlName::Program(number) => (ControlKind::Program, *number),
    };
    Ok((kind, number, channel))
}

fn note_number(name: &str) -> Result<u8, ErrorObject> {
    note::parse(name).ok_or_else(|| {
        let text =
            format!(
            "{name:?} is neither a control that has a name nor a note: write C-1 to G9, a number up to 127, cc:7, bend or pressure"
        );
        ErrorObject::new(ErrorCode::NotFound, text)
    })
}

/// Which press `explain` is asked about.
///
/// # Errors
///
/// If there is no such device or control.
pub fn wanted(
    name: Option<&str>,
    spec: Option<&ControlSpec>,
    devices: &[Device],
    names: &Names,
) -> Result<Wanted, ErrorObject> {
    let device = match name {
        Some(name) => Some(device(Some(name), devices, names)?),
        None => None,
    };
    let Some(spec) = spec else { return Ok(Wanted { device, ..Wanted::default() }) };
    let (kind, number, channel) = control(spec, device, devices)?;
    // What comes in is one half of the pair.
    let kind = if kind == ControlKind::Controller14 { ControlKind::Controller } else { kind };
    Ok(Wanted { device, control: Some((kind, number)), channel })
}

/// The messages for a press.
///
/// # Errors
///
/// If the device or control does not exist, or the value does not fit it.
pub fn plan(params: &PressParams, devices: &[Device], names: &Names) -> Result<Plan, ErrorObject> {
    let device = device(params.device.as_deref(), devices, names)?;
    let (first, after_hold) = match (&params.control, &params.midi) {
        (Some(spec), _) => {
            let (kind, number, channel) = control(spec, Some(device), devices)?;
            let channel = channel.unwrap_or(Channel::from_wire(0));
            let (first, after_hold) = hand(kind, number, channel, params)?;
            let encode = |message: &Message| {
                let (bytes, length) = message.encode();
                bytes[..length].to_vec()
            };
            (first.iter().map(encode).collect(), after_hold.iter().map(encode).collect())
        }
        (None, Some(text)) => (messages(text)?, Vec::new()),
        (None, None) => return Err(invalid("say either a control or MIDI bytes")),
    };
    Ok(Plan { device, first, after_hold })
}

fn invalid(text: &str) -> ErrorObject {
    ErrorObject::new(ErrorCode::InvalidParams, text)
}

type Messages = (Vec<Message>, Vec<Message>);

/// What a hand on a control makes it send, before and after it was held.
fn hand(
    kind: ControlKind,
    number: u8,
    channel: Channel,
    params: &PressParams,
) -> Result<Messages, ErrorObject> {
    let value7 = || match params.value {
        None => Ok(None),
        Some(value) => u8::try_from(value)
            .ok()
            .filter(|value| *value <= 127)
            .map(Some)
            .ok_or_else(|| invalid("the value of this control goes from 0 to 127")),
    };
    let value14 = || match params.value {
        Some(value) if value <= 16_383 => Ok(value),
        _ => Err(invalid("this control needs a value from 0 to 16383")),
    };
    let needed = || value7()?.ok_or_else(|| invalid("this control needs a value from 0 to 127"));
    let only = |message| Ok((vec![message], Vec::new()));
    match kind {
        ControlKind::Note => {
            let velocity = value7()?.unwrap_or(VELOCITY_DEFAULT);
            if velocity == 0 && params.phase != PressPhase::Up {
                return Err(invalid("a velocity goes from 1 to 127: 0 would be a release"));
            }
            let down = Message::NoteOn { channel, note: number, velocity };
            let up = Message::NoteOff { channel, note: number, velocity: 64 };
            Ok(down_up(params.phase, down, up))
        }
        ControlKind::Controller => {
            let set = |value| Message::ControlChange { channel, controller: number, value };
            let value = value7()?;
            // A value alone is a movement; none, or one that is held, is a button.
            if let (Some(value), PressPhase::Tap, 0) = (value, params.phase, params.hold_ms) {
                return only(set(value));
            }
            Ok(down_up(params.phase, set(value.unwrap_or(127)), set(0)))
        }
        ControlKind::Controller14 => {
            let value = value14()?;
            let set = |controller, value: u16| Message::ControlChange {
                channel,
                controller,
                value: (value & 0x7F) as u8,
            };
            Ok((vec![set(number, value >> 7), set(number + 32, value)], Vec::new()))
        }
        ControlKind::Bend => only(Message::PitchBend { channel, value: value14()? }),
        ControlKind::PolyPressure => {
            only(Message::PolyPressure { channel, note: number, pressure: needed()? })
        }
        ControlKind::ChannelPressure => only(Message::ChannelPressure { channel, pressure: needed()? }),
        ControlKind::Program => only(Message::ProgramChange { channel, program: number }),
    }
}

fn down_up(phase: PressPhase, down: Message, up: Message) -> Messages {
    match phase {
        PressPhase::Down => (vec![down], Vec::new()),
        PressPhase::Up => (vec![up], Vec::new()),
        PressPhase::Tap | PressPhase::Unknown => (vec![down], vec![up]),
    }
}

/// Whole messages from hexadecimal bytes.
fn messages(text: &str) -> Result<Vec<Vec<u8>>, ErrorObject> {
    let wrong = || invalid(&format!("{text:?} is not whole MIDI messages in hexadecimal, such as 90 3C 64"));
    let bytes = convert::unhex(text).ok_or_else(wrong)?;
    let mut decoder = Decoder::default();
    let mut messages = Vec::new();
    let mut length = 0;
    decoder.feed(&bytes, |received| {
        let bytes = match received {
            Received::Message(message) => {
                let (bytes, length) = message.encode();
                bytes[..length].to_vec()
            }
            Received::Sysex(bytes) => bytes.to_vec(),
        };
        length += bytes.len();
        messages.push(bytes);
    });
    // Running status would make the bytes fewer than the messages have; it is not written by hand.
    let whole = decoder.errors().total() == 0 && length == bytes.len() && !messages.is_empty();
    if whole { Ok(messages) } else { Err(wrong()) }
}

/// Calls `then` with each message as a driver would bring it.
pub fn feed(messages: &[Vec<u8>], mut then: impl FnMut(Received<'_>)) {
    let mut decoder = Decoder::default();
    for bytes in messages {
        decoder.feed(bytes, &mut then);
    }
}

/// A message in words.
#[must_use]
pub fn words(bytes: &[u8]) -> String {
    let mut words = String::new();
    feed(&[bytes.to_vec()], |received| {
        words = match received {
            Received::Message(message) => message.to_string(),
            Received::Sysex(bytes) => format!("System Exclusive of {} bytes", bytes.len()),
        };
    });
    words
}

#[cfg(test)]
mod tests {
    use super::{plan, words};
    use padgate_core::ids::{DeviceId, Names};
    use padgate_core::midi::Channel;
    use padgate_core::ruleset::trigger::ControlKind;
    use padgate_core::ruleset::{Device, DevicePorts, NamedControl, PortPattern};
    use padgate_ipc::method::{PressParams, PressPhase};
    use std::time::Duration;

    fn planned(params: &PressParams) -> Result<(String, Vec<String>, Vec<String>), String> {
        let mut names = Names::default();
        names.devices.intern("of an earlier configuration");
        let id = names.devices.intern("pads");
        let play =
            NamedControl { kind: ControlKind::Controller, number: 94, channel: Channel::from_human(3) };
        let input = Some(PortPattern("*".into()));
        let ports = DevicePorts { input, ..DevicePorts::default() };
        let devices = [Device { id, ports, echo: Duration::ZERO, controls: vec![("play".into(), play)] }];
        let plan = plan(params, &devices, &names).map_err(|error| error.message)?;
        let all = |messages: &[Vec<u8>]| messages.iter().map(|bytes| words(bytes)).collect();
        Ok((names.devices.name(plan.device).to_owned(), all(&plan.first), all(&plan.after_hold)))
    }

    fn on(control: &str) -> PressParams {
        PressParams { control: Some(control.parse().unwrap()), ..PressParams::default() }
    }

    #[test]
    fn controls_send_what_a_hand_makes_them_send() {
        let cases = [
            (on("C1@2"), "note on C1 ch 2 velocity 100", "note off C1 ch 2 velocity 64"),
            (PressParams { phase: PressPhase::Down, ..on("36") }, "note on C2 ch 1 velocity 100", ""),
            (PressParams { phase: PressPhase::Up, ..on("36") }, "note off C2 ch 1 velocity 64", ""),
            (on("cc:20"), "cc 20 ch 1 value 127", "cc 20 ch 1 value 0"),
            (PressParams { value: Some(5), ..on("cc:20") }, "cc 20 ch 1 value 5", ""),
            (
                PressParams { value: Some(9), hold_ms: 1, ..on("cc:20") },
                "cc 20 ch 1 value 9",
                "cc 20 ch 1 value 0",
            ),
            (PressParams { value: Some(129), ..on("cc14:1") }, "cc 1 ch 1 value 1, cc 33 ch 1 value 1", ""),
            (PressParams { value: Some(8192), ..on("bend") }, "pitch bend ch 1 value 8192", ""),
            (PressParams { value: Some(1), ..on("pressure:C4") }, "pressure C4 ch 1 value 1", ""),
            (on("program:5"), "program 5 ch 1", ""),
            (on("play"), "cc 94 ch 3 value 127", "cc 94 ch 3 value 0"),
            (on("play@4"), "cc 94 ch 4 value 127", "cc 94 ch 4 value 0"),
        ];
        for (params, first, after_hold) in cases {
            let expected = ("pads".to_owned(), first.to_owned(), after_hold.to_owned());
            let (device, first, after_hold) = planned(&params).unwrap();
            assert_eq!((device, first.join(", "), after_hold.join(", ")), expected);
        }
    }

    #[test]
    fn bytes_are_whole_messages() {
        let midi = |text: &str| planned(&PressParams { midi: Some(text.into()), ..PressParams::default() });
        assert_eq!(midi("90 3E 64 80 3E 40 F0 01 F7").unwrap().1.len(), 3);
        for wrong in ["", "90", "3E 64", "90 3E 64 80", "xx", "90 3E 64 3F 64"] {
            assert!(midi(wrong).unwrap_err().contains("90 3C 64"), "{wrong}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(planned(&on("H1")).unwrap_err().contains("nor a note"));
        assert!(planned(&on("bend")).unwrap_err().contains("needs a value"));
        assert!(planned(&PressParams { value: Some(128), ..on("C1") }).unwrap_err().contains("127"));
        assert!(planned(&PressParams { value: Some(0), ..on("C1") }).unwrap_err().contains("release"));
        let earlier = PressParams { device: Some("of an earlier configuration".into()), ..on("C1") };
        assert!(planned(&earlier).unwrap_err().ends_with("there are: pads, Padgate In"));
    }

    #[test]
    fn the_virtual_port_is_named_once_among_the_devices() {
        let id = DeviceId::new(0);
        let virtual_port =
            Device { id, ports: DevicePorts::default(), echo: Duration::ZERO, controls: Vec::new() };
        let error = super::device(Some("no"), &[virtual_port], &Names::default()).unwrap_err();
        assert!(error.message.ends_with("there are: Padgate In"), "{}", error.message);
    }
}
