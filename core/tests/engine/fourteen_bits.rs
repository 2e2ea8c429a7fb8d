//! 14-bit controllers: the coarse half alone, both, in either order, and never a value that was not played.

use super::rules::{cc, cc14, rules, same};
use super::script::{check, check_fired};

/// The value that coarse and fine make.
fn value(coarse: u16, fine: u16) -> u16 {
    coarse << 7 | fine
}

#[test]
fn a_control_that_sends_the_coarse_half_alone_does_not_wait() {
    check(
        &rules([cc14(1)]),
        "cc1 0, 10ms, cc1 64, 1ms, cc1 127",
        &format!("0ms out bend 0; 10ms out bend {}; 11ms out bend {}", value(64, 0), value(127, 0)),
    );
}

#[test]
fn coarse_then_fine() {
    check(
        &rules([cc14(1)]),
        "cc1 10, 1ms, cc33 5, 10ms, cc1 11, 1ms, cc33 6, 10ms, cc33 7",
        &format!(
            "0ms out bend {}; 1ms out bend {}; 12ms out bend {}; 22ms out bend {}",
            value(10, 0),
            value(10, 5),
            value(11, 6),
            value(11, 7)
        ),
    );
}

#[test]
fn fine_then_coarse() {
    check(
        &rules([cc14(1)]),
        "cc33 5, 1ms, cc1 10, 10ms, cc33 127, 1ms, cc1 10, 10ms, cc33 0, 1ms, cc1 11",
        &format!(
            "1ms out bend {}; 12ms out bend {}; 23ms out bend {}",
            value(10, 5),
            value(10, 127),
            value(11, 0)
        ),
    );
}

#[test]
fn a_fine_half_alone_moves_within_the_coarse_one() {
    check(
        &rules([cc14(1)]),
        "cc1 10, 1ms, cc33 5, 10ms, cc33 6, 10ms, cc33 7",
        &format!(
            "0ms out bend {}; 1ms out bend {}; 11ms out bend {}; 21ms out bend {}",
            value(10, 0),
            value(10, 5),
            value(10, 6),
            value(10, 7)
        ),
    );
    check_fired(&rules([cc14(1)]), "cc33 6, 10ms, cc33 7", "");
}

#[test]
fn a_control_that_sent_both_may_send_the_coarse_half_alone() {
    check(
        &rules([cc14(1)]),
        "cc1 10, 1ms, cc33 5, 10ms, cc1 11, 10ms, cc1 12, 2ms, cc1 13",
        &format!(
            "0ms out bend {}; 1ms out bend {}; 16ms out bend {}; 23ms out bend {}; 28ms out bend {}",
            value(10, 0),
            value(10, 5),
            value(11, 0),
            value(12, 0),
            value(13, 0)
        ),
    );
}

#[test]
fn a_control_that_sends_the_fine_half_first_is_found_out_later_too() {
    check(
        &rules([cc14(1)]),
        "cc1 9, 10ms, cc33 5, 1ms, cc1 10, 20ms, cc33 6, 1ms, cc1 11, 20ms, cc33 7, 20ms, cc1 12",
        &format!(
            "0ms out bend {}; 10ms out bend {}; 16ms out bend {}; 32ms out bend {}; 57ms out bend {}; 77ms out bend {}",
            value(9, 0),
            value(9, 5),
            value(10, 5),
            value(11, 6),
            value(11, 7),
            value(12, 0)
        ),
    );
}

#[test]
fn pairs_of_different_controllers_and_channels_do_not_mix() {
    check(
        &rules([cc14(1), cc14(2)]),
        "cc1 10, cc2 20, 1ms, cc34 2, 1ms, cc33 1, 1ms, cc33@2 9",
        &format!(
            "0ms out bend {}; 0ms out bend {}; 1ms out bend {}; 2ms out bend {}",
            value(10, 0),
            value(20, 0),
            value(20, 2),
            value(10, 1)
        ),
    );
}

#[test]
fn a_half_can_be_a_controller_of_its_own_as_well() {
    check_fired(&rules([cc14(1), cc(1)]), "cc1 10, cc33 5", "0ms fired cc14; 0ms fired cc; 0ms fired cc14");
}

#[test]
fn a_pair_that_waits_is_gone_with_its_device() {
    check_fired(
        &rules([cc14(1)]),
        "cc1 1, 1ms, cc33 1, 10ms, cc1 2, 1ms, lost",
        "0ms fired cc14; 1ms fired cc14",
    );
}

#[test]
fn passing_a_pair_on_sends_both_halves() {
    check(
        &rules([cc14(1).does(&[same()])]),
        "cc1@2 10, 1ms, cc33@2 5",
        "0ms out cc 1 10 ch 2; 0ms out cc 33 0 ch 2; 1ms out cc 1 10 ch 2; 1ms out cc 33 5 ch 2",
    );
}
