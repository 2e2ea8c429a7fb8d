//! `status` and `devices`.

use std::time::Duration;

use padgate_ipc::method::{Empty, GetDevices, GetStatus};
use padgate_ipc::status::{Counters, Device, Direction, Status};

use super::call;
use crate::exit::Code;
use crate::output::{Output, Style, lasted, moment, span};

/// `padgate status`.
pub(super) fn status(json: bool, output: &mut Output) -> anyhow::Result<Code> {
    let status = call::<GetStatus>(&Empty {})?;
    if json {
        output.json(&status)?;
        return Ok(Code::Done);
    }
    let uptime = lasted(Duration::from_millis(status.uptime_ms));
    output.line(&format!("padgated {}, process {}, running for {uptime}", status.version, status.pid))?;
    config(&status, output)?;
    let modes: Vec<&str> = status.modes.stack.iter().rev().map(String::as_str).collect();
    output.line(&format!("mode       {}", modes.join(", above ")))?;
    let variables: Vec<String> =
        status.modes.variables.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    field("variables", &variables, output)?;
    field("held", &status.held, output)?;
    if status.running > 0 {
        output.line(&format!("running    {}", count(status.running, "sequence", "sequences")))?;
    }
    if !status.devices.is_empty() {
        output.line("")?;
        device_table(&status.devices, output)?;
    }
    if !status.backends.is_empty() {
        output.line("")?;
        let rows = status.backends.iter().map(|backend| {
            let works = if backend.available { "works" } else { "does not work" };
            vec![
                backend.name.clone(),
                backend.by.clone(),
                works.into(),
                backend.note.clone().unwrap_or_default(),
            ]
        });
        let rows = rows.collect();
        output.table(&["action", "by", "", ""], rows)?;
    }
    output.line("")?;
    counters(&status.counters, output)?;
    for hint in &status.hints {
        output.line("")?;
        output.line(&format!("{} {hint}", output.styled(Style::Heading, "→")))?;
    }
    Ok(Code::Done)
}

fn config(status: &Status, output: &mut Output) -> anyhow::Result<()> {
    let config = &status.config;
    let mappings = count(config.mappings, "mapping", "mappings");
    let state = if config.ok {
        mappings
    } else {
        let bad = output.styled(Style::Bad, "has errors: `padgate check` shows them");
        format!("{bad}; the last good one is in force, with {mappings}")
    };
    let read =
        config.loaded_unix_ms.map_or_else(String::new, |at| format!(", read {}", moment(at, "%H:%M:%S")));
    output.line(&format!("config     {} ({state}{read})", config.path))?;
    Ok(())
}

fn field(name: &str, values: &[String], output: &mut Output) -> anyhow::Result<()> {
    if !values.is_empty() {
        output.line(&format!("{name:10} {}", values.join(", ")))?;
    }
    Ok(())
}

fn counters(counters: &Counters, output: &mut Output) -> anyhow::Result<()> {
    let mut line = format!(
        "{} in, {}: {} done",
        counters.inputs,
        count(counters.requests, "action", "actions"),
        counters.done
    );
    let bad = [
        (counters.failed, "failed"),
        (counters.unavailable, "unavailable"),
        (counters.refused, "refused"),
        (counters.dropped, "dropped"),
    ];
    for (number, what) in bad.into_iter().filter(|(number, _)| *number > 0) {
        line += &format!(", {number} {what}");
    }
    output.line(&line)?;
    let rows: Vec<Vec<String>> = counters
        .latencies
        .iter()
        .filter(|latency| latency.count > 0)
        .map(|latency| {
            let times = [latency.mean_ns, latency.p50_ns, latency.p99_ns, latency.max_ns];
            let mut row = vec![latency.step.clone(), latency.count.to_string()];
            row.extend(times.map(span));
            row
        })
        .collect();
    if !rows.is_empty() {
        output.line("")?;
        output.table(&["step", "count", "mean", "p50", "p99", "max"], rows)?;
    }
    Ok(())
}

/// `padgate devices`.
pub(super) fn devices(json: bool, output: &mut Output) -> anyhow::Result<Code> {
    let list = call::<GetDevices>(&Empty {})?;
    if json {
        output.json(&list)?;
        return Ok(Code::Done);
    }
    if list.devices.is_empty() {
        output.line(
            "no devices are configured: add [device.NAME] with a port from this list to the configuration",
        )?;
    } else {
        device_table(&list.devices, output)?;
    }
    output.line("")?;
    if list.ports.is_empty() {
        output.line("there are no MIDI ports: plug something in")?;
        return Ok(Code::Done);
    }
    let rows = list.ports.iter().map(|port| {
        let direction = match port.direction {
            Direction::Input => "in",
            Direction::Output => "out",
            Direction::Unknown => "?",
        };
        let optional = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![port.name.clone(), direction.into(), optional(&port.device), optional(&port.usb)]
    });
    let rows = rows.collect();
    output.table(&["port", "", "device", "usb"], rows)?;
    Ok(Code::Done)
}

fn device_table(devices: &[Device], output: &mut Output) -> anyhow::Result<()> {
    let rows = devices.iter().map(|device| {
        let state = if device.connected { "connected" } else { "absent" };
        let port = device.input.clone().or_else(|| device.output.clone());
        let pattern = || device.input_pattern.clone().or_else(|| device.output_pattern.clone());
        let port = port.or_else(|| pattern().map(|pattern| format!("(waits for {pattern})")));
        vec![
            device.name.clone(),
            state.to_owned(),
            port.unwrap_or_default(),
            device.received.to_string(),
            device.sent.to_string(),
            device.note.clone().unwrap_or_default(),
        ]
    });
    let rows = rows.collect();
    output.table(&["device", "", "port", "in", "out", ""], rows)?;
    Ok(())
}

/// So many of something.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
