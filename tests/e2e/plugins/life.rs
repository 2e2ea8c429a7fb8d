//! How plugins live: loaded and unloaded, enabled and disabled, replaced while they run, found while the daemon runs, and in
//! the order in which they need each other.

use std::fs;

use anyhow::Result;
use padgate_ipc::client::ClientError;
use padgate_ipc::event::OutcomeKind;
use padgate_ipc::method::{
    DisablePlugin, Empty, LoadPlugin, Reload, ReloadPlugin, RescanPlugins, UnloadPlugin,
};
use padgate_ipc::plugin::{PluginState, StatsView};
use padgate_tests::folder::Folder;
use padgate_tests::plugin::Plugin;
use padgate_tests::plugin_watch::named;
use padgate_tests::plugins::place;

use super::{Stage, assert_done, assert_outcome, map, refusal};
use crate::with_pads;

/// A daemon with the plugin `counter`, which counts on C1.
fn counting() -> Result<Stage> {
    let mut stage = Stage::new(&[&Plugin::steady("counter")], &map("C1", "counter", "count"))?;
    stage.watch.plugin_is("counter", PluginState::Enabled)?;
    Ok(stage)
}

impl Stage {
    /// Another daemon in the same folder, after this one has ended as it should.
    fn again(&mut self) -> Result<()> {
        self.daemon.restart()?;
        self.watch = self.daemon.watch()?;
        Ok(())
    }
}

#[test]
fn unloaded_until_it_is_loaded_or_the_daemon_starts() -> Result<()> {
    let mut stage = counting()?;
    let watch = &mut stage.watch;
    let change = watch.call::<UnloadPlugin>(&named("counter"))?;
    assert!(change.changed, "{change:?}");
    assert_eq!(watch.plugin_is("counter", PluginState::Unloaded)?.pid, None);
    assert!(!watch.call::<UnloadPlugin>(&named("counter"))?.changed, "it is already");
    assert_outcome(&watch.tap("C1")?, OutcomeKind::Unavailable, &["counter", "padgate plugin load counter"]);
    // Reading the configuration again is no wish to have it back.
    watch.call::<Reload>(&Empty {})?;
    assert_eq!(watch.plugin("counter")?.state, PluginState::Unloaded);
    let change = watch.call::<LoadPlugin>(&named("counter"))?;
    assert!(change.changed && change.plugin.state == PluginState::Enabled, "{change:?}");
    assert_done(&watch.tap("C1")?);
    watch.call::<UnloadPlugin>(&named("counter"))?;
    stage.again()?;
    assert_done(&stage.watch.tap("C1")?);
    Ok(())
}

#[test]
fn disabled_until_it_is_enabled_also_over_a_restart() -> Result<()> {
    let mut stage = counting()?;
    assert!(stage.watch.call::<DisablePlugin>(&named("counter"))?.changed);
    let sentence = ["\"counter\" is disabled", "padgate plugin enable counter"];
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, &sentence);
    let error = stage.watch.client.call::<LoadPlugin>(&named("counter")).expect_err("it is disabled");
    assert!(refusal(error)?.message.contains(sentence[1]));
    stage.again()?;
    assert_eq!(stage.watch.plugin("counter")?.state, PluginState::Disabled);
    assert_outcome(&stage.watch.tap("C1")?, OutcomeKind::Refused, &sentence);
    assert!(stage.watch.enable("counter")?.changed);
    assert_done(&stage.watch.tap("C1")?);
    stage.watch.audited("counter", "disable", "disabled")?;
    stage.watch.audited("counter", "enable", "enabled")?;
    stage.again()?;
    assert_done(&stage.watch.tap("C1")?);
    Ok(())
}

#[test]
fn one_that_nothing_calls_runs_when_it_is_loaded() -> Result<()> {
    let mut stage = Stage::new(&[&Plugin::steady("idle")], "")?;
    assert_eq!(stage.watch.plugin("idle")?.state, PluginState::Verified);
    let change = stage.watch.call::<LoadPlugin>(&named("idle"))?;
    assert!(change.plugin.state == PluginState::Enabled && change.plugin.pid.is_some(), "{change:?}");
    let unknown = stage.watch.client.call::<LoadPlugin>(&named("idel")).expect_err("there is none");
    assert!(refusal(unknown)?.message.contains("did you mean \"idle\""));
    Ok(())
}

#[test]
fn a_new_version_takes_over_with_the_state_of_the_old_one() -> Result<()> {
    let mut stage = counting()?;
    assert_done(&stage.watch.tap("C1")?);
    assert_done(&stage.watch.tap("C1")?);
    stage.watch.plugin_says("counter", "version 1.0.0 counts 2")?;
    Plugin::steady("counter").version("1.1.0").install(&stage.daemon)?;
    let change = stage.watch.call::<ReloadPlugin>(&named("counter"))?;
    assert_eq!((&*change.plugin.version, change.plugin.state), ("1.1.0", PluginState::Enabled));
    assert_done(&stage.watch.tap("C1")?);
    stage.watch.plugin_says("counter", "version 1.1.0 begins at 2")?;
    stage.watch.plugin_says("counter", "version 1.1.0 counts 3")?;
    stage.watch.audited("counter", "load", "a new version took over")?;
    let stats = stage.watch.plugin_stats("counter")?;
    assert_eq!((stats.executions, stats.failures, stats.crashes, stats.restarts), (3, 0, 0, 0), "{stats:?}");
    // Without another file, by the command: it is started anew all the same.
    stage.daemon.padgate(&["plugin", "reload", "counter"])?.success()?;
    assert_done(&stage.watch.tap("C1")?);
    stage.watch.plugin_says("counter", "version 1.1.0 counts 4")?;
    // And over a restart of the daemon.
    stage.again()?;
    assert_done(&stage.watch.tap("C1")?);
    stage.watch.plugin_says("counter", "version 1.1.0 counts 5")?;
    Ok(())
}

#[test]
fn a_bad_new_version_leaves_the_old_one_running() -> Result<()> {
    let mut stage = counting()?;
    assert_done(&stage.watch.tap("C1")?);
    let pid = stage.watch.plugin("counter")?.pid;
    Plugin::steady("counter").version("2.0.0").with("BAD").install(&stage.daemon)?;
    let error = stage.watch.client.call::<ReloadPlugin>(&named("counter")).expect_err("it is no good");
    let error = refusal(error)?.message;
    assert!(error.contains("the old one goes on") && error.contains("this version is no good"), "{error}");
    let command = stage.daemon.padgate(&["plugin", "reload", "counter"])?;
    assert!(command.code() == 4 && command.stderr.contains("this version is no good"), "{command:?}");
    assert_done(&stage.watch.tap("C1")?);
    stage.watch.plugin_says("counter", "version 1.0.0 counts 2")?;
    assert_eq!(stage.watch.plugin("counter")?.pid, pid, "it is the same process");
    stage.watch.audited("counter", "load", "could not be replaced")?;
    let stats = stage.watch.plugin_stats("counter")?;
    assert_eq!((stats.crashes, stats.restarts, stats.failures), (0, 0, 0), "{stats:?}");

    // Neither do files that can't be used at all.
    let own = stage.daemon.plugins().join("counter");
    let missing = Plugin::steady("counter").manifest().replace("plugin.so", "gone.so");
    padgate_tests::plugins::write_manifest(&own, &missing)?;
    let error = stage.watch.client.call::<ReloadPlugin>(&named("counter")).expect_err("it has no binary");
    assert!(refusal(error)?.message.contains("gone.so"));

    // A good one takes over then.
    Plugin::steady("counter").version("2.0.1").install(&stage.daemon)?;
    stage.watch.call::<ReloadPlugin>(&named("counter"))?;
    assert_done(&stage.watch.tap("C1")?);
    stage.watch.plugin_says("counter", "version 2.0.1 counts")?;
    Ok(())
}

#[test]
fn a_watched_folder_is_looked_at_when_it_changes() -> Result<()> {
    let config = format!("[plugins]\nwatch = true\n{}", map("C1", "counter", "count"));
    let mut stage = Stage::new(&[&Plugin::steady("counter")], &config)?;
    assert_done(&stage.watch.tap("C1")?);
    Plugin::steady("newcomer").install(&stage.daemon)?;
    stage.watch.until("the newcomer to be found", |watch| {
        Ok(watch.plugin("newcomer").ok().filter(|plugin| plugin.state == PluginState::Verified))
    })?;
    Plugin::steady("counter").version("1.5.0").install(&stage.daemon)?;
    stage.watch.plugin_says("counter", "version 1.5.0 begins at 1")?;
    assert_done(&stage.watch.tap("C1")?);
    stage.watch.plugin_says("counter", "counts 2")?;
    fs::remove_dir_all(stage.daemon.plugins().join("newcomer"))?;
    stage.watch.until("the newcomer to be gone", |watch| Ok(watch.plugin("newcomer").err().map(drop)))
}

#[test]
fn a_plugin_that_comes_after_its_mapping_is_used_when_it_is_found() -> Result<()> {
    let config = map("C1", "late", "well");
    let mut stage = Stage::new(&[], &config)?;
    let outcome = stage.watch.tap("C1");
    assert!(
        !matches!(&outcome, Ok(outcome) if outcome.result == OutcomeKind::Done),
        "there is no such plugin: {outcome:?}"
    );
    Plugin::steady("late").install(&stage.daemon)?;
    stage.watch.call::<RescanPlugins>(&Empty {})?;
    stage.watch.plugin_is("late", PluginState::Enabled)?;
    assert_done(&stage.watch.tap("C1")?);
    Ok(())
}

#[test]
fn what_is_needed_starts_first() -> Result<()> {
    let base = Plugin::steady("a-base");
    // By the alphabet it would be the other way round.
    let needed = Plugin::steady("z-needed");
    let top = Plugin::steady("a-top").needs("z-needed = \"^1.0\"\na-base = \"1\"");
    let mut stage = Stage::new(&[&base, &needed, &top], &map("C1", "a-top", "well"))?;
    stage.watch.plugin_is("a-top", PluginState::Enabled)?;
    assert_done(&stage.watch.tap("C1")?);
    let began = |stage: &mut Stage, name: &str| {
        Ok::<_, anyhow::Error>(stage.watch.plugin_says(name, "begins at")?.unix_ms)
    };
    let top_began = began(&mut stage, "a-top")?;
    for name in ["a-base", "z-needed"] {
        assert_eq!(stage.watch.plugin(name)?.state, PluginState::Enabled, "nothing else calls it");
        assert!(began(&mut stage, name)? <= top_began, "{name} was ready before");
    }
    let needs = stage.watch.plugin_info("a-top")?.dependencies;
    assert!(
        needs.iter().all(|need| need.found.as_deref() == Some("1.0.0") && need.problem.is_none()),
        "{needs:?}"
    );
    Ok(())
}

#[test]
fn what_is_needed_and_not_there_is_said_in_full() -> Result<()> {
    let plugins = [
        Plugin::steady("needs-missing").needs("nobody = \"^1\""),
        Plugin::steady("needs-newer").needs("present = \"^2.1\""),
        Plugin::steady("needs-disabled").needs("present = \"1\""),
        Plugin::steady("present"),
        Plugin::steady("one").needs("two = \"1\""),
        Plugin::steady("two").needs("three = \"1\""),
        Plugin::steady("three").needs("one = \"1\""),
    ];
    let config =
        map("C1", "needs-missing", "well") + &map("D1", "needs-disabled", "well") + &map("E1", "one", "well");
    let mut stage = Stage::new(&plugins.iter().collect::<Vec<_>>(), &config)?;
    let refused = |stage: &mut Stage, note: &str, parts: &[&str]| {
        assert_outcome(&stage.watch.tap(note)?, OutcomeKind::Refused, parts);
        Ok::<_, anyhow::Error>(())
    };
    refused(&mut stage, "C1", &["needs the plugin \"nobody\" (^1)", "not installed"])?;
    let reason = |stage: &mut Stage, name: &str| {
        let summary = stage.watch.plugin(name)?;
        assert_eq!(summary.state, PluginState::Unusable, "{summary:?}");
        Ok::<_, anyhow::Error>(summary.reason.unwrap_or_default())
    };
    let newer = reason(&mut stage, "needs-newer")?;
    assert!(newer.contains("^2.1") && newer.contains("1.0.0 is installed"), "{newer}");
    for name in ["one", "two", "three"] {
        let circle = reason(&mut stage, name)?;
        assert!(["one", "two", "three"].iter().all(|name| circle.contains(name)), "{circle}");
    }
    refused(&mut stage, "E1", &["it needs itself in the end", "one -> two -> three -> one"])?;

    assert_done(&stage.watch.tap("D1")?);
    stage.watch.call::<DisablePlugin>(&named("present"))?;
    refused(&mut stage, "D1", &["\"present\"", "disabled", "padgate plugin enable present"])?;
    stage.watch.enable("present")?;
    stage.watch.plugin_is("needs-disabled", PluginState::Enabled)?;
    assert_done(&stage.watch.tap("D1")?);
    Ok(())
}

#[test]
fn statistics_survive_the_daemon_however_it_ends() -> Result<()> {
    let mut stage = counting()?;
    for _ in 0..3 {
        assert_done(&stage.watch.tap("C1")?);
    }
    let counted = |stats: &StatsView| (stats.executions, stats.failures, stats.max_us, stats.p50_us);
    let before = stage.watch.plugin_stats("counter")?;
    assert!(
        before.executions == 3 && before.max_us > 0 && before.last_execution_unix_ms.is_some(),
        "{before:?}"
    );
    stage.again()?;
    let after = stage.watch.plugin_stats("counter")?;
    assert_eq!(counted(&after), counted(&before));
    assert_done(&stage.watch.tap("C1")?);
    // What is killed may lose the last moments, and never what was there before them.
    stage.daemon.kill_and_restart()?;
    let kept = stage.daemon.watch()?.plugin_stats("counter")?;
    assert!((3..=4).contains(&kept.executions), "{kept:?}");
    Ok(())
}

#[test]
fn a_second_daemon_in_the_same_place_leaves_the_plugins_alone() -> Result<()> {
    let mut stage = counting()?;
    let pid = stage.watch.plugin("counter")?.pid;
    let second = padgate_tests::process::run(&mut stage.daemon.command("padgated")?)?;
    assert!(!second.status.success());
    assert_done(&stage.watch.tap("C1")?);
    assert_eq!(stage.watch.plugin("counter")?.pid, pid);
    Ok(())
}

#[test]
fn two_daemons_with_plugins_of_one_name_do_not_meet() -> Result<()> {
    let (mut one, mut other) = (counting()?, counting()?);
    for _ in 0..2 {
        assert_done(&one.watch.tap("C1")?);
    }
    assert_done(&other.watch.tap("C1")?);
    one.watch.plugin_says("counter", "counts 2")?;
    other.watch.plugin_says("counter", "counts 1")?;
    assert_eq!(other.watch.plugin_stats("counter")?.executions, 1);
    Ok(())
}

#[test]
fn hosts_end_with_the_daemon_even_if_it_is_killed() -> Result<()> {
    let mut stage = counting()?;
    let host = stage.watch.plugin("counter")?.pid.expect("it runs");
    // Before it is gone, so that the number can't be another process's.
    let process = rustix::process::Pid::from_raw(i32::try_from(host)?).expect("no process has the number 0");
    let handle = rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty())?;
    stage.daemon.kill_and_restart()?;
    let mut wait = [rustix::event::PollFd::new(&handle, rustix::event::PollFlags::IN)];
    let most =
        rustix::event::Timespec { tv_sec: padgate_tests::DEADLINE.as_secs().cast_signed(), tv_nsec: 0 };
    assert_eq!(rustix::event::poll(&mut wait, Some(&most))?, 1, "the host of a killed daemon ends");
    stage.watch = stage.daemon.watch()?;
    assert_done(&stage.watch.tap("C1")?);
    Ok(())
}

#[test]
fn a_plugin_that_is_removed_while_it_runs_is_ended() -> Result<()> {
    let folder = Folder::new(&with_pads(&map("C1", "counter", "count")))?;
    Plugin::steady("counter").install(&folder)?;
    place(&folder, "empty")?;
    let mut stage = Stage::start(folder)?;
    assert_done(&stage.watch.tap("C1")?);
    fs::remove_dir_all(stage.daemon.plugins().join("counter"))?;
    stage.watch.call::<RescanPlugins>(&Empty {})?;
    assert!(stage.watch.plugin("counter").is_err());
    match stage.watch.client.call::<LoadPlugin>(&named("counter")) {
        Err(ClientError::Refused(error)) => assert!(error.message.contains("there is no plugin"), "{error}"),
        other => panic!("it is gone: {other:?}"),
    }
    assert_ne!(stage.watch.tap("C1")?.result, OutcomeKind::Done);
    Ok(())
}
