//! Once warm, a decision allocates nothing: whatever is played, and however many mappings there are.
//!
//! The allocator of this test binary counts, for each thread by itself.

use std::sync::Arc;
use std::time::Duration;

use padgate_core::engine::{Engine, Index, Input, Output};
use padgate_core::ids::DeviceId;
use padgate_core::midi::{Channel, Message, Received};
use padgate_core::ruleset::action::{Assignment, Hold, Level, ModeChange};
use padgate_core::ruleset::trigger::{Edge, Encoding};
use padgate_core::ruleset::{Again, Condition, Device, DevicePorts, Ruleset};
use padgate_core::time::Time;

use super::rules::{
    MODE_A, Map, OBS, X, bend, button, call, cc, cc_press, cc14, choose, chord, hold, key, key_tap, mode,
    note_to, press, program, release, repeat, repeat_held, sequence, set, taps, text, turn, volume, wait,
};
use super::rulesets::{self, Spread};

/// A mapping for each trigger and action, on a device that the large rulesets do not have.
fn gestures() -> Vec<Map> {
    let enter = cc(8).does(&[key("shift")]).filter(|filter| {
        filter.range = 64..=127;
        filter.edge = Edge::Enter;
    });
    let steps = [
        text("x"),
        wait(20),
        key("a"),
        repeat(3, 10, &[key_tap("ctrl+b")]),
        choose(Condition::Running(OBS), &[text("y")], &[set(X, Assignment::Add(1.0))]),
        repeat_held(15, &[button(Hold::Tap)]),
    ];
    vec![
        press(1).does(&[key("ctrl+a"), call("set", Hold::WhileHeld)]),
        press(2).does(&[note_to(None, 60, Hold::WhileHeld)]),
        taps(2, 2).does(&[key_tap("b")]),
        hold(2, 100).does(&[mode(ModeChange::Hold(MODE_A))]),
        release(2).does(&[mode(ModeChange::Toggle(MODE_A))]),
        chord("chord", &[3, 4], 40).does(&[key("c"), button(Hold::WhileHeld)]),
        press(3).mode(MODE_A).does(&[volume(Level::Fixed(0.5))]),
        sequence("sequence", &[1, 5], 1000).does(&[set(X, Assignment::Input)]),
        press(6).again(Again::Restart).does(&steps),
        press(7).again(Again::Queue).does(&steps),
        press(8).again(Again::Concurrent).does(&steps),
        cc(7).does(&[volume(Level::Value)]).pickup(),
        enter,
        cc14(1),
        bend(),
        cc(9).does(&[call("level", Hold::Tap)]),
        turn(16, Encoding::TwosComplement),
        turn(17, Encoding::TwosComplement).does(&[call("turn", Hold::Tap)]),
        cc_press(64),
        program(None),
    ]
}

/// The large ruleset, and every gesture.
fn with_gestures(rules: &Ruleset) -> Ruleset {
    let mut rules = rules.clone();
    let own = rules.names.devices.intern("gestures");
    rules.names.modes.intern("a");
    rules.devices.push(Device {
        id: own,
        ports: DevicePorts::default(),
        controls: Vec::new(),
        echo: Duration::from_millis(20),
    });
    for map in gestures() {
        let map = map.select(|control| control.device = Some(own));
        rules.mappings.push(Arc::new(map.0));
    }
    rules
}

/// A message from a device, and the milliseconds before it.
type Played = Vec<(u64, DeviceId, Message)>;

/// What a hand does on the device of the gestures.
fn on_gestures(device: DeviceId) -> Played {
    let channel = Channel::from_wire(0);
    let down = |note| Message::NoteOn { channel, note, velocity: 100 };
    let up = |note| Message::NoteOff { channel, note, velocity: 64 };
    let controller = |controller, value| Message::ControlChange { channel, controller, value };
    let mut played = Vec::new();
    for note in [1, 2, 3, 5, 9] {
        played.extend([(10, down(note)), (30, up(note)), (500, down(note)), (150, up(note))]);
        played.extend([(500, down(note)), (20, up(note)), (20, down(note)), (20, up(note))]);
    }
    played.extend([(500, down(3)), (10, down(4)), (50, up(4)), (5, up(3)), (9, down(3)), (1, up(3))]);
    played.extend([(500, down(1)), (10, up(1)), (10, down(5)), (10, up(5))]);
    for note in [6, 7, 8] {
        played.extend([(500, down(note)), (5, up(note)), (5, down(note)), (70, down(note)), (90, up(note))]);
    }
    for value in (0..128).chain((0..128).rev()) {
        played.extend([7, 8, 9, 1, 33, 16, 17, 64, 99].map(|number| (1, controller(number, value))));
        played.push((1, Message::PitchBend { channel, value: u16::from(value) << 7 }));
    }
    played.push((5, Message::ProgramChange { channel, program: 3 }));
    played.extend([(5, down(1)), (5, down(2)), (5, controller(123, 0)), (900, Message::Clock)]);
    played.into_iter().map(|(pause, message)| (pause, device, message)).collect()
}

/// What a hand does on the controls of the large ruleset.
fn on_many(large: &rulesets::Played) -> Played {
    let mut played = Played::new();
    for control in large.pads.iter().chain(&large.silent).take(500) {
        let (channel, note) = (control.channel, control.number);
        played.push((1, control.device, Message::NoteOn { channel, note, velocity: 100 }));
        played.push((1, control.device, Message::NoteOff { channel, note, velocity: 64 }));
    }
    for control in large.faders.iter().take(100) {
        let (channel, controller) = (control.channel, control.number);
        played.push((1, control.device, Message::ControlChange { channel, controller, value: 77 }));
    }
    played
}

/// Plays it, with all deadlines kept, and says how much came out.
fn play(engine: &mut Engine, played: &Played, now: &mut Time, out: &mut Vec<Output>) -> usize {
    let mut count = 0;
    for (pause, device, message) in played {
        let at = *now + Duration::from_millis(*pause);
        while let Some(due) = engine.next_deadline().filter(|due| *due <= at) {
            engine.handle(Input::Timer, due, out);
            count += out.len();
            out.clear();
        }
        engine.handle(Input::Midi { device: *device, received: Received::Message(*message) }, at, out);
        count += out.len();
        out.clear();
        *now = at;
    }
    count
}

#[test]
fn a_decision_allocates_nothing() {
    for (size, spread) in
        [10, 1_000, 10_000].into_iter().flat_map(|size| [(size, Spread::Wide), (size, Spread::Modes)])
    {
        let large = rulesets::ruleset(size, spread);
        let rules = with_gestures(&large.rules);
        let device = rules.names.devices.find("gestures").expect("the device of the gestures");
        let played = [on_gestures(device), on_many(&large)].concat();
        let mut engine = Engine::new(Arc::new(Index::build(Arc::new(rules))));
        let (mut now, mut out) = (Time::ZERO, Vec::with_capacity(256));
        let warm = play(&mut engine, &played, &mut now, &mut out);
        assert!(warm > 1000, "{warm} outputs are no performance");
        let counted = allocation_counter::measure(|| {
            play(&mut engine, &played, &mut now, &mut out);
        });
        assert_eq!(counted.count_total, 0, "allocations with {size} mappings, {spread:?}");
    }
}

#[test]
fn the_allocator_counts() {
    let counted = allocation_counter::measure(|| drop(Vec::<u8>::with_capacity(1)));
    assert_eq!(counted.count_total, 1);
}
