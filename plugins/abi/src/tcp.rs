//! Extension `padgate.tcp/1`: connected TCP sockets. Needs the capability `network` for the host and port.

use core::ffi::c_void;

use crate::{PadgateBuffer, PadgateStatus, PadgateText};

/// The extension's name.
pub const NAME: &str = "padgate.tcp/1";

/// The table.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateTcp {
    /// Size of this table in bytes.
    pub size: u32,
    /// Resolves, checks and connects in the daemon, and waits for it. On success `socket` is the descriptor of a
    /// connected, blocking socket, which the plugin owns; on failure `error` gets a text, which the caller releases.
    /// It can be read, written, shut down and closed, and nothing else.
    pub connect: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            host: PadgateText,
            port: u16,
            timeout_ms: u32,
            socket: *mut i32,
            error: *mut PadgateBuffer,
        ) -> PadgateStatus,
    >,
}
