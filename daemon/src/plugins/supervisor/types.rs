//! What the supervisor is made with, what it hosts, and what it says: the words that the rest of the daemon needs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use padgate_core::ruleset::action::PluginCall;
use padgate_core::time::Time;
use padgate_plugin_host::ask::Ask;
use padgate_plugin_host::assignment::Assignment;
use padgate_plugin_host::confinement::Confinement;

use crate::outcome::ReportSink;
use crate::plugins::gate::Permit;
use crate::plugins::part::{Broker, PluginId};

/// What the supervisor needs of the gate: a decision about each thing that a plugin asks for.
pub trait AskGate: Send + Sync {
    /// Whether `plugin` may have this now. Called on the supervisor's thread; must not wait.
    ///
    /// # Errors
    ///
    /// With a sentence that says what would allow it.
    fn ask(&self, plugin: PluginId, ask: &Ask<'_>) -> Result<Permit, String>;
}

/// What a [`super::Supervisor`] is made with.
pub struct Setup {
    /// The program that runs plugins, `padgate-plugin-host`.
    pub program: PathBuf,
    /// Does what plugins ask for.
    pub broker: Arc<dyn Broker>,
    /// Decides about it before.
    pub gate: Arc<dyn AskGate>,
    /// Where the outcomes of calls go.
    pub reports: Arc<dyn ReportSink>,
    /// Is told what happens to hosts.
    pub watch: Arc<dyn Watch>,
    /// Holds the statistics, the logs and the saved states. Made if it is not there.
    pub state_folder: PathBuf,
}

/// A plugin that is to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hosting {
    /// Which.
    pub id: PluginId,
    /// Its name, as in its manifest.
    pub name: String,
    /// What its host is told. `state` is filled in by the supervisor with what was saved, if it is empty.
    pub assignment: Assignment,
    /// How long one call may take.
    pub deadline: Duration,
    /// How many calls a second are let through; a burst may be as large. Releases are exempt.
    pub rate: u32,
    /// The share of one processor that it may use on average, in percent; over 100 for more than one.
    pub cpu: u8,
}

/// Is told what happens to hosts: for the log, the audit, and whoever shows it.
pub trait Watch: Send + Sync {
    /// Something happened. Called on the supervisor's thread, with no lock held; must not wait.
    fn changed(&self, plugin: PluginId, what: Happening);

    /// A plugin's log has another line; at most so many a second as the log takes. Called with the log locked; must not
    /// wait, and not ask the supervisor for anything.
    fn logged(&self, _plugin: PluginId, _line: &LogLine) {}
}

/// What can happen to a host.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// A process was started.
    Starting {
        /// Its generation.
        generation: u32,
    },
    /// It can be called: the plugin is loaded, and took the parameters of all calls (but for those that were told with
    /// [`Happening::Unprepared`]).
    Ready {
        /// Its generation.
        generation: u32,
        /// How long it took from the start of the process.
        took: Duration,
    },
    /// The plugin did not take the parameters of a call. Calls of it fail with this text.
    Unprepared {
        /// Which.
        call: Arc<PluginCall>,
        /// The plugin's own words.
        why: String,
    },
    /// A process died, or was killed, without having been asked to end.
    Died {
        /// Its generation.
        generation: u32,
        /// Whether Padgate killed it.
        killed: bool,
        /// Why, in one sentence.
        reason: String,
    },
    /// It is started again after this long.
    Restarting {
        /// How long.
        after: Duration,
    },
    /// It died too often, and is left alone.
    Quarantined {
        /// Why, and what to type.
        reason: String,
        /// When it is tried once more by itself.
        until: Time,
    },
    /// It can't be run: its host said so. It is not tried again until it is loaded anew.
    Unusable {
        /// Why, in the host's words.
        reason: String,
    },
    /// A new version took over from the running one.
    Replaced {
        /// The new generation.
        generation: u32,
    },
    /// A new version could not take over; the old one goes on.
    ReplaceFailed {
        /// Why.
        reason: String,
    },
    /// Something was not permitted that the plugin asked for.
    Refused {
        /// The gate's sentence.
        reason: String,
    },
    /// It was ended as it was asked to.
    Ended,
}

/// What a plugin's host is doing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum HostState {
    /// Nothing is hosted.
    #[default]
    Absent,
    /// A process was started and is not ready yet.
    Starting,
    /// It can be called.
    Ready,
    /// It died, and waits to be started again.
    Restarting,
    /// It died too often.
    Quarantined,
    /// It can't be run.
    Unusable,
    /// It is being ended.
    Stopping,
}

/// How a plugin's host is.
#[derive(Clone, Debug, Default)]
pub struct HostStatus {
    /// What it is doing.
    pub state: HostState,
    /// Why, where there is a reason to tell.
    pub reason: Option<String>,
    /// The process, if there is one.
    pub pid: Option<u32>,
    /// Counts the processes that there were.
    pub generation: u32,
    /// How it is confined, in its own words, and looked at from outside where that can be.
    pub confinement: Option<Confinement>,
    /// The version that the library says.
    pub version: Option<String>,
    /// Since when it can be called.
    pub ready_since: Option<Time>,
    /// When it is started again, if it waits for that; of one that died too often, when it is tried once more.
    pub restart_at: Option<Time>,
    /// How many requests wait for it.
    pub waiting: usize,
    /// Whether a new version is being started beside it.
    pub replacing: bool,
    /// Why the version that was wanted last did not take over, if it did not.
    pub not_replaced: Option<String>,
    /// The calls that the configuration makes, and what the plugin has against their parameters.
    pub calls: Vec<(Arc<PluginCall>, Option<String>)>,
}

/// What was counted of one plugin, since it was first seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Its name.
    pub name: String,
    /// Calls that came to an end in the plugin, however.
    pub executions: u64,
    /// Calls that failed, those that timed out or were cut short by a crash among them.
    pub failures: u64,
    /// Calls and asks that were refused: no grant, or over the rate.
    pub refusals: u64,
    /// Hosts that were killed because they did not answer in time: a call, its parameters, a ping, the start.
    pub timeouts: u64,
    /// Other deaths of hosts that nobody had asked for: they crashed, exited, or were killed for what they did.
    pub crashes: u64,
    /// Starts of a host after a death of either sort.
    pub restarts: u64,
    /// Requests that were dropped because too many waited.
    pub dropped: u64,
    /// When a call last ended, in milliseconds of the Unix epoch; 0 if none did.
    pub last_execution_ms: u64,
    /// From the handing over to the host to the result.
    pub times: Times,
    /// Processor time that its hosts used, in milliseconds.
    pub cpu_ms: u64,
    /// Resident memory of the running host, in bytes.
    pub rss: Option<u64>,
    /// The same with shared pages divided among their users, where the system tells it.
    pub pss: Option<u64>,
}

/// How long calls took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// On average.
    pub mean: Duration,
    /// Half of them took no longer.
    pub p50: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
    /// None took longer.
    pub max: Duration,
}

/// A line of a plugin's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Counts the plugin's lines since the daemon started, from 1.
    pub sequence: u64,
    /// When, in milliseconds of the Unix epoch.
    pub time_ms: u64,
    /// How grave.
    pub level: LogLevel,
    /// Who says it.
    pub source: LogSource,
    /// Without control characters, at most [`super::LOG_LINE_BYTES_MAX`] long.
    pub text: String,
}

/// How grave a line is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LogLevel {
    /// Only for its author.
    Debug,
    /// Worth a line.
    Info,
    /// May be wrong.
    Warn,
    /// Is wrong.
    Error,
}

/// Who wrote a line.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LogSource {
    /// The plugin, through its log.
    Plugin,
    /// The plugin, on its standard output or error.
    Output,
    /// Padgate, about the plugin.
    Padgate,
}
