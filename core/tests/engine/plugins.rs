//! Calls of plugins: which presses are told of their release, and that each is told once.

use padgate_core::ruleset::Again;
use padgate_core::ruleset::action::Hold;
use padgate_core::ruleset::trigger::{Edge, Encoding};

use super::rules::{
    KEYS, bend, call, cc, cc14, channel_pressure, chord, hold, key, panic_all, press, program, release,
    repeat, rules, taps, turn, wait,
};
use super::script::{check, check_reload};

fn held() -> super::rules::Steps {
    call("set", Hold::WhileHeld)
}

#[test]
fn a_press_and_its_release() {
    let rules = rules([press(1).does(&[held()]), press(2).does(&[call("set", Hold::Tap)])]);
    check(&rules, "pad1 down, 5ms, pad1 up", "0ms lamp set press #1; 5ms lamp set release #1");
    check(&rules, "pad2 down, 5ms, pad2 up", "0ms lamp set tap #1");
}

#[test]
fn two_pads_that_hold_the_same_call_each_get_their_release() {
    let rules = rules([press(1).does(&[held()]), press(2).does(&[held()])]);
    check(
        &rules,
        "pad1 down, 10ms, pad2 down, 10ms, pad1 up, 10ms, pad2 up",
        "0ms lamp set press #1; 10ms lamp set press #2; 20ms lamp set release #1; 30ms lamp set release #2",
    );
}

#[test]
fn what_has_no_release_is_a_tap() {
    let rules = rules([
        press(1).does(&[key("a")]),
        release(1).does(&[held()]),
        taps(2, 2).does(&[held()]),
        program(None).does(&[held()]),
        super::rules::short(3, 200).does(&[held()]),
    ]);
    check(&rules, "pad1 down, 5ms, pad1 up", "0ms key a down; 5ms key a up; 5ms lamp set tap #1");
    check(&rules, "program 5", "0ms lamp set tap #1");
    check(&rules, "pad3 down, 5ms, pad3 up", "5ms lamp set tap #1");
    check(
        &rules,
        "pad2 down, 5ms, pad2 up, 5ms, pad2 down, 5ms, pad2 up",
        "10ms lamp set press #2; 15ms lamp set release #2",
    );
}

#[test]
fn a_hold_and_a_chord_have_a_release() {
    let rules = rules([hold(1, 100).does(&[held()]), chord("chord", &[2, 3], 40).does(&[held()])]);
    check(&rules, "pad1 down, 150ms, pad1 up", "100ms lamp set press #1; 150ms lamp set release #1");
    check(
        &rules,
        "pad2 down, 10ms, pad3 down, 10ms, pad2 up, 10ms, pad3 up",
        "10ms lamp set press #1; 20ms lamp set release #1",
    );
}

#[test]
fn what_moves_is_a_change_and_what_turns_a_tap_with_its_ticks() {
    let rules = rules([
        cc(7).does(&[held()]),
        cc14(1).does(&[held()]),
        bend().does(&[held()]),
        channel_pressure().does(&[held()]),
        turn(16, Encoding::TwosComplement).does(&[held()]),
    ]);
    check(&rules, "cc7 1, cc7 2", "0ms lamp set change #1; 0ms lamp set change #2");
    check(&rules, "bend 8193, pressure 5", "0ms lamp set change #1; 0ms lamp set change #2");
    check(&rules, "cc1 64, 1ms, cc33 1", "0ms lamp set change #1; 1ms lamp set change #2");
    check(&rules, "cc16 3, cc16 126", "0ms lamp set tap #1 3 ticks; 0ms lamp set tap #2 -2 ticks");
}

#[test]
fn a_range_that_is_entered_is_a_press() {
    let rules = rules([cc(7).does(&[held()]).filter(|filter| {
        filter.range = 64..=127;
        filter.edge = Edge::Enter;
    })]);
    check(
        &rules,
        "cc7 10, cc7 70, 5ms, cc7 80, 5ms, cc7 10",
        "0ms lamp set press #1; 10ms lamp set release #1",
    );
}

#[test]
fn every_way_of_letting_go_tells_the_plugin() {
    let rules = rules([press(1).does(&[held(), key("a")]), press(2).does(&[panic_all()])]);
    let down = "0ms lamp set press #1; 0ms key a down";
    let up = "10ms key a up; 10ms lamp set release #1";
    check(&rules, "pad1 down, 10ms, lost, 10ms, pad1 up", &format!("{down}; {up}"));
    check(&rules, "pad1 down, 10ms, end, 10ms, pad1 up", &format!("{down}; {up}"));
    let player = super::script::play(&[&rules], "pad1 down, 10ms, panic, 10ms, pad1 up");
    let told =
        player.log.iter().filter(|(_, output)| format!("{output:?}").contains("phase: Release")).count();
    assert_eq!(told, 1, "panic tells it, and the release that comes later does not again");
    assert_eq!(player.engine.held().count(), 0);
}

#[test]
fn a_reload_leaves_it_until_the_control_is_released() {
    let first = rules([press(1).does(&[held()])]);
    let second = rules([press(1).does(&[key("a")])]);
    check_reload(
        &[&first, &second],
        "pad1 down, 5ms, reload, 5ms, pad1 up",
        "0ms lamp set press #1; 10ms lamp set release #1",
    );
    let mut without = rules([press(1).does(&[key("a")])]);
    without.devices.retain(|device| device.id == KEYS);
    check_reload(
        &[&first, &without],
        "pad1 down, 5ms, reload",
        "0ms lamp set press #1; 5ms lamp set release #1",
    );
}

#[test]
fn a_press_that_calls_it_twice_lets_it_go_in_between() {
    let rules = rules([press(1).does(&[repeat(2, 10, &[held()])])]);
    check(
        &rules,
        "pad1 down, 50ms, pad1 up",
        "0ms lamp set press #1; 10ms lamp set release #1; 10ms lamp set press #1; 50ms lamp set release #1",
    );
}

#[test]
fn a_mapping_that_starts_again_lets_go_of_its_first_call() {
    let enough = || [held(), wait(100), key("a")];
    let rules = rules([
        press(1).again(Again::Restart).does(&enough()),
        press(2).again(Again::Concurrent).does(&enough()),
    ]);
    check(
        &rules,
        "pad1 down, 10ms, pad1 down, 10ms, pad1 up",
        "0ms lamp set press #1; 10ms lamp set release #1; 10ms lamp set press #2; 20ms lamp set release #2; \
         110ms key a tap",
    );
}
