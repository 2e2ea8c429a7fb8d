//! What the process may use up, and what it may become: resource limits, no new privileges, no capabilities.

use std::io;

use super::calls::Needs;
use crate::assignment::HostLimits;
use crate::sandbox::LockError;

/// The stack of a thread that only shows whether it can be started, in bytes.
const TRIAL_STACK: usize = 64 << 10;

/// The real user of a host whose daemon is root. Root's processes are not counted; this user's are, and what may be
/// opened is decided by the effective user, who stays. (`access` alone asks about the real one.)
const COUNTED_USER: libc::uid_t = 65534;

fn step(step: &'static str) -> impl FnOnce(io::Error) -> LockError {
    move |source| LockError::Step { step, source }
}

fn done(result: libc::c_long) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sets the soft and the hard limit, to at most what the hard one is already. Says what it is now.
fn limit(resource: i32, wanted: u64) -> io::Result<u64> {
    let mut now = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: The kernel writes one `rlimit64`, to a place that holds one.
    done(unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource, std::ptr::null::<u8>(), &raw mut now) })?;
    let least = wanted.min(now.rlim_max);
    set(resource, least, least)?;
    Ok(least)
}

fn set(resource: i32, soft: u64, hard: u64) -> io::Result<()> {
    let new = libc::rlimit64 { rlim_cur: soft, rlim_max: hard };
    // SAFETY: The kernel reads one `rlimit64`.
    done(unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource, &raw const new, std::ptr::null::<u8>()) })
}

/// Sets all limits but that of threads.
pub(super) fn apply(limits: &HostLimits) -> Result<(), LockError> {
    let wanted = [
        (libc::RLIMIT_CORE as i32, 0),
        (libc::RLIMIT_NOFILE as i32, u64::from(limits.files)),
        (libc::RLIMIT_FSIZE as i32, limits.file_size),
        (libc::RLIMIT_AS as i32, limits.memory),
        (libc::RLIMIT_MEMLOCK as i32, 0),
        (libc::RLIMIT_MSGQUEUE as i32, 0),
        (libc::RLIMIT_RTPRIO as i32, 0),
        (libc::RLIMIT_NICE as i32, 0),
    ];
    for (resource, wanted) in wanted {
        limit(resource, wanted).map_err(step("setting its limits"))?;
    }
    // A file that would become too large is an error for the plugin, not its end.
    // SAFETY: No handler is installed, only the signal ignored.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    Ok(())
}

/// Limits the threads, and the processes of a plugin that may start some. `Err` says why they are not limited here.
///
/// The kernel counts them per user, across all of that user's processes; only in an own user namespace it counts those
/// of this process alone. A namespace that can't be made, as in some containers, leaves them unlimited.
///
/// Root's are counted for a host that starts no programs: on many kernels, these would run as the user who is counted, and
/// could not open the plugin's own folder.
pub(super) fn threads(most: u32, needs: &Needs) -> Result<(), String> {
    let not = |what: &str| format!("threads are not counted: {what}");
    // SAFETY: These only return numbers.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    if user == 0 && needs.subprocess {
        return Err(not("this is root, whose processes are not counted"));
    }
    if user == 0 {
        // SAFETY: Takes numbers; -1 leaves the effective and the saved user as they are.
        done(unsafe { libc::syscall(libc::SYS_setresuid, COUNTED_USER, -1, -1) })
            .map_err(|error| not(&format!("this is root, whose threads are not counted ({error})")))?;
    }
    // SAFETY: Changes what the kernel knows of this process, and no memory.
    done(unsafe { libc::syscall(libc::SYS_unshare, libc::c_long::from(libc::CLONE_NEWUSER)) })
        .map_err(|error| not(&format!("no user namespace can be made here ({error})")))?;
    if user != 0 {
        // So that it still sees its own numbers. It works without, and shows another user then.
        let map = |file: &str, text: &str| std::fs::write(format!("/proc/self/{file}"), text);
        let _ = map("setgroups", "deny")
            .and_then(|()| map("gid_map", &format!("{group} {group} 1")))
            .and_then(|()| map("uid_map", &format!("{user} {user} 1")));
    }
    let processes = libc::RLIMIT_NPROC as i32;
    let mut before = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: The kernel writes one `rlimit64`, to a place that holds one.
    done(unsafe {
        libc::syscall(libc::SYS_prlimit64, 0, processes, std::ptr::null::<u8>(), &raw mut before)
    })
    .map_err(|error| not(&error.to_string()))?;
    let most = u64::from(most.max(1)).min(before.rlim_max);
    // One thread is there: this one. A limit of one must keep a second from being started, and the real limit must not.
    set(processes, 1, before.rlim_max).map_err(|error| not(&error.to_string()))?;
    let beyond = can_start_a_thread();
    set(processes, most, before.rlim_max).map_err(|error| not(&error.to_string()))?;
    if beyond {
        return Err(not("the kernel exempts this process"));
    }
    // A kernel before 5.14 counts all processes of the user, whatever the namespace. Landlock's second ABI is younger.
    if needs.landlock < 2 && most > 1 && !can_start_a_thread() {
        let _ = set(processes, before.rlim_cur, before.rlim_max);
        return Err(not("this kernel counts all of the user's processes together"));
    }
    set(processes, most, most).map_err(|error| not(&error.to_string()))
}

fn can_start_a_thread() -> bool {
    let started = std::thread::Builder::new().stack_size(TRIAL_STACK).spawn(|| {});
    // It ends by itself; waiting for it keeps this process single-threaded.
    started.is_ok_and(|thread| thread.join().is_ok())
}

/// No privileges by `exec`, no capabilities in any set, no core dumps and no tracing by the same user.
pub(super) fn drop_privileges() -> Result<(), LockError> {
    let control = |option: i32, value: libc::c_ulong| {
        // SAFETY: These options take numbers alone.
        done(unsafe { libc::syscall(libc::SYS_prctl, option, value, 0_usize, 0_usize, 0_usize) })
    };
    control(libc::PR_SET_NO_NEW_PRIVS, 1).map_err(step("giving up new privileges"))?;
    // May fail where they are not there to be given up, as for an ordinary user: there is nothing to lose then.
    let _ = control(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong);
    let mut capability = 0;
    while control(libc::PR_CAPBSET_DROP, capability).is_ok() {
        capability += 1;
    }
    clear_capabilities().map_err(step("dropping its capabilities"))?;
    control(libc::PR_SET_DUMPABLE, 0).map_err(step("keeping others from tracing it"))
}

fn clear_capabilities() -> io::Result<()> {
    /// The version of the structs below, `_LINUX_CAPABILITY_VERSION_3`.
    const VERSION: u32 = 0x2008_0522;
    let header: [u32; 2] = [VERSION, 0];
    let none = [[0_u32; 3]; 2];
    // SAFETY: The kernel reads a header of two words and two sets of three words, which these are.
    done(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) })
}

/// Tries the limits from inside. `Err` names one that does not hold.
pub(super) fn tried(limits: &HostLimits) -> Result<(), String> {
    let past = libc::c_long::from(limits.files);
    // SAFETY: Duplicates a descriptor to a number that the limit forbids.
    let duplicate = unsafe { libc::syscall(libc::SYS_fcntl, 0_usize, libc::F_DUPFD, past) };
    if duplicate != -1 {
        // SAFETY: It was made here, and nobody else knows it.
        unsafe { libc::close(duplicate as i32) };
        return Err(format!("more than {past} files can be open"));
    }
    let length = usize::try_from(limits.memory).unwrap_or(usize::MAX / 2);
    // SAFETY: Maps new memory where the kernel wants it, without access.
    let mapped = unsafe {
        let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        libc::mmap(std::ptr::null_mut(), length, libc::PROT_NONE, private, -1, 0)
    };
    if mapped != libc::MAP_FAILED {
        // SAFETY: It was mapped above, and nobody else knows it.
        unsafe { libc::munmap(mapped, length) };
        return Err(format!("more than {} bytes of memory can be had", limits.memory));
    }
    let mut size = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: The kernel writes one `rlimit64`, to a place that holds one.
    let asked = unsafe {
        let null = std::ptr::null::<u8>();
        libc::syscall(libc::SYS_prlimit64, 0, libc::RLIMIT_FSIZE, null, &raw mut size)
    };
    if asked != 0 || size.rlim_max > limits.file_size {
        return Err(format!("files can be larger than {} bytes", limits.file_size));
    }
    Ok(())
}
