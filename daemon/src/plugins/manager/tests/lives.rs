//! Loading, replacing and taking away.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use super::{Bench, PATIENCE, Trouble, calling, is_ready};
use crate::plugins::supervisor::HostState;

#[test]
fn a_reload_says_whether_the_new_version_took_over() {
    let bench = Bench::new();
    bench.plugin("a", "1.0.0", &[], "");
    bench.apply(&calling(&["a"]));
    bench.until("a", is_ready);
    for round in 1..6 {
        let old = bench.status("a").pid;
        bench.plugin("a", "2.0.0", &["CRASH"], "");
        let error = bench.plugins.reload("a").unwrap_err();
        assert!(matches!(&error, Trouble::Refused(why) if why.contains("the old one goes on")), "{error:?}");
        assert_eq!(bench.status("a").pid, old, "round {round}");
        bench.plugin("a", &format!("3.0.{round}"), &[], "");
        bench.plugins.reload("a").unwrap();
        let status = bench.status("a");
        assert_eq!(status.version.unwrap(), format!("3.0.{round}"));
        assert_ne!(status.pid, old);
    }
}

#[test]
fn a_folder_that_vanishes_takes_the_host_along() {
    let bench = Bench::new();
    bench.plugin("a", "1.0.0", &[], "");
    bench.plugin("b", "1.0.0", &[], "");
    bench.apply(&calling(&["a", "b"]));
    bench.until("a", is_ready);
    let id = bench.plugins.view("a").unwrap().plugin.id;
    std::fs::remove_dir_all(bench.folder("a")).unwrap();
    bench.plugins.look_again();
    assert!(matches!(bench.plugins.view("a"), Err(Trouble::NotFound(_))));
    assert_eq!(bench.plugins.await_host(id).state, HostState::Absent);
    bench.until("b", is_ready);
    bench.plugin("a", "1.0.0", &[], "");
    bench.plugins.look_again();
    bench.until("a", is_ready);
}

#[test]
fn what_is_needed_comes_first_and_what_is_unloaded_stays_away() {
    let bench = Bench::new();
    bench.plugin("need", "1.0.0", &[], "");
    bench.plugin("user", "1.0.0", &[], "[dependencies]\nneed = \"^1\"");
    bench.apply(&calling(&["user"]));
    bench.until("user", is_ready);
    assert!(is_ready(&bench.status("need")), "nothing calls it, and it is needed");
    assert!(bench.plugins.unload("user").unwrap());
    bench.until("user", |status| status.state == HostState::Absent);
    bench.until("need", |status| status.state == HostState::Absent);
    bench.apply(&calling(&["user"]));
    assert_eq!(bench.status("user").state, HostState::Absent, "a reload of the configuration loads nothing");
    bench.plugins.enable("user").unwrap();
    bench.until("user", is_ready);
}

#[test]
fn everything_at_once_ends_and_ends_well() {
    let bench = Bench::new();
    for name in ["a", "b", "c"] {
        bench.plugin(name, "1.0.0", &[], "[plugin.capabilities]\nfilesystem = { read = [\"~/Music\"] }");
        bench.grant(name, None).unwrap();
    }
    bench.plugin("dying", "1.0.0", &["CRASH"], "");
    let config = calling(&["a", "b", "c", "dying"]);
    bench.apply(&config);
    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let end = Instant::now() + std::time::Duration::from_secs(4);
    let again = |work: &(dyn Fn() + Sync)| {
        while !stop.load(Ordering::Relaxed) {
            work();
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (again, bench, config) = (&again, &bench, &config);
    std::thread::scope(|scope| {
        // What each of these says is its own affair: others work against it.
        scope.spawn(move || again(&|| drop(bench.plugins.reload("a"))));
        scope.spawn(move || again(&|| drop((bench.plugins.unload("b"), bench.plugins.load("b")))));
        scope.spawn(move || again(&|| drop((bench.plugins.disable("c"), bench.plugins.enable("c")))));
        scope.spawn(move || again(&|| drop((bench.plugins.revoke("a", &[]), bench.grant("a", None)))));
        scope.spawn(move || again(&|| drop(bench.plugins.load("dying"))));
        scope.spawn(move || again(&|| bench.apply(config)));
        scope.spawn(move || again(&|| drop(bench.plugins.list())));
        scope.spawn(move || again(&|| bench.plugins.look_again()));
        while Instant::now() < end {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(done.load(Ordering::Relaxed) > 100);
    bench.grant("a", None).unwrap();
    bench.plugins.enable("c").unwrap();
    let began = Instant::now();
    for name in ["a", "b", "c"] {
        bench.plugins.load(name).unwrap();
        assert!(is_ready(&bench.status(name)));
    }
    assert!(began.elapsed() < PATIENCE);
    assert_eq!(bench.status("dying").version, None);
}
