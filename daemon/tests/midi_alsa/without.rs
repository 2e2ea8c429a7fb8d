//! The manager on a machine that has no sequencer at all.

use std::path::Path;
use std::sync::Arc;

use padgate_core::engine::Input;
use padgate_core::ids::DeviceId;
use padgate_core::midi::Received;
use padgate_core::time::Time;
use padgated::hands::MidiSend;
use padgated::midi::{DeviceState, Driver, Midi, MidiConfig, MidiSink};

use crate::rig::device;

struct Nothing;

impl MidiSink for Nothing {
    fn midi(&self, device: DeviceId, received: Received<'_>, _: Time) {
        panic!("{device:?} {received:?} without a sequencer");
    }
    fn input(&self, input: Input<'_>, _: Time) {
        panic!("{input:?}, though nothing was ever connected");
    }
}

#[test]
fn without_a_sequencer_the_manager_runs_and_says_why_nothing_is_connected() {
    if Path::new("/dev/snd/seq").exists() {
        eprintln!("skipped: this machine has an ALSA sequencer");
        return;
    }
    let config = MidiConfig { devices: vec![device(0, "pads", "Pad*", "Pad*", "")], ..MidiConfig::default() };
    let midi = Midi::start(config, Arc::new(Nothing), Driver::Native).unwrap();
    let status = midi.status().remove(0);
    assert_eq!(status.state, DeviceState::Absent);
    let reason = status.input.unwrap().reason.unwrap();
    assert!(
        reason.contains("/dev/snd/seq does not exist") && reason.contains("modprobe snd-seq"),
        "{reason}"
    );
    assert_eq!(
        midi.overview().unavailable.map(|why| format!("is unavailable: {why}")).as_deref(),
        Some(&*reason)
    );
    let error = midi.send(Some(DeviceId::new(0)), &[0x80, 1, 0]).unwrap_err();
    assert!(error.starts_with("device `pads` is unavailable: there is no ALSA sequencer"), "{error}");
    midi.shutdown();
    assert!(midi.send(Some(DeviceId::new(0)), &[0x80, 1, 0]).is_err());
}
