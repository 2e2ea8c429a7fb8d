//! The plugin's functions, with what goes in and out of them in types of Rust.
//!
//! A plugin is trusted with this process: what it does wrong ends the process, which is made for that.

#![allow(unsafe_code, reason = "functions of another language are called")]

use std::ffi::c_void;

use padgate_plugin_abi::{
    PADGATE_FAILED, PADGATE_LIMIT, PADGATE_OK, PadgateBuffer, PadgateContext, PadgateEvent, PadgateHost,
    PadgatePlugin, PadgateStatus, PadgateText, STATE_BYTES_MAX,
};

/// The longest text of a plugin that is passed on, in bytes; what is longer is cut off.
pub(crate) const TEXT_BYTES_MAX: usize = 4096;

/// The one instance of the plugin.
pub(crate) struct Instance {
    table: PadgatePlugin,
    instance: *mut c_void,
}

/// How a function ended: its status, and its text if that says failure.
pub(crate) type Outcome = (PadgateStatus, String);

impl Instance {
    /// Makes it.
    ///
    /// # Errors
    ///
    /// What the plugin says.
    pub(crate) fn create(
        table: PadgatePlugin,
        host: &'static PadgateHost,
        state: &[u8],
    ) -> Result<Instance, String> {
        let create = table.create.expect("it was looked for when the library was loaded");
        let mut error = empty();
        // SAFETY: As the ABI says: the host lives for ever, the state as long as the call.
        let instance = unsafe { create(host, lend(state), &mut error) };
        let text = take_text(error);
        if !instance.is_null() {
            return Ok(Instance { table, instance });
        }
        Err(match &*text {
            "" => "it did not start, and does not say why".to_owned(),
            why => format!("it did not start: {why}"),
        })
    }

    pub(crate) fn prepare(&mut self, handle: u32, action: &str, parameters: &str) -> Outcome {
        let prepare = self.table.prepare.expect("it was looked for when the library was loaded");
        let mut error = empty();
        let (action, parameters) = (lend(action.as_bytes()), lend(parameters.as_bytes()));
        // SAFETY: As the ABI says: the instance is the one that was made, the texts live as long as the call.
        let status = unsafe { prepare(self.instance, handle, action, parameters, &mut error) };
        (status, take_text(error))
    }

    pub(crate) fn forget(&mut self, handle: u32) {
        if let Some(forget) = self.table.forget {
            // SAFETY: The instance is the one that was made.
            unsafe { forget(self.instance, handle) };
        }
    }

    pub(crate) fn execute(&mut self, handle: u32, context: &PadgateContext) -> Outcome {
        let execute = self.table.execute.expect("it was looked for when the library was loaded");
        let mut error = empty();
        // SAFETY: The instance is the one that was made; the context lives as long as the call.
        let status = unsafe { execute(self.instance, handle, context, &mut error) };
        (status, take_text(error))
    }

    pub(crate) fn event(&mut self, kind: u32, time_ns: u64, data: &[u8], device: &str) {
        let Some(event) = self.table.event else { return };
        let size = size_of::<PadgateEvent>() as u32;
        let told = PadgateEvent { size, kind, time_ns, data: lend(data), device: lend(device.as_bytes()) };
        // SAFETY: The instance is the one that was made; what is told lives as long as the call.
        unsafe { event(self.instance, &told) };
    }

    /// What the plugin wants to be given at its next start; nothing if it has no function for it.
    ///
    /// # Errors
    ///
    /// The status, and what the plugin says.
    pub(crate) fn save(&mut self) -> Result<Vec<u8>, Outcome> {
        let Some(save) = self.table.save else { return Ok(Vec::new()) };
        let mut state = empty();
        // SAFETY: The instance is the one that was made.
        let status = unsafe { save(self.instance, &mut state) };
        if status != PADGATE_OK {
            return Err((status, take_text(state)));
        }
        if state.length > STATE_BYTES_MAX {
            let why = format!(
                "its state is {} bytes large, and {STATE_BYTES_MAX} is the most: it starts without one next time",
                state.length
            );
            release(state);
            return Err((PADGATE_LIMIT, why));
        }
        take(state, STATE_BYTES_MAX).ok_or_else(|| (PADGATE_FAILED, "its state is a null pointer".to_owned()))
    }

    /// Ends it.
    pub(crate) fn destroy(self) {
        let destroy = self.table.destroy.expect("it was looked for when the library was loaded");
        // SAFETY: The instance is the one that was made, and is not used again.
        unsafe { destroy(self.instance) };
    }
}

/// Bytes as the ABI has them; null if there are none.
pub(crate) fn lend(bytes: &[u8]) -> PadgateText {
    let data = if bytes.is_empty() { std::ptr::null() } else { bytes.as_ptr() };
    PadgateText { data, length: bytes.len() }
}

fn empty() -> PadgateBuffer {
    PadgateBuffer { data: std::ptr::null_mut(), length: 0, owner: std::ptr::null_mut(), release: None }
}

/// Copies what the plugin put into a buffer, as far as wanted, and lets it free it; `None` if there is a length and no
/// address.
fn take(buffer: PadgateBuffer, most: usize) -> Option<Vec<u8>> {
    let length = buffer.length.min(most);
    let bytes = if length == 0 {
        Some(Vec::new())
    } else if buffer.data.is_null() {
        None
    } else {
        // SAFETY: The plugin says that so many bytes lie there, until it is told to free them.
        Some(unsafe { std::slice::from_raw_parts(buffer.data, length) }.to_vec())
    };
    release(buffer);
    bytes
}

fn release(mut buffer: PadgateBuffer) {
    if let Some(release) = buffer.release {
        // SAFETY: It is called once, with the buffer that the plugin made.
        unsafe { release(&mut buffer) };
    }
}

/// A text of the plugin: cut off where it is too long, and with replacement characters where it is no text.
fn take_text(buffer: PadgateBuffer) -> String {
    // One byte more than wanted, so that what is cut off can be seen.
    let bytes = take(buffer, TEXT_BYTES_MAX + 1).unwrap_or_default();
    shorten(&String::from_utf8_lossy(&bytes)).to_owned()
}

/// The beginning of a text, up to [`TEXT_BYTES_MAX`].
pub(crate) fn shorten(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
