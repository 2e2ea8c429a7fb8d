//! The log: `tracing` to standard error, filtered by `PADGATE_LOG`.
//!
//! What the levels mean: `error` is a mistake in Padgate; `warn` is bad, but can happen; `info` is what a user wants to
//! know without having asked (few lines a day); `debug` is for finding out what went wrong; `trace` is every message.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// The environment variable with the filter, in the syntax of `RUST_LOG`.
pub const VARIABLE: &str = "PADGATE_LOG";

/// Starts logging, the log of libraries included, and logs panics. A second call does nothing.
///
/// A filter that can't be read is told, and not used.
pub fn start() {
    let wanted = std::env::var(VARIABLE).unwrap_or_default();
    let parsed = if wanted.is_empty() { Ok(None) } else { EnvFilter::try_new(&wanted).map(Some) };
    let (filter, mistake) = match parsed {
        Ok(filter) => (filter, None),
        Err(error) => (None, Some(error)),
    };
    // The journal has times of its own.
    let in_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let colours =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new("info")))
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(false);
    // Fails only if somebody (a test) has started logging before.
    let started = if in_journal { builder.without_time().try_init() } else { builder.try_init() };
    if started.is_ok() {
        log_panics();
    }
    if let Some(error) = mistake {
        tracing::warn!(%error, "{VARIABLE}={wanted:?} can't be read and is not used");
    }
}

fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        tracing::error!(thread = thread.name().unwrap_or("?"), "a mistake in Padgate: {panic}");
        before(panic);
    }));
}
