//! What is to be done because time has passed.

use std::time::Duration;

use padgate_core::time::Time;
use padgate_plugin_abi::PADGATE_EVENT_TIMER;

use super::fate::Death;
use super::host::{Host, PING_AFTER, PING_MAX, PREPARE_MAX, SAVE_MAX, START_MAX, Stage, What};
use super::lane::Lane;
use super::outbox::Outbox;
use super::poller::{Poller, Ready};
use crate::clock;
use crate::outcome::Outcome;

impl Lane {
    /// Does all that is due.
    pub(super) fn due(&mut self, poller: &Poller, now: Time, out: &mut Outbox) {
        let slot = self.slot;
        for host in &mut self.old {
            let overdue = host.stage_until.is_some_and(|until| until <= now);
            if host.stage == Stage::Stopping && overdue {
                host.kill();
            }
            resume_output(host, poller, slot, now);
        }
        let next = self.replacing.as_ref().and_then(|new| new.host.as_ref());
        let generations = [self.current.as_ref(), next].map(|host| host.map(|host| host.generation));
        for generation in generations.into_iter().flatten() {
            if let Some(death) = self.host_due(generation, poller, now, out) {
                let saving = matches!(&death, Death::Killed(why) if why.is_empty());
                if saving && self.ending {
                    self.retire_current(now);
                } else {
                    self.condemn(generation, death, now, out);
                }
            }
        }
        self.expire(now, out);
        self.pump(poller, now, out);
    }

    /// What is due of one host. Returns why it is to be killed, if it is.
    fn host_due(&mut self, generation: u32, poller: &Poller, now: Time, out: &mut Outbox) -> Option<Death> {
        let (slot, ending) = (self.slot, self.ending);
        let host = self.host_mut(generation)?;
        if let Some(task) = host.task.as_ref().filter(|task| task.deadline <= now) {
            return Some(match &task.what {
                What::Call(_) => Death::TooSlow(format!("it took longer than {:?}", host.hosting.deadline)),
                What::Prepare(_) => Death::TooSlow(format!(
                    "it took longer than {PREPARE_MAX:?} over the parameters of a call"
                )),
                What::Save if ending => Death::Killed(String::new()),
                What::Save => Death::TooSlow(format!("it did not give its state within {SAVE_MAX:?}")),
                What::Ping => Death::TooSlow(format!("it was idle, and did not answer within {PING_MAX:?}")),
            });
        }
        if host.stage_until.is_some_and(|until| until <= now) {
            return Some(Death::TooSlow(match host.stage {
                Stage::Starting => format!("it had not confined itself after {START_MAX:?}"),
                _ => format!("it had not loaded its plugin after {START_MAX:?}"),
            }));
        }
        if let Some(at) = host.timer.take_if(|at| *at <= now) {
            let mut payload = clock::to_system(at).to_le_bytes().to_vec();
            payload.extend([0; 8]);
            host.post_event(poller, slot, PADGATE_EVENT_TIMER, &payload, false);
            host.active = now;
            host.share.active(now);
            host.ping_at = host.ping_at.or(Some(now + PING_AFTER));
        }
        if host.ping_at.is_some_and(|at| at <= now) {
            let quiet = host.active + PING_AFTER;
            if quiet > now {
                host.ping_at = Some(quiet);
            } else if host.is_idle() && host.ready.is_some() {
                let times = (now, now + PING_MAX);
                host.ping_at = None;
                let kind = padgate_plugin_host::frame::Kind::Ping;
                // A host that can't even be written to is busy with what it was sent before.
                if host.give(kind, 0, &[], What::Ping, times).is_err() {
                    host.ping_at = Some(now + PING_AFTER);
                }
            } else {
                host.ping_at = Some(now + PING_AFTER);
            }
        }
        resume_output(host, poller, slot, now);
        if host.share.next() <= now {
            return self.look(generation, now, out);
        }
        None
    }

    /// Looks at the processor time of a host. Returns why it is to be killed, if it is.
    fn look(&mut self, generation: u32, now: Time, out: &mut Outbox) -> Option<Death> {
        let host = self.host_mut(generation)?;
        let (new, used) = host.look().unwrap_or_default();
        let share = host.share.look(now, used);
        let allowed = host.hosting.cpu;
        self.count_cpu(new, out);
        share.map(|share| {
            Death::Killed(format!(
                "it used {share}% of a processor for more than {} s, and may use {allowed}%",
                super::usage::OVER_SHARE_FOR.as_secs()
            ))
        })
    }

    /// Adds processor time to what is counted.
    pub(super) fn count_cpu(&mut self, new: Duration, out: &mut Outbox) {
        let ms = u64::try_from(new.as_millis()).unwrap_or(u64::MAX);
        if ms > 0 {
            self.counters.kept.cpu_ms = self.counters.kept.cpu_ms.saturating_add(ms);
            self.counters.changed = true;
            out.counted = true;
        }
    }

    /// What waited for a host that was not ready in time fails.
    fn expire(&mut self, now: Time, out: &mut Outbox) {
        let serving = self.current.as_ref().is_some_and(|host| host.ready.is_some());
        let Some(hosting) = self.hosting.clone().filter(|_| !serving) else { return };
        while let Some(entry) =
            self.queue.take(|entry| !entry.is_release() && entry.taken + hosting.deadline <= now)
        {
            self.calls.dropped(entry.context.press, entry.handle);
            let why = match &self.reason {
                Some(reason) => format!(": {reason}"),
                None => String::new(),
            };
            let why = format!(
                "the plugin \"{0}\" was not ready within {1:?}{why}; \"padgate plugin info {0}\" shows how it is",
                self.name, hosting.deadline
            );
            self.answer(&entry, &Outcome::Failed(why.into()), out, (now, now));
        }
        self.drop_orphans(now, out);
    }
}

fn resume_output(host: &mut Host, poller: &Poller, slot: u32, now: Time) {
    if host.output_paused.take_if(|until| *until <= now).is_some()
        && let Some(output) = &host.output
        && let Err(error) = poller.add(output, Ready::Output(slot, host.generation))
    {
        tracing::warn!("can't wait for what a plugin prints: {error}");
    }
}
