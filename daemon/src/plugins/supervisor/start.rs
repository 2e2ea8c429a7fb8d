//! Starting a process for a plugin, and telling it what to run.

use std::io;
use std::sync::Arc;

use padgate_core::time::Time;
use padgate_plugin_host::frame::{Header, Kind};
use padgate_plugin_host::launch::{self, Launched};
use rustix::process::{Resource, getrlimit, setrlimit};

use super::fate::{Death, Start};
use super::host::Host;
use super::lane::{Lane, Rest};
use super::outbox::Outbox;
use super::poller::Poller;
use super::reactor::{Reactor, reason};
use super::types::{Happening, LogLevel};
use crate::lock::lock;

impl Reactor {
    /// Starts the process that a plugin needs now, if it still does. The lock is not held while the kernel works.
    pub(super) fn start(&mut self, slot: u32) {
        let Some(plugin) = self.core.in_slot(slot) else { return };
        let now = crate::clock::now();
        let wanted = {
            let mut lane = lock(&plugin.lane);
            let Some(start) = lane.to_start(now) else { return };
            lane.generation += 1;
            start
        };
        let launched = launch(&self.core.setup.program);
        let program = self.core.setup.program.display().to_string();
        self.with(slot, |lane, core, now, out| {
            let launched = match launched {
                Ok(launched) => launched,
                Err(error) => {
                    let why = reason(&format!("its process could not be started from {program}"), &error);
                    return lane.start_failed(&wanted, &error, &why, now, out);
                }
            };
            lane.started(&core.poller, launched, wanted, now, out);
        });
    }
}

/// Starts a process; if descriptors have run out, with as many as this process may have.
fn launch(program: &std::path::Path) -> io::Result<Launched> {
    let result = launch::launch(program);
    match &result {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
            let mut limit = getrlimit(Resource::Nofile);
            if limit.current == limit.maximum {
                return result;
            }
            limit.current = limit.maximum;
            setrlimit(Resource::Nofile, limit)?;
            launch::launch(program)
        }
        _ => result,
    }
}

impl Lane {
    /// A process was started for `start`; it is told what to run, or killed if nobody wants it any more.
    fn started(&mut self, poller: &Poller, launched: Launched, start: Start, now: Time, out: &mut Outbox) {
        let (slot, generation) = (self.slot, self.generation);
        let Start { hosting, beside } = start;
        let mut host = Host::new(launched, Arc::clone(&hosting), generation, now);
        let registered = host.register(poller, slot);
        let still = self
            .to_start(now)
            .is_some_and(|wanted| wanted.beside == beside && Arc::ptr_eq(&wanted.hosting, &hosting));
        if !still {
            host.kill();
            self.old.push(host);
            return;
        }
        let mut assignment = hosting.assignment.clone();
        if assignment.state.is_empty() {
            assignment.state.clone_from(&self.saved);
        }
        let told =
            registered.and_then(|()| host.send(&Header::new(Kind::Assign, generation), &assignment.encode()));
        let pid = host.pid;
        match (beside, &mut self.replacing) {
            (true, Some(replacing)) => replacing.host = Some(host),
            _ => {
                if matches!(self.rest, Some(Rest::Quarantined(_))) {
                    self.breaker.allows(now);
                    self.rest = None;
                }
                self.restart_at = None;
                if std::mem::take(&mut self.after_death) {
                    self.counters.count(|kept| &mut kept.restarts);
                    out.counted = true;
                }
                self.current = Some(host);
            }
        }
        out.happened(
            LogLevel::Debug,
            format!("started as process {pid}"),
            Happening::Starting { generation },
        );
        if let Err(error) = told {
            let why = reason("it could not be told what to run", &error);
            match error.kind() {
                // The grants or the state are larger than a frame, and will be the next time.
                io::ErrorKind::InvalidInput => self.unfit(generation, &why, out),
                _ => self.condemn(generation, Death::Killed(why), now, out),
            }
        }
    }

    /// No process could be started for `start`.
    fn start_failed(&mut self, start: &Start, error: &io::Error, why: &str, now: Time, out: &mut Outbox) {
        if start.beside {
            return self.replace_failed(0, why, out);
        }
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => self.unusable(why, out),
            // The system is short of something: later there may be enough.
            _ => self.not_started(why, now, out),
        }
    }

    /// Whether no process is left.
    pub(super) fn is_empty(&self) -> bool {
        let beside = self.replacing.as_ref().is_some_and(|new| new.host.is_some());
        self.current.is_none() && self.old.is_empty() && !beside
    }

    /// Kills all processes; what they were doing is answered.
    pub(super) fn kill_all(&mut self, now: Time, out: &mut Outbox) {
        if let Some(generation) = self.current.as_ref().map(|host| host.generation) {
            self.condemn(generation, Death::Killed("Padgate is stopping".to_owned()), now, out);
        }
        self.old.iter_mut().for_each(Host::kill);
    }
}
