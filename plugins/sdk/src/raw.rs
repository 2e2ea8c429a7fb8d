//! Texts and buffers of the ABI: how they are lent, given away and taken over.

use padgate_plugin_abi::{PadgateBuffer, PadgateText};

/// Lends bytes for the length of a call.
pub(crate) const fn bytes(bytes: &[u8]) -> PadgateText {
    PadgateText { data: bytes.as_ptr(), length: bytes.len() }
}

/// Lends a text for the length of a call.
pub(crate) const fn text(text: &str) -> PadgateText {
    bytes(text.as_bytes())
}

/// What the other side lends.
///
/// # Safety
///
/// It must be readable for `'a`, or empty.
pub(crate) unsafe fn slice<'a>(text: PadgateText) -> &'a [u8] {
    if text.data.is_null() || text.length == 0 {
        return &[];
    }
    // SAFETY: It is not null, and the caller promises the rest.
    unsafe { std::slice::from_raw_parts(text.data, text.length) }
}

/// A buffer with nothing in it, for the other side to fill.
pub(crate) const fn no_buffer() -> PadgateBuffer {
    PadgateBuffer { data: std::ptr::null_mut(), length: 0, owner: std::ptr::null_mut(), release: None }
}

/// A buffer that the other side fills. It is released when this is dropped.
pub(crate) struct Received(PadgateBuffer);

impl Received {
    pub(crate) const fn new() -> Received {
        Received(no_buffer())
    }

    /// Where the other side is to put it.
    pub(crate) fn place(&mut self) -> *mut PadgateBuffer {
        &raw mut self.0
    }

    /// What is in it.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: The buffer was filled by a function of the ABI (or is empty), which promises that it is readable until
        // it is released; that happens only when `self` is dropped.
        unsafe { slice(PadgateText { data: self.0.data, length: self.0.length }) }
    }

    /// What is in it, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if let Some(release) = self.0.release {
            // SAFETY: The function came with this buffer, and is called once.
            unsafe { release(&raw mut self.0) };
        }
    }
}

/// Gives bytes to the other side, which calls the buffer's `release` when it is done with them. Nothing happens if
/// `into` is null.
///
/// # Safety
///
/// `into` must be null or writable. What is in it is not released.
pub(crate) unsafe fn give(given: Vec<u8>, into: *mut PadgateBuffer) {
    if into.is_null() {
        return;
    }
    let mut buffer = no_buffer();
    if !given.is_empty() {
        let slice = Box::leak(given.into_boxed_slice());
        buffer.length = slice.len();
        buffer.data = slice.as_mut_ptr();
        buffer.release = Some(release);
    }
    // SAFETY: The caller promises that it is writable.
    unsafe { into.write(buffer) };
}

/// Frees what `give` gave.
unsafe extern "C" fn release(buffer: *mut PadgateBuffer) {
    if buffer.is_null() {
        return;
    }
    // SAFETY: The ABI says that it is called with a buffer that `give` wrote.
    let buffer = unsafe { &mut *buffer };
    if !buffer.data.is_null() {
        let slice = std::ptr::slice_from_raw_parts_mut(buffer.data, buffer.length);
        // SAFETY: `give` leaked a box of exactly this slice. The pointer is taken out below, so that a second call frees
        // nothing.
        drop(unsafe { Box::from_raw(slice) });
    }
    *buffer = no_buffer();
}

#[cfg(test)]
mod tests {
    use super::{Received, give};

    #[test]
    fn what_is_given_is_received_and_freed() {
        let mut received = Received::new();
        // SAFETY: The place is that of a buffer on the stack.
        unsafe { give(b"why".to_vec(), received.place()) };
        assert_eq!(received.text(), "why");
        drop(received);

        let mut nothing = Received::new();
        // SAFETY: As above; and null is allowed.
        unsafe {
            give(Vec::new(), nothing.place());
            give(b"lost".to_vec(), std::ptr::null_mut());
        }
        assert_eq!(nothing.bytes(), b"");
    }
}
