//! MIDI through the daemon.

use crate::raw::{self, Received};
use crate::{Error, Moment};

use super::{Host, ended};

/// MIDI through the daemon; [`Host::midi`] gives it. Devices are named as in the configuration; an empty name means
/// Padgate's own output, `Padgate Out`.
#[derive(Clone, Copy, Debug)]
pub struct Midi<'a> {
    pub(super) host: &'a Host,
}

impl Midi<'_> {
    /// Sends one complete message, or one System Exclusive, now. Notes that still sound when the plugin ends are released
    /// by the daemon.
    ///
    /// # Errors
    ///
    /// If the device is not there, was not granted, or the bytes are no message.
    pub fn send(&self, device: &str, message: &[u8]) -> Result<(), Error> {
        self.sent(device, message, 0)
    }

    /// Sends it at that time; at once, if that is over.
    ///
    /// # Errors
    ///
    /// As [`Midi::send`]; and if too much is planned already.
    pub fn send_at(&self, device: &str, message: &[u8], at: Moment) -> Result<(), Error> {
        self.sent(device, message, at.as_nanos().max(1))
    }

    fn sent(&self, device: &str, message: &[u8], at: u64) -> Result<(), Error> {
        self.host.with(
            padgate_plugin_abi::midi::NAME,
            |tables| tables.midi?.send,
            |send, context| {
                let mut error = Received::new();
                let (device, message) = (raw::text(device), raw::bytes(message));
                // SAFETY: Called as the ABI says, while the tables live.
                let status = unsafe { send(context, device, message, at, error.place()) };
                ended(status, &error)
            },
        )
    }

    /// Takes back all messages whose time has not come, except the releases of notes that sound: these are sent now.
    ///
    /// # Errors
    ///
    /// If MIDI was not granted.
    pub fn cancel(&self) -> Result<(), Error> {
        self.host.with(
            padgate_plugin_abi::midi::NAME,
            |tables| tables.midi?.cancel,
            |cancel, context| {
                // SAFETY: Called as the ABI says, while the tables live.
                ended(unsafe { cancel(context) }, &Received::new())
            },
        )
    }

    /// From now on, messages of this device come as [`Event::Midi`](crate::Event::Midi).
    ///
    /// # Errors
    ///
    /// If there is no such device, or it was not granted.
    pub fn listen(&self, device: &str) -> Result<(), Error> {
        self.host.with(
            padgate_plugin_abi::midi::NAME,
            |tables| tables.midi?.listen,
            |listen, context| {
                let mut error = Received::new();
                // SAFETY: Called as the ABI says, while the tables live.
                let status = unsafe { listen(context, raw::text(device), error.place()) };
                ended(status, &error)
            },
        )
    }
}
