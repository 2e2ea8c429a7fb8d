//! MIDI of plugins: order, plans, what is released and when.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use padgate_plugin_abi::{PADGATE_INVALID, PADGATE_LIMIT, PADGATE_UNAVAILABLE};

use super::midi::{AHEAD_MAX, Midi, PLANNED_MAX, SYSEX_BYTES_MAX};
use super::tests_kit::{DEADLINE, Devices, Output, Sent};
use crate::clock;
use crate::lock::lock;
use crate::plugins::part::PluginId;

const ONE: PluginId = PluginId(1);
const TWO: PluginId = PluginId(2);

struct Rig {
    midi: Midi,
    output: Arc<Output>,
    sent: Receiver<Sent>,
}

fn rig() -> Rig {
    let (output, sent) = Output::new();
    let midi = Midi::new(Arc::clone(&output) as _, Arc::new(Devices));
    Rig { midi, output, sent }
}

impl Rig {
    fn now(&self, message: &[u8]) {
        self.midi.send(ONE, "", message, 0).unwrap();
    }

    /// Far enough ahead that no machine is slow enough for it to become due.
    fn later(&self, message: &[u8]) {
        self.midi.send(ONE, "", message, ahead(Duration::from_secs(50))).unwrap();
    }

    fn all(&self) -> Vec<Vec<u8>> {
        self.sent.try_iter().map(|(_, bytes)| bytes).collect()
    }

    fn next(&self) -> Vec<u8> {
        self.sent.recv_timeout(DEADLINE).expect("a message in time").1
    }
}

fn ahead(time: Duration) -> u64 {
    clock::to_system(clock::now() + time)
}

#[test]
fn messages_go_to_the_device_that_is_named() {
    let rig = rig();
    for name in ["", "Padgate Out", "synth"] {
        rig.midi.send(ONE, name, &[0xF8], 0).unwrap();
    }
    let sent: Vec<_> = rig.sent.try_iter().map(|(to, _)| to).collect();
    assert_eq!(sent, [None, None, Some(1)]);
    let trouble = rig.midi.send(ONE, "organ", &[0xF8], 0).unwrap_err();
    assert_eq!(trouble.status, PADGATE_UNAVAILABLE);
    assert!(trouble.why.contains("organ") && trouble.why.contains("\"synth\""), "{}", trouble.why);
    *lock(&rig.output.absent) = Some(1);
    let trouble = rig.midi.send(ONE, "synth", &[0xF8], 0).unwrap_err();
    assert_eq!((trouble.status, trouble.why.contains("absent")), (PADGATE_UNAVAILABLE, true));
}

#[test]
fn what_is_no_message_is_not_sent() {
    let rig = rig();
    for bad in [&[][..], &[0x90, 60], &[0x90, 60, 1, 62, 1], &[0xF0, 1]] {
        assert_eq!(rig.midi.send(ONE, "", bad, 0).unwrap_err().status, PADGATE_INVALID, "{bad:?}");
    }
    let mut sysex = vec![1; SYSEX_BYTES_MAX];
    (sysex[0], sysex[SYSEX_BYTES_MAX - 1]) = (0xF0, 0xF7);
    rig.now(&sysex);
    sysex.insert(1, 1);
    assert_eq!(rig.midi.send(ONE, "", &sysex, 0).unwrap_err().status, PADGATE_LIMIT);
    let too_far = ahead(AHEAD_MAX + Duration::from_secs(5));
    assert_eq!(rig.midi.send(ONE, "", &[0xF8], too_far).unwrap_err().status, PADGATE_INVALID);
    assert_eq!(rig.all().len(), 1);
}

#[test]
fn planned_messages_come_in_order_and_not_early() {
    let rig = rig();
    let soon = ahead(Duration::from_millis(60));
    let sooner = ahead(Duration::from_millis(30));
    for (at, data) in [(soon, 3), (soon, 4), (sooner, 1), (sooner, 2), (soon, 5)] {
        rig.midi.send(ONE, "", &[0xC0, data], at).unwrap();
    }
    for data in 1..=5 {
        assert_eq!(rig.next(), [0xC0, data]);
        let due = if data <= 2 { sooner } else { soon };
        assert!(clock::to_system(clock::now()) >= due, "message {data} came early");
    }
    rig.now(&[0xC0, 6]);
    assert_eq!(rig.next(), [0xC0, 6]);
}

#[test]
fn too_many_plans_are_said_and_releases_are_never_dropped() {
    let rig = rig();
    let on = [0x90, 60, 1];
    for _ in 0..PLANNED_MAX {
        rig.later(&on);
    }
    let at = ahead(Duration::from_secs(50));
    let trouble = rig.midi.send(ONE, "", &on, at).unwrap_err();
    assert_eq!(trouble.status, PADGATE_LIMIT);
    assert!(trouble.why.contains("1024"), "{}", trouble.why);
    rig.midi.send(TWO, "", &on, at).unwrap();
    rig.now(&on);
    for _ in 0..PLANNED_MAX {
        rig.later(&[0x80, 60, 0]);
    }
    assert_eq!(rig.all(), [on], "they are planned");
    rig.later(&[0x80, 60, 9]);
    assert_eq!(rig.all(), [[0x80, 60, 9]], "there is no room at all: it is sent at once");
}

#[test]
fn cancelling_sends_the_releases_of_what_sounds() {
    let rig = rig();
    rig.now(&[0x90, 60, 1]);
    rig.now(&[0x90, 61, 1]);
    for message in [[0x80, 60, 7], [0x80, 62, 0], [0x90, 63, 1], [0x80, 63, 0], [0x80, 60, 8]] {
        rig.later(&message);
    }
    rig.all();
    rig.midi.cancel(ONE);
    assert_eq!(rig.all(), [[0x80, 60, 7]], "once, and only of what sounds");
    rig.midi.cancel(ONE);
    assert!(rig.all().is_empty());
    rig.midi.ended(ONE);
    assert_eq!(rig.all(), [[0x80, 61, 64]], "what has no planned release sounds until the end");
}

#[test]
fn the_end_of_a_plugin_releases_what_it_holds_alone() {
    let rig = rig();
    rig.now(&[0x90, 60, 1]);
    rig.now(&[0x90, 61, 1]);
    rig.now(&[0xB0, 64, 127]);
    rig.midi.send(TWO, "", &[0x90, 60, 1], 0).unwrap();
    rig.midi.send(TWO, "synth", &[0x90, 70, 1], 0).unwrap();
    rig.later(&[0x90, 99, 1]);
    rig.all();
    rig.midi.ended(ONE);
    assert_eq!(rig.all(), [[0x80, 61, 64], [0xB0, 64, 0]]);
    rig.midi.ended(ONE);
    assert!(rig.all().is_empty());
    rig.midi.shutdown();
    assert_eq!(rig.all(), [[0x80, 60, 64], [0x80, 70, 64]]);
    let refused = rig.midi.send(ONE, "", &[0xF8], ahead(Duration::from_secs(1))).unwrap_err();
    assert_eq!(refused.status, PADGATE_UNAVAILABLE, "nothing goes down any more");
    rig.later(&[0x80, 1, 0]);
    assert_eq!(rig.all(), [[0x80, 1, 0]], "but releases do not get lost");
}

#[test]
fn a_revoked_device_loses_its_plans() {
    let rig = rig();
    let at = ahead(Duration::from_millis(200));
    rig.midi.send(ONE, "synth", &[0x90, 60, 1], 0).unwrap();
    rig.midi.send(ONE, "synth", &[0xC0, 1], at).unwrap();
    rig.midi.send(ONE, "synth", &[0x80, 60, 0], at).unwrap();
    rig.midi.send(ONE, "pads", &[0xC0, 2], at).unwrap();
    assert_eq!(rig.next(), [0x90, 60, 1]);
    rig.midi.retain(ONE, |device| device != "synth");
    assert_eq!(rig.next(), [0x80, 60, 0]);
    assert_eq!(rig.next(), [0xC0, 2]);
}
