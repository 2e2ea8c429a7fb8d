//! Tens of thousands of events at full speed, none of which is lost.

use std::process::Command;

use anyhow::Result;
use padgate_ipc::method::{Play, PlayParams, PlaySpeed};
use padgate_tests::alsa::{Synth, available, find};
use padgate_tests::daemon::Daemon;
use padgate_tests::process::run;
use padgate_tests::smf;

/// Notes in the file; each is two events.
const NOTES: usize = 20_000;

/// 100 ms for a quarter note: a tick is 0.2 ms.
const TEMPO: &[u8] = &[0xFF, 0x51, 3, 0x01, 0x86, 0xA0];

/// A file in which every note can be told from its neighbours. `ticks` is how far the events are apart.
fn file(ticks: u32) -> (Vec<u8>, Vec<[u8; 3]>) {
    let mut messages = Vec::new();
    for index in 0..NOTES {
        let (note, velocity) = ((index % 128) as u8, (index / 128 % 127 + 1) as u8);
        messages.extend([[0x90, note, velocity], [0x80, note, 64]]);
    }
    let tempo = std::iter::once((0, TEMPO));
    let events: Vec<(u32, &[u8])> =
        tempo.chain(messages.iter().map(|message| (ticks, &message[..]))).collect();
    (smf::file(&events), messages)
}

const CONFIG: &str = "[device.synth]\nout = \"Test Synth\"\n\
     [[map]]\nname = \"Pass\"\non = { note = \"any\" }\ndo = { midi = \"same\", to = \"synth\" }\n";

#[test]
fn a_file_played_by_the_daemon_at_full_speed_arrives_whole_and_in_order() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let synth = Synth::new("Test Synth")?;
    let daemon = Daemon::start(CONFIG)?;
    daemon.watch()?.connected("synth")?;
    let (file, messages) = file(0);
    let path = daemon.write("flood.mid", file)?.to_string_lossy().into_owned();
    let player = std::thread::spawn({
        let mut client = daemon.client()?;
        move || client.call::<Play>(&PlayParams { path, speed: PlaySpeed::Full, ..PlayParams::default() })
    });
    assert_eq!(synth.take(messages.len())?, messages);
    let result = player.join().expect("the player does not panic")?;
    assert_eq!(result.played as usize, messages.len());
    assert_eq!(synth.pending(), Vec::<Vec<u8>>::new());
    Ok(())
}

#[test]
fn a_file_played_by_aplaymidi_five_times_as_fast_as_a_cable_arrives_whole() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let synth = Synth::new("Test Synth")?;
    let daemon = Daemon::start(CONFIG)?;
    daemon.watch()?.connected("synth")?;
    // Some 5,000 events a second; a cable carries 1,000. aplaymidi waits for nobody.
    let (file, messages) = file(1);
    let path = daemon.write("flood.mid", file)?;
    let (client, port) = find("Padgate In").or_else(|_| find("Padgate"))?;
    let player = std::thread::spawn(move || {
        run(Command::new("aplaymidi").args(["-d", "0", "-p", &format!("{client}:{port}")]).arg(path))
    });
    assert_eq!(synth.take(messages.len())?, messages);
    player.join().expect("the player does not panic")?.success()?;
    Ok(())
}
