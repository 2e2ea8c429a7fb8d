//! Inputs as a recorder gets them: for keeps, with every byte.

use padgate_core::engine::Input;
use padgate_core::ids::DeviceId;
use padgate_core::midi::Received;
use padgate_core::time::Time;

/// One input as a recorder gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// When it came in.
    pub at: Time,
    /// What came in.
    pub input: HeardInput,
}

/// What came in, for keeps.
#[derive(Clone, Debug, PartialEq)]
pub enum HeardInput {
    /// A device sent these bytes: one message or one System Exclusive.
    Midi(DeviceId, Vec<u8>),
    /// Anything else.
    Other(Input<'static>),
}

/// A copy of `input` that outlives the driver's buffer.
pub(super) fn keep(input: &Input<'_>) -> HeardInput {
    match input {
        Input::Midi { device, received: Received::Message(message) } => {
            let (bytes, length) = message.encode();
            HeardInput::Midi(*device, bytes[..length].to_vec())
        }
        Input::Midi { device, received: Received::Sysex(bytes) } => HeardInput::Midi(*device, bytes.to_vec()),
        Input::DeviceLost(device) => HeardInput::Other(Input::DeviceLost(*device)),
        Input::OutputLost(device) => HeardInput::Other(Input::OutputLost(*device)),
        Input::WallClock(time) => HeardInput::Other(Input::WallClock(*time)),
        Input::Running(program, runs) => HeardInput::Other(Input::Running(*program, *runs)),
        Input::TargetLevel(target, level) => HeardInput::Other(Input::TargetLevel(*target, *level)),
        Input::Mode(change) => HeardInput::Other(Input::Mode(*change)),
        Input::Set(variable, value) => HeardInput::Other(Input::Set(*variable, value.clone())),
        Input::Panic => HeardInput::Other(Input::Panic),
        Input::Timer => HeardInput::Other(Input::Timer),
    }
}
