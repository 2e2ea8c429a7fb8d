//! Extension `padgate.udp/1`: datagrams, sent by the daemon. Needs the capability `network` for the host and port.

use core::ffi::c_void;

use crate::{PadgateBuffer, PadgateStatus, PadgateText};

/// The extension's name.
pub const NAME: &str = "padgate.udp/1";

/// The table.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateUdp {
    /// Size of this table in bytes.
    pub size: u32,
    /// Sends one datagram of up to 48 KiB. Returns when it was handed to the system, which promises nothing; what is
    /// answered can't be received. `error` may be null; else it gets a text on failure, which the caller releases.
    pub send: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            host: PadgateText,
            port: u16,
            data: PadgateText,
            error: *mut PadgateBuffer,
        ) -> PadgateStatus,
    >,
}
