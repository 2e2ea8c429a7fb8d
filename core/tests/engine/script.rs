//! The language of the scripts, and the player.
//!
//! A script is a list of words between commas. The hand: `pad5 down`, `pad5 down 20` (velocity), `pad5 up`,
//! `pad5@2 down` (channel), `cc7 64`, `bend 8192`, `pressure 64`, `pad5 pressure 64`, `program 5`,
//! `sysex F0 01 F7`, `start`; with a device before it: `keys pad5 down` (else `pads`). Time: `450ms`. The
//! world: `lost`, `output lost`, `panic`, `mode a`, `push a`, `pop`, `toggle a`, `x = 2`, `obs runs`, `obs
//! ends`, `level 50`, `at 22:30 mon`, `reload` (the next ruleset), `end` (releases all).

use std::sync::Arc;
use std::time::Duration;

use padgate_core::engine::{Engine, Index, Input, Output};
use padgate_core::ids::{DeviceId, ModeId};
use padgate_core::midi::{Channel, Message, Received};
use padgate_core::ruleset::action::ModeChange;
use padgate_core::ruleset::{Ruleset, Value};
use padgate_core::time::{LocalTime, Time};

use super::rules::{DEFAULT_OUTPUT, OBS, names};
use super::show::{Wanted, line};

/// How long a player goes on after the end of the script, for what is still due.
const AFTERPLAY: Duration = Duration::from_secs(60);

/// When deadlines are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Timing {
    /// When they are due.
    Kept,
    /// Not before the next input.
    Late,
    /// When they are due, and timers in between.
    Spurious,
}

/// An engine and what came out of it.
pub(crate) struct Player {
    pub(crate) engine: Engine,
    pub(crate) log: Vec<(Time, Output)>,
    rulesets: Vec<Arc<Ruleset>>,
    pub(crate) now: Time,
    timing: Timing,
}

impl Player {
    pub(crate) fn new(rulesets: &[&Ruleset], timing: Timing) -> Player {
        let mut rulesets: Vec<_> = rulesets.iter().rev().map(|rules| Arc::new((*rules).clone())).collect();
        let first = rulesets.pop().expect("a script has rules");
        let engine = Engine::new(Arc::new(Index::build(first)));
        Player { engine, log: Vec::new(), rulesets, now: Time::ZERO, timing }
    }

    fn keep(&mut self, out: Vec<Output>) {
        let now = self.now;
        self.log.extend(out.into_iter().map(|output| (now, output)));
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.engine.handle(input, self.now, &mut out);
        self.keep(out);
        let due = self.engine.next_deadline();
        assert!(due.is_none_or(|due| due > self.now), "due at {due:?}, handled at {:?}", self.now);
    }

    pub(crate) fn reload(&mut self, rules: Arc<Ruleset>) {
        let mut out = Vec::new();
        self.engine.reload(Arc::new(Index::build(rules)), self.now, &mut out);
        self.keep(out);
    }

    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        if self.timing != Timing::Late {
            while let Some(due) = self.engine.next_deadline().filter(|due| *due <= end) {
                if self.timing == Timing::Spurious {
                    self.now = Time(self.now.0.midpoint(due.0));
                    self.input(Input::Timer);
                }
                self.now = due;
                self.input(Input::Timer);
                if self.timing == Timing::Spurious {
                    self.input(Input::Timer);
                }
            }
        }
        self.now = end;
    }

    fn message(&mut self, device: DeviceId, message: Message) {
        self.input(Input::Midi { device, received: Received::Message(message) });
    }

    fn step(&mut self, step: &str) {
        let mut words: Vec<&str> = step.split_whitespace().collect();
        let names = names();
        let device = match names.devices.find(words[0]) {
            Some(device) => {
                words.remove(0);
                device
            }
            None => DeviceId::new(1),
        };
        if self.world(device, &words) || self.system(device, &words) {
            return;
        }
        let (control, channel) = words[0].split_once('@').unwrap_or((words[0], "1"));
        let channel = Channel::from_human(number(channel)).expect("a channel from 1 to 16");
        let second = words.get(1).copied().unwrap_or("0");
        let message = if let Some(note) = control.strip_prefix("pad") {
            let note = number(note);
            match second {
                "down" => {
                    let velocity = words.get(2).map_or(100, |word| number(word));
                    Message::NoteOn { channel, note, velocity }
                }
                "up" => Message::NoteOff { channel, note, velocity: 64 },
                "pressure" => Message::PolyPressure { channel, note, pressure: number(words[2]) },
                _ => panic!("{step:?}: down, up or pressure"),
            }
        } else if let Some(controller) = control.strip_prefix("cc") {
            Message::ControlChange { channel, controller: number(controller), value: number(second) }
        } else {
            match control {
                "bend" => {
                    Message::PitchBend { channel, value: second.parse().expect("a well-formed script") }
                }
                "pressure" => Message::ChannelPressure { channel, pressure: number(second) },
                "program" => Message::ProgramChange { channel, program: number(second) },
                _ => panic!("nobody knows how to {step:?}"),
            }
        };
        self.message(device, message);
    }

    /// Time, reloads, and what is not MIDI.
    fn world(&mut self, device: DeviceId, words: &[&str]) -> bool {
        if let [span] = words
            && let Some(milliseconds) = span.strip_suffix("ms")
        {
            let milliseconds: f64 = milliseconds.parse().expect("a well-formed script");
            self.pass(Duration::from_nanos((milliseconds * 1e6) as u64));
            return true;
        }
        let input = match words {
            ["reload"] => {
                let rules = self.rulesets.pop().expect("another ruleset");
                self.reload(rules);
                return true;
            }
            ["end"] => {
                let mut out = Vec::new();
                self.engine.release_all(self.now, &mut out);
                self.keep(out);
                return true;
            }
            ["lost"] => Input::DeviceLost(device),
            ["output", "lost"] => Input::OutputLost(device),
            ["panic"] => Input::Panic,
            ["timer"] => Input::Timer,
            ["pop"] => Input::Mode(ModeChange::Pop),
            ["mode", name] => Input::Mode(ModeChange::Switch(mode(name))),
            ["push", name] => Input::Mode(ModeChange::Push(mode(name))),
            ["toggle", name] => Input::Mode(ModeChange::Toggle(mode(name))),
            [variable, "=", value] => {
                let variable = names().variables.find(variable).expect("a variable");
                let value = match *value {
                    "true" => Value::Flag(true),
                    "false" => Value::Flag(false),
                    text => text.parse().map_or_else(|_| Value::Text(text.into()), Value::Number),
                };
                Input::Set(variable, value)
            }
            ["obs", what] => Input::Running(OBS, *what == "runs"),
            ["level", percent] => Input::TargetLevel(
                DEFAULT_OUTPUT,
                (*percent != "unknown")
                    .then(|| percent.parse::<f64>().expect("a well-formed script") / 100.0),
            ),
            ["at", clock, day] => Input::WallClock(wall_clock(clock, day)),
            _ => return false,
        };
        self.input(input);
        true
    }

    fn system(&mut self, device: DeviceId, words: &[&str]) -> bool {
        if let ["sysex", bytes @ ..] = words {
            let bytes: Vec<u8> = bytes
                .iter()
                .map(|byte| u8::from_str_radix(byte, 16).expect("a well-formed script"))
                .collect();
            self.input(Input::Midi { device, received: Received::Sysex(&bytes) });
            return true;
        }
        let message = match words {
            ["clock"] => Message::Clock,
            ["start"] => Message::Start,
            ["continue"] => Message::Continue,
            ["stop"] => Message::Stop,
            ["reset"] => Message::Reset,
            _ => return false,
        };
        self.message(device, message);
        true
    }

    pub(crate) fn play(&mut self, script: &str) {
        for step in script.split(',').map(str::trim).filter(|step| !step.is_empty()) {
            self.step(step);
        }
    }

    pub(crate) fn outputs(&self) -> Vec<&Output> {
        self.log.iter().map(|(_, output)| output).collect()
    }

    fn lines(&self, wanted: Wanted) -> Vec<String> {
        self.log.iter().filter_map(|(at, output)| line(*at, output, wanted)).collect()
    }
}

fn number(word: &str) -> u8 {
    word.parse().unwrap_or_else(|_| panic!("{word:?} is no number from 0 to 255"))
}

fn mode(name: &str) -> ModeId {
    names().modes.find(name).expect("a mode")
}

fn wall_clock(clock: &str, day: &str) -> LocalTime {
    let (hour, minute) = clock.split_once(':').expect("a time such as 22:30");
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    LocalTime {
        minute_of_day: hour.parse::<u16>().expect("a well-formed script") * 60
            + minute.parse::<u16>().expect("a well-formed script"),
        weekday: days.iter().position(|known| *known == day).expect("a day such as mon") as u8,
    }
}

/// Plays `script` in every timing, checks that it makes no difference, and hands over the player that kept
/// its deadlines.
pub(crate) fn play(rulesets: &[&Ruleset], script: &str) -> Player {
    let played = |timing| {
        let mut player = Player::new(rulesets, timing);
        player.play(script);
        player.pass(AFTERPLAY);
        player.input(Input::Timer);
        player
    };
    let kept = played(Timing::Kept);
    for timing in [Timing::Late, Timing::Spurious] {
        let other = played(timing);
        assert_eq!(other.outputs(), kept.outputs(), "{timing:?} timers change what {script:?} does");
    }
    kept
}

#[track_caller]
fn compare(rulesets: &[&Ruleset], script: &str, expected: &str, wanted: Wanted) {
    let player = play(rulesets, script);
    let expected: Vec<&str> = expected.split(';').map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(player.lines(wanted), expected, "{script}");
}

/// Plays the script and compares what is done: `0ms key a down; 450ms key a up`.
#[track_caller]
pub(crate) fn check(rules: &Ruleset, script: &str, expected: &str) {
    compare(&[rules], script, expected, Wanted::Effects);
}

/// As [`check`], with `reload`s.
#[track_caller]
pub(crate) fn check_reload(rulesets: &[&Ruleset], script: &str, expected: &str) {
    compare(rulesets, script, expected, Wanted::Effects);
}

/// Plays the script and compares which mappings fired, and how long they were held back:
/// `300ms fired press after 300ms`.
#[track_caller]
pub(crate) fn check_fired(rules: &Ruleset, script: &str, expected: &str) {
    compare(&[rules], script, expected, Wanted::Fired);
}

/// Plays the script and compares every decision.
#[track_caller]
pub(crate) fn check_traces(rules: &Ruleset, script: &str, expected: &str) {
    compare(&[rules], script, expected, Wanted::Traces);
}
