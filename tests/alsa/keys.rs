//! Keys through uinput, read back from the kernel's input device as a desktop would.

use std::sync::mpsc::{Receiver, channel};
use std::thread;

use anyhow::{Context as _, Result};
use evdev::{Device, EventSummary, KeyCode};
use padgate_tests::DEADLINE;
use padgate_tests::alsa::{UsbController, available};
use padgate_tests::daemon::Daemon;
use padgate_tests::notice;

const CONFIG: &str = "[settings]\noutput = \"uinput\"\n[device.pads]\nport = \"Test Pads*\"\nout = false\n\
     [[map]]\nname = \"Chord\"\non = { device = \"pads\", note = \"C1\" }\ndo = { key = \"ctrl+shift+r\" }\n";

/// What a key did: 1 is down, 0 is up.
type KeyEvent = (KeyCode, i32);

/// Reads the keys of the daemon's own keyboard.
fn keys() -> Result<Receiver<KeyEvent>> {
    let (_, mut keyboard) = evdev::enumerate()
        .find(|(_, device): &(_, Device)| {
            device.name().is_some_and(|name| name.to_lowercase().contains("padgate"))
        })
        .context("the daemon has made no input device")?;
    let (sender, keys) = channel();
    thread::spawn(move || {
        // Ends when the device does, or when nobody listens any more.
        while let Ok(events) = keyboard.fetch_events() {
            for event in events {
                if let EventSummary::Key(_, key, value) = event.destructure()
                    && sender.send((key, value)).is_err()
                {
                    return;
                }
            }
        }
    });
    Ok(keys)
}

fn next(keys: &Receiver<KeyEvent>, count: usize) -> Result<Vec<KeyEvent>> {
    (0..count).map(|_| keys.recv_timeout(DEADLINE).context("no key event came")).collect()
}

const DOWN: [KeyEvent; 3] = [(KeyCode::KEY_LEFTCTRL, 1), (KeyCode::KEY_LEFTSHIFT, 1), (KeyCode::KEY_R, 1)];
const UP: [KeyEvent; 3] = [(KeyCode::KEY_R, 0), (KeyCode::KEY_LEFTSHIFT, 0), (KeyCode::KEY_LEFTCTRL, 0)];

#[test]
fn a_chord_goes_down_with_the_pad_and_up_with_it_or_with_the_cable() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    if !std::path::Path::new("/dev/uinput").exists() {
        notice("not tested: this machine has no /dev/uinput");
        return Ok(());
    }
    let pads = UsbController::plug("pads", "Test Pads", "S1")?;
    let daemon = Daemon::start(CONFIG)?;
    let mut watch = daemon.watch()?;
    watch.connected("pads")?;
    let keys = keys()?;
    pads.send(&[0x90, 24, 100])?;
    assert_eq!(next(&keys, 3)?, DOWN);
    pads.send(&[0x80, 24, 64])?;
    assert_eq!(next(&keys, 3)?, UP);
    pads.send(&[0x90, 24, 100])?;
    assert_eq!(next(&keys, 3)?, DOWN);
    pads.unplug()?;
    assert_eq!(next(&keys, 3)?, UP, "unplugging lets go of what the pad held");
    Ok(())
}
