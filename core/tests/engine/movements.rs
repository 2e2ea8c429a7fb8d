//! Controls with a position: ranges, entering, direction, shaping, bend and both pressures.

use super::rules::{
    MODE_A, bend, cc, channel_pressure, key, key_pressure, press, rules, same, send_value, volume,
};
use super::script::{check, check_fired, check_traces};
use padgate_core::ruleset::Shape;
use padgate_core::ruleset::action::Level;
use padgate_core::ruleset::shape::Curve;
use padgate_core::ruleset::trigger::{Direction, Edge};

#[test]
fn every_message_of_a_fader_counts() {
    check(
        &rules([cc(7)]),
        "cc7 0, cc7 1, cc7 1, cc7 127",
        "0ms out cc 20 0; 0ms out cc 20 1; 0ms out cc 20 1; 0ms out cc 20 127",
    );
    check(&rules([cc(7)]), "cc8 5, keys cc7 5", "");
}

#[test]
fn only_values_in_the_range_count() {
    let rules = rules([cc(7).filter(|filter| filter.range = 20..=100)]);
    check(&rules, "cc7 19, cc7 20, cc7 100, cc7 101", "0ms out cc 20 20; 0ms out cc 20 100");
}

#[test]
fn ranges_share_a_fader() {
    let rules = rules([
        cc(7).named("low").filter(|filter| filter.range = 0..=63),
        cc(7).named("high").filter(|filter| filter.range = 64..=127),
    ]);
    check_fired(&rules, "cc7 63, cc7 64", "0ms fired low; 0ms fired high");
}

#[test]
fn entering_a_range_is_a_press_and_leaving_it_a_release() {
    let enter = cc(7).does(&[key("a")]).filter(|filter| {
        filter.range = 100..=127;
        filter.edge = Edge::Enter;
    });
    let rules = rules([enter]);
    check(
        &rules,
        "cc7 50, 10ms, cc7 100, 10ms, cc7 120, 10ms, cc7 99, 10ms, cc7 127, 10ms, cc7 0",
        "10ms key a down; 30ms key a up; 40ms key a down; 50ms key a up",
    );
    check(&rules, "cc7 127, 10ms, lost", "0ms key a down; 10ms key a up");
    check(
        &rules,
        "cc7 127, 10ms, panic, cc7 126, cc7 0, 10ms, cc7 127, 10ms, cc7 0",
        &format!("0ms key a down; 10ms key a up; {}20ms key a down; 30ms key a up", panic_messages(10)),
    );
}

fn panic_messages(at: u64) -> String {
    let mut lines = String::new();
    for to in ["in", "pads", "keys", "synth", "out"] {
        for channel in 1..=16 {
            for controller in [64, 123, 120] {
                let channel = if channel == 1 { String::new() } else { format!(" ch {channel}") };
                let to = if to == "in" { "Padgate In" } else { to };
                lines += &format!("{at}ms {to} cc {controller} 0{channel};");
            }
        }
    }
    lines
}

#[test]
fn a_mode_that_comes_while_the_control_is_inside_waits_for_the_next_entry() {
    let enter = |name: &str| {
        cc(7).named(name).filter(|filter| {
            filter.range = 100..=127;
            filter.edge = Edge::Enter;
        })
    };
    let rules = rules([enter("below").does(&[key("b")]), enter("above").does(&[key("a")]).mode(MODE_A)]);
    check(
        &rules,
        "mode a, cc7 110, 5ms, cc7 111, 5ms, mode b, cc7 112, 5ms, cc7 0",
        "0ms key a down; 15ms key a up",
    );
    check(
        &rules,
        "cc7 110, 5ms, mode a, cc7 111, 5ms, cc7 0, 5ms, cc7 111, 5ms, cc7 0",
        "0ms key b down; 10ms key b up; 15ms key a down; 20ms key a up",
    );
}

#[test]
fn only_one_direction_counts_and_the_first_message_has_none() {
    let rules = rules([
        cc(7).named("up").filter(|filter| filter.direction = Direction::Up),
        cc(7).named("down").filter(|filter| filter.direction = Direction::Down),
    ]);
    check_fired(
        &rules,
        "cc7 50, cc7 51, cc7 51, cc7 50, lost, cc7 60, cc7 61",
        "0ms fired up; 0ms fired down; 0ms fired up",
    );
}

#[test]
fn the_bend_wheel_has_14_bits() {
    check(
        &rules([bend()]),
        "bend 0, bend 8192, bend 16383",
        "0ms out bend 0; 0ms out bend 8192; 0ms out bend 16383",
    );
    check(
        &rules([bend().select(|wheel| wheel.channel = padgate_core::midi::Channel::from_human(2))]),
        "bend 5, bend@2 6",
        "0ms out bend 6",
    );
}

#[test]
fn both_pressures() {
    let rules = rules([channel_pressure(), key_pressure(5).named("key").does(&[send_value(21)])]);
    check(&rules, "pressure 64, pad5 pressure 65, pad6 pressure 66", "0ms out cc 20 64; 0ms out cc 21 65");
    let any = super::rules::rules([key_pressure(5).select(|pad| pad.number = None)]);
    check(&any, "pad6 pressure 66", "0ms out cc 20 66");
}

#[test]
fn pressure_after_a_press_is_no_second_press() {
    let rules = rules([press(5).does(&[key("a")])]);
    check(
        &rules,
        "pad5 down, pad5 pressure 0, pressure 127, pad5 pressure 127, 5ms, pad5 up",
        "0ms key a down; 5ms key a up",
    );
}

#[test]
fn a_value_is_shaped() {
    let shape = Shape { from: Some(27..=127), invert: true, to: (0.0, 0.5), ..Shape::default() };
    let rules = rules([cc(7).does(&[volume(Level::Value)]).shape(shape)]);
    check(
        &rules,
        "cc7 0, cc7 27, cc7 77, cc7 127",
        "0ms volume 50%; 0ms volume 50%; 0ms volume 25%; 0ms volume 0%",
    );
}

#[test]
fn curves_bend_the_middle() {
    for (curve, middle) in [
        (Curve::Linear, "50%"),
        (Curve::Slow, "25%"),
        (Curve::Fast, "75%"),
        (Curve::Smooth, "50%"),
        (Curve::Power(3.0), "12.5%"),
    ] {
        let shape = Shape { from: Some(0..=126), curve, ..Shape::default() };
        let rules = rules([cc(7).does(&[volume(Level::Value)]).shape(shape)]);
        check(
            &rules,
            "cc7 0, cc7 63, cc7 126",
            &format!("0ms volume 0%; 0ms volume {middle}; 0ms volume 100%"),
        );
    }
}

#[test]
fn the_bend_wheel_rests_in_a_dead_zone() {
    let shape = Shape { dead_zone: 0.1, ..Shape::default() };
    let rules = rules([bend().does(&[volume(Level::Value)]).shape(shape)]);
    check(
        &rules,
        "bend 8192, bend 9000, bend 7500, bend 0, bend 16383",
        "0ms volume 50%; 0ms volume 50%; 0ms volume 50%; 0ms volume 0%; 0ms volume 100%",
    );
}

#[test]
fn steps_fire_when_the_step_changes() {
    let shape = Shape { steps: Some(3), ..Shape::default() };
    let rules = rules([cc(7).does(&[volume(Level::Value)]).shape(shape)]);
    check(
        &rules,
        "cc7 0, cc7 10, cc7 40, cc7 64, cc7 80, cc7 120, cc7 127, cc7 0",
        "0ms volume 0%; 0ms volume 50%; 0ms volume 100%; 0ms volume 0%",
    );
}

#[test]
fn a_mode_above_has_the_fader() {
    let rules = rules([cc(7).named("below"), cc(7).named("above").mode(MODE_A)]);
    check_fired(
        &rules,
        "cc7 1, push a, cc7 2, pop, cc7 3",
        "0ms fired below; 0ms fired above; 0ms fired below",
    );
}

#[test]
fn passing_a_fader_on() {
    check(&rules([cc(7).does(&[same()])]), "cc7@3 99", "0ms out cc 7 99 ch 3");
}

#[test]
fn a_controller_is_a_button_and_a_fader_at_once() {
    let rules = rules([super::rules::cc_press(7), cc(7)]);
    check_fired(&rules, "cc7 127, cc7 0", "0ms fired press; 0ms fired cc; 0ms fired cc");
}

#[test]
fn a_fader_that_nothing_maps_says_so() {
    check_traces(&rules([cc(7)]), "cc8 5, bend 5, keys cc7 1", "0ms unmapped; 0ms unmapped; 0ms unmapped");
}
