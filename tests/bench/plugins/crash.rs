//! MIDI while a plugin crashes again and again: the daemon's own work for a note that is passed on, with and without.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use anyhow::{Context as _, Result};
use padgate_core::config::{Source, load};
use padgate_core::engine::Request;
use padgate_core::ids::{DeviceId, Names, VIRTUAL_INPUT};
use padgate_core::midi::{Channel, Message, Received};
use padgated::clock;
use padgated::hands::{ActionSend, Hands};
use padgated::outcome::Outcome;
use padgated::pipeline::Pipeline;
use padgated::plugins::gate::Gate;
use padgated::plugins::part::PluginId;
use padgated::plugins::supervisor::{Happening, Supervisor};

use super::super::pipeline::{Nowhere, note};
use super::super::quantile;
use super::rig::Rig;

/// How often the plugin crashes while notes are measured.
const CRASHES: u64 = 200;
/// At most so many notes.
const NOTES_MAX: usize = 4_000_000;

/// Notes of the first channel are passed on, one of the second makes the plugin crash.
const CONFIG: &str = "[device.out]\nout = \"*\"\n\
    [[map]]\non = { note = \"any\", channel = 1 }\ndo = { midi = \"same\", to = \"out\" }\n\
    [[map]]\non = { note = 36, channel = 2 }\ndo = { plugin = \"fragile-0\", action = \"crash\" }\n";

/// See the module.
pub(crate) fn measure() -> Result<()> {
    let rig = Rig::start(1, &["crash"])?;
    let mut names = Names::default();
    let loaded = load(&[Source::new("bench.toml", CONFIG)], &mut names, &(), &());
    let ruleset = loaded.ruleset.context("the benchmark's configuration has mistakes")?;
    let way = Arc::new(Way::default());
    let hands = Hands { midi: Arc::new(Nowhere), actions: Arc::clone(&way) as _ };
    let pipeline = Pipeline::new(Arc::new(ruleset), hands)?;
    let _ = rig.ears.pipeline.set(Arc::clone(&pipeline));
    let device = names.devices.find(VIRTUAL_INPUT).context("there is always a virtual input")?;
    let supervisor = Arc::clone(&rig.supervisor);
    let _ = way.0.set((Arc::clone(&rig.gate), Arc::clone(&supervisor)));
    let (crashes, stop) = (AtomicU64::new(0), AtomicBool::new(false));

    let mut alone = notes(&pipeline, device, |count| count < NOTES_MAX / 4);
    let mut beside = std::thread::scope(|scope| {
        let (pipeline, crashes, stop) = (&pipeline, &crashes, &stop);
        let crasher = scope.spawn(move || crash(&rig, pipeline, device, crashes, stop));
        let spans =
            notes(pipeline, device, |count| count < NOTES_MAX && crashes.load(Ordering::Relaxed) < CRASHES);
        stop.store(true, Ordering::Relaxed);
        crasher.join().expect("it does not panic").map(|()| spans)
    })?;
    println!("\nThe daemon's own work for a note that is passed on, in µs");
    println!("  {:<46} {:>9} {:>9}", "", "median", "p99");
    let mut medians = Vec::new();
    let crashed = format!("while a plugin crashes {:.0} times a second", beside.rate(&crashes));
    for (what, notes) in [("alone".to_owned(), &mut alone), (crashed, &mut beside)] {
        notes.spans.sort_by(f64::total_cmp);
        let (median, late) = (quantile(&notes.spans, 0.5), quantile(&notes.spans, 0.99));
        println!("  {what:<46} {median:>9.2} {late:>9.2}");
        medians.push(median);
    }
    println!("  ratio {:.2}", medians[1] / medians[0]);
    pipeline.shutdown();
    supervisor.shutdown();
    Ok(())
}

/// What was measured.
struct Notes {
    spans: Vec<f64>,
    seconds: f64,
}

impl Notes {
    fn rate(&self, crashes: &AtomicU64) -> f64 {
        crashes.load(Ordering::Relaxed) as f64 / self.seconds
    }
}

/// Passes on notes for as long as wanted.
fn notes(pipeline: &Pipeline, device: DeviceId, wanted: impl Fn(usize) -> bool) -> Notes {
    let mut spans = Vec::with_capacity(NOTES_MAX);
    let begun = Instant::now();
    while wanted(spans.len()) {
        let start = Instant::now();
        pipeline.midi(device, Received::Message(note(spans.len())), clock::now());
        spans.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Notes { spans, seconds: begun.elapsed().as_secs_f64() }
}

/// Has the plugin crash, and hosts it anew so that it is not left alone, until it is enough.
fn crash(
    rig: &Rig,
    pipeline: &Pipeline,
    device: DeviceId,
    crashes: &AtomicU64,
    stop: &AtomicBool,
) -> Result<()> {
    let channel = Channel::from_wire(1);
    while !stop.load(Ordering::Relaxed) {
        rig.supervisor.host(rig.hosting(0));
        // It may be started again before it is hosted anew, and then be replaced.
        rig.until(|what| matches!(what, Happening::Ready { .. } | Happening::Replaced { .. }))?;
        let on = Message::NoteOn { channel, note: 36, velocity: 100 };
        pipeline.midi(device, Received::Message(on), clock::now());
        rig.until(|what| matches!(what, Happening::Died { .. }))?;
        let off = Message::NoteOff { channel, note: 36, velocity: 64 };
        pipeline.midi(device, Received::Message(off), clock::now());
        crashes.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// What the pipeline hands calls off to.
#[derive(Default)]
struct Way(OnceLock<(Arc<Gate>, Arc<Supervisor>)>);

impl ActionSend for Way {
    fn send(&self, request: Request) -> Result<(), Outcome> {
        let (gate, supervisor) = self.0.get().ok_or(Outcome::Dropped)?;
        let permit = gate.call(PluginId(0)).map_err(|why| Outcome::Refused(why.into()))?;
        supervisor.call(permit, &request)
    }
}
