//! Tests with USB controllers, which the kernel's own driver sees as hardware.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use padgated::hands::MidiSend;
use padgated::midi::DeviceState;

use crate::rig::{DEADLINE, Rig, Seen, device, id, machine, program};

/// A controller that is plugged in, until it is dropped.
struct Controller {
    script: PathBuf,
    name: &'static str,
    /// The raw device on which a test plays the controller.
    raw: String,
}

/// The script that plugs controllers in; `None`, and a notice, if this machine can't.
fn script() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/alsa-vm/usb-midi");
    let script = std::env::var_os("PADGATE_USB_MIDI").map_or(default, PathBuf::from);
    if !script.exists() || !Path::new("/sys/kernel/config/usb_gadget").exists() {
        eprintln!("skipped: no USB controllers can be plugged in here; run it with tests/alsa-vm/run");
        return None;
    }
    Some(script)
}

impl Controller {
    fn plug(script: &Path, name: &'static str, product: &str, serial: &str) -> Controller {
        let raw = program(script.to_str().unwrap(), &["plug", name, product, serial]).trim().to_owned();
        Controller { script: script.to_owned(), name, raw }
    }

    fn play(&self, bytes: &str) {
        program("amidi", &["-p", &self.raw, "-S", bytes]);
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        // Not `program`: a panic here would hide the one that made the test fail.
        let _ = Command::new(&self.script).args(["unplug", self.name]).status();
    }
}

/// The number of the sequencer client with this name.
fn client_number(rig: &Rig, name: &str) -> u32 {
    rig.midi.ports().iter().find(|info| info.port.client == name).expect("it is listed").port.rank.0
}

/// When the kernel first lists a client of this name; looked at without the manager.
fn port_appears(name: &str) -> Instant {
    let name = format!("\"{name}\"");
    let until = Instant::now() + DEADLINE;
    while !std::fs::read_to_string("/proc/asound/seq/clients").is_ok_and(|list| list.contains(&name)) {
        assert!(Instant::now() < until, "{name} should be there by now");
        std::thread::yield_now();
    }
    Instant::now()
}

#[test]
fn a_controller_is_picked_up_lost_with_a_note_held_and_back_under_another_number() {
    let Some(_machine) = machine() else { return };
    let Some(script) = script() else { return };
    let rig = Rig::start(&[device(0, "pads", "Test Pad*", "Test Pad*", "")]);
    assert_eq!(rig.state("pads"), DeviceState::Absent);
    let appeared = std::thread::spawn(|| port_appears("Test Pad"));
    let pad = Controller::plug(&script, "a", "Test Pad", "A1");
    let connected = rig.wait_for("pads", DeviceState::Connected);
    println!("connected {:?} after the port appeared", connected.duration_since(appeared.join().unwrap()));
    pad.play("90 24 64");
    assert_eq!(rig.next_message(), "note on C2 ch 1 velocity 100");
    let usb = rig.status("pads").usb.expect("it is a USB device");
    assert_eq!(usb.serial.as_deref(), Some("A1"));
    assert!(usb.path.contains('-'), "{usb:?}");
    let first = client_number(&rig, "Test Pad");

    let before = Instant::now();
    drop(pad);
    let (lost, at) = rig.next_at();
    assert!(matches!(lost, Seen::Lost(device) if device == id(0)), "{lost:?}");
    println!("lost {:?} after the command to unplug it", at - before);
    assert!(matches!(rig.next(), Seen::OutputLost(device) if device == id(0)));
    rig.wait_for("pads", DeviceState::Absent);
    assert!(rig.midi.send(Some(id(0)), &[0x90, 1, 1]).unwrap_err().contains("is absent"));

    // Others take its numbers meanwhile.
    let _other = Controller::plug(&script, "b", "Other", "B2");
    let pad = Controller::plug(&script, "c", "Test Pad", "A1");
    rig.wait_for("pads", DeviceState::Connected);
    assert_ne!(client_number(&rig, "Test Pad"), first, "the test wants another number");
    pad.play("90 25 64");
    assert_eq!(rig.next_message(), "note on C#2 ch 1 velocity 100");
    rig.midi.send(Some(id(0)), &[0xB0, 1, 2]).unwrap();
    assert!(rig.nothing_heard());
}

#[test]
fn twins_are_told_apart_by_serial_whatever_the_order_in_which_they_come() {
    let Some(_machine) = machine() else { return };
    let Some(script) = script() else { return };
    let rig =
        Rig::start(&[device(0, "left", "Twin*", "", "LEFT*"), device(1, "right", "Twin*", "", "RIGHT*")]);
    for order in [["LEFT1", "RIGHT1"], ["RIGHT1", "LEFT1"]] {
        let controllers: Vec<Controller> = ["a", "b"]
            .into_iter()
            .zip(order)
            .map(|(name, serial)| Controller::plug(&script, name, "Twin", serial))
            .collect();
        rig.wait_until(|| rig.midi.status()[..2].iter().all(|s| s.state == DeviceState::Connected));
        for (controller, serial) in controllers.iter().zip(order) {
            controller.play("C0 01");
            let expected = if serial == "LEFT1" { id(0) } else { id(1) };
            assert!(matches!(rig.next(), Seen::Message(device, _) if device == expected), "{order:?}");
        }
        drop(controllers);
        assert!(matches!((rig.next(), rig.next()), (Seen::Lost(a), Seen::Lost(b)) if a != b));
        rig.wait_until(|| rig.midi.status()[..2].iter().all(|s| s.state == DeviceState::Absent));
    }
}

#[test]
fn a_controller_that_another_program_has_is_busy_and_taken_over_when_it_is_let_go() {
    let Some(_machine) = machine() else { return };
    let Some(script) = script() else { return };
    let controller = Controller::plug(&script, "a", "Busy Pad", "B1");
    let cards = program("amidi", &["-l"]);
    let raw = cards.lines().find(|line| line.contains("Busy Pad")).expect("the kernel's driver has it");
    let raw = raw.split_whitespace().nth(1).unwrap().to_owned();
    let mut amidi = Command::new("amidi").args(["-p", &raw, "-d"]).stdout(Stdio::piped()).spawn().unwrap();
    let proc = format!("/proc/asound/card{}/midi0", &raw[3..4]);
    let rig = Rig::start(&[]);
    rig.wait_until(|| crate::rig::raw_midi_is_read(&proc));
    rig.reconfigure(&[device(0, "pads", "Busy Pad*", "", "")]);
    rig.wait_for("pads", DeviceState::Busy);
    let reason = rig.status("pads").input.unwrap().reason.unwrap();
    assert!(reason.contains("another program has `Busy Pad:Busy Pad MIDI 1` open"), "{reason}");
    amidi.kill().unwrap();
    amidi.wait().unwrap();
    rig.wait_for("pads", DeviceState::Connected);
    controller.play("C0 01");
    assert_eq!(rig.next_message(), "program 1 ch 1");
}
