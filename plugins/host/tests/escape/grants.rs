//! What a plugin gets with each grant: the granted thing, and nothing beyond its scope.

use libc::{EACCES, EAGAIN, EFBIG, EMFILE, ENOMEM, EPERM, EXDEV};
use padgate_plugin_host::assignment::Profile;
use padgate_plugin_host::confinement::Enforced;

use crate::plugin::{Built, TARGET};
use crate::report::landlock;
use crate::setting::{FILE_SIZE, MEMORY, Setting, THREADS};
use crate::table::{End, Row, assert_ends, done, everywhere, in_constructor as rows_in_constructor};
use crate::table::{nothing_granted, probes, refused};

/// Runs the rows with these direct forms, in all places.
fn check(what: &str, at: &Setting, profile: Profile, rows: &[Row]) {
    let rows = everywhere(rows);
    let run = at.run(&at.assignment(profile), &probes(&rows), &[]);
    assert_ends(what, &rows, &run);
}

/// The rows of a plugin without grants, but for some probes.
fn without(at: &Setting, probes: &[&str]) -> Vec<Row> {
    let mut rows = nothing_granted(at, landlock());
    rows.retain(|row| !probes.contains(&row.probe));
    rows
}

fn either(probe: &'static str, target: String, errors: &[i32]) -> Row {
    Row { probe, target, end: End::Refused(errors.to_vec()) }
}

pub(crate) fn nothing(built: &Built) {
    let at = Setting::new(&built.plain);
    check("without a grant", &at, Profile::default(), &nothing_granted(&at, landlock()));
    at.assert_unchanged();
    at.assert_unreached();
}

pub(crate) fn in_constructors(built: &Built) {
    let at = Setting::new(&built.constructor);
    let about = std::fs::metadata(TARGET).expect("it is on every system");
    let rows: Vec<(&str, Row)> =
        rows_in_constructor(&at, landlock()).into_iter().map(|row| ("constructor", row)).collect();
    let run = at.run(&at.assignment(Profile::default()), &probes(&rows), &[]);
    assert_ends("while it is loaded", &rows, &run);
    at.assert_unchanged();
    at.assert_unreached();
    let after = std::fs::metadata(TARGET).expect("it is still there");
    assert_eq!(about.permissions(), after.permissions());
    assert_eq!(about.modified().ok(), after.modified().ok());
}

pub(crate) fn what_works(built: &Built) {
    let at = Setting::new(&built.plain);
    let mut rows: Vec<Row> = ["heap", "threads", "clocks", "chance", "printing", "waiting", "passed-socket"]
        .map(|probe| done(probe, ""))
        .into();
    rows.push(done("write-folder", at.own("")));
    rows.push(done("read-file", at.own("own")));
    rows.push(done("list-folder", at.own("")));
    check("what every plugin needs", &at, Profile::default(), &rows);
    at.assert_unchanged();
}

pub(crate) fn limits(built: &Built) {
    let at = Setting::new(&built.plain);
    let mut rows = vec![
        refused("much-memory", MEMORY, ENOMEM),
        refused("many-files", 4096, EMFILE),
        refused("large-file", format!("{} {}", FILE_SIZE + 1, at.own("large")), EFBIG),
        done("large-file", format!("{} {}", FILE_SIZE, at.own("large"))),
        done("many-threads", THREADS - 2),
    ];
    let run = at.run(&at.assignment(Profile::default()), &[], &[]);
    if run.confinement.expect("it is locked down").limits == Enforced::Fully {
        rows.push(refused("many-threads", THREADS + 1, EAGAIN));
    }
    // In other threads, one thread fewer can be started.
    let rows: Vec<(&str, Row)> = rows.into_iter().map(|row| ("call", row)).collect();
    let run = at.run(&at.assignment(Profile::default()), &probes(&rows), &[]);
    assert_ends("limits", &rows, &run);
}

pub(crate) fn reading(built: &Built) {
    let at = Setting::new(&built.plain);
    let mut rows = without(&at, &["readlink"]);
    let text = at.in_granted("text");
    rows.extend([
        done("read-file", &text),
        done("list-folder", at.in_granted("")),
        // Where links point to, everywhere: said to the user who grants it.
        done("readlink", at.out("link")),
        refused("write-file", &text, EACCES),
        refused("empty-file", &text, EACCES),
        refused("empty-by-reading", &text, if landlock() < 3 { EPERM } else { EACCES }),
        refused("truncate-file", &text, EPERM),
        refused("create-file", at.in_granted("new"), EACCES),
        refused("make-folder", at.in_granted("new"), EACCES),
        refused("remove-file", &text, EACCES),
        refused("chmod", &text, EPERM),
        refused("touch", &text, EPERM),
        refused("setxattr", &text, EPERM),
        refused("read-file", at.in_granted("../outside/secret"), EACCES),
        either("rename", format!("{text} {}", at.own("taken")), &[EACCES, EXDEV]),
        either("rename", format!("{} {}", at.own("own"), at.in_granted("planted")), &[EACCES, EXDEV]),
    ]);
    check("reading a folder", &at, Profile { read: vec![at.granted.clone()], ..Profile::default() }, &rows);
    at.assert_unchanged();
    at.assert_unreached();
    assert_eq!(std::fs::read(&text).expect("it is there").len(), 27);
}

pub(crate) fn writing(built: &Built) {
    let at = Setting::new(&built.plain);
    let mut rows = without(&at, &["readlink"]);
    let text = at.in_granted("text");
    rows.extend([
        done("write-folder", at.in_granted("")),
        done("read-file", &text),
        done("write-file", &text),
        done("append-file", &text),
        done("empty-file", &text),
        refused("truncate-file", &text, EPERM),
        refused("chmod", &text, EPERM),
        refused("chown", &text, EPERM),
        refused("touch", &text, EPERM),
        refused("setxattr", &text, EPERM),
        refused("make-fifo", at.in_granted("fifo"), EPERM),
        refused("make-device", at.in_granted("device"), EPERM),
        refused("symlink", format!("/etc/passwd {}", at.in_granted("link")), EPERM),
        refused("link", format!("{text} {}", at.in_granted("link")), EPERM),
        refused("write-file", at.in_granted("../outside/secret"), EACCES),
        either("rename", format!("{text} {}", at.out("planted")), &[EACCES, EXDEV]),
        either("rename", format!("{} {}", at.out("secret"), at.in_granted("taken")), &[EACCES, EXDEV]),
        either("exchange", format!("{} {text}", at.out("secret")), &[EACCES, EXDEV]),
    ]);
    check(
        "writing to a folder",
        &at,
        Profile { write: vec![at.granted.clone()], ..Profile::default() },
        &rows,
    );
    at.assert_unchanged();
    at.assert_unreached();
}

/// What another grant than the network's leaves as it is, but for these.
const OWN_SOCKETS: &[&str] = &[
    "tcp",
    "tcp6",
    "udp",
    "udp6",
    "tcp-bind",
    "udp-bind",
    "passed-reconnect",
    "passed-redirect",
    "passed-rights",
];

pub(crate) fn ports(built: &Built) {
    let at = Setting::new(&built.plain);
    let (granted, other) = at.ports();
    if landlock() < 4 {
        // Refused as a whole then; see the report's test.
        return;
    }
    let mut rows = without(&at, OWN_SOCKETS);
    rows.extend([
        done("tcp", granted),
        refused("tcp", other, EACCES),
        refused("tcp6", other, EACCES),
        refused("tcp-reconnect", format!("{granted} {other}"), EACCES),
        refused("udp", granted, EPERM),
        refused("udp", other, EPERM),
        refused("udp6", other, EPERM),
        refused("mptcp", other, EPERM),
        refused("fast-open", other, EPERM),
        refused("fast-message", other, EPERM),
        refused("fast-connect", other, EPERM),
        refused("tcp-bind", "0", EPERM),
        refused("udp-bind", "0", EPERM),
        refused("passed-redirect", other, EPERM),
    ]);
    check("TCP to one port", &at, Profile { network: Some(vec![granted]), ..Profile::default() }, &rows);
    at.assert_unchanged();
}

pub(crate) fn whole_network(built: &Built) {
    let at = Setting::new(&built.plain);
    let (tcp, udp) = at.ports();
    let mut rows = without(&at, OWN_SOCKETS);
    rows.extend([
        done("tcp", tcp),
        done("udp", udp),
        done("udp-bind", ""),
        done("read-file", "/etc/hosts"),
        refused("mptcp", tcp, EPERM),
        refused("fast-open", tcp, EPERM),
        refused("tcp-listen", "", EPERM),
    ]);
    if landlock() >= 4 {
        rows.push(refused("tcp-bind", "", EACCES));
    }
    check("the whole network", &at, Profile { network: Some(Vec::new()), ..Profile::default() }, &rows);
    at.assert_unchanged();
}

pub(crate) fn subprocesses(built: &Built) {
    let at = Setting::new(&built.plain);
    let own = [
        "fork",
        "raw-fork",
        "clone-process",
        "spawn",
        "shell",
        "exec",
        "exec-loader",
        "chdir",
        "statfs",
        "readlink",
        // A signal to all processes is an empty success where it reaches none.
        "signal-all",
    ];
    let mut rows = without(&at, &own);
    // Programs map their libraries, which no filter can tell from those of the plugin.
    rows.retain(|row| !["code-from-file", "load-library"].contains(&row.probe));
    rows.push(refused("load-library", at.out("plugin.so"), EACCES));
    rows.extend(["fork", "raw-fork", "clone-process"].map(|probe| done(probe, "")));
    let ended = |probe, target: String, code| Row { probe, target, end: End::Number(code) };
    let daemon = std::process::id();
    let (secret, new) = (at.out("secret"), at.own("new"));
    rows.extend([
        ended("spawn", String::new(), 0),
        ended("shell", "ls -l /usr/bin >/dev/null".into(), 0),
        ended("shell", format!("echo text >{new} && cat {new} >/dev/null && rm {new}"), 0),
        // What it starts is as confined as itself.
        ended("shell", format!("cat {secret} 2>/dev/null"), 1),
        ended("shell", format!("ls {} 2>/dev/null", at.out("")), 2),
        ended("shell", format!("(echo text >{}) 2>/dev/null", at.out("new")), 2),
        ended("shell", format!("chmod 777 {secret} 2>/dev/null"), 1),
        ended("shell", format!("kill -0 {daemon} 2>/dev/null"), 1),
        ended("shell", format!("cat /proc/{daemon}/environ 2>/dev/null"), 1),
        ended("shell", format!("/lib64/ld-linux-x86-64.so.2 {} 2>/dev/null", at.out("plugin.so")), 127),
        ended("shell", format!("{} 2>/dev/null", at.own("plugin.so")), 126),
    ]);
    check("programs of its own", &at, Profile { subprocess: true, ..Profile::default() }, &rows);
    at.assert_unchanged();
    at.assert_unreached();
}

pub(crate) fn other_architecture(built: &Built) {
    if !cfg!(target_arch = "x86_64") {
        return;
    }
    let at = Setting::new(&built.plain);
    let run = at.run(&at.assignment(Profile::default()), &[("call", "old-gate", String::new())], &[]);
    assert_eq!((run.signal, run.said.len()), (Some(libc::SIGSYS), 0), "{run:?}");
    println!("  calls of another architecture: end the process");
}
