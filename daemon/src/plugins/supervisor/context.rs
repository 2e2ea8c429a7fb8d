//! What a call tells a plugin of the press behind it, in the 64 bytes that the ABI fixes.

use padgate_core::engine::{CallPhase, Context};
use padgate_core::ruleset::trigger::ControlKind;
use padgate_core::time::Time;
use padgate_plugin_abi::{
    PADGATE_NONE, PADGATE_PHASE_CHANGE, PADGATE_PHASE_PRESS, PADGATE_PHASE_RELEASE, PADGATE_PHASE_TAP,
    PadgateContext,
};
use padgate_plugin_host::context::{CONTEXT_BYTES, encode};

use crate::clock;

/// The payload of a `Call` that must have ended at `deadline`.
pub(super) fn payload(phase: CallPhase, context: &Context, deadline: Time) -> [u8; CONTEXT_BYTES] {
    let (message, length) = context.message.map_or(([0; 3], 0), |message| message.encode());
    let number_of = |kinds: &[ControlKind]| match context.control {
        Some(control) if kinds.contains(&control.kind) => control.number,
        _ => PADGATE_NONE,
    };
    encode(&PadgateContext {
        press: context.press.0,
        received_ns: clock::to_system(context.received),
        deadline_ns: clock::to_system(deadline),
        value: context.value,
        device: context.control.map_or(0, |control| control.device.index() as u32),
        raw: context.raw,
        ticks: context.ticks,
        phase: match phase {
            CallPhase::Tap => PADGATE_PHASE_TAP,
            CallPhase::Press => PADGATE_PHASE_PRESS,
            CallPhase::Release => PADGATE_PHASE_RELEASE,
            CallPhase::Change => PADGATE_PHASE_CHANGE,
        },
        channel: context.control.map_or(PADGATE_NONE, |control| control.channel.wire()),
        note: number_of(&[ControlKind::Note, ControlKind::PolyPressure]),
        controller: number_of(&[ControlKind::Controller, ControlKind::Controller14]),
        message,
        message_length: length as u8,
        reserved: [0; 16],
    })
}

#[cfg(test)]
mod tests {
    use padgate_core::engine::{CallPhase, Context, Control, PressId};
    use padgate_core::ids::DeviceId;
    use padgate_core::midi::Channel;
    use padgate_core::ruleset::trigger::ControlKind;
    use padgate_core::time::Time;
    use padgate_plugin_host::context::decode;

    use super::payload;
    use crate::clock;

    #[test]
    fn a_press_is_told_as_it_was() {
        let control = Control {
            device: DeviceId::new(3),
            kind: ControlKind::Note,
            channel: Channel::from_wire(9),
            number: 36,
        };
        let mut context = Context {
            press: PressId(5),
            control: Some(control),
            message: None,
            value: 0.5,
            raw: 64,
            ticks: -2,
            received: Time(1_000),
        };
        let told = decode(&payload(CallPhase::Press, &context, Time(2_000))).unwrap();
        assert_eq!((told.press, told.device, told.channel, told.note, told.controller), (5, 3, 9, 36, 255));
        assert_eq!((told.phase, told.raw, told.ticks, told.message_length), (1, 64, -2, 0));
        assert_eq!(told.deadline_ns - told.received_ns, 1_000);
        assert_eq!(told.received_ns, clock::to_system(Time(1_000)));
        context.control = None;
        let told = decode(&payload(CallPhase::Change, &context, Time(2_000))).unwrap();
        assert_eq!((told.phase, told.channel, told.note, told.controller), (3, 255, 255, 255));
    }
}
