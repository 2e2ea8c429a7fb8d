//! What is missing on the machine, and who says so: each action that can't be done ends as unavailable or failed, with a
//! reason, and the rest works.

use anyhow::Result;
use padgate_ipc::event::OutcomeKind;
use padgate_ipc::method::PressPhase;
use padgate_tests::daemon::Daemon;
use padgate_tests::notice;

use super::with_pads;

/// The mapping of note 36 + its index does `what`.
fn each_does(actions: &[&str]) -> String {
    let mut text = String::new();
    for (index, action) in actions.iter().enumerate() {
        text += &format!(
            "[[map]]\nname = \"Action {index}\"\non = {{ device = \"pads\", note = {} }}\ndo = {{ {action} }}\n",
            36 + index
        );
    }
    text
}

#[test]
fn each_action_that_cannot_be_done_says_why_and_the_rest_works() -> Result<()> {
    let actions = [
        "key = \"space\"",
        "text = \"Hello\"",
        "mouse = \"click\"",
        "volume = \"50%\"",
        "mute = \"toggle\"",
        "media = \"play_pause\"",
        "notify = \"Hello\"",
        "midi = { note = \"C4\" }",
        "run = [\"no-such-program-anywhere\"]",
    ];
    let daemon = Daemon::start(&with_pads(&format!(
        "{}[[map]]\nname = \"Works\"\non = {{ device = \"pads\", note = \"C7\" }}\ndo = {{ run = [\"true\"] }}\n",
        each_does(&actions)
    )))?;
    let mut watch = daemon.watch()?;
    for (index, action) in actions.iter().enumerate() {
        watch.press("pads", &(36 + index).to_string(), PressPhase::Tap)?;
        let record = watch.fired(&format!("Action {index}"))?;
        let outcome = watch.outcome(record.requests[0].id)?;
        assert!(
            matches!(outcome.result, OutcomeKind::Unavailable | OutcomeKind::Failed),
            "{action}: {outcome:?}"
        );
        let reason = outcome.message.unwrap_or_default();
        assert!(reason.len() > 10, "{action} gives a reason: {reason:?}");
    }
    watch.press("pads", "C7", PressPhase::Tap)?;
    watch.done("Works")?;
    Ok(())
}

#[test]
fn shell_is_refused_until_the_configuration_allows_it() -> Result<()> {
    let map = "[[map]]\nname = \"Shell\"\non = { device = \"pads\", note = \"C1\" }\ndo = { shell = \"echo hello > said\" }\n";
    let folder = padgate_tests::folder::Folder::new(&with_pads(map))?;
    let report = folder.padgate(&["check"])?;
    assert_eq!(report.code(), 1);
    let text = report.stdout + &report.stderr;
    assert!(text.contains("allow_shell"), "it says what would allow it: {text}");
    folder.write_config(with_pads(map).replace("[settings]\n", "[settings]\nallow_shell = true\n"))?;
    let daemon = Daemon::start_in(folder)?;
    let mut watch = daemon.watch()?;
    watch.press("pads", "C1", PressPhase::Tap)?;
    watch.done("Shell")?;
    Ok(())
}

#[test]
fn without_a_sequencer_the_daemon_runs_and_says_what_is_missing() -> Result<()> {
    if std::path::Path::new("/dev/snd/seq").exists() {
        notice("not tested: this machine has a sequencer");
        return Ok(());
    }
    let daemon = Daemon::start(&with_pads(""))?;
    let status = daemon.watch()?.status()?;
    let midi = status.backends.iter().find(|backend| backend.name == "midi");
    let midi = midi.expect("MIDI is among what the status lists");
    assert!(
        !midi.available && midi.note.as_ref().is_some_and(|note| note.contains("/dev/snd/seq")),
        "{midi:?}"
    );
    assert_eq!(status.devices.len(), 1);
    assert!(!status.devices[0].connected, "{:?}", status.devices);
    Ok(())
}
