//! Plugins that misbehave when they are called.

use padgated::outcome::Outcome;
use padgated::plugins::supervisor::{Happening, Hosting};

use crate::harness::{BAD, Stage, text};

/// The call fails for this reason, the plugin dies of it, comes back, and works.
fn dies(how: &str, why: &str) {
    let stage = Stage::with(&[], how);
    stage.until(BAD, |what| matches!(what, Happening::Ready { .. }));
    let outcome = stage.outcome(BAD, how);
    assert!(matches!(&outcome, Outcome::Failed(text) if text.contains(why)), "{how}: {outcome:?}");
    stage.good_goes_on();
    stage.until(BAD, |what| matches!(what, Happening::Died { .. }));
    stage.until(BAD, |what| matches!(what, Happening::Ready { .. }));
    assert_eq!(stage.outcome(BAD, "well"), Outcome::Done);
    let lines = stage.supervisor.log(BAD, usize::MAX);
    assert!(lines.iter().any(|line| line.text.contains(why)), "{how}: {lines:?}");
}

/// The call fails with this text, and the plugin lives on.
fn fails(how: &str, why: &str) {
    let stage = Stage::with(&[], how);
    stage.until(BAD, |what| matches!(what, Happening::Ready { .. }));
    let outcome = stage.outcome(BAD, how);
    assert!(text(&outcome).contains(why) && text(&outcome).len() < 2048, "{how}: {outcome:?}");
    stage.good_goes_on();
    assert_eq!(stage.supervisor.status(BAD).generation, 1, "{how}");
}

#[test]
fn crashes_and_exits() {
    dies("abort", "SIGABRT");
    dies("crash", "SIGSEGV");
    dies("exit", "it exited without having been asked to");
    dies("_exit", "it exited with code 5");
}

#[test]
fn hangs() {
    dies("hang", "it took longer than 2s");
    dies("ignore-signals", "it took longer than 2s");
    dies("burn", "it took longer than 2s");
}

#[test]
fn descriptors_that_it_should_leave_alone() {
    dies("close", "it closed its link to Padgate");
    dies("garbage", "it sent something that is no frame");
    dies("oversized", "it sent a frame that is larger than any may be");
    dies("forged-result", "it sent the result of a call that there is not");
}

#[test]
fn floods() {
    dies("flood-log", "it ");
    dies("flood-print", "it took longer than 2s");
}

#[test]
fn more_than_its_limits() {
    let most = |how: &str, of: &str, most: u32| {
        let stage = Stage::with(&[], how);
        stage.until(BAD, |what| matches!(what, Happening::Ready { .. }));
        let outcome = stage.outcome(BAD, how);
        let got =
            text(&outcome).split("got ").nth(1).and_then(|got| got.split(' ').next()?.parse::<u32>().ok());
        assert!(got.is_some_and(|got| got <= most), "{of}: {outcome:?}");
        stage.good_goes_on();
    };
    most("allocate", "memory, in MiB", 256);
    most("threads", "threads", 200);
    fails("system-call", "socket: ");
}

#[test]
fn texts_that_would_play_with_the_terminal() {
    fails("escape-codes", "\\u{1b}[2J");
    fails("long-text", "…");
    fails("odd-status", "status 12345");
}

#[test]
fn a_thread_that_goes_on_burning_after_the_call() {
    let stage = Stage::with_hosting(&[], "burn-later", |hosting| Hosting { cpu: 10, ..hosting });
    stage.until(BAD, |what| matches!(what, Happening::Ready { .. }));
    assert_eq!(stage.outcome(BAD, "burn-later"), Outcome::Done);
    let died = stage.until(BAD, |what| matches!(what, Happening::Died { .. }));
    assert!(
        matches!(&died, Happening::Died { killed: true, reason, .. } if reason.contains("of a processor")),
        "{died:?}"
    );
    stage.good_goes_on();
}
