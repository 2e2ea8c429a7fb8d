//! Loading anew, ending, stopping: what is kept, and that each request ends exactly once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

use padgate_core::engine::CallPhase;

use super::{
    Bench, Happening, HostState, Hosting, LONG, Outcome, PATIENCE, PLUGIN, call, hosting, lock, text,
};

#[test]
fn a_new_version_takes_over_with_the_old_ones_state() {
    let [remember, recall, wait, listen] = ["remember 42", "recall", "wait", "listen pads"].map(call);
    let bench = Bench::ready(&[&remember, &recall, &wait, &listen]);
    assert_eq!(bench.outcome(&remember), Outcome::Done);
    bench.outcome(&listen);
    let held = bench.call(&wait, CallPhase::Press, 1).unwrap();
    bench.supervisor.host(hosting("good"));
    bench.go_on();
    assert_eq!(bench.report(held), Outcome::Done);
    let what = bench.until(|what| matches!(what, Happening::Replaced { .. }));
    assert_eq!(what, Happening::Replaced { generation: 2 });
    assert!(text(&bench.outcome(&recall)).ends_with(": 42"));
    assert_eq!(bench.call(&wait, CallPhase::Release, 1), Err(Outcome::Done), "the old one let go of it");
    assert!(lock(&bench.broker.listens).is_empty(), "what the old one listened to is released");
    assert_eq!(bench.supervisor.statistics()[0].1.crashes, 0);
}

#[test]
fn a_bad_new_version_leaves_the_old_one_running() {
    let ok = call("ok");
    let bench = Bench::ready(&[&ok]);
    for (how, why) in
        [("unfit", "no symbol"), ("abort", "SIGABRT"), ("garbage", "no frame"), ("wrong-name", "other")]
    {
        bench.supervisor.host(hosting(how));
        let what = bench.until(|what| matches!(what, Happening::ReplaceFailed { .. }));
        assert!(
            matches!(&what, Happening::ReplaceFailed { reason } if reason.contains(why)),
            "{how}: {what:?}"
        );
        assert_eq!(bench.outcome(&ok), Outcome::Done);
        assert!(bench.supervisor.status(PLUGIN).reason.is_some_and(|reason| reason.contains(why)));
    }
    assert_eq!((bench.state(), bench.supervisor.statistics()[0].1.crashes), (HostState::Ready, 0));
}

#[test]
fn a_new_configuration_prepares_new_calls_and_forgets_old_ones_when_nobody_holds_them() {
    let [one, two] = ["ok", "tell"].map(call);
    let bench = Bench::ready(&[&one]);
    let press = bench.call(&one, CallPhase::Press, 1).unwrap();
    assert_eq!(bench.report(press), Outcome::Done);
    bench.calls(&[&two]);
    assert!(text(&bench.outcome(&two)).contains("failed: 0 0 "));
    let known = |bench: &Bench| bench.supervisor.status(PLUGIN).calls.len();
    assert_eq!(known(&bench), 2, "its press is held");
    let release = bench.call(&one, CallPhase::Release, 1).unwrap();
    assert_eq!(bench.report(release), Outcome::Done);
    assert_eq!(known(&bench), 1, "its press was released");
    assert!(text(&bench.outcome(&two)).contains("failed: 0 0 "));
}

#[test]
fn the_end_answers_what_waits_and_keeps_the_state_for_the_next_start() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let [remember, wait, recall] = ["remember 7", "wait", "recall"].map(call);
    {
        let bench = Bench::in_folder(folder.clone());
        bench.calls(&[&remember, &wait, &recall]);
        bench.supervisor.host(hosting("good"));
        bench.until(|what| matches!(what, Happening::Ready { .. }));
        assert_eq!(bench.outcome(&remember), Outcome::Done);
        let running = bench.call(&wait, CallPhase::Tap, 1).unwrap();
        let waiting = bench.call(&recall, CallPhase::Tap, 2).unwrap();
        bench.supervisor.end(PLUGIN);
        assert!(matches!(bench.report(waiting), Outcome::Unavailable(_)));
        assert!(matches!(bench.call(&recall, CallPhase::Tap, 3), Err(Outcome::Unavailable(_))));
        bench.go_on();
        assert_eq!(bench.report(running), Outcome::Done, "what runs may end");
        bench.until(|what| *what == Happening::Ended);
        assert_eq!(bench.state(), HostState::Absent);
    }
    let bench = Bench::in_folder(folder);
    bench.calls(&[&recall]);
    bench.supervisor.host(hosting("good"));
    bench.until(|what| matches!(what, Happening::Ready { .. }));
    assert!(text(&bench.outcome(&recall)).ends_with(": 7"));
    let statistics = bench.supervisor.statistics().remove(0).1;
    assert_eq!((statistics.executions, statistics.failures), (3, 1), "two of before, and this");
}

#[test]
fn a_plugin_may_ask_while_it_ends_and_is_released_afterwards() {
    let bench = Bench::new();
    bench.supervisor.host(hosting("asks-at-end"));
    bench.until(|what| matches!(what, Happening::Ready { .. }));
    bench.supervisor.end(PLUGIN);
    bench.until(|what| *what == Happening::Ended);
    let log = bench.supervisor.log(PLUGIN, usize::MAX);
    assert!(log.iter().any(|line| line.text.contains("last answer: 0")), "{log:?}");
    assert_eq!(bench.broker.ended.load(Ordering::Relaxed), 1);
}

#[test]
fn stopping_ends_every_request_exactly_once_even_of_a_plugin_that_hangs() {
    let [hang, ok] = ["hang", "ok"].map(call);
    let bench = Bench::ready(&[&hang, &ok]);
    let mut ids = vec![bench.call(&hang, CallPhase::Press, 1).unwrap()];
    for press in 2..20 {
        ids.push(bench.call(&ok, CallPhase::Press, press).unwrap());
        ids.push(bench.call(&ok, CallPhase::Release, press).unwrap());
        ids.push(bench.call(&ok, CallPhase::Change, press).unwrap());
    }
    let pid = bench.supervisor.status(PLUGIN).pid.unwrap();
    bench.supervisor.shutdown();
    let mut ended: Vec<_> = bench.reports.try_iter().map(|report| report.request).collect();
    ended.sort();
    assert_eq!(ended, ids);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "it was killed and reaped");
    assert!(matches!(bench.call(&ok, CallPhase::Tap, 99), Err(Outcome::Unavailable(_))));
    assert_eq!(bench.call(&ok, CallPhase::Release, 99), Err(Outcome::Done));
    bench.supervisor.shutdown();
}

#[test]
fn a_plugin_that_is_ended_and_wanted_again_comes_back() {
    let ok = call("ok");
    let bench = Bench::ready(&[&ok]);
    bench.supervisor.end(PLUGIN);
    bench.supervisor.host(hosting("good"));
    bench.until(|what| *what == Happening::Ended);
    bench.until(|what| matches!(what, Happening::Ready { generation: 2, .. }));
    assert_eq!(bench.outcome(&ok), Outcome::Done);
}

#[test]
fn a_ping_is_answered_or_says_why_not() {
    let bench = Bench::ready(&[]);
    let ping = |bench: &Bench| {
        let (tell, told) = channel();
        bench.supervisor.ping(PLUGIN, move |answer| drop(tell.send(answer)));
        told.recv_timeout(PATIENCE).unwrap()
    };
    assert!(ping(&bench).is_ok_and(|took| took < LONG));
    bench.supervisor.end(PLUGIN);
    bench.until(|what| *what == Happening::Ended);
    assert_eq!(ping(&bench), Err("it does not run".to_owned()));
}

#[test]
fn many_plugins_crash_and_run_side_by_side() {
    let [abort, ok] = ["abort", "ok"].map(call);
    let bench = Bench::ready(&[&abort, &ok]);
    for id in 1..4 {
        bench.supervisor.host(Hosting { rate: 100_000, ..super::hosting_of(id, "good") });
        bench.until(|what| matches!(what, Happening::Ready { .. }));
    }
    let mut due = Vec::new();
    for round in 0..60u64 {
        let id = u32::try_from(round % 3).unwrap() + 1;
        let request = bench.request(&ok, CallPhase::Tap, round);
        bench.supervisor.call(bench.gate.call(super::PluginId(id)).unwrap(), &request).unwrap();
        due.push((request.id, true));
        if round % 20 == 0
            && let Ok(crash) = bench.call(&abort, CallPhase::Tap, round)
        {
            due.push((crash, false));
        }
    }
    due.sort();
    let mut ended: Vec<_> = (0..due.len())
        .map(|_| bench.reports.recv_timeout(PATIENCE).unwrap())
        .map(|report| (report.request, report.outcome == Outcome::Done))
        .collect();
    ended.sort();
    assert_eq!(ended, due);
}

#[test]
fn a_plugin_that_loses_its_rights_is_not_waited_for_and_comes_back() {
    let hang = call("hang");
    let bench = Bench::ready(&[&hang]);
    let request = bench.request(&hang, CallPhase::Tap, 1);
    bench.supervisor.call(bench.gate.call(PLUGIN).unwrap(), &request).unwrap();
    bench.supervisor.cut(PLUGIN);
    bench.supervisor.host(hosting("good"));
    assert!(text(&bench.report(request.id)).contains("what it was granted was taken back"));
    bench.until(|what| matches!(what, Happening::Ready { generation: 2, .. }));
    assert_eq!(bench.supervisor.statistics()[0].1.crashes, 0, "it is not its fault");
}
