//! Any text as a plugin's manifest: it gives a manifest or at least one error, never both, and what it asks for reads
//! back from its own text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padgate_core::capability::Rights;
use padgate_core::config::Source;
use padgate_core::manifest::read;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let lines = text.lines().count().max(1) + 1;
    let (manifest, diagnostics) = read(&Source::new("plugin.toml", text), "linux-x86_64");
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    assert_eq!(manifest.is_some(), errors == 0, "{diagnostics:?}");
    for diagnostic in &diagnostics {
        assert!(diagnostic.place.line as usize <= lines, "{diagnostic}");
    }
    let Some(manifest) = manifest else { return };
    let (read, _) = Rights::from_toml(&Source::new("grants", manifest.request.to_toml()));
    assert_eq!(read, Some(manifest.request.clone()), "{}", manifest.request.to_toml());
    assert_eq!(manifest.request.beyond(&manifest.request), Rights::NONE);
    assert!(!manifest.request.meanings().iter().any(|meaning| meaning.means.is_empty()));
});
