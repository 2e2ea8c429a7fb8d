//! Calls that go well, or wait, or are refused.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use padgate_core::engine::{CallPhase, RequestId};
use padgate_core::ruleset::action::PluginCall;

use super::{
    Bench, Happening, HostState, Hosting, Outcome, PATIENCE, PLUGIN, PluginId, call, hosting, hosting_of,
    lock, text,
};
use crate::plugins::supervisor::QUEUE_CALLS;
use crate::plugins::supervisor::core::OWN_SLOT;

#[test]
fn a_call_is_done_and_counted() {
    let ok = call("ok");
    let bench = Bench::ready(&[&ok]);
    assert_eq!(bench.outcome(&ok), Outcome::Done);
    assert_eq!(bench.outcome(&call("ok")), Outcome::Done, "an equal call is the same call");
    let (_, statistics) = bench.supervisor.statistics().remove(0);
    assert_eq!((statistics.executions, statistics.failures, statistics.crashes), (2, 0, 0));
    assert!(statistics.last_execution_ms > 0 && statistics.times.max >= statistics.times.p50);
    assert!(statistics.rss.is_some_and(|rss| rss > 0));
    let status = bench.supervisor.status(PLUGIN);
    assert_eq!((status.state, status.generation, status.waiting), (HostState::Ready, 1, 0));
    assert_eq!(status.version.as_deref(), Some("1.0.0"));
    assert!(status.confinement.is_some_and(|confinement| confinement.is_full()));
}

#[test]
fn a_plugin_that_is_not_there_says_what_to_type() {
    let bench = Bench::new();
    let outcome = bench.outcome(&call("ok"));
    assert!(text(&outcome).contains("\"padgate plugin load probe0\""), "{outcome:?}");
    assert_eq!(bench.call(&call("ok"), CallPhase::Release, 1), Err(Outcome::Done));
    assert_eq!(bench.state(), HostState::Absent);
}

#[test]
fn the_plugins_own_words_arrive_with_its_status() {
    let [failed, refused, gone, panicked, odd] =
        ["status 1", "status 2", "status 3", "status -100", "status 99"].map(call);
    let bench = Bench::ready(&[&failed, &refused, &gone, &panicked, &odd]);
    assert_eq!(bench.outcome(&failed), Outcome::Failed("the plugin \"probe0\" failed: why not".into()));
    assert_eq!(bench.outcome(&refused), Outcome::Refused("why not".into()));
    assert_eq!(bench.outcome(&gone), Outcome::Unavailable("why not".into()));
    assert_eq!(bench.outcome(&panicked), Outcome::Failed("the plugin \"probe0\" panicked: why not".into()));
    assert!(matches!(bench.outcome(&odd), Outcome::Failed(_)));
    assert_eq!(bench.supervisor.statistics()[0].1.failures, 5);
    assert!(bench.logged("\"do\" failed: why not"));
    let log = bench.supervisor.log(PLUGIN, usize::MAX);
    let failed = log.iter().filter(|line| line.text.contains("\"do\" failed")).count();
    assert!(failed <= 4, "what is refused is said by whoever refuses it: {log:?}");
}

#[test]
fn parameters_that_are_not_taken_fail_their_calls_alone() {
    let (good, bad) = (call("ok"), call("prepare-fails"));
    let bench = Bench::new();
    bench.calls(&[&bad, &good]);
    bench.supervisor.host(hosting("good"));
    let told = bench.until(|what| matches!(what, Happening::Unprepared { .. }));
    assert_eq!(told, Happening::Unprepared { call: bad.clone(), why: "no such scene".into() });
    bench.until(|what| matches!(what, Happening::Ready { .. }));
    assert!(text(&bench.outcome(&bad)).contains("no such scene"));
    assert_eq!(bench.outcome(&good), Outcome::Done);
    let calls = bench.supervisor.status(PLUGIN).calls;
    assert_eq!(calls, [(bad, Some("no such scene".into())), (good, None)]);
}

#[test]
fn a_call_that_the_configuration_did_not_announce_is_prepared_when_it_comes() {
    let bench = Bench::ready(&[]);
    assert_eq!(bench.outcome(&call("ok")), Outcome::Done);
}

#[test]
fn what_comes_while_the_host_is_busy_waits_in_order_and_a_full_queue_drops_presses_only() {
    let (wait, tell) = (call("wait"), call("tell"));
    let bench = Bench::ready(&[&wait, &tell]);
    let first = bench.call(&wait, CallPhase::Press, 1).unwrap();
    let waiting: Vec<_> =
        (0..QUEUE_CALLS as u64).map(|press| bench.call(&tell, CallPhase::Tap, press + 10).unwrap()).collect();
    assert_eq!(bench.call(&tell, CallPhase::Tap, 1000), Err(Outcome::Dropped));
    assert_eq!(bench.call(&tell, CallPhase::Press, 1001), Err(Outcome::Dropped));
    assert_eq!(bench.call(&tell, CallPhase::Release, 1001), Err(Outcome::Done), "its press was dropped");
    let release = bench.call(&wait, CallPhase::Release, 1).unwrap();
    assert_eq!(bench.supervisor.status(PLUGIN).waiting, QUEUE_CALLS + 1);
    bench.go_on();
    assert_eq!(bench.report(first), Outcome::Done);
    for (press, id) in waiting.into_iter().enumerate() {
        let outcome = bench.report(id);
        assert!(text(&outcome).contains(&format!(": 0 {} ", press + 10)), "{outcome:?}");
    }
    bench.go_on();
    assert_eq!(bench.report(release), Outcome::Done);
    assert_eq!(bench.supervisor.statistics()[0].1.dropped, 2);
}

#[test]
fn a_control_that_moves_while_the_host_is_busy_arrives_once_with_its_newest_value() {
    let (wait, tell) = (call("wait"), call("tell"));
    let bench = Bench::ready(&[&wait, &tell]);
    let first = bench.call(&wait, CallPhase::Tap, 1).unwrap();
    let moves: Vec<_> = (0..5).map(|_| bench.call(&tell, CallPhase::Change, 2).unwrap()).collect();
    bench.go_on();
    assert_eq!(bench.report(first), Outcome::Done);
    let mut told = Vec::new();
    for _ in &moves {
        let report = bench.reports.recv_timeout(PATIENCE).unwrap();
        assert!(text(&report.outcome).ends_with(&format!(" {}", moves[4].0)), "{report:?}");
        told.push(report.request);
    }
    told.sort();
    assert_eq!(told, moves);
    assert_eq!(bench.supervisor.statistics()[0].1.executions, 2);
}

#[test]
fn presses_over_the_rate_are_refused_and_the_newest_value_still_arrives() {
    let tell = call("tell");
    let bench = Bench::new();
    bench.calls(&[&tell]);
    bench.supervisor.host(Hosting { rate: 1, ..hosting("good") });
    bench.until(|what| matches!(what, Happening::Ready { .. }));
    let first = bench.call(&tell, CallPhase::Press, 1).unwrap();
    assert!(matches!(bench.report(first), Outcome::Failed(_)));
    let refused = bench.call(&tell, CallPhase::Tap, 2).unwrap_err();
    assert!(text(&refused).contains("more than 1 times a second"), "{refused:?}");
    let moved = [3, 4].map(|press| bench.call(&tell, CallPhase::Change, press).unwrap());
    let release = bench.call(&tell, CallPhase::Release, 1).unwrap();
    assert!(text(&bench.report(release)).contains(": 2 1 "), "a release costs nothing, and waits for nobody");
    let mut told = [(); 2].map(|()| bench.reports.recv_timeout(PATIENCE).unwrap().request);
    told.sort();
    assert_eq!(told, moved);
    assert_eq!(bench.supervisor.statistics()[0].1.refusals, 1);
}

#[test]
fn what_a_plugin_asks_for_is_gated_and_answered() {
    let [allowed, refused, listen, timer] = ["play synth", "play organ", "listen pads", "timer"].map(call);
    let bench = Bench::ready(&[&allowed, &refused, &listen, &timer]);
    assert!(text(&bench.outcome(&allowed)).ends_with("failed: 0"));
    let outcome = bench.outcome(&refused);
    assert!(text(&outcome).contains("failed: 2 ") && text(&outcome).contains("organ"), "{outcome:?}");
    bench.until(|what| matches!(what, Happening::Refused { .. }));
    assert_eq!(bench.supervisor.statistics()[0].1.refusals, 1);
    bench.outcome(&listen);
    assert_eq!(*lock(&bench.broker.listens), ["pads"]);
    assert_eq!(bench.outcome(&timer), Outcome::Done);
    assert!(bench.logged("event 1 "), "the timer ran out");
}

#[test]
fn calls_of_one_plugin_do_not_wait_for_another() {
    let (wait, other) = (call("wait"), call("ok"));
    let bench = Bench::ready(&[&wait, &other]);
    bench.supervisor.host(hosting_of(1, "good"));
    bench.until(|what| matches!(what, Happening::Ready { .. }));
    let held = bench.call(&wait, CallPhase::Tap, 1).unwrap();
    let request = bench.request(&other, CallPhase::Tap, 2);
    bench.supervisor.call(bench.gate.call(PluginId(1)).unwrap(), &request).unwrap();
    assert_eq!(bench.report(request.id), Outcome::Done);
    bench.go_on();
    assert_eq!(bench.report(held), Outcome::Done);
}

#[test]
fn a_call_does_not_allocate_once_it_is_warm() {
    let (wait, ok) = (call("wait"), call("ok"));
    let bench = Bench::ready(&[&wait, &ok]);
    let allocations = |call: &Arc<PluginCall>, phase, press| {
        let request = bench.request(call, phase, press);
        let mut taken = None;
        let count = allocation_counter::measure(|| {
            taken = Some(bench.supervisor.call(bench.gate.call(PLUGIN).unwrap(), &request));
        });
        assert_eq!(taken, Some(Ok(())));
        count.count_total
    };
    for press in 1..4 {
        assert_eq!(allocations(&ok, CallPhase::Press, press), 0, "handed over at once");
        assert_eq!(bench.report(RequestId(bench.requests.load(Ordering::Relaxed) - 1)), Outcome::Done);
    }
    assert_eq!(allocations(&wait, CallPhase::Press, 9), 0);
    for press in 1..4 {
        assert_eq!(allocations(&ok, CallPhase::Release, press), 0, "put into the queue");
        assert_eq!(allocations(&ok, CallPhase::Change, press), 0, "merged");
        assert_eq!(allocations(&ok, CallPhase::Tap, press), 0);
    }
}

#[test]
fn without_a_host_nothing_wakes_the_thread() {
    let bench = Bench::new();
    assert_eq!(bench.supervisor.core.poller.first(), None);
    bench.supervisor.host(hosting("good"));
    bench.until(|what| matches!(what, Happening::Ready { .. }));
    bench.supervisor.end(PLUGIN);
    bench.until(|what| *what == Happening::Ended);
    bench.supervisor.shutdown();
    let left = bench.supervisor.core.poller.first();
    assert!(left.is_none_or(|(_, slot)| slot == OWN_SLOT), "{left:?}");
}
