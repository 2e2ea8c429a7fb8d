/*
 * A hostile plugin: it tries every known way to do what it was not granted, and tells how each ended.
 *
 * Parameters: {"probe": NAME, "target": TEXT, "where": "call" | "thread" | "early"}. Early is a thread that a
 * constructor started, before the plugin was sealed. The answer is in the error text: "refused ERRNO" or "done NUMBER".
 *
 * Built with -DCONSTRUCTOR="\"TARGET\"", it runs all probes while it is loaded instead, and `where` is "constructor".
 * Built with -DPRETEND, its constructor installs a filter that pretends that later filters were installed.
 *
 * Never load it into a process that is not confined, unless that machine is thrown away afterwards.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "padgate_plugin.h"
#include "probes.h"

#define PROBES_MAX 400
#define TEXT_MAX 512

static const struct probe *const tables[] = {file_probes, socket_probes, process_probes, work_probes};

int said(long result) {
    return result == -1 ? -errno : (int)(result & 0x7fffffff);
}

static const struct probe *find(const char *name) {
    for (size_t table = 0; table < sizeof tables / sizeof *tables; table++)
        for (const struct probe *probe = tables[table]; probe->name; probe++)
            if (strcmp(probe->name, name) == 0)
                return probe;
    return NULL;
}

/* One request to a thread, and its answer. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const struct probe *probe;
    const char *target;
    int result, answered;
} early = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void *early_thread(void *unused) {
    (void)unused;
    pthread_mutex_lock(&early.lock);
    for (;;) {
        while (!early.probe)
            pthread_cond_wait(&early.changed, &early.lock);
        early.result = early.probe->run(early.target);
        early.probe = NULL;
        early.answered = 1;
        pthread_cond_broadcast(&early.changed);
    }
    return NULL;
}

static int on_early_thread(const struct probe *probe, const char *target) {
    pthread_mutex_lock(&early.lock);
    early.probe = probe;
    early.target = target;
    early.answered = 0;
    pthread_cond_broadcast(&early.changed);
    while (!early.answered)
        pthread_cond_wait(&early.changed, &early.lock);
    pthread_mutex_unlock(&early.lock);
    return early.result;
}

static void *new_thread(void *request) {
    *(int *)((void **)request)[2] =
        ((const struct probe *)((void **)request)[0])->run((const char *)((void **)request)[1]);
    return NULL;
}

static int on_new_thread(const struct probe *probe, const char *target) {
    int result = 0;
    void *request[] = {(void *)probe, (void *)target, &result};
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, new_thread, request);
    if (failed)
        return -failed;
    pthread_join(thread, NULL);
    return result;
}

/* What the constructor saw. */
static struct {
    const char *name;
    int result;
} seen[PROBES_MAX];
static int seen_count;

__attribute__((constructor)) static void loaded(void) {
    pthread_t thread;
#if defined(PRETEND)
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter))
        perror("pretending");
#elif defined(CONSTRUCTOR)
    (void)thread;
    for (size_t table = 0; table < 3; table++)
        for (const struct probe *probe = tables[table]; probe->name && seen_count < PROBES_MAX; probe++) {
            seen[seen_count].name = probe->name;
            seen[seen_count++].result = probe->run(CONSTRUCTOR);
        }
    return;
#endif
    pthread_create(&thread, NULL, early_thread, NULL);
}

static int in_constructor(const char *name) {
    for (int at = 0; at < seen_count; at++)
        if (strcmp(seen[at].name, name) == 0)
            return seen[at].result;
    return -ENODATA;
}

/* The value of one text among the parameters, which the test writes without escapes. */
static void member(struct PadgateText parameters, const char *name, char value[TEXT_MAX]) {
    char text[4096], key[32];
    size_t length = parameters.length < sizeof text - 1 ? parameters.length : sizeof text - 1;
    memcpy(text, parameters.data, length);
    text[length] = 0;
    value[0] = 0;
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *from = strstr(text, key);
    if (!from)
        return;
    from += strlen(key);
    size_t count = strcspn(from, "\"");
    if (count >= TEXT_MAX)
        count = TEXT_MAX - 1;
    memcpy(value, from, count);
    value[count] = 0;
}

static void release(struct PadgateBuffer *buffer) {
    free(buffer->data);
}

static int tell(struct PadgateBuffer *error, const char *text) {
    if (error) {
        error->data = (uint8_t *)strdup(text);
        error->length = strlen(text);
        error->release = release;
    }
    return PADGATE_FAILED;
}

static PadgateStatus prepare(void *instance, uint32_t handle, struct PadgateText action,
                             struct PadgateText parameters, struct PadgateBuffer *error) {
    (void)instance, (void)handle, (void)action;
    char name[TEXT_MAX], target[TEXT_MAX], where[TEXT_MAX], text[TEXT_MAX];
    member(parameters, "probe", name);
    member(parameters, "target", target);
    member(parameters, "where", where);
    const struct probe *probe = find(name);
    if (!probe)
        return tell(error, "no such probe");
    int result;
    if (strcmp(where, "constructor") == 0)
        result = in_constructor(name);
    else if (strcmp(where, "thread") == 0)
        result = on_new_thread(probe, target);
    else if (strcmp(where, "early") == 0)
        result = on_early_thread(probe, target);
    else
        result = probe->run(target);
    snprintf(text, sizeof text, result < 0 ? "refused %d" : "done %d", result < 0 ? -result : result);
    return tell(error, text);
}

static PadgateStatus execute(void *instance, uint32_t handle, const struct PadgateContext *context,
                             struct PadgateBuffer *error) {
    (void)instance, (void)handle, (void)context, (void)error;
    return PADGATE_OK;
}

static void *create(const struct PadgateHost *host, struct PadgateText state, struct PadgateBuffer *error) {
    (void)host, (void)state, (void)error;
    return &early;
}

static void destroy(void *instance) {
    (void)instance;
}

static const struct PadgatePlugin plugin = {
    .size = sizeof(struct PadgatePlugin),
    .abi = PADGATE_ABI_VERSION,
    .name = {(const uint8_t *)"escape", 6},
    .version = {(const uint8_t *)"0.1.0", 5},
    .create = create,
    .destroy = destroy,
    .prepare = prepare,
    .execute = execute,
};

PADGATE_EXPORT const struct PadgatePlugin *padgate_plugin_entry(void) {
    return &plugin;
}
