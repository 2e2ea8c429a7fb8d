//! Extension `padgate.log/1`: lines for the plugin's log (`padgate plugin logs`). Needs no capability.

use core::ffi::c_void;

use crate::PadgateText;

/// The extension's name.
pub const NAME: &str = "padgate.log/1";

/// Something that only the author wants to know.
pub const PADGATE_LOG_DEBUG: u32 = 0;
/// Something worth a line.
pub const PADGATE_LOG_INFO: u32 = 1;
/// Something that may be wrong.
pub const PADGATE_LOG_WARN: u32 = 2;
/// Something that is wrong.
pub const PADGATE_LOG_ERROR: u32 = 3;

/// The table.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateLog {
    /// Size of this table in bytes.
    pub size: u32,
    /// Writes a line. Returns at once; too many lines in a second are left out, and counted.
    pub write: Option<unsafe extern "C" fn(context: *mut c_void, level: u32, text: PadgateText)>,
}
