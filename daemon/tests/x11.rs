//! Keys, text and mouse on a real X server, as a real window gets them.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod support;

use padgate_core::engine::{Effect, Phase, RequestId};
use padgate_core::ruleset::action::{MediaKey, MouseButton, PointerMove};
use padgated::actions::{OutputKind, Places, QUEUE_REQUESTS};
use padgated::journal::{HeldOutput, Journal};
use padgated::outcome::Outcome;
use support::window::{Seen, TestWindow};
use support::xserver::XServer;
use support::{Rig, eventually, keys, text};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::ConnectionExt as _;
use xkeysym::Keysym;

const NO_KEYS: [u8; 0] = [];
const SAMPLE: &str = "Hello, Wörld! naïve café €5 — 漢字 \"Quotes\" {}[]|~^ 🎹\tend\n";

fn rig_and_window() -> Option<(XServer, Rig, TestWindow)> {
    let server = XServer::start()?;
    let window = TestWindow::open(&server.display);
    let rig = Rig::new(server.places());
    let status = rig.actions.output();
    assert_eq!(status.chosen, OutputKind::X11, "{}", status.reason);
    Some((server, rig, window))
}

#[test]
fn text_is_exact_in_every_layout() {
    let Some((server, rig, window)) = rig_and_window() else { return };
    for layout in ["us", "de", "fr", "us", "ru"] {
        server.layout(layout);
        for _ in 0..2 {
            rig.done(text(SAMPLE));
            assert_eq!(window.read_text(SAMPLE), SAMPLE, "in layout {layout}");
        }
    }
    assert_eq!(window.keys_down(), NO_KEYS);
}

#[test]
fn text_is_exact_under_caps_lock() {
    let Some((_server, rig, window)) = rig_and_window() else { return };
    rig.done(keys("capslock", Phase::Tap));
    rig.done(text(SAMPLE));
    assert_eq!(window.read_text(SAMPLE), SAMPLE);
}

#[test]
fn more_foreign_characters_than_spare_keys_come_in_order() {
    let Some((_server, rig, window)) = rig_and_window() else { return };
    let long: String = ('一'..).take(80).chain('А'..='я').collect();
    rig.done(text(&long));
    assert_eq!(window.read_text(&long), long);
}

#[test]
fn what_pads_hold_does_not_spoil_text() {
    let Some((_server, rig, window)) = rig_and_window() else { return };
    rig.done(keys("ctrl+a", Phase::Down));
    assert_eq!(window.next(), Seen::Press(Keysym::Control_L, 0));
    assert_eq!(window.next(), Seen::Press(Keysym::a, 4));
    let down = window.keys_down();
    assert_eq!(down.len(), 2);
    let sample = "Banana Ära";
    rig.done(text(sample));
    assert_eq!(window.read_text(sample), sample);
    assert_eq!(window.keys_down(), down, "what was held is held again");
    rig.done(keys("ctrl+a", Phase::Up));
    assert_eq!(window.keys_down(), NO_KEYS);
}

#[test]
fn chords_go_down_in_order_and_up_in_reverse() {
    let Some((_server, rig, window)) = rig_and_window() else { return };
    rig.done(keys("ctrl+shift+r", Phase::Down));
    assert_eq!(window.next(), Seen::Press(Keysym::Control_L, 0));
    assert_eq!(window.next(), Seen::Press(Keysym::Shift_L, 4));
    assert_eq!(window.next(), Seen::Press(Keysym::R, 5));
    assert_eq!(window.keys_down().len(), 3);
    rig.done(keys("ctrl+shift+r", Phase::Up));
    assert_eq!(window.next(), Seen::Release(Keysym::R));
    assert_eq!(window.next(), Seen::Release(Keysym::Shift_L));
    assert_eq!(window.next(), Seen::Release(Keysym::Control_L));
    assert_eq!(window.keys_down(), NO_KEYS);
}

#[test]
fn a_release_lets_go_of_what_was_pressed_even_if_the_layout_changed() {
    let Some((server, rig, window)) = rig_and_window() else { return };
    rig.done(keys("z", Phase::Down));
    assert_eq!(window.keys_down(), [52]);
    server.layout("de");
    rig.done(keys("z", Phase::Up));
    assert_eq!(window.keys_down(), NO_KEYS);
    rig.done(keys("z", Phase::Down));
    assert_eq!(window.keys_down(), [29], "the German z is elsewhere");
}

#[test]
fn keys_that_the_layout_has_only_shifted_or_not_at_all_are_found() {
    let Some((_server, rig, window)) = rig_and_window() else { return };
    for (name, symbol) in [
        ("?", Keysym::question),
        ("plus", Keysym::plus),
        ("é", Keysym::eacute),
        ("f20", Keysym::F20),
        ("playpause", Keysym::XF86_AudioPlay),
        ("kp5", Keysym::KP_5),
        ("code:57", Keysym::space),
    ] {
        rig.done(keys(name, Phase::Tap));
        let pressed = std::iter::from_fn(|| Some(window.next())).find_map(|seen| match seen {
            Seen::Press(symbol, _) if !symbol.is_modifier_key() => Some(symbol),
            _ => None,
        });
        let expected = if name == "kp5" { vec![symbol, Keysym::KP_Begin] } else { vec![symbol] };
        assert!(expected.contains(&pressed.unwrap()), "{name}: {pressed:?}");
    }
    assert_eq!(window.keys_down(), NO_KEYS);
    let outcome = rig.run(keys("code:700", Phase::Tap));
    assert!(matches!(&outcome, Outcome::Unavailable(why) if why.contains("700")), "{outcome:?}");
}

#[test]
fn clicks_wheel_and_pointer_arrive() {
    let Some((_server, rig, window)) = rig_and_window() else { return };
    let button = |button, phase, clicks| Effect::Button { button, phase, clicks };
    rig.done(button(MouseButton::Left, Phase::Tap, 3));
    for _ in 0..3 {
        assert_eq!(window.next(), Seen::ButtonPress(1));
        assert_eq!(window.next(), Seen::ButtonRelease(1));
    }
    rig.done(button(MouseButton::Forward, Phase::Down, 1));
    assert_eq!(window.next(), Seen::ButtonPress(9));
    rig.done(button(MouseButton::Forward, Phase::Up, 1));
    assert_eq!(window.next(), Seen::ButtonRelease(9));
    rig.done(Effect::Scroll { horizontal: -1, vertical: 2 });
    for code in [5, 5, 6] {
        assert_eq!(window.next(), Seen::ButtonPress(code));
        assert_eq!(window.next(), Seen::ButtonRelease(code));
    }
    rig.done(Effect::Pointer(PointerMove::To(120, 80)));
    assert_eq!(window.pointer(), (120, 80));
    rig.done(Effect::Pointer(PointerMove::By(-20, 15)));
    assert_eq!(window.pointer(), (100, 95));
}

#[test]
fn a_server_that_dies_is_said_and_its_successor_is_used() {
    let Some((mut server, rig, window)) = rig_and_window() else { return };
    rig.done(keys("ctrl", Phase::Down));
    server.kill();
    drop(window);
    let outcome = rig.run(keys("a", Phase::Tap));
    assert!(matches!(&outcome, Outcome::Unavailable(why) if why.contains("lost")), "{outcome:?}");
    assert_eq!(rig.run(keys("ctrl", Phase::Up)), Outcome::Done, "a dead server holds nothing");
    let outcome = rig.run(text("x"));
    assert!(matches!(&outcome, Outcome::Unavailable(why) if why.contains(&server.display)), "{outcome:?}");
    let server = XServer::start_on(&server.display);
    let window = TestWindow::open(&server.display);
    eventually("typing into the new server", || (rig.run(text("Back")) == Outcome::Done).then_some(()));
    assert_eq!(window.read_text("Back"), "Back");
    assert_eq!(rig.actions.output().chosen, OutputKind::X11);
}

#[test]
fn stopping_releases_all_keys_and_takes_back_spare_ones() {
    let Some((server, rig, window)) = rig_and_window() else { return };
    rig.done(keys("ctrl+shift+x", Phase::Down));
    rig.done(Effect::Button { button: MouseButton::Right, phase: Phase::Down, clicks: 1 });
    rig.done(text("漢"));
    assert!(rig.actions.shutdown(), "in time");
    assert_eq!(window.keys_down(), NO_KEYS);
    assert_eq!(window.buttons_down(), 0);
    let setup = window.connection.setup();
    let count = setup.max_keycode - setup.min_keycode + 1;
    let mapping = window.connection.get_keyboard_mapping(setup.min_keycode, count).unwrap().reply().unwrap();
    assert!(!mapping.keysyms.contains(&(0x0100_0000 + u32::from('漢'))));
    assert!(matches!(rig.run(text("x")), Outcome::Unavailable(_)));
    drop(server);
}

#[test]
fn what_a_killed_predecessor_held_is_released() {
    let Some((server, killed, window)) = rig_and_window() else { return };
    killed.done(keys("ctrl+j", Phase::Down));
    killed.done(Effect::Button { button: MouseButton::Left, phase: Phase::Down, clicks: 1 });
    let codes = window.keys_down();
    assert_eq!(codes.len(), 2);
    let held = HeldOutput { display: server.display.clone(), keycodes: codes, buttons: vec![1] };
    // What a start would find if the daemon were killed now; the file follows in its own time.
    let left_over = eventually("the journal's file", || {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("held");
        std::fs::copy(&killed.journal_path, &copy).ok()?;
        let (journal, left_over) = Journal::open(&copy);
        journal.close();
        assert_eq!(left_over.problem, None, "the file is whole at any time");
        left_over.output.filter(|output| *output == held)
    });
    let rig = Rig::with(server.places(), |setup| setup.left_over = Some(left_over));
    assert_eq!(rig.actions.output().chosen, OutputKind::X11);
    eventually("the release of the keys", || window.keys_down().is_empty().then_some(()));
    eventually("the release of the button", || (window.buttons_down() == 0).then_some(()));
}

#[test]
fn a_flood_ends_every_request_once_and_leaves_nothing_down() {
    let Some((_server, rig, window)) = rig_and_window() else { return };
    let mut taken: Vec<RequestId> = Vec::new();
    let mut dropped = 0;
    for round in 0..20 * QUEUE_REQUESTS {
        let name = ["a", "shift+b", "ctrl+c", "é"][round % 4];
        for phase in [Phase::Down, Phase::Up] {
            match rig.send(keys(name, phase)) {
                Ok(id) => taken.push(id),
                Err(outcome) => {
                    let expected = if phase == Phase::Up { Outcome::Done } else { Outcome::Dropped };
                    assert_eq!(outcome, expected);
                    dropped += 1;
                }
            }
        }
    }
    for id in taken {
        assert_eq!(rig.collector.wait(id).outcome, Outcome::Done);
    }
    assert!(dropped > 0, "the flood was more than the queue holds");
    assert_eq!(window.keys_down(), NO_KEYS);
}

#[test]
fn media_keys_reach_the_keyboard_when_there_is_no_player() {
    let Some((_server, rig, window)) = rig_and_window() else { return };
    rig.done(Effect::Media(MediaKey::Next));
    assert_eq!(window.next(), Seen::Press(Keysym::XF86_AudioNext, 0));
}

#[test]
fn without_any_output_each_action_says_why() {
    let rig = Rig::new(Places::default());
    assert_eq!(rig.actions.output().chosen, OutputKind::None);
    let Outcome::Unavailable(why) = rig.run(text("x")) else { panic!() };
    for part in ["DISPLAY", "WAYLAND_DISPLAY", "uinput"] {
        assert!(why.contains(part), "{why}");
    }
    let rig = Rig::new(Places { display: Some(":59000".to_owned()), ..Places::default() });
    let Outcome::Unavailable(why) = rig.run(text("x")) else { panic!() };
    assert!(why.contains(":59000"), "{why}");
}
