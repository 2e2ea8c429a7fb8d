/*
 * A plugin that does one small thing per call, and says in its log, or in the text of its failure, how that went: the
 * neighbour of plugins that misbehave, and the one whose grants, versions and state the tests change.
 *
 * The parameters are {"at":"...","how":"..."}:
 *   well              nothing
 *   count             counts; the count is saved, and given to the next version
 *   read, write       the file `at`, by itself
 *   connect           to `at`, HOST:PORT, through the daemon
 * Other things are refused when they are prepared.
 */
#define _GNU_SOURCE
#include <padgate_plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef NAME
#define NAME "steady"
#endif
#ifndef VERSION
#define VERSION "1.0.0"
#endif

#ifdef OTHERWISE
/* Another file that does the same. */
PADGATE_EXPORT const char padgate_otherwise[] = "otherwise";
#endif

#define HANDLES 64
#define TEXT 512

typedef struct Call {
    char how[TEXT];
    char at[TEXT];
} Call;

static const PadgateHost *host;
static const PadgateLog *logs;
static Call calls[HANDLES];
static unsigned long count;

static void released(PadgateBuffer *buffer) { free(buffer->data); }

static void say(PadgateBuffer *out, const char *text) {
    out->data = (uint8_t *)strdup(text);
    out->length = out->data ? strlen(text) : 0;
    out->release = released;
}

static void note(const char *text) { logs->write(host->context, PADGATE_LOG_INFO, padgate_text(text)); }

static void *create(const PadgateHost *the_host, PadgateText state, PadgateBuffer *error) {
    char text[TEXT] = "";
    host = the_host;
    logs = host->extension(host->context, padgate_text(PADGATE_LOG_EXTENSION));
#ifdef BAD
    say(error, "this version is no good");
    return NULL;
#endif
    (void)error;
    if (state.length && state.length < sizeof text) memcpy(text, state.data, state.length);
    count = strtoul(text, NULL, 10);
    snprintf(text, sizeof text, "version %s begins at %lu", VERSION, count);
    note(text);
    return &host;
}

static void destroy(void *instance) { (void)instance; }

static PadgateStatus save(void *instance, PadgateBuffer *state) {
    char text[32];
    (void)instance;
    snprintf(text, sizeof text, "%lu", count);
    say(state, text);
    return PADGATE_OK;
}

/* The value of a key of a flat object of texts without escapes. */
static void field(const char *json, const char *key, char *out) {
    char quoted[64];
    const char *value;
    snprintf(quoted, sizeof quoted, "\"%s\":\"", key);
    value = strstr(json, quoted);
    if (!value) return;
    value += strlen(quoted);
    snprintf(out, TEXT, "%.*s", (int)strcspn(value, "\""), value);
}

static PadgateStatus prepare(void *instance, uint32_t handle, PadgateText action, PadgateText parameters,
                             PadgateBuffer *error) {
    static const char *const known[] = {"well", "count", "read", "write", "connect"};
    char json[2 * TEXT] = "";
    size_t index;
    (void)instance;
    (void)action;
    if (handle >= HANDLES || parameters.length >= sizeof json) return PADGATE_FAILED;
    memcpy(json, parameters.data, parameters.length);
    memset(&calls[handle], 0, sizeof calls[handle]);
    field(json, "how", calls[handle].how);
    field(json, "at", calls[handle].at);
    for (index = 0; index < sizeof known / sizeof *known; index++) {
        if (!strcmp(calls[handle].how, known[index])) return PADGATE_OK;
    }
    say(error, "there is no such thing to do as that: well, count, read, write or connect");
    return PADGATE_INVALID;
}

/* Fails with what the system says of `what`. */
static PadgateStatus failed(const char *what, const char *at, PadgateBuffer *error) {
    char text[2 * TEXT];
    snprintf(text, sizeof text, "can't %s %s: %s", what, at, strerror(errno));
    say(error, text);
    return PADGATE_FAILED;
}

static PadgateStatus file(const Call *call, int flags, PadgateBuffer *error) {
    char byte = '!';
    int file = open(call->at, flags | O_CLOEXEC, 0600);
    ssize_t done;
    if (file < 0) return failed(call->how, call->at, error);
    done = flags == O_RDONLY ? read(file, &byte, 1) : write(file, &byte, 1);
    close(file);
    return done < 0 ? failed(call->how, call->at, error) : PADGATE_OK;
}

static PadgateStatus to_connect(const Call *call, PadgateBuffer *error) {
    const PadgateTcp *tcp = host->extension(host->context, padgate_text(PADGATE_TCP_EXTENSION));
    const char *colon = strrchr(call->at, ':');
    PadgateText name = {(const uint8_t *)call->at, colon ? (size_t)(colon - call->at) : 0};
    int socket = -1;
    PadgateStatus status = tcp->connect(host->context, name, (uint16_t)atoi(colon ? colon + 1 : "0"), 2000,
                                         &socket, error);
    if (status == PADGATE_OK) close(socket);
    return status;
}

static PadgateStatus execute(void *instance, uint32_t handle, const PadgateContext *context, PadgateBuffer *error) {
    const Call *call = &calls[handle < HANDLES ? handle : 0];
    char text[TEXT];
    (void)instance;
    (void)context;
    if (!strcmp(call->how, "read")) return file(call, O_RDONLY, error);
    if (!strcmp(call->how, "write")) return file(call, O_WRONLY | O_CREAT, error);
    if (!strcmp(call->how, "connect")) return to_connect(call, error);
    if (!strcmp(call->how, "count")) {
        snprintf(text, sizeof text, "version %s counts %lu", VERSION, ++count);
        note(text);
    }
    return PADGATE_OK;
}

static PadgatePlugin table = {
    .size = sizeof(PadgatePlugin),
    .abi = PADGATE_ABI_VERSION,
    .create = create,
    .destroy = destroy,
    .prepare = prepare,
    .execute = execute,
    .save = save,
};

PADGATE_EXPORT const PadgatePlugin *padgate_plugin_entry(void) {
    table.name = padgate_text(NAME);
    table.version = padgate_text(VERSION);
    return &table;
}
