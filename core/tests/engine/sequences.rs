//! Sequences of presses: nothing waits for them, and the last press is theirs.

use super::rules::{MODE_A, chord, control, key, map, ms, press, rules, sequence, taps};
use super::script::{check, check_fired};
use padgate_core::ruleset::trigger::{ControlKind, Trigger};

#[test]
fn the_last_press_goes_to_the_sequence() {
    let rules = rules([
        press(1).named("one"),
        press(2).named("two"),
        sequence("code", &[1, 2], 1000).does(&[key("a")]),
    ]);
    check(
        &rules,
        "pad1 down, 50ms, pad1 up, 50ms, pad2 down, 50ms, pad2 up, 50ms, pad2 down, pad2 up",
        "0ms one; 100ms key a down; 150ms key a up; 200ms two",
    );
}

#[test]
fn pads_of_a_sequence_need_no_mapping_of_their_own() {
    let rules = rules([sequence("code", &[1, 2, 1], 1000)]);
    check_fired(&rules, "pad1 down, pad1 up, pad2 down, pad2 up, pad1 down, pad1 up", "0ms fired code");
}

#[test]
fn a_pause_that_is_too_long_breaks_it() {
    let rules = rules([sequence("code", &[1, 2], 1000)]);
    check_fired(&rules, "pad1 down, 1000ms, pad2 down", "1000ms fired code");
    check_fired(&rules, "pad1 down, 1001ms, pad2 down", "");
}

#[test]
fn another_press_between_breaks_it() {
    let rules = rules([sequence("code", &[1, 2], 1000)]);
    check_fired(&rules, "pad1 down, pad9 down, pad2 down", "");
    check_fired(&rules, "pad1 down, keys pad9 down, pad2 down", "");
    check_fired(&rules, "pad1 down, cc7 100, pad5 up, pad2 down", "0ms fired code");
}

#[test]
fn what_it_was_made_of_makes_no_other() {
    let rules = rules([sequence("code", &[1, 1], 1000)]);
    let tap = "pad1 down, 10ms, pad1 up, 10ms,";
    check_fired(&rules, &tap.repeat(4), "20ms fired code; 60ms fired code");
}

#[test]
fn the_longest_sequence_wins() {
    let rules = rules([sequence("short", &[2, 3], 1000), sequence("long", &[1, 2, 3], 1000)]);
    check_fired(&rules, "pad1 down, pad2 down, pad3 down", "0ms fired long");
    check_fired(&rules, "pad2 down, pad3 down", "0ms fired short");
}

#[test]
fn of_two_as_long_the_topmost_mode_and_then_the_first_wins() {
    let rules = rules([
        sequence("first", &[1, 2], 1000),
        sequence("second", &[1, 2], 1000),
        sequence("above", &[1, 2], 1000).mode(MODE_A),
    ]);
    check_fired(&rules, "pad1 down, pad2 down", "0ms fired first");
    check_fired(&rules, "push a, pad1 down, pad2 down", "0ms fired above");
}

#[test]
fn one_that_is_not_active_does_nothing() {
    let rules = rules([press(2), sequence("code", &[1, 2], 1000).mode(MODE_A)]);
    check_fired(&rules, "pad1 down, pad2 down", "0ms fired press");
    check_fired(&rules, "pad1 down, mode a, pad2 down", "0ms fired code");
}

#[test]
fn presses_that_a_chord_held_back_count_in_their_order() {
    let rules = rules([
        press(1).named("one"),
        press(2).named("two"),
        sequence("code", &[1, 2], 1000),
        chord("both", &[2, 3], 40),
    ]);
    check_fired(&rules, "pad1 down, 100ms, pad2 down, 100ms", "0ms fired one; 140ms fired code after 40ms");
    check_fired(
        &rules,
        "pad1 down, 100ms, pad2 down, 10ms, pad9 down",
        "0ms fired one; 110ms fired code after 10ms",
    );
    check_fired(&rules, "pad1 down, 100ms, pad2 down, 10ms, pad3 down", "0ms fired one; 110ms fired both");
}

#[test]
fn a_chord_between_is_another_press() {
    let rules = rules([sequence("code", &[1, 2], 1000), chord("both", &[3, 4], 40)]);
    check_fired(&rules, "pad1 down, 10ms, pad3 down, pad4 down, 10ms, pad2 down", "10ms fired both");
}

#[test]
fn a_pad_that_waits_for_a_second_tap_can_end_a_sequence() {
    let rules = rules([press(1), taps(1, 2), sequence("code", &[1, 2, 1], 1000)]);
    check_fired(
        &rules,
        "pad1 down, 10ms, pad1 up, 50ms, pad2 down, 10ms, pad2 up, 50ms, pad1 down, 10ms, pad1 up",
        "120ms fired press after 120ms; 120ms fired code",
    );
}

#[test]
fn controllers_that_are_buttons_take_part() {
    let controls = [20, 21].map(|number| control(ControlKind::Controller, number)).to_vec();
    let rules = rules([map("code", Trigger::Sequence { controls, within: ms(1000) })]);
    check_fired(
        &rules,
        "cc20 127, 10ms, cc20 0, 10ms, cc21 127, 10ms, cc21 0, 10ms, cc21 127",
        "20ms fired code",
    );
}

#[test]
fn sixteen_presses() {
    let notes: Vec<u8> = (0..16).collect();
    let rules = rules([sequence("long", &notes, 100)]);
    let script =
        notes.iter().map(|note| format!("pad{note} down, 50ms, pad{note} up, 50ms,")).collect::<String>();
    check_fired(&rules, &script, "1500ms fired long");
}
