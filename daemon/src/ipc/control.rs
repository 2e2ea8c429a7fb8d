//! What the IPC server needs of the daemon. A trait, so that the server can be tested with a daemon that has no
//! devices, and so that nothing else of the daemon can be reached from a socket.

use padgate_ipc::ErrorObject;
use padgate_ipc::check::{CheckParams, CheckReport};
use padgate_ipc::event::Topic;
use padgate_ipc::method::{
    ExplainParams, Explanation, ModeParams, PanicResult, PlayParams, PlayResult, PressParams, PressResult,
};
use padgate_ipc::state::State;
use padgate_ipc::status::{DeviceList, ModeState, Status};

use super::{Cancel, PluginControl};

/// The daemon, as front ends see it. Every method may be called from several threads at once, and may block: the
/// server calls each on a thread of its own, one at a time per client.
#[allow(clippy::missing_errors_doc, reason = "each error is the answer to the call, worded for the user")]
pub trait Control: PluginControl + Send + Sync + 'static {
    /// Everything at a glance. The server fills in how many clients there are.
    fn status(&self) -> Status;

    /// Devices and ports.
    fn devices(&self) -> DeviceList;

    /// The state that events change, for a new subscriber.
    fn state(&self) -> State;

    /// Told when the first subscriber of a topic comes, and when the last one has left. Must not call the hub from
    /// within, or wait for a thread that does.
    fn interest(&self, topic: Topic, wanted: bool);

    /// Why the last press did what it did.
    fn explain(&self, params: &ExplainParams) -> Result<Explanation, ErrorObject>;

    /// Puts a message in. Returns once it was released; `cancel` releases at once.
    fn press(&self, params: &PressParams, cancel: &Cancel) -> Result<PressResult, ErrorObject>;

    /// Plays a file. Returns at its end; `cancel` ends it. `progress` is told messages played and in all.
    fn play(
        &self,
        params: &PlayParams,
        cancel: &Cancel,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<PlayResult, ErrorObject>;

    /// Reads the configuration again. If it has errors, the old rules stay, and the call fails with
    /// [`padgate_ipc::ErrorCode::ConfigInvalid`] and the report.
    fn reload(&self) -> Result<CheckReport, ErrorObject>;

    /// Shows or changes the mode.
    fn mode(&self, params: &ModeParams) -> Result<ModeState, ErrorObject>;

    /// Releases everything.
    fn panic(&self) -> PanicResult;

    /// Looks for mistakes in a configuration, and changes nothing.
    fn check(&self, params: &CheckParams) -> Result<CheckReport, ErrorObject>;
}
