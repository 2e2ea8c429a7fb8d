//! How long a decision takes, and how much it allocates, against the number of mappings.
//!
//! Each event is timed by itself, from the call of [`Engine::handle`] to its return, on controls in a random
//! order, so that the caches are as cold as they are on stage. The floor is the same measurement around
//! nothing but a spurious timer; the ratio says what is left of a decision on any machine.

#![allow(clippy::disallowed_types, clippy::disallowed_macros, reason = "a benchmark reads clocks and prints")]

mod rulesets;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use padgate_core::engine::{Control, Engine, Index, Input, Output};
use padgate_core::midi::{Message, Received};
use padgate_core::ruleset::trigger::ControlKind;
use padgate_core::time::Time;

use rulesets::{Played, Spread, ruleset};

/// How often each event is timed.
const ROUNDS: usize = 40_000;

/// An engine and what it was given to play.
struct Stage {
    engine: Engine,
    played: Played,
    out: Vec<Output>,
    now: Time,
    random: u64,
}

impl Stage {
    fn new(played: Played) -> Stage {
        let engine = Engine::new(Arc::new(Index::build(Arc::clone(&played.rules))));
        Stage { engine, played, out: Vec::with_capacity(256), now: Time::ZERO, random: 1 }
    }

    /// Any of `count`, by a generator that gives the same each time.
    fn any(&mut self, count: usize) -> usize {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % count
    }

    fn message(&mut self, control: Control, value: u8) -> Message {
        let Control { channel, number, .. } = control;
        match (control.kind, value) {
            (ControlKind::Note, 0) => Message::NoteOff { channel, note: number, velocity: 64 },
            (ControlKind::Note, velocity) => Message::NoteOn { channel, note: number, velocity },
            (_, value) => Message::ControlChange { channel, controller: number, value },
        }
    }

    /// Handles one message and says how many nanoseconds that took.
    fn time(&mut self, control: Control, value: u8) -> u64 {
        let message = self.message(control, value);
        self.time_input(Input::Midi { device: control.device, received: Received::Message(message) })
    }

    fn time_input(&mut self, input: Input<'_>) -> u64 {
        self.now = Time(self.now.0 + 1_000_000);
        self.out.clear();
        let start = Instant::now();
        self.engine.handle(black_box(input), self.now, &mut self.out);
        let took = start.elapsed();
        black_box(&self.out);
        took.as_nanos() as u64
    }

    fn press(&mut self) -> [u64; 2] {
        let place = self.any(self.played.pads.len());
        let pad = self.played.pads[place];
        let press = self.time(pad, 100);
        [press, self.time(pad, 0)]
    }

    fn silent(&mut self) -> u64 {
        let place = self.any(self.played.silent.len());
        let pad = self.played.silent[place];
        let took = self.time(pad, 100);
        self.time(pad, 0);
        took
    }

    fn fader(&mut self) -> u64 {
        let place = self.any(self.played.faders.len());
        let value = self.any(128) as u8;
        self.time(self.played.faders[place], value)
    }
}

/// The times of one kind of event, sorted.
struct Times(Vec<u64>);

impl Times {
    fn of(stage: &mut Stage, mut event: impl FnMut(&mut Stage) -> u64) -> Times {
        (0..ROUNDS / 10).for_each(|_| _ = event(stage));
        let mut times: Vec<u64> = (0..ROUNDS).map(|_| event(stage)).collect();
        times.sort_unstable();
        Times(times)
    }

    fn at(&self, part: f64) -> u64 {
        self.0[((self.0.len() - 1) as f64 * part) as usize]
    }
}

fn allocations(stage: &mut Stage, mut event: impl FnMut(&mut Stage) -> u64) -> f64 {
    const EVENTS: u64 = 1000;
    let counted = allocation_counter::measure(|| (0..EVENTS).for_each(|_| _ = event(stage)));
    counted.count_total as f64 / EVENTS as f64
}

fn row(stage: &mut Stage, title: &str, floor: u64, mut event: impl FnMut(&mut Stage) -> u64) {
    let times = Times::of(stage, &mut event);
    let (median, p99) = (times.at(0.5), times.at(0.99));
    let ratio = median as f64 / floor as f64;
    let allocated = allocations(stage, event);
    println!("  {title:<28} {median:>6} ns {p99:>8} ns {ratio:>7.1} {allocated:>9.2}");
}

/// How long new rules take: preparing them, outside of any lock, and replacing the old ones, under it.
fn reload(stage: &mut Stage) {
    const TIMES: u32 = 10;
    let (mut built, mut replaced) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..TIMES {
        let start = Instant::now();
        let index = Arc::new(Index::build(Arc::clone(&stage.played.rules)));
        built += start.elapsed();
        let start = Instant::now();
        let old = stage.engine.reload(index, stage.now, &mut stage.out);
        replaced += start.elapsed();
        drop(old);
    }
    println!("  new rules: prepared in {:.1?}, replaced in {:.1?}", built / TIMES, replaced / TIMES);
}

fn main() {
    println!("One decision: median, 99th percentile, ratio to the floor, allocations.");
    let mut stage = Stage::new(ruleset(10, Spread::Wide));
    let floor = Times::of(&mut stage, |stage| stage.time_input(Input::Timer)).at(0.5).max(1);
    row(&mut stage, "floor: a spurious timer", floor, |stage| stage.time_input(Input::Timer));
    for (spread, title) in [
        (Spread::Wide, "over devices, channels and notes"),
        (Spread::Modes, "all modes on the same 100 pads"),
    ] {
        for size in [10, 1_000, 10_000] {
            let mut stage = Stage::new(ruleset(size, spread));
            println!("{} mappings, {title}", stage.played.rules.mappings.len());
            reload(&mut stage);
            row(&mut stage, "press", floor, |stage| stage.press()[0]);
            row(&mut stage, "release", floor, |stage| stage.press()[1]);
            row(&mut stage, "press that nothing maps", floor, Stage::silent);
            row(&mut stage, "fader", floor, Stage::fader);
        }
    }
}
