//! Every key of actions: what it means, and what is wrong with it.

use std::time::Duration;

use super::{check, mapping, mistakes};
use crate::ids::{DeviceId, Id};
use crate::midi::{Channel, Message};
use crate::ruleset::Value;
use crate::ruleset::action::{
    Action, Again, Amount, Assignment, Hold, Level, MediaKey, MidiSend, ModeChange, MouseButton, PointerMove,
    Step, Switch, Times,
};
use crate::ruleset::keys::parse_chord;

#[track_caller]
fn steps(action: &str) -> Vec<Step> {
    mapping(&format!("on = {{ note = 1 }}\ndo = {action}")).program.steps.clone()
}

/// The one step of an action, which must be right.
#[track_caller]
fn done(action: &str) -> Action {
    match steps(action).as_slice() {
        [Step::Do(action)] => action.clone(),
        other => panic!("{other:?}"),
    }
}

/// The mistakes in an action, which begins at 6:6.
#[track_caller]
fn wrong(action: &str, expected: &[&str]) {
    mistakes(&format!("on = {{ note = 1 }}\ndo = {action}"), expected);
}

#[test]
fn keys_and_text() {
    let keys = |hold| Action::Keys { chord: parse_chord("ctrl+r").unwrap(), hold };
    assert_eq!(done("{ key = \"ctrl+r\" }"), keys(Hold::WhileHeld));
    assert_eq!(done("[{ key = \"ctrl+r\" }]"), keys(Hold::WhileHeld));
    assert_eq!(done("{ key = \"ctrl+r\", hold = false }"), keys(Hold::Tap));
    let two = steps("[{ key = \"ctrl+r\" }, { key = \"ctrl+r\", hold = true }]");
    assert_eq!(two, [Step::Do(keys(Hold::Tap)), Step::Do(keys(Hold::WhileHeld))]);
    assert_eq!(done("{ text = \"Hé\" }"), Action::Text("Hé".into()));
    wrong("{ key = \"ctlr+r\" }", &["E011 6:14 did you mean \"ctrl\"?"]);
    wrong("{ key = \"ctrl+\" }", &["E011 6:14 plus"]);
    wrong("{ key = \"\" }", &["E025 6:14"]);
    wrong("{ key = 5 }", &["E005 6:14"]);
    wrong("{ key = \"a\", count = 2 }", &["E013 6:19 it goes with `mouse`"]);
    wrong("{ text = \"a\\u0000\" }", &["E025 6:15 NUL"]);
    wrong("{}", &["E004 6:6"]);
    wrong("[]", &["E018 6:6"]);
    wrong("{ key = \"a\", text = \"b\" }", &["E013 6:19 two tables"]);
    wrong("{ kye = \"a\" }", &["E003 6:8 did you mean `key`?"]);
}

#[test]
fn mouse() {
    let button = |button, hold, clicks| Action::Button { button, hold, clicks };
    assert_eq!(done("{ mouse = \"click\" }"), button(MouseButton::Left, Hold::Tap, 1));
    assert_eq!(
        done("{ mouse = \"click\", button = \"right\", count = 2 }"),
        button(MouseButton::Right, Hold::Tap, 2)
    );
    assert_eq!(
        done("{ mouse = \"hold\", button = \"back\" }"),
        button(MouseButton::Back, Hold::WhileHeld, 1)
    );
    assert_eq!(done("{ mouse = \"move\", by = [-3, 4] }"), Action::Pointer(PointerMove::By(-3, 4)));
    assert_eq!(done("{ mouse = \"move\", to = [3, 4] }"), Action::Pointer(PointerMove::To(3, 4)));
    assert_eq!(done("{ mouse = \"scroll\", by = [0, 3] }"), Action::Scroll { horizontal: 0, vertical: 3 });
    wrong("{ mouse = \"clack\" }", &["E007 6:16 did you mean \"click\"?"]);
    wrong("{ mouse = \"move\" }", &["E004 6:8 `by` is missing"]);
    wrong("{ mouse = \"scroll\", to = [1, 2] }", &["E004 6:8", "E013 6:26"]);
    wrong("{ mouse = \"move\", by = [1] }", &["E018 6:29"]);
    wrong("{ mouse = \"move\", by = [1, 9999999] }", &["E006 6:33"]);
    wrong("{ mouse = \"click\", count = 0 }", &["E006 6:33"]);
    wrong("{ mouse = \"hold\", count = 2 }", &["E013 6:24"]);
}

#[test]
fn programs() {
    let Action::Run(launch) =
        done("{ run = [\"obs\", \"-x\", \"\"], folder = \"~\", environment = { A = \"b\" } }")
    else {
        panic!()
    };
    assert_eq!(
        (launch.program.as_str(), launch.arguments.as_slice()),
        ("obs", ["-x".to_owned(), String::new()].as_slice())
    );
    assert_eq!(launch.folder.as_deref(), Some("~"));
    assert_eq!(launch.environment, [("A".to_owned(), "b".to_owned())]);
    assert_eq!(done("{ open = \"https://a.b\" }"), Action::Open("https://a.b".into()));
    wrong("{ run = [] }", &["E018 6:14"]);
    wrong("{ run = [\"\"] }", &["E025 6:15"]);
    wrong("{ run = \"obs --x\" }", &["W105 6:14 run = [\"obs\", \"--x\"]"]);
    wrong("{ run = \"x\", environment = { \"A=\" = \"b\" } }", &["E025 6:35"]);
    wrong("{ run = \"x\", folder = 5 }", &["E005 6:28"]);
    wrong("{ open = \"\" }", &["E025 6:15"]);
    wrong("{ shell = \"ls\" }", &["E020 6:8 allow_shell = true"]);
    let allowed = "[settings]\nallow_shell = true\n[[map]]\non = { note = 1 }\ndo = { shell = \"ls\" }\n";
    assert!(check(allowed, &[]).unwrap().settings.allow_shell);
}

#[test]
fn midi() {
    let channel = Channel::from_wire(0);
    let send = |message: &str| match done(&format!("{{ midi = {message} }}")) {
        Action::Midi { to: None, send } => send,
        other => panic!("{other:?}"),
    };
    let note = |note, velocity, hold| MidiSend::Note { channel, note, velocity, hold };
    assert_eq!(send("{ note = \"C4\" }"), note(Some(60), Amount::Value, Hold::WhileHeld));
    assert_eq!(
        send("{ note = \"same\", velocity = 100, hold = false }"),
        note(None, Amount::Fixed(100), Hold::Tap)
    );
    assert_eq!(
        send("{ cc = 7, channel = 2 }"),
        MidiSend::Controller { channel: Channel::from_wire(1), controller: 7, value: Amount::Value }
    );
    assert_eq!(
        send("{ cc14 = 1, value = 16383 }"),
        MidiSend::Controller14 { channel, controller: 1, value: Amount::Fixed(16383) }
    );
    assert_eq!(send("{ program = 5 }"), MidiSend::Program { channel, program: Amount::Fixed(5) });
    assert_eq!(send("{ bend = \"value\" }"), MidiSend::Bend { channel, value: Amount::Value });
    assert_eq!(
        send("{ pressure = 64, note = \"C4\" }"),
        MidiSend::Pressure { channel, note: Some(60), value: Amount::Fixed(64) }
    );
    assert_eq!(
        send("{ pressure = \"value\" }"),
        MidiSend::Pressure { channel, note: None, value: Amount::Value }
    );
    assert_eq!(send("{ sysex = \"F0 01 F7\" }"), MidiSend::Sysex([0xF0, 1, 0xF7].as_slice().into()));
    assert_eq!(
        send("{ bytes = \"90 3C 64\" }"),
        MidiSend::Message(Message::NoteOn { channel, note: 60, velocity: 100 })
    );
    assert_eq!(send("{ bytes = \"F0 01 F7\" }"), MidiSend::Sysex([0xF0, 1, 0xF7].as_slice().into()));
    assert_eq!(send("{ realtime = \"start\" }"), MidiSend::Message(Message::Start));
    assert_eq!(send("\"same\""), MidiSend::Same { channel: None });
    assert_eq!(send("{ same = true, channel = 2 }"), MidiSend::Same { channel: Some(Channel::from_wire(1)) });
    let Action::Midi { to, .. } = done("{ midi = { realtime = \"stop\" }, to = \"synth\" }") else {
        panic!()
    };
    assert_eq!(to, Some(DeviceId::new(2)));
}

#[test]
fn wrong_midi() {
    // The message begins at 6:15.
    let wrong_message =
        |message: &str, expected: &[&str]| wrong(&format!("{{ midi = {message} }}"), expected);
    wrong_message("{ note = \"Z\" }", &["E008 6:24"]);
    wrong_message("{ note = 1, velocity = 0 }", &["E006 6:38 1 to 127"]);
    wrong_message("{ note = 1, value = 5 }", &["E013 6:27"]);
    wrong_message("{ cc = 7, value = 128 }", &["E006 6:33"]);
    wrong_message("{ cc = 7, value = \"vlaue\" }", &["E007 6:33 did you mean \"value\"?"]);
    wrong_message("{ cc = 7, note = 5 }", &["E013 6:25"]);
    wrong_message("{ cc14 = 40 }", &["E006 6:24"]);
    wrong_message("{ bend = 16384 }", &["E006 6:24"]);
    wrong_message("{ program = 128 }", &["E006 6:27"]);
    wrong_message("{ sysex = \"F0 ?? F7\" }", &["E012 6:25 can't be sent"]);
    wrong_message("{ bytes = \"90 3C\" }", &["E012 6:25 complete"]);
    wrong_message("{ bytes = \"90 3C 64 90 3C 00\" }", &["E012 6:25"]);
    wrong_message("{ bytes = \"3C\" }", &["E012 6:25"]);
    wrong_message("{ bytes = \"xx\" }", &["E012 6:25 hexadecimal"]);
    wrong_message("{ same = false }", &["E005 6:24"]);
    wrong_message("\"smae\"", &["E007 6:15"]);
    wrong("{ midi = \"same\", to = \"nobody\" }", &["E014 6:28 declare it"]);
    wrong("{ midi = \"same\", to = 5 }", &["E005 6:28"]);
}

#[test]
fn sound() {
    let target = Id::new(0);
    let volume = |level| Action::Volume { target, level };
    assert_eq!(done("{ volume = \"value\" }"), volume(Level::Value));
    assert_eq!(done("{ volume = \"50%\" }"), volume(Level::Fixed(0.5)));
    assert_eq!(done("{ volume = \"+5%\" }"), volume(Level::Change(0.05)));
    assert_eq!(done("{ volume = \"-5%\" }"), volume(Level::Change(-0.05)));
    assert_eq!(done("{ mute = \"toggle\" }"), Action::Mute { target, switch: Switch::Toggle });
    assert_eq!(
        done("{ mute = true, output = \"*HDMI*\" }"),
        Action::Mute { target: Id::new(1), switch: Switch::On }
    );
    assert_eq!(done("{ mute = false }"), Action::Mute { target, switch: Switch::Off });
    assert_eq!(done("{ media = \"next\" }"), Action::Media(MediaKey::Next));
    wrong("{ volume = 50 }", &["E005 6:17"]);
    wrong("{ volume = \"200%\" }", &["E006 6:17 150%"]);
    wrong("{ volume = \"++5%\" }", &["E010 6:17"]);
    wrong("{ volume = \"-500%\" }", &["E006 6:17"]);
    wrong("{ volume = \"loud\" }", &["E010 6:17"]);
    wrong("{ mute = \"tuggle\" }", &["E007 6:15 did you mean \"toggle\"?"]);
    wrong("{ mute = 1 }", &["E005 6:15"]);
    wrong("{ media = \"nxet\" }", &["E007 6:16 did you mean \"next\"?"]);
}

#[test]
fn notices_modes_and_variables() {
    let Action::Notify(notice) = done("{ notify = \"On air\" }") else { panic!() };
    assert_eq!((notice.title.as_str(), notice.body.as_str()), ("Padgate", "On air"));
    let mode = |text: &str| match check(
        &format!(
            "[[map]]\non = {{ note = 1 }}\ndo = {{ mode = {text} }}\n[[map]]\nmode = \"x\"\non = {{ note = 2 }}\ndo = {{ mode = \"x\" }}\n"
        ),
        &[],
    ) {
        Some(ruleset) => ruleset.mappings[0].program.steps[0].clone(),
        None => panic!("{text}"),
    };
    let x = Id::new(1);
    for (text, change) in [
        ("\"x\"", ModeChange::Switch(x)),
        ("{ push = \"x\" }", ModeChange::Push(x)),
        ("{ pop = true }", ModeChange::Pop),
        ("{ toggle = \"x\" }", ModeChange::Toggle(x)),
        ("{ hold = \"x\" }", ModeChange::Hold(x)),
    ] {
        assert_eq!(mode(text), Step::Do(Action::Mode(change)));
    }
    let set = steps(
        "{ set = { b = 2, a = \"t\", c = { add = -1 }, d = { toggle = true }, e = { input = true } } }",
    );
    let assignments: Vec<Assignment> = set
        .into_iter()
        .map(|step| match step {
            Step::Do(Action::Set(_, assignment)) => assignment,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        assignments,
        [
            Assignment::To(Value::Number(2.0)),
            Assignment::To(Value::Text("t".into())),
            Assignment::Add(-1.0),
            Assignment::Toggle,
            Assignment::Input,
        ]
    );
    assert_eq!(done("{ panic = true }"), Action::Panic);
    wrong("{ notify = \"\" }", &["E025 6:17"]);
    wrong("{ mode = 5 }", &["E005 6:15"]);
    wrong("{ mode = { psuh = \"x\" } }", &["E003 6:17 did you mean `push`?"]);
    wrong("{ mode = { pop = false } }", &["E005 6:23"]);
    wrong("{ mode = \"empty\" }", &["W103 6:15 no mapping belongs"]);
    wrong("{ set = {} }", &["E004 6:14"]);
    wrong("{ set = { a = [1] } }", &["E005 6:20"]);
    wrong("{ set = { a = { add = nan } } }", &["E006 6:28"]);
    wrong("{ set = { a = {} } }", &["E004 6:20"]);
    wrong("{ panic = false }", &["E005 6:16"]);
}

#[test]
fn waits_blocks_and_again() {
    let a = || Step::Do(Action::Text("a".into()));
    let b = || Step::Do(Action::Text("b".into()));
    let wait = Step::Wait(Duration::from_millis(200));
    assert_eq!(steps("[{ text = \"a\" }, { wait = \"200ms\" }, { text = \"b\" }]"), [a(), wait, b()]);
    let repeat = |times, every, body| Step::Repeat { times, every: Duration::from_millis(every), body };
    assert_eq!(
        steps(
            "[{ repeat = 3, do = [{ text = \"a\" }, { repeat = \"held\", every = \"10ms\", do = { text = \"b\" } }] }, { text = \"a\" }]"
        ),
        [repeat(Times::Count(3), 0, 3), a(), repeat(Times::WhileHeld, 10, 1), b(), a()]
    );
    let branch = steps("{ if = { weekday = \"mon\" }, then = { text = \"a\" }, else = [{ text = \"b\" }] }");
    assert!(matches!(branch[0], Step::If { then: 1, otherwise: 1, .. }));
    assert_eq!(branch[1..], [a(), b()]);
    for (word, again) in [
        ("restart", Again::Restart),
        ("queue", Again::Queue),
        ("concurrent", Again::Concurrent),
        ("ignore", Again::Ignore),
    ] {
        let mapping = mapping(&format!("on = {{ note = 1 }}\nagain = \"{word}\"\ndo = {{ text = \"a\" }}"));
        assert_eq!(mapping.again, again);
    }
    wrong("{ wait = 200 }", &["E005 6:15 write \"200ms\""]);
    wrong("{ wait = \"-1s\" }", &["E009 6:15"]);
    wrong("{ wait = \"48000m\" }", &["E006 6:15"]);
    wrong("{ repeat = 0, do = { text = \"a\" } }", &["E006 6:17"]);
    wrong("{ repeat = 3 }", &["E004 6:6 `do` is missing"]);
    wrong("{ repeat = \"held\", do = { text = \"a\" } }", &["E004 6:8 `every` is missing"]);
    wrong("{ repeat = \"held\", every = \"0\", do = { text = \"a\" } }", &["E006 6:33"]);
    wrong(
        "{ repeat = \"hold\", every = \"1s\", do = { text = \"a\" } }",
        &["E007 6:17 did you mean \"held\"?"],
    );
    wrong("{ if = { weekday = \"mon\" } }", &["E004 6:6 `then` is missing"]);
    wrong("{ if = {}, then = { text = \"a\" } }", &["E004 6:13"]);
    let deep = format!("{}{{ text = \"a\" }}{}", "{ repeat = 2, do = ".repeat(9), " }".repeat(9));
    wrong(&deep, &["E019 6:177 8 deep"]);
    mistakes("on = { note = 1 }\nagain = \"agian\"\ndo = { text = \"a\" }", &["E007 6:9"]);
}

#[test]
fn names_say_what_a_mapping_does() {
    for (lines, name) in [
        (
            "on = { device = \"pads\", note = \"C1\", hold = \"400ms\" }\ndo = { key = \"ctrl+r\" }",
            "pads C1 hold 400ms → key ctrl+r",
        ),
        (
            "on = { device = \"pads\", control = \"play\", taps = 2 }\ndo = { media = \"play_pause\" }",
            "pads play 2 taps → play/pause",
        ),
        ("on = { cc = 7, channel = 2 }\ndo = { volume = \"value\" }", "cc 7 ch 2 → volume"),
        (
            "on = { device = \"pads\", chord = [\"E1\", \"F1\"] }\ndo = [{ wait = \"1s\" }, { text = \"Hello\" }]",
            "pads E1+F1 → text \"Hello\", …",
        ),
        (
            "on = { cc = 16, relative = \"mackie\", direction = \"up\" }\ndo = { volume = \"+5%\" }",
            "cc 16 turn up → volume +5%",
        ),
        ("name = \"Mine\"\non = { note = 1 }\ndo = { panic = true }", "Mine"),
    ] {
        assert_eq!(mapping(lines).name, name);
    }
}
