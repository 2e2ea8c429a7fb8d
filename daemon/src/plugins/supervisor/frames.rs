//! What hosts send. Each frame is held against what the host was asked and how far it is; what does not fit is a reason to
//! kill it.

use std::borrow::Cow;

use padgate_core::time::Time;
use padgate_plugin_abi::{
    PADGATE_OK, PADGATE_PANICKED, PADGATE_REFUSED, PADGATE_UNAVAILABLE, PadgateStatus, STATE_BYTES_MAX,
};
use padgate_plugin_host::confinement::Confinement;
use padgate_plugin_host::frame::{Header, Kind};
use padgate_plugin_host::wire::{Reader, WireError};

use super::host::{ASKS_MAX, Host, Prepared, START_MAX, Stage, Task, What};
use super::lane::Lane;
use super::log::{clean, unix_ms};
use super::outbox::Outbox;
use super::poller::Poller;
use super::types::{Happening, LogLevel};
use super::usage::Verify;
use crate::outcome::Outcome;

/// How much of a text of a plugin is shown, in bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// What a frame leaves to be done without the plugin's lock.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing.
    Nothing,
    /// The payload is something that the plugin asks for, with this number; it is of use until then.
    Ask(u32, Time),
    /// The payload is a line for the log.
    Line(LogLevel),
    /// The host is to be killed, for this reason.
    Violation(Cow<'static, str>),
    /// It said that it can't run its plugin.
    Unfit(String),
}

impl Lane {
    /// Takes a frame of the host of `generation`.
    pub(super) fn frame(
        &mut self,
        generation: u32,
        (header, payload): (&Header, &[u8]),
        poller: &Poller,
        verify: Verify,
        now: Time,
        out: &mut Outbox,
    ) -> Left {
        let Some(host) = self.host_mut(generation) else { return Left::Nothing };
        if host.stage == Stage::Killed {
            return Left::Nothing;
        }
        // Before anything is passed over: reading what counts for nothing takes just as long.
        if !host.frames.take(now) {
            return Left::Violation("it flooded its link to Padgate with frames".into());
        }
        if header.generation != generation {
            return Left::Nothing;
        }
        // It may still say and ask something while it ends; whatever else it sends has come too late.
        if host.stage == Stage::Stopping && !matches!(header.kind, Kind::Log | Kind::Ask) {
            return Left::Nothing;
        }
        match header.kind {
            Kind::Confined => confined(host, payload, now),
            Kind::Ready => match ready(host, payload, verify) {
                Ok(()) => {
                    self.sync_calls(poller);
                    self.pump(poller, now, out);
                    Left::Nothing
                }
                Err(left) => left,
            },
            Kind::Unfit => unfit(host, payload),
            Kind::Prepared => self.prepared(generation, header, payload, (poller, now), out),
            Kind::Result => self.result(generation, header, payload, (poller, now), out),
            Kind::Ask => asked(host, header, now),
            Kind::Log => Left::Line(match header.handle {
                padgate_plugin_abi::log::PADGATE_LOG_DEBUG => LogLevel::Debug,
                padgate_plugin_abi::log::PADGATE_LOG_INFO => LogLevel::Info,
                padgate_plugin_abi::log::PADGATE_LOG_WARN => LogLevel::Warn,
                padgate_plugin_abi::log::PADGATE_LOG_ERROR => LogLevel::Error,
                _ => return Left::Violation("it sent a line of an unknown level".into()),
            }),
            Kind::Pong | Kind::State => self.told(generation, header, payload, (poller, now), out),
            Kind::Assign
            | Kind::Prepare
            | Kind::Forget
            | Kind::Call
            | Kind::Event
            | Kind::Answer
            | Kind::Ping
            | Kind::Save
            | Kind::Stop => Left::Violation("it sent a frame that only Padgate may send".into()),
        }
    }

    /// The parameters of a call were taken, or not.
    fn prepared(
        &mut self,
        generation: u32,
        header: &Header,
        payload: &[u8],
        (poller, now): (&Poller, Time),
        out: &mut Outbox,
    ) -> Left {
        let Some(host) = self.host_mut(generation) else { return Left::Nothing };
        match finish(host, header, |what| matches!(what, What::Prepare(of) if *of == header.handle)) {
            Some(_) if header.status == PADGATE_OK => host.set_prepared(header.handle, Prepared::Taken),
            Some(_) => {
                let why = words(header.status, payload);
                host.set_prepared(header.handle, Prepared::Failed(why.as_str().into()));
                if let Some(call) = self.calls.get(header.handle).cloned() {
                    let line = format!("did not take the parameters of \"{}\": {why}", call.action);
                    out.happened(LogLevel::Warn, line, Happening::Unprepared { call, why });
                }
            }
            None => {
                return Left::Violation("it sent an answer to parameters that it was not asked about".into());
            }
        }
        self.pump(poller, now, out);
        Left::Nothing
    }

    /// A call ended.
    fn result(
        &mut self,
        generation: u32,
        header: &Header,
        payload: &[u8],
        (poller, now): (&Poller, Time),
        out: &mut Outbox,
    ) -> Left {
        let Some(host) = self.host_mut(generation) else { return Left::Nothing };
        let is_it = |what: &What| matches!(what, What::Call(entry) if entry.handle == header.handle);
        let Some(Task { what: What::Call(entry), sent, .. }) = finish(host, header, is_it) else {
            return Left::Violation("it sent the result of a call that there is not".into());
        };
        host.active = now;
        let outcome = self.outcome(header.status, payload);
        if let Outcome::Failed(_) | Outcome::Unavailable(_) = outcome
            && let Some(call) = self.calls.get(entry.handle)
        {
            // What is refused is said where it is refused.
            let why = words(header.status, payload);
            out.failures.push(format!("\"{}\" failed: {why}", call.action));
        }
        self.counters.executed(now.since(sent), unix_ms(), !matches!(outcome, Outcome::Done));
        out.counted = true;
        self.answer(&entry, &outcome, out, (sent, now));
        if self.calls.has_unwanted() {
            self.sync_calls(poller);
        }
        self.pump(poller, now, out);
        Left::Nothing
    }

    fn outcome(&self, status: PadgateStatus, payload: &[u8]) -> Outcome {
        if status == PADGATE_OK {
            return Outcome::Done;
        }
        let why = words(status, payload);
        match status {
            PADGATE_REFUSED => Outcome::Refused(why.into()),
            PADGATE_UNAVAILABLE => Outcome::Unavailable(why.into()),
            PADGATE_PANICKED => {
                Outcome::Failed(format!("the plugin \"{}\" panicked: {why}", self.name).into())
            }
            _ => Outcome::Failed(format!("the plugin \"{}\" failed: {why}", self.name).into()),
        }
    }

    /// A pong, or a state.
    fn told(
        &mut self,
        generation: u32,
        header: &Header,
        payload: &[u8],
        (poller, now): (&Poller, Time),
        out: &mut Outbox,
    ) -> Left {
        let pong = header.kind == Kind::Pong;
        let Some(host) = self.host_mut(generation) else { return Left::Nothing };
        let is_it = |what: &What| match what {
            What::Ping => pong,
            What::Save => !pong,
            What::Call(_) | What::Prepare(_) => false,
        };
        let Some(task) = finish(host, header, is_it) else {
            return Left::Violation("it sent an answer to what it was not asked".into());
        };
        if pong {
            self.answer_pings(&Ok(now.since(task.sent)), out);
        } else {
            self.saved(header.status, payload, out);
        }
        self.pump(poller, now, out);
        Left::Nothing
    }

    fn saved(&mut self, status: PadgateStatus, payload: &[u8], out: &mut Outbox) {
        if status != PADGATE_OK {
            out.lines.push((LogLevel::Warn, format!("did not give its state: {}", words(status, payload))));
        } else if payload.len() > STATE_BYTES_MAX {
            let most = STATE_BYTES_MAX / 1024;
            out.lines
                .push((LogLevel::Warn, format!("its state is larger than {most} KiB, and was not kept")));
        } else if self.saved != payload {
            self.saved = payload.to_vec();
            out.save = Some(self.saved.clone());
        }
        if let Some(replacing) = &mut self.replacing {
            replacing.saved = true;
        }
    }
}

/// Ends what the host is doing, if the frame is an answer to it.
fn finish(host: &mut Host, header: &Header, is_it: impl FnOnce(&What) -> bool) -> Option<Task> {
    host.task.take_if(|task| task.number == header.number && is_it(&task.what))
}

fn confined(host: &mut Host, payload: &[u8], now: Time) -> Left {
    if host.stage != Stage::Starting {
        return Left::Violation("it said more than once how it is confined".into());
    }
    match Confinement::decode(payload) {
        Ok(confinement) => {
            host.confinement = Some(confinement);
            host.stage = Stage::Loading;
            host.stage_until = Some(now + START_MAX);
            Left::Nothing
        }
        Err(error) => Left::Violation(format!("how it says to be confined can't be read: {error}").into()),
    }
}

/// The plugin is loaded: what the kernel shows of the process must be what it said, and the library the one it was told.
fn ready(host: &mut Host, payload: &[u8], verify: Verify) -> Result<(), Left> {
    let Some(confinement) = host.confinement.as_ref().filter(|_| host.stage == Stage::Loading) else {
        return Err(Left::Violation("it said that it is ready before it was confined, or twice".into()));
    };
    let (name, version) = names(payload).map_err(|error| {
        Left::Violation(format!("what it says to have loaded can't be read: {error}").into())
    })?;
    let assigned = &host.hosting.assignment;
    if (name, version) != (&assigned.plugin, &assigned.version) {
        return Err(Left::Unfit(format!(
            "the library says to be {} {}, and its manifest {} {}",
            clean(name.as_bytes(), TEXT_BYTES_MAX),
            clean(version.as_bytes(), TEXT_BYTES_MAX),
            assigned.plugin,
            assigned.version,
        )));
    }
    verify(host.pid, confinement)
        .map_err(|why| Left::Unfit(format!("it is not confined as it says: {why}")))?;
    host.version = Some(version.to_owned());
    host.stage = Stage::Serving;
    host.stage_until = None;
    Ok(())
}

fn names(payload: &[u8]) -> Result<(&str, &str), WireError> {
    let mut from = Reader::new(payload);
    let names = (from.text()?, from.text()?);
    from.finish()?;
    Ok(names)
}

fn unfit(host: &Host, payload: &[u8]) -> Left {
    if !matches!(host.stage, Stage::Starting | Stage::Loading) {
        return Left::Violation("it said that it can't be run after it ran".into());
    }
    Left::Unfit(clean(payload, TEXT_BYTES_MAX))
}

fn asked(host: &mut Host, header: &Header, now: Time) -> Left {
    if host.stage == Stage::Starting {
        return Left::Violation("it asked for something before it was confined".into());
    }
    if host.asks >= ASKS_MAX {
        return Left::Violation(format!("it asked for more than {ASKS_MAX} things at a time").into());
    }
    host.asks += 1;
    let until = host.task.as_ref().map(|task| task.deadline).or(host.stage_until);
    Left::Ask(header.number, until.unwrap_or(now + host.hosting.deadline))
}

/// The plugin's own words for a failure, or some for it.
fn words(status: PadgateStatus, payload: &[u8]) -> String {
    match clean(payload, TEXT_BYTES_MAX) {
        text if text.is_empty() => format!("it gave no reason (status {status})"),
        text => text,
    }
}
