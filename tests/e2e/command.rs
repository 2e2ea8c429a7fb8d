//! `padgate`, for people and for programs: what it prints, and the status it exits with.

use anyhow::Result;
use padgate_tests::daemon::Daemon;
use padgate_tests::folder::Folder;

use super::with_pads;

const TOUCH: &str = "[[map]]\nname = \"Touch\"\non = { device = \"pads\", note = \"C1\" }\ndo = { set = { touched = true } }\n[variables]\ntouched = false\n";

#[test]
fn every_reading_command_has_json_and_text() -> Result<()> {
    let daemon = Daemon::start(&with_pads(TOUCH))?;
    daemon.padgate(&["press", "C1"])?.success()?;
    for arguments in [&["status"][..], &["devices"], &["explain"], &["mode"], &["check"]] {
        let text = daemon.padgate(arguments)?.success()?;
        assert!(!text.trim().is_empty(), "{arguments:?}");
        let json = daemon.padgate(&[arguments, &["--json"]].concat())?.json()?;
        assert!(json.is_object() || json.is_array(), "{arguments:?}: {json}");
    }
    Ok(())
}

#[test]
fn a_press_from_the_command_line_does_what_a_hand_would() -> Result<()> {
    let daemon = Daemon::start(&with_pads(TOUCH))?;
    daemon.padgate(&["press", "C1", "--device", "pads"])?.success()?;
    let status = daemon.padgate(&["status", "--json"])?.json()?;
    assert_eq!(status["modes"]["variables"]["touched"], true, "{status}");
    let text = daemon.padgate(&["explain"])?.success()?;
    assert!(text.contains("Touch"), "{text}");
    Ok(())
}

#[test]
fn without_a_daemon_it_says_how_to_start_one() -> Result<()> {
    let folder = Folder::new(&with_pads(TOUCH))?;
    let finished = folder.padgate(&["status"])?;
    assert_eq!(finished.code(), 3, "{finished:?}");
    assert!(finished.stderr.contains("padgated"), "{}", finished.stderr);
    Ok(())
}

#[test]
fn check_prints_the_place_and_exits_with_one() -> Result<()> {
    let folder = Folder::new(&with_pads("[[map]]\non = { note = \"C1\" }\ndo = { kee = \"space\" }\n"))?;
    let finished = folder.padgate(&["check"])?;
    assert_eq!(finished.code(), 1, "{finished:?}");
    let text = finished.stdout + &finished.stderr;
    assert!(text.contains("config.toml:8") && text.contains("kee"), "{text}");
    folder.write_config(with_pads(TOUCH))?;
    assert_eq!(folder.padgate(&["check"])?.code(), 0);
    Ok(())
}

#[test]
fn wrong_arguments_exit_with_two() -> Result<()> {
    let folder = Folder::new("")?;
    assert_eq!(folder.padgate(&["no-such-command"])?.code(), 2);
    assert_eq!(folder.padgate(&["press"])?.code(), 2);
    Ok(())
}

#[test]
fn the_service_unit_starts_this_daemon_and_says_when_it_is_ready() -> Result<()> {
    let folder = Folder::new(&with_pads(TOUCH))?;
    // There may be no systemd to tell; the unit is written in any case.
    let finished = folder.padgate(&["service", "install"])?;
    let unit = folder.path().join("config/systemd/user/padgate.service");
    let text = std::fs::read_to_string(&unit)
        .unwrap_or_else(|error| panic!("{}: {error}; {finished:?}", unit.display()));
    assert!(text.contains("Type=notify") && text.contains("padgated"), "{text}");
    Ok(())
}
