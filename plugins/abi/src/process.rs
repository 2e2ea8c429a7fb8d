//! Extension `padgate.process/1`: programs, run by the daemon outside the sandbox with a clean environment. Needs the
//! capability `subprocess` for the program.

use core::ffi::c_void;

use crate::{PadgateBuffer, PadgateStatus, PadgateText};

/// The extension's name.
pub const NAME: &str = "padgate.process/1";

/// The table.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PadgateProcess {
    /// Size of this table in bytes.
    pub size: u32,
    /// Runs a program with these arguments (the program itself is not among them) and this standard input. With
    /// `timeout_ms` 0 it is started and left alone, `code` is 0 and `output` empty. Else it is waited for, and killed
    /// when it takes longer; `code` is its exit code (or 128 + the signal that ended it), and `output` the beginning of
    /// what it wrote to standard output and standard error, up to 48 KiB. On failure `output` is a text that says why.
    pub run: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            program: PadgateText,
            arguments: *const PadgateText,
            argument_count: usize,
            input: PadgateText,
            timeout_ms: u32,
            code: *mut i32,
            output: *mut PadgateBuffer,
        ) -> PadgateStatus,
    >,
}
