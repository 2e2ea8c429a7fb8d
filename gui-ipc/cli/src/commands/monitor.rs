//! `monitor`: every message and what becomes of it, as it happens.

use std::collections::BTreeMap;

use padgate_ipc::event::{DecisionKind, Event, Outcome, OutcomeKind, Record, Request, Topic};
use padgate_ipc::hello::ClockPair;
use padgate_ipc::status::ModeState;

use super::connect;
use super::show::count;
use crate::args;
use crate::exit::Code;
use crate::output::{Output, Style, moment, span};

/// How many requests are remembered until their outcome comes. The daemon keeps hardly more under way.
const PENDING_MAX: usize = 4096;

/// How many requests of one event are shown. A panic makes some for each channel of each port.
const REQUESTS_SHOWN: usize = 12;

/// `padgate monitor`: goes on until the daemon stops, or whoever reads leaves.
pub(super) fn monitor(arguments: &args::Monitor, output: &mut Output) -> anyhow::Result<Code> {
    let mut client = connect()?;
    let state = client.subscribe(&[Topic::Events, Topic::Devices, Topic::Modes, Topic::Config])?;
    let mut monitor = Monitor {
        clock: state.clock,
        modes: state.modes,
        pending: BTreeMap::new(),
        mapped_only: arguments.mapped,
    };
    loop {
        let Some(event) = client.next_event(None)? else { continue };
        if arguments.json.json {
            output.json(&event)?;
        } else {
            monitor.show(&event, output)?;
        }
        output.flush()?;
    }
}

/// What was said of a request when it was handed off, for its outcome.
struct Pending {
    action: String,
    received_ns: u64,
}

struct Monitor {
    clock: ClockPair,
    modes: ModeState,
    pending: BTreeMap<u64, Pending>,
    mapped_only: bool,
}

impl Monitor {
    fn show(&mut self, event: &Event, output: &mut Output) -> std::io::Result<()> {
        match event {
            Event::Record(record) => self.record(record, output),
            Event::Outcome(outcome) => match self.pending.remove(&outcome.request) {
                Some(request) => output.line(&ending(&request, outcome, true, output)),
                None => Ok(()),
            },
            Event::Missed { count } => {
                let text = format!("{count} events are missing here: more came than could be shown");
                output.line(&output.styled(Style::Bad, &text))
            }
            Event::Devices { devices } => {
                let states = devices.iter().map(|device| {
                    format!("{} {}", device.name, if device.connected { "connected" } else { "absent" })
                });
                let states: Vec<String> = states.collect();
                output.line(&format!("devices: {}", states.join(", ")))
            }
            Event::Modes(modes) => self.modes(modes, output),
            Event::Config(config) if config.ok => {
                output.line(&format!("configuration: {}", count(config.mappings, "mapping", "mappings")))
            }
            Event::Config(_) => output
                .line("configuration: has errors, the old one stays in force; `padgate check` shows them"),
            Event::Input(_)
            | Event::Play { .. }
            | Event::Plugins { .. }
            | Event::PluginLog { .. }
            | Event::Unknown => Ok(()),
        }
    }

    fn record(&mut self, record: &Record, output: &mut Output) -> std::io::Result<()> {
        let concerns = |kind: DecisionKind| !matches!(kind, DecisionKind::Unmapped | DecisionKind::Passed);
        let mapped = !record.requests.is_empty() || record.decisions.iter().any(|it| concerns(it.kind));
        if self.mapped_only && !mapped {
            return Ok(());
        }
        let time = moment(self.clock.unix_ms(record.received_ns), "%H:%M:%S%.3f");
        let device = record.cause.device.as_deref().unwrap_or("-");
        let cause = format!("{time}  {device}  {}", record.cause.text);
        output.line(&output.styled(Style::Heading, &cause))?;
        if record.decisions.is_empty() && record.requests.is_empty() {
            output.line("    nothing to decide")?;
        }
        for decision in &record.decisions {
            let style = if concerns(decision.kind) { None } else { Some(Style::Quiet) };
            let text =
                style.map_or_else(|| decision.text.clone(), |style| output.styled(style, &decision.text));
            output.line(&format!("    {text}"))?;
        }
        for request in record.requests.iter().take(REQUESTS_SHOWN) {
            self.request(record, request, output)?;
        }
        match record.requests.len().saturating_sub(REQUESTS_SHOWN) {
            0 => Ok(()),
            more => output.line(&format!("    … and {more} more; `--json` shows all")),
        }
    }

    /// What changed of modes and variables.
    fn modes(&mut self, modes: &ModeState, output: &mut Output) -> std::io::Result<()> {
        if modes.stack != self.modes.stack {
            let stack: Vec<&str> = modes.stack.iter().rev().map(String::as_str).collect();
            output.line(&format!("mode: {}", stack.join(", above ")))?;
        }
        for (name, value) in &modes.variables {
            if self.modes.variables.get(name) != Some(value) {
                output.line(&format!("variable: {name} = {value}"))?;
            }
        }
        self.modes.clone_from(modes);
        Ok(())
    }

    fn request(&mut self, record: &Record, request: &Request, output: &mut Output) -> std::io::Result<()> {
        let decided = span(record.decided_ns.saturating_sub(record.received_ns));
        let handed_off = span(request.handed_off_ns.saturating_sub(record.received_ns));
        let steps = output.styled(Style::Quiet, &format!("decided +{decided}, handed off +{handed_off}"));
        output.line(&format!("    → {}  {steps}", request.action))?;
        let pending = Pending { action: request.action.clone(), received_ns: record.received_ns };
        if let Some(outcome) = &request.outcome {
            // What was known at once has no steps of its own.
            return output.line(&ending(&pending, outcome, false, output));
        }
        if self.pending.len() >= PENDING_MAX {
            self.pending.pop_first();
        }
        self.pending.insert(request.id, pending);
        Ok(())
    }
}

/// How a request ended, as a line below it, or below whatever came meanwhile.
fn ending(request: &Pending, outcome: &Outcome, with_steps: bool, output: &Output) -> String {
    let style = if outcome.result == OutcomeKind::Done { Style::Good } else { Style::Bad };
    let word = output.styled(style, outcome.result.word());
    let why = outcome.message.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let steps = if with_steps {
        let after = |time: u64| span(time.saturating_sub(request.received_ns));
        format!("  started +{}, ended +{}", after(outcome.started_ns), after(outcome.done_ns))
    } else {
        String::new()
    };
    format!("      {}: {word}{why}{}", request.action, output.styled(Style::Quiet, &steps))
}
