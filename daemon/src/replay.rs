//! Replays a recording: runs it through the engine in virtual time and prints the decisions.
//!
//! No clock is read and nothing is carried out, so that the same recording and configuration print the same bytes.

use std::fmt::Write as _;
use std::io::{self, BufRead, Read as _, Write};
use std::sync::Arc;

use padgate_core::engine::{Engine, Index, Input, Output};
use padgate_core::ids::Names;
use padgate_core::ruleset::Ruleset;
use padgate_core::ruleset::action::ModeChange;
use padgate_core::time::Time;
use padgate_ipc::codec::LINE_BYTES_MAX;
use padgate_ipc::recording::{FORMAT, Header, Line};

use crate::history::{Cause, Record, RequestRecord};
use crate::ipc::convert::recording;
use crate::ipc::{convert, sentence};
use crate::pipeline::Heard;

/// How many deadlines may pass between two inputs. An action that repeats while a pad is held for an hour has fewer;
/// a recording with a pause of years would keep a replay busy for ever.
const DEADLINES_MAX: u64 = 10_000_000;

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A line of the recording can't be used.
    #[error("line {line} of the recording: {what}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong, and what next.
        what: String,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How decisions are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line, as in events ([`padgate_ipc::event::Record`]); times are since the beginning.
    JsonLines,
}

/// A recording in memory, with names as numbers.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The first line.
    pub header: Header,
    /// The rest, in order of time.
    pub inputs: Vec<Heard>,
}

/// Reads a recording; names that `names` does not have are added.
///
/// # Errors
///
/// If a line can't be used, with its number.
pub fn read(mut file: impl BufRead, names: &mut Names) -> Result<Recording, ReplayError> {
    let mut number = 0;
    let first = next_line(&mut file, &mut number)?
        .ok_or_else(|| wrong(1, "the file is empty: `padgate record` makes recordings"))?;
    let header: Header = serde_json::from_str(&first)
        .map_err(|error| wrong(number, format!("this is no recording of Padgate ({error})")))?;
    if header.padgate_recording != FORMAT {
        let text = format!(
            "the recording has format {}, and this version reads format {FORMAT}: use the version that made it",
            header.padgate_recording
        );
        return Err(wrong(number, text));
    }
    for device in &header.devices {
        names.devices.intern(device);
    }
    let mut inputs: Vec<Heard> = Vec::new();
    while let Some(text) = next_line(&mut file, &mut number)? {
        let line: Line = serde_json::from_str(&text).map_err(|error| {
            let text = format!(
                "{error}; it must be an object with a time \"t\" and one of midi, device_lost, output_lost, wall_clock, \
                 program, level, mode, variable, panic and reloaded"
            );
            wrong(number, text)
        })?;
        if inputs.last().is_some_and(|last| last.at.0 > line.t) {
            return Err(wrong(number, "its time is before that of the line above"));
        }
        inputs.extend(recording::heard(&line, names).map_err(|what| wrong(number, what))?);
    }
    Ok(Recording { header, inputs })
}

fn wrong(line: u64, what: impl Into<String>) -> ReplayError {
    ReplayError::Line { line, what: what.into() }
}

/// The next line that is not empty.
fn next_line(file: &mut impl BufRead, number: &mut u64) -> Result<Option<String>, ReplayError> {
    loop {
        *number += 1;
        let mut line = Vec::new();
        let length = file.take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line)?;
        if length > LINE_BYTES_MAX {
            return Err(wrong(*number, format!("it is longer than {LINE_BYTES_MAX} bytes")));
        }
        if length == 0 {
            return Ok(None);
        }
        let text = String::from_utf8(line).map_err(|_| wrong(*number, "it is no text"))?;
        if !text.trim().is_empty() {
            return Ok(Some(text));
        }
    }
}

/// Runs a recording through the engine with these rules, whose names must be the table that [`read`] was given, and
/// prints every decision.
///
/// # Errors
///
/// If writing fails.
pub fn replay(
    recording: &Recording,
    rules: Arc<Ruleset>,
    format: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut replay = Replay {
        engine: Engine::new(Arc::new(Index::build(Arc::clone(&rules)))),
        rules,
        outputs: Vec::new(),
        sequence: 0,
        format,
        out,
    };
    replay.restore(&recording.header)?;
    for heard in &recording.inputs {
        replay.pass_deadlines(heard.at)?;
        replay.input(heard)?;
    }
    // What is still to come: a hold, a sequence that goes on. An action that repeats for ever ends with the recording.
    let end = recording.inputs.last().map_or(Time::ZERO, |last| last.at);
    replay.pass_deadlines(end + std::time::Duration::from_secs(60))
}

struct Replay<'a, W> {
    engine: Engine,
    rules: Arc<Ruleset>,
    outputs: Vec<Output>,
    sequence: u64,
    format: Format,
    out: &'a mut W,
}

impl<W: Write> Replay<'_, W> {
    /// Brings the engine into the state in which the recording began.
    fn restore(&mut self, header: &Header) -> io::Result<()> {
        let rules = Arc::clone(&self.rules);
        let modes = header.modes.iter().filter_map(|name| rules.names.modes.find(name));
        for (index, mode) in modes.enumerate() {
            let change = if index == 0 { ModeChange::Switch(mode) } else { ModeChange::Push(mode) };
            self.engine.handle(Input::Mode(change), Time::ZERO, &mut self.outputs);
        }
        for (name, value) in &header.variables {
            let known = rules.names.variables.find(name);
            if let (Some(variable), Some(value)) = (known, convert::value_from(value)) {
                self.engine.handle(Input::Set(variable, value), Time::ZERO, &mut self.outputs);
            }
        }
        // That is no decision of the recording.
        self.outputs.clear();
        Ok(())
    }

    fn pass_deadlines(&mut self, until: Time) -> io::Result<()> {
        for _ in 0..DEADLINES_MAX {
            let Some(deadline) = self.engine.next_deadline().filter(|deadline| *deadline <= until) else {
                break;
            };
            self.engine.handle(Input::Timer, deadline, &mut self.outputs);
            self.print(Cause::Timer, deadline)?;
        }
        Ok(())
    }

    fn input(&mut self, heard: &Heard) -> io::Result<()> {
        let cause = recording::with_input(heard, |input| {
            let cause = Cause::of(&input);
            self.engine.handle(input, heard.at, &mut self.outputs);
            cause
        });
        cause.map_or(Ok(()), |cause| self.print(cause, heard.at))
    }

    fn print(&mut self, cause: Cause, at: Time) -> io::Result<()> {
        if self.outputs.is_empty() && cause == Cause::Timer {
            return Ok(());
        }
        let mut record = Record {
            sequence: self.sequence,
            cause,
            received: at,
            decided: at,
            handed_off: at,
            traces: Vec::new(),
            requests: Vec::new(),
        };
        self.sequence += 1;
        for output in self.outputs.drain(..) {
            match output {
                Output::Trace(trace) => record.traces.push(trace),
                Output::Request(request) => {
                    record.requests.push(RequestRecord { request, handed_off: at, report: None });
                }
            }
        }
        let names = &self.rules.names;
        match self.format {
            Format::Text => self.out.write_all(text(&record, names).as_bytes()),
            Format::JsonLines => {
                let line =
                    serde_json::to_string(&convert::record(&record, names)).map_err(io::Error::other)?;
                writeln!(self.out, "{line}")
            }
        }
    }
}

/// A record for people; the time in seconds.
fn text(record: &Record, names: &Names) -> String {
    let nanos = record.received.0;
    let cause = convert::cause(&record.cause, names);
    let device = cause.device.map(|device| format!("{device}: ")).unwrap_or_default();
    let mut text =
        format!("{:4}.{:06} {device}{}\n", nanos / 1_000_000_000, nanos / 1000 % 1_000_000, cause.text);
    for trace in &record.traces {
        // Writing into a string does not fail.
        let _ = writeln!(text, "            {}", sentence::decision(trace, record.received, names));
    }
    for request in &record.requests {
        let _ = writeln!(text, "            → {}", sentence::effect(&request.request.effect, names));
    }
    text
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
