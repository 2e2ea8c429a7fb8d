//! Manifests and binaries that are not what they should be: each is a state with a reason, runs nothing, and hides none of
//! the plugins beside it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use padgate_ipc::event::OutcomeKind;
use padgate_ipc::method::{Empty, ListPlugins, RescanPlugins, VerifyPlugins};
use padgate_ipc::plugin::{AnyPluginParams, PluginState};
use padgate_tests::folder::Folder;
use padgate_tests::plugin::Plugin;
use padgate_tests::plugins::{place, write_manifest};
use padgate_tests::process::run;

use super::{NEIGHBOUR, Stage, assert_done, assert_outcome, map};
use crate::with_pads;

/// A daemon with a neighbour that works, and the plugin `odd`, of which `make` makes the folder.
fn with_odd(make: impl FnOnce(&Folder, &Path) -> Result<()>) -> Result<Stage> {
    let folder = Folder::new(&with_pads(&map(NEIGHBOUR, "neighbour", "well")))?;
    Plugin::steady("neighbour").install(&folder)?;
    make(&folder, &place(&folder, "odd")?)?;
    Stage::start(folder)
}

/// The plugin of this name can't be used, for a reason with all of these in it. Its neighbour works.
fn is_unusable(stage: &mut Stage, name: &str, parts: &[&str]) -> Result<()> {
    let summary = stage.watch.plugin(name)?;
    assert_eq!((summary.state, summary.pid), (PluginState::Unusable, None), "{summary:?}");
    let reason = summary.reason.unwrap_or_default();
    for part in parts {
        assert!(reason.contains(part), "{part:?} is missing: {reason}");
    }
    // For people as well.
    let list = stage.daemon.padgate(&["plugin", "list"])?.success()?;
    assert!(list.contains(name) && list.contains("unusable") && list.contains("neighbour"), "{list}");
    stage.neighbour_works()
}

/// As [`is_unusable`], of a binary that `make` puts in the place of the right one.
fn odd_binary(make: impl FnOnce(&Folder, &Path) -> Result<()>, parts: &[&str]) -> Result<()> {
    let mut stage = with_odd(|folder, own| {
        Plugin::steady("odd").write_manifest(own)?;
        make(folder, &own.join("plugin.so"))
    })?;
    is_unusable(&mut stage, "odd", parts)?;
    let report = stage.watch.call::<VerifyPlugins>(&AnyPluginParams { plugin: Some("odd".into()) })?;
    assert!(!report.ok && report.plugins[0].text.contains(parts[0]), "{report:?}");
    Ok(())
}

#[test]
fn a_binary_that_is_missing() -> Result<()> {
    odd_binary(|_, _| Ok(()), &["\"plugin.so\"", "no such file"])
}

#[test]
fn a_binary_that_is_empty() -> Result<()> {
    odd_binary(|_, binary| Ok(fs::write(binary, "")?), &["\"plugin.so\" is empty"])
}

#[test]
fn a_binary_of_a_gigabyte() -> Result<()> {
    // Sparse: it takes no room on the disk.
    odd_binary(|_, binary| Ok(fs::File::create(binary)?.set_len(1 << 30)?), &["1024 MiB", "64"])
}

#[test]
fn a_binary_that_is_a_pipe() -> Result<()> {
    let pipe = |_: &Folder, binary: &Path| run(Command::new("mkfifo").arg(binary))?.success().map(drop);
    odd_binary(pipe, &["\"plugin.so\""])
}

#[test]
fn a_binary_that_is_a_folder() -> Result<()> {
    odd_binary(|_, binary| Ok(fs::create_dir(binary)?), &["\"plugin.so\""])
}

#[test]
fn a_binary_that_is_a_link_out_of_the_folder() -> Result<()> {
    let link = |folder: &Folder, binary: &Path| {
        let outside = folder.home().join("outside.so");
        Plugin::steady("odd").compile(&outside)?;
        Ok(symlink(outside, binary)?)
    };
    odd_binary(link, &["it leads out of the plugin's folder", "outside.so"])
}

#[test]
fn a_binary_that_others_can_change() -> Result<()> {
    let open = |_: &Folder, binary: &Path| {
        Plugin::steady("odd").compile(binary)?;
        Ok(fs::set_permissions(binary, fs::Permissions::from_mode(0o777))?)
    };
    odd_binary(open, &["it is not safe"])
}

#[test]
fn a_binary_that_is_no_library_is_found_out_by_its_host() -> Result<()> {
    let folder = Folder::new(&with_pads(&(map(NEIGHBOUR, "neighbour", "well") + &map("C1", "odd", "well"))))?;
    Plugin::steady("neighbour").install(&folder)?;
    let own = place(&folder, "odd")?;
    Plugin::steady("odd").write_manifest(&own)?;
    fs::write(own.join("plugin.so"), "#!/bin/sh\necho hello\n")?;
    fs::set_permissions(own.join("plugin.so"), fs::Permissions::from_mode(0o755))?;
    let mut stage = Stage::start(folder)?;
    stage.watch.plugin_is("odd", PluginState::Unusable)?;
    assert_outcome(
        &stage.watch.tap("C1")?,
        OutcomeKind::Unavailable,
        &["can't be run", "its library can't be loaded"],
    );
    stage.neighbour_works()
}

#[test]
fn a_folder_that_is_a_link_is_the_folder_that_it_leads_to() -> Result<()> {
    // As developers install what they are working on.
    let folder =
        Folder::new(&with_pads(&(map(NEIGHBOUR, "neighbour", "well") + &map("C1", "linked", "well"))))?;
    Plugin::steady("neighbour").install(&folder)?;
    let own = Plugin::steady("linked").install(&folder)?;
    let elsewhere = folder.home().join("working-copy");
    fs::rename(&own, &elsewhere)?;
    symlink(&elsewhere, &own)?;
    let mut stage = Stage::start(folder)?;
    assert_done(&stage.watch.tap("C1")?);
    stage.neighbour_works()
}

#[test]
fn a_name_that_would_be_a_path() -> Result<()> {
    let mut stage = with_odd(|_, own| {
        write_manifest(own, &Plugin::steady("../x").manifest())?;
        Plugin::steady("odd").compile(&own.join("plugin.so"))
    })?;
    is_unusable(&mut stage, "odd", &["../x", "plugin.toml:2:8"])?;
    assert!(!stage.daemon.plugins().parent().is_some_and(|data| data.join("x").exists()));
    Ok(())
}

#[test]
fn a_binary_that_would_be_a_path_out() -> Result<()> {
    let outside = Plugin::steady("odd").manifest().replace("plugin.so", "../neighbour/plugin.so");
    let mut stage = with_odd(|_, own| write_manifest(own, &outside))?;
    is_unusable(&mut stage, "odd", &["../neighbour/plugin.so"])
}

#[test]
fn a_name_that_is_not_that_of_the_folder() -> Result<()> {
    let mut stage = with_odd(|_, own| {
        write_manifest(own, &Plugin::steady("other").manifest())?;
        Plugin::steady("other").compile(&own.join("plugin.so"))
    })?;
    is_unusable(&mut stage, "odd", &["it calls itself \"other\"", "give both the same name"])
}

#[test]
fn a_manifest_with_mistakes_is_told_with_line_and_column() -> Result<()> {
    let manifest = Plugin::steady("odd").manifest().replace("version = \"1.0.0\"", "version = \"one\"");
    let mut stage = with_odd(|_, own| write_manifest(own, &manifest))?;
    is_unusable(&mut stage, "odd", &["plugin.toml:3:11"])?;
    let problems = stage.watch.plugin_info("odd")?.problems;
    assert_eq!((problems[0].line, problems[0].column), (3, 11), "{problems:?}");
    let list = stage.watch.call::<ListPlugins>(&Empty {})?;
    let told = list.problems.iter().find(|problem| problem.file.ends_with("odd/plugin.toml"));
    assert!(told.is_some_and(|told| (told.line, told.column) == (3, 11)), "{:?}", list.problems);
    Ok(())
}

#[test]
fn manifests_that_are_no_text_no_toml_or_no_file() -> Result<()> {
    let mut stage = with_odd(|folder, own| {
        fs::write(own.join("plugin.toml"), [0xff, 0xfe, 0])?;
        write_manifest(&place(folder, "broken")?, "[plugin\nname = ")?;
        fs::create_dir(place(folder, "strange")?.join("plugin.toml"))?;
        run(Command::new("mkfifo").arg(place(folder, "piped")?.join("plugin.toml")))?.success()?;
        fs::File::create(place(folder, "huge")?.join("plugin.toml"))?.set_len(1 << 30)?;
        symlink(folder.config(), place(folder, "led-away")?.join("plugin.toml"))?;
        // What has no manifest is somebody else's.
        place(folder, "unrelated")?;
        Ok(fs::write(folder.plugins().join("README"), "mine")?)
    })?;
    is_unusable(&mut stage, "odd", &["not UTF-8"])?;
    is_unusable(&mut stage, "broken", &["plugin.toml:1:"])?;
    for name in ["strange", "piped", "huge"] {
        is_unusable(&mut stage, name, &["its plugin.toml can't be read"])?;
    }
    is_unusable(&mut stage, "led-away", &["it leads out of the plugin's folder"])?;
    let list = stage.watch.call::<ListPlugins>(&Empty {})?;
    assert!(list.plugins.iter().all(|plugin| plugin.name != "unrelated" && plugin.name != "README"));
    Ok(())
}

#[test]
fn one_for_another_platform_or_abi() -> Result<()> {
    let manifest = Plugin::steady("odd").manifest();
    let mut stage = with_odd(|folder, own| {
        let other = manifest.replace("binary = \"plugin.so\"", "binary = { plan9-mips = \"x.so\" }");
        write_manifest(own, &other)?;
        let newer = Plugin::steady("newer").manifest().replace("api = 1", "api = 2");
        write_manifest(&place(folder, "newer")?, &newer)
    })?;
    is_unusable(&mut stage, "odd", &["plan9-mips"])?;
    is_unusable(&mut stage, "newer", &["a newer Padgate", "its api is 2"])
}

#[test]
fn the_first_of_two_with_one_name_is_used_and_the_other_is_told() -> Result<()> {
    let folder = Folder::new("")?;
    let first = folder.home().join("mine");
    Plugin::steady("twice").version("2.0.0").install(&folder)?;
    fs::rename(folder.plugins(), &first)?;
    Plugin::steady("twice").install(&folder)?;
    let config = format!("[plugins]\nfolders = [\"~/mine\"]\n{}", map("C1", "twice", "well"));
    folder.write_config(with_pads(&config))?;
    let mut stage = Stage::start(folder)?;
    assert_done(&stage.watch.tap("C1")?);
    let info = stage.watch.plugin_info("twice")?;
    assert_eq!(info.summary.version, "2.0.0", "the configured folder comes first");
    assert!(info.folder.ends_with("mine/twice"), "{}", info.folder);
    Ok(())
}

#[test]
fn a_file_that_is_changed_after_it_was_verified_is_not_what_runs() -> Result<()> {
    let mut stage = Stage::new(&[&Plugin::steady("steady")], &map("C1", "steady", "count"))?;
    assert_done(&stage.watch.tap("C1")?);
    stage.watch.plugin_says("steady", "counts 1")?;
    let verified = |stage: &mut Stage| {
        let params = AnyPluginParams { plugin: Some("steady".to_owned()) };
        Ok::<_, anyhow::Error>(stage.watch.call::<VerifyPlugins>(&params)?.plugins.remove(0))
    };
    let before = verified(&mut stage)?;
    assert!(before.ok && before.loaded.as_ref() == Some(&before.sha256), "{before:?}");

    // In place, as an attacker would: the inode is the one that was looked at.
    let binary = stage.daemon.plugins().join("steady/plugin.so");
    fs::write(&binary, "not a library any more")?;
    assert_done(&stage.watch.tap("C1")?);
    stage.watch.plugin_says("steady", "counts 2")?;
    let after = verified(&mut stage)?;
    assert_ne!(Some(&after.sha256), after.loaded.as_ref());
    assert_eq!(after.loaded, before.loaded, "what runs is what was verified");
    assert!(after.text.contains("padgate plugin reload"), "{after:?}");

    // The copy that hosts load is replaced if somebody changes it.
    let library = stage.daemon.path().join("data/padgate/store").join(&before.sha256).join("plugin.so");
    fs::set_permissions(&library, fs::Permissions::from_mode(0o755))?;
    fs::write(&library, "changed")?;
    Plugin::steady("steady").install(&stage.daemon)?;
    stage.watch.call::<RescanPlugins>(&Empty {})?;
    stage.watch.audited("steady", "integrity", "was changed by somebody; it is replaced")?;
    stage.daemon.padgate(&["plugin", "reload", "steady"])?.success()?;
    assert_done(&stage.watch.tap("C1")?);
    Ok(())
}
