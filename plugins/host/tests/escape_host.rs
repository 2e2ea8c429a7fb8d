//! The hostile plugin in the real host: that the program locks down what the escape table shows to hold, and leaks nothing
//! of the daemon beside it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]
#![allow(unsafe_code, reason = "it leaks a descriptor on purpose")]

#[path = "escape/plugin.rs"]
#[allow(dead_code, reason = "the table uses more of it")]
mod plugin;
mod support;

use std::os::fd::AsRawFd as _;

use libc::{EACCES, EBADF, ENOENT, ENOSYS, EPERM};
use padgate_plugin_host::assignment::{Assignment, Unenforced};
use padgate_plugin_host::confinement::{Confinement, Enforced};
use padgate_plugin_host::frame::{Header, Kind};
use support::{GENERATION, Host};

#[test]
fn the_real_host_confines_a_hostile_plugin_and_leaks_nothing() {
    // A descriptor of the daemon that a careless library would have left open for its children.
    let secret = std::fs::File::open("/etc/passwd").unwrap();
    // SAFETY: Makes a second descriptor of one that is open, without the flag that closes it in children.
    let leaked = unsafe { libc::fcntl(secret.as_raw_fd(), libc::F_DUPFD, 100) };
    assert!(leaked >= 100);

    let mut host = Host::blank();
    let assignment = Assignment {
        plugin: "escape".to_owned(),
        version: "0.1.0".to_owned(),
        library: plugin::build().plain,
        data_folder: host.data_folder().to_owned(),
        home_folder: "/home/somebody".into(),
        policy: Unenforced::Refuse,
        ..Assignment::default()
    };
    host.send(Header::new(Kind::Assign, GENERATION), &assignment.encode(), None);
    let (_, report) = host.expect(Kind::Confined);
    let confinement = Confinement::decode(&report).unwrap();
    for (part, enforced) in confinement.parts().filter(|(part, _)| *part != "limits") {
        assert_eq!(*enforced, Enforced::Fully, "{part}");
    }
    host.expect(Kind::Ready);

    for place in ["call", "thread", "early"] {
        for (probe, target, error) in [
            ("environment", "", ENOENT),
            ("read-file", "/etc/passwd", EACCES),
            ("list-folder", "/", EACCES),
            ("daemon-memory", "", EACCES),
            ("daemon-environment", "", EACCES),
            ("chmod", "/etc/passwd", EPERM),
            ("tcp", "1", EPERM),
            ("local-path", "/run/dbus/system_bus_socket", EPERM),
            ("fork", "", EPERM),
            ("clone3", "", ENOSYS),
            ("spawn", "", EPERM),
            ("signal-daemon", "", EPERM),
            ("limit-daemon", "", EPERM),
            ("outlive", "", EPERM),
            ("code-memory", "", EPERM),
            ("new-filter", "", EPERM),
        ] {
            let parameters = format!(r#"{{"probe":"{probe}","target":"{target}","where":"{place}"}}"#);
            let (_, said) = host.prepare(1, "probe", &parameters);
            assert_eq!(said, format!("refused {error}"), "{probe} {target} ({place})");
        }
    }
    // The link is the only descriptor beside the first three.
    let links = format!("refused {EBADF}");
    let (_, first) = host.prepare(1, "probe", r#"{"probe":"descriptors","target":"","where":"call"}"#);
    assert!(first == links || first == "done 3", "{first}");
    let process = host.launched.pid;
    let open = std::fs::read_dir(format!("/proc/{process}/fd"));
    // Only root may look there: the host is not dumpable.
    if let Ok(open) = open {
        assert_eq!(open.count(), 4, "standard input, output and error, and the link");
    }
    // SAFETY: It was made above, and nobody else knows it.
    unsafe { libc::close(leaked) };
}
