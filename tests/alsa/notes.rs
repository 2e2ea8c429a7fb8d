//! What other programs and devices send reaches the daemon, and comes out as it was mapped.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use padgate_ipc::event::OutcomeKind;
use padgate_tests::alsa::{Keyboard, Synth, available, find};
use padgate_tests::daemon::Daemon;
use padgate_tests::process::{Process, run};
use padgate_tests::smf;

#[test]
fn aplaymidi_into_the_virtual_port_comes_out_at_aseqdump_as_mapped() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let daemon = Daemon::start(
        "[[map]]\nname = \"Up an octave\"\non = { note = \"C4\", channel = 1 }\n\
         do = { midi = { note = \"C5\", velocity = \"value\", channel = 2 } }\n",
    )?;
    // aseqdump prints its head line only when it has subscribed; line by line, though it writes to a pipe.
    let (reader, writer) = std::io::pipe()?;
    let (client, port) = find("Padgate Out").or_else(|_| find("Padgate"))?;
    let mut dump = Command::new("stdbuf");
    dump.args(["-oL", "aseqdump", "-p", &format!("{client}:{port}")]).stdin(Stdio::null()).stdout(writer);
    let _dump = Process::start(&mut dump, || {})?;
    drop(dump);
    let mut lines = BufReader::new(reader).lines();
    lines
        .by_ref()
        .map_while(Result::ok)
        .find(|line| line.starts_with("Source"))
        .context("aseqdump is ready")?;

    let file = daemon.write("note.mid", smf::file(&[(0, &[0x90, 60, 100]), (10, &[0x80, 60, 64])]))?;
    let (client, port) = find("Padgate In").or_else(|_| find("Padgate"))?;
    run(Command::new("aplaymidi").args(["-d", "0", "-p", &format!("{client}:{port}")]).arg(file))?
        .success()?;
    let dumped: Vec<String> = lines.by_ref().map_while(Result::ok).take(2).collect();
    assert!(dumped[0].contains("Note on") && dumped[0].contains("1, note 72, velocity 100"), "{dumped:?}");
    assert!(dumped[1].contains("Note off") && dumped[1].contains("1, note 72"), "{dumped:?}");
    Ok(())
}

#[test]
fn a_raw_midi_device_played_by_amidi_is_a_device_like_any_other() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let synth = Synth::new("Test Synth")?;
    let daemon = Daemon::start(
        "[device.pads]\nport = \"VirMIDI 0-0*\"\nout = false\n[device.synth]\nout = \"Test Synth\"\n\
         [[map]]\nname = \"Pass\"\non = { device = \"pads\", note = \"any\" }\ndo = { midi = \"same\", to = \"synth\" }\n\
         [[map]]\nname = \"Volume\"\non = { device = \"pads\", cc = 7 }\n\
         do = { midi = { cc = 11, value = \"value\" }, to = \"synth\" }\n\
         [[map]]\nname = \"Bend\"\non = { device = \"pads\", bend = true }\n\
         do = { midi = { bend = \"value\" }, to = \"synth\" }\n\
         [[map]]\nname = \"Program\"\non = { device = \"pads\", program = 5 }\n\
         do = { midi = { sysex = \"F0 7E 7F 06 01 F7\" }, to = \"synth\" }\n",
    )?;
    let mut watch = daemon.watch()?;
    watch.connected("pads")?;
    watch.connected("synth")?;
    run(Command::new("amidi").args(["-p", "hw:0,0", "-S", "90 3C 64 3C 00 B0 07 40 E0 00 40 C0 05"]))?
        .success()?;
    let expected: [&[u8]; 5] = [
        &[0x90, 60, 100],
        &[0x80, 60, 64],
        &[0xB0, 11, 64],
        &[0xE0, 0x00, 0x40],
        &[0xF0, 0x7E, 0x7F, 0x06, 0x01, 0xF7],
    ];
    assert_eq!(synth.take(5)?, expected);
    Ok(())
}

#[test]
fn a_sysex_of_a_megabyte_on_the_cable_harms_nobody() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let keyboard = Keyboard::new("Test Pads")?;
    let synth = Synth::new("Test Synth")?;
    let daemon = Daemon::start(
        "[device.pads]\nport = \"Test Pads\"\nout = false\n[device.synth]\nout = \"Test Synth\"\n\
         [[map]]\nname = \"Pass\"\non = { device = \"pads\", note = \"any\" }\ndo = { midi = \"same\", to = \"synth\" }\n",
    )?;
    let mut watch = daemon.watch()?;
    watch.connected("pads")?;
    watch.connected("synth")?;
    // In pieces, as drivers send it.
    keyboard.send(&[&[0xF0][..], &[1; 255]].concat())?;
    for _ in 0..4096 {
        keyboard.send(&[1; 256])?;
    }
    keyboard.send(&[0xF7])?;
    keyboard.send(&[0x90, 60, 100, 0x80, 60, 64])?;
    assert_eq!(synth.take(2)?, [[0x90, 60, 100], [0x80, 60, 64]]);
    Ok(())
}

#[test]
fn an_output_that_is_not_there_is_said_to_be_unavailable() -> Result<()> {
    if !available()? {
        return Ok(());
    }
    let keyboard = Keyboard::new("Test Pads")?;
    let daemon = Daemon::start(
        "[device.pads]\nport = \"Test Pads\"\nout = false\n[device.synth]\nout = \"No such synth\"\n\
         [[map]]\nname = \"Pass\"\non = { device = \"pads\", note = \"any\" }\ndo = { midi = \"same\", to = \"synth\" }\n",
    )?;
    let mut watch = daemon.watch()?;
    watch.connected("pads")?;
    keyboard.send(&[0x90, 60, 100])?;
    let record = watch.fired("Pass")?;
    let outcome = watch.outcome(record.requests[0].id)?;
    assert_eq!(outcome.result, OutcomeKind::Unavailable, "{outcome:?}");
    assert!(outcome.message.is_some_and(|message| message.contains("synth")));
    Ok(())
}
