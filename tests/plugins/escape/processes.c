/* Probes for programs, other processes, the kernel's rarer parts, code in memory, limits, and what was inherited. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/aio_abi.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif
#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61
#endif

#define NONE(name) static int name(const char *t)
#define CALL(name, ...) NONE(name) { (void)t; return said(syscall(__VA_ARGS__)); }

/* Whoever is a new process ends at once. */
static int as_child(long child) {
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid((pid_t)child, NULL, 0);
    return said(child);
}

NONE(fork_process) { (void)t; return as_child(fork()); }
NONE(clone_process) { (void)t; return as_child(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }
NONE(sibling) { (void)t; return as_child(syscall(SYS_clone, SIGCHLD | CLONE_PARENT, 0, 0, 0, 0)); }
NONE(clone_namespace) { (void)t; return as_child(syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER, 0, 0, 0, 0)); }

NONE(clone3) {
    (void)t;
    uint64_t arguments[8] = {[4] = SIGCHLD};
    return as_child(syscall(SYS_clone3, arguments, sizeof arguments));
}

#ifdef SYS_fork
NONE(raw_fork) { (void)t; return as_child(syscall(SYS_fork)); }
#else
NONE(raw_fork) { (void)t; errno = EPERM; return -EPERM; }
#endif

/* What `spawn` and `shell` tell: the exit code of what ran. */
static int spawned(char *const arguments[]) {
    pid_t child;
    char *environment[] = {NULL};
    int failed = posix_spawn(&child, arguments[0], NULL, NULL, arguments, environment), status = 0;
    if (failed)
        return -failed;
    if (waitpid(child, &status, 0) < 0)
        return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

NONE(spawn) { (void)t; return spawned((char *[]){"/bin/true", NULL}); }
NONE(shell) { return spawned((char *[]){"/bin/sh", "-c", (char *)t, NULL}); }
NONE(exec) { (void)t; return said(execl("/bin/true", "true", (char *)NULL)); }
NONE(exec_loader) { return said(execl("/lib64/ld-linux-x86-64.so.2", "ld.so", t, (char *)NULL)); }

NONE(exec_file) {
    char *arguments[] = {(char *)t, NULL}, *environment[] = {NULL};
    int file = open("/bin/true", O_RDONLY);
    int result = said(syscall(SYS_execveat, file < 0 ? AT_FDCWD : file, file < 0 ? t : "", arguments, environment,
                              file < 0 ? 0 : AT_EMPTY_PATH));
    if (file >= 0)
        close(file);
    return result;
}

NONE(memory_file) { (void)t; return said(memfd_create("escape", 0)); }
CALL(secret_memory, SYS_memfd_secret, 0)

NONE(trace_daemon) { (void)t; return said(ptrace(PTRACE_SEIZE, getppid(), 0, 0)); }
NONE(trace_me) { (void)t; return said(ptrace(PTRACE_TRACEME, 0, 0, 0)); }

NONE(read_daemon) {
    (void)t;
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
    return said(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
}

NONE(write_daemon) {
    (void)t;
    struct iovec none = {NULL, 0};
    return said(process_vm_writev(getppid(), &none, 0, &none, 0, 0));
}

NONE(signal_daemon) { (void)t; return said(kill(getppid(), 0)); }
NONE(signal_init) { (void)t; return said(kill(1, 0)); }
NONE(signal_all) { (void)t; return said(kill(-1, 0)); }
NONE(signal_group) { (void)t; return said(kill(-getpgid(getppid()), 0)); }
CALL(signal_thread, SYS_tkill, getppid(), 0)
CALL(signal_daemon_thread, SYS_tgkill, getppid(), getppid(), 0)

NONE(queue_signal) {
    (void)t;
    siginfo_t info = {.si_code = SI_QUEUE};
    return said(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info));
}

CALL(handle_daemon, SYS_pidfd_open, getppid(), 0)
CALL(signal_handle, SYS_pidfd_send_signal, 0, 0, NULL, 0)
CALL(steal_file, SYS_pidfd_getfd, 0, 0, 0)
CALL(advise_daemon, SYS_process_madvise, 0, NULL, 0, MADV_COLD, 0)
CALL(reap_daemon, SYS_process_mrelease, 0, 0)
CALL(compare_daemon, SYS_kcmp, getppid(), getpid(), 1, 0, 0)
CALL(move_pages, SYS_migrate_pages, getppid(), 0, NULL, NULL)
CALL(robust_list, SYS_get_robust_list, getppid(), &(void *){NULL}, &(size_t){0})

NONE(limit_daemon) {
    (void)t;
    struct rlimit now;
    return said(prlimit(getppid(), RLIMIT_NOFILE, NULL, &now));
}

NONE(raise_limit) {
    (void)t;
    struct rlimit now;
    getrlimit(RLIMIT_NOFILE, &now);
    return said(setrlimit(RLIMIT_NOFILE, &now));
}

NONE(slow_daemon) { (void)t; return said(setpriority(PRIO_PROCESS, (id_t)getppid(), 19)); }
CALL(slow_disk, SYS_ioprio_set, 1, getppid(), 3 << 13)

NONE(pin_daemon) {
    (void)t;
    cpu_set_t all;
    memset(&all, 0xff, sizeof all);
    return said(sched_setaffinity(getppid(), sizeof all, &all));
}

NONE(watch_daemon) {
    (void)t;
    cpu_set_t all;
    return said(sched_getaffinity(getppid(), sizeof all, &all));
}

NONE(idle_daemon) {
    (void)t;
    struct sched_param none = {0};
    return said(sched_setscheduler(getppid(), SCHED_BATCH, &none));
}

NONE(be_first) {
    (void)t;
    struct sched_param first = {1};
    return said(sched_setscheduler(0, SCHED_FIFO, &first));
}

CALL(attributes, SYS_sched_setattr, getppid(), NULL, 0)
NONE(own_group) { (void)t; return said(setpgid(0, 0)); }
NONE(own_session) { (void)t; return said(setsid()); }
NONE(daemon_group) { (void)t; return said(setpgid(0, getpgid(getppid()))); }
NONE(owner_of_signals) { (void)t; return said(fcntl(0, F_SETOWN, getppid())); }
NONE(outlive) { (void)t; return said(prctl(PR_SET_PDEATHSIG, 0)); }
NONE(dumpable) { (void)t; return said(prctl(PR_SET_DUMPABLE, 1)); }
NONE(tracer) { (void)t; return said(prctl(PR_SET_PTRACER, -1L)); }
NONE(reaper) { (void)t; return said(prctl(PR_SET_CHILD_SUBREAPER, 1)); }
NONE(trap_calls) { (void)t; return said(prctl(59, 0, 0, 0, 0)); }
NONE(move_maps) { (void)t; return said(prctl(PR_SET_MM, PR_SET_MM_BRK, 0, 0, 0)); }
NONE(old_personality) { (void)t; return said(personality(READ_IMPLIES_EXEC)); }
NONE(be_root) { (void)t; return said(setuid(0)); }
NONE(be_other) { (void)t; return said(setresuid(1, 1, 1)); }
NONE(groups) { (void)t; return said(setgroups(0, NULL)); }

NONE(capabilities) {
    (void)t;
    uint32_t header[2] = {0x20080522, 0}, all[6] = {1, 1, 0, 0, 0, 0};
    return said(syscall(SYS_capset, header, all));
}

CALL(new_user, SYS_unshare, CLONE_NEWUSER)
CALL(new_mounts, SYS_unshare, CLONE_NEWNS)
CALL(new_files, SYS_unshare, CLONE_FILES)
CALL(other_namespace, SYS_setns, 0, 0)
CALL(ring, SYS_io_uring_setup, 1, (char[256]){0})
CALL(old_ring, SYS_io_setup, 1, &(aio_context_t){0})
CALL(bpf, SYS_bpf, 0, (char[128]){0}, 128)
CALL(perf, SYS_perf_event_open, (char[128]){0}, 0, -1, -1, 0)
CALL(faults, SYS_userfaultfd, 1)
CALL(key, SYS_add_key, "user", "escape", "1", 1, -2)
CALL(keys, SYS_keyctl, 0, -3, 0)
CALL(ask_key, SYS_request_key, "user", "escape", NULL, 0)
NONE(shared_memory) { (void)t; return said(shmget(IPC_PRIVATE, 4096, 0600)); }
NONE(message_queue) { (void)t; return said(msgget(IPC_PRIVATE, 0600)); }
NONE(semaphores) { (void)t; return said(semget(IPC_PRIVATE, 1, 0600)); }
CALL(posix_queue, SYS_mq_open, "escape", O_CREAT | O_RDWR, 0600, NULL)
CALL(own_landlock, SYS_landlock_create_ruleset, NULL, 0, 1)
CALL(reboot_machine, SYS_reboot, 0, 0, 0, NULL)
CALL(name_machine, SYS_sethostname, "escaped", 7)
CALL(set_clock, SYS_clock_settime, -1, NULL)
CALL(adjust_clock, SYS_adjtimex, NULL)
CALL(load_module, SYS_init_module, NULL, 0, "")
CALL(accounting, SYS_acct, "/nowhere")
CALL(read_log, SYS_syslog, 10, NULL, 0)
CALL(swap, SYS_swapoff, "/nowhere")
CALL(lock_memory, SYS_mlockall, MCL_CURRENT)
CALL(hang_up, SYS_vhangup)
CALL(move_data, SYS_vmsplice, 1, NULL, 0, 0)
CALL(timer, SYS_timer_create, 0, NULL, &(int){0})
#ifdef SYS_modify_ldt
CALL(segments, SYS_modify_ldt, 0, (char[16]){0}, 16)
CALL(ports, SYS_iopl, 3)
#else
NONE(segments) { (void)t; return -EPERM; }
NONE(ports) { (void)t; return -EPERM; }
#endif

NONE(new_filter) {
    (void)t;
    return said(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, NULL));
}

NONE(listening_filter) {
    (void)t;
    return said(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, NULL));
}

NONE(more_privileges) { (void)t; return said(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }

NONE(terminal_input) {
    (void)t;
    char key = 'x';
    return said(syscall(SYS_ioctl, 0, 0x5412, &key));
}

/* Code that was not in the library. */
static int mapped(int protection, int flags, int file) {
    void *memory = mmap(NULL, 4096, protection, flags, file, 0);
    if (memory == MAP_FAILED)
        return -errno;
    munmap(memory, 4096);
    return 0;
}

NONE(code_memory) {
    (void)t;
    return mapped(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

NONE(code_later) {
    (void)t;
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int result = said(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
    munmap(memory, 4096);
    return result;
}

NONE(code_by_key) {
    (void)t;
    return said(syscall(SYS_pkey_mprotect, 0, 0, PROT_EXEC, -1));
}

NONE(code_from_file) {
    int file = open(t, O_RDONLY);
    if (file < 0)
        return -errno;
    int result = mapped(PROT_READ | PROT_EXEC, MAP_PRIVATE, file);
    close(file);
    return result;
}

/* Limits. `t` is a number. */
NONE(much_memory) {
    void *memory = mmap(NULL, strtoull(t, NULL, 10), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? -errno : 0;
}

NONE(many_files) {
    int files[4096], count = 0, most = atoi(t), result = 0;
    while (count < most && count < 4096) {
        files[count] = dup(1);
        if (files[count] < 0) {
            result = -errno;
            break;
        }
        count++;
    }
    while (count > 0)
        close(files[--count]);
    return result;
}

/* "NUMBER PATH" */
NONE(large_file) {
    const char *path = strchr(t, ' ');
    int file = open(path ? path + 1 : t, O_RDWR | O_CREAT, 0600);
    if (file < 0)
        return -errno;
    int result = said(ftruncate(file, strtoll(t, NULL, 10)));
    close(file);
    return result;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_at_gate(void *unused) {
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return unused;
}

NONE(many_threads) {
    pthread_t threads[256];
    int count = 0, most = atoi(t), failed = 0;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    pthread_mutex_lock(&gate);
    while (count < most && count < 256 && !failed) {
        failed = pthread_create(&threads[count], &small, wait_at_gate, NULL);
        count += !failed;
    }
    pthread_mutex_unlock(&gate);
    while (count > 0)
        pthread_join(threads[--count], NULL);
    return -failed;
}

/* What was inherited: the first variable's, or descriptor's, number from 3 on. */
extern char **environ;
NONE(environment) { (void)t; return environ && environ[0] ? 1 : -ENOENT; }

NONE(descriptors) {
    (void)t;
    for (int file = 3; file < 4096; file++)
        if (fcntl(file, F_GETFD) >= 0)
            return file;
    return -EBADF;
}

#define P(probe, name) {name, probe}
const struct probe process_probes[] = {
    P(fork_process, "fork"), P(raw_fork, "raw-fork"), P(clone_process, "clone-process"), P(sibling, "sibling"),
    P(clone_namespace, "clone-namespace"), P(clone3, "clone3"), P(spawn, "spawn"), P(shell, "shell"), P(exec, "exec"),
    P(exec_loader, "exec-loader"), P(exec_file, "execveat"), P(memory_file, "memfd"), P(secret_memory, "memfd-secret"),
    P(trace_daemon, "trace-daemon"), P(trace_me, "trace-me"), P(read_daemon, "read-daemon"),
    P(write_daemon, "write-daemon"), P(signal_daemon, "signal-daemon"), P(signal_init, "signal-init"),
    P(signal_all, "signal-all"), P(signal_group, "signal-group"), P(signal_thread, "tkill"),
    P(signal_daemon_thread, "tgkill"), P(queue_signal, "sigqueue"), P(handle_daemon, "pidfd-open"),
    P(signal_handle, "pidfd-signal"), P(steal_file, "pidfd-getfd"), P(advise_daemon, "process-madvise"),
    P(reap_daemon, "process-mrelease"), P(compare_daemon, "kcmp"), P(move_pages, "migrate-pages"),
    P(robust_list, "robust-list"), P(limit_daemon, "limit-daemon"), P(raise_limit, "raise-limit"),
    P(slow_daemon, "slow-daemon"), P(slow_disk, "slow-disk"), P(pin_daemon, "pin-daemon"),
    P(watch_daemon, "watch-daemon"), P(idle_daemon, "idle-daemon"), P(be_first, "be-first"),
    P(attributes, "sched-attributes"), P(own_group, "own-group"), P(own_session, "own-session"),
    P(daemon_group, "daemon-group"), P(owner_of_signals, "owner-of-signals"), P(outlive, "outlive"),
    P(dumpable, "dumpable"), P(tracer, "tracer"), P(reaper, "reaper"), P(trap_calls, "trap-calls"),
    P(move_maps, "move-maps"), P(old_personality, "personality"), P(be_root, "be-root"), P(be_other, "be-other"),
    P(groups, "groups"), P(capabilities, "capabilities"), P(new_user, "new-user"), P(new_mounts, "new-mounts"),
    P(new_files, "new-files"), P(other_namespace, "setns"), P(ring, "io-uring"), P(old_ring, "aio"), P(bpf, "bpf"),
    P(perf, "perf"), P(faults, "userfaultfd"), P(key, "add-key"), P(keys, "keyctl"), P(ask_key, "request-key"),
    P(shared_memory, "shared-memory"), P(message_queue, "message-queue"), P(semaphores, "semaphores"),
    P(posix_queue, "posix-queue"), P(own_landlock, "own-landlock"), P(reboot_machine, "reboot"),
    P(name_machine, "hostname"), P(set_clock, "set-clock"), P(adjust_clock, "adjust-clock"),
    P(load_module, "load-module"), P(accounting, "accounting"), P(read_log, "kernel-log"), P(swap, "swap"),
    P(lock_memory, "lock-memory"), P(hang_up, "hang-up"), P(move_data, "vmsplice"), P(timer, "timer"),
    P(segments, "segments"), P(ports, "io-ports"), P(new_filter, "new-filter"),
    P(listening_filter, "listening-filter"), P(more_privileges, "no-new-privileges"),
    P(terminal_input, "terminal-input"), P(code_memory, "code-memory"), P(code_later, "code-later"),
    P(code_by_key, "code-by-key"), P(code_from_file, "code-from-file"), P(much_memory, "much-memory"),
    P(many_files, "many-files"), P(large_file, "large-file"), P(many_threads, "many-threads"),
    P(environment, "environment"), P(descriptors, "descriptors"), {0},
};
