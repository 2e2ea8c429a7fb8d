//! MIDI ports: finds the configured devices whenever they are plugged in, reads them, and writes to them.
//!
//! [`Midi`] owns a thread that sleeps until the system announces a port (or another program lets go of a busy one),
//! then opens and closes connections so that every configured device that is there is connected. Each input has a
//! thread of its own, which hands what it reads straight to the [`MidiSink`]. Outputs are written on the caller's thread.
//!
//! - `port`, `plan`: what there is, and who gets what (a pure function).
//! - `manager`, with `link`, `publish` and `shared`: makes it so, and says what is.
//! - `stream`, `output`: one connection's bytes in and out, the same for every back end.
//! - `alsa` (Linux) and `portable` (midir: elsewhere, and on Linux for comparison): the back ends, behind `backend`.

#[cfg(target_os = "linux")]
mod alsa;
mod backend;
mod link;
mod manager;
mod output;
mod plan;
mod port;
mod portable;
mod publish;
mod shared;
mod status;
mod stream;

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::lock::lock;
use padgate_core::engine::Input;
use padgate_core::ids::DeviceId;
use padgate_core::midi::Received;
use padgate_core::ruleset::{Device, Ruleset};
use padgate_core::time::Time;

pub use port::{Port, PortDirection, PortKey, UsbIdentity};
pub use status::{CounterValues, DeviceState, DeviceStatus, LinkStatus, Overview, PortInfo};

use crate::hands::MidiSend;
use manager::{Command, Manager};
use shared::{Known, Shared};

/// The name of the virtual port that other programs send to. Also the name of its device, in small letters.
pub const VIRTUAL_INPUT: &str = "Padgate In";
/// The name of the virtual port that other programs listen to.
pub const VIRTUAL_OUTPUT: &str = "Padgate Out";
/// How many commands wait for the manager. When it is full, a reload of the configuration waits, or the thread of an input
/// that has ended; the manager waits for neither.
const COMMANDS_MAX: usize = 64;
/// How long [`Midi::start`] waits for the first look at the ports. It takes milliseconds; a driver that hangs must
/// not keep the daemon from starting.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// Takes what devices send. Called on the inputs' threads; must not wait.
pub trait MidiSink: Send + Sync {
    /// A device sent this, and it arrived at `at`.
    fn midi(&self, device: DeviceId, received: Received<'_>, at: Time);
    /// [`Input::DeviceLost`] or [`Input::OutputLost`].
    fn input(&self, input: Input<'_>, at: Time);
}

/// Is told what changes, for events on IPC. Called on the manager's thread; must not wait for it.
pub trait MidiWatcher: Send + Sync {
    /// A device was connected or lost, or the reason why it is not connected changed.
    fn device_changed(&self, status: &DeviceStatus);
    /// A port appeared or went away, or there is MIDI now where there was none, or the other way round. What there is
    /// now is in [`Midi::ports`] and [`Midi::overview`].
    fn ports_changed(&self) {}
}

/// What is to be connected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MidiConfig {
    /// The devices, each with the name that the user gave it.
    pub devices: Vec<(Device, String)>,
    /// Whether there are virtual ports.
    pub virtual_ports: bool,
    /// The device that stands for [`VIRTUAL_INPUT`]; without it there is only the virtual output.
    pub virtual_device: Option<DeviceId>,
}

impl MidiConfig {
    /// What a configuration wants. `virtual_device` is the id that stands for [`VIRTUAL_INPUT`].
    #[must_use]
    pub fn of(ruleset: &Ruleset, virtual_device: Option<DeviceId>) -> MidiConfig {
        let name = |device: &Device| ruleset.names.devices.name(device.id).to_owned();
        MidiConfig {
            devices: ruleset.devices.iter().map(|device| (device.clone(), name(device))).collect(),
            virtual_ports: ruleset.settings.virtual_ports,
            virtual_device,
        }
    }
}

/// Which driver is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Driver {
    /// The ALSA sequencer on Linux, midir elsewhere.
    #[default]
    Native,
    /// midir everywhere. On Linux this is for comparison only; `docs/decisions` says what it lacks there.
    Midir,
}

impl Driver {
    /// What the environment variable `PADGATE_MIDI_DRIVER` asks for: `midir`, or anything else for the native one.
    #[must_use]
    pub fn from_environment() -> Driver {
        match std::env::var("PADGATE_MIDI_DRIVER") {
            Ok(name) if name == "midir" => Driver::Midir,
            _ => Driver::Native,
        }
    }
}

/// All MIDI connections. Closed when dropped.
pub struct Midi {
    shared: Arc<Shared>,
    commands: Mutex<SyncSender<Command>>,
    wake: Arc<dyn Fn() + Send + Sync>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Midi {
    /// Starts, and returns when what is there has been connected (or after two seconds, should a driver hang).
    ///
    /// A machine without MIDI is no error: [`Midi::overview`] says why, and it is noticed when that changes.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread or a pair of sockets.
    pub fn start(config: MidiConfig, sink: Arc<dyn MidiSink>, driver: Driver) -> std::io::Result<Midi> {
        let shared = Arc::new(Shared::new(sink));
        let (commands, receiver) = sync_channel(COMMANDS_MAX);
        let (looked, first_look) = sync_channel::<()>(1);
        let (wake, run) = prepare(driver, Arc::clone(&shared), commands.clone(), receiver)?;
        let mut threads = Vec::new();
        let writer = Arc::clone(&shared.writer);
        threads
            .push(std::thread::Builder::new().name("padgate midi out".into()).spawn(move || writer.run())?);
        threads.push(
            std::thread::Builder::new()
                .name("padgate midi".into())
                .spawn(move || run(config, Box::new(move || looked.send(()).unwrap_or_default())))?,
        );
        if first_look.recv_timeout(FIRST_LOOK).is_err() {
            tracing::warn!("looking for MIDI ports takes long; going on meanwhile");
        }
        Ok(Midi { shared, commands: Mutex::new(commands), wake, threads: Mutex::new(threads) })
    }

    /// Changes what is to be connected, and returns at once. Connections that stay the same are not interrupted; those
    /// that go are told to the sink as lost. It also looks for ports again.
    pub fn reconfigure(&self, config: MidiConfig) {
        self.command(Command::Configure(config));
    }

    /// Whether the sink wants clock and time code messages. They are counted and dropped otherwise, as active sensing
    /// always is.
    pub fn wants_realtime(&self, wanted: bool) {
        self.shared.wants_realtime.store(wanted, Ordering::Relaxed);
    }

    /// The devices, in the order of the configuration, and after them the virtual port.
    #[must_use]
    pub fn status(&self) -> Vec<DeviceStatus> {
        let table = lock(&self.shared.table);
        let with_counters =
            |entry: &Known| DeviceStatus { counters: entry.counters.values(), ..entry.status.clone() };
        table.devices.iter().map(with_counters).collect()
    }

    /// All ports of the system, and who has them. Padgate's own are among them.
    #[must_use]
    pub fn ports(&self) -> Vec<PortInfo> {
        lock(&self.shared.table).ports.clone()
    }

    /// Whether there is MIDI at all.
    #[must_use]
    pub fn overview(&self) -> Overview {
        lock(&self.shared.table).overview.clone()
    }

    /// Adds somebody who is told about changes from now on.
    pub fn watch(&self, watcher: Arc<dyn MidiWatcher>) {
        lock(&self.shared.watchers).push(watcher);
    }

    /// Closes everything: the sink is told of each device that was connected, and what still waits to be sent is sent if
    /// that takes less than half a second. Further calls do nothing.
    pub fn shutdown(&self) {
        self.shared.writer.stop();
        let mut threads = std::mem::take(&mut *lock(&self.threads)).into_iter();
        // The writer first: what it writes needs the connections that the manager closes.
        if let Some(writer) = threads.next() {
            drop(writer.join());
        }
        self.command(Command::Stop);
        for thread in threads {
            drop(thread.join());
        }
    }

    fn command(&self, command: Command) {
        // Fails only after the manager has stopped, and then there is nothing to configure.
        if lock(&self.commands).send(command).is_ok() {
            (self.wake)();
        }
    }
}

impl Drop for Midi {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl MidiSend for Midi {
    fn send(&self, to: Option<DeviceId>, bytes: &[u8]) -> Result<(), Cow<'static, str>> {
        match self.shared.slot(to) {
            Some(slot) => slot.send(bytes),
            None => Err("the device is not in the configuration, so nothing can be sent to it".into()),
        }
    }
}

type Wake = Arc<dyn Fn() + Send + Sync>;
type Run = Box<dyn FnOnce(MidiConfig, Box<dyn FnOnce() + Send>) + Send>;

/// The manager's thread for the driver, and what wakes it. The back end itself is made on that thread.
fn prepare(
    driver: Driver,
    shared: Arc<Shared>,
    commands: SyncSender<Command>,
    receiver: std::sync::mpsc::Receiver<Command>,
) -> std::io::Result<(Wake, Run)> {
    #[cfg(target_os = "linux")]
    if driver == Driver::Native {
        let (waker, sleeper) = alsa::wake_pair()?;
        let wake: Wake = Arc::new(move || waker.wake());
        let lost = Lost { commands, wake: Arc::clone(&wake) };
        let run: Run = Box::new(move |config, looked| {
            Manager::new(alsa::Alsa::new(sleeper, lost), shared, receiver).run(config, looked);
        });
        return Ok((wake, run));
    }
    let _ = (driver, commands);
    let bell = Arc::new(portable::Bell::default());
    let wake: Wake = {
        let bell = Arc::clone(&bell);
        Arc::new(move || bell.ring())
    };
    let run: Run = Box::new(move |config, looked| {
        Manager::new(portable::Portable::new(bell), shared, receiver).run(config, looked);
    });
    Ok((wake, run))
}

/// With this an input's thread says that its connection ended by itself.
#[derive(Clone)]
struct Lost {
    commands: SyncSender<Command>,
    wake: Wake,
}

impl Lost {
    /// The input with this number (`None`: the virtual one) has ended.
    fn tell(&self, connection: Option<u64>) {
        // Fails only after the manager has stopped.
        if self.commands.send(Command::InputEnded(connection)).is_ok() {
            (self.wake)();
        }
    }
}

/// A flag that several threads share.
type Flag = Arc<AtomicBool>;
