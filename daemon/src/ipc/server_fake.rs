//! A server on a thread of its own with a daemon that has no devices, and a client that says whatever it wants.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use padgate_ipc::check::{CheckParams, CheckReport};
use padgate_ipc::event::Topic;
use padgate_ipc::method::{
    ExplainParams, Explanation, ModeParams, PanicResult, PlayParams, PlayResult, PressParams, PressResult,
};
use padgate_ipc::plugin::{
    AuditEntry, AuditList, AuditParams, GrantParams, GrantView, LogLine, LogLines, LogsParams, PluginChange,
    PluginInfo, PluginList, RevokeParams, RevokeResult, StatsList, VerifyReport,
};
use padgate_ipc::state::State;
use padgate_ipc::status::{DeviceList, ModeState, Status};
use padgate_ipc::{Client, ErrorCode, ErrorObject};
use serde_json::Value;

use super::super::Server;
use crate::ipc::socket::Claim;
use crate::ipc::{Cancel, Control, Hub, PluginControl};

/// How long anything may take before a test fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

struct Fake {
    /// What was called, as far as tests ask.
    log: Mutex<Sender<String>>,
}

impl Fake {
    fn say(&self, what: impl Into<String>) {
        // A test that has ended listens to nothing.
        let _ = self.log.lock().unwrap().send(what.into());
    }
}

impl Control for Fake {
    fn status(&self) -> Status {
        Status { version: "fake".into(), ..Status::default() }
    }
    fn devices(&self) -> DeviceList {
        panic!("a mistake in the daemon, on purpose")
    }
    fn state(&self) -> State {
        State::default()
    }
    fn interest(&self, topic: Topic, wanted: bool) {
        self.say(format!("{topic:?} {wanted}"));
    }
    fn explain(&self, _: &ExplainParams) -> Result<Explanation, ErrorObject> {
        Err(ErrorObject::new(ErrorCode::NotFound, "no such device"))
    }
    fn press(&self, params: &PressParams, cancel: &Cancel) -> Result<PressResult, ErrorObject> {
        self.say("down");
        let cut_short = cancel.wait_until(Instant::now() + Duration::from_millis(params.hold_ms));
        self.say(if cut_short { "up early" } else { "up" });
        Ok(PressResult::default())
    }
    fn play(
        &self,
        _: &PlayParams,
        _: &Cancel,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<PlayResult, ErrorObject> {
        progress(1, 2);
        Ok(PlayResult { total: 2, played: 2, ..PlayResult::default() })
    }
    fn reload(&self) -> Result<CheckReport, ErrorObject> {
        Ok(CheckReport::default())
    }
    fn mode(&self, _: &ModeParams) -> Result<ModeState, ErrorObject> {
        Ok(ModeState::default())
    }
    fn panic(&self) -> PanicResult {
        PanicResult::default()
    }
    fn check(&self, _: &CheckParams) -> Result<CheckReport, ErrorObject> {
        Ok(CheckReport::default())
    }
}

impl Fake {
    fn change(&self, what: &str, plugin: &str) -> Result<PluginChange, ErrorObject> {
        self.say(format!("{what} {plugin}"));
        Ok(PluginChange { changed: true, ..PluginChange::default() })
    }
}

impl PluginControl for Fake {
    fn plugin_list(&self) -> Result<PluginList, ErrorObject> {
        Ok(PluginList::default())
    }
    fn plugin_info(&self, plugin: &str) -> Result<PluginInfo, ErrorObject> {
        let text = format!("there is no plugin {plugin:?}; did you mean \"obs\"?");
        Err(ErrorObject::new(ErrorCode::NotFound, text))
    }
    fn plugin_grant(&self, params: &GrantParams) -> Result<GrantView, ErrorObject> {
        self.say(format!("grant {} {:?} dry {}", params.plugin, params.confirm, params.dry_run));
        Ok(GrantView { plugin: params.plugin.clone(), done: !params.dry_run, ..GrantView::default() })
    }
    fn plugin_revoke(&self, params: &RevokeParams) -> Result<RevokeResult, ErrorObject> {
        Ok(RevokeResult { revoked: params.capabilities.clone(), ..RevokeResult::default() })
    }
    fn plugin_enable(&self, plugin: &str) -> Result<PluginChange, ErrorObject> {
        self.change("enable", plugin)
    }
    fn plugin_disable(&self, plugin: &str) -> Result<PluginChange, ErrorObject> {
        self.change("disable", plugin)
    }
    fn plugin_load(&self, plugin: &str) -> Result<PluginChange, ErrorObject> {
        self.change("load", plugin)
    }
    fn plugin_unload(&self, plugin: &str) -> Result<PluginChange, ErrorObject> {
        self.change("unload", plugin)
    }
    fn plugin_reload(&self, plugin: &str) -> Result<PluginChange, ErrorObject> {
        self.change("reload", plugin)
    }
    fn plugin_stats(&self, _: Option<&str>) -> Result<StatsList, ErrorObject> {
        Ok(StatsList::default())
    }
    fn plugin_logs(&self, params: &LogsParams) -> Result<LogLines, ErrorObject> {
        let long = |sequence: u32| LogLine {
            sequence: sequence.into(),
            text: "x".repeat(4096),
            ..LogLine::default()
        };
        Ok(LogLines { lines: (1..=params.lines).map(long).collect(), ..LogLines::default() })
    }
    fn plugin_verify(&self, _: Option<&str>) -> Result<VerifyReport, ErrorObject> {
        Ok(VerifyReport::default())
    }
    fn plugin_rescan(&self) -> Result<PluginList, ErrorObject> {
        Ok(PluginList::default())
    }
    fn audit(&self, params: &AuditParams) -> Result<AuditList, ErrorObject> {
        let entries = vec![AuditEntry::default(); params.entries as usize];
        Ok(AuditList { entries, ..AuditList::default() })
    }
}

/// A server on a thread of its own; it ends with this.
pub(super) struct Running {
    pub(super) path: PathBuf,
    pub(super) hub: Arc<Hub>,
    pub(super) log: Receiver<String>,
    pub(super) stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Running {
    pub(super) fn start() -> Running {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/ctl.sock");
        let claim = Claim::take(&path).unwrap();
        let (log, heard) = channel();
        let hub = Arc::new(Hub::default());
        let control = Arc::new(Fake { log: Mutex::new(log) });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (ready, is_ready) = channel();
        let thread = std::thread::spawn({
            let hub = Arc::clone(&hub);
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let server = Server::new(claim.listen().unwrap(), control, hub);
                    ready.send(()).unwrap();
                    // The other end is dropped, never used.
                    server.run(async { drop(stopped.await) }).await;
                });
            }
        });
        is_ready.recv_timeout(PATIENCE).unwrap();
        Running { path, hub, log: heard, stop: Some(stop), thread: Some(thread), _folder: folder }
    }

    pub(super) fn client(&self) -> Client {
        Client::connect_to(&self.path, "test").unwrap()
    }

    pub(super) fn heard(&self) -> String {
        self.log.recv_timeout(PATIENCE).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A client that says whatever it wants.
pub(super) struct Raw {
    pub(super) stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Raw {
    pub(super) fn connect(path: &Path) -> Raw {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Raw { lines: BufReader::new(stream.try_clone().unwrap()), stream }
    }

    pub(super) fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    pub(super) fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    pub(super) fn error(&mut self) -> ErrorCode {
        let answer = self.hear();
        ErrorCode::from_number(answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{answer}")))
    }

    pub(super) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.lines.read_to_end(&mut rest) {
            Ok(_) => rest.is_empty(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}
