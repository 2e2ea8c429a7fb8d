//! `plugin info`: all about one plugin.

use std::time::Duration;

use padgate_ipc::method::GetPlugin;
use padgate_ipc::plugin::{
    ActionView, CapabilityView, Enforcement, HostView, How, LimitsView, ParameterView, PluginInfo,
    PluginParams, PluginState,
};

use super::super::{call, show::count};
use super::{list::diagnostic, size};
use crate::args::plugin::Named;
use crate::exit::Code;
use crate::output::{Output, Style, moment, plain, span};

/// `padgate plugin info`.
pub(super) fn info(arguments: &Named, output: &mut Output) -> anyhow::Result<Code> {
    let info = call::<GetPlugin>(&PluginParams { plugin: arguments.name.clone() })?;
    if arguments.json.json {
        output.json(&info)?;
        return Ok(Code::Done);
    }
    heading(&info, output)?;
    section("what it asks for", output, &info.requests, capability)?;
    // Of one whose manifest can't be read, nobody knows what it asks for.
    if !info.summary.version.is_empty() {
        if info.requests.is_empty() {
            output.line("")?;
            output.line("It asks for nothing: it can only use its own data folder.")?;
        }
        confinement(&info, output)?;
    }
    section("actions", output, &info.actions, action)?;
    section("calls in the configuration", output, &info.calls, |call, output| {
        output.folded(6, &format!("  {}", plain(&call.text)))?;
        match &call.problem {
            Some(problem) => {
                output.folded(6, &format!("      {}", output.styled(Style::Bad, &plain(problem))))
            }
            None => Ok(()),
        }
    })?;
    section("problems", output, &info.problems, |problem, output| {
        output.folded(4, &format!("  {}", diagnostic(problem)))
    })?;
    Ok(Code::Done)
}

/// A heading and what is below it, if there is something.
fn section<T>(
    heading: &str,
    output: &mut Output,
    entries: &[T],
    show: impl Fn(&T, &mut Output) -> std::io::Result<()>,
) -> std::io::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    output.line("")?;
    output.line(&output.styled(Style::Heading, heading))?;
    entries.iter().try_for_each(|entry| show(entry, output))
}

fn heading(info: &PluginInfo, output: &mut Output) -> std::io::Result<()> {
    let summary = &info.summary;
    let title = format!("{} {}", plain(&summary.name), plain(&summary.version));
    output.line(output.styled(Style::Heading, &title).trim_end())?;
    field("", &plain(&summary.description), output)?;
    let reason = summary.reason.as_ref().map(|reason| format!(": {}", plain(reason))).unwrap_or_default();
    field("state", &format!("{}{reason}", summary.state.word()), output)?;
    if summary.asks_more {
        let text =
            format!("more than it was granted: `padgate plugin grant {}` shows what", plain(&summary.name));
        field("asks for", &text, output)?;
    }
    for (name, value) in [
        ("author", &info.author),
        ("license", &info.license),
        ("homepage", &info.homepage),
        ("folder", &info.folder),
        ("sha256", &info.sha256),
        ("signature", &info.signature.text),
    ] {
        field(name, &plain(value), output)?;
    }
    if let Some(key) = &info.signature.key {
        field("key", &plain(key), output)?;
    }
    if let Some(host) = &info.host {
        field("host", &self::host(host, summary.rss_bytes), output)?;
        if let Some(breaker) = &host.breaker {
            let until = breaker.until_unix_ms.map(|at| format!(", until {}", moment(at, "%H:%M:%S")));
            let text = format!("after it died too often{}", until.unwrap_or_default());
            field("left alone", &output.styled(Style::Bad, &text), output)?;
        }
    }
    field("limits", &limits(&info.limits), output)?;
    for needed in &info.dependencies {
        let found = match (&needed.problem, &needed.found) {
            (Some(problem), _) => output.styled(Style::Bad, &plain(problem)),
            (None, Some(version)) => format!("{} is here", plain(version)),
            (None, None) => "is not here".to_owned(),
        };
        field("needs", &format!("{} {}: {found}", plain(&needed.name), plain(&needed.requirement)), output)?;
    }
    Ok(())
}

fn field(name: &str, value: &str, output: &mut Output) -> std::io::Result<()> {
    match (name, value) {
        (_, "") => Ok(()),
        ("", value) => output.folded(0, value),
        (name, value) => output.folded(11, &format!("{name:10} {value}")),
    }
}

fn host(host: &HostView, memory: Option<u64>) -> String {
    let mut parts = vec![if host.breaker.is_some() { "died" } else { host.state.word() }.to_owned()];
    parts.extend(host.pid.map(|pid| format!("process {pid}")));
    parts.extend(memory.map(size));
    parts.push(format!("generation {}", host.generation));
    parts.extend(host.started_unix_ms.map(|at| format!("since {}", moment(at, "%Y-%m-%d %H:%M:%S"))));
    if host.restarts > 0 {
        parts.push(count(host.restarts, "restart", "restarts"));
    }
    parts.join(", ")
}

fn limits(limits: &LimitsView) -> String {
    if *limits == LimitsView::default() {
        return String::new();
    }
    let deadline = Duration::from_millis(limits.deadline_ms).as_nanos();
    format!(
        "{} for a call, {} calls a second, {} of address space, {} % of a processor, {} open files",
        span(u64::try_from(deadline).unwrap_or(u64::MAX)),
        limits.rate_per_second,
        size(limits.memory_bytes),
        limits.cpu_percent,
        limits.files
    )
}

fn capability(view: &CapabilityView, output: &mut Output) -> std::io::Result<()> {
    let decided = match (view.how, &view.granted) {
        (How::Auto, Some(_)) => output.styled(Style::Good, "granted by itself, as its risk is low"),
        (_, Some(granted)) if *granted == view.scope => output.styled(Style::Good, "granted"),
        (_, Some(granted)) => {
            format!("{}: only {}", output.styled(Style::Good, "granted in part"), plain(granted))
        }
        (How::Revoked, None) => output.styled(Style::Bad, "revoked"),
        (_, None) => output.styled(Style::Bad, "not granted"),
    };
    let optional = if view.optional { ", can do without" } else { "" };
    let text = format!(
        "  {} {}  ({} risk{optional}): {decided}",
        plain(&view.capability),
        plain(&view.scope),
        view.risk.word()
    );
    output.folded(6, &text)?;
    output.folded(6, &format!("      {}", plain(&view.meaning)))?;
    let by = plain(&view.enforced_by);
    match view.enforced {
        Some(enforced) => output.folded(6, &format!("      {}", enforcement(enforced, &by, output))),
        None if by.is_empty() => Ok(()),
        None => output.folded(6, &format!("      {by}")),
    }
}

fn enforcement(enforced: Enforcement, why: &str, output: &Output) -> String {
    let style = if enforced == Enforcement::Fully { Style::Good } else { Style::Bad };
    let word = output.styled(style, enforced.word());
    if why.is_empty() { word } else { format!("{word}: {why}") }
}

fn confinement(info: &PluginInfo, output: &mut Output) -> std::io::Result<()> {
    output.line("")?;
    let Some(view) = &info.confinement else {
        let text = "What is enforced here is known when it runs";
        return output.folded(
            0,
            &match info.summary.state {
                PluginState::Available | PluginState::Verified | PluginState::Unloaded => {
                    format!("{text}: `padgate plugin load {}` starts it.", plain(&info.summary.name))
                }
                _ => format!("{text}."),
            },
        );
    };
    let landlock = match view.landlock {
        0 => "no Landlock".to_owned(),
        version => format!("Landlock {version}"),
    };
    let filters = count(view.filters.into(), "seccomp filter", "seccomp filters");
    let title = output.styled(Style::Heading, "confined by");
    output.line(&format!("{title} {landlock}, {filters}"))?;
    view.parts.iter().try_for_each(|part| {
        let why = part.why.as_deref().map(plain).unwrap_or_default();
        let enforced = enforcement(part.enforced, &why, output);
        output.folded(13, &format!("  {:10} {enforced}", plain(&part.name)))
    })
}

fn action(view: &ActionView, output: &mut Output) -> std::io::Result<()> {
    let held = if view.held { "  (is told of the release as well)" } else { "" };
    output.line(&format!("  {}{held}", plain(&view.name)))?;
    if !view.description.is_empty() {
        output.folded(6, &format!("      {}", plain(&view.description)))?;
    }
    view.parameters.iter().try_for_each(|parameter| output.folded(8, &parameter_line(parameter)))
}

fn parameter_line(view: &ParameterView) -> String {
    let default = match (&view.default, view.required) {
        (_, true) => ", required".to_owned(),
        (Some(default), false) => format!(", else {}", plain(default)),
        (None, false) => String::new(),
    };
    let description =
        if view.description.is_empty() { String::new() } else { format!(": {}", plain(&view.description)) };
    format!("      {} ({}{default}){description}", plain(&view.name), plain(&view.kind))
}
