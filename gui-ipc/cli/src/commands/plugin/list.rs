//! `plugin list`: the plugins at a glance, and below what is to be done about those that are not ready.

use padgate_ipc::check::{Diagnostic, Severity};
use padgate_ipc::method::{Empty, ListPlugins, RescanPlugins};
use padgate_ipc::plugin::{PluginList, PluginState, PluginSummary};

use super::super::call;
use super::size;
use crate::args::plugin::List;
use crate::exit::Code;
use crate::output::{Column, Output, Style, plain, span};

/// The columns, with what goes first where there is no room.
const COLUMNS: &[Column] = &[
    Column::always("plugin"),
    Column::dropped("version", 4),
    Column::always("state"),
    Column::dropped("risk", 5),
    Column::dropped("signature", 3),
    Column::dropped("calls", 6),
    Column::dropped("failed", 7),
    Column::dropped("p99", 2),
    Column::dropped("memory", 2),
    Column::dropped("actions", 1),
];

/// `padgate plugin list`.
pub(super) fn list(arguments: &List, output: &mut Output) -> anyhow::Result<Code> {
    let list =
        if arguments.rescan { call::<RescanPlugins>(&Empty {})? } else { call::<ListPlugins>(&Empty {})? };
    if arguments.json.json {
        output.json(&list)?;
        return Ok(Code::Done);
    }
    if list.plugins.is_empty() {
        output.folded(0, &nothing(&list))?;
    } else {
        output.columns(COLUMNS, list.plugins.iter().map(row).collect())?;
    }
    for plugin in &list.plugins {
        reasons(plugin, output)?;
    }
    for problem in &list.problems {
        output.folded(2, &format!("{} {}", output.styled(Style::Bad, "→"), diagnostic(problem)))?;
    }
    Ok(Code::Done)
}

fn nothing(list: &PluginList) -> String {
    match list.folders.as_slice() {
        [] => "there are no plugins".to_owned(),
        folders => format!(
            "there are no plugins: a plugin is a folder with a plugin.toml in one of these, the first wins: {}",
            plain(&folders.join(", "))
        ),
    }
}

fn row(plugin: &PluginSummary) -> Vec<String> {
    vec![
        plain(&plugin.name),
        plain(&plugin.version),
        plugin.state.word().to_owned(),
        plugin.risk.map_or("none", |risk| risk.word()).to_owned(),
        plugin.signature.word().to_owned(),
        plugin.executions.to_string(),
        plugin.failures.to_string(),
        plugin.p99_us.map(|us| span(us.saturating_mul(1000))).unwrap_or_default(),
        plugin.rss_bytes.map(size).unwrap_or_default(),
        plain(&plugin.actions.join(", ")),
    ]
}

fn reasons(plugin: &PluginSummary, output: &mut Output) -> anyhow::Result<()> {
    let name = plain(&plugin.name);
    if let Some(reason) = &plugin.reason {
        let style = match plugin.state {
            PluginState::Quarantined | PluginState::Unusable => Style::Bad,
            _ => Style::Heading,
        };
        output.folded(2, &format!("{} {name}: {}", output.styled(style, "→"), plain(reason)))?;
    }
    if plugin.asks_more {
        let arrow = output.styled(Style::Heading, "→");
        let text = format!(
            "{arrow} {name} asks for more than it was granted: `padgate plugin grant {name}` shows what"
        );
        output.folded(2, &text)?;
    }
    Ok(())
}

/// A mistake in a manifest, in a line.
pub(super) fn diagnostic(problem: &Diagnostic) -> String {
    let place = match (problem.line, problem.column) {
        (0, _) => problem.file.clone(),
        (line, 0) => format!("{}:{line}", problem.file),
        (line, column) => format!("{}:{line}:{column}", problem.file),
    };
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Unknown => "problem",
    };
    if place.is_empty() {
        // Not of a file: there is nothing but what it says.
        return plain(&problem.message);
    }
    let code = if problem.code.is_empty() { String::new() } else { format!("[{}]", problem.code) };
    let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    plain(&format!("{place}: {severity}{code}: {}{help}", problem.message))
}
