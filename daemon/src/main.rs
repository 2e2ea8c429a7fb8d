//! The `padgated` program: the daemon, and what its parts do without being one (`check`, `replay`, `schema`, `init`).

use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use padgate_core::ruleset::Ruleset;
use padgated::app;
use padgated::config::paths::DEFAULT_CONFIGURATION;
use padgated::config::render::Colour;
use padgated::config::{Outcome, Paths, schema};
use padgated::ipc::convert::report;
use padgated::ipc::socket::ClaimError;
use padgated::replay::Format;
use padgated::{logging, replay};

const EXIT_CODES: &str = "\
Exit codes: 0 ended as asked, 1 failed or mistakes found, 2 wrong usage, 4 no permission, 5 another daemon is running, \
78 the configuration can't be used (replay).

Environment: PADGATE_CONFIG names the configuration, PADGATE_SOCKET the socket, PADGATE_LOG filters the log \
(error, warn, info, debug, trace, or padgated::midi=debug).";

/// The exit code when another daemon is running. The service unit knows it too.
const ALREADY_RUNNING: u8 = 5;
/// The exit code when something is not allowed.
const NOT_PERMITTED: u8 = 4;
/// The exit code for a configuration that can't be used (`EX_CONFIG`).
const BAD_CONFIG: u8 = 78;

/// Padgate's daemon: maps MIDI controllers to anything.
#[derive(Parser, Debug)]
#[command(name = "padgated", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the daemon in the foreground (the same as without a command)
    Run(Run),
    /// Look for mistakes in a configuration; exits with 1 if there are errors
    Check {
        /// The main file [default: the user's]
        path: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run a recording through a configuration, and print what would be done
    Replay {
        /// A file that `padgate record` wrote
        file: PathBuf,
        /// The configuration [default: the user's]
        #[arg(long, short)]
        config: Option<PathBuf>,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON schema of configurations, for editors
    Schema,
    /// Write a commented first configuration, if there is none
    Init {
        /// Where [default: the user's]
        path: Option<PathBuf>,
    },
}

#[derive(Args, Debug, Default)]
struct Run {
    /// The configuration [default: PADGATE_CONFIG, else padgate/config.toml in the user's configuration folder]
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The socket [default: PADGATE_SOCKET, else padgate/ctl.sock in the runtime folder]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => daemon(arguments.run),
        Some(Command::Run(run)) => daemon(run),
        Some(Command::Check { path, json }) => check(path, json),
        Some(Command::Replay { file, config, json }) => run_replay(&file, config, json),
        Some(Command::Schema) => print(&schema()),
        Some(Command::Init { path }) => init(path),
    };
    result.unwrap_or_else(|error| {
        let causes = || error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
        if causes().any(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            // Whoever read has gone.
            return ExitCode::SUCCESS;
        }
        eprintln!("padgated: {error:#}");
        match error.downcast_ref::<ClaimError>() {
            Some(ClaimError::Running { .. }) => ExitCode::from(ALREADY_RUNNING),
            Some(ClaimError::Path { error, .. }) if error.kind() == io::ErrorKind::PermissionDenied => {
                ExitCode::from(NOT_PERMITTED)
            }
            _ if causes().any(|error| error.kind() == io::ErrorKind::PermissionDenied) => {
                ExitCode::from(NOT_PERMITTED)
            }
            _ => ExitCode::FAILURE,
        }
    })
}

fn daemon(run: Run) -> anyhow::Result<ExitCode> {
    logging::start();
    // Absolute, so that messages say where it is.
    let socket = run.socket.unwrap_or_else(padgate_ipc::address::socket_path);
    let socket = std::path::absolute(&socket).with_context(|| format!("{} is no path", socket.display()))?;
    app::run(app::Options { paths: paths(run.config)?, socket })?;
    Ok(ExitCode::SUCCESS)
}

fn paths(main: Option<PathBuf>) -> anyhow::Result<Paths> {
    match main {
        Some(path) => Ok(Paths::of(
            std::path::absolute(&path).with_context(|| format!("{} is no path", path.display()))?,
        )),
        None => Ok(Paths::from_environment()?),
    }
}

fn check(path: Option<PathBuf>, json: bool) -> anyhow::Result<ExitCode> {
    let (store, _) = app::config_store(paths(path)?)?;
    let outcome = store.check();
    let report = report::report(&outcome, store.paths());
    if json {
        print(&serde_json::to_string(&report)?)?;
    } else {
        let errors = outcome.counts();
        let mappings = match report.mappings {
            1 => "1 mapping".to_owned(),
            number => format!("{number} mappings"),
        };
        let verdict = if report.ok { format!("good, {mappings}") } else { counted(errors) };
        let rendered = outcome.rendered(colour(io::stdout().is_terminal()));
        let gap = if rendered.is_empty() { "" } else { "\n" };
        print(&format!("{rendered}{gap}{}: {verdict}", report.path))?;
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn counted((errors, warnings): (usize, usize)) -> String {
    let number = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    format!("{}, {}", number(errors, "error"), number(warnings, "warning"))
}

fn colour(is_terminal: bool) -> Colour {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if is_terminal && !refused { Colour::Always } else { Colour::Never }
}

fn run_replay(file: &Path, config: Option<PathBuf>, json: bool) -> anyhow::Result<ExitCode> {
    let (mut store, _) = app::config_store(paths(config)?)?;
    let outcome = store.load();
    let Some(mut rules) = usable(outcome)? else { return Ok(ExitCode::from(BAD_CONFIG)) };
    let open = File::open(file).with_context(|| format!("{} can't be read", file.display()))?;
    let recording = replay::read(BufReader::new(open), &mut rules.names)
        .with_context(|| format!("{} can't be replayed", file.display()))?;
    let format = if json { Format::JsonLines } else { Format::Text };
    let mut output = BufWriter::new(io::stdout().lock());
    replay::replay(&recording, Arc::new(rules), format, &mut output)?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// The rules; shows what is wrong if there are none.
fn usable(outcome: Outcome) -> anyhow::Result<Option<Ruleset>> {
    if outcome.ruleset.is_none() {
        write!(io::stderr(), "{}", outcome.rendered(colour(io::stderr().is_terminal())))?;
    }
    Ok(outcome.ruleset)
}

fn init(path: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let main = paths(path)?.main;
    if let Some(folder) = main.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    }
    match File::create_new(&main) {
        Ok(mut file) => file.write_all(DEFAULT_CONFIGURATION.as_bytes())?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!("{} is there already; it stays as it is", main.display());
        }
        Err(error) => return Err(error).with_context(|| format!("{} can't be written", main.display())),
    }
    // What the first line of the configuration names, for editors that complete and check TOML by a schema.
    let beside = main.with_file_name("padgate.schema.json");
    std::fs::write(&beside, schema()).with_context(|| format!("{} can't be written", beside.display()))?;
    print(&format!("wrote {}: edit it, and start `padgated`", main.display()))
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    writeln!(io::stdout(), "{}", text.trim_end_matches('\n'))?;
    Ok(ExitCode::SUCCESS)
}
