//! What the plugin plays, to the nanosecond: what sounds must end, and not before it began.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

use std::collections::BTreeMap;
use std::time::Duration;

use midi_tools::MidiTools;
use padgate_plugin::Moment;
use padgate_plugin::test::{Asked, Kit, Prepared, Touch};
use serde_json::{Value, json};

/// A MIDI message with the milliseconds after the beginning at which it is sent.
type Sent = (u64, [u8; 3]);

struct Stage {
    kit: Kit<MidiTools>,
    began: Moment,
}

impl Stage {
    fn new() -> Stage {
        let kit = Kit::new();
        let began = kit.now();
        Stage { kit, began }
    }

    fn prepare(&mut self, action: &str, more: Value) -> Prepared {
        // As the daemon does, with the manifest's defaults.
        let mut params = match action {
            "chord" => json!({
                "root": "played", "chord": "major", "inversion": 0, "strum": 0, "length": 500,
                "channel": 1, "to": "", "curve": "linear",
            }),
            "arpeggio" => json!({
                "root": "played", "chord": "major", "pattern": "up", "octaves": 1, "bpm": 120.0, "division": 4,
                "gate": 80, "channel": 1, "to": "", "curve": "linear",
            }),
            _ => json!({
                "root": "played", "transpose": 0, "length": 200, "channel": 1, "to": "", "curve": "linear",
            }),
        };
        for (name, value) in more.as_object().unwrap() {
            params[name] = value.clone();
        }
        self.kit.prepare(action, params).unwrap()
    }

    fn sent(&mut self) -> Vec<Sent> {
        let began = self.began;
        let mut sent: Vec<Sent> = self
            .kit
            .asked()
            .into_iter()
            .filter_map(|asked| match asked {
                Asked::Midi { message, at, .. } => {
                    let at = at.map_or(0, |at| (at - began).as_millis() as u64);
                    Some((at, message.try_into().unwrap()))
                }
                _ => None,
            })
            .collect();
        sent.sort_by_key(|(at, _)| *at);
        sent
    }
}

/// Every note that began ended later, or at the same time after it began.
fn all_ended(sent: &[Sent]) {
    let mut down: BTreeMap<(u8, u8), i32> = BTreeMap::new();
    for (_, [status, note, _]) in sent {
        let change = if status & 0xF0 == 0x90 { 1 } else { -1 };
        let count = down.entry((status & 0x0F, *note)).or_default();
        *count += change;
        assert!(*count >= 0, "note {note} ended before it began: {sent:?}");
    }
    assert!(down.values().all(|count| *count == 0), "{sent:?}");
}

#[test]
fn a_held_chord_sounds_until_the_release() {
    let mut stage = Stage::new();
    let chord = stage.prepare("chord", json!({ "chord": "m7", "channel": 2, "curve": "fixed:90" }));
    stage.kit.press(chord, Touch::note(60, 100)).unwrap();
    let began = stage.sent();
    assert_eq!(began, [60, 63, 67, 70].map(|note| (0, [0x91, note, 90])));
    stage.kit.advance(Duration::from_millis(300));
    stage.kit.release(chord).unwrap();
    let ended = stage.sent();
    assert_eq!(ended, [60, 63, 67, 70].map(|note| (300, [0x81, note, 64])));
}

#[test]
fn a_tapped_chord_is_strummed_and_ends_by_itself() {
    let mut stage = Stage::new();
    let chord = stage.prepare("chord", json!({ "root": "C4", "strum": 20, "length": 100 }));
    stage.kit.tap(chord, Touch::controller(20, 127)).unwrap();
    let sent = stage.sent();
    assert_eq!(sent.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 20, 40, 100, 120, 140]);
    all_ended(&sent);
}

#[test]
fn a_strum_that_is_cut_short_leaves_nothing_sounding() {
    let mut stage = Stage::new();
    let chord = stage.prepare("chord", json!({ "strum": 200 }));
    stage.kit.press(chord, Touch::note(48, 64)).unwrap();
    stage.kit.advance(Duration::from_millis(50));
    stage.kit.release(chord).unwrap();
    all_ended(&stage.sent());
}

#[test]
fn an_arpeggio_keeps_its_grid_and_ends_with_the_pad() {
    let mut stage = Stage::new();
    // Sixteenths at 120 bpm: 125 ms from step to step.
    let arpeggio = stage.prepare("arpeggio", json!({ "pattern": "up-down", "octaves": 1 }));
    stage.kit.press(arpeggio, Touch::note(60, 100)).unwrap();
    for _ in 0..1000 {
        stage.kit.advance(Duration::from_millis(1));
    }
    stage.kit.release(arpeggio).unwrap();
    assert_eq!(stage.kit.timer(), None, "nothing wakes a plugin that has nothing to do");
    stage.kit.advance(Duration::from_secs(1));
    let sent = stage.sent();
    all_ended(&sent);
    let played: Vec<(u64, u8)> = sent
        .iter()
        .filter(|(_, message)| message[0] == 0x90)
        .map(|(at, message)| (*at, message[1]))
        .collect();
    let notes = [60, 64, 67, 64];
    assert!(played.len() >= 8, "{played:?}");
    for (step, (at, note)) in played.iter().enumerate() {
        assert_eq!((*at, *note), (125 * step as u64, notes[step % 4]));
    }
    assert!(played.last().unwrap().0 <= 1100, "the release ends it: {played:?}");
}

#[test]
fn two_pads_play_two_arpeggios() {
    let mut stage = Stage::new();
    let low = stage.prepare("arpeggio", json!({ "root": "C2", "chord": "5" }));
    let high = stage.prepare("arpeggio", json!({ "root": "C6", "chord": "5" }));
    stage.kit.press(low, Touch::note(1, 100)).unwrap();
    stage.kit.press(high, Touch::note(2, 100)).unwrap();
    stage.kit.advance(Duration::from_millis(500));
    stage.kit.release(low).unwrap();
    let _ = stage.sent();
    stage.kit.advance(Duration::from_millis(500));
    stage.kit.release(high).unwrap();
    stage.kit.advance(Duration::from_millis(500));
    let went_on = stage.sent();
    assert!(went_on.iter().any(|(_, message)| message[0] == 0x90));
    assert!(
        went_on.iter().filter(|(_, message)| message[0] == 0x90).all(|(_, message)| message[1] >= 84),
        "only the pad that is held goes on"
    );
}

#[test]
fn a_note_is_transposed_and_never_leaves_the_range() {
    let mut stage = Stage::new();
    let note = stage.prepare("note", json!({ "transpose": 12, "channel": 16 }));
    stage.kit.tap(note, Touch::note(60, 5)).unwrap();
    assert_eq!(stage.sent(), [(0, [0x9F, 72, 5]), (200, [0x8F, 72, 64])]);
    stage.kit.tap(note, Touch::note(120, 5)).unwrap();
    assert_eq!(stage.sent(), []);
}

#[test]
fn mistakes_are_told_when_the_configuration_is_loaded() {
    let mut kit = Kit::<MidiTools>::new();
    for (name, value, says) in
        [("root", "H2", "C4"), ("chord", "mayor", "sus4"), ("curve", "loud", "range:40-110")]
    {
        let mut params = json!({
            "root": "played", "chord": "major", "inversion": 0, "strum": 0, "length": 1, "channel": 1, "to": "",
            "curve": "linear",
        });
        params[name] = value.into();
        let error = kit.prepare("chord", params).unwrap_err();
        assert!(error.text().contains(says), "{error}");
    }
}

#[test]
fn what_the_manifest_and_the_page_say_is_what_the_plugin_takes() {
    let (manifest, page) =
        (include_str!("../plugin.toml"), include_str!("../../../docs/src/plugins/midi-tools.md"));
    Kit::<MidiTools>::new().prepare_page(manifest, page).unwrap();
}
