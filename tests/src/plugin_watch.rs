//! What a test asks about plugins: how one is, what was counted, written and audited of it.

use anyhow::{Context as _, Result};
use padgate_ipc::event::Outcome;
use padgate_ipc::method::{
    Audit, EnablePlugin, GetPlugin, GrantPlugin, ListPlugins, PluginLogs, PluginStats, PressPhase,
    RevokePlugin,
};
use padgate_ipc::plugin::{
    AnyPluginParams, AuditEntry, AuditParams, GrantParams, GrantView, LOG_LINES_MAX, LogLine, LogsParams,
    PluginChange, PluginInfo, PluginParams, PluginState, PluginSummary, RevokeParams, RevokeResult,
    StatsView,
};

use crate::events::Watch;

/// The parameters that name a plugin.
#[must_use]
pub fn named(plugin: &str) -> PluginParams {
    PluginParams { plugin: plugin.to_owned() }
}

impl Watch {
    /// Taps a note of the pads, waits until the mapping of that name fires, and for the outcome of what it asks for.
    ///
    /// # Errors
    ///
    /// If it does not fire, or does not end.
    pub fn tap(&mut self, note: &str) -> Result<Outcome> {
        self.press("pads", note, PressPhase::Tap)?;
        self.outcome_of_tap(note)
    }

    /// The outcome of an earlier tap.
    ///
    /// # Errors
    ///
    /// If its mapping did not fire, or it does not end.
    pub fn outcome_of_tap(&mut self, note: &str) -> Result<Outcome> {
        let record = self.fired(note)?;
        self.outcome(record.requests.first().context("it asks for something")?.id)
    }

    /// How a plugin is now, at a glance.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn plugin(&mut self, name: &str) -> Result<PluginSummary> {
        let all = self.call::<ListPlugins>(&padgate_ipc::method::Empty {})?.plugins;
        let found = all.iter().find(|plugin| plugin.name == name).cloned();
        found.with_context(|| format!("there is no plugin {name:?}: {all:?}"))
    }

    /// Waits until a plugin is in this state.
    ///
    /// # Errors
    ///
    /// If it is not in time; with how it is instead.
    pub fn plugin_is(&mut self, name: &str, state: PluginState) -> Result<PluginSummary> {
        let found = self.until(&format!("{name} to be {}", state.word()), |watch| {
            Ok(Some(watch.plugin(name)?).filter(|plugin| plugin.state == state))
        });
        match found {
            Ok(found) => Ok(found),
            Err(error) => Err(error.context(format!("{:?}", self.plugin(name)?))),
        }
    }

    /// Everything about a plugin.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn plugin_info(&mut self, name: &str) -> Result<PluginInfo> {
        self.call::<GetPlugin>(&named(name))
    }

    /// What was counted of a plugin.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn plugin_stats(&mut self, name: &str) -> Result<StatsView> {
        let params = AnyPluginParams { plugin: Some(name.to_owned()) };
        self.call::<PluginStats>(&params)?.plugins.pop().context("statistics of the plugin")
    }

    /// All lines of a plugin's log.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn plugin_log(&mut self, name: &str) -> Result<Vec<LogLine>> {
        let params = LogsParams { plugin: name.to_owned(), lines: LOG_LINES_MAX };
        Ok(self.call::<PluginLogs>(&params)?.lines)
    }

    /// Waits for a line of a plugin's log that has this in it.
    ///
    /// # Errors
    ///
    /// If it does not come; with the log.
    pub fn plugin_says(&mut self, name: &str, part: &str) -> Result<LogLine> {
        let found = self.until(&format!("{part:?} in the log of {name}"), |watch| {
            Ok(watch.plugin_log(name)?.into_iter().find(|line| line.text.contains(part)))
        });
        match found {
            Ok(found) => Ok(found),
            Err(error) => Err(error.context(format!("{:#?}", self.plugin_log(name)?))),
        }
    }

    /// Waits for an entry of the audit log about a plugin, of this event and with this in its text.
    ///
    /// # Errors
    ///
    /// If it does not come; with the audit log.
    pub fn audited(&mut self, name: &str, event: &str, part: &str) -> Result<AuditEntry> {
        let read = |watch: &mut Watch| -> Result<Vec<AuditEntry>> {
            let params = AuditParams { plugin: Some(name.to_owned()), entries: LOG_LINES_MAX };
            Ok(watch.call::<Audit>(&params)?.entries)
        };
        let found = self.until(&format!("{event} of {name} with {part:?} in the audit log"), |watch| {
            let is_it = |entry: &AuditEntry| entry.event == event && entry.text.contains(part);
            Ok(read(watch)?.into_iter().find(is_it))
        });
        match found {
            Ok(found) => Ok(found),
            Err(error) => Err(error.context(format!("{:#?}", read(self)?))),
        }
    }

    /// What would be granted: all that is requested, or these.
    ///
    /// # Errors
    ///
    /// If that makes no sense.
    pub fn propose(&mut self, name: &str, rights: &[&str]) -> Result<GrantView> {
        self.call::<GrantPlugin>(&GrantParams { dry_run: true, ..wish(name, rights) })
    }

    /// Grants all that is requested, or these, as a user who has seen what it is.
    ///
    /// # Errors
    ///
    /// If it is refused.
    pub fn grant(&mut self, name: &str, rights: &[&str]) -> Result<GrantView> {
        let confirm = Some(self.propose(name, rights)?.confirm);
        self.call::<GrantPlugin>(&GrantParams { confirm, ..wish(name, rights) })
    }

    /// Takes back all that a plugin may do.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn revoke(&mut self, name: &str) -> Result<RevokeResult> {
        self.call::<RevokePlugin>(&RevokeParams { plugin: name.to_owned(), capabilities: Vec::new() })
    }

    /// Enables a plugin.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn enable(&mut self, name: &str) -> Result<PluginChange> {
        self.call::<EnablePlugin>(&named(name))
    }
}

fn wish(name: &str, rights: &[&str]) -> GrantParams {
    let rights = (!rights.is_empty()).then(|| rights.iter().map(|right| (*right).to_owned()).collect());
    GrantParams { plugin: name.to_owned(), rights, ..GrantParams::default() }
}
