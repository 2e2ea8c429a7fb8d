//! Plugins through the whole daemon: real hosts, confined as they are in real life, called from pads and managed over the
//! socket.
//!
//! - [`running`]: plugins that misbehave when they are called.
//! - [`starting`]: plugins that misbehave before they are ready.
//! - [`files`]: manifests and binaries that are not what they should be.
//! - [`grants`]: what is refused, granted and taken back.
//! - [`signatures`]: who vouches for a plugin, and what the user makes of that.
//! - [`shipped`]: the plugins that come with Padgate, against real peers.
//! - [`calls`]: what the configuration says of calls.
//! - [`life`]: loading, replacing, watching, and plugins that need others.

mod calls;
mod files;
mod grants;
mod life;
mod running;
mod shipped;
mod signatures;
mod starting;

use anyhow::{Context as _, Result};
use padgate_ipc::client::ClientError;
use padgate_ipc::error::ErrorObject;
use padgate_ipc::event::{Outcome, OutcomeKind};
use padgate_ipc::plugin::PluginState;
use padgate_tests::daemon::Daemon;
use padgate_tests::events::Watch;
use padgate_tests::folder::Folder;
use padgate_tests::plugin::Plugin;

use super::with_pads;

/// The note that calls the neighbour of a plugin that misbehaves.
const NEIGHBOUR: &str = "C8";

/// A mapping of a note to a call of the action `do`. It is named as the note.
fn map(note: &str, plugin: &str, how: &str) -> String {
    map_at(note, plugin, how, "")
}

/// As [`map`], with what it is to be done to.
fn map_at(note: &str, plugin: &str, how: &str, at: &str) -> String {
    format!(
        "[[map]]\nname = \"{note}\"\non = {{ device = \"pads\", note = \"{note}\" }}\n\
         do = {{ plugin = \"{plugin}\", action = \"do\", params = {{ how = \"{how}\", at = \"{at}\" }} }}\n"
    )
}

/// A daemon, and a client that watches it.
struct Stage {
    watch: Watch,
    daemon: Daemon,
}

impl Stage {
    /// A daemon with these plugins and mappings.
    fn new(plugins: &[&Plugin], config: &str) -> Result<Stage> {
        let folder = Folder::new(&with_pads(config))?;
        for plugin in plugins {
            plugin.install(&folder)?;
        }
        Stage::start(folder)
    }

    /// A daemon in a folder that is prepared.
    fn start(folder: Folder) -> Result<Stage> {
        let daemon = Daemon::start_in(folder)?;
        Ok(Stage { watch: daemon.watch()?, daemon })
    }

    /// A daemon with this plugin, which misbehaves like this on the note C1, behaves on D1, and has a neighbour that is
    /// ready.
    fn with_misbehaving(plugin: &Plugin, how: &str) -> Result<Stage> {
        let config = [
            map("C1", &plugin.name, how),
            map("D1", &plugin.name, "well"),
            map(NEIGHBOUR, "neighbour", "well"),
        ];
        let mut stage = Stage::new(&[plugin, &Plugin::steady("neighbour")], &config.concat())?;
        stage.watch.plugin_is("neighbour", PluginState::Enabled)?;
        Ok(stage)
    }

    /// The neighbour works, in the process that it started in, and the daemon answers.
    fn neighbour_works(&mut self) -> Result<()> {
        assert_done(&self.watch.tap(NEIGHBOUR)?);
        let host = self.watch.plugin_info("neighbour")?.host;
        assert_eq!(host.map(|host| (host.generation, host.restarts)), Some((1, 0)));
        self.watch.status()?;
        Ok(())
    }
}

/// It was done.
fn assert_done(outcome: &Outcome) {
    assert_eq!(outcome.result, OutcomeKind::Done, "{outcome:?}");
}

/// It ended like this, with all of these in the text.
fn assert_outcome(outcome: &Outcome, kind: OutcomeKind, parts: &[&str]) {
    assert_eq!(outcome.result, kind, "{outcome:?}");
    let text = outcome.message.as_deref().unwrap_or_default();
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
}

/// What the daemon said when it refused.
fn refusal(error: ClientError) -> Result<ErrorObject> {
    let ClientError::Refused(error) = error else { return Err(error).context("it is no refusal") };
    Ok(error)
}
