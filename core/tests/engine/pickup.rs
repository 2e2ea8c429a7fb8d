//! Takeover by pickup: a fader moves its target only after meeting it.

use super::rules::{MODE_A, MODE_B, Map, X, cc, press, rules, set, set_number, volume};
use super::script::{check, check_reload, check_traces, play};
use padgate_core::ruleset::action::{Assignment, Level};
use padgate_core::ruleset::{Shape, Value};

fn fader() -> Map {
    cc(7).does(&[volume(Level::Value)]).pickup()
}

#[test]
fn a_target_that_nobody_can_read_is_just_set() {
    check(&rules([fader()]), "cc7 127", "0ms volume 100%");
}

#[test]
fn a_target_whose_value_is_not_known_any_more_is_just_set() {
    check(&rules([fader()]), "level 50, level unknown, cc7 127", "0ms volume 100%");
}

#[test]
fn a_target_without_a_value_has_no_pickup() {
    check(&rules([cc(7).pickup()]), "level 50, cc7 0", "0ms out cc 20 0");
}

#[test]
fn a_fader_that_jumps_needs_no_meeting() {
    check(&rules([cc(7).does(&[volume(Level::Value)])]), "level 50, cc7 0", "0ms volume 0%");
}

#[test]
fn coming_near_picks_up() {
    check(
        &rules([fader()]),
        "level 50, cc7 10, 10ms, cc7 30, 10ms, cc7 60, 10ms, cc7 61, 10ms, cc7 64, 10ms, cc7 30",
        "30ms volume 48%; 40ms volume 50.4%; 50ms volume 23.6%",
    );
}

#[test]
fn it_says_that_it_waits() {
    check_traces(&rules([fader()]), "level 50, cc7 10", "0ms passed cc Pickup");
}

#[test]
fn crossing_within_one_movement_picks_up() {
    check(&rules([fader()]), "level 50, cc7 10, 50ms, cc7 100", "50ms volume 78.7%");
    check(&rules([fader()]), "level 50, cc7 100, 50ms, cc7 10", "50ms volume 7.9%");
}

#[test]
fn a_leap_between_two_movements_does_not() {
    check(
        &rules([fader()]),
        "level 50, cc7 10, 500ms, cc7 100, 10ms, cc7 90, 10ms, cc7 50",
        "520ms volume 39.4%",
    );
}

#[test]
fn what_was_picked_up_stays_picked_up_over_a_pause() {
    check(
        &rules([fader()]),
        "level 50, cc7 62, 10ms, cc7 70, 5000ms, cc7 90",
        "0ms volume 48.8%; 10ms volume 55.1%; 5010ms volume 70.9%",
    );
}

#[test]
fn reports_that_lag_behind_do_not_let_go() {
    check(
        &rules([fader()]),
        "level 50, cc7 62, 10ms, cc7 70, 10ms, level 48.8, cc7 80, 10ms, level 55.1, cc7 90, 10ms, level 70.9, 500ms, cc7 100",
        "0ms volume 48.8%; 10ms volume 55.1%; 20ms volume 63%; 30ms volume 70.9%; 540ms volume 78.7%",
    );
}

#[test]
fn a_target_that_somebody_else_moved_must_be_met_again() {
    check(
        &rules([fader()]),
        "level 50, cc7 62, 10ms, cc7 64, 10ms, level 90, cc7 65, 10ms, cc7 70, 10ms, cc7 114, 10ms, cc7 120",
        "0ms volume 48.8%; 10ms volume 50.4%; 40ms volume 89.8%; 50ms volume 94.5%",
    );
    check(
        &rules([fader()]),
        "level 50, cc7 62, 10ms, cc7 64, 1000ms, level 90, cc7 65, 10ms, cc7 70",
        "0ms volume 48.8%; 10ms volume 50.4%",
    );
}

#[test]
fn a_fader_that_moved_in_another_mode_must_meet_again() {
    let rules = rules([fader().mode(MODE_A), cc(7).mode(MODE_B)]);
    for pause in [10, 500] {
        check(
            &rules,
            &format!("mode a, level 50, cc7 64, {pause}ms, mode b, cc7 100, mode a, cc7 101, cc7 102"),
            &format!("0ms volume 50.4%; {pause}ms out cc 20 100"),
        );
    }
}

#[test]
fn a_variable_can_be_picked_up() {
    let rules =
        rules([cc(7).does(&[set(X, Assignment::Input)]).pickup(), press(1).does(&[set_number(X, 0.2)])]);
    let x = |script: &str| play(&[&rules], script).engine.variable(X).and_then(Value::number);
    assert_eq!(x("cc7 127"), Some(1.0), "nobody set it before");
    assert_eq!(x("x = 0.5, cc7 127"), Some(0.5));
    assert_eq!(x("x = 0.5, cc7 64, cc7 127"), Some(1.0));
    assert_eq!(x("x = 0.5, cc7 64, pad1 down, cc7 65, cc7 127"), Some(0.2));
    assert_eq!(x("x = 0.5, cc7 64, pad1 down, cc7 65, cc7 0"), Some(0.0), "met again by crossing");
}

#[test]
fn coarse_steps_stay_picked_up_however_slowly_they_come() {
    let rules = rules([fader().shape(Shape { steps: Some(4), ..Shape::default() })]);
    check(
        &rules,
        "level 0, cc7 0, 500ms, cc7 10, 500ms, cc7 20, 500ms, cc7 40, 500ms, cc7 100",
        "0ms volume 0%; 1500ms volume 33.3%; 2000ms volume 66.7%",
    );
}

#[test]
fn a_reload_keeps_a_fader_that_is_where_its_target_is() {
    let rules = rules([fader()]);
    check_reload(
        &[&rules, &rules, &rules],
        "level 50, cc7 64, 1000ms, reload, cc7 80, 1000ms, level 20, reload, cc7 81",
        "0ms volume 50.4%; 1000ms volume 63%",
    );
}
