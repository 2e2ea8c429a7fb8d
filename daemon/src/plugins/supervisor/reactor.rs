//! The supervisor's one thread: sleeps until a host says something, prints something or ends, until a deadline is over, or
//! until somebody wakes it; and does what follows. It never waits for anything else.
//!
//! No plugin is before another: of each only so much is read in a round, and one process is started in a round.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use padgate_core::time::Time;
use padgate_plugin_host::frame::{FRAME_BYTES_MAX, HEADER_BYTES, decode};

use super::asks::{self, Asker};
use super::core::{Core, OWN_SLOT, Plugin};
use super::fate::Death;
use super::frames::Left;
use super::lane::Lane;
use super::log::clean;
use super::outbox::Outbox;
use super::poller::Ready;
use super::types::{LogLevel, LogSource};
use crate::clock;
use crate::lock::lock;

/// How many frames of one host are taken in a round.
const FRAMES_PER_ROUND: usize = 32;
/// How many frames of a host that has ended are taken: more than fit into its socket.
const LAST_FRAMES: usize = 4096;
/// How much of what one host prints is taken in a round, in bytes; and when it has ended.
const PRINTED_PER_ROUND: usize = 16 * 1024;
const LAST_PRINTED: usize = 256 * 1024;
/// For how long the pipe of a host that prints too much is not read.
const PRINT_PAUSE: Duration = Duration::from_millis(250);
/// How long all plugins together have to end when the daemon stops. Then they are killed.
pub const SHUTDOWN_MAX: Duration = Duration::from_millis(500);
/// How long killed processes may take to be gone.
const REAP_MAX: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Reactor {
    pub(super) core: Arc<Core>,
    buffer: Vec<u8>,
    pub(super) out: Outbox,
    /// Slots in which a process is to be started.
    starts: VecDeque<u32>,
    /// While the daemon stops: when plugins are killed, and then, when they are left.
    stop_at: Option<Time>,
    killed: bool,
}

impl Reactor {
    pub(super) fn new(core: Arc<Core>) -> Reactor {
        Reactor {
            core,
            buffer: vec![0; FRAME_BYTES_MAX],
            out: Outbox::default(),
            starts: VecDeque::new(),
            stop_at: None,
            killed: false,
        }
    }

    /// Runs until the daemon stops.
    pub(super) fn run(mut self) {
        let mut ready = Vec::new();
        let mut slots = Vec::new();
        loop {
            self.core.poller.wait(!self.starts.is_empty(), &mut ready);
            for what in &ready {
                match *what {
                    Ready::Woken => {
                        self.core.take_dirty(&mut slots);
                        if self.core.is_stopping() && self.stop_at.is_none() {
                            self.begin_stop(&mut slots);
                        }
                        for slot in slots.drain(..) {
                            self.with(slot, |lane, core, now, out| {
                                lane.take_wishes(now, out);
                                lane.sync_calls(&core.poller);
                                lane.pump(&core.poller, now, out);
                            });
                        }
                    }
                    Ready::Time => {
                        let now = clock::now();
                        // All are taken out before the first is looked at, so that one can't keep the others waiting.
                        slots.extend(std::iter::from_fn(|| self.core.poller.due(now)));
                        for slot in slots.drain(..) {
                            match slot {
                                OWN_SLOT => self.own_deadline(),
                                _ => {
                                    _ = self
                                        .with(slot, |lane, core, now, out| lane.due(&core.poller, now, out))
                                }
                            }
                        }
                    }
                    Ready::Link(slot, generation) => self.link(slot, generation),
                    Ready::Output(slot, generation) => self.output(slot, generation, PRINTED_PER_ROUND),
                    Ready::Death(slot, generation) => self.death(slot, generation),
                }
            }
            if let Some(slot) = self.starts.pop_front() {
                self.start(slot);
            }
            if self.is_done() {
                return;
            }
        }
    }

    /// Does something with a plugin under its lock, and afterwards what that leaves to be done without it.
    pub(super) fn with<R>(
        &mut self,
        slot: u32,
        work: impl FnOnce(&mut Lane, &Core, Time, &mut Outbox) -> R,
    ) -> Option<R> {
        let plugin = self.core.in_slot(slot)?;
        let now = clock::now();
        let mut lane = lock(&plugin.lane);
        let result = work(&mut lane, &self.core, now, &mut self.out);
        self.settle(&mut lane, now);
        drop(lane);
        self.deliver(&plugin, now);
        Some(result)
    }

    /// Before the lock is given back: ends what is to end, and notes when to look again.
    fn settle(&mut self, lane: &mut Lane, now: Time) {
        if lane.ending || lane.condemned.is_some() {
            lane.take_wishes(now, &mut self.out);
        }
        if lane.to_start(now).is_some() && !self.starts.contains(&lane.slot) {
            self.starts.push_back(lane.slot);
        }
        self.core.poller.set(lane.slot, lane.next_deadline());
    }

    /// Says and does what has gathered, with no lock held.
    fn deliver(&mut self, plugin: &Plugin, now: Time) {
        let (core, out) = (&self.core, &mut self.out);
        if let Some(listens) = out.ended.take() {
            asks::ended(core, plugin, &listens);
        }
        for report in out.reports.drain(..) {
            core.setup.reports.report(report);
        }
        for (level, text) in out.lines.drain(..) {
            lock(&plugin.log).padgate(&core.files, level, &text);
        }
        for text in out.failures.drain(..) {
            lock(&plugin.log).plugin(&core.files, now, LogLevel::Warn, LogSource::Padgate, text.as_bytes());
        }
        for what in out.happenings.drain(..) {
            core.setup.watch.changed(plugin.id, what);
        }
        for (reply, answer) in out.pings.drain(..) {
            reply(answer);
        }
        if let Some(state) = out.save.take() {
            core.files.replace(&core.state_path(&plugin.name), state);
        }
        if std::mem::take(&mut out.counted) && self.stop_at.is_none() {
            core.save_statistics_later(now);
        }
    }

    /// A link can be read, or written.
    fn link(&mut self, slot: u32, generation: u32) {
        for _ in 0..FRAMES_PER_ROUND {
            if !self.frame(slot, generation, true) {
                return;
            }
        }
    }

    /// Takes one frame. Returns whether there may be another.
    fn frame(&mut self, slot: u32, generation: u32, alive: bool) -> bool {
        let mut buffer = std::mem::take(&mut self.buffer);
        let taken = self.with(slot, |lane, core, now, out| {
            if lane.host_mut(generation)?.flush(&core.poller, slot) {
                lane.pump(&core.poller, now, out);
            }
            let host = lane.host_mut(generation)?;
            let length = match host.receive(&mut buffer) {
                Ok(Some(length)) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    let why = "it sent a frame that is larger than any may be".into();
                    return Some((Left::Violation(why), 0));
                }
                Ok(None) | Err(_) => {
                    host.hang_up();
                    return None;
                }
            };
            let left = match decode(&buffer[..length]) {
                Ok((header, payload)) => {
                    lane.frame(generation, (&header, payload), &core.poller, core.verify, now, out)
                }
                Err(error) => Left::Violation(format!("it sent something that is no frame: {error}").into()),
            };
            Some((left, length))
        });
        let more = match taken.flatten() {
            None => false,
            Some((left, length)) => self.finish(slot, generation, left, &buffer[..length], alive),
        };
        self.buffer = buffer;
        more
    }

    /// Does what a frame left to be done without the lock. Returns whether the host lives on.
    fn finish(&mut self, slot: u32, generation: u32, left: Left, frame: &[u8], alive: bool) -> bool {
        let payload = frame.get(HEADER_BYTES..).unwrap_or_default();
        let violation = match left {
            Left::Nothing => return true,
            Left::Line(level) => {
                if let Some(plugin) = self.core.in_slot(slot) {
                    let mut log = lock(&plugin.log);
                    log.plugin(&self.core.files, clock::now(), level, LogSource::Plugin, payload);
                }
                return true;
            }
            Left::Ask(number, until) => {
                let plugin = self.core.in_slot(slot).filter(|_| alive);
                let asker = Asker { generation, number, until };
                match plugin.map(|plugin| asks::serve(&self.core, &plugin, asker, payload)) {
                    Some(Err(error)) => format!("it asked for something that there is not: {error}").into(),
                    Some(Ok(())) | None => return true,
                }
            }
            Left::Violation(why) => why,
            Left::Unfit(why) => {
                self.with(slot, |lane, _, _, out| lane.unfit(generation, &why, out));
                return false;
            }
        };
        let death = Death::Killed(violation.into_owned());
        self.with(slot, |lane, _, now, out| lane.condemn(generation, death, now, out));
        false
    }

    /// Takes what a host printed.
    fn output(&mut self, slot: u32, generation: u32, most: usize) {
        let mut left = most;
        let mut more = true;
        let Some(plugin) = self.core.in_slot(slot) else { return };
        while more && left > 0 {
            let buffer = &mut self.buffer;
            let mut lane = lock(&plugin.lane);
            let Some(host) = lane.host_mut(generation) else { return };
            let Some(output) = &host.output else { return };
            let room = buffer.len().min(left);
            let length = match rustix::io::retry_on_intr(|| rustix::io::read(output, &mut buffer[..room])) {
                Ok(length) if length > 0 => length,
                Err(rustix::io::Errno::AGAIN) => return,
                Ok(_) | Err(_) => {
                    host.output = None;
                    drop(lane);
                    lock(&plugin.log).end_line(&self.core.files, clock::now());
                    return;
                }
            };
            let now = clock::now();
            let kib = u32::try_from(length.div_ceil(1024)).unwrap_or(u32::MAX);
            if !host.printed.drain(kib, now) && host.output_paused.is_none() {
                self.core.poller.remove(output);
                host.output_paused = Some(now + PRINT_PAUSE);
                self.core.poller.no_later(slot, now + PRINT_PAUSE);
                more = false;
            }
            drop(lane);
            lock(&plugin.log).printed(&self.core.files, now, &self.buffer[..length]);
            left -= length;
        }
    }

    /// A host has ended: what it said before comes first.
    fn death(&mut self, slot: u32, generation: u32) {
        let mut last = LAST_FRAMES;
        while last > 0 && self.frame(slot, generation, false) {
            last -= 1;
        }
        self.output(slot, generation, LAST_PRINTED);
        if let Some(plugin) = self.core.in_slot(slot) {
            lock(&plugin.log).end_line(&self.core.files, clock::now());
        }
        self.with(slot, |lane, core, now, out| {
            let Some(host) = lane.host_mut(generation) else { return };
            let new = host.look().map(|(new, _)| new).unwrap_or_default();
            let Some(ended) = host.reap() else { return };
            lane.count_cpu(new, out);
            lane.reaped(generation, ended, now, out);
            lane.pump(&core.poller, now, out);
        });
    }

    fn own_deadline(&mut self) {
        match self.stop_at {
            None => self.core.save_statistics(),
            Some(_) => self.kill_all(),
        }
    }

    fn begin_stop(&mut self, slots: &mut Vec<u32>) {
        let at = clock::now() + SHUTDOWN_MAX;
        self.stop_at = Some(at);
        self.core.poller.set(OWN_SLOT, Some(at));
        slots.clear();
        for plugin in self.core.all() {
            let mut lane = lock(&plugin.lane);
            (lane.wanted, lane.ending) = (None, true);
            slots.push(plugin.slot);
        }
    }

    fn kill_all(&mut self) {
        if self.killed {
            self.stop_at = Some(Time::ZERO);
            return;
        }
        self.killed = true;
        for plugin in self.core.all() {
            self.with(plugin.slot, |lane, _, now, out| lane.kill_all(now, out));
        }
        self.core.poller.set(OWN_SLOT, Some(clock::now() + REAP_MAX));
    }

    /// Whether the daemon stops, and no process is left, or none that can be helped.
    fn is_done(&mut self) -> bool {
        let Some(at) = self.stop_at else { return false };
        let is_empty = |plugin: &Arc<Plugin>| lock(&plugin.lane).is_empty();
        let done = at == Time::ZERO || self.core.all().iter().all(is_empty);
        if done {
            self.core.save_statistics();
        }
        done
    }
}

/// An error of the system as a reason.
pub(super) fn reason(what: &str, error: &io::Error) -> String {
    clean(format!("{what}: {error}").as_bytes(), 1024)
}
