//! The manager: puts the parts of the plugin system together, and keeps each plugin as the user and the configuration
//! want it.
//!
//! | module | does |
//! |---|---|
//! | here | the parts, and the way of a call |
//! | `book` | what is known of each plugin, and which are to be hosted |
//! | `settle` | makes the hosts what the book says |
//! | `notes` | what the supervisor tells, on a thread of its own, because it may not wait |
//! | `consent` | what a user grants and takes back |
//! | `change` | what else a user can change: enabling, loading |
//! | `view` | how a plugin is, for front ends |
//! | `watch` | looks at the folders, if the configuration wants that |

mod book;
mod change;
mod consent;
mod notes;
mod settle;
#[cfg(test)]
mod tests;
mod view;
mod watch;

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock, Weak};
use std::time::Duration;

use padgate_core::engine::{Effect, Request};
use padgate_core::ids::DeviceId;
use padgate_core::midi::Received;
use padgate_core::ruleset::action::{Action, PluginCall};
use padgate_core::ruleset::{PluginSettings, Ruleset, Step};
use padgate_core::time::Time;
use padgate_plugin_host::ask::Ask;

use super::audit::Audit;
use super::broker::{BrokerSetup, Brokers, DeviceNames, EventSink, RequestRouter, Screen, SoundOutputs};
use super::folders::Folders;
use super::gate::{Gate, Permit};
use super::grants::Grants;
use super::inventory::Inventory;
use super::part::PluginId;
use super::supervisor::{self, AskGate, LogLine, Setup, Supervisor};
use crate::actions::Places;
use crate::clock;
use crate::hands::{ActionSend, MidiSend};
use crate::lock::lock;
use crate::outcome::{Outcome, ReportSink};
use book::Book;
use notes::Note;

pub use change::Trouble;
pub use consent::{Granted, Proposal, Wish};
pub use settle::is_direct;
pub use view::{Verification, View, nearest};

/// The longest that a user waits for a plugin to become ready, or to fail.
const SETTLE_WAIT: Duration = Duration::from_secs(10);

/// What the manager is made with.
pub struct ManagerSetup {
    /// Where everything lies.
    pub folders: Folders,
    /// The program that runs plugins.
    pub host: PathBuf,
    /// MIDI outputs.
    pub midi: Arc<dyn MidiSend>,
    /// Names of devices.
    pub devices: Arc<dyn DeviceNames>,
    /// Back ends for keys, sound and the desktop.
    pub actions: Arc<dyn ActionSend>,
    /// Numbers for sound outputs.
    pub outputs: Arc<dyn SoundOutputs>,
    /// The way back from the back ends.
    pub requests: Arc<RequestRouter>,
    /// Where the outcomes of calls go.
    pub reports: Arc<dyn ReportSink>,
    /// Where the sound server is.
    pub places: Places,
}

/// Is told what front ends want to know. Called on the manager's thread, or on that of whoever changed something.
pub trait Teller: Send + Sync {
    /// A plugin's state changed.
    fn plugins_changed(&self);

    /// There are other plugins now, or other versions of them: calls in the configuration must be looked at again.
    fn catalogue_changed(&self);

    /// A plugin's log has another line.
    fn logged(&self, plugin: &str, line: &LogLine);
}

/// All plugins.
pub struct Plugins {
    folders: Folders,
    gate: Arc<Gate>,
    audit: Arc<Audit>,
    supervisor: Supervisor,
    brokers: Arc<Brokers>,
    book: Mutex<Book>,
    /// Told whenever a note of the supervisor was taken in.
    settled: Condvar,
    /// Which plugin a call is for. Read for each call.
    routes: RwLock<Routes>,
    notes: notes::Notes,
    teller: RwLock<Option<Arc<dyn Teller>>>,
    watcher: Mutex<Option<watch::FolderWatcher>>,
}

impl Plugins {
    /// Starts everything that plugins need. None is hosted before [`Plugins::apply`].
    ///
    /// # Errors
    ///
    /// If a folder can't be made, or the system refuses a thread.
    pub fn start(setup: ManagerSetup) -> std::io::Result<Arc<Plugins>> {
        let ManagerSetup { folders, host, midi, devices, actions, outputs, requests, reports, places } =
            setup;
        for folder in [&folders.data, &folders.state] {
            super::files::private_folder(folder)?;
        }
        let audit = Arc::new(Audit::open(&folders.audit())?);
        let gate = Arc::new(Gate::new(folders.home.clone(), Arc::clone(&audit)));
        let events = Arc::new(Events::default());
        let brokers = Arc::new(Brokers::new(BrokerSetup {
            midi,
            devices,
            actions,
            outputs,
            requests,
            gate: Arc::clone(&gate),
            events: Arc::clone(&events) as Arc<dyn EventSink>,
            places,
            screen: Screen::from_environment(),
            home: folders.home.clone(),
        }));
        let (sender, notes) = notes::queue();
        let supervisor = Supervisor::start(Setup {
            program: host,
            broker: Arc::clone(&brokers) as Arc<dyn super::part::Broker>,
            gate: Arc::clone(&gate) as Arc<dyn AskGate>,
            reports,
            watch: Arc::new(sender.clone()),
            state_folder: folders.state.clone(),
        })?;
        let book = Book::new(Inventory::new(), Grants::load(&folders.grants()));
        let plugins = Arc::new(Plugins {
            folders,
            gate,
            audit,
            supervisor,
            brokers,
            book: Mutex::new(book),
            settled: Condvar::new(),
            routes: RwLock::default(),
            notes: sender,
            teller: RwLock::default(),
            watcher: Mutex::default(),
        });
        assert!(events.0.set(Arc::downgrade(&plugins)).is_ok(), "it is set once");
        notes::take(notes, Arc::downgrade(&plugins))?;
        Ok(plugins)
    }

    /// From now on, front ends are told.
    pub fn tell(&self, teller: Arc<dyn Teller>) {
        *self.teller.write().unwrap_or_else(PoisonError::into_inner) = Some(teller);
    }

    /// Takes over what a configuration says, before it is used: settings, and the calls that it makes.
    pub fn apply(self: &Arc<Self>, rules: &Ruleset) {
        let calls = calls_of(rules);
        {
            let mut book = lock(&self.book);
            book.settings.clone_from(&rules.settings.plugins);
            book.calls = calls;
            // The configuration was read with what is there now.
            self.look(&mut book);
            book.catalogue_changed = false;
        }
        self.follow_folders(&rules.settings.plugins);
    }

    fn follow_folders(self: &Arc<Self>, settings: &PluginSettings) {
        let mut watcher = lock(&self.watcher);
        let wanted = settings.watch.then(|| self.folders.search(settings));
        if watcher.as_ref().map(watch::FolderWatcher::folders) == wanted.as_deref() {
            return;
        }
        *watcher = wanted.and_then(|folders| {
            let notes = self.notes.clone();
            watch::FolderWatcher::start(folders, move || notes.send(Note::FoldersChanged))
                .inspect_err(|error| tracing::warn!("plugin folders are not watched: {error}"))
                .ok()
        });
    }

    /// Calls a plugin. Runs under the engine's lock: it never waits, and does not allocate if the call is taken.
    ///
    /// # Errors
    ///
    /// With the outcome, if it is known at once.
    pub fn send(&self, request: &Request) -> Result<(), Outcome> {
        let Effect::Plugin { call, .. } = &request.effect else {
            return Err(Outcome::Failed("this is a mistake in Padgate: it is no call of a plugin".into()));
        };
        let plugin = self.routes.read().unwrap_or_else(PoisonError::into_inner).find(call);
        let Some(plugin) = plugin else { return Err(unknown(request, call)) };
        match self.gate.call(plugin) {
            Ok(permit) => self.supervisor.call(permit, request),
            // What was let through at the press and may not be any more has no host that could be told of its release.
            Err(_) if request.effect.is_release() => Err(Outcome::Done),
            Err(why) => {
                self.supervisor.refused(plugin, &call.plugin);
                Err(Outcome::Refused(why.into()))
            }
        }
    }

    /// A device said this. Called on driver threads.
    pub fn heard(&self, device: DeviceId, received: Received<'_>, at: Time) {
        match received {
            Received::Message(message) => {
                let (bytes, length) = message.encode();
                self.brokers.heard(device, &bytes[..length], at);
            }
            Received::Sysex(bytes) => self.brokers.heard(device, bytes, at),
        }
    }

    /// Ends all plugins, and writes what is to be kept.
    pub fn shutdown(&self) {
        *lock(&self.watcher) = None;
        self.supervisor.shutdown();
        self.brokers.shutdown();
        self.notes.close();
        self.audit.flush();
    }
}

fn unknown(request: &Request, call: &PluginCall) -> Outcome {
    if request.effect.is_release() {
        return Outcome::Done;
    }
    let text =
        format!("there is no plugin {:?}: `padgate plugin list` shows those that there are", call.plugin);
    Outcome::Unavailable(text.into())
}

/// The calls that the rules make, each once.
fn calls_of(rules: &Ruleset) -> Vec<Arc<PluginCall>> {
    let mut calls: Vec<Arc<PluginCall>> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for mapping in &rules.mappings {
        for step in &mapping.program.steps {
            if let Step::Do(Action::Plugin { call, .. }) = step
                && seen.insert(Arc::clone(call))
            {
                calls.push(Arc::clone(call));
            }
        }
    }
    calls
}

/// Which plugin a call is for: by the call's address, which is quick, and for calls of an earlier configuration by name.
#[derive(Debug, Default)]
struct Routes {
    by_address: std::collections::HashMap<usize, PluginId>,
    by_name: std::collections::HashMap<String, PluginId>,
    /// Keeps the addresses from being used for something else.
    calls: Vec<Arc<PluginCall>>,
}

impl Routes {
    fn new(names: impl Iterator<Item = (String, PluginId)>, calls: &[Arc<PluginCall>]) -> Routes {
        let by_name: std::collections::HashMap<String, PluginId> = names.collect();
        let by_address = calls
            .iter()
            .filter_map(|call| Some((Arc::as_ptr(call) as usize, *by_name.get(&*call.plugin)?)))
            .collect();
        Routes { by_address, by_name, calls: calls.to_vec() }
    }

    fn find(&self, call: &Arc<PluginCall>) -> Option<PluginId> {
        let address = Arc::as_ptr(call) as usize;
        self.by_address.get(&address).or_else(|| self.by_name.get(&*call.plugin)).copied()
    }

    /// The calls with their plugins.
    fn pairs(&self) -> Vec<(PluginId, Arc<PluginCall>)> {
        self.calls.iter().filter_map(|call| Some((self.find(call)?, Arc::clone(call)))).collect()
    }
}

/// The way to the supervisor, which is made after what uses it.
#[derive(Default)]
struct Events(OnceLock<Weak<Plugins>>);

impl EventSink for Events {
    fn event(&self, plugin: PluginId, kind: u32, time_ns: u64, data: &[u8], device: &str) {
        if let Some(plugins) = self.0.get().and_then(Weak::upgrade) {
            let _heard = plugins.supervisor.event(plugin, kind, time_ns, data, device);
        }
    }
}

impl AskGate for Gate {
    fn ask(&self, plugin: PluginId, ask: &Ask<'_>) -> Result<Permit, String> {
        Gate::ask(self, plugin, ask)
    }
}

/// Now, in milliseconds of the Unix epoch, of a time of the daemon's clock.
pub(crate) fn unix_ms(time: Time) -> i64 {
    let now = clock::now();
    let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(0);
    // One of the two is zero.
    jiff::Timestamp::now().as_millisecond() + millis(time.since(now)) - millis(now.since(time))
}

/// The longest log that can be asked for.
pub const LOG_LINES_MAX: usize = supervisor::LOG_LINES;
