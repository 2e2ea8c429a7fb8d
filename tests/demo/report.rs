//! What the demo prints: a line for each gesture, and a summary.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;
use padgate_ipc::status::Status;

use crate::performance::{Done, Gesture};

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

    /// Prints one gesture.
    pub(crate) fn line(&mut self, gesture: &Gesture, result: Result<Done>) {
        self.gestures += 1;
        match result {
            Ok(done) => {
                let times = [done.decided, done.done].map(|span| span.map_or_else(String::new, time));
                let [decided, ended] = times;
                println!("{}", format!(" ok {:<40} {decided:>9} {ended:>9}", gesture.hand).trim_end());
                println!("      → {}", done.did);
            }
            Err(error) => {
                self.failures += 1;
                println!("NOT {:<33} {error:#}", gesture.hand);
            }
        }
    }

    /// Prints the summary.
    pub(crate) fn end(&mut self, status: &Status, ended: ExitStatus, took: Duration) {
        if !ended.success() {
            self.failures += 1;
            println!("NOT the daemon ended with {ended}");
        }
        println!(
            "\nTimes are from the arrival of the message that decided. What does the actions on this machine:"
        );
        for backend in &status.backends {
            let note = backend.note.as_deref().map_or_else(String::new, |note| format!(" ({note})"));
            let by = if backend.available { backend.by.as_str() } else { "nothing" };
            println!("    {:<14} {by}{note}", backend.name);
        }
        let seconds = took.as_secs_f64();
        if self.failures == 0 {
            println!("\nAll {} gestures did what they should, in {seconds:.1} s.", self.gestures);
            println!(
                "Next: `make run` starts Padgate with your own configuration; README.md says how to write one."
            );
        } else {
            println!("\n{} of {} did not do what they should; see NOT above.", self.failures, self.gestures);
        }
    }
}

/// A time with a unit that suits it.
fn time(time: Duration) -> String {
    let nanoseconds = time.as_nanos();
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => format!("{:.1} µs", time.as_secs_f64() * 1e6),
        1_000_000..1_000_000_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}
