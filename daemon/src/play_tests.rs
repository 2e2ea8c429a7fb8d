//! Files that are whole, cut off, damaged, or none at all.

use std::time::Duration;

use padgate_core::midi::Received;
use proptest::prelude::{any, proptest};

use super::{FileError, Performance, Played};
use crate::ipc::Cancel;

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [kind.as_slice(), &u32::try_from(data.len()).unwrap().to_be_bytes(), data].concat()
}

fn file(format: u16, division: u16, tracks: &[&[u8]]) -> Vec<u8> {
    let words = [format, u16::try_from(tracks.len()).unwrap(), division];
    let mut file = chunk(b"MThd", &words.map(u16::to_be_bytes).concat());
    for track in tracks {
        file.extend(chunk(b"MTrk", track));
    }
    file
}

const END: [u8; 4] = [0, 0xFF, 0x2F, 0];

/// What is played, with the time in milliseconds at which it is due.
fn listing(performance: &Performance) -> Vec<String> {
    let mut heard = Vec::new();
    let played = performance.play(
        false,
        &Cancel::default(),
        &mut |received| {
            heard.push(match received {
                Received::Message(message) => message.to_string(),
                Received::Sysex(bytes) => format!("sysex {bytes:02X?}"),
            });
        },
        &mut |_, _| {},
    );
    assert_eq!(played.played, performance.len());
    let times = performance.events.iter().map(|event| event.at.as_millis().to_string());
    times
        .chain(std::iter::repeat("end".to_owned()))
        .zip(heard)
        .map(|(at, what)| format!("{at} {what}"))
        .collect()
}

#[test]
fn tracks_are_played_together_in_the_tempo_of_the_file() {
    let tempo = [&[0, 0xFF, 0x51, 3, 0x0F, 0x42, 0x40][..], &END].concat();
    // Running status, a note-on with velocity 0, and a System Exclusive.
    let notes = [&[0, 0x90, 60, 100, 96, 60, 0, 48, 62, 1][..], &END].concat();
    let other = [&[96, 0xF0, 3, 1, 2, 0xF7][..], &END].concat();
    let performance = Performance::parse(&file(1, 96, &[&tempo, &notes, &other])).unwrap();
    assert_eq!(
        listing(&performance),
        [
            "0 note on C4 ch 1 velocity 100",
            "1000 note off C4 ch 1 velocity 64",
            "1000 sysex [F0, 01, 02, F7]",
            "1500 note on D4 ch 1 velocity 1",
            "end note off D4 ch 1 velocity 64",
        ]
    );
    assert_eq!(performance.duration(), Duration::from_millis(1500));
}

#[test]
fn tempo_changes_frames_and_songs_one_after_the_other() {
    let slower = [&[0, 0x90, 60, 1, 96, 0xFF, 0x51, 3, 0x1E, 0x84, 0x80, 48, 0x80, 60, 0][..], &END].concat();
    let times = |file: &[u8]| {
        let performance = Performance::parse(file).unwrap();
        performance.events.iter().map(|event| event.at.as_millis()).collect::<Vec<_>>()
    };
    assert_eq!(times(&file(0, 96, &[&slower])), [0, 500 + 1000]);
    let two = [&[0, 0xC0, 1, 50, 0xC0, 2][..], &END].concat();
    assert_eq!(times(&file(0, 0xE728, &[&two])), [0, 50], "25 frames of 40 ticks: a tick is a millisecond");
    assert_eq!(times(&file(2, 0xE728, &[&two, &two])), [0, 50, 50, 100]);
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    let track = [&[0, 0x90, 60, 100, 96, 0x80, 60, 0][..], &END].concat();
    let whole = file(1, 96, &[&track, &track]);
    for length in 0..whole.len() {
        let error = Performance::parse(&whole[..length]).expect_err("it is cut off");
        let text = error.to_string();
        assert!(length < 14 || text.contains(&format!("ends at byte {length}")), "{length}: {text}");
    }
    let end = 14 + 8 + track.len();
    let missing = FileError::TracksMissing { end, found: 1, announced: 2 };
    assert_eq!(Performance::parse(&whole[..end]), Err(missing));
}

#[test]
fn damage_is_found_where_it_is() {
    let damaged = [&[0, 0x90, 60, 100, 0, 0xF4][..], &END].concat();
    let error = Performance::parse(&file(0, 96, &[&damaged])).unwrap_err();
    assert_eq!(error, FileError::Damaged { track: 1, at: 14 + 8 + 4 });
    assert_eq!(Performance::parse(b"RIFF....RMID").unwrap_err(), FileError::Header);
    assert_eq!(Performance::parse(&file(0, 0, &[])).unwrap_err(), FileError::Division(0));
    assert_eq!(Performance::parse(&file(0, 0x8000, &[])).unwrap_err(), FileError::Division(0x8000));
}

#[test]
fn leaving_early_releases_what_is_down() {
    let track = [&[0, 0x90, 60, 100, 0xFF, 0x7F, 0x80, 60, 0][..], &END].concat();
    let performance = Performance::parse(&file(0, 1, &[&track])).unwrap();
    assert!(performance.duration() > Duration::from_secs(60));
    let cancel = Cancel::default();
    let mut heard = Vec::new();
    let played = performance.play(
        true,
        &cancel.clone(),
        &mut |received| {
            heard.push(format!("{received:?}"));
            cancel.cancel();
        },
        &mut |_, _| {},
    );
    assert_eq!(played, Played { played: 1, released: 1, cancelled: true });
    assert!(heard[0].contains("NoteOn") && heard[1].contains("NoteOff"), "{heard:?}");
}

proptest! {
    #[test]
    fn no_file_is_a_crash(division in any::<u16>(), track in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..300) {
        let mut file = file(1, division, &[&track]);
        file.truncate(cut);
        if let Ok(performance) = Performance::parse(&file) {
            performance.play(false, &Cancel::default(), &mut |_| {}, &mut |_, _| {});
        }
    }
}
