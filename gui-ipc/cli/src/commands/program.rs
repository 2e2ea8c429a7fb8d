//! What the daemon's own program does without being a daemon: `check` and `replay`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::args;
use crate::exit::Code;

/// The name of the daemon's program.
const PROGRAM: &str = if cfg!(windows) { "padgated.exe" } else { "padgated" };

/// The daemon's program: the one beside this one, so that both are of the same version, else the first in `PATH`.
///
/// An absolute path.
pub(super) fn find() -> anyhow::Result<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|path| Some(path.parent()?.join(PROGRAM)));
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    let candidates =
        beside.into_iter().chain(std::env::split_paths(&in_path).map(|folder| folder.join(PROGRAM)));
    match candidates.filter(|path| path.is_absolute()).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!("{PROGRAM} is neither beside this program nor in PATH: install it there"),
    }
}

/// Checks a configuration without a daemon.
pub(super) fn check(path: Option<&Path>, json: bool) -> anyhow::Result<Code> {
    let mut arguments = vec![OsString::from("check")];
    arguments.extend(json.then(|| "--json".into()));
    arguments.extend(path.map(Into::into));
    run(&arguments)
}

/// `padgate replay`.
pub(super) fn replay(arguments: &args::Replay) -> anyhow::Result<Code> {
    let mut line = vec![OsString::from("replay"), arguments.file.clone().into()];
    if let Some(config) = &arguments.config {
        line.extend(["--config".into(), config.clone().into()]);
    }
    line.extend(arguments.json.json.then(|| "--json".into()));
    run(&line)
}

/// Runs it with our own input and output, and takes over how it ended.
fn run(arguments: &[OsString]) -> anyhow::Result<Code> {
    let program = find()?;
    let status = Command::new(&program)
        .args(arguments)
        .status()
        .with_context(|| format!("{} could not be started", program.display()))?;
    Ok(match status.code() {
        Some(0) => Code::Done,
        Some(4) => Code::Refused,
        Some(78) => Code::BadConfig,
        _ => Code::Failure,
    })
}
