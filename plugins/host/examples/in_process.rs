//! How long a call of a plugin takes in the same process, without a host, a sandbox, or protection: what `make bench` shows
//! beside a confined call. `in_process LIBRARY COUNT` prints the median and the 99th percentile in nanoseconds.
//!
//! The library must be a plugin that needs nothing of its host, and whose action `work` does nothing.

#![allow(unsafe_code, reason = "a library is loaded, and functions of its table are called")]

use std::process::ExitCode;
use std::time::Instant;

#[cfg(target_os = "linux")]
fn measure(library: &str, count: usize) -> Result<(f64, f64), String> {
    use std::ffi::c_void;

    use padgate_plugin_abi::{
        ABI_VERSION, ENTRY_SYMBOL, PADGATE_OK, PadgateBuffer, PadgateContext, PadgateEntry, PadgateHost,
        PadgateText,
    };

    /// Calls in a row for one sample, since one is shorter than a reading of the clock.
    const BATCH: usize = 100;

    unsafe extern "C" fn no_extension(_: *mut c_void, _: PadgateText) -> *const c_void {
        std::ptr::null()
    }
    let text = |text: &'static str| PadgateText { data: text.as_ptr(), length: text.len() };
    let empty = || PadgateBuffer {
        data: std::ptr::null_mut(),
        length: 0,
        owner: std::ptr::null_mut(),
        release: None,
    };
    // SAFETY: The caller wants the code of this library to run here.
    let library = unsafe { libloading::Library::new(library) }.map_err(|error| error.to_string())?;
    // SAFETY: The symbol has this type in every library that keeps to the ABI, and returns a table that lives on.
    let table = unsafe {
        let entry = library.get::<PadgateEntry>(ENTRY_SYMBOL).map_err(|error| error.to_string())?;
        entry().as_ref().ok_or("the library has no table")?
    };
    let missing = || "the table is not complete".to_owned();
    let (create, prepare, execute) = (
        table.create.ok_or_else(missing)?,
        table.prepare.ok_or_else(missing)?,
        table.execute.ok_or_else(missing)?,
    );
    let host = PadgateHost {
        size: size_of::<PadgateHost>() as u32,
        abi: ABI_VERSION,
        reserved: 0,
        context: std::ptr::null_mut(),
        extension: Some(no_extension),
        data_folder: text("/nonexistent"),
        home_folder: text("/nonexistent"),
    };
    let mut error = empty();
    // SAFETY: The arguments are what the ABI says, and live until after the last call.
    let instance = unsafe { create(&host, text(""), &mut error) };
    // SAFETY: As above, with the instance that it made.
    let prepared = unsafe { prepare(instance, 0, text("work"), text("{}"), &mut error) };
    if prepared != PADGATE_OK {
        return Err(format!("`work` can't be prepared: {prepared}"));
    }
    // SAFETY: All of it is numbers, for which zero is a value.
    let context: PadgateContext = unsafe { std::mem::zeroed() };
    let mut samples = Vec::with_capacity(count / BATCH);
    for _ in 0..count / BATCH {
        let start = Instant::now();
        for _ in 0..BATCH {
            // SAFETY: As above, with a handle that was prepared.
            std::hint::black_box(unsafe {
                execute(instance, 0, std::hint::black_box(&raw const context), &mut error)
            });
        }
        samples.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
    }
    samples.sort_by(f64::total_cmp);
    let at = |part: f64| samples.get((samples.len() as f64 * part) as usize).copied();
    at(0.5).zip(at(0.99)).ok_or_else(|| format!("COUNT must be at least {BATCH}"))
}

#[cfg(not(target_os = "linux"))]
fn measure(_: &str, _: usize) -> Result<(f64, f64), String> {
    Err("this runs on Linux".to_owned())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [library, count] => count
            .parse()
            .map_err(|_| "COUNT is no number".to_owned())
            .and_then(|count| measure(library, count)),
        _ => Err("usage: in_process LIBRARY COUNT".to_owned()),
    };
    match result {
        Ok((median, late)) => {
            println!("{median:.2} {late:.2}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("in_process: {error}");
            ExitCode::FAILURE
        }
    }
}
