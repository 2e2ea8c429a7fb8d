//! What is on its way to a host that may not read: how much of it waits, and what becomes of the rest.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use padgate_plugin_host::frame::{Header, Kind};
use padgate_plugin_host::link;

use super::host::Host;
use super::poller::{Poller, Ready};

/// How many events wait for a plugin that does not read. What is more is dropped, but for releases of notes: these are
/// put in unless the same one waits already.
pub const EVENTS_MAX: usize = 256;
/// How many frames wait for a host that does not read. One that lets more wait is killed.
pub const OUTGOING_MAX: usize = 8192;

/// A frame that waits for the host to read.
pub(super) struct Outgoing {
    header: Header,
    payload: Vec<u8>,
    pass: Option<OwnedFd>,
}

impl Host {
    /// Writes a frame now, or as soon as the host reads.
    ///
    /// # Errors
    ///
    /// With what is wrong with a host that lets too many wait.
    pub(super) fn post(
        &mut self,
        poller: &Poller,
        slot: u32,
        header: Header,
        payload: &[u8],
        pass: Option<OwnedFd>,
    ) -> Result<(), String> {
        let Some(link) = &self.link else { return Ok(()) };
        if self.outgoing.is_empty() {
            match link::send(link.as_fd(), &header, payload, pass.as_ref().map(OwnedFd::as_fd)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.await_writable(poller, slot);
                }
                // Of a host that is gone, the thread hears in another way.
                _ => return Ok(()),
            }
        }
        if self.outgoing.len() >= OUTGOING_MAX {
            return Err("it does not read what Padgate sends".to_owned());
        }
        self.outgoing.push_back(Outgoing { header, payload: payload.to_vec(), pass });
        Ok(())
    }

    /// Answers something that it asked for. Until the host has read enough for the answer to go out, this counts as asked:
    /// an answer may hold a descriptor, and a host that reads nothing must not have many of them kept for it.
    ///
    /// # Errors
    ///
    /// As [`Host::post`].
    pub(super) fn answer(
        &mut self,
        poller: &Poller,
        slot: u32,
        header: Header,
        payload: &[u8],
        pass: Option<OwnedFd>,
    ) -> Result<(), String> {
        let waited = self.outgoing.len();
        self.post(poller, slot, header, payload, pass)?;
        self.asks = self.asks.saturating_sub(usize::from(self.outgoing.len() == waited));
        Ok(())
    }

    /// Writes an event now, or as soon as the host reads. Returns whether it was taken.
    pub(super) fn post_event(
        &mut self,
        poller: &Poller,
        slot: u32,
        kind: u32,
        payload: &[u8],
        release: bool,
    ) -> bool {
        if !self.outgoing.is_empty() {
            // Of equal releases that wait one is enough: no press came after it while there was no room.
            let waits = |other: &Outgoing| other.header.kind == Kind::Event && other.payload == payload;
            if self.events >= EVENTS_MAX && (!release || self.outgoing.iter().any(waits)) {
                return release;
            }
        }
        let header = Header { handle: kind, ..Header::new(Kind::Event, self.generation) };
        let waited = self.outgoing.len();
        let taken = self.post(poller, slot, header, payload, None).is_ok();
        self.events += self.outgoing.len() - waited;
        taken
    }

    /// The link may be writable: what waits goes out. Returns whether something waited for that, and waits no longer.
    pub(super) fn flush(&mut self, poller: &Poller, slot: u32) -> bool {
        let Some(link) = self.link.as_ref().filter(|_| self.awaits) else { return false };
        while let Some(first) = self.outgoing.front() {
            let pass = first.pass.as_ref().map(OwnedFd::as_fd);
            match link::send(link.as_fd(), &first.header, &first.payload, pass) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                _ => {
                    self.events -= usize::from(first.header.kind == Kind::Event);
                    self.asks = self.asks.saturating_sub(usize::from(first.header.kind == Kind::Answer));
                    self.outgoing.pop_front();
                }
            }
        }
        poller.writable(link, Ready::Link(slot, self.generation), false);
        self.awaits = false;
        true
    }

    /// Has it told when the link can be written.
    pub(super) fn await_writable(&mut self, poller: &Poller, slot: u32) {
        if let Some(link) = self.link.as_ref().filter(|_| !self.awaits) {
            poller.writable(link, Ready::Link(slot, self.generation), true);
            self.awaits = true;
        }
    }
}
