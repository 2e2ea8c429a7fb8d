//! A thousand hosts at once: started, called, ended.

use std::time::Instant;

use anyhow::{Context as _, Result};
use padgated::plugins::part::PluginId;
use padgated::plugins::supervisor::Happening;

use super::super::quantile;
use super::hosts::private;
use super::rig::Rig;

/// How many.
const HOSTS: u32 = 1_000;

/// See the module.
pub(super) fn measure() -> Result<()> {
    println!("\n{HOSTS} hosts at once");
    let mut rig = Rig::start(HOSTS, &["work"])?;
    let available = available()?;
    let begun = Instant::now();
    for id in 0..HOSTS {
        rig.supervisor.host(rig.hosting(id));
    }
    for _ in 0..HOSTS {
        rig.until(|what| matches!(what, Happening::Ready { .. }))?;
    }
    line("all ready for calls", begun.elapsed().as_secs_f64(), "s");
    let taken = (available - self::available()?) / f64::from(HOSTS);
    line("less memory available, for each", taken, "MiB");
    let mut own: Vec<f64> =
        (0..HOSTS).filter_map(|id| private(rig.supervisor.status(PluginId(id)).pid?)).collect();
    if !own.is_empty() {
        own.sort_by(f64::total_cmp);
        line("own memory of each, median", quantile(&own, 0.5), "MiB");
    }
    let mut spans = Vec::new();
    for id in 0..HOSTS {
        let begun = Instant::now();
        rig.call(id, "work")?;
        spans.push(rig.done()?.duration_since(begun).as_secs_f64() * 1e6);
    }
    spans.sort_by(f64::total_cmp);
    line("each called once, one after the other, median", quantile(&spans, 0.5), "µs");
    let begun = Instant::now();
    for id in 0..HOSTS {
        rig.call(id, "work")?;
    }
    for _ in 0..HOSTS {
        rig.done()?;
    }
    line("each called once, all at once", begun.elapsed().as_secs_f64() * 1e3, "ms");
    let begun = Instant::now();
    for id in 0..HOSTS {
        rig.supervisor.end(PluginId(id));
    }
    for _ in 0..HOSTS {
        rig.until(|what| matches!(what, Happening::Ended))?;
    }
    line("all ended", begun.elapsed().as_secs_f64(), "s");
    rig.supervisor.shutdown();
    Ok(())
}

fn line(what: &str, value: f64, unit: &str) {
    println!("  {what:<46} {value:>9.2} {unit}");
}

/// The memory that the system could still give, in MiB.
fn available() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib: f64 = line.context("the system does not say")?.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
