//! `check` and `reload`.

use anyhow::Context as _;
use padgate_ipc::check::{CheckParams, CheckReport, Severity};
use padgate_ipc::method::{Check, Empty, Reload};
use padgate_ipc::{Client, ClientError, ErrorCode};

use super::program;
use crate::args;
use crate::exit::Code;
use crate::output::Output;

/// `padgate check`: asks the daemon, which knows its own files; without one, the daemon's program does it.
pub(super) fn check(arguments: &args::Check, output: &mut Output) -> anyhow::Result<Code> {
    let path = match &arguments.path {
        Some(path) => {
            Some(std::path::absolute(path).with_context(|| format!("{} can't be found", path.display()))?)
        }
        None => None,
    };
    let mut client = match Client::connect("padgate") {
        Ok(client) => client,
        Err(ClientError::NotRunning) => return program::check(path.as_deref(), arguments.json.json),
        Err(error) => return Err(error.into()),
    };
    let params = CheckParams { path: path.map(|path| path.to_string_lossy().into_owned()) };
    let report = client.call::<Check>(&params)?;
    show(&report, arguments.json.json, output)?;
    Ok(if report.ok { Code::Done } else { Code::Failure })
}

/// `padgate reload`.
pub(super) fn reload(json: bool, output: &mut Output) -> anyhow::Result<Code> {
    let report = match super::connect()?.call::<Reload>(&Empty {}) {
        Ok(report) => report,
        Err(error) => return refused(error, json, output),
    };
    show(&report, json, output)?;
    Ok(Code::Done)
}

/// A reload that was refused because of mistakes shows them.
fn refused(error: ClientError, json: bool, output: &mut Output) -> anyhow::Result<Code> {
    let report = match &error {
        ClientError::Refused(refusal) if refusal.kind() == ErrorCode::ConfigInvalid => refusal.data.clone(),
        _ => None,
    };
    let Some(report) = report.and_then(|data| serde_json::from_value(data).ok()) else {
        return Err(error.into());
    };
    show(&report, json, output)?;
    if !json {
        output.line("nothing was changed: the old rules stay in force until the errors are gone")?;
    }
    Ok(Code::BadConfig)
}

fn show(report: &CheckReport, json: bool, output: &mut Output) -> anyhow::Result<()> {
    if json {
        output.json(report)?;
        return Ok(());
    }
    if !report.rendered.is_empty() {
        output.line(report.rendered.trim_end())?;
        output.line("")?;
    }
    let number = |severity, one: &str, many: &str| match report.count(severity) {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    };
    let errors = number(Severity::Error, "error", "errors");
    let warnings = number(Severity::Warning, "warning", "warnings");
    let mappings =
        if report.mappings == 1 { "1 mapping".into() } else { format!("{} mappings", report.mappings) };
    output.line(&match (report.ok, report.count(Severity::Warning)) {
        (true, 0) => format!("{}: good, {mappings}", report.path),
        (true, _) => format!("{}: good, {mappings}, {warnings}", report.path),
        (false, _) => format!("{}: {errors}, {warnings}", report.path),
    })?;
    Ok(())
}
