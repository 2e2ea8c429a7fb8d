//! Plugins that misbehave when they are called: whatever they do, the press has an outcome, a plugin called meanwhile
//! works, the figures are right, and the plugin is there again.

use anyhow::Result;
use padgate_ipc::event::OutcomeKind;
use padgate_ipc::method::PressPhase;
use padgate_ipc::plugin::{LogSource, PluginState};
use padgate_tests::plugin::Plugin;

use super::{Stage, assert_done, assert_outcome, map};

/// What a plugin dies of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Death {
    /// Its own doing.
    Crash,
    /// Padgate killed it for what it did.
    Killed,
    /// Padgate killed it because it took too long.
    TooSlow,
}

/// The call fails with these in its text, the plugin is gone for this reason, comes back, and works.
fn dies(how: &str, death: Death, why: &str) -> Result<()> {
    let mut stage = Stage::with_misbehaving(&Plugin::misbehave(), how)?;
    let watch = &mut stage.watch;
    watch.plugin_is("misbehave", PluginState::Enabled)?;
    watch.press("pads", "C1", PressPhase::Tap)?;
    let request = watch.fired("C1")?.requests[0].id;
    // Meanwhile.
    stage.neighbour_works()?;
    let watch = &mut stage.watch;
    let outcome = watch.outcome(request)?;
    assert_outcome(&outcome, OutcomeKind::Failed, &["misbehave", why, "padgate plugin logs misbehave"]);

    // It is there again, by itself.
    assert_done(&watch.tap("D1")?);
    let stats = watch.plugin_stats("misbehave")?;
    let (timeouts, crashes) = if death == Death::TooSlow { (1, 0) } else { (0, 1) };
    assert_eq!((stats.timeouts, stats.crashes, stats.restarts), (timeouts, crashes, 1), "{stats:?}");
    assert_eq!((stats.executions, stats.failures, stats.refusals), (2, 1, 0), "{stats:?}");
    let host = watch.plugin_info("misbehave")?.host.expect("it has a host");
    assert_eq!((host.generation, host.restarts), (2, 1), "{host:?}");

    // What happened stands in its log, and in the audit log, in one sentence.
    let line = watch.plugin_says("misbehave", why)?;
    assert_eq!((line.source, &*line.level), (LogSource::Padgate, "error"), "{line:?}");
    let event = if death == Death::Crash { "crash" } else { "kill" };
    watch.audited("misbehave", event, why)?;
    watch.audited("misbehave", "restart", "started again")?;
    stage.neighbour_works()
}

#[test]
fn one_that_aborts() -> Result<()> {
    dies("abort", Death::Crash, "SIGABRT")
}

#[test]
fn one_that_crashes() -> Result<()> {
    dies("crash", Death::Crash, "SIGSEGV")
}

#[test]
fn one_that_exits() -> Result<()> {
    dies("exit", Death::Crash, "it exited without having been asked to")
}

#[test]
fn one_that_exits_with_a_code_and_without_ceremony() -> Result<()> {
    dies("_exit", Death::Crash, "it exited with code 5")
}

#[test]
fn one_that_hangs() -> Result<()> {
    dies("hang", Death::TooSlow, "it took longer than 1s")
}

#[test]
fn one_that_hangs_and_ignores_signals() -> Result<()> {
    dies("ignore-signals", Death::TooSlow, "it took longer than 1s")
}

#[test]
fn one_that_burns_a_processor() -> Result<()> {
    dies("burn", Death::TooSlow, "it took longer than 1s")
}

#[test]
fn one_that_floods_its_standard_output() -> Result<()> {
    dies("flood-print", Death::TooSlow, "it took longer than 1s")
}

#[test]
fn one_that_closes_its_descriptors() -> Result<()> {
    dies("close", Death::Killed, "it closed its link to Padgate")
}

#[test]
fn one_that_sends_garbage() -> Result<()> {
    dies("garbage", Death::Killed, "it sent something that is no frame")
}

#[test]
fn one_that_sends_a_frame_that_is_too_large() -> Result<()> {
    dies("oversized", Death::Killed, "it sent a frame that is larger than any may be")
}

#[test]
fn one_that_sends_the_result_of_another_call() -> Result<()> {
    dies("forged-result", Death::Killed, "it sent the result of a call that there is not")
}

#[test]
fn one_that_says_that_it_is_another_generation() -> Result<()> {
    // Frames of another generation are nobody's: they are passed over, and it hangs then.
    dies("forged-generation", Death::TooSlow, "it took longer than 1s")
}

/// It dies of a flood. Which of its limits it comes to first depends on how fast the machine is.
fn floods(how: &str) -> Result<Stage> {
    let mut stage = Stage::with_misbehaving(&Plugin::misbehave(), how)?;
    stage.watch.press("pads", "C1", PressPhase::Tap)?;
    let request = stage.watch.fired("C1")?.requests[0].id;
    stage.neighbour_works()?;
    let outcome = stage.watch.outcome(request)?;
    let text = outcome.message.clone().unwrap_or_default();
    let limits = [
        "it flooded its link",
        "it does not read what Padgate sends",
        "it asked for more than 64 things at a time",
        "it took longer than 1s",
    ];
    assert!(
        outcome.result == OutcomeKind::Failed && limits.iter().any(|limit| text.contains(limit)),
        "{outcome:?}"
    );
    assert_done(&stage.watch.tap("D1")?);
    let stats = stage.watch.plugin_stats("misbehave")?;
    assert!(stats.crashes + stats.timeouts == 1 && stats.restarts == 1 && stats.failures == 1, "{stats:?}");
    stage.neighbour_works()?;
    Ok(stage)
}

#[test]
fn one_that_floods_its_log() -> Result<()> {
    let mut stage = floods("flood-log")?;
    stage.watch.plugin_says("misbehave", "again and again")?;
    Ok(())
}

#[test]
fn one_that_floods_its_link_with_what_it_asks_for() -> Result<()> {
    let mut stage = floods("flood-asks")?;
    let stats = stage.watch.plugin_stats("misbehave")?;
    assert!(stats.refusals > 1, "{stats:?}");
    stage.watch.audited("misbehave", "refusal", "may not connect to hosts:80")?;
    Ok(())
}

/// The call fails with these in its text, and the plugin lives on.
fn fails(how: &str, parts: &[&str]) -> Result<String> {
    let plugin = Plugin::misbehave().limits("deadline = \"5s\"\nmemory = \"64MiB\"");
    let mut stage = Stage::with_misbehaving(&plugin, how)?;
    stage.watch.plugin_is("misbehave", PluginState::Enabled)?;
    let outcome = stage.watch.tap("C1")?;
    assert_outcome(&outcome, OutcomeKind::Failed, parts);
    assert_done(&stage.watch.tap("D1")?);
    let stats = stage.watch.plugin_stats("misbehave")?;
    assert_eq!((stats.executions, stats.failures, stats.crashes, stats.timeouts), (2, 1, 0, 0), "{stats:?}");
    stage.neighbour_works()?;
    Ok(outcome.message.unwrap_or_default())
}

#[test]
fn one_that_allocates_without_end_gets_no_more_than_its_limit() -> Result<()> {
    let text = fails("allocate", &["got ", " MiB"])?;
    assert!(number(&text).is_some_and(|mebibytes| mebibytes < 64), "{text}");
    Ok(())
}

#[test]
fn one_that_starts_threads_gets_no_more_than_its_limit() -> Result<()> {
    let text = fails("threads", &["got ", " threads"])?;
    assert!(number(&text).is_some_and(|threads| threads <= 256), "{text}");
    Ok(())
}

/// The number after "got".
fn number(text: &str) -> Option<u32> {
    text.split("got ").nth(1)?.split(' ').next()?.parse().ok()
}

#[test]
fn one_in_rust_that_panics_fails_with_what_it_says_and_goes_on() -> Result<()> {
    let config = ["execute", "check", "thread", "well"].iter().zip(["C1", "D1", "E1", "F1"]);
    let config: String = config.map(|(how, note)| map(note, "panics", how)).collect();
    let mut stage = Stage::new(&[&Plugin::panics()], &config)?;
    let watch = &mut stage.watch;
    let place = "panics.rs:";
    assert_outcome(
        &watch.tap("C1")?,
        OutcomeKind::Failed,
        &["\"panics\" panicked", "this is too much for me", place],
    );
    assert_outcome(&watch.tap("D1")?, OutcomeKind::Failed, &["these parameters are too much for me", place]);
    assert_done(&watch.tap("E1")?);
    assert_done(&watch.tap("F1")?);
    watch.plugin_says("panics", "call 3")?;
    watch.plugin_says("panics", "a thread had enough")?;
    let stats = watch.plugin_stats("panics")?;
    assert_eq!((stats.executions, stats.failures, stats.crashes, stats.restarts), (3, 1, 0, 0), "{stats:?}");
    Ok(())
}

#[test]
fn one_that_makes_a_forbidden_system_call() -> Result<()> {
    fails("system-call", &["socket: "]).map(drop)
}

#[test]
fn one_that_changes_its_own_file() -> Result<()> {
    let text = fails("change-itself", &["can't write to "])?;
    assert!(text.contains("/store/"), "it is a copy that is run: {text}");
    Ok(())
}

#[test]
fn one_that_ends_with_a_number_that_means_nothing() -> Result<()> {
    fails("odd-status", &["it gave no reason (status 12345)"]).map(drop)
}

#[test]
fn one_whose_text_would_play_with_the_terminal() -> Result<()> {
    let text = fails("escape-codes", &["\\u{1b}[2J"])?;
    assert!(text.chars().all(|c| !c.is_control()), "{text:?}");
    Ok(())
}

#[test]
fn one_whose_text_is_long() -> Result<()> {
    let text = fails("long-text", &["xxx", "…"])?;
    assert!(text.len() < 2048, "{}", text.len());
    Ok(())
}

#[test]
fn one_whose_thread_burns_a_processor_after_the_call() -> Result<()> {
    let plugin = Plugin::misbehave().limits("cpu = 10");
    let mut stage = Stage::with_misbehaving(&plugin, "burn-later")?;
    assert_done(&stage.watch.tap("C1")?);
    stage.neighbour_works()?;
    stage.watch.audited("misbehave", "kill", "of a processor")?;
    stage.watch.plugin_is("misbehave", PluginState::Enabled)?;
    let stats = stage.watch.plugin_stats("misbehave")?;
    assert_eq!((stats.executions, stats.failures, stats.timeouts), (1, 0, 0), "{stats:?}");
    assert!(stats.crashes >= 1 && stats.restarts >= 1, "{stats:?}");
    stage.neighbour_works()
}

#[test]
fn one_that_dies_five_times_is_left_alone_until_it_is_enabled() -> Result<()> {
    let mut stage = Stage::with_misbehaving(&Plugin::misbehave(), "abort")?;
    for _ in 0..5 {
        assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Failed, &["SIGABRT"]);
    }
    let summary = stage.watch.plugin_is("misbehave", PluginState::Quarantined)?;
    let reason = summary.reason.unwrap_or_default();
    assert!(reason.contains("died again and again") && reason.contains("SIGABRT"), "{reason}");
    let todo = ["left alone", "padgate plugin logs misbehave", "padgate plugin reload misbehave"];
    assert_outcome(&stage.watch.tap("D1")?, OutcomeKind::Unavailable, &todo);
    let stats = stage.watch.plugin_stats("misbehave")?;
    assert_eq!((stats.executions, stats.failures, stats.crashes, stats.restarts), (5, 5, 5, 4), "{stats:?}");
    let host = stage.watch.plugin_info("misbehave")?.host.expect("it had a host");
    assert!(host.pid.is_none() && host.breaker.is_some_and(|breaker| breaker.until_unix_ms.is_some()));
    stage.watch.audited("misbehave", "kill", "left alone")?;
    assert!(stage.watch.status()?.hints.iter().any(|hint| hint.contains("misbehave")));
    stage.neighbour_works()?;

    let change = stage.watch.enable("misbehave")?;
    assert!(change.changed && change.plugin.state == PluginState::Enabled, "{change:?}");
    assert_done(&stage.watch.tap("D1")?);
    stage.neighbour_works()
}
