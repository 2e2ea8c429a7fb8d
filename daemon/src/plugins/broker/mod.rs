//! The brokers: what the daemon does for plugins once the gate has permitted it.
//!
//! A plugin's process can't open a socket, start a program or reach a MIDI port. It asks, the gate decides, and what is
//! permitted happens here, with what the gate looked at and nothing else: the URL that it read, the file that it opened,
//! the program that it found. [`Brokers::serve`] runs on the supervisor's one thread, so it never waits:
//!
//! | module | does | where |
//! |---|---|---|
//! | `midi`, `schedule`, `held` | messages, now or planned, and what sounds | on the spot, or on a thread that sleeps until then |
//! | `listen` | what devices say, to plugins that listen | on the driver's thread |
//! | `http`, `connect`, `resolve` | requests and sockets | on a worker |
//! | `datagram` | datagrams | on the spot, or on a worker where a name must be looked up |
//! | `process`, `pump` | programs | on a worker |
//! | `audio`, `wav`, `player` | volumes and sounds | in the sound back end; a thread for each sound |
//! | `system`, `brightness` | the desktop | in the back ends; brightness on a worker |
//! | `lives` | which life of a plugin something is done for | |
//! | `workers` | the threads for what takes time, so that no plugin delays another | |
//! | `request` | the way back of what the back ends did | |

mod audio;
#[cfg(target_os = "linux")]
mod brightness;
mod connect;
mod datagram;
mod held;
mod http;
mod listen;
mod lives;
mod midi;
#[cfg(target_os = "linux")]
mod player;
mod process;
mod pump;
mod request;
mod resolve;
mod schedule;
mod seams;
mod system;
#[cfg(test)]
mod tests_kit;
mod wav;
mod workers;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use padgate_core::ids::{DeviceId, TargetId};
use padgate_core::time::Time;
use padgate_plugin_abi::{PADGATE_INVALID, PADGATE_OK, PADGATE_UNAVAILABLE, PadgateStatus};
use padgate_plugin_host::ask::Ask;

use super::gate::{Gate, Permit, Permitted};
use super::part::{Answered, Broker, PluginId, Reply};
use crate::actions::Places;
use crate::clock;
use crate::hands::{ActionSend, MidiSend};

pub use audio::{OUTPUTS_PER_PLUGIN, SOUND_FILE_BYTES_MAX, SOUND_TIME_MAX};
pub use datagram::DATAGRAM_BYTES_MAX;
pub use http::REDIRECTS_MAX;
pub use listen::EVENT_BYTES_MAX;
pub use midi::{AHEAD_MAX, PLANNED_MAX, SYSEX_BYTES_MAX};
pub use process::RUNNING_MAX;
pub use request::{PENDING_MAX, RequestRouter};
pub use seams::{DeviceNames, EventSink, Screen, SoundOutputs};
pub use workers::{JOBS_PER_PLUGIN, QUEUE_JOBS, WORKERS_MAX};

/// The largest body or output that a plugin is given; the rest is cut off.
pub const BODY_BYTES_MAX: usize = 48 * 1024;
/// The longest that anything may take that a plugin waits for, whatever it asked for and whatever its call may.
pub const JOB_TIME_MAX: Duration = Duration::from_secs(60);
/// The answer is given this much before the deadline of the call: a plugin that is told that its server is slow can say
/// so, where one that is still waiting is killed.
const ANSWER_MARGIN: Duration = Duration::from_millis(20);

/// What the brokers act with.
pub struct BrokerSetup {
    /// MIDI outputs.
    pub midi: Arc<dyn MidiSend>,
    /// Names of devices.
    pub devices: Arc<dyn DeviceNames>,
    /// The back ends for keys, sound, desktop and programs.
    pub actions: Arc<dyn ActionSend>,
    /// Numbers for the sound outputs that plugins name.
    pub outputs: Arc<dyn SoundOutputs>,
    /// The way back from the back ends; the same that they report to.
    pub requests: Arc<RequestRouter>,
    /// The gate, for what turns out only underway: redirects, and rights that changed.
    pub gate: Arc<Gate>,
    /// Where what devices say goes.
    pub events: Arc<dyn EventSink>,
    /// Where the sound server is.
    pub places: Places,
    /// Where the screen's brightness is set.
    pub screen: Screen,
    /// The user's home folder, in which programs are started.
    pub home: PathBuf,
}

/// See the module.
pub struct Brokers {
    midi: midi::Midi,
    listeners: listen::Listeners,
    pool: workers::Pool,
    http: Arc<http::Http>,
    names: Arc<resolve::Resolver>,
    programs: Arc<process::Programs>,
    audio: audio::Audio,
    system: system::System,
    datagrams: datagram::Datagrams,
    lives: Arc<lives::Lives>,
    gate: Arc<Gate>,
}

impl Brokers {
    /// Brokers that have not done anything yet; no thread is started before it is needed.
    #[must_use]
    pub fn new(setup: BrokerSetup) -> Brokers {
        let BrokerSetup { midi, devices, actions, outputs, requests, gate, events, places, screen, home } =
            setup;
        let names = Arc::new(resolve::Resolver::default());
        Brokers {
            midi: midi::Midi::new(midi, Arc::clone(&devices)),
            listeners: listen::Listeners::new(devices, events),
            pool: workers::Pool::default(),
            http: Arc::new(http::Http::new(Arc::clone(&names))),
            datagrams: datagram::Datagrams::new(Arc::clone(&names)),
            names,
            programs: Arc::new(process::Programs::new(home)),
            audio: audio::Audio::new(outputs, places, Arc::clone(&actions), Arc::clone(&requests)),
            system: system::System::new(actions, requests, screen),
            lives: Arc::default(),
            gate,
        }
    }

    /// A device said this. Called on driver threads, for everything that devices say; costs next to nothing while no
    /// plugin listens.
    pub fn heard(&self, device: DeviceId, bytes: &[u8], at: Time) {
        self.listeners.heard(device, bytes, at);
    }

    /// The plugin's rights are others now: it no longer listens to what it may not listen to, and what it has planned
    /// for a device that it may not send to is dropped. Everything else is asked for anew each time.
    pub fn rights_changed(&self, plugin: PluginId) {
        self.listeners.retain(plugin, |device| self.gate.ask(plugin, &Ask::MidiListen { device }).is_ok());
        self.midi.retain(plugin, |device| {
            self.gate.ask(plugin, &Ask::MidiSend { device, message: &[0xFE], at_ns: 0 }).is_ok()
        });
    }

    /// Ends what the brokers still do for anybody: notes are released, programs that are waited for are killed, sounds
    /// stop. Threads that wait for a server end when that answers.
    pub fn shutdown(&self) {
        self.lives.end_all();
        self.listeners.clear();
        self.midi.shutdown();
        self.pool.close();
        self.programs.end_all();
        self.audio.end_all();
    }

    /// Does what was permitted. What the plugin sent is used only for what needs no leave: a message, a body, arguments.
    fn perform(&self, plugin: PluginId, what: Permitted, ask: &Ask<'_>, deadline: Time, reply: Reply) {
        match (what, ask) {
            (Permitted::MidiSend, Ask::MidiSend { device, message, at_ns }) => {
                settle(reply, self.midi.send(plugin, device, message, *at_ns));
            }
            (Permitted::MidiCancel, Ask::MidiCancel) => {
                self.midi.cancel(plugin);
                reply.done();
            }
            (Permitted::MidiListen, Ask::MidiListen { device }) => {
                settle(reply, self.listeners.listen(plugin, device));
            }
            (Permitted::Http { url, target }, Ask::Http { method, headers, body, timeout_ms, .. }) => {
                match http::Fetch::read(method, url, target, headers, body) {
                    Ok(fetch) => self.fetch(plugin, fetch, until(deadline, *timeout_ms), reply),
                    Err(trouble) => settle(reply, Err(trouble)),
                }
            }
            (Permitted::Connect(target), Ask::Connect { timeout_ms, .. }) => {
                let (names, until) = (Arc::clone(&self.names), until(deadline, *timeout_ms));
                self.pool.submit(plugin, reply, move |reply| {
                    answer(reply, connect::connect(&names, &target, until));
                });
            }
            (Permitted::Datagram(target), Ask::Datagram { data, .. }) => {
                self.datagrams.send(&self.pool, plugin, target, data, until(deadline, 0), reply);
            }
            (Permitted::Run { program }, Ask::Run { arguments, input, timeout_ms, .. }) => {
                let run = process::Run {
                    program,
                    arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
                    input: input.to_vec(),
                    until: (*timeout_ms > 0).then(|| until(deadline, *timeout_ms)),
                };
                let programs = Arc::clone(&self.programs);
                let life = self.lives.of(plugin);
                self.pool.submit(plugin, reply, move |reply| answer(reply, programs.run(&life, run)));
            }
            (Permitted::Play { file, path }, Ask::Play { gain, .. }) => {
                self.audio.play(&self.pool, self.lives.of(plugin), file, path, *gain, reply);
            }
            (Permitted::Volume, Ask::Volume { output, change, value }) => {
                self.audio.volume(plugin, output, *change, *value, reply);
            }
            (Permitted::Open(url), Ask::System { .. }) => self.system.open(plugin, &url, reply),
            (Permitted::Media, Ask::System { text, .. }) => self.system.media(plugin, text, reply),
            (Permitted::Notify, Ask::System { text, .. }) => self.system.notify(plugin, text, reply),
            (Permitted::Keys, Ask::System { text, .. }) => self.system.keys(plugin, text, reply),
            (Permitted::Type, Ask::System { text, .. }) => self.system.write(plugin, text, reply),
            (Permitted::Brightness, Ask::System { text, .. }) => {
                self.system.brighten(&self.pool, plugin, text, reply);
            }
            // Each permit by name, so that a new one can't be forgotten. Timers are the supervisor's own.
            (
                Permitted::Call
                | Permitted::Timer
                | Permitted::MidiSend
                | Permitted::MidiCancel
                | Permitted::MidiListen
                | Permitted::Http { .. }
                | Permitted::Connect(_)
                | Permitted::Datagram(_)
                | Permitted::Run { .. }
                | Permitted::Play { .. }
                | Permitted::Volume
                | Permitted::Media
                | Permitted::Notify
                | Permitted::Brightness
                | Permitted::Open(_)
                | Permitted::Keys
                | Permitted::Type,
                _,
            ) => reply
                .failed(PADGATE_INVALID, "this is a mistake in Padgate: the permit is for something else"),
        }
    }

    fn fetch(&self, plugin: PluginId, fetch: http::Fetch, until: Instant, reply: Reply) {
        let (http, gate) = (Arc::clone(&self.http), Arc::clone(&self.gate));
        self.pool.submit(plugin, reply, move |reply| {
            let may_follow = |method: &str, url: &str| {
                let ask = Ask::Http { method, url, headers: Vec::new(), body: &[], timeout_ms: 0 };
                match gate.ask(plugin, &ask)?.into_permitted() {
                    Permitted::Http { url, target } => Ok((url, target)),
                    other => Err(format!("this is a mistake in Padgate: {other:?} is no request")),
                }
            };
            answer(reply, http.fetch(plugin, fetch, until, &may_follow));
        });
    }
}

impl Broker for Brokers {
    fn serve(&self, permit: Permit, plugin: PluginId, ask: &Ask<'_>, deadline: Time, reply: Reply) {
        if permit.plugin() != plugin {
            reply.failed(PADGATE_INVALID, "this is a mistake in Padgate: the permit is for another plugin");
            return;
        }
        self.perform(plugin, permit.into_permitted(), ask, deadline, reply);
    }

    fn ended(&self, plugin: PluginId) {
        self.lives.end(plugin);
        self.listeners.forget(plugin);
        self.midi.ended(plugin);
        self.pool.forget(plugin);
        self.datagrams.forget(plugin);
        self.http.forget(plugin);
        self.programs.ended(plugin);
        self.audio.ended(plugin);
    }
}

/// Why something was not done.
#[derive(Debug)]
struct Trouble {
    status: PadgateStatus,
    why: String,
}

impl Trouble {
    fn new(status: PadgateStatus, why: impl Into<String>) -> Trouble {
        Trouble { status, why: why.into() }
    }

    fn invalid(why: impl Into<String>) -> Trouble {
        Trouble::new(PADGATE_INVALID, why)
    }

    fn unavailable(why: impl Into<String>) -> Trouble {
        Trouble::new(PADGATE_UNAVAILABLE, why)
    }
}

/// Answers with what came of it.
fn answer(reply: Reply, result: Result<Answered, Trouble>) {
    match result {
        Ok(answered) => reply.answer(answered),
        Err(Trouble { status, why }) => reply.failed(status, why),
    }
}

/// The same for what has nothing to say when it is done.
fn settle(reply: Reply, result: Result<(), Trouble>) {
    match result {
        Ok(()) => reply.done(),
        Err(Trouble { status, why }) => reply.failed(status, why),
    }
}

/// An answer with a number and bytes.
fn answered(code: i32, mut body: Vec<u8>) -> Answered {
    body.truncate(BODY_BYTES_MAX);
    Answered { status: PADGATE_OK, code, body, socket: None }
}

/// When a job must be over: at the end of its call, with a little time for the answer, or earlier if the plugin says so.
fn until(deadline: Time, timeout_ms: u32) -> Instant {
    let left = deadline.since(clock::now()).min(JOB_TIME_MAX);
    let margin = ANSWER_MARGIN.min(left / 10);
    let mut left = left - margin;
    if timeout_ms > 0 {
        left = left.min(Duration::from_millis(u64::from(timeout_ms)));
    }
    Instant::now() + left
}

/// A length of time for a sentence.
fn in_words(time: Duration) -> String {
    match time.as_millis() {
        0 => "1ms".to_owned(),
        ms @ 1..10_000 => format!("{ms}ms"),
        ms => format!("{}s", ms / 1000),
    }
}

/// The default output's number.
const DEFAULT_OUTPUT: TargetId = TargetId::new(0);

#[cfg(test)]
mod http_tests;
#[cfg(test)]
mod midi_tests;
#[cfg(test)]
mod process_tests;
#[cfg(test)]
mod tests;
