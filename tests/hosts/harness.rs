//! A supervisor with a plugin that misbehaves and one that does not, both built from one C source with the header alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use padgate_core::capability::Rights;
use padgate_core::engine::{CallPhase, Context, Effect, PressId, Request, RequestId};
use padgate_core::ruleset::action::PluginCall;
use padgate_core::time::Time;
use padgate_plugin_host::ask::Ask;
use padgate_plugin_host::assignment::{Assignment, HostLimits, Profile, Unenforced};
use padgate_tests::{DEADLINE, binaries};
use padgated::clock;
use padgated::outcome::{Outcome, Report, ReportSink};
use padgated::plugins::audit::Audit;
use padgated::plugins::gate::{Gate, Gated, Permit};
use padgated::plugins::inventory::Standing;
use padgated::plugins::part::{Broker, PluginId, Reply};
use padgated::plugins::supervisor::{Happening, Hosting, Setup, Supervisor, Watch};

/// The plugin that misbehaves.
pub(crate) const BAD: PluginId = PluginId(0);
/// The plugin that does not.
pub(crate) const GOOD: PluginId = PluginId(1);

struct Ears {
    reports: Mutex<Sender<Report>>,
    happenings: Mutex<Sender<(PluginId, Happening)>>,
}

impl ReportSink for Ears {
    fn report(&self, report: Report) {
        let _ = self.reports.lock().unwrap().send(report);
    }
}

impl Watch for Ears {
    fn changed(&self, plugin: PluginId, what: Happening) {
        let _ = self.happenings.lock().unwrap().send((plugin, what));
    }
}

struct NoBroker;

impl Broker for NoBroker {
    fn serve(&self, _: Permit, _: PluginId, _: &Ask<'_>, _: Time, reply: Reply) {
        reply.done();
    }

    fn ended(&self, _: PluginId) {}
}

pub(crate) struct Stage {
    pub(crate) supervisor: Supervisor,
    reports: Receiver<Report>,
    happenings: Receiver<(PluginId, Happening)>,
    gate: Gate,
    folder: tempfile::TempDir,
    requests: AtomicU64,
}

impl Stage {
    /// Hosts the good plugin, and waits until it is ready.
    pub(crate) fn new() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let (reports, heard) = channel();
        let (happenings, seen) = channel();
        let ears = Arc::new(Ears { reports: Mutex::new(reports), happenings: Mutex::new(happenings) });
        let gate = Gate::new(folder.path().to_owned(), Arc::new(Audit::none()));
        gate.replace([BAD, GOOD].map(|id| gated(id, folder.path())).to_vec());
        let for_asks = Gate::new(folder.path().to_owned(), Arc::new(Audit::none()));
        let setup = Setup {
            program: binaries::find("padgate-plugin-host").unwrap(),
            broker: Arc::new(NoBroker),
            gate: Arc::new(for_asks),
            reports: ears.clone(),
            watch: ears,
            state_folder: folder.path().join("state"),
        };
        let supervisor = Supervisor::start(setup).unwrap();
        let stage =
            Stage { supervisor, reports: heard, happenings: seen, gate, folder, requests: AtomicU64::new(1) };
        stage.supervisor.calls(&[(GOOD, call(GOOD, "well"))]);
        stage.supervisor.host(stage.hosting(GOOD, &["NAME=\"good\""]));
        stage.until(GOOD, |what| matches!(what, Happening::Ready { .. }));
        stage
    }

    /// Hosts the bad plugin built with these macros as well, with a call that does this.
    pub(crate) fn with(macros: &[&str], how: &str) -> Stage {
        Stage::with_hosting(macros, how, |hosting| hosting)
    }

    pub(crate) fn with_hosting(macros: &[&str], how: &str, change: impl Fn(Hosting) -> Hosting) -> Stage {
        let stage = Stage::new();
        stage.supervisor.calls(&[
            (GOOD, call(GOOD, "well")),
            (BAD, call(BAD, how)),
            (BAD, call(BAD, "well")),
        ]);
        stage.supervisor.host(change(stage.hosting(BAD, macros)));
        stage
    }

    fn hosting(&self, id: PluginId, macros: &[&str]) -> Hosting {
        let name = name(id).to_owned();
        let data_folder = self.folder.path().join("data").join(&name);
        std::fs::create_dir_all(&data_folder).unwrap();
        let library = self.folder.path().join(format!("{name}.so"));
        build(&library, macros);
        let limits = HostLimits { memory: 256 << 20, ..HostLimits::default() };
        let assignment = Assignment {
            plugin: name.clone(),
            version: "1.0.0".into(),
            library,
            data_folder,
            home_folder: self.folder.path().into(),
            profile: Profile::default(),
            policy: Unenforced::Refuse,
            limits,
            state: Vec::new(),
        };
        Hosting { id, name, assignment, deadline: Duration::from_secs(2), rate: 100_000, cpu: 100 }
    }

    /// Calls, and waits for the outcome.
    pub(crate) fn outcome(&self, id: PluginId, how: &str) -> Outcome {
        let request = RequestId(self.requests.fetch_add(1, Ordering::Relaxed));
        let context = Context {
            press: PressId(request.0),
            control: None,
            message: None,
            value: 1.0,
            raw: 127,
            ticks: 0,
            received: clock::now(),
        };
        let effect = Effect::Plugin { call: call(id, how), phase: CallPhase::Tap };
        let request = Request { id: request, mapping: None, effect, context };
        match self.supervisor.call(self.gate.call(id).unwrap(), &request) {
            Err(outcome) => outcome,
            Ok(()) => {
                let report = self.reports.recv_timeout(DEADLINE).expect("a report");
                assert_eq!(report.request, request.id, "each request ends once");
                report.outcome
            }
        }
    }

    /// Waits for something to happen to a plugin.
    pub(crate) fn until(&self, plugin: PluginId, is_it: impl Fn(&Happening) -> bool) -> Happening {
        loop {
            let (id, what) = self.happenings.recv_timeout(DEADLINE).expect("it happens");
            assert!(
                plugin == id || !matches!(what, Happening::Died { .. }),
                "the other plugin died: {what:?}"
            );
            if id == plugin && is_it(&what) {
                return what;
            }
        }
    }

    /// The good plugin is not affected.
    pub(crate) fn good_goes_on(&self) {
        assert_eq!(self.outcome(GOOD, "well"), Outcome::Done);
        assert_eq!(self.supervisor.status(GOOD).generation, 1);
    }
}

fn name(id: PluginId) -> &'static str {
    if id == GOOD { "good" } else { "misbehave" }
}

fn call(id: PluginId, how: &str) -> Arc<PluginCall> {
    let parameters = format!("{{\"how\":\"{how}\"}}");
    Arc::new(PluginCall { plugin: name(id).into(), action: "do".into(), parameters: parameters.into() })
}

fn gated(id: PluginId, folder: &Path) -> Gated {
    Gated {
        id,
        name: name(id).into(),
        standing: Standing::Ready,
        rights: Rights::NONE,
        request: Rights::NONE,
        data_folder: folder.join("data").join(name(id)),
        folder: folder.to_owned(),
    }
}

fn build(library: &Path, macros: &[&str]) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-O1", "-shared", "-fPIC"])
        .args(["-fvisibility=hidden", "-pthread"])
        .args(macros.iter().map(|name| format!("-D{name}")))
        .arg("-I")
        .arg(root.join("../plugins/abi/include"))
        .arg("-o")
        .arg(library)
        .arg(root.join("plugins/misbehave/misbehave.c"))
        .output()
        .expect("the tests need a C compiler, `cc`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn text(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed(text) | Outcome::Unavailable(text) | Outcome::Refused(text) => text,
        Outcome::Done | Outcome::Dropped => "",
    }
}
