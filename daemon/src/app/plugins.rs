//! What front ends can ask of the plugins, carried out.

use padgate_ipc::plugin::{
    AuditList, AuditParams, GrantParams, GrantView, LogLines, LogsParams, PluginChange, PluginInfo,
    PluginList, RevokeParams, RevokeResult, StatsList, VerifyReport,
};
use padgate_ipc::{ErrorCode, ErrorObject};

use super::daemon::Daemon;
use crate::ipc::PluginControl;

/// There are no plugins in this daemon.
fn without<T>() -> Result<T, ErrorObject> {
    Err(ErrorObject::new(ErrorCode::Unavailable, "this daemon was started without plugins"))
}

impl PluginControl for Daemon {
    fn plugin_list(&self) -> Result<PluginList, ErrorObject> {
        without()
    }
    fn plugin_info(&self, _: &str) -> Result<PluginInfo, ErrorObject> {
        without()
    }
    fn plugin_grant(&self, _: &GrantParams) -> Result<GrantView, ErrorObject> {
        without()
    }
    fn plugin_revoke(&self, _: &RevokeParams) -> Result<RevokeResult, ErrorObject> {
        without()
    }
    fn plugin_enable(&self, _: &str) -> Result<PluginChange, ErrorObject> {
        without()
    }
    fn plugin_disable(&self, _: &str) -> Result<PluginChange, ErrorObject> {
        without()
    }
    fn plugin_load(&self, _: &str) -> Result<PluginChange, ErrorObject> {
        without()
    }
    fn plugin_unload(&self, _: &str) -> Result<PluginChange, ErrorObject> {
        without()
    }
    fn plugin_reload(&self, _: &str) -> Result<PluginChange, ErrorObject> {
        without()
    }
    fn plugin_stats(&self, _: Option<&str>) -> Result<StatsList, ErrorObject> {
        without()
    }
    fn plugin_logs(&self, _: &LogsParams) -> Result<LogLines, ErrorObject> {
        without()
    }
    fn plugin_verify(&self, _: Option<&str>) -> Result<VerifyReport, ErrorObject> {
        without()
    }
    fn plugin_rescan(&self) -> Result<PluginList, ErrorObject> {
        without()
    }
    fn audit(&self, _: &AuditParams) -> Result<AuditList, ErrorObject> {
        without()
    }
}
