//! Tests of the manager, on a driver made up for it: what is opened, closed and told, in which order.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use padgate_core::engine::Input;
use padgate_core::ids::DeviceId;
use padgate_core::midi::Received;
use padgate_core::ruleset::{Device, DevicePorts, PortPattern};
use padgate_core::time::Time;

use super::{Gone, Manager};
use crate::lock::lock;
use crate::midi::backend::{Backend, OpenError};
use crate::midi::output::{Wire, WireError};
use crate::midi::port::{Port, PortDirection, PortKey};
use crate::midi::shared::Shared;
use crate::midi::status::{DeviceState, DeviceStatus};
use crate::midi::stream::Stream;
use crate::midi::{MidiConfig, MidiSink, MidiWatcher, VIRTUAL_INPUT};

type Log = Arc<Mutex<Vec<String>>>;

struct Sink(Log);

impl MidiSink for Sink {
    fn midi(&self, device: DeviceId, received: Received<'_>, _: Time) {
        lock(&self.0).push(format!("{device:?} {received:?}"));
    }
    fn input(&self, input: Input<'_>, _: Time) {
        lock(&self.0).push(format!("{input:?}"));
    }
}

impl MidiWatcher for Sink {
    fn device_changed(&self, status: &DeviceStatus) {
        lock(&self.0).push(format!("{} {:?}", status.name, status.state));
    }
}

struct FakeWire;

impl Wire for FakeWire {
    fn message(&mut self, _: &[u8]) -> Result<(), WireError> {
        Ok(())
    }
    fn sysex(&mut self, _: &[u8]) -> Result<(), WireError> {
        Ok(())
    }
    fn piece_bytes_max(&self) -> usize {
        256
    }
    fn pieces_at_once(&self) -> usize {
        8
    }
    fn may_repeat(&self) -> bool {
        true
    }
}

/// What the made-up system has.
#[derive(Default)]
struct System {
    ports: Vec<Port>,
    unavailable: Option<String>,
    errors: BTreeMap<PortKey, OpenError>,
    attempts: usize,
}

#[derive(Clone, Default)]
struct Fake(Rc<RefCell<System>>);

impl Fake {
    fn open(&self, port: &Port) -> Result<(), OpenError> {
        let mut system = self.0.borrow_mut();
        system.attempts += 1;
        system.errors.get(&port.key).map_or(Ok(()), |error| Err(error.clone()))
    }
}

impl Backend for Fake {
    type Input = Stream;
    fn ports(&mut self) -> Result<Vec<Port>, String> {
        let system = self.0.borrow();
        system.unavailable.clone().map_or(Ok(system.ports.clone()), Err)
    }
    fn open_input(&mut self, port: &Port, _: &str, _: u64, stream: Stream) -> Result<Stream, OpenError> {
        self.open(port).map(|()| stream)
    }
    fn open_output(&mut self, port: &Port, _: &str) -> Result<Box<dyn Wire>, OpenError> {
        self.open(port).map(|()| Box::new(FakeWire) as Box<dyn Wire>)
    }
    fn open_virtual_input(&mut self, stream: Stream) -> Result<Stream, OpenError> {
        Ok(stream)
    }
    fn open_virtual_output(&mut self) -> Result<Box<dyn Wire>, OpenError> {
        Ok(Box::new(FakeWire))
    }
    fn wait(&mut self, _: Option<Duration>) -> Gone {
        Gone::default()
    }
}

struct Rig {
    system: Fake,
    log: Log,
    shared: Arc<Shared>,
    manager: Manager<Fake>,
}

fn rig(devices: &[(u32, &str)]) -> Rig {
    let (system, log) = (Fake::default(), Log::default());
    let sink = Arc::new(Sink(Arc::clone(&log)));
    let shared = Arc::new(Shared::new(sink.clone()));
    lock(&shared.watchers).push(sink);
    let (_, commands) = channel();
    let mut manager = Manager::new(system.clone(), Arc::clone(&shared), commands);
    manager.configure(config(devices));
    Rig { system, log, shared, manager }
}

fn config(devices: &[(u32, &str)]) -> MidiConfig {
    let device = |(id, pattern): &(u32, &str)| {
        let pattern = Some(PortPattern((*pattern).into()));
        let ports = DevicePorts { input: pattern.clone(), output: pattern, usb: None };
        (
            Device { id: DeviceId::new(*id), ports, echo: Duration::ZERO, controls: Vec::new() },
            format!("dev{id}"),
        )
    };
    MidiConfig { devices: devices.iter().map(device).collect(), ..MidiConfig::default() }
}

/// Both directions of a port.
fn ports(name: &str, number: u32) -> Vec<Port> {
    [PortDirection::Input, PortDirection::Output]
        .map(|direction| Port {
            key: PortKey(format!("{number}:0")),
            direction,
            client: name.into(),
            name: name.into(),
            rank: (number, 0),
            usb: None,
            own: false,
        })
        .into()
}

impl Rig {
    fn set_ports(&mut self, ports: Vec<Port>) {
        self.system.0.borrow_mut().ports = ports;
    }

    /// Settles, and returns what was told.
    fn settle(&mut self) -> Vec<String> {
        self.manager.settle(Instant::now());
        std::mem::take(&mut lock(&self.log))
    }

    fn send(&self, device: u32) -> Result<(), String> {
        let slot = self.shared.slot(Some(DeviceId::new(device))).ok_or("no slot")?;
        slot.send(&[0xF8]).map_err(std::borrow::Cow::into_owned)
    }

    fn statuses(&self) -> Vec<DeviceStatus> {
        lock(&self.shared.table).devices.iter().map(|known| known.status.clone()).collect()
    }
}

#[test]
fn a_device_is_absent_then_connected_then_lost_then_back_under_another_number() {
    let mut rig = rig(&[(0, "Pad")]);
    assert_eq!(rig.settle(), ["dev0 Absent"]);
    assert_eq!(rig.send(0).unwrap_err(), "device `dev0` is absent: no output port matches `Pad`");
    rig.set_ports(ports("Pad", 24));
    assert_eq!(rig.settle(), ["dev0 Connected"]);
    rig.send(0).unwrap();
    rig.set_ports(vec![]);
    assert_eq!(rig.settle(), ["DeviceLost(#0)", "OutputLost(#0)", "dev0 Absent"]);
    rig.set_ports(ports("Pad", 32));
    assert_eq!(rig.settle(), ["dev0 Connected"]);
    rig.send(0).unwrap();
    assert!(rig.settle().is_empty(), "nothing changed");
}

#[test]
fn a_port_that_was_replaced_under_the_same_number_is_opened_again() {
    let mut rig = rig(&[(0, "Pad")]);
    rig.set_ports(ports("Pad", 24));
    rig.settle();
    rig.manager.forget(&Gone { ports: vec![PortKey("24:0".into())], ..Gone::default() });
    assert_eq!(rig.settle(), ["DeviceLost(#0)", "OutputLost(#0)"]);
    assert_eq!(rig.system.0.borrow().attempts, 4);
    rig.manager.forget(&Gone { clients: vec![24], ..Gone::default() });
    assert_eq!(rig.settle(), ["DeviceLost(#0)", "OutputLost(#0)"]);
    rig.manager.forget(&Gone { perhaps_all: true, ..Gone::default() });
    assert_eq!(rig.settle(), ["OutputLost(#0)"], "an input knows by itself when it ends");
}

#[test]
fn a_reload_keeps_what_stays_the_same() {
    let mut rig = rig(&[(0, "Pad"), (1, "Keys")]);
    rig.set_ports([ports("Pad", 24), ports("Keys", 28)].concat());
    rig.settle();
    rig.manager.configure(config(&[(0, "pad*"), (2, "Keys")]));
    assert_eq!(rig.settle(), ["DeviceLost(#1)", "OutputLost(#1)", "dev2 Connected"]);
    assert_eq!(rig.send(1).unwrap_err(), "no slot");
    rig.manager.configure(config(&[(0, "Keys"), (2, "Pad")]));
    let told = rig.settle();
    let lost = told.iter().filter(|line| line.contains("Lost")).count();
    assert_eq!(lost, 4, "they swap their ports: {told:?}");
    let statuses = rig.statuses();
    assert!(statuses.iter().all(|status| status.state == DeviceState::Connected));
}

/// Lets go of a note as the engine does, when it is told that the output will be closed.
#[derive(Default)]
struct LetsGo(OnceLock<Weak<Shared>>, Log);

impl MidiSink for LetsGo {
    fn midi(&self, _: DeviceId, _: Received<'_>, _: Time) {}
    fn input(&self, input: Input<'_>, _: Time) {
        if let Input::OutputLost(device) = input {
            let shared = self.0.get().and_then(Weak::upgrade).unwrap();
            let slot = shared.slot(Some(device)).unwrap();
            lock(&self.1).extend(
                [&[0x80, 60, 0], &[0x90, 60, 1]].map(|bytes| format!("{:?}", slot.send(bytes).is_ok())),
            );
        }
    }
}

#[test]
fn notes_on_a_port_that_another_device_gets_can_be_let_go_before() {
    let system = Fake::default();
    let sink = Arc::new(LetsGo::default());
    let shared = Arc::new(Shared::new(sink.clone()));
    sink.0.set(Arc::downgrade(&shared)).unwrap();
    let (_, commands) = channel();
    let manager = Manager::new(system.clone(), Arc::clone(&shared), commands);
    let mut rig = Rig { system, log: Arc::clone(&sink.1), shared, manager };
    rig.manager.configure(config(&[(0, "Pad")]));
    rig.set_ports(ports("Pad", 24));
    rig.settle();
    rig.manager.configure(config(&[(0, "Other"), (1, "Pad")]));
    assert_eq!(rig.settle(), ["true", "false"], "the release, but no further press");
    rig.manager.configure(config(&[(0, "Other")]));
    assert_eq!(rig.settle(), ["true", "false"]);
}

#[test]
fn a_busy_port_is_tried_again_with_growing_pauses_and_says_so() {
    let mut rig = rig(&[(0, "Pad")]);
    rig.set_ports(ports("Pad", 24));
    let busy = OpenError::Busy("Device or resource busy".into());
    rig.system.0.borrow_mut().errors.insert(PortKey("24:0".into()), busy);
    let now = Instant::now();
    let first = rig.manager.settle(now).unwrap();
    assert_eq!(rig.system.0.borrow().attempts, 2);
    assert_eq!(rig.statuses()[0].state, DeviceState::Busy);
    let error = rig.send(0).unwrap_err();
    assert!(error.starts_with("device `dev0` is busy: another program has `Pad:Pad` open"), "{error}");
    rig.manager.settle(now);
    assert_eq!(rig.system.0.borrow().attempts, 2, "not before the pause is over");
    let mut later = now;
    for _ in 0..20 {
        later += Duration::from_secs(3600);
        rig.manager.settle(later);
    }
    assert_eq!(rig.system.0.borrow().attempts, 42);
    let last = rig.manager.settle(now).unwrap();
    assert!(first < last && last <= super::super::link::RETRY_MAX, "{first:?} {last:?}");
    lock(&rig.log).clear();
    rig.system.0.borrow_mut().errors.clear();
    rig.manager.settle(later + Duration::from_secs(3600));
    assert_eq!(*lock(&rig.log), ["dev0 Connected"], "nothing was lost that was never open");
}

#[test]
fn a_device_without_output_is_connected_all_the_same() {
    let mut rig = rig(&[(0, "Pad")]);
    rig.set_ports(vec![ports("Pad", 24).remove(0)]);
    assert_eq!(rig.settle(), ["dev0 Connected"]);
    let status = rig.statuses().remove(0);
    assert_eq!(status.output.unwrap().state, DeviceState::Absent);
}

#[test]
fn a_late_word_about_an_earlier_connection_does_no_harm() {
    let mut rig = rig(&[(0, "Pad")]);
    rig.set_ports(ports("Pad", 24));
    rig.settle();
    let first = rig.manager.entries[&DeviceId::new(0)].connection;
    rig.manager.input_ended(Some(first));
    assert_eq!(rig.settle(), ["DeviceLost(#0)"], "and opened again at once");
    rig.manager.input_ended(Some(first));
    assert!(rig.settle().is_empty());
}

#[test]
fn without_a_sequencer_everything_says_why_and_comes_when_it_comes() {
    let mut rig = rig(&[(0, "Pad")]);
    rig.manager.configure(MidiConfig {
        virtual_ports: true,
        virtual_device: Some(DeviceId::new(9)),
        ..config(&[(0, "Pad")])
    });
    rig.system.0.borrow_mut().unavailable = Some("there is no ALSA sequencer".into());
    rig.set_ports(ports("Pad", 24));
    assert_eq!(rig.settle(), ["dev0 Absent", "padgate in Absent"]);
    assert_eq!(rig.send(0).unwrap_err(), "device `dev0` is unavailable: there is no ALSA sequencer");
    let virtual_error = rig.shared.slot(None).unwrap().send(&[0xF8]).unwrap_err();
    assert_eq!(virtual_error, "the virtual port `Padgate Out` is unavailable: there is no ALSA sequencer");
    let overview = lock(&rig.shared.table).overview.clone();
    assert_eq!(overview.unavailable.as_deref(), Some("there is no ALSA sequencer"));
    rig.system.0.borrow_mut().unavailable = None;
    assert_eq!(rig.settle(), ["dev0 Connected", "padgate in Connected"]);
    rig.shared.slot(None).unwrap().send(&[0xF8]).unwrap();
    rig.manager.configure(config(&[(0, "Pad")]));
    assert_eq!(rig.settle(), ["DeviceLost(#9)"], "the virtual ports were switched off");
    assert!(rig.shared.slot(None).unwrap().send(&[0xF8]).is_err());
    assert_eq!(VIRTUAL_INPUT.to_lowercase(), "padgate in");
}
