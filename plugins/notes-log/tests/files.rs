//! The plugin with real files.

use std::fs;
use std::path::PathBuf;

use notes_log::{FOLDER, NotesLog};
use padgate_plugin::ErrorKind;
use padgate_plugin::json::json;
use padgate_plugin::test::{Kit, Touch};

const MANIFEST: &str = include_str!("../plugin.toml");
const PAGE: &str = include_str!("../../../docs/src/plugins/notes-log.md");

/// A kit in whose home folder the folder is there, and that folder.
fn kit() -> (Kit<NotesLog>, PathBuf) {
    let kit = Kit::new();
    let folder = kit.home_folder().join(FOLDER.trim_start_matches("~/"));
    fs::create_dir_all(&folder).expect("the kit's home folder can be written");
    (kit, folder)
}

fn pad() -> Touch {
    Touch::note(36, 64)
}

#[test]
fn each_press_is_a_line_at_the_end_of_the_file() {
    let (mut kit, folder) = kit();
    fs::write(folder.join("set.txt"), "before\n").unwrap();
    let append =
        kit.prepare("append", json!({ "file": "set.txt", "line": "{press}: {note} {velocity}" })).unwrap();
    kit.tap(append, pad()).unwrap();
    kit.press(append, Touch::note(40, 127)).unwrap();
    kit.release(append).unwrap();
    assert_eq!(fs::read_to_string(folder.join("set.txt")).unwrap(), "before\n1: 36 64\n2: 40 127\n");
    // A file that was moved away is made again.
    fs::rename(folder.join("set.txt"), folder.join("old.txt")).unwrap();
    kit.tap(append, pad()).unwrap();
    assert_eq!(fs::read_to_string(folder.join("set.txt")).unwrap(), "3: 36 64\n");
}

#[test]
fn a_line_can_have_the_time() {
    let (mut kit, folder) = kit();
    let parameters = json!({
        "file": format!("{FOLDER}/times"), "line": "{time}|{date}T{clock}|", "utc_offset": "-03:30",
    });
    let append = kit.prepare("append", parameters).unwrap();
    kit.tap(append, pad()).unwrap();
    let line = fs::read_to_string(folder.join("times")).unwrap();
    let (time, rest) = line.split_once('|').unwrap();
    assert_eq!(format!("{time}|\n"), rest.replace('|', "-03:30|"));
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00-00:00");
    assert!(time > "2024", "{time}");
}

#[test]
fn what_can_not_be_written_says_what_to_do() {
    let (mut kit, folder) = kit();
    let missing = kit.prepare("append", json!({ "file": "tour/set.txt", "line": "x" })).unwrap();
    let wrong = kit.tap(missing, pad()).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Unavailable);
    let advice = format!("make it with `mkdir -p {}`", folder.join("tour").display());
    assert!(wrong.text().ends_with(&advice), "{wrong}");

    fs::create_dir(folder.join("tour")).unwrap();
    kit.tap(missing, pad()).unwrap();
    let is_folder = kit.prepare("append", json!({ "file": "tour", "line": "x" })).unwrap();
    let wrong = kit.tap(is_folder, pad()).unwrap_err();
    assert!(wrong.text().ends_with("it is a folder: name a file in it"), "{wrong}");
}

#[test]
fn mistakes_are_found_when_the_configuration_is_loaded() {
    let (mut kit, _folder) = kit();
    for (parameters, said) in [
        (json!({ "file": "", "line": "" }), "\"\" is not the name of a file"),
        (json!({ "file": "a/", "line": "" }), "is not the name of a file"),
        (json!({ "file": "../a", "line": "" }), "has a part \"..\""),
        (json!({ "file": "a/../../b", "line": "" }), "has a part \"..\""),
        (json!({ "file": "a", "line": "b\nc" }), "\"line\": it has a line break"),
        (json!({ "file": "a", "line": "{when}" }), "\"line\": there is no {when}"),
        (json!({ "file": "a", "line": "", "utc_offset": "1" }), "\"utc_offset\": \"1\" is no offset"),
        (json!({ "file": "a" }), "missing field `line`"),
    ] {
        let wrong = kit.prepare("append", parameters.clone()).expect_err(&parameters.to_string());
        assert!(wrong.text().contains(said), "{parameters}: {wrong}");
    }
}

#[test]
fn the_manifest_and_the_page_fit_the_plugin() {
    assert!(Kit::<NotesLog>::new().prepare_page(MANIFEST, PAGE).unwrap().len() >= 2);
    assert!(
        MANIFEST.contains(&format!("write = [\"{FOLDER}\"]")),
        "the manifest asks for the folder of the code"
    );
}
