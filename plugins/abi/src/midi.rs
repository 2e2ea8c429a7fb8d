//! Extension `padgate.midi/1`: MIDI through the daemon. Needs the capability `midi`.

use core::ffi::c_void;

use crate::{PadgateBuffer, PadgateStatus, PadgateText};

/// The extension's name.
pub const NAME: &str = "padgate.midi/1";

/// The table. `error` may be null; else it gets a text on failure, which the caller releases.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateMidi {
    /// Size of this table in bytes.
    pub size: u32,
    /// Sends one complete message, or System Exclusive, to the device with this name (empty: `Padgate Out`), at `at_ns`
    /// of the system's monotonic clock; 0 is now. What sounds when the plugin ends is released by the daemon.
    pub send: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            device: PadgateText,
            message: PadgateText,
            at_ns: u64,
            error: *mut PadgateBuffer,
        ) -> PadgateStatus,
    >,
    /// Takes back all messages whose time has not come, except the releases of notes that sound: these are sent now.
    pub cancel: Option<unsafe extern "C" fn(context: *mut c_void) -> PadgateStatus>,
    /// From now on, messages of the device with this name come as events.
    pub listen: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            device: PadgateText,
            error: *mut PadgateBuffer,
        ) -> PadgateStatus,
    >,
}
