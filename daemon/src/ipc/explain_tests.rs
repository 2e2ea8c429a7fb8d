//! Explanations of hand-made histories.

use std::sync::Arc;
use std::time::Duration;

use padgate_core::engine::{
    Context, Control, Effect, PassReason, Phase, PressId, Request, RequestId, Trace, WaitReason,
};
use padgate_core::ids::{DeviceId, Names};
use padgate_core::midi::{Channel, Message};
use padgate_core::ruleset::trigger::{ControlKind, Selector};
use padgate_core::ruleset::{Again, Condition, Gesture, Mapping, Shape, Trigger, keys};
use padgate_core::time::Time;

use super::{Wanted, explain};
use crate::history::{Cause, Record, RequestRecord};
use crate::outcome::{Outcome, Report};

const PADS: DeviceId = DeviceId::new(1);
const CONTROL: Control =
    Control { device: PADS, kind: ControlKind::Note, channel: Channel::from_wire(0), number: 24 };

fn names() -> Names {
    let mut names = Names::default();
    assert_eq!(names.devices.intern("pads"), PADS);
    names
}

fn mapping(name: &str, note: u8, gesture: Gesture) -> Arc<Mapping> {
    let control = Selector { device: None, channel: None, kind: ControlKind::Note, number: Some(note) };
    Arc::new(Mapping {
        name: name.into(),
        origin: padgate_core::ruleset::Origin { file: "config.toml".into(), line: 12 },
        mode: None,
        trigger: Trigger::Press { control, gesture, velocity: 1..=127 },
        when: Condition::Always,
        shape: Shape::default(),
        takeover: padgate_core::ruleset::Takeover::Jump,
        program: Arc::default(),
        again: Again::Restart,
    })
}

fn note_on(note: u8) -> Cause {
    Cause::Message(PADS, Message::NoteOn { channel: Channel::from_wire(0), note, velocity: 100 })
}

fn record(milliseconds: u64, cause: Cause, traces: Vec<Trace>, requests: Vec<RequestRecord>) -> Record {
    let at = Time::from_millis(milliseconds);
    Record { sequence: 0, cause, received: at, decided: at, handed_off: at, traces, requests }
}

fn request(milliseconds: u64, press: u64, outcome: Option<Outcome>) -> RequestRecord {
    let at = Time::from_millis(milliseconds);
    let context = Context {
        press: PressId(press),
        control: Some(CONTROL),
        message: None,
        value: 1.0,
        raw: 127,
        ticks: 0,
        received: at,
    };
    let effect = Effect::Keys { keys: keys::parse_chord("space").unwrap(), phase: Phase::Tap };
    RequestRecord {
        request: Request { id: RequestId(1), mapping: None, effect, context },
        handed_off: at,
        report: outcome.map(|outcome| Report {
            request: RequestId(1),
            outcome,
            started: at,
            done: at + Duration::from_micros(100),
        }),
    }
}

fn sentences(records: &[Record], wanted: &Wanted) -> Vec<String> {
    explain(records, wanted, &names(), Time::from_millis(3100)).sentences
}

#[test]
fn a_tap_that_was_held_back_tells_the_whole_story() {
    let tap = mapping("Play", 24, Gesture::Press);
    let twice = mapping("Stop", 24, Gesture::Taps { count: 2, window: Duration::from_millis(300) });
    let other = mapping("Other", 60, Gesture::Press);
    let until = Some(Time::from_millis(1300));
    let fired = |mapping: &Arc<Mapping>, press, withheld| Trace::Fired {
        mapping: Arc::clone(mapping),
        press: PressId(press),
        withheld: Duration::from_millis(withheld),
    };
    let released = Trace::Released { mapping: Arc::clone(&tap), press: PressId(7) };
    let off = Message::NoteOff { channel: Channel::from_wire(0), note: 24, velocity: 64 };
    let records = [
        record(
            1000,
            note_on(24),
            vec![Trace::Waiting { control: CONTROL, reason: WaitReason::Taps, until }],
            vec![],
        ),
        record(1100, note_on(60), vec![fired(&other, 8, 0)], vec![request(1100, 8, Some(Outcome::Done))]),
        record(
            1300,
            Cause::Timer,
            vec![
                fired(&tap, 7, 300),
                Trace::Passed { mapping: twice, reason: PassReason::OtherGesture(Gesture::Press) },
            ],
            vec![request(1300, 7, Some(Outcome::Done))],
        ),
        record(1400, Cause::Message(PADS, off), vec![released], vec![]),
    ];
    let wanted = Wanted { control: Some((ControlKind::Note, 24)), ..Wanted::default() };
    assert_eq!(
        sentences(&records, &wanted),
        [
            "You pressed C1 (ch 1) on pads with velocity 100, 2.1 s ago.",
            "C1 (ch 1) on pads is held back for 300 ms at most: another tap may follow.",
            "After 300 ms: \"Play\" (config.toml:12) fired, after it was held back for 300 ms.",
            "After 300 ms: \"Stop\" (config.toml:12) did not fire: it wants 2 taps, and this was a press.",
            "After 300 ms: action tap space: done 100 µs after it was handed off.",
            "After 400 ms: \"Play\" (config.toml:12) got the release of its press.",
        ]
    );
    assert!(sentences(&records, &Wanted::default())[0].contains("C4"), "the last press of all is another");
}

#[test]
fn nothing_is_explained_too() {
    let unmapped = Trace::Unmapped { control: Some(CONTROL) };
    let records = [record(1000, note_on(24), vec![unmapped], vec![])];
    assert_eq!(
        sentences(&records, &Wanted::default())[1..],
        [
            "Nothing is mapped to C1 (ch 1) on pads.",
            "So nothing was done. To give it something to do, add a [[map]] with `on = { note = \"C1\" }`.",
        ]
    );
    let wanted = Wanted { device: Some(DeviceId::new(5)), ..Wanted::default() };
    let explanation = explain(&records, &wanted, &names(), Time::ZERO);
    assert!(!explanation.found);
    assert!(explanation.sentences[0].contains("padgate monitor"), "{:?}", explanation.sentences);
}

#[test]
fn failures_say_why() {
    let play = mapping("Play", 24, Gesture::Press);
    let fired = Trace::Fired { mapping: play, press: PressId(1), withheld: Duration::ZERO };
    let outcome = Outcome::Unavailable("there is no display: set DISPLAY".into());
    let records = [record(1000, note_on(24), vec![fired], vec![request(1000, 1, Some(outcome))])];
    let said = sentences(&records, &Wanted::default());
    assert_eq!(said[2], "Action tap space: unavailable: there is no display: set DISPLAY.");
}
