//! The ALSA sequencer: ports, announcements of ports that come and go, and connections.
//!
//! Each input is an ALSA client with a thread and a kernel queue of its own, so that a device that floods takes
//! neither room nor time from another. A port made for a device can't be connected to by others, and is never listed
//! as a port to open: Padgate can't listen to itself. `docs/decisions` says why midir is not used here.

mod event;
mod input;
mod system;
mod wire;

use std::collections::BTreeSet;
use std::ffi::CString;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alsa::poll::{Descriptors, pollfd};
use alsa::seq::{Addr, ClientIter, EventType, PortCap, PortInfo, PortIter, PortSubscribe, PortType};
use alsa::{Direction, Seq};

use self::input::InputGuard;
use self::wire::AlsaWire;
use super::backend::{Backend, Gone, OpenError};
use super::output::Wire;
use super::port::{Port, PortDirection, PortKey};
use super::stream::Stream;
use super::{Lost, VIRTUAL_INPUT, VIRTUAL_OUTPUT};
use crate::lock::lock;

/// Events that a client's input queue in the kernel holds: the most that the kernel allows
/// (`SNDRV_SEQ_MAX_CLIENT_EVENTS`); it gives 200 by itself. When it is full the kernel drops what comes, and the next
/// read says so; see [`input`] for what happens then.
const POOL_EVENTS: u32 = 2000;
/// The client that announces ports, and has none that anybody wants.
const SYSTEM_CLIENT: i32 = 0;

/// The end of a socket pair that wakes the manager's thread.
pub(super) struct Waker(UnixStream);

impl Waker {
    /// Wakes it. One byte in the socket is enough, so a full socket is as good as a written one.
    pub(super) fn wake(&self) {
        drop((&self.0).write(&[1]));
    }
}

/// A waker, and what it wakes.
pub(super) fn wake_pair() -> std::io::Result<(Waker, UnixStream)> {
    let (waker, sleeper) = UnixStream::pair()?;
    waker.set_nonblocking(true)?;
    sleeper.set_nonblocking(true)?;
    Ok((Waker(waker), sleeper))
}

/// Numbers of the clients that are Padgate's own.
type OwnClients = Arc<Mutex<BTreeSet<i32>>>;

/// Keeps a client's number listed as Padgate's own.
struct Own {
    client: i32,
    clients: OwnClients,
}

impl Drop for Own {
    fn drop(&mut self) {
        lock(&self.clients).remove(&self.client);
    }
}

/// The back end.
pub(super) struct Alsa {
    /// The client that listens to announcements, once there is a sequencer.
    control: Option<(Seq, Own)>,
    /// Tells when a sequencer may have appeared, while there is none.
    device_files: Option<system::DeviceFiles>,
    clients: OwnClients,
    sleeper: UnixStream,
    lost: Lost,
}

impl Alsa {
    pub(super) fn new(sleeper: UnixStream, lost: Lost) -> Alsa {
        Alsa { control: None, device_files: None, clients: OwnClients::default(), sleeper, lost }
    }

    /// A new client of the sequencer.
    fn client(&self, name: &str) -> Result<(Seq, Own), alsa::Error> {
        let seq = Seq::open(None, None, true)?;
        let client = seq.client_id()?;
        lock(&self.clients).insert(client);
        let own = Own { client, clients: Arc::clone(&self.clients) };
        seq.set_client_name(&c_name(name))?;
        Ok((seq, own))
    }

    fn open_control(&mut self) -> Result<(), String> {
        if self.control.is_some() {
            return Ok(());
        }
        // Before the attempt, so that a sequencer that appears just now is not missed.
        self.device_files = system::DeviceFiles::watch();
        system::probe()?;
        let open = || -> Result<(Seq, Own), alsa::Error> {
            let (seq, own) = self.client("Padgate")?;
            enlarge(&seq)?;
            let port = seq.create_simple_port(
                c"announcements",
                PortCap::WRITE | PortCap::NO_EXPORT,
                PortType::APPLICATION,
            )?;
            connect(&seq, Addr::system_announce(), Addr { client: own.client, port })?;
            Ok((seq, own))
        };
        self.control =
            Some(open().map_err(|error| format!("the ALSA sequencer can't be used: {}", reason(&error)))?);
        self.device_files = None;
        Ok(())
    }

    /// A client with one input port, which is connected to `from`, or open to all.
    fn listen(
        &self,
        from: Option<Addr>,
        client_name: &str,
        name: &str,
        connection: Option<u64>,
        stream: Stream,
    ) -> Result<InputGuard, OpenError> {
        let open = || -> Result<_, alsa::Error> {
            let (seq, own) = self.client(client_name)?;
            enlarge(&seq)?;
            let capabilities =
                if from.is_some() { PortCap::WRITE } else { PortCap::WRITE | PortCap::SUBS_WRITE };
            let port = seq.create_simple_port(
                &c_name(name),
                capabilities,
                PortType::MIDI_GENERIC | PortType::APPLICATION,
            )?;
            if let Some(from) = from {
                connect(&seq, from, Addr { client: own.client, port })?;
            }
            Ok((seq, own))
        };
        let (seq, own) = open().map_err(open_error)?;
        input::start(seq, own, name, connection, stream, self.lost.clone())
            .map_err(|error| OpenError::Failed(format!("the system gave no thread for it ({error})")))
    }

    /// A client with one output port, which is connected to `to`, or open to all.
    fn speak(&self, to: Option<&Port>, client_name: &str, name: &str) -> Result<Box<dyn Wire>, OpenError> {
        let address = to.map(|port| address(&port.key)).transpose()?;
        let open = || -> Result<AlsaWire, alsa::Error> {
            let (seq, own) = self.client(client_name)?;
            let capabilities = if to.is_some() { PortCap::READ } else { PortCap::READ | PortCap::SUBS_READ };
            let port = seq.create_simple_port(
                &c_name(name),
                capabilities,
                PortType::MIDI_GENERIC | PortType::APPLICATION,
            )?;
            let mut hardware = false;
            if let Some(to) = address {
                connect(&seq, Addr { client: own.client, port }, to)?;
                hardware = seq.get_any_client_info(to.client)?.get_card().is_ok_and(|card| card >= 0);
            }
            Ok(AlsaWire::new(seq, own, port, to.is_some(), hardware))
        };
        open().map(|wire| Box::new(wire) as Box<dyn Wire>).map_err(open_error)
    }

    /// Reads the announcements that have arrived. Returns whether there were any that concern others.
    fn announcements(&mut self, gone: &mut Gone) -> bool {
        let Some((seq, _)) = &self.control else { return false };
        let mut input = seq.input();
        let mut relevant = false;
        loop {
            let event = match read(&mut input) {
                Taken::Event(event) => event,
                Taken::Overrun => {
                    gone.perhaps_all = true;
                    relevant = true;
                    continue;
                }
                Taken::Unknown => continue,
                Taken::Empty => return relevant,
                Taken::Broken(error) => {
                    tracing::error!("the ALSA sequencer's announcements can't be read: {}", reason(&error));
                    gone.perhaps_all = true;
                    break;
                }
            };
            // All other events (that a connection was made) concern nobody here.
            let Some(address) = event.get_data::<Addr>() else { continue };
            if lock(&self.clients).contains(&address.client) {
                continue;
            }
            relevant = true;
            match event.get_type() {
                EventType::PortExit => gone.ports.push(key(address)),
                EventType::ClientExit => gone.clients.push(address.client.unsigned_abs()),
                _ => {}
            }
        }
        drop(input);
        // The next look at the ports makes another client.
        self.control = None;
        true
    }
}

impl Backend for Alsa {
    type Input = InputGuard;

    fn ports(&mut self) -> Result<Vec<Port>, String> {
        self.open_control()?;
        let Some((seq, _)) = &self.control else { return Ok(Vec::new()) };
        let mut ports = Vec::new();
        for client in ClientIter::new(seq) {
            let number = client.get_client();
            if number == SYSTEM_CLIENT {
                continue;
            }
            let own = lock(&self.clients).contains(&number);
            let usb = client.get_card().ok().filter(|card| *card >= 0).and_then(system::usb_identity);
            for info in PortIter::new(seq, number) {
                for direction in directions(&info) {
                    ports.push(Port {
                        key: key(info.addr()),
                        direction,
                        client: client.get_name().unwrap_or_default().to_owned(),
                        name: info.get_name().unwrap_or_default().to_owned(),
                        rank: (number.unsigned_abs(), info.get_port().unsigned_abs()),
                        usb: usb.clone(),
                        own,
                    });
                }
            }
        }
        Ok(ports)
    }

    fn open_input(
        &mut self,
        port: &Port,
        name: &str,
        connection: u64,
        stream: Stream,
    ) -> Result<InputGuard, OpenError> {
        self.listen(Some(address(&port.key)?), "Padgate", name, Some(connection), stream)
    }

    fn open_output(&mut self, port: &Port, name: &str) -> Result<Box<dyn Wire>, OpenError> {
        self.speak(Some(port), "Padgate", name)
    }

    fn open_virtual_input(&mut self, stream: Stream) -> Result<InputGuard, OpenError> {
        self.listen(None, VIRTUAL_INPUT, VIRTUAL_INPUT, None, stream)
    }

    fn open_virtual_output(&mut self) -> Result<Box<dyn Wire>, OpenError> {
        self.speak(None, VIRTUAL_OUTPUT, VIRTUAL_OUTPUT)
    }

    fn wait(&mut self, at_most: Option<Duration>) -> Gone {
        let until = at_most.map(|span| Instant::now() + span);
        let mut gone = Gone::default();
        let readable = |fd| pollfd { fd, events: alsa::poll::Flags::IN.bits(), revents: 0 };
        loop {
            let mut fds = vec![readable(self.sleeper.as_raw_fd())];
            fds.extend(self.device_files.iter().map(|files| readable(files.as_raw_fd())));
            if let Some((seq, _)) = &self.control {
                fds.extend((seq, Some(Direction::Capture)).get().unwrap_or_default());
            }
            if alsa::poll::poll(&mut fds, timeout(until)).is_ok_and(|ready| ready == 0) {
                return gone;
            }
            let mut bytes = [0; 64];
            let woken = (&self.sleeper).read(&mut bytes).is_ok();
            let changed = self.device_files.as_ref().is_some_and(system::DeviceFiles::changed);
            if self.announcements(&mut gone) || woken || changed {
                return gone;
            }
        }
    }
}

/// Milliseconds for `poll`: rounded up, and endless without a deadline.
fn timeout(until: Option<Instant>) -> i32 {
    until.map_or(-1, |until| {
        let left = until.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
        i32::try_from(left.as_millis()).unwrap_or(i32::MAX)
    })
}

/// What reading one event gave.
enum Taken<'a> {
    Event(alsa::seq::Event<'a>),
    /// Nothing is left to read.
    Empty,
    /// The kernel's queue was full: it dropped what came, and now all that was in it.
    Overrun,
    /// An event of a type that the library does not know; it is no MIDI.
    Unknown,
    /// The client can't be read.
    Broken(alsa::Error),
}

fn read<'a>(input: &'a mut alsa::seq::Input<'_>) -> Taken<'a> {
    use rustix::io::Errno;
    match input.event_input() {
        Ok(event) => Taken::Event(event),
        Err(error) => match Errno::from_raw_os_error(error.errno()) {
            Errno::AGAIN | Errno::INTR => Taken::Empty,
            Errno::NOSPC => Taken::Overrun,
            // From the library, not the kernel.
            Errno::NOTSUP => Taken::Unknown,
            _ => Taken::Broken(error),
        },
    }
}

/// Gives a client the largest input queue that the kernel allows.
fn enlarge(seq: &Seq) -> Result<(), alsa::Error> {
    seq.set_client_pool_input(POOL_EVENTS)
}

fn connect(seq: &Seq, from: Addr, to: Addr) -> Result<(), alsa::Error> {
    let subscription = PortSubscribe::empty()?;
    subscription.set_sender(from);
    subscription.set_dest(to);
    seq.subscribe_port(&subscription)
}

/// Which ways a port can be used by others.
fn directions(info: &PortInfo) -> Vec<PortDirection> {
    let capabilities = info.get_capability();
    if capabilities.contains(PortCap::NO_EXPORT) {
        return Vec::new();
    }
    let mut directions = Vec::new();
    if capabilities.contains(PortCap::READ | PortCap::SUBS_READ) {
        directions.push(PortDirection::Input);
    }
    if capabilities.contains(PortCap::WRITE | PortCap::SUBS_WRITE) {
        directions.push(PortDirection::Output);
    }
    directions
}

fn key(address: Addr) -> PortKey {
    PortKey(format!("{}:{}", address.client, address.port))
}

fn address(key: &PortKey) -> Result<Addr, OpenError> {
    key.0.parse().map_err(|_| OpenError::Failed(format!("`{key}` is no ALSA port")))
}

/// The name as the C library wants it. A device's name comes from TOML and could contain a NUL.
fn c_name(name: &str) -> CString {
    let bytes: Vec<u8> = name.bytes().filter(|byte| *byte != 0).collect();
    CString::new(bytes).unwrap_or_default()
}

/// What the system says of an error, without the name of the C function.
fn reason(error: &alsa::Error) -> String {
    std::io::Error::from_raw_os_error(error.errno()).to_string()
}

fn open_error(error: alsa::Error) -> OpenError {
    use rustix::io::Errno;
    match Errno::from_raw_os_error(error.errno()) {
        Errno::BUSY | Errno::AGAIN => OpenError::Busy(reason(&error)),
        Errno::NOMEM | Errno::NOSPC => {
            OpenError::Failed(format!("{} (the sequencer allows 64 clients at once)", reason(&error)))
        }
        _ => OpenError::Failed(reason(&error)),
    }
}
