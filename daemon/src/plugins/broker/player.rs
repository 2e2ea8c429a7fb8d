//! Sounds, played through the PulseAudio protocol. Each has a thread and a connection of its own for as long as it is
//! heard, so that nothing waits and nothing runs in silence.
//!
//! The crate's own client keeps its thread and its connection for ever, so this speaks the protocol below it, like the
//! back end for volumes.

use std::collections::HashMap;
use std::ffi::CString;
use std::io::{BufReader, Cursor, Read as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use padgate_plugin_abi::PADGATE_LIMIT;
use pulseaudio::protocol::{
    AuthParams, AuthReply, ChannelMap, Command, CommandReply, CreatePlaybackStreamReply, DEFAULT_SINK,
    MAX_VERSION, PlaybackStreamParams, Prop, Props, ProtocolError, PulseError, Request, SampleFormat,
    SampleSpec, SetClientNameReply, read_command_message, read_reply_message, write_command_message,
    write_memblock,
};

use super::lives::Life;
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
/// Length of the header before each message.
const HEADER_BYTES: usize = 20;
/// The largest message that is read; the answers that are asked for have a few hundred bytes.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// How much of a sound is sent at once.
const PIECE_BYTES: usize = 32 * 1024;

/// See the module.
#[derive(Clone)]
pub(super) struct Player {
    places: Places,
    /// Whose sounds are heard, and the connections whose end ends them.
    playing: Arc<Mutex<HashMap<PluginId, Vec<Arc<UnixStream>>>>>,
}

impl Player {
    pub(super) fn new(places: Places) -> Player {
        Player { places, playing: Arc::default() }
    }

    /// Plays a sound, and answers when it has begun. Connects first, which a local server does at once or not at all.
    pub(super) fn play(&self, life: &Life, sound: Sound, name: String, reply: Reply) {
        let (server, heard) = match self.enter(life) {
            Ok(entered) => entered,
            Err(trouble) => return settle(reply, Err(trouble)),
        };
        let thread = std::thread::Builder::new().name("padgate playing".to_owned());
        let started = thread.spawn(move || {
            let _heard = heard;
            run(server, sound, &name, reply);
        });
        if let Err(error) = started {
            // The reply went with what could not be started; its plugin is told that it failed.
            tracing::warn!(%error, "no thread for a sound");
        }
    }

    /// Stops the sounds of the plugins that are meant.
    pub(super) fn stop(&self, meant: impl Fn(PluginId) -> bool) {
        let playing = lock(&self.playing);
        for (_, streams) in playing.iter().filter(|(plugin, _)| meant(**plugin)) {
            for stream in streams {
                // An error means that the server was faster.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    fn enter(&self, life: &Life) -> Result<(Server, Heard), Trouble> {
        let plugin = life.plugin;
        let no_server = |why: String| {
            Trouble::unavailable(format!("no sound server: {why}; start PulseAudio or pipewire-pulse"))
        };
        let socket = self.places.sound_socket.as_deref().ok_or_else(|| {
            no_server("neither PULSE_SERVER nor XDG_RUNTIME_DIR says where a local one is".to_owned())
        })?;
        let cookie = self.places.sound_cookie.as_ref().and_then(|path| std::fs::read(path).ok());
        let connected = UnixStream::connect(socket)
            .and_then(|stream| Ok((Arc::new(stream.try_clone()?), stream)))
            .map_err(|error| no_server(format!("{}: {error}", socket.display())))?;
        let (kept, stream) = connected;
        {
            let mut playing = lock(&self.playing);
            let mine = playing.entry(plugin).or_default();
            if mine.len() >= PLAYING_MAX {
                let why = format!("{PLAYING_MAX} sounds of this plugin are heard already");
                return Err(Trouble::new(PADGATE_LIMIT, why));
            }
            mine.push(Arc::clone(&kept));
        }
        let heard = Heard { player: self.clone(), plugin, stream: kept };
        if life.is_over() {
            return Err(Trouble::unavailable("the plugin has ended"));
        }
        let server = Server::introduce(stream, cookie.unwrap_or_default());
        let server = server.map_err(|error| no_server(format!("{}: {error}", socket.display())))?;
        Ok((server, heard))
    }
}

/// Counts a sound while it is heard.
struct Heard {
    player: Player,
    plugin: PluginId,
    stream: Arc<UnixStream>,
}

impl Drop for Heard {
    fn drop(&mut self) {
        let mut playing = lock(&self.player.playing);
        if let Some(mine) = playing.get_mut(&self.plugin) {
            mine.retain(|stream| !Arc::ptr_eq(stream, &self.stream));
            if mine.is_empty() {
                playing.remove(&self.plugin);
            }
        }
    }
}

fn run(mut server: Server, mut sound: Sound, name: &str, reply: Reply) {
    let until = Instant::now() + sound.length() + SLACK;
    let stream = match server.begin(&sound, name) {
        Ok(stream) => stream,
        Err(error) => {
            return settle(reply, Err(Trouble::unavailable(format!("the sound server refused: {error}"))));
        }
    };
    let mut wanted = stream.requested_bytes as usize;
    let begun = server.feed(stream.channel, &mut sound, &mut wanted);
    match &begun {
        Ok(_) => reply.done(),
        Err(error) => settle(reply, Err(Trouble::unavailable(format!("the sound server is gone: {error}")))),
    }
    // The end of the connection, when this returns, ends the stream.
    let ended = begun.and_then(|over| server.play(stream.channel, sound, wanted, over, until));
    tracing::debug!(name, ?ended, "a sound ended");
}

/// A connection to the sound server.
struct Server {
    writer: UnixStream,
    reader: BufReader<UnixStream>,
    version: u16,
    sequence: u32,
}

impl Server {
    /// Introduces itself to the server.
    fn introduce(stream: UnixStream, mut cookie: Vec<u8>) -> Result<Server, ProtocolError> {
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        stream.set_write_timeout(Some(ANSWER_WAIT))?;
        let reader = BufReader::new(stream.try_clone()?);
        let mut server = Server { writer: stream, reader, version: MAX_VERSION, sequence: 0 };
        // A server that wants no cookie still wants one of this length.
        cookie.resize(COOKIE_BYTES, 0);
        let auth = AuthParams { version: MAX_VERSION, supports_shm: false, supports_memfd: false, cookie };
        let reply: AuthReply = server.ask(&Command::Auth(auth))?;
        server.version = MAX_VERSION.min(reply.version);
        let mut properties = Props::new();
        properties.set(Prop::ApplicationName, CString::from(c"Padgate"));
        server.ask::<SetClientNameReply>(&Command::SetClientName(properties))?;
        Ok(server)
    }

    /// Makes the stream.
    fn begin(&mut self, sound: &Sound, name: &str) -> Result<CreatePlaybackStreamReply, ProtocolError> {
        let mut props = Props::new();
        props.set(Prop::MediaName, CString::new(name.replace('\0', "")).unwrap_or_default());
        self.ask(&Command::CreatePlaybackStream(PlaybackStreamParams {
            sample_spec: SampleSpec {
                format: SampleFormat::Float32Le,
                channels: sound.channels,
                sample_rate: sound.rate,
            },
            channel_map: if sound.channels == 1 { ChannelMap::mono() } else { ChannelMap::stereo() },
            sink_name: Some(DEFAULT_SINK.to_owned()),
            props,
            ..PlaybackStreamParams::default()
        }))
    }

    /// Sends what the server wants to have of the sound; whether that was the end of it.
    fn feed(&mut self, channel: u32, sound: &mut Sound, wanted: &mut usize) -> Result<bool, ProtocolError> {
        let mut buffer = [0; PIECE_BYTES];
        let frame = 4 * usize::from(sound.channels);
        while *wanted >= frame {
            let length = sound.fill(&mut buffer[..(*wanted).min(PIECE_BYTES)]);
            if length == 0 {
                return Ok(true);
            }
            write_memblock(&mut self.writer, channel, &buffer[..length], 0)?;
            *wanted -= length;
        }
        Ok(false)
    }

    /// Plays the rest, and waits until all of it was heard.
    fn play(
        &mut self,
        channel: u32,
        mut sound: Sound,
        mut wanted: usize,
        mut over: bool,
        until: Instant,
    ) -> Result<(), ProtocolError> {
        let mut drained = None;
        loop {
            if over && drained.is_none() {
                drained = Some(self.say(&Command::DrainPlaybackStream(channel))?);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
            }
            self.reader.get_ref().set_read_timeout(Some(left))?;
            let message = self.hear()?;
            let (sequence, command) = read_command_message(&mut Cursor::new(&message), self.version)?;
            match command {
                Command::Request(Request { channel: of, length }) if of == channel && !over => {
                    wanted = wanted.saturating_add(length as usize);
                    over = self.feed(channel, &mut sound, &mut wanted)?;
                }
                Command::Reply if Some(sequence) == drained => return Ok(()),
                Command::Error(error) => return Err(ProtocolError::ServerError(error)),
                Command::PlaybackStreamKilled(_) => {
                    return Err(ProtocolError::ServerError(PulseError::ConnectionTerminated));
                }
                // News of the stream that change nothing here.
                _ => {}
            }
        }
    }

    fn say(&mut self, command: &Command) -> Result<u32, ProtocolError> {
        self.sequence += 1;
        write_command_message(&mut self.writer, self.sequence, command, self.version)?;
        Ok(self.sequence)
    }

    fn ask<T: CommandReply>(&mut self, command: &Command) -> Result<T, ProtocolError> {
        self.say(command)?;
        let message = self.hear()?;
        let (_, reply) = read_reply_message(&mut Cursor::new(message), self.version)?;
        Ok(reply)
    }

    /// One whole message.
    fn hear(&mut self) -> Result<Vec<u8>, ProtocolError> {
        let mut message = vec![0; HEADER_BYTES];
        self.reader.read_exact(&mut message)?;
        let length = u32::from_be_bytes([message[0], message[1], message[2], message[3]]) as usize;
        if length > MESSAGE_BYTES_MAX {
            return Err(ProtocolError::Invalid(format!("a message of {length} bytes")));
        }
        message.resize(HEADER_BYTES + length, 0);
        self.reader.read_exact(&mut message[HEADER_BYTES..])?;
        Ok(message)
    }
}
