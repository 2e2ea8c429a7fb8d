//! Plugins that speak MIDI, in their confined hosts, on a real sequencer.

use anyhow::Result;
use padgate_ipc::event::OutcomeKind;
use padgate_ipc::method::DisablePlugin;
use padgate_ipc::plugin::PluginState;
use padgate_tests::alsa::{Keyboard, Synth, available, find};
use padgate_tests::daemon::Daemon;
use padgate_tests::events::Watch;
use padgate_tests::folder::Folder;
use padgate_tests::plugin_watch::named;
use padgate_tests::plugins::install;

/// Two devices; the mappings follow.
const DEVICES: &str =
    "[device.pads]\nport = \"Test Pads\"\nout = false\n[device.synth]\nout = \"Test Synth\"\n";

/// A keyboard, a synth, and a daemon between them with one shipped plugin, when all of them are ready.
fn stage(plugin: &str, mappings: &str) -> Result<(Keyboard, Synth, Daemon, Watch)> {
    let (keyboard, synth) = (Keyboard::new("Test Pads")?, Synth::new("Test Synth")?);
    let folder = Folder::new(&format!("{DEVICES}{mappings}"))?;
    install(&folder, plugin)?;
    let daemon = Daemon::start_in(folder)?;
    let mut watch = daemon.watch()?;
    watch.connected("pads")?;
    watch.connected("synth")?;
    watch.plugin_is(plugin, PluginState::Enabled)?;
    Ok((keyboard, synth, daemon, watch))
}

#[test]
fn mmc_starts_and_locates_a_recorder() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let (keyboard, synth, _daemon, mut watch) = stage(
        "mmc",
        "[[map]]\nname = \"Play\"\non = { device = \"pads\", note = \"C1\" }\n\
         do = { plugin = \"mmc\", action = \"transport\", params = { command = \"play\", to = \"synth\" } }\n\
         [[map]]\nname = \"Top\"\non = { device = \"pads\", note = \"D1\" }\n\
         do = { plugin = \"mmc\", action = \"locate\", params = { time = \"00:01:30:00\", to = \"synth\" } }\n\
         [[map]]\nname = \"Nowhere\"\non = { device = \"pads\", note = \"E1\" }\n\
         do = { plugin = \"mmc\", action = \"transport\", params = { command = \"stop\", to = \"nowhere\" } }\n",
    )?;
    keyboard.send(&[0x90, 24, 100, 0x80, 24, 64])?;
    assert_eq!(synth.next()?.1, [0xF0, 0x7F, 0x7F, 0x06, 0x02, 0xF7]);
    keyboard.send(&[0x90, 26, 100, 0x80, 26, 64])?;
    let (_, locate) = synth.next()?;
    assert_eq!(locate[..7], [0xF0, 0x7F, 0x7F, 0x06, 0x44, 0x06, 0x01], "{locate:02x?}");
    // The rate is in the hours; minutes, seconds, frames and subframes follow.
    assert_eq!(locate[8..], [1, 30, 0, 0, 0xF7], "{locate:02x?}");
    keyboard.send(&[0x90, 28, 100, 0x80, 28, 64])?;
    let request = watch.fired("Nowhere")?.requests[0].id;
    let outcome = watch.outcome(request)?;
    assert_eq!(outcome.result, OutcomeKind::Unavailable, "{outcome:?}");
    assert!(outcome.message.is_some_and(|message| message.contains("nowhere")));
    assert_eq!(synth.pending(), Vec::<Vec<u8>>::new());
    Ok(())
}

/// A chord as long as the pad is down.
const CHORD: &str = "[[map]]\nname = \"Chord\"\non = { device = \"pads\", note = \"C4\" }\n\
     do = { plugin = \"midi-tools\", action = \"chord\", params = { chord = \"minor\", to = \"synth\" }, hold = true }\n";

/// The notes of these messages, sorted, if all have this status.
fn notes(messages: &[Vec<u8>], status: u8) -> Vec<u8> {
    assert!(messages.iter().all(|message| message[0] == status), "{messages:02x?}");
    let mut notes: Vec<u8> = messages.iter().map(|message| message[1]).collect();
    notes.sort_unstable();
    notes
}

#[test]
fn midi_tools_plays_a_chord_as_long_as_the_pad_is_down() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let (keyboard, synth, _daemon, mut watch) = stage("midi-tools", CHORD)?;
    for _ in 0..3 {
        keyboard.send(&[0x90, 60, 90])?;
        let down = synth.take(3)?;
        assert_eq!(notes(&down, 0x90), [60, 63, 67]);
        assert!(down.iter().all(|message| message[2] == 90), "the velocity is the pad's: {down:02x?}");
        keyboard.send(&[0x80, 60, 64])?;
        assert_eq!(notes(&synth.take(3)?, 0x80), [60, 63, 67]);
    }
    assert_eq!(synth.pending(), Vec::<Vec<u8>>::new());
    let stats = watch.plugin_stats("midi-tools")?;
    assert_eq!((stats.failures, stats.crashes, stats.timeouts), (0, 0, 0), "{stats:?}");
    Ok(())
}

#[test]
fn what_a_plugin_holds_is_let_go_of_when_it_ends() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let (keyboard, synth, daemon, mut watch) = stage("midi-tools", CHORD)?;
    keyboard.send(&[0x90, 60, 90])?;
    assert_eq!(notes(&synth.take(3)?, 0x90), [60, 63, 67]);
    // As a crash would end it: the chord must not sound for ever.
    let host = watch.plugin("midi-tools")?.pid.unwrap_or_default();
    let host = rustix::process::Pid::from_raw(i32::try_from(host)?).expect("it has a process");
    rustix::process::kill_process(host, rustix::process::Signal::ABORT)?;
    assert_eq!(notes(&synth.take(3)?, 0x80), [60, 63, 67]);
    watch.audited("midi-tools", "crash", "SIGABRT")?;
    keyboard.send(&[0x80, 60, 64])?;
    watch.plugin_is("midi-tools", PluginState::Enabled)?;

    keyboard.send(&[0x90, 60, 90])?;
    assert_eq!(notes(&synth.take(3)?, 0x90), [60, 63, 67]);
    watch.call::<DisablePlugin>(&named("midi-tools"))?;
    assert_eq!(notes(&synth.take(3)?, 0x80), [60, 63, 67]);
    drop(daemon);
    Ok(())
}

#[test]
fn midi_tools_plays_an_arpeggio_to_the_virtual_output() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let (keyboard, _synth, _daemon, _watch) = stage(
        "midi-tools",
        "[[map]]\nname = \"Arpeggio\"\non = { device = \"pads\", note = \"C4\" }\n\
         do = { plugin = \"midi-tools\", action = \"arpeggio\", params = { bpm = 300 }, hold = true }\n",
    )?;
    let listener = Synth::listen("Test Listener", Some(find("Padgate Out").or_else(|_| find("Padgate"))?))?;
    keyboard.send(&[0x90, 60, 90])?;
    let heard = listener.take(12)?;
    let down: Vec<u8> = heard.iter().filter(|message| message[0] == 0x90).map(|message| message[1]).collect();
    assert_eq!(down[..6], [60, 64, 67, 60, 64, 67], "{heard:02x?}");
    keyboard.send(&[0x80, 60, 64])?;
    // Whatever still sounds ends: as many releases as notes.
    let mut balance: i64 = heard.iter().map(|message| if message[0] == 0x90 { 1 } else { -1 }).sum();
    while balance > 0 {
        balance += if listener.next()?.1[0] == 0x90 { 1 } else { -1 };
    }
    Ok(())
}
