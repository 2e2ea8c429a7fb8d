//! What a configuration says of calls of plugins: mistakes are found before anything is called, with or without a daemon.

use anyhow::Result;
use padgate_ipc::check::{CheckParams, Severity};
use padgate_ipc::event::OutcomeKind;
use padgate_ipc::method::{Check, Empty, Reload};
use padgate_ipc::plugin::PluginState;
use padgate_tests::folder::Folder;
use padgate_tests::plugin::Plugin;
use padgate_tests::plugins::install;

use super::{Stage, assert_done, assert_outcome, map};
use crate::{PADS, with_pads};

/// Calls of `obs`, one of them right, with a mistake on each other line.
const MISTAKES: &str = "\
[[map]]
on = { device = \"pads\", note = \"C1\" }
do = { plugin = \"obs\", action = \"scene\", params = { name = \"Live\" } }
[[map]]
on = { device = \"pads\", note = \"C2\" }
do = { plugin = \"obs\", action = \"scene\", params = { name = 7 } }
[[map]]
on = { device = \"pads\", note = \"C3\" }
do = { plugin = \"obs\", action = \"scene\", params = { nam = \"Live\" } }
[[map]]
on = { device = \"pads\", note = \"C4\" }
do = { plugin = \"obs\", action = \"scen\", params = { name = \"Live\" } }
[[map]]
on = { device = \"pads\", note = \"C5\" }
do = { plugin = \"obs\", action = \"mute\", params = { input = \"Mic\", state = \"loud\" } }
";

#[test]
fn wrong_parameters_are_found_offline_with_line_and_column() -> Result<()> {
    let folder = Folder::new(&with_pads(MISTAKES))?;
    install(&folder, "obs")?;
    // No daemon runs here.
    let checked = folder.padgate(&["check"])?;
    let all = format!("{}{}", checked.stdout, checked.stderr);
    assert_eq!(checked.code(), 1, "{all}");
    let first = PADS.lines().count();
    let place = |line: usize, what: &str| {
        let text = MISTAKES.lines().nth(line - 1).unwrap_or_default();
        let column = text.find(what).unwrap_or_default() + 1;
        format!("config.toml:{}:{column}", first + line)
    };
    for (at, word) in [
        (place(6, "7 }"), "name"),
        (place(9, "nam ="), "nam"),
        (place(12, "\"scen\""), "scene"),
        (place(15, "\"loud\""), "toggle"),
    ] {
        assert!(all.contains(&at), "{at} is missing ({word}):\n{all}");
        assert!(all.contains(word), "{word:?} is missing:\n{all}");
    }
    assert!(!all.contains(&format!("config.toml:{}:", first + 3)), "the first is right:\n{all}");

    // What the plugin is not there for can't be checked, and is told.
    let folder = Folder::new(&with_pads(&map("C1", "nobody", "well")))?;
    let checked = folder.padgate(&["check"])?;
    let all = format!("{}{}", checked.stdout, checked.stderr);
    assert!(all.contains("nobody"), "{all}");
    Ok(())
}

#[test]
fn another_file_is_checked_against_the_same_plugins() -> Result<()> {
    let stage = Stage::new(&[&Plugin::steady("steady")], "")?;
    let right = stage.daemon.write("right.toml", with_pads(&map("C1", "steady", "well")))?;
    let wrong = map("C1", "steady", "well").replace("how", "hwo");
    let wrong = stage.daemon.write("wrong.toml", with_pads(&wrong))?;
    let check = |path: &std::path::Path| stage.daemon.padgate(&["check", &path.to_string_lossy()]);
    let checked = check(&right)?;
    assert!(checked.code() == 0 && !checked.stdout.contains("warning"), "{checked:?}");
    let checked = check(&wrong)?;
    assert!(checked.code() == 1 && checked.stdout.contains("hwo"), "{checked:?}");
    Ok(())
}

#[test]
fn a_reload_with_wrong_parameters_changes_nothing() -> Result<()> {
    let mut stage = Stage::new(&[&Plugin::steady("steady")], &map("C1", "steady", "well"))?;
    assert_done(&stage.watch.tap("C1")?);
    let wrong = with_pads(&map("C1", "steady", "well").replace("how = \"well\"", "how = 7"));
    stage.daemon.write_config(&wrong)?;
    assert!(stage.watch.client.call::<Reload>(&Empty {}).is_err());
    let report = stage.watch.call::<Check>(&CheckParams::default())?;
    assert_eq!(report.count(Severity::Error), 1, "{}", report.rendered);
    let line =
        u32::try_from(wrong.lines().position(|line| line.contains("how = 7")).unwrap_or_default())? + 1;
    assert_eq!(report.diagnostics[0].line, line, "{}", report.rendered);
    assert_done(&stage.watch.tap("C1")?);
    Ok(())
}

#[test]
fn a_reload_with_a_call_that_the_plugin_does_not_take_warns_and_the_call_fails() -> Result<()> {
    let mut stage = Stage::new(&[&Plugin::steady("steady")], &map("C1", "steady", "well"))?;
    assert_done(&stage.watch.tap("C1")?);
    let host = stage.watch.plugin_info("steady")?.host;
    // A text, as the manifest says; what it means, only the plugin knows.
    let config = map("C1", "steady", "well") + &map("D1", "steady", "dance");
    stage.daemon.write_config(with_pads(&config))?;
    stage.watch.call::<Reload>(&Empty {})?;
    let why = "there is no such thing to do";
    assert_outcome(&stage.watch.tap("D1")?, OutcomeKind::Failed, &["steady", why]);
    assert_done(&stage.watch.tap("C1")?);
    let line = stage.watch.plugin_says("steady", why)?;
    assert_eq!(line.level, "warn", "{line:?}");
    let info = stage.watch.plugin_info("steady")?;
    let problems: Vec<&str> = info.calls.iter().filter_map(|call| call.problem.as_deref()).collect();
    assert!(problems.len() == 1 && problems[0].contains(why), "{:?}", info.calls);
    assert_eq!(
        info.host.map(|host| host.generation),
        host.map(|host| host.generation),
        "the same process goes on"
    );
    let shown = stage.daemon.padgate(&["plugin", "info", "steady"])?.success()?;
    assert!(shown.contains(why), "{shown}");
    let hints = stage.watch.status()?.hints;
    assert!(hints.iter().any(|hint| hint.contains("steady") && hint.contains(why)), "{hints:?}");
    // Gone with the mapping.
    stage.daemon.write_config(with_pads(&map("C1", "steady", "well")))?;
    stage.watch.call::<Reload>(&Empty {})?;
    assert!(stage.watch.plugin_info("steady")?.calls.iter().all(|call| call.problem.is_none()));
    stage.watch.plugin_is("steady", PluginState::Enabled)?;
    Ok(())
}
