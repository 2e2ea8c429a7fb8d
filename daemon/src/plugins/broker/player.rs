//! Sounds, played through the PulseAudio protocol. Each has a thread and a connection of its own for as long as it is
//! heard, so that nothing waits and nothing runs in silence.

use std::collections::HashMap;
use std::ffi::CString;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use padgate_plugin_abi::PADGATE_LIMIT;
use pulseaudio::protocol::{
    ChannelMap, DEFAULT_SINK, PlaybackStreamParams, Prop, Props, SampleFormat, SampleSpec,
};
use pulseaudio::{AsPlaybackSource as _, Client, PlaybackStream};
use tokio::sync::Notify;

use super::wav::Sound;
use super::{Trouble, settle};
use crate::actions::Places;
use crate::lock::lock;
use crate::plugins::part::{PluginId, Reply};

/// How many sounds of one plugin are heard at once. Beyond, one more is refused with `PADGATE_LIMIT`.
const PLAYING_MAX: usize = 8;
/// How long the server may take to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// How much longer than the sound itself its playing may take.
const SLACK: Duration = Duration::from_secs(10);
/// Length of the cookie that proves to be the same user.
const COOKIE_BYTES: usize = 256;

/// See the module.
#[derive(Clone)]
pub(super) struct Player {
    places: Places,
    playing: Arc<Mutex<HashMap<PluginId, Vec<Arc<Notify>>>>>,
}

impl Player {
    pub(super) fn new(places: Places) -> Player {
        Player { places, playing: Arc::default() }
    }

    /// Plays a sound, and answers when it has begun.
    pub(super) fn play(&self, plugin: PluginId, sound: Sound, name: String, reply: Reply) {
        let stop = Arc::new(Notify::new());
        {
            let mut playing = lock(&self.playing);
            let mine = playing.entry(plugin).or_default();
            if mine.len() >= PLAYING_MAX {
                drop(playing);
                let why = format!("{PLAYING_MAX} sounds of this plugin are heard already");
                settle(reply, Err(Trouble::new(PADGATE_LIMIT, why)));
                return;
            }
            mine.push(Arc::clone(&stop));
        }
        let player = self.clone();
        let thread = std::thread::Builder::new().name("padgate playing".to_owned());
        let heard = Heard { player: self.clone(), plugin, stop: Arc::clone(&stop) };
        let started = thread.spawn(move || {
            let _heard = heard;
            player.run(sound, name, &stop, reply);
        });
        if let Err(error) = started {
            // The reply went with what could not be started; its plugin is told that it failed.
            tracing::warn!(%error, "no thread for a sound");
        }
    }

    /// Stops the sounds of the plugins that are meant.
    pub(super) fn stop(&self, meant: impl Fn(PluginId) -> bool) {
        let playing = lock(&self.playing);
        for (_, stops) in playing.iter().filter(|(plugin, _)| meant(**plugin)) {
            stops.iter().for_each(|stop| stop.notify_one());
        }
    }

    fn run(&self, sound: Sound, name: String, stop: &Notify, reply: Reply) {
        let length = sound.length();
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                settle(reply, Err(Trouble::unavailable(format!("can't play {name}: {error}"))));
                return;
            }
        };
        runtime.block_on(async {
            let begun = tokio::time::timeout(ANSWER_WAIT * 2, self.begin(sound, &name));
            let begun = begun.await.unwrap_or_else(|_| Err("it does not answer".to_owned()));
            let (_client, stream) = match begun {
                Ok(begun) => begun,
                Err(why) => {
                    let why = format!("no sound server: {why}; start PulseAudio or pipewire-pulse");
                    settle(reply, Err(Trouble::unavailable(why)));
                    return;
                }
            };
            reply.done();
            tokio::select! {
                ended = tokio::time::timeout(length + SLACK, stream.play_all()) => {
                    tracing::debug!(name, ?ended, "a sound ended");
                }
                () = stop.notified() => tracing::debug!(name, "a sound was stopped"),
            }
            // The server is told to forget it, and what it has not played yet with it.
            let _ = tokio::time::timeout(ANSWER_WAIT, stream.delete()).await;
        });
    }

    async fn begin(&self, mut sound: Sound, name: &str) -> Result<(Client, PlaybackStream), String> {
        let client = self.connect()?;
        let mut props = Props::new();
        props.set(Prop::MediaName, CString::new(name.replace('\0', "")).unwrap_or_default());
        let params = PlaybackStreamParams {
            sample_spec: SampleSpec {
                format: SampleFormat::Float32Le,
                channels: sound.channels,
                sample_rate: sound.rate,
            },
            channel_map: if sound.channels == 1 { ChannelMap::mono() } else { ChannelMap::stereo() },
            sink_name: Some(DEFAULT_SINK.to_owned()),
            props,
            ..PlaybackStreamParams::default()
        };
        let source = move |buffer: &mut [u8]| sound.fill(buffer);
        let stream = client.create_playback_stream(params, source.as_playback_source()).await;
        stream.map(|stream| (client, stream)).map_err(|error| error.to_string())
    }

    fn connect(&self) -> Result<Client, String> {
        let socket = self.places.sound_socket.as_deref();
        let socket = socket.ok_or("neither PULSE_SERVER nor XDG_RUNTIME_DIR says where a local one is")?;
        let why = |error: std::io::Error| format!("{}: {error}", socket.display());
        let stream = UnixStream::connect(socket).map_err(why)?;
        stream.set_read_timeout(Some(ANSWER_WAIT)).map_err(why)?;
        stream.set_write_timeout(Some(ANSWER_WAIT)).map_err(why)?;
        let cookie = self.places.sound_cookie.as_ref().and_then(|path| std::fs::read(path).ok());
        let mut cookie = cookie.unwrap_or_default();
        // A server that wants no cookie still wants one of this length.
        cookie.resize(COOKIE_BYTES, 0);
        Client::new_unix(c"Padgate", stream, Some(cookie))
            .map_err(|error| format!("{}: {error}", socket.display()))
    }
}

/// Counts a sound while it is heard.
struct Heard {
    player: Player,
    plugin: PluginId,
    stop: Arc<Notify>,
}

impl Drop for Heard {
    fn drop(&mut self) {
        let mut playing = lock(&self.player.playing);
        if let Some(mine) = playing.get_mut(&self.plugin) {
            mine.retain(|stop| !Arc::ptr_eq(stop, &self.stop));
            if mine.is_empty() {
                playing.remove(&self.plugin);
            }
        }
    }
}
