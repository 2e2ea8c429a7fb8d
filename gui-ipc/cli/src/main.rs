//! The `padgate` command: manages the daemon from a terminal.
//!
//! [`args`] says what can be typed, `commands` does it, [`output`] prints, [`exit`] says how it ended.

mod args;
mod commands;
mod exit;
mod output;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use args::Arguments;
use output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = Output::stdout();
    let result = commands::run(&arguments, &mut output).and_then(|code| {
        output.flush()?;
        Ok(code)
    });
    match result {
        Ok(code) => code.into(),
        Err(error) if exit::is_broken_pipe(&error) => exit::Code::Done.into(),
        Err(error) => {
            // If it can't be told, the exit code still says it.
            let _ = writeln!(std::io::stderr(), "padgate: {error:#}");
            exit::Code::of(&error).into()
        }
    }
}
