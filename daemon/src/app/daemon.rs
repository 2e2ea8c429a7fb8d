//! What front ends can ask of the daemon, carried out.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use padgate_core::engine::Input;
use padgate_core::time::Time;
use padgate_ipc::check::{CheckParams, CheckReport};
use padgate_ipc::event::{Event, Topic};
use padgate_ipc::method::{
    ExplainParams, Explanation, ModeParams, PanicResult, PlayParams, PlayResult, PlaySpeed, PressParams,
    PressResult,
};
use padgate_ipc::recording::{self, Line};
use padgate_ipc::state::State;
use padgate_ipc::status::{ConfigState, DeviceList, ModeState, Status};
use padgate_ipc::{ErrorCode, ErrorObject};
use tokio::runtime::Handle;

use super::feeds::Feeds;
use super::press;
use super::wiring::Wiring;
use crate::clock;
use crate::config::{ConfigStore, Outcome, Paths};
use crate::ipc::connection::clock_pair;
use crate::ipc::convert::{self, report, status};
use crate::ipc::{Cancel, Control, Hub, PluginControl as _, explain};
use crate::lock::lock;
use crate::play::{FILE_BYTES_MAX, Performance};

/// The running daemon.
pub struct Daemon {
    wiring: Arc<Wiring>,
    /// Locked during a reload, so that two don't mix.
    store: Mutex<ConfigStore>,
    config: Mutex<ConfigState>,
    hub: Arc<Hub>,
    feeds: Feeds,
    runtime: Handle,
    started: Time,
    started_unix_ms: i64,
}

impl Daemon {
    pub(super) fn new(
        wiring: Arc<Wiring>,
        store: ConfigStore,
        first: &Outcome,
        hub: Arc<Hub>,
        started: Time,
        runtime: &Handle,
    ) -> Arc<Daemon> {
        let config = ConfigState {
            path: store.paths().main.display().to_string(),
            ok: first.ruleset.is_some(),
            mappings: first.ruleset.as_ref().map_or(0, |rules| rules.mappings.len() as u64),
            diagnostics: report::diagnostics(&first.diagnostics),
            loaded_unix_ms: first.ruleset.is_some().then(now_unix_ms),
        };
        Arc::new(Daemon {
            wiring,
            store: Mutex::new(store),
            config: Mutex::new(config),
            feeds: Feeds::new(runtime, Arc::clone(&hub)),
            runtime: runtime.clone(),
            hub,
            started,
            started_unix_ms: now_unix_ms(),
        })
    }

    /// How it is, in a line.
    #[must_use]
    pub fn summary(&self) -> String {
        let devices = self.device_list();
        let connected = devices.iter().filter(|device| device.connected).count();
        let mappings = lock(&self.config).mappings;
        format!("ready: {mappings} mappings, {connected} of {} devices connected", devices.len())
    }

    /// Reads the configuration again, and uses it if it has no errors.
    pub fn read_again(&self) -> CheckReport {
        let mut store = lock(&self.store);
        let mut outcome = store.load();
        let report = report::report(&outcome, store.paths());
        if let Some(rules) = outcome.ruleset.take() {
            let rules = Arc::new(rules);
            self.wiring.reload(&rules);
            let line = Line { t: clock::now().0, input: recording::Input::Reloaded {} };
            self.hub.publish(Topic::Input, &Event::Input(line));
        }
        let config = {
            let mut config = lock(&self.config);
            config.ok = report.ok;
            config.diagnostics.clone_from(&report.diagnostics);
            if report.ok {
                config.mappings = report.mappings;
                config.loaded_unix_ms = Some(now_unix_ms());
            }
            config.clone()
        };
        self.hub.publish(Topic::Config, &Event::Config(config));
        if report.ok {
            self.hub.publish(Topic::Modes, &Event::Modes(self.modes()));
            self.tell_devices();
        }
        report
    }

    /// Tells subscribers how the devices are now.
    pub(super) fn tell_devices(&self) {
        if self.hub.wants(Topic::Devices) {
            self.hub.publish(Topic::Devices, &Event::Devices { devices: self.device_list() });
        }
    }

    /// The plugins.
    pub(super) fn plugins(&self) -> &Arc<crate::plugins::manager::Plugins> {
        self.wiring.plugins()
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Does something on another thread.
    pub(super) fn spawn_blocking(self: &Arc<Self>, work: impl FnOnce(&Arc<Daemon>) + Send + 'static) {
        let daemon = Arc::clone(self);
        drop(self.runtime.spawn_blocking(move || work(&daemon)));
    }

    fn device_list(&self) -> Vec<padgate_ipc::status::Device> {
        let midi = self.wiring.midi();
        status::devices(&midi.status(), &midi.overview(), &self.wiring.pipeline.ruleset())
    }

    fn modes(&self) -> ModeState {
        status::modes(&self.wiring.pipeline.state(), &self.wiring.pipeline.ruleset())
    }

    /// What the user could do next.
    fn hints(&self, config: &ConfigState) -> Vec<String> {
        let mut hints = Vec::new();
        if let Some(why) = self.wiring.midi().overview().unavailable {
            hints.push(format!("There is no MIDI: {why}."));
        }
        if !Path::new(&config.path).exists() {
            hints.push(format!(
                "There is no configuration yet: `padgated init` writes one to {}.",
                config.path
            ));
        } else if !config.ok {
            hints.push("The configuration has errors: `padgate check` shows them.".to_owned());
        } else if config.mappings == 0 {
            hints.push("There are no mappings: `padgate monitor` shows what to map.".to_owned());
        }
        hints.extend(self.plugin_hints());
        hints
    }
}

fn now_unix_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Control for Daemon {
    fn status(&self) -> Status {
        let pipeline = &self.wiring.pipeline;
        let state = pipeline.state();
        let config = lock(&self.config).clone();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_unix_ms: self.started_unix_ms,
            uptime_ms: u64::try_from(clock::now().since(self.started).as_millis()).unwrap_or(u64::MAX),
            hints: self.hints(&config),
            config,
            devices: self.device_list(),
            modes: status::modes(&state, &pipeline.ruleset()),
            held: state.held,
            running: state.running as u64,
            backends: status::backends(&self.wiring.actions().output(), &self.wiring.midi().overview()),
            counters: status::counters(&pipeline.counters(), &pipeline.latencies()),
            clients: 0,
        }
    }

    fn devices(&self) -> DeviceList {
        DeviceList { devices: self.device_list(), ports: status::ports(&self.wiring.midi().ports()) }
    }

    fn state(&self) -> State {
        State {
            devices: self.device_list(),
            modes: self.modes(),
            config: lock(&self.config).clone(),
            plugins: self.plugin_list().map(|list| list.plugins).unwrap_or_default(),
            clock: clock_pair(),
        }
    }

    fn interest(&self, _topic: Topic, _wanted: bool) {
        self.feeds.follow_interest(&self.wiring.pipeline);
    }

    fn explain(&self, params: &ExplainParams) -> Result<Explanation, ErrorObject> {
        let rules = self.wiring.pipeline.ruleset();
        let (device, control) = (params.device.as_deref(), params.control.as_ref());
        let wanted = press::wanted(device, control, &rules.devices, &rules.names)?;
        let records = self.wiring.pipeline.records();
        Ok(explain::explain(&records, &wanted, &rules.names, clock::now()))
    }

    fn press(&self, params: &PressParams, cancel: &Cancel) -> Result<PressResult, ErrorObject> {
        let rules = self.wiring.pipeline.ruleset();
        let plan = press::plan(params, &rules.devices, &rules.names)?;
        let feed = |messages: &[Vec<u8>]| {
            press::feed(messages, |received| self.wiring.pipeline.midi(plan.device, received, clock::now()));
        };
        feed(&plan.first);
        if !plan.after_hold.is_empty() {
            // Whether it was cut short or not: it is released.
            let _ = cancel.wait_until(Instant::now() + Duration::from_millis(params.hold_ms));
            feed(&plan.after_hold);
        }
        Ok(PressResult {
            device: rules.names.devices.name(plan.device).to_owned(),
            messages: plan.first.iter().chain(&plan.after_hold).map(|bytes| press::words(bytes)).collect(),
        })
    }

    fn play(
        &self,
        params: &PlayParams,
        cancel: &Cancel,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<PlayResult, ErrorObject> {
        let rules = self.wiring.pipeline.ruleset();
        let name = params.device.as_deref().unwrap_or(crate::midi::VIRTUAL_INPUT);
        let device = press::device(Some(name), &rules.devices, &rules.names)?;
        let wrong = |what: &dyn std::fmt::Display| {
            ErrorObject::new(ErrorCode::File, format!("{}: {what}", params.path))
        };
        let bytes = read_file(Path::new(&params.path)).map_err(|error| wrong(&error))?;
        let performance = Performance::parse(&bytes).map_err(|error| wrong(&error))?;
        drop(bytes);
        let began = Instant::now();
        let mut told = |played, total| {
            if params.progress {
                progress(played, total)
            }
        };
        let pipeline = &self.wiring.pipeline;
        let mut sink =
            |received: padgate_core::midi::Received<'_>| pipeline.midi(device, received, clock::now());
        let played = performance.play(params.speed == PlaySpeed::InTime, cancel, &mut sink, &mut told);
        if played.cancelled {
            let text = format!("stopped after {} of {} messages", played.played, performance.len());
            return Err(ErrorObject::new(ErrorCode::Cancelled, text));
        }
        Ok(PlayResult {
            device: name.to_owned(),
            total: performance.len(),
            played: played.played,
            released: played.released,
            took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }

    fn reload(&self) -> Result<CheckReport, ErrorObject> {
        let report = self.read_again();
        if report.ok {
            return Ok(report);
        }
        let text =
            "the configuration has errors, so that the old one stays in force: `padgate check` shows them";
        Err(ErrorObject::new(ErrorCode::ConfigInvalid, text).with_data(&report))
    }

    fn mode(&self, params: &ModeParams) -> Result<ModeState, ErrorObject> {
        let rules = self.wiring.pipeline.ruleset();
        let change = convert::recording::mode_change(params, &rules.names)
            .map_err(|text| ErrorObject::new(ErrorCode::NotFound, text))?;
        if let Some(change) = change {
            self.wiring.pipeline.input(Input::Mode(change), clock::now());
        }
        Ok(self.modes())
    }

    fn panic(&self) -> PanicResult {
        let before = self.wiring.pipeline.state();
        self.wiring.pipeline.input(Input::Panic, clock::now());
        PanicResult { released: before.held, stopped: before.running as u64 }
    }

    fn check(&self, params: &CheckParams) -> Result<CheckReport, ErrorObject> {
        let Some(path) = &params.path else {
            let (mut outcome, paths) = {
                let store = lock(&self.store);
                (store.check(), store.paths().clone())
            };
            self.ask_plugins(&mut outcome);
            return Ok(report::report(&outcome, &paths));
        };
        if !Path::new(path).is_absolute() {
            let text = "\"path\" must be absolute: the daemon's working folder is not yours";
            return Err(ErrorObject::new(ErrorCode::InvalidParams, text));
        }
        let store = lock(&self.store).elsewhere(Paths::of(path));
        Ok(report::report(&store.check(), store.paths()))
    }
}

/// Reads a MIDI file of a bounded size.
fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    // Asked before it is opened: opening a pipe would wait for somebody to write into it.
    if !std::fs::metadata(path)?.is_file() {
        anyhow::bail!("this is no file");
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        anyhow::bail!("the file is larger than {} MiB, which no MIDI file needs to be", FILE_BYTES_MAX >> 20);
    }
    Ok(bytes)
}
