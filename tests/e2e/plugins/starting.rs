//! Plugins that misbehave before they are ready: while they are loaded, made, and given their parameters.

use anyhow::Result;
use padgate_ipc::event::OutcomeKind;
use padgate_ipc::plugin::PluginState;
use padgate_tests::plugin::Plugin;

use super::{Stage, assert_done, assert_outcome};

/// It never becomes ready, dies again and again for this reason, and is left alone.
fn never_starts(plugin: &Plugin, why: &str) -> Result<()> {
    let mut stage = Stage::with_misbehaving(plugin, "well")?;
    stage.neighbour_works()?;
    let summary = stage.watch.plugin_is("misbehave", PluginState::Quarantined)?;
    assert!(summary.reason.as_deref().is_some_and(|reason| reason.contains(why)), "{summary:?}");
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Unavailable, &["misbehave", "left alone", why]);
    let stats = stage.watch.plugin_stats("misbehave")?;
    assert_eq!((stats.executions, stats.crashes, stats.timeouts, stats.restarts), (0, 5, 0, 4), "{stats:?}");
    stage.watch.plugin_says("misbehave", why)?;
    stage.watch.audited("misbehave", "kill", "left alone")?;
    stage.neighbour_works()
}

#[test]
fn a_constructor_that_crashes() -> Result<()> {
    never_starts(&Plugin::misbehave().with("CONSTRUCTOR_ABORTS"), "SIGABRT")
}

#[test]
fn a_constructor_that_exits() -> Result<()> {
    never_starts(&Plugin::misbehave().with("CONSTRUCTOR_EXITS"), "it exited without having been asked to")
}

#[test]
fn a_create_that_crashes() -> Result<()> {
    never_starts(&Plugin::misbehave().with("CREATE_CRASHES"), "SIGSEGV")
}

/// It is killed because it does not become ready, and tried again; calls wait meanwhile, or say why not.
fn hangs(plugin: &Plugin, how: &str, why: &str) -> Result<()> {
    let mut stage = Stage::with_misbehaving(plugin, how)?;
    stage.neighbour_works()?;
    stage.watch.audited("misbehave", "kill", why)?;
    stage.watch.plugin_says("misbehave", why)?;
    let stats = stage.watch.plugin_stats("misbehave")?;
    assert!(stats.executions == 0 && stats.timeouts >= 1, "{stats:?}");
    stage.neighbour_works()?;
    // It hangs five times before it is left alone, and whoever called it is told then at the latest.
    let outcome = stage.watch.tap("D1")?;
    assert_ne!(outcome.result, OutcomeKind::Done, "{outcome:?}");
    stage.watch.plugin_is("misbehave", PluginState::Quarantined)?;
    assert_outcome(&stage.watch.tap("D1")?, OutcomeKind::Unavailable, &["left alone", why]);
    stage.neighbour_works()
}

#[test]
fn a_constructor_that_hangs() -> Result<()> {
    hangs(&Plugin::misbehave().with("CONSTRUCTOR_HANGS"), "well", "it had not loaded its plugin")
}

#[test]
fn a_create_that_hangs() -> Result<()> {
    hangs(&Plugin::misbehave().with("CREATE_HANGS"), "well", "it had not loaded its plugin")
}

#[test]
fn a_prepare_that_hangs() -> Result<()> {
    hangs(&Plugin::misbehave(), "prepare-hangs", "over the parameters of a call")
}

#[test]
fn a_prepare_that_crashes() -> Result<()> {
    let mut stage = Stage::with_misbehaving(&Plugin::misbehave(), "prepare-crashes")?;
    stage.watch.plugin_is("misbehave", PluginState::Quarantined)?;
    assert_outcome(&stage.watch.tap("D1")?, OutcomeKind::Unavailable, &["left alone", "SIGSEGV"]);
    stage.neighbour_works()
}

#[test]
fn a_prepare_that_fails_concerns_that_call_alone() -> Result<()> {
    let mut stage = Stage::with_misbehaving(&Plugin::misbehave(), "prepare-fails")?;
    stage.watch.plugin_is("misbehave", PluginState::Enabled)?;
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Failed, &["there is no such scene"]);
    assert_done(&stage.watch.tap("D1")?);
    let info = stage.watch.plugin_info("misbehave")?;
    let problems: Vec<_> = info.calls.iter().map(|call| call.problem.as_deref()).collect();
    assert!(
        problems.iter().flatten().all(|problem| problem.contains("there is no such scene"))
            && problems.iter().flatten().count() == 1
            && problems.len() == 2,
        "{:?}",
        info.calls
    );
    let line = stage.watch.plugin_says("misbehave", "there is no such scene")?;
    assert_eq!(line.level, "warn");
    // Where one looks for mistakes: beside the mapping.
    let checked = stage.daemon.padgate(&["check"])?.success()?;
    assert!(checked.contains("W108") && checked.contains("there is no such scene"), "{checked}");
    stage.neighbour_works()
}

#[test]
fn a_constructor_that_burns_a_processor() -> Result<()> {
    let plugin = Plugin::misbehave().with("CONSTRUCTOR_BURNS").limits("cpu = 10");
    let mut stage = Stage::with_misbehaving(&plugin, "well")?;
    stage.watch.audited("misbehave", "kill", "of a processor")?;
    stage.neighbour_works()
}

#[test]
fn a_destroy_that_hangs_is_killed() -> Result<()> {
    let mut stage = Stage::with_misbehaving(&Plugin::misbehave().with("DESTROY_HANGS"), "well")?;
    assert_done(&stage.watch.tap("C1")?);
    stage.daemon.padgate(&["plugin", "unload", "misbehave"])?.success()?;
    stage.watch.plugin_is("misbehave", PluginState::Unloaded)?;
    stage.watch.audited("misbehave", "unload", "ended")?;
    let stats = stage.watch.plugin_stats("misbehave")?;
    assert_eq!((stats.crashes, stats.timeouts), (0, 0), "it was asked to end: {stats:?}");
    stage.neighbour_works()
}

/// It says why it can't be run, and is not tried again.
fn is_unfit(plugin: &Plugin, parts: &[&str]) -> Result<()> {
    let mut stage = Stage::with_misbehaving(plugin, "well")?;
    let summary = stage.watch.plugin_is("misbehave", PluginState::Unusable)?;
    let reason = summary.reason.unwrap_or_default();
    for part in parts {
        assert!(reason.contains(part), "{part:?} is missing: {reason}");
    }
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Unavailable, parts);
    let host = stage.watch.plugin_info("misbehave")?.host.expect("it had a host");
    assert_eq!((host.generation, host.pid), (1, None), "{host:?}");
    stage.watch.audited("misbehave", "kill", parts[0])?;
    stage.neighbour_works()
}

#[test]
fn one_for_another_abi() -> Result<()> {
    is_unfit(&Plugin::misbehave().with("WRONG_ABI"), &["999"])
}

#[test]
fn one_without_a_table() -> Result<()> {
    is_unfit(&Plugin::misbehave().with("NULL_TABLE"), &["padgate_plugin_entry"])
}

#[test]
fn one_with_a_table_that_is_too_short() -> Result<()> {
    is_unfit(&Plugin::misbehave().with("SHORT_TABLE"), &["table"])
}

#[test]
fn one_without_a_function_that_it_must_have() -> Result<()> {
    is_unfit(&Plugin::misbehave().with("NULL_EXECUTE"), &["execute"])
}

#[test]
fn one_that_lies_about_its_name() -> Result<()> {
    is_unfit(&Plugin::misbehave().with("LIES_NAME=\"another\""), &["another", "misbehave"])
}

#[test]
fn one_that_lies_about_its_version() -> Result<()> {
    is_unfit(&Plugin::misbehave().with("LIES_VERSION=\"9.9.9\""), &["9.9.9", "1.0.0"])
}

#[test]
fn one_that_forges_its_readiness_before_it_is_locked_down() -> Result<()> {
    is_unfit(&Plugin::misbehave().with("CONSTRUCTOR_FORGES"), &["it is not confined as it says"])
}

#[test]
fn one_without_the_entry() -> Result<()> {
    is_unfit(&Plugin::misbehave().with("padgate_plugin_entry=something_else"), &["padgate_plugin_entry"])
}
