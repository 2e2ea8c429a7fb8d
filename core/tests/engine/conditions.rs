//! Conditions: modes, time of day, weekday, programs, variables, and/or/not.

use super::rules::{MODE_A, OBS, X, Y, press, rules, set};
use super::script::{check, check_fired, play};
use padgate_core::ruleset::action::Assignment;
use padgate_core::ruleset::condition::{Comparison, DaySpan};
use padgate_core::ruleset::{Condition, Value};

/// Whether a press under the condition fires after `before`.
#[track_caller]
fn is_true(condition: &Condition, before: &str) -> bool {
    let rules = rules([press(1).when(condition.clone())]);
    let player = play(&[&rules], &format!("{before}, pad1 down"));
    player.log.iter().any(|(_, output)| matches!(output, padgate_core::engine::Output::Request(_)))
}

fn is(value: Value) -> Condition {
    Condition::Variable(X, Comparison::Is(value))
}

#[test]
fn a_mode_anywhere_on_the_stack() {
    let condition = Condition::Mode(MODE_A);
    assert!(!is_true(&condition, ""));
    assert!(is_true(&condition, "push a"));
    assert!(is_true(&condition, "push a, push b"));
    assert!(!is_true(&condition, "push a, mode b"));
}

#[test]
fn a_time_of_day_also_over_midnight() {
    let day = Condition::Time(DaySpan { start: 9 * 60, end: 17 * 60 });
    let night = Condition::Time(DaySpan { start: 22 * 60, end: 6 * 60 });
    for (clock, by_day, by_night) in [
        ("08:59", false, false),
        ("09:00", true, false),
        ("16:59", true, false),
        ("17:00", false, false),
        ("21:59", false, false),
        ("22:00", false, true),
        ("23:59", false, true),
        ("00:00", false, true),
        ("05:59", false, true),
        ("06:00", false, false),
    ] {
        assert_eq!(is_true(&day, &format!("at {clock} mon")), by_day, "{clock}");
        assert_eq!(is_true(&night, &format!("at {clock} mon")), by_night, "{clock}");
    }
    let evening = Condition::Time(DaySpan { start: 18 * 60, end: 24 * 60 });
    assert!(is_true(&evening, "at 23:59 mon"));
    assert!(!is_true(&evening, "at 00:00 mon"));
}

#[test]
fn a_weekday() {
    let weekend = Condition::Weekday(0b110_0000);
    for (day, expected) in [("mon", false), ("fri", false), ("sat", true), ("sun", true)] {
        assert_eq!(is_true(&weekend, &format!("at 12:00 {day}")), expected, "{day}");
    }
}

#[test]
fn a_running_program() {
    let condition = Condition::Running(OBS);
    assert!(!is_true(&condition, ""));
    assert!(is_true(&condition, "obs runs"));
    assert!(!is_true(&condition, "obs runs, obs ends"));
}

#[test]
fn variables_of_every_kind() {
    assert!(!is_true(&is(Value::Number(2.0)), ""), "a variable that nobody set");
    assert!(is_true(&is(Value::Number(2.0)), "x = 2"));
    assert!(!is_true(&is(Value::Number(2.0)), "x = 3"));
    assert!(is_true(&is(Value::Flag(true)), "x = true"));
    assert!(!is_true(&is(Value::Flag(true)), "x = 1"), "a number is no flag");
    assert!(is_true(&is(Value::Text("intro".into())), "x = intro"));
    let above = Condition::Variable(X, Comparison::Above(2.0));
    let below = Condition::Variable(X, Comparison::Below(2.0));
    assert!(is_true(&above, "x = 2.5") && !is_true(&above, "x = 2") && !is_true(&above, ""));
    assert!(is_true(&below, "x = 1.5") && !is_true(&below, "x = 2") && !is_true(&below, "x = text"));
}

#[test]
fn and_or_not() {
    let (x, y) = (is(Value::Number(1.0)), Condition::Variable(Y, Comparison::Is(Value::Number(1.0))));
    let all = Condition::All(vec![x.clone(), y.clone()]);
    let any = Condition::Any(vec![x.clone(), y.clone()]);
    let not = Condition::Not(Box::new(any.clone()));
    for (before, is_all, is_any) in [
        ("x = 0", false, false),
        ("x = 1", false, true),
        ("y = 1", false, true),
        ("x = 1, y = 1", true, true),
    ] {
        assert_eq!(is_true(&all, before), is_all, "{before}");
        assert_eq!(is_true(&any, before), is_any, "{before}");
        assert_eq!(is_true(&not, before), !is_any, "{before}");
    }
    assert!(is_true(&Condition::All(vec![]), "") && !is_true(&Condition::Any(vec![]), ""));
}

#[test]
fn a_condition_that_is_false_makes_way_for_the_next_mapping() {
    let rules = rules([press(1).named("live").when(is(Value::Flag(true))), press(1).named("else")]);
    check_fired(&rules, "pad1 down, pad1 up, x = true, pad1 down", "0ms fired else; 0ms fired live");
}

#[test]
fn actions_change_variables() {
    let rules = rules([
        press(1).does(&[set(X, Assignment::Toggle)]),
        press(2).does(&[set(X, Assignment::Add(1.5))]),
        press(3).does(&[set(X, Assignment::Input)]),
        press(4).does(&[set(X, Assignment::To(Value::Text("t".into())))]),
    ]);
    let x = |script: &str| play(&[&rules], script).engine.variable(X).cloned();
    assert_eq!(x("pad1 down"), Some(Value::Flag(true)));
    assert_eq!(x("pad1 down, pad1 up, pad1 down"), Some(Value::Flag(false)));
    assert_eq!(x("pad2 down, pad2 up, pad2 down"), Some(Value::Number(3.0)));
    assert_eq!(x("pad4 down, pad2 down"), Some(Value::Number(1.5)), "text counts as nothing");
    assert_eq!(x("pad3 down 127"), Some(Value::Number(1.0)));
    assert_eq!(x("pad4 down"), Some(Value::Text("t".into())));
}

#[test]
fn variables_have_first_values() {
    let mut rules = rules([press(1).when(is(Value::Number(7.0)))]);
    rules.variables = vec![(X, Value::Number(7.0))];
    check(&rules, "pad1 down, pad1 up, x = 8, pad1 down", "0ms press");
}

#[test]
fn the_clock_is_wanted_where_it_is_asked_for() {
    let wants =
        |condition: Condition| play(&[&rules([press(1).when(condition)])], "").engine.wants_wall_clock();
    assert!(!wants(Condition::Always));
    assert!(wants(Condition::Not(Box::new(Condition::Any(vec![Condition::Weekday(1)])))));
}
