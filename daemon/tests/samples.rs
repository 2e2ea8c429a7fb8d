//! Everything that is shown to users as a configuration is one: the files in `config/`, and each TOML block in
//! the documentation. Calls of plugins are checked against the manifests of the plugins that Padgate comes with, and
//! these are checked as well.
//!
//! In documentation, ```` ```toml,fragment ```` marks a block that is only part of a configuration (it must
//! still be TOML), ```` ```toml,must-fail ```` one that shows a mistake (it must have one),
//! ```` ```toml,manifest ```` a plugin's manifest, and ```` ```toml,other ```` TOML of something else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use padgate_core::config::{Plugins, Source, load};
use padgate_core::ids::Names;
use padgate_core::manifest::{self, Manifest};
use padgated::config::controllers::ControllerFiles;
use padgated::config::store::Outcome;
use padgated::config::{controllers, paths, render, schema};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the crate lies in the repository")
}

/// All files below `folder` whose names end so, in order.
fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.expect("the folder is not changed meanwhile").path();
        if path.is_dir() {
            found.extend(files_below(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The platform that manifests are read for.
const PLATFORM: &str = "linux-x86_64";

/// The plugins that Padgate comes with.
struct Shipped(BTreeMap<String, Arc<Manifest>>);

impl Shipped {
    fn get() -> &'static Shipped {
        static SHIPPED: OnceLock<Shipped> = OnceLock::new();
        SHIPPED.get_or_init(|| {
            let read = |path: PathBuf| {
                let folder = path.parent().and_then(Path::file_name).expect("a manifest lies in a folder");
                let folder = folder.to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&path).expect("a manifest is text");
                (folder, Arc::new(good_manifest(&path.display().to_string(), &text)))
            };
            Shipped(files_below(&root().join("plugins"), "/plugin.toml").into_iter().map(read).collect())
        })
    }
}

impl Plugins for Shipped {
    fn manifest(&self, name: &str) -> Option<Arc<Manifest>> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// The manifest that a text is. Fails with its mistakes, if there are any.
#[track_caller]
fn good_manifest(name: &str, text: &str) -> Manifest {
    let (manifest, problems) = manifest::read(&Source::new(name, text), PLATFORM);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    manifest.expect("a manifest without mistakes")
}

fn load_text(name: &str, text: &str) -> Outcome {
    let sources = vec![Source::new(name, text)];
    let controllers = ControllerFiles { folder: PathBuf::new() };
    let loaded = load(&sources, &mut Names::default(), &controllers, Shipped::get());
    Outcome { ruleset: loaded.ruleset, diagnostics: loaded.diagnostics, sources }
}

/// Fails with the mistakes as a user would see them, if there are any.
#[track_caller]
fn must_be_good(name: &str, text: &str) {
    let outcome = load_text(name, text);
    assert!(outcome.diagnostics.is_empty(), "\n{}", outcome.rendered(render::Colour::Never));
}

#[test]
fn every_file_in_config_is_good() {
    let folder = root().join("config");
    let mut count = 0;
    for path in files_below(&folder, ".toml") {
        if path.starts_with(folder.join("controllers")) {
            continue;
        }
        must_be_good(&path.display().to_string(), &std::fs::read_to_string(&path).unwrap());
        count += 1;
    }
    assert!(count >= 8, "the starting point and the examples are there: {count}");
}

#[test]
fn every_shipped_plugin_has_a_good_manifest_that_says_what_its_users_want_to_know() {
    let shipped = &Shipped::get().0;
    for (folder, manifest) in shipped {
        assert_eq!(*folder, manifest.name, "the folder has the plugin's name");
        let Manifest { version, author, license, homepage, .. } = manifest.as_ref();
        assert_eq!(version.to_string(), env!("CARGO_PKG_VERSION"), "{folder}");
        let said = [&manifest.description, author, license, homepage];
        assert!(said.into_iter().all(|text| !text.is_empty()), "{folder}: {said:?}");
        assert!(manifest.platforms.iter().any(|platform| platform == PLATFORM), "{folder}");
        for action in &manifest.actions {
            assert!(!action.description.is_empty(), "{folder}: {}", action.name);
            for parameter in &action.parameters {
                assert!(!parameter.description.is_empty(), "{folder}: {} {}", action.name, parameter.name);
            }
        }
        let page = root().join(format!("docs/src/plugins/{folder}.md"));
        let page =
            std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        for action in &manifest.actions {
            for name in action.parameters.iter().map(|parameter| &parameter.name).chain([&action.name]) {
                assert!(page.contains(&format!("`{name}`")), "{folder}'s page does not tell of `{name}`");
            }
        }
        for capability in manifest.request.capabilities() {
            assert!(
                page.contains(&format!("`{capability}`")),
                "{folder}'s page does not tell of {capability}"
            );
        }
    }
    assert!(shipped.len() >= 4, "{:?}", shipped.keys());
}

#[test]
fn the_starting_point_does_nothing() {
    let outcome = load_text("default.toml", paths::DEFAULT_CONFIGURATION);
    assert!(outcome.ruleset.unwrap().mappings.is_empty());
}

/// Users take the comment marks away; what is below them must be right too.
#[test]
fn the_starting_point_is_good_when_it_is_taken_up() {
    let is_toml = |line: &str| {
        line.starts_with('[')
            || line
                .split_once(" = ")
                .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let lines: Vec<&str> = paths::DEFAULT_CONFIGURATION
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| is_toml(rest)).unwrap_or(line))
        .collect();
    let text = lines.join("\n");
    must_be_good("default.toml", &text);
    assert_eq!(load_text("default.toml", &text).ruleset.unwrap().mappings.len(), 3);
}

#[test]
fn every_controller_file_is_built_in_and_good() {
    let folder = root().join("config/controllers");
    let mut names: Vec<String> = Vec::new();
    for path in files_below(&folder, ".toml") {
        names.push(path.file_stem().unwrap().to_string_lossy().into_owned());
    }
    let built_in: Vec<&str> = controllers::BUILT_IN.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, built_in);
    for name in built_in {
        must_be_good(name, &format!("[device.x]\nport = \"x\"\ncontroller = \"{name}\"\n"));
    }
}

#[test]
fn every_block_in_the_documentation_is_good() {
    let mut files = files_below(&root().join("docs"), ".md");
    files.extend(["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    for path in files {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for block in blocks(&text) {
            let name = format!("{}, the block on line {}", path.display(), block.line);
            check_block(&name, &block);
        }
    }
}

#[track_caller]
fn check_block(name: &str, block: &Block) {
    match block.mark.as_str() {
        "" => must_be_good(name, &block.text),
        "must-fail" => {
            let outcome = load_text(name, &block.text);
            assert!(!outcome.diagnostics.is_empty(), "{name} should show a mistake");
        }
        "manifest" => _ = good_manifest(name, &block.text),
        "fragment" | "other" => {
            let parsed = block.text.parse::<toml::Table>();
            assert!(parsed.is_ok(), "{name}: {parsed:?}");
        }
        other => panic!("{name} has an unknown mark {other:?}"),
    }
}

struct Block {
    line: usize,
    mark: String,
    text: String,
}

/// The TOML blocks of a Markdown text, also indented ones (in lists).
fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    for (number, line) in text.lines().enumerate() {
        let bare = line.trim_start();
        match &mut open {
            None => {
                if let Some(info) = bare.strip_prefix("```toml") {
                    let mark = info.trim_start_matches(',').trim().to_owned();
                    open = Some((
                        line.len() - bare.len(),
                        Block { line: number + 1, mark, text: String::new() },
                    ));
                }
            }
            Some(_) if bare.starts_with("```") => found.extend(open.take().map(|(_, block)| block)),
            Some((indent, block)) => {
                let cut = line.len().min(*indent).min(line.len() - bare.len());
                block.text.push_str(&line[cut..]);
                block.text.push('\n');
            }
        }
    }
    found
}

#[test]
fn blocks_are_found_with_their_marks() {
    let text = "x\n```toml\na = 1\n```\n- y\n\n  ```toml,must-fail\n  b = 2\n\n  ```\n```sh\nls\n```\n";
    let found: Vec<(usize, String, String)> =
        blocks(text).into_iter().map(|block| (block.line, block.mark, block.text)).collect();
    assert_eq!(
        found,
        [(2, String::new(), "a = 1\n".to_owned()), (7, "must-fail".to_owned(), "b = 2\n\n".to_owned()),]
    );
}

/// With `PADGATE_UPDATE=1` in the environment, the files are written instead.
#[test]
fn the_schemas_in_the_repository_are_up_to_date() {
    for (name, schema) in
        [("padgate.schema.json", schema()), ("plugin.schema.json", padgated::config::plugin_schema())]
    {
        let path = root().join("config").join(name);
        if std::env::var_os("PADGATE_UPDATE").is_some_and(|value| value == "1") {
            std::fs::write(&path, &schema).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == schema,
            "config/{name} is out of date; run PADGATE_UPDATE=1 cargo test -p padgated --test samples"
        );
    }
}

#[test]
fn the_schemas_refer_only_to_what_they_define() {
    refers_only_to_what_it_defines(&schema(), 10);
    refers_only_to_what_it_defines(&padgated::config::plugin_schema(), 5);
}

#[track_caller]
fn refers_only_to_what_it_defines(schema: &str, references_min: usize) {
    let schema: serde_json::Value = serde_json::from_str(schema).expect("a schema is JSON");
    let definitions = schema["definitions"].as_object().expect("a schema has definitions");
    let mut references = 0;
    let mut open = vec![&schema];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Object(map) => {
                if let Some(name) = map.get("$ref").and_then(|name| name.as_str()) {
                    references += 1;
                    let name = name.strip_prefix("#/definitions/").expect("it refers to a definition");
                    assert!(definitions.contains_key(name), "{name}");
                }
                open.extend(map.values());
            }
            serde_json::Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(references > references_min && definitions.values().all(serde_json::Value::is_object));
}
