//! The engine: events and the time go in, effects and the next deadline come out.

mod io;

pub use io::{
    Context, Control, Effect, Input, Output, PassReason, Phase, PressId, RefuseReason, Request, RequestId,
    Trace, VolumeChange, WaitReason,
};
