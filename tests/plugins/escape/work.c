/* What a plugin must be able to do, however little it was granted; and the one attempt that ends the process. */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "probes.h"

/* Goes on if it went well, and tells the errno if not. */
#define TRY(what) do { if ((long)(what) == -1L) return errno ? -errno : -EIO; } while (0)

static int heap(const char *t) {
    (void)t;
    for (size_t size = 16; size < 64u << 20; size *= 4) {
        char *memory = malloc(size);
        if (!memory)
            return -ENOMEM;
        memset(memory, 1, size);
        free(memory);
    }
    return 0;
}

static void *count_up(void *number) {
    __atomic_add_fetch((int *)number, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static int threads(const char *t) {
    (void)t;
    int number = 0;
    for (int round = 0; round < 20; round++) {
        pthread_t thread;
        int failed = pthread_create(&thread, NULL, count_up, &number);
        if (failed)
            return -failed;
        pthread_join(thread, NULL);
    }
    return number == 20 ? 0 : -EIO;
}

static int clocks(const char *t) {
    (void)t;
    struct timespec now, soon = {0, 1000000};
    time_t seconds = time(NULL);
    struct tm local;
    TRY(clock_gettime(CLOCK_MONOTONIC, &now));
    TRY(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now));
    TRY(nanosleep(&soon, NULL));
    TRY(clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, NULL) ? -1 : 0);
    tzset();
    return localtime_r(&seconds, &local) ? 0 : -EIO;
}

static int chance(const char *t) {
    (void)t;
    char bytes[64];
    TRY(getrandom(bytes, sizeof bytes, 0));
    int file = open("/dev/urandom", O_RDONLY);
    TRY(file);
    TRY(read(file, bytes, sizeof bytes));
    close(file);
    file = open("/dev/null", O_RDWR);
    TRY(file);
    TRY(write(file, bytes, sizeof bytes));
    return said(close(file));
}

static int printing(const char *t) {
    (void)t;
    fflush(stdout);
    TRY(write(2, "", 0));
    TRY(isatty(1));
    return 0;
}

static int waiting(const char *t) {
    (void)t;
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), poller = epoll_create1(EPOLL_CLOEXEC), files[2];
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct epoll_event wanted = {.events = EPOLLIN}, found;
    struct itimerspec soon = {.it_value = {0, 1000000}};
    uint64_t one = 1;
    TRY(event);
    TRY(poller);
    TRY(timer);
    TRY(pipe(files));
    TRY(epoll_ctl(poller, EPOLL_CTL_ADD, event, &wanted));
    TRY(write(event, &one, sizeof one));
    TRY(epoll_wait(poller, &found, 1, 1000) == 1 ? 0 : -1);
    TRY(timerfd_settime(timer, 0, &soon, NULL));
    TRY(read(timer, &one, sizeof one));
    TRY(write(files[1], &one, sizeof one));
    struct pollfd readable = {files[0], POLLIN, 0};
    TRY(poll(&readable, 1, 1000) == 1 ? 0 : -1);
    close(event), close(poller), close(timer), close(files[0]), close(files[1]);
    return 0;
}

/* `t` is a folder that may be written. */
static int write_folder(const char *t) {
    char one[1024], two[1024], sub[1024], text[8] = "";
    snprintf(one, sizeof one, "%s/one", t);
    snprintf(sub, sizeof sub, "%s/sub", t);
    snprintf(two, sizeof two, "%s/sub/two", t);
    FILE *file = fopen(one, "w");
    TRY(file ? 0 : -1);
    TRY(fputs("12345", file) < 0 || fflush(file) || fsync(fileno(file)) ? -1 : 0);
    TRY(flock(fileno(file), LOCK_EX));
    TRY(ftruncate(fileno(file), 3));
    TRY(fclose(file));
    TRY(mkdir(sub, 0700));
    TRY(rename(one, two));
    struct stat found;
    TRY(stat(two, &found));
    TRY(faccessat(AT_FDCWD, two, R_OK, AT_EACCESS));
    TRY(found.st_size == 3 ? 0 : -1);
    file = fopen(two, "r+");
    TRY(file ? 0 : -1);
    TRY(fread(text, 1, sizeof text, file) == 3 ? 0 : -1);
    TRY(fclose(file));
    DIR *folder = opendir(sub);
    TRY(folder ? 0 : -1);
    int count = 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    TRY(count == 3 ? 0 : -1);
    TRY(unlink(two));
    TRY(rmdir(sub));
    return 0;
}

/* A socket that was passed, on standard input. The other side sends back what it gets. */
static int passed_socket(const char *t) {
    (void)t;
    int on = 1;
    struct timeval second = {10, 0};
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    char text[5] = "";
    TRY(setsockopt(0, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    TRY(setsockopt(0, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second));
    TRY(getpeername(0, (struct sockaddr *)&peer, &length));
    length = sizeof peer;
    TRY(getsockname(0, (struct sockaddr *)&peer, &length));
    TRY(send(0, "he", 2, MSG_NOSIGNAL));
    TRY(write(0, "llo", 3));
    TRY(recv(0, text, 5, MSG_WAITALL) == 5 ? 0 : -1);
    return memcmp(text, "hello", 5) ? -EIO : 0;
}

/* Another architecture's way into the kernel. It ends the process, or the test has failed. */
static int old_gate(const char *t) {
    (void)t;
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
    return (int)result;
#else
    return -ENOSYS;
#endif
}

const struct probe work_probes[] = {
    {"heap", heap},
    {"threads", threads},
    {"clocks", clocks},
    {"chance", chance},
    {"printing", printing},
    {"waiting", waiting},
    {"write-folder", write_folder},
    {"passed-socket", passed_socket},
    {"old-gate", old_gate},
    {0},
};
