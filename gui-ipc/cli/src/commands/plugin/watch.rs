//! `plugin stats`, `plugin logs` and `audit`.

use padgate_ipc::event::{Event, Topic};
use padgate_ipc::method;
use padgate_ipc::plugin::{AnyPluginParams, AuditParams, LogLine, LogSource, LogsParams, StatsView};

use super::super::{call, connect};
use super::size;
use crate::args::plugin::{Audit, Logs, MaybeNamed};
use crate::exit::Code;
use crate::output::{Column, Output, Style, moment, plain, span};

/// The columns of statistics, with what goes first where there is no room.
const COLUMNS: &[Column] = &[
    Column::always("plugin"),
    Column::always("calls"),
    Column::always("failed"),
    Column::dropped("refused", 6),
    Column::dropped("timeouts", 7),
    Column::dropped("crashes", 8),
    Column::dropped("restarts", 4),
    Column::dropped("mean", 5),
    Column::dropped("p50", 3),
    Column::dropped("p99", 9),
    Column::dropped("max", 7),
    Column::dropped("cpu", 2),
    Column::dropped("memory", 6),
    Column::dropped("waiting", 1),
    Column::dropped("last", 4),
];

/// `padgate plugin stats`.
pub(super) fn stats(arguments: &MaybeNamed, output: &mut Output) -> anyhow::Result<Code> {
    let list = call::<method::PluginStats>(&AnyPluginParams { plugin: arguments.name.clone() })?;
    if arguments.json.json {
        output.json(&list)?;
    } else if list.plugins.is_empty() {
        output.line("there are no plugins, and so no figures")?;
    } else {
        output.columns(COLUMNS, list.plugins.iter().map(row).collect())?;
    }
    Ok(Code::Done)
}

fn row(stats: &StatsView) -> Vec<String> {
    let time = |us: u64| if stats.executions == 0 { String::new() } else { span(us.saturating_mul(1000)) };
    let last = stats.last_execution_unix_ms.map(|at| moment(at, "%Y-%m-%d %H:%M:%S"));
    vec![
        plain(&stats.plugin),
        stats.executions.to_string(),
        stats.failures.to_string(),
        stats.refusals.to_string(),
        stats.timeouts.to_string(),
        stats.crashes.to_string(),
        stats.restarts.to_string(),
        time(stats.mean_us),
        time(stats.p50_us),
        time(stats.p99_us),
        time(stats.max_us),
        span(stats.cpu_ms.saturating_mul(1_000_000)),
        stats.rss_bytes.map(size).unwrap_or_default(),
        stats.queue.to_string(),
        last.unwrap_or_else(|| "never".to_owned()),
    ]
}

/// `padgate plugin logs`: the end of the log, and what comes if wanted.
pub(super) fn logs(arguments: &Logs, output: &mut Output) -> anyhow::Result<Code> {
    let mut client = connect()?;
    if arguments.follow {
        // Before the log is read, so that no line falls between.
        client.subscribe(&[Topic::PluginLog])?;
    }
    let params = LogsParams { plugin: arguments.name.clone(), lines: arguments.lines };
    let log = client.call::<method::PluginLogs>(&params)?;
    if !arguments.follow {
        if arguments.json.json {
            output.json(&log)?;
        } else {
            log.lines.iter().try_for_each(|line| show(line, output))?;
        }
        return Ok(Code::Done);
    }
    let mut last = log.lines.iter().map(|line| line.sequence).max().unwrap_or(0);
    for line in log.lines {
        follow(&log.plugin, line, arguments.json.json, output)?;
    }
    output.flush()?;
    loop {
        match client.next_event(None)? {
            // Those that came while the log was read are in both.
            Some(Event::PluginLog { plugin, line })
                if plugin == log.plugin && (line.sequence == 0 || line.sequence > last) =>
            {
                last = last.max(line.sequence);
                follow(&plugin, line, arguments.json.json, output)?;
            }
            Some(event @ Event::Missed { count }) => {
                let text =
                    format!("{count} lines of plugins are missing here: more came than could be shown");
                if arguments.json.json {
                    output.json(&event)?;
                } else {
                    output.line(&output.styled(Style::Bad, &text))?;
                }
            }
            _ => continue,
        }
        output.flush()?;
    }
}

fn follow(plugin: &str, line: LogLine, json: bool, output: &mut Output) -> std::io::Result<()> {
    if json {
        return output.json(&Event::PluginLog { plugin: plugin.to_owned(), line });
    }
    show(&line, output)
}

fn show(line: &LogLine, output: &mut Output) -> std::io::Result<()> {
    let source = match line.source {
        LogSource::Plugin => "",
        LogSource::Output => "output: ",
        LogSource::Padgate => "padgate: ",
        LogSource::Unknown => "?: ",
    };
    let level = format!("{:5}", plain(&line.level));
    let level = match line.level.as_str() {
        "error" | "warn" => output.styled(Style::Bad, &level),
        "debug" | "trace" => output.styled(Style::Quiet, &level),
        _ => level,
    };
    let time = moment(line.unix_ms, "%m-%d %H:%M:%S%.3f");
    output.line(&format!("{time}  {level}  {source}{}", plain(&line.text)))
}

/// `padgate audit`.
pub(super) fn audit(arguments: &Audit, output: &mut Output) -> anyhow::Result<Code> {
    let params = AuditParams { plugin: arguments.name.clone(), entries: arguments.number };
    let list = call::<method::Audit>(&params)?;
    if arguments.json.json {
        output.json(&list)?;
        return Ok(Code::Done);
    }
    if list.entries.is_empty() && arguments.number > 0 {
        let of = arguments.name.as_ref().map(|name| format!(" about {}", plain(name)));
        output.line(&format!("nothing is written down{} yet", of.unwrap_or_default()))?;
    }
    for entry in &list.entries {
        let time = moment(entry.unix_ms, "%Y-%m-%d %H:%M:%S");
        let event = output.styled(Style::Heading, &format!("{:9}", plain(&entry.event)));
        let plugin = entry.plugin.as_ref().map(|plugin| format!("{}: ", plain(plugin)));
        output
            .folded(4, &format!("{time}  {event}  {}{}", plugin.unwrap_or_default(), plain(&entry.text)))?;
    }
    Ok(Code::Done)
}
