//! What the IPC server needs of the daemon's plugins: a part of [`Control`](super::Control) with a file of its own.

use padgate_ipc::ErrorObject;
use padgate_ipc::plugin::{
    AuditList, AuditParams, GrantParams, GrantView, LogLines, LogsParams, PluginChange, PluginInfo,
    PluginList, RevokeParams, RevokeResult, StatsList, VerifyReport,
};

/// The plugins, as front ends see them. As with [`Control`](super::Control), every method may be called from several
/// threads at once, and may block.
///
/// A plugin that does not exist is [`padgate_ipc::ErrorCode::NotFound`], with the nearest name in the message. Two
/// changes of the same plugin at once: the second one waits, or is [`padgate_ipc::ErrorCode::Busy`].
#[allow(clippy::missing_errors_doc, reason = "each error is the answer to the call, worded for the user")]
pub trait PluginControl {
    /// All plugins that were found, by name.
    fn plugin_list(&self) -> Result<PluginList, ErrorObject>;

    /// Everything about one.
    fn plugin_info(&self, plugin: &str) -> Result<PluginInfo, ErrorObject>;

    /// Says what would be granted (`dry_run`), or grants it. Otherwise than a dry run it comes with a `confirm`; if
    /// that is not what a dry run would answer now, [`padgate_ipc::ErrorCode::Changed`]. If all that is asked for is
    /// refused, a dry run says so in its answer, and a grant is [`padgate_ipc::ErrorCode::Refused`].
    fn plugin_grant(&self, params: &GrantParams) -> Result<GrantView, ErrorObject>;

    /// Takes back what was granted; without capabilities, all of it.
    fn plugin_revoke(&self, params: &RevokeParams) -> Result<RevokeResult, ErrorObject>;

    /// Lets it be used, and closes an open breaker.
    fn plugin_enable(&self, plugin: &str) -> Result<PluginChange, ErrorObject>;

    /// Ends it, for good.
    fn plugin_disable(&self, plugin: &str) -> Result<PluginChange, ErrorObject>;

    /// Starts its host. Returns when it is ready, or fails with the reason.
    fn plugin_load(&self, plugin: &str) -> Result<PluginChange, ErrorObject>;

    /// Ends its host. Returns when it has ended.
    fn plugin_unload(&self, plugin: &str) -> Result<PluginChange, ErrorObject>;

    /// Reads its files again. Returns when the new version has taken over; if it can't, the old one goes on, and the
    /// reason is the error.
    fn plugin_reload(&self, plugin: &str) -> Result<PluginChange, ErrorObject>;

    /// Statistics of one, or of all.
    fn plugin_stats(&self, plugin: Option<&str>) -> Result<StatsList, ErrorObject>;

    /// The newest lines of its log. At most [`padgate_ipc::plugin::LOG_LINES_MAX`] are asked for, and the server
    /// leaves out the oldest of those that don't fit into an answer.
    fn plugin_logs(&self, params: &LogsParams) -> Result<LogLines, ErrorObject>;

    /// Hashes the files of one, or of all, anew. A plugin that is not as it should be is no error, but in the report.
    fn plugin_verify(&self, plugin: Option<&str>) -> Result<VerifyReport, ErrorObject>;

    /// Looks through the folders again.
    fn plugin_rescan(&self) -> Result<PluginList, ErrorObject>;

    /// The newest entries of the audit log, with the same bounds as [`PluginControl::plugin_logs`].
    fn audit(&self, params: &AuditParams) -> Result<AuditList, ErrorObject>;
}
