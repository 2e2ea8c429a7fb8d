//! One call of a plugin, all the way: from the message into the pipeline, through the gate and the supervisor, to `execute` in a
//! confined host, and back to the pipeline with the outcome.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use padgate_core::config::{Source, load};
use padgate_core::engine::{Effect, Request};
use padgate_core::ids::{DeviceId, Names, TargetId, VIRTUAL_INPUT};
use padgate_core::midi::{Channel, Message, Received};
use padgate_tests::binaries;
use padgate_tests::plugins::build_c;
use padgated::actions::Places;
use padgated::clock;
use padgated::hands::{ActionSend, Hands, MidiSend};
use padgated::outcome::{Outcome, Report, ReportSink};
use padgated::pipeline::Pipeline;
use padgated::plugins::broker::{DeviceNames, RequestRouter, SoundOutputs};
use padgated::plugins::folders::Folders;
use padgated::plugins::manager::{ManagerSetup, Plugins};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::super::quantile;
use super::floor::Bare;
use super::target;

/// In so many turns, so that what happens on the machine meanwhile concerns both ways alike.
const TURNS: usize = 10;
/// Calls of a turn, one after the other: fewer than would count as a flood.
const CALLS: usize = 1_000;
/// Calls of a turn with pauses, and how long from one to the next.
const PACED_CALLS: usize = 100;
const PACE: Duration = Duration::from_millis(2);
/// Calls before it counts.
const WARM_UP: usize = 1_000;

const CONFIG: &str = "[plugin.fragile]\nrate = 100000\n\
    [[map]]\non = { note = \"any\" }\ndo = { plugin = \"fragile\", action = \"work\" }\n";

/// Measures both ways in this process: on one CPU, or wherever the kernel puts the threads.
pub(crate) fn measure(place: &str) -> Result<()> {
    let one = place == "one-cpu";
    if one {
        stay_on_one_cpu()?;
    }
    let rig = Rig::start()?;
    let bare = Bare::start()?;
    for _ in 0..WARM_UP {
        bare.call()?;
        rig.call()?;
    }
    let mut samples: [Vec<f64>; 4] = Default::default();
    for _ in 0..TURNS {
        for _ in 0..CALLS {
            samples[0].push(bare.call()?);
        }
        for _ in 0..CALLS {
            samples[1].push(rig.call()?);
        }
        paced(&mut samples[2], || bare.call())?;
        paced(&mut samples[3], || rig.call())?;
    }
    println!("  {}", if one { "all on one CPU" } else { "wherever the kernel puts the threads" });
    let names = [
        "  bare round trip, back to back".to_owned(),
        "  plugin, back to back".to_owned(),
        format!("  bare round trip, every {PACE:?}"),
        format!("  plugin, every {PACE:?}"),
    ];
    let mut ratios = [0.0; 4];
    for (index, (name, samples)) in names.iter().zip(&mut samples).enumerate() {
        samples.sort_by(f64::total_cmp);
        let (median, late) = (quantile(samples, 0.5), quantile(samples, 0.99));
        ratios[index] = median;
        let ratio = median / ratios[index / 2 * 2];
        println!("  {name:<46} {median:>9.2} {late:>9.2} {ratio:>7.2}");
    }
    target("a call, against the bare round trip", ratios[1] / ratios[0], 1.5, "");
    target("the same with pauses", ratios[3] / ratios[2], 1.5, "");
    rig.end();
    Ok(())
}

/// Calls with pauses, in which everybody falls asleep.
fn paced(into: &mut Vec<f64>, call: impl Fn() -> Result<f64>) -> Result<()> {
    let mut next = Instant::now();
    for _ in 0..PACED_CALLS {
        next += PACE;
        while let Some(left) = next.checked_duration_since(Instant::now()) {
            std::thread::park_timeout(left);
        }
        into.push(call()?);
    }
    Ok(())
}

/// This process, and all that it starts, on the last of the CPUs that it may use.
fn stay_on_one_cpu() -> Result<()> {
    let allowed = sched_getaffinity(None)?;
    let last = (0..CpuSet::MAX_CPU).rev().find(|cpu| allowed.is_set(*cpu)).context("there is some CPU")?;
    let mut only = CpuSet::new();
    only.set(last);
    Ok(sched_setaffinity(None, &only)?)
}

/// A pipeline and plugins as the daemon has them, with no devices and no other back ends.
struct Rig {
    pipeline: Arc<Pipeline>,
    plugins: Arc<Plugins>,
    device: DeviceId,
    ends: Arc<Ends>,
    _folder: tempfile::TempDir,
}

/// What the pipeline hands off to.
#[derive(Default)]
struct Way(OnceLock<Arc<Plugins>>);

impl ActionSend for Way {
    fn send(&self, request: Request) -> Result<(), Outcome> {
        match (&request.effect, self.0.get()) {
            (Effect::Plugin { .. }, Some(plugins)) => plugins.send(&request),
            _ => Err(Outcome::Unavailable("not in the benchmark".into())),
        }
    }
}

impl MidiSend for Way {
    fn send(&self, _: Option<DeviceId>, _: &[u8]) -> Result<(), Cow<'static, str>> {
        Err("not in the benchmark".into())
    }
}

impl DeviceNames for Way {
    fn device(&self, _: &str) -> Option<Option<DeviceId>> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

impl SoundOutputs for Way {
    fn output(&self, _: &str) -> Option<TargetId> {
        None
    }
}

/// Where outcomes go: to the pipeline, as in the daemon, and then to whoever waits.
#[derive(Default)]
struct Ends {
    pipeline: OnceLock<Arc<Pipeline>>,
    waiting: OnceLock<Thread>,
    /// When the last one had been taken in, in nanoseconds from `begun`.
    at_ns: AtomicU64,
    begun: OnceLock<Instant>,
    count: AtomicU64,
    trouble: Mutex<Option<Outcome>>,
}

impl ReportSink for Ends {
    fn report(&self, report: Report) {
        if report.outcome != Outcome::Done
            && let Ok(mut trouble) = self.trouble.lock()
        {
            *trouble = Some(report.outcome.clone());
        }
        if let Some(pipeline) = self.pipeline.get() {
            pipeline.report(report);
        }
        let since = self.begun.get().map(Instant::elapsed).unwrap_or_default();
        self.at_ns.store(since.as_nanos() as u64, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Release);
        if let Some(waiting) = self.waiting.get() {
            waiting.unpark();
        }
    }
}

impl Rig {
    fn start() -> Result<Rig> {
        let folder = tempfile::tempdir()?;
        let folders = Folders::below(folder.path());
        std::fs::create_dir_all(&folders.home)?;
        build_c("fragile", &folders.plugins().join("fragile"))?;
        let way = Arc::new(Way::default());
        let ends = Arc::new(Ends::default());
        let mut names = Names::default();
        let loaded = load(&[Source::new("bench.toml", CONFIG)], &mut names, &(), &Known);
        let ruleset = Arc::new(loaded.ruleset.context("the benchmark's configuration has mistakes")?);
        let hands = Hands { midi: Arc::clone(&way) as _, actions: Arc::clone(&way) as _ };
        let pipeline = Pipeline::new(Arc::clone(&ruleset), hands)?;
        let _ = ends.pipeline.set(Arc::clone(&pipeline));
        let _ = ends.waiting.set(std::thread::current());
        let _ = ends.begun.set(Instant::now());
        let plugins = Plugins::start(ManagerSetup {
            folders,
            host: binaries::find("padgate-plugin-host")?,
            midi: Arc::clone(&way) as _,
            devices: Arc::clone(&way) as _,
            actions: Arc::clone(&way) as _,
            outputs: Arc::clone(&way) as _,
            requests: Arc::new(RequestRouter::new(Arc::clone(&pipeline) as Arc<dyn ReportSink>)),
            reports: Arc::clone(&ends) as Arc<dyn ReportSink>,
            places: Places::from_environment(),
        })?;
        let _ = way.0.set(Arc::clone(&plugins));
        plugins.apply(&ruleset);
        let device = names.devices.find(VIRTUAL_INPUT).context("there is always a virtual input")?;
        Ok(Rig { pipeline, plugins, device, ends, _folder: folder })
    }

    /// One call, in µs.
    fn call(&self) -> Result<f64> {
        let channel = Channel::from_wire(0);
        let on = Message::NoteOn { channel, note: 36, velocity: 100 };
        let off = Message::NoteOff { channel, note: 36, velocity: 64 };
        let before = self.ends.count.load(Ordering::Acquire);
        let (begun, start) = (*self.ends.begun.get().context("it is set")?, Instant::now());
        self.pipeline.midi(self.device, Received::Message(on), clock::now());
        while self.ends.count.load(Ordering::Acquire) == before {
            // Without a timer, which would cost something: whoever started this process ends it if nothing happens.
            std::thread::park();
        }
        let end = begun + Duration::from_nanos(self.ends.at_ns.load(Ordering::Relaxed));
        self.pipeline.midi(self.device, Received::Message(off), clock::now());
        if let Ok(trouble) = self.ends.trouble.lock() {
            ensure!(trouble.is_none(), "a call failed: {trouble:?}");
        }
        Ok(end.duration_since(start).as_secs_f64() * 1e6)
    }

    fn end(&self) {
        self.pipeline.shutdown();
        self.plugins.shutdown();
    }
}

/// The catalogue for the benchmark's configuration.
struct Known;

impl padgate_core::config::Plugins for Known {
    fn manifest(&self, _: &str) -> Option<Arc<padgate_core::manifest::Manifest>> {
        None
    }

    fn names(&self) -> Vec<String> {
        vec!["fragile".to_owned()]
    }
}
