//! A client that waits for what happens, with a deadline, and tells what happened instead if that does not come.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use padgate_ipc::client::Client;
use padgate_ipc::control::ControlSpec;
use padgate_ipc::event::{DecisionKind, Event, Outcome, OutcomeKind, Record, Topic};
use padgate_ipc::method::{GetStatus, Method, Press, PressParams, PressPhase, Subscribe, SubscribeParams};
use padgate_ipc::status::Status;

use crate::DEADLINE;

/// After so long at the most [`Watch::until`] looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A subscribed client. Events are kept, so that the order in which a test asks does not matter.
#[derive(Debug)]
pub struct Watch {
    /// Calls go through here too; what comes meanwhile is kept.
    pub client: Client,
    events: Vec<Event>,
    /// Events before this one were asked for already by [`Watch::next`].
    seen: usize,
    deadline: Duration,
}

impl Watch {
    /// Subscribes to everything but the input for recordings and the logs of plugins.
    ///
    /// # Errors
    ///
    /// If the daemon refuses.
    pub fn new(mut client: Client) -> Result<Watch> {
        let topics = vec![Topic::Events, Topic::Devices, Topic::Modes, Topic::Config, Topic::Plugins];
        client.call::<Subscribe>(&SubscribeParams { topics })?;
        Ok(Watch { client, events: Vec::new(), seen: 0, deadline: DEADLINE })
    }

    /// Calls a method.
    ///
    /// # Errors
    ///
    /// If the daemon refuses it or is gone.
    pub fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Result> {
        Ok(self.client.call::<M>(params)?)
    }

    /// Waits until the device is connected.
    ///
    /// # Errors
    ///
    /// If it is not in time.
    pub fn connected(&mut self, device: &str) -> Result<()> {
        let is_connected = |devices: &[padgate_ipc::status::Device]| {
            devices.iter().any(|known| known.name == device && known.connected)
        };
        if is_connected(&self.status()?.devices) {
            return Ok(());
        }
        self.next(&format!("{device} to be connected"), |event| match event {
            Event::Devices { devices } if is_connected(devices) => Some(()),
            _ => None,
        })
    }

    /// The daemon's status now.
    ///
    /// # Errors
    ///
    /// If it does not answer.
    pub fn status(&mut self) -> Result<Status> {
        self.call::<GetStatus>(&padgate_ipc::method::Empty {})
    }

    /// Taps, presses or releases a control of a device, with the default velocity.
    ///
    /// # Errors
    ///
    /// If the daemon refuses.
    pub fn press(&mut self, device: &str, control: &str, phase: PressPhase) -> Result<()> {
        self.send(PressParams { phase, ..params(device, control)? })
    }

    /// Taps a control and keeps it down for so long.
    ///
    /// # Errors
    ///
    /// If the daemon refuses.
    pub fn hold(&mut self, device: &str, control: &str, milliseconds: u64) -> Result<()> {
        self.send(PressParams { hold_ms: milliseconds, ..params(device, control)? })
    }

    /// Moves a control to a value.
    ///
    /// # Errors
    ///
    /// If the daemon refuses.
    pub fn turn(&mut self, device: &str, control: &str, value: u16) -> Result<()> {
        self.send(PressParams { value: Some(value), ..params(device, control)? })
    }

    /// Puts bytes in as if the device had sent them.
    ///
    /// # Errors
    ///
    /// If the daemon refuses.
    pub fn midi(&mut self, device: &str, hexadecimal: &str) -> Result<()> {
        let midi = Some(hexadecimal.to_owned());
        self.send(PressParams { device: Some(device.to_owned()), midi, ..PressParams::default() })
    }

    fn send(&mut self, params: PressParams) -> Result<()> {
        self.call::<Press>(&params)?;
        Ok(())
    }

    /// Waits for the first event, of those that no earlier call went past, in which `find` finds something; what came
    /// before it is gone past.
    ///
    /// # Errors
    ///
    /// If it does not come in time, with `what` was waited for and what came instead.
    pub fn next<T>(&mut self, what: &str, mut find: impl FnMut(&Event) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + self.deadline;
        let first = self.seen;
        loop {
            while let Some(event) = self.events.get(self.seen) {
                self.seen += 1;
                if let Some(found) = find(event) {
                    return Ok(found);
                }
            }
            if !self.receive(deadline)? {
                let instead: Vec<String> = self.events[first..].iter().map(describe).collect();
                bail!("waited for {what}; what came instead:\n  {}", instead.join("\n  "));
            }
        }
    }

    /// Waits for the next time that the mapping of this name fires.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub fn fired(&mut self, mapping: &str) -> Result<Record> {
        self.decided(mapping, DecisionKind::Fired)
    }

    /// Waits for the next decision of this kind about the mapping of this name.
    ///
    /// # Errors
    ///
    /// If it does not come.
    pub fn decided(&mut self, mapping: &str, kind: DecisionKind) -> Result<Record> {
        self.next(&format!("{kind:?} of the mapping {mapping:?}"), |event| match event {
            Event::Record(record) => record
                .decisions
                .iter()
                .any(|decision| {
                    decision.kind == kind && decision.mapping.as_ref().is_some_and(|of| of.name == mapping)
                })
                .then(|| record.clone()),
            _ => None,
        })
    }

    /// Waits for the next record in which there is a request whose description has `part` in it; gives its outcome.
    ///
    /// # Errors
    ///
    /// If there is none, or it does not end.
    pub fn outcome_of(&mut self, part: &str) -> Result<Outcome> {
        let what = format!("a request like {part:?}");
        let request = self.next(&what, |event| match event {
            Event::Record(record) => {
                record.requests.iter().find(|request| request.action.contains(part)).cloned()
            }
            _ => None,
        })?;
        match request.outcome {
            Some(outcome) => Ok(outcome),
            None => self.outcome(request.id),
        }
    }

    /// Waits for the outcome of a request, wherever it stands among the events.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub fn outcome(&mut self, request: u64) -> Result<Outcome> {
        let deadline = Instant::now() + self.deadline;
        let mut at = 0;
        loop {
            while let Some(event) = self.events.get(at) {
                at += 1;
                if let Some(outcome) = outcome_in(event, request) {
                    return Ok(outcome);
                }
            }
            if !self.receive(deadline)? {
                bail!("request {request} did not end");
            }
        }
    }

    /// Waits until the mapping of this name has fired and all that it asked for in that record is done.
    ///
    /// # Errors
    ///
    /// If it does not fire, or something is not done.
    pub fn done(&mut self, mapping: &str) -> Result<Record> {
        let record = self.fired(mapping)?;
        for request in &record.requests {
            let outcome = match &request.outcome {
                Some(outcome) => outcome.clone(),
                None => self.outcome(request.id)?,
            };
            if outcome.result != OutcomeKind::Done {
                bail!(
                    "{}: {} ({})",
                    request.action,
                    outcome.result.word(),
                    outcome.message.unwrap_or_default()
                );
            }
        }
        Ok(record)
    }

    /// All records so far, those that were gone past too.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.events.iter().filter_map(|event| match event {
            Event::Record(record) => Some(record),
            _ => None,
        })
    }

    /// Waits until `look` finds something. It looks again after each event, and now and then, because not everything
    /// that can be asked for is told by an event.
    ///
    /// # Errors
    ///
    /// If it finds nothing in time, or fails.
    pub fn until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&mut Watch) -> Result<Option<T>>,
    ) -> Result<T> {
        let deadline = Instant::now() + self.deadline;
        loop {
            if let Some(found) = look(self)? {
                return Ok(found);
            }
            if Instant::now() >= deadline {
                bail!("waited for {what}");
            }
            if let Some(event) = self.client.next_event(Some(LOOK_AGAIN))? {
                self.events.push(event);
            }
        }
    }

    /// Takes one more event in; false if none came before the deadline.
    fn receive(&mut self, deadline: Instant) -> Result<bool> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        if let Some(event) = self.client.next_event(Some(left))? {
            self.events.push(event);
        }
        Ok(true)
    }
}

fn params(device: &str, control: &str) -> Result<PressParams> {
    let control: ControlSpec = control.parse()?;
    Ok(PressParams { device: Some(device.to_owned()), control: Some(control), ..PressParams::default() })
}

fn outcome_in(event: &Event, id: u64) -> Option<Outcome> {
    match event {
        Event::Outcome(outcome) if outcome.request == id => Some(outcome.clone()),
        Event::Record(record) => record
            .requests
            .iter()
            .find(|request| request.id == id)
            .and_then(|request| request.outcome.clone()),
        _ => None,
    }
}

/// An event on a line or a few.
fn describe(event: &Event) -> String {
    match event {
        Event::Record(record) => {
            let mut text = format!("{}: {}", record.cause.kind, record.cause.text);
            for decision in &record.decisions {
                text += &format!("\n    {}", decision.text);
            }
            for request in &record.requests {
                text += &format!("\n    -> {}", request.action);
            }
            text
        }
        other => format!("{other:?}"),
    }
}
