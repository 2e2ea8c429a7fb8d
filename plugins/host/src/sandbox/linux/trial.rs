//! Tries the lock-down from inside, before any code of the plugin runs: what must be refused is attempted, in a form
//! that does nothing if it is not refused. Only what was seen to be refused is called enforced.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use libc::{EACCES, ENOSYS, EPERM, c_long};

use super::calls::{Needs, Network};
use crate::assignment::{Assignment, Profile};
use crate::confinement::Enforced;

/// Files that could be opened before the lock-down, and are outside of everything that the plugin was granted.
pub(super) struct Outside {
    opened: Vec<(CString, i32)>,
}

fn open(path: &CString, flags: i32) -> Result<(), i32> {
    // SAFETY: The path ends with a zero, and the kernel only reads it.
    let opened = unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, 0o600) };
    if opened == -1 {
        return Err(io::Error::last_os_error().raw_os_error().unwrap_or(0));
    }
    // SAFETY: It was opened above, and nobody else knows it.
    unsafe { libc::close(opened) };
    Ok(())
}

impl Outside {
    /// Looks for such files. To be called before the lock-down, with what the system needs open.
    pub(super) fn find(assignment: &Assignment, profile: &Profile, system: &[PathBuf]) -> Outside {
        let resolved = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let mut writable: Vec<PathBuf> = profile.write.iter().map(|path| resolved(path)).collect();
        writable.push(resolved(&assignment.data_folder));
        let mut readable: Vec<PathBuf> = profile.read.iter().map(|path| resolved(path)).collect();
        // The system's are not resolved: a folder that is one by another name would be reported as open, not hidden.
        readable.extend(system.iter().cloned());
        readable.push(resolved(&assignment.library));
        let granted = |path: &Path, granted: &[PathBuf]| {
            let path = resolved(path);
            granted.iter().any(|grant| path.starts_with(grant))
        };
        let home = &assignment.home_folder;
        let parent = assignment.data_folder.parent().unwrap_or(Path::new("/"));
        let own = std::env::current_exe().unwrap_or_default();
        let reads =
            [Path::new("/"), home, parent, &own, Path::new("/etc/passwd"), Path::new("/proc/self/status")];
        let writes = [home, parent, Path::new("/tmp"), Path::new("/dev/shm")];
        let mut opened = Vec::new();
        for path in reads {
            if !granted(path, &readable) && !granted(path, &writable) {
                opened.push((path, libc::O_RDONLY));
            }
        }
        for path in writes {
            if !granted(path, &writable) {
                // A file without a name: it leaves nothing behind.
                opened.push((path, libc::O_TMPFILE | libc::O_RDWR));
            }
        }
        let opened = opened
            .into_iter()
            .filter_map(|(path, flags)| Some((CString::new(path.as_os_str().as_bytes()).ok()?, flags)))
            .filter(|(path, flags)| open(path, *flags).is_ok())
            .collect();
        Outside { opened }
    }

    /// Whether all of them are refused now.
    fn refused(&self) -> Result<(), String> {
        for (path, flags) in &self.opened {
            match open(path, *flags) {
                Err(EACCES) => {}
                Ok(()) => return Err(format!("{} can be opened", path.to_string_lossy())),
                Err(other) => {
                    let error = io::Error::from_raw_os_error(other);
                    return Err(format!("opening {} was not refused, but: {error}", path.to_string_lossy()));
                }
            }
        }
        Ok(())
    }
}

/// A call that does nothing even if it is not refused, and the error that refuses it.
struct Attempt(&'static str, c_long, [usize; 4], i32);

fn attempt(Attempt(name, call, [a, b, c, d], expected): &Attempt) -> Result<(), String> {
    // SAFETY: Every attempt passes null or numbers where the kernel takes pointers, and is one that changes nothing.
    let result = unsafe { libc::syscall(*call, *a, *b, *c, *d, 0_usize, 0_usize) };
    let error = io::Error::last_os_error();
    if result == -1 && error.raw_os_error() == Some(*expected) {
        return Ok(());
    }
    let found = if result == -1 { error.to_string() } else { "it was done".to_owned() };
    Err(format!("{name} was not refused ({found})"))
}

fn attempts(all: &[Attempt]) -> Result<(), String> {
    all.iter().try_for_each(attempt)
}

const BAD: usize = usize::MAX;

/// Files and folders.
pub(super) fn files(needs: &Needs, outside: &Outside) -> Enforced {
    if needs.landlock == 0 {
        return Enforced::Not(
            "this kernel has no Landlock, or it is not switched on (Linux 5.13 and newer have it; see \
             /sys/kernel/security/lsm): the plugin can open every file that you can"
                .to_owned(),
        );
    }
    let metadata = [
        Attempt("chmod", libc::SYS_fchmodat, [BAD, 0, 0, 0], EPERM),
        Attempt("chmod of a descriptor", libc::SYS_fchmod, [BAD, 0, 0, 0], EPERM),
        Attempt("chown", libc::SYS_fchownat, [BAD, 0, BAD, BAD], EPERM),
        Attempt("changing times", libc::SYS_utimensat, [BAD, 0, 0, BAD], EPERM),
        Attempt("extended attributes", libc::SYS_setxattr, [0, 0, 0, 0], EPERM),
        Attempt("truncate", libc::SYS_truncate, [0, 0, 0, 0], EPERM),
        Attempt("linking", libc::SYS_linkat, [BAD, 0, BAD, 0], EPERM),
        Attempt("a symbolic link", libc::SYS_symlinkat, [0, BAD, 0, 0], EPERM),
        Attempt("a device", libc::SYS_mknodat, [BAD, 0, 0, 0], EPERM),
        Attempt("watching", libc::SYS_inotify_init1, [BAD, 0, 0, 0], EPERM),
        Attempt("openat2", libc::SYS_openat2, [BAD, 0, 0, 0], ENOSYS),
    ];
    match outside.refused().and_then(|()| attempts(&metadata)) {
        Ok(()) => Enforced::Fully,
        Err(why) => Enforced::Not(why),
    }
}

/// Sockets.
pub(super) fn network(needs: &Needs, ports: Option<&[u16]>) -> Enforced {
    let socket = |name, family: i32, kind: i32, protocol: usize| {
        Attempt(name, libc::SYS_socket, [family as usize, kind as usize, protocol, 0], EPERM)
    };
    let mut all = vec![
        socket("a local socket", libc::AF_UNIX, libc::SOCK_STREAM, 0),
        socket("a local datagram socket", libc::AF_UNIX, libc::SOCK_DGRAM, 0),
        socket("a netlink socket", libc::AF_NETLINK, libc::SOCK_RAW, 0),
        socket("a raw socket", libc::AF_INET, libc::SOCK_RAW, 1),
        socket("MPTCP", libc::AF_INET, libc::SOCK_STREAM, 262),
        socket("a machine's socket", libc::AF_VSOCK, libc::SOCK_STREAM, 0),
        Attempt("a pair of sockets", libc::SYS_socketpair, [1, 1, 0, 0], EPERM),
        Attempt("listening", libc::SYS_listen, [BAD, 0, 0, 0], EPERM),
    ];
    if needs.network != Network::All {
        all.push(socket("UDP", libc::AF_INET, libc::SOCK_DGRAM, 0));
        all.push(socket("UDP over IPv6", libc::AF_INET6, libc::SOCK_DGRAM, 0));
    }
    if needs.network == Network::None {
        all.push(socket("TCP", libc::AF_INET, libc::SOCK_STREAM, 0));
        all.push(socket("TCP over IPv6", libc::AF_INET6, libc::SOCK_STREAM, 0));
        all.push(Attempt("connecting", libc::SYS_connect, [BAD, 0, 0, 0], EPERM));
    }
    if let Err(why) = attempts(&all) {
        return Enforced::Not(why);
    }
    match ports {
        Some(ports) if !ports.is_empty() => only_ports(needs, ports),
        _ => Enforced::Fully,
    }
}

/// Whether TCP reaches no other port: tried with one on this machine, which is not reached if it is refused.
fn only_ports(needs: &Needs, ports: &[u16]) -> Enforced {
    if needs.landlock < 4 {
        return Enforced::Partly(
            "this kernel can't limit TCP to ports (Linux 6.7 and newer can): the plugin reaches every port"
                .to_owned(),
        );
    }
    let Some(other) = (1..u16::MAX).find(|port| !ports.contains(port)) else { return Enforced::Fully };
    match std::net::TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, other)) {
        Err(error) if error.raw_os_error() == Some(EACCES) => Enforced::Fully,
        Err(error) => Enforced::Not(format!("port {other} was not refused, but: {error}")),
        Ok(_) => Enforced::Not(format!("port {other} can be reached")),
    }
}

/// Starting programs.
pub(super) fn programs(needs: &Needs) -> Enforced {
    let mut all = vec![
        Attempt("clone3", libc::SYS_clone3, [0, 0, 0, 0], ENOSYS),
        Attempt("a file in memory", libc::SYS_memfd_create, [0, BAD, 0, 0], EPERM),
        Attempt("execveat", libc::SYS_execveat, [BAD, 0, 0, 0], EPERM),
        // Threads that share no memory do not exist, so that nothing is started even without the filter.
        Attempt(
            "a new namespace",
            libc::SYS_clone,
            [(libc::CLONE_NEWUSER | libc::CLONE_FS) as usize, 0, 0, 0],
            EPERM,
        ),
    ];
    if !needs.subprocess {
        all.push(Attempt("a new process", libc::SYS_clone, [libc::CLONE_SIGHAND as usize, 0, 0, 0], EPERM));
        all.push(Attempt("execve", libc::SYS_execve, [0, 0, 0, 0], EPERM));
    }
    match attempts(&all) {
        Ok(()) => Enforced::Fully,
        Err(why) => Enforced::Not(why),
    }
}

/// Other processes, the daemon above all, and the kernel's rarer parts.
pub(super) fn processes(_needs: &Needs) -> Enforced {
    let parent = std::os::unix::process::parent_id() as usize;
    let attach = libc::PTRACE_SEIZE as usize;
    let all = [
        Attempt("a signal to the daemon", libc::SYS_kill, [parent, 0, 0, 0], EPERM),
        Attempt("tracing", libc::SYS_ptrace, [attach, BAD, 0, 0], EPERM),
        Attempt("reading the daemon's memory", libc::SYS_process_vm_readv, [parent, 0, 0, 0], EPERM),
        Attempt("writing the daemon's memory", libc::SYS_process_vm_writev, [parent, 0, 0, 0], EPERM),
        Attempt("the daemon's limits", libc::SYS_prlimit64, [parent, 7, 0, 0], EPERM),
        Attempt("the daemon's processors", libc::SYS_sched_setaffinity, [parent, 0, 0, 0], EPERM),
        Attempt("the daemon's priority", libc::SYS_setpriority, [99, parent, 0, 0], EPERM),
        Attempt("a handle of the daemon", libc::SYS_pidfd_open, [parent, BAD, 0, 0], EPERM),
        Attempt("io_uring", libc::SYS_io_uring_setup, [0, 0, 0, 0], EPERM),
        Attempt("userfaultfd", libc::SYS_userfaultfd, [BAD, 0, 0, 0], EPERM),
        Attempt("keys", libc::SYS_keyctl, [BAD, 0, 0, 0], EPERM),
        Attempt("namespaces", libc::SYS_unshare, [BAD, 0, 0, 0], EPERM),
        Attempt("another namespace", libc::SYS_setns, [BAD, 0, 0, 0], EPERM),
        Attempt("shared memory", libc::SYS_shmget, [0, 0, 0, 0], EPERM),
    ];
    match attempts(&all) {
        Ok(()) => Enforced::Fully,
        Err(why) => Enforced::Not(why),
    }
}

/// Whether the second filter holds: no new code, and no new filter.
pub(super) fn sealed() -> Result<(), String> {
    let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
    let code = (libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC) as usize;
    attempts(&[
        Attempt("memory for code", libc::SYS_mmap, [0, 4096, code, flags], EPERM),
        Attempt("turning memory into code", libc::SYS_mprotect, [0, 0, code, 0], EPERM),
        Attempt("a further filter", libc::SYS_seccomp, [1, 1, 0, 0], EPERM),
    ])
}
