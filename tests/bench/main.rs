//! Measures the whole program: MIDI to MIDI, plugins, reloading, idling, memory. `make bench` runs it, after the engine's own
//! benchmark.
//!
//! `bench` measures what this machine can: the MIDI part runs where there is an ALSA sequencer, else in the virtual
//! machine that `tests/alsa-vm` boots. `bench midi` measures that part alone, here; `bench plugins` that of
//! plugins.

mod midi;
mod pipeline;
mod plugins;
mod process;

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => everything(),
        ["midi"] => pipeline::measure().and_then(|()| midi::measure()),
        ["relay", from, to] => midi::relay(from, to),
        ["plugins"] => plugins::measure(),
        ["plugin-crashes"] => plugins::crashes(),
        ["plugin-calls", place] => plugins::calls(place),
        ["echo"] => plugins::echo(),
        _ => Err(anyhow::anyhow!("usage: bench [midi | plugins]")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn everything() -> Result<()> {
    pipeline::measure()?;
    process::measure()?;
    plugins::measure()?;
    if std::path::Path::new("/dev/snd/seq").exists() {
        return midi::measure();
    }
    println!(
        "\n(no ALSA sequencer here: MIDI is measured in the virtual machine, which is emulated and slow:"
    );
    println!(" only the ratio says something)");
    let machine = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("alsa-vm/run");
    let bench = std::env::current_exe().context("where this program is")?;
    let status =
        Command::new(machine).arg("--").arg(bench).arg("midi").status().context("the virtual machine")?;
    anyhow::ensure!(status.success(), "the virtual machine ended with {status}");
    Ok(())
}

/// The value below which `part` of the (sorted) samples lie.
fn quantile(samples: &[f64], part: f64) -> f64 {
    let place = ((samples.len() - 1) as f64 * part).round() as usize;
    samples[place]
}
