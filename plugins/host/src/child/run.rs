//! The life of a host, from its first frame to its last.

use std::sync::OnceLock;

use padgate_plugin_abi::{PADGATE_INVALID, PADGATE_OK};
use padgate_plugin_host::assignment::Assignment;
use padgate_plugin_host::context;
use padgate_plugin_host::ended::{EXIT_STOPPED, EXIT_UNFIT, EXIT_USAGE};
use padgate_plugin_host::frame::{self, FRAME_BYTES_MAX, Header, Kind};
use padgate_plugin_host::sandbox;
use padgate_plugin_host::wire::{Reader, WireError, Writer};

use crate::channel::{self, Channel, fail, receive};
use crate::instance::{Instance, Outcome, shorten};
use crate::{load, start, tables};

/// The link. The plugin's threads use it through the host's tables, for as long as the process lives.
static CHANNEL: OnceLock<Channel> = OnceLock::new();

/// The link, once there is one; the plugin runs only after that.
pub(crate) fn link() -> Option<&'static Channel> {
    CHANNEL.get()
}

/// Runs the host.
pub(crate) fn host() -> ! {
    let link = start::link().unwrap_or_else(|why| {
        eprintln!("padgate-plugin-host: {why}");
        std::process::exit(EXIT_USAGE)
    });
    let mut buffer = vec![0; FRAME_BYTES_MAX].into_boxed_slice();
    let (length, _) = receive(&link, &mut buffer);
    let (generation, assignment) = match first(&buffer[..length]) {
        Ok(first) => first,
        Err(error) => fail(&format!("the first frame is no assignment: {error}")),
    };
    let channel = CHANNEL.get_or_init(|| Channel::new(link, generation, buffer));
    let instance = begin(channel, &assignment).unwrap_or_else(|why| {
        channel.send(channel.header(Kind::Unfit), shorten(&why).as_bytes());
        channel::exit_now(EXIT_UNFIT)
    });
    let mut said = Writer::new();
    said.text(&assignment.plugin).text(&assignment.version);
    channel.send(channel.header(Kind::Ready), &said.finish());
    drop(assignment);
    serve(channel, instance)
}

fn first(datagram: &[u8]) -> Result<(u32, Assignment), WireError> {
    let (header, payload) = frame::decode(datagram)?;
    match header.kind {
        Kind::Assign => Ok((header.generation, Assignment::decode(payload)?)),
        other => Err(WireError::Unknown("frame's kind", other as u32)),
    }
}

/// From the lock-down, which fails if the user wants more than this system enforces, to the instance. The sentence says why there is none.
fn begin(channel: &Channel, assignment: &Assignment) -> Result<Instance, String> {
    start::print_lines();
    let locked = sandbox::lock(assignment).map_err(|error| error.to_string())?;
    channel.send(channel.header(Kind::Confined), &locked.confinement().encode());
    let table = load::load(assignment)?;
    locked.seal().map_err(|error| error.to_string())?;
    let host = tables::host(&assignment.data_folder, &assignment.home_folder)?;
    Instance::create(table, host, &assignment.state)
}

/// Does what the daemon says, until it says `Stop` or is gone.
fn serve(channel: &Channel, mut instance: Instance) -> ! {
    let mut datagram = Vec::new();
    loop {
        channel.next(&mut datagram);
        let (header, payload) = match frame::decode(&datagram) {
            Ok(frame) => frame,
            Err(error) => channel::fail(&format!("what came is no frame: {error}")),
        };
        match header.kind {
            Kind::Call => {
                let outcome = match context::decode(payload) {
                    Ok(context) => instance.execute(header.handle, &context),
                    Err(error) => invalid(&error),
                };
                reply(channel, Kind::Result, &header, &outcome);
            }
            Kind::Prepare => {
                let outcome = match prepare(&mut instance, &header, payload) {
                    Ok(outcome) => outcome,
                    Err(error) => invalid(&error),
                };
                reply(channel, Kind::Prepared, &header, &outcome);
            }
            Kind::Forget => instance.forget(header.handle),
            Kind::Event => {
                if let Err(error) = event(&mut instance, &header, payload) {
                    fail(&format!("an event is broken: {error}"));
                }
            }
            Kind::Ping => {
                channel.send(Header { number: header.number, ..channel.header(Kind::Pong) }, &[]);
            }
            Kind::Save => {
                let (status, state) = match instance.save() {
                    Ok(state) => (PADGATE_OK, state),
                    Err((status, why)) => (status, why.into_bytes()),
                };
                channel.send(Header { number: header.number, status, ..channel.header(Kind::State) }, &state);
            }
            Kind::Stop => {
                instance.destroy();
                // With the handlers of the plugin's C library: what it has printed is written out.
                std::process::exit(EXIT_STOPPED)
            }
            other => fail(&format!("a frame of kind {other:?} is none for a host")),
        }
    }
}

fn prepare(instance: &mut Instance, header: &Header, payload: &[u8]) -> Result<Outcome, WireError> {
    let mut from = Reader::new(payload);
    let (action, parameters) = (from.text()?, from.text()?);
    from.finish()?;
    Ok(instance.prepare(header.handle, action, parameters))
}

fn event(instance: &mut Instance, header: &Header, payload: &[u8]) -> Result<(), WireError> {
    let mut from = Reader::new(payload);
    let (time_ns, data, device) = (from.u64()?, from.bytes()?, from.text()?);
    from.finish()?;
    instance.event(header.handle, time_ns, data, device);
    Ok(())
}

fn invalid(error: &WireError) -> Outcome {
    (PADGATE_INVALID, format!("the frame is broken: {error}"))
}

/// Answers with how it ended; a text goes along only with a failure.
fn reply(channel: &Channel, kind: Kind, to: &Header, (status, text): &Outcome) {
    let header = Header { number: to.number, handle: to.handle, status: *status, ..channel.header(kind) };
    let text = if *status == PADGATE_OK { "" } else { text };
    channel.send(header, text.as_bytes());
}
