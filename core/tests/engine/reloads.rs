//! Reloads between two events: what is held finds its way up, what runs runs on.

use super::rules::{
    MODE_A, PADS, SYNTH, X, cc, cc_press, hold, key, mode, note_to, press, repeat_held, rules, taps, text,
    wait,
};
use super::script::{check_reload, play};
use padgate_core::ruleset::action::{Hold, ModeChange};
use padgate_core::ruleset::trigger::Edge;
use padgate_core::ruleset::{Again, Origin, Value};

#[test]
fn a_held_key_goes_up_though_its_mapping_is_gone() {
    let old = rules([press(1).does(&[key("a")])]);
    let new = rules([press(1).does(&[key("b")])]);
    check_reload(
        &[&old, &new],
        "pad1 down, 10ms, reload, 10ms, pad1 up, 10ms, pad1 down, 10ms, pad1 up",
        "0ms key a down; 20ms key a up; 30ms key b down; 40ms key b up",
    );
}

#[test]
fn a_controller_that_is_a_button_goes_up_though_its_mapping_is_gone() {
    let old = rules([cc_press(64).does(&[key("a")])]);
    check_reload(
        &[&old, &rules([])],
        "cc64 127, 10ms, reload, 10ms, cc64 0",
        "0ms key a down; 20ms key a up",
    );
}

#[test]
fn a_range_that_was_entered_is_left_though_its_mapping_is_gone() {
    let enter = cc(7).does(&[key("a")]).filter(|filter| {
        filter.range = 100..=127;
        filter.edge = Edge::Enter;
    });
    let mut moved = enter.clone();
    moved.0.origin = Origin { file: "config.toml".into(), line: 99 };
    let (old, same, new) = (rules([enter]), rules([moved]), rules([]));
    check_reload(&[&old, &new], "cc7 110, 10ms, reload, 10ms, cc7 50", "0ms key a down; 20ms key a up");
    check_reload(
        &[&old, &same],
        "cc7 110, 10ms, reload, 10ms, cc7 111, 10ms, cc7 50, 10ms, cc7 110, 10ms, cc7 0",
        "0ms key a down; 30ms key a up; 40ms key a down; 50ms key a up",
    );
}

#[test]
fn a_device_that_is_gone_lets_go() {
    let old = rules([press(1).does(&[key("a")]), hold(2, 400)]);
    let mut new = old.clone();
    new.devices.retain(|device| device.id != PADS);
    check_reload(
        &[&old, &new],
        "pad1 down, pad2 down, 10ms, reload, 10ms, pad1 up, 600ms, pad2 up",
        "0ms key a down; 10ms key a up",
    );
}

#[test]
fn notes_on_an_output_that_the_new_rules_do_not_have_are_released_before_it_goes() {
    let old = rules([press(1).does(&[note_to(Some(SYNTH), 60, Hold::WhileHeld), key("a")])]);
    let mut new = old.clone();
    new.devices.retain(|device| device.id != SYNTH);
    let mut unplugged = old.clone();
    unplugged
        .devices
        .iter_mut()
        .filter(|device| device.id == SYNTH)
        .for_each(|device| device.ports.output = None);
    for new in [new, unplugged] {
        check_reload(
            &[&old, &new],
            "pad1 down, 10ms, reload, 10ms, pad1 up",
            "0ms synth on 60 100; 0ms key a down; 10ms synth off 60; 20ms key a up",
        );
    }
}

#[test]
fn gestures_that_were_begun_end_as_they_began() {
    let old = rules([press(1), taps(1, 2), hold(1, 400)]);
    check_reload(&[&old, &rules([])], "pad1 down, 10ms, reload, 500ms, pad1 up", "400ms hold");
    check_reload(&[&old, &rules([])], "pad1 down, 10ms, pad1 up, reload", "300ms press");
    check_reload(&[&old, &rules([])], "pad1 down, 10ms, pad1 up, reload, 50ms, pad1 down", "60ms taps2");
}

#[test]
fn a_chord_that_was_begun_is_played_by_the_new_rules() {
    let old = rules([press(1).named("old"), super::rules::chord("both", &[1, 2], 40)]);
    let new = rules([press(1).named("new")]);
    check_reload(&[&old, &new], "pad1 down, 10ms, reload, 10ms, pad2 down", "20ms new");
    check_reload(&[&old, &new], "pad1 down, 10ms, reload, 100ms, pad1 up", "40ms new");
}

#[test]
fn runs_run_on_and_repetitions_end_with_their_pad() {
    let old = rules([
        press(1).does(&[text("x"), wait(100), text("y")]),
        press(2).does(&[repeat_held(20, &[text("z")])]),
    ]);
    check_reload(&[&old, &rules([])], "pad1 down, 10ms, reload", "0ms x; 100ms y");
    check_reload(&[&old, &rules([])], "pad2 down, 10ms, reload, 20ms, pad2 up", "0ms z; 20ms z");
}

#[test]
fn firing_again_after_a_reload_finds_what_still_runs() {
    let slow = press(1).again(Again::Ignore).does(&[text("x"), wait(100), text("y")]);
    let mut moved = slow.clone();
    moved.0.origin = Origin { file: "config.toml".into(), line: 99 };
    check_reload(
        &[&rules([slow]), &rules([moved])],
        "pad1 down, 10ms, pad1 up, reload, pad1 down",
        "0ms x; 100ms y",
    );
}

#[test]
fn what_waits_in_a_queue_starts_after_a_reload() {
    let slow = press(1).again(Again::Queue).does(&[text("x"), wait(100), text("y")]);
    check_reload(
        &[&rules([slow]), &rules([])],
        "pad1 down, pad1 up, pad1 down, 10ms, reload",
        "0ms x; 100ms y; 100ms x; 200ms y",
    );
}

#[test]
fn modes_and_variables_stay() {
    let mut old = rules([press(1).does(&[mode(ModeChange::Hold(MODE_A))])]);
    old.variables = vec![(X, Value::Number(1.0))];
    let mut new = old.clone();
    new.variables = vec![(X, Value::Number(9.0)), (super::rules::Y, Value::Number(2.0))];
    let player = play(&[&old, &new], "push b, x = 5, pad1 down, reload");
    assert_eq!(player.engine.modes().map(|mode| mode.0).collect::<Vec<_>>(), [0, 2, 1]);
    assert_eq!(player.engine.variable(X), Some(&Value::Number(5.0)));
    assert_eq!(player.engine.variable(super::rules::Y), Some(&Value::Number(2.0)));
    let player = play(&[&old, &new], "pad1 down, reload, pad1 up");
    assert_eq!(player.engine.modes().count(), 1);
}

#[test]
fn a_reload_does_what_is_due_by_the_old_rules_first() {
    let old = rules([hold(1, 400).named("old")]);
    let new = rules([hold(1, 400).named("new")]);
    check_reload(
        &[&old, &new],
        "pad1 down, 400ms, reload, pad1 up, pad1 down, 400ms",
        "400ms old; 800ms new",
    );
}
