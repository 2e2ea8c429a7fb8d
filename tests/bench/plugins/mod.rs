//! Plugins: what a confined call costs, how quickly hosts start and come back, what they take, how many there can be, and
//! that a plugin that crashes again and again does not slow MIDI down.

mod calls;
mod crash;
mod crowd;
mod floor;
mod hosts;
mod rig;

use std::process::Command;

use anyhow::{Context as _, Result};
use padgate_tests::process::run;
use rustix::process::{Resource, getrlimit, setrlimit};

pub(crate) use calls::measure as calls;
pub(crate) use crash::measure as crashes;
pub(crate) use floor::echo;

/// How many descriptors the crowd of hosts needs, and some.
const DESCRIPTORS: u64 = 8192;

/// Measures all of it.
pub(crate) fn measure() -> Result<()> {
    println!("\nOne call of a plugin that does nothing, in µs");
    println!("  from the message to the outcome; the bare round trip is that of the same frames between two");
    println!("  processes that do nothing else");
    println!("  {:<46} {:>9} {:>9} {:>7}", "", "median", "p99", "ratio");
    // Each in a process of its own, whose threads and children are where it is.
    for place in ["one-cpu", "anywhere"] {
        let bench = std::env::current_exe().context("where this program is")?;
        let measured = run(Command::new(bench).args(["plugin-calls", place]))?.success()?;
        print!("{measured}");
    }
    floor::in_process()?;
    raise_limit()?;
    hosts::measure()?;
    crowd::measure()?;
    crash::measure()
}

fn raise_limit() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS));
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        setrlimit(Resource::Nofile, limit)?;
    }
    Ok(())
}

/// A target beside what was reached.
fn target(what: &str, reached: f64, most: f64, unit: &str) {
    let word = if reached <= most { "reached" } else { "MISSED" };
    println!("  target: {what:<38} {most:>8} {unit:<4} {word}: {reached:.2} {unit}");
}
