//! The other end of the ALSA sequencer: ports that a test plays and listens on, announcements, and USB controllers
//! that are plugged and unplugged.

use std::ffi::CString;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use alsa::Direction;
use alsa::seq::{Addr, Event, EventType, MidiEvent, PortCap, PortSubscribe, PortType, Seq};
use anyhow::{Context as _, Result, bail};

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
    notice("not tested: this machine has no /dev/snd/seq; `make test-alsa` tests it in a virtual one");
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
        thread::spawn(move || listen(&sequencer, &sender));
        Ok(Synth { messages, address })
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
        thread::spawn(move || {
            while let Ok(event) = sequencer.input().event_input() {
                let address: Option<Addr> = event.get_data();
                if let (EventType::PortStart, Some(address)) = (event.get_type(), address)
                    && sender.send((Instant::now(), address.client)).is_err()
                {
                    break;
                }
            }
        });
        Ok(Announcements { ports })
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
    midi: PathBuf,
}

impl UsbController {
    /// Plugs one in. `id` tells it from other ones that are plugged in by this test.
    ///
    /// # Errors
    ///
    /// If this machine has no USB controllers to plug in.
    pub fn plug(id: &str, product: &str, serial: &str) -> Result<UsbController> {
        let printed = run(usb_midi().args(["plug", id, product, serial]))?.success()?;
        // "hw:2,0" is /dev/snd/midiC2D0.
        let numbers = printed.trim().strip_prefix("hw:").and_then(|numbers| numbers.split_once(','));
        let (card, device) = numbers.with_context(|| format!("usb-midi printed {printed:?}"))?;
        let midi = PathBuf::from(format!("/dev/snd/midiC{card}D{device}"));
        Ok(UsbController { id: id.to_owned(), plugged: true, midi })
    }

    /// Plays it: bytes as they would come from its keys.
    ///
    /// # Errors
    ///
    /// If it can't be written to.
    pub fn send(&self, bytes: &[u8]) -> Result<()> {
        File::options().write(true).open(&self.midi)?.write_all(bytes)?;
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
    let sequencer = Seq::open(None, Some(direction), false)?;
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

fn listen(sequencer: &Seq, sender: &Sender<Heard>) {
    let Ok(coder) = MidiEvent::new(65_536) else { return };
    coder.enable_running_status(false);
    let mut buffer = vec![0; 65_536];
    let mut input = sequencer.input();
    loop {
        match input.event_input() {
            Ok(mut event) => {
                let at = Instant::now();
                if let Some(bytes) = decode(&coder, &mut event, &mut buffer)
                    && sender.send((at, bytes)).is_err()
                {
                    return;
                }
            }
            // The kernel lost events for want of room; those that follow are still there. The test sees that some lack.
            Err(error) if error.errno() == rustix::io::Errno::NOSPC.raw_os_error() => {}
            Err(_) => return,
        }
    }
}

fn decode(coder: &MidiEvent, event: &mut Event<'_>, buffer: &mut [u8]) -> Option<Vec<u8>> {
    if matches!(event.get_type(), EventType::PortSubscribed | EventType::PortUnsubscribed) {
        return None;
    }
    let length = coder.decode(buffer, event).ok()?;
    coder.reset_decode();
    Some(buffer[..length].to_vec())
}
