//! What the daemon itself does for a message that is passed on: from the driver's callback to the write, without a
//! driver or a sequencer. This is what it adds to the two wake-ups that any program between two ports costs.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use padgate_core::config::{Source, load};
use padgate_core::engine::Request;
use padgate_core::ids::{DeviceId, Names, VIRTUAL_INPUT};
use padgate_core::midi::{Channel, Message, Received};
use padgated::clock;
use padgated::hands::{ActionSend, Hands, MidiSend};
use padgated::outcome::Outcome;
use padgated::pipeline::Pipeline;

use super::quantile;

const MESSAGES: usize = 100_000;
const CONFIG: &str =
    "[device.out]\nout = \"*\"\n[[map]]\non = { note = \"any\" }\ndo = { midi = \"same\", to = \"out\" }\n";

/// Takes everything at once.
pub(crate) struct Nowhere;

impl MidiSend for Nowhere {
    fn send(&self, _: Option<DeviceId>, bytes: &[u8]) -> Result<(), Cow<'static, str>> {
        std::hint::black_box(bytes);
        Ok(())
    }
}

impl ActionSend for Nowhere {
    fn send(&self, request: Request) -> Result<(), Outcome> {
        std::hint::black_box(request);
        Ok(())
    }
}

/// Notes on and off in turn.
pub(crate) fn note(index: usize) -> Message {
    let channel = Channel::from_wire(0);
    let note = (index / 2 % 128) as u8;
    match index % 2 {
        0 => Message::NoteOn { channel, note, velocity: 100 },
        _ => Message::NoteOff { channel, note, velocity: 64 },
    }
}

pub(crate) fn measure() -> Result<()> {
    let mut names = Names::default();
    let loaded = load(&[Source::new("bench.toml", CONFIG)], &mut names, &(), &());
    let ruleset = loaded.ruleset.context("the benchmark's configuration has mistakes")?;
    let hands = Hands { midi: Arc::new(Nowhere), actions: Arc::new(Nowhere) };
    let pipeline = Pipeline::new(Arc::new(ruleset), hands)?;
    let device = names.devices.find(VIRTUAL_INPUT).context("there is always a virtual input")?;
    let (mut spans, mut floor) = (Vec::with_capacity(MESSAGES), Vec::with_capacity(MESSAGES));
    for index in 0..MESSAGES {
        let start = Instant::now();
        pipeline.midi(device, Received::Message(note(index)), clock::now());
        spans.push(start.elapsed().as_secs_f64() * 1e6);
        let start = Instant::now();
        std::hint::black_box(clock::now());
        floor.push(start.elapsed().as_secs_f64() * 1e6);
    }
    pipeline.shutdown();
    spans.sort_by(f64::total_cmp);
    floor.sort_by(f64::total_cmp);
    println!("The daemon's own work for a note that is passed on ({MESSAGES} messages)");
    println!("  median {:.2} µs, p99 {:.2} µs; ", quantile(&spans, 0.5), quantile(&spans, 0.99));
    println!(
        "  {:.0} times a reading of the clock ({:.3} µs)\n",
        quantile(&spans, 0.5) / quantile(&floor, 0.5),
        quantile(&floor, 0.5)
    );
    Ok(())
}
