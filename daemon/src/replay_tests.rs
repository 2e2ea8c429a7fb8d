//! Recordings that are whole, and such that are not.

use std::sync::Arc;
use std::time::Duration;

use padgate_core::ids::Names;
use padgate_core::ruleset::trigger::{ControlKind, Selector};
use padgate_core::ruleset::{
    Action, Again, Condition, Gesture, Mapping, Program, Ruleset, Shape, Step, Takeover, Trigger, action,
    keys,
};

use super::{Format, ReplayError, read, replay};

const HEADER: &str = r#"{"padgate_recording":1,"devices":["pads"],"modes":["default"]}"#;

fn mapping(name: &str, gesture: Gesture) -> Arc<Mapping> {
    let control = Selector { device: None, channel: None, kind: ControlKind::Note, number: Some(24) };
    let chord = keys::parse_chord("space").unwrap();
    let step = Step::Do(Action::Keys { chord, hold: action::Hold::Tap });
    Arc::new(Mapping {
        name: name.into(),
        origin: padgate_core::ruleset::Origin { file: "config.toml".into(), line: 3 },
        mode: None,
        trigger: Trigger::Press { control, gesture, velocity: 1..=127 },
        when: Condition::Always,
        shape: Shape::default(),
        takeover: Takeover::Jump,
        program: Arc::new(Program { steps: vec![step] }),
        again: Again::Restart,
    })
}

fn run(recording: &str, format: Format) -> Result<String, ReplayError> {
    let mut names = Names::default();
    names.devices.intern("pads");
    let recording = read(recording.as_bytes(), &mut names)?;
    let device = padgate_core::ruleset::Device {
        id: names.devices.find("pads").unwrap(),
        ports: padgate_core::ruleset::DevicePorts::default(),
        echo: Duration::ZERO,
        controls: Vec::new(),
    };
    let rules = Ruleset {
        names,
        devices: vec![device],
        mappings: vec![
            mapping("Tap", Gesture::Press),
            mapping("Hold", Gesture::Hold(Duration::from_millis(400))),
        ],
        ..Ruleset::default()
    };
    let mut out = Vec::new();
    replay(&recording, Arc::new(rules), format, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn decisions_are_made_in_virtual_time_and_always_the_same() {
    let recording = [
        HEADER,
        r#"{"t":0,"midi":{"device":"pads","bytes":"90 18 64"}}"#,
        r#"{"t":5000000000,"midi":{"device":"pads","bytes":"80 18 40"}}"#,
    ]
    .join("\n");
    let text = run(&recording, Format::Text).unwrap();
    assert!(text.starts_with("   0.000000 pads: note on C1 ch 1 velocity 100\n"), "{text}");
    assert!(
        text.contains("\n   0.400000 a deadline passed\n"),
        "the hold fires between the two lines: {text}"
    );
    assert!(text.contains("\"Hold\" (config.toml:3) fired"), "{text}");
    assert!(text.contains("→ tap space"), "{text}");
    assert_eq!(run(&recording, Format::Text).unwrap(), text);
    let json = run(&recording, Format::JsonLines).unwrap();
    let records: Vec<padgate_ipc::event::Record> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records[0].cause.device.as_deref(), Some("pads"));
    assert!(records.iter().any(|record| record.received_ns == 400_000_000));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let cases = [
        (String::new(), "line 1 ", "empty"),
        ("{}".into(), "line 1 ", "no recording"),
        (r#"{"padgate_recording":9}"#.into(), "line 1 ", "format 9"),
        (format!("{HEADER}\n\n{{\"t\":1,\"panic\":{{}}}}\nnonsense"), "line 4 ", "expected"),
        (format!("{HEADER}\n{{\"t\":1,\"dream\":{{}}}}"), "line 2 ", "one of midi, device_lost"),
        (format!("{HEADER}\n{{\"t\":2,\"panic\":{{}}}}\n{{\"t\":1,\"panic\":{{}}}}"), "line 3 ", "before"),
        (format!("{HEADER}\n{{\"t\":1,\"midi\":{{\"device\":\"pads\",\"bytes\":\"90\"}}}}"), "line 2 ", "90"),
        (format!("{HEADER}\n{{\"t\":1,\"midi\":{{\"dev"), "line 2 ", "EOF"),
    ];
    for (recording, line, what) in cases {
        let error = run(&recording, Format::Text).unwrap_err().to_string();
        assert!(error.starts_with(line) && error.contains(what), "{recording:?}: {error}");
    }
}
