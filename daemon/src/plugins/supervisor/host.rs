//! One host process, of one generation: its descriptors, what it is doing, and what is to be written to it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use padgate_core::time::Time;
use padgate_plugin_host::confinement::Confinement;
use padgate_plugin_host::frame::{Header, Kind};
use padgate_plugin_host::launch::{self, Launched};
use padgate_plugin_host::link;

use super::bucket::Bucket;
use super::outgoing::Outgoing;
use super::poller::{Poller, Ready};
use super::queue::Entry;
use super::types::Hosting;
use super::usage::{Share, used};

/// How long a host may take to confine itself, and again to load its plugin.
pub const START_MAX: Duration = Duration::from_secs(2);
/// How long a plugin may take over the parameters of one call.
pub const PREPARE_MAX: Duration = Duration::from_secs(2);
/// How long a plugin may take to give its state.
pub const SAVE_MAX: Duration = Duration::from_millis(200);
/// How long a plugin may take to end. Then it is killed.
pub const STOP_MAX: Duration = Duration::from_millis(200);
/// How long an idle plugin may take to answer a ping. Then it counts as hung.
pub const PING_MAX: Duration = Duration::from_secs(1);
/// A plugin that was called, or told something, is pinged when it had nothing to do for this long.
pub const PING_AFTER: Duration = Duration::from_secs(5);
/// How many things a plugin can have asked for at a time. One that asks for more is killed.
pub const ASKS_MAX: usize = 64;
/// How many frames a second a host can send, and how many at once after a rest. One that sends more is killed.
const FRAMES_PER_SECOND: u32 = 10_000;
const FRAMES_BURST: u32 = 20_000;
/// How much a second a host can print, and how much at once, in KiB. The pipe of one that prints more is not read for a
/// while, so that it waits.
const PRINTED_PER_SECOND: u32 = 1024;
const PRINTED_BURST: u32 = 4096;

/// How far a host is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// It was told what to run, and confines itself.
    Starting,
    /// It is confined, and loads the plugin.
    Loading,
    /// It takes frames.
    Serving,
    /// It was asked to end.
    Stopping,
    /// It was killed, and has not been reaped.
    Killed,
}

/// What a host is doing, one thing at a time.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) number: u32,
    pub(super) sent: Time,
    pub(super) deadline: Time,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Call(Entry),
    Prepare(u32),
    Save,
    Ping,
}

/// What a plugin said to the parameters of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Prepared {
    #[default]
    Unasked,
    Taken,
    Failed(Arc<str>),
}

/// See the module.
pub(super) struct Host {
    pub(super) generation: u32,
    pub(super) hosting: Arc<Hosting>,
    pub(super) pid: u32,
    pidfd: OwnedFd,
    /// `None` when there is nothing more to say to it.
    pub(super) link: Option<OwnedFd>,
    pub(super) output: Option<OwnedFd>,
    pub(super) output_paused: Option<Time>,
    pub(super) printed: Bucket,
    pub(super) stage: Stage,
    /// When it must have left this stage.
    pub(super) stage_until: Option<Time>,
    pub(super) task: Option<Task>,
    pub(super) started: Time,
    /// When it had taken all parameters.
    pub(super) ready: Option<Time>,
    pub(super) confinement: Option<Confinement>,
    pub(super) version: Option<String>,
    pub(super) prepared: Vec<Prepared>,
    pub(super) to_prepare: VecDeque<u32>,
    pub(super) outgoing: VecDeque<Outgoing>,
    /// Whether it is told when the link can be written.
    pub(super) awaits: bool,
    /// How much of `outgoing` is events.
    pub(super) events: usize,
    /// What it asked for, and has no answer to on its link yet.
    pub(super) asks: usize,
    pub(super) frames: Bucket,
    pub(super) timer: Option<Time>,
    pub(super) active: Time,
    pub(super) ping_at: Option<Time>,
    pub(super) share: Share,
    /// Processor time that the statistics know of.
    counted: Duration,
    /// Devices that it listens to since before it took over.
    pub(super) listens: Vec<String>,
    /// What the brokers hold for the plugin is released when this one is reaped.
    pub(super) is_last: bool,
    /// It closed its end of the link, and was killed for that.
    pub(super) hung_up: bool,
    next_number: u32,
}

impl Host {
    /// A host that was launched a moment ago.
    pub(super) fn new(launched: Launched, hosting: Arc<Hosting>, generation: u32, now: Time) -> Host {
        let Launched { pid, pidfd, link, output } = launched;
        let share = Share::new(u32::from(hosting.cpu), now);
        Host {
            generation,
            hosting,
            pid,
            pidfd,
            link: Some(link),
            output: Some(output),
            output_paused: None,
            printed: Bucket::new(PRINTED_PER_SECOND, PRINTED_BURST, now),
            stage: Stage::Starting,
            stage_until: Some(now + START_MAX),
            task: None,
            started: now,
            ready: None,
            confinement: None,
            version: None,
            prepared: Vec::new(),
            to_prepare: VecDeque::new(),
            outgoing: VecDeque::new(),
            awaits: false,
            events: 0,
            asks: 0,
            frames: Bucket::new(FRAMES_PER_SECOND, FRAMES_BURST, now),
            timer: None,
            active: now,
            ping_at: None,
            share,
            counted: Duration::ZERO,
            listens: Vec::new(),
            is_last: false,
            hung_up: false,
            next_number: 0,
        }
    }

    /// Has its descriptors waited for.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub(super) fn register(&self, poller: &Poller, slot: u32) -> io::Result<()> {
        poller.add(&self.pidfd, Ready::Death(slot, self.generation))?;
        if let Some(link) = &self.link {
            poller.add(link, Ready::Link(slot, self.generation))?;
        }
        if let Some(output) = &self.output {
            poller.add(output, Ready::Output(slot, self.generation))?;
        }
        Ok(())
    }

    /// Whether it can be given something to do.
    pub(super) fn is_idle(&self) -> bool {
        self.stage == Stage::Serving && self.task.is_none() && self.outgoing.is_empty() && self.link.is_some()
    }

    fn number(&mut self) -> u32 {
        self.next_number = self.next_number.wrapping_add(1);
        self.next_number
    }

    /// What the plugin said to the parameters of a call.
    pub(super) fn prepared(&self, handle: u32) -> &Prepared {
        self.prepared.get(handle as usize).unwrap_or(&Prepared::Unasked)
    }

    /// Notes what it said.
    pub(super) fn set_prepared(&mut self, handle: u32, what: Prepared) {
        let index = handle as usize;
        if self.prepared.len() <= index {
            self.prepared.resize(index + 1, Prepared::Unasked);
        }
        self.prepared[index] = what;
    }

    /// Writes a frame at once, or not at all. Only for a host that is idle.
    ///
    /// # Errors
    ///
    /// If it can't be written now, or ever.
    pub(super) fn send(&mut self, header: &Header, payload: &[u8]) -> io::Result<()> {
        let link = self.link.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        link::send(link.as_fd(), header, payload, None)
    }

    /// Gives it something to do that must be over at `deadline`.
    ///
    /// # Errors
    ///
    /// If the frame can't be written now.
    pub(super) fn give(
        &mut self,
        kind: Kind,
        handle: u32,
        payload: &[u8],
        what: What,
        (now, deadline): (Time, Time),
    ) -> io::Result<()> {
        let number = self.number();
        self.send(&Header { number, handle, ..Header::new(kind, self.generation) }, payload)?;
        self.task = Some(Task { number, sent: now, deadline, what });
        Ok(())
    }

    /// Receives one datagram.
    ///
    /// # Errors
    ///
    /// As [`link::receive`]; a link that was closed here has nothing more.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let link = self.link.as_ref().ok_or(io::ErrorKind::WouldBlock)?;
        link::receive(link.as_fd(), buffer)
    }

    /// Asks it to end, and kills it if it has not at the end of the time for that.
    pub(super) fn stop(&mut self, now: Time) {
        let told = self.send(&Header::new(Kind::Stop, self.generation), &[]);
        self.stage = Stage::Stopping;
        self.stage_until = Some(now + STOP_MAX);
        (self.task, self.timer, self.ping_at) = (None, None, None);
        (self.outgoing, self.events) = (VecDeque::new(), 0);
        if told.is_err() {
            self.kill();
        }
    }

    /// Kills it, whatever it does. Its death is heard of later.
    pub(super) fn kill(&mut self) {
        self.signal();
        self.stage = Stage::Killed;
        (self.stage_until, self.task, self.timer, self.ping_at) = (None, None, None, None);
        (self.outgoing, self.events) = (VecDeque::new(), 0);
        self.link = None;
    }

    fn signal(&self) {
        if let Err(error) = launch::kill(self.pidfd.as_fd()) {
            tracing::error!("can't kill the process {} of a plugin: {error}", self.pid);
        }
    }

    /// It closed its end: no frames any more, and its death is to follow.
    pub(super) fn hang_up(&mut self) {
        self.hung_up = true;
        self.link = None;
        (self.outgoing, self.events) = (VecDeque::new(), 0);
        self.signal();
    }

    /// How it ended; `None` if it runs.
    pub(super) fn reap(&self) -> Option<padgate_plugin_host::ended::Ended> {
        launch::kill_left_over(self.pidfd.as_fd(), self.pid);
        launch::reap(self.pidfd.as_fd()).unwrap_or_else(|error| {
            tracing::error!("can't learn how the process {} of a plugin ended: {error}", self.pid);
            None
        })
    }

    /// Reads the processor time it used; what is new since the last look, and all of it.
    pub(super) fn look(&mut self) -> Option<(Duration, Duration)> {
        let used = used(self.pid)?.cpu;
        let new = used.saturating_sub(self.counted);
        self.counted = used;
        Some((new, used))
    }

    /// The earliest of its deadlines.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        let share = (self.stage != Stage::Killed).then(|| self.share.next());
        let task = self.task.as_ref().map(|task| task.deadline);
        [self.stage_until, task, self.timer, self.ping_at, self.output_paused, share]
            .into_iter()
            .flatten()
            .min()
    }
}
