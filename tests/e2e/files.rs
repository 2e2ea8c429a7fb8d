//! MIDI files as a device, and recordings: nothing is lost, and a replay gives the same bytes every time.

use std::fs;

use anyhow::Result;
use padgate_ipc::client::ClientError;
use padgate_ipc::error::ErrorCode;
use padgate_ipc::method::{Play, PlayParams, PlaySpeed};
use padgate_tests::daemon::Daemon;
use padgate_tests::{process, smf};
use rustix::process::Signal;

use super::with_pads;

/// Counts the presses and the releases of C4.
const COUNTS: &str = "[variables]\ndown = 0\nup = 0\n\
    [[map]]\nname = \"Down\"\non = { device = \"pads\", note = \"C4\" }\ndo = { set = { down = { add = 1 } } }\n\
    [[map]]\nname = \"Up\"\non = { device = \"pads\", note = \"C4\", release = true }\ndo = { set = { up = { add = 1 } } }\n";

fn full_speed(path: &std::path::Path) -> PlayParams {
    let path = path.to_string_lossy().into_owned();
    PlayParams { path, device: Some("pads".into()), speed: PlaySpeed::Full, progress: false }
}

/// A file of so many notes, 10 ms each.
fn notes(count: usize) -> Vec<u8> {
    let mut events: Vec<(u32, &[u8])> = Vec::new();
    for _ in 0..count {
        events.extend([(0, &[0x90, 60, 100][..]), (10, &[0x80, 60, 64][..])]);
    }
    smf::file(&events)
}

#[test]
fn a_file_at_full_speed_loses_nothing() -> Result<()> {
    let daemon = Daemon::start(&with_pads(COUNTS))?;
    let path = daemon.write("long.mid", notes(20_000))?;
    let mut client = daemon.client()?;
    let result = client.call::<Play>(&full_speed(&path))?;
    assert_eq!((result.total, result.played, result.released), (40_000, 40_000, 0));
    let variables = daemon.watch()?.status()?.modes.variables;
    assert_eq!((variables["down"].as_f64(), variables["up"].as_f64()), (Some(20_000.0), Some(20_000.0)));
    Ok(())
}

#[test]
fn a_file_in_time_takes_its_time_and_what_it_leaves_down_is_released() -> Result<()> {
    let daemon = Daemon::start(&with_pads(COUNTS))?;
    // A quarter is half a second.
    let file = smf::file(&[(0, &[0x90, 60, 100]), (240, &[0x80, 60, 64]), (240, &[0x90, 60, 100])]);
    let path = daemon.write("short.mid", file)?;
    let result =
        daemon.client()?.call::<Play>(&PlayParams { speed: PlaySpeed::InTime, ..full_speed(&path) })?;
    assert_eq!((result.played, result.released), (3, 1));
    assert!(result.took_ms >= 490, "{} ms", result.took_ms);
    let variables = daemon.watch()?.status()?.modes.variables;
    assert_eq!((variables["down"].as_f64(), variables["up"].as_f64()), (Some(2.0), Some(2.0)));
    Ok(())
}

#[test]
fn files_that_are_cut_off_or_no_midi_are_told_wherever_the_cut_is() -> Result<()> {
    let daemon = Daemon::start(&with_pads(COUNTS))?;
    let whole = notes(4);
    let mut client = daemon.client()?;
    for length in 0..whole.len() {
        let path = daemon.write("cut.mid", &whole[..length])?;
        match client.call::<Play>(&full_speed(&path)) {
            Err(ClientError::Refused(error)) => {
                assert_eq!(error.kind(), ErrorCode::File, "{error}");
                assert!(error.message.contains("cut.mid"), "{error}");
            }
            other => panic!("cut off after {length} bytes: {other:?}"),
        }
    }
    let missing = client.call::<Play>(&full_speed(&daemon.path().join("missing.mid"))).unwrap_err();
    assert!(missing.to_string().contains("missing.mid"), "{missing}");
    // After all of this it still plays.
    let path = daemon.write("whole.mid", &whole)?;
    assert_eq!(client.call::<Play>(&full_speed(&path))?.played, 8);
    Ok(())
}

#[test]
fn a_recording_replays_to_the_same_bytes_every_time() -> Result<()> {
    let daemon = Daemon::start(&with_pads(
        "[variables]\nn = 0\n\
         [[map]]\nname = \"Tap\"\non = { device = \"pads\", note = \"C4\" }\ndo = { set = { n = { add = 1 } } }\n\
         [[map]]\nname = \"Hold\"\non = { device = \"pads\", note = \"C4\", hold = \"50ms\" }\ndo = { notify = \"held\" }\n\
         [[map]]\nname = \"Chord\"\non = { device = \"pads\", chord = [\"D4\", \"E4\"] }\ndo = { midi = { note = \"same\" } }\n",
    ))?;
    let recording = daemon.path().join("take.padrec");
    let path = recording.to_string_lossy().into_owned();
    let log = daemon.path().join("record.log");
    let mut recorder = process::Process::start(
        daemon.command("padgate")?.args(["record", &path]).stderr(fs::File::create(&log)?),
        || {},
    )?;
    let mut watch = daemon.watch()?;
    // The recorder is there when the daemon counts two clients; each status is a round trip, so this waits for an event.
    while watch.status()?.clients < 2 {
        assert!(!recorder.has_ended(), "padgate record ended: {}", fs::read_to_string(&log)?);
    }
    while !recording.exists() {
        assert!(!recorder.has_ended(), "padgate record ended: {}", fs::read_to_string(&log)?);
        watch.status()?;
    }
    for _ in 0..5 {
        watch.hold("pads", "C4", 0)?;
        watch.hold("pads", "C4", 120)?;
        watch.midi("pads", "90 3E 64 90 40 64 80 3E 40 80 40 40")?;
    }
    watch.fired("Chord")?;
    recorder.signal(Signal::INT);
    assert!(recorder.wait()?.success(), "{}", fs::read_to_string(&log)?);
    let replay = || -> Result<String> { daemon.padgate(&["replay", &path])?.success() };
    let first = replay()?;
    for name in ["Tap", "Hold", "Chord"] {
        assert!(first.contains(name), "{name} is among the decisions:\n{first}");
    }
    for _ in 0..3 {
        assert_eq!(replay()?, first);
    }
    Ok(())
}
