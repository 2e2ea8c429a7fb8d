//! The part of the performance with plugins: what is granted by itself, what is refused, what a grant changes, what
//! happens when a plugin reads what it may not, and when it crashes.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use padgate_ipc::event::{Outcome, OutcomeKind, Record};
use padgate_ipc::method::{Empty, GetPlugin, ListPlugins, PluginStats, PressPhase};
use padgate_ipc::plugin::{AnyPluginParams, Enforcement, PluginInfo, PluginParams, PluginState};
use padgate_tests::daemon::Daemon;
use padgate_tests::events::Watch;
use padgate_tests::folder::Folder;
use padgate_tests::plugins;

use crate::performance::{Done, PADS, has_sequencer};
use crate::report::Report;
use padgate_tests::web::Server;

/// The mappings; with this instead of the server's port.
const CONFIG: &str = include_str!("plugins.toml");
const PORT: &str = ":8080/";

/// The plugins that are installed: shipped ones, and one in C of the tests.
const SHIPPED: &[&str] = &["midi-tools", "http-request", "notes-log"];
const OWN: &str = "fragile";

/// What the plugins of the demo run in.
pub(crate) struct Stage<'a> {
    daemon: &'a Daemon,
    server: &'a Server,
}

/// Puts plugins and their mappings into the folder of a daemon that is not started yet.
pub(crate) fn prepare(folder: &Folder, server: &Server) -> Result<()> {
    for name in SHIPPED {
        plugins::install(folder, name)?;
    }
    plugins::install_c(folder, OWN)?;
    folder.write("home/secret", "not for plugins\n")?;
    std::fs::create_dir_all(folder.home().join("Documents/padgate"))?;
    let config = CONFIG.replace(PORT, &format!(":{}/", server.port));
    folder.write("config/padgate/conf.d/plugins.toml", config)?;
    Ok(())
}

/// Plays it, and prints what is enforced here and what was counted.
pub(crate) fn play(daemon: &Daemon, server: &Server, report: &mut Report) -> Result<()> {
    let stage = Stage { daemon, server };
    if let Some(why) = stage.cannot()? {
        report.section("Plugins");
        report.note(&why);
        return Ok(());
    }
    report.section("Plugins, each in a process of its own that the kernel confines");
    for (hand, gesture) in GESTURES {
        report.line(hand, gesture(&stage));
    }
    report.text("padgate plugin stats", stage.statistics()?);
    report.text("enforced on this machine", stage.enforced()?);
    Ok(())
}

/// How one gesture is played.
type Gesture = fn(&Stage<'_>) -> Result<Done>;

/// In this order: grants stay.
const GESTURES: &[(&str, Gesture)] = &[
    ("tap a pad that plays a chord", |stage| stage.chord()),
    ("tap a pad that calls a web server", |stage| stage.refused()),
    ("grant the plugin this one server", |stage| stage.grant_host()),
    ("tap the same pad", |stage| stage.request()),
    ("grant another one its folder", |stage| stage.grant_folder()),
    ("tap its pad", |stage| stage.write()),
    ("a plugin reads a file of yours", |stage| stage.snoop()),
    ("a plugin crashes", |stage| stage.crash()),
];

impl Stage<'_> {
    /// Why plugins can't be shown here, if they can't: on a kernel that does not confine them they are refused.
    fn cannot(&self) -> Result<Option<String>> {
        let plugins = self.daemon.client()?.call::<ListPlugins>(&Empty {})?.plugins;
        let own = plugins.iter().find(|plugin| plugin.name == OWN).context("the plugin was not found")?;
        let reason = own.reason.as_deref().unwrap_or_default();
        let unconfined = own.state == PluginState::Unusable && reason.contains("can't confine");
        Ok(unconfined.then(|| format!("are not run here: {reason}")))
    }

    /// A plugin of low risk: granted by itself.
    fn chord(&self) -> Result<Done> {
        let mut watch = self.daemon.watch()?;
        let (record, outcome) = tap(&mut watch, "D3", "Chord")?;
        let did = match outcome.result {
            OutcomeKind::Done => format!("Chord: {}; low risk, granted by itself", record.requests[0].action),
            OutcomeKind::Unavailable if !has_sequencer() => {
                format!(
                    "low risk, granted by itself; says that it can't here: {}",
                    outcome.message.as_deref().unwrap_or_default()
                )
            }
            _ => bail!("{}", told(&outcome)),
        };
        Ok(times(&record, &outcome, did))
    }

    fn refused(&self) -> Result<Done> {
        let mut watch = self.daemon.watch()?;
        let (record, outcome) = tap(&mut watch, "E3", "Scene 2")?;
        let message = outcome.message.clone().unwrap_or_default();
        ensure!(outcome.result == OutcomeKind::Refused, "it should be refused: {}", told(&outcome));
        ensure!(
            message.contains("padgate plugin grant http-request"),
            "it does not say what to do: {message}"
        );
        Ok(times(&record, &outcome, format!("refused: {message}")))
    }

    fn grant_host(&self) -> Result<Done> {
        let scope = format!("network=127.0.0.1:{}", self.server.port);
        self.grant(&["http-request", &scope], "connect to 127.0.0.1")
    }

    fn request(&self) -> Result<Done> {
        let mut watch = self.daemon.watch()?;
        let (record, outcome) = tap(&mut watch, "E3", "Scene 2")?;
        ensure!(outcome.result == OutcomeKind::Done, "{}", told(&outcome));
        let request = self.server.next()?;
        ensure!(request.starts_with("POST /scene/2 {\"level\":"), "this was requested: {request}");
        Ok(times(&record, &outcome, format!("Scene 2: the server got {request}")))
    }

    fn grant_folder(&self) -> Result<Done> {
        self.grant(&["notes-log"], "~/Documents/padgate")
    }

    fn write(&self) -> Result<Done> {
        let mut watch = self.daemon.watch()?;
        let (record, outcome) = tap(&mut watch, "F3", "Set list")?;
        ensure!(outcome.result == OutcomeKind::Done, "{}", told(&outcome));
        let written = std::fs::read_to_string(self.daemon.home().join("Documents/padgate/set.txt"))?;
        ensure!(written.starts_with("pad 53, velocity "), "this was written: {written}");
        Ok(times(&record, &outcome, format!("Set list: wrote \"{}\"", written.trim_end())))
    }

    /// Runs `padgate plugin grant`; what it shows must have `meaning` in it.
    fn grant(&self, what: &[&str], meaning: &str) -> Result<Done> {
        let arguments = [&["plugin", "grant"], what, &["--yes"]].concat();
        let shown = self.daemon.padgate(&arguments)?.success()?;
        ensure!(shown.contains(meaning), "the user is not shown \"{meaning}\":\n{shown}");
        let plugin = self.info(what[0])?.summary;
        ensure!(matches!(plugin.state, PluginState::Enabled | PluginState::Starting), "{plugin:?}");
        // Of what the user sees before the yes, the middle: what it would be allowed.
        let told = |line: &&str| line.starts_with("  ") || line.starts_with("granted");
        let mut did = format!("padgate plugin grant {}", what.join(" "));
        for line in shown.lines().filter(told) {
            did += "\n";
            did += line.trim();
        }
        Ok(Done { did, ..Done::default() })
    }

    fn snoop(&self) -> Result<Done> {
        let mut watch = self.daemon.watch()?;
        let (record, outcome) = tap(&mut watch, "G3", "Snoop")?;
        let message = outcome.message.clone().unwrap_or_default();
        ensure!(
            outcome.result == OutcomeKind::Failed && message.contains("Permission denied"),
            "the kernel should not let it: {}",
            told(&outcome)
        );
        Ok(times(&record, &outcome, message))
    }

    /// One plugin crashes; another one, and then the same one, is called at once.
    fn crash(&self) -> Result<Done> {
        let before = self.info("http-request")?.summary.pid;
        let mut watch = self.daemon.watch()?;
        for control in ["A3", "E3", "B3"] {
            watch.press(PADS, control, PressPhase::Tap)?;
        }
        let (crash, crashed) = outcome(&mut watch, "Crash")?;
        ensure!(crashed.result == OutcomeKind::Failed, "it should fail: {}", told(&crashed));
        let (other, others) = outcome(&mut watch, "Scene 2")?;
        ensure!(others.result == OutcomeKind::Done, "the other plugin: {}", told(&others));
        self.server.next()?;
        let after = self.info("http-request")?.summary.pid;
        ensure!(
            before.is_some() && before == after,
            "the other plugin has another process: {before:?} {after:?}"
        );
        let (_, again) = outcome(&mut watch, "Work")?;
        ensure!(again.result == OutcomeKind::Done, "its next call: {}", told(&again));
        let host = self.info(OWN)?.host.context("the plugin has no host")?;
        ensure!(host.generation == 2 && host.restarts == 1, "it should be started again once: {host:?}");
        let did = format!(
            "{}\nanother plugin, called meanwhile, goes on: done after {}\nthe next call of the crashed one is done \
             by a new process, {} after the crash",
            crashed.message.clone().unwrap_or_default(),
            crate::report::time(span(other.received_ns, others.done_ns)),
            crate::report::time(span(crashed.done_ns, again.done_ns)),
        );
        Ok(times(&crash, &crashed, did))
    }

    fn info(&self, plugin: &str) -> Result<PluginInfo> {
        let params = PluginParams { plugin: plugin.to_owned() };
        Ok(self.daemon.client()?.call::<GetPlugin>(&params)?)
    }

    /// What was counted, in a table of 80 columns.
    fn statistics(&self) -> Result<Vec<String>> {
        let stats = self.daemon.client()?.call::<PluginStats>(&AnyPluginParams::default())?.plugins;
        let mut lines = vec![format!(
            "{:<13} {:>5} {:>6} {:>7} {:>7} {:>8} {:>9} {:>9}",
            "plugin", "calls", "failed", "refused", "crashes", "restarts", "p50", "max"
        )];
        for of in &stats {
            let [half, most] =
                [of.p50_us, of.max_us].map(|us| crate::report::time(Duration::from_micros(us)));
            lines.push(format!(
                "{:<13} {:>5} {:>6} {:>7} {:>7} {:>8} {half:>9} {most:>9}",
                of.plugin, of.executions, of.failures, of.refusals, of.crashes, of.restarts
            ));
        }
        let count = |plugin: &str| stats.iter().find(|of| of.plugin == plugin);
        let own = count(OWN).context("the plugin is not counted")?;
        ensure!((own.executions, own.crashes, own.restarts) == (3, 1, 1), "miscounted: {own:?}");
        let http = count("http-request").context("the plugin is not counted")?;
        ensure!((http.executions, http.refusals, http.crashes) == (2, 1, 0), "miscounted: {http:?}");
        Ok(lines)
    }

    /// How plugins are confined here, as their hosts found out by trying.
    fn enforced(&self) -> Result<Vec<String>> {
        let confinement = self.info(OWN)?.confinement.context("the plugin never ran")?;
        let mut lines = Vec::new();
        let fully: Vec<&str> = confinement
            .parts
            .iter()
            .filter(|part| part.enforced == Enforcement::Fully)
            .map(|part| part.name.as_str())
            .collect();
        lines.push(format!(
            "{} (Landlock {}, {} seccomp filters)",
            fully.join(", "),
            confinement.landlock,
            confinement.filters
        ));
        for part in confinement.parts.iter().filter(|part| part.enforced != Enforcement::Fully) {
            lines.push(format!(
                "{}: {}: {}",
                part.name,
                part.enforced.word(),
                part.why.as_deref().unwrap_or_default()
            ));
        }
        Ok(lines)
    }
}

/// Taps a pad, and waits for what its mapping does to end.
fn tap(watch: &mut Watch, control: &str, mapping: &str) -> Result<(Record, Outcome)> {
    watch.press(PADS, control, PressPhase::Tap)?;
    outcome(watch, mapping)
}

/// Waits until the mapping has fired and its first request has ended.
fn outcome(watch: &mut Watch, mapping: &str) -> Result<(Record, Outcome)> {
    let record = watch.fired(mapping)?;
    let request = record.requests.first().with_context(|| format!("{mapping} asked for nothing"))?;
    let outcome = match &request.outcome {
        Some(outcome) => outcome.clone(),
        None => watch.outcome(request.id)?,
    };
    Ok((record, outcome))
}

fn told(outcome: &Outcome) -> String {
    format!("{} {}", outcome.result.word(), outcome.message.as_deref().unwrap_or_default())
}

fn span(from_ns: u64, to_ns: u64) -> Duration {
    Duration::from_nanos(to_ns.saturating_sub(from_ns))
}

fn times(record: &Record, outcome: &Outcome, did: String) -> Done {
    Done {
        did,
        decided: Some(span(record.received_ns, record.decided_ns)),
        done: Some(span(record.received_ns, outcome.done_ns)),
    }
}
