//! Which system calls a plugin may make: a list of what is allowed, and everything else is refused with `EPERM`, which
//! programs survive.
//!
//! What Landlock has no say in is decided here: metadata (`chmod`, `chown`, times, extended attributes), sockets other
//! than TCP, other processes, and everything that gives the kernel more surface than a plugin needs.

use libc::EPERM;

use super::filter::{Check, Filter, Rule, Verdict, compile};
use super::lists::{FREE, FREE_OLD, FREE_PROGRAMS, FREE_PROGRAMS_OLD, RENAMEAT};

/// What of a profile the filters depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Needs {
    /// Own sockets.
    pub(super) network: Network,
    /// `fork` and `exec`.
    pub(super) subprocess: bool,
    /// Files beyond the data folder.
    pub(super) files: bool,
    /// The version of Landlock's ABI.
    pub(super) landlock: u32,
    /// This process.
    pub(super) process: u32,
}

/// Own sockets of a plugin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Network {
    /// None.
    #[default]
    None,
    /// TCP alone, because Landlock limits the ports of nothing else.
    Ports,
    /// TCP and UDP to everywhere.
    All,
}

const NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;
/// What makes a thread.
const THREAD: i32 =
    libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
/// What no new thread or process may have.
const STRANGE: i32 =
    NAMESPACES | libc::CLONE_PTRACE | libc::CLONE_UNTRACED | libc::CLONE_PARENT | libc::CLONE_PIDFD;

/// `PR_SET_VMA`: the C library names its memory.
const PR_SET_VMA: i32 = 0x5356_4d41;

/// The first filter: what a plugin may do at all. It is in force before its constructors run.
pub(super) fn first(needs: &Needs) -> Filter {
    let mut rules: Vec<Rule> = FREE.iter().chain(FREE_OLD).map(|call| Rule::allow(*call)).collect();
    // Threads would not start if this were EPERM: the C library falls back to `clone` if it does not exist.
    rules.push(Rule::refuse(libc::SYS_clone3, libc::ENOSYS));
    rules.push(Rule::refuse(libc::SYS_openat2, libc::ENOSYS));
    opening(needs, &mut rules);
    itself(needs, &mut rules);
    sockets(needs, &mut rules);
    if needs.subprocess {
        programs(needs, &mut rules);
    }
    compile(&rules, Verdict::Refuse(EPERM))
}

/// `open`, in its forms.
fn opening(needs: &Needs, rules: &mut Vec<Rule>) {
    let mut calls = vec![(libc::SYS_openat, 2)];
    #[cfg(target_arch = "x86_64")]
    calls.push((libc::SYS_open, 1));
    for (call, flags) in calls {
        // Landlock looks at reading and writing: not at a descriptor that can do neither (mode 3, O_PATH), and before
        // its third ABI not at a file that is emptied while it is opened for reading.
        let mode = libc::O_ACCMODE | libc::O_PATH;
        let reading = if needs.landlock < 3 { mode | libc::O_TRUNC } else { mode };
        let ways = [(reading, libc::O_RDONLY), (mode, libc::O_WRONLY), (mode, libc::O_RDWR)];
        rules.push(Rule::when(
            call,
            ways.map(|(mask, value)| vec![Check::Bits(flags, mask as u32, value as u32)]),
        ));
    }
    // Where links point to is told only to those who may read more than their own folder.
    if needs.files || needs.subprocess {
        rules.push(Rule::allow(libc::SYS_readlinkat));
        #[cfg(target_arch = "x86_64")]
        rules.push(Rule::allow(libc::SYS_readlink));
    }
    // The answer of a file system that has none; `ls -l` and `cp` are content with it.
    let extended = [
        libc::SYS_getxattr,
        libc::SYS_lgetxattr,
        libc::SYS_fgetxattr,
        libc::SYS_listxattr,
        libc::SYS_llistxattr,
        libc::SYS_flistxattr,
    ];
    rules.extend(extended.map(|call| Rule::refuse(call, libc::EOPNOTSUPP)));
}

/// What a process does to itself, where the same call could do it to another.
fn itself(needs: &Needs, rules: &mut Vec<Rule>) {
    let of_itself = || Check::In(0, vec![0, needs.process]);
    rules.push(Rule::when(libc::SYS_prlimit64, [vec![of_itself(), Check::Null(2)]]));
    rules.push(Rule::when(libc::SYS_sched_getaffinity, [vec![of_itself()]]));
    // `abort` and `raise`.
    rules.push(Rule::when(libc::SYS_tgkill, [vec![Check::In(0, vec![needs.process])]]));
    // Clocks of other processes are negative.
    for call in [libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_clock_nanosleep] {
        rules.push(Rule::when(call, [vec![Check::Bits(0, 0x8000_0000, 0)]]));
    }
    let thread = Check::Bits(0, (THREAD | STRANGE | libc::CLONE_VFORK) as u32, THREAD as u32);
    let process = Check::Bits(0, (STRANGE | libc::CLONE_THREAD) as u32, 0);
    let ways = if needs.subprocess { vec![vec![thread], vec![process]] } else { vec![vec![thread]] };
    rules.push(Rule::when(libc::SYS_clone, ways));
    let control = [
        libc::PR_SET_NAME,
        libc::PR_GET_NAME,
        libc::PR_GET_DUMPABLE,
        libc::PR_GET_PDEATHSIG,
        libc::PR_SET_NO_NEW_PRIVS,
        libc::PR_GET_NO_NEW_PRIVS,
        libc::PR_GET_SECCOMP,
        PR_SET_VMA,
    ];
    rules.push(Rule::when(libc::SYS_prctl, [vec![among(0, &control)]]));
    // The second filter has to be installed. A constructor can use it as well, to allow itself less.
    let filter = vec![
        Check::In(0, vec![libc::SECCOMP_SET_MODE_FILTER]),
        Check::In(1, vec![libc::SECCOMP_FILTER_FLAG_TSYNC as u32]),
    ];
    rules.push(Rule::when(libc::SYS_seccomp, [filter]));
    let descriptor = [
        libc::F_DUPFD,
        libc::F_DUPFD_CLOEXEC,
        libc::F_GETFD,
        libc::F_SETFD,
        libc::F_GETFL,
        libc::F_SETFL,
        libc::F_GETLK,
        libc::F_SETLK,
        libc::F_SETLKW,
        libc::F_OFD_GETLK,
        libc::F_OFD_SETLK,
        libc::F_OFD_SETLKW,
    ];
    rules.push(Rule::when(libc::SYS_fcntl, [vec![among(1, &descriptor)]]));
    let device = [libc::FIONREAD, libc::FIONBIO, libc::FIOCLEX, libc::FIONCLEX, libc::TCGETS];
    let device = device.map(|request| request as u32).to_vec();
    rules.push(Rule::when(libc::SYS_ioctl, [vec![Check::In(1, device)]]));
}

fn among(argument: u8, values: &[i32]) -> Check {
    Check::In(argument, values.iter().map(|value| *value as u32).collect())
}

/// Sockets: reading and writing those that the daemon passed, and own ones where the network is granted directly.
fn sockets(needs: &Needs, rules: &mut Vec<Rule>) {
    // Opens a TCP connection past Landlock.
    let no_fast_open = |argument| Check::Bits(argument, libc::MSG_FASTOPEN as u32, 0);
    let mut sending = vec![no_fast_open(3)];
    if needs.network != Network::All {
        sending.push(Check::Null(4));
    }
    rules.push(Rule::when(libc::SYS_sendto, [sending]));
    let general = [
        libc::SO_ERROR,
        libc::SO_TYPE,
        libc::SO_DOMAIN,
        libc::SO_PROTOCOL,
        libc::SO_RCVBUF,
        libc::SO_SNDBUF,
        libc::SO_RCVTIMEO,
        libc::SO_SNDTIMEO,
        libc::SO_KEEPALIVE,
        libc::SO_LINGER,
        libc::SO_REUSEADDR,
        libc::SO_BROADCAST,
    ];
    let tcp = [
        libc::TCP_NODELAY,
        libc::TCP_KEEPIDLE,
        libc::TCP_KEEPINTVL,
        libc::TCP_KEEPCNT,
        libc::TCP_USER_TIMEOUT,
        libc::TCP_QUICKACK,
        libc::TCP_CORK,
        libc::TCP_MAXSEG,
    ];
    let mut options = vec![
        vec![among(1, &[libc::SOL_SOCKET]), among(2, &general)],
        vec![among(1, &[libc::IPPROTO_TCP]), among(2, &tcp)],
    ];
    if needs.network != Network::None {
        let ip = [
            libc::IP_TTL,
            libc::IP_TOS,
            libc::IP_RECVERR,
            libc::IP_MTU_DISCOVER,
            libc::IP_MULTICAST_TTL,
            libc::IP_MULTICAST_LOOP,
            libc::IP_MULTICAST_IF,
            libc::IP_ADD_MEMBERSHIP,
            libc::IP_DROP_MEMBERSHIP,
        ];
        let ip6 = [
            libc::IPV6_V6ONLY,
            libc::IPV6_UNICAST_HOPS,
            libc::IPV6_RECVERR,
            libc::IPV6_MULTICAST_LOOP,
            libc::IPV6_MULTICAST_HOPS,
            libc::IPV6_MULTICAST_IF,
            libc::IPV6_ADD_MEMBERSHIP,
            libc::IPV6_DROP_MEMBERSHIP,
        ];
        options.push(vec![among(1, &[libc::IPPROTO_IP]), among(2, &ip)]);
        options.push(vec![among(1, &[libc::IPPROTO_IPV6]), among(2, &ip6)]);
    }
    rules.push(Rule::when(libc::SYS_getsockopt, options.clone()));
    rules.push(Rule::when(libc::SYS_setsockopt, options));
    if needs.network == Network::None {
        return;
    }
    let kind = |kind: i32| Check::Bits(1, !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) as u32, kind as u32);
    let family = || among(0, &[libc::AF_INET, libc::AF_INET6]);
    // MPTCP is another protocol, and no matter of Landlock.
    let mut ways = vec![vec![family(), kind(libc::SOCK_STREAM), among(2, &[0, libc::IPPROTO_TCP])]];
    rules.push(Rule::allow(libc::SYS_connect));
    // Not without own sockets: it can name another receiver, where no filter sees it.
    rules.push(Rule::when(libc::SYS_sendmsg, [vec![no_fast_open(2)]]));
    if needs.network == Network::All {
        ways.push(vec![family(), kind(libc::SOCK_DGRAM), among(2, &[0, libc::IPPROTO_UDP])]);
        // For UDP. TCP can't listen: Landlock refuses the port, and `listen` is not on the list.
        rules.push(Rule::allow(libc::SYS_bind));
        rules.push(Rule::when(libc::SYS_sendmmsg, [vec![no_fast_open(3)]]));
        rules.push(Rule::allow(libc::SYS_recvmmsg));
    }
    rules.push(Rule::when(libc::SYS_socket, ways));
}

/// Programs that a plugin starts by itself. They inherit all of this.
fn programs(needs: &Needs, rules: &mut Vec<Rule>) {
    rules.extend(FREE_PROGRAMS.iter().chain(FREE_PROGRAMS_OLD).map(|call| Rule::allow(*call)));
    // From its sixth ABI on, Landlock keeps signals among the plugin's own processes. Before, there are none.
    if needs.landlock >= 6 {
        rules.push(Rule::allow(libc::SYS_kill));
        rules.push(Rule::allow(libc::SYS_tgkill));
    }
}

/// The second filter, when the library is loaded: no new code, no further filters; without `paths`, no files by path.
pub(super) fn second(needs: &Needs, paths: bool) -> Filter {
    let executable = libc::PROT_EXEC as u32;
    let mut mapping = vec![vec![Check::Bits(2, executable, 0)]];
    if needs.subprocess {
        // The loader of a program that is started must still map libraries: files, and not writable.
        let from_file = Check::Bits(3, libc::MAP_ANONYMOUS as u32, 0);
        mapping.push(vec![Check::Bits(2, libc::PROT_WRITE as u32, 0), from_file]);
    }
    let unmapped = || vec![vec![Check::Bits(2, executable, 0)]];
    let naming = [libc::PR_SET_NAME, libc::PR_GET_NAME, PR_SET_VMA, libc::PR_GET_NO_NEW_PRIVS];
    let mut rules = vec![
        Rule::when(libc::SYS_mmap, mapping),
        Rule::when(libc::SYS_mprotect, unmapped()),
        Rule::when(libc::SYS_prctl, [vec![among(0, &naming)]]),
        Rule::refuse(libc::SYS_seccomp, EPERM),
    ];
    if !paths {
        let mut calls =
            vec![libc::SYS_openat, libc::SYS_mkdirat, libc::SYS_unlinkat, RENAMEAT, libc::SYS_renameat2];
        #[cfg(target_arch = "x86_64")]
        calls.extend([
            libc::SYS_open,
            libc::SYS_creat,
            libc::SYS_mkdir,
            libc::SYS_rmdir,
            libc::SYS_unlink,
            libc::SYS_rename,
        ]);
        rules.extend(calls.into_iter().map(|call| Rule::refuse(call, EPERM)));
    }
    compile(&rules, Verdict::Allow)
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;
