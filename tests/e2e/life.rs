//! Starting, ending, being killed, and a second daemon in the same place.

use anyhow::Result;
use padgate_ipc::method::PressPhase;
use padgate_tests::daemon::Daemon;
use padgate_tests::process::run;

use super::with_pads;

/// The mapping holds a mode as long as the pad is down: something to be found held.
const HOLDS: &str = "[[map]]\nname = \"Hold\"\non = { device = \"pads\", note = \"C1\" }\ndo = { mode = { hold = \"x\" } }\n\
                     [[map]]\nmode = \"x\"\nname = \"X\"\non = { device = \"pads\", note = \"D1\" }\ndo = { panic = true }\n";

#[test]
fn a_second_daemon_says_who_is_there_and_leaves_it_alone() -> Result<()> {
    let daemon = Daemon::start(&with_pads(HOLDS))?;
    let second = run(&mut daemon.command("padgated")?)?;
    assert!(!second.status.success());
    let id = daemon.process().id().to_string();
    assert!(second.stderr.contains(&id), "it names the process {id}: {}", second.stderr);
    let mut watch = daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Tap)?;
    watch.fired("Hold")?;
    Ok(())
}

#[test]
fn it_ends_when_asked_though_a_pad_is_down_and_clients_are_connected() -> Result<()> {
    let mut daemon = Daemon::start(&with_pads(HOLDS))?;
    let mut watch = daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Down)?;
    watch.fired("Hold")?;
    let status = daemon.terminate()?;
    assert!(status.success(), "{status}");
    assert!(!daemon.socket().exists(), "the socket is removed");
    Ok(())
}

#[test]
fn what_was_killed_can_be_started_again_at_once() -> Result<()> {
    let mut daemon = Daemon::start(&with_pads(HOLDS))?;
    for _ in 0..3 {
        let mut watch = daemon.watch()?;
        watch.press("pads", "C1", PressPhase::Down)?;
        watch.fired("Hold")?;
        drop(watch);
        daemon.kill_and_restart()?;
        let status = daemon.watch()?.status()?;
        assert_eq!(status.modes.stack, ["default"]);
        assert!(status.held.is_empty(), "{:?}", status.held);
    }
    Ok(())
}

#[test]
fn panic_lets_go_of_everything() -> Result<()> {
    let daemon = Daemon::start(&with_pads(HOLDS))?;
    let mut watch = daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Down)?;
    watch.fired("Hold")?;
    watch.call::<padgate_ipc::method::Panic>(&padgate_ipc::method::Empty {})?;
    assert_eq!(watch.status()?.modes.stack, ["default"]);
    // The release of a press that was let go of already does no harm.
    watch.press("pads", "C1", PressPhase::Up)?;
    watch.press("pads", "C1", PressPhase::Tap)?;
    watch.fired("Hold")?;
    Ok(())
}
