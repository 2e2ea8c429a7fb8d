//! What a host is given next, when it has nothing to do.

use std::sync::Arc;
use std::time::Duration;

use padgate_core::engine::CallPhase;
use padgate_core::time::Time;
use padgate_plugin_host::frame::{Header, Kind};
use padgate_plugin_host::wire::Writer;

use super::host::{Host, PING_MAX, PREPARE_MAX, Prepared, SAVE_MAX, Stage, What};
use super::lane::{Lane, Replacing};
use super::outbox::Outbox;
use super::poller::Poller;
use super::types::{Happening, LogLevel};
use crate::outcome::Outcome;

impl Lane {
    /// Gives the hosts what is next for them, until they are busy or nothing is left.
    pub(super) fn pump(&mut self, poller: &Poller, now: Time, out: &mut Outbox) {
        self.pump_next(now, out);
        while self.pump_current(poller, now, out) {}
        // What could not be written although nothing else is under way goes out when the host has read.
        let next = self.replacing.as_mut().and_then(|replacing| replacing.host.as_mut());
        for host in self.current.iter_mut().chain(next) {
            if host.is_idle() && (!host.to_prepare.is_empty() || !self.pings.is_empty()) {
                host.await_writable(poller, self.slot);
            }
        }
    }

    /// Returns whether there may be more to do at once.
    fn pump_current(&mut self, poller: &Poller, now: Time, out: &mut Outbox) -> bool {
        let Some(host) = self.current.as_mut().filter(|host| host.is_idle()) else { return false };
        if self.ending {
            return self.pump_end(now);
        }
        match &mut self.replacing {
            Some(replacing) if replacing.ready => {
                self.take_over(now, out);
                return true;
            }
            Some(replacing) if !replacing.saved && replacing.host.is_none() => {
                if host.give(Kind::Save, 0, &[], What::Save, (now, now + SAVE_MAX)).is_err() {
                    // It can't be asked; the new version gets what was saved before.
                    replacing.saved = true;
                }
                return false;
            }
            _ => {}
        }
        if prepare_next(&self.calls, host, now) {
            return false;
        }
        if host.ready.is_none() {
            host.ready = Some(now);
            let took = now.since(host.started);
            let generation = host.generation;
            out.happened(
                LogLevel::Info,
                format!("ready after {:.1} ms", took.as_secs_f64() * 1e3),
                Happening::Ready { generation, took },
            );
            return true;
        }
        if !self.pings.is_empty() {
            let _ = host.give(Kind::Ping, 0, &[], What::Ping, (now, now + PING_MAX));
            return false;
        }
        self.pump_queue(poller, now, out)
    }

    /// Hands over the first that waits and may go.
    fn pump_queue(&mut self, poller: &Poller, now: Time, out: &mut Outbox) -> bool {
        let rate = &mut self.rate;
        let first = self.queue.take(|entry| {
            entry.paid = entry.paid || rate.take(now);
            entry.paid
        });
        let (Some(entry), Some(host)) = (first, &self.current) else { return false };
        let (press, handle) = (entry.context.press, entry.handle);
        if entry.is_release() && !self.calls.is_with(press, handle, host.generation) {
            self.calls.released(press, handle, host.generation);
            self.answer(&entry, &Outcome::Done, out, (now, now));
            return true;
        }
        if let Prepared::Failed(why) = host.prepared(handle)
            && !entry.is_release()
        {
            let why = format!("the plugin \"{}\" did not take its parameters: {why}", self.name);
            self.calls.dropped(press, handle);
            self.answer(&entry, &Outcome::Failed(why.into()), out, (now, now));
            return true;
        }
        if self.hand_over(entry, now) {
            return false;
        }
        self.queue.put_back(entry);
        if let Some(host) = &mut self.current {
            host.await_writable(poller, self.slot);
        }
        false
    }

    fn pump_end(&mut self, now: Time) -> bool {
        let Some(host) = &mut self.current else { return false };
        if !self.end_saved && host.ready.is_some() {
            self.end_saved = true;
            if host.give(Kind::Save, 0, &[], What::Save, (now, now + SAVE_MAX)).is_ok() {
                return false;
            }
        }
        self.retire_current(now);
        false
    }

    /// Prepares the new version, and finds out when it can take over.
    fn pump_next(&mut self, now: Time, out: &mut Outbox) {
        let Some(Replacing { host: Some(host), ready, .. }) = &mut self.replacing else { return };
        if !host.is_idle() || *ready || prepare_next(&self.calls, host, now) {
            return;
        }
        host.ready = Some(now);
        *ready = true;
        // With no running version left there is nothing to wait for.
        if self.current.is_none() {
            self.take_over(now, out);
        }
    }

    /// The new version gets the calls from now on, and the old one ends.
    pub(super) fn take_over(&mut self, now: Time, out: &mut Outbox) {
        let Some(Replacing { hosting, host: Some(mut host), .. }) = self.replacing.take() else { return };
        if let Some(mut old) = self.current.take() {
            self.calls.lost(old.generation);
            old.stop(now);
            self.old.push(old);
        }
        out.ended = Some(std::mem::take(&mut host.listens));
        let (generation, took) = (host.generation, now.since(host.started));
        self.adopt(hosting, now);
        self.reason = None;
        self.current = Some(host);
        out.happened(
            LogLevel::Info,
            format!("a new version took over, {took:?} after its start"),
            Happening::Replaced { generation },
        );
    }

    /// From now on this is what is hosted.
    pub(super) fn adopt(&mut self, hosting: Arc<super::types::Hosting>, now: Time) {
        let same_rate = self.hosting.as_ref().is_some_and(|old| old.rate == hosting.rate);
        if !same_rate {
            self.rate = super::bucket::Bucket::new(hosting.rate, hosting.rate, now);
        }
        self.hosting = Some(hosting);
    }

    /// The hosts learn which calls there are now, and which there are no longer.
    pub(super) fn sync_calls(&mut self, poller: &Poller) {
        let (queue, current) = (&self.queue, &self.current);
        let running = |host: &Host, handle| {
            host.task.as_ref().is_some_and(|task| match &task.what {
                What::Call(entry) => entry.handle == handle,
                What::Prepare(of) => *of == handle,
                What::Save | What::Ping => false,
            })
        };
        let next = self.replacing.as_ref().and_then(|replacing| replacing.host.as_ref());
        let in_use =
            |handle| queue.uses(handle) || current.iter().chain(next).any(|host| running(host, handle));
        let forgotten = self.calls.sweep(in_use);
        let slot = self.slot;
        let next = self.replacing.as_mut().and_then(|replacing| replacing.host.as_mut());
        for host in self.current.iter_mut().chain(next).filter(|host| host.stage == Stage::Serving) {
            for handle in &forgotten {
                host.to_prepare.retain(|waiting| waiting != handle);
                if *host.prepared(*handle) == Prepared::Taken {
                    let header = Header { handle: *handle, ..Header::new(Kind::Forget, host.generation) };
                    if let Err(why) = host.post(poller, slot, header, &[], None) {
                        self.condemned = Some((host.generation, why));
                    }
                }
                host.set_prepared(*handle, Prepared::Unasked);
            }
            for (handle, _) in self.calls.handles() {
                let asked = host.to_prepare.contains(&handle) || running(host, handle);
                if *host.prepared(handle) == Prepared::Unasked && !asked {
                    host.to_prepare.push_back(handle);
                }
            }
        }
    }

    /// Ends the running host in an orderly way: what it holds is its own until it is gone.
    pub(super) fn retire_current(&mut self, now: Time) {
        if let Some(mut host) = self.current.take() {
            self.calls.lost(host.generation);
            if self.at_once {
                host.kill();
            } else {
                host.stop(now);
            }
            host.is_last = true;
            self.old.push(host);
        }
    }

    /// Answers all that wait for a ping.
    pub(super) fn answer_pings(&mut self, answer: &Result<Duration, String>, out: &mut Outbox) {
        out.pings.extend(self.pings.drain(..).map(|reply| (reply, answer.clone())));
    }

    /// What the phase of a running call says of it, for a sentence.
    pub(super) fn doing(entry_phase: CallPhase) -> &'static str {
        match entry_phase {
            CallPhase::Tap | CallPhase::Press => "a press",
            CallPhase::Release => "a release",
            CallPhase::Change => "a change",
        }
    }
}

/// Gives an idle host the next parameters. Returns whether there were any.
fn prepare_next(calls: &super::calls::Calls, host: &mut Host, now: Time) -> bool {
    while let Some(handle) = host.to_prepare.pop_front() {
        let Some(call) = calls.get(handle) else { continue };
        let mut payload = Writer::new();
        payload.text(&call.action).text(&call.parameters);
        let payload = payload.finish();
        let times = (now, now + PREPARE_MAX);
        match host.give(Kind::Prepare, handle, &payload, What::Prepare(handle), times) {
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
                let why = "its parameters are too long: 48 KiB are the most".into();
                host.set_prepared(handle, Prepared::Failed(why));
                continue;
            }
            Err(_) => host.to_prepare.push_front(handle),
            Ok(()) => {}
        }
        return true;
    }
    false
}
