//! What a hand does, and what comes of it: one press through the whole daemon.

use anyhow::Result;
use padgate_ipc::event::{DecisionKind, OutcomeKind};
use padgate_ipc::method::{ExplainParams, GetStatus, PressPhase};
use padgate_tests::daemon::Daemon;
use serde_json::json;

use super::with_pads;

#[test]
fn a_press_starts_a_program_and_every_step_is_stamped() -> Result<()> {
    let daemon = Daemon::start(&with_pads(
        "[[map]]\nname = \"Touch\"\non = { device = \"pads\", note = \"C1\" }\ndo = { run = [\"touch\", \"pressed\"] }\n",
    ))?;
    let mut watch = daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Tap)?;
    let record = watch.fired("Touch")?;
    let outcome = watch.outcome(record.requests[0].id)?;
    assert_eq!(outcome.result, OutcomeKind::Done, "{outcome:?}");
    let times = [
        record.received_ns,
        record.decided_ns,
        record.requests[0].handed_off_ns,
        outcome.started_ns,
        outcome.done_ns,
    ];
    assert!(times.is_sorted(), "received, decided, handed off, started, done: {times:?}");
    assert_eq!(record.cause.device.as_deref(), Some("pads"));
    assert_eq!(record.decisions[0].mapping.as_ref().map(|mapping| mapping.line), Some(6));
    Ok(())
}

#[test]
fn the_release_goes_to_the_mapping_that_got_the_press_whatever_the_mode_is() -> Result<()> {
    let daemon = Daemon::start(&with_pads(
        "[[map]]\nname = \"Other\"\nmode = \"other\"\non = { device = \"pads\", note = \"C1\", release = true }\n\
         do = { set = { wrong = true } }\n\
         [[map]]\nname = \"Hold\"\non = { device = \"pads\", note = \"C1\" }\ndo = { mode = { hold = \"other\" } }\n\
         [variables]\nwrong = false\n",
    ))?;
    let mut watch = daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Down)?;
    watch.fired("Hold")?;
    assert_eq!(watch.status()?.modes.stack, ["default", "other"]);
    watch.press("pads", "C1", PressPhase::Up)?;
    watch.decided("Hold", DecisionKind::Released)?;
    let status = watch.status()?;
    assert_eq!(status.modes.stack, ["default"]);
    assert_eq!(status.modes.variables["wrong"], json!(false));
    Ok(())
}

#[test]
fn hold_tap_and_double_tap_on_one_pad_are_told_apart() -> Result<()> {
    let daemon = Daemon::start(&with_pads(
        "[variables]\nlast = \"\"\n\
         [[map]]\nname = \"Tap\"\non = { device = \"pads\", note = \"C1\" }\ndo = { set = { last = \"tap\" } }\n\
         [[map]]\nname = \"Hold\"\non = { device = \"pads\", note = \"C1\", hold = \"300ms\" }\ndo = { set = { last = \"hold\" } }\n\
         [[map]]\nname = \"Twice\"\non = { device = \"pads\", note = \"C1\", taps = 2, window = \"300ms\" }\n\
         do = { set = { last = \"twice\" } }\n",
    ))?;
    let mut watch = daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Down)?;
    watch.fired("Hold")?;
    watch.press("pads", "C1", PressPhase::Up)?;
    assert_eq!(watch.status()?.modes.variables["last"], json!("hold"));
    watch.press("pads", "C1", PressPhase::Tap)?;
    watch.press("pads", "C1", PressPhase::Tap)?;
    watch.fired("Twice")?;
    assert_eq!(watch.status()?.modes.variables["last"], json!("twice"));
    watch.press("pads", "C1", PressPhase::Tap)?;
    let record = watch.fired("Tap")?;
    assert_eq!(watch.status()?.modes.variables["last"], json!("tap"));
    assert!(record.decisions.iter().any(|decision| decision.withheld_ns.is_some_and(|ns| ns > 0)));
    Ok(())
}

#[test]
fn a_wait_in_a_sequence_blocks_no_other_press() -> Result<()> {
    let daemon = Daemon::start(&with_pads(
        "[variables]\nslow = 0\nquick = 0\n\
         [[map]]\nname = \"Slow\"\non = { device = \"pads\", note = \"C1\" }\n\
         do = [{ set = { slow = 1 } }, { wait = \"60s\" }, { set = { slow = 2 } }]\n\
         [[map]]\nname = \"Quick\"\non = { device = \"pads\", note = \"D1\" }\ndo = { set = { quick = { add = 1 } } }\n",
    ))?;
    let mut watch = daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Tap)?;
    watch.fired("Slow")?;
    for _ in 0..3 {
        watch.press("pads", "D1", PressPhase::Tap)?;
        watch.fired("Quick")?;
    }
    let status = watch.status()?;
    assert_eq!(status.modes.variables["slow"], json!(1));
    assert_eq!(status.modes.variables["quick"].as_f64(), Some(3.0));
    assert_eq!(status.running, 1, "the sequence is still waiting");
    Ok(())
}

#[test]
fn explain_says_why_and_why_not() -> Result<()> {
    let daemon = Daemon::start(&with_pads(
        "[[map]]\nname = \"Only in studio\"\nmode = \"studio\"\non = { device = \"pads\", note = \"C1\" }\n\
         do = { set = { x = 1 } }\n\
         [[map]]\nname = \"Enter\"\non = { device = \"pads\", note = \"D1\" }\ndo = { mode = \"studio\" }\n[variables]\nx = 0\n",
    ))?;
    let mut watch = daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Tap)?;
    let explain = |control: &str| -> Result<ExplainParams> {
        Ok(ExplainParams { device: Some("pads".into()), control: Some(control.parse()?) })
    };
    let why = watch.call::<padgate_ipc::method::Explain>(&explain("C1")?)?;
    let text = why.sentences.join(" ");
    assert!(why.found && text.contains("Only in studio") && text.contains("studio"), "{text}");
    watch.press("pads", "D1", PressPhase::Tap)?;
    watch.fired("Enter")?;
    let why = watch.call::<padgate_ipc::method::Explain>(&explain("D1")?)?;
    assert!(why.sentences.join(" ").contains("Enter"), "{:?}", why.sentences);
    let why = watch.call::<padgate_ipc::method::Explain>(&explain("E1")?)?;
    assert!(!why.found, "nobody pressed E1: {:?}", why.sentences);
    Ok(())
}

#[test]
fn any_bytes_on_the_cable_are_survived_and_the_next_press_works() -> Result<()> {
    let daemon = Daemon::start(&with_pads(
        "[variables]\ncount = 0\n[[map]]\nname = \"Count\"\non = { device = \"pads\", note = \"C4\" }\n\
         do = { set = { count = { add = 1 } } }\n",
    ))?;
    let mut watch = daemon.watch()?;
    for bytes in ["F0 01 02 03 F7", "FE F8 FA FC FF", "B0 07 40", "E0 00 40", "F2 01 02", "90 3C 00"] {
        watch.midi("pads", bytes)?;
    }
    // What is no whole message is refused or counted, as the daemon likes; it must not bring it down.
    for bytes in ["90 3C", "3C 3C 3C", "F4 F5 F9 FD", "F0 01 02"] {
        let _ = watch.midi("pads", bytes);
    }
    let sysex = format!("F0 {} F7", "01 ".repeat(200_000));
    let _ = watch.midi("pads", &sysex);
    watch.midi("pads", "90 3C 64")?;
    watch.fired("Count")?;
    let status = watch.call::<GetStatus>(&padgate_ipc::method::Empty {})?;
    assert_eq!(status.modes.variables["count"].as_f64(), Some(1.0));
    Ok(())
}
