//! The methods: names, parameters, results.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::check::{CheckParams, CheckReport};
use crate::control::ControlSpec;
use crate::event::{Record, Topic};
use crate::hello::{Hello, HelloParams};
use crate::plugin::{
    AnyPluginParams, AuditList, AuditParams, GrantParams, GrantView, LogLines, LogsParams, PluginChange,
    PluginInfo, PluginList, PluginParams, RevokeParams, RevokeResult, StatsList, VerifyReport,
};
use crate::state::State;
use crate::status::{DeviceList, ModeState, Status};

/// A method: its name and the types that belong to it.
pub trait Method {
    /// The name on the wire.
    const NAME: &'static str;
    /// Whether the answer may take as long as the caller asked for (a file that is played), so that no client should
    /// give up waiting.
    const SLOW: bool = false;
    /// The parameters.
    type Params: Serialize + DeserializeOwned;
    /// The result.
    type Result: Serialize + DeserializeOwned;
}

macro_rules! methods {
    ($($(#[$docs:meta])* $marker:ident = $name:literal $(($slow:ident))?: $params:ty => $result:ty;)*) => {
        $(
            $(#[$docs])*
            #[derive(Clone, Copy, Debug)]
            pub enum $marker {}

            impl Method for $marker {
                const NAME: &'static str = $name;
                $(const SLOW: bool = methods!(@ $slow);)?
                type Params = $params;
                type Result = $result;
            }
        )*

        /// The names of all methods of this version.
        pub const NAMES: &[&str] = &[$($name,)*];
    };
    (@ slow) => { true };
}

// A table, so that the protocol can be read at a glance; a function can't tie a name to types.
methods! {
    /// Must come first; see [`crate::hello`].
    SayHello = "hello": HelloParams => Hello;
    /// The daemon as a whole.
    GetStatus = "status": Empty => Status;
    /// Devices and ports.
    GetDevices = "devices": Empty => DeviceList;
    /// Makes the daemon send events of these topics, besides those that were subscribed to before. The answer is the
    /// state that the events change.
    Subscribe = "subscribe": SubscribeParams => State;
    /// Why the last press of a control did what it did, or nothing.
    Explain = "explain": ExplainParams => Explanation;
    /// Puts a message in as if a device had sent it.
    Press = "press" (slow): PressParams => PressResult;
    /// Plays a MIDI file as if a device did.
    Play = "play" (slow): PlayParams => PlayResult;
    /// Reads the configuration again. Fails with [`crate::ErrorCode::ConfigInvalid`] if it has errors; then the old
    /// rules stay in force.
    Reload = "reload": Empty => CheckReport;
    /// Shows or changes the mode.
    Mode = "mode": ModeParams => ModeState;
    /// Releases everything and stops everything that runs.
    Panic = "panic": Empty => PanicResult;
    /// Looks for mistakes in a configuration.
    Check = "check": CheckParams => CheckReport;
    /// The plugins that were found, and how they are.
    ListPlugins = "plugin.list": Empty => PluginList;
    /// Everything about one plugin.
    GetPlugin = "plugin.info": PluginParams => PluginInfo;
    /// Says what a grant would allow, or grants it; see [`crate::plugin::grant`].
    GrantPlugin = "plugin.grant": GrantParams => GrantView;
    /// Takes back what was granted.
    RevokePlugin = "plugin.revoke": RevokeParams => RevokeResult;
    /// Lets a plugin be used that was disabled, or gives a quarantined one another chance.
    EnablePlugin = "plugin.enable": PluginParams => PluginChange;
    /// Ends a plugin, and keeps it from being used until it is enabled; a restart of the daemon does not change that.
    DisablePlugin = "plugin.disable": PluginParams => PluginChange;
    /// Starts a plugin's host now, instead of with its first call.
    LoadPlugin = "plugin.load": PluginParams => PluginChange;
    /// Ends a plugin's host; it is not started again until it is loaded, or the daemon starts.
    UnloadPlugin = "plugin.unload": PluginParams => PluginChange;
    /// Reads a plugin's files again. The new version takes over when it is ready, with what the old one saved; if it
    /// does not become ready, the old one goes on, and the call fails with [`crate::ErrorCode::Refused`].
    ReloadPlugin = "plugin.reload": PluginParams => PluginChange;
    /// Statistics of one plugin, or of all.
    PluginStats = "plugin.stats": AnyPluginParams => StatsList;
    /// The newest lines of a plugin's log. Topic `plugin_log` has those that come.
    PluginLogs = "plugin.logs": LogsParams => LogLines;
    /// Hashes the files of one plugin, or of all, anew, and checks their signatures. Changes nothing.
    VerifyPlugins = "plugin.verify": AnyPluginParams => VerifyReport;
    /// Looks through the plugin folders again.
    RescanPlugins = "plugin.rescan": Empty => PluginList;
    /// The newest entries of the audit log.
    Audit = "audit": AuditParams => AuditList;
}

/// No parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Empty {}

/// What to subscribe to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubscribeParams {
    /// These. A topic that the daemon does not know is an error, so that nobody waits for nothing.
    pub topics: Vec<Topic>,
}

/// Which press is to be explained.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExplainParams {
    /// The last one on this device; `None`: on any.
    pub device: Option<String>,
    /// The last one of this control; `None`: of any.
    pub control: Option<ControlSpec>,
}

/// Why a press did what it did.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Explanation {
    /// Whether a press was found.
    pub found: bool,
    /// The explanation, a sentence each.
    pub sentences: Vec<String>,
    /// What it rests on: the press, and what came of it.
    pub records: Vec<Record>,
}

/// What to put in. One of `control` and `midi` must be there.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PressParams {
    /// As if this device had sent it. `None`: the only device, or else the virtual port.
    pub device: Option<String>,
    /// The control.
    pub control: Option<ControlSpec>,
    /// Messages in hexadecimal bytes instead: `90 3C 64`.
    pub midi: Option<String>,
    /// What to do with the control.
    pub phase: PressPhase,
    /// The velocity (1 to 127) or value (0 to 127, or to 16383). `None`: 100 for a press; a value is needed for
    /// controls that have only that.
    pub value: Option<u16>,
    /// How long it is held between press and release, in milliseconds, up to [`HOLD_MS_MAX`].
    pub hold_ms: u64,
}

/// The longest time for which `press` holds, in milliseconds.
pub const HOLD_MS_MAX: u64 = 60_000;

/// What to do with a control.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PressPhase {
    /// Press and release (a note), or set to the value.
    #[default]
    Tap,
    /// Only press: it stays down until it is released, or `panic`.
    Down,
    /// Only release.
    Up,
    /// Not known to this version.
    #[serde(other)]
    Unknown,
}

/// What was put in.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PressResult {
    /// The device.
    pub device: String,
    /// The messages, in words.
    pub messages: Vec<String>,
}

/// A file to play.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PlayParams {
    /// The absolute path of a Standard MIDI File; the daemon reads it.
    pub path: String,
    /// As if this device had sent it. `None`: the virtual port.
    pub device: Option<String>,
    /// How fast.
    pub speed: PlaySpeed,
    /// Whether to send events of how far it is ([`crate::event::Event::Play`]) to this client.
    pub progress: bool,
}

/// How fast a file is played.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaySpeed {
    /// As it was recorded.
    #[default]
    InTime,
    /// Without any waiting.
    Full,
    /// Not known to this version.
    #[serde(other)]
    Unknown,
}

/// What was played.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PlayResult {
    /// The device.
    pub device: String,
    /// Messages in the file.
    pub total: u64,
    /// Messages that were played.
    pub played: u64,
    /// Notes that were still down at the end, and were released.
    pub released: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What to do with the mode.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "change", content = "mode", rename_all = "snake_case")]
pub enum ModeParams {
    /// Only show it.
    #[default]
    Get,
    /// Only this mode is left.
    Switch(String),
    /// This mode comes on top.
    Push(String),
    /// The topmost mode goes.
    Pop,
    /// This mode comes on top, or goes if it is there.
    Toggle(String),
}

/// What `panic` did.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PanicResult {
    /// What was held down, in words, and is not any more.
    pub released: Vec<String>,
    /// How many sequences were stopped.
    pub stopped: u64,
}

#[cfg(test)]
mod tests {
    use super::{ModeParams, PlayParams, PlaySpeed, PressParams};

    #[test]
    fn parameters_may_be_left_out_and_may_be_more() {
        let press: PressParams = serde_json::from_str(r#"{"control":"C1","later":1}"#).unwrap();
        assert_eq!(press, PressParams { control: Some("C1".parse().unwrap()), ..PressParams::default() });
        let play: PlayParams = serde_json::from_str(r#"{"path":"/a.mid","speed":"double"}"#).unwrap();
        assert_eq!(play.speed, PlaySpeed::Unknown);
        let mode: ModeParams = serde_json::from_str(r#"{"change":"push","mode":"stream"}"#).unwrap();
        assert_eq!(mode, ModeParams::Push("stream".into()));
        assert_eq!(serde_json::to_string(&ModeParams::Pop).unwrap(), r#"{"change":"pop"}"#);
    }
}
