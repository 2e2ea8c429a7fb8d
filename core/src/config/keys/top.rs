//! Keys of the file itself, of settings, devices and mappings.

use super::{ACTION, CONDITION, DURATION_MS_MAX, Key, Kind, LIMITS, PLUGINS, Section, TRIGGER, VALUE};

/// A pattern on a name, for the schema.
const PATTERN: Kind = Kind::Text("a pattern: * stands for anything, ? for one character");

/// The whole file.
pub static ROOT: Section = Section {
    title: "the configuration",
    doc: "Padgate's configuration.",
    example: "[[map]]",
    keys: &[
        Key::new("settings", Kind::Table(&SETTINGS), "{ hold = \"400ms\" }", "What holds for all mappings."),
        Key::new(
            "device",
            Kind::Map(&Kind::Table(&DEVICE)),
            "{ pads = { port = \"Launchpad*\" } }",
            "The controllers, each under a name that you choose.",
        ),
        Key::new(
            "variables",
            Kind::Map(&VARIABLE),
            "{ scene = 1 }",
            "Variables, and what they hold until an action sets them.",
        ),
        Key::new("plugins", Kind::Table(&PLUGINS), "{ auto_grant = \"low\" }", "What holds for all plugins."),
        Key::new(
            "plugin",
            Kind::Map(&Kind::Table(&LIMITS)),
            "{ http-request = { deadline = \"1s\" } }",
            "Your own limits for a plugin. They win over what its manifest asks for.",
        ),
        Key::new(
            "map",
            Kind::List(&Kind::Table(&MAP), 0, usize::MAX),
            "[{ on = { note = \"C1\" }, do = { key = \"space\" } }]",
            "The mappings. Of those that fit equally well, the first counts.",
        ),
    ],
};

/// What a variable can hold.
pub(super) const VARIABLE: Kind =
    Kind::Either(&[Kind::Flag, Kind::Number(f64::MIN, f64::MAX), Kind::Text("")]);

/// `[settings]`.
pub static SETTINGS: Section = Section {
    title: "a table of settings",
    doc: "What holds for all mappings.",
    example: "{ hold = \"400ms\" }",
    keys: &[
        Key::new("mode", Kind::Text("the name of a mode"), "\"default\"", "The mode at the start."),
        Key::new(
            "allow_shell",
            Kind::Flag,
            "false",
            "Whether `shell` actions are allowed. Whoever can change this file can then run anything.",
        ),
        Key::new(
            "output",
            Kind::Words(&["auto", "x11", "wayland", "uinput", "none"]),
            "\"auto\"",
            "What types keys and moves the mouse.",
        ),
        Key::new(
            "virtual_ports",
            Kind::Flag,
            "true",
            "Whether the MIDI ports Padgate In and Padgate Out are made.",
        ),
        Key::new(
            "hold",
            Kind::Duration(1, DURATION_MS_MAX),
            "\"400ms\"",
            "How long a hold is, and where short ends and long begins, unless a mapping says otherwise.",
        ),
        Key::new(
            "tap_window",
            Kind::Duration(1, DURATION_MS_MAX),
            "\"300ms\"",
            "The longest time between the presses of a multiple tap, unless a mapping says otherwise.",
        ),
        Key::new(
            "chord_window",
            Kind::Duration(1, DURATION_MS_MAX),
            "\"40ms\"",
            "How far apart the presses of a chord may be, unless a mapping says otherwise.",
        ),
        Key::new(
            "sequence_window",
            Kind::Duration(1, DURATION_MS_MAX),
            "\"1s\"",
            "The longest pause in a sequence, unless a mapping says otherwise.",
        ),
    ],
};

/// `[device.NAME]`.
pub static DEVICE: Section = Section {
    title: "a device",
    doc: "A controller, and how its ports are found.",
    example: "{ port = \"Launchpad*\" }",
    keys: &[
        Key::new(
            "port",
            PATTERN,
            "\"Launchpad Mini MK3*\"",
            "The input port, by its name. `padgate devices` lists them.",
        ),
        Key::new(
            "out",
            Kind::Either(&[PATTERN, Kind::Flag]),
            "\"Launchpad Mini MK3*\"",
            "The output port; if absent, the one that fits `port`. false: nothing is ever sent to the device.",
        ),
        Key::new("usb", PATTERN, "\"1-1.4\"", "USB serial number or path, to tell twins apart.")
            .needs(&["port", "out"]),
        Key::new(
            "controller",
            Kind::Text("the name of a controller file"),
            "\"launchpad-mini-mk3\"",
            "Gives its controls the names in this controller file.",
        ),
        Key::new(
            "drop_echo",
            Kind::Duration(0, 10_000),
            "\"20ms\"",
            "Ignores a message that equals one sent to the device so shortly before. Off if absent.",
        ),
        Key::new(
            "controls",
            Kind::Map(&Kind::Table(&NAMED_CONTROL)),
            "{ play = { note = \"C1\" } }",
            "Your own names for its controls. They win over those of the controller file.",
        ),
    ],
};

/// One entry of `[device.NAME.controls]`.
pub static NAMED_CONTROL: Section = Section {
    title: "a control",
    doc: "What a control sends.",
    example: "{ cc = 7 }",
    keys: &[
        Key::new("note", Kind::Note, "\"C1\"", "A pad or key: notes.").leading(),
        Key::new("cc", Kind::Integer(0, 127), "7", "A knob, fader or button: control changes.").leading(),
        Key::new(
            "cc14",
            Kind::Integer(0, 31),
            "1",
            "A fader that sends pairs of control changes, n and n + 32.",
        )
        .leading(),
        Key::new("bend", Kind::True, "true", "The bend wheel, or a motor fader.").leading(),
        Key::new(
            "pressure",
            Kind::Either(&[Kind::Note, Kind::Words(&["channel"])]),
            "\"channel\"",
            "Pressure on a key, or on the whole keyboard.",
        )
        .leading(),
        Key::new("program", Kind::Integer(0, 127), "5", "A program change.").leading(),
        Key::new("channel", Kind::Integer(1, 16), "1", "On this channel only."),
    ],
};

/// `[[map]]`.
pub static MAP: Section = Section {
    title: "a mapping",
    doc: "What a hand must do, what must be true, and what is done then.",
    example: "{ on = { note = \"C1\" }, do = { key = \"space\" } }",
    keys: &[
        Key::new(
            "name",
            Kind::Text(""),
            "\"Play\"",
            "What it is called. If absent, it is described in a few words.",
        ),
        Key::new(
            "mode",
            Kind::Text("the name of a mode"),
            "\"stream\"",
            "Only in this mode. If absent, in every mode.",
        ),
        Key::new(
            "enabled",
            Kind::Flag,
            "true",
            "false: as if it were not there, but its mistakes are still reported.",
        ),
        Key::new("on", Kind::Table(&TRIGGER), "{ note = \"C1\" }", "The trigger: what a hand must do.")
            .required(),
        Key::new(
            "when",
            Kind::Either(&[Kind::Table(&CONDITION), Kind::List(&Kind::Table(&CONDITION), 1, usize::MAX)]),
            "{ weekday = \"sat\" }",
            "What must be true as well. Of several tables, all.",
        ),
        Key::new(
            "value",
            Kind::Table(&VALUE),
            "{ invert = true }",
            "How the control's value becomes the action's.",
        ),
        Key::new(
            "again",
            Kind::Words(&["restart", "queue", "concurrent", "ignore"]),
            "\"restart\"",
            "What happens if it fires while its last action still runs.",
        ),
        Key::new(
            "do",
            Kind::Either(&[Kind::Table(&ACTION), Kind::List(&Kind::Table(&ACTION), 1, usize::MAX)]),
            "{ key = \"space\" }",
            "The action, or several, one after the other.",
        )
        .required(),
    ],
};

/// A controller file.
pub static CONTROLLER_FILE: Section = Section {
    title: "a controller file",
    doc: "Names for the controls of a model of controller.",
    example: "[controls]",
    keys: &[
        Key::new("name", Kind::Text(""), "\"nanoKONTROL2\"", "The model's name."),
        Key::new(
            "controls",
            Kind::Map(&Kind::Table(&NAMED_CONTROL)),
            "{ play = { cc = 41 } }",
            "Its controls: the name of each, and what it sends.",
        )
        .required(),
    ],
};
