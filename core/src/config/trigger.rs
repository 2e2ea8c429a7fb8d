//! `on`: what a hand must do.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeValue;

use super::context::{Context, Spot, nearest};
use super::device::{Use, named_device};
use super::diagnostics::Code;
use super::keys::{CHORD_MEMBER, TRIGGER};
use super::reader::{self, Table, Written};
use crate::ids::DeviceId;
use crate::midi::{Channel, SysexPattern};
use crate::ruleset::Takeover;
use crate::ruleset::trigger::{
    CHORD_MAX, ControlKind, Direction, Edge, Encoder, Encoding, Gesture, MoveFilter, Realtime, SEQUENCE_MAX,
    Selector, Trigger,
};

/// A trigger, and what the rest of its mapping needs to know of it.
pub(super) struct ReadTrigger {
    pub(super) trigger: Trigger,
    pub(super) takeover: Takeover,
    /// How `takeover` was written, if it was.
    pub(super) takeover_spot: Option<Spot>,
    /// The control's name, if it was named.
    pub(super) control_name: Option<String>,
}

/// The velocities of a press; 0 is a release.
const ANY_VELOCITY: RangeInclusive<u8> = 1..=127;
/// The largest value of a control of 7 and of 14 bits.
pub(super) const SEVEN_BITS_MAX: u16 = 127;
pub(super) const FOURTEEN_BITS_MAX: u16 = 16383;

/// Reads a trigger. `None`: it is not even clear what it is about.
pub(super) fn read(ctx: &mut Context, value: &Written<'_>) -> Option<ReadTrigger> {
    let table = reader::table(ctx, value, &TRIGGER)?;
    let device = named_device(ctx, &table, "device", Use::Input);
    let channel = table.byte(ctx, "channel").and_then(Channel::from_human);
    let mut read = ReadTrigger {
        trigger: Trigger::Realtime { device, message: Realtime::Clock },
        takeover: Takeover::Jump,
        takeover_spot: None,
        control_name: None,
    };
    read.trigger = match table.leading? {
        "sysex" => sysex(ctx, &table, device)?,
        "realtime" => realtime(ctx, &table, device)?,
        "chord" => {
            let controls = members(ctx, &table, "chord", device, channel, CHORD_MAX);
            let within = table.duration(ctx, "within").unwrap_or(ctx.defaults.chord_window);
            Trigger::Chord { controls, within }
        }
        "sequence" => {
            let controls = members(ctx, &table, "sequence", device, channel, SEQUENCE_MAX);
            let within = table.duration(ctx, "within").unwrap_or(ctx.defaults.sequence_window);
            Trigger::Sequence { controls, within }
        }
        _ => {
            let Some(control) = selector(ctx, &table, device, channel) else {
                // The other keys can be wrong too, and are to be reported with it.
                if let Some(kind) = kind_of(table.leading) {
                    let stand_in = Selector { device, channel, kind, number: Some(0) };
                    let _ = of_control(ctx, &table, stand_in, &mut read);
                }
                return None;
            };
            read.control_name = table.text_if_there("control").map(str::to_owned);
            of_control(ctx, &table, control, &mut read)
        }
    };
    Some(read)
}

fn sysex(ctx: &mut Context, table: &Table<'_>, device: Option<DeviceId>) -> Option<Trigger> {
    let text = table.text(ctx, "sysex")?;
    match SysexPattern::parse(text) {
        Ok(pattern) => Some(Trigger::Sysex { device, pattern: Arc::new(pattern) }),
        Err(reason) => {
            ctx.report(Code::BadMessage, table.value_span("sysex"), reason.to_string())
                .help("write it like \"F0 7E ?? 06 02 * F7\"");
            None
        }
    }
}

fn realtime(ctx: &mut Context, table: &Table<'_>, device: Option<DeviceId>) -> Option<Trigger> {
    let message = match table.word(ctx, "realtime")? {
        "start" => Realtime::Start,
        "stop" => Realtime::Stop,
        "continue" => Realtime::Continue,
        "clock" => Realtime::Clock,
        _ => Realtime::Reset,
    };
    Some(Trigger::Realtime { device, message })
}

/// The kind of control that a leading key means, where the key alone says it.
fn kind_of(leading: Option<&str>) -> Option<ControlKind> {
    match leading? {
        "note" => Some(ControlKind::Note),
        "cc" => Some(ControlKind::Controller),
        "cc14" => Some(ControlKind::Controller14),
        "pressure" => Some(ControlKind::PolyPressure),
        _ => None,
    }
}

/// The control that the trigger's leading key means.
fn selector(
    ctx: &mut Context,
    table: &Table<'_>,
    device: Option<DeviceId>,
    channel: Option<Channel>,
) -> Option<Selector> {
    let one = |kind, number| Some(Selector { device, channel, kind, number: Some(number) });
    match table.leading? {
        "note" if table.is_word("note", "any") => {
            Some(Selector { device, channel, kind: ControlKind::Note, number: None })
        }
        "note" => one(ControlKind::Note, reader::note(ctx, table.get("note")?)?),
        "cc" => one(ControlKind::Controller, table.byte(ctx, "cc")?),
        "cc14" => one(ControlKind::Controller14, table.byte(ctx, "cc14")?),
        "bend" => {
            table.only_true(ctx, "bend");
            one(ControlKind::Bend, 0)
        }
        "pressure" if table.is_word("pressure", "channel") => one(ControlKind::ChannelPressure, 0),
        "pressure" => one(ControlKind::PolyPressure, reader::note(ctx, table.get("pressure")?)?),
        "program" if table.is_word("program", "any") => {
            Some(Selector { device, channel, kind: ControlKind::Program, number: None })
        }
        "program" => {
            let number = reader::integer(ctx, table.get("program")?, 0..=127)?;
            one(ControlKind::Program, u8::try_from(number).ok()?)
        }
        _ => {
            let control = named_control(ctx, table, device, channel)?;
            let leading = match control.kind {
                ControlKind::Note => "note",
                ControlKind::Controller => "cc",
                ControlKind::Controller14 => "cc14",
                ControlKind::Bend => "bend",
                ControlKind::PolyPressure | ControlKind::ChannelPressure => "pressure",
                ControlKind::Program => "program",
            };
            let of = format!("this control, which sends `{leading}`");
            table.check_companions(ctx, Some(leading), &of);
            Some(control)
        }
    }
}

/// The control that `control` of a table names, on `device`.
fn named_control(
    ctx: &mut Context,
    table: &Table<'_>,
    device: Option<DeviceId>,
    channel: Option<Channel>,
) -> Option<Selector> {
    let name = table.text(ctx, "control")?;
    let span = table.value_span("control");
    let Some(device) = device else {
        // An unknown device was reported already.
        if !table.has("device") {
            ctx.report(
                Code::MissingKey,
                span,
                "a control has a name only on its device: `device` is missing",
            )
            .help("for example { device = \"pads\", control = \"play\" }");
        }
        return None;
    };
    let device_name = ctx.names.devices.name(device).to_owned();
    let declared = ctx.devices.get(&device_name)?;
    let Some(control) = declared.control(name) else {
        let suggestion = if ctx.is_full() { None } else { nearest(name, declared.control_names()) };
        let help = match suggestion {
            Some(right) => format!("did you mean {right:?}?"),
            None => format!("name it: [device.{device_name}.controls] with {name} = {{ note = \"C1\" }}"),
        };
        let message = format!("the device `{device_name}` has no control `{}`", reader::shortened(name));
        ctx.report(Code::UnknownControl, span, message).help(help);
        return None;
    };
    if let (Some(own), Some(wanted)) = (control.channel, channel)
        && own != wanted
    {
        let message = format!("this control sends on channel {}, not {}", own.human(), wanted.human());
        ctx.report(Code::Conflict, span, message).help("leave `channel` out");
    }
    Some(Selector {
        device: Some(device),
        channel: control.channel.or(channel),
        kind: control.kind,
        number: Some(control.number),
    })
}

/// What is done with one control: a gesture, a movement, a turn, or just a message.
fn of_control(ctx: &mut Context, table: &Table<'_>, control: Selector, read: &mut ReadTrigger) -> Trigger {
    let gesture = gesture(ctx, table);
    match (control.kind, gesture) {
        (ControlKind::Program, _) => Trigger::Program { control },
        (ControlKind::Note, gesture) => press(ctx, table, control, gesture.unwrap_or(Gesture::Press)),
        (ControlKind::Controller, Some(gesture)) => {
            for key in ["range", "enter", "direction", "relative", "takeover"] {
                if table.has(key) {
                    let message =
                        format!("`{key}` is about a movement, and this is a button because of its gesture");
                    ctx.report(Code::Conflict, table.key_span(key), message).help("write a mapping for each");
                }
            }
            press(ctx, table, control, gesture)
        }
        _ => {
            if table.has("velocity") {
                ctx.report(
                    Code::Conflict,
                    table.key_span("velocity"),
                    "`velocity` is about a press, and this is a movement",
                )
                .help("for a button, add `press = true`; for a movement, use `range`");
            }
            moved(ctx, table, control, read)
        }
    }
}

fn press(ctx: &mut Context, table: &Table<'_>, control: Selector, gesture: Gesture) -> Trigger {
    let velocity = table.range(ctx, "velocity", SEVEN_BITS_MAX);
    let velocity = velocity.map_or(ANY_VELOCITY, |zone| narrow(*zone.start())..=narrow(*zone.end()));
    Trigger::Press { control, gesture, velocity }
}

/// A number that is known to be at most 127.
fn narrow(number: u16) -> u8 {
    number.min(SEVEN_BITS_MAX) as u8
}

/// The gesture of a button, if the table has one.
fn gesture(ctx: &mut Context, table: &Table<'_>) -> Option<Gesture> {
    let mut found = None;
    for (key, gesture) in [
        ("hold", Gesture::Hold as fn(Duration) -> Gesture),
        ("short", Gesture::Short),
        ("long", Gesture::Long),
    ] {
        if let Some(value) = table.get(key) {
            let length = match value.get_ref() {
                DeValue::Boolean(true) => Some(ctx.defaults.hold),
                DeValue::Boolean(false) => reader::wrong_type(
                    ctx,
                    value,
                    "a duration such as \"400ms\", or true; or the key is left out",
                ),
                _ => table.duration(ctx, key),
            };
            found.get_or_insert(gesture(length.unwrap_or(ctx.defaults.hold)));
        }
    }
    if table.has("taps") {
        let count = table.byte(ctx, "taps").unwrap_or(2);
        let window = table.duration(ctx, "window").unwrap_or(ctx.defaults.tap_window);
        found.get_or_insert(Gesture::Taps { count, window });
    }
    for (key, gesture) in [("release", Gesture::Release), ("press", Gesture::Press)] {
        if table.has(key) {
            table.only_true(ctx, key);
            found.get_or_insert(gesture);
        }
    }
    found
}

fn moved(ctx: &mut Context, table: &Table<'_>, control: Selector, read: &mut ReadTrigger) -> Trigger {
    let direction = match table.word(ctx, "direction") {
        Some("up") => Direction::Up,
        Some("down") => Direction::Down,
        _ => Direction::Both,
    };
    if table.has("takeover") {
        read.takeover_spot = Some(ctx.spot(table.key_span("takeover")));
        if table.word(ctx, "takeover") == Some("pickup") {
            read.takeover = Takeover::Pickup;
        }
    }
    if table.has("relative") {
        for key in ["range", "enter", "takeover"] {
            if table.has(key) {
                let message = format!("`{key}` is about a position, and an encoder has none");
                ctx.report(Code::Conflict, table.key_span(key), message);
            }
        }
        return Trigger::Turn { control, encoder: encoder(ctx, table), direction };
    }
    let max = travel(control.kind);
    let (range, edge) = match table.range(ctx, "enter", max) {
        Some(range) => (range, Edge::Enter),
        None => (table.range(ctx, "range", max).unwrap_or(0..=max), Edge::Every),
    };
    if edge == Edge::Enter && read.takeover == Takeover::Pickup {
        let message = "`enter` makes a press of it, and a press picks nothing up";
        ctx.report(Code::Conflict, table.key_span("takeover"), message);
    }
    Trigger::Move { control, filter: MoveFilter { range, edge, direction } }
}

fn encoder(ctx: &mut Context, table: &Table<'_>) -> Encoder {
    let encoding = match table.word(ctx, "relative") {
        Some("binary_offset" | "relative2") => Encoding::BinaryOffset,
        Some("sign_magnitude" | "relative3" | "mackie") => Encoding::SignMagnitude,
        Some("offset_16") => Encoding::Offset16,
        _ => Encoding::TwosComplement,
    };
    Encoder {
        encoding,
        invert: table.flag(ctx, "invert").unwrap_or(false),
        divide: table.byte(ctx, "divide").unwrap_or(1),
        accelerate: table.flag(ctx, "accelerate").unwrap_or(true),
    }
}

/// The largest value that a control sends.
pub(super) fn travel(kind: ControlKind) -> u16 {
    match kind {
        ControlKind::Controller14 | ControlKind::Bend => FOURTEEN_BITS_MAX,
        ControlKind::Note
        | ControlKind::Controller
        | ControlKind::PolyPressure
        | ControlKind::ChannelPressure
        | ControlKind::Program => SEVEN_BITS_MAX,
    }
}

/// The controls of a chord or sequence.
fn members(
    ctx: &mut Context,
    table: &Table<'_>,
    key: &'static str,
    device: Option<DeviceId>,
    channel: Option<Channel>,
    most: usize,
) -> Vec<Selector> {
    let Some(value) = table.get(key) else { return Vec::new() };
    let items = reader::list(ctx, value, 2..=most, "an array such as [\"E1\", \"F1\"]").unwrap_or_default();
    let mut controls: Vec<(Selector, Spot)> = Vec::new();
    for item in items {
        // Its own device was reported where it is unknown; without one, the trigger's holds.
        let Some(control) = member(ctx, item, device, channel, table.has("device")) else { continue };
        let spot = ctx.spot(item.span());
        let same = controls.iter().find(|(other, _)| *other == control).map(|(_, spot)| *spot);
        if let Some(first) = same.filter(|_| key == "chord") {
            let first = ctx.place(first);
            let error =
                ctx.report(Code::EqualMembers, item.span(), "a chord can't have the same control twice");
            error.second = Some((first, "it is here as well".to_owned()));
            error.help("to press one control several times, use `taps` or `sequence`");
        }
        controls.push((control, spot));
    }
    controls.into_iter().map(|(control, _)| control).collect()
}

fn member(
    ctx: &mut Context,
    item: &Written<'_>,
    device: Option<DeviceId>,
    channel: Option<Channel>,
    device_written: bool,
) -> Option<Selector> {
    let DeValue::Table(_) = item.get_ref() else {
        let number = Some(reader::note(ctx, item)?);
        return Some(Selector { device, channel, kind: ControlKind::Note, number });
    };
    let table = reader::table(ctx, item, &CHORD_MEMBER)?;
    let device = match table.has("device") {
        true => named_device(ctx, &table, "device", Use::Input),
        false => device,
    };
    let channel = table.byte(ctx, "channel").and_then(Channel::from_human).or(channel);
    let (kind, number) = match table.leading? {
        "note" => (ControlKind::Note, reader::note(ctx, table.get("note")?)?),
        "cc" => (ControlKind::Controller, table.byte(ctx, "cc")?),
        _ if device.is_none() && device_written => return None,
        _ => {
            let control = named_control(ctx, &table, device, channel)?;
            if !matches!(control.kind, ControlKind::Note | ControlKind::Controller) {
                let message = "this control can't be pressed: it sends neither notes nor control changes";
                ctx.report(Code::Conflict, table.value_span("control"), message);
            }
            return Some(control);
        }
    };
    Some(Selector { device, channel, kind, number: Some(number) })
}
