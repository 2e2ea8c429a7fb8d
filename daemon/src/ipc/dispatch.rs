//! From a method's name and parameters to the daemon, and back.

use padgate_ipc::method::{
    Check, Empty, Explain, GetDevices, GetStatus, Method, Mode, NAMES, Panic, Play, PlayParams, PlaySpeed,
    Press, PressParams, PressPhase, Reload,
};
use padgate_ipc::{ErrorCode, ErrorObject};
use serde_json::Value;

use super::{Cancel, Control};

/// Reads the parameters of a method; none at all are the same as an empty object.
///
/// # Errors
///
/// If they are not what the method wants.
pub fn params<M: Method>(params: Value) -> Result<M::Params, ErrorObject> {
    let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
    serde_json::from_value(params).map_err(|error| {
        let text =
            format!("`{}` has other parameters ({error}): see its description in the protocol", M::NAME);
        ErrorObject::new(ErrorCode::InvalidParams, text)
    })
}

/// Carries out any method but `hello` and `subscribe`, which belong to the connection. Blocks as long as it takes.
///
/// # Errors
///
/// With what the client is to be told.
pub fn call(
    control: &dyn Control,
    clients: u64,
    method: &str,
    given: Value,
    cancel: &Cancel,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Value, ErrorObject> {
    match method {
        GetStatus::NAME => with::<GetStatus>(given, |Empty {}| {
            let mut status = control.status();
            status.clients = clients;
            Ok(status)
        }),
        GetDevices::NAME => with::<GetDevices>(given, |Empty {}| Ok(control.devices())),
        Explain::NAME => with::<Explain>(given, |params| control.explain(&params)),
        Press::NAME => with::<Press>(given, |params| {
            check_press(&params)?;
            control.press(&params, cancel)
        }),
        Play::NAME => with::<Play>(given, |params| {
            check_play(&params)?;
            control.play(&params, cancel, progress)
        }),
        Reload::NAME => with::<Reload>(given, |Empty {}| control.reload()),
        Mode::NAME => with::<Mode>(given, |params| control.mode(&params)),
        Panic::NAME => with::<Panic>(given, |Empty {}| Ok(control.panic())),
        Check::NAME => with::<Check>(given, |params| control.check(&params)),
        _ => Err(unknown(method)),
    }
}

fn with<M: Method>(
    given: Value,
    run: impl FnOnce(M::Params) -> Result<M::Result, ErrorObject>,
) -> Result<Value, ErrorObject> {
    let result = run(params::<M>(given)?)?;
    serde_json::to_value(result).map_err(|error| ErrorObject::new(ErrorCode::Internal, error.to_string()))
}

fn unknown(method: &str) -> ErrorObject {
    // What a client sends is not repeated at any length.
    let method: String = method.chars().take(64).collect();
    let text = format!("there is no method {method:?}; there are: {}", NAMES.join(", "));
    ErrorObject::new(ErrorCode::MethodNotFound, text)
}

fn check_press(params: &PressParams) -> Result<(), ErrorObject> {
    let wrong = |text: &str| Err(ErrorObject::new(ErrorCode::InvalidParams, text));
    match params {
        PressParams { control: None, midi: None, .. }
        | PressParams { control: Some(_), midi: Some(_), .. } => {
            wrong("say either a control or MIDI bytes, not both and not neither")
        }
        PressParams { phase: PressPhase::Unknown, .. } => wrong("\"phase\" is tap, down or up"),
        PressParams { hold_ms, .. } if *hold_ms > padgate_ipc::method::HOLD_MS_MAX => {
            wrong("a press is held for a minute at most; use down and up for longer")
        }
        _ => Ok(()),
    }
}

fn check_play(params: &PlayParams) -> Result<(), ErrorObject> {
    let wrong = |text: &str| Err(ErrorObject::new(ErrorCode::InvalidParams, text));
    match params {
        PlayParams { speed: PlaySpeed::Unknown, .. } => wrong("\"speed\" is in_time or full"),
        PlayParams { path, .. } if !std::path::Path::new(path).is_absolute() => {
            wrong("\"path\" must be absolute: the daemon's working folder is not yours")
        }
        _ => Ok(()),
    }
}
