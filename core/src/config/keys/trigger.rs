//! Keys of triggers, value shaping and conditions.

use super::top::VARIABLE;
use super::{Key, Kind, Section};
use crate::ruleset::trigger::{CHORD_MAX, SEQUENCE_MAX, TAPS_MAX};

/// Leading keys that can be pressed.
const PRESSED: &[&str] = &["note", "cc", "control"];
/// Leading keys that have a position.
const MOVED: &[&str] = &["cc", "cc14", "bend", "pressure", "control"];
/// Those whose encoders count.
const TURNED: &[&str] = &["cc", "control"];
const CONTROLS: &[&str] =
    &["note", "control", "cc", "cc14", "bend", "pressure", "program", "chord", "sequence"];

const ANY: Kind = Kind::Words(&["any"]);
/// The longest gesture, in milliseconds: a minute.
const GESTURE_MS_MAX: u64 = 60_000;
const LENGTH: Kind = Kind::Either(&[Kind::Duration(1, GESTURE_MS_MAX), Kind::True]);
const MEMBER: Kind = Kind::Either(&[Kind::Note, Kind::Table(&CHORD_MEMBER)]);

/// `on`.
pub static TRIGGER: Section = Section {
    title: "a trigger",
    doc: "What a hand must do.",
    example: "{ note = \"C1\" }",
    keys: &[
        Key::new(
            "note",
            Kind::Either(&[Kind::Note, ANY]),
            "\"C1\"",
            "A pad or key is pressed; C4 is 60.",
        )
        .leading(),
        Key::new(
            "control",
            Kind::Text("the name of a control"),
            "\"play\"",
            "A control of the device, by its name.",
        )
        .leading(),
        Key::new(
            "cc",
            Kind::Integer(0, 127),
            "7",
            "A controller moves; with a gesture or `press`, it is a button.",
        )
        .leading(),
        Key::new(
            "cc14",
            Kind::Integer(0, 31),
            "1",
            "A pair of controllers, n and n + 32, moves.",
        )
        .leading(),
        Key::new("bend", Kind::True, "true", "The bend wheel moves.").leading(),
        Key::new(
            "pressure",
            Kind::Either(&[Kind::Note, Kind::Words(&["channel"])]),
            "\"channel\"",
            "Pressure on this key, or on the whole keyboard, changes.",
        )
        .leading(),
        Key::new(
            "program",
            Kind::Either(&[Kind::Integer(0, 127), ANY]),
            "5",
            "A program change arrives.",
        )
        .leading(),
        Key::new(
            "sysex",
            Kind::Form("a pattern such as \"F0 7E ?? 06 02 * F7\"", "^\\s*[fF]0\\s.*[fF]7\\s*$"),
            "\"F0 7E ?? 06 02 * F7\"",
            "A System Exclusive arrives: ?? stands for any byte, * for any number of bytes.",
        )
        .leading(),
        Key::new(
            "realtime",
            Kind::Words(&["start", "stop", "continue", "clock", "reset"]),
            "\"start\"",
            "A real-time message arrives. The clock comes 24 times per quarter note.",
        )
        .leading(),
        Key::new(
            "chord",
            Kind::List(&MEMBER, 2, CHORD_MAX),
            "[\"E1\", \"F1\"]",
            "These are pressed together, in any order.",
        )
        .leading(),
        Key::new(
            "sequence",
            Kind::List(&MEMBER, 2, SEQUENCE_MAX),
            "[\"C1\", \"D1\"]",
            "These are pressed one after the other.",
        )
        .leading(),
        Key::new(
            "device",
            Kind::Text("the name of a device"),
            "\"pads\"",
            "On this device. If absent, on any.",
        ),
        Key::new(
            "channel",
            Kind::Integer(1, 16),
            "1",
            "On this channel. If absent, on any.",
        )
        .with(CONTROLS),
        Key::new(
            "within",
            Kind::Duration(1, GESTURE_MS_MAX),
            "\"40ms\"",
            "How far apart the presses of a chord may be, or two presses of a sequence.",
        )
        .with(&["chord", "sequence"]),
        Key::new(
            "hold",
            LENGTH,
            "\"400ms\"",
            "It is held so long; fires while it is still down.",
        )
        .with(PRESSED)
        .group("gesture"),
        Key::new(
            "short",
            LENGTH,
            "\"300ms\"",
            "It is let go sooner than this.",
        )
        .with(PRESSED)
        .group("gesture"),
        Key::new(
            "long",
            LENGTH,
            "\"800ms\"",
            "It is let go no sooner than this.",
        )
        .with(PRESSED)
        .group("gesture"),
        Key::new(
            "taps",
            Kind::Integer(2, TAPS_MAX as i64),
            "2",
            "It is pressed so many times.",
        )
        .with(PRESSED)
        .group("gesture"),
        Key::new("release", Kind::True, "true", "It is let go.").with(PRESSED).group("gesture"),
        Key::new("press", Kind::True, "true", "It is pressed: a controller that is a button (64 and more is down).")
            .with(PRESSED)
            .group("gesture"),
        Key::new("window", Kind::Duration(1, GESTURE_MS_MAX), "\"300ms\"", "The longest time from one press to the next.")
            .with(PRESSED)
            .needs(&["taps"]),
        Key::new(
            "velocity",
            Kind::Range(1, 127),
            "\"1-80\"",
            "Only if it is struck this hard.",
        )
        .with(PRESSED),
        Key::new(
            "range",
            Kind::Range(0, 16383),
            "\"20-100\"",
            "Only these values count.",
        )
        .with(MOVED)
        .group("range"),
        Key::new("enter", Kind::Range(0, 16383), "\"100-127\"", "A press on entering these values, a release on leaving them.")
            .with(MOVED)
            .group("range"),
        Key::new("direction", Kind::Words(&["up", "down"]), "\"up\"", "Only this way.").with(MOVED),
        Key::new(
            "relative",
            Kind::Words(&[
                "twos_complement", "binary_offset", "sign_magnitude", "offset_16",
                "relative1", "relative2", "relative3", "mackie",
            ]),
            "\"twos_complement\"",
            "It is an endless encoder, and sends steps: 1 and 127 (twos_complement), 65 and 63 (binary_offset), \
             1 and 65 (sign_magnitude), 17 and 15 (offset_16).",
        )
        .with(TURNED),
        Key::new(
            "invert",
            Kind::Flag,
            "true",
            "The encoder turns the other way round.",
        )
        .with(TURNED)
        .needs(&["relative"]),
        Key::new(
            "divide",
            Kind::Integer(1, 127),
            "4",
            "So many steps of the encoder count as one.",
        )
        .with(TURNED)
        .needs(&["relative"]),
        Key::new(
            "accelerate",
            Kind::Flag,
            "true",
            "false: a fast turn counts no more than a slow one.",
        )
        .with(TURNED)
        .needs(&["relative"]),
        Key::new(
            "takeover",
            Kind::Words(&["jump", "pickup"]),
            "\"pickup\"",
            "pickup: nothing happens until the control has reached the value of what it moves.",
        )
        .with(MOVED),
    ],
};

/// One entry of `chord` or `sequence`.
pub static CHORD_MEMBER: Section = Section {
    title: "a control to press",
    doc: "One of the controls of a chord or sequence.",
    example: "{ control = \"play\" }",
    keys: &[
        Key::new("note", Kind::Note, "\"C1\"", "A pad or key.").leading(),
        Key::new("cc", Kind::Integer(0, 127), "7", "A controller that is a button.").leading(),
        Key::new("control", Kind::Text("the name of a control"), "\"play\"", "A control of the device.")
            .leading(),
        Key::new(
            "device",
            Kind::Text("the name of a device"),
            "\"pads\"",
            "On this device. If absent, as the trigger says.",
        ),
        Key::new("channel", Kind::Integer(1, 16), "1", "On this channel. If absent, as the trigger says."),
    ],
};

/// `value`.
pub static VALUE: Section = Section {
    title: "a table of value shaping",
    doc: "How the control's value becomes the action's. Applied from top to bottom.",
    example: "{ invert = true }",
    keys: &[
        Key::new("from", Kind::Range(0, 16383), "\"27-127\"", "The part of its travel that is used."),
        Key::new(
            "dead_zone",
            Kind::Either(&[Kind::Number(0.0, 0.49), PERCENT]),
            "\"5%\"",
            "How much of the travel does nothing: at each end, for pitch bend around the middle.",
        ),
        Key::new("invert", Kind::Flag, "true", "The other way round."),
        Key::new(
            "curve",
            Kind::Either(&[Kind::Words(&["linear", "slow", "fast", "smooth"]), Kind::Number(0.1, 10.0)]),
            "\"slow\"",
            "How the middle is bent: fine at the lower end (slow), the upper (fast), both (smooth), or a power.",
        ),
        Key::new("steps", Kind::Integer(2, 16384), "8", "So many different values."),
        Key::new(
            "to",
            Kind::Either(&[
                Kind::Form("a range such as \"0-50%\"", "^\\s*[0-9.]+\\s*%?\\s*-\\s*[0-9.]+\\s*%\\s*$"),
                Kind::List(&Kind::Number(0.0, 1.0), 2, 2),
            ]),
            "\"0-50%\"",
            "The value at either end of the travel.",
        ),
    ],
};

const PERCENT: Kind = Kind::Form("a share such as \"5%\"", "^\\s*[0-9.]+\\s*%\\s*$");

/// `when`, and `if` in an action.
pub static CONDITION: Section = Section {
    title: "a condition",
    doc: "What must be true. Of several keys in one table, all must be.",
    example: "{ weekday = \"sat\" }",
    keys: &[
        Key::new("mode", NAMES, "\"stream\"", "This mode is active, or one of these."),
        Key::new(
            "time",
            Kind::Form(
                "a span of the day such as \"22:00-06:00\"",
                "^\\s*[0-9]{1,2}:[0-9]{2}\\s*-\\s*[0-9]{1,2}:[0-9]{2}\\s*$",
            ),
            "\"22:00-06:00\"",
            "The time of day is in this span.",
        ),
        Key::new(
            "weekday",
            Kind::Either(&[DAY, Kind::List(&DAY, 1, 7)]),
            "[\"sat\", \"sun\"]",
            "Today is this day, or one of these.",
        ),
        Key::new("running", NAMES, "\"obs\"", "This program runs, or one of these."),
        Key::new(
            "variable",
            Kind::Text("the name of a variable"),
            "\"scene\"",
            "A variable, with `is`, `above` or `below`.",
        ),
        Key::new("is", VARIABLE, "2", "The variable equals this.").needs(&["variable"]).group("comparison"),
        Key::new("above", Kind::Number(f64::MIN, f64::MAX), "0.5", "The variable is greater than this.")
            .needs(&["variable"])
            .group("comparison"),
        Key::new("below", Kind::Number(f64::MIN, f64::MAX), "0.5", "The variable is smaller than this.")
            .needs(&["variable"])
            .group("comparison"),
        Key::new("not", Kind::Table(&CONDITION), "{ running = \"obs\" }", "This is not true."),
        Key::new(
            "all",
            Kind::List(&Kind::Table(&CONDITION), 1, usize::MAX),
            "[{ mode = \"a\" }]",
            "All of these are true.",
        ),
        Key::new(
            "any",
            Kind::List(&Kind::Table(&CONDITION), 1, usize::MAX),
            "[{ mode = \"a\" }]",
            "At least one of these is true.",
        ),
    ],
};

const NAMES: Kind = Kind::Either(&[Kind::Text("a name"), Kind::List(&Kind::Text("a name"), 1, usize::MAX)]);
const DAY: Kind = Kind::Form(
    "a weekday such as \"sat\", or a span such as \"mon-fri\"",
    "^\\s*(?:[Mm]on|[Tt]ue|[Ww]ed|[Tt]hu|[Ff]ri|[Ss]at|[Ss]un)[a-zA-Z]*(\\s*-\\s*[a-zA-Z]+)?\\s*$",
);
