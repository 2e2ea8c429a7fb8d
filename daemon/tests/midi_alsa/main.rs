//! The MIDI manager on the real ALSA sequencer: raw MIDI devices, other programs, and USB controllers that are plugged
//! and unplugged.
//!
//! Needs `/dev/snd/seq` with snd-virmidi's ports, and the programs of alsa-utils; where there is no sequencer every
//! test says so and passes. The USB tests also need the gadget driver; `PADGATE_USB_MIDI` names the script that plugs
//! controllers in (by default `tests/alsa-vm/usb-midi`). The machine that has all of that is started by
//! `tests/alsa-vm/run`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod rig;
mod usb;
mod without;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use padgate_core::midi::{Message, SYSEX_BYTES_MAX};
use padgated::hands::MidiSend;
use padgated::midi::{DeviceState, Driver};

use rig::{Rig, Seen, device, id, machine, program};

/// snd-virmidi's ports: what is written to the raw device comes out of the sequencer port, and the other way round.
fn virmidi(number: u32) -> (String, String) {
    (format!("VirMIDI 0-{number}"), format!("hw:0,{number}"))
}

#[test]
fn notes_from_a_raw_midi_device_arrive() {
    let Some(_machine) = machine() else { return };
    let (port, raw) = virmidi(0);
    let rig = Rig::start(&[device(0, "pads", &port, "", "")]);
    assert_eq!(rig.state("pads"), DeviceState::Connected);
    program("amidi", &["-p", &raw, "-S", "90 3C 64 3C 00 B0 07 7F E0 00 40 FE F8 C0 05"]);
    let messages: Vec<String> = (0..5).map(|_| rig.next_message()).collect();
    assert_eq!(
        messages,
        [
            "note on C4 ch 1 velocity 100",
            "note off C4 ch 1 velocity 64",
            "cc 7 ch 1 value 127",
            "pitch bend ch 1 value 8192",
            "program 5 ch 1"
        ]
    );
    let counters = rig.status("pads").counters;
    assert_eq!((counters.messages_in, counters.active_sensing, counters.realtime_ignored), (5, 1, 1));
    assert_eq!(counters.decode_errors.total(), 0);
}

#[test]
fn midir_reads_and_writes_too() {
    let Some(_machine) = machine() else { return };
    let (port, raw) = virmidi(0);
    let receiver = rig::Receiver::new("Some synth");
    let devices = [device(0, "pads", &port, "", ""), device(1, "synth", "", "Some synth", "")];
    let rig = Rig::start_with(&devices, Driver::Midir);
    assert_eq!((rig.state("pads"), rig.state("synth")), (DeviceState::Connected, DeviceState::Connected));
    program("amidi", &["-p", &raw, "-S", "90 3C 64 F0 01 02 F7"]);
    assert_eq!(rig.next_message(), "note on C4 ch 1 velocity 100");
    assert!(matches!(rig.next(), Seen::Sysex(bytes) if bytes == [0xF0, 1, 2, 0xF7]));
    rig.midi.send(Some(id(1)), &[0x90, 1, 2]).unwrap();
    assert_eq!(receiver.read(3), [0x90, 1, 2]);
}

#[test]
fn the_clock_arrives_when_it_is_wanted() {
    let Some(_machine) = machine() else { return };
    let (port, raw) = virmidi(0);
    let rig = Rig::start(&[device(0, "pads", &port, "", "")]);
    rig.midi.wants_realtime(true);
    program("amidi", &["-p", &raw, "-S", "F8 FA"]);
    assert_eq!([rig.next_message(), rig.next_message()], ["clock", "start"]);
}

/// A MIDI file with so many notes, all at its beginning.
fn midi_file(notes: usize) -> tempfile::NamedTempFile {
    use midly::num::{u4, u7, u15, u28};
    use midly::{Format, Header, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind};
    let event = |note: usize, vel: u8| TrackEvent {
        delta: u28::new(0),
        kind: TrackEventKind::Midi {
            channel: u4::new(0),
            message: MidiMessage::NoteOn { key: u7::new((note % 128) as u8), vel: u7::new(vel) },
        },
    };
    let mut track: Vec<TrackEvent<'_>> =
        (0..notes).flat_map(|note| [event(note, 1 + (note % 127) as u8), event(note, 0)]).collect();
    track.push(TrackEvent { delta: u28::new(0), kind: TrackEventKind::Meta(midly::MetaMessage::EndOfTrack) });
    let header = Header::new(Format::SingleTrack, Timing::Metrical(u15::new(96)));
    let file = tempfile::Builder::new().suffix(".mid").tempfile().unwrap();
    Smf { header, tracks: vec![track] }.save(file.path()).unwrap();
    file
}

/// How often a burst is tried. The kernel holds 2000 events for a reader; an emulated machine whose host is busy can stand
/// still for longer than a sender at full speed needs for those, and then nobody could have read them in time. What must
/// not happen is that this is the rule, or goes unnoticed.
const ATTEMPTS: usize = 20;

/// Runs the burst until one gets through whole. `send` sends what is in `expected`; each message must arrive in order, and
/// where any are missing, that must have been told.
fn gets_through(mut attempt: impl FnMut() -> (Rig, &'static str), expected: &[(u8, u8)]) {
    for _ in 0..ATTEMPTS {
        let (rig, device) = attempt();
        let mut next = 0;
        while next < expected.len() {
            match rig.next() {
                Seen::Message(_, message) => {
                    let seen = match message {
                        Message::NoteOn { note, velocity, .. } => (note, velocity),
                        Message::NoteOff { note, .. } => (note, 0),
                        other => panic!("{other:?}"),
                    };
                    assert_eq!(seen, expected[next], "message {next}");
                    next += 1;
                }
                Seen::Lost(_) => break,
                other => panic!("message {next}: {other:?}"),
            }
        }
        let overruns = rig.status(device).counters.overruns;
        if next == expected.len() {
            assert_eq!(overruns, 0);
            return;
        }
        assert!(overruns > 0, "messages are missing after {next}, and no overrun was counted");
        println!("an overrun after {next} messages; once more");
    }
    panic!("no burst of {} messages got through in {ATTEMPTS} attempts", expected.len());
}

#[test]
fn a_midi_file_with_tens_of_thousands_of_events_at_once_loses_none() {
    let Some(_machine) = machine() else { return };
    let notes = 10_000;
    let file = midi_file(notes);
    let expected: Vec<(u8, u8)> = (0..notes)
        .flat_map(|note| {
            let key = (note % 128) as u8;
            [(key, 1 + (note % 127) as u8), (key, 0)]
        })
        .collect();
    let attempt = || {
        let rig = Rig::start(&[]);
        program("aplaymidi", &["-d", "0", "-p", "Padgate In", file.path().to_str().unwrap()]);
        (rig, "padgate in")
    };
    gets_through(attempt, &expected);
}

#[test]
fn a_burst_from_another_program_at_full_speed_loses_none() {
    let Some(_machine) = machine() else { return };
    let sender = rig::Sender::new("Burst sender");
    let expected = rig::Sender::messages(15_000);
    let attempt = || {
        let rig = Rig::start(&[device(0, "burst", "Burst sender", "", "")]);
        assert_eq!(rig.state("burst"), DeviceState::Connected);
        sender.burst(&expected);
        (rig, "burst")
    };
    gets_through(attempt, &expected);
}

#[test]
fn a_burst_that_is_sent_with_few_system_calls_loses_none() {
    let Some(_machine) = machine() else { return };
    let sender = rig::Sender::new("Burst sender");
    let rig = Rig::start(&[device(0, "burst", "Burst sender", "", "")]);
    // As many as the kernel holds, so that it does not matter when the reader gets its turn.
    let expected = rig::Sender::messages(1999);
    sender.batch(&expected);
    for message in expected {
        assert!(
            matches!(rig.next(), Seen::Message(_, Message::NoteOn { note, velocity, .. }) if (note, velocity) == message)
        );
    }
    assert_eq!(rig.status("burst").counters.overruns, 0);
}

#[test]
fn a_note_of_a_program_that_ends_is_let_go() {
    let Some(_machine) = machine() else { return };
    let sender = rig::Sender::new("Dying sender");
    let rig = Rig::start(&[device(0, "dying", "Dying sender", "", "")]);
    sender.burst(&[(60, 100)]);
    assert!(matches!(rig.next(), Seen::Message(..)));
    drop(sender);
    assert!(matches!(rig.next(), Seen::Lost(device) if device == id(0)));
    rig.wait_for("dying", DeviceState::Absent);
    let sender = rig::Sender::new("Dying sender");
    rig.wait_for("dying", DeviceState::Connected);
    sender.burst(&[(60, 100)]);
    assert!(matches!(rig.next(), Seen::Message(..)));
}

#[test]
fn messages_come_out_of_the_virtual_port_and_padgate_does_not_hear_itself() {
    let Some(_machine) = machine() else { return };
    let rig = Rig::start(&[device(0, "all", "*Padgate*", "*Padgate*", "")]);
    assert_eq!(rig.state("all"), DeviceState::Absent, "never our own");
    let mut dump =
        Command::new("aseqdump").args(["-p", "Padgate Out"]).stdout(Stdio::piped()).spawn().unwrap();
    rig.wait_until(|| !rig::listeners("Padgate Out").is_empty());
    for bytes in
        [&[0x91, 60, 100][..], &[0x81, 60, 0], &[0xB0, 7, 3], &[0xE0, 1, 0], &[0xF0, 0x7E, 1, 0xF7], &[0xFA]]
    {
        rig.midi.send(None, bytes).unwrap();
    }
    let mut lines = BufReader::new(dump.stdout.take().unwrap()).lines().map(Result::unwrap).filter(|line| {
        line.contains("Note")
            || line.contains("change")
            || line.contains("bend")
            || line.contains("exclusive")
            || line.contains("Start")
    });
    let squeezed = |line: String| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
    let seen: Vec<String> = lines.by_ref().take(6).map(squeezed).collect();
    drop(dump.kill());
    drop(dump.wait());
    assert_eq!(seen[0], "Note on 1, note 60, velocity 100");
    assert!(seen[1].starts_with("Note off 1, note 60"), "{seen:?}");
    assert_eq!(seen[2], "Control change 0, controller 7, value 3");
    assert_eq!(seen[3], "Pitch bend 0, value -8191");
    assert_eq!(seen[4], "System exclusive F0 7E 01 F7");
    assert_eq!(seen[5], "Start");
    assert!(rig.nothing_heard());
}

#[test]
fn the_output_of_a_device_is_a_port_of_a_program() {
    let Some(_machine) = machine() else { return };
    let receiver = rig::Receiver::new("Some synth");
    let rig = Rig::start(&[device(0, "synth", "", "Some synth", "")]);
    assert_eq!(rig.state("synth"), DeviceState::Connected);
    rig.midi.send(Some(id(0)), &[0x90, 1, 2]).unwrap();
    assert_eq!(receiver.read(3), [0x90, 1, 2]);
    drop(receiver);
    assert!(matches!(rig.next(), Seen::OutputLost(device) if device == id(0)));
    rig.wait_for("synth", DeviceState::Absent);
    let error = rig.midi.send(Some(id(0)), &[0x90, 1, 2]).unwrap_err();
    assert_eq!(error, "device `synth` is absent: no output port matches `Some synth`");
}

#[test]
fn a_large_sysex_arrives_whole_and_a_larger_one_is_one_error() {
    let Some(_machine) = machine() else { return };
    let (port, raw) = virmidi(1);
    let sysex = |length: usize| {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut bytes = vec![0xF0];
        bytes.extend((0..length - 2).map(|index| (index % 127) as u8));
        bytes.push(0xF7);
        std::fs::write(file.path(), &bytes).unwrap();
        (file, bytes)
    };
    let (file, bytes) = sysex(SYSEX_BYTES_MAX);
    unless_overrun(&port, |rig| {
        program("amidi", &["-p", &raw, "-s", file.path().to_str().unwrap()]);
        let Seen::Sysex(seen) = rig.next() else { return false };
        assert!(seen == bytes, "{} bytes arrived", seen.len());
        true
    });
    let (file, _) = sysex(1 << 20);
    unless_overrun(&port, |rig| {
        program("amidi", &["-p", &raw, "-s", file.path().to_str().unwrap()]);
        program("amidi", &["-p", &raw, "-S", "90 3C 64"]);
        let Seen::Message(_, message) = rig.next() else { return false };
        assert_eq!(message.to_string(), "note on C4 ch 1 velocity 100");
        let errors = rig.status("pads").counters.decode_errors;
        assert_eq!((errors.too_long, errors.total()), (1, 1));
        true
    });
}

/// Tries with a new manager until the attempt says that all was well. It may fail only if an overrun was counted, for the
/// reason that [`ATTEMPTS`] gives.
fn unless_overrun(port: &str, mut attempt: impl FnMut(&Rig) -> bool) {
    for _ in 0..ATTEMPTS {
        let rig = Rig::start(&[device(0, "pads", port, "", "")]);
        if attempt(&rig) {
            return;
        }
        assert!(rig.status("pads").counters.overruns > 0, "something is missing, and no overrun was counted");
        println!("an overrun; once more");
    }
    panic!("nothing got through whole in {ATTEMPTS} attempts");
}

/// A System Exclusive of so many bytes, and a note behind it.
fn sysex_and_note(length: usize) -> (Vec<u8>, [u8; 3], Vec<u8>) {
    let mut bytes = vec![0xF0];
    bytes.extend((0..length - 2).map(|index| (index % 127) as u8));
    bytes.push(0xF7);
    let note = [0x90, 1, 2];
    let all = [&bytes[..], &note].concat();
    (bytes, note, all)
}

#[test]
fn a_megabyte_of_sysex_reaches_a_program_whole_and_what_follows_comes_after_it() {
    let Some(_machine) = machine() else { return };
    let receiver = rig::Receiver::new("Some synth");
    let rig = Rig::start(&[device(0, "synth", "", "Some synth", "")]);
    let (sysex, note, all) = sysex_and_note(1 << 20);
    rig.midi.send(Some(id(0)), &sysex).unwrap();
    rig.midi.send(Some(id(0)), &note).unwrap();
    assert!(receiver.read(all.len()) == all);
    assert_eq!(rig.status("synth").counters.failed_sends, 0);
}

#[test]
fn a_sysex_reaches_a_raw_device_whole_and_what_follows_comes_after_it() {
    let Some(_machine) = machine() else { return };
    let (port, raw) = virmidi(2);
    let rig = Rig::start(&[device(0, "hardware", "", &port, "")]);
    // As much as the raw device holds for a reader that stands still for a while, and it does not say when it is full.
    let (sysex, note, all) = sysex_and_note(4000);
    let device = alsa::Rawmidi::new(&raw, alsa::Direction::Capture, true).unwrap();
    let mut seen = vec![0; all.len()];
    // The driver begins to listen with the first read.
    assert!(device.io().read(&mut seen).is_err(), "nothing yet");
    rig.midi.send(Some(id(0)), &sysex).unwrap();
    rig.midi.send(Some(id(0)), &note).unwrap();
    let mut length = 0;
    rig.wait_until(|| {
        length += device.io().read(&mut seen[length..]).unwrap_or(0);
        length == all.len()
    });
    assert!(seen == all);
    assert_eq!(rig.status("hardware").counters.failed_sends, 0);
}

#[test]
fn a_reload_does_not_interrupt_what_stays() {
    let Some(_machine) = machine() else { return };
    let (first, second) = (virmidi(0), virmidi(1));
    let rig = Rig::start(&[device(0, "a", &first.0, "", ""), device(1, "b", &second.0, "", "")]);
    rig.reconfigure(&[device(0, "a", &first.0, "", ""), device(2, "c", "VirMIDI 0-3", "", "")]);
    assert!(matches!(rig.next(), Seen::Lost(device) if device == id(1)));
    rig.wait_for("c", DeviceState::Connected);
    program("amidi", &["-p", &first.1, "-S", "C0 01"]);
    assert_eq!(rig.next_message(), "program 1 ch 1");
    assert!(rig.nothing_heard(), "nothing else was lost");
}

#[test]
fn nobody_else_can_cut_a_connection_or_send_into_it() {
    let Some(_machine) = machine() else { return };
    let (port, raw) = virmidi(3);
    let rig = Rig::start(&[device(0, "a", &port, "", "")]);
    program("aconnect", &["-x"]);
    let ours = rig::listeners(&port);
    assert_eq!(ours.len(), 1, "still connected");
    let address = format!("{}:{}", ours[0].client, ours[0].port);
    let refused = Command::new("aconnect").args(["14:0", &address]).output().unwrap();
    assert!(!refused.status.success(), "the port is private");
    program("amidi", &["-p", &raw, "-S", "C0 01"]);
    assert_eq!(rig.next_message(), "program 1 ch 1");
}

#[test]
fn all_ports_are_listed_with_who_has_them() {
    let Some(_machine) = machine() else { return };
    let (port, _) = virmidi(0);
    let rig = Rig::start(&[device(0, "pads", &port, &port, "")]);
    let ports = rig.midi.ports();
    let claimed: Vec<_> = ports.iter().filter(|info| info.claimed_by.as_deref() == Some("pads")).collect();
    assert_eq!(claimed.len(), 2, "{ports:#?}");
    assert!(claimed.iter().all(|info| info.port.name == port && !info.port.own));
    assert!(ports.iter().any(|info| info.port.name == "Padgate In" && info.port.own), "{ports:#?}");
    let overview = rig.midi.overview();
    assert_eq!((overview.unavailable, overview.virtual_ports_unavailable), (None, None));
}
