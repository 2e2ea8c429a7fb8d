//! Plugins in C that users see: the one in the book, as it stands there, and the one that is shipped. Each is built with the
//! header alone and run by the host's program.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use padgate_core::config::Source;
use padgate_core::manifest::{self, Manifest};
use padgate_plugin_abi::{PADGATE_INVALID, PADGATE_OK};
use padgate_plugin_host::ask::Ask;
use padgate_plugin_host::assignment::{Assignment, HostLimits, Profile, Unenforced};
use padgate_plugin_host::frame::{Header, Kind};
use support::{GENERATION, Host, two_texts};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The blocks of a page that are marked so.
fn blocks(page: &str, mark: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((info == mark, String::new())),
            (None, None) => {}
            (Some(_), Some(_)) => {
                blocks.extend(open.take().filter(|(wanted, _)| *wanted).map(|(_, text)| text))
            }
            (Some((_, text)), None) => text.extend([line, "\n"]),
        }
    }
    blocks
}

fn read_manifest(text: &str) -> Manifest {
    let (manifest, problems) = manifest::read(&Source::new("plugin.toml", text), "linux-x86_64");
    assert!(problems.is_empty(), "{problems:?}");
    manifest.unwrap()
}

/// Builds a plugin in C with the header alone, as the book says, and without a warning.
fn build(source: &Path, folder: &Path, library: &str) -> PathBuf {
    let library = folder.join(library);
    let output = Command::new("cc")
        .args([
            "-std=c99",
            "-O2",
            "-fPIC",
            "-shared",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-fvisibility=hidden",
            "-I",
        ])
        .args([&root().join("plugins/abi/include"), source])
        .arg("-o")
        .arg(&library)
        .output()
        .expect("the tests need a C compiler, `cc`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

/// A host that runs the library of this manifest, ready.
fn host(manifest: &Manifest, library: PathBuf) -> Host {
    let mut host = Host::blank();
    let assignment = Assignment {
        plugin: manifest.name.clone(),
        version: manifest.version.to_string(),
        library,
        data_folder: host.data_folder().to_owned(),
        home_folder: "/home/somebody".into(),
        profile: Profile::default(),
        policy: Unenforced::Run,
        limits: HostLimits::default(),
        state: Vec::new(),
    };
    host.send(Header::new(Kind::Assign, GENERATION), &assignment.encode(), None);
    host.expect(Kind::Confined);
    let (_, ready) = host.expect(Kind::Ready);
    assert_eq!(two_texts(&ready), (manifest.name.clone(), manifest.version.to_string()));
    host
}

/// Calls what is prepared under a handle, which must send this.
fn sends(host: &mut Host, handle: u32, to: &str, expected: &[u8]) {
    let call = host.begin(handle);
    let question = host.question(|ask| match ask {
        Ask::MidiSend { device, message, at_ns } => assert_eq!((device, message, at_ns), (to, expected, 0)),
        other => panic!("{other:?}"),
    });
    host.answer(question, PADGATE_OK, 0, &[]);
    assert_eq!(host.result(call), (PADGATE_OK, String::new()));
}

#[test]
fn the_plugin_of_the_book_latches_a_pad() {
    let page = std::fs::read_to_string(root().join("docs/src/plugins/c.md")).unwrap();
    let [code] = &blocks(&page, "c")[..] else { panic!("the page has one plugin") };
    let [manifest] = &blocks(&page, "toml,manifest")[..] else { panic!("the page has one manifest") };
    let manifest = read_manifest(manifest);
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("latch.c");
    std::fs::write(&source, code).unwrap();
    let library = build(&source, folder.path(), manifest.binary.as_ref().unwrap());
    let mut host = host(&manifest, library);
    for action in &manifest.actions {
        assert_eq!(host.prepare(1, &action.name, "{}").0, PADGATE_OK, "{}", action.name);
    }
    assert_eq!(host.prepare(2, "other", "{}"), (PADGATE_INVALID, "there is no such action".to_owned()));
    // The value of these calls is 0.5.
    for status in [0x90, 0x80, 0x90] {
        sends(&mut host, 1, "", &[status, 60, 64]);
    }
}

#[test]
fn machine_control_sends_its_messages() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = std::fs::read_to_string(root().join("plugins/mmc/plugin.toml")).unwrap();
    let manifest = read_manifest(&manifest);
    let library = build(&root().join("plugins/mmc/mmc.c"), folder.path(), manifest.binary.as_ref().unwrap());
    let mut host = host(&manifest, library);
    for (handle, action, parameters, to, message) in [
        (
            0,
            "transport",
            r#"{"command":"play","to":"","id":127}"#,
            "",
            &[0xF0, 0x7F, 0x7F, 0x06, 0x02, 0xF7][..],
        ),
        (
            7,
            "transport",
            r#"{ "command" : "record-exit", "to" : "Ardour \"è\" \u0041\\", "id" : 3 }"#,
            "Ardour \"è\" A\\",
            &[0xF0, 0x7F, 0x03, 0x06, 0x07, 0xF7],
        ),
        (
            2,
            "locate",
            r#"{"time":"01:02:03:29","to":"daw","id":127}"#,
            "daw",
            &[0xF0, 0x7F, 0x7F, 0x06, 0x44, 0x06, 0x01, 0x61, 0x02, 0x03, 0x1D, 0x00, 0xF7],
        ),
    ] {
        assert_eq!(host.prepare(handle, action, parameters), (PADGATE_OK, String::new()));
        sends(&mut host, handle, to, message);
    }
    // Every command of the manifest is one of the plugin's.
    let transport = manifest.action("transport").unwrap();
    let command = transport.parameters.iter().find(|parameter| parameter.name == "command").unwrap();
    let manifest::ParameterKind::Text { choices } = &command.kind else { panic!("{command:?}") };
    for choice in choices {
        let parameters = format!(r#"{{"command":"{choice}","to":"","id":127}}"#);
        assert_eq!(host.prepare(3, "transport", &parameters), (PADGATE_OK, String::new()), "{choice}");
    }
}

#[test]
fn machine_control_says_what_is_wrong_with_its_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = std::fs::read_to_string(root().join("plugins/mmc/plugin.toml")).unwrap();
    let manifest = read_manifest(&manifest);
    let library = build(&root().join("plugins/mmc/mmc.c"), folder.path(), manifest.binary.as_ref().unwrap());
    let mut host = host(&manifest, library);
    let long = format!(r#"{{"command":"play","to":"{}"}}"#, "x".repeat(5000));
    for (action, parameters, says) in [
        ("transport", r#"{"command":"fly"}"#, "there is no command \"fly\""),
        ("locate", r#"{"time":"1:2:3"}"#, "is no time"),
        ("locate", r#"{"time":"24:00:00:00"}"#, "is no time"),
        ("locate", r#"{"time":"00:00:00:00x"}"#, "is no time"),
        ("transport", r#"{"command":"play","id":128}"#, "0 to 127"),
        ("transport", r#"{"command":["play"]}"#, "no flat table"),
        ("transport", r#"{"command":"play""#, "no flat table"),
        ("transport", r#"{"command":"\u12"#, "no flat table"),
        ("transport", "", "no flat table"),
        ("transport", &long, "no flat table"),
        ("other", "{}", "no such action"),
    ] {
        let (status, why) = host.prepare(1, action, parameters);
        assert_eq!(status, PADGATE_INVALID, "{parameters}: {why}");
        assert!(why.contains(says), "{parameters}: {why}");
    }
    let call = host.begin(1);
    assert_eq!(host.result(call), (PADGATE_INVALID, "nothing was prepared for this call".to_owned()));
}
