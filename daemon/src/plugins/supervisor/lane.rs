//! Everything about one plugin that its lock protects: what is hosted, in which processes, and what waits.
//!
//! Two threads come here: one that has a call (with the engine's lock held, so that it must not wait nor allocate), and
//! the supervisor's own. Only the supervisor's thread starts and ends processes.

use std::sync::Arc;

use padgate_core::engine::{CallPhase, Request};
use padgate_core::ruleset::action::PluginCall;
use padgate_core::time::Time;
use padgate_plugin_host::frame::Kind;

use super::breaker::Breaker;
use super::bucket::Bucket;
use super::calls::Calls;
use super::context;
use super::host::{Host, PING_AFTER, Prepared, Stage, What};
use super::outbox::{Outbox, PingReply};
use super::poller::Poller;
use super::queue::{Entry, Put, Queue};
use super::restart::BackOff;
use super::statistics::Counters;
use super::types::{HostState, HostStatus, Hosting};
use crate::clock;
use crate::outcome::Outcome;

/// How many pings wait for one plugin. A further one is answered with an error.
pub const PINGS_MAX: usize = 16;

/// See the module.
pub(super) struct Lane {
    pub(super) name: Arc<str>,
    pub(super) slot: u32,
    /// What is to be hosted from now on, if that is new.
    pub(super) wanted: Option<Hosting>,
    pub(super) hosting: Option<Arc<Hosting>>,
    /// Takes calls, or will when it is ready.
    pub(super) current: Option<Host>,
    /// A new version that is to take over; its process is started when the old one's state is there.
    pub(super) replacing: Option<Replacing>,
    /// Processes that are being ended.
    pub(super) old: Vec<Host>,
    pub(super) calls: Calls,
    pub(super) queue: Queue,
    pub(super) rate: Bucket,
    pub(super) breaker: Breaker,
    pub(super) back_off: BackOff,
    pub(super) counters: Counters,
    /// When it is started again.
    pub(super) restart_at: Option<Time>,
    /// The next start follows a death.
    pub(super) after_death: bool,
    /// Why it is not run, and whether its host said so itself.
    pub(super) rest: Option<Rest>,
    /// Why it died last, or was not replaced.
    pub(super) reason: Option<String>,
    /// Why the version that was wanted last did not take over.
    pub(super) not_replaced: Option<String>,
    pub(super) generation: u32,
    /// What the plugin last saved.
    pub(super) saved: Vec<u8>,
    pub(super) ending: bool,
    /// It loses rights by that: it may give its state, and is killed then.
    pub(super) at_once: bool,
    /// The state was asked for before the end.
    pub(super) end_saved: bool,
    pub(super) pings: Vec<PingReply>,
    /// Found to misbehave by another thread: the generation, and why it is to be killed.
    pub(super) condemned: Option<(u32, String)>,
    /// What an event looks like on the link; kept, so that its memory is.
    pub(super) scratch: Vec<u8>,
    pub(super) events_dropped: u64,
}

/// A new version beside the running one.
pub(super) struct Replacing {
    pub(super) hosting: Arc<Hosting>,
    /// The old one gave its state, or has none to give.
    pub(super) saved: bool,
    pub(super) host: Option<Host>,
    /// It took all parameters.
    pub(super) ready: bool,
}

/// Why a plugin is not run.
pub(super) enum Rest {
    Quarantined(String),
    Unusable(String),
}

impl Lane {
    /// Of a plugin that is not hosted yet.
    pub(super) fn new(name: Arc<str>, slot: u32, counters: Counters, saved: Vec<u8>, now: Time) -> Lane {
        // Any number will do for the chance; the plugin's place makes it another one for each.
        let seed = u64::from(slot).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Lane {
            name,
            slot,
            wanted: None,
            hosting: None,
            current: None,
            replacing: None,
            old: Vec::new(),
            calls: Calls::new(),
            queue: Queue::new(),
            rate: Bucket::new(1, 1, now),
            breaker: Breaker::default(),
            back_off: BackOff::new(seed),
            counters,
            restart_at: None,
            after_death: false,
            rest: None,
            reason: None,
            not_replaced: None,
            generation: 0,
            saved,
            ending: false,
            at_once: false,
            end_saved: false,
            pings: Vec::new(),
            condemned: None,
            scratch: Vec::new(),
            events_dropped: 0,
        }
    }

    /// Takes a request: writes it to the host at once, or lets it wait. Returns whether the supervisor's thread is to be
    /// woken.
    ///
    /// # Errors
    ///
    /// With its outcome, if it is not taken.
    pub(super) fn call(
        &mut self,
        poller: &Poller,
        request: &Request,
        (call, phase): (&Arc<PluginCall>, CallPhase),
        now: Time,
    ) -> Result<bool, Outcome> {
        let known = self.calls.find(call);
        if phase == CallPhase::Release {
            // Its press was not taken, or what was pressed is gone with its host: there is nothing to let go.
            let held = known.is_some_and(|handle| self.calls.is_held(request.context.press, handle));
            if !held {
                return Err(Outcome::Done);
            }
        }
        self.unavailable()?;
        let (handle, new) = match known {
            Some(handle) => (handle, false),
            None => match self.calls.add(call) {
                Some(handle) => (handle, true),
                None => return Err(Outcome::Refused(too_many_calls(&self.name).into())),
            },
        };
        let mut entry = Entry {
            key: 0,
            id: request.id,
            handle,
            phase,
            context: request.context,
            taken: now,
            paid: phase == CallPhase::Release,
        };
        if phase != CallPhase::Release {
            self.admit(&mut entry, now)?;
        }
        if entry.paid && self.queue.is_empty() && self.is_free() && self.hand_over(entry, now) {
            let deadline =
                self.current.as_ref().and_then(|host| host.task.as_ref()).map(|task| task.deadline);
            if let Some(deadline) = deadline {
                poller.no_later(self.slot, deadline);
            }
            return Ok(false);
        }
        if self.queue.put(entry) == Put::Full {
            if phase == CallPhase::Press {
                self.calls.dropped(request.context.press, handle);
            }
            self.counters.count(|kept| &mut kept.dropped);
            return Err(Outcome::Dropped);
        }
        // A host that is busy is looked at when it is done. All else that this can wait for is time, or the parameters.
        if let Some(at) = self.queue_deadline() {
            poller.no_later(self.slot, at);
        }
        if entry.paid
            && let Some(host) = self.current.as_mut().filter(|host| host.is_idle())
        {
            host.await_writable(poller, self.slot);
        }
        Ok(new)
    }

    /// Whether a press or value may be put to the plugin now, or later.
    fn admit(&mut self, entry: &mut Entry, now: Time) -> Result<(), Outcome> {
        if let Some(host) = &self.current
            && let Prepared::Failed(why) = host.prepared(entry.handle)
        {
            let why = format!("the plugin \"{}\" did not take its parameters: {why}", self.name);
            return Err(Outcome::Failed(why.into()));
        }
        if entry.phase == CallPhase::Press && !self.calls.can_hold() {
            self.counters.count(|kept| &mut kept.dropped);
            return Err(Outcome::Dropped);
        }
        entry.paid = self.rate.take(now);
        // Of a control that moves the newest value must arrive: it waits until the rate allows it.
        if !entry.paid && entry.phase != CallPhase::Change {
            self.counters.count(|kept| &mut kept.refusals);
            let rate = self.hosting.as_ref().map_or(0, |hosting| hosting.rate);
            let why = format!(
                "the plugin \"{0}\" is called more than {rate} times a second: \
                 set a higher \"rate\" in [plugin.{0}] if that is what you want",
                self.name
            );
            return Err(Outcome::Refused(why.into()));
        }
        if entry.phase == CallPhase::Press {
            self.calls.hold(entry.context.press, entry.handle);
        }
        Ok(())
    }

    /// Why no call can be taken, if none can.
    fn unavailable(&self) -> Result<(), Outcome> {
        let why = match &self.rest {
            Some(Rest::Quarantined(why) | Rest::Unusable(why)) => why.clone(),
            None if self.ending => format!("the plugin \"{}\" is being ended", self.name),
            None if self.hosting.is_none() && self.wanted.is_none() => {
                format!("the plugin \"{0}\" is not loaded: \"padgate plugin load {0}\" loads it", self.name)
            }
            None => return Ok(()),
        };
        Err(Outcome::Unavailable(why.into()))
    }

    /// Whether the host would do a call at once.
    fn is_free(&self) -> bool {
        let waits_for_old = self.replacing.as_ref().is_some_and(|new| new.ready || !new.saved);
        let host = self.current.as_ref().filter(|host| host.is_idle() && host.ready.is_some());
        host.is_some_and(|host| host.to_prepare.is_empty()) && !waits_for_old && !self.ending
    }

    /// Writes a call to the host, which is free. Returns whether that could be done.
    pub(super) fn hand_over(&mut self, entry: Entry, now: Time) -> bool {
        let Some(host) = &mut self.current else { return false };
        if entry.phase != CallPhase::Release && *host.prepared(entry.handle) != Prepared::Taken {
            return false;
        }
        let deadline = now + host.hosting.deadline;
        let payload = context::payload(entry.phase, &entry.context, deadline);
        if host.give(Kind::Call, entry.handle, &payload, What::Call(entry), (now, deadline)).is_err() {
            return false;
        }
        host.active = now;
        host.ping_at = Some(now + PING_AFTER);
        host.share.active(now);
        match entry.phase {
            CallPhase::Press => self.calls.handed(entry.context.press, entry.handle, host.generation),
            CallPhase::Release => {
                self.calls.released(entry.context.press, entry.handle, host.generation);
            }
            CallPhase::Tap | CallPhase::Change => {}
        }
        true
    }

    /// Tells the plugin that something happened. Returns whether it will hear of it.
    pub(super) fn event(
        &mut self,
        poller: &Poller,
        (kind, time_ns): (u32, u64),
        data: &[u8],
        device: &str,
        now: Time,
    ) -> bool {
        let Some(host) = self.current.as_mut().filter(|host| host.stage == Stage::Serving) else {
            return false;
        };
        let payload = &mut self.scratch;
        payload.clear();
        payload.extend_from_slice(&time_ns.to_le_bytes());
        for part in [data, device.as_bytes()] {
            payload.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            payload.extend_from_slice(part);
        }
        let release = matches!(data, [status, _, velocity]
            if status & 0xf0 == 0x80 || (status & 0xf0 == 0x90 && *velocity == 0));
        let taken = host.post_event(poller, self.slot, kind, payload, release);
        self.events_dropped += u64::from(!taken);
        host.active = now;
        host.share.active(now);
        if host.ping_at.is_none() {
            host.ping_at = Some(now + PING_AFTER);
            poller.no_later(self.slot, now + PING_AFTER);
        }
        taken
    }

    /// When something that waits has waited too long, or may go because time has passed.
    pub(super) fn queue_deadline(&self) -> Option<Time> {
        let serving = self.current.as_ref().is_some_and(|host| host.ready.is_some());
        if !serving {
            let hosting = self.hosting.as_ref()?;
            return self.queue.oldest().map(|oldest| oldest + hosting.deadline);
        }
        let idle = self.current.as_ref().is_some_and(Host::is_idle);
        (idle && self.queue.has_unpaid()).then(|| self.rate.next())
    }

    /// The earliest time at which something is to be done without anything having happened.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        let next = self.replacing.as_ref().and_then(|replacing| replacing.host.as_ref());
        let hosts = self.current.iter().chain(next).chain(&self.old).filter_map(Host::next_deadline).min();
        let trial = match &self.rest {
            Some(Rest::Quarantined(_)) => self.breaker.open_until(),
            _ => None,
        };
        [hosts, self.restart_at, trial, self.queue_deadline()].into_iter().flatten().min()
    }

    /// The host of a generation, if there is one.
    pub(super) fn host_mut(&mut self, generation: u32) -> Option<&mut Host> {
        let next = self.replacing.as_mut().and_then(|replacing| replacing.host.as_mut());
        self.current.iter_mut().chain(next).chain(&mut self.old).find(|host| host.generation == generation)
    }

    /// Ends a request, and those that it stands for.
    pub(super) fn answer(
        &mut self,
        entry: &Entry,
        outcome: &Outcome,
        out: &mut Outbox,
        (from, to): (Time, Time),
    ) {
        self.queue.merged(entry.key, |id| out.report(id, outcome.clone(), from, to));
        out.report(entry.id, outcome.clone(), from, to);
    }

    /// Ends everything that waits: releases as done, since what they would let go is not there, all else this way.
    pub(super) fn answer_waiting(&mut self, outcome: &Outcome, out: &mut Outbox) {
        let now = clock::now();
        while let Some(entry) = self.queue.pop() {
            let release = entry.is_release();
            if release {
                self.calls.released(entry.context.press, entry.handle, 0);
            } else {
                self.calls.dropped(entry.context.press, entry.handle);
            }
            self.answer(&entry, if release { &Outcome::Done } else { outcome }, out, (now, now));
        }
    }

    /// For a reader.
    pub(super) fn status(&self) -> HostStatus {
        let host = self.current.as_ref();
        // What it will be once the supervisor's thread has seen to it.
        let rest = self.rest.as_ref().filter(|_| self.wanted.is_none());
        let state = match (rest, host) {
            (Some(Rest::Quarantined(_)), _) => HostState::Quarantined,
            (Some(Rest::Unusable(_)), _) => HostState::Unusable,
            _ if self.ending => HostState::Stopping,
            (None, Some(host)) if host.ready.is_some() => HostState::Ready,
            (None, Some(_)) => HostState::Starting,
            (None, None) if self.wanted.is_some() => HostState::Starting,
            (None, None) if self.hosting.is_some() => HostState::Restarting,
            (None, None) => HostState::Absent,
        };
        let reason = match rest {
            Some(Rest::Quarantined(why) | Rest::Unusable(why)) => Some(why.clone()),
            None => self.reason.clone(),
        };
        let against = |handle| match host.map(|host| host.prepared(handle)) {
            Some(Prepared::Failed(why)) => Some(why.to_string()),
            _ => None,
        };
        HostStatus {
            state,
            reason,
            pid: host.map(|host| host.pid),
            generation: self.generation,
            confinement: host.and_then(|host| host.confinement.clone()),
            version: host.and_then(|host| host.version.clone()),
            ready_since: host.and_then(|host| host.ready),
            restart_at: self.restart_at.or(self.breaker.open_until()),
            waiting: self.queue.len(),
            replacing: self.replacing.is_some() || (self.wanted.is_some() && host.is_some()),
            not_replaced: self.not_replaced.clone(),
            calls: self.calls.handles().map(|(handle, call)| (Arc::clone(call), against(handle))).collect(),
        }
    }
}

fn too_many_calls(name: &str) -> String {
    let most = super::calls::CALLS_MAX;
    format!(
        "the plugin \"{name}\" is called with more than {most} different parameters, which is the most there can be"
    )
}
