//! Tests of the configuration: a text, and the mistakes it must give, all through one function.

mod actions;
mod files;
mod plugins;
mod random;
mod triggers;

use std::sync::Arc;

use super::{Controllers, Loaded, Plugins, Source, load};
use crate::ids::Names;
use crate::manifest::Manifest;
use crate::ruleset::{Mapping, Ruleset};

/// One controller file, so that names of controls can be tested.
struct Library;

impl Controllers for Library {
    fn source(&self, name: &str) -> Result<Option<Source>, String> {
        let text = match name {
            "grid" => "name = \"Grid\"\n[controls]\nplay = { note = 10 }\nknob = { cc = 20, channel = 2 }\n",
            "broken" => "[controls]\nplay = { nte = 10 }\n",
            "locked" => return Err("permission denied".to_owned()),
            _ => return Ok(None),
        };
        Ok(Some(Source::new(format!("{name}.toml"), text)))
    }

    fn names(&self) -> Vec<String> {
        vec!["grid".to_owned(), "broken".to_owned(), "locked".to_owned()]
    }
}

/// One plugin, and one whose manifest has mistakes.
struct Shelf;

impl Plugins for Shelf {
    fn manifest(&self, name: &str) -> Option<Arc<Manifest>> {
        let source = Source::new("plugin.toml", plugins::MANIFEST);
        let manifest = crate::manifest::read(&source, "linux-x86_64").0.expect("the manifest is good");
        (name == manifest.name).then(|| Arc::new(manifest))
    }

    fn names(&self) -> Vec<String> {
        vec!["lamp".to_owned(), "broken".to_owned()]
    }
}

fn load_files(files: &[(&str, &str)]) -> Loaded {
    let sources: Vec<Source> = files.iter().map(|(name, text)| Source::new(*name, *text)).collect();
    load(&sources, &mut Names::default(), &Library, &Shelf)
}

/// Loads `text` and compares the mistakes, each as `E003 2:7 part of the message or help`.
#[track_caller]
fn check(text: &str, expected: &[&str]) -> Option<Ruleset> {
    let loaded = load_files(&[("config.toml", text)]);
    compare(&loaded, expected, text);
    loaded.ruleset
}

#[track_caller]
fn compare(loaded: &Loaded, expected: &[&str], text: &str) {
    let shown: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), expected.len(), "\n{text}\ngave\n{}", shown.join("\n"));
    for (diagnostic, expected) in loaded.diagnostics.iter().zip(expected) {
        let mut parts = expected.splitn(3, ' ');
        let (code, place) = (parts.next().unwrap(), parts.next().unwrap());
        let found = format!("{} {}:{}", diagnostic.code.id(), diagnostic.place.line, diagnostic.place.column);
        let words = parts.next().unwrap_or("");
        let fits = found == format!("{code} {place}") && diagnostic.to_string().contains(words);
        assert!(fits, "\n{text}\nexpected {expected}\nfound {found} {diagnostic}");
    }
    let has_errors = loaded.diagnostics.iter().any(super::Diagnostic::is_error);
    assert_eq!(loaded.ruleset.is_none(), has_errors, "a ruleset comes exactly where there is no error");
}

/// What stands before the mappings of [`mapping`] and [`mistakes`]: three lines.
const DEVICES: &str = "\
[device]
pads = { port = \"Pads*\", controller = \"grid\", controls = { wheel = { bend = true }, go = { note = \"C4\" } } }
synth = { out = \"Synth*\" }
";

/// The one mapping of `[[map]]` with these lines, which must be right.
#[track_caller]
fn mapping(lines: &str) -> Mapping {
    let ruleset = check(&format!("{DEVICES}[[map]]\n{lines}"), &[]).expect("there are no errors");
    (*ruleset.mappings[0]).clone()
}

/// The mistakes in `[[map]]` with these lines; the first of them is line 5.
#[track_caller]
fn mistakes(lines: &str, expected: &[&str]) {
    check(&format!("{DEVICES}[[map]]\n{lines}"), expected);
}
