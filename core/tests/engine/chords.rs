//! Chords: the longest wins, members wait no longer than needed, what fails is played as it was.

use super::rules::{MODE_A, chord, hold, key, press, release, repeat_held, rules, taps, text};
use super::script::{check, check_fired};

#[test]
fn a_chord_fires_when_it_is_complete_in_any_order() {
    let rules = rules([chord("both", &[1, 2], 40).does(&[key("a")])]);
    for script in ["pad1 down, 20ms, pad2 down, 80ms, pad1 up", "pad2 down, 20ms, pad1 down, 80ms, pad1 up"] {
        check(&rules, script, "20ms key a down; 100ms key a up");
    }
    check_fired(&rules, "pad1 down, 20ms, pad2 down", "20ms fired both");
}

#[test]
fn the_first_release_ends_it_and_the_second_changes_nothing() {
    let rules = rules([chord("both", &[1, 2], 40).does(&[key("a")]), press(1), press(2)]);
    check(
        &rules,
        "pad1 down, pad2 down, 50ms, pad2 up, 50ms, pad1 up, 50ms, pad2 up",
        "0ms key a down; 50ms key a up",
    );
}

#[test]
fn a_repetition_ends_with_the_first_release_as_keys_do() {
    let rules = rules([chord("both", &[1, 2], 40).does(&[repeat_held(10, &[text("x")])])]);
    check(&rules, "pad1 down, pad2 down, 15ms, pad2 up, 50ms, pad1 up", "0ms x; 10ms x");
}

#[test]
fn members_alone_wait_for_the_window() {
    let rules = rules([press(1), press(2), press(3), chord("both", &[1, 2], 40)]);
    check_fired(&rules, "pad1 down, 100ms, pad1 up", "40ms fired press after 40ms");
    check_fired(&rules, "pad3 down, 100ms, pad3 up", "0ms fired press");
}

#[test]
fn what_comes_after_the_window_is_no_chord() {
    let rules = rules([press(1).named("one"), press(2).named("two"), chord("both", &[1, 2], 40)]);
    check_fired(
        &rules,
        "pad1 down, 40ms, pad2 down, 100ms, pad1 up, pad2 up",
        "40ms fired one after 40ms; 40ms fired two",
    );
}

#[test]
fn a_key_of_a_member_that_waited_is_held_as_long_as_the_pad() {
    let rules = rules([press(1).does(&[key("a")]), chord("both", &[1, 2], 40)]);
    check(&rules, "pad1 down, 100ms, pad1 up", "40ms key a down; 100ms key a up");
}

#[test]
fn a_member_that_is_let_go_early_ends_the_wait_of_all_that_needed_it() {
    let rules = rules([
        press(1).named("one").does(&[key("a")]),
        press(2).named("two").does(&[key("b")]),
        chord("three", &[1, 2, 3], 40),
    ]);
    check(&rules, "pad1 down, 15ms, pad1 up", "15ms key a down; 15ms key a up");
    check(
        &rules,
        "pad1 down, 10ms, pad2 down, 10ms, pad1 up, 50ms, pad2 up",
        "20ms key a down; 20ms key b down; 20ms key a up; 70ms key b up",
    );
}

#[test]
fn a_member_that_can_be_in_another_chord_goes_on_waiting_for_that() {
    let rules = rules([
        press(1).named("one"),
        press(2).named("two"),
        chord("123", &[1, 2, 3], 40),
        chord("24", &[2, 4], 40),
    ]);
    let fired = "20ms fired one after 20ms; 50ms fired two after 40ms";
    check_fired(&rules, "pad1 down, 10ms, pad2 down, 10ms, pad1 up, 50ms, pad2 up", fired);
    let fired = "20ms fired one after 20ms; 30ms fired 24";
    check_fired(&rules, "pad1 down, 10ms, pad2 down, 10ms, pad1 up, 10ms, pad4 down", fired);
}

#[test]
fn a_pad_whose_partner_is_down_already_does_not_wait_for_it() {
    let rules = rules([press(1).named("one"), press(2).named("two"), chord("both", &[1, 2], 40)]);
    check_fired(
        &rules,
        "pad1 down, 100ms, pad2 down, 10ms, pad2 up, 10ms, pad1 up, 10ms, pad2 down, 5ms, pad1 down",
        "40ms fired one after 40ms; 100ms fired two; 135ms fired both",
    );
}

#[test]
fn the_longest_chord_wins_over_its_part() {
    let rules = rules([chord("two", &[1, 2], 40), chord("three", &[1, 2, 3], 40)]);
    check_fired(&rules, "pad1 down, 10ms, pad2 down, 10ms, pad3 down", "20ms fired three");
    check_fired(&rules, "pad1 down, 10ms, pad2 down", "40ms fired two after 30ms");
}

#[test]
fn a_part_that_is_let_go_is_decided_at_once() {
    let rules = rules([chord("two", &[1, 2], 40).does(&[key("a")]), chord("three", &[1, 2, 3], 40)]);
    check(
        &rules,
        "pad1 down, 10ms, pad2 down, 10ms, pad1 up, 10ms, pad2 up",
        "20ms key a down; 20ms key a up",
    );
}

#[test]
fn a_pad_that_belongs_to_no_chord_ends_the_wait_and_does_not_wait_itself() {
    let rules = rules([
        press(1).named("one"),
        press(2).named("two"),
        press(9).named("nine"),
        chord("three", &[1, 2, 3], 40),
    ]);
    check_fired(
        &rules,
        "pad1 down, 10ms, pad2 down, 10ms, pad9 down",
        "20ms fired one after 20ms; 20ms fired two after 10ms; 20ms fired nine",
    );
}

#[test]
fn a_pad_that_nothing_maps_ends_the_wait_too() {
    let rules = rules([press(1), chord("both", &[1, 2], 40)]);
    check_fired(&rules, "pad1 down, 10ms, pad9 down, 10ms, pad2 down", "10ms fired press after 10ms");
}

#[test]
fn chords_that_share_a_member_are_told_apart() {
    let rules = rules([
        press(1).named("one"),
        press(2).named("two"),
        press(3).named("three"),
        chord("12", &[1, 2], 40),
        chord("23", &[2, 3], 40),
    ]);
    check_fired(&rules, "pad2 down, 10ms, pad3 down", "10ms fired 23");
    check_fired(&rules, "pad2 down, 10ms, pad1 down", "10ms fired 12");
    check_fired(
        &rules,
        "pad1 down, 10ms, pad3 down, 10ms, pad2 down",
        "10ms fired one after 10ms; 20ms fired 23",
    );
}

#[test]
fn the_rest_of_a_failed_chord_can_still_be_another() {
    let rules = rules([
        press(1).named("one"),
        press(2).named("two"),
        chord("123", &[1, 2, 3], 40),
        chord("24", &[2, 4], 40),
    ]);
    check_fired(
        &rules,
        "pad1 down, 10ms, pad2 down, 10ms, pad4 down",
        "20ms fired one after 20ms; 20ms fired 24",
    );
    check_fired(
        &rules,
        "pad1 down, 30ms, pad2 down, 30ms, pad4 down",
        "40ms fired one after 40ms; 60ms fired 24",
    );
    check_fired(&rules, "pad1 down, 30ms, pad2 down", "40ms fired one after 40ms; 70ms fired two after 40ms");
}

#[test]
fn what_came_before_a_chord_is_played_before_it() {
    let rules = rules([press(1).named("one"), chord("1234", &[1, 2, 3, 4], 40), chord("23", &[2, 3], 40)]);
    check_fired(
        &rules,
        "pad1 down, 10ms, pad2 down, 10ms, pad3 down",
        "40ms fired one after 40ms; 40ms fired 23 after 20ms",
    );
}

#[test]
fn a_window_that_is_over_is_not_waited_for_again() {
    let rules = rules([
        press(1).named("one"),
        press(2).named("two"),
        chord("123", &[1, 2, 3], 40),
        chord("24", &[2, 4], 20),
    ]);
    check_fired(&rules, "pad1 down, 10ms, pad2 down", "40ms fired one after 40ms; 40ms fired two after 30ms");
}

#[test]
fn of_two_windows_each_chord_has_its_own() {
    let rules = rules([press(1).named("one"), chord("fast", &[1, 2], 20), chord("slow", &[1, 3], 60)]);
    check_fired(&rules, "pad1 down, 50ms, pad3 down", "50ms fired slow");
    check_fired(&rules, "pad1 down, 50ms, pad2 down", "50ms fired one after 50ms");
}

#[test]
fn a_chord_that_is_not_active_costs_nothing() {
    let rules = rules([press(1), chord("both", &[1, 2], 40).mode(MODE_A)]);
    check_fired(&rules, "pad1 down, 10ms, pad2 down", "0ms fired press");
    check_fired(&rules, "mode a, pad1 down, 10ms, pad2 down", "10ms fired both");
}

#[test]
fn a_mode_above_has_the_chord() {
    let rules = rules([chord("below", &[1, 2], 40), chord("above", &[1, 2], 40).mode(MODE_A)]);
    check_fired(&rules, "mode a, pad1 down, 10ms, pad2 down", "10ms fired above");
}

#[test]
fn tap_hold_and_double_tap_of_a_member_count_from_its_press() {
    let rules = rules([press(1), taps(1, 2), hold(1, 400), chord("both", &[1, 2], 40)]);
    check_fired(&rules, "pad1 down, 20ms, pad1 up", "300ms fired press after 300ms");
    check_fired(&rules, "pad1 down, 450ms, pad1 up", "400ms fired hold");
    check_fired(
        &rules,
        "pad1 down, 20ms, pad1 up, 80ms, pad1 down, 20ms, pad1 up",
        "120ms fired taps2 after 20ms",
    );
    check_fired(
        &rules,
        "pad1 down, 20ms, pad1 up, 80ms, pad1 down, 100ms, pad1 up",
        "140ms fired taps2 after 40ms",
    );
    check_fired(&rules, "pad1 down, 20ms, pad2 down", "20ms fired both");
}

#[test]
fn a_tap_within_its_window_counts_although_a_chord_holds_it_back_for_longer() {
    let rules = rules([press(1), taps(1, 2), chord("both", &[1, 2], 40)]);
    check_fired(
        &rules,
        "pad1 down, 20ms, pad1 up, 260ms, pad1 down, 100ms, pad1 up",
        "320ms fired taps2 after 40ms",
    );
    // The second press goes into the chord: the first was a tap of its own.
    check_fired(
        &rules,
        "pad1 down, 20ms, pad1 up, 260ms, pad1 down, 30ms, pad2 down",
        "310ms fired press after 310ms; 310ms fired both",
    );
}

#[test]
fn a_hold_shorter_than_the_chord_window_fires_when_the_chord_has_failed() {
    let rules = rules([hold(1, 20), chord("both", &[1, 2], 40)]);
    check_fired(&rules, "pad1 down, 100ms, pad1 up", "40ms fired hold after 20ms");
}

#[test]
fn a_release_mapping_of_a_member_of_a_complete_chord_is_silent() {
    let rules = rules([release(1), chord("both", &[1, 2], 40)]);
    check_fired(&rules, "pad1 down, pad2 down, 50ms, pad1 up, pad2 up", "0ms fired both");
}

#[test]
fn a_device_that_is_lost_takes_its_pending_presses_along() {
    let any = |map: super::rules::Map| map.select(|pad| pad.device = None);
    let rules = rules([
        any(press(1).does(&[key("a")])),
        any(press(2).does(&[key("b")])),
        any(chord("both", &[1, 2], 40)),
    ]);
    check(
        &rules,
        "pad1 down, 10ms, lost, 10ms, keys pad2 down, 50ms, keys pad2 up",
        "60ms key b down; 70ms key b up",
    );
    check(&rules, "pad1 down, 10ms, lost, 100ms, pad1 up", "");
}

#[test]
fn a_chord_over_two_devices_ends_with_the_loss_of_either() {
    let rules = rules([chord("both", &[1, 2], 40).select(|pad| pad.device = None).does(&[key("a")])]);
    check(
        &rules,
        "pad1 down, keys pad2 down, 50ms, lost, 50ms, keys pad2 up",
        "0ms key a down; 50ms key a up",
    );
}

#[test]
fn a_note_on_without_a_note_off_makes_no_chord_with_itself() {
    let rules = rules([press(1), chord("both", &[1, 2], 40)]);
    check_fired(
        &rules,
        "pad1 down, 10ms, pad1 down, 10ms, pad2 down",
        "10ms fired press after 10ms; 20ms fired both",
    );
}

#[test]
fn the_strongest_hit_gives_the_value() {
    let rules = rules([chord("both", &[1, 2], 40).does(&[super::rules::send_value(9)])]);
    check(&rules, "pad1 down 90, 10ms, pad2 down 20", "10ms out cc 9 90");
}

#[test]
fn a_wait_after_a_replayed_press_is_as_long_as_it_says() {
    let rules =
        rules([press(1).does(&[text("x"), super::rules::wait(30), text("y")]), chord("both", &[1, 2], 40)]);
    check(&rules, "pad1 down, 100ms, pad1 up", "40ms x; 70ms y");
}

#[test]
fn eight_members_and_a_roll_of_chords() {
    let eight = rules([chord("eight", &[1, 2, 3, 4, 5, 6, 7, 8], 40)]);
    let roll = (1..=8).map(|pad| format!("pad{pad} down, 1ms,")).collect::<String>();
    check_fired(&eight, &roll, "7ms fired eight");
    let pairs = rules([chord("12", &[1, 2], 40), chord("34", &[3, 4], 40)]);
    check_fired(
        &pairs,
        "pad1 down, 5ms, pad2 down, 5ms, pad3 down, 5ms, pad4 down",
        "5ms fired 12; 15ms fired 34",
    );
}
