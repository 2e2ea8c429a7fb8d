//! The house rules as tests: who may use whom, how long a file is, where `unsafe` is allowed, and what the engine
//! may not know. A rule that reviewers would have to repeat is written down here instead.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The longest source file, in lines.
const FILE_LINES_MAX: usize = 400;

/// Which of the workspace's crates each may use, development and build dependencies included. A new crate
/// needs a line here, and nothing may use the tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("padgate-core", &[]),
    ("padgate-ipc", &[]),
    ("padgated", &["padgate-core", "padgate-ipc", "padgate-plugin-abi", "padgate-plugin-host"]),
    ("padgate", &["padgate-ipc"]),
    ("padgate-plugin-abi", &[]),
    ("padgate-plugin-host", &["padgate-core", "padgate-plugin-abi"]),
    ("padgate-plugin", &["padgate-plugin-abi"]),
    ("http-request", &["padgate-plugin"]),
    ("midi-tools", &["padgate-plugin"]),
    ("notes-log", &["padgate-plugin"]),
    ("obs", &["padgate-plugin"]),
    ("osc", &["padgate-plugin"]),
    ("run-script", &["padgate-plugin"]),
    ("padgate-tests", &["padgate-core", "padgate-ipc", "padgate-plugin", "padgate-plugin-host", "padgated"]),
];

/// What the daemon writes for itself alone, and reads again: no wire, though it is JSON.
const OWN_FILES: &[&str] = &["daemon/src/plugins/supervisor/statistics.rs"];

/// Folders in which `unsafe` may stand.
const UNSAFE_ALLOWED: &[&str] = &["plugins/abi/", "plugins/sdk/", "plugins/host/"];

/// All that the engine may use from outside the workspace: nothing that does input or output.
const CORE_DEPENDENCIES: &[&str] = &["arrayvec", "semver", "serde_json", "strsim", "thiserror", "toml"];

/// What would make the engine depend on something else than its inputs.
const CORE_FORBIDDEN: &[&str] = &[
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "std::fs",
    "std::env",
    "std::thread",
    "std::net",
    "std::process",
    "std::io",
    "Instant",
    "SystemTime",
];

/// Where a press passes on its way from the driver to the hand-off, and where nothing may therefore sleep.
const ON_THE_WAY: &[&str] =
    &["core/src/engine/", "daemon/src/pipeline/", "daemon/src/midi/", "daemon/src/history.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace").to_path_buf()
}

/// All files of the project with one of these endings: their paths from the top, and their text.
fn sources(endings: &[&str]) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        let entries =
            std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("a folder can be listed").path();
            let name = path.file_name().expect("entries have names").to_string_lossy().into_owned();
            let built = matches!(name.as_str(), "target" | ".git" | "book" | "corpus" | "artifacts");
            if path.is_dir() && !built {
                walk(&path, found);
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    let root = root();
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    let mut sources = Vec::new();
    for path in found {
        let name = path.strip_prefix(&root).expect("it was found below").to_string_lossy().into_owned();
        if endings.iter().any(|ending| name.ends_with(ending)) {
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            sources.push((name, text));
        }
    }
    assert!(!sources.is_empty(), "no files with {endings:?} found");
    sources
}

/// Rust files without this one, which names what it forbids.
fn rust() -> Vec<(String, String)> {
    sources(&[".rs"]).into_iter().filter(|(name, _)| name != "tests/tidy.rs").collect()
}

/// The part of a line that is code: what stands before `//`, unless that is inside a string (as in a URL).
fn code(line: &str) -> &str {
    match line.find("//") {
        Some(at) if line[..at].matches('"').count().is_multiple_of(2) => &line[..at],
        _ => line,
    }
}

fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(part_of_word) && !line[at + word.len()..].starts_with(part_of_word)
    })
}

/// Fails with all the offences at once.
fn none(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}:\n  {}\n", offences.join("\n  "));
}

/// Lines of code in which `offends` finds something, as `file:line: text`.
fn lines(sources: &[(String, String)], offends: impl Fn(&str) -> bool) -> Vec<String> {
    let mut offences = Vec::new();
    for (name, text) in sources {
        for (index, line) in text.lines().enumerate() {
            if offends(line) {
                offences.push(format!("{name}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    offences
}

#[test]
fn crates_use_only_what_the_design_lets_them() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs, since it runs this test");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    let names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut offences = Vec::new();
    for package in packages {
        let name = package["name"].as_str().expect("packages have names");
        let Some(may_use) = allowed.get(name) else {
            offences.push(format!("{name} is not in the table of arrows"));
            continue;
        };
        for dependency in package["dependencies"].as_array().expect("a list") {
            let dependency = dependency["name"].as_str().expect("dependencies have names");
            if names.contains(&dependency) && !may_use.contains(&dependency) && dependency != name {
                offences.push(format!("{name} must not use {dependency}"));
            }
        }
    }
    none("dependency arrows", &offences);
}

#[test]
fn core_uses_nothing_that_does_input_or_output() {
    let text = std::fs::read_to_string(root().join("core/Cargo.toml")).expect("core has a manifest");
    let manifest: toml::Table = text.parse().expect("it is TOML");
    let dependencies = manifest["dependencies"].as_table().expect("a table");
    let offences: Vec<String> = dependencies
        .keys()
        .filter(|name| !CORE_DEPENDENCIES.contains(&name.as_str()))
        .cloned()
        .chain(manifest.contains_key("target").then(|| "something for one platform".to_owned()))
        .collect();
    none("core must not use", &offences);
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    let silent: Vec<String> = sources(&["Cargo.toml"])
        .into_iter()
        .filter(|(name, text)| {
            let own = name == "Cargo.toml" || name.starts_with("tests/fuzz/");
            !own && !text.contains("[lints]\nworkspace = true")
        })
        .map(|(name, _)| name)
        .collect();
    none("`[lints] workspace = true`", &silent);
}

#[test]
fn types_on_the_wire_live_in_the_protocol() {
    let elsewhere: Vec<(String, String)> = rust()
        .into_iter()
        .filter(|(name, _)| name.starts_with("core/src/") || name.starts_with("daemon/src/"))
        .filter(|(name, _)| !OWN_FILES.contains(&name.as_str()))
        .collect();
    let offends = |line: &str| {
        code(line).contains("derive(") && (has_word(line, "Serialize") || has_word(line, "Deserialize"))
    };
    none("make it a type of gui-ipc, and convert in daemon/src/ipc/convert/", &lines(&elsewhere, offends));
}

#[test]
fn every_queue_has_a_bound() {
    let offends = |line: &str| {
        let line = code(line);
        ["unbounded_channel", "mpsc::channel()", " channel()", " channel::<"]
            .iter()
            .any(|what| line.contains(what))
            && !line.contains("oneshot")
    };
    let ours: Vec<(String, String)> = rust()
        .into_iter()
        .filter(|(name, _)| name.contains("/src/") && !name.starts_with("tests/"))
        .map(|(name, text)| (name, text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()))
        .filter(|(name, _)| !name.contains("tests") && !name.ends_with("_fake.rs"))
        .collect();
    none("name a bound, and write down what happens when it is reached", &lines(&ours, offends));
}

#[test]
fn nothing_sleeps_on_the_way_of_a_press() {
    let ours: Vec<(String, String)> = rust()
        .into_iter()
        .filter(|(name, _)| ON_THE_WAY.iter().any(|place| name.starts_with(place)))
        .collect();
    assert!(ours.len() > ON_THE_WAY.len());
    none("no sleep on the way of a press", &lines(&ours, |line| has_word(code(line), "sleep")));
}

#[test]
fn files_are_short() {
    let long: Vec<String> = sources(&[".rs"])
        .iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    none(&format!("files of at most {FILE_LINES_MAX} lines; split by idea"), &long);
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = sources(&[".rs"])
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(name, _)| name)
        .collect();
    none("every source file opens with `//!`, what it is and why it is here", &silent);
}

#[test]
fn unsafe_stays_where_it_is_allowed() {
    let elsewhere: Vec<(String, String)> = rust()
        .into_iter()
        .filter(|(name, _)| !UNSAFE_ALLOWED.iter().any(|folder| name.starts_with(folder)))
        .collect();
    none("no `unsafe` here", &lines(&elsewhere, |line| has_word(code(line), "unsafe")));
}

#[test]
fn the_engine_knows_no_clock_and_no_files() {
    let core: Vec<(String, String)> =
        rust().into_iter().filter(|(name, _)| name.starts_with("core/src/")).collect();
    assert!(!core.is_empty());
    let offences = lines(&core, |line| {
        // Several imports at once would hide what they are.
        CORE_FORBIDDEN.iter().any(|word| has_word(code(line), word)) || code(line).contains("use std::{")
    });
    none("core reads no clock, file, socket, thread or environment: pass it in", &offences);
}

#[test]
fn nothing_is_left_unfinished() {
    let words = ["TODO", "FIXME", "XXX", "todo!", "unimplemented!"];
    let mut files = rust();
    files.extend(sources(&[".toml", ".md", ".yml"]));
    none("finish it, or leave it out", &lines(&files, |line| words.iter().any(|word| has_word(line, word))));
}

#[test]
fn no_test_is_ignored_and_none_sleeps() {
    none("no ignored tests", &lines(&rust(), |line| line.trim_start().starts_with("#[ignore")));
    let tests: Vec<(String, String)> = rust()
        .into_iter()
        .filter(|(name, _)| {
            name.starts_with("tests/") || name.starts_with("core/") || name.contains("/tests/")
        })
        .collect();
    let offences =
        lines(&tests, |line| code(line).contains("thread::sleep") || code(line).contains("time::sleep"));
    none("wait for an event with a deadline; don't sleep", &offences);
}

#[test]
fn nothing_is_imported_by_the_glob() {
    // `use super::*` in a test module is idiomatic elsewhere; here names say where they come from.
    let offences = lines(&rust(), |line| {
        let line = line.trim_start();
        (line.starts_with("use ") || line.starts_with("pub use "))
            && line.contains("::*")
            && !line.contains("prelude")
    });
    none("no glob imports, except of preludes", &offences);
}

#[test]
fn the_changelog_has_a_place_for_what_is_new() {
    let text = std::fs::read_to_string(root().join("CHANGELOG.md")).expect("there is a CHANGELOG.md");
    assert!(text.lines().any(|line| line == "## [Unreleased]"), "CHANGELOG.md has no `## [Unreleased]`");
}

#[test]
fn shell_scripts_parse() {
    let scripts: Vec<(String, String)> = sources(&["run", "setup", "prepare", "usb-midi", "test", ".sh"])
        .into_iter()
        .filter(|(_, text)| text.starts_with("#!/usr/bin/env bash") || text.starts_with("#!/bin/bash"))
        .collect();
    assert!(
        scripts.iter().any(|(name, _)| name == ".ci/run"),
        "{:?}",
        scripts.iter().map(|s| &s.0).collect::<Vec<_>>()
    );
    let mut offences = Vec::new();
    for (name, text) in &scripts {
        if !text.contains("set -euo pipefail") {
            offences.push(format!("{name}: no `set -euo pipefail`"));
        }
        let output = Command::new("bash").arg("-n").arg(root().join(name)).output().expect("bash runs");
        if !output.status.success() {
            offences.push(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    none("shell scripts", &offences);
}

#[test]
fn plugin_code_never_runs_in_the_daemon() {
    let manifest = |path: &str| std::fs::read_to_string(root().join(path)).expect("the crate has a manifest");
    let loads: Vec<String> =
        ["core/Cargo.toml", "daemon/Cargo.toml", "gui-ipc/Cargo.toml", "gui-ipc/cli/Cargo.toml"]
            .iter()
            .filter(|path| manifest(path).contains("libloading"))
            .map(|path| (*path).to_owned())
            .collect();
    none("only the host loads libraries", &loads);
    let ours: Vec<(String, String)> =
        rust().into_iter().filter(|(name, _)| !name.starts_with("plugins/host/")).collect();
    none(
        "only the host loads libraries",
        &lines(&ours, |line| ["dlopen", "libloading"].iter().any(|word| has_word(code(line), word))),
    );
}

#[test]
fn only_the_gate_makes_permits() {
    let ours: Vec<(String, String)> = rust()
        .into_iter()
        .filter(|(name, _)| name.starts_with("daemon/src/") && !name.starts_with("daemon/src/plugins/gate/"))
        .collect();
    let offends = |line: &str| {
        let line = code(line);
        // Taking one apart is no making, and is not possible either: its fields are private.
        line.contains("Permit {")
            && !line.contains("struct")
            && !line.contains("impl")
            && !line.contains("->")
    };
    none("a permit comes from the gate", &lines(&ours, offends));
}

#[test]
fn matches_over_capabilities_name_all_of_them() {
    let mut offences = Vec::new();
    for (name, text) in rust().into_iter().filter(|(name, _)| !name.starts_with("tests/")) {
        let code: Vec<&str> = text.lines().map(code).collect();
        for (start, line) in code.iter().enumerate() {
            let begins = line.contains("match ") && line.trim_end().ends_with('{');
            if !begins {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            let arms = || {
                code[start + 1..].iter().take_while(|line| {
                    line.trim().is_empty() || line.len() - line.trim_start().len() > indent
                })
            };
            let own = |line: &&&str| line.len() - line.trim_start().len() == indent + 4;
            let over_capabilities =
                arms().filter(own).any(|line| line.trim_start().starts_with("Capability::"));
            let wildcard = arms().filter(own).any(|line| line.trim_start().starts_with("_ =>"));
            if over_capabilities && wildcard {
                offences.push(format!("{name}:{}", start + 1));
            }
        }
    }
    none("a match over capabilities names all six, so that a seventh can't be forgotten", &offences);
}
