//! Random rulesets and random hands, from few controls and few keys, so that they meet often.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};

use padgate_core::ids::{DeviceId, ModeId};
use padgate_core::ruleset::action::{Assignment, Hold, Level, ModeChange};
use padgate_core::ruleset::condition::{Comparison, DaySpan};
use padgate_core::ruleset::trigger::{Direction, Edge, Encoding, Realtime};
use padgate_core::ruleset::{Again, Condition, Shape, Value};

use super::rules::{
    KEYS, MODE_A, MODE_B, Map, OBS, PADS, SYNTH, Steps, X, bend, button, call, cc, cc_press, cc14,
    channel_pressure, choose, chord, hold, key, key_tap, long, mode, note, note_to, panic_all, press,
    program, realtime, release, repeat, repeat_held, same, sequence, set, short, sysex, taps, text, turn,
    volume, wait,
};

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Time passes, in milliseconds.
    Pass(u64),
    Down(DeviceId, u8, u8),
    Up(DeviceId, u8),
    Controller(DeviceId, u8, u8),
    Bend(u16),
    Pressure(u8),
    Program(u8),
    Start,
    Sysex,
    Lost(DeviceId),
    OutputLost,
    Mode(ModeChange),
    Set(f64),
    Running(bool),
    /// In minutes of the day.
    Clock(u16),
    Level(f64),
    /// To the ruleset with this number.
    Reload(usize),
    Panic,
    Timer,
}

/// The notes that are played.
pub(crate) const NOTES: [u8; 4] = [1, 2, 3, 4];
/// The controllers that are moved: two halves, a fader, two buttons, an encoder, and "all notes off".
pub(crate) const CONTROLLERS: [u8; 7] = [1, 33, 7, 64, 65, 16, 123];

fn modes() -> impl Strategy<Value = ModeId> {
    select(vec![ModeId::new(0), MODE_A, MODE_B])
}

fn mode_change() -> impl Strategy<Value = ModeChange> {
    modes().prop_flat_map(|mode| {
        select(vec![
            ModeChange::Switch(mode),
            ModeChange::Push(mode),
            ModeChange::Pop,
            ModeChange::Toggle(mode),
            ModeChange::Hold(mode),
        ])
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        4 => Just(Condition::Always),
        1 => Just(Condition::Mode(MODE_A)),
        1 => Just(Condition::Not(Box::new(Condition::Running(OBS)))),
        1 => Just(Condition::Time(DaySpan { start: 22 * 60, end: 6 * 60 })),
        1 => Just(Condition::Variable(X, Comparison::Above(0.5))),
    ]
}

/// One action without blocks.
fn action() -> impl Strategy<Value = Steps> {
    let hold = select(vec![Hold::Tap, Hold::WhileHeld]);
    prop_oneof![
        6 => select(vec!["a", "b", "ctrl", "ctrl+a", "ctrl+shift+b"]).prop_map(key),
        3 => select(vec!["a", "ctrl", "ctrl+b"]).prop_map(key_tap),
        2 => hold.clone().prop_map(button),
        4 => (select(vec!["set", "off"]), hold.clone()).prop_map(|(action, hold)| call(action, hold)),
        2 => Just(note(60)),
        3 => (select(vec![None, Some(SYNTH), Some(KEYS)]), 60..62u8, hold)
            .prop_map(|(to, note, hold)| note_to(to, note, hold)),
        1 => Just(same()),
        3 => mode_change().prop_map(mode),
        1 => Just(set(X, Assignment::Input)),
        1 => Just(set(X, Assignment::Toggle)),
        1 => Just(volume(Level::Value)),
        1 => Just(text("x")),
        6 => (0..150u64).prop_map(wait),
        1 => Just(panic_all()),
    ]
}

fn steps() -> impl Strategy<Value = Steps> {
    let few = || vec(action(), 1..4);
    prop_oneof![
        4 => action(),
        4 => few().prop_map(|steps| steps.concat()),
        1 => (1..4u32, 0..100u64, few()).prop_map(|(times, every, body)| repeat(times, every, &body)),
        2 => (20..100u64, few()).prop_map(|(every, body)| repeat_held(every, &body)),
        1 => (20..100u64, 1..3u32, few(), few()).prop_map(|(every, times, inner, after)| {
            [repeat_held(every, &[repeat(times, 10, &inner)]), after.concat()].concat()
        }),
        1 => (condition(), few(), few()).prop_map(|(condition, then, otherwise)| {
            choose(condition, &then, &otherwise)
        }),
    ]
}

fn button_trigger() -> impl Strategy<Value = Map> {
    let note = || select(NOTES.to_vec());
    let span = || select(vec![30u64, 50, 100, 200, 400]);
    let some_notes = || subsequence(NOTES.to_vec(), 2..4).prop_shuffle();
    prop_oneof![
        4 => note().prop_map(press),
        1 => note().prop_map(release),
        2 => (note(), span()).prop_map(|(note, after)| hold(note, after)),
        1 => (note(), span()).prop_map(|(note, below)| short(note, below)),
        1 => (note(), span()).prop_map(|(note, from)| long(note, from)),
        3 => (note(), 2..4u8).prop_map(|(note, count)| taps(note, count)),
        4 => (some_notes(), select(vec![20u64, 40, 350])).prop_map(|(notes, within)| chord("chord", &notes, within)),
        2 => some_notes().prop_map(|notes| sequence("sequence", &notes, 500)),
        1 => note().prop_map(|note| sequence("sequence", &[note, note], 500)),
        1 => Just(press(1).select(|pad| pad.number = None)),
        2 => select(vec![64u8, 65]).prop_map(cc_press),
    ]
}

fn other_trigger() -> impl Strategy<Value = Map> {
    let edge = select(vec![Edge::Every, Edge::Enter]);
    let direction = select(vec![Direction::Both, Direction::Up, Direction::Down]);
    prop_oneof![
        (edge, direction, any::<bool>(), any::<bool>()).prop_map(|(edge, direction, pickup, steps)| {
            let map = cc(7).filter(|filter| {
                filter.range = 20..=100;
                filter.edge = edge;
                filter.direction = direction;
            });
            let map = map.shape(Shape { steps: steps.then_some(4), ..Shape::default() });
            if pickup { map.pickup() } else { map }
        }),
        Just(cc14(1)),
        Just(cc(1)),
        Just(bend()),
        Just(channel_pressure()),
        (1..4u8).prop_map(
            |divide| turn(16, Encoding::TwosComplement).encoder(|encoder, _| encoder.divide = divide)
        ),
        Just(program(None)),
        Just(sysex("F0 * F7")),
        Just(realtime(Realtime::Start)),
    ]
}

fn mapping() -> impl Strategy<Value = Map> {
    let trigger = prop_oneof![4 => button_trigger(), 1 => other_trigger()];
    let again = select(vec![Again::Restart, Again::Queue, Again::Concurrent, Again::Ignore]);
    let mode = prop_oneof![3 => Just(None), 1 => modes().prop_map(Some)];
    (trigger, steps(), again, mode, condition(), any::<bool>()).prop_map(
        |(map, steps, again, mode, condition, any_device)| {
            let mut map = map.does(&[steps]).again(again).when(condition);
            map.0.mode = mode;
            let takes_selectors = !map.0.name.starts_with("sysex") && !map.0.name.starts_with("realtime");
            if any_device && takes_selectors { map.select(|control| control.device = None) } else { map }
        },
    )
}

/// A few mappings.
pub(crate) fn mappings() -> impl Strategy<Value = Vec<Map>> {
    vec(mapping(), 1..10)
}

/// One thing that happens.
pub(crate) fn op() -> impl Strategy<Value = Op> {
    let device = || select(vec![PADS, PADS, KEYS]);
    let note = || select(NOTES.to_vec());
    let controller = select(CONTROLLERS.to_vec());
    prop_oneof![
        12 => prop_oneof![0..30u64, 0..400u64].prop_map(Op::Pass),
        16 => (device(), note(), 1..=127u8).prop_map(|(device, note, velocity)| Op::Down(device, note, velocity)),
        16 => (device(), note()).prop_map(|(device, note)| Op::Up(device, note)),
        8 => (device(), controller, prop_oneof![Just(0u8), Just(127), 0..=127u8])
            .prop_map(|(device, controller, value)| Op::Controller(device, controller, value)),
        1 => (0..=16383u16).prop_map(Op::Bend),
        1 => (0..=127u8).prop_map(Op::Pressure),
        1 => (0..=127u8).prop_map(Op::Program),
        1 => Just(Op::Start),
        1 => Just(Op::Sysex),
        1 => device().prop_map(Op::Lost),
        1 => Just(Op::OutputLost),
        1 => mode_change().prop_map(Op::Mode),
        1 => (0..2u8).prop_map(|value| Op::Set(f64::from(value))),
        1 => any::<bool>().prop_map(Op::Running),
        1 => (0..1440u16).prop_map(Op::Clock),
        1 => (0..=100u8).prop_map(|percent| Op::Level(f64::from(percent) / 100.0)),
        2 => (0..2usize).prop_map(Op::Reload),
        1 => Just(Op::Panic),
        2 => Just(Op::Timer),
    ]
}

/// A hand, and what else happens.
pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    vec(op(), 1..80)
}

/// The value that a variable is set to.
pub(crate) fn number(value: f64) -> Value {
    Value::Number(value)
}
