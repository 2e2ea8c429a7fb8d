//! What the brokers' tests share: replies that can be waited for, and a MIDI output that writes down.

use std::borrow::Cow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use padgate_core::ids::DeviceId;

use super::{DeviceNames, EventSink};
use crate::hands::MidiSend;
use crate::lock::lock;
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
