//! The rules of the filters, call by call, as the kernel would decide them.

use libc::{EPERM, c_long};

use super::super::filter::tests::verdict;
use super::super::filter::{Filter, Verdict};
use super::{Needs, Network, first, second};

const REFUSED: Verdict = Verdict::Refuse(EPERM);

fn needs() -> Needs {
    Needs { landlock: 7, process: 4711, ..Needs::default() }
}

fn all(filter: &Filter, expected: Verdict, calls: &[(&str, c_long, &[u64])]) {
    let wrong: Vec<String> = calls
        .iter()
        .map(|(name, call, arguments)| (name, verdict(filter, *call, arguments)))
        .filter(|(_, found)| *found != expected)
        .map(|(name, found)| format!("{name}: {found:?}"))
        .collect();
    assert!(wrong.is_empty(), "not {expected:?}: {wrong:?}");
}

#[test]
fn what_a_plugin_needs_is_allowed() {
    let filter = first(&needs());
    let thread = 0x003d_0f00;
    all(
        &filter,
        Verdict::Allow,
        &[
            ("read", libc::SYS_read, &[]),
            ("futex", libc::SYS_futex, &[]),
            ("open for reading", libc::SYS_openat, &[0, 0, libc::O_CLOEXEC as u64]),
            ("open, new", libc::SYS_openat, &[0, 0, (libc::O_CREAT | libc::O_TRUNC | libc::O_WRONLY) as u64]),
            ("a thread", libc::SYS_clone, &[thread]),
            ("own limits", libc::SYS_prlimit64, &[0, 7, 0, 1]),
            ("abort", libc::SYS_tgkill, &[4711, 4712, 6]),
            ("send", libc::SYS_sendto, &[0, 1, 1, libc::MSG_NOSIGNAL as u64, 0, 0]),
            ("no delay", libc::SYS_setsockopt, &[3, libc::IPPROTO_TCP as u64, libc::TCP_NODELAY as u64]),
            ("non-blocking", libc::SYS_ioctl, &[3, libc::FIONBIO]),
            ("a library", libc::SYS_mmap, &[0, 4096, (libc::PROT_READ | libc::PROT_EXEC) as u64]),
            ("a clock", libc::SYS_clock_gettime, &[1]),
            ("the second filter", libc::SYS_seccomp, &[1, 1]),
        ],
    );
}

#[test]
fn what_would_reach_beyond_it_is_refused() {
    let filter = first(&needs());
    let inet = libc::AF_INET as u64;
    all(
        &filter,
        REFUSED,
        &[
            ("socket", libc::SYS_socket, &[inet, 1, 0]),
            ("pair", libc::SYS_socketpair, &[1, 2, 0]),
            ("connect", libc::SYS_connect, &[]),
            ("send elsewhere", libc::SYS_sendto, &[0, 1, 1, 0, 0x7fff_0000_0000, 16]),
            ("send a message", libc::SYS_sendmsg, &[0, 1, 0]),
            (
                "fast open",
                libc::SYS_setsockopt,
                &[3, libc::IPPROTO_TCP as u64, libc::TCP_FASTOPEN_CONNECT as u64],
            ),
            ("peer", libc::SYS_getsockopt, &[0, libc::SOL_SOCKET as u64, libc::SO_PEERCRED as u64]),
            ("a process", libc::SYS_clone, &[libc::SIGCHLD as u64]),
            ("vfork by clone", libc::SYS_clone, &[(libc::CLONE_VM | libc::CLONE_VFORK) as u64]),
            ("a namespace", libc::SYS_clone, &[0x003d_0f00 | libc::CLONE_NEWUSER as u32 as u64]),
            ("execve", libc::SYS_execve, &[]),
            ("execveat", libc::SYS_execveat, &[]),
            ("memfd", libc::SYS_memfd_create, &[]),
            ("kill", libc::SYS_kill, &[1, 0]),
            ("tgkill of another", libc::SYS_tgkill, &[1, 1, 0]),
            ("limits of another", libc::SYS_prlimit64, &[1, 7, 0, 1]),
            ("own limits changed", libc::SYS_prlimit64, &[0, 7, 1, 0]),
            ("chmod", libc::SYS_fchmodat, &[]),
            ("fchmod", libc::SYS_fchmod, &[]),
            ("truncate", libc::SYS_truncate, &[]),
            ("a path's descriptor", libc::SYS_openat, &[0, 0, libc::O_PATH as u64]),
            ("open for nothing", libc::SYS_openat, &[0, 0, 3]),
            ("readlink", libc::SYS_readlinkat, &[]),
            ("owner of signals", libc::SYS_fcntl, &[0, libc::F_SETOWN as u64]),
            ("typing into a terminal", libc::SYS_ioctl, &[0, libc::TIOCSTI]),
            ("dumpable", libc::SYS_prctl, &[libc::PR_SET_DUMPABLE as u64]),
            ("parent's death", libc::SYS_prctl, &[libc::PR_SET_PDEATHSIG as u64]),
            ("another's clock", libc::SYS_clock_gettime, &[(!4711i32 << 3) as u32 as u64]),
            ("io_uring", libc::SYS_io_uring_setup, &[]),
            ("a filter with a listener", libc::SYS_seccomp, &[1, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER]),
        ],
    );
    assert_eq!(verdict(&filter, libc::SYS_clone3, &[]), Verdict::Refuse(libc::ENOSYS));
    assert_eq!(verdict(&filter, libc::SYS_openat2, &[]), Verdict::Refuse(libc::ENOSYS));
}

#[test]
fn emptying_a_file_that_is_only_read_is_refused_where_landlock_lets_it() {
    let emptied: &[u64] = &[0, 0, libc::O_TRUNC as u64];
    let old = first(&Needs { landlock: 2, ..needs() });
    assert_eq!(verdict(&old, libc::SYS_openat, emptied), REFUSED);
    assert_eq!(verdict(&old, libc::SYS_openat, &[0, 0, 0]), Verdict::Allow);
    assert_eq!(
        verdict(&old, libc::SYS_openat, &[0, 0, (libc::O_TRUNC | libc::O_RDWR) as u64]),
        Verdict::Allow
    );
    assert_eq!(verdict(&first(&needs()), libc::SYS_openat, emptied), Verdict::Allow);
}

#[test]
fn with_ports_there_is_tcp_alone() {
    let filter = first(&Needs { network: Network::Ports, ..needs() });
    let (inet, inet6) = (libc::AF_INET as u64, libc::AF_INET6 as u64);
    let stream = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC) as u64;
    all(
        &filter,
        Verdict::Allow,
        &[
            ("tcp", libc::SYS_socket, &[inet, stream, 0]),
            ("tcp over IPv6", libc::SYS_socket, &[inet6, stream, 6]),
            ("connect", libc::SYS_connect, &[]),
        ],
    );
    all(
        &filter,
        REFUSED,
        &[
            ("udp", libc::SYS_socket, &[inet, 2, 0]),
            ("fast message", libc::SYS_sendmsg, &[3, 1, libc::MSG_FASTOPEN as u64]),
            ("mptcp", libc::SYS_socket, &[inet, 1, 262]),
            ("unix", libc::SYS_socket, &[libc::AF_UNIX as u64, 1, 0]),
            ("netlink", libc::SYS_socket, &[libc::AF_NETLINK as u64, 3, 0]),
            ("bind", libc::SYS_bind, &[]),
            ("listen", libc::SYS_listen, &[]),
            ("fast open", libc::SYS_sendto, &[3, 1, 1, libc::MSG_FASTOPEN as u64, 5, 16]),
            ("fast open without flag", libc::SYS_sendto, &[3, 1, 1, 0, 5, 16]),
        ],
    );
}

#[test]
fn with_the_whole_network_there_is_udp_and_no_listening() {
    let filter = first(&Needs { network: Network::All, ..needs() });
    let inet = libc::AF_INET as u64;
    all(
        &filter,
        Verdict::Allow,
        &[
            ("udp", libc::SYS_socket, &[inet, 2, 17]),
            ("bind", libc::SYS_bind, &[]),
            ("send", libc::SYS_sendto, &[3, 1, 1, 0, 5, 16]),
        ],
    );
    all(
        &filter,
        REFUSED,
        &[
            ("raw", libc::SYS_socket, &[inet, 3, 1]),
            ("ping", libc::SYS_socket, &[inet, 2, 1]),
            ("unix", libc::SYS_socket, &[libc::AF_UNIX as u64, 2, 0]),
            ("listen", libc::SYS_listen, &[]),
            ("accept", libc::SYS_accept4, &[]),
        ],
    );
}

#[test]
fn programs_may_be_started_and_signalled_but_not_leave_their_group() {
    let filter = first(&Needs { subprocess: true, ..needs() });
    let spawn = (libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD) as u64;
    all(
        &filter,
        Verdict::Allow,
        &[
            ("spawn", libc::SYS_clone, &[spawn]),
            ("fork", libc::SYS_clone, &[libc::SIGCHLD as u64]),
            ("execve", libc::SYS_execve, &[]),
            ("kill", libc::SYS_kill, &[5, 9]),
        ],
    );
    all(
        &filter,
        REFUSED,
        &[
            ("setsid", libc::SYS_setsid, &[]),
            ("setpgid", libc::SYS_setpgid, &[]),
            ("a sibling", libc::SYS_clone, &[(libc::CLONE_PARENT | libc::SIGCHLD) as u64]),
            ("a namespace", libc::SYS_clone, &[(libc::CLONE_NEWPID | libc::SIGCHLD) as u64]),
            ("ptrace", libc::SYS_ptrace, &[]),
        ],
    );
    let old = first(&Needs { subprocess: true, landlock: 5, ..needs() });
    assert_eq!(verdict(&old, libc::SYS_kill, &[5, 9]), REFUSED);
}

#[test]
fn when_sealed_there_is_no_new_code_and_no_new_filter() {
    let filter = second(&needs(), true);
    let code = (libc::PROT_READ | libc::PROT_EXEC) as u64;
    all(
        &filter,
        REFUSED,
        &[
            ("mmap", libc::SYS_mmap, &[0, 4096, code]),
            ("mprotect", libc::SYS_mprotect, &[0, 4096, code]),
            ("seccomp", libc::SYS_seccomp, &[1, 1]),
            ("no new privileges", libc::SYS_prctl, &[libc::PR_SET_NO_NEW_PRIVS as u64]),
        ],
    );
    all(&filter, Verdict::Allow, &[("mmap", libc::SYS_mmap, &[0, 1, 3]), ("open", libc::SYS_openat, &[])]);
    assert_eq!(verdict(&second(&needs(), false), libc::SYS_openat, &[]), REFUSED);
}

#[test]
fn programs_map_their_libraries_and_nothing_writable() {
    let filter = second(&Needs { subprocess: true, ..needs() }, true);
    let (code, private) = ((libc::PROT_READ | libc::PROT_EXEC) as u64, libc::MAP_PRIVATE as u64);
    assert_eq!(verdict(&filter, libc::SYS_mmap, &[0, 1, code, private]), Verdict::Allow);
    assert_eq!(verdict(&filter, libc::SYS_mmap, &[0, 1, code | 2, private]), REFUSED);
    assert_eq!(
        verdict(&filter, libc::SYS_mmap, &[0, 1, code, private | libc::MAP_ANONYMOUS as u64]),
        REFUSED
    );
}
