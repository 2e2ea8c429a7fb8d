//! What `monitor` and `explain` are told: why a mapping fired, and why another did not.

use super::rules::{MODE_A, chord, hold, key, press, rules, sequence, taps};
use super::script::check_traces;
use padgate_core::ruleset::Condition;

#[test]
fn a_press_that_waits_says_for_what_and_until_when() {
    check_traces(
        &rules([press(5), taps(5, 2)]),
        "pad5 down, 50ms, pad5 up",
        "0ms waiting Taps until 300ms; 300ms passed taps2 OtherGesture(Press); 300ms fired press after 300ms",
    );
    check_traces(
        &rules([press(5), hold(5, 400)]),
        "pad5 down, 50ms, pad5 up",
        "0ms waiting Hold until 400ms; 50ms passed hold OtherGesture(Press); 50ms fired press after 50ms",
    );
    check_traces(
        &rules([press(5), super::rules::long(5, 800)]),
        "pad5 down, 50ms, pad5 up",
        "0ms waiting Length; 50ms passed long OtherGesture(Press); 50ms fired press after 50ms",
    );
    check_traces(
        &rules([press(5), chord("both", &[5, 6], 40)]),
        "pad5 down",
        "0ms waiting Chord until 40ms; 40ms passed both Incomplete; 40ms fired press after 40ms",
    );
}

#[test]
fn a_mapping_that_did_not_fire_says_why() {
    check_traces(&rules([press(5).mode(MODE_A)]), "pad5 down", "0ms passed press Mode(#1)");
    let never = Condition::Not(Box::new(Condition::Always));
    check_traces(&rules([press(5).when(never)]), "pad5 down", "0ms passed press Condition");
    check_traces(&rules([press(5).velocity(100..=127)]), "pad5 down 99", "0ms passed press Velocity");
    check_traces(
        &rules([press(5).named("one"), press(5).named("two")]),
        "pad5 down",
        "0ms passed two Shadowed; 0ms fired one",
    );
    check_traces(
        &rules([press(5).named("below"), press(5).named("above").mode(MODE_A)]),
        "mode a, pad5 down",
        "0ms mode a; 0ms passed below Shadowed; 0ms fired above",
    );
}

#[test]
fn a_hold_that_was_too_short_says_so() {
    check_traces(
        &rules([hold(5, 400)]),
        "pad5 down, 50ms, pad5 up",
        "0ms waiting Hold until 400ms; 50ms passed hold OtherGesture(Press)",
    );
}

#[test]
fn a_pad_of_a_sequence_is_not_unmapped() {
    check_traces(
        &rules([sequence("code", &[1, 2], 1000)]),
        "pad1 down, pad1 up, pad2 down",
        "0ms passed code Incomplete; 0ms fired code",
    );
}

#[test]
fn a_release_says_whose_it_was() {
    check_traces(
        &rules([press(5).does(&[key("a")])]),
        "pad5 down, 9ms, pad5 up",
        "0ms fired press; 9ms released press",
    );
}

#[test]
fn what_did_not_fire_is_told_of_a_few_mappings_only() {
    let told = |maps: [super::rules::Map; 20]| super::script::play(&[&rules(maps)], "pad5 down").log.len();
    assert_eq!(
        told(std::array::from_fn(|_| press(5).velocity(101..=127))),
        8,
        "the rest would only cost time"
    );
    assert_eq!(told(std::array::from_fn(|_| press(5).mode(MODE_A))), 3, "one mode is much like another");
}

#[test]
fn modes_that_are_not_active_are_no_reason_where_something_fires() {
    check_traces(&rules([press(5).mode(MODE_A), press(5).named("global")]), "pad5 down", "0ms fired global");
}
