//! Keys, text and mouse through the kernel, read back from the device that it makes of them. Needs `/dev/uinput`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod support;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use evdev::{Device, EventSummary, KeyCode, RelativeAxisCode};
use padgate_core::engine::{Effect, Phase};
use padgate_core::ruleset::OutputChoice;
use padgate_core::ruleset::action::{MouseButton, PointerMove};
use padgated::actions::{OutputKind, Places};
use padgated::outcome::Outcome;
use support::{DEADLINE, Rig, eventually, keys, text};

/// The tests look for a device by its name, so there must be one at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What the device did: a key with 1 or 0, or an axis with its steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Read {
    Key(KeyCode, i32),
    Axis(RelativeAxisCode, i32),
}

struct Bench {
    rig: Rig,
    read: Receiver<Read>,
    _alone: MutexGuard<'static, ()>,
}

fn devices() -> Vec<Device> {
    evdev::enumerate().map(|(_, device)| device).filter(|device| device.name() == Some("Padgate")).collect()
}

impl Bench {
    fn new() -> Option<Bench> {
        let path = PathBuf::from("/dev/uinput");
        if std::fs::OpenOptions::new().write(true).open(&path).is_err() {
            eprintln!("SKIPPED: /dev/uinput is not there, or not for this user");
            return None;
        }
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        eventually("the end of the last test's device", || devices().is_empty().then_some(()));
        let places = Places { uinput: Some(path), ..Places::default() };
        let rig = Rig::with(places, |setup| setup.output = OutputChoice::Uinput);
        let status = rig.actions.output();
        assert_eq!(status.chosen, OutputKind::Uinput, "{}", status.reason);
        let mut device = eventually("the device", || devices().pop());
        let (sender, read) = channel();
        std::thread::spawn(move || {
            // Ends with the device.
            while let Ok(events) = device.fetch_events() {
                for event in events {
                    let _ = match event.destructure() {
                        EventSummary::Key(_, code, value) => sender.send(Read::Key(code, value)),
                        EventSummary::RelativeAxis(_, axis, value) => sender.send(Read::Axis(axis, value)),
                        _ => Ok(()),
                    };
                }
            }
        });
        Some(Bench { rig, read, _alone: alone })
    }

    fn expect(&self, expected: &[Read]) {
        for (place, expected) in expected.iter().enumerate() {
            let read = self.read.recv_timeout(DEADLINE);
            assert_eq!(read.as_ref(), Ok(expected), "event {place}");
        }
    }
}

fn down(code: KeyCode) -> Read {
    Read::Key(code, 1)
}

fn up(code: KeyCode) -> Read {
    Read::Key(code, 0)
}

#[test]
fn chords_are_held_and_released_in_reverse() {
    let Some(bench) = Bench::new() else { return };
    bench.rig.done(keys("ctrl+shift+r", Phase::Down));
    bench.expect(&[down(KeyCode::KEY_LEFTCTRL), down(KeyCode::KEY_LEFTSHIFT), down(KeyCode::KEY_R)]);
    bench.rig.done(keys("ctrl+shift+r", Phase::Up));
    bench.expect(&[up(KeyCode::KEY_R), up(KeyCode::KEY_LEFTSHIFT), up(KeyCode::KEY_LEFTCTRL)]);
    bench.rig.done(keys("code:190", Phase::Tap));
    bench.expect(&[down(KeyCode::KEY_F20), up(KeyCode::KEY_F20)]);
}

#[test]
fn text_is_typed_and_held_modifiers_do_not_spoil_it() {
    let Some(bench) = Bench::new() else { return };
    let (ctrl, shift) = (KeyCode::KEY_LEFTCTRL, KeyCode::KEY_LEFTSHIFT);
    bench.rig.done(keys("ctrl", Phase::Down));
    bench.expect(&[down(ctrl)]);
    bench.rig.done(text("a?"));
    let (a, slash) = (KeyCode::KEY_A, KeyCode::KEY_SLASH);
    bench.expect(&[up(ctrl), down(a), up(a), down(shift), down(slash), up(slash), up(shift), down(ctrl)]);
    let Outcome::Failed(why) = bench.rig.run(text("ok é")) else { panic!() };
    assert!(why.contains("'é'"), "{why}");
    bench.rig.done(keys("ctrl", Phase::Up));
    bench.expect(&[up(ctrl)]);
}

#[test]
fn mouse_and_wheel_move() {
    let Some(bench) = Bench::new() else { return };
    let left = KeyCode::BTN_LEFT;
    bench.rig.done(Effect::Button { button: MouseButton::Left, phase: Phase::Tap, clicks: 2 });
    bench.expect(&[down(left), up(left), down(left), up(left)]);
    bench.rig.done(Effect::Pointer(PointerMove::By(7, -3)));
    bench.expect(&[Read::Axis(RelativeAxisCode::REL_X, 7), Read::Axis(RelativeAxisCode::REL_Y, -3)]);
    bench.rig.done(Effect::Scroll { horizontal: 1, vertical: 2 });
    let wheel = Read::Axis(RelativeAxisCode::REL_WHEEL, -1);
    bench.expect(&[wheel, wheel, Read::Axis(RelativeAxisCode::REL_HWHEEL, 1)]);
    let outcome = bench.rig.run(Effect::Pointer(PointerMove::To(1, 1)));
    assert!(matches!(outcome, Outcome::Unavailable(_)), "{outcome:?}");
}

#[test]
fn stopping_releases_what_is_held() {
    let Some(bench) = Bench::new() else { return };
    bench.rig.done(keys("shift+x", Phase::Down));
    bench.rig.done(Effect::Button { button: MouseButton::Right, phase: Phase::Down, clicks: 1 });
    let (shift, x, right) = (KeyCode::KEY_LEFTSHIFT, KeyCode::KEY_X, KeyCode::BTN_RIGHT);
    bench.expect(&[down(shift), down(x), down(right)]);
    assert!(bench.rig.actions.shutdown());
    bench.expect(&[up(x), up(shift), up(right)]);
}
