//! What front ends can ask of the plugins, carried out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use padgate_core::config::diagnostics::Code;
use padgate_core::ruleset::Step;
use padgate_core::ruleset::action::Action;
use padgate_ipc::check::Diagnostic;
use padgate_ipc::event::{Event, Topic};
use padgate_ipc::plugin::{
    AuditEntry, AuditList, AuditParams, GrantParams, GrantView, LogLines, LogsParams, PluginChange,
    PluginInfo, PluginList, PluginState, PluginSummary, RevokeParams, RevokeResult, StatsList, Tie, Verified,
    VerifyReport,
};
use padgate_ipc::{ErrorCode, ErrorObject};

use super::daemon::Daemon;
use crate::config::Outcome;
use crate::ipc::PluginControl;
use crate::ipc::convert::{plugin as convert, report};
use crate::plugins::inventory::{Signature, Standing};
use crate::plugins::manager::{LOG_LINES_MAX, Teller, Trouble, View, Wish};
use crate::plugins::supervisor::LogLine;

impl From<Trouble> for ErrorObject {
    fn from(trouble: Trouble) -> ErrorObject {
        match trouble {
            Trouble::NotFound(text) => ErrorObject::new(ErrorCode::NotFound, text),
            Trouble::Invalid(text) => ErrorObject::new(ErrorCode::InvalidParams, text),
            Trouble::Refused(text) => ErrorObject::new(ErrorCode::Refused, text),
            Trouble::Changed(text) => ErrorObject::new(ErrorCode::Changed, text),
        }
    }
}

/// Tells front ends.
struct Tell {
    daemon: Weak<Daemon>,
    /// They are about to be told: what changes until then needs no telling of its own.
    pending: Arc<AtomicBool>,
}

impl Teller for Tell {
    fn plugins_changed(&self) {
        let Some(daemon) = self.daemon.upgrade() else { return };
        if daemon.hub().wants(Topic::Plugins) && !self.pending.swap(true, Ordering::AcqRel) {
            let pending = Arc::clone(&self.pending);
            // Away from here: whoever changed something may hold what the overview needs.
            daemon.spawn_blocking(move |daemon| {
                // Before it looks: what changes after the look is told again.
                pending.store(false, Ordering::Release);
                daemon.hub().publish(Topic::Plugins, &Event::Plugins { plugins: daemon.summaries() });
            });
        }
    }

    fn catalogue_changed(&self) {
        let Some(daemon) = self.daemon.upgrade() else { return };
        daemon.spawn_blocking(|daemon| {
            let report = daemon.read_again();
            if !report.ok {
                tracing::warn!(
                    "with the plugins that are there now the configuration has errors\n{}",
                    report.rendered
                );
            }
        });
    }

    fn logged(&self, plugin: &str, line: &LogLine) {
        let Some(daemon) = self.daemon.upgrade() else { return };
        if daemon.hub().wants(Topic::PluginLog) {
            let event = Event::PluginLog { plugin: plugin.to_owned(), line: convert::log_line(line) };
            daemon.hub().publish(Topic::PluginLog, &event);
        }
    }
}

impl Daemon {
    /// From now on, front ends are told of plugins.
    pub(super) fn follow_plugins(self: &Arc<Self>) {
        self.plugins().tell(Arc::new(Tell { daemon: Arc::downgrade(self), pending: Arc::default() }));
    }

    fn summaries(&self) -> Vec<PluginSummary> {
        let mut summaries: Vec<PluginSummary> = self.plugins().list().iter().map(convert::summary).collect();
        summaries.sort_by(|one, other| one.name.cmp(&other.name));
        summaries
    }

    /// Adds what plugins said of the parameters of calls. They were asked about those that are in force.
    pub(super) fn ask_plugins(&self, outcome: &mut Outcome) {
        let refused: HashMap<_, _> = self.plugins().refused_calls().into_iter().collect();
        let Some(rules) = outcome.ruleset.as_ref().filter(|_| !refused.is_empty()) else { return };
        let mut warnings = Vec::new();
        for mapping in &rules.mappings {
            for step in &mapping.program.steps {
                if let Step::Do(Action::Plugin { call, .. }) = step
                    && let Some(why) = refused.get(call)
                {
                    let text = format!("the plugin `{}` does not take these parameters: {why}", call.plugin);
                    warnings.push((mapping.origin.clone(), text));
                }
            }
        }
        for (origin, text) in warnings {
            outcome.warn(Code::RefusedParameters, &origin, text);
        }
    }

    /// What is to be done about plugins that the configuration calls.
    pub(super) fn plugin_hints(&self) -> Vec<String> {
        let is_called = |view: &View| !view.host.calls.is_empty();
        let hint = |view: &View| {
            let summary = convert::summary(view);
            let wrong = matches!(
                summary.state,
                PluginState::Waiting
                    | PluginState::Unusable
                    | PluginState::Quarantined
                    | PluginState::Disabled
            );
            let why = summary.reason.unwrap_or_else(|| summary.state.word().to_owned());
            wrong.then(|| format!("The plugin {}: {why}.", summary.name))
        };
        let views = self.plugins().list();
        let mut hints: Vec<String> = views.iter().filter(|view| is_called(view)).filter_map(hint).collect();
        for view in &views {
            let name = &view.plugin.name;
            hints.extend(view.host.calls.iter().filter_map(|(call, problem)| {
                let why = problem.as_ref()?;
                Some(format!("The plugin {name} does not take the parameters of {:?}: {why}.", call.action))
            }));
        }
        hints
    }

    fn change(&self, plugin: &str, changed: bool) -> Result<PluginChange, ErrorObject> {
        let summary = convert::summary(&self.plugins().view(plugin)?);
        let notes = summary.reason.iter().cloned().collect();
        Ok(PluginChange { plugin: summary, changed, notes })
    }
}

impl PluginControl for Daemon {
    fn plugin_list(&self) -> Result<PluginList, ErrorObject> {
        let (folders, problems) = self.plugins().places();
        let mut problems: Vec<Diagnostic> =
            problems.into_iter().map(|text| Diagnostic { message: text, ..Diagnostic::default() }).collect();
        for view in self.plugins().list() {
            problems.extend(report::diagnostics(&view.plugin.problems));
        }
        Ok(PluginList {
            plugins: self.summaries(),
            folders: folders.iter().map(|folder| folder.display().to_string()).collect(),
            problems,
        })
    }

    fn plugin_info(&self, plugin: &str) -> Result<PluginInfo, ErrorObject> {
        Ok(convert::info(&self.plugins().view(plugin)?))
    }

    fn plugin_grant(&self, params: &GrantParams) -> Result<GrantView, ErrorObject> {
        let wish = Wish { rights: params.rights.clone(), tie_to_key: params.tie == Tie::Key };
        if params.dry_run {
            return Ok(convert::proposal(&self.plugins().propose(&params.plugin, &wish)?, params.tie));
        }
        let confirm = params.confirm.as_deref().unwrap_or_default();
        let granted = self.plugins().grant(&params.plugin, &wish, confirm)?;
        let after = convert::summary(&self.plugins().view(&params.plugin)?);
        Ok(convert::granted(&granted, params.tie, after))
    }

    fn plugin_revoke(&self, params: &RevokeParams) -> Result<RevokeResult, ErrorObject> {
        let (revoked, restarted) = self.plugins().revoke(&params.plugin, &params.capabilities)?;
        let plugin = convert::summary(&self.plugins().view(&params.plugin)?);
        let notes = plugin.reason.iter().cloned().collect();
        let revoked = revoked.into_iter().map(|capability| capability.name().to_owned()).collect();
        Ok(RevokeResult { plugin, revoked, restarted, notes })
    }

    fn plugin_enable(&self, plugin: &str) -> Result<PluginChange, ErrorObject> {
        let changed = self.plugins().enable(plugin)?;
        self.change(plugin, changed)
    }

    fn plugin_disable(&self, plugin: &str) -> Result<PluginChange, ErrorObject> {
        let changed = self.plugins().disable(plugin)?;
        self.change(plugin, changed)
    }

    fn plugin_load(&self, plugin: &str) -> Result<PluginChange, ErrorObject> {
        let changed = self.plugins().load(plugin)?;
        self.change(plugin, changed)
    }

    fn plugin_unload(&self, plugin: &str) -> Result<PluginChange, ErrorObject> {
        let changed = self.plugins().unload(plugin)?;
        self.change(plugin, changed)
    }

    fn plugin_reload(&self, plugin: &str) -> Result<PluginChange, ErrorObject> {
        self.plugins().reload(plugin)?;
        self.change(plugin, true)
    }

    fn plugin_stats(&self, plugin: Option<&str>) -> Result<StatsList, ErrorObject> {
        let views = match plugin {
            Some(plugin) => vec![self.plugins().view(plugin)?],
            None => self.plugins().list(),
        };
        let mut plugins: Vec<_> = views.iter().map(convert::stats).collect();
        plugins.sort_by(|one, other| one.plugin.cmp(&other.plugin));
        Ok(StatsList { plugins })
    }

    fn plugin_logs(&self, params: &LogsParams) -> Result<LogLines, ErrorObject> {
        let lines = (params.lines as usize).min(LOG_LINES_MAX);
        let (path, lines) = self.plugins().log(&params.plugin, lines)?;
        Ok(LogLines {
            plugin: params.plugin.clone(),
            path: path.display().to_string(),
            lines: lines.iter().map(convert::log_line).collect(),
        })
    }

    fn plugin_verify(&self, plugin: Option<&str>) -> Result<VerifyReport, ErrorObject> {
        let plugins: Vec<Verified> = self
            .plugins()
            .verify(plugin)?
            .into_iter()
            .map(|found| {
                let binary = found.plugin.manifest.as_ref().and_then(|manifest| manifest.binary.clone());
                let sha256 = found
                    .plugin
                    .integrity
                    .as_ref()
                    .map(|integrity| integrity.sha256.clone())
                    .unwrap_or_default();
                let loaded = found.loaded.map(|integrity| integrity.sha256);
                let signature = convert::signature(&found.plugin);
                let is_bad = found
                    .plugin
                    .integrity
                    .as_ref()
                    .is_none_or(|integrity| matches!(integrity.signature, Signature::Bad(_)));
                let text = match (&found.plugin.standing, &loaded) {
                    (Standing::Unusable(why), _) => why.clone(),
                    (_, Some(loaded)) if *loaded != sha256 => {
                        "the file is another one than the one that runs: `padgate plugin reload` takes it"
                            .to_owned()
                    }
                    _ => String::new(),
                };
                Verified {
                    plugin: found.plugin.name.to_string(),
                    path: found.plugin.folder.join(binary.unwrap_or_default()).display().to_string(),
                    sha256,
                    loaded,
                    signature,
                    ok: !is_bad && !matches!(found.plugin.standing, Standing::Unusable(_)),
                    text,
                }
            })
            .collect();
        Ok(VerifyReport { ok: plugins.iter().all(|plugin| plugin.ok), plugins })
    }

    fn plugin_rescan(&self) -> Result<PluginList, ErrorObject> {
        self.plugins().look_again();
        self.plugin_list()
    }

    fn audit(&self, params: &AuditParams) -> Result<AuditList, ErrorObject> {
        let audit = self.plugins().audit();
        audit.flush();
        let records = audit.read(params.entries as usize, params.plugin.as_deref()).map_err(|error| {
            ErrorObject::new(ErrorCode::File, format!("{}: {error}", audit.path().display()))
        })?;
        let entry = |record: crate::plugins::audit::Record| AuditEntry {
            unix_ms: record.time.parse::<jiff::Timestamp>().map_or(0, |time| time.as_millisecond()),
            event: record.event,
            plugin: Some(record.plugin).filter(|plugin| !plugin.is_empty()),
            text: match record.count {
                0 | 1 => record.text,
                count => format!("{} ({count} times)", record.text),
            },
            detail: Some(record.detail).filter(|detail| !detail.is_empty()).map(serde_json::Value::String),
        };
        Ok(AuditList {
            path: audit.path().display().to_string(),
            entries: records.into_iter().map(entry).collect(),
        })
    }
}
