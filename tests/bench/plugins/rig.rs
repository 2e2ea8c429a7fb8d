//! A supervisor with as many copies of one plugin as wanted, each with an identity of its own.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use padgate_core::capability::Rights;
use padgate_core::engine::{CallPhase, Context, Effect, PressId, Request, RequestId};
use padgate_core::ruleset::action::PluginCall;
use padgate_core::time::Time;
use padgate_plugin_host::ask::Ask;
use padgate_plugin_host::assignment::Assignment;
use padgate_tests::binaries;
use padgate_tests::plugins::build_c;
use padgated::clock;
use padgated::outcome::{Outcome, Report, ReportSink};
use padgated::pipeline::Pipeline;
use padgated::plugins::audit::Audit;
use padgated::plugins::gate::{Gate, Gated, Permit};
use padgated::plugins::inventory::Standing;
use padgated::plugins::part::{Broker, PluginId, Reply};
use padgated::plugins::supervisor::{Happening, Hosting, Setup, Supervisor, Watch};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// See the module.
pub(super) struct Rig {
    pub(super) supervisor: Arc<Supervisor>,
    pub(super) ears: Arc<Ears>,
    pub(super) gate: Arc<Gate>,
    happened: Receiver<(PluginId, Happening, Instant)>,
    reports: Receiver<(Report, Instant)>,
    library: PathBuf,
    folder: tempfile::TempDir,
    requests: u64,
}

/// Takes what the supervisor says.
pub(super) struct Ears {
    happened: Mutex<Sender<(PluginId, Happening, Instant)>>,
    reports: Mutex<Sender<(Report, Instant)>>,
    /// Gets the reports, if there is one.
    pub(super) pipeline: OnceLock<Arc<Pipeline>>,
}

impl Watch for Ears {
    fn changed(&self, plugin: PluginId, what: Happening) {
        let now = Instant::now();
        // Nobody is left to be told at the end.
        let _ = self.happened.lock().unwrap_or_else(PoisonError::into_inner).send((plugin, what, now));
    }
}

impl ReportSink for Ears {
    fn report(&self, report: Report) {
        match self.pipeline.get() {
            Some(pipeline) => pipeline.report(report),
            None => {
                let now = Instant::now();
                let _ = self.reports.lock().unwrap_or_else(PoisonError::into_inner).send((report, now));
            }
        }
    }
}

/// Nothing is asked for.
struct NoBroker;

impl Broker for NoBroker {
    fn serve(&self, _: Permit, _: PluginId, _: &Ask<'_>, _: Time, reply: Reply) {
        reply.done();
    }

    fn ended(&self, _: PluginId) {}
}

impl Rig {
    /// A supervisor that knows so many copies, of which none is hosted yet, and these calls of each.
    pub(super) fn start(copies: u32, actions: &[&str]) -> Result<Rig> {
        let folder = tempfile::tempdir()?;
        let library = build_c("fragile", folder.path())?;
        std::fs::create_dir(folder.path().join("data"))?;
        let gate = Arc::new(Gate::new(folder.path().to_path_buf(), Arc::new(Audit::none())));
        let gated = |id| Gated {
            id: PluginId(id),
            name: format!("fragile-{id}").into(),
            standing: Standing::Ready,
            rights: Rights::NONE,
            request: Rights::NONE,
            data_folder: folder.path().join("data"),
            folder: folder.path().to_path_buf(),
        };
        gate.replace((0..copies).map(gated).collect());
        let (happened, heard) = channel();
        let (reports, ended) = channel();
        let ears = Arc::new(Ears {
            happened: Mutex::new(happened),
            reports: Mutex::new(reports),
            pipeline: OnceLock::new(),
        });
        let supervisor = Arc::new(Supervisor::start(Setup {
            program: binaries::find("padgate-plugin-host")?,
            broker: Arc::new(NoBroker),
            gate: Arc::clone(&gate) as _,
            reports: Arc::clone(&ears) as _,
            watch: Arc::clone(&ears) as _,
            state_folder: folder.path().join("state"),
        })?);
        let calls: Vec<_> = (0..copies)
            .flat_map(|id| actions.iter().map(move |action| (PluginId(id), call(id, action))))
            .collect();
        supervisor.calls(&calls);
        Ok(Rig { supervisor, ears, gate, happened: heard, reports: ended, library, folder, requests: 0 })
    }

    /// What a copy's host is told.
    pub(super) fn hosting(&self, id: u32) -> Hosting {
        Hosting {
            id: PluginId(id),
            name: format!("fragile-{id}"),
            assignment: Assignment {
                plugin: "fragile".to_owned(),
                version: "1.0.0".to_owned(),
                library: self.library.clone(),
                data_folder: self.folder.path().join("data"),
                home_folder: self.folder.path().to_path_buf(),
                ..Assignment::default()
            },
            deadline: Duration::from_secs(5),
            rate: 1000,
            cpu: 100,
        }
    }

    /// The next thing that happens to a host and is the one wanted; a death is a mistake unless that is wanted.
    pub(super) fn until(&self, wanted: impl Fn(&Happening) -> bool) -> Result<(PluginId, Instant)> {
        loop {
            let (plugin, what, at) =
                self.happened.recv_timeout(PATIENCE).context("nothing happens to the hosts any more")?;
            if wanted(&what) {
                return Ok((plugin, at));
            }
            if let Happening::Died { reason, .. }
            | Happening::Unusable { reason }
            | Happening::Quarantined { reason, .. } = what
            {
                bail!("a host died: {reason}");
            }
        }
    }

    /// Calls a copy; its outcome is to be waited for.
    pub(super) fn call(&mut self, id: u32, action: &str) -> Result<()> {
        self.requests += 1;
        let request = request(self.requests, &call(id, action));
        let permit = self.gate.call(PluginId(id)).map_err(anyhow::Error::msg)?;
        self.supervisor.call(permit, &request).map_err(|outcome| anyhow::anyhow!("a call: {outcome:?}"))
    }

    /// Waits for the outcome of a call, which must be done.
    pub(super) fn done(&self) -> Result<Instant> {
        let (report, at) = self.reports.recv_timeout(PATIENCE).context("a call did not end")?;
        anyhow::ensure!(report.outcome == Outcome::Done, "a call failed: {:?}", report.outcome);
        Ok(at)
    }
}

/// A call as the configuration would make it.
pub(super) fn call(id: u32, action: &str) -> Arc<PluginCall> {
    Arc::new(PluginCall {
        plugin: format!("fragile-{id}").into(),
        action: action.into(),
        parameters: "{}".into(),
    })
}

fn request(id: u64, call: &Arc<PluginCall>) -> Request {
    let context = Context {
        press: PressId(0),
        control: None,
        message: None,
        value: 1.0,
        raw: 127,
        ticks: 0,
        received: clock::now(),
    };
    let effect = Effect::Plugin { call: Arc::clone(call), phase: CallPhase::Tap };
    Request { id: RequestId(id), mapping: None, effect, context }
}
