//! The other end of the ALSA sequencer: ports that a test plays and listens on, announcements, and USB controllers
//! that are plugged and unplugged.

use std::ffi::CString;
use std::fs::File;
use std::io::{PipeWriter, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::Command;
use std::sync::Once;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use alsa::Direction;
use alsa::poll::{Descriptors as _, poll, pollfd};
use alsa::seq::{Addr, Event, EventType, MidiEvent, PortCap, PortSubscribe, PortType, Seq};
use anyhow::{Context as _, Result, bail};
use rustix::io::Errno;

use crate::process::run;
use crate::{DEADLINE, notice};

/// The variable that makes it a failure if there is no sequencer.
pub const REQUIRED: &str = "PADGATE_ALSA_REQUIRED";

/// Whether there is a sequencer. If not, prints that this is not tested, or fails if [`REQUIRED`] is set.
///
/// # Errors
///
/// If a sequencer is required and there is none.
pub fn available() -> Result<bool> {
    if Path::new("/dev/snd/seq").exists() {
        return Ok(true);
    }
    if std::env::var_os(REQUIRED).is_some() {
        bail!("{REQUIRED} is set, and there is no /dev/snd/seq");
    }
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        notice("not tested: this machine has no /dev/snd/seq; `make test-alsa` tests it in a virtual one");
    });
    Ok(false)
}

/// A port that plays: what is sent goes to whoever subscribed to it.
#[derive(Debug)]
pub struct Keyboard {
    sequencer: Seq,
    port: i32,
}

impl Keyboard {
    /// A client and its port, both of this name.
    ///
    /// # Errors
    ///
    /// If the sequencer refuses.
    pub fn new(name: &str) -> Result<Keyboard> {
        let (sequencer, port) = client(name, Direction::Playback, PortCap::READ | PortCap::SUBS_READ)?;
        Ok(Keyboard { sequencer, port })
    }

    /// Sends messages, one after the other, straight away.
    ///
    /// # Errors
    ///
    /// If the sequencer refuses.
    pub fn send(&self, bytes: &[u8]) -> Result<()> {
        let mut coder = MidiEvent::new(u32::try_from(bytes.len().max(16))?)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (used, event) = coder.encode(rest)?;
            if let Some(mut event) = event {
                event.set_source(self.port);
                event.set_subs();
                event.set_direct();
                self.sequencer.event_output_direct(&mut event)?;
            }
            rest = &rest[used..];
        }
        Ok(())
    }
}

/// A message and when it was received.
pub type Heard = (Instant, Vec<u8>);

/// A port that listens: to whatever is sent to it, or to a port that it subscribed to.
#[derive(Debug)]
pub struct Synth {
    messages: Receiver<Heard>,
    // Takes the port away when it is dropped.
    _listener: Listener,
    /// Its address.
    pub address: (i32, i32),
}

impl Synth {
    /// A client and its port, both of this name.
    ///
    /// # Errors
    ///
    /// If the sequencer refuses.
    pub fn new(name: &str) -> Result<Synth> {
        Synth::listen(name, None)
    }

    /// The same, which hears everything that the port `from` sends.
    ///
    /// # Errors
    ///
    /// If there is no such port.
    pub fn listen(name: &str, from: Option<(i32, i32)>) -> Result<Synth> {
        let (sequencer, port) = client(name, Direction::Capture, PortCap::WRITE | PortCap::SUBS_WRITE)?;
        // As much as the kernel allows: a test must not lose what the daemon does not.
        sequencer.set_client_pool_input(2000)?;
        let address = (sequencer.client_id()?, port);
        if let Some((client, port)) = from {
            subscribe(&sequencer, Addr { client, port }, address)?;
        }
        let (sender, messages) = channel();
        let _listener = Listener::start(sequencer, move |event| {
            let at = Instant::now();
            if let Some(bytes) = decode(event) {
                // Nobody wants it any more when the test is over.
                let _ = sender.send((at, bytes));
            }
        })?;
        Ok(Synth { messages, _listener, address })
    }

    /// Waits for the next message.
    ///
    /// # Errors
    ///
    /// If none comes in time.
    pub fn next(&self) -> Result<Heard> {
        self.messages.recv_timeout(DEADLINE).context("no MIDI message came")
    }

    /// Waits for the next `count` messages.
    ///
    /// # Errors
    ///
    /// If fewer come in time, with the last of those.
    pub fn take(&self, count: usize) -> Result<Vec<Vec<u8>>> {
        let mut all: Vec<Vec<u8>> = Vec::with_capacity(count);
        while all.len() < count {
            match self.messages.recv_timeout(DEADLINE) {
                Ok((_, message)) => all.push(message),
                Err(_) => bail!("of {count} messages {} came, the last {:02X?}", all.len(), all.last()),
            }
        }
        Ok(all)
    }

    /// The next message, if one comes within `time`.
    #[must_use]
    pub fn within(&self, time: Duration) -> Option<Heard> {
        self.messages.recv_timeout(time).ok()
    }

    /// What has come and was not asked for yet.
    #[must_use]
    pub fn pending(&self) -> Vec<Vec<u8>> {
        self.messages.try_iter().map(|(_, message)| message).collect()
    }
}

/// Hears of ports that appear.
#[derive(Debug)]
pub struct Announcements {
    ports: Receiver<(Instant, i32)>,
    // Takes the port away when it is dropped.
    _listener: Listener,
}

impl Announcements {
    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// If the sequencer refuses.
    pub fn new() -> Result<Announcements> {
        let (sequencer, port) = client("Test announcements", Direction::Capture, PortCap::WRITE)?;
        subscribe(&sequencer, Addr::system_announce(), (sequencer.client_id()?, port))?;
        let (sender, ports) = channel();
        let _listener = Listener::start(sequencer, move |event| {
            let address: Option<Addr> = event.get_data();
            if let (EventType::PortStart, Some(address)) = (event.get_type(), address) {
                // Nobody wants it any more when the test is over.
                let _ = sender.send((Instant::now(), address.client));
            }
        })?;
        Ok(Announcements { ports, _listener })
    }

    /// Waits for a port of a client of this name; gives when it was announced, and the client's number.
    ///
    /// # Errors
    ///
    /// If none appears in time.
    pub fn port_of(&self, name: &str) -> Result<(Instant, i32)> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.ports.recv_timeout(left) {
                Ok((at, client)) if client_name(client)? == name => return Ok((at, client)),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    bail!("no port of {name} appeared")
                }
            }
        }
    }
}

/// A USB controller that the kernel takes for a real one. Unplugged when it is dropped.
#[derive(Debug)]
pub struct UsbController {
    id: String,
    plugged: bool,
}

impl UsbController {
    /// Plugs one in. `id` tells it from other ones that are plugged in by this test.
    ///
    /// # Errors
    ///
    /// If this machine has no USB controllers to plug in.
    pub fn plug(id: &str, product: &str, serial: &str) -> Result<UsbController> {
        run(usb_midi().args(["plug", id, product, serial]))?.success()?;
        Ok(UsbController { id: id.to_owned(), plugged: true })
    }

    /// What plays the controller `id`, as soon as the kernel knows it, though [`UsbController::plug`] may still be busy.
    ///
    /// # Errors
    ///
    /// If there is no such controller.
    pub fn keys_of(id: &str) -> Result<File> {
        // A link to a folder "card2".
        let card = std::fs::read_link(Path::new("/proc/asound").join(id))
            .with_context(|| format!("no card {id}"))?;
        let number = card.to_string_lossy().trim_start_matches("card").to_owned();
        Ok(File::options().write(true).open(format!("/dev/snd/midiC{number}D0"))?)
    }

    /// Plays it: bytes as they would come from its keys.
    ///
    /// # Errors
    ///
    /// If it can't be written to.
    pub fn send(&self, bytes: &[u8]) -> Result<()> {
        UsbController::keys_of(&self.id)?.write_all(bytes)?;
        Ok(())
    }

    /// Pulls it out.
    ///
    /// # Errors
    ///
    /// If it can't be.
    pub fn unplug(mut self) -> Result<()> {
        self.plugged = false;
        run(usb_midi().args(["unplug", &self.id]))?.success()?;
        Ok(())
    }
}

impl Drop for UsbController {
    fn drop(&mut self) {
        if self.plugged {
            // The next test gets a free one; that this one could not be pulled out is that test's failure.
            let _ = run(usb_midi().args(["unplug", &self.id]));
        }
    }
}

fn usb_midi() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("alsa-vm/usb-midi"))
}

/// The address of the port of the client of this name.
///
/// # Errors
///
/// If there is no such client.
pub fn find(client_name: &str) -> Result<(i32, i32)> {
    let sequencer = Seq::open(None, None, false)?;
    for client in alsa::seq::ClientIter::new(&sequencer) {
        if client.get_name()? == client_name {
            let port =
                alsa::seq::PortIter::new(&sequencer, client.get_client()).next().context("it has no port")?;
            return Ok((client.get_client(), port.get_port()));
        }
    }
    bail!("there is no sequencer client {client_name:?}")
}

fn client_name(client: i32) -> Result<String> {
    let sequencer = Seq::open(None, None, false)?;
    // A client that is gone again has no name.
    Ok(sequencer
        .get_any_client_info(client)
        .and_then(|info| Ok(info.get_name()?.to_owned()))
        .unwrap_or_default())
}

fn client(name: &str, direction: Direction, capabilities: PortCap) -> Result<(Seq, i32)> {
    // Listening, it is polled and must not wait; playing, it waits for room.
    let sequencer = Seq::open(None, Some(direction), direction == Direction::Capture)?;
    let name = CString::new(name)?;
    sequencer.set_client_name(&name)?;
    let port =
        sequencer.create_simple_port(&name, capabilities, PortType::MIDI_GENERIC | PortType::APPLICATION)?;
    Ok((sequencer, port))
}

fn subscribe(sequencer: &Seq, from: Addr, to: (i32, i32)) -> Result<()> {
    let subscription = PortSubscribe::empty()?;
    subscription.set_sender(from);
    subscription.set_dest(Addr { client: to.0, port: to.1 });
    sequencer.subscribe_port(&subscription)?;
    Ok(())
}

/// A thread that waits for a client's events. It ends, and the client with it, when this is dropped, so that the next test
/// finds no port of this one.
#[derive(Debug)]
struct Listener {
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    fn start(sequencer: Seq, mut heard: impl FnMut(&mut Event<'_>) + Send + 'static) -> Result<Listener> {
        // Closed by the drop, which the thread sees among what it polls.
        let (stopped, stop) = std::io::pipe()?;
        let thread = thread::spawn(move || {
            let mut waits = vec![pollfd { fd: stopped.as_raw_fd(), events: 0, revents: 0 }];
            let Ok(sequencer_waits) = (&sequencer, Some(Direction::Capture)).get() else { return };
            waits.extend(sequencer_waits);
            while poll(&mut waits, -1).is_ok() && waits[0].revents == 0 {
                let mut input = sequencer.input();
                loop {
                    match input.event_input() {
                        Ok(mut event) => heard(&mut event),
                        // The kernel lost events for want of room; those that follow are still there, and the test sees
                        // that some lack.
                        Err(error) if error.errno() == Errno::NOSPC.raw_os_error() => {}
                        // There are no more for now.
                        Err(_) => break,
                    }
                }
            }
        });
        Ok(Listener { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed.
            let _ = thread.join();
        }
    }
}

/// The event's bytes, without running status; `None` if it is no MIDI.
fn decode(event: &mut Event<'_>) -> Option<Vec<u8>> {
    if matches!(event.get_type(), EventType::PortSubscribed | EventType::PortUnsubscribed) {
        return None;
    }
    let size = event.get_ext().map_or(16, <[u8]>::len);
    let coder = MidiEvent::new(u32::try_from(size).ok()?).ok()?;
    coder.enable_running_status(false);
    let mut bytes = vec![0; size];
    let length = coder.decode(&mut bytes, event).ok()?;
    bytes.truncate(length);
    Some(bytes)
}
