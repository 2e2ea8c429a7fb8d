//! Datagrams, through the daemon.

use super::{Host, ended};
use crate::Error;
use crate::raw::{self, Received};

impl Host {
    /// Sends one datagram of up to 48 KiB with UDP to a host and port. Needs the capability `network` for both. That it
    /// was sent says nothing about whether it arrived, and what is answered can't be received.
    ///
    /// # Errors
    ///
    /// If it was not granted, the host is not known, or the system did not take it.
    pub fn send_udp(&self, host: &str, port: u16, data: &[u8]) -> Result<(), Error> {
        self.with(
            padgate_plugin_abi::udp::NAME,
            |tables| tables.udp?.send,
            |send, context| {
                let mut error = Received::new();
                let (host, data) = (raw::text(host), raw::bytes(data));
                // SAFETY: Called as the ABI says, while the tables live.
                let status = unsafe { send(context, host, port, data, error.place()) };
                ended(status, &error)
            },
        )
    }
}
