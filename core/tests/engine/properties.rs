//! What must hold whatever is configured and whatever happens. More cases: `PROPTEST_CASES=10000`.

use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};

use padgate_core::engine::{CallPhase, Effect, Held, Input, Output, Phase, PressId};
use padgate_core::ids::ModeId;
use padgate_core::midi::{Channel, Message, Received};
use padgate_core::ruleset::Ruleset;
use padgate_core::ruleset::action::{ModeChange, PluginCall};
use padgate_core::time::{LocalTime, Time};

use super::random::{CONTROLLERS, NOTES, Op, mappings, number, op as random_op, ops};
use super::rules::{DEFAULT_OUTPUT, KEYS, OBS, PADS, SYNTH, X, rules};
use super::script::{Player, Timing};

/// What the outputs left down, as somebody who sees nothing else would count it.
#[derive(Default)]
struct Outside {
    down: Vec<Held>,
    /// Calls of plugins that wait for their release, with the presses that they belong to.
    calls: Vec<(PressId, Arc<PluginCall>)>,
    seen: usize,
    last_request: u64,
}

impl Outside {
    /// Looks at what is new in the log.
    fn read(&mut self, player: &Player) {
        for (_, output) in &player.log[self.seen..] {
            if let Output::Request(request) = output {
                assert!(request.id.0 > self.last_request, "numbers of requests only grow");
                self.last_request = request.id.0;
                self.effect(&request.effect);
                if let Effect::Plugin { call, phase } = &request.effect {
                    self.call(request.context.press, call, *phase);
                }
            }
        }
        self.seen = player.log.len();
    }

    /// What is down must be what the ledger has.
    fn compare(&self, player: &Player) {
        let is_call = |held: &&Held| matches!(held, Held::Plugin(_));
        let mut held: Vec<Held> = player.engine.held().filter(|held| !is_call(held)).cloned().collect();
        held.dedup();
        let calls = player.engine.held().filter(is_call).count();
        assert_eq!(calls, self.calls.len(), "each call that was pressed waits for one release");
        for what in &held {
            assert!(self.down.contains(what), "the ledger has {what:?}, but it is up");
        }
        for what in &self.down {
            assert!(held.contains(what), "{what:?} is down, but not in the ledger");
        }
    }

    fn effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Keys { keys, phase } => {
                keys.iter().for_each(|key| self.change(Held::Key(*key), *phase));
            }
            Effect::Button { button, phase, .. } => self.change(Held::Button(*button), *phase),
            Effect::Midi { to, message } => match *message {
                Message::NoteOn { channel, note, .. } => {
                    self.change(Held::Note { to: *to, channel, note }, Phase::Down);
                }
                Message::NoteOff { channel, note, .. } => {
                    self.change(Held::Note { to: *to, channel, note }, Phase::Up);
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn call(&mut self, press: PressId, call: &Arc<PluginCall>, phase: CallPhase) {
        let place = self.calls.iter().position(|(of, held)| *of == press && held == call);
        match (phase, place) {
            (CallPhase::Press, None) => self.calls.push((press, Arc::clone(call))),
            (CallPhase::Release, Some(place)) => drop(self.calls.remove(place)),
            (CallPhase::Tap | CallPhase::Change, _) => {}
            (phase, _) => panic!("{call:?} of {press:?} has a {phase:?}, but it was so already"),
        }
    }

    fn change(&mut self, what: Held, phase: Phase) {
        let place = self.down.iter().position(|down| *down == what);
        match (phase, place) {
            (Phase::Down, None) => self.down.push(what),
            (Phase::Up, Some(place)) => drop(self.down.remove(place)),
            (Phase::Tap, None) => {}
            (phase, _) => panic!("{what:?} goes {phase:?}, but it was so already"),
        }
    }
}

fn play(player: &mut Player, op: &Op, rulesets: &[Arc<Ruleset>]) {
    let channel = Channel::from_wire(0);
    let mut message =
        |device, message| player.input(Input::Midi { device, received: Received::Message(message) });
    match *op {
        Op::Pass(milliseconds) => player.pass(Duration::from_millis(milliseconds)),
        Op::Down(device, note, velocity) => message(device, Message::NoteOn { channel, note, velocity }),
        Op::Up(device, note) => message(device, Message::NoteOff { channel, note, velocity: 64 }),
        Op::Controller(device, controller, value) => {
            message(device, Message::ControlChange { channel, controller, value });
        }
        Op::Bend(value) => message(PADS, Message::PitchBend { channel, value }),
        Op::Pressure(pressure) => message(PADS, Message::ChannelPressure { channel, pressure }),
        Op::Program(program) => message(PADS, Message::ProgramChange { channel, program }),
        Op::Start => message(PADS, Message::Start),
        Op::Sysex => player.input(Input::Midi { device: PADS, received: Received::Sysex(&[0xF0, 1, 0xF7]) }),
        Op::Lost(device) => player.input(Input::DeviceLost(device)),
        Op::OutputLost => player.input(Input::OutputLost(SYNTH)),
        Op::Mode(change) => player.input(Input::Mode(change)),
        Op::Set(value) => player.input(Input::Set(X, number(value))),
        Op::Running(runs) => player.input(Input::Running(OBS, runs)),
        Op::Clock(minute_of_day) => player.input(Input::WallClock(LocalTime { minute_of_day, weekday: 0 })),
        Op::Level(level) => player.input(Input::TargetLevel(DEFAULT_OUTPUT, Some(level))),
        Op::Reload(which) => player.reload(Arc::clone(&rulesets[which])),
        Op::Panic => player.input(Input::Panic),
        Op::Timer => player.input(Input::Timer),
    }
}

/// Lets go of every control, one by one.
fn let_go(player: &mut Player, rulesets: &[Arc<Ruleset>]) {
    for device in [PADS, KEYS] {
        for note in NOTES {
            play(player, &Op::Up(device, note), rulesets);
        }
        for controller in CONTROLLERS {
            play(player, &Op::Controller(device, controller, 0), rulesets);
        }
    }
}

/// Plays everything, and then until nothing more is due.
fn perform(timing: Timing, rulesets: &[Arc<Ruleset>], ops: &[Op], unplug: bool) -> Player {
    let mut player = Player::new(&[&rulesets[0]], timing);
    let mut outside = Outside::default();
    for op in ops {
        play(&mut player, op, rulesets);
        outside.read(&player);
        if let Op::OutputLost = op {
            let there = |held: &Held| matches!(held, Held::Note { to, .. } if *to == Some(SYNTH));
            assert!(!outside.down.iter().any(there), "what sounds on a lost output is let go");
        }
        outside.compare(&player);
    }
    if unplug {
        play(&mut player, &Op::Lost(PADS), rulesets);
        play(&mut player, &Op::Lost(KEYS), rulesets);
    } else {
        let_go(&mut player, rulesets);
    }
    player.pass(Duration::from_secs(60));
    player.input(Input::Timer);
    outside.read(&player);
    outside.compare(&player);
    assert_eq!(outside.down, [], "everything was let go");
    assert_eq!(outside.calls, [], "and every plugin was told");
    assert_eq!(player.engine.running(), 0, "and every program is over");
    assert_eq!(player.engine.next_deadline(), None, "so that nothing is due");
    player.input(Input::Mode(ModeChange::Switch(ModeId::new(0))));
    assert_eq!(player.engine.modes().count(), 1, "and no mode is held");
    player
}

/// Plays it with each input up to some milliseconds before its time, as when two devices' threads meet at the
/// lock: nothing may stay down, and nothing may break.
fn perform_with_time_going_back(rulesets: &[Arc<Ruleset>], ops: &[(Op, u64)]) {
    let mut player = Player::new(&[&rulesets[0]], Timing::Kept);
    let mut outside = Outside::default();
    for (op, back) in ops {
        let now = player.now;
        if !matches!(op, Op::Pass(_)) {
            player.now = Time(now.0.saturating_sub(back * 1_000_000));
        }
        play(&mut player, op, rulesets);
        player.now = player.now.max(now);
        outside.read(&player);
        if let Op::OutputLost = op {
            outside.down.retain(|held| !matches!(held, Held::Note { to, .. } if *to == Some(SYNTH)));
        }
        outside.compare(&player);
    }
    let_go(&mut player, rulesets);
    player.pass(Duration::from_secs(60));
    outside.read(&player);
    assert_eq!(outside.down, [], "everything was let go");
}

proptest! {
    #[test]
    fn time_that_goes_back_does_no_harm(
        first in mappings(),
        second in mappings(),
        ops in vec((random_op(), 0..5u64), 1..60),
    ) {
        let rulesets = [Arc::new(rules(first)), Arc::new(rules(second))];
        perform_with_time_going_back(&rulesets, &ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_stays_down_and_no_timer_changes_a_decision(
        first in mappings(),
        second in mappings(),
        ops in ops(),
        unplug in any::<bool>(),
    ) {
        let rulesets = [Arc::new(rules(first)), Arc::new(rules(second))];
        let kept = perform(Timing::Kept, &rulesets, &ops, unplug);
        for timing in [Timing::Kept, Timing::Late, Timing::Spurious] {
            let other = perform(timing, &rulesets, &ops, unplug);
            assert!(other.outputs() == kept.outputs(), "{timing:?} timers change what is decided");
        }
    }
}
