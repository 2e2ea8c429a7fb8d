//! What the brokers' tests share: replies that can be waited for, and a MIDI output that writes down.

use std::borrow::Cow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use padgate_core::capability::{
    AudioScope, FilesystemScope, Host, HostPattern, MidiScope, NetworkScope, Rights, SubprocessScope,
    SystemScope,
};
use padgate_core::ids::DeviceId;
use padgate_plugin_host::ask::Ask;
use url::Url;

use super::{DeviceNames, EventSink};
use crate::hands::MidiSend;
use crate::lock::lock;
use crate::plugins::audit::Audit;
use crate::plugins::gate::{Gate, Gated, Permitted, Target};
use crate::plugins::inventory::Standing;
use crate::plugins::part::{Answered, PluginId, Reply};

/// How long a test waits for what must happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// An answer that is waited for.
pub(crate) struct Waiting(Receiver<Answered>);

impl Waiting {
    pub(crate) fn get(&self) -> Answered {
        self.0.recv_timeout(DEADLINE).expect("an answer in time")
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.0.try_recv().is_ok()
    }
}

/// A reply, and what waits for it.
pub(crate) fn waiting() -> (Reply, Waiting) {
    let (sender, receiver) = channel();
    let reply = Reply::new(move |answered| {
        let _ = sender.send(answered);
    });
    (reply, Waiting(receiver))
}

/// One sent message: to the device with this index (`None`: the virtual output).
pub(crate) type Sent = (Option<usize>, Vec<u8>);

/// A MIDI output that writes down what it is sent.
pub(crate) struct Output {
    sent: Mutex<Sender<Sent>>,
    /// The device that is not there.
    pub(crate) absent: Mutex<Option<usize>>,
}

impl Output {
    pub(crate) fn new() -> (Arc<Output>, Receiver<Sent>) {
        let (sender, receiver) = channel();
        (Arc::new(Output { sent: Mutex::new(sender), absent: Mutex::default() }), receiver)
    }
}

impl MidiSend for Output {
    fn send(&self, to: Option<DeviceId>, bytes: &[u8]) -> Result<(), Cow<'static, str>> {
        let to = to.map(DeviceId::index);
        if to.is_some() && to == *lock(&self.absent) {
            return Err("device `synth` is absent: plug it in".into());
        }
        let _ = lock(&self.sent).send((to, bytes.to_vec()));
        Ok(())
    }
}

/// The devices `synth` and `pads`.
pub(crate) struct Devices;

impl DeviceNames for Devices {
    fn device(&self, name: &str) -> Option<Option<DeviceId>> {
        match name {
            "" | "Padgate Out" => Some(None),
            "synth" => Some(Some(DeviceId::new(1))),
            "pads" => Some(Some(DeviceId::new(2))),
            _ => None,
        }
    }

    fn names(&self) -> Vec<String> {
        vec!["Padgate Out".to_owned(), "synth".to_owned(), "pads".to_owned()]
    }
}

/// One event: for whom, kind, time, data, device.
pub(crate) type Event = (PluginId, u32, u64, Vec<u8>, String);

/// Takes events for a test.
pub(crate) struct Events(Mutex<Sender<Event>>);

impl Events {
    pub(crate) fn new() -> (Arc<Events>, Receiver<Event>) {
        let (sender, receiver) = channel();
        (Arc::new(Events(Mutex::new(sender))), receiver)
    }
}

impl EventSink for Events {
    fn event(&self, plugin: PluginId, kind: u32, time_ns: u64, data: &[u8], device: &str) {
        let _ = lock(&self.0).send((plugin, kind, time_ns, data.to_vec(), device.to_owned()));
    }
}

/// All rights that a broker acts on.
pub(crate) fn all_rights() -> Rights {
    Rights {
        midi: Some(MidiScope::all()),
        audio: Some(AudioScope::all()),
        network: Some(NetworkScope {
            hosts: vec![HostPattern { host: Host::Any, port: None }],
            direct: None,
        }),
        system_control: Some(SystemScope {
            media: true,
            notify: true,
            brightness: true,
            open: true,
            keys: true,
        }),
        filesystem: Some(FilesystemScope { read: vec!["/".into()], write: Vec::new() }),
        subprocess: Some(SubprocessScope { programs: vec!["true".into(), "none".into()], direct: false }),
    }
}

/// Tells the gate what the plugins 1 and 2 may do.
pub(crate) fn grant(gate: &Gate, rights: &Rights) {
    let gated = |number| Gated {
        id: PluginId(number),
        name: Arc::from("probe"),
        standing: Standing::Ready,
        rights: rights.clone(),
        request: rights.clone(),
        data_folder: "/padgate/none".into(),
        folder: "/padgate/none".into(),
    };
    gate.replace(vec![gated(1), gated(2)]);
}

/// A gate for the plugins 1 and 2.
pub(crate) fn gate(rights: &Rights) -> Arc<Gate> {
    let gate = Gate::new(std::env::temp_dir(), Arc::new(Audit::none()));
    grant(&gate, rights);
    Arc::new(gate)
}

/// What the gate makes of a host that is granted.
pub(crate) fn target(host: &str, port: u16) -> Target {
    match gate(&all_rights()).ask(PluginId(1), &Ask::Connect { host, port, timeout_ms: 0 }) {
        Ok(permit) => match permit.into_permitted() {
            Permitted::Connect(target) => target,
            other => panic!("{other:?}"),
        },
        Err(why) => panic!("{why}"),
    }
}

/// What the gate makes of a URL; a text if it refuses.
pub(crate) fn web(gate: &Gate, method: &str, url: &str) -> Result<(Url, Target), String> {
    let ask = Ask::Http { method, url, headers: Vec::new(), body: &[], timeout_ms: 0 };
    match gate.ask(PluginId(1), &ask)?.into_permitted() {
        Permitted::Http { url, target } => Ok((url, target)),
        other => panic!("{other:?}"),
    }
}
