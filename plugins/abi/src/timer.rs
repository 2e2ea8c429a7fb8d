//! Extension `padgate.timer/1`: one timer, which brings [`crate::PADGATE_EVENT_TIMER`]. Needs no capability.

use core::ffi::c_void;

use crate::PadgateStatus;

/// The extension's name.
pub const NAME: &str = "padgate.timer/1";

/// The table.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateTimer {
    /// Size of this table in bytes.
    pub size: u32,
    /// Sets the timer to run out once, at this time of the system's monotonic clock in nanoseconds; 0 takes it back.
    /// Setting it again replaces it. A time that is over runs out at once.
    pub set: Option<unsafe extern "C" fn(context: *mut c_void, at_ns: u64) -> PadgateStatus>,
}
