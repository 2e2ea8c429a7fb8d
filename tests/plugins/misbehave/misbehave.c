/*
 * A plugin that misbehaves on command: the parameter "how" of a call says how. With macros it misbehaves before it is
 * called: in its constructor, in `create`, in its table.
 */
#define _GNU_SOURCE
#include <padgate_plugin.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef NAME
#define NAME "misbehave"
#endif
#ifndef VERSION
#define VERSION "1.0.0"
#endif
/* What its table says instead. */
#ifndef LIES_NAME
#define LIES_NAME NAME
#endif
#ifndef LIES_VERSION
#define LIES_VERSION VERSION
#endif

#define HANDLES 64

static const PadgateHost *host;
static const PadgateLog *logs;
static char hows[HANDLES][256];
static char report[4096];

static void hang(void) {
    for (;;) pause();
}

static void *burn(void *nothing) {
    for (volatile unsigned long turns = 0;; turns++) {}
    return nothing;
}

static void burn_in_background(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, burn, NULL) == 0) pthread_detach(thread);
}

/* Sends bytes to whatever takes them: one of the descriptors is the link. */
static void send_everywhere(const void *bytes, size_t length) {
    for (int descriptor = 3; descriptor < 64; descriptor++) {
        if (send(descriptor, bytes, length, MSG_NOSIGNAL) < 0) (void)!write(descriptor, bytes, length);
    }
}

/* A signal would be refused; this is what a bug does. */
static void crash(void) {
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
}

__attribute__((constructor)) static void constructor(void) {
#ifdef CONSTRUCTOR_ABORTS
    abort();
#endif
#ifdef CONSTRUCTOR_EXITS
    exit(0);
#endif
#ifdef CONSTRUCTOR_HANGS
    hang();
#endif
#ifdef CONSTRUCTOR_BURNS
    burn_in_background();
#endif
#ifdef CONSTRUCTOR_FORGES
    /* A frame that says that the plugin is ready, as the host would, but before the last filter is in force. */
    static const unsigned char header[32] = {'P', 'g', 33, 0, [16] = 1, [20] = 22};
    unsigned char frame[32 + 22];
    memcpy(frame, header, 32);
    memcpy(frame + 32, "\011\0\0\0misbehave\005\0\0\0" "1.0.0", 22);
    send_everywhere(frame, sizeof frame);
    hang();
#endif
}

static void released(PadgateBuffer *buffer) { free(buffer->data); }

static void say(PadgateBuffer *out, const char *text) {
    out->length = strlen(text);
    out->data = malloc(out->length + 1);
    if (!out->data) {
        out->length = 0;
        return;
    }
    memcpy(out->data, text, out->length + 1);
    out->release = released;
}

static void *create(const PadgateHost *the_host, PadgateText state, PadgateBuffer *error) {
    (void)state;
    (void)error;
    host = the_host;
    logs = host->extension(host->context, padgate_text(PADGATE_LOG_EXTENSION));
#ifdef CREATE_HANGS
    hang();
#endif
#ifdef CREATE_CRASHES
    crash();
#endif
    return &host;
}

static void destroy(void *instance) {
    (void)instance;
#ifdef DESTROY_HANGS
    hang();
#endif
}

/* The parameters are {"how":"..."}. */
static PadgateStatus prepare(void *instance, uint32_t handle, PadgateText action, PadgateText parameters,
                             PadgateBuffer *error) {
    (void)instance;
    (void)action;
    char text[256] = "";
    size_t length = parameters.length < sizeof text - 1 ? parameters.length : sizeof text - 1;
    memcpy(text, parameters.data, length);
    char *how = strstr(text, ":\"");
    if (!how || handle >= HANDLES) {
        say(error, "\"how\" is missing");
        return PADGATE_INVALID;
    }
    how += 2;
    how[strcspn(how, "\"")] = 0;
    if (!strcmp(how, "prepare-hangs")) hang();
    if (!strcmp(how, "prepare-crashes")) crash();
    if (!strcmp(how, "prepare-fails")) {
        say(error, "there is no such scene");
        return PADGATE_FAILED;
    }
    strcpy(hows[handle], how);
    return PADGATE_OK;
}

static void flood_log(void) {
    for (;;) logs->write(host->context, PADGATE_LOG_INFO, padgate_text("again and again"));
}

/* Allocates and touches until nothing is left, and says how much it got. */
static PadgateStatus allocate(PadgateBuffer *error) {
    size_t got = 0, piece = 1 << 20;
    static char *pieces[1 << 16];
    size_t count = 0;
    while (count < sizeof pieces / sizeof *pieces && (pieces[count] = malloc(piece))) {
        memset(pieces[count++], 1, piece);
        got += piece;
    }
    while (count) free(pieces[--count]);
    snprintf(report, sizeof report, "got %zu MiB", got >> 20);
    say(error, report);
    return PADGATE_FAILED;
}

/* Asks for something that it may not, as often as it can, and does not wait for answers. */
static void flood_asks(void) {
    static const unsigned char ask[] = {'P', 'g', 37, 0, [16] = 1, [20] = 16, [32] = 6, 5, 0, 0, 0, 'h', 'o', 's', 't', 's',
                                        80, 0, 232, 3, 0, 0};
    unsigned char frame[48];
    memcpy(frame, ask, sizeof frame);
    for (uint32_t number = 1;; number++) {
        memcpy(frame + 4, &number, 4);
        send_everywhere(frame, sizeof frame);
    }
}

/* Tries to become another file than the one that was verified. */
static PadgateStatus change_itself(PadgateBuffer *error) {
    Dl_info self;
    if (!dladdr((void *)(uintptr_t)change_itself, &self)) return PADGATE_FAILED;
    chmod(self.dli_fname, 0777);
    unlink(self.dli_fname);
    int file = open(self.dli_fname, O_WRONLY);
    snprintf(report, sizeof report, "%s to %s: %s", file < 0 ? "can't write" : "wrote", self.dli_fname, strerror(errno));
    say(error, report);
    return PADGATE_FAILED;
}

static void *wait_for_ever(void *nothing) {
    hang();
    return nothing;
}

/* Starts threads until no more can be had, and says how many it got. */
static PadgateStatus threads(PadgateBuffer *error) {
    unsigned count = 0;
    pthread_t thread;
    while (count < 100000 && pthread_create(&thread, NULL, wait_for_ever, NULL) == 0) count++;
    snprintf(report, sizeof report, "got %u threads", count);
    say(error, report);
    return PADGATE_FAILED;
}

static PadgateStatus execute(void *instance, uint32_t handle, const PadgateContext *context, PadgateBuffer *error) {
    (void)instance;
    (void)context;
    const char *how = handle < HANDLES ? hows[handle] : "";
    if (!strcmp(how, "well")) return PADGATE_OK;
    if (!strcmp(how, "hang")) hang();
    if (!strcmp(how, "burn")) burn(NULL);
    if (!strcmp(how, "burn-later")) {
        burn_in_background();
        return PADGATE_OK;
    }
    if (!strcmp(how, "abort")) abort();
    if (!strcmp(how, "crash")) crash();
    if (!strcmp(how, "exit")) exit(0);
    if (!strcmp(how, "_exit")) _exit(5);
    if (!strcmp(how, "system-call")) {
        /* Forbidden, and not fatal: it fails. */
        snprintf(report, sizeof report, "socket: %s", socket(AF_INET, SOCK_STREAM, 0) < 0 ? strerror(errno) : "made");
        say(error, report);
        return PADGATE_FAILED;
    }
    if (!strcmp(how, "ignore-signals")) {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        signal(SIGTERM, SIG_IGN);
        hang();
    }
    if (!strcmp(how, "close")) {
        for (int descriptor = 0; descriptor < 1024; descriptor++) close(descriptor);
        hang();
    }
    if (!strcmp(how, "garbage")) {
        send_everywhere("this is no frame", 16);
        hang();
    }
    if (!strcmp(how, "forged-result")) {
        static const unsigned char frame[32] = {'P', 'g', 36, 0, 0xff, 0xff, 0xff, 0x7f, [16] = 1};
        send_everywhere(frame, sizeof frame);
        hang();
    }
    if (!strcmp(how, "oversized")) {
        static char large[100 * 1024];
        send_everywhere(large, sizeof large);
        hang();
    }
    if (!strcmp(how, "forged-generation")) {
        static const unsigned char frame[32] = {'P', 'g', 36, 0, 0xff, 0xff, 0xff, 0x7f, [16] = 77};
        send_everywhere(frame, sizeof frame);
        hang();
    }
    if (!strcmp(how, "flood-asks")) flood_asks();
    if (!strcmp(how, "change-itself")) return change_itself(error);
    if (!strcmp(how, "flood-log")) flood_log();
    if (!strcmp(how, "flood-print")) {
        for (;;) printf("again and again\n");
    }
    if (!strcmp(how, "allocate")) return allocate(error);
    if (!strcmp(how, "threads")) return threads(error);
    if (!strcmp(how, "odd-status")) return 12345;
    if (!strcmp(how, "escape-codes")) {
        say(error, "\033[2J\033]0;title\007done");
        return PADGATE_FAILED;
    }
    if (!strcmp(how, "long-text")) {
        memset(report, 'x', sizeof report - 1);
        say(error, report);
        return PADGATE_FAILED;
    }
    say(error, "it does not know how");
    return PADGATE_INVALID;
}

static PadgatePlugin table = {
#ifdef SHORT_TABLE
    .size = 8,
#else
    .size = sizeof(PadgatePlugin),
#endif
#ifdef WRONG_ABI
    .abi = 999,
#else
    .abi = PADGATE_ABI_VERSION,
#endif
    .create = create,
    .destroy = destroy,
    .prepare = prepare,
#ifndef NULL_EXECUTE
    .execute = execute,
#endif
};

const PadgatePlugin *padgate_plugin_entry(void) {
    table.name = padgate_text(LIES_NAME);
    table.version = padgate_text(LIES_VERSION);
#ifdef NULL_TABLE
    return NULL;
#else
    return &table;
#endif
}
