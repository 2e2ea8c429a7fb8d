//! What the parts of the plugin system share: the number of a plugin, and the seams between the gate, the supervisor and
//! the brokers.

use std::os::fd::OwnedFd;

use padgate_core::time::Time;
use padgate_plugin_abi::PadgateStatus;
use padgate_plugin_host::ask::Ask;

use super::gate::Permit;

/// Numbers plugins for as long as the daemon runs; a plugin that is found again has its old number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PluginId(pub u32);

/// Does what plugins ask for, once the gate has permitted it. The supervisor calls it on its one thread, which must not
/// wait: what takes time is done elsewhere and answered later.
pub trait Broker: Send + Sync {
    /// Does it, and answers through `reply` now or later. What takes longer than `deadline` (the time of the call that
    /// asks) is answered by nobody any more.
    fn serve(&self, permit: Permit, plugin: PluginId, ask: &Ask<'_>, deadline: Time, reply: Reply);

    /// The plugin's host has ended, however: what it holds is released, what is planned for it is dropped.
    fn ended(&self, plugin: PluginId);
}

/// The way back for one [`Ask`]. If it is dropped without an answer, the plugin is told that it failed.
pub struct Reply(Option<Box<dyn FnOnce(Answered) + Send>>);

/// How an [`Ask`] ended.
#[derive(Debug)]
pub struct Answered {
    /// How.
    pub status: PadgateStatus,
    /// HTTP status or exit code, where there is one.
    pub code: i32,
    /// Body or output; on failure a text that says why and what next. What is over 48 KiB is cut off.
    pub body: Vec<u8>,
    /// A connected socket.
    pub socket: Option<OwnedFd>,
}

impl Reply {
    /// A way back. `send` must not wait.
    pub fn new(send: impl FnOnce(Answered) + Send + 'static) -> Reply {
        Reply(Some(Box::new(send)))
    }

    /// Answers.
    pub fn answer(mut self, answered: Answered) {
        if let Some(send) = self.0.take() {
            send(answered);
        }
    }

    /// Answers that it was done.
    pub fn done(self) {
        self.answer(Answered {
            status: padgate_plugin_abi::PADGATE_OK,
            code: 0,
            body: Vec::new(),
            socket: None,
        });
    }

    /// Answers that it was not done, and why.
    pub fn failed(self, status: PadgateStatus, why: impl Into<String>) {
        self.answer(Answered { status, code: 0, body: why.into().into_bytes(), socket: None });
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(send) = self.0.take() {
            let body = b"Padgate could not do it: look at `padgate plugin logs`".to_vec();
            send(Answered { status: padgate_plugin_abi::PADGATE_FAILED, code: 0, body, socket: None });
        }
    }
}
