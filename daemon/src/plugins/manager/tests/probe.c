/*
 * A plugin for the tests of the manager: NAME and VERSION are what it says to be, and with CRASH it dies as soon as it is
 * loaded. With STUBBORN it does not end when it is asked to.
 */
#include <padgate_plugin.h>

#include <stdlib.h>
#include <unistd.h>

#ifdef CRASH
__attribute__((constructor)) static void constructor(void) { abort(); }
#endif

static char instance;

static void *create(const PadgateHost *host, PadgateText state, PadgateBuffer *error) {
    (void)host, (void)state, (void)error;
    return &instance;
}

static void destroy(void *it) {
    (void)it;
#ifdef STUBBORN
    for (;;) pause();
#endif
}

static PadgateStatus prepare(void *it, uint32_t handle, PadgateText action, PadgateText parameters, PadgateBuffer *error) {
    (void)it, (void)handle, (void)action, (void)parameters, (void)error;
    return PADGATE_OK;
}

static PadgateStatus execute(void *it, uint32_t handle, const PadgateContext *context, PadgateBuffer *error) {
    (void)it, (void)handle, (void)context, (void)error;
    return PADGATE_OK;
}

const PadgatePlugin *padgate_plugin_entry(void) {
    static PadgatePlugin table = {.size = sizeof table,
                                  .abi = PADGATE_ABI_VERSION,
                                  .create = create,
                                  .destroy = destroy,
                                  .prepare = prepare,
                                  .execute = execute};
    table.name = padgate_text(NAME);
    table.version = padgate_text(VERSION);
    return &table;
}
