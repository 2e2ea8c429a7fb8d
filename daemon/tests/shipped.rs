//! The plugins that are shipped: their manifests are good, and what the book shows of them fits: mappings, and commands
//! that grant.
//!
//! That the plugins themselves take what is shown is tested with each of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use padgate_core::capability::Rights;
use padgate_core::config::{Diagnostic, Plugins, Source, load};
use padgate_core::ids::Names;
use padgate_core::manifest::{Manifest, read};

const PLATFORM: &str = "linux-x86_64";

/// Plugins by name.
#[derive(Default)]
struct Known(BTreeMap<String, Arc<Manifest>>);

impl Plugins for Known {
    fn manifest(&self, name: &str) -> Option<Arc<Manifest>> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

impl Known {
    /// Adds what a manifest says, which must be good.
    fn add(&mut self, name: &str, text: String) -> Arc<Manifest> {
        let (manifest, mistakes) = read(&Source::new(name, text), PLATFORM);
        none(name, &mistakes);
        let manifest = Arc::new(manifest.expect("a manifest without mistakes"));
        self.0.insert(manifest.name.clone(), Arc::clone(&manifest));
        manifest
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("daemon/ is in the workspace").to_path_buf()
}

#[track_caller]
fn none(name: &str, mistakes: &[Diagnostic]) {
    let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{name}:\n  {}\n", shown.join("\n  "));
}

/// The plugins of this repository.
fn shipped() -> Known {
    let mut known = Known::default();
    for entry in fs::read_dir(root().join("plugins")).expect("there are plugins") {
        let folder = entry.expect("they can be listed").path();
        if let Ok(text) = fs::read_to_string(folder.join("plugin.toml")) {
            let name = folder.file_name().expect("a folder has a name").to_string_lossy().into_owned();
            let manifest = known.add(&format!("plugins/{name}/plugin.toml"), text);
            assert_eq!(manifest.name, name, "a plugin's folder has its name");
        }
    }
    assert!(known.0.len() >= 3, "{:?}", known.names());
    known
}

/// The blocks of code in Markdown: mark and text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (line.trim_start().strip_prefix("```"), inside) {
            (Some(mark), false) => blocks.push((mark.to_owned(), String::new())),
            (None, true) => {
                let (_, text) = blocks.last_mut().expect("a block was opened");
                text.extend([line, "\n"]);
            }
            (Some(_), true) | (None, false) => {}
        }
        inside ^= line.trim_start().starts_with("```");
    }
    blocks
}

/// The pages about plugins, by name.
fn pages() -> Vec<(String, String)> {
    let pages = fs::read_dir(root().join("docs/src/plugins")).expect("there are pages about plugins");
    let mut pages: Vec<(String, String)> = pages
        .map(|entry| {
            let path = entry.expect("they can be listed").path();
            let text = fs::read_to_string(&path).expect("a page is text");
            (path.file_name().expect("a page has a name").to_string_lossy().into_owned(), text)
        })
        .collect();
    pages.sort();
    pages
}

/// Those that are shipped, and those whose manifest the page shows whole.
fn known_on(page: &str, name: &str) -> Known {
    let mut known = shipped();
    for (mark, text) in blocks(page) {
        let is_whole =
            text.starts_with("[plugin]") && text.contains("\napi =") && text.contains("[[action]]");
        if matches!(mark.as_str(), "toml,other" | "toml,manifest") && is_whole {
            known.add(&format!("the manifest in {name}"), text);
        }
    }
    known
}

#[test]
fn mappings_in_the_book_fit_the_manifests() {
    let mut count = 0;
    for (name, page) in pages() {
        let known = known_on(&page, &name);
        for (mark, text) in blocks(&page) {
            let uses = text.contains("plugin = \"") && text.contains("[[map]]");
            if matches!(mark.as_str(), "toml" | "toml,fragment") && uses {
                let loaded = load(&[Source::new(name.as_str(), text)], &mut Names::default(), &(), &known);
                none(&name, &loaded.diagnostics);
                count += 1;
            }
        }
    }
    assert!(count >= 6, "only {count} blocks use a plugin");
}

#[test]
fn grants_in_the_book_are_part_of_what_is_requested() {
    let mut count = 0;
    for (name, page) in pages() {
        let known = known_on(&page, &name);
        for (_, text) in blocks(&page) {
            for line in text.lines() {
                let Some(words) = line.trim().strip_prefix("padgate plugin grant ") else { continue };
                let (plugin, scopes) = words.split_once(' ').unwrap_or((words, ""));
                let Some(manifest) = known.0.get(plugin) else { continue };
                for scope in scopes.split_whitespace().filter(|word| !word.starts_with('-')) {
                    let (capability, rights) =
                        Rights::parse_one(scope).unwrap_or_else(|why| panic!("{name}: {line}: {why}"));
                    assert!(manifest.request.has(capability), "{name}: {line}: that is not requested");
                    let within = rights.is_none_or(|rights| rights.is_within(&manifest.request));
                    assert!(within, "{name}: {line}: more than is requested");
                    count += 1;
                }
            }
        }
    }
    assert!(count >= 3, "only {count} scopes are granted");
}
