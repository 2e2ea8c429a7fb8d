//! `make demo`: starts a real `padgated` with `config/demo.toml` and some plugins, plays a short performance through it, shows
//! each gesture, what it did and how long that took, and fails if anything did not happen as it should.

mod performance;
mod plugins;
mod report;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use padgate_tests::daemon::Daemon;
use padgate_tests::folder::Folder;

use padgate_tests::web::Server;
use report::Report;

const CONFIG: &str = include_str!("../../config/demo.toml");

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Plays everything; false if something was not as it should be.
fn run() -> Result<bool> {
    let begun = Instant::now();
    let server = Server::start().context("the demo's web server")?;
    let folder = Folder::new(CONFIG)?;
    plugins::prepare(&folder, &server)?;
    let mut daemon = Daemon::start_in(folder).context("the daemon did not start")?;
    daemon.show_log = false;
    let status = daemon.watch()?.status()?;
    println!(
        "padgated {} runs as process {} with a virtual controller, config/demo.toml,\n\
         and plugins ({} mappings).\n",
        status.version,
        daemon.process().id(),
        status.config.mappings
    );
    let mut report = Report::new();
    for gesture in performance::GESTURES {
        report.line(gesture.hand, performance::play(gesture, &daemon));
    }
    if let Err(error) = plugins::play(&daemon, &server, &mut report) {
        report.line("plugins", Err(error));
    }
    let ended = daemon.terminate()?;
    report.end(&status, ended, begun.elapsed());
    if report.failures > 0 {
        println!("\nThe daemon's log:\n{}", daemon.log());
    }
    Ok(report.failures == 0)
}
