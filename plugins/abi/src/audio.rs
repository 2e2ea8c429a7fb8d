//! Extension `padgate.audio/1`: sounds and volumes, through the daemon. Needs the capability `audio`.

use core::ffi::c_void;

use crate::{PadgateBuffer, PadgateStatus, PadgateText};

/// The extension's name.
pub const NAME: &str = "padgate.audio/1";

/// The volume is set to the value, 0 to 1.5.
pub const PADGATE_VOLUME_TO: u32 = 0;
/// The value, -1 to 1, is added to the volume.
pub const PADGATE_VOLUME_BY: u32 = 1;
/// Muted if the value is not 0, else unmuted.
pub const PADGATE_VOLUME_MUTE: u32 = 2;

/// The table. `error` may be null; else it gets a text on failure, which the caller releases.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateAudio {
    /// Size of this table in bytes.
    pub size: u32,
    /// Plays a WAV file of the plugin's own data folder or of a folder that it may read, with a gain of 0 to 1. Returns
    /// when it has begun.
    pub play: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            path: PadgateText,
            gain: f64,
            error: *mut PadgateBuffer,
        ) -> PadgateStatus,
    >,
    /// Changes the volume of the sound output whose name fits the pattern (empty: the default output).
    pub volume: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            output: PadgateText,
            change: u32,
            value: f64,
            error: *mut PadgateBuffer,
        ) -> PadgateStatus,
    >,
}
