//! Any text as a configuration: it gives rules or at least one error, never both, and every mistake is at a place that
//! there is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padgate_core::config::{Source, load};
use padgate_core::ids::Names;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let lines = text.lines().count().max(1) + 1;
    let mut names = Names::default();
    let loaded = load(&[Source::new("config.toml", text)], &mut names, &(), &());
    let errors = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    assert_eq!(loaded.ruleset.is_some(), errors == 0, "{:?}", loaded.diagnostics);
    for diagnostic in &loaded.diagnostics {
        assert!(diagnostic.place.line as usize <= lines, "{diagnostic}");
        assert!(!diagnostic.message.is_empty());
    }
});
