//! The supervisor as the rest of the daemon sees it.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use padgate_core::engine::{Effect, Request};
use padgate_core::ruleset::action::PluginCall;

use super::core::Core;
use super::files::Files;
use super::lane::PINGS_MAX;
use super::poller::Poller;
use super::reactor::Reactor;
use super::statistics::Counters;
use super::types::{HostStatus, Hosting, LogLine, Setup, Statistics};
use super::usage::{self, Verify};
use crate::clock;
use crate::lock::lock;
use crate::outcome::Outcome;
use crate::plugins::gate::Permit;
use crate::plugins::part::PluginId;

/// Runs plugins; see the module.
pub struct Supervisor {
    pub(super) core: Arc<Core>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Supervisor {
    /// Starts the supervisor's thread; no plugin is hosted yet.
    ///
    /// # Errors
    ///
    /// If the state folder can't be made, or the system has no descriptors or threads left.
    pub fn start(setup: Setup) -> io::Result<Supervisor> {
        Supervisor::start_with(setup, usage::verify)
    }

    /// The same with another look from outside at hosts.
    pub(super) fn start_with(setup: Setup, verify: Verify) -> io::Result<Supervisor> {
        let files = Files::start(&setup.state_folder)?;
        let core = Arc::new(Core::new(setup, Poller::new()?, files, verify));
        let reactor = Reactor::new(Arc::clone(&core));
        let thread =
            std::thread::Builder::new().name("padgate-plugins".into()).spawn(move || reactor.run())?;
        Ok(Supervisor { core, thread: Mutex::new(Some(thread)) })
    }

    /// Hosts a plugin from now on. If it runs already, the new one is started beside it, is given the state that the old
    /// one saves, and takes over when it has taken the parameters of all calls; meanwhile, and if it can't, the old one
    /// goes on. A breaker that is open is closed.
    pub fn host(&self, hosting: Hosting) {
        let plugin = self.core.known(hosting.id, &hosting.name);
        lock(&plugin.lane).wanted = Some(hosting);
        self.core.look_at(plugin.slot);
    }

    /// Ends a plugin in an orderly way: a call that runs may end, its state is saved, what waits is answered.
    pub fn end(&self, plugin: PluginId) {
        let Some(plugin) = self.core.plugin(plugin) else { return };
        {
            let mut lane = lock(&plugin.lane);
            (lane.wanted, lane.ending) = (None, true);
        }
        self.core.look_at(plugin.slot);
    }

    /// Ends a plugin that is not to have its rights any longer: a call that runs is cut off, its state is still asked for,
    /// and then it is killed.
    pub fn cut(&self, plugin: PluginId) {
        let Some(plugin) = self.core.plugin(plugin) else { return };
        {
            let mut lane = lock(&plugin.lane);
            (lane.wanted, lane.ending, lane.at_once) = (None, true, true);
        }
        self.core.look_at(plugin.slot);
    }

    /// These are the calls that the configuration makes, and no others. New ones are prepared; those that are not there
    /// any more are forgotten when the last press of them is released. To be called before the configuration is used.
    pub fn calls(&self, calls: &[(PluginId, Arc<PluginCall>)]) {
        for (id, call) in calls {
            self.core.known(*id, &call.plugin);
        }
        for plugin in self.core.all() {
            let own = calls.iter().filter(|(id, _)| *id == plugin.id).map(|(_, call)| call);
            let left_out = lock(&plugin.lane).calls.replace(own);
            if let Some(call) = left_out.first() {
                tracing::warn!(
                    "the plugin \"{}\" is called with more than {} different parameters; {} calls are left out, \
                     the first of them \"{}\"",
                    plugin.name,
                    super::calls::CALLS_MAX,
                    left_out.len(),
                    call.action,
                );
            }
            self.core.look_at(plugin.slot);
        }
    }

    /// Takes a request whose effect is [`Effect::Plugin`]: writes it to the plugin's host at once if that is idle, else
    /// lets it wait. Its outcome is reported later, once. Never waits, and does not allocate if the request is taken.
    ///
    /// # Errors
    ///
    /// With the request's outcome, if it is not taken; then nothing is reported.
    pub fn call(&self, permit: Permit, request: &Request) -> Result<(), Outcome> {
        let Effect::Plugin { call, phase } = &request.effect else {
            return Err(Outcome::Failed("this is no call of a plugin".into()));
        };
        if self.core.is_stopping() {
            return Err(stopping(request));
        }
        let Some(plugin) = self.core.plugin(permit.plugin()) else {
            let why = format!(
                "the plugin \"{0}\" is not loaded: \"padgate plugin load {0}\" loads it",
                call.plugin
            );
            return Err(match request.effect.is_release() {
                true => Outcome::Done,
                false => Outcome::Unavailable(why.into()),
            });
        };
        let mut lane = lock(&plugin.lane);
        let taken = lane.call(&self.core.poller, request, (call, *phase), clock::now());
        drop(lane);
        if taken? {
            self.core.look_at(plugin.slot);
        }
        Ok(())
    }

    /// Tells a plugin that something happened (`kind` is one of the ABI's `PADGATE_EVENT_…`), at `time_ns` of the
    /// system's monotonic clock. Returns whether it will hear of it: not if it is not ready, or does not read. Never
    /// waits.
    pub fn event(&self, plugin: PluginId, kind: u32, time_ns: u64, data: &[u8], device: &str) -> bool {
        let Some(plugin) = self.core.plugin(plugin) else { return false };
        let mut lane = lock(&plugin.lane);
        lane.event(&self.core.poller, (kind, time_ns), data, device, clock::now())
    }

    /// Asks a plugin whether it is there, when it has nothing else to do. `answer` gets how long that took, or why there is
    /// no answer; it is called once, on the supervisor's thread or this one, and must not wait.
    pub fn ping(&self, plugin: PluginId, answer: impl FnOnce(Result<Duration, String>) + Send + 'static) {
        let Some(plugin) = self.core.plugin(plugin) else {
            return answer(Err("it is not loaded".to_owned()));
        };
        let mut lane = lock(&plugin.lane);
        let why = if lane.current.is_none() {
            "it does not run"
        } else if lane.ending {
            "it is being ended"
        } else if lane.pings.len() >= PINGS_MAX {
            "it was asked too often"
        } else {
            lane.pings.push(Box::new(answer));
            drop(lane);
            return self.core.look_at(plugin.slot);
        };
        drop(lane);
        answer(Err(why.to_owned()));
    }

    /// How a plugin's host is.
    #[must_use]
    pub fn status(&self, plugin: PluginId) -> HostStatus {
        self.core.plugin(plugin).map(|plugin| lock(&plugin.lane).status()).unwrap_or_default()
    }

    /// What was counted of the plugins that were hosted or called since the daemon started; with their memory now.
    #[must_use]
    pub fn statistics(&self) -> Vec<(PluginId, Statistics)> {
        self.core.all().iter().map(|plugin| (plugin.id, read(plugin))).collect()
    }

    /// What was counted of a plugin, also if it was not hosted since the daemon started. Looks at this one alone: there may
    /// be a thousand others.
    #[must_use]
    pub fn statistics_of(&self, plugin: PluginId, name: &str) -> Option<Statistics> {
        self.core.plugin(plugin).map(|plugin| read(&plugin)).or_else(|| {
            let kept = self.core.kept(name)?;
            Some(Statistics { name: name.to_owned(), ..Counters::new(kept).read() })
        })
    }

    /// Counts a call that the gate refused before it came here.
    pub fn refused(&self, plugin: PluginId, name: &str) {
        let plugin = self.core.known(plugin, name);
        lock(&plugin.lane).counters.count(|kept| &mut kept.refusals);
        self.core.save_statistics_later(clock::now());
    }

    /// The newest lines of a plugin's log, the oldest of them first; at most [`super::LOG_LINES`].
    #[must_use]
    pub fn log(&self, plugin: PluginId, lines: usize) -> Vec<LogLine> {
        self.core.plugin(plugin).map(|plugin| lock(&plugin.log).newest(lines)).unwrap_or_default()
    }

    /// Ends all plugins, at most half a second in an orderly way and then by killing them, answers all that is under way,
    /// writes what is to be kept, and ends the thread. Calls are answered with [`Outcome::Unavailable`] afterwards.
    pub fn shutdown(&self) {
        let Some(thread) = lock(&self.thread).take() else { return };
        self.core.stopping.store(true, Ordering::Release);
        self.core.poller.wake();
        if thread.join().is_err() {
            tracing::error!("the supervisor of plugins had panicked; its hosts end with it");
        }
        self.core.files.finish();
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.shutdown();
    }
}

fn read(plugin: &super::core::Plugin) -> Statistics {
    let (mut statistics, pid) = {
        let mut lane = lock(&plugin.lane);
        let pid = lane.current.as_ref().map(|host| host.pid);
        if let Some((new, _)) = lane.current.as_mut().and_then(super::host::Host::look) {
            lane.count_cpu(new, &mut super::outbox::Outbox::default());
        }
        (lane.counters.read(), pid)
    };
    statistics.name = plugin.name.to_string();
    // A process that has ended meanwhile was not reaped by anybody else, or its number means nothing yet.
    statistics.rss = pid.and_then(usage::used).map(|used| used.rss);
    statistics.pss = pid.and_then(usage::pss);
    statistics
}

fn stopping(request: &Request) -> Outcome {
    match request.effect.is_release() {
        true => Outcome::Done,
        false => Outcome::Unavailable("Padgate is stopping".into()),
    }
}
