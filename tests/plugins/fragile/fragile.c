/*
 * A plugin for the demo and the benchmarks: the name of an action says what it does.
 */
#include <padgate_plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HANDLES 64

enum { WORK, CRASH, SNOOP };

static int actions[HANDLES];
static int *volatile nowhere;
static char secret[4096];
static char why[4096 + 128];

static void *create(const PadgateHost *host, PadgateText state, PadgateBuffer *error) {
    (void)state;
    (void)error;
    snprintf(secret, sizeof secret, "%.*s/secret", (int)host->home_folder.length, (const char *)host->home_folder.data);
    return actions;
}

static void destroy(void *instance) { (void)instance; }

static PadgateStatus prepare(void *instance, uint32_t handle, PadgateText action, PadgateText parameters,
                             PadgateBuffer *error) {
    (void)instance;
    (void)parameters;
    (void)error;
    if (handle >= HANDLES) {
        return PADGATE_LIMIT;
    }
    actions[handle] = padgate_text_is(action, "crash") ? CRASH : padgate_text_is(action, "snoop") ? SNOOP : WORK;
    return PADGATE_OK;
}

static PadgateStatus snoop(PadgateBuffer *error) {
    int file = open(secret, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        close(file);
        return PADGATE_OK;
    }
    snprintf(why, sizeof why, "~/secret can't be read: %s", strerror(errno));
    error->data = (uint8_t *)why;
    error->length = strlen(why);
    return PADGATE_FAILED;
}

static PadgateStatus execute(void *instance, uint32_t handle, const PadgateContext *context, PadgateBuffer *error) {
    (void)instance;
    (void)context;
    switch (handle < HANDLES ? actions[handle] : WORK) {
    case CRASH:
        *nowhere = 1;
        return PADGATE_OK;
    case SNOOP:
        return snoop(error);
    default:
        return PADGATE_OK;
    }
}

static const PadgatePlugin plugin = {
    .size = sizeof plugin,
    .abi = PADGATE_ABI_VERSION,
    .name = {(const uint8_t *)"fragile", 7},
    .version = {(const uint8_t *)"1.0.0", 5},
    .create = create,
    .destroy = destroy,
    .prepare = prepare,
    .execute = execute,
};

const PadgatePlugin *padgate_plugin_entry(void) { return &plugin; }
