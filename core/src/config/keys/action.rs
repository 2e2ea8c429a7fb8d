//! Keys of actions.

use super::{CONDITION, DURATION_MS_MAX, Key, Kind, Section};

// A static, because a constant can't refer to a section that refers to it.
static STEPS_KINDS: [Kind; 2] = [Kind::Table(&ACTION), Kind::List(&Kind::Table(&ACTION), 1, usize::MAX)];
const CONDITIONS: Kind =
    Kind::Either(&[Kind::Table(&CONDITION), Kind::List(&Kind::Table(&CONDITION), 1, usize::MAX)]);
const VALUE: Kind = Kind::Words(&["value"]);
const SEVEN_BITS: Kind = Kind::Either(&[Kind::Integer(0, 127), VALUE]);
const FOURTEEN_BITS: Kind = Kind::Either(&[Kind::Integer(0, 16383), VALUE]);
/// Pixels, or notches of the wheel; more than any screen is wide.
const PAIR: Kind = Kind::List(&Kind::Integer(-100_000, 100_000), 2, 2);
const MODE: Kind = Kind::Text("the name of a mode");

/// An entry of `do`.
pub static ACTION: Section = Section {
    title: "an action",
    doc: "One thing to do.",
    example: "{ key = \"space\" }",
    keys: &[
        Key::new(
            "key",
            Kind::Form("a key chord such as \"ctrl+shift+r\"", "^.+$"),
            "\"ctrl+shift+r\"",
            "Presses keys. As the only action, as long as the control is held.",
        )
        .leading(),
        Key::new("text", Kind::Text(""), "\"Hello\"", "Types a text.").leading(),
        Key::new(
            "mouse",
            Kind::Words(&["click", "hold", "move", "scroll"]),
            "\"click\"",
            "Uses the mouse.",
        )
        .leading(),
        Key::new(
            "run",
            Kind::Either(&[Kind::Text("a program"), Kind::List(&Kind::Text(""), 1, 1024)]),
            "[\"obs\", \"--startstreaming\"]",
            "Starts a program: its name, or an array of its name and its arguments. Never a line for a shell.",
        )
        .leading(),
        Key::new(
            "shell",
            Kind::Text("a line for the shell"),
            "\"date >> log\"",
            "Runs a line in the shell. Needs `allow_shell` in the settings.",
        )
        .leading(),
        Key::new(
            "open",
            Kind::Text("a file or URL"),
            "\"https://example.com\"",
            "Opens a file or URL with the program that is meant for it.",
        )
        .leading(),
        Key::new(
            "midi",
            Kind::Either(&[Kind::Table(&MIDI_MESSAGE), Kind::Words(&["same"])]),
            "{ note = \"C4\" }",
            "Sends a MIDI message; \"same\" passes on what came in.",
        )
        .leading(),
        Key::new(
            "volume",
            Kind::Form("a volume: \"value\", \"50%\", \"+5%\" or \"-5%\"", "^\\s*(value|[+-]?\\s*[0-9.]+\\s*%)\\s*$"),
            "\"value\"",
            "Sets the volume: to the control's value, to a share, or by a share.",
        )
        .leading(),
        Key::new(
            "mute",
            Kind::Either(&[Kind::Flag, Kind::Words(&["toggle"])]),
            "\"toggle\"",
            "Mutes or unmutes.",
        )
        .leading(),
        Key::new(
            "media",
            Kind::Words(&["play_pause", "play", "pause", "stop", "next", "previous"]),
            "\"play_pause\"",
            "Does what a media key does.",
        )
        .leading(),
        Key::new(
            "notify",
            Kind::Text(""),
            "\"On air\"",
            "Shows a desktop notification with this text.",
        )
        .leading(),
        Key::new(
            "mode",
            Kind::Either(&[MODE, Kind::Table(&MODE_CHANGE)]),
            "\"stream\"",
            "Changes the mode.",
        )
        .leading(),
        Key::new("set", Kind::Map(&ASSIGNED), "{ scene = 2 }", "Sets variables.").leading(),
        Key::new(
            "wait",
            Kind::Duration(0, DURATION_MS_MAX),
            "\"200ms\"",
            "Goes on after this long. Nothing else waits.",
        )
        .leading(),
        Key::new(
            "repeat",
            Kind::Either(&[Kind::Integer(1, 10_000), Kind::Words(&["held"])]),
            "3",
            "Does `do` so often, or as long as the control is held.",
        )
        .leading(),
        Key::new(
            "if",
            CONDITIONS,
            "{ variable = \"live\", is = true }",
            "Does `then` if this is true, else `else`.",
        )
        .leading(),
        Key::new(
            "panic",
            Kind::True,
            "true",
            "Releases everything that is held, stops everything that runs.",
        )
        .leading(),
        Key::new(
            "plugin",
            Kind::Form("the name of a plugin such as \"http-request\"", "^[a-z][a-z0-9-]{0,63}$"),
            "\"http-request\"",
            "Calls a plugin. `padgate plugin list` shows those that there are.",
        )
        .leading(),
        Key::new(
            "action",
            Kind::Text("an action of the plugin"),
            "\"request\"",
            "Which of the plugin's actions. If absent, its only one.",
        )
        .with(&["plugin"]),
        Key::new(
            "params",
            Kind::Map(&Kind::Anything),
            "{ url = \"http://localhost\" }",
            "What the plugin is told. `padgate plugin info` shows what it understands.",
        )
        .with(&["plugin"]),
        Key::new(
            "hold",
            Kind::Flag,
            "true",
            "Whether the keys stay down while the control is held; whether the plugin is told of the release as well.",
        )
        .with(&["key", "plugin"]),
        Key::new(
            "button",
            Kind::Words(&["left", "middle", "right", "back", "forward"]),
            "\"left\"",
            "Which button. If absent, the left one.",
        )
        .with(&["mouse"]),
        Key::new("count", Kind::Integer(1, 10), "2", "How many clicks.").with(&["mouse"]),
        Key::new(
            "by",
            PAIR,
            "[0, 3]",
            "So many pixels or notches to the right and down; on an encoder, for each step.",
        )
        .with(&["mouse"])
        .group("target"),
        Key::new("to", PAIR, "[100, 100]", "To this place on the screen.").with(&["mouse"]).group("target"),
        Key::new(
            "folder",
            Kind::Text("a folder"),
            "\"~/Music\"",
            "Starts it in this folder. If absent, in your home.",
        )
        .with(&["run"]),
        Key::new(
            "environment",
            Kind::Map(&Kind::Text("")),
            "{ LANG = \"C\" }",
            "Adds to its environment.",
        )
        .with(&["run"]),
        Key::new(
            "to",
            Kind::Text("the name of a device"),
            "\"synth\"",
            "To this device. If absent, to the port Padgate Out.",
        )
        .with(&["midi"]),
        Key::new(
            "output",
            Kind::Text("a pattern on the name of a sound output"),
            "\"*Headphones*\"",
            "Which sound output. If absent, the default one.",
        )
        .with(&["volume", "mute"]),
        Key::new("title", Kind::Text(""), "\"Padgate\"", "The first line.").with(&["notify"]),
        Key::new(
            "every",
            Kind::Duration(0, DURATION_MS_MAX),
            "\"100ms\"",
            "From the start of one to the start of the next.",
        )
        .with(&["repeat"]),
        Key::new(
            "do",
            Kind::Either(&STEPS_KINDS),
            "{ key = \"a\" }",
            "What is repeated.",
        )
        .with(&["repeat"])
        .required(),
        Key::new(
            "then",
            Kind::Either(&STEPS_KINDS),
            "{ key = \"a\" }",
            "What is done if it is true.",
        )
        .with(&["if"])
        .required(),
        Key::new(
            "else",
            Kind::Either(&STEPS_KINDS),
            "{ key = \"b\" }",
            "What is done if it is not.",
        )
        .with(&["if"]),
    ],
};

/// What a variable can be set to.
const ASSIGNED: Kind =
    Kind::Either(&[Kind::Flag, Kind::Number(f64::MIN, f64::MAX), Kind::Text(""), Kind::Table(&ASSIGNMENT)]);

/// A table as the value of a variable in `set`.
pub static ASSIGNMENT: Section = Section {
    title: "a change of a variable",
    doc: "How a variable changes.",
    example: "{ add = 1 }",
    keys: &[
        Key::new("input", Kind::True, "true", "It becomes the control's value, 0 to 1.").leading(),
        Key::new("add", Kind::Number(f64::MIN, f64::MAX), "1", "This is added.").leading(),
        Key::new("toggle", Kind::True, "true", "True becomes false, anything else true.").leading(),
    ],
};

/// A table as the value of `mode`.
pub static MODE_CHANGE: Section = Section {
    title: "a change of the mode",
    doc: "How the mode changes. Just a name switches to that mode.",
    example: "{ push = \"stream\" }",
    keys: &[
        Key::new("push", MODE, "\"stream\"", "Puts this mode on top.").leading(),
        Key::new("pop", Kind::True, "true", "Takes the top mode away.").leading(),
        Key::new("toggle", MODE, "\"stream\"", "Puts this mode on top, or takes it away if it is there.")
            .leading(),
        Key::new("hold", MODE, "\"stream\"", "Puts this mode on top until the control is let go.").leading(),
    ],
};

/// The value of `midi`.
pub static MIDI_MESSAGE: Section = Section {
    title: "a MIDI message",
    doc: "A message to send.",
    example: "{ note = \"C4\" }",
    keys: &[
        Key::new(
            "note",
            Kind::Either(&[Kind::Note, Kind::Words(&["same"])]),
            "\"C4\"",
            "A note, or the one that was played. Ends when the control is let go.",
        )
        .leading(),
        Key::new("cc", Kind::Integer(0, 127), "7", "A control change.").leading(),
        Key::new("cc14", Kind::Integer(0, 31), "1", "A pair of control changes, n and n + 32.").leading(),
        Key::new("program", SEVEN_BITS, "5", "A program change.").leading(),
        Key::new("bend", FOURTEEN_BITS, "8192", "Pitch bend; 8192 is the middle.").leading(),
        Key::new(
            "pressure",
            SEVEN_BITS,
            "\"value\"",
            "Pressure on the whole keyboard, or with `note` on that key.",
        )
        .leading(),
        Key::new(
            "sysex",
            Kind::Form("a System Exclusive such as \"F0 7E 7F 06 01 F7\"", "^\\s*[fF]0\\s.*[fF]7\\s*$"),
            "\"F0 7E 7F 06 01 F7\"",
            "A System Exclusive, in hexadecimal.",
        )
        .leading(),
        Key::new(
            "bytes",
            Kind::Form("the bytes of a message such as \"90 3C 64\"", "^[0-9a-fA-F\\s]+$"),
            "\"90 3C 64\"",
            "Any one complete message, in hexadecimal.",
        )
        .leading(),
        Key::new(
            "realtime",
            Kind::Words(&["start", "stop", "continue", "clock", "reset"]),
            "\"start\"",
            "A real-time message.",
        )
        .leading(),
        Key::new("same", Kind::True, "true", "What came in, perhaps on another `channel`.").leading(),
        Key::new("note", Kind::Note, "\"C4\"", "Pressure on this key.").with(&["pressure"]),
        Key::new(
            "velocity",
            Kind::Either(&[Kind::Integer(1, 127), VALUE]),
            "\"value\"",
            "How hard. If absent, as hard as it was played.",
        )
        .with(&["note"]),
        Key::new("hold", Kind::Flag, "true", "Whether it sounds while the control is held.").with(&["note"]),
        Key::new("value", SEVEN_BITS, "\"value\"", "The value. If absent, the control's.").with(&["cc"]),
        Key::new("value", FOURTEEN_BITS, "\"value\"", "The value. If absent, the control's.").with(&["cc14"]),
        Key::new("channel", Kind::Integer(1, 16), "1", "The channel. If absent, 1; for `same`, as it came.")
            .with(&["note", "cc", "cc14", "program", "bend", "pressure", "same"]),
    ],
};
