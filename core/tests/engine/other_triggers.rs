//! Program changes, System Exclusive, real-time messages, and the echo guard.

use super::rules::{KEYS, MODE_A, map, note_to, press, program, realtime, rules, same, sysex};
use super::script::{check, check_fired, check_traces};
use padgate_core::ruleset::Again;
use padgate_core::ruleset::action::{Hold, MidiSend};
use padgate_core::ruleset::trigger::{Realtime, Trigger};

#[test]
fn a_program_or_any() {
    let rules = rules([program(Some(5)).named("five"), program(None).named("any")]);
    check_fired(
        &rules,
        "program 5, program 6, program@2 5, keys program 5",
        "0ms fired five; 0ms fired any; 0ms fired five",
    );
}

#[test]
fn a_program_is_a_value() {
    check(&rules([program(None).does(&[super::rules::send_value(1)])]), "program 99", "0ms out cc 1 99");
}

#[test]
fn a_mode_above_has_the_program() {
    let rules = rules([program(None).named("below"), program(Some(5)).named("above").mode(MODE_A)]);
    check_fired(
        &rules,
        "program 5, push a, program 5, program 6",
        "0ms fired below; 0ms fired above; 0ms fired below",
    );
}

#[test]
fn patterns_on_system_exclusive() {
    let rules = rules([sysex("F0 7E ?? 06 02 * F7").named("reply"), sysex("F0 01 F7").named("one")]);
    check_fired(
        &rules,
        "sysex F0 7E 00 06 02 47 28 F7, sysex F0 01 F7, sysex F0 02 F7, keys sysex F0 01 F7",
        "0ms fired reply; 0ms fired one",
    );
}

#[test]
fn system_exclusive_is_passed_on_as_it_came() {
    check(&rules([sysex("F0 * F7").does(&[same()])]), "sysex F0 01 02 F7", "0ms out sysex [F0, 01, 02, F7]");
}

#[test]
fn a_queued_system_exclusive_is_passed_on_too() {
    let rules = rules([sysex("F0 * F7").again(Again::Queue).does(&[same(), super::rules::wait(10)])]);
    check(
        &rules,
        "sysex F0 01 F7, sysex F0 02 F7",
        "0ms out sysex [F0, 01, F7]; 10ms out sysex [F0, 02, F7]",
    );
}

#[test]
fn real_time_messages() {
    let rules = rules([
        realtime(Realtime::Start).named("start"),
        realtime(Realtime::Continue).named("continue"),
        realtime(Realtime::Stop).named("stop"),
        realtime(Realtime::Clock).named("clock"),
        realtime(Realtime::Reset).named("reset"),
    ]);
    check_fired(
        &rules,
        "start, continue, stop, clock, keys reset",
        "0ms fired start; 0ms fired continue; 0ms fired stop; 0ms fired clock; 0ms fired reset",
    );
    let only = map("stop", Trigger::Realtime { device: Some(KEYS), message: Realtime::Stop });
    check_fired(&super::rules::rules([only]), "stop, 1ms, keys stop", "1ms fired stop");
}

#[test]
fn what_nothing_maps_says_so() {
    check_traces(
        &rules([press(1)]),
        "start, program 5, sysex F0 01 F7, pad2 down",
        "0ms unmapped; 0ms unmapped; 0ms unmapped; 0ms unmapped",
    );
}

/// The device `keys` has an echo window of 20 ms.
#[test]
fn what_comes_back_at_once_is_an_echo() {
    let echo = |hold| press(5).does(&[note_to(Some(KEYS), 9, hold)]);
    let back = press(9).named("nine").select(|pad| pad.device = Some(KEYS));
    let rules = rules([echo(Hold::WhileHeld), back]);
    check_traces(
        &rules,
        "pad5 down 100, 10ms, keys pad9 down 100, 10ms, pad5 up, 10ms, keys pad9 up",
        "0ms fired press; 10ms echo; 20ms released press; 30ms echo",
    );
    // Another velocity, too late, another device, a second time: those are hands.
    check_fired(&rules, "pad5 down 100, keys pad9 down 99", "0ms fired press; 0ms fired nine");
    check_fired(&rules, "pad5 down 100, 20ms, keys pad9 down 100", "0ms fired press; 20ms fired nine");
    check_fired(
        &rules,
        "pad5 down 100, keys pad9 down 100, 1ms, keys pad9 up, keys pad9 down 100",
        "0ms fired press; 1ms fired nine",
    );
}

#[test]
fn the_release_of_a_hand_is_never_taken_for_an_echo() {
    let back = press(9).named("nine").select(|pad| pad.device = Some(KEYS)).does(&[super::rules::key("a")]);
    let rules = rules([press(5).does(&[note_to(Some(KEYS), 9, Hold::Tap)]), back]);
    check(
        &rules,
        "keys pad9 down 50, 10ms, pad5 down, 5ms, keys pad9 up",
        "0ms key a down; 10ms keys on 9 100; 10ms keys off 9; 15ms key a up",
    );
}

#[test]
fn a_message_can_be_sent_on_another_channel() {
    let send = MidiSend::Same { channel: padgate_core::midi::Channel::from_human(5) };
    let rules = rules([press(5).does(&[super::rules::midi(None, send)])]);
    check(&rules, "pad5 down 90, 5ms, pad5 up", "0ms out on 5 90 ch 5; 5ms out off 5 ch 5");
}
