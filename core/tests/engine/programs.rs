//! Programs of several steps: waits, repetitions, branches, and what happens on firing again.

use super::rules::{
    Map, X, choose, hold, key, key_tap, panic_all, press, repeat, repeat_held, rules, set_number, text, turn,
    wait,
};
use super::script::{check, check_fired, check_traces, play};
use padgate_core::engine::{QUEUE_MAX, RUNS_MAX};
use padgate_core::ruleset::condition::Comparison;
use padgate_core::ruleset::trigger::Encoding;
use padgate_core::ruleset::{Again, Condition, Value};

fn slow(again: Again) -> Map {
    press(1).again(again).does(&[text("x"), wait(100), text("y")])
}

const TWICE: &str = "pad1 down, 30ms, pad1 up, 10ms, pad1 down, 10ms, pad1 up";

#[test]
fn steps_follow_each_other_and_waits_wait() {
    check(
        &rules([press(1).does(&[text("x"), wait(100), text("y"), wait(50), text("z")])]),
        "5ms, pad1 down",
        "5ms x; 105ms y; 155ms z",
    );
}

#[test]
fn a_wait_holds_nobody_up() {
    let rules = rules([slow(Again::Restart), press(2).named("two")]);
    check(&rules, "pad1 down, 50ms, pad2 down", "0ms x; 50ms two; 100ms y");
}

#[test]
fn again_restart() {
    check(&rules([slow(Again::Restart)]), TWICE, "0ms x; 40ms x; 140ms y");
}

#[test]
fn again_queue() {
    check(&rules([slow(Again::Queue)]), TWICE, "0ms x; 100ms y; 100ms x; 200ms y");
}

#[test]
fn again_concurrent() {
    check(&rules([slow(Again::Concurrent)]), TWICE, "0ms x; 40ms x; 100ms y; 140ms y");
}

#[test]
fn again_ignore() {
    check(&rules([slow(Again::Ignore)]), TWICE, "0ms x; 100ms y");
    check_traces(
        &rules([slow(Again::Ignore)]),
        TWICE,
        "0ms fired press; 30ms released press; 40ms refused press StillRunning",
    );
}

#[test]
fn what_has_ended_may_start_again_whatever_was_chosen() {
    for again in [Again::Restart, Again::Queue, Again::Concurrent, Again::Ignore] {
        check(
            &rules([slow(again)]),
            "pad1 down, 100ms, pad1 up, pad1 down",
            "0ms x; 100ms y; 100ms x; 200ms y",
        );
    }
}

#[test]
fn a_full_queue_refuses_and_says_so() {
    let rules = rules([slow(Again::Queue)]);
    let script = "pad1 down, pad1 up,".repeat(QUEUE_MAX + 2);
    let traces = play(&[&rules], &script);
    let shown = |wanted: &str| {
        let lines = traces.log.iter().filter_map(|(_, output)| match output {
            padgate_core::engine::Output::Trace(trace) => super::show::trace(trace),
            padgate_core::engine::Output::Request(_) => None,
        });
        lines.filter(|line| line.starts_with(wanted)).count()
    };
    assert_eq!(shown("refused press QueueFull"), 1);
    assert_eq!(shown("fired press"), QUEUE_MAX + 1);
}

#[test]
fn too_many_runs_are_refused_before_they_do_anything() {
    let rules = rules([slow(Again::Concurrent)]);
    let player = play(&[&rules], &"pad1 down, pad1 up,".repeat(RUNS_MAX + 3));
    let typed = |what: &str| {
        let is = |output: &padgate_core::engine::Output| {
            matches!(output, padgate_core::engine::Output::Request(request)
            if super::show::effect(&request.effect) == what)
        };
        player.log.iter().filter(|(_, output)| is(output)).count()
    };
    assert_eq!((typed("x"), typed("y")), (RUNS_MAX, RUNS_MAX));
}

#[test]
fn a_restart_needs_no_room() {
    let rules = rules([slow(Again::Concurrent), press(2).does(&[text("r"), wait(100), text("s")])]);
    let full = "pad1 down, pad1 up,".repeat(RUNS_MAX - 1);
    let player = play(&[&rules], &format!("pad2 down, pad2 up, {full} 10ms, pad2 down, pad2 up, pad1 down"));
    let refused = |output: &padgate_core::engine::Output| {
        matches!(output, padgate_core::engine::Output::Trace(padgate_core::engine::Trace::Refused { mapping, .. })
            if mapping.name == "press" && mapping.program.steps[0] == text("x")[0])
    };
    assert_eq!(player.log.iter().filter(|(_, output)| refused(output)).count(), 1, "only the concurrent one");
    let typed = |what: &str| {
        let is = |output: &padgate_core::engine::Output| {
            matches!(output, padgate_core::engine::Output::Request(request)
                if super::show::effect(&request.effect) == what)
        };
        player.log.iter().filter(|(_, output)| is(output)).count()
    };
    assert_eq!((typed("r"), typed("s")), (2, 1));
}

#[test]
fn rounds_keep_their_time_though_one_was_late() {
    let first = Condition::Variable(X, Comparison::Is(Value::Number(0.0)));
    let late_once = choose(first, &[text("late"), set_number(X, 1.0), wait(15)], &[text("x")]);
    check(
        &rules([press(1).does(&[repeat(4, 10, &[late_once])])]),
        "x = 0, pad1 down",
        "0ms late; 15ms x; 20ms x; 30ms x",
    );
}

#[test]
fn a_count_repeats_from_start_to_start() {
    check(
        &rules([press(1).does(&[repeat(3, 100, &[text("x"), wait(30), text("y")]), text("z")])]),
        "pad1 down",
        "0ms x; 30ms y; 100ms x; 130ms y; 200ms x; 230ms y; 230ms z",
    );
}

#[test]
fn rounds_that_take_longer_than_their_time_follow_at_once() {
    check(
        &rules([press(1).does(&[repeat(3, 10, &[text("x"), wait(30)]), text("z")])]),
        "pad1 down",
        "0ms x; 30ms x; 60ms x; 90ms z",
    );
    check(&rules([press(1).does(&[repeat(3, 0, &[text("x")])])]), "pad1 down", "0ms x; 0ms x; 0ms x");
}

#[test]
fn while_held_repeats_until_the_release() {
    let rules = rules([press(1).does(&[repeat_held(100, &[key_tap("a")]), text("end")])]);
    check(&rules, "pad1 down, 250ms, pad1 up", "0ms key a tap; 100ms key a tap; 200ms key a tap; 250ms end");
    check(&rules, "pad1 down, pad1 up", "0ms key a tap; 0ms end");
}

#[test]
fn a_release_within_a_round_lets_the_round_end() {
    let rules = rules([press(1).does(&[repeat_held(100, &[text("x"), wait(50), text("y")]), text("end")])]);
    check(&rules, "pad1 down, 120ms, pad1 up", "0ms x; 50ms y; 100ms x; 150ms y; 150ms end");
}

#[test]
fn while_held_on_what_has_no_release_happens_once() {
    let rules = rules([turn(16, Encoding::TwosComplement).does(&[repeat_held(10, &[text("x")])])]);
    check(&rules, "cc16 1", "0ms x");
}

#[test]
fn while_held_on_a_hold() {
    let rules = rules([hold(1, 400).does(&[repeat_held(100, &[text("x")])])]);
    check(&rules, "pad1 down, 650ms, pad1 up", "400ms x; 500ms x; 600ms x");
}

#[test]
fn repetitions_in_repetitions() {
    let inner = repeat(2, 10, &[text("x")]);
    check(
        &rules([press(1).does(&[repeat(2, 100, &[inner.clone(), text("y")])])]),
        "pad1 down",
        "0ms x; 10ms x; 10ms y; 100ms x; 110ms x; 110ms y",
    );
    check(
        &rules([press(1).does(&[repeat_held(100, &[inner, text("y")]), text("z")])]),
        "pad1 down, 105ms, pad1 up",
        "0ms x; 10ms x; 10ms y; 100ms x; 110ms x; 110ms y; 110ms z",
    );
}

#[test]
fn branches() {
    let is_one = Condition::Variable(X, Comparison::Is(Value::Number(1.0)));
    let program = |then: &[super::rules::Steps], otherwise: &[super::rules::Steps]| {
        rules([press(1).does(&[choose(is_one.clone(), then, otherwise), text("end")])])
    };
    let both = program(&[text("then"), wait(5), text("more")], &[text("else")]);
    check(&both, "x = 1, pad1 down", "0ms then; 5ms more; 5ms end");
    check(&both, "x = 2, pad1 down", "0ms else; 0ms end");
    check(&program(&[text("then")], &[]), "pad1 down", "0ms end");
    check(&program(&[], &[text("else")]), "x = 1, pad1 down", "0ms end");
}

#[test]
fn branches_and_repetitions_within_each_other() {
    let is_one = Condition::Variable(X, Comparison::Is(Value::Number(1.0)));
    let branch = choose(is_one, &[text("one"), set_number(X, 2.0)], &[text("other"), set_number(X, 1.0)]);
    check(
        &rules([press(1).does(&[repeat(3, 10, &[branch]), text("end")])]),
        "x = 1, pad1 down",
        "0ms one; 10ms other; 20ms one; 20ms end",
    );
}

#[test]
fn a_key_after_a_wait_is_held_only_if_the_pad_still_is() {
    let rules = rules([press(1).does(&[wait(100), key("a")])]);
    check(&rules, "pad1 down, 200ms, pad1 up", "100ms key a down; 200ms key a up");
    check(&rules, "pad1 down, 50ms, pad1 up", "100ms key a tap");
}

#[test]
fn a_panic_step_stops_its_own_run_too() {
    let rules = rules([press(1).does(&[key("a"), panic_all(), wait(10), text("never")])]);
    let player = play(&[&rules], "pad1 down, 100ms, pad1 up");
    let texts = player
        .log
        .iter()
        .filter_map(|(at, output)| super::show::line(*at, output, super::show::Wanted::Effects));
    let texts: Vec<_> = texts.filter(|line| !line.contains(" cc ")).collect();
    assert_eq!(texts, ["0ms key a down", "0ms key a up"]);
}

#[test]
fn a_panic_that_was_due_before_a_press_does_not_touch_it() {
    let rules = rules([press(1).does(&[wait(10), panic_all()]), press(2).does(&[key("b")])]);
    let player = play(&[&rules], "pad1 down, 20ms, pad2 down, 10ms, pad2 up");
    let lines = player
        .log
        .iter()
        .filter_map(|(at, output)| super::show::line(*at, output, super::show::Wanted::Effects));
    let keys: Vec<_> = lines.filter(|line| line.contains(" key ")).collect();
    assert_eq!(keys, ["20ms key b down", "30ms key b up"]);
}

#[test]
fn a_thousand_steps_let_others_go_first() {
    let rules = rules([press(1).does(&[repeat(1000, 0, &[set_number(X, 1.0)]), text("end")])]);
    let player = play(&[&rules], "pad1 down");
    let ends: Vec<_> = player
        .log
        .iter()
        .filter_map(|(at, output)| super::show::line(*at, output, super::show::Wanted::Effects))
        .collect();
    assert!(matches!(ends.as_slice(), [end] if end.ends_with("ms end") && end != "0ms end"), "{ends:?}");
}

#[test]
fn a_lost_device_lets_programs_end() {
    check(&rules([slow(Again::Restart)]), "pad1 down, 50ms, lost", "0ms x; 100ms y");
    check(
        &rules([press(1).does(&[repeat_held(100, &[text("x")])])]),
        "pad1 down, 250ms, lost",
        "0ms x; 100ms x; 200ms x",
    );
}

#[test]
fn each_firing_is_told_once() {
    check_fired(&rules([slow(Again::Queue)]), TWICE, "0ms fired press; 40ms fired press");
}
