//! What the demo prints: a line for each gesture, and a summary.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;
use padgate_ipc::status::Status;

use crate::performance::Done;

/// How wide a line is at the most.
const WIDTH: usize = 80;

/// Prints as it goes, and counts what was not as it should be.
pub(crate) struct Report {
    /// How many gestures did not do what they should.
    pub(crate) failures: usize,
    gestures: usize,
}

impl Report {
    /// Prints the head of the table.
    pub(crate) fn new() -> Report {
        println!("    {:<40} {:>9} {:>9}", "gesture, and what Padgate did", "decided", "done");
        Report { failures: 0, gestures: 0 }
    }

    /// Prints one gesture: what the hand did, and what came of it, a line for each of its lines.
    pub(crate) fn line(&mut self, hand: &str, result: Result<Done>) {
        self.gestures += 1;
        match result {
            Ok(done) => {
                let times = [done.decided, done.done].map(|span| span.map_or_else(String::new, time));
                let [decided, ended] = times;
                println!("{}", format!(" ok {hand:<40} {decided:>9} {ended:>9}").trim_end());
                for line in done.did.lines() {
                    println!("{}", wrapped("      → ", line));
                }
            }
            Err(error) => {
                self.failures += 1;
                println!("NOT {hand:<33} {error:#}");
            }
        }
    }

    /// Begins another part.
    pub(crate) fn section(&self, title: &str) {
        println!("\n    {title}");
    }

    /// Prints that something is not shown, which is no failure.
    pub(crate) fn note(&self, text: &str) {
        println!("{}", wrapped("      → ", text));
    }

    /// Prints lines of text below a title.
    pub(crate) fn text(&self, title: &str, lines: Vec<String>) {
        println!("    {title}");
        for line in lines {
            println!("{}", wrapped("      ", &line));
        }
    }

    /// Prints the summary.
    pub(crate) fn end(&mut self, status: &Status, ended: ExitStatus, took: Duration) {
        if !ended.success() {
            self.failures += 1;
            println!("NOT the daemon ended with {ended}");
        }
        println!("\nTimes are from the arrival of the message that decided.");
        println!("What does the actions on this machine:");
        for backend in &status.backends {
            let note = backend.note.as_deref().map_or_else(String::new, |note| format!(" ({note})"));
            let by = if backend.available { backend.by.as_str() } else { "nothing" };
            println!("{}", wrapped(&format!("    {:<14} ", backend.name), &format!("{by}{note}")));
        }
        let seconds = took.as_secs_f64();
        if self.failures == 0 {
            println!("\nAll {} gestures did what they should, in {seconds:.1} s.", self.gestures);
            println!("Next: `make run` starts Padgate with your own configuration; README.md says how");
            println!("to write one.");
        } else {
            println!("\n{} of {} did not do what they should; see NOT above.", self.failures, self.gestures);
        }
    }
}

/// The text after a beginning, broken between words and indented where it would be too wide.
fn wrapped(beginning: &str, text: &str) -> String {
    let indent = beginning.chars().count();
    let mut lines = beginning.to_owned();
    if indent + text.chars().count() <= WIDTH {
        return lines + text;
    }
    let mut wide = indent;
    for (index, word) in text.split_whitespace().enumerate() {
        let length = word.chars().count();
        if index > 0 && wide + 1 + length > WIDTH {
            lines += "\n";
            lines += &" ".repeat(indent);
            wide = indent;
        } else if index > 0 {
            lines += " ";
            wide += 1;
        }
        lines += word;
        wide += length;
    }
    lines
}

/// A time with a unit that suits it.
pub(crate) fn time(time: Duration) -> String {
    let nanoseconds = time.as_nanos();
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => format!("{:.1} µs", time.as_secs_f64() * 1e6),
        1_000_000..1_000_000_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}
