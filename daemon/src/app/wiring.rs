//! The pipeline, MIDI, actions and facts, which all know each other.
//!
//! The pipeline must exist before anything can bring it events, and it hands off to what comes after it; so the ways out
//! are made first, and connected as soon as there is something at their other end.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use anyhow::Context as _;
use padgate_core::engine::{Effect, Input, Request};
use padgate_core::ids::{DeviceId, Names, ProgramId, TargetId, VIRTUAL_INPUT};
use padgate_core::midi::{Channel, Message, Received};
use padgate_core::ruleset::Ruleset;
use padgate_core::time::Time;

use super::daemon::Daemon;
use crate::actions::{Actions, LevelSink, Places, Setup, followed_targets, target_patterns};
use crate::clock;
use crate::facts::{FactSink, Facts, watched_programs};
use crate::hands::{ActionSend, Hands, MidiSend};
use crate::journal::{HeldNote, Journal};
use crate::lock::lock;
use crate::midi::{
    DeviceState, DeviceStatus, Driver, Midi, MidiConfig, MidiSink, MidiWatcher, VIRTUAL_OUTPUT,
};
use crate::outcome::{Outcome, ReportSink};
use crate::pipeline::Pipeline;
use crate::plugins::broker::{DeviceNames, RequestRouter, SoundOutputs};
use crate::plugins::folders::Folders;
use crate::plugins::manager::{ManagerSetup, Plugins};

/// Everything between the drivers and the effects.
pub(super) struct Wiring {
    pub(super) pipeline: Arc<Pipeline>,
    midi: Arc<MidiOut>,
    actions: Arc<ActionOut>,
    plugins: Arc<Plugins>,
    devices: Arc<Devices>,
    facts: Facts,
    journal: Arc<Journal>,
}

impl Wiring {
    /// Starts everything with these rules. What a killed predecessor left down is released; the journal of what is
    /// down lies beside the socket.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread. A machine without MIDI, display or sound is no error.
    pub(super) fn start(rules: Arc<Ruleset>, socket: &Path, folders: Folders) -> anyhow::Result<Wiring> {
        let mut held = socket.as_os_str().to_owned();
        held.push(".held");
        let (journal, left_over) = Journal::open(Path::new(&held));
        if let Some(problem) = &left_over.problem {
            tracing::warn!("{problem}");
        }
        let midi = Arc::new(MidiOut::new(Arc::clone(&journal), &rules.names, left_over.notes));
        let actions = Arc::new(ActionOut::default());
        let hands = Hands {
            midi: Arc::clone(&midi) as Arc<dyn MidiSend>,
            actions: Arc::clone(&actions) as Arc<dyn ActionSend>,
        };
        let pipeline =
            Pipeline::new(Arc::clone(&rules), hands).context("the timer thread could not start")?;
        let reports = Arc::new(RequestRouter::new(Arc::clone(&pipeline) as Arc<dyn ReportSink>));
        let plugins_of_sink = Arc::new(OnceLock::new());
        let sink = Arc::new(Into { pipeline: Arc::clone(&pipeline), plugins: Arc::clone(&plugins_of_sink) });
        // Actions before MIDI: the first press may be under way.
        let setup = Setup {
            output: rules.settings.output,
            allow_shell: rules.settings.allow_shell,
            targets: target_patterns(&rules.names),
            followed: followed_targets(&rules),
            reports: Arc::clone(&reports) as Arc<dyn ReportSink>,
            levels: Arc::clone(&sink) as Arc<dyn LevelSink>,
            journal: Arc::clone(&journal),
            left_over: left_over.output,
            places: Places::from_environment(),
        };
        actions.connect(Actions::new(setup));
        let devices = Arc::new(Devices::default());
        devices.follow(&rules);
        let plugins = Plugins::start(ManagerSetup {
            folders,
            host: host_program(),
            midi: Arc::clone(&midi) as Arc<dyn MidiSend>,
            devices: Arc::clone(&devices) as Arc<dyn DeviceNames>,
            actions: Arc::clone(&actions) as Arc<dyn ActionSend>,
            outputs: Arc::clone(&actions) as Arc<dyn SoundOutputs>,
            requests: reports,
            reports: Arc::clone(&pipeline) as Arc<dyn ReportSink>,
            places: Places::from_environment(),
        })
        .context("plugins could not be prepared")?;
        plugins.apply(&rules);
        actions.connect_plugins(Arc::clone(&plugins));
        assert!(plugins_of_sink.set(Arc::clone(&plugins)).is_ok(), "it is set once");
        let facts =
            Facts::new(Arc::clone(&sink) as Arc<dyn FactSink>).context("programs can't be watched")?;
        let started = Midi::start(midi_config(&rules), sink, Driver::from_environment());
        midi.connect(started.context("MIDI could not start")?);
        let wiring = Wiring { pipeline, midi, actions, plugins, devices, facts, journal };
        wiring.follow(&rules);
        Ok(wiring)
    }

    /// Replaces the rules.
    pub(super) fn reload(&self, rules: &Arc<Ruleset>) {
        self.midi.rename(&rules.names);
        self.devices.follow(rules);
        // Calls are prepared before anybody can make them.
        self.plugins.apply(rules);
        // The engine first: a device that is new must not say anything that the old rules don't understand.
        self.pipeline.reload(Arc::clone(rules), clock::now());
        self.midi().reconfigure(midi_config(rules));
        self.actions().reload(&rules.settings, &rules.names, followed_targets(rules));
        self.follow(rules);
    }

    fn follow(&self, rules: &Ruleset) {
        self.midi().wants_realtime(self.pipeline.wants_realtime());
        self.facts.watch(watched_programs(rules));
    }

    /// Tells front ends of devices that come and go, from now on, and releases what a predecessor left sounding there.
    pub(super) fn watch_devices(&self, daemon: Arc<Daemon>) {
        let watcher = Arc::new(DeviceWatcher { daemon, midi: Arc::clone(&self.midi) });
        self.midi().watch(Arc::clone(&watcher) as Arc<dyn MidiWatcher>);
        for status in self.midi().status() {
            watcher.midi.release_left_over(&status);
        }
        self.midi.forget_left_over(VIRTUAL_OUTPUT);
    }

    /// The connections.
    pub(super) fn midi(&self) -> &Midi {
        self.midi.midi.get().expect("it is connected before this is made")
    }

    /// The plugins.
    pub(super) fn plugins(&self) -> &Arc<Plugins> {
        &self.plugins
    }

    /// The back ends.
    pub(super) fn actions(&self) -> &Actions {
        self.actions.back_ends.get().expect("it is connected before this is made")
    }

    /// Releases everything and ends everything. The engine lets go first, while there is somebody to let go for it.
    pub(super) fn shutdown(&self) {
        self.pipeline.shutdown();
        // What plugins hold is released through the outputs, which go last.
        self.plugins.shutdown();
        self.midi().shutdown();
        if !self.actions().shutdown() {
            tracing::warn!("a back end did not end in time; what it holds, the next start releases");
        }
        self.journal.close();
    }
}

/// The virtual port is no device with a port of its own that would have to be looked for.
fn midi_config(rules: &Ruleset) -> MidiConfig {
    let virtual_device = rules.names.devices.find(VIRTUAL_INPUT);
    let mut config = MidiConfig::of(rules, virtual_device);
    config.devices.retain(|(device, _)| Some(device.id) != virtual_device);
    config
}

/// What brings events into the pipeline, and MIDI to the plugins that listen.
struct Into {
    pipeline: Arc<Pipeline>,
    /// Not there while everything starts.
    plugins: Arc<OnceLock<Arc<Plugins>>>,
}

impl MidiSink for Into {
    fn midi(&self, device: DeviceId, received: Received<'_>, at: Time) {
        self.pipeline.midi(device, received, at);
        if let Some(plugins) = self.plugins.get() {
            plugins.heard(device, received, at);
        }
    }

    fn input(&self, input: Input<'_>, at: Time) {
        self.pipeline.input(input, at);
    }
}

impl LevelSink for Into {
    fn level(&self, target: TargetId, level: Option<f64>) {
        self.pipeline.input(Input::TargetLevel(target, level), clock::now());
    }
}

impl FactSink for Into {
    fn running(&self, program: ProgramId, runs: bool) {
        self.pipeline.input(Input::Running(program, runs), clock::now());
    }
}

/// The way out to the back ends and the plugins.
#[derive(Default)]
struct ActionOut {
    back_ends: OnceLock<Actions>,
    plugins: OnceLock<Arc<Plugins>>,
}

impl ActionOut {
    fn connect(&self, actions: Actions) {
        assert!(self.back_ends.set(actions).is_ok(), "it is connected once");
    }

    fn connect_plugins(&self, plugins: Arc<Plugins>) {
        assert!(self.plugins.set(plugins).is_ok(), "it is connected once");
    }
}

impl ActionSend for ActionOut {
    fn send(&self, request: Request) -> Result<(), Outcome> {
        let starting = || Err(Outcome::Unavailable("the daemon is still starting: try again".into()));
        match request.effect {
            Effect::Plugin { .. } => {
                self.plugins.get().map_or_else(starting, |plugins| plugins.send(&request))
            }
            _ => self.back_ends.get().map_or_else(starting, |actions| actions.send(request)),
        }
    }
}

impl SoundOutputs for ActionOut {
    fn output(&self, pattern: &str) -> Option<TargetId> {
        SoundOutputs::output(self.back_ends.get()?, pattern)
    }
}

/// The names of the devices of the configuration, as plugins name them.
#[derive(Default)]
struct Devices(RwLock<Vec<(String, DeviceId)>>);

impl Devices {
    fn follow(&self, rules: &Ruleset) {
        let names = rules.devices.iter().map(|device| {
            let name = rules.names.devices.name(device.id);
            (name.to_owned(), device.id)
        });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = names.collect();
    }
}

impl DeviceNames for Devices {
    fn device(&self, name: &str) -> Option<Option<DeviceId>> {
        if name.is_empty() || name == VIRTUAL_OUTPUT {
            return Some(None);
        }
        let devices = self.0.read().unwrap_or_else(PoisonError::into_inner);
        devices.iter().find(|(known, _)| known == name).map(|(_, id)| Some(*id))
    }

    fn names(&self) -> Vec<String> {
        let devices = self.0.read().unwrap_or_else(PoisonError::into_inner);
        devices.iter().map(|(name, _)| name.clone()).chain([VIRTUAL_OUTPUT.to_owned()]).collect()
    }
}

/// The environment variable that names another program to run plugins with.
const HOST_VARIABLE: &str = "PADGATE_PLUGIN_HOST";

/// The program that runs plugins: beside the daemon's own, where it is installed with it.
fn host_program() -> PathBuf {
    if let Some(program) = std::env::var_os(HOST_VARIABLE).filter(|program| !program.is_empty()) {
        return program.into();
    }
    let name = format!("padgate-plugin-host{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.with_file_name(&name);
    let libexec = own.with_file_name("../libexec/padgate").join(&name);
    [beside.clone(), libexec].into_iter().find(|path| path.exists()).unwrap_or(beside)
}

/// The way out to MIDI, which writes down which notes sound.
struct MidiOut {
    midi: OnceLock<Midi>,
    journal: Arc<Journal>,
    /// Names of the devices by id, for the journal.
    names: RwLock<Vec<String>>,
    /// Notes of a killed predecessor whose device has not been there yet.
    left_over: Mutex<Vec<HeldNote>>,
}

impl MidiOut {
    fn new(journal: Arc<Journal>, names: &Names, left_over: Vec<HeldNote>) -> MidiOut {
        let out = MidiOut {
            midi: OnceLock::new(),
            journal,
            names: RwLock::default(),
            left_over: Mutex::new(left_over),
        };
        out.rename(names);
        out
    }

    fn connect(&self, midi: Midi) {
        assert!(self.midi.set(midi).is_ok(), "it is connected once");
    }

    fn rename(&self, names: &Names) {
        let names = names.devices.iter().map(|(_, name)| name.to_owned()).collect();
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names;
    }

    fn write_down(&self, to: Option<DeviceId>, bytes: &[u8]) {
        let [status @ 0x80..=0x9F, note, velocity] = *bytes else { return };
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let port = to.map_or(Some(VIRTUAL_OUTPUT), |device| names.get(device.index()).map(String::as_str));
        let Some(port) = port else { return };
        let channel = Channel::from_wire(status);
        if status >= 0x90 && velocity > 0 {
            self.journal.note_down(port, channel, note);
        } else {
            self.journal.note_up(port, channel, note);
        }
    }

    /// Takes the notes that a predecessor left sounding at this port.
    fn take_left_over(&self, port: &str) -> Vec<HeldNote> {
        let mut left_over = lock(&self.left_over);
        left_over.extract_if(.., |note| note.port == port).collect()
    }

    /// The port that others listened to is a new one: nobody is there to be told.
    fn forget_left_over(&self, port: &str) {
        for note in self.take_left_over(port) {
            self.journal.note_up(port, note.channel, note.note);
        }
    }

    fn release_left_over(&self, status: &DeviceStatus) {
        let connected = status.output.as_ref().is_some_and(|output| output.state == DeviceState::Connected);
        if !connected {
            return;
        }
        for HeldNote { channel, note, .. } in self.take_left_over(&status.name) {
            let (bytes, length) = Message::NoteOff { channel, note, velocity: 64 }.encode();
            if let Err(error) = self.send(Some(status.device), &bytes[..length]) {
                tracing::warn!(device = status.name, %error, "a note that was left sounding can't be released");
            }
        }
    }
}

impl MidiSend for MidiOut {
    fn send(&self, to: Option<DeviceId>, bytes: &[u8]) -> Result<(), Cow<'static, str>> {
        let midi = self.midi.get().ok_or("the daemon is still starting: try again")?;
        midi.send(to, bytes)?;
        self.write_down(to, bytes);
        Ok(())
    }
}

/// Is told of devices that come and go.
struct DeviceWatcher {
    daemon: Arc<Daemon>,
    midi: Arc<MidiOut>,
}

impl MidiWatcher for DeviceWatcher {
    fn device_changed(&self, status: &DeviceStatus) {
        tracing::info!(device = status.name, state = ?status.state, "device");
        self.midi.release_left_over(status);
        self.daemon.tell_devices();
    }
}
