//! From a method's name and parameters to the daemon, and back.

use padgate_ipc::method::{
    Audit, Check, DisablePlugin, Empty, EnablePlugin, Explain, GetDevices, GetPlugin, GetStatus, GrantPlugin,
    ListPlugins, LoadPlugin, Method, Mode, NAMES, Panic, Play, PlayParams, PlaySpeed, PluginLogs,
    PluginStats, Press, PressParams, PressPhase, Reload, ReloadPlugin, RescanPlugins, RevokePlugin,
    UnloadPlugin, VerifyPlugins,
};
use padgate_ipc::plugin::{GrantParams, LOG_LINES_MAX, Tie, newest_that_fit};
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
        _ => call_plugins(control, method, given),
    }
}

/// The methods about plugins.
fn call_plugins(control: &dyn Control, method: &str, given: Value) -> Result<Value, ErrorObject> {
    match method {
        ListPlugins::NAME => with::<ListPlugins>(given, |Empty {}| control.plugin_list()),
        GetPlugin::NAME => with::<GetPlugin>(given, |params| control.plugin_info(&params.plugin)),
        GrantPlugin::NAME => with::<GrantPlugin>(given, |params| {
            check_grant(&params)?;
            control.plugin_grant(&params)
        }),
        RevokePlugin::NAME => with::<RevokePlugin>(given, |params| control.plugin_revoke(&params)),
        EnablePlugin::NAME => with::<EnablePlugin>(given, |params| control.plugin_enable(&params.plugin)),
        DisablePlugin::NAME => with::<DisablePlugin>(given, |params| control.plugin_disable(&params.plugin)),
        LoadPlugin::NAME => with::<LoadPlugin>(given, |params| control.plugin_load(&params.plugin)),
        UnloadPlugin::NAME => with::<UnloadPlugin>(given, |params| control.plugin_unload(&params.plugin)),
        ReloadPlugin::NAME => with::<ReloadPlugin>(given, |params| control.plugin_reload(&params.plugin)),
        PluginStats::NAME => {
            with::<PluginStats>(given, |params| control.plugin_stats(params.plugin.as_deref()))
        }
        PluginLogs::NAME => with::<PluginLogs>(given, |mut params| {
            params.lines = params.lines.min(LOG_LINES_MAX);
            let mut answer = control.plugin_logs(&params)?;
            answer.lines = newest_that_fit(answer.lines);
            Ok(answer)
        }),
        VerifyPlugins::NAME => {
            with::<VerifyPlugins>(given, |params| control.plugin_verify(params.plugin.as_deref()))
        }
        RescanPlugins::NAME => with::<RescanPlugins>(given, |Empty {}| control.plugin_rescan()),
        Audit::NAME => with::<Audit>(given, |mut params| {
            params.entries = params.entries.min(LOG_LINES_MAX);
            let mut answer = control.audit(&params)?;
            answer.entries = newest_that_fit(answer.entries);
            Ok(answer)
        }),
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

fn check_grant(params: &GrantParams) -> Result<(), ErrorObject> {
    let wrong = |text: &str| Err(ErrorObject::new(ErrorCode::InvalidParams, text));
    match params {
        GrantParams { tie: Tie::Unknown, .. } => wrong("\"tie\" is sha256 or key"),
        GrantParams { dry_run: false, confirm: None, .. } => wrong(
            "\"confirm\" is missing: call with \"dry_run\" first, show the answer to the user, and pass on its \"confirm\"",
        ),
        GrantParams { rights: Some(rights), .. } if rights.is_empty() => {
            wrong("\"rights\" is empty: leave it out to grant all that is requested")
        }
        _ => Ok(()),
    }
}
