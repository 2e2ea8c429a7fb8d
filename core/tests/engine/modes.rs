//! Modes: switched, pushed, toggled, held; and releases that find their way back.

use super::rules::{MODE_A, MODE_B, hold, key, mode, press, release, rules, set_number, text};
use super::script::{check, check_fired, check_traces, play};
use padgate_core::ids::ModeId;
use padgate_core::ruleset::action::ModeChange;

const DEFAULT: ModeId = ModeId::new(0);

#[test]
fn a_mapping_of_a_mode_fires_in_it_and_a_global_one_everywhere() {
    let rules = rules([press(1).named("global"), press(2).named("a").mode(MODE_A)]);
    check_fired(
        &rules,
        "pad1 down, pad2 down, mode a, 1ms, pad2 up, pad1 down, pad2 down",
        "0ms fired global; 1ms fired global; 1ms fired a",
    );
}

#[test]
fn the_mode_on_top_wins_over_those_below_and_over_the_global_one() {
    let rules =
        rules([press(1).named("global"), press(1).named("a").mode(MODE_A), press(1).named("b").mode(MODE_B)]);
    let tap = "pad1 down, pad1 up,";
    check_fired(
        &rules,
        &format!("{tap} push a, {tap} push b, {tap} pop, {tap} pop, {tap} pop, {tap}"),
        "0ms fired global; 0ms fired a; 0ms fired b; 0ms fired a; 0ms fired global; 0ms fired global",
    );
}

#[test]
fn the_default_mode_is_a_mode_like_another() {
    let rules = rules([press(1).named("global"), press(1).named("default").mode(DEFAULT)]);
    let tap = "pad1 down, pad1 up,";
    check_fired(
        &rules,
        &format!("{tap} push a, {tap} mode a, {tap}"),
        "0ms fired default; 0ms fired default; 0ms fired global",
    );
}

#[test]
fn switch_push_pop_and_toggle() {
    let rules = rules([
        press(1).does(&[mode(ModeChange::Switch(MODE_A))]),
        press(2).does(&[mode(ModeChange::Push(MODE_B))]),
        press(3).does(&[mode(ModeChange::Pop)]),
        press(4).does(&[mode(ModeChange::Toggle(MODE_B))]),
    ]);
    let modes = |script: &str| play(&[&rules], script).engine.modes().map(|mode| mode.0).collect::<Vec<_>>();
    assert_eq!(modes(""), [0]);
    assert_eq!(modes("pad1 down"), [1]);
    assert_eq!(modes("pad2 down"), [0, 2]);
    assert_eq!(modes("pad2 down, pad3 down"), [0]);
    assert_eq!(modes("pad3 down"), [0], "the last mode stays");
    assert_eq!(modes("pad4 down"), [0, 2]);
    assert_eq!(modes("pad4 down, pad4 up, pad4 down"), [0]);
    assert_eq!(modes("pad2 down, pad1 down"), [1], "a switch clears the stack");
    assert_eq!(modes("push a, push b, push a"), [0, 2, 1], "a mode is there once");
    assert_eq!(modes("mode b, toggle b"), [0], "something is always active");
}

#[test]
fn a_held_mode_is_on_top_until_the_release() {
    let rules = rules([
        press(1).does(&[mode(ModeChange::Hold(MODE_A))]),
        press(2).named("below"),
        press(2).named("above").mode(MODE_A),
    ]);
    check_fired(
        &rules,
        "pad2 down, pad2 up, pad1 down, pad2 down, pad2 up, 5ms, pad1 up, pad2 down, pad2 up",
        "0ms fired below; 0ms fired press; 0ms fired above; 5ms fired below",
    );
    check_traces(
        &rules,
        "pad1 down, 5ms, pad1 up",
        "0ms fired press; 0ms mode a; 5ms released press; 5ms mode default",
    );
    check_traces(
        &rules,
        "pad1 down, 5ms, lost",
        "0ms fired press; 0ms mode a; 5ms released press; 5ms mode default",
    );
}

#[test]
fn two_pads_that_hold_modes() {
    let rules = rules([
        press(1).does(&[mode(ModeChange::Hold(MODE_A))]),
        press(2).does(&[mode(ModeChange::Hold(MODE_B))]),
    ]);
    let modes = |script: &str| play(&[&rules], script).engine.modes().map(|mode| mode.0).collect::<Vec<_>>();
    assert_eq!(modes("pad1 down, pad2 down"), [0, 1, 2]);
    assert_eq!(modes("pad1 down, pad2 down, pad1 up"), [0, 2]);
    assert_eq!(modes("pad1 down, mode b, pad1 up"), [2]);
    assert_eq!(modes("pad1 down, push b, pad1 up"), [0, 2]);
    assert_eq!(modes("pad1 down, panic, pad1 up"), [0]);
}

#[test]
fn the_mode_that_was_held_last_is_on_top() {
    let rules = rules([
        press(1).does(&[mode(ModeChange::Hold(MODE_A))]),
        press(2).does(&[mode(ModeChange::Hold(MODE_B))]),
        press(3).named("a").mode(MODE_A),
        press(3).named("b").mode(MODE_B),
    ]);
    check_fired(&rules, "pad1 down, pad2 down, pad3 down", "0ms fired press; 0ms fired press; 0ms fired b");
    check_fired(&rules, "pad2 down, pad1 down, pad3 down", "0ms fired press; 0ms fired press; 0ms fired a");
}

#[test]
fn a_change_below_a_held_mode_is_told() {
    let rules = rules([press(1).does(&[mode(ModeChange::Hold(MODE_A))])]);
    check_traces(&rules, "pad1 down, push b", "0ms fired press; 0ms mode a; 0ms mode a");
}

#[test]
fn a_hold_that_holds_a_mode() {
    let rules = rules([hold(1, 400).does(&[mode(ModeChange::Hold(MODE_A))])]);
    check_traces(
        &rules,
        "pad1 down, 500ms, pad1 up",
        "0ms waiting Hold until 400ms; 400ms fired hold; 400ms mode a; 500ms released hold; 500ms mode default",
    );
}

#[test]
fn a_gesture_without_a_release_holds_no_mode() {
    let rules = rules([release(1).does(&[mode(ModeChange::Hold(MODE_A))])]);
    assert_eq!(play(&[&rules], "pad1 down, pad1 up").engine.modes().count(), 1);
}

#[test]
fn the_release_goes_to_the_mapping_that_got_the_press() {
    let rules = rules([press(1).does(&[key("g")]), press(1).does(&[key("a")]).mode(MODE_A)]);
    check(
        &rules,
        "pad1 down, 10ms, mode a, 10ms, pad1 up, 10ms, pad1 down, 10ms, mode b, pad1 up",
        "0ms key g down; 20ms key g up; 30ms key a down; 40ms key a up",
    );
}

#[test]
fn a_pad_that_changes_the_mode_is_released_in_the_new_one() {
    let rules = rules([
        press(1).mode(DEFAULT).does(&[key("a"), mode(ModeChange::Switch(MODE_A))]),
        press(1).mode(MODE_A).does(&[key("b"), mode(ModeChange::Switch(DEFAULT))]),
    ]);
    check(
        &rules,
        "pad1 down, 5ms, pad1 up, 5ms, pad1 down, 5ms, pad1 up",
        "0ms key a down; 5ms key a up; 10ms key b down; 15ms key b up",
    );
}

#[test]
fn mode_and_variable_changes_count_for_the_steps_after_them() {
    let rules = rules([press(1).does(&[
        set_number(super::rules::X, 2.0),
        super::rules::choose(
            padgate_core::ruleset::Condition::Variable(
                super::rules::X,
                padgate_core::ruleset::condition::Comparison::Is(padgate_core::ruleset::Value::Number(2.0)),
            ),
            &[text("two")],
            &[text("other")],
        ),
    ])]);
    check(&rules, "pad1 down", "0ms two");
}
