//! The daemon put together: what starts in which order, and ends in which.
//!
//! - `wiring`: the pipeline, MIDI and actions, which all know each other.
//! - [`daemon`]: what front ends can ask ([`crate::ipc::Control`]).
//! - `plugins`: what they can ask of the plugins.
//! - `feeds`: from the pipeline to subscribers.
//! - [`press`]: what `press` and `explain` make of a control's name.

pub mod daemon;
mod feeds;
mod plugins;
pub mod press;
mod signals;
mod wiring;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::Notify;

use crate::config::{ConfigStore, ConfigWatcher, Paths, PluginFinder, render::Colour};
use crate::ipc::socket::Claim;
use crate::ipc::{Hub, Server};
use crate::plugins::folders::Folders;
use crate::plugins::inventory::Catalogue;
use crate::{clock, service};
use daemon::Daemon;
use signals::{Signal, Signals};
use wiring::Wiring;

/// How long the end waits for calls of clients that are under way; they have been told to end.
const CALLS_END: Duration = Duration::from_secs(2);

/// How the daemon is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The configuration.
    pub paths: Paths,
    /// The socket.
    pub socket: PathBuf,
}

/// Runs the daemon until it is told to end by a signal; everything is released then.
///
/// The socket comes first, because it says whether another daemon is there, before anything is touched; and it answers
/// last, when everything works. A configuration that is missing or has errors is no reason not to start: it is watched,
/// and used as soon as it is good.
///
/// # Errors
///
/// [`crate::ipc::socket::ClaimError`] if another daemon is there, or the socket can't be had; else if the system refuses a thread.
pub fn run(options: Options) -> anyhow::Result<()> {
    // The epoch of all times.
    let started = clock::now();
    let claim = Claim::take(&options.socket)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Calls of clients run here, one per client, and end when nobody needs them.
        .max_blocking_threads(crate::ipc::CLIENTS_MAX + 8)
        .thread_name("padgate calls")
        .build()
        .context("the runtime of the control side could not be made")?;
    let signals = {
        let _inside = runtime.enter();
        // Before anything can be held: from now on a signal to end releases everything.
        Signals::new().context("signals can't be caught")?
    };
    let changed = Arc::new(Notify::new());
    // Before the files are read, so that no change is missed between the two.
    let watcher = watch(&options.paths, Arc::clone(&changed));
    let (mut store, folders) = config_store(options.paths)?;
    let first = store.load();
    if !first.diagnostics.is_empty() {
        eprint!("{}", first.rendered(Colour::Never));
    }
    let hub = Arc::new(Hub::default());
    let rules = Arc::new(first.ruleset.clone().unwrap_or_default());
    let wiring = Arc::new(Wiring::start(Arc::clone(&rules), &options.socket, folders)?);
    let daemon = Daemon::new(Arc::clone(&wiring), store, &first, Arc::clone(&hub), started, runtime.handle());
    wiring.watch_devices(Arc::clone(&daemon));
    daemon.follow_plugins();
    let result = runtime.block_on(serve(&claim, &daemon, hub, signals, &changed));
    service::stopping();
    drop(watcher);
    // Calls that have just been told to end are still ending.
    runtime.shutdown_timeout(CALLS_END);
    wiring.shutdown();
    result
}

/// The configuration at `paths`, with calls checked against the plugins of this user and machine; and where those lie.
///
/// # Errors
///
/// If there is no home folder.
pub fn config_store(paths: Paths) -> anyhow::Result<(ConfigStore, Folders)> {
    let folders = Folders::from_environment(paths.main.parent().unwrap_or(Path::new("/")))?;
    Ok((ConfigStore::new(paths).with_plugins(finder(&folders)), folders))
}

/// Finds the plugins that calls are checked against.
#[must_use]
pub fn finder(folders: &Folders) -> PluginFinder {
    let folders = folders.clone();
    PluginFinder::new(move |settings| Arc::new(Catalogue::find(&folders, settings)))
}

fn watch(paths: &Paths, changed: Arc<Notify>) -> Option<ConfigWatcher> {
    match ConfigWatcher::start(paths.clone(), move || changed.notify_one()) {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!("{error}");
            None
        }
    }
}

/// Answers until a signal says that it is over.
async fn serve(
    claim: &Claim,
    daemon: &Arc<Daemon>,
    hub: Arc<Hub>,
    mut signals: Signals,
    changed: &Notify,
) -> anyhow::Result<()> {
    let listener =
        claim.listen().with_context(|| format!("{} can't be listened at", claim.path().display()))?;
    let server = Server::new(listener, Arc::clone(daemon) as Arc<dyn crate::ipc::Control>, hub);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    // Nothing is ever sent: the other end is dropped.
    let mut running = std::pin::pin!(server.run(async { drop(stopped.await) }));
    // Beside the others: a file system that hangs must not keep clients and signals waiting.
    let mut reloading = std::pin::pin!(reload_when(changed, daemon));
    let summary = daemon.summary();
    tracing::info!(socket = %claim.path().display(), "{summary}");
    service::ready(&summary);
    loop {
        tokio::select! {
            () = &mut running => anyhow::bail!("the server ended by itself"),
            () = &mut reloading => anyhow::bail!("changes of the configuration are not noticed any more"),
            signal = signals.next() => match signal {
                Signal::Reload => changed.notify_one(),
                Signal::End => break,
            },
        }
    }
    drop(stop);
    running.await;
    Ok(())
}

/// Reads the configuration again whenever it has changed, one time after the other. Does not end.
async fn reload_when(changed: &Notify, daemon: &Arc<Daemon>) {
    loop {
        changed.notified().await;
        reload(daemon).await;
    }
}

/// Reads the configuration again without having been asked by a client.
async fn reload(daemon: &Arc<Daemon>) {
    let for_thread = Arc::clone(daemon);
    let report = tokio::task::spawn_blocking(move || for_thread.read_again()).await;
    match report {
        Ok(report) if report.ok => {
            let summary = daemon.summary();
            tracing::info!("{summary}");
            service::status(&summary);
        }
        Ok(report) => {
            tracing::warn!(
                "the configuration has errors, so that the old one stays in force\n{}",
                report.rendered
            );
            service::status("the configuration has errors: `padgate check` shows them");
        }
        Err(error) => tracing::error!(%error, "reading the configuration ended in a panic"),
    }
}
