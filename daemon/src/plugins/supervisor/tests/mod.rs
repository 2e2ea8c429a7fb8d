//! The supervisor with real processes: the harness of the tests.

mod calls;
mod deaths;
mod fake;
mod lives;
mod misbehaviour;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use padgate_core::capability::{MidiScope, Rights};
use padgate_core::engine::{CallPhase, Context, Control, Effect, PressId, Request, RequestId};
use padgate_core::ids::DeviceId;
use padgate_core::midi::Channel;
use padgate_core::ruleset::action::PluginCall;
use padgate_core::ruleset::trigger::ControlKind;
use padgate_core::time::Time;
use padgate_plugin_abi::PADGATE_EVENT_MIDI;
use padgate_plugin_host::ask::Ask;
use padgate_plugin_host::assignment::Assignment;

use super::{Happening, HostState, Hosting, Setup, Supervisor, Watch};
use crate::clock;
use crate::lock::lock;
use crate::outcome::{Outcome, Report, ReportSink};
use crate::plugins::audit::Audit;
use crate::plugins::gate::{Gate, Gated, Permit};
use crate::plugins::inventory::Standing;
use crate::plugins::part::{Broker, PluginId, Reply};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// A deadline that no test reaches unless it wants to.
const LONG: Duration = Duration::from_secs(30);

/// Takes what the supervisor says.
struct Ears {
    reports: Mutex<Sender<Report>>,
    happenings: Mutex<Sender<(PluginId, Happening)>>,
}

impl ReportSink for Ears {
    fn report(&self, report: Report) {
        let _ = lock(&self.reports).send(report);
    }
}

impl Watch for Ears {
    fn changed(&self, plugin: PluginId, what: Happening) {
        let _ = lock(&self.happenings).send((plugin, what));
    }
}

/// Does what is asked, but for messages to the device "never", whose replies it keeps.
#[derive(Default)]
struct FakeBroker {
    listens: Mutex<Vec<String>>,
    kept: Mutex<Vec<Reply>>,
    ended: AtomicUsize,
}

impl Broker for FakeBroker {
    fn serve(&self, _permit: Permit, _plugin: PluginId, ask: &Ask<'_>, _deadline: Time, reply: Reply) {
        match ask {
            Ask::MidiSend { device: "never", .. } => return lock(&self.kept).push(reply),
            Ask::MidiListen { device } => lock(&self.listens).push((*device).to_owned()),
            _ => {}
        }
        reply.done();
    }

    fn ended(&self, _plugin: PluginId) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        lock(&self.listens).clear();
    }
}

struct Bench {
    supervisor: Supervisor,
    reports: Receiver<Report>,
    happenings: Receiver<(PluginId, Happening)>,
    gate: Arc<Gate>,
    broker: Arc<FakeBroker>,
    folder: Arc<tempfile::TempDir>,
    requests: AtomicU64,
}

impl Bench {
    fn new() -> Bench {
        Bench::in_folder(Arc::new(tempfile::tempdir().unwrap()))
    }

    fn in_folder(folder: Arc<tempfile::TempDir>) -> Bench {
        let (reports, heard) = channel();
        let (happenings, seen) = channel();
        let ears = Arc::new(Ears { reports: Mutex::new(reports), happenings: Mutex::new(happenings) });
        let gate = Arc::new(Gate::new("/home/u".into(), Arc::new(Audit::none())));
        gate.replace((0..4).map(gated).collect());
        let broker = Arc::new(FakeBroker::default());
        let setup = Setup {
            program: fake::program(folder.path()),
            broker: broker.clone(),
            gate: gate.clone(),
            reports: ears.clone(),
            watch: ears,
            state_folder: folder.path().join("state"),
        };
        let supervisor = Supervisor::start_with(setup, |_, _| Ok(())).unwrap();
        let requests = AtomicU64::new(1);
        Bench { supervisor, reports: heard, happenings: seen, gate, broker, folder, requests }
    }

    /// Hosts plugin 0 with these calls, and waits until it is ready.
    fn ready(calls: &[&Arc<PluginCall>]) -> Bench {
        let bench = Bench::new();
        bench.calls(calls);
        bench.supervisor.host(hosting("good"));
        bench.until(|what| matches!(what, Happening::Ready { .. }));
        bench
    }

    fn calls(&self, calls: &[&Arc<PluginCall>]) {
        let calls: Vec<_> = calls.iter().map(|call| (PLUGIN, Arc::clone(call))).collect();
        self.supervisor.calls(&calls);
    }

    fn request(&self, call: &Arc<PluginCall>, phase: CallPhase, press: u64) -> Request {
        let id = self.requests.fetch_add(1, Ordering::Relaxed);
        let control = Control {
            device: DeviceId::new(0),
            kind: ControlKind::Controller,
            channel: Channel::from_wire(0),
            number: 7,
        };
        let context = Context {
            press: PressId(press),
            control: Some(control),
            message: None,
            value: id as f64,
            raw: 0,
            ticks: 0,
            received: clock::now(),
        };
        let effect = Effect::Plugin { call: Arc::clone(call), phase };
        Request { id: RequestId(id), mapping: None, effect, context }
    }

    fn call(&self, call: &Arc<PluginCall>, phase: CallPhase, press: u64) -> Result<RequestId, Outcome> {
        let request = self.request(call, phase, press);
        self.supervisor.call(self.gate.call(PLUGIN).unwrap(), &request).map(|()| request.id)
    }

    /// Calls, and waits for the outcome.
    fn outcome(&self, call: &Arc<PluginCall>) -> Outcome {
        match self.call(call, CallPhase::Tap, 0) {
            Ok(id) => self.report(id),
            Err(outcome) => outcome,
        }
    }

    /// The next report, which must be of this request.
    fn report(&self, id: RequestId) -> Outcome {
        let report = self.reports.recv_timeout(PATIENCE).expect("a report");
        assert_eq!(report.request, id, "{report:?}");
        assert!(report.done >= report.started);
        report.outcome
    }

    /// Waits for something to happen to plugin 0, and returns it; what happens before is passed over.
    fn until(&self, is_it: impl Fn(&Happening) -> bool) -> Happening {
        loop {
            let (_, what) = self.happenings.recv_timeout(PATIENCE).expect("it happens");
            if is_it(&what) {
                return what;
            }
        }
    }

    /// Lets a call of `wait` go on.
    fn go_on(&self) {
        assert!(self.supervisor.event(PLUGIN, PADGATE_EVENT_MIDI, 1, &[0x90, 1, 1], "pads"));
    }

    fn state(&self) -> HostState {
        self.supervisor.status(PLUGIN).state
    }

    /// Waits until the plugin's log has such a line. The log is written by the supervisor's thread, which answers a ping
    /// after it has taken what was printed before.
    fn logged(&self, text: &str) -> bool {
        let since = std::time::Instant::now();
        while since.elapsed() < PATIENCE {
            if self.supervisor.log(PLUGIN, usize::MAX).iter().any(|line| line.text.contains(text)) {
                return true;
            }
            let (tell, told) = channel();
            self.supervisor.ping(PLUGIN, move |answer| drop(tell.send(answer)));
            let _ = told.recv_timeout(PATIENCE).expect("an answer to a ping");
        }
        false
    }
}

const PLUGIN: PluginId = PluginId(0);

fn gated(id: u32) -> Gated {
    let scope = MidiScope { send: vec!["synth".into(), "never".into()], listen: vec!["pads".into()] };
    let rights = Rights { midi: Some(scope), ..Rights::NONE };
    Gated {
        id: PluginId(id),
        name: format!("probe{id}").into(),
        standing: Standing::Ready,
        request: rights.clone(),
        rights,
        data_folder: "/nowhere/data".into(),
        folder: "/nowhere/folder".into(),
    }
}

fn hosting(how: &str) -> Hosting {
    hosting_of(0, how)
}

fn hosting_of(id: u32, how: &str) -> Hosting {
    let assignment = Assignment {
        plugin: format!("probe{id}"),
        version: "1.0.0".into(),
        library: format!("/{how}").into(),
        ..Assignment::default()
    };
    Hosting {
        id: PluginId(id),
        name: format!("probe{id}"),
        assignment,
        deadline: LONG,
        rate: 10_000,
        cpu: 100,
    }
}

fn call(parameters: &str) -> Arc<PluginCall> {
    Arc::new(PluginCall { plugin: "probe0".into(), action: "do".into(), parameters: parameters.into() })
}

fn text(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed(text) | Outcome::Unavailable(text) | Outcome::Refused(text) => text,
        Outcome::Done | Outcome::Dropped => "",
    }
}
