//! What a plugin gets of its host: the tables of functions, callable from any thread.
//!
//! What a plugin passes is looked at before it is used, so that a mistake is a status and a sentence and not a crash. An
//! address that is none can't be told from one that is, and crashes.
//!
//! The context that a plugin passes is not looked at: there is one link in a process.

#![allow(unsafe_code, reason = "functions of the ABI, and memory of the plugin")]

mod asks;

use std::ffi::c_void;
use std::path::Path;

use padgate_plugin_abi::{
    ABI_VERSION, PADGATE_INVALID, PADGATE_OK, PADGATE_UNAVAILABLE, PadgateBuffer, PadgateHost, PadgateStatus,
    PadgateText, audio, http, log, midi, process, system, tcp, timer, udp,
};
use padgate_plugin_host::ask::Ask;
use padgate_plugin_host::frame::PAYLOAD_BYTES_MAX;

use crate::channel::Answered;
use crate::instance::lend;
use crate::run::link;

/// The largest body of a request, input of a program and the like, in bytes.
const BODY_BYTES_MAX: usize = 48 * 1024;

/// The table that `create` is given. It lives as long as the process.
///
/// # Errors
///
/// If a folder's path is not text, as the ABI wants it.
pub(crate) fn host(data: &Path, home: &Path) -> Result<&'static PadgateHost, String> {
    let path = |path: &Path| match path.to_str() {
        Some(text) => Ok(lend(text.to_owned().leak().as_bytes())),
        None => Err(format!("the path of its folder is not UTF-8: {}", path.display())),
    };
    Ok(Box::leak(Box::new(PadgateHost {
        size: size_of::<PadgateHost>() as u32,
        abi: ABI_VERSION,
        reserved: 0,
        context: std::ptr::null_mut(),
        extension: Some(extension),
        data_folder: path(data)?,
        home_folder: path(home)?,
    })))
}

unsafe extern "C" fn extension(_: *mut c_void, name: PadgateText) -> *const c_void {
    fn table<T>(table: &'static T) -> *const c_void {
        std::ptr::from_ref(table).cast()
    }
    // SAFETY: The plugin says that it is a text.
    match unsafe { text(name, "the extension's name") } {
        Ok(log::NAME) => table(&asks::LOG),
        Ok(timer::NAME) => table(&asks::TIMER),
        Ok(midi::NAME) => table(&asks::MIDI),
        Ok(audio::NAME) => table(&asks::AUDIO),
        Ok(http::NAME) => table(&asks::HTTP),
        Ok(tcp::NAME) => table(&asks::TCP),
        Ok(udp::NAME) => table(&asks::UDP),
        Ok(process::NAME) => table(&asks::PROCESS),
        Ok(system::NAME) => table(&asks::SYSTEM),
        Ok(_) | Err(_) => std::ptr::null(),
    }
}

/// The bytes that a plugin passes.
///
/// # Errors
///
/// A sentence with `what` in it, if they are none or too many.
///
/// # Safety
///
/// If it is not null, so many bytes lie there for as long as they are used.
unsafe fn bytes<'a>(bytes: PadgateText, what: &str) -> Result<&'a [u8], String> {
    if bytes.length == 0 {
        return Ok(&[]);
    }
    if bytes.data.is_null() {
        return Err(format!("{what} is a null pointer with a length of {}", bytes.length));
    }
    if bytes.length > PAYLOAD_BYTES_MAX {
        return Err(format!("{what} is {} bytes long, and {PAYLOAD_BYTES_MAX} is the most", bytes.length));
    }
    // SAFETY: The caller's.
    Ok(unsafe { std::slice::from_raw_parts(bytes.data, bytes.length) })
}

/// As [`bytes`], for what may be as large as a body.
///
/// # Errors
///
/// As there.
///
/// # Safety
///
/// As there.
unsafe fn body<'a>(text: PadgateText, what: &str) -> Result<&'a [u8], String> {
    if text.length > BODY_BYTES_MAX {
        return Err(format!("{what} is {} bytes long, and {BODY_BYTES_MAX} is the most", text.length));
    }
    // SAFETY: The caller's.
    unsafe { bytes(text, what) }
}

/// As [`bytes`], for text.
///
/// # Errors
///
/// As there, or if it is not UTF-8.
///
/// # Safety
///
/// As there.
unsafe fn text<'a>(text: PadgateText, what: &str) -> Result<&'a str, String> {
    // SAFETY: The caller's.
    let bytes = unsafe { bytes(text, what) }?;
    std::str::from_utf8(bytes)
        .map_err(|error| format!("{what} is not UTF-8, from byte {} on", error.valid_up_to()))
}

/// Asks the daemon what was made of the plugin's arguments, or says what is wrong with them.
fn ask(ask: Result<Ask<'_>, String>) -> Answered {
    match (ask, link()) {
        (Ok(ask), Some(channel)) => channel.ask(&ask),
        (Err(why), _) => Answered::failed(PADGATE_INVALID, why),
        // The link is there before the library is loaded; this is here so that a mistake is no crash.
        (Ok(_), None) => Answered::failed(PADGATE_UNAVAILABLE, "the host is not ready yet"),
    }
}

/// As [`ask`], for what has nothing to say but a text on failure.
///
/// # Safety
///
/// `error` is null, or a buffer can be written there.
unsafe fn ask_simply(question: Result<Ask<'_>, String>, error: *mut PadgateBuffer) -> PadgateStatus {
    let answered = ask(question);
    let why = if answered.status == PADGATE_OK { &[][..] } else { &answered.body };
    // SAFETY: The caller's.
    unsafe { give(error, why) };
    answered.status
}

/// Puts a copy of bytes where the plugin wants it, which the plugin releases. Does nothing at a null pointer.
///
/// # Safety
///
/// `out` is null, or a buffer can be written there.
unsafe fn give(out: *mut PadgateBuffer, bytes: &[u8]) {
    if out.is_null() {
        return;
    }
    let mut buffer =
        PadgateBuffer { data: std::ptr::null_mut(), length: 0, owner: std::ptr::null_mut(), release: None };
    if !bytes.is_empty() {
        // SAFETY: It is looked at before it is used.
        let data: *mut u8 = unsafe { libc::malloc(bytes.len()) }.cast();
        if !data.is_null() {
            // SAFETY: So many bytes were just allocated.
            unsafe { data.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
            buffer.data = data;
            buffer.length = bytes.len();
            buffer.release = Some(release);
        }
    }
    // SAFETY: The caller's. What was there is the plugin's, and not freed.
    unsafe { out.write_unaligned(buffer) };
}

/// Frees what [`give`] gave. The second time it does nothing.
unsafe extern "C" fn release(buffer: *mut PadgateBuffer) {
    if buffer.is_null() {
        return;
    }
    // SAFETY: The plugin says that it is the buffer that it was given; the address is of `malloc`, or null.
    unsafe {
        libc::free((*buffer).data.cast());
        (*buffer).data = std::ptr::null_mut();
        (*buffer).length = 0;
    }
}

/// Writes a result where the plugin wants it; does nothing at a null pointer.
///
/// # Safety
///
/// `out` is null, or a value can be written there.
unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: The caller's.
        unsafe { out.write_unaligned(value) };
    }
}
