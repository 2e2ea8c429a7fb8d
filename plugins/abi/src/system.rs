//! Extension `padgate.system/1`: the desktop, through the daemon. Needs the capability `system-control`.

use core::ffi::c_void;

use crate::{PadgateBuffer, PadgateStatus, PadgateText};

/// The extension's name.
pub const NAME: &str = "padgate.system/1";

/// Does a media key: the text is `play-pause`, `play`, `pause`, `stop`, `next` or `previous`.
pub const PADGATE_SYSTEM_MEDIA: u32 = 0;
/// Shows a notification: the text, with its first line as the title if it has several.
pub const PADGATE_SYSTEM_NOTIFY: u32 = 1;
/// Sets the brightness of the screen: the text is a percentage, `70%`, or a change, `+10%`.
pub const PADGATE_SYSTEM_BRIGHTNESS: u32 = 2;
/// Opens a URL. Needs the capability `network` for its host as well.
pub const PADGATE_SYSTEM_OPEN: u32 = 3;
/// Presses and releases keys: the text is written as in a configuration, `ctrl+shift+r`.
pub const PADGATE_SYSTEM_KEYS: u32 = 4;
/// Types the text.
pub const PADGATE_SYSTEM_TYPE: u32 = 5;

/// The table. `error` may be null; else it gets a text on failure, which the caller releases.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateSystem {
    /// Size of this table in bytes.
    pub size: u32,
    /// Does one of `PADGATE_SYSTEM_…`. Returns when it has been handed on.
    pub perform: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            what: u32,
            text: PadgateText,
            error: *mut PadgateBuffer,
        ) -> PadgateStatus,
    >,
}
