//! Double taps and more, and what they cost the plain press.

use super::rules::{MODE_A, hold, key, press, release, rules, short, taps};
use super::script::{check, check_fired};

#[test]
fn a_double_tap_fires_with_its_second_press() {
    let rules = rules([taps(5, 2).does(&[key("a")])]);
    check(
        &rules,
        "pad5 down, 50ms, pad5 up, 100ms, pad5 down, 50ms, pad5 up",
        "150ms key a down; 200ms key a up",
    );
    check(&rules, "pad5 down, 50ms, pad5 up", "");
}

#[test]
fn a_plain_press_waits_for_the_window_and_no_longer() {
    let rules = rules([press(5), taps(5, 2)]);
    check_fired(&rules, "pad5 down, 50ms, pad5 up", "300ms fired press after 300ms");
    check_fired(&rules, "pad5 down, 50ms, pad5 up, 249ms, pad5 down, pad5 up", "299ms fired taps2");
}

#[test]
fn the_window_is_over_when_it_has_passed() {
    let rules = rules([press(5), taps(5, 2)]);
    check_fired(
        &rules,
        "pad5 down, 50ms, pad5 up, 250ms, pad5 down, pad5 up",
        "300ms fired press after 300ms; 600ms fired press after 300ms",
    );
}

#[test]
fn a_pad_that_stays_down_past_the_window_is_a_press_that_is_held() {
    let rules = rules([press(5).does(&[key("a")]), taps(5, 2)]);
    check(&rules, "pad5 down, 500ms, pad5 up", "300ms key a down; 500ms key a up");
}

#[test]
fn a_tap_that_waited_is_over_and_its_key_is_tapped() {
    let rules = rules([press(5).does(&[key("a")]), taps(5, 2)]);
    check(&rules, "pad5 down, 50ms, pad5 up", "300ms key a tap");
}

#[test]
fn three_taps_beat_two_and_two_wait_for_the_third() {
    let rules = rules([press(5), taps(5, 2), taps(5, 3)]);
    let tap = "pad5 down, 20ms, pad5 up, 80ms,";
    check_fired(&rules, tap, "300ms fired press after 300ms");
    check_fired(&rules, &tap.repeat(2), "400ms fired taps2 after 300ms");
    check_fired(&rules, &tap.repeat(3), "200ms fired taps3");
    check_fired(&rules, &tap.repeat(4), "200ms fired taps3; 600ms fired press after 300ms");
}

#[test]
fn eight_taps() {
    let rules = rules([taps(5, 8)]);
    let tap = "pad5 down, 20ms, pad5 up, 80ms,";
    check_fired(&rules, &tap.repeat(8), "700ms fired taps8");
    check_fired(&rules, &tap.repeat(7), "");
    check_fired(&rules, &tap.repeat(16), "700ms fired taps8; 1500ms fired taps8");
}

#[test]
fn taps_that_make_up_nothing_are_played_singly() {
    let rules = rules([press(5), taps(5, 3)]);
    let tap = "pad5 down, 20ms, pad5 up, 80ms,";
    check_fired(&rules, &tap.repeat(2), "400ms fired press after 400ms; 400ms fired press after 300ms");
}

#[test]
fn the_last_of_taps_that_make_up_nothing_may_still_be_held() {
    let rules = rules([press(5).does(&[key("a")]), taps(5, 3)]);
    check(
        &rules,
        "pad5 down, 20ms, pad5 up, 80ms, pad5 down, 500ms, pad5 up",
        "400ms key a tap; 400ms key a down; 600ms key a up",
    );
}

#[test]
fn each_tap_that_was_played_singly_is_what_its_length_says() {
    let rules = rules([short(5, 100), super::rules::long(5, 200), taps(5, 3)]);
    check_fired(
        &rules,
        "pad5 down, 50ms, pad5 up, 50ms, pad5 down, 250ms, pad5 up",
        "400ms fired short after 350ms; 400ms fired long after 50ms",
    );
    check_fired(
        &rules,
        "pad5 down, 50ms, pad5 up, 50ms, pad5 down, 500ms, pad5 up",
        "400ms fired short after 350ms; 600ms fired long",
    );
}

#[test]
fn a_tap_and_a_hold_are_no_multiple_tap() {
    let rules = rules([press(5), hold(5, 400), taps(5, 3)]);
    check_fired(
        &rules,
        "pad5 down, 50ms, pad5 up, 50ms, pad5 down, 500ms, pad5 up",
        "400ms fired press after 400ms; 500ms fired hold",
    );
    let quick = super::rules::rules([press(5), hold(5, 200), taps(5, 3)]);
    check_fired(
        &quick,
        "pad5 down, 50ms, pad5 up, 50ms, pad5 down, 250ms, pad5 up",
        "300ms fired press after 300ms; 300ms fired hold",
    );
}

#[test]
fn a_double_tap_that_is_held_while_it_waits_for_more_taps_is_no_hold() {
    let rules = rules([press(5), hold(5, 200), taps(5, 2).does(&[key("a")]), taps(5, 3)]);
    check(
        &rules,
        "pad5 down, 50ms, pad5 up, 50ms, pad5 down, 450ms, pad5 up",
        "400ms key a down; 550ms key a up",
    );
}

#[test]
fn more_taps_than_two_and_fewer_than_four() {
    let rules = rules([press(5), taps(5, 2), taps(5, 4)]);
    let tap = "pad5 down, 20ms, pad5 up, 80ms,";
    check_fired(&rules, &tap.repeat(3), "500ms fired press after 500ms; 500ms fired taps2 after 300ms");
}

#[test]
fn tap_double_tap_and_hold_on_one_pad() {
    let rules = rules([press(5), taps(5, 2), hold(5, 400)]);
    check_fired(&rules, "pad5 down, 50ms, pad5 up", "300ms fired press after 300ms");
    check_fired(&rules, "pad5 down, 350ms, pad5 up", "350ms fired press after 350ms");
    check_fired(&rules, "pad5 down, 500ms, pad5 up", "400ms fired hold");
    check_fired(&rules, "pad5 down, 50ms, pad5 up, 50ms, pad5 down, 900ms, pad5 up", "100ms fired taps2");
}

#[test]
fn a_hold_shorter_than_the_window() {
    let rules = rules([press(5), taps(5, 2), hold(5, 200)]);
    check_fired(
        &rules,
        "pad5 down, 250ms, pad5 up, 10ms, pad5 down, 10ms, pad5 up",
        "200ms fired hold; 560ms fired press after 300ms",
    );
}

#[test]
fn a_short_press_waits_for_the_double_tap() {
    let rules = rules([short(5, 200), taps(5, 2)]);
    check_fired(&rules, "pad5 down, 50ms, pad5 up", "300ms fired short after 250ms");
    check_fired(&rules, "pad5 down, 250ms, pad5 up", "");
}

#[test]
fn every_release_counts_within_a_series() {
    let rules = rules([release(5), taps(5, 2)]);
    check_fired(
        &rules,
        "pad5 down, 20ms, pad5 up, 80ms, pad5 down, 20ms, pad5 up",
        "20ms fired release; 100ms fired taps2; 120ms fired release",
    );
}

#[test]
fn a_note_on_without_a_note_off_is_a_tap_too() {
    let rules = rules([press(5), taps(5, 2)]);
    check_fired(&rules, "pad5 down, 100ms, pad5 down, 400ms, pad5 up", "100ms fired taps2");
    check_fired(
        &rules,
        "pad5 down, 100ms, pad5 down, 50ms, pad5 up, 20ms, pad5 down, 20ms, pad5 up",
        "100ms fired taps2; 470ms fired press after 300ms",
    );
}

#[test]
fn taps_of_two_pads_are_counted_apart() {
    let rules = rules([taps(5, 2), taps(6, 2).named("six")]);
    check_fired(
        &rules,
        "pad5 down, 20ms, pad5 up, 20ms, pad6 down, 20ms, pad6 up, 20ms, pad5 down, 20ms, pad5 up",
        "80ms fired taps2",
    );
}

#[test]
fn a_mode_that_changes_within_the_window_does_not_change_what_was_begun() {
    let rules = rules([press(5), taps(5, 2).mode(MODE_A)]);
    check_fired(
        &rules,
        "mode a, pad5 down, 20ms, pad5 up, mode b, 50ms, pad5 down, 20ms, pad5 up",
        "70ms fired taps2",
    );
    check_fired(&rules, "mode a, pad5 down, 20ms, pad5 up, mode b", "300ms fired press after 300ms");
}
