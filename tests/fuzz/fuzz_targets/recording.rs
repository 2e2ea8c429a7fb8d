//! Any bytes as a recording: it is refused, or replays through the engine, under the demo's rules, to the same bytes every
//! time.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use padgate_core::config::{Source, load};
use padgate_core::ids::Names;
use padgated::replay::{Format, read, replay};

const CONFIG: &str = include_str!("../../../config/demo.toml");
/// What stands before the fuzzer's lines, so that it need not find the header by itself.
const HEADER: &str = "{\"padgate_recording\":1,\"devices\":[\"pads\"]}\n";

fuzz_target!(|bytes: &[u8]| {
    let mut names = Names::default();
    let config = Source::new("config/demo.toml", CONFIG);
    let _ = read(bytes, &mut names.clone());
    let loaded = load(std::slice::from_ref(&config), &mut names, &(), &());
    assert!(loaded.ruleset.is_some());
    let Ok(recording) = read(&[HEADER.as_bytes(), bytes].concat()[..], &mut names) else { return };
    // Rules with the names that the recording brought.
    let Some(rules) = load(&[config], &mut names, &(), &()).ruleset.map(Arc::new) else { return };
    let print = || {
        let mut printed = Vec::new();
        replay(&recording, Arc::clone(&rules), Format::JsonLines, &mut printed).expect("memory takes all");
        printed
    };
    assert_eq!(print(), print());
});
