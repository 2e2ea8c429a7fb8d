//! What each probe must come to: the table of a plugin that was granted nothing, and how it is told apart from what is
//! documented as not stopped.

use libc::{EACCES, EBADF, EFAULT, ENOENT, ENOSYS, EOPNOTSUPP, EPERM, EXDEV};

use crate::setting::{Run, Setting};

/// How a probe must end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// Refused, with one of these errors.
    Refused(Vec<i32>),
    /// It gets what it wants.
    Done,
    /// It gets this number.
    Number(i32),
}

/// One probe and its end.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) probe: &'static str,
    pub(crate) target: String,
    pub(crate) end: End,
}

/// A probe that must be refused with one error.
pub(crate) fn refused(probe: &'static str, target: impl ToString, error: i32) -> Row {
    Row { probe, target: target.to_string(), end: End::Refused(vec![error]) }
}

/// A probe that must succeed.
pub(crate) fn done(probe: &'static str, target: impl ToString) -> Row {
    Row { probe, target: target.to_string(), end: End::Done }
}

/// Where the probes are tried, beside constructors: in a call, in a thread of that call, and in a thread that a
/// constructor started.
const PLACES: [&str; 3] = ["call", "thread", "early"];

/// Probes that need no target, and are all refused with `EPERM`.
const PLAIN: &[&str] = &[
    "fchmod-library",
    "fanotify",
    "dnotify",
    "fsopen",
    "udp6",
    "ping",
    "tcp-bind",
    "udp-bind",
    "tcp-listen",
    "raw",
    "packet",
    "netlink",
    "vsock",
    "bluetooth",
    "crypto",
    "session-bus",
    "system-bus",
    "x11",
    "x11-abstract",
    "pair",
    "x32-socket",
    "passed-reconnect",
    "passed-rights",
    "passed-peer",
    "passed-filter",
    "passed-protocol",
    "fork",
    "raw-fork",
    "clone-process",
    "sibling",
    "clone-namespace",
    "spawn",
    "exec",
    "memfd",
    "memfd-secret",
    "trace-daemon",
    "trace-me",
    "read-daemon",
    "write-daemon",
    "signal-daemon",
    "signal-init",
    "signal-all",
    "tkill",
    "tgkill",
    "sigqueue",
    "pidfd-open",
    "pidfd-signal",
    "pidfd-getfd",
    "process-madvise",
    "process-mrelease",
    "kcmp",
    "migrate-pages",
    "robust-list",
    "limit-daemon",
    "raise-limit",
    "slow-daemon",
    "slow-disk",
    "pin-daemon",
    "watch-daemon",
    "idle-daemon",
    "be-first",
    "sched-attributes",
    "own-group",
    "own-session",
    "daemon-group",
    "owner-of-signals",
    "outlive",
    "dumpable",
    "tracer",
    "reaper",
    "trap-calls",
    "move-maps",
    "personality",
    "be-root",
    "be-other",
    "groups",
    "capabilities",
    "new-user",
    "new-mounts",
    "new-files",
    "setns",
    "io-uring",
    "aio",
    "bpf",
    "perf",
    "userfaultfd",
    "add-key",
    "keyctl",
    "request-key",
    "shared-memory",
    "message-queue",
    "semaphores",
    "posix-queue",
    "own-landlock",
    "reboot",
    "hostname",
    "set-clock",
    "adjust-clock",
    "load-module",
    "accounting",
    "kernel-log",
    "swap",
    "lock-memory",
    "hang-up",
    "vmsplice",
    "timer",
    "segments",
    "io-ports",
    "new-filter",
    "listening-filter",
    "no-new-privileges",
    "terminal-input",
    "code-memory",
    "code-later",
    "code-by-key",
];

/// The same, refused by Landlock.
const PLAIN_FILES: &[&str] = &[
    "daemon-memory",
    "daemon-environment",
    "daemon-files",
    "daemon-file",
    "daemon-root",
    "daemon-status",
    "own-memory",
    "own-maps",
    "passwords",
    "processes",
    "terminal",
    "kernel-setting",
    "root-folder",
];

/// What a plugin without any grant tries, all in vain but the last rows.
pub(crate) fn nothing_granted(at: &Setting, landlock: u32) -> Vec<Row> {
    let (tcp, udp) = at.ports();
    let secret = at.out("secret");
    let mut rows: Vec<Row> = PLAIN.iter().map(|probe| refused(probe, "", EPERM)).collect();
    rows.extend(PLAIN_FILES.iter().map(|probe| refused(probe, "", EACCES)));
    for (probe, name) in [
        ("read-file", "secret"),
        ("write-file", "secret"),
        ("append-file", "secret"),
        ("empty-file", "secret"),
        ("remove-file", "secret"),
        ("create-file", "new"),
        ("make-folder", "new"),
        ("remove-folder", "empty"),
        ("list-folder", ""),
        ("read-file", "link"),
        ("read-file", "../store/../outside/secret"),
    ] {
        rows.push(refused(probe, at.out(name), EACCES));
    }
    // Not every file system has such files.
    let nameless = End::Refused(vec![EACCES, EOPNOTSUPP]);
    rows.push(Row { probe: "nameless-file", target: at.out(""), end: nameless });
    // The store: what was verified must stay what it is.
    rows.push(refused("write-file", at.library.display(), EACCES));
    rows.push(refused("remove-file", at.library.display(), EACCES));
    // Before Landlock's third ABI, it is the filter that refuses.
    rows.push(refused("empty-by-reading", &secret, if landlock < 3 { EPERM } else { EACCES }));
    for probe in [
        "truncate-file",
        "open-for-nothing",
        "open-path",
        "open-by-handle",
        "chmod",
        "fchmodat2",
        "chown",
        "touch",
        "setxattr",
        "inotify",
        "link",
        "exec-loader",
        "execveat",
        "statfs",
        "mount",
        "umount",
        "open-tree",
        "chdir",
        "chroot",
    ] {
        rows.push(refused(probe, &secret, EPERM));
    }
    rows.push(refused("readlink", at.out("link"), EPERM));
    rows.push(refused("make-fifo", at.own("fifo"), EPERM));
    rows.push(refused("make-device", at.own("device"), EPERM));
    rows.push(refused("symlink", format!("{secret} {}", at.own("link")), EPERM));
    rows.push(refused("link", format!("{secret} {}", at.own("link")), EPERM));
    rows.push(refused("chmod", at.own("own"), EPERM));
    rows.push(refused("getxattr", &secret, EOPNOTSUPP));
    rows.push(refused("openat2", &secret, ENOSYS));
    rows.push(refused("clone3", "", ENOSYS));
    rows.push(refused("shell", "true", EPERM));
    rows.push(refused("code-from-file", at.own("plugin.so"), EPERM));
    let moved = vec![EACCES, EXDEV];
    for (probe, from, to) in [
        ("rename", secret.clone(), at.out("moved")),
        ("rename", secret.clone(), at.own("stolen")),
        ("rename", at.own("own"), at.out("planted")),
        ("exchange", secret.clone(), at.own("own")),
    ] {
        rows.push(Row { probe, target: format!("{from} {to}"), end: End::Refused(moved.clone()) });
    }
    for library in [at.out("plugin.so"), at.own("plugin.so")] {
        rows.push(refused("load-library", library, EACCES));
    }
    for probe in ["tcp", "tcp6", "mptcp", "sctp", "smc", "fast-open", "fast-message", "fast-connect"] {
        rows.push(refused(probe, tcp, EPERM));
    }
    for probe in ["udp", "passed-redirect", "passed-fast"] {
        rows.push(refused(probe, udp, EPERM));
    }
    for probe in ["local-path", "local-packets", "local-datagram"] {
        rows.push(refused(probe, at.socket(), EPERM));
        rows.push(refused(probe, at.abstract_socket(), EPERM));
    }
    rows.push(refused("environment", "", ENOENT));
    rows.push(refused("descriptors", "", EBADF));
    // Not stopped, and documented so: neither Landlock nor seccomp can tell paths apart here.
    rows.push(done("stat", &secret));
    rows
}

/// What a constructor sees: the same, but for what the loader still needs.
pub(crate) fn in_constructor(at: &Setting, landlock: u32) -> Vec<Row> {
    let needed = ["code-memory", "code-later", "no-new-privileges"];
    let mut rows = nothing_granted(at, landlock);
    // These are about a target that a constructor was not given.
    rows.retain(|row| {
        !["load-library", "exchange", "rename", "code-from-file", "read-file"].contains(&row.probe)
    });
    for row in &mut rows {
        if needed.contains(&row.probe) {
            row.end = End::Done;
        }
        // The one flag that is allowed, with a filter that is none.
        if row.probe == "new-filter" {
            row.end = End::Refused(vec![EFAULT]);
        }
        // They were about other targets than the file that all probes are given here.
        match row.probe {
            "create-file" => row.end = End::Refused(vec![EACCES, libc::EEXIST]),
            "make-folder" => row.end = End::Refused(vec![libc::EEXIST, EACCES]),
            "remove-folder" => row.end = End::Refused(vec![libc::ENOTDIR, EACCES]),
            "list-folder" | "nameless-file" => row.end = End::Refused(vec![libc::ENOTDIR, EACCES]),
            "symlink" => row.end = End::Refused(vec![EPERM]),
            _ => {}
        }
    }
    rows.push(refused("read-file", "", EACCES));
    rows
}

/// Runs the rows in all places.
pub(crate) fn everywhere(rows: &[Row]) -> Vec<(&'static str, Row)> {
    PLACES.iter().flat_map(|place| rows.iter().map(move |row| (*place, row.clone()))).collect()
}

/// The probes of these rows, as a driver takes them.
pub(crate) fn probes<'a>(rows: &'a [(&'a str, Row)]) -> Vec<(&'a str, &'a str, String)> {
    rows.iter().map(|(place, row)| (*place, row.probe, row.target.clone())).collect()
}

/// Fails with all the rows that ended otherwise.
pub(crate) fn assert_ends(what: &str, rows: &[(&str, Row)], run: &Run) {
    assert_eq!(run.error, None, "{what}");
    let mut wrong = Vec::new();
    for (index, (place, row)) in rows.iter().enumerate() {
        let said = run.said.get(index).map_or("nothing: the process had ended", String::as_str);
        let as_expected = match said.split_once(' ') {
            Some(("refused", error)) => {
                let error: i32 = error.parse().expect("a number");
                matches!(&row.end, End::Refused(errors) if errors.contains(&error))
            }
            Some(("done", number)) => match row.end {
                End::Refused(_) => false,
                End::Done => true,
                End::Number(expected) => number.parse() == Ok(expected),
            },
            _ => false,
        };
        if !as_expected {
            wrong.push(format!("{} {} ({place}): {said}, not {:?}", row.probe, row.target, row.end));
        }
    }
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
    if !rows.is_empty() {
        println!("  {what}: {} probes, all as expected", rows.len());
    }
}
