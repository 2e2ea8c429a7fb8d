//! Press, release, hold, short and long: each alone, and the wait that each costs the others.

use super::rules::{
    MODE_A, Map, cc_press, hold, key, long, map, note, pad, press, release, rules, same, short, text,
};
use super::script::{check, check_fired};
use padgate_core::ruleset::trigger::Trigger;
use padgate_core::ruleset::{Gesture, Shape};

#[test]
fn a_lone_press_fires_at_once_and_its_key_is_held_as_long_as_the_pad() {
    let rules = rules([press(5).does(&[key("ctrl+a")])]);
    check(&rules, "pad5 down, 450ms, pad5 up", "0ms key ctrl+a down; 450ms key ctrl+a up");
    check_fired(&rules, "10ms, pad5 down, 450ms, pad5 up", "10ms fired press");
}

#[test]
fn velocity_one_is_a_real_hit() {
    check(&rules([press(5)]), "pad5 down 1, pad5 up", "0ms press");
}

#[test]
fn other_pads_channels_and_devices_do_nothing() {
    let rules = rules([press(5).select(|pad| pad.channel = padgate_core::midi::Channel::from_human(1))]);
    check(&rules, "pad6 down, pad5@2 down, keys pad5 down, synth pad5 down", "");
}

#[test]
fn any_channel_and_any_device_are_controls_of_their_own() {
    let rules = rules([press(5).select(|pad| pad.device = None).does(&[key("a")])]);
    check(
        &rules,
        "pad5@2 down, 1ms, pad5@3 up, 1ms, keys pad5@2 up, 1ms, pad5@2 up",
        "0ms key a down; 3ms key a up",
    );
}

#[test]
fn any_note_plays_the_note_that_was_played() {
    let rules = rules([press(0).select(|pad| pad.number = None).does(&[same()])]);
    check(
        &rules,
        "pad60 down 7, 5ms, pad64 down 9, 5ms, pad60 up, 5ms, pad64 up",
        "0ms out on 60 7; 5ms out on 64 9; 10ms out off 60; 15ms out off 64",
    );
}

#[test]
fn velocity_zones_are_decided_at_the_press() {
    let rules = rules([
        press(5).named("soft").velocity(1..=63).does(&[key("s")]),
        press(5).named("hard").velocity(64..=127).does(&[key("h")]),
    ]);
    check(
        &rules,
        "pad5 down 63, 9ms, pad5 pressure 127, 1ms, pad5 up, pad5 down 64, 10ms, pad5 up",
        "0ms key s down; 10ms key s up; 10ms key h down; 20ms key h up",
    );
}

#[test]
fn velocity_is_a_value_that_can_be_shaped() {
    let invert = Shape { invert: true, ..Shape::default() };
    let rules = rules([press(5).shape(invert).does(&[note(60)])]);
    check(&rules, "pad5 down 100, 1ms, pad5 up", "0ms out on 60 27; 1ms out off 60");
    check(&rules, "pad5 down 127, 1ms, pad5 up", "0ms out on 60 1; 1ms out off 60");
}

#[test]
fn a_release_fires_with_the_release_and_delays_nothing() {
    let rules = rules([press(5), release(5)]);
    check_fired(&rules, "pad5 down, 450ms, pad5 up", "0ms fired press; 450ms fired release");
}

#[test]
fn a_release_alone_and_next_to_gestures_that_wait() {
    check_fired(&rules([release(5)]), "pad5 down, 450ms, pad5 up, pad5 up", "450ms fired release");
    check_fired(
        &rules([release(5), hold(5, 400)]),
        "pad5 down, 450ms, pad5 up, 1ms, pad5 down, 10ms, pad5 up",
        "400ms fired hold; 450ms fired release; 461ms fired release",
    );
}

#[test]
fn a_key_on_a_release_is_tapped_for_nothing_would_let_it_go() {
    check(&rules([release(5).does(&[key("a")])]), "pad5 down, 9ms, pad5 up", "9ms key a tap");
}

#[test]
fn a_hold_fires_while_held_once() {
    let rules = rules([hold(5, 400).does(&[key("a")])]);
    check(&rules, "pad5 down, 1000ms, pad5 up", "400ms key a down; 1000ms key a up");
    check(&rules, "pad5 down, 399ms, pad5 up", "");
    check(&rules, "pad5 down, 400ms, pad5 up", "400ms key a down; 400ms key a up");
}

#[test]
fn a_press_next_to_a_hold_waits_for_the_release() {
    let rules = rules([press(5), hold(5, 400)]);
    check_fired(&rules, "pad5 down, 150ms, pad5 up", "150ms fired press after 150ms");
    check_fired(&rules, "pad5 down, 450ms, pad5 up", "400ms fired hold");
}

#[test]
fn a_press_that_waited_is_tapped_and_not_stuck() {
    let rules = rules([press(5).does(&[key("a")]), hold(5, 400)]);
    check(&rules, "pad5 down, 150ms, pad5 up", "150ms key a tap");
}

#[test]
fn several_holds_fire_one_after_the_other() {
    let rules = rules([
        hold(5, 800).named("second").does(&[key("b")]),
        hold(5, 400).named("first").does(&[key("a")]),
    ]);
    check(&rules, "pad5 down, 600ms, pad5 up", "400ms key a down; 600ms key a up");
    check(
        &rules,
        "pad5 down, 900ms, pad5 up",
        "400ms key a down; 800ms key b down; 900ms key b up; 900ms key a up",
    );
}

#[test]
fn short_and_long_are_decided_at_the_release() {
    let rules = rules([short(5, 300), long(5, 800)]);
    check_fired(&rules, "pad5 down, 299ms, pad5 up", "299ms fired short");
    check_fired(&rules, "pad5 down, 300ms, pad5 up", "");
    check_fired(&rules, "pad5 down, 799ms, pad5 up", "");
    check_fired(&rules, "pad5 down, 800ms, pad5 up", "800ms fired long");
}

#[test]
fn a_press_between_short_and_long_fires_for_what_is_neither() {
    let rules = rules([press(5), short(5, 300), long(5, 800)]);
    check_fired(&rules, "pad5 down, 100ms, pad5 up", "100ms fired short");
    check_fired(&rules, "pad5 down, 500ms, pad5 up", "500ms fired press after 500ms");
    check_fired(&rules, "pad5 down, 900ms, pad5 up", "900ms fired long");
}

#[test]
fn of_several_lengths_the_narrowest_wins() {
    let rules = rules([
        short(5, 300).named("short"),
        short(5, 100).named("shorter"),
        long(5, 500).named("long"),
        long(5, 900).named("longer"),
    ]);
    check_fired(&rules, "pad5 down, 50ms, pad5 up", "50ms fired shorter");
    check_fired(&rules, "pad5 down, 150ms, pad5 up", "150ms fired short");
    check_fired(&rules, "pad5 down, 600ms, pad5 up", "600ms fired long");
    check_fired(&rules, "pad5 down, 950ms, pad5 up", "950ms fired longer");
}

#[test]
fn a_hold_swallows_what_is_decided_at_the_release() {
    let rules = rules([short(5, 300), hold(5, 200), long(5, 800)]);
    check_fired(&rules, "pad5 down, 250ms, pad5 up", "200ms fired hold");
    check_fired(&rules, "pad5 down, 900ms, pad5 up", "200ms fired hold");
    check_fired(&rules, "pad5 down, 150ms, pad5 up", "150ms fired short");
}

#[test]
fn where_the_rival_is_not_active_nothing_waits() {
    let rules = rules([press(5), hold(5, 400).mode(MODE_A)]);
    check_fired(&rules, "pad5 down, 500ms, pad5 up", "0ms fired press");
    check_fired(&rules, "mode a, pad5 down, 500ms, pad5 up", "400ms fired hold");
}

#[test]
fn where_the_rival_has_another_velocity_nothing_waits() {
    let rules = rules([press(5), hold(5, 400).velocity(100..=127)]);
    check_fired(&rules, "pad5 down 50, 500ms, pad5 up", "0ms fired press");
    check_fired(&rules, "pad5 down 110, 500ms, pad5 up", "400ms fired hold");
}

#[test]
fn of_two_mappings_for_the_same_the_first_wins() {
    check_fired(
        &rules([press(5).named("one"), press(5).named("two")]),
        "pad5 down, pad5 up",
        "0ms fired one",
    );
}

#[test]
fn a_specific_pad_and_any_pad_go_by_their_places() {
    let any = press(0).named("any").select(|pad| pad.number = None);
    check_fired(&rules([press(5), any.clone()]), "pad5 down, pad6 down", "0ms fired press; 0ms fired any");
    check_fired(&rules([any, press(5)]), "pad5 down", "0ms fired any");
}

#[test]
fn a_note_on_without_a_note_off_begins_a_new_press() {
    let rules = rules([press(5).does(&[key("a")]), release(5).does(&[text("up")])]);
    check(
        &rules,
        "pad5 down, 50ms, pad5 down, 50ms, pad5 up",
        "0ms key a down; 50ms key a up; 50ms up; 50ms key a down; 100ms key a up; 100ms up",
    );
}

#[test]
fn a_note_off_without_a_note_on_does_nothing() {
    check(&rules([press(5), release(5)]), "pad5 up, 10ms, pad5 up", "");
}

#[test]
fn all_notes_off_releases_the_notes_of_its_channel() {
    let rules = rules([press(5).does(&[key("a")]), press(6).does(&[key("b")])]);
    for controller in [120, 123, 124, 125, 126, 127] {
        check(
            &rules,
            &format!("pad5 down, pad6@2 down, 10ms, cc{controller} 0, 10ms, pad5 up, pad6@2 up"),
            "0ms key a down; 0ms key b down; 10ms key a up; 20ms key b up",
        );
    }
    check(
        &rules,
        "pad5 down, 10ms, cc121 0, 10ms, keys cc123 0, 10ms, pad5 up",
        "0ms key a down; 30ms key a up",
    );
}

fn cc_gesture(name: &str, gesture: Gesture) -> Map {
    let control = super::rules::control(padgate_core::ruleset::trigger::ControlKind::Controller, 64);
    map(name, Trigger::Press { control, gesture, velocity: 1..=127 })
}

#[test]
fn a_controller_is_a_button_that_is_down_from_64() {
    let rules = rules([cc_press(64).does(&[key("a")])]);
    check(
        &rules,
        "cc64 63, 10ms, cc64 64, 10ms, cc64 127, 10ms, cc64 64, 10ms, cc64 63, 10ms, cc64 0",
        "10ms key a down; 40ms key a up",
    );
}

#[test]
fn a_controller_as_a_button_has_every_gesture() {
    let rules = rules([
        cc_gesture("press", Gesture::Press),
        cc_gesture("hold", Gesture::Hold(super::rules::ms(400))),
        cc_gesture("twice", Gesture::Taps { count: 2, window: super::rules::ms(300) }),
        cc_gesture("release", Gesture::Release),
    ]);
    check_fired(
        &rules,
        "cc64 127, 50ms, cc64 0, 50ms, cc64 127, 50ms, cc64 0, 500ms, cc64 127, 500ms, cc64 0",
        "50ms fired release; 100ms fired twice; 150ms fired release; 1050ms fired hold; 1150ms fired release",
    );
}

#[test]
fn the_zone_of_a_controller_is_decided_when_it_goes_down() {
    let rules = rules([cc_press(64).velocity(100..=127)]);
    check(&rules, "cc64 70, 10ms, cc64 110, 10ms, cc64 0, 10ms, cc64 110, 10ms, cc64 0", "30ms press");
}

#[test]
fn a_controller_that_is_down_does_not_go_down_again_when_the_mode_comes() {
    let rules = rules([cc_press(64).mode(MODE_A)]);
    check(&rules, "cc64 127, 10ms, mode a, 10ms, cc64 127, 10ms, cc64 0, 10ms, cc64 127", "40ms press");
}

#[test]
fn what_is_decided_by_length_is_decided_by_the_press_that_counts() {
    // A pad that bounces: 5 ms off between two contacts is a second press.
    let rules = rules([press(5), hold(5, 400)]);
    check_fired(
        &rules,
        "pad5 down, 20ms, pad5 up, 5ms, pad5 down, 450ms, pad5 up",
        "20ms fired press after 20ms; 425ms fired hold",
    );
}

#[test]
fn two_hands_do_not_disturb_each_other() {
    let rules = rules([press(5), hold(5, 400), press(6).named("six")]);
    check_fired(
        &rules,
        "pad5 down, 100ms, pad6 down, 100ms, pad6 up, 300ms, pad5 up",
        "100ms fired six; 400ms fired hold",
    );
    assert_eq!(pad(5).number, Some(5));
}
