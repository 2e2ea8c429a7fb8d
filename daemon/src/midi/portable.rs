//! MIDI through midir: on macOS and Windows, and on Linux for comparison.
//!
//! Nobody has run this on macOS or Windows yet. midir tells neither when a port arrives nor when it goes, so the ports are
//! listed every two seconds; a controller can be plugged in at any time, but takes that long to be noticed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use midir::{MidiIO, MidiInput, MidiInputConnection, MidiOutput, MidiOutputConnection};

use super::backend::{Backend, Gone, OpenError};
use super::output::{Wire, WireError};
use super::port::{Port, PortDirection, PortKey, without_numbers};
use super::stream::Stream;
use super::{VIRTUAL_INPUT, VIRTUAL_OUTPUT};
use crate::clock;
use crate::lock::lock;

/// How often the ports are listed.
const LIST_EVERY: Duration = Duration::from_secs(2);
/// The name under which other programs see us.
const CLIENT: &str = "Padgate";

/// Wakes the manager's thread.
#[derive(Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// Wakes it, now or when it next goes to sleep.
    pub(super) fn ring(&self) {
        *lock(&self.rung) = true;
        self.changed.notify_one();
    }

    fn wait(&self, at_most: Duration) {
        let rung = lock(&self.rung);
        let mut rung = self
            .changed
            .wait_timeout_while(rung, at_most, |rung| !*rung)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        *rung = false;
    }
}

/// The back end.
pub(super) struct Portable {
    bell: std::sync::Arc<Bell>,
}

impl Portable {
    pub(super) fn new(bell: std::sync::Arc<Bell>) -> Portable {
        Portable { bell }
    }
}

impl Backend for Portable {
    type Input = MidiInputConnection<Stream>;

    fn ports(&mut self) -> Result<Vec<Port>, String> {
        let input = input()?;
        let output = output()?;
        let mut ports = list(&input, PortDirection::Input, midir::MidiInputPort::id);
        ports.extend(list(&output, PortDirection::Output, midir::MidiOutputPort::id));
        Ok(ports)
    }

    fn open_input(
        &mut self,
        port: &Port,
        name: &str,
        _connection: u64,
        stream: Stream,
    ) -> Result<Self::Input, OpenError> {
        let input = input().map_err(OpenError::Failed)?;
        let found = input.find_port_by_id(&port.key.0).ok_or_else(gone)?;
        // midir unwraps where the system refuses it a queue.
        catch_unwind(AssertUnwindSafe(|| input.connect(&found, name, receive, stream)))
            .map_err(|_| OpenError::Failed("midir gave up (too many connections?)".into()))?
            .map_err(|error| refused(&error))
    }

    fn open_output(&mut self, port: &Port, name: &str) -> Result<Box<dyn Wire>, OpenError> {
        let output = output().map_err(OpenError::Failed)?;
        let found = output.find_port_by_id(&port.key.0).ok_or_else(gone)?;
        let connection = output.connect(&found, name).map_err(|error| refused(&error))?;
        Ok(Box::new(MidirWire { connection, single: true }))
    }

    #[cfg(unix)]
    fn open_virtual_input(&mut self, stream: Stream) -> Result<Self::Input, OpenError> {
        use midir::os::unix::VirtualInput;
        let input = input().map_err(OpenError::Failed)?;
        catch_unwind(AssertUnwindSafe(|| input.create_virtual(VIRTUAL_INPUT, receive, stream)))
            .map_err(|_| OpenError::Failed("midir gave up (too many connections?)".into()))?
            .map_err(|error| refused(&error))
    }

    #[cfg(unix)]
    fn open_virtual_output(&mut self) -> Result<Box<dyn Wire>, OpenError> {
        use midir::os::unix::VirtualOutput;
        let output = output().map_err(OpenError::Failed)?;
        let connection = output.create_virtual(VIRTUAL_OUTPUT).map_err(|error| refused(&error))?;
        Ok(Box::new(MidirWire { connection, single: false }))
    }

    #[cfg(not(unix))]
    fn open_virtual_input(&mut self, _stream: Stream) -> Result<Self::Input, OpenError> {
        Err(OpenError::Failed(NO_VIRTUAL_PORTS.into()))
    }

    #[cfg(not(unix))]
    fn open_virtual_output(&mut self) -> Result<Box<dyn Wire>, OpenError> {
        Err(OpenError::Failed(NO_VIRTUAL_PORTS.into()))
    }

    fn wait(&mut self, at_most: Option<Duration>) -> Gone {
        self.bell.wait(at_most.unwrap_or(LIST_EVERY).min(LIST_EVERY));
        Gone::default()
    }
}

#[cfg(not(unix))]
const NO_VIRTUAL_PORTS: &str =
    "Windows has no virtual MIDI ports of its own; a loop-back driver such as loopMIDI has";

fn input() -> Result<MidiInput, String> {
    MidiInput::new(CLIENT).map_err(|error| format!("the system's MIDI can't be used: {error}"))
}

fn output() -> Result<MidiOutput, String> {
    MidiOutput::new(CLIENT).map_err(|error| format!("the system's MIDI can't be used: {error}"))
}

/// Called on midir's thread with what arrived. midir's time stamp counts from another moment for each port.
fn receive(_: u64, bytes: &[u8], stream: &mut Stream) {
    stream.feed(bytes, clock::now());
}

fn list<T: MidiIO>(io: &T, direction: PortDirection, id: impl Fn(&T::Port) -> String) -> Vec<Port> {
    let mut ports = Vec::new();
    for (index, port) in io.ports().iter().enumerate() {
        let Ok(name) = io.port_name(port) else { continue };
        let name = without_numbers(&name);
        let (client, port_name) = name.split_once(':').unwrap_or(("", name));
        let own = client == CLIENT || [VIRTUAL_INPUT, VIRTUAL_OUTPUT].contains(&port_name);
        ports.push(Port {
            key: PortKey(id(port)),
            direction,
            client: client.to_owned(),
            name: port_name.to_owned(),
            rank: (0, u32::try_from(index).unwrap_or(u32::MAX)),
            usb: None,
            own,
        });
    }
    ports
}

fn gone() -> OpenError {
    OpenError::Failed("it has gone again".into())
}

fn refused<T>(error: &midir::ConnectError<T>) -> OpenError {
    match error.kind() {
        midir::ConnectErrorKind::InvalidPort => gone(),
        // midir does not say why; on Windows it is nearly always that another program has it.
        midir::ConnectErrorKind::Other(why) => OpenError::Busy(why.to_owned()),
    }
}

struct MidirWire {
    connection: MidiOutputConnection,
    single: bool,
}

impl MidirWire {
    fn write(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        self.connection.send(bytes).map_err(|error| WireError::Other(error.to_string()))
    }
}

impl Wire for MidirWire {
    fn message(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        self.write(bytes)
    }

    fn sysex(&mut self, piece: &[u8]) -> Result<(), WireError> {
        self.write(piece)
    }

    fn piece_bytes_max(&self) -> usize {
        // midir takes only whole System Exclusives.
        usize::MAX
    }

    fn pieces_at_once(&self) -> usize {
        1
    }

    fn may_repeat(&self) -> bool {
        self.single
    }
}
