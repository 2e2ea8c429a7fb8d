//! The pipeline with back ends made up for it: what is handed off, remembered and allocated.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use padgate_core::engine::{Effect, Input, Phase, Request};
use padgate_core::ids::DeviceId;
use padgate_core::midi::{Channel, Message, Received};

use super::{Hands, Pipeline, RECORDS_AT_ONCE};
use crate::clock;
use crate::config::store::load_text;
use crate::hands::{ActionSend, MidiSend};
use crate::history::HISTORY_RECORDS;
use crate::lock::lock;
use crate::outcome::Outcome;

const RULES: &str = r#"
[device.pads]
port = "Pads*"
[[map]]
on = { device = "pads", note = 1 }
do = { key = "ctrl+a" }
[[map]]
on = { device = "pads", note = 2 }
do = { midi = { note = 60 } }
[[map]]
on = { device = "pads", note = 3 }
do = [{ key = "b" }, { text = "c" }, { media = "next" }, { notify = "d" }, { run = "e" }]
[[map]]
on = { device = "pads", cc = 7 }
do = { volume = "value" }
"#;

/// Takes everything; keeps what is down.
#[derive(Default)]
struct Taken {
    actions: AtomicUsize,
    midi: AtomicUsize,
    down: Mutex<usize>,
}

impl ActionSend for Taken {
    fn send(&self, request: Request) -> Result<(), Outcome> {
        self.actions.fetch_add(1, Ordering::Relaxed);
        match request.effect {
            Effect::Keys { phase: Phase::Down, .. } => *lock(&self.down) += 1,
            Effect::Keys { phase: Phase::Up, .. } => *lock(&self.down) -= 1,
            _ => {}
        }
        Ok(())
    }
}

impl MidiSend for Taken {
    fn send(&self, _: Option<DeviceId>, _: &[u8]) -> Result<(), Cow<'static, str>> {
        self.midi.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

struct Rig {
    pipeline: Arc<Pipeline>,
    taken: Arc<Taken>,
    pads: DeviceId,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.pipeline.shutdown();
    }
}

fn rig() -> Rig {
    let outcome = load_text("test.toml", RULES);
    let rules = outcome.ruleset.unwrap_or_else(|| panic!("{:?}", outcome.diagnostics));
    let pads = rules.names.devices.find("pads").unwrap();
    let taken = Arc::new(Taken::default());
    let hands = Hands { midi: taken.clone(), actions: taken.clone() };
    Rig { pipeline: Pipeline::new(Arc::new(rules), hands).unwrap(), taken, pads }
}

impl Rig {
    fn play(&self, message: Message) {
        self.pipeline.midi(self.pads, Received::Message(message), clock::now());
    }

    fn down(&self, note: u8) {
        self.play(Message::NoteOn { channel: Channel::from_wire(0), note, velocity: 100 });
    }

    fn up(&self, note: u8) {
        self.play(Message::NoteOff { channel: Channel::from_wire(0), note, velocity: 64 });
    }

    /// As many records as the history keeps, each kind of them at another place than in the round before.
    fn perform(&self) {
        let channel = Channel::from_wire(0);
        for round in 0..HISTORY_RECORDS / 8 {
            for note in 1..=3 {
                self.down(note);
                self.up(note);
            }
            let value = (round % 128) as u8;
            self.play(Message::ControlChange { channel, controller: 7, value });
            self.play(Message::Start);
            if round % 5 == 0 {
                self.play(Message::Stop);
            }
        }
    }
}

#[test]
fn once_warm_nothing_is_allocated_up_to_the_hand_off() {
    let rig = rig();
    rig.perform();
    let before = rig.taken.actions.load(Ordering::Relaxed);
    let counted = allocation_counter::measure(|| rig.perform());
    assert!(rig.taken.actions.load(Ordering::Relaxed) - before > HISTORY_RECORDS / 2, "much was handed off");
    assert!(rig.taken.midi.load(Ordering::Relaxed) > 0, "MIDI as well");
    assert_eq!(counted.count_total, 0);
}

#[test]
fn after_the_end_nothing_goes_down() {
    let rig = rig();
    rig.down(1);
    assert_eq!(*lock(&rig.taken.down), 1);
    rig.pipeline.shutdown();
    assert_eq!(*lock(&rig.taken.down), 0, "what was held is released");
    rig.down(1);
    rig.pipeline.reload(rig.pipeline.ruleset(), clock::now());
    rig.pipeline.input(Input::DeviceLost(rig.pads), clock::now());
    assert_eq!(*lock(&rig.taken.down), 0);
}

#[test]
fn all_records_are_copied_in_order_and_the_oldest_are_forgotten() {
    let rig = rig();
    assert!(rig.pipeline.records().is_empty());
    for count in [1, RECORDS_AT_ONCE - 1, 1, HISTORY_RECORDS] {
        for _ in 0..count {
            rig.down(99);
        }
        let numbers: Vec<u64> = rig.pipeline.records().iter().map(|record| record.sequence).collect();
        let last = *numbers.last().unwrap();
        let first = last.saturating_sub(HISTORY_RECORDS as u64 - 1).max(1);
        assert_eq!(numbers, (first..=last).collect::<Vec<_>>());
    }
}

#[test]
fn subscribers_and_recorders_that_left_are_forgotten_though_nothing_happens() {
    let rig = rig();
    for _ in 0..100 {
        drop((rig.pipeline.subscribe(), rig.pipeline.record()));
    }
    let core = lock(&rig.pipeline.core);
    assert!(core.subscribers.len() <= 1 && core.recorders.len() <= 1);
}
