/* Probes for files and folders: contents, names, metadata, links, and what the kernel shows as files. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "probes.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static int opened(const char *path, int flags) {
    int file = open(path, flags | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    close(file);
    return 0;
}

static int read_file(const char *t) { return opened(t, O_RDONLY); }
static int write_file(const char *t) { return opened(t, O_WRONLY); }
static int append_file(const char *t) { return opened(t, O_WRONLY | O_APPEND); }
static int empty_file(const char *t) { return opened(t, O_WRONLY | O_TRUNC); }
static int empty_by_reading(const char *t) { return opened(t, O_RDONLY | O_TRUNC); }
static int create_file(const char *t) { return opened(t, O_WRONLY | O_CREAT | O_EXCL); }
static int nameless_file(const char *t) { return opened(t, O_RDWR | O_TMPFILE); }
static int list_folder(const char *t) { return opened(t, O_RDONLY | O_DIRECTORY); }
static int open_for_nothing(const char *t) { return opened(t, 3); }
static int open_path(const char *t) { return opened(t, O_PATH); }

static int open_by_openat2(const char *t) {
    struct open_how how = {.flags = O_RDONLY};
    return said(syscall(SYS_openat2, AT_FDCWD, t, &how, sizeof how));
}

static int open_by_handle(const char *t) {
    struct {
        struct file_handle head;
        char bytes[128];
    } handle = {.head.handle_bytes = 128};
    int mount;
    if (name_to_handle_at(AT_FDCWD, t, &handle.head, &mount, 0))
        return -errno;
    return said(open_by_handle_at(AT_FDCWD, &handle.head, O_RDONLY));
}

static int truncate_file(const char *t) { return said(truncate(t, 0)); }
static int remove_file(const char *t) { return said(unlink(t)); }
static int remove_folder(const char *t) { return said(rmdir(t)); }
static int make_folder(const char *t) { return said(mkdir(t, 0700)); }

/* "FROM TO" */
static int two(const char *t, int (*run)(const char *, const char *)) {
    char from[1024];
    const char *space = strchr(t, ' ');
    snprintf(from, sizeof from, "%.*s", space ? (int)(space - t) : (int)strlen(t), t);
    return said(run(from, space ? space + 1 : "/tmp/padgate-escaped"));
}

static int exchange(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE);
}

static int rename_file(const char *t) { return two(t, rename); }
static int exchange_files(const char *t) { return two(t, exchange); }
static int link_file(const char *t) { return two(t, link); }
static int symlink_file(const char *t) { return two(t, symlink); }

static int make_fifo(const char *t) { return said(mkfifo(t, 0600)); }
static int make_device(const char *t) { return said(mknod(t, S_IFCHR | 0600, 0x103)); }
static int chmod_file(const char *t) { return said(chmod(t, 0777)); }
static int chmod_again(const char *t) { return said(syscall(SYS_fchmodat2, AT_FDCWD, t, 0777, 0)); }

/* A library can be read by every plugin: its descriptor must not be enough to change it. */
static int chmod_library(const char *t) {
    (void)t;
    Dl_info info;
    if (!dladdr((void *)open, &info))
        return -ENOENT;
    int file = open(info.dli_fname, O_RDONLY);
    if (file < 0)
        return -errno;
    struct stat now;
    int result = fstat(file, &now) ? -errno : said(fchmod(file, now.st_mode));
    close(file);
    return result;
}

static int chown_file(const char *t) { return said(chown(t, getuid(), getgid())); }
static int touch_file(const char *t) { return said(utimensat(AT_FDCWD, t, NULL, 0)); }
static int mark_file(const char *t) { return said(setxattr(t, "user.padgate", "1", 1, 0)); }
static int read_mark(const char *t) { return said(getxattr(t, "user.padgate", NULL, 0)); }

static int watch_file(const char *t) {
    int watch = inotify_init1(0);
    return watch < 0 ? -errno : said(inotify_add_watch(watch, t, IN_ALL_EVENTS));
}

static int watch_all(const char *t) {
    (void)t;
    return said(syscall(SYS_fanotify_init, 0, 0));
}

static int notify_file(const char *t) {
    (void)t;
    return said(fcntl(0, F_NOTIFY, DN_ACCESS));
}

static int read_link(const char *t) {
    char text[256];
    return said(readlink(t, text, sizeof text));
}

static int change_folder(const char *t) { return said(chdir(t)); }
static int change_root(const char *t) { return said(chroot(t)); }

static int file_system(const char *t) {
    struct statfs found;
    return said(statfs(t, &found));
}

/* Not stopped, and documented so. */
static int stat_file(const char *t) {
    struct stat found;
    return said(stat(t, &found));
}

static int mount_over(const char *t) { return said(mount("none", t, "tmpfs", 0, NULL)); }
static int unmount(const char *t) { return said(umount2(t, MNT_DETACH)); }
static int mount_new(const char *t) { return said(syscall(SYS_open_tree, AT_FDCWD, t, 1)); }

static int mount_context(const char *t) {
    (void)t;
    return said(syscall(SYS_fsopen, "tmpfs", 0));
}

/* What the kernel shows of the daemon, and of itself, as files. */
static int of_daemon(const char *name, int flags) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", getppid(), name);
    return opened(path, flags);
}

static int daemon_memory(const char *t) { (void)t; return of_daemon("mem", O_RDWR); }
static int daemon_environment(const char *t) { (void)t; return of_daemon("environ", O_RDONLY); }
static int daemon_files(const char *t) { (void)t; return of_daemon("fd", O_RDONLY); }
static int daemon_file(const char *t) { (void)t; return of_daemon("fd/0", O_RDONLY); }
static int daemon_root(const char *t) { (void)t; return of_daemon("root/etc/passwd", O_RDONLY); }
static int daemon_status(const char *t) { (void)t; return of_daemon("status", O_RDONLY); }
static int own_memory(const char *t) { (void)t; return opened("/proc/self/mem", O_RDWR); }
static int own_maps(const char *t) { (void)t; return opened("/proc/self/maps", O_RDONLY); }
static int passwords(const char *t) { (void)t; return opened("/etc/passwd", O_RDONLY); }
static int processes(const char *t) { (void)t; return opened("/proc", O_RDONLY); }
static int terminal(const char *t) { (void)t; return opened("/dev/ptmx", O_RDWR); }
static int kernel_log(const char *t) { (void)t; return opened("/proc/sys/kernel/hostname", O_RDWR); }
static int root_folder(const char *t) { (void)t; return opened("/", O_RDONLY); }

/* Code from elsewhere, when the plugin is loaded already. */
static int load_library(const char *t) {
    /* The loader says why in a text, and leaves any errno behind. */
    return dlopen(t, RTLD_NOW) ? 0 : -EACCES;
}

const struct probe file_probes[] = {
    {"read-file", read_file},
    {"write-file", write_file},
    {"append-file", append_file},
    {"empty-file", empty_file},
    {"empty-by-reading", empty_by_reading},
    {"create-file", create_file},
    {"nameless-file", nameless_file},
    {"list-folder", list_folder},
    {"open-for-nothing", open_for_nothing},
    {"open-path", open_path},
    {"openat2", open_by_openat2},
    {"open-by-handle", open_by_handle},
    {"truncate-file", truncate_file},
    {"remove-file", remove_file},
    {"remove-folder", remove_folder},
    {"make-folder", make_folder},
    {"rename", rename_file},
    {"exchange", exchange_files},
    {"link", link_file},
    {"symlink", symlink_file},
    {"make-fifo", make_fifo},
    {"make-device", make_device},
    {"chmod", chmod_file},
    {"fchmodat2", chmod_again},
    {"fchmod-library", chmod_library},
    {"chown", chown_file},
    {"touch", touch_file},
    {"setxattr", mark_file},
    {"getxattr", read_mark},
    {"inotify", watch_file},
    {"fanotify", watch_all},
    {"dnotify", notify_file},
    {"readlink", read_link},
    {"chdir", change_folder},
    {"chroot", change_root},
    {"statfs", file_system},
    {"stat", stat_file},
    {"mount", mount_over},
    {"umount", unmount},
    {"open-tree", mount_new},
    {"fsopen", mount_context},
    {"daemon-memory", daemon_memory},
    {"daemon-environment", daemon_environment},
    {"daemon-files", daemon_files},
    {"daemon-file", daemon_file},
    {"daemon-root", daemon_root},
    {"daemon-status", daemon_status},
    {"own-memory", own_memory},
    {"own-maps", own_maps},
    {"passwords", passwords},
    {"processes", processes},
    {"terminal", terminal},
    {"kernel-setting", kernel_log},
    {"root-folder", root_folder},
    {"load-library", load_library},
    {0},
};
