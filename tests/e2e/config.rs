//! Reloading, mistakes, and configuration files that are not what they should be. A configuration that can't be used
//! changes nothing, and says why.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};
use padgate_ipc::check::{CheckReport, Severity};
use padgate_ipc::client::ClientError;
use padgate_ipc::error::ErrorCode;
use padgate_ipc::event::Event;
use padgate_ipc::method::{Empty, PressPhase, Reload};
use padgate_tests::daemon::Daemon;
use padgate_tests::events::Watch;

use super::{PADS, with_pads};

/// One mapping on C1 that sets `seen` to `value`.
fn sets(value: u32) -> String {
    with_pads(&format!(
        "[variables]\nseen = 0\n[[map]]\nname = \"Sets {value}\"\non = {{ device = \"pads\", note = \"C1\" }}\n\
         do = {{ set = {{ seen = {value} }} }}\n"
    ))
}

/// What a reload finds wrong; fails if it finds nothing.
fn refused(watch: &mut Watch) -> Result<CheckReport> {
    match watch.client.call::<Reload>(&Empty {}) {
        Err(ClientError::Refused(error)) => {
            assert_eq!(error.kind(), ErrorCode::ConfigInvalid, "{error}");
            Ok(serde_json::from_value(error.data.context("with what is wrong")?)?)
        }
        other => panic!("the reload should have been refused: {other:?}"),
    }
}

/// Asserts that the mapping of [`sets`] is still in force.
fn still(watch: &mut Watch, value: u32) -> Result<()> {
    watch.press("pads", "C1", PressPhase::Tap)?;
    watch.fired(&format!("Sets {value}"))?;
    assert_eq!(watch.status()?.modes.variables["seen"].as_f64(), Some(f64::from(value)));
    Ok(())
}

#[test]
fn a_valid_file_replaces_the_rules_and_an_invalid_one_changes_nothing() -> Result<()> {
    let daemon = Daemon::start(&sets(1))?;
    let mut watch = daemon.watch()?;
    still(&mut watch, 1)?;
    daemon.write_config(sets(2))?;
    watch.call::<Reload>(&Empty {})?;
    still(&mut watch, 2)?;
    daemon.write_config(sets(3).replace("note = \"C1\"", "note = \"H1\""))?;
    let report = refused(&mut watch)?;
    assert!(!report.ok && report.count(Severity::Error) == 1, "{}", report.rendered);
    let mistake = &report.diagnostics[0];
    assert!(mistake.line == 10 && mistake.column > 1 && mistake.help.is_some(), "{mistake:?}");
    assert!(report.rendered.contains("H1"), "{}", report.rendered);
    still(&mut watch, 2)?;
    assert!(!watch.status()?.config.ok, "the status says that the file is not the one in force");
    Ok(())
}

#[test]
fn a_saved_file_is_read_again_by_itself() -> Result<()> {
    let daemon = Daemon::start(&sets(1))?;
    let mut watch = daemon.watch()?;
    daemon.write_config(sets(2))?;
    watch.next("the new configuration", |event| match event {
        Event::Config(config) if config.ok => Some(()),
        _ => None,
    })?;
    still(&mut watch, 2)?;
    daemon.write_config("[[map]]\n")?;
    watch.next("the mistake", |event| match event {
        Event::Config(config) if !config.ok && !config.diagnostics.is_empty() => Some(()),
        _ => None,
    })?;
    still(&mut watch, 2)
}

#[test]
fn a_pad_held_during_a_reload_is_let_go_by_its_own_mapping() -> Result<()> {
    let text = |seen| {
        with_pads(&format!(
            "[variables]\nseen = 0\n[[map]]\nname = \"Hold {seen}\"\non = {{ device = \"pads\", note = \"C1\" }}\n\
             do = {{ mode = {{ hold = \"held\" }} }}\n"
        ))
    };
    let daemon = Daemon::start(&text(1))?;
    let mut watch = daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Down)?;
    watch.fired("Hold 1")?;
    daemon.write_config(text(2))?;
    watch.call::<Reload>(&Empty {})?;
    watch.press("pads", "C1", PressPhase::Up)?;
    let status = watch.status()?;
    assert_eq!(status.modes.stack, ["default"], "nothing is held after the release");
    assert!(status.held.is_empty(), "{:?}", status.held);
    Ok(())
}

#[test]
fn twenty_mistakes_are_all_reported_at_once_with_their_places() -> Result<()> {
    let mut text = PADS.to_owned();
    for index in 0..10 {
        write!(
            text,
            "[[map]]\non = {{ device = \"pads\", note = \"X{index}\" }}\ndo = {{ kee = \"space\" }}\n"
        )?;
    }
    let daemon = Daemon::start(&sets(1))?;
    let mut watch = daemon.watch()?;
    daemon.write_config(&text)?;
    let report = refused(&mut watch)?;
    assert_eq!(report.count(Severity::Error), 20, "{}", report.rendered);
    let lines: Vec<u32> = report.diagnostics.iter().map(|diagnostic| diagnostic.line).collect();
    for index in 0..10 {
        assert!(lines.contains(&(7 + 3 * index)) && lines.contains(&(8 + 3 * index)), "{lines:?}");
    }
    assert!(report.diagnostics.iter().all(|diagnostic| !diagnostic.code.is_empty()));
    assert!(report.rendered.contains("`key`"), "the nearest right name is named: {}", report.rendered);
    still(&mut watch, 1)
}

#[test]
fn files_that_are_no_configuration_are_told_and_change_nothing() -> Result<()> {
    let daemon = Daemon::start(&sets(1))?;
    let mut watch = daemon.watch()?;
    let contents: [(&str, &[u8]); 4] = [
        ("a NUL", b"[settings]\nmode = \"a\0b\"\n"),
        ("no UTF-8", b"[settings]\nmode = \"\xFF\xFE\"\n"),
        ("binary", &[0x7F, b'E', b'L', b'F', 0, 1, 2, 3]),
        ("half a table", b"[settings\n"),
    ];
    for (what, content) in contents {
        daemon.write_config(content)?;
        let report = refused(&mut watch)?;
        assert!(report.count(Severity::Error) >= 1 && !report.rendered.is_empty(), "{what}: {report:?}");
        still(&mut watch, 1)?;
    }
    Ok(())
}

#[test]
fn a_byte_order_mark_is_no_mistake() -> Result<()> {
    let daemon = Daemon::start(&sets(1))?;
    let mut watch = daemon.watch()?;
    daemon.write_config(format!("\u{FEFF}{}", sets(2)))?;
    watch.call::<Reload>(&Empty {})?;
    still(&mut watch, 2)
}

#[test]
fn a_file_that_cannot_be_opened_is_told_and_changes_nothing() -> Result<()> {
    let daemon = Daemon::start(&sets(1))?;
    let mut watch = daemon.watch()?;
    fs::remove_file(daemon.config())?;
    std::os::unix::fs::symlink("config.toml", daemon.config())?;
    let report = refused(&mut watch)?;
    assert!(report.rendered.contains("config.toml"), "a symlink loop: {report:?}");
    still(&mut watch, 1)?;
    fs::remove_file(daemon.config())?;
    fs::create_dir(daemon.config())?;
    let report = refused(&mut watch)?;
    assert!(report.rendered.contains("config.toml"), "a folder: {report:?}");
    still(&mut watch, 1)
}

#[test]
fn the_parts_in_conf_d_are_read_too_and_named_when_they_are_wrong() -> Result<()> {
    let daemon = Daemon::start(PADS)?;
    let mut watch = daemon.watch()?;
    let part = "[variables]\nseen = 0\n[[map]]\nname = \"Sets 1\"\non = { device = \"pads\", note = \"C1\" }\n\
                do = { set = { seen = 1 } }\n";
    daemon.write("config/padgate/conf.d/10-part.toml", part)?;
    watch.call::<Reload>(&Empty {})?;
    still(&mut watch, 1)?;
    daemon.write("config/padgate/conf.d/20-wrong.toml", "[device.pads]\nport = \"Other\"\n")?;
    let report = refused(&mut watch)?;
    assert!(
        report.diagnostics.iter().any(|diagnostic| diagnostic.file.ends_with("20-wrong.toml")),
        "{report:?}"
    );
    Ok(())
}

#[test]
fn ten_thousand_mappings_are_as_good_as_one() -> Result<()> {
    let mut text = format!("{PADS}[variables]\nseen = 0\n");
    for index in 0..10_000 {
        // Every note of every channel, in as many modes as it takes.
        let (note, channel, mode) = (index % 128, index / 128 % 16 + 1, index / 2048);
        write!(
            text,
            "[[map]]\nname = \"Mapping {index}\"\nmode = \"mode{mode}\"\n\
             on = {{ device = \"pads\", note = {note}, channel = {channel} }}\ndo = {{ set = {{ seen = {index} }} }}\n"
        )?;
    }
    text = text.replace("[settings]\n", "[settings]\nmode = \"mode4\"\n");
    let daemon = Daemon::start(&text)?;
    let mut watch = daemon.watch()?;
    assert_eq!(watch.status()?.config.mappings, 10_000);
    // The last one is 9,999: in mode 4 (9,999 / 2,048), note 15, channel 15.
    watch.midi("pads", "9E 0F 64 8E 0F 40")?;
    watch.fired("Mapping 9999")?;
    assert_eq!(watch.status()?.modes.variables["seen"].as_f64(), Some(9999.0));
    Ok(())
}
