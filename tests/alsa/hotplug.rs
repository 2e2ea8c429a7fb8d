//! USB controllers that come, go, and are twins, as the kernel sees real ones.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Result, bail};
use padgate_ipc::event::Event;
use padgate_tests::alsa::{Announcements, Synth, UsbController, available, find};
use padgate_tests::daemon::Daemon;
use padgate_tests::{DEADLINE, notice};

const PRODUCT: &str = "Test Pads";

/// The pads hold a note of the synth.
const CONFIG: &str = "[device.pads]\nport = \"Test Pads*\"\nout = false\n[device.synth]\nout = \"Test Synth\"\n\
     [[map]]\nname = \"Hold\"\non = { device = \"pads\", note = \"C1\" }\ndo = { midi = { note = \"C4\" }, to = \"synth\" }\n";

#[test]
fn unplugged_with_a_pad_down_and_plugged_in_under_another_number_nothing_hangs_and_it_works_again()
-> Result<()> {
    if !available()? {
        return Ok(());
    }
    let synth = Synth::new("Test Synth")?;
    let pads = UsbController::plug("pads", PRODUCT, "S1")?;
    let (first_client, _) = find(PRODUCT)?;
    let daemon = Daemon::start(CONFIG)?;
    let mut watch = daemon.watch()?;
    watch.connected("pads")?;
    watch.connected("synth")?;
    pads.send(&[0x90, 24, 100])?;
    assert_eq!(synth.next()?.1, [0x90, 60, 100]);

    pads.unplug()?;
    let (_, released) = synth.next()?;
    assert_eq!(released[..2], [0x80, 60], "the note is let go of by the unplugging");
    watch.next("the loss", |event| match event {
        Event::Devices { devices }
            if devices.iter().any(|device| device.name == "pads" && !device.connected) =>
        {
            Some(())
        }
        _ => None,
    })?;
    let status = watch.status()?;
    assert!(status.held.is_empty(), "{:?}", status.held);

    // Another one takes the place, so that this one gets another number.
    let _other = UsbController::plug("other", "Something else", "S2")?;
    let announcements = Announcements::new()?;
    let again = std::thread::spawn(|| UsbController::plug("pads", PRODUCT, "S1"));
    let (announced, client) = announcements.port_of(PRODUCT)?;
    // Whatever is played before the daemon listens is nobody's; the first note that comes through counts.
    let mut keys = UsbController::keys_of("pads")?;
    let heard = loop {
        keys.write_all(&[0x90, 24, 100, 0x80, 24, 64])?;
        if let Some((at, message)) = synth.within(Duration::from_millis(5)) {
            assert_eq!(message, [0x90, 60, 100]);
            break at;
        }
        if announced.elapsed() > DEADLINE {
            bail!("nothing came through after the replugging");
        }
    };
    notice(&format!(
        "replugged as client {client} instead of {first_client}: the first message was through {:.1} ms after the kernel \
         announced the port",
        heard.duration_since(announced).as_secs_f64() * 1000.0
    ));
    assert_ne!(client, first_client);
    let Ok(pads) = again.join() else { bail!("plugging in failed") };
    pads?;
    Ok(())
}

#[test]
fn a_daemon_that_was_there_before_its_controller_picks_it_up() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let synth = Synth::new("Test Synth")?;
    let daemon = Daemon::start(CONFIG)?;
    let mut watch = daemon.watch()?;
    let absent = watch.status()?;
    assert!(
        absent
            .devices
            .iter()
            .any(|device| device.name == "pads" && !device.connected && device.note.is_some())
    );
    let pads = UsbController::plug("pads", PRODUCT, "S1")?;
    watch.connected("pads")?;
    pads.send(&[0x90, 24, 100, 0x80, 24, 64])?;
    assert_eq!(synth.next()?.1, [0x90, 60, 100]);
    assert_eq!(synth.next()?.1[..2], [0x80, 60]);
    Ok(())
}

#[test]
fn an_output_that_comes_later_is_picked_up_too_and_gets_no_old_messages() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let pads = UsbController::plug("pads", PRODUCT, "S1")?;
    let daemon = Daemon::start(CONFIG)?;
    let mut watch = daemon.watch()?;
    watch.connected("pads")?;
    pads.send(&[0x90, 24, 1, 0x80, 24, 64])?;
    watch.fired("Hold")?;
    let synth = Synth::new("Test Synth")?;
    watch.connected("synth")?;
    pads.send(&[0x90, 24, 99, 0x80, 24, 64])?;
    assert_eq!(synth.next()?.1, [0x90, 60, 99]);
    Ok(())
}

#[test]
fn twins_are_told_apart_by_their_serial_numbers_in_whatever_order_they_come() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let synth = Synth::new("Test Synth")?;
    let config = "[device.left]\nport = \"Test Pads*\"\nusb = \"LEFT\"\nout = false\n\
         [device.right]\nport = \"Test Pads*\"\nusb = \"RIGHT\"\nout = false\n[device.synth]\nout = \"Test Synth\"\n\
         [[map]]\non = { device = \"left\", note = \"C1\" }\ndo = { midi = { note = 1 }, to = \"synth\" }\n\
         [[map]]\non = { device = \"right\", note = \"C1\" }\ndo = { midi = { note = 2 }, to = \"synth\" }\n";
    for order in [["LEFT", "RIGHT"], ["RIGHT", "LEFT"]] {
        let daemon = Daemon::start(config)?;
        let mut watch = daemon.watch()?;
        watch.connected("synth")?;
        let twins: Vec<UsbController> =
            order.iter().map(|serial| UsbController::plug(serial, PRODUCT, serial)).collect::<Result<_>>()?;
        watch.connected("left")?;
        watch.connected("right")?;
        for (serial, twin) in order.iter().zip(&twins) {
            twin.send(&[0x90, 24, 100, 0x80, 24, 64])?;
            let note = if *serial == "LEFT" { 1 } else { 2 };
            assert_eq!(synth.next()?.1, [0x90, note, 100], "{serial}, plugged in as {order:?}");
            assert_eq!(synth.next()?.1[..2], [0x80, note]);
        }
    }
    Ok(())
}
