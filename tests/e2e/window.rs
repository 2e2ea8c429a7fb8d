//! A real window under Xvfb that receives the keys: the exact text, chords in order, and nothing left down, whatever
//! happens to the daemon.

use anyhow::Result;
use padgate_ipc::method::{Empty, PressPhase};
use padgate_tests::daemon::Daemon;
use padgate_tests::folder::Folder;
use padgate_tests::notice;
use padgate_tests::window::{Seen, Window, Xvfb};

/// A device, and keys on X11.
const PADS: &str =
    "[settings]\noutput = \"x11\"\nvirtual_ports = false\n[device.pads]\nport = \"No such port*\"\n";

/// Capitals, signs on both levels, accents, and what no layout has.
const TEXT: &str = "Hello, World! <AbC> {x} [1-9] \"q\" 'a' ~^\\|@# naïve Café ÀÉÜß €5 — 漢字";

struct Stage {
    daemon: Daemon,
    window: Window,
    // Before the server ends, the daemon does.
    _server: Xvfb,
}

/// A server, a window, and a daemon with these mappings; `None` without Xvfb.
fn stage(mappings: &str) -> Result<Option<Stage>> {
    let Some(server) = Xvfb::start()? else {
        notice("not tested: there is no Xvfb here; `make setup` installs it");
        return Ok(None);
    };
    let window = server.window()?;
    let mut folder = Folder::new(&format!("{PADS}{mappings}"))?;
    folder.environment.push(("DISPLAY".into(), server.display.clone()));
    let daemon = Daemon::start_in(folder)?;
    Ok(Some(Stage { daemon, window, _server: server }))
}

fn down(key: &str) -> Seen {
    Seen::Down(key.to_owned())
}

fn up(key: &str) -> Seen {
    Seen::Up(key.to_owned())
}

#[test]
fn text_arrives_exactly_capitals_and_accents_included_again_and_again() -> Result<()> {
    let map = format!(
        "[[map]]\nname = \"Type\"\non = {{ device = \"pads\", note = \"C1\" }}\ndo = {{ text = '''{TEXT}''' }}\n"
    );
    let Some(stage) = stage(&map)? else { return Ok(()) };
    let mut watch = stage.daemon.watch()?;
    for _ in 0..5 {
        watch.press("pads", "C1", PressPhase::Tap)?;
        watch.done("Type")?;
        assert_eq!(stage.window.text(TEXT.chars().count())?, TEXT);
    }
    Ok(())
}

#[test]
fn a_chord_is_held_as_long_as_the_pad_and_released_in_reverse() -> Result<()> {
    let map = "[[map]]\nname = \"Chord\"\non = { device = \"pads\", note = \"C1\" }\ndo = { key = \"ctrl+shift+r\" }\n\
               [[map]]\nname = \"F5\"\non = { device = \"pads\", note = \"D1\" }\ndo = { key = \"f5\", hold = false }\n";
    let Some(stage) = stage(map)? else { return Ok(()) };
    let mut watch = stage.daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Down)?;
    watch.done("Chord")?;
    assert_eq!(stage.window.next(3)?, [down("ctrl"), down("shift"), down("R")]);
    assert_eq!(watch.status()?.held.len(), 3, "the ledger has every key");
    assert_eq!(stage.window.pending(), []);
    watch.press("pads", "C1", PressPhase::Up)?;
    assert_eq!(stage.window.next(3)?, [up("R"), up("shift"), up("ctrl")]);
    watch.press("pads", "D1", PressPhase::Tap)?;
    assert_eq!(stage.window.next(2)?, [down("F5"), up("F5")]);
    Ok(())
}

/// One key that is held while the pad is.
const HOLD_A: &str =
    "[[map]]\nname = \"A\"\non = { device = \"pads\", note = \"C1\" }\ndo = { key = \"a\" }\n";

fn with_a_held(act: impl FnOnce(&mut Stage) -> Result<()>) -> Result<()> {
    let Some(mut stage) = stage(HOLD_A)? else { return Ok(()) };
    let mut watch = stage.daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Down)?;
    watch.done("A")?;
    assert_eq!(stage.window.next(1)?, [down("a")]);
    act(&mut stage)?;
    assert_eq!(stage.window.next(1)?, [up("a")]);
    Ok(())
}

#[test]
fn a_held_key_is_let_go_when_the_daemon_is_asked_to_end() -> Result<()> {
    with_a_held(|stage| {
        assert!(stage.daemon.terminate()?.success());
        Ok(())
    })
}

#[test]
fn a_held_key_is_let_go_by_panic() -> Result<()> {
    with_a_held(|stage| {
        let result = stage.daemon.client()?.call::<padgate_ipc::method::Panic>(&Empty {})?;
        assert_eq!(result.released.len(), 1, "{result:?}");
        Ok(())
    })
}

#[test]
fn what_a_killed_daemon_left_down_is_let_go_by_the_next_one() -> Result<()> {
    with_a_held(|stage| stage.daemon.kill_and_restart())
}

#[test]
fn clicks_come_down_and_up_in_order() -> Result<()> {
    let map = "[[map]]\nname = \"Click\"\non = { device = \"pads\", note = \"C1\" }\ndo = { mouse = \"click\", count = 2 }\n";
    let Some(stage) = stage(map)? else { return Ok(()) };
    let mut watch = stage.daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Tap)?;
    watch.done("Click")?;
    assert_eq!(stage.window.next(4)?, [down("button 1"), up("button 1"), down("button 1"), up("button 1")]);
    Ok(())
}
