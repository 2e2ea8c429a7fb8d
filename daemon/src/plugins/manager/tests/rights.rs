//! Granting, and taking back.

use padgate_core::capability::Capability;

use super::{Bench, Trouble, Wish, calling, is_ready};
use crate::plugins::inventory::Standing;
use crate::plugins::supervisor::HostState;

/// Asks for files that it can do without, and for `rest`.
fn files(rest: &str) -> String {
    format!(
        "optional = [\"filesystem\"]\n[plugin.capabilities]\nfilesystem = {{ read = [\"~/Music\"] }}\n{rest}"
    )
}

#[test]
fn a_grant_starts_what_waits_and_taking_it_back_ends_it() {
    let bench = Bench::new();
    bench.plugin("a", "1.0.0", &[], "[plugin.capabilities]\nsubprocess = [\"sh\"]");
    bench.apply(&calling(&["a"]));
    assert!(matches!(bench.plugins.view("a").unwrap().plugin.standing, Standing::WaitingForGrant(_)));
    assert_eq!(bench.status("a").state, HostState::Absent);
    let granted = bench.grant("a", None).unwrap();
    assert!(is_ready(&granted.host), "{:?}", granted.host);
    let (taken, _) = bench.plugins.revoke("a", &[]).unwrap();
    assert_eq!(taken, [Capability::Subprocess]);
    bench.until("a", |status| status.state == HostState::Absent);
}

#[test]
fn a_folder_can_be_named_as_a_shell_completes_it() {
    let bench = Bench::new();
    bench.plugin("a", "1.0.0", &[], "[plugin.capabilities]\nfilesystem = { read = [\"~/Music\"] }");
    let home = bench.folders.home.display().to_string();
    let (inside, beside) =
        (format!("filesystem=read:{home}/Music/new"), format!("filesystem=read:{home}Music"));
    assert!(matches!(bench.grant("a", Some(&[&beside])), Err(Trouble::Invalid(_))));
    std::fs::create_dir(bench.folders.home.join("Music/new")).unwrap();
    let granted = bench.grant("a", Some(&[&inside])).unwrap().proposal.granted;
    assert_eq!(granted.filesystem.unwrap().read, ["~/Music/new"]);
    // It can't be called without what it must have, and so it is not started again.
    let (taken, restarted) = bench.plugins.revoke("a", &[]).unwrap();
    assert_eq!((taken, restarted), (vec![Capability::Filesystem], false));
}

#[test]
fn direct_rights_are_lost_also_while_a_needed_plugin_is_away() {
    let bench = Bench::new();
    bench.plugin("need", "1.0.0", &[], "");
    bench.plugin("a", "1.0.0", &[], &files("[dependencies]\nneed = \"^1\"\n"));
    bench.grant("a", None).unwrap();
    bench.apply(&calling(&["a"]));
    let before = bench.until("a", is_ready);
    assert!(bench.plugins.unload("need").unwrap());
    bench.until("need", |status| status.state == HostState::Absent);
    assert_eq!(bench.status("a").pid, before.pid, "what runs goes on without it");
    bench.plugins.revoke("a", &["filesystem".to_owned()]).unwrap();
    let id = bench.plugins.view("a").unwrap().plugin.id;
    let after = bench.plugins.await_host(id);
    assert_ne!(after.pid, before.pid, "{after:?}");
    bench.plugins.load("need").unwrap();
    bench.until("a", is_ready);
}

#[test]
fn a_running_host_loses_direct_rights_and_comes_back_without_them() {
    let bench = Bench::new();
    bench.plugin("a", "1.0.0", &[], &files(""));
    bench.apply(&calling(&["a"]));
    let without = bench.until("a", is_ready);
    bench.grant("a", None).unwrap();
    let with = bench.until("a", is_ready);
    assert_ne!(with.pid, without.pid, "a locked process can't be given more");
    let (_, restarted) = bench.plugins.revoke("a", &[]).unwrap();
    assert!(restarted);
    let after = bench.until("a", is_ready);
    assert!(after.pid != with.pid && after.generation > with.generation);
}

#[test]
fn what_was_taken_back_is_gone_when_that_is_said() {
    let bench = Bench::new();
    bench.plugin("a", "1.0.0", &["STUBBORN"], &files(""));
    bench.grant("a", None).unwrap();
    bench.apply(&calling(&["a"]));
    let with = bench.until("a", is_ready);
    bench.plugins.revoke("a", &["filesystem".to_owned()]).unwrap();
    let process = std::path::PathBuf::from(format!("/proc/{}", with.pid.unwrap()));
    assert!(!process.exists(), "the process with the rights still runs");
    assert!(is_ready(&bench.status("a")));
}

#[test]
fn a_stricter_policy_holds_for_what_runs_already() {
    let bench = Bench::new();
    bench.plugin("a", "1.0.0", &[], "");
    let lax = format!("{}[plugins]\nunenforced = \"run\"\n", calling(&["a"]));
    bench.apply(&lax);
    let before = bench.until("a", is_ready);
    bench.apply(&calling(&["a"]));
    // Ended first, and not replaced: the new one may not be allowed to run at all.
    let id = bench.plugins.view("a").unwrap().plugin.id;
    assert_ne!(bench.plugins.await_host(id).pid, before.pid);
    bench.until("a", is_ready);
}

#[test]
fn a_grant_is_for_just_what_was_shown() {
    let bench = Bench::new();
    bench.plugin("a", "1.0.0", &[], "[plugin.capabilities]\nfilesystem = { read = [\"~/Music\"] }");
    let wish = Wish::default();
    let shown = bench.plugins.propose("a", &wish).unwrap().confirm;
    bench.manifest(
        "a",
        "1.0.0",
        "somebody else",
        "[plugin.capabilities]\nfilesystem = { read = [\"~/Music\"] }",
    );
    let error = bench.plugins.grant("a", &wish, &shown).unwrap_err();
    assert!(matches!(error, Trouble::Changed(_)), "{error:?}");
    assert!(matches!(bench.plugins.grant("a", &wish, ""), Err(Trouble::Changed(_))));
    let shown = bench.plugins.propose("a", &wish).unwrap().confirm;
    bench.plugins.grant("a", &wish, &shown).unwrap();
}

#[test]
fn two_scopes_of_one_capability_are_both_granted_and_no_more_than_was_asked_for() {
    let bench = Bench::new();
    bench.plugin("a", "1.0.0", &[], "[plugin.capabilities]\nsubprocess = [\"sh\", \"ls\", \"cat\"]");
    let granted = bench.grant("a", Some(&["subprocess=sh", "subprocess=ls"])).unwrap().proposal.granted;
    assert_eq!(granted.subprocess.unwrap().programs, ["sh", "ls"]);
    let narrower = bench.grant("a", Some(&["subprocess=ls"])).unwrap().proposal.granted;
    assert_eq!(narrower.subprocess.unwrap().programs, ["ls"], "naming it anew replaces what it had");
    assert!(matches!(bench.grant("a", Some(&["subprocess=bash"])), Err(Trouble::Invalid(_))));
    assert!(matches!(bench.grant("a", Some(&["midi"])), Err(Trouble::Invalid(_))));
}

#[test]
fn a_grant_that_would_undo_the_others_is_refused_and_the_folder_must_be_there() {
    let bench = Bench::new();
    bench.plugin("a", "1.0.0", &[], "[plugin.capabilities]\nfilesystem = { write = [\"~/.ssh\"] }");
    bench.plugin("b", "1.0.0", &[], "[plugin.capabilities]\nfilesystem = { read = [\"~/Nowhere\"] }");
    let error = bench.grant("a", None).unwrap_err();
    assert!(
        matches!(&error, Trouble::Refused(why) if why.contains("could undo every other grant")),
        "{error:?}"
    );
    bench.grant("b", None).unwrap();
    let standing = bench.plugins.view("b").unwrap().plugin.standing;
    assert!(matches!(&standing, Standing::Unusable(why) if why.contains("Nowhere")), "{standing:?}");
}
