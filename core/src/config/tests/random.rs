//! Properties: whatever stands in a file, it is read without a panic, and places lie within it.

use proptest::prelude::{Just, Strategy, any};
use proptest::{prop_assert, prop_oneof, proptest};

use super::load_files;

/// A configuration with everything in it, to be spoilt.
const GOOD: &str = r#"
[settings]
hold = "400ms"
allow_shell = true
[device.pads]
port = "Pads*"
controller = "grid"
[device.pads.controls]
go = { note = "C4" }
[variables]
scene = 1
[[map]]
mode = "stream"
on = { device = "pads", control = "play", hold = "400ms", velocity = "1-80" }
when = { any = [{ time = "22:00-06:00" }, { not = { weekday = ["sat", "sun"] } }], variable = "scene", is = 2 }
do = [{ key = "ctrl+r" }, { wait = "1s" }, { if = { running = "obs" }, then = { mode = { push = "stream" } } }]
[[map]]
on = { cc = 7, takeover = "pickup" }
value = { from = "27-127", dead_zone = "5%", curve = "slow", to = "0-50%" }
do = { volume = "value" }
[[map]]
on = { chord = ["E1", { control = "go", device = "pads" }], within = "40ms" }
do = { midi = { sysex = "F0 7E 7F 06 01 F7" }, to = "pads" }
[[map]]
on = { cc = 1, relative = "mackie", divide = 2 }
do = { repeat = 3, every = "10ms", do = { set = { scene = { add = 1 } } } }
"#;

/// What is put in somewhere.
fn splinter() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\x00-\\x7F]{0,3}",
        Just("\u{feff}".to_owned()),
        Just("é\"".to_owned()),
        Just("[[".to_owned()),
        Just("= {}".to_owned()),
        Just("-99999999999999999999".to_owned()),
        Just("nan".to_owned()),
        Just("[]".to_owned()),
        Just("\n[map]\n".to_owned()),
        Just("device.pads.port = 1\n".to_owned()),
    ]
}

proptest! {
    #[test]
    fn spoilt_configurations_never_panic(
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0_usize..12, splinter()), 1..6),
    ) {
        let mut text = GOOD.to_owned();
        for (place, removed, put) in edits {
            let mut start = place.index(text.len() + 1);
            while !text.is_char_boundary(start) {
                start -= 1;
            }
            let mut end = (start + removed).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text.replace_range(start..end, &put);
        }
        let loaded = load_files(&[("config.toml", &text)]);
        for diagnostic in &loaded.diagnostics {
            let place = &diagnostic.place;
            if &*place.file == "config.toml" {
                prop_assert!(place.span.start <= place.span.end && place.span.end <= text.len());
                prop_assert!(place.line >= 1 && place.column >= 1);
            }
        }
    }

    #[test]
    fn swapped_words_never_panic(from in any::<proptest::sample::Index>(), to in any::<proptest::sample::Index>()) {
        let words: Vec<&str> = GOOD.split_inclusive([' ', '\n']).collect();
        let mut swapped = words.clone();
        swapped.swap(from.index(words.len()), to.index(words.len()));
        let _ = load_files(&[("config.toml", &swapped.concat())]);
    }
}

#[test]
fn the_good_configuration_is_good() {
    super::check(GOOD, &[]);
}
