//! Hosts that say what they must not, or too much of it. The host shares its memory with the plugin, so that all of this is
//! what a hostile plugin can do.

use padgate_core::engine::CallPhase;
use padgate_plugin_host::frame::Kind;

use super::{Bench, Happening, Hosting, Outcome, PLUGIN, PluginId, call, hosting, hosting_of, text};
use crate::plugins::supervisor::LogSource;

/// Calls it, and expects the host to be killed for this.
fn killed_for(what: &str, why: &str) {
    let bad = call(what);
    let bench = Bench::ready(&[&bad]);
    let outcome = bench.outcome(&bad);
    assert!(text(&outcome).contains(why), "{what}: {outcome:?}");
    let died = bench.until(|what| matches!(what, Happening::Died { .. }));
    assert!(
        matches!(&died, Happening::Died { killed: true, reason, .. } if reason.contains(why)),
        "{died:?}"
    );
    bench.until(|what| matches!(what, Happening::Ready { .. }));
    let lines = bench.supervisor.log(PLUGIN, usize::MAX);
    assert!(
        lines.iter().any(|line| line.source == LogSource::Padgate && line.text.contains(why)),
        "{lines:?}"
    );
}

#[test]
fn what_is_no_frame_kills() {
    killed_for("raw short", "it sent something that is no frame");
    killed_for("raw 0123456789012345678901234567890123456789", "it sent something that is no frame");
    killed_for("large", "it sent a frame that is larger than any may be");
}

#[test]
fn frames_out_of_turn_kill() {
    let kill = |kind: Kind, why| killed_for(&format!("send {}", kind as u16), why);
    kill(Kind::Confined, "more than once how it is confined");
    kill(Kind::Ready, "ready before it was confined, or twice");
    kill(Kind::Unfit, "can't be run after it ran");
    kill(Kind::Prepared, "an answer to parameters that it was not asked about");
    kill(Kind::Result, "the result of a call that there is not");
    kill(Kind::Pong, "an answer to what it was not asked");
    kill(Kind::State, "an answer to what it was not asked");
    kill(Kind::Call, "a frame that only Padgate may send");
    kill(Kind::Ask, "it asked for something that there is not");
}

#[test]
fn a_second_result_kills_and_the_first_counts() {
    let twice = call("twice");
    let bench = Bench::ready(&[&twice]);
    assert_eq!(bench.outcome(&twice), Outcome::Done);
    bench.until(|what| matches!(what, Happening::Died { killed: true, .. }));
}

#[test]
fn a_frame_of_another_generation_is_passed_over() {
    let stale = call("stale");
    let bench = Bench::ready(&[&stale]);
    assert_eq!(bench.outcome(&stale), Outcome::Done);
    assert_eq!(bench.supervisor.status(PLUGIN).generation, 1);
}

#[test]
fn a_start_out_of_turn_kills() {
    for (how, why) in [
        ("ready-first", "ready before it was confined"),
        ("confined-twice", "more than once how it is confined"),
        ("garbage", "something that is no frame"),
        ("exit", "it exited with code 7"),
    ] {
        let bench = Bench::new();
        bench.supervisor.host(hosting(how));
        let died = bench.until(|what| matches!(what, Happening::Died { .. }));
        assert!(matches!(&died, Happening::Died { reason, .. } if reason.contains(why)), "{how}: {died:?}");
    }
}

#[test]
fn floods_on_the_link_kill() {
    killed_for("log-forever", "it flooded its link");
    killed_for("stale-forever", "it flooded its link");
    killed_for("asks-forever", "it asked for more than 64 things at a time");
}

#[test]
fn answers_that_are_not_read_count_as_open() {
    // They may hold connected sockets: the daemon must not run out of descriptors for a plugin that reads nothing.
    killed_for("asks-deaf", "it asked for more than 64 things at a time");
}

#[test]
fn a_flood_of_print_neither_fills_the_log_nor_delays_another_plugin() {
    let (flood, ok) = (call("print-forever"), call("ok"));
    let bench = Bench::ready(&[&flood, &ok]);
    bench.supervisor.host(hosting_of(1, "good"));
    bench.until(|what| matches!(what, Happening::Ready { .. }));
    bench.call(&flood, CallPhase::Tap, 1).unwrap();
    for press in 2..200 {
        let request = bench.request(&ok, CallPhase::Tap, press);
        bench.supervisor.call(bench.gate.call(PluginId(1)).unwrap(), &request).unwrap();
        assert_eq!(bench.report(request.id), Outcome::Done);
    }
    assert!(bench.supervisor.log(PLUGIN, usize::MAX).len() <= crate::plugins::supervisor::LOG_LINES);
}

#[test]
fn what_is_printed_is_in_the_log() {
    let print = call("print hello \x1b[2J there");
    let bench = Bench::ready(&[&print]);
    assert_eq!(bench.outcome(&print), Outcome::Done);
    assert!(bench.logged("hello \\u{1b}[2J there"));
    let file = bench.folder.path().join("state/plugins/probe0.log");
    bench.supervisor.shutdown();
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(" info  output: ") && text.contains("hello \\u{1b}[2J there\n"), "{text}");
}

#[test]
fn a_plugin_that_burns_its_processor_is_found_and_killed() {
    let burn = call("burn");
    let bench = Bench::new();
    bench.calls(&[&burn]);
    bench.supervisor.host(Hosting { cpu: 5, ..hosting("good") });
    bench.until(|what| matches!(what, Happening::Ready { .. }));
    let outcome = bench.outcome(&burn);
    assert!(text(&outcome).contains("% of a processor for more than 5 s, and may use 5%"), "{outcome:?}");
    assert!(bench.supervisor.statistics()[0].1.cpu_ms > 0);
}
