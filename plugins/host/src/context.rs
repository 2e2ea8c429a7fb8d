//! The context of a call as the payload of a frame: the members of [`PadgateContext`] in their order, little-endian, 64
//! bytes. On the machines that Padgate runs on, that is the struct as it lies in memory.

use padgate_plugin_abi::PadgateContext;

use crate::wire::{Reader, WireError};

/// Its size, in bytes.
pub const CONTEXT_BYTES: usize = size_of::<PadgateContext>();

/// The payload of a `Call`. Allocates nothing.
#[must_use]
pub fn encode(context: &PadgateContext) -> [u8; CONTEXT_BYTES] {
    let mut bytes = [0; CONTEXT_BYTES];
    bytes[0..8].copy_from_slice(&context.press.to_le_bytes());
    bytes[8..16].copy_from_slice(&context.received_ns.to_le_bytes());
    bytes[16..24].copy_from_slice(&context.deadline_ns.to_le_bytes());
    bytes[24..32].copy_from_slice(&context.value.to_bits().to_le_bytes());
    bytes[32..36].copy_from_slice(&context.device.to_le_bytes());
    bytes[36..38].copy_from_slice(&context.raw.to_le_bytes());
    bytes[38..40].copy_from_slice(&context.ticks.to_le_bytes());
    bytes[40..44].copy_from_slice(&[context.phase, context.channel, context.note, context.controller]);
    bytes[44..47].copy_from_slice(&context.message);
    bytes[47] = context.message_length;
    bytes[48..64].copy_from_slice(&context.reserved);
    bytes
}

/// Reads the payload of a `Call`.
///
/// # Errors
///
/// If it is not as long as a context.
pub fn decode(payload: &[u8]) -> Result<PadgateContext, WireError> {
    let mut from = Reader::new(payload);
    let context = PadgateContext {
        press: from.u64()?,
        received_ns: from.u64()?,
        deadline_ns: from.u64()?,
        value: from.f64()?,
        device: from.u32()?,
        raw: from.u16()?,
        ticks: from.u16()? as i16,
        phase: from.u8()?,
        channel: from.u8()?,
        note: from.u8()?,
        controller: from.u8()?,
        message: [from.u8()?, from.u8()?, from.u8()?],
        message_length: from.u8()?,
        reserved: from.array()?,
    };
    from.finish()?;
    Ok(context)
}

#[cfg(test)]
mod tests {
    use padgate_plugin_abi::PadgateContext;

    use super::{CONTEXT_BYTES, decode, encode};

    #[test]
    fn a_context_reads_back() {
        let context = PadgateContext {
            press: 1,
            received_ns: u64::MAX,
            deadline_ns: 3,
            value: 0.25,
            device: 4,
            raw: 16383,
            ticks: -3,
            phase: 1,
            channel: 15,
            note: 127,
            controller: 255,
            message: [0x9f, 127, 64],
            message_length: 3,
            reserved: [0; 16],
        };
        let bytes = encode(&context);
        assert_eq!(decode(&bytes), Ok(context));
        assert!(decode(&bytes[..CONTEXT_BYTES - 1]).is_err());
        assert!(decode(&[&bytes[..], &[0]].concat()).is_err());
    }
}
