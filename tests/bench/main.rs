//! Measures the whole program: MIDI to MIDI, reloading, idling, memory. `make bench` runs it, after the engine's own
//! benchmark.
//!
//! `bench` measures what this machine can: the MIDI part runs where there is an ALSA sequencer, else in the virtual
//! machine that `tests/alsa-vm` boots. `bench midi` measures that part alone, here.

mod midi;
mod process;

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

fn main() -> ExitCode {
    let only_midi = std::env::args().nth(1).is_some_and(|part| part == "midi");
    let result = if only_midi { midi::measure() } else { everything() };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn everything() -> Result<()> {
    process::measure()?;
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
