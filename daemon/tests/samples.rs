//! Everything that is shown to users as a configuration is one: the files in `config/`, and each TOML block in
//! the documentation.
//!
//! In documentation, ```` ```toml,fragment ```` marks a block that is only part of a configuration (it must
//! still be TOML), ```` ```toml,must-fail ```` one that shows a mistake (it must have one), and
//! ```` ```toml,other ```` TOML of something else (a plugin's manifest).

use std::path::{Path, PathBuf};

use padgated::config::store::load_text;
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
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let definitions = schema["definitions"].as_object().unwrap();
    let mut references = 0;
    let mut open = vec![&schema];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Object(map) => {
                if let Some(name) = map.get("$ref").and_then(|name| name.as_str()) {
                    references += 1;
                    let name = name.strip_prefix("#/definitions/").unwrap();
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
