//! Extension `padgate.http/1`: HTTP requests, made by the daemon. Needs the capability `network` for the host and port of
//! the URL. Redirects are followed only to hosts that are granted as well.

use core::ffi::c_void;

use crate::{PadgateBuffer, PadgateStatus, PadgateText};

/// The extension's name.
pub const NAME: &str = "padgate.http/1";

/// One header.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateHeader {
    /// Its name.
    pub name: PadgateText,
    /// Its value.
    pub value: PadgateText,
}

/// What is asked for.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateHttpRequest {
    /// Size of this table in bytes.
    pub size: u32,
    /// The longest that it may take, in milliseconds; 0: as long as the call may.
    pub timeout_ms: u32,
    /// `GET`, `POST`, ….
    pub method: PadgateText,
    /// The URL, `http` or `https`.
    pub url: PadgateText,
    /// The first header.
    pub headers: *const PadgateHeader,
    /// How many headers.
    pub header_count: usize,
    /// The body, up to 48 KiB.
    pub body: PadgateText,
}

/// The table.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateHttp {
    /// Size of this table in bytes.
    pub size: u32,
    /// Makes the request and waits. On success `code` is the HTTP status, and `body` the beginning of the answer, up to
    /// 48 KiB, which the caller releases; on failure `body` is a text that says why. An answer with a status of 400 or
    /// more is a success here.
    pub request: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            request: *const PadgateHttpRequest,
            code: *mut u16,
            body: *mut PadgateBuffer,
        ) -> PadgateStatus,
    >,
}
