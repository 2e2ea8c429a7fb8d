//! `[device.NAME]` and controller files: how ports are found, and what controls are called.

use std::collections::HashMap;
use std::rc::Rc;

use toml::de::{DeTable, DeValue};

use super::context::{Context, Spot, nearest};
use super::diagnostics::Code;
use super::keys::{CONTROLLER_FILE, DEVICE, NAMED_CONTROL};
use super::reader::{self, Table, Written};
use super::settings::defined_twice;
use super::{Controllers, syntax};
use crate::ids::{DeviceId, VIRTUAL_INPUT};
use crate::midi::Channel;
use crate::ruleset::trigger::ControlKind;
use crate::ruleset::{Device, DevicePorts, NamedControl, PortPattern};

/// What the rest of the configuration needs to know of a device.
pub(super) struct DeclaredDevice {
    pub(super) id: DeviceId,
    spot: Spot,
    /// Whether it is read from, and written to.
    pub(super) has_input: bool,
    pub(super) has_output: bool,
    /// The user's names first, then those of the controller file.
    own_controls: HashMap<String, NamedControl>,
    controller_controls: Rc<HashMap<String, NamedControl>>,
}

impl DeclaredDevice {
    /// The control with this name.
    pub(super) fn control(&self, name: &str) -> Option<NamedControl> {
        self.own_controls.get(name).or_else(|| self.controller_controls.get(name)).copied()
    }

    /// The names of its controls.
    pub(super) fn control_names(&self) -> impl Iterator<Item = &str> {
        self.own_controls.keys().chain(self.controller_controls.keys()).map(String::as_str)
    }

    fn controls(&self) -> Vec<(String, NamedControl)> {
        let mut names: Vec<&str> = self.control_names().collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(|name| Some((name.to_owned(), self.control(name)?))).collect()
    }
}

/// Reads the devices of all files, in the order written.
pub(super) fn read(
    ctx: &mut Context,
    written: &[(usize, &Written<'_>)],
    controllers: &dyn Controllers,
) -> Vec<Device> {
    let mut devices = Vec::new();
    let mut controller_cache = HashMap::new();
    for (file, value) in written {
        ctx.file = *file;
        let DeValue::Table(entries) = value.get_ref() else {
            reader::wrong_type::<()>(ctx, value, "a table of devices, as in [device.pads]");
            continue;
        };
        for (name, span, value) in reader::in_order(entries) {
            ctx.file = *file;
            let spot = ctx.spot(span);
            if let Some(first) = ctx.devices.get(name).map(|first| first.spot) {
                defined_twice(ctx, &format!("the device `{name}`"), spot, first);
                continue;
            }
            let id = ctx.names.devices.intern(name);
            let (device, declared) = device(ctx, id, spot, value, controllers, &mut controller_cache);
            ctx.devices.insert(name.to_owned(), declared);
            devices.push(device);
        }
    }
    devices.extend(virtual_input(ctx));
    devices
}

/// A device of which nothing is known.
fn bare(id: DeviceId) -> Device {
    Device { id, ports: DevicePorts::default(), echo: std::time::Duration::ZERO, controls: Vec::new() }
}

/// The device behind the virtual input port is always there, unless the configuration says something of it.
fn virtual_input(ctx: &mut Context) -> Option<Device> {
    if ctx.devices.contains_key(VIRTUAL_INPUT) {
        return None;
    }
    let id = ctx.names.devices.intern(VIRTUAL_INPUT);
    let declared = DeclaredDevice {
        id,
        spot: Spot { file: 0, start: 0, end: 0 },
        has_input: true,
        has_output: false,
        own_controls: HashMap::new(),
        controller_controls: Rc::default(),
    };
    ctx.devices.insert(VIRTUAL_INPUT.to_owned(), declared);
    Some(bare(id))
}

type ControllerCache = HashMap<String, Rc<HashMap<String, NamedControl>>>;

/// One device. A device with mistakes is declared all the same, so that those who name it are right.
fn device(
    ctx: &mut Context,
    id: DeviceId,
    spot: Spot,
    value: &Written<'_>,
    controllers: &dyn Controllers,
    cache: &mut ControllerCache,
) -> (Device, DeclaredDevice) {
    let mut device = bare(id);
    let mut declared = DeclaredDevice {
        id,
        spot,
        has_input: true,
        has_output: true,
        own_controls: HashMap::new(),
        controller_controls: Rc::default(),
    };
    let Some(table) = reader::table(ctx, value, &DEVICE) else { return (device, declared) };
    device.ports = ports(ctx, &table, &spot);
    declared.has_input = device.ports.input.is_some() || !table.has("out");
    declared.has_output = !matches!(table.get("out").map(|out| out.get_ref()), Some(DeValue::Boolean(false)));
    device.echo = table.duration(ctx, "drop_echo").unwrap_or_default();
    if let Some(controls) = table.get("controls") {
        declared.own_controls = named_controls(ctx, controls);
    }
    if let Some(name) = table.text(ctx, "controller") {
        let span = table.value_span("controller");
        let known = cache.get(name).cloned();
        declared.controller_controls = known.unwrap_or_else(|| {
            let read = Rc::new(controller(ctx, name, span, controllers));
            cache.insert(name.to_owned(), read.clone());
            read
        });
    }
    device.controls = declared.controls();
    (device, declared)
}

fn ports(ctx: &mut Context, table: &Table<'_>, spot: &Spot) -> DevicePorts {
    let pattern = |text: &str| PortPattern(text.to_owned());
    let input = table.text(ctx, "port").map(pattern);
    let output = match table.get("out").map(|out| out.get_ref()) {
        None => input.clone(),
        Some(DeValue::Boolean(false)) => None,
        Some(DeValue::Boolean(true)) => {
            let span = table.value_span("out");
            ctx.report(Code::WrongType, span, "`out` is a pattern on the output port's name, or false")
                .help("leave it out, and the output that fits `port` is taken");
            None
        }
        Some(_) => table.text(ctx, "out").map(pattern),
    };
    if !table.has("port")
        && (!table.has("out") || table.is_false("out"))
        && !ctx.files[ctx.file].has_syntax_errors
    {
        ctx.report_at(Code::MissingKey, *spot, "this device has no port")
            .help("for example: port = \"Launchpad*\"; `padgate devices` lists the ports that are there");
    }
    DevicePorts { input, output, usb: table.text(ctx, "usb").map(pattern) }
}

/// Reads a table of named controls.
fn named_controls(ctx: &mut Context, written: &Written<'_>) -> HashMap<String, NamedControl> {
    let DeValue::Table(entries) = written.get_ref() else {
        reader::wrong_type::<()>(ctx, written, "a table such as { play = { note = \"C1\" } }");
        return HashMap::new();
    };
    let mut controls = HashMap::new();
    for (name, _, value) in reader::in_order(entries) {
        if let Some(control) =
            reader::table(ctx, value, &NAMED_CONTROL).and_then(|table| named_control(ctx, &table))
        {
            controls.insert(name.to_owned(), control);
        }
    }
    controls
}

fn named_control(ctx: &mut Context, table: &Table<'_>) -> Option<NamedControl> {
    let channel = table.byte(ctx, "channel").and_then(Channel::from_human);
    let (kind, number) = match table.leading? {
        "note" => (ControlKind::Note, reader::note(ctx, table.get("note")?)?),
        "cc" => (ControlKind::Controller, table.byte(ctx, "cc")?),
        "cc14" => (ControlKind::Controller14, table.byte(ctx, "cc14")?),
        "program" => (ControlKind::Program, table.byte(ctx, "program")?),
        "pressure" if table.is_word("pressure", "channel") => (ControlKind::ChannelPressure, 0),
        "pressure" => (ControlKind::PolyPressure, reader::note(ctx, table.get("pressure")?)?),
        _ => {
            table.only_true(ctx, "bend");
            (ControlKind::Bend, 0)
        }
    };
    Some(NamedControl { kind, number, channel })
}

/// The controls in a controller file. Mistakes in it are reported at their place in that file.
fn controller(
    ctx: &mut Context,
    name: &str,
    span: std::ops::Range<usize>,
    controllers: &dyn Controllers,
) -> HashMap<String, NamedControl> {
    let source = match controllers.source(name) {
        Ok(Some(source)) => source,
        Ok(None) => {
            let known = controllers.names();
            let error =
                ctx.report(Code::UnknownController, span, format!("there is no controller file {name:?}"));
            match nearest(name, known.iter().map(String::as_str)) {
                Some(right) => error.help(format!("did you mean {right:?}?")),
                None => error.help(format!("there are {}", known.join(", "))),
            };
            return HashMap::new();
        }
        Err(reason) => {
            ctx.report(
                Code::UnknownController,
                span,
                format!("the controller file {name:?} can't be read: {reason}"),
            );
            return HashMap::new();
        }
    };
    let device_file = ctx.file;
    let text = ctx.open(&source.name, &source.text);
    let root = syntax::parse(ctx, &text);
    let controls = controller_file(ctx, root.get_ref());
    ctx.file = device_file;
    controls
}

fn controller_file(ctx: &mut Context, root: &DeTable<'_>) -> HashMap<String, NamedControl> {
    let Some(table) = reader::open(ctx, root, 0..0, &CONTROLLER_FILE) else { return HashMap::new() };
    table.text(ctx, "name");
    table.get("controls").map(|controls| named_controls(ctx, controls)).unwrap_or_default()
}

/// What a device must be able to do for those who name it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Something comes from it.
    Input,
    /// Something is sent to it.
    Output,
}

/// The device that `key` of the table names.
pub(super) fn named_device(ctx: &mut Context, table: &Table<'_>, key: &str, wanted: Use) -> Option<DeviceId> {
    let name = table.text(ctx, key)?;
    let span = table.value_span(key);
    if let Some(device) = ctx.devices.get(name) {
        let id = device.id;
        let missing = match wanted {
            Use::Input if !device.has_input => "nothing is read from the device",
            Use::Output if !device.has_output => "nothing is sent to the device",
            Use::Input | Use::Output => return Some(id),
        };
        let key = if wanted == Use::Input { "port" } else { "out" };
        ctx.report(Code::NoPort, span, format!("{missing} `{name}`"))
            .help(format!("give it a `{key}` in [device.{name}]"));
        return Some(id);
    }
    // Where a file could not be read to its end, the device may be in the part that was not.
    if ctx.files.iter().any(|file| file.has_syntax_errors) {
        return None;
    }
    let suggestion = if ctx.is_full() { None } else { nearest(name, ctx.devices.keys().map(String::as_str)) };
    let help = match suggestion {
        Some(right) => format!("did you mean {right:?}?"),
        None => format!("declare it: [device.{name}] with port = \"…\""),
    };
    ctx.report(Code::UnknownDevice, span, format!("there is no device `{}`", reader::shortened(name)))
        .help(help);
    None
}
