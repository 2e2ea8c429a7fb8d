//! How quickly a host starts and comes back, its first call, and how much memory it has.

use std::time::Instant;

use anyhow::{Context as _, Result};
use padgated::plugins::part::PluginId;
use padgated::plugins::supervisor::Happening;
use rustix::process::{Pid, Signal, kill_process};

use super::super::quantile;
use super::rig::Rig;
use super::target;

/// How many hosts, one after the other.
const HOSTS: u32 = 200;

/// The targets, in ms and MiB.
const START_MAX: f64 = 5.0;
const RECOVERY_MAX: f64 = 10.0;
const MEMORY_MAX: f64 = 1.0;

/// See the module.
pub(super) fn measure() -> Result<()> {
    let mut rig = Rig::start(HOSTS, &["work"])?;
    let (mut start, mut again, mut first, mut own) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for id in 0..HOSTS {
        let plugin = PluginId(id);
        let begun = Instant::now();
        rig.supervisor.host(rig.hosting(id));
        let (_, ready) = rig.until(|what| matches!(what, Happening::Ready { .. }))?;
        start.push(ms(begun, ready));

        let begun = Instant::now();
        rig.call(id, "work")?;
        first.push(ms(begun, rig.done()?) * 1e3);

        let pid = rig.supervisor.status(plugin).pid.context("it has a process")?;
        own.extend(private(pid));
        let process = Pid::from_raw(i32::try_from(pid)?).context("a number of a process")?;
        let begun = Instant::now();
        kill_process(process, Signal::KILL)?;
        rig.until(|what| matches!(what, Happening::Died { .. }))?;
        let (_, ready) = rig.until(|what| matches!(what, Happening::Ready { .. }))?;
        again.push(ms(begun, ready));

        rig.supervisor.end(plugin);
        rig.until(|what| matches!(what, Happening::Ended))?;
    }
    println!("\nHosts, one after the other ({HOSTS})");
    println!("  {:<46} {:>9} {:>9}", "", "median", "p99");
    let mut medians = Vec::new();
    for (what, unit, samples) in [
        ("start: from the wish to ready for calls", "ms", &mut start),
        ("from its death to ready again", "ms", &mut again),
        ("its first call", "µs", &mut first),
    ] {
        samples.sort_by(f64::total_cmp);
        let (median, late) = (quantile(samples, 0.5), quantile(samples, 0.99));
        println!("  {what:<46} {median:>9.2} {late:>9.2} {unit}");
        medians.push(median);
    }
    target("start", medians[0], START_MAX, "ms");
    target("ready again", medians[1], RECOVERY_MAX, "ms");
    if own.is_empty() {
        println!("  (its memory: only root may see that of a process that hides it)");
    } else {
        own.sort_by(f64::total_cmp);
        println!("  {:<46} {:>9.2} {:>9.2} MiB", "its own memory", quantile(&own, 0.5), quantile(&own, 0.99));
        target("its own memory", quantile(&own, 0.5), MEMORY_MAX, "MiB");
    }
    rig.supervisor.shutdown();
    Ok(())
}

fn ms(from: Instant, to: Instant) -> f64 {
    to.duration_since(from).as_secs_f64() * 1e3
}

/// The memory of a process that no other process has, in MiB; `None` if this one may not look.
pub(super) fn private(pid: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let kib = |field: &str| -> Option<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(field))?;
        line.trim().trim_end_matches("kB").trim().parse().ok()
    };
    Some((kib("Private_Clean:")? + kib("Private_Dirty:")?) / 1024.0)
}
