//! `record`: everything that comes in, to a file that `replay` reads.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use padgate_ipc::event::{Event, Topic};
use padgate_ipc::recording::{FORMAT, Header, Line};
use padgate_ipc::state::State;

use super::{connect, interrupt};
use crate::args;
use crate::exit::Code;
use crate::output::Output;

/// `padgate record`. Every line is written as it comes, so that Ctrl-C leaves a whole recording behind.
pub(super) fn record(arguments: &args::Record, output: &mut Output) -> anyhow::Result<Code> {
    let mut client = connect()?;
    // Before there is a file, so that whoever sees the file can count on everything from then on.
    let state = client.subscribe(&[Topic::Input])?;
    let mut file;
    let output = if arguments.file == Path::new("-") {
        output
    } else {
        let made = File::create_new(&arguments.file);
        file = Output::file(made.with_context(|| not_made(&arguments.file))?);
        &mut file
    };
    let begin_ns = state.clock.monotonic_ns;
    let writing = interrupt::end_between_writes()?;
    let failed = || not_written(&arguments.file);
    write(output, &header(state)).with_context(failed)?;
    // Talk, not data: if it can't be shown, nothing is lost.
    let _ = writeln!(std::io::stderr(), "recording to {}; Ctrl-C ends it", arguments.file.display());
    let end = arguments.r#for.map(|milliseconds| Instant::now() + Duration::from_millis(milliseconds));
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Ok(Code::Done);
        }
        match client.next_event(left)? {
            Some(Event::Input(line)) => {
                // Ctrl-C waits for the end of the line.
                let _whole = writing.lock();
                let line = Line { t: line.t.saturating_sub(begin_ns), input: line.input };
                write(output, &line).with_context(failed)?;
            }
            Some(Event::Missed { .. }) => bail!(
                "more came in than could be written, so the recording ends here: write it to a faster disk"
            ),
            Some(_) | None => {}
        }
    }
}

fn not_made(file: &Path) -> String {
    if file.exists() {
        return format!("{} is there already, and stays: choose another name", file.display());
    }
    format!("{} can't be made: is its folder there, and may you write to it?", file.display())
}

/// What a full disk cuts off is a part of one line.
fn not_written(file: &Path) -> String {
    format!(
        "{} can't be written, so the recording ends here: without its last line, which may be cut off, it can be replayed",
        file.display()
    )
}

fn write(output: &mut Output, line: &impl serde::Serialize) -> io::Result<()> {
    output.json(line)?;
    output.flush()
}

fn header(state: State) -> Header {
    Header {
        padgate_recording: FORMAT,
        started_unix_ms: state.clock.unix_ms,
        devices: state.devices.into_iter().map(|device| device.name).collect(),
        modes: state.modes.stack,
        variables: state.modes.variables,
    }
}
