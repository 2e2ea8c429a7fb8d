//! Hosts that die, hang, or never become ready; and what becomes of calls.

use std::time::Duration;

use padgate_core::engine::CallPhase;

use super::{Bench, Happening, HostState, Hosting, Outcome, PLUGIN, call, hosting, text};
use crate::plugins::supervisor::DEATHS_MAX;

/// Short enough to wait for, long enough for a host of the tests to answer.
const SHORT: Duration = Duration::from_millis(300);

fn died(bench: &Bench) -> (bool, String) {
    match bench.until(|what| matches!(what, Happening::Died { .. })) {
        Happening::Died { killed, reason, .. } => (killed, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_crash_fails_the_call_and_the_next_process_does_what_waits() {
    let (abort, ok) = (call("abort"), call("ok"));
    let bench = Bench::ready(&[&abort, &ok]);
    let crashed = bench.call(&abort, CallPhase::Press, 1).unwrap();
    let waiting = bench.call(&ok, CallPhase::Tap, 2).unwrap();
    let outcome = bench.report(crashed);
    assert!(
        text(&outcome).contains("SIGABRT") && text(&outcome).contains("padgate plugin logs probe0"),
        "{outcome:?}"
    );
    let (killed, reason) = died(&bench);
    assert!(!killed && reason.contains("SIGABRT"), "{reason}");
    assert_eq!(bench.report(waiting), Outcome::Done);
    assert_eq!(bench.call(&abort, CallPhase::Release, 1), Err(Outcome::Done), "what was pressed is gone");
    let statistics = bench.supervisor.statistics().remove(0).1;
    assert_eq!((statistics.crashes, statistics.restarts, statistics.failures), (1, 1, 1));
    assert_eq!(bench.supervisor.status(PLUGIN).generation, 2);
    assert!(bench.broker.ended.load(std::sync::atomic::Ordering::Relaxed) >= 1);
}

#[test]
fn an_exit_that_nobody_asked_for_is_a_death() {
    let exit = call("exit");
    let bench = Bench::ready(&[&exit]);
    assert!(text(&bench.outcome(&exit)).contains("it exited without having been asked to"));
}

#[test]
fn a_link_that_is_closed_ends_the_host() {
    let close = call("close");
    let bench = Bench::ready(&[&close]);
    assert!(text(&bench.outcome(&close)).contains("it closed its link to Padgate"));
    assert_eq!(died(&bench), (true, "it closed its link to Padgate".to_owned()));
}

#[test]
fn a_call_that_takes_too_long_is_killed_and_its_release_is_not_delivered() {
    let (hang, ok) = (call("hang"), call("ok"));
    let bench = Bench::new();
    bench.calls(&[&hang, &ok]);
    bench.supervisor.host(Hosting { deadline: SHORT, ..hosting("good") });
    bench.until(|what| matches!(what, Happening::Ready { .. }));
    let hanging = bench.call(&hang, CallPhase::Press, 1).unwrap();
    let release = bench.call(&hang, CallPhase::Release, 1).unwrap();
    let outcome = bench.report(hanging);
    assert!(text(&outcome).contains("it took longer than 300ms"), "{outcome:?}");
    assert_eq!(bench.report(release), Outcome::Done);
    assert!(died(&bench).0);
    bench.until(|what| matches!(what, Happening::Ready { .. }));
    assert_eq!(bench.outcome(&ok), Outcome::Done);
    let statistics = bench.supervisor.statistics().remove(0).1;
    assert_eq!((statistics.timeouts, statistics.crashes, statistics.executions), (1, 0, 2));
}

#[test]
fn what_waits_for_a_host_that_is_not_ready_in_time_fails() {
    let ok = call("ok");
    let bench = Bench::new();
    bench.calls(&[&ok]);
    bench.supervisor.host(Hosting { deadline: SHORT, ..hosting("load-hang") });
    let press = bench.call(&ok, CallPhase::Press, 1).unwrap();
    let release = bench.call(&ok, CallPhase::Release, 1).unwrap();
    let outcome = bench.report(press);
    assert!(text(&outcome).contains("was not ready within 300ms"), "{outcome:?}");
    assert_eq!(bench.report(release), Outcome::Done);
    let (killed, reason) = died(&bench);
    assert!(killed && reason.contains("had not loaded its plugin"), "{reason}");
}

#[test]
fn a_plugin_that_dies_again_and_again_is_left_alone_until_it_is_wanted() {
    let (abort, ok) = (call("abort"), call("ok"));
    let bench = Bench::ready(&[&abort, &ok]);
    for death in 1..DEATHS_MAX {
        assert!(text(&bench.outcome(&abort)).contains("SIGABRT"), "death {death}");
    }
    let last = bench.call(&abort, CallPhase::Tap, 1).unwrap();
    let waiting = bench.call(&ok, CallPhase::Tap, 2);
    assert!(text(&bench.report(last)).contains("SIGABRT"));
    // It may have come before or after the death was heard of.
    let waiting = match waiting {
        Ok(id) => bench.report(id),
        Err(outcome) => outcome,
    };
    assert!(text(&waiting).contains("\"padgate plugin reload probe0\""), "{waiting:?}");
    bench.until(|what| matches!(what, Happening::Quarantined { .. }));
    assert_eq!(bench.state(), HostState::Quarantined);
    let refused = bench.call(&ok, CallPhase::Tap, 3).unwrap_err();
    assert!(matches!(&refused, Outcome::Unavailable(why) if why.contains("SIGABRT")), "{refused:?}");
    bench.supervisor.host(hosting("good"));
    bench.until(|what| matches!(what, Happening::Ready { .. }));
    assert_eq!(bench.outcome(&ok), Outcome::Done);
}

#[test]
fn a_constructor_that_crashes_is_tried_again_and_then_left_alone() {
    let bench = Bench::new();
    bench.supervisor.host(hosting("abort"));
    let Happening::Quarantined { reason, .. } =
        bench.until(|what| matches!(what, Happening::Quarantined { .. }))
    else {
        panic!("it is quarantined");
    };
    assert!(reason.contains("SIGABRT"), "{reason}");
    assert_eq!(bench.supervisor.status(PLUGIN).generation, DEATHS_MAX as u32);
}

#[test]
fn what_can_not_be_run_is_not_tried_again() {
    for (how, why) in
        [("unfit", "no symbol \\u{1b}[31m"), ("wrong-name", "the library says to be other 1.0.0")]
    {
        let bench = Bench::new();
        bench.supervisor.host(hosting(how));
        let Happening::Unusable { reason } = bench.until(|what| matches!(what, Happening::Unusable { .. }))
        else {
            panic!("{how}");
        };
        assert!(reason.contains(why), "{reason}");
        assert!(text(&bench.outcome(&call("ok"))).contains(why));
        assert_eq!((bench.state(), bench.supervisor.status(PLUGIN).generation), (HostState::Unusable, 1));
    }
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let bench = Bench::new();
    std::fs::remove_file(bench.folder.path().join("fake-host")).unwrap();
    bench.supervisor.host(hosting("good"));
    let what = bench.until(|what| matches!(what, Happening::Unusable { .. }));
    assert!(matches!(what, Happening::Unusable { reason } if reason.contains("fake-host")));
}

#[test]
fn parameters_that_crash_the_plugin_end_in_quarantine() {
    let bench = Bench::new();
    bench.calls(&[&call("prepare-crash")]);
    bench.supervisor.host(hosting("good"));
    bench.until(|what| matches!(what, Happening::Quarantined { .. }));
}
