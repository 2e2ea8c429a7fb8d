//! The ledger: nothing stays down, nothing goes down twice, and what two hold goes up with the last.

use super::rules::{
    KEYS, SYNTH, button, hold, key, key_tap, note, note_to, panic_all, press, rules, text, wait,
};
use super::script::{check, play};
use super::show::{Wanted, line};
use padgate_core::engine::{Output, Trace};
use padgate_core::ruleset::Again;
use padgate_core::ruleset::action::Hold;

const BOTH: &str = "pad1 down, 10ms, pad2 down, 10ms, pad1 up, 10ms, pad2 up";

#[test]
fn a_key_that_two_pads_hold() {
    let rules = rules([press(1).does(&[key("a")]), press(2).does(&[key("a")])]);
    check(&rules, BOTH, "0ms key a down; 30ms key a up");
}

#[test]
fn a_modifier_that_two_pads_hold() {
    let rules = rules([press(1).does(&[key("ctrl+a")]), press(2).does(&[key("ctrl+b")])]);
    check(&rules, BOTH, "0ms key ctrl+a down; 10ms key b down; 20ms key a up; 30ms key ctrl+b up");
}

#[test]
fn a_tap_while_its_modifier_is_held_leaves_it_down() {
    let rules = rules([press(1).does(&[key("ctrl")]), press(2).does(&[key_tap("ctrl+c")])]);
    check(&rules, BOTH, "0ms key ctrl down; 10ms key c tap; 20ms key ctrl up");
    let alone = super::rules::rules([press(1).does(&[key("ctrl")]), press(2).does(&[key_tap("ctrl")])]);
    check(&alone, BOTH, "0ms key ctrl down; 20ms key ctrl up");
}

#[test]
fn a_tap_of_a_key_that_another_pad_holds_lets_it_go_first() {
    let rules = rules([press(1).does(&[key("a")]), press(2).does(&[key_tap("a")])]);
    check(&rules, BOTH, "0ms key a down; 10ms key a up; 10ms key a tap");
}

#[test]
fn a_mouse_button_that_two_pads_hold() {
    let rules = rules([press(1).does(&[button(Hold::WhileHeld)]), press(2).does(&[button(Hold::WhileHeld)])]);
    check(&rules, BOTH, "0ms button down; 30ms button up");
    let tap =
        super::rules::rules([press(1).does(&[button(Hold::WhileHeld)]), press(2).does(&[button(Hold::Tap)])]);
    check(&tap, BOTH, "0ms button down; 10ms button up; 10ms button tap");
}

#[test]
fn a_note_that_two_pads_play_is_struck_twice_and_released_as_often() {
    let rules = rules([press(1).does(&[note(60)]), press(2).does(&[note(60)])]);
    check(&rules, BOTH, "0ms out on 60 100; 10ms out off 60; 10ms out on 60 100; 30ms out off 60");
}

#[test]
fn a_note_that_is_tapped_while_another_pad_holds_it_sounds_on() {
    let rules = rules([press(1).does(&[note(60)]), press(2).does(&[note_to(None, 60, Hold::Tap)])]);
    check(&rules, BOTH, "0ms out on 60 100; 10ms out off 60; 10ms out on 60 100; 20ms out off 60");
}

#[test]
fn notes_on_different_outputs_are_different_notes() {
    let rules =
        rules([press(1).does(&[note(60)]), press(2).does(&[note_to(Some(SYNTH), 60, Hold::WhileHeld)])]);
    check(&rules, BOTH, "0ms out on 60 100; 10ms synth on 60 100; 20ms out off 60; 30ms synth off 60");
}

#[test]
fn a_tapped_note_is_on_and_off() {
    check(
        &rules([press(1).does(&[note_to(None, 60, Hold::Tap)])]),
        "pad1 down, 5ms, pad1 up",
        "0ms out on 60 100; 0ms out off 60",
    );
}

#[test]
fn keys_of_several_steps_go_up_together_and_other_things_in_reverse() {
    let rules = rules([press(1).does(&[key("ctrl"), wait(10), key("a"), note(60), key("b")])]);
    check(
        &rules,
        "pad1 down, 20ms, pad1 up",
        "0ms key ctrl down; 10ms key a down; 10ms out on 60 100; 10ms key b down; \
         20ms key b up; 20ms out off 60; 20ms key ctrl+a up",
    );
}

#[test]
fn a_lost_device_lets_go_of_what_it_held_and_of_nothing_else() {
    let rules =
        rules([press(1).does(&[key("a")]), press(2).select(|pad| pad.device = Some(KEYS)).does(&[key("b")])]);
    check(
        &rules,
        "pad1 down, keys pad2 down, 10ms, lost, 10ms, pad1 up, keys pad2 up",
        "0ms key a down; 0ms key b down; 10ms key a up; 20ms key b up",
    );
    check(
        &rules,
        "pad1 down, 10ms, lost, 10ms, pad1 down, 10ms, pad1 up",
        "0ms key a down; 10ms key a up; 20ms key a down; 30ms key a up",
    );
}

#[test]
fn a_lost_device_forgets_gestures_that_were_not_decided() {
    let rules = rules([press(1).named("tap"), hold(1, 400), super::rules::taps(1, 2)]);
    check(&rules, "pad1 down, 10ms, lost", "");
    check(&rules, "pad1 down, 10ms, pad1 up, 10ms, lost", "");
    check(&rules, "pad1 down, 10ms, pad1 up, 10ms, lost, pad1 down, pad1 up", "320ms tap");
}

#[test]
fn notes_on_an_output_that_is_lost_are_let_go_while_it_may_still_hear_it() {
    let rules = rules([press(1).does(&[note_to(Some(SYNTH), 60, Hold::WhileHeld), key("a")])]);
    check(
        &rules,
        "pad1 down, 10ms, synth output lost, 10ms, pad1 up",
        "0ms synth on 60 100; 0ms key a down; 10ms synth off 60; 20ms key a up",
    );
}

#[test]
fn panic_releases_stops_and_silences() {
    let rules = rules([press(1).does(&[key("a"), wait(100), text("never")]), press(2).does(&[note(60)])]);
    let player = play(&[&rules], "pad1 down, pad2 down, 10ms, panic, 10ms, pad1 up, pad2 up");
    let lines =
        player.log.iter().filter_map(|(at, output)| line(*at, output, Wanted::Effects)).collect::<Vec<_>>();
    assert_eq!(lines[..4], ["0ms key a down", "0ms out on 60 100", "10ms out off 60", "10ms key a up"]);
    // Sustain off, all notes off, all sound off: 16 channels on 4 devices and the virtual output.
    assert_eq!(lines.len(), 4 + 5 * 16 * 3);
    assert_eq!(
        lines[4..7],
        ["10ms Padgate In cc 64 0", "10ms Padgate In cc 123 0", "10ms Padgate In cc 120 0"]
    );
    assert_eq!(player.engine.held().count(), 0);
}

#[test]
fn panic_in_a_program_counts_from_its_step() {
    let rules = rules([press(1).does(&[key("a")]), press(2).does(&[panic_all(), text("after")])]);
    let player = play(&[&rules], "pad1 down, 10ms, pad2 down, 10ms, pad1 up");
    let lines = player.log.iter().filter_map(|(at, output)| line(*at, output, Wanted::Effects));
    let keys: Vec<_> = lines.filter(|line| !line.contains(" cc ")).collect();
    assert_eq!(keys, ["0ms key a down", "10ms after", "10ms key a up"]);
}

#[test]
fn after_panic_a_pad_that_is_still_down_is_silent_until_it_is_pressed_again() {
    let rules = rules([
        press(1).does(&[key("a")]),
        super::rules::release(1),
        hold(2, 400),
        super::rules::cc_press(9),
    ]);
    let player = play(
        &[&rules],
        "pad1 down, pad2 down, cc9 127, 10ms, panic, 10ms, cc9 126, pad1 up, 1000ms, pad2 up, 10ms, pad1 down, 5ms, pad1 up",
    );
    let lines = player.log.iter().filter_map(|(at, output)| line(*at, output, Wanted::Effects));
    let keys: Vec<_> = lines.filter(|line| !line.contains(" cc ")).collect();
    assert_eq!(
        keys,
        [
            "0ms key a down",
            "0ms press",
            "10ms key a up",
            "1030ms key a down",
            "1035ms key a up",
            "1035ms release"
        ]
    );
}

#[test]
fn after_panic_a_pad_that_waited_for_a_chord_is_down_and_silent() {
    use padgate_core::ruleset::trigger::{ControlKind, Trigger};
    let controls = [64, 65].map(|number| super::rules::control(ControlKind::Controller, number)).to_vec();
    let chord = super::rules::map("chord", Trigger::Chord { controls, within: super::rules::ms(40) });
    let player =
        play(&[&rules([super::rules::cc_press(64), chord])], "cc64 127, 10ms, panic, 10ms, cc64 126");
    assert!(!player.log.iter().any(|(_, output)| matches!(output, Output::Trace(Trace::Fired { .. }))));
}

#[test]
fn the_end_releases_everything_and_says_no_more() {
    let rules = rules([press(1).does(&[key("a"), note(60), wait(50), text("never")])]);
    check(
        &rules,
        "pad1 down, 10ms, end, 10ms, pad1 up",
        "0ms key a down; 0ms out on 60 100; 10ms out off 60; 10ms key a up",
    );
}

#[test]
fn concurrent_runs_hold_a_key_until_the_last_lets_go() {
    let any = press(0).select(|pad| pad.number = None);
    let rules = rules([any.again(Again::Concurrent).does(&[key("a"), wait(1000)])]);
    check(&rules, BOTH, "0ms key a down; 30ms key a up");
}

#[test]
fn a_restart_lets_go_of_what_the_old_run_held() {
    let any = press(0).select(|pad| pad.number = None);
    let rules = rules([any.does(&[key("a"), wait(1000)])]);
    check(&rules, BOTH, "0ms key a down; 10ms key a up; 10ms key a down; 30ms key a up");
}

#[test]
fn a_restart_lets_go_of_nothing_else() {
    // Two holds of pad 1 hold a key each; pad 2 starts the second mapping anew.
    let both = |map: super::rules::Map| map.select(|pad| pad.number = None);
    let rules =
        rules([both(hold(0, 100)).does(&[key("a")]), both(hold(0, 200)).does(&[key("b"), wait(1000)])]);
    check(
        &rules,
        "pad1 down, 250ms, pad2 down, 50ms, pad2 up, 50ms, pad1 up",
        "100ms key a down; 200ms key b down; 350ms key b up; 350ms key a up",
    );
    check(
        &rules,
        "pad1 down, 250ms, pad2 down, 250ms, pad2 up, 50ms, pad1 up",
        "100ms key a down; 200ms key b down; 450ms key b up; 450ms key b down; 500ms key b up; 550ms key a up",
    );
}

#[test]
fn a_repeated_note_of_one_press_is_balanced() {
    let rules = rules([press(1).does(&[super::rules::repeat(3, 10, &[note(60)])])]);
    check(
        &rules,
        "pad1 down, 50ms, pad1 up",
        "0ms out on 60 100; 10ms out off 60; 10ms out on 60 100; 20ms out off 60; 20ms out on 60 100; 50ms out off 60",
    );
}
