//! Tests with real files: reading them, keeping the old rules, noticing changes.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use padgate_core::config::Controllers as _;
use tempfile::TempDir;

use super::controllers::ControllerFiles;
use super::files::{self, FILE_BYTES_MAX, FILES_MAX, Failure};
use super::{ConfigStore, ConfigWatcher, Outcome, Paths};

/// Nothing takes this long; a test that waits for it has failed.
const DEADLINE: Duration = Duration::from_secs(10);
const MAPPING: &str = "[[map]]\non = { note = 1 }\ndo = { key = \"a\" }\n";

fn folder() -> (TempDir, Paths) {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::of(folder.path().join("padgate/config.toml"));
    fs::create_dir_all(&paths.further).unwrap();
    (folder, paths)
}

/// The diagnostics, one line each.
fn shown(outcome: &Outcome) -> String {
    outcome.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

#[track_caller]
fn fails_with(paths: &Paths, words: &[&str]) {
    let outcome = ConfigStore::new(paths.clone()).load();
    assert!(outcome.ruleset.is_none());
    let shown = shown(&outcome);
    for word in words {
        assert!(shown.contains(word), "{word:?} is not in: {shown}");
    }
}

#[test]
fn files_are_read_in_the_order_of_their_names() {
    let (_folder, paths) = folder();
    fs::write(&paths.main, format!("\u{feff}{MAPPING}")).unwrap();
    for name in ["20-b.toml", "10-a.toml", ".hidden.toml", "c.toml~", "notes.txt"] {
        fs::write(paths.further.join(name), format!("# {name}\n")).unwrap();
    }
    let read = files::read(&paths);
    let names: Vec<&str> = read.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["config.toml", "conf.d/10-a.toml", "conf.d/20-b.toml"]);
    assert_eq!(read.sources[0].text, MAPPING, "without the byte order mark");
    assert!(read.diagnostics.is_empty());
    assert!(ConfigStore::new(paths).load().ruleset.is_some());
}

#[test]
fn a_missing_file_says_how_to_make_one() {
    let (_folder, paths) = folder();
    fails_with(&paths, &["config.toml: error[E001]: there is no such file", "mkdir -p", "touch"]);
    fs::remove_dir_all(paths.main.parent().unwrap()).unwrap();
    fails_with(&paths, &["there is no such file"]);
}

#[test]
fn a_folder_is_not_a_file() {
    let (_folder, paths) = folder();
    fs::create_dir(&paths.main).unwrap();
    fails_with(&paths, &["E001", "not a file"]);
}

#[test]
fn a_file_in_the_place_of_a_folder() {
    let (_folder, paths) = folder();
    fs::write(&paths.main, MAPPING).unwrap();
    fs::remove_dir(&paths.further).unwrap();
    fs::write(&paths.further, "").unwrap();
    fails_with(&paths, &["conf.d: error[E001]: the folder can't be read"]);
}

#[test]
fn no_permission() {
    let denied = Failure::Io(std::io::ErrorKind::PermissionDenied.into());
    assert!(denied.message().contains("permission denied"));
    assert_eq!(denied.help(Path::new("/x")), "make it readable for you: chmod u+r /x");
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_and_pipes() {
    let (_folder, paths) = folder();
    std::os::unix::fs::symlink(&paths.main, &paths.main).unwrap();
    fails_with(&paths, &["E001", "leads back to itself"]);
    fs::remove_file(&paths.main).unwrap();
    std::os::unix::fs::symlink("nowhere.toml", &paths.main).unwrap();
    fails_with(&paths, &["there is no such file"]);
    fs::remove_file(&paths.main).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &paths.main).unwrap();
    fails_with(&paths, &["not a file"]);
}

#[test]
fn what_is_no_text() {
    let (_folder, paths) = folder();
    fs::write(&paths.main, b"# \xc3\xa4\n# \xc3\xa4\xff\n").unwrap();
    fails_with(&paths, &["config.toml:2:4: error[E001]", "UTF-8: line 2, column 4"]);
}

#[test]
fn a_file_that_is_too_large() {
    let (_folder, paths) = folder();
    // Sparse, so that no disk fills up.
    fs::File::create(&paths.main).unwrap().set_len(FILE_BYTES_MAX + 1).unwrap();
    fails_with(&paths, &["larger than 16 MiB"]);
}

#[test]
fn too_many_files() {
    let (_folder, paths) = folder();
    fs::write(&paths.main, "").unwrap();
    for number in 0..=FILES_MAX {
        fs::write(paths.further.join(format!("{number}.toml")), "").unwrap();
    }
    fails_with(&paths, &["1001 files", "at most 1000"]);
}

#[test]
fn mistakes_of_all_files_are_reported_together() {
    let (_folder, paths) = folder();
    fs::write(&paths.main, "oops = 1\n").unwrap();
    fs::write(
        paths.further.join("a.toml"),
        "[[map]]\non = { device = \"x\", note = 200 }\ndo = { key = \"a\" }\n",
    )
    .unwrap();
    fs::create_dir(paths.further.join("b.toml")).unwrap();
    let outcome = ConfigStore::new(paths).load();
    let codes: Vec<&str> = outcome.diagnostics.iter().map(|d| d.code.id()).collect();
    assert_eq!(codes, ["E001", "E003", "E006"], "the device may stand in the file that can't be read");
    assert_eq!(outcome.counts(), (3, 0));
}

#[test]
fn names_keep_their_numbers() {
    let (_folder, paths) = folder();
    let mut store = ConfigStore::new(paths.clone());
    fs::write(&paths.main, "[device.a]\nport = \"a\"\n[device.b]\nport = \"b\"\n").unwrap();
    let first = store.load().ruleset.unwrap();
    let b = first.names.devices.find("b").unwrap();
    fs::write(&paths.main, "[device.c]\nport = 5\n").unwrap();
    assert!(store.load().ruleset.is_none());
    fs::write(&paths.main, "[device.b]\nport = \"b\"\n").unwrap();
    assert!(store.check().ruleset.is_some());
    let second = store.load().ruleset.unwrap();
    assert_eq!(second.names.devices.find("b"), Some(b));
    assert_eq!(second.names.devices.find("c"), None, "a configuration with errors leaves nothing behind");
}

#[test]
fn the_users_controller_files_win() {
    let (_folder, paths) = folder();
    fs::create_dir(&paths.controllers).unwrap();
    let mine = paths.controllers.join("nanokontrol2.toml");
    fs::write(&mine, "[controls]\nmine = { cc = 1 }\n").unwrap();
    fs::write(paths.controllers.join("own.toml"), "[controls]\nx = { nte = 1 }\n").unwrap();
    let controllers = ControllerFiles { folder: paths.controllers.clone() };
    assert!(controllers.source("nanokontrol2").unwrap().unwrap().text.contains("mine"));
    assert!(controllers.source("apc-mini").unwrap().unwrap().name.contains("built-in"));
    assert_eq!(controllers.source("../config"), Ok(None));
    assert!(controllers.names().contains(&"own".to_owned()));
    fs::write(&paths.main, "[device.a]\nport = \"a\"\ncontroller = \"own\"\n").unwrap();
    let outcome = ConfigStore::new(paths).load();
    let text = outcome.rendered(super::render::Colour::Never);
    assert!(text.contains("controllers/own.toml:2:7") && text.contains("x = { nte = 1 }"), "{text}");
}

/// A watcher whose calls come out of a channel.
fn watch(paths: &Paths) -> (ConfigWatcher, Receiver<()>) {
    let (calls, received) = channel();
    let watcher = ConfigWatcher::start(paths.clone(), move || {
        // The test may be over.
        let _ = calls.send(());
    })
    .unwrap();
    (watcher, received)
}

/// Replaces a file as editors do: a new one is written and takes the old one's name.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

#[test]
fn every_replacement_of_a_file_is_noticed() {
    let (_folder, paths) = folder();
    fs::write(&paths.main, "").unwrap();
    let (_watcher, calls) = watch(&paths);
    for number in 0..3 {
        replace(&paths.main, &format!("# {number}\n"));
        calls.recv_timeout(DEADLINE).expect("each change is called");
    }
    fs::remove_file(&paths.main).unwrap();
    calls.recv_timeout(DEADLINE).expect("so is that there is no file any more");
}

#[test]
fn what_changes_nothing_calls_nobody() {
    let (_folder, paths) = folder();
    fs::write(&paths.main, MAPPING).unwrap();
    let (_watcher, calls) = watch(&paths);
    // The same text, a file that is none of ours, a look at it.
    replace(&paths.main, MAPPING);
    fs::write(paths.further.join("notes.txt"), "x").unwrap();
    let _ = files::read(&paths);
    // A change after those: the one call is for it, and none came before.
    replace(&paths.main, "# changed\n");
    calls.recv_timeout(DEADLINE).unwrap();
    assert!(calls.try_recv().is_err(), "only one call");
}

#[test]
fn a_folder_that_appears_later_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::of(folder.path().join("a/padgate/config.toml"));
    let (_watcher, calls) = watch(&paths);
    fs::create_dir_all(&paths.further).unwrap();
    fs::write(&paths.main, "").unwrap();
    calls.recv_timeout(DEADLINE).unwrap();
    fs::write(paths.further.join("x.toml"), "# x\n").unwrap();
    calls.recv_timeout(DEADLINE).unwrap();
    fs::remove_dir_all(&paths.further).unwrap();
    calls.recv_timeout(DEADLINE).unwrap();
    fs::create_dir(&paths.further).unwrap();
    fs::write(paths.further.join("y.toml"), "# y\n").unwrap();
    calls.recv_timeout(DEADLINE).unwrap();
    fs::create_dir(&paths.controllers).unwrap();
    fs::write(paths.controllers.join("own.toml"), "[controls]\n").unwrap();
    calls.recv_timeout(DEADLINE).unwrap();
}

#[cfg(unix)]
#[test]
fn what_a_link_leads_to_is_watched() {
    let (folder, paths) = folder();
    let dotfiles = folder.path().join("dotfiles");
    fs::create_dir(&dotfiles).unwrap();
    fs::write(dotfiles.join("padgate-configuration"), "").unwrap();
    std::os::unix::fs::symlink("../dotfiles/padgate-configuration", &paths.main).unwrap();
    let (_watcher, calls) = watch(&paths);
    replace(&dotfiles.join("padgate-configuration"), "# new\n");
    calls.recv_timeout(DEADLINE).unwrap();
    replace(&dotfiles.join("padgate-configuration"), "# newer\n");
    calls.recv_timeout(DEADLINE).unwrap();
}

#[test]
fn dropping_the_watcher_ends_its_thread() {
    let (_folder, paths) = folder();
    let (watcher, calls) = watch(&paths);
    drop(watcher);
    assert!(calls.recv().is_err(), "the callback is gone with the thread");
}
