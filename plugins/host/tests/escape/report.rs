//! What a host reports of its own lock-down, on this kernel and on one without Landlock, and what the user's policy makes
//! of it.

use libc::{ECONNREFUSED, EPERM};
use padgate_plugin_host::assignment::{Assignment, Profile, Unenforced};
use padgate_plugin_host::confinement::{Confinement, Enforced};

use crate::driver::{UNCONFINED, WITHOUT_LANDLOCK};
use crate::plugin::Built;
use crate::setting::{Run, Setting};
use crate::table::{End, Row, assert_ends, done, probes, refused};

/// The version of Landlock's ABI in this kernel.
pub(crate) fn landlock() -> u32 {
    #![allow(unsafe_code, reason = "the kernel says it in no other way")]
    // SAFETY: With this flag, the kernel reads no memory.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, 1_u32) };
    u32::try_from(version).unwrap_or(0)
}

/// Whether this is a virtual machine that is thrown away: `tests/alsa-vm/run`.
pub(crate) fn thrown_away_machine() -> bool {
    std::path::Path::new("/mnt/alsa-vm-out").exists() && std::fs::read_to_string("/proc/cmdline").is_ok()
}

/// That all but the limits is enforced, and of these all but threads where they can't be counted.
fn assert_full(confinement: &Confinement) {
    for (part, enforced) in confinement.parts() {
        let counted = part != "limits" || thrown_away_machine();
        match enforced {
            Enforced::Fully => {}
            Enforced::Partly(why) if !counted && why.contains("threads are not counted") => {}
            Enforced::Partly(why) | Enforced::Not(why) => panic!("{part}: {why}"),
        }
    }
    assert_eq!(confinement.filters, 2);
}

fn run(at: &Setting, assignment: &Assignment, rows: &[Row], options: &[&str]) -> Run {
    let rows: Vec<(&str, Row)> = rows.iter().map(|row| ("call", row.clone())).collect();
    let run = at.run(assignment, &probes(&rows), options);
    if run.error.is_none() {
        assert_ends(&format!("{:?} {}", assignment.policy, options.concat()), &rows, &run);
    }
    run
}

pub(crate) fn full(built: &Built) {
    let at = Setting::new(&built.plain);
    let run = run(&at, &at.assignment(Profile::default()), &[], &[]);
    let confinement = run.confinement.expect("it is locked down");
    assert_eq!(confinement.landlock, landlock());
    assert_full(&confinement);
    let said: Vec<String> = confinement.parts().map(|(part, how)| format!("{part} {how:?}")).collect();
    println!("  Landlock {}, {}", confinement.landlock, said.join(", "));
}

pub(crate) fn ports(built: &Built) {
    let at = Setting::new(&built.plain);
    let (granted, other) = at.ports();
    let mut assignment = at.assignment(Profile { network: Some(vec![granted]), ..Profile::default() });
    if landlock() >= 4 {
        assert_full(&run(&at, &assignment, &[], &[]).confinement.expect("it is locked down"));
        return;
    }
    let refusal = run(&at, &assignment, &[], &[]).error.expect("this kernel can't limit ports");
    assert!(refusal.contains("network in part only"), "{refusal}");
    assignment.policy = Unenforced::Brokered;
    let brokered = run(&at, &assignment, &[refused("tcp", granted, EPERM)], &[]);
    assert_full(&brokered.confinement.expect("it is locked down"));
    assignment.policy = Unenforced::Run;
    let reached = [done("tcp", granted), refused("tcp", other, ECONNREFUSED), refused("udp", other, EPERM)];
    let confinement = run(&at, &assignment, &reached, &[]).confinement.expect("it is locked down");
    assert!(matches!(&confinement.network, Enforced::Partly(why) if why.contains("every port")));
    assert_full(&Confinement { network: Enforced::Fully, ..confinement });
}

pub(crate) fn without_landlock(built: &Built) {
    let at = Setting::new(&built.plain);
    let options = [WITHOUT_LANDLOCK];
    let mut assignment = at.assignment(Profile { read: vec![at.granted.clone()], ..Profile::default() });
    let refusal = run(&at, &assignment, &[], &options).error.expect("files can't be confined");
    assert!(refusal.contains("files not at all") && refusal.contains("unenforced"), "{refusal}");

    let no_landlock = |run: Run| {
        let confinement = run.confinement.expect("it is locked down");
        assert_eq!(confinement.landlock, 0);
        assert!(matches!(&confinement.files, Enforced::Not(why) if why.contains("Landlock")));
        assert_full(&Confinement { files: Enforced::Fully, ..confinement });
    };
    let (secret, text) = (at.out("secret"), at.in_granted("text"));
    let sockets = [refused("tcp", "1", EPERM), refused("fork", "", EPERM), refused("chmod", &secret, EPERM)];
    // Once it is loaded, it opens nothing at all.
    assignment.policy = Unenforced::Brokered;
    let mut rows = sockets.to_vec();
    rows.extend([refused("read-file", &secret, EPERM), refused("read-file", &text, EPERM)]);
    rows.extend([refused("remove-file", &secret, EPERM), refused("rename", &secret, EPERM)]);
    no_landlock(run(&at, &assignment, &rows, &options));
    assignment.policy = Unenforced::Run;
    let mut rows = sockets.to_vec();
    rows.extend([done("read-file", &text), done("read-file", &secret)]);
    no_landlock(run(&at, &assignment, &rows, &options));
    at.assert_unchanged();
}

pub(crate) fn pretended_seal(built: &Built) {
    let at = Setting::new(&built.pretend);
    let error = at.run(&at.assignment(Profile::default()), &[], &[]).error.expect("it is not sealed");
    assert!(error.contains("the loaded library") && error.contains("was not refused"), "{error}");
    println!("  a constructor that pretends to be sealed: found out");
}

pub(crate) fn missing_folder(built: &Built) {
    let at = Setting::new(&built.plain);
    let gone = at.granted.join("gone");
    let assignment = at.assignment(Profile { read: vec![gone.clone()], ..Profile::default() });
    let error = at.run(&assignment, &[], &[]).error.expect("the folder is not there");
    assert!(error.contains(&gone.display().to_string()) && error.contains("create it"), "{error}");
}

/// The probes prove something only if they succeed where nothing stops them.
pub(crate) fn probes_can_succeed(built: &Built) {
    let at = Setting::new(&built.plain);
    let (tcp, udp) = at.ports();
    let (secret, pair) = (at.out("secret"), format!("{} {}", at.out("secret"), at.out("moved")));
    let back = format!("{} {}", at.out("moved"), at.out("secret"));
    let mut rows = vec![
        done("tcp", tcp),
        done("udp", udp),
        done("local-path", at.socket()),
        done("local-path", at.abstract_socket()),
        done("rename", &pair),
        done("rename", &back),
        done("make-fifo", at.out("fifo")),
        done("symlink", format!("{secret} {}", at.out("another"))),
        done("create-file", at.out("new")),
        done("make-folder", at.out("folder")),
        done("list-folder", at.out("")),
        done("readlink", at.out("link")),
        done("load-library", at.out("plugin.so")),
        done("code-from-file", at.own("plugin.so")),
        Row { probe: "shell", target: format!("cat {secret} >/dev/null"), end: End::Number(0) },
    ];
    for probe in [
        "read-file",
        "write-file",
        "append-file",
        "chmod",
        "touch",
        "inotify",
        "statfs",
        "openat2",
        "open-path",
        "open-for-nothing",
        "empty-by-reading",
        "truncate-file",
        "remove-file",
    ] {
        rows.push(done(probe, &secret));
    }
    for probe in [
        "daemon-environment",
        "daemon-files",
        "daemon-status",
        "own-memory",
        "own-maps",
        "passwords",
        "processes",
        "root-folder",
        "udp-bind",
        "tcp-bind",
        "tcp-listen",
        "netlink",
        "pair",
        "passed-rights",
        "fork",
        "raw-fork",
        "clone-process",
        "sibling",
        "clone3",
        "spawn",
        "memfd",
        "signal-daemon",
        "tkill",
        "tgkill",
        "limit-daemon",
        "pidfd-open",
        "slow-daemon",
        "pin-daemon",
        "idle-daemon",
        "owner-of-signals",
        "outlive",
        "dumpable",
        "personality",
        "code-memory",
        "code-later",
        "shared-memory",
        "message-queue",
        "semaphores",
        "keyctl",
        "passed-reconnect",
    ] {
        rows.push(done(probe, ""));
    }
    let rows: Vec<(&str, Row)> = rows.into_iter().map(|row| ("call", row)).collect();
    let run = at.run(&at.assignment(Profile::default()), &probes(&rows), &[UNCONFINED]);
    assert_ends("not confined at all", &rows, &run);
}
