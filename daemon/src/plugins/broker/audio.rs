//! Sound for plugins: volumes through the sound back end, and sound files.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use padgate_core::engine::{Effect, VolumeChange};
use padgate_core::ids::TargetId;
use padgate_core::ruleset::action::Switch;
use padgate_plugin_abi::PADGATE_LIMIT;
use padgate_plugin_abi::audio::{PADGATE_VOLUME_BY, PADGATE_VOLUME_MUTE, PADGATE_VOLUME_TO};

use super::lives::Life;
#[cfg(target_os = "linux")]
use super::player::Player;
use super::wav::Sound;
use super::workers::Pool;
use super::{DEFAULT_OUTPUT, RequestRouter, SoundOutputs, Trouble, settle};
use crate::actions::Places;
use crate::hands::ActionSend;
use crate::lock::lock;
use crate::plugins::part::{PluginId, Reply};

/// How many different outputs one plugin can name for as long as the daemon runs. Beyond, a further one is refused with
/// `PADGATE_LIMIT`.
pub const OUTPUTS_PER_PLUGIN: usize = 16;
/// The longest pattern on an output's name, in bytes.
const PATTERN_BYTES_MAX: usize = 256;
/// The largest sound file.
pub const SOUND_FILE_BYTES_MAX: u64 = 64 << 20;
/// The longest sound.
pub const SOUND_TIME_MAX: Duration = Duration::from_secs(600);
/// The loudest volume, as the back end has it.
const LEVEL_MAX: f64 = 1.5;

/// See the module.
pub(super) struct Audio {
    outputs: Arc<dyn SoundOutputs>,
    actions: Arc<dyn ActionSend>,
    requests: Arc<RequestRouter>,
    named: Mutex<HashMap<PluginId, HashSet<String>>>,
    player: Player,
}

impl Audio {
    pub(super) fn new(
        outputs: Arc<dyn SoundOutputs>,
        places: Places,
        actions: Arc<dyn ActionSend>,
        requests: Arc<RequestRouter>,
    ) -> Audio {
        Audio { outputs, actions, requests, named: Mutex::default(), player: Player::new(places) }
    }

    /// Changes a volume; answered when the server has done it.
    pub(super) fn volume(&self, plugin: PluginId, output: &str, change: u32, value: f64, reply: Reply) {
        match self.effect(plugin, output, change, value) {
            Ok(effect) => self.requests.perform(&*self.actions, plugin, effect, reply),
            Err(trouble) => settle(reply, Err(trouble)),
        }
    }

    /// Plays a file, which the gate has opened; answered when it has begun.
    pub(super) fn play(&self, pool: &Pool, life: Life, file: File, path: PathBuf, gain: f64, reply: Reply) {
        if !(0.0..=1.0).contains(&gain) {
            settle(reply, Err(Trouble::invalid(format!("a gain of {gain}: it goes from 0 to 1"))));
            return;
        }
        let player = self.player.clone();
        pool.submit(life.plugin, reply, move |reply| {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            match Sound::read(file, &name, gain) {
                Ok(sound) => player.play(&life, sound, name, reply),
                Err(trouble) => settle(reply, Err(trouble)),
            }
        });
    }

    /// Stops the plugin's sounds.
    pub(super) fn ended(&self, plugin: PluginId) {
        self.player.stop(|owner| owner == plugin);
    }

    /// Stops all sounds.
    pub(super) fn end_all(&self) {
        self.player.stop(|_| true);
    }

    fn effect(&self, plugin: PluginId, output: &str, change: u32, value: f64) -> Result<Effect, Trouble> {
        if !value.is_finite() {
            return Err(Trouble::invalid(format!("a volume of {value} is no volume")));
        }
        let target = self.target(plugin, output)?;
        let change = match change {
            PADGATE_VOLUME_TO => VolumeChange::To(value.clamp(0.0, LEVEL_MAX)),
            PADGATE_VOLUME_BY => VolumeChange::By(value.clamp(-1.0, 1.0)),
            PADGATE_VOLUME_MUTE => {
                let switch = if value == 0.0 { Switch::Off } else { Switch::On };
                return Ok(Effect::Mute { target, switch });
            }
            other => return Err(Trouble::invalid(format!("{other} is no change of a volume"))),
        };
        Ok(Effect::Volume { target, change })
    }

    fn target(&self, plugin: PluginId, output: &str) -> Result<TargetId, Trouble> {
        if output.is_empty() {
            return Ok(DEFAULT_OUTPUT);
        }
        if output.len() > PATTERN_BYTES_MAX {
            let why = format!("a pattern of {} bytes: at most {PATTERN_BYTES_MAX}", output.len());
            return Err(Trouble::invalid(why));
        }
        let too_many = |count| {
            let why = format!("{count} different outputs were named already: use the same patterns again");
            Trouble::new(PADGATE_LIMIT, why)
        };
        let mut named = lock(&self.named);
        let mine = named.entry(plugin).or_default();
        if !mine.contains(output) {
            if mine.len() >= OUTPUTS_PER_PLUGIN {
                return Err(too_many(OUTPUTS_PER_PLUGIN));
            }
            mine.insert(output.to_owned());
        }
        self.outputs.output(output).ok_or_else(|| too_many(crate::actions::GUEST_OUTPUTS_MAX))
    }
}

/// Where sounds can't be played yet.
#[cfg(not(target_os = "linux"))]
#[derive(Clone)]
struct Player;

#[cfg(not(target_os = "linux"))]
impl Player {
    fn new(_: Places) -> Player {
        Player
    }

    fn play(&self, _: &Life, _: Sound, _: String, reply: Reply) {
        settle(reply, Err(Trouble::unavailable("sounds can't be played on this platform yet")));
    }

    fn stop(&self, _: impl Fn(PluginId) -> bool) {}
}
