//! A manager with a sink that a test can ask, and programs at the other end of the sequencer.

use std::ffi::CString;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use alsa::seq::{
    Addr, ClientIter, EvNote, Event, EventType, MidiEvent, PortCap, PortIter, PortSubscribeIter, PortType,
    QuerySubsType,
};
use alsa::{Direction, Seq};
use padgate_core::engine::Input;
use padgate_core::ids::DeviceId;
use padgate_core::midi::{Message, Received};
use padgate_core::ruleset::{Device, DevicePorts, PortPattern};
use padgate_core::time::Time;
use padgated::midi::{DeviceState, DeviceStatus, Driver, Midi, MidiConfig, MidiSink, MidiWatcher};

/// How long a test waits for anything before it fails. Generous, because the machine may be an emulated one.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// The device that stands for the virtual port.
const VIRTUAL: u32 = 99;

/// The sequencer is one for all, so tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// This machine's sequencer, for one test at a time; `None`, and a notice, if it has none.
pub(crate) fn machine() -> Option<MutexGuard<'static, ()>> {
    if !Path::new("/dev/snd/seq").exists() {
        eprintln!("skipped: this machine has no ALSA sequencer; run it with tests/alsa-vm/run");
        return None;
    }
    Some(TURN.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(crate) fn id(number: u32) -> DeviceId {
    DeviceId::new(number)
}

/// A device; empty patterns are none.
pub(crate) fn device(number: u32, name: &str, input: &str, output: &str, usb: &str) -> (Device, String) {
    let pattern = |text: &str| (!text.is_empty()).then(|| PortPattern(text.into()));
    let ports = DevicePorts { input: pattern(input), output: pattern(output), usb: pattern(usb) };
    (Device { id: id(number), ports, echo: Duration::ZERO, controls: Vec::new() }, name.into())
}

/// Runs a program to its end.
pub(crate) fn program(name: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(name).args(arguments).output().unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What the sink got.
#[derive(Debug)]
pub(crate) enum Seen {
    Message(DeviceId, Message),
    Sysex(Vec<u8>),
    Lost(DeviceId),
    OutputLost(DeviceId),
}

struct Sink {
    seen: Mutex<mpsc::Sender<(Seen, Instant)>>,
    states: Mutex<mpsc::Sender<(String, DeviceState, Instant)>>,
}

impl Sink {
    fn push(&self, seen: Seen) {
        // Fails only when the test is over.
        let _ = self.seen.lock().unwrap().send((seen, Instant::now()));
    }
}

impl MidiSink for Sink {
    fn midi(&self, device: DeviceId, received: Received<'_>, _: Time) {
        self.push(match received {
            Received::Message(message) => Seen::Message(device, message),
            Received::Sysex(bytes) => Seen::Sysex(bytes.to_vec()),
        });
    }
    fn input(&self, input: Input<'_>, _: Time) {
        self.push(match input {
            Input::DeviceLost(device) => Seen::Lost(device),
            Input::OutputLost(device) => Seen::OutputLost(device),
            other => panic!("{other:?} is not the manager's business"),
        });
    }
}

impl MidiWatcher for Sink {
    fn device_changed(&self, status: &DeviceStatus) {
        let _ = self.states.lock().unwrap().send((status.name.clone(), status.state, Instant::now()));
    }
}

pub(crate) struct Rig {
    pub(crate) midi: Midi,
    seen: mpsc::Receiver<(Seen, Instant)>,
    states: mpsc::Receiver<(String, DeviceState, Instant)>,
}

fn config(devices: &[(Device, String)]) -> MidiConfig {
    MidiConfig { devices: devices.to_vec(), virtual_ports: true, virtual_device: Some(id(VIRTUAL)) }
}

impl Rig {
    pub(crate) fn start(devices: &[(Device, String)]) -> Rig {
        Rig::start_with(devices, Driver::Native)
    }

    pub(crate) fn start_with(devices: &[(Device, String)], driver: Driver) -> Rig {
        let ((seen_sender, seen), (state_sender, states)) = (channel(), channel());
        let sink = Arc::new(Sink { seen: Mutex::new(seen_sender), states: Mutex::new(state_sender) });
        let midi = Midi::start(config(devices), sink.clone(), driver).unwrap();
        midi.watch(sink);
        Rig { midi, seen, states }
    }

    pub(crate) fn reconfigure(&self, devices: &[(Device, String)]) {
        self.midi.reconfigure(config(devices));
    }

    pub(crate) fn next(&self) -> Seen {
        self.next_at().0
    }

    pub(crate) fn next_at(&self) -> (Seen, Instant) {
        self.seen.recv_timeout(DEADLINE).expect("something should have arrived by now")
    }

    pub(crate) fn next_message(&self) -> String {
        match self.next() {
            Seen::Message(_, message) => message.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// Whether nothing has arrived that was not asked for. All that was sent before has a message after it that was.
    pub(crate) fn nothing_heard(&self) -> bool {
        self.seen.try_recv().is_err()
    }

    pub(crate) fn status(&self, name: &str) -> DeviceStatus {
        self.midi.status().into_iter().find(|status| status.name == name).expect("it is configured")
    }

    pub(crate) fn state(&self, name: &str) -> DeviceState {
        self.status(name).state
    }

    /// Waits until the watcher is told of the state, and returns when that was.
    pub(crate) fn wait_for(&self, name: &str, state: DeviceState) -> Instant {
        let until = Instant::now() + DEADLINE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let (changed, now, at) = self
                .states
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("{name} should be {state:?} by now: {:#?}", self.midi.status()));
            if changed == name && now == state {
                return at;
            }
        }
    }

    /// Waits for something outside that nobody announces.
    pub(crate) fn wait_until(&self, mut condition: impl FnMut() -> bool) {
        let until = Instant::now() + DEADLINE;
        while !condition() {
            assert!(Instant::now() < until, "it should be so by now");
            std::thread::yield_now();
        }
    }
}

/// Another program that sends.
pub(crate) struct Sender {
    seq: Seq,
    port: i32,
}

impl Sender {
    pub(crate) fn new(name: &str) -> Sender {
        let (seq, port) = client(name, PortCap::READ | PortCap::SUBS_READ);
        Sender { seq, port }
    }

    /// So many notes, as note and velocity, of which no two within thousands are alike.
    pub(crate) fn messages(count: u32) -> Vec<(u8, u8)> {
        (0..count).map(|number| ((number % 128) as u8, 1 + (number / 128 % 127) as u8)).collect()
    }

    fn event(&self, (note, velocity): (u8, u8)) -> Event<'static> {
        let data = EvNote { channel: 0, note, velocity, off_velocity: 0, duration: 0 };
        let mut event = Event::new(EventType::Noteon, &data);
        event.set_source(self.port);
        event.set_subs();
        event.set_direct();
        event
    }

    /// Sends notes as fast as it can, each with a system call of its own, until the receiver's queue is full.
    pub(crate) fn burst(&self, notes: &[(u8, u8)]) {
        for note in notes {
            if self.seq.event_output_direct(&mut self.event(*note)).is_err() {
                return;
            }
        }
    }

    /// Sends notes with hundreds in one system call.
    pub(crate) fn batch(&self, notes: &[(u8, u8)]) {
        for note in notes {
            self.seq.event_output(&mut self.event(*note)).expect("there is room for all");
        }
        self.seq.drain_output().expect("there is room for all");
    }
}

/// Another program that receives, with a large queue, because an emulated machine can stand still for a while.
pub(crate) struct Receiver {
    seq: Seq,
}

impl Receiver {
    pub(crate) fn new(name: &str) -> Receiver {
        let seq = client(name, PortCap::WRITE | PortCap::SUBS_WRITE).0;
        seq.set_client_pool_input(2000).unwrap();
        Receiver { seq }
    }

    /// Reads so many bytes of MIDI.
    pub(crate) fn read(&self, count: usize) -> Vec<u8> {
        use alsa::poll::Descriptors;
        let decoder = MidiEvent::new(0).unwrap();
        decoder.enable_running_status(false);
        let mut input = self.seq.input();
        let mut fds = (&self.seq, Some(Direction::Capture)).get().unwrap();
        let mut bytes = Vec::new();
        while bytes.len() < count {
            if input.event_input_pending(true).expect("the sender does not overrun us") == 0 {
                let ready = alsa::poll::poll(&mut fds, DEADLINE.as_millis() as i32).unwrap();
                assert!(ready > 0, "{} of {count} bytes came", bytes.len());
                continue;
            }
            let mut event = input.event_input().unwrap();
            if let Some(piece) = event.get_ext() {
                bytes.extend_from_slice(piece);
            } else {
                let mut buffer = [0; 12];
                let length = decoder.decode(&mut buffer, &mut event).unwrap_or(0);
                bytes.extend_from_slice(&buffer[..length]);
            }
        }
        bytes
    }
}

fn client(name: &str, capabilities: PortCap) -> (Seq, i32) {
    let seq = Seq::open(None, None, false).unwrap();
    let name = CString::new(name).unwrap();
    seq.set_client_name(&name).unwrap();
    let port =
        seq.create_simple_port(&name, capabilities, PortType::MIDI_GENERIC | PortType::APPLICATION).unwrap();
    (seq, port)
}

/// Who listens to the port of this name.
pub(crate) fn listeners(name: &str) -> Vec<Addr> {
    let seq = Seq::open(None, None, true).unwrap();
    let ports: Vec<Addr> = ClientIter::new(&seq)
        .flat_map(|client| PortIter::new(&seq, client.get_client()))
        .filter(|port| port.get_name().is_ok_and(|port| port == name))
        .map(|port| port.addr())
        .collect();
    let subscriptions =
        ports.into_iter().flat_map(|port| PortSubscribeIter::new(&seq, port, QuerySubsType::READ));
    subscriptions.map(|subscription| subscription.get_dest()).collect()
}

/// Whether a program reads the raw MIDI device, by its file in `/proc`.
pub(crate) fn raw_midi_is_read(path: &str) -> bool {
    std::fs::read_to_string(path)
        .is_ok_and(|text| text.split("Input").nth(1).is_some_and(|input| input.contains("Owner PID")))
}
