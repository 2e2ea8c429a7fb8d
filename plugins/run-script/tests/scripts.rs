//! The plugin with real scripts, which are really run.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use padgate_plugin::json::json;
use padgate_plugin::test::{Asked, Kit, Service, Touch, run_really};
use padgate_plugin::{Command, ErrorKind, Level};
use run_script::{FOLDER, RunScript};

const MANIFEST: &str = include_str!("../plugin.toml");
const PAGE: &str = include_str!("../../../docs/src/plugins/run-script.md");

/// A kit in whose home folder there are these scripts.
fn kit(scripts: &[(&str, &str)]) -> Kit<RunScript> {
    let mut kit = Kit::new();
    let folder = folder(&kit);
    fs::create_dir_all(&folder).expect("the kit's home folder can be written");
    for (name, script) in scripts {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("the kit's home folder can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .expect("the kit's home folder can be written");
    }
    kit.answer_run(|command| {
        // By the shell: while a test has a script open for writing, what another test forks holds it open as well, and it
        // could not be executed ("text file busy").
        let by_shell = Command::new("/bin/sh").arg(command.program.as_str()).args(command.arguments.clone());
        run_really(&by_shell.input(command.input.clone()).timeout(command.timeout))
    });
    kit
}

fn folder(kit: &Kit<RunScript>) -> PathBuf {
    kit.home_folder().join(FOLDER.trim_start_matches("~/"))
}

fn pad() -> Touch {
    Touch::note(36, 64)
}

fn log(asked: Vec<Asked>) -> Vec<(Level, String)> {
    let line = |asked| if let Asked::Log { level, text } = asked { Some((level, text)) } else { None };
    asked.into_iter().filter_map(line).collect()
}

#[test]
fn a_script_gets_the_values_of_the_press_and_what_it_writes_is_logged() {
    let mut kit = kit(&[("light.sh", "echo \"$# $1 $2 $(cat)\"; echo done")]);
    let parameters = json!({
        "program": "light.sh", "args": ["{note}", "a b; $HOME '{velocity}'"], "input": "at {value}", "timeout": "4s",
    });
    let run = kit.prepare("run", parameters).unwrap();
    kit.tap(run, pad()).unwrap();
    let expected = "light.sh: 2 36 a b; $HOME '64' at 0.5039";
    let line = |text: &str| (Level::Info, text.to_owned());
    assert_eq!(log(kit.asked()), [line(expected), line("light.sh: done")]);
}

#[test]
fn a_failure_is_what_the_mapping_says() {
    let mut kit = kit(&[("bad", "echo first; echo 'no lamp' >&2; exit 7"), ("mute", "exit 1")]);
    let prepare = |kit: &mut Kit<RunScript>, program: &str, on_failure: &str| {
        let parameters = json!({ "program": program, "on_failure": on_failure, "timeout": "4s" });
        kit.prepare("run", parameters).unwrap()
    };
    let fails = prepare(&mut kit, "bad", "fail");
    assert_eq!(kit.tap(fails, pad()).unwrap_err().text(), "bad ended with 7: no lamp");
    let mute = prepare(&mut kit, "mute", "fail");
    assert_eq!(kit.tap(mute, pad()).unwrap_err().text(), "mute ended with 1");
    drop(kit.asked());
    let logs = prepare(&mut kit, "bad", "log");
    kit.tap(logs, pad()).unwrap();
    let wrote = ["bad: first", "bad: no lamp"].map(|text| (Level::Info, text.to_owned()));
    let ended = (Level::Warn, "bad ended with 7: no lamp".to_owned());
    assert_eq!(log(kit.asked()), [&wrote[..], &[ended]].concat());
    let ignores = prepare(&mut kit, "bad", "ignore");
    kit.tap(ignores, pad()).unwrap();
    assert_eq!(log(kit.asked()), []);
}

#[test]
fn one_that_takes_too_long_is_a_timeout_whatever_failures_mean() {
    let mut kit = kit(&[("slow", "exec tail -f /dev/null")]);
    let parameters = json!({ "program": "slow", "timeout": "20ms", "on_failure": "ignore" });
    let slow = kit.prepare("run", parameters).unwrap();
    let wrong = kit.tap(slow, pad()).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Timeout);
    assert!(wrong.text().starts_with("slow: "), "{wrong}");
}

#[test]
fn one_that_is_not_waited_for_is_only_started_and_a_release_starts_nothing() {
    let mut kit = kit(&[("show", "exit 1")]);
    let parameters = json!({ "program": format!("{FOLDER}/show"), "wait": false });
    let show = kit.prepare("run", parameters).unwrap();
    kit.press(show, pad()).unwrap();
    kit.release(show).unwrap();
    let path = folder(&kit).join("show").to_str().unwrap().to_owned();
    assert_eq!(kit.asked(), [Asked::Start(Command::new(path).timeout(Duration::ZERO))]);
}

#[test]
fn only_files_of_the_folder_can_be_named() {
    let mut kit = kit(&[]);
    for program in ["", ".", "..", "../x", "a/b", "/bin/sh", "~/x", "~/.config/padgate/scripts/", "a\0b"] {
        let wrong = kit.prepare("run", json!({ "program": program })).expect_err(program);
        assert!(wrong.text().contains("is not the name of a file in ~/.config/padgate/scripts"), "{wrong}");
    }
    for (parameters, said) in [
        (json!({ "program": "x", "timeout": "1m" }), "\"timeout\": it must be more than 0 and at most 4.5s"),
        (json!({ "program": "x", "args": ["{x}"] }), "\"args\": there is no {x}"),
        (json!({ "program": "x", "on_failure": "panic" }), "\"on_failure\": unknown variant `panic`"),
        (json!({ "programs": "x" }), "unknown field `programs`"),
    ] {
        let wrong = kit.prepare("run", parameters).unwrap_err();
        assert!(wrong.text().contains(said), "{wrong}");
    }
}

#[test]
fn a_refusal_says_which_script_it_was() {
    let mut kit = kit(&[("light.sh", "exit 0")]);
    kit.refuse(Service::Process);
    let run = kit.prepare("run", json!({ "program": "light.sh" })).unwrap();
    let wrong = kit.tap(run, pad()).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Refused);
    assert!(wrong.text().starts_with("light.sh: "), "{wrong}");
}

#[test]
fn the_manifest_and_the_page_fit_the_plugin() {
    assert!(Kit::<RunScript>::new().prepare_page(MANIFEST, PAGE).unwrap().len() >= 2);
    assert!(MANIFEST.contains(&format!("[\"{FOLDER}/*\"]")), "the manifest asks for the folder of the code");
}
