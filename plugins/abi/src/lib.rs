//! The binary interface between a plugin and the process that runs it.
//!
//! A plugin is a shared library that exports one function, [`ENTRY_SYMBOL`], which returns a [`PadgatePlugin`]: a table
//! of functions that lives as long as the library. The other way, a plugin gets a [`PadgateHost`], and from it further
//! tables by name ([`log`], [`midi`], …). The C header `include/padgate_plugin.h` is generated from this file.
//!
//! Rules:
//!
//! - Every table begins with its own size in bytes. A newer version only appends; whoever reads a table looks at its
//!   size before it looks at anything that was not in version 1.
//! - [`PadgatePlugin::abi`] must equal [`ABI_VERSION`]. What does not fit into that is a new version of an extension,
//!   under another name.
//! - Text is UTF-8, with a length and without a zero at its end ([`PadgateText`]). A text or buffer that is passed to a
//!   function is valid until the function returns.
//! - Memory is freed by whoever allocated it ([`PadgateBuffer`]).
//! - Functions return a [`PadgateStatus`]; 0 is success, and further details are text.
//! - No exception, panic or `longjmp` may leave a function.
//! - The functions of [`PadgatePlugin`] are called one at a time, on the thread that loaded the library. The functions
//!   of the host may be called from any thread; they may wait for the daemon.

#![no_std]
#![allow(unsafe_code, reason = "function pointers of another language are unsafe to call")]

use core::ffi::c_void;

/// The version of the ABI. A plugin and a host fit if theirs are equal.
pub const ABI_VERSION: u16 = 1;

/// The name of the one exported function, of type [`PadgateEntry`].
pub const ENTRY_SYMBOL: &str = "padgate_plugin_entry";

/// The most parameters that one `prepare` is given, in bytes of JSON.
pub const PARAMETERS_BYTES_MAX: usize = 48 * 1024;

/// The largest state that is kept across a reload, in bytes.
pub const STATE_BYTES_MAX: usize = 48 * 1024;

/// The type of the exported function. May return null, which is an error.
pub type PadgateEntry = unsafe extern "C" fn() -> *const PadgatePlugin;

/// How a function ended.
pub type PadgateStatus = i32;

/// It was done.
pub const PADGATE_OK: PadgateStatus = 0;
/// It failed; a text says why.
pub const PADGATE_FAILED: PadgateStatus = 1;
/// The user has not granted it; a text says what would allow it.
pub const PADGATE_REFUSED: PadgateStatus = 2;
/// It can't be done now: no such device, no server, no network.
pub const PADGATE_UNAVAILABLE: PadgateStatus = 3;
/// The caller passed something impossible.
pub const PADGATE_INVALID: PadgateStatus = 4;
/// It took too long.
pub const PADGATE_TIMEOUT: PadgateStatus = 5;
/// Too much of it at once; a text says how much is allowed.
pub const PADGATE_LIMIT: PadgateStatus = 6;
/// The plugin panicked; a text says where.
pub const PADGATE_PANICKED: PadgateStatus = -100;

/// A text: UTF-8, no zero at the end. A null pointer goes with length 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateText {
    /// The first byte.
    pub data: *const u8,
    /// How many bytes.
    pub length: usize,
}

/// Bytes that the other side allocated, and frees when `release` is called.
#[repr(C)]
#[derive(Debug)]
pub struct PadgateBuffer {
    /// The first byte; may be null if `length` is 0.
    pub data: *mut u8,
    /// How many bytes.
    pub length: usize,
    /// What the owner wants to remember.
    pub owner: *mut c_void,
    /// Frees it; null if there is nothing to free. Called once, with this buffer.
    pub release: Option<unsafe extern "C" fn(*mut PadgateBuffer)>,
}

/// The press was a tap: no release will be told.
pub const PADGATE_PHASE_TAP: u8 = 0;
/// The press will be followed by a release.
pub const PADGATE_PHASE_PRESS: u8 = 1;
/// The release of an earlier press.
pub const PADGATE_PHASE_RELEASE: u8 = 2;
/// A control with a position moved.
pub const PADGATE_PHASE_CHANGE: u8 = 3;

/// No value of an 8-bit member that can be missing.
pub const PADGATE_NONE: u8 = 255;

/// What a call knows of the press that caused it: 64 bytes, the same on every platform.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PadgateContext {
    /// Counts presses since the daemon started; a release has the number of its press.
    pub press: u64,
    /// When the message that decided it was received, in nanoseconds of the system's monotonic clock.
    pub received_ns: u64,
    /// When the call must have ended, on the same clock; past it the process is killed.
    pub deadline_ns: u64,
    /// The shaped value, 0 to 1; for a press, the shaped velocity.
    pub value: f64,
    /// Numbers the device, for as long as the daemon runs.
    pub device: u32,
    /// The control's own value: 0 to 127, or to 16383.
    pub raw: u16,
    /// Ticks of an encoder, positive to the right; else 0.
    pub ticks: i16,
    /// One of `PADGATE_PHASE_…`.
    pub phase: u8,
    /// MIDI channel, 0 to 15, or [`PADGATE_NONE`].
    pub channel: u8,
    /// The note, 0 to 127, if the control is a note, else [`PADGATE_NONE`].
    pub note: u8,
    /// The controller's number, 0 to 127, if the control is one, else [`PADGATE_NONE`].
    pub controller: u8,
    /// The bytes of the MIDI message that decided it.
    pub message: [u8; 3],
    /// How many of them; 0 if it was a System Exclusive.
    pub message_length: u8,
    /// Zero.
    pub reserved: [u8; 16],
}

const _: () = assert!(size_of::<PadgateContext>() == 64);

/// A timer that the plugin set has run out.
pub const PADGATE_EVENT_TIMER: u32 = 1;
/// A device that the plugin listens to sent something.
pub const PADGATE_EVENT_MIDI: u32 = 2;

/// Something that happened between calls.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateEvent {
    /// Size of this table in bytes.
    pub size: u32,
    /// One of `PADGATE_EVENT_…`. What a plugin does not know, it ignores.
    pub kind: u32,
    /// When, in nanoseconds of the system's monotonic clock.
    pub time_ns: u64,
    /// For MIDI: the bytes of one message.
    pub data: PadgateText,
    /// For MIDI: the device's name.
    pub device: PadgateText,
}

/// What a plugin is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgatePlugin {
    /// Size of this table in bytes.
    pub size: u32,
    /// [`ABI_VERSION`].
    pub abi: u16,
    /// Zero.
    pub reserved: u16,
    /// The plugin's name, as in its manifest.
    pub name: PadgateText,
    /// Its version, as in its manifest.
    pub version: PadgateText,
    /// Makes the one instance. `state` is what an earlier version saved, or empty. `host` lives until `destroy` has
    /// returned. On failure it returns null, and puts a text into `error`, which the host releases.
    pub create: Option<
        unsafe extern "C" fn(
            host: *const PadgateHost,
            state: PadgateText,
            error: *mut PadgateBuffer,
        ) -> *mut c_void,
    >,
    /// Ends the instance. Not called if the process is killed.
    pub destroy: Option<unsafe extern "C" fn(instance: *mut c_void)>,
    /// Takes the parameters of one call, as a JSON object, and keeps what they mean under `handle`, which the host
    /// chose (a small number, reused after `forget`). Called when the configuration is loaded. On failure it puts a
    /// text into `error`, which the host releases.
    pub prepare: Option<
        unsafe extern "C" fn(
            instance: *mut c_void,
            handle: u32,
            action: PadgateText,
            parameters: PadgateText,
            error: *mut PadgateBuffer,
        ) -> PadgateStatus,
    >,
    /// Forgets what was prepared under `handle`. May be null.
    pub forget: Option<unsafe extern "C" fn(instance: *mut c_void, handle: u32)>,
    /// Does what was prepared under `handle`. On failure it may put a text into `error`.
    pub execute: Option<
        unsafe extern "C" fn(
            instance: *mut c_void,
            handle: u32,
            context: *const PadgateContext,
            error: *mut PadgateBuffer,
        ) -> PadgateStatus,
    >,
    /// Something happened. May be null.
    pub event: Option<unsafe extern "C" fn(instance: *mut c_void, event: *const PadgateEvent)>,
    /// Puts into `state` what the next version, or the next start, is to be given; at most [`STATE_BYTES_MAX`]. May be
    /// null.
    pub save: Option<unsafe extern "C" fn(instance: *mut c_void, state: *mut PadgateBuffer) -> PadgateStatus>,
    /// A further table of the plugin by its name; null for a name that it does not know. May be null.
    pub extension: Option<unsafe extern "C" fn(name: PadgateText) -> *const c_void>,
}

// SAFETY: A table is only read, and what it points to lives as long as the library.
unsafe impl Sync for PadgatePlugin {}

/// What a plugin gets of the process that runs it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateHost {
    /// Size of this table in bytes.
    pub size: u32,
    /// [`ABI_VERSION`].
    pub abi: u16,
    /// Zero.
    pub reserved: u16,
    /// To be passed to every function of the host and of its extensions.
    pub context: *mut c_void,
    /// The table of an extension by its name (`padgate.midi/1`); null if this host has none such. It lives as long as
    /// the host.
    pub extension: Option<unsafe extern "C" fn(context: *mut c_void, name: PadgateText) -> *const c_void>,
    /// The folder that the plugin may always read and write, an absolute path.
    pub data_folder: PadgateText,
    /// The user's home folder, for paths that begin with `~`.
    pub home_folder: PadgateText,
}

pub mod audio;
pub mod http;
pub mod log;
pub mod midi;
pub mod process;
pub mod system;
pub mod tcp;
pub mod timer;
pub mod udp;
