//! Every key of triggers, value shaping and conditions: what it means, and what is wrong with it.

use std::time::Duration;

use super::{check, mapping, mistakes};
use crate::ids::DeviceId;
use crate::midi::Channel;
use crate::ruleset::condition::{Comparison, DaySpan};
use crate::ruleset::shape::Curve;
use crate::ruleset::trigger::{
    ControlKind, Direction, Edge, Encoder, Encoding, Gesture, MoveFilter, Realtime, Selector, Trigger,
};
use crate::ruleset::{Condition, Shape, Takeover, Value};

const PADS: Option<DeviceId> = Some(DeviceId::new(1));

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[track_caller]
fn on(trigger: &str) -> Trigger {
    mapping(&format!("on = {trigger}\ndo = {{ key = \"a\" }}")).trigger
}

/// The mistakes in a trigger; its columns begin after `on = `.
#[track_caller]
fn wrong(trigger: &str, expected: &[&str]) {
    mistakes(&format!("on = {trigger}\ndo = {{ key = \"a\" }}"), expected);
}

fn note(number: u8) -> Selector {
    Selector { device: None, channel: None, kind: ControlKind::Note, number: Some(number) }
}

#[track_caller]
fn gesture(trigger: &str) -> Gesture {
    match on(trigger) {
        Trigger::Press { gesture, .. } => gesture,
        other => panic!("{other:?}"),
    }
}

#[test]
fn notes_and_gestures() {
    assert_eq!(
        on("{ note = \"C4\" }"),
        Trigger::Press { control: note(60), gesture: Gesture::Press, velocity: 1..=127 }
    );
    assert_eq!(
        on("{ device = \"pads\", note = 10, channel = 3, velocity = \"1-80\" }"),
        Trigger::Press {
            control: Selector { device: PADS, channel: Channel::from_human(3), ..note(10) },
            gesture: Gesture::Press,
            velocity: 1..=80,
        }
    );
    assert_eq!(gesture("{ note = \"any\" }"), Gesture::Press);
    assert_eq!(gesture("{ note = 1, hold = \"1s\" }"), Gesture::Hold(ms(1000)));
    assert_eq!(gesture("{ note = 1, hold = true }"), Gesture::Hold(ms(400)));
    assert_eq!(gesture("{ note = 1, short = \"200ms\" }"), Gesture::Short(ms(200)));
    assert_eq!(gesture("{ note = 1, long = \"200ms\" }"), Gesture::Long(ms(200)));
    assert_eq!(gesture("{ note = 1, taps = 3 }"), Gesture::Taps { count: 3, window: ms(300) });
    assert_eq!(
        gesture("{ note = 1, taps = 2, window = \"1s\" }"),
        Gesture::Taps { count: 2, window: ms(1000) }
    );
    assert_eq!(gesture("{ note = 1, release = true }"), Gesture::Release);
    assert_eq!(gesture("{ cc = 1, press = true }"), Gesture::Press);
    assert_eq!(gesture("{ cc = 1, hold = true }"), Gesture::Hold(ms(400)));
}

#[test]
fn wrong_notes_and_gestures() {
    wrong("{ note = \"H4\" }", &["E008 5:15 no note \"H4\""]);
    wrong("{ note = 128 }", &["E006 5:15 0 to 127"]);
    wrong("{ note = -1 }", &["E006 5:15"]);
    wrong("{ note = 99999999999999999999999 }", &["E006 5:15"]);
    wrong("{ note = 1.5 }", &["E005 5:15 a note such as"]);
    wrong("{ note = 1, hold = 400 }", &["E005 5:25 write \"400ms\""]);
    wrong("{ note = 1, hold = \"400\" }", &["E009 5:25 unit is missing"]);
    wrong("{ note = 999, hold = \"400\" }", &["E006 5:15", "E009 5:27 unit is missing"]);
    wrong("{ note = 1, hold = \"0\" }", &["E006 5:25"]);
    wrong("{ note = 1, hold = false }", &["E005 5:25"]);
    wrong("{ note = 1, taps = 9 }", &["E006 5:25 2 to 8"]);
    wrong("{ note = 1, release = false }", &["E005 5:28"]);
    wrong("{ note = 1, window = \"1s\" }", &["E013 5:18 without `taps`"]);
    wrong("{ note = 1, hold = true, taps = 2 }", &["E013 5:31 `hold` and `taps`"]);
    wrong("{ note = 1, velocity = \"0-5\" }", &["E006 5:29 1 to 127"]);
    wrong("{ note = 1, range = \"1-5\" }", &["E013 5:18 `range` does not go with `note`"]);
    wrong("{ note = 1, channel = 17 }", &["E006 5:28 1 to 16"]);
    wrong("{ note = 1, channel = 0 }", &["E006 5:28"]);
    wrong("{ note = 1, cc = 2 }", &["E013 5:18 can't stand in the same table"]);
    wrong("{ note = 1, hodl = true }", &["E003 5:18 did you mean `hold`?"]);
    wrong("{ hold = true }", &["E004 5:6 what it is about"]);
    wrong("\"C4\"", &["E005 5:6 a trigger such as"]);
    wrong("{ device = \"pad\", note = 1 }", &["E014 5:17 did you mean \"pads\"?"]);
    wrong("{ device = \"synth\", note = 1 }", &["E023 5:17 `port`"]);
    wrong("{ cc = 1, press = true, range = \"1-2\" }", &["E013 5:30 movement"]);
    wrong("{ cc = 1, velocity = \"1-2\" }", &["E013 5:16 press = true"]);
}

#[test]
fn named_controls() {
    assert_eq!(
        on("{ device = \"pads\", control = \"play\", hold = \"1s\" }"),
        Trigger::Press {
            control: Selector { device: PADS, ..note(10) },
            gesture: Gesture::Hold(ms(1000)),
            velocity: 1..=127,
        }
    );
    let Trigger::Move { control, .. } = on("{ device = \"pads\", control = \"knob\", takeover = \"jump\" }")
    else {
        panic!("a knob moves")
    };
    assert_eq!(control.channel, Channel::from_human(2));
    wrong("{ control = \"play\" }", &["E004 5:18 `device` is missing"]);
    wrong("{ device = \"pads\", control = \"plya\" }", &["E015 5:35 did you mean \"play\"?"]);
    wrong("{ device = \"pads\", control = \"zzz\" }", &["E015 5:35 name it"]);
    wrong("{ device = \"nobody\", control = \"play\" }", &["E014 5:17"]);
    wrong("{ device = \"pads\", control = \"wheel\", hold = true }", &["E013 5:44 sends `bend`"]);
    wrong("{ device = \"pads\", control = \"knob\", channel = 3 }", &["E013 5:35 channel 2, not 3"]);
}

#[test]
fn movements() {
    let moves = |trigger: &str| match on(trigger) {
        Trigger::Move { control, filter } => (control.kind, filter),
        other => panic!("{other:?}"),
    };
    let all = |max| MoveFilter { range: 0..=max, edge: Edge::Every, direction: Direction::Both };
    assert_eq!(moves("{ cc = 7 }"), (ControlKind::Controller, all(127)));
    assert_eq!(moves("{ cc14 = 7 }"), (ControlKind::Controller14, all(16383)));
    assert_eq!(moves("{ bend = true }"), (ControlKind::Bend, all(16383)));
    assert_eq!(moves("{ pressure = \"channel\" }"), (ControlKind::ChannelPressure, all(127)));
    assert_eq!(moves("{ pressure = \"C4\" }"), (ControlKind::PolyPressure, all(127)));
    assert_eq!(
        moves("{ cc = 7, range = \"20-100\", direction = \"up\" }").1,
        MoveFilter { range: 20..=100, edge: Edge::Every, direction: Direction::Up }
    );
    assert_eq!(moves("{ cc = 7, enter = [100, 127] }").1.edge, Edge::Enter);
    assert_eq!(moves("{ cc = 7, range = 64 }").1.range, 64..=64);
    wrong("{ cc = 128 }", &["E006 5:13"]);
    wrong("{ cc14 = 32 }", &["E006 5:15 0 to 31"]);
    wrong("{ bend = false }", &["E005 5:15"]);
    wrong("{ pressure = \"any\" }", &["E008 5:19"]);
    wrong("{ cc = 7, range = \"100-20\" }", &["E010 5:24 empty"]);
    wrong("{ cc = 7, range = \"20-200\" }", &["E006 5:24 0 to 127"]);
    wrong("{ cc = 7, range = \"x\" }", &["E010 5:24"]);
    wrong("{ cc = 7, range = [] }", &["E018 5:24 two numbers"]);
    wrong("{ cc = 7, range = [1, true] }", &["E005 5:28"]);
    wrong("{ cc = 7, range = \"1-2\", enter = \"1-2\" }", &["E013 5:31"]);
    wrong("{ cc = 7, direction = \"upp\" }", &["E007 5:28 did you mean \"up\"?"]);
    wrong("{ cc = 7, direction = 1 }", &["E005 5:28 \"up\" or \"down\""]);
}

#[test]
fn encoders() {
    let turn = |trigger: &str| match on(trigger) {
        Trigger::Turn { encoder, .. } => encoder,
        other => panic!("{other:?}"),
    };
    for (word, encoding) in [
        ("twos_complement", Encoding::TwosComplement),
        ("relative1", Encoding::TwosComplement),
        ("binary_offset", Encoding::BinaryOffset),
        ("relative2", Encoding::BinaryOffset),
        ("sign_magnitude", Encoding::SignMagnitude),
        ("relative3", Encoding::SignMagnitude),
        ("mackie", Encoding::SignMagnitude),
        ("offset_16", Encoding::Offset16),
    ] {
        let plain = Encoder { encoding, invert: false, divide: 1, accelerate: true };
        assert_eq!(turn(&format!("{{ cc = 7, relative = \"{word}\" }}")), plain);
    }
    assert_eq!(
        turn("{ cc = 7, relative = \"mackie\", invert = true, divide = 4, accelerate = false }"),
        Encoder { encoding: Encoding::SignMagnitude, invert: true, divide: 4, accelerate: false }
    );
    wrong("{ cc = 7, relative = \"macky\" }", &["E007 5:27 did you mean \"mackie\"?"]);
    wrong("{ cc = 7, invert = true }", &["E013 5:16 without `relative`"]);
    wrong("{ cc = 7, relative = \"mackie\", divide = 0 }", &["E006 5:46"]);
    wrong("{ cc = 7, relative = \"mackie\", range = 1 }", &["E013 5:37 position"]);
    wrong("{ bend = true, relative = \"mackie\" }", &["E013 5:21 does not go with `bend`"]);
}

#[test]
fn takeover() {
    let volume = mapping("on = { cc = 7, takeover = \"pickup\" }\ndo = { volume = \"value\" }");
    assert_eq!(volume.takeover, Takeover::Pickup);
    wrong("{ cc = 7, takeover = \"pickup\" }", &["W105 5:16 pick up"]);
    wrong("{ cc = 7, takeover = \"pickup\", enter = 1 }", &["E013 5:16", "W105 5:16"]);
}

#[test]
fn other_messages() {
    assert_eq!(
        on("{ program = 5 }"),
        Trigger::Program { control: Selector { kind: ControlKind::Program, ..note(5) } }
    );
    let Trigger::Program { control } = on("{ program = \"any\" }") else { panic!() };
    assert_eq!(control.number, None);
    assert!(matches!(on("{ sysex = \"F0 7E ?? 06 02 * F7\" }"), Trigger::Sysex { device: None, .. }));
    assert_eq!(
        on("{ realtime = \"start\", device = \"pads\" }"),
        Trigger::Realtime { device: PADS, message: Realtime::Start }
    );
    wrong("{ program = \"all\" }", &["E005 5:18"]);
    wrong("{ sysex = \"F0 90 F7\" }", &["E012 5:16 90"]);
    wrong("{ sysex = \"F0 7E F7\", channel = 1 }", &["E013 5:28"]);
    wrong("{ realtime = \"strat\" }", &["E007 5:19 did you mean \"start\"?"]);
}

#[test]
fn chords_and_sequences() {
    assert_eq!(
        on("{ chord = [\"E1\", \"F1\"] }"),
        Trigger::Chord { controls: vec![note(28), note(29)], within: ms(40) }
    );
    assert_eq!(
        on(
            "{ device = \"pads\", chord = [{ control = \"play\" }, { cc = 3, channel = 2 }], within = \"1s\" }"
        ),
        Trigger::Chord {
            controls: vec![
                Selector { device: PADS, ..note(10) },
                Selector {
                    device: PADS,
                    channel: Channel::from_human(2),
                    kind: ControlKind::Controller,
                    number: Some(3)
                },
            ],
            within: ms(1000),
        }
    );
    assert_eq!(
        on("{ sequence = [1, 1, 2] }"),
        Trigger::Sequence { controls: vec![note(1), note(1), note(2)], within: ms(1000) }
    );
    wrong("{ chord = [\"E1\"] }", &["E018 5:16 one item"]);
    wrong("{ chord = [] }", &["E018 5:16 empty"]);
    wrong("{ chord = [1, 2, 3, 4, 5, 6, 7, 8, 9] }", &["E018 5:16 2 to 8"]);
    wrong("{ chord = [\"E1\", 28] }", &["E022 5:23 twice"]);
    wrong("{ chord = [\"E1\", \"X\"] }", &["E008 5:23"]);
    wrong("{ chord = \"E1\" }", &["E005 5:16"]);
    wrong("{ chord = [1, 2], hold = true }", &["E013 5:24"]);
    wrong("{ device = \"pads\", chord = [1, { control = \"wheel\" }] }", &["E013 5:49 pressed"]);
    wrong("{ chord = [1, { control = \"play\" }] }", &["E004 5:32"]);
    wrong("{ sequence = [1] }", &["E018 5:19"]);
    wrong("{ note = 1, within = \"1s\" }", &["E013 5:18 it goes with `chord` or `sequence`"]);
}

#[test]
fn defaults_of_gestures_come_from_the_settings() {
    let text = "[settings]\nhold = \"1s\"\ntap_window = \"2s\"\nchord_window = \"3s\"\nsequence_window = \"4s\"\n\
        [[map]]\non = { note = 1, long = true }\ndo = { panic = true }\n\
        [[map]]\non = { note = 1, taps = 2 }\ndo = { panic = true }\n\
        [[map]]\non = { chord = [1, 2] }\ndo = { panic = true }\n\
        [[map]]\non = { sequence = [1, 2] }\ndo = { panic = true }\n";
    let mappings = check(text, &[]).unwrap().mappings;
    let expected = [
        Trigger::Press { control: note(1), gesture: Gesture::Long(ms(1000)), velocity: 1..=127 },
        Trigger::Press {
            control: note(1),
            gesture: Gesture::Taps { count: 2, window: ms(2000) },
            velocity: 1..=127,
        },
        Trigger::Chord { controls: vec![note(1), note(2)], within: ms(3000) },
        Trigger::Sequence { controls: vec![note(1), note(2)], within: ms(4000) },
    ];
    for (mapping, expected) in mappings.iter().zip(expected) {
        assert_eq!(mapping.trigger, expected);
    }
}

#[track_caller]
fn shape(control: &str, value: &str) -> Shape {
    mapping(&format!("on = {{ {control} }}\nvalue = {value}\ndo = {{ volume = \"value\" }}")).shape
}

#[test]
fn value_shaping() {
    assert_eq!(
        shape(
            "cc = 7",
            "{ from = \"27-127\", dead_zone = \"5%\", invert = true, curve = \"slow\", steps = 8, to = \"0-50%\" }"
        ),
        Shape {
            from: Some(27..=127),
            dead_zone: 0.05,
            invert: true,
            curve: Curve::Slow,
            steps: Some(8),
            to: (0.0, 0.5)
        }
    );
    assert_eq!(
        shape("cc = 7", "{ dead_zone = 0.1, curve = 2, to = [1, 0.5] }"),
        Shape { dead_zone: 0.1, curve: Curve::Power(2.0), to: (1.0, 0.5), ..Shape::default() }
    );
    assert_eq!(shape("bend = true", "{ from = \"0-8192\" }").from, Some(0..=8192));
    let wrong = |value: &str, expected: &[&str]| {
        mistakes(&format!("on = {{ cc = 7 }}\nvalue = {value}\ndo = {{ volume = \"value\" }}"), expected);
    };
    wrong("{ from = \"0-8192\" }", &["E006 6:18 0 to 127"]);
    wrong("{ from = 5 }", &["E010 6:18 single"]);
    wrong("{ dead_zone = \"60%\" }", &["E006 6:23"]);
    wrong("{ dead_zone = nan }", &["E006 6:23"]);
    wrong("{ dead_zone = \"x\" }", &["E010 6:23"]);
    wrong("{ curve = inf }", &["E006 6:19"]);
    wrong("{ curve = \"fats\" }", &["E007 6:19 did you mean \"fast\"?"]);
    wrong("{ steps = 1 }", &["E006 6:19"]);
    wrong("{ to = \"50%\" }", &["E010 6:16"]);
    wrong("{ to = [0, 2] }", &["E006 6:20"]);
    wrong("{ to = \"0-200%\" }", &["E006 6:16"]);
    wrong("{ to = [0] }", &["E018 6:16"]);
    wrong("{ inverted = true }", &["E003 6:11 did you mean `invert`?"]);
    mistakes("on = { realtime = \"start\" }\nvalue = { invert = true }\ndo = { key = \"a\" }", &["W105 6:1"]);
}

#[track_caller]
fn when(condition: &str) -> Condition {
    mapping(&format!("on = {{ note = 1 }}\nwhen = {condition}\ndo = {{ set = {{ scene = 1 }} }}")).when
}

#[test]
fn conditions() {
    assert_eq!(when("{ time = \"22:00-06:00\" }"), Condition::Time(DaySpan { start: 1320, end: 360 }));
    assert_eq!(when("{ weekday = [\"sat\", \"mon-tue\"] }"), Condition::Weekday(0b010_0011));
    let running = |index| Condition::Running(crate::ids::Id::new(index));
    assert_eq!(when("{ running = \"obs\" }"), running(0));
    assert_eq!(when("{ running = [\"obs\", \"x\"] }"), Condition::Any(vec![running(0), running(1)]));
    let scene = |comparison| Condition::Variable(crate::ids::Id::new(0), comparison);
    assert_eq!(when("{ variable = \"scene\", is = 2 }"), scene(Comparison::Is(Value::Number(2.0))));
    assert_eq!(when("{ variable = \"scene\", is = \"\" }"), scene(Comparison::Is(Value::Text("".into()))));
    assert_eq!(when("{ variable = \"scene\", above = -1.5 }"), scene(Comparison::Above(-1.5)));
    assert_eq!(when("{ variable = \"scene\", below = 1 }"), scene(Comparison::Below(1.0)));
    assert_eq!(when("{ not = { running = \"a\" } }"), Condition::Not(Box::new(running(0))));
    assert_eq!(
        when("{ any = [{ running = \"a\" }, { running = \"b\" }] }"),
        Condition::Any(vec![running(0), running(1)])
    );
    let both = Condition::All(vec![running(0), Condition::Weekday(1)]);
    assert_eq!(when("{ running = \"a\", weekday = \"mon\" }"), both);
    assert_eq!(when("[{ running = \"a\" }, { weekday = \"mon\" }]"), both);
    assert_eq!(when("{ all = [{ running = \"a\" }, { weekday = \"mon\" }] }"), both);
}

#[test]
fn wrong_conditions() {
    let wrong = |condition: &str, expected: &[&str]| {
        mistakes(
            &format!("on = {{ note = 1 }}\nwhen = {condition}\ndo = {{ set = {{ scene = 1 }} }}"),
            expected,
        );
    };
    wrong("{}", &["E004 6:8 empty"]);
    wrong("[]", &["E018 6:8 empty"]);
    wrong("{ any = [] }", &["E018 6:16"]);
    wrong("{ time = \"22:00\" }", &["E024 6:17"]);
    wrong("{ weekday = \"xyz\" }", &["E024 6:20"]);
    wrong("{ weekday = 3 }", &["E005 6:20"]);
    wrong("{ running = \"\" }", &["E025 6:20"]);
    wrong("{ variable = \"scene\" }", &["E004 6:10 compared"]);
    wrong("{ is = 2 }", &["E013 6:10 without `variable`"]);
    wrong("{ variable = \"scene\", is = 1, above = 2 }", &["E013 6:38"]);
    wrong("{ variable = \"scene\", above = inf }", &["E006 6:38"]);
    wrong("{ variable = \"scnee\", is = 1 }", &["W104 6:21 did you mean \"scene\"?"]);
    wrong("{ mode = \"nowhere\" }", &["W102 6:17"]);
    let deep = format!("{}{{ weekday = \"mon\" }}{}", "{ not = ".repeat(9), " }".repeat(9));
    wrong(&deep, &["E019 6:72 8 deep"]);
}
