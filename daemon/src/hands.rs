//! What the pipeline hands effects off to: MIDI outputs, written on the spot, and the other back ends,
//! each with a thread of its own.

use std::borrow::Cow;
use std::sync::Arc;

use padgate_core::engine::Request;
use padgate_core::ids::DeviceId;

use crate::outcome::Outcome;

/// Where effects go. Nothing here blocks, because the engine's lock is held during the hand-off: that is what keeps
/// a release behind its press.
#[derive(Clone)]
pub struct Hands {
    /// MIDI messages.
    pub midi: Arc<dyn MidiSend>,
    /// Everything else.
    pub actions: Arc<dyn ActionSend>,
}

/// Sends MIDI on the calling thread.
pub trait MidiSend: Send + Sync {
    /// Sends one complete message or System Exclusive to the device's output port; `None` is the virtual output.
    ///
    /// # Errors
    ///
    /// If there is no such port now, or the driver refused; the text says which and what next.
    fn send(&self, to: Option<DeviceId>, bytes: &[u8]) -> Result<(), Cow<'static, str>>;
}

/// Takes requests into the queue of the back end that does them.
pub trait ActionSend: Send + Sync {
    /// Queues the request. Its outcome comes later, through the [`crate::outcome::ReportSink`] that the back end was
    /// made with.
    ///
    /// # Errors
    ///
    /// With the outcome, if it is known at once: unavailable, refused, or dropped because the queue is full. A
    /// release ([`padgate_core::engine::Effect::is_release`]) is never dropped.
    fn send(&self, request: Request) -> Result<(), Outcome>;
}
