//! Endless encoders: every encoding at every value, inverted, divided, accelerated or not.

use super::rules::{MODE_A, rules, set, turn, volume};
use super::script::{check, check_fired, check_traces};
use padgate_core::ruleset::action::{Assignment, Level};
use padgate_core::ruleset::trigger::{Direction, Encoding};

/// What the facts page says of `value`, written down as its table stands.
fn expected(encoding: Encoding, value: i32) -> i32 {
    match (encoding, value) {
        (Encoding::TwosComplement, 0..=63) => value,
        (Encoding::TwosComplement, _) => value - 128,
        (Encoding::BinaryOffset, _) => value - 64,
        (Encoding::SignMagnitude, 0..=63) => value,
        (Encoding::SignMagnitude, _) => 64 - value,
        (Encoding::Offset16, _) => value - 16,
    }
}

const ENCODINGS: [Encoding; 4] =
    [Encoding::TwosComplement, Encoding::BinaryOffset, Encoding::SignMagnitude, Encoding::Offset16];

#[test]
fn every_value_of_every_encoding() {
    let script: String = (0..=127).map(|value| format!("cc16 {value},")).collect();
    for encoding in ENCODINGS {
        let ticks = (0..=127).map(|value| expected(encoding, value)).filter(|ticks| *ticks != 0);
        let lines = |change: fn(i32) -> i32| {
            ticks.clone().map(|ticks| format!("0ms scroll {};", change(ticks))).collect::<String>()
        };
        check(&rules([turn(16, encoding)]), &script, &lines(|ticks| ticks));
        let inverted = turn(16, encoding).encoder(|encoder, _| encoder.invert = true);
        check(&rules([inverted]), &script, &lines(|ticks| -ticks));
        let slow = turn(16, encoding).encoder(|encoder, _| encoder.accelerate = false);
        check(&rules([slow]), &script, &lines(i32::signum));
    }
}

#[test]
fn the_first_message_counts_and_equal_messages_are_equal_ticks() {
    let rules = rules([turn(16, Encoding::TwosComplement)]);
    check(
        &rules,
        "cc16 1, cc16 1, cc16 1, cc16 127",
        "0ms scroll 1; 0ms scroll 1; 0ms scroll 1; 0ms scroll -1",
    );
}

#[test]
fn a_divided_encoder_needs_more_ticks_and_loses_none() {
    let rules = rules([turn(16, Encoding::TwosComplement).encoder(|encoder, _| encoder.divide = 4)]);
    check(
        &rules,
        "cc16 1, cc16 1, cc16 1, 5ms, cc16 1, 5ms, cc16 9, 5ms, cc16 3",
        "5ms scroll 1; 10ms scroll 2; 15ms scroll 1",
    );
}

#[test]
fn a_turn_the_other_way_starts_from_rest() {
    let rules = rules([turn(16, Encoding::TwosComplement).encoder(|encoder, _| encoder.divide = 3)]);
    check(&rules, "cc16 2, cc16 127, cc16 127, 5ms, cc16 127", "5ms scroll -1");
    let up = super::rules::rules([turn(16, Encoding::TwosComplement).encoder(|encoder, direction| {
        encoder.divide = 2;
        *direction = Direction::Up;
    })]);
    check(&up, "cc16 1, cc16 127, cc16 1, 5ms, cc16 1", "5ms scroll 1");
}

#[test]
fn one_way_only() {
    let rules = rules([
        turn(16, Encoding::SignMagnitude).named("right").encoder(|_, direction| *direction = Direction::Up),
        turn(16, Encoding::SignMagnitude).named("left").encoder(|_, direction| *direction = Direction::Down),
    ]);
    check_fired(&rules, "cc16 1, cc16 65, cc16 0, cc16 64", "0ms fired right; 0ms fired left");
}

#[test]
fn inverted_and_one_way() {
    let rules = rules([turn(16, Encoding::SignMagnitude).encoder(|encoder, direction| {
        encoder.invert = true;
        *direction = Direction::Up;
    })]);
    check(&rules, "cc16 65, cc16 1", "0ms scroll 1");
}

#[test]
fn ticks_multiply_what_is_changed_by() {
    let rules = rules([turn(16, Encoding::TwosComplement)
        .does(&[volume(Level::Change(0.05)), set(super::rules::X, Assignment::Add(2.0))])]);
    let player = super::script::play(&[&rules], "cc16 3, cc16 126");
    assert_eq!(player.engine.variable(super::rules::X).and_then(|value| value.number()), Some(2.0));
    check(&rules, "cc16 3, cc16 126", "0ms volume by 15%; 0ms volume by -10%");
}

#[test]
fn a_mode_above_has_the_encoder() {
    let rules = rules([
        turn(16, Encoding::TwosComplement).named("below"),
        turn(16, Encoding::TwosComplement).named("above").mode(MODE_A),
    ]);
    check_fired(&rules, "cc16 1, push a, cc16 1", "0ms fired below; 0ms fired above");
}

#[test]
fn it_says_why_nothing_happened() {
    let rules = rules([turn(16, Encoding::TwosComplement).encoder(|encoder, _| encoder.divide = 2)]);
    check_traces(&rules, "cc16 1, cc16 0", "0ms passed turn Divided; 0ms passed turn Direction");
}
