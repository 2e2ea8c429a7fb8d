//! Tests of outputs, on a wire that is full on command.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{BACKLOG_BYTES_MAX, Slot, Wire, WireError, Writer, lock};
use crate::midi::status::Counters;

/// How long a test waits for another thread before it fails.
const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Fake {
    room: Arc<Mutex<usize>>,
    repeat: bool,
    written: Sender<Vec<u8>>,
}

impl Fake {
    fn write(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let mut room = lock(&self.room);
        if *room == 0 {
            return Err(WireError::Full);
        }
        *room -= 1;
        self.written.send(bytes.to_vec()).map_err(|error| WireError::Other(error.to_string()))
    }
}

impl Wire for Fake {
    fn message(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        self.write(bytes)
    }
    fn sysex(&mut self, piece: &[u8]) -> Result<(), WireError> {
        assert!(piece.len() <= 4);
        self.write(piece)
    }
    fn piece_bytes_max(&self) -> usize {
        4
    }
    fn pieces_at_once(&self) -> usize {
        8
    }
    fn may_repeat(&self) -> bool {
        self.repeat
    }
}

struct Rig {
    slot: Arc<Slot>,
    counters: Arc<Counters>,
    room: Arc<Mutex<usize>>,
    written: Receiver<Vec<u8>>,
    writer: Arc<Writer>,
}

/// A slot on a wire with room for so many writes. The writer does not run yet.
fn rig(room: usize, repeat: bool) -> Rig {
    let (counters, writer) = (Arc::new(Counters::default()), Arc::new(Writer::default()));
    let slot = Arc::new(Slot::new(
        "device `synth`".into(),
        Arc::clone(&counters),
        Arc::clone(&writer),
        "is absent: no output port matches `FluidSynth*`".into(),
    ));
    let (sender, written) = channel();
    let room = Arc::new(Mutex::new(room));
    slot.open(Box::new(Fake { room: Arc::clone(&room), repeat, written: sender }));
    Rig { slot, counters, room, written, writer }
}

impl Rig {
    fn written(&self) -> Vec<u8> {
        self.written.try_iter().flatten().collect()
    }

    /// Runs the writer until all is written.
    fn write_all(&self) {
        self.writer.stop();
        self.writer.run();
    }
}

#[test]
fn a_message_is_written_at_once() {
    let rig = rig(9, true);
    rig.slot.send(&[0x90, 60, 0]).unwrap();
    rig.slot.send(&[0xF0, 1, 0xF7]).unwrap();
    assert_eq!(rig.written(), [0x90, 60, 0, 0xF0, 1, 0xF7]);
    assert_eq!(rig.counters.values().messages_out, 2);
}

#[test]
fn what_is_not_one_message_is_refused() {
    let rig = rig(9, true);
    let wrong: [&[u8]; 9] = [
        &[],
        &[60],
        &[0x90, 60],
        &[0x90, 60, 1, 2],
        &[0x90, 60, 0x80],
        &[0xF0, 1],
        &[0xF0, 0x90, 0xF7],
        &[0xF7],
        &[0xF4],
    ];
    for bytes in wrong {
        let error = rig.slot.send(bytes).unwrap_err();
        assert!(error.contains("not one complete MIDI message"), "{error}");
    }
    assert!(rig.written().is_empty());
    assert_eq!(rig.counters.values().failed_sends, 9);
}

#[test]
fn an_absent_device_says_what_is_looked_for() {
    let rig = rig(9, true);
    rig.slot.close("is absent: no output port matches `FluidSynth*`".into());
    assert_eq!(
        rig.slot.send(&[0xF8]).unwrap_err(),
        "device `synth` is absent: no output port matches `FluidSynth*`"
    );
}

#[test]
fn a_long_sysex_goes_in_pieces_and_what_follows_stays_behind_it() {
    let rig = rig(99, true);
    rig.slot.send(&[0xF0, 1, 2, 3, 4, 5, 6, 7, 8, 0xF7]).unwrap();
    rig.slot.send(&[0x80, 60, 0]).unwrap();
    assert!(rig.written().is_empty(), "the release must not get inside the System Exclusive");
    rig.write_all();
    assert_eq!(rig.written(), [0xF0, 1, 2, 3, 4, 5, 6, 7, 8, 0xF7, 0x80, 60, 0]);
    rig.slot.send(&[0xFE]).unwrap();
    assert_eq!(rig.written(), [0xFE], "at once again");
}

#[test]
fn a_full_device_gets_everything_in_order_once_it_has_room() {
    let rig = rig(1, true);
    for note in 0..20 {
        rig.slot.send(&[0x90, note, 1]).unwrap();
        rig.slot.send(&[0x80, note, 0]).unwrap();
    }
    assert_eq!(rig.written().len(), 3);
    let writer = Arc::clone(&rig.writer);
    let thread = std::thread::spawn(move || writer.run());
    *lock(&rig.room) = usize::MAX;
    let mut notes = vec![0];
    while notes.len() < 40 {
        notes.push(rig.written.recv_timeout(DEADLINE).unwrap()[1]);
    }
    assert!(notes.is_sorted(), "{notes:?}");
    rig.writer.stop();
    thread.join().unwrap();
}

#[test]
fn a_full_virtual_port_refuses_presses_but_never_releases() {
    let rig = rig(0, false);
    let error = rig.slot.send(&[0x90, 1, 1]).unwrap_err();
    assert!(error.contains("does not keep up"), "{error}");
    rig.slot.send(&[0x80, 1, 0]).unwrap();
    rig.slot.send(&[0x90, 1, 0]).unwrap();
    *lock(&rig.room) = 9;
    rig.write_all();
    assert_eq!(rig.written(), [0x80, 1, 0, 0x90, 1, 0]);
}

#[test]
fn a_full_backlog_refuses_all_but_releases() {
    let rig = rig(0, true);
    let mut long = vec![0xF0];
    long.resize(BACKLOG_BYTES_MAX - 1, 1);
    long.push(0xF7);
    rig.slot.send(&long).unwrap();
    let error = rig.slot.send(&[0x90, 1, 1]).unwrap_err();
    assert!(error.contains("too slow"), "{error}");
    for _ in 0..1000 {
        rig.slot.send(&[0x80, 1, 0]).unwrap();
    }
    match &*lock(&rig.slot.state) {
        super::State::Open(link) => assert_eq!(link.backlog.len(), 2, "the same release once"),
        super::State::Closed(_) => panic!("open"),
    }
}

#[test]
fn stopping_does_not_wait_for_a_receiver_that_takes_nothing() {
    let rig = rig(0, true);
    rig.slot.send(&[0x80, 1, 0]).unwrap();
    rig.write_all();
    assert!(rig.written().is_empty());
}

#[test]
fn a_release_behind_a_press_is_not_taken_for_one_that_waits_before_it() {
    let rig = rig(0, true);
    rig.slot.send(&[0x80, 1, 0]).unwrap();
    rig.slot.send(&[0x90, 1, 1]).unwrap();
    let mut long = vec![0xF0];
    long.resize(BACKLOG_BYTES_MAX - 7, 1);
    long.push(0xF7);
    rig.slot.send(&long).unwrap();
    rig.slot.send(&[0x80, 1, 0]).unwrap();
    match &*lock(&rig.slot.state) {
        super::State::Open(link) => assert_eq!(link.backlog.back().unwrap().bytes(), [0x80, 1, 0]),
        super::State::Closed(_) => panic!("open"),
    }
}

#[test]
fn an_output_that_is_being_closed_takes_releases_and_nothing_else() {
    let rig = rig(0, true);
    rig.slot.send(&[0x80, 1, 0]).unwrap();
    rig.slot.begin_close("is no longer in the configuration".into());
    let error = rig.slot.send(&[0x90, 2, 1]).unwrap_err();
    assert_eq!(error, "device `synth` is no longer in the configuration");
    rig.slot.send(&[0x80, 2, 0]).unwrap();
    *lock(&rig.room) = 9;
    rig.slot.close("is no longer in the configuration".into());
    assert_eq!(rig.written(), [0x80, 1, 0, 0x80, 2, 0], "also those that had to wait");
}
