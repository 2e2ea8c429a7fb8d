//! Reloading, idling and memory of a real daemon.

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use padgate_core::config::{Source, load};
use padgate_core::engine::{Engine, Index};
use padgate_core::ids::Names;
use padgate_core::time::Time;
use padgate_ipc::method::{Empty, Reload};
use padgate_tests::daemon::Daemon;

/// How large a configuration gets that somebody generated.
const MAPPINGS: usize = 10_000;
/// How long the daemon is watched doing nothing.
const IDLE: Duration = Duration::from_secs(10);
/// How long it is left alone before that.
const SETTLE: Duration = Duration::from_secs(3);
/// How often the reload is measured.
const ROUNDS: usize = 15;

/// A configuration of [`MAPPINGS`] mappings, spread over modes, channels and notes as a generated one would be.
fn large() -> String {
    let mut text = String::from("[device.pads]\nport = \"Bench*\"\n");
    for index in 0..MAPPINGS {
        let (mode, channel, note) = (index / 2048, index / 128 % 16 + 1, index % 128);
        write!(
            text,
            "[[map]]\nmode = \"m{mode}\"\non = {{ device = \"pads\", channel = {channel}, note = {note} }}\n\
             do = [{{ set = {{ last = {index} }} }}, {{ mode = \"m{mode}\" }}]\n"
        )
        .expect("a string takes everything");
    }
    text
}

pub(crate) fn measure() -> Result<()> {
    println!("Reloading {MAPPINGS} mappings (median of {ROUNDS})");
    let text = large();
    reload_in_parts(&text)?;
    let daemon = Daemon::start(&text)?;
    let mut client = daemon.client()?;
    let mut spans = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        client.call::<Reload>(&Empty {})?;
        spans.push(start.elapsed().as_secs_f64() * 1e3);
    }
    println!("  `padgate reload`, from the call to the answer   {:>9.2} ms", median(&mut spans));
    drop(client);

    println!("\nMemory");
    memory("with the large configuration", daemon.process().id())?;
    drop(daemon);
    let daemon = Daemon::start("[[map]]\non = { note = \"C1\" }\ndo = { set = { a = 1 } }\n")?;
    memory("with one mapping", daemon.process().id())?;

    println!("\nIdle for {} s", IDLE.as_secs());
    // What starting left to do is not idling.
    rest(SETTLE);
    let before = wake_ups(daemon.process().id())?;
    rest(IDLE);
    let after = wake_ups(daemon.process().id())?;
    let rate = (after - before) as f64 / IDLE.as_secs_f64();
    println!("  wake-ups per second, all threads                {rate:>9.2}");
    Ok(())
}

/// What a reload consists of, without the daemon around it.
fn reload_in_parts(text: &str) -> Result<()> {
    let mut names = Names::default();
    let (mut read, mut index, mut swap) = (Vec::new(), Vec::new(), Vec::new());
    let mut engine: Option<Engine> = None;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let loaded = load(&[Source::new("bench.toml", text)], &mut names, &(), &());
        read.push(start.elapsed().as_secs_f64() * 1e3);
        let ruleset = loaded.ruleset.context("the benchmark's configuration has mistakes")?;
        let start = Instant::now();
        let built = Arc::new(Index::build(Arc::new(ruleset)));
        index.push(start.elapsed().as_secs_f64() * 1e3);
        match &mut engine {
            None => engine = Some(Engine::new(built)),
            Some(engine) => {
                let start = Instant::now();
                let old = engine.reload(built, Time::ZERO, &mut Vec::new());
                swap.push(start.elapsed().as_secs_f64() * 1e6);
                drop(old);
            }
        }
    }
    println!("  reading and checking the text                   {:>9.2} ms", median(&mut read));
    println!("  preparing the look-up                           {:>9.2} ms", median(&mut index));
    println!("  the swap, during which no press is dealt with   {:>9.2} µs", median(&mut swap));
    Ok(())
}

/// Does nothing for that long.
fn rest(span: Duration) {
    let end = Instant::now() + span;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    super::quantile(samples, 0.5)
}

fn memory(what: &str, process: u32) -> Result<()> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let mib = |field: &str| -> Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
        let kib: f64 = line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib / 1024.0)
    };
    println!("  {what:<45}   {:>9.2} MiB resident, {:.2} MiB of it its own", mib("VmRSS")?, mib("RssAnon")?);
    Ok(())
}

/// How often the process's threads were woken since they began.
fn wake_ups(process: u32) -> Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let status = fs::read_to_string(thread?.path().join("status"))?;
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        sum += count.context("no count of context switches")?.trim().parse::<u64>()?;
    }
    Ok(sum)
}
