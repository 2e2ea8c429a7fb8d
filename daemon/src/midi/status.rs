//! What the manager knows of each device, for `padgate devices` and `doctor`: states, reasons, counters.

use std::sync::atomic::{AtomicU64, Ordering};

use padgate_core::ids::DeviceId;
use padgate_core::midi::DecodeErrors;
use padgate_core::time::Time;

use super::port::{Port, UsbIdentity};

/// How a device, or one direction of it, is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceState {
    /// Its port is open.
    Connected,
    /// No port matches. This is normal: it is waited for.
    Absent,
    /// Its port is there, but another program has it. It is tried again.
    Busy,
    /// Its port is there, but could not be opened. It is tried again.
    Failed,
}

/// One direction of a device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkStatus {
    /// How it is doing.
    pub state: DeviceState,
    /// Why, and what next, where it is not connected.
    pub reason: Option<String>,
    /// Name of the open port (or of the one that could not be opened), as `Client:Port`.
    pub port: Option<String>,
}

/// One device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceStatus {
    /// Which.
    pub device: DeviceId,
    /// The name that the user gave it.
    pub name: String,
    /// The input's state, or the output's for a device that is only written to. A device whose output is missing
    /// still is `Connected` if its input is: many controllers have no output.
    pub state: DeviceState,
    /// Since when it has been in this state.
    pub since: Time,
    /// The input, if one is configured.
    pub input: Option<LinkStatus>,
    /// The output, if one is configured.
    pub output: Option<LinkStatus>,
    /// USB serial number and path, where the device is connected by USB and the system tells.
    pub usb: Option<UsbIdentity>,
    /// What the user should know of the choice of ports: twins, several matches.
    pub note: Option<String>,
    /// What went through.
    pub counters: CounterValues,
}

/// One port of the system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortInfo {
    /// The port.
    pub port: Port,
    /// The device that has it open.
    pub claimed_by: Option<String>,
}

/// All that there is to say about MIDI.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Overview {
    /// Why there is no MIDI at all on this machine now, and what to do; `None` where there is.
    pub unavailable: Option<String>,
    /// Why there are no virtual ports; `None` where there are, or where none are wanted.
    pub virtual_ports_unavailable: Option<String>,
}

/// Numbers at one moment. All since the device was configured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CounterValues {
    /// Messages that were handed on.
    pub messages_in: u64,
    /// Clock and time code messages that nothing wanted.
    pub realtime_ignored: u64,
    /// Active sensing, which nothing ever wants.
    pub active_sensing: u64,
    /// What could not be decoded.
    pub decode_errors: DecodeErrors,
    /// How often the system threw messages away, because they came faster than they were read. After each, all that
    /// the device held is let go, since a release may have been among them.
    pub overruns: u64,
    /// Messages whose handling ran into a bug.
    pub panics: u64,
    /// Messages that were written, or accepted to be written as soon as there is room.
    pub messages_out: u64,
    /// Messages that could not be sent.
    pub failed_sends: u64,
}

/// Counters that the threads of one device write. Relaxed: each is a number of its own, and none guards anything.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) messages_in: AtomicU64,
    pub(super) realtime_ignored: AtomicU64,
    pub(super) active_sensing: AtomicU64,
    pub(super) stray_bytes: AtomicU64,
    pub(super) cut_off: AtomicU64,
    pub(super) too_long: AtomicU64,
    pub(super) undefined: AtomicU64,
    pub(super) overruns: AtomicU64,
    pub(super) panics: AtomicU64,
    pub(super) messages_out: AtomicU64,
    pub(super) failed_sends: AtomicU64,
}

impl Counters {
    /// One more of `counter`.
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds what a decoder found between two looks at it.
    pub(super) fn add_errors(&self, before: DecodeErrors, after: DecodeErrors) {
        for (counter, more) in [
            (&self.stray_bytes, after.stray_bytes - before.stray_bytes),
            (&self.cut_off, after.cut_off - before.cut_off),
            (&self.too_long, after.too_long - before.too_long),
            (&self.undefined, after.undefined - before.undefined),
        ] {
            if more > 0 {
                counter.fetch_add(more, Ordering::Relaxed);
            }
        }
    }

    /// The numbers now.
    pub(super) fn values(&self) -> CounterValues {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CounterValues {
            messages_in: read(&self.messages_in),
            realtime_ignored: read(&self.realtime_ignored),
            active_sensing: read(&self.active_sensing),
            decode_errors: DecodeErrors {
                stray_bytes: read(&self.stray_bytes),
                cut_off: read(&self.cut_off),
                too_long: read(&self.too_long),
                undefined: read(&self.undefined),
            },
            overruns: read(&self.overruns),
            panics: read(&self.panics),
            messages_out: read(&self.messages_out),
            failed_sends: read(&self.failed_sends),
        }
    }
}
