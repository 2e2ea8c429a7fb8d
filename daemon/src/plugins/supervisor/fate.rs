//! How hosts end, and what follows from it.

use std::sync::Arc;

use padgate_core::time::Time;
use padgate_plugin_host::ended::Ended;

use super::host::{Host, Stage, What};
use super::lane::{Lane, Replacing, Rest};
use super::outbox::Outbox;
use super::types::{Happening, Hosting, LogLevel};
use crate::outcome::Outcome;

/// How a host came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// By itself.
    Own(String),
    /// Padgate killed it, for this.
    Killed(String),
    /// Padgate killed it because it did not answer in time.
    TooSlow(String),
}

impl Death {
    fn reason(&self) -> &str {
        match self {
            Death::Own(why) | Death::Killed(why) | Death::TooSlow(why) => why,
        }
    }
}

/// A process that is to be started.
pub(super) struct Start {
    pub(super) hosting: Arc<Hosting>,
    pub(super) beside: bool,
}

impl Lane {
    /// Kills the host of `generation`, wherever it stands.
    pub(super) fn condemn(&mut self, generation: u32, death: Death, now: Time, out: &mut Outbox) {
        if let Some(mut host) = self.current.take_if(|host| host.generation == generation) {
            let task = host.task.take();
            host.kill();
            host.task = task;
            self.died(host, &death, now, out);
        } else if let Some(host) = self.host_mut(generation) {
            host.kill();
            self.replace_failed(generation, death.reason(), out);
        }
    }

    /// The host of `generation` has ended, and was reaped.
    pub(super) fn reaped(&mut self, generation: u32, ended: Ended, now: Time, out: &mut Outbox) {
        if self.old.iter().any(|host| host.generation == generation && host.is_last) {
            out.ended = Some(Vec::new());
        }
        self.old.retain(|host| host.generation != generation);
        let hung_up = self.host_mut(generation).is_some_and(|host| host.hung_up);
        let death = match ended {
            Ended::Killed(9) if hung_up => Death::Killed("it closed its link to Padgate".to_owned()),
            Ended::Exited(0) => Death::Own("it exited without having been asked to".to_owned()),
            other => Death::Own(other.to_string()),
        };
        if let Some(host) = self.current.take_if(|host| host.generation == generation) {
            self.died(host, &death, now, out);
            self.old.retain(|host| host.generation != generation);
        } else if self.replacing.as_ref().is_some_and(|new| is(new.host.as_ref(), generation)) {
            self.replace_failed(generation, death.reason(), out);
            self.old.retain(|host| host.generation != generation);
        }
    }

    /// The host that takes calls is no more. What it was doing failed; what waits, waits for its successor.
    fn died(&mut self, mut host: Host, death: &Death, now: Time, out: &mut Outbox) {
        let generation = host.generation;
        let ready = host.ready;
        let task = host.task.take();
        self.old.push(host);
        if let Some(task) = task
            && let What::Call(entry) = task.what
        {
            self.counters.executed(now.since(task.sent), super::log::unix_ms(), true);
            let outcome = Outcome::Failed(self.failure(death, Lane::doing(entry.phase)).into());
            self.answer(&entry, &outcome, out, (task.sent, now));
        }
        self.answer_pings(&Err(format!("the plugin \"{}\" died: {}", self.name, death.reason())), out);
        self.calls.lost(generation);
        self.drop_orphans(now, out);
        out.ended = Some(Vec::new());
        if self.ending {
            return;
        }
        self.counters.count(|kept| match death {
            Death::Own(_) | Death::Killed(_) => &mut kept.crashes,
            Death::TooSlow(_) => &mut kept.timeouts,
        });
        out.counted = true;
        let reason = death.reason().to_owned();
        self.reason = Some(reason.clone());
        let killed = !matches!(death, Death::Own(_));
        let line = format!("{}: {reason}", if killed { "was killed" } else { "died" });
        out.happened(LogLevel::Error, line, Happening::Died { generation, killed, reason });
        self.after(now, ready, out);
    }

    /// No process could be started, for want of something that there may be later.
    pub(super) fn not_started(&mut self, why: &str, now: Time, out: &mut Outbox) {
        self.reason = Some(why.to_owned());
        let reason = why.to_owned();
        let generation = self.generation;
        out.happened(LogLevel::Error, reason.clone(), Happening::Died { generation, killed: false, reason });
        self.after(now, None, out);
    }

    /// What comes after a death.
    fn after(&mut self, now: Time, ready: Option<Time>, out: &mut Outbox) {
        self.after_death = true;
        if let Some(replacing) = &mut self.replacing {
            // The new version was to take over anyway, and has nothing to wait for any more.
            replacing.saved = true;
            if replacing.ready {
                self.take_over(now, out);
            }
            return;
        }
        match self.breaker.died(now) {
            Some(until) => self.quarantine(until, out),
            None => {
                let after = self.back_off.died(now, ready);
                self.restart_at = Some(now + after);
                out.happenings.push(Happening::Restarting { after });
            }
        }
    }

    fn quarantine(&mut self, until: Time, out: &mut Outbox) {
        let last = self.reason.as_deref().unwrap_or("nobody knows why");
        let reason = format!(
            "the plugin \"{0}\" died again and again, so that it is left alone for {1} minutes; the last time, {last}: \
             \"padgate plugin logs {0}\" shows more, and \"padgate plugin reload {0}\" starts it again",
            self.name,
            super::HALF_OPEN_AFTER.as_secs() / 60,
        );
        self.restart_at = None;
        self.rest = Some(Rest::Quarantined(reason.clone()));
        self.answer_waiting(&Outcome::Unavailable(reason.clone().into()), out);
        out.happened(LogLevel::Error, reason.clone(), Happening::Quarantined { reason, until });
    }

    /// The plugin can't be run by the host of `generation`.
    pub(super) fn unfit(&mut self, generation: u32, why: &str, out: &mut Outbox) {
        if self.replacing.as_ref().is_some_and(|new| is(new.host.as_ref(), generation)) {
            return self.replace_failed(generation, why, out);
        }
        if let Some(mut host) = self.current.take_if(|host| host.generation == generation) {
            host.kill();
            self.old.push(host);
            out.ended = Some(Vec::new());
            self.unusable(why, out);
        }
    }

    /// It is not tried again until somebody wants it.
    pub(super) fn unusable(&mut self, why: &str, out: &mut Outbox) {
        let reason = format!("the plugin \"{}\" can't be run: {why}", self.name);
        self.restart_at = None;
        self.rest = Some(Rest::Unusable(reason.clone()));
        self.answer_pings(&Err(reason.clone()), out);
        self.answer_waiting(&Outcome::Unavailable(reason.clone().into()), out);
        out.happened(LogLevel::Error, reason.clone(), Happening::Unusable { reason });
    }

    /// The new version can't take over. The old one goes on; if there is none, it is started again.
    pub(super) fn replace_failed(&mut self, generation: u32, why: &str, out: &mut Outbox) {
        let Some(new) = self.replacing.take_if(|new| match &new.host {
            Some(host) => host.generation == generation,
            None => generation == 0,
        }) else {
            return;
        };
        if let Some(mut host) = new.host {
            host.kill();
            self.old.push(host);
        }
        let reason = format!("the new version of the plugin \"{}\" can't take over: {why}", self.name);
        self.reason = Some(reason.clone());
        self.not_replaced = Some(reason.clone());
        out.happened(LogLevel::Error, reason.clone(), Happening::ReplaceFailed { reason });
    }

    /// Releases that wait, and whose press is gone with its host, have nothing to do any more.
    pub(super) fn drop_orphans(&mut self, now: Time, out: &mut Outbox) {
        loop {
            let calls = &self.calls;
            let orphan = self
                .queue
                .take(|entry| entry.is_release() && !calls.is_held(entry.context.press, entry.handle));
            let Some(entry) = orphan else { return };
            self.answer(&entry, &Outcome::Done, out, (now, now));
        }
    }

    fn failure(&self, death: &Death, doing: &str) -> String {
        let name = &self.name;
        match death {
            Death::TooSlow(why) => {
                format!(
                    "the plugin \"{name}\" was stopped: {why}; \"padgate plugin logs {name}\" may say what it did"
                )
            }
            Death::Own(why) => format!(
                "the plugin \"{name}\" died while it handled {doing}: {why}; \"padgate plugin logs {name}\" shows more"
            ),
            Death::Killed(why) => {
                format!("the plugin \"{name}\" was killed: {why}; \"padgate plugin logs {name}\" shows more")
            }
        }
    }

    /// What is to be hosted, or whether anything is, has changed: does what follows from that at once.
    pub(super) fn take_wishes(&mut self, now: Time, out: &mut Outbox) {
        if let Some((generation, why)) = self.condemned.take() {
            self.condemn(generation, Death::Killed(why), now, out);
        }
        if self.ending {
            self.begin_end(now, out);
        }
        if self.ending {
            return;
        }
        let Some(hosting) = self.wanted.take() else { return };
        self.breaker.reset();
        self.back_off.reset();
        (self.rest, self.restart_at, self.not_replaced) = (None, None, None);
        let hosting = Arc::new(hosting);
        if let Some(Replacing { host: Some(mut host), .. }) = self.replacing.take() {
            host.kill();
            self.old.push(host);
        }
        match &self.current {
            Some(host) if host.ready.is_some() => {
                self.replacing = Some(Replacing { hosting, saved: false, host: None, ready: false });
            }
            // What is not ready yet has nothing that could be kept.
            other => {
                if other.is_some()
                    && let Some(mut host) = self.current.take()
                {
                    host.kill();
                    self.calls.lost(host.generation);
                    self.old.push(host);
                    out.ended = Some(Vec::new());
                }
                self.adopt(hosting, now);
            }
        }
    }

    /// Ends what waits and what is not ready; the rest ends when it has given its state.
    fn begin_end(&mut self, now: Time, out: &mut Outbox) {
        let why = format!("the plugin \"{}\" is being ended", self.name);
        self.answer_waiting(&Outcome::Unavailable(why.clone().into()), out);
        self.answer_pings(&Err(why), out);
        if let Some(Replacing { host: Some(mut host), .. }) = self.replacing.take() {
            host.kill();
            self.old.push(host);
        }
        (self.restart_at, self.rest) = (None, None);
        if self.at_once {
            self.cut_off(now, out);
        }
        if self.current.as_ref().is_some_and(|host| host.ready.is_none()) {
            self.retire_current(now);
        }
        if self.current.is_none() && self.old.is_empty() {
            (self.ending, self.end_saved, self.at_once) = (false, false, false);
            self.reason = None;
            if self.hosting.take().is_some() {
                out.happened(LogLevel::Info, "ended".to_owned(), Happening::Ended);
            }
        }
    }

    /// What runs is not waited for by somebody who takes rights back; neither is the orderly end of an older process.
    fn cut_off(&mut self, now: Time, out: &mut Outbox) {
        for old in self.old.iter_mut().filter(|old| old.stage == Stage::Stopping) {
            old.kill();
        }
        let busy = |host: &&Host| {
            host.task.as_ref().is_some_and(|task| matches!(task.what, What::Call(_) | What::Prepare(_)))
        };
        if let Some(generation) = self.current.as_ref().filter(busy).map(|host| host.generation) {
            let why = "what it was granted was taken back".to_owned();
            self.condemn(generation, Death::Killed(why), now, out);
        }
    }

    /// The process that is to be started now, if one is.
    pub(super) fn to_start(&self, now: Time) -> Option<Start> {
        if self.ending {
            return None;
        }
        if let Some(new) = &self.replacing {
            let start = new.saved && new.host.is_none();
            return start.then(|| Start { hosting: Arc::clone(&new.hosting), beside: true });
        }
        let hosting = self.hosting.as_ref().filter(|_| self.current.is_none())?;
        let allowed = match &self.rest {
            Some(Rest::Unusable(_)) => false,
            Some(Rest::Quarantined(_)) => self.breaker.open_until().is_some_and(|until| until <= now),
            None => self.restart_at.is_none_or(|at| at <= now),
        };
        allowed.then(|| Start { hosting: Arc::clone(hosting), beside: false })
    }
}

fn is(host: Option<&Host>, generation: u32) -> bool {
    host.is_some_and(|host| host.generation == generation)
}
