//! Programs that actions start: what they get, and that nothing of them is left over.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use padgate_core::engine::Effect;
use padgate_core::ruleset::Settings;
use padgate_core::ruleset::action::Launch;
use padgated::actions::Places;
use padgated::outcome::Outcome;
use support::{Rig, eventually};

fn run(arguments: &[&str], folder: Option<&Path>) -> Effect {
    Effect::Run(Arc::new(Launch {
        program: arguments[0].to_owned(),
        arguments: arguments[1..].iter().map(|&argument| argument.to_owned()).collect(),
        folder: folder.map(|folder| folder.to_str().unwrap().to_owned()),
        environment: vec![("PADGATE_TEST".to_owned(), "a b".to_owned())],
    }))
}

/// What a program has written, once it has written a whole line.
fn written(path: &Path) -> String {
    eventually("the program's output", || fs::read_to_string(path).ok().filter(|text| text.ends_with('\n')))
}

#[test]
fn a_program_gets_its_arguments_folder_and_environment_and_leaves_no_zombie() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(Places::default());
    let script = "echo \"$1|$PADGATE_TEST|$PWD|$$\" > out";
    rig.done(run(&["sh", "-c", script, "name", "two words; $HOME"], Some(folder.path())));
    let text = written(&folder.path().join("out"));
    let fields: Vec<&str> = text.trim_end().split('|').collect();
    let place = fs::canonicalize(folder.path()).unwrap();
    assert_eq!(fields[..3], ["two words; $HOME", "a b", place.to_str().unwrap()]);
    let process = Path::new("/proc").join(fields[3]);
    eventually("the end of the program", || (!process.exists()).then_some(()));
}

#[test]
fn a_program_has_its_own_process_group() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(Places::default());
    rig.done(run(&["sh", "-c", "echo $$ $(cut -d' ' -f5 /proc/$$/stat) > out"], Some(folder.path())));
    let text = written(&folder.path().join("out"));
    let (process, group) = text.trim_end().split_once(' ').unwrap();
    assert_eq!(process, group);
}

#[test]
fn what_does_not_exist_is_said_at_once() {
    let rig = Rig::new(Places::default());
    let Outcome::Failed(why) = rig.run(run(&["padgate-no-such-program"], None)) else { panic!() };
    assert!(why.contains("padgate-no-such-program"), "{why}");
    let Outcome::Failed(why) = rig.run(Effect::Open("/padgate/no/such/file".into())) else { panic!() };
    assert!(why.contains("/padgate/no/such/file"), "{why}");
}

#[test]
fn the_shell_runs_only_where_it_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let shell = Effect::Shell(format!("echo a | tr a b > {}", out.display()).into());
    let rig = Rig::new(Places::default());
    let Outcome::Refused(why) = rig.run(shell.clone()) else { panic!() };
    assert!(why.contains("allow_shell = true"), "{why}");
    assert!(!out.exists());
    let settings = Settings { allow_shell: true, ..Settings::default() };
    rig.actions.reload(&settings, &padgate_core::ids::Names::default(), Vec::new());
    rig.done(shell);
    assert_eq!(written(&out), "b\n");
}
