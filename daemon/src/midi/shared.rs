//! What the manager's thread shares with all others: the outputs, and the status that it keeps up to date.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use padgate_core::ids::DeviceId;

use super::output::{Slot, Writer};
use super::status::{Counters, DeviceStatus, Overview, PortInfo};
use super::{Flag, MidiSink, MidiWatcher, VIRTUAL_OUTPUT};

/// What the manager shares with all others.
pub(super) struct Shared {
    pub(super) sink: Arc<dyn MidiSink>,
    pub(super) wants_realtime: Flag,
    pub(super) writer: Arc<Writer>,
    pub(super) table: Mutex<Table>,
    pub(super) watchers: Mutex<Vec<Arc<dyn MidiWatcher>>>,
    /// By the index of the device. Written only when the configuration changes.
    pub(super) slots: RwLock<Vec<Option<Arc<Slot>>>>,
    pub(super) virtual_slot: Arc<Slot>,
    pub(super) virtual_counters: Arc<Counters>,
}

/// What there is to know now.
#[derive(Default)]
pub(super) struct Table {
    pub(super) devices: Vec<Known>,
    pub(super) ports: Vec<PortInfo>,
    pub(super) overview: Overview,
}

/// One device's status and its counters, which go on counting.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) status: DeviceStatus,
    pub(super) counters: Arc<Counters>,
}

impl Shared {
    pub(super) fn new(sink: Arc<dyn MidiSink>) -> Shared {
        let (writer, counters) = (Arc::new(Writer::default()), Arc::new(Counters::default()));
        let closed = "is not open: `virtual_ports` is off in the configuration".to_owned();
        let title = format!("the virtual port `{VIRTUAL_OUTPUT}`");
        let slot = Slot::new(title, Arc::clone(&counters), Arc::clone(&writer), closed);
        Shared {
            sink,
            wants_realtime: Flag::default(),
            writer,
            table: Mutex::default(),
            watchers: Mutex::default(),
            slots: RwLock::default(),
            virtual_slot: Arc::new(slot),
            virtual_counters: counters,
        }
    }

    /// The output of a device, or the virtual one.
    pub(super) fn slot(&self, device: Option<DeviceId>) -> Option<Arc<Slot>> {
        let Some(device) = device else { return Some(Arc::clone(&self.virtual_slot)) };
        self.slots.read().unwrap_or_else(PoisonError::into_inner).get(device.index())?.clone()
    }
}
