//! The actions, and the requests that they become.

use padgate_plugin::{Context, Error};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connection::Connection;

/// Switches to a scene.
#[derive(Debug, Deserialize)]
pub struct Scene {
    name: String,
    #[serde(default)]
    preview: bool,
}

/// No parameters.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// On, off, or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Switch {
    On,
    Off,
    #[default]
    Toggle,
}

/// Mutes an input.
#[derive(Debug, Deserialize)]
pub struct Mute {
    input: String,
    #[serde(default)]
    state: Switch,
}

/// Sets the volume of an input.
#[derive(Debug, Deserialize)]
pub struct Volume {
    input: String,
}

/// Shows or hides a source.
#[derive(Debug, Deserialize)]
pub struct Source {
    scene: String,
    source: String,
    #[serde(default)]
    state: Switch,
}

/// Starts, stops or pauses the recording.
#[derive(Debug, Deserialize)]
pub struct Record {
    #[serde(default)]
    state: RecordState,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RecordState {
    Start,
    Stop,
    #[default]
    Toggle,
    Pause,
    Resume,
    TogglePause,
}

/// Starts or stops the stream or the virtual camera.
#[derive(Debug, Deserialize)]
pub struct Output {
    #[serde(default)]
    state: OutputState,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OutputState {
    Start,
    Stop,
    #[default]
    Toggle,
}

/// Saves the replay buffer, or starts or stops it.
#[derive(Debug, Deserialize)]
pub struct Replay {
    #[serde(default)]
    state: ReplayState,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ReplayState {
    #[default]
    Save,
    Start,
    Stop,
    Toggle,
}

/// Triggers a hotkey.
#[derive(Debug, Deserialize)]
pub struct Hotkey {
    name: String,
}

/// Any request.
#[derive(Debug, Deserialize)]
pub struct Any {
    r#type: String,
    #[serde(default)]
    data: Value,
}

/// What is asked of OBS.
#[derive(Debug)]
pub enum Action<'a> {
    /// Switches to a scene.
    Scene(&'a Scene),
    /// Brings the preview into the programme.
    Transition(&'a Nothing),
    /// Mutes an input.
    Mute(&'a Mute),
    /// Sets the volume of an input.
    Volume(&'a Volume),
    /// Shows or hides a source.
    Source(&'a Source),
    /// Starts, stops or pauses the recording.
    Record(&'a Record),
    /// Starts or stops the stream.
    Stream(&'a Output),
    /// Saves the replay buffer, or starts or stops it.
    Replay(&'a Replay),
    /// Starts or stops the virtual camera.
    VirtualCamera(&'a Output),
    /// Triggers a hotkey.
    Hotkey(&'a Hotkey),
    /// Any request.
    Request(&'a Any),
}

impl Action<'_> {
    /// Asks for it, and waits until OBS has done it.
    pub(crate) fn perform(&self, obs: &mut Connection, context: &Context) -> Result<(), Error> {
        let (kind, data) = match self {
            Action::Scene(Scene { name, preview: false }) => {
                ("SetCurrentProgramScene", json!({ "sceneName": name }))
            }
            Action::Scene(Scene { name, preview: true }) => {
                ("SetCurrentPreviewScene", json!({ "sceneName": name }))
            }
            Action::Transition(_) => ("TriggerStudioModeTransition", json!({})),
            Action::Mute(Mute { input, state: Switch::Toggle }) => {
                ("ToggleInputMute", json!({ "inputName": input }))
            }
            Action::Mute(Mute { input, state }) => {
                ("SetInputMute", json!({ "inputName": input, "inputMuted": *state == Switch::On }))
            }
            // OBS's own fader is a cubic law as well: the middle of the fader is an eighth of the amplitude.
            Action::Volume(Volume { input }) => {
                let amplitude = context.value().clamp(0.0, 1.0).powi(3);
                ("SetInputVolume", json!({ "inputName": input, "inputVolumeMul": amplitude }))
            }
            Action::Source(source) => return show(source, obs),
            Action::Record(Record { state }) => (record(*state), json!({})),
            Action::Stream(Output { state }) => {
                (output(*state, ["StartStream", "StopStream", "ToggleStream"]), json!({}))
            }
            Action::Replay(Replay { state }) => (replay(*state), json!({})),
            Action::VirtualCamera(Output { state }) => {
                (output(*state, ["StartVirtualCam", "StopVirtualCam", "ToggleVirtualCam"]), json!({}))
            }
            Action::Hotkey(Hotkey { name }) => ("TriggerHotkeyByName", json!({ "hotkeyName": name })),
            Action::Request(Any { r#type, data }) => return obs.request(r#type, data).map(drop),
        };
        obs.request(kind, &data).map(drop)
    }
}

fn record(state: RecordState) -> &'static str {
    match state {
        RecordState::Start => "StartRecord",
        RecordState::Stop => "StopRecord",
        RecordState::Toggle => "ToggleRecord",
        RecordState::Pause => "PauseRecord",
        RecordState::Resume => "ResumeRecord",
        RecordState::TogglePause => "ToggleRecordPause",
    }
}

fn replay(state: ReplayState) -> &'static str {
    match state {
        ReplayState::Save => "SaveReplayBuffer",
        ReplayState::Start => "StartReplayBuffer",
        ReplayState::Stop => "StopReplayBuffer",
        ReplayState::Toggle => "ToggleReplayBuffer",
    }
}

fn output(state: OutputState, [start, stop, toggle]: [&'static str; 3]) -> &'static str {
    match state {
        OutputState::Start => start,
        OutputState::Stop => stop,
        OutputState::Toggle => toggle,
    }
}

/// A source is known to OBS by a number within its scene.
fn show(source: &Source, obs: &mut Connection) -> Result<(), Error> {
    let Source { scene, source, state } = source;
    let found = obs.request("GetSceneItemId", &json!({ "sceneName": scene, "sourceName": source }))?;
    let id = &found["sceneItemId"];
    let shown = match state {
        Switch::On => true,
        Switch::Off => false,
        Switch::Toggle => {
            let now =
                obs.request("GetSceneItemEnabled", &json!({ "sceneName": scene, "sceneItemId": id }))?;
            now["sceneItemEnabled"] != Value::Bool(true)
        }
    };
    let data = json!({ "sceneName": scene, "sceneItemId": id, "sceneItemEnabled": shown });
    obs.request("SetSceneItemEnabled", &data).map(drop)
}
