/*
 * padgate_plugin.h: what a plugin of Padgate is written against.
 *
 * Generated; do not edit.
 *
 * The binary interface between a plugin and the process that runs it.
 *
 * A plugin is a shared library that exports one function, `padgate_plugin_entry`, which returns a `PadgatePlugin`: a table
 * of functions that lives as long as the library. The other way, a plugin gets a `PadgateHost`, and from it further
 * tables by name (`log`, `midi`, …).
 *
 * Rules:
 *
 * - Every table begins with its own size in bytes. A newer version only appends; whoever reads a table looks at its
 *   size before it looks at anything that was not in version 1.
 * - `PadgatePlugin.abi` must equal `PADGATE_ABI_VERSION`. What does not fit into that is a new version of an extension,
 *   under another name.
 * - Text is UTF-8, with a length and without a zero at its end (`PadgateText`). A text or buffer that is passed to a
 *   function is valid until the function returns.
 * - Memory is freed by whoever allocated it (`PadgateBuffer`).
 * - Functions return a `PadgateStatus`; 0 is success, and further details are text.
 * - No exception, panic or `longjmp` may leave a function.
 * - The functions of `PadgatePlugin` are called one at a time, on the thread that loaded the library. The functions
 *   of the host may be called from any thread; they may wait for the daemon.
 */

#ifndef PADGATE_PLUGIN_H
#define PADGATE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What makes a function visible to Padgate. */
#if defined(_WIN32)
#define PADGATE_EXPORT __declspec(dllexport)
#else
#define PADGATE_EXPORT __attribute__((visibility("default")))
#endif

/* The name of the one exported function; it is declared at the end of this file. */
#define PADGATE_ENTRY_SYMBOL "padgate_plugin_entry"

/* The names of the host's extensions, for PadgateHost.extension. */

// Extension `padgate.log/1`: lines for the plugin's log (`padgate plugin logs`). Needs no capability.
#define PADGATE_LOG_EXTENSION "padgate.log/1"

// Extension `padgate.timer/1`: one timer, which brings `PADGATE_EVENT_TIMER`. Needs no capability.
#define PADGATE_TIMER_EXTENSION "padgate.timer/1"

// Extension `padgate.midi/1`: MIDI through the daemon. Needs the capability `midi`.
#define PADGATE_MIDI_EXTENSION "padgate.midi/1"

// Extension `padgate.audio/1`: sounds and volumes, through the daemon. Needs the capability `audio`.
#define PADGATE_AUDIO_EXTENSION "padgate.audio/1"

// Extension `padgate.http/1`: HTTP requests, made by the daemon. Needs the capability `network` for the host and port of
// the URL. Redirects are followed only to hosts that are granted as well.
#define PADGATE_HTTP_EXTENSION "padgate.http/1"

// Extension `padgate.tcp/1`: connected TCP sockets. Needs the capability `network` for the host and port.
#define PADGATE_TCP_EXTENSION "padgate.tcp/1"

// Extension `padgate.udp/1`: datagrams, sent by the daemon. Needs the capability `network` for the host and port.
#define PADGATE_UDP_EXTENSION "padgate.udp/1"

// Extension `padgate.process/1`: programs, run by the daemon outside the sandbox with a clean environment. Needs the
// capability `subprocess` for the program.
#define PADGATE_PROCESS_EXTENSION "padgate.process/1"

// Extension `padgate.system/1`: the desktop, through the daemon. Needs the capability `system-control`.
#define PADGATE_SYSTEM_EXTENSION "padgate.system/1"

// The version of the ABI. A plugin and a host fit if theirs are equal.
#define PADGATE_ABI_VERSION 1

// The most parameters that one `prepare` is given, in bytes of JSON.
#define PADGATE_PARAMETERS_BYTES_MAX (48 * 1024)

// The largest state that is kept across a reload, in bytes.
#define PADGATE_STATE_BYTES_MAX (48 * 1024)

// The press was a tap: no release will be told.
#define PADGATE_PHASE_TAP 0

// The press will be followed by a release.
#define PADGATE_PHASE_PRESS 1

// The release of an earlier press.
#define PADGATE_PHASE_RELEASE 2

// A control with a position moved.
#define PADGATE_PHASE_CHANGE 3

// No value of an 8-bit member that can be missing.
#define PADGATE_NONE 255

// A timer that the plugin set has run out.
#define PADGATE_EVENT_TIMER 1

// A device that the plugin listens to sent something.
#define PADGATE_EVENT_MIDI 2

// The volume is set to the value, 0 to 1.5.
#define PADGATE_VOLUME_TO 0

// The value, -1 to 1, is added to the volume.
#define PADGATE_VOLUME_BY 1

// Muted if the value is not 0, else unmuted.
#define PADGATE_VOLUME_MUTE 2

// Something that only the author wants to know.
#define PADGATE_LOG_DEBUG 0

// Something worth a line.
#define PADGATE_LOG_INFO 1

// Something that may be wrong.
#define PADGATE_LOG_WARN 2

// Something that is wrong.
#define PADGATE_LOG_ERROR 3

// Does a media key: the text is `play-pause`, `play`, `pause`, `stop`, `next` or `previous`.
#define PADGATE_SYSTEM_MEDIA 0

// Shows a notification: the text, with its first line as the title if it has several.
#define PADGATE_SYSTEM_NOTIFY 1

// Sets the brightness of the screen: the text is a percentage, `70%`, or a change, `+10%`.
#define PADGATE_SYSTEM_BRIGHTNESS 2

// Opens a URL. Needs the capability `network` for its host as well.
#define PADGATE_SYSTEM_OPEN 3

// Presses and releases keys: the text is written as in a configuration, `ctrl+shift+r`.
#define PADGATE_SYSTEM_KEYS 4

// Types the text.
#define PADGATE_SYSTEM_TYPE 5

// How a function ended.
typedef int32_t PadgateStatus;

// A text: UTF-8, no zero at the end. A null pointer goes with length 0.
typedef struct PadgateText {
    // The first byte.
    const uint8_t *data;
    // How many bytes.
    size_t length;
} PadgateText;

// What a plugin gets of the process that runs it.
typedef struct PadgateHost {
    // Size of this table in bytes.
    uint32_t size;
    // `PADGATE_ABI_VERSION`.
    uint16_t abi;
    // Zero.
    uint16_t reserved;
    // To be passed to every function of the host and of its extensions.
    void *context;
    // The table of an extension by its name (`padgate.midi/1`); null if this host has none such. It lives as long as
    // the host.
    const void *(*extension)(void *context, struct PadgateText name);
    // The folder that the plugin may always read and write, an absolute path.
    struct PadgateText data_folder;
    // The user's home folder, for paths that begin with `~`.
    struct PadgateText home_folder;
} PadgateHost;

// Bytes that the other side allocated, and frees when `release` is called.
typedef struct PadgateBuffer {
    // The first byte; may be null if `length` is 0.
    uint8_t *data;
    // How many bytes.
    size_t length;
    // What the owner wants to remember.
    void *owner;
    // Frees it; null if there is nothing to free. Called once, with this buffer.
    void (*release)(struct PadgateBuffer*);
} PadgateBuffer;

// What a call knows of the press that caused it: 64 bytes, the same on every platform.
typedef struct PadgateContext {
    // Counts presses since the daemon started; a release has the number of its press.
    uint64_t press;
    // When the message that decided it was received, in nanoseconds of the system's monotonic clock.
    uint64_t received_ns;
    // When the call must have ended, on the same clock; past it the process is killed.
    uint64_t deadline_ns;
    // The shaped value, 0 to 1; for a press, the shaped velocity.
    double value;
    // Numbers the device, for as long as the daemon runs.
    uint32_t device;
    // The control's own value: 0 to 127, or to 16383.
    uint16_t raw;
    // Ticks of an encoder, positive to the right; else 0.
    int16_t ticks;
    // One of `PADGATE_PHASE_…`.
    uint8_t phase;
    // MIDI channel, 0 to 15, or `PADGATE_NONE`.
    uint8_t channel;
    // The note, 0 to 127, if the control is a note, else `PADGATE_NONE`.
    uint8_t note;
    // The controller's number, 0 to 127, if the control is one, else `PADGATE_NONE`.
    uint8_t controller;
    // The bytes of the MIDI message that decided it.
    uint8_t message[3];
    // How many of them; 0 if it was a System Exclusive.
    uint8_t message_length;
    // Zero.
    uint8_t reserved[16];
} PadgateContext;

// Something that happened between calls.
typedef struct PadgateEvent {
    // Size of this table in bytes.
    uint32_t size;
    // One of `PADGATE_EVENT_…`. What a plugin does not know, it ignores.
    uint32_t kind;
    // When, in nanoseconds of the system's monotonic clock.
    uint64_t time_ns;
    // For MIDI: the bytes of one message.
    struct PadgateText data;
    // For MIDI: the device's name.
    struct PadgateText device;
} PadgateEvent;

// What a plugin is.
typedef struct PadgatePlugin {
    // Size of this table in bytes.
    uint32_t size;
    // `PADGATE_ABI_VERSION`.
    uint16_t abi;
    // Zero.
    uint16_t reserved;
    // The plugin's name, as in its manifest.
    struct PadgateText name;
    // Its version, as in its manifest.
    struct PadgateText version;
    // Makes the one instance. `state` is what an earlier version saved, or empty. `host` lives until `destroy` has
    // returned. On failure it returns null, and puts a text into `error`, which the host releases.
    void *(*create)(const struct PadgateHost *host, struct PadgateText state, struct PadgateBuffer *error);
    // Ends the instance. Not called if the process is killed.
    void (*destroy)(void *instance);
    // Takes the parameters of one call, as a JSON object, and keeps what they mean under `handle`, which the host
    // chose (a small number, reused after `forget`). Called when the configuration is loaded. On failure it puts a
    // text into `error`, which the host releases.
    PadgateStatus (*prepare)(void *instance,
                             uint32_t handle,
                             struct PadgateText action,
                             struct PadgateText parameters,
                             struct PadgateBuffer *error);
    // Forgets what was prepared under `handle`. May be null.
    void (*forget)(void *instance, uint32_t handle);
    // Does what was prepared under `handle`. On failure it may put a text into `error`.
    PadgateStatus (*execute)(void *instance,
                             uint32_t handle,
                             const struct PadgateContext *context,
                             struct PadgateBuffer *error);
    // Something happened. May be null.
    void (*event)(void *instance, const struct PadgateEvent *event);
    // Puts into `state` what the next version, or the next start, is to be given; at most `PADGATE_STATE_BYTES_MAX`. May be
    // null.
    PadgateStatus (*save)(void *instance, struct PadgateBuffer *state);
    // A further table of the plugin by its name; null for a name that it does not know. May be null.
    const void *(*extension)(struct PadgateText name);
} PadgatePlugin;

// The type of the exported function. May return null, which is an error.
typedef const struct PadgatePlugin *(*PadgateEntry)(void);

// The table.
typedef struct PadgateLog {
    // Size of this table in bytes.
    uint32_t size;
    // Writes a line. Returns at once; too many lines in a second are left out, and counted.
    void (*write)(void *context, uint32_t level, struct PadgateText text);
} PadgateLog;

// The table.
typedef struct PadgateTimer {
    // Size of this table in bytes.
    uint32_t size;
    // Sets the timer to run out once, at this time of the system's monotonic clock in nanoseconds; 0 takes it back.
    // Setting it again replaces it. A time that is over runs out at once.
    PadgateStatus (*set)(void *context, uint64_t at_ns);
} PadgateTimer;

// The table. `error` may be null; else it gets a text on failure, which the caller releases.
typedef struct PadgateMidi {
    // Size of this table in bytes.
    uint32_t size;
    // Sends one complete message, or System Exclusive, to the device with this name (empty: `Padgate Out`), at `at_ns`
    // of the system's monotonic clock; 0 is now. What sounds when the plugin ends is released by the daemon.
    PadgateStatus (*send)(void *context,
                          struct PadgateText device,
                          struct PadgateText message,
                          uint64_t at_ns,
                          struct PadgateBuffer *error);
    // Takes back all messages whose time has not come, except the releases of notes that sound: these are sent now.
    PadgateStatus (*cancel)(void *context);
    // From now on, messages of the device with this name come as events.
    PadgateStatus (*listen)(void *context, struct PadgateText device, struct PadgateBuffer *error);
} PadgateMidi;

// The table. `error` may be null; else it gets a text on failure, which the caller releases.
typedef struct PadgateAudio {
    // Size of this table in bytes.
    uint32_t size;
    // Plays a WAV file of the plugin's own data folder or of a folder that it may read, with a gain of 0 to 1. Returns
    // when it has begun.
    PadgateStatus (*play)(void *context, struct PadgateText path, double gain, struct PadgateBuffer *error);
    // Changes the volume of the sound output whose name fits the pattern (empty: the default output).
    PadgateStatus (*volume)(void *context,
                            struct PadgateText output,
                            uint32_t change,
                            double value,
                            struct PadgateBuffer *error);
} PadgateAudio;

// One header.
typedef struct PadgateHeader {
    // Its name.
    struct PadgateText name;
    // Its value.
    struct PadgateText value;
} PadgateHeader;

// What is asked for.
typedef struct PadgateHttpRequest {
    // Size of this table in bytes.
    uint32_t size;
    // The longest that it may take, in milliseconds; 0: as long as the call may.
    uint32_t timeout_ms;
    // `GET`, `POST`, ….
    struct PadgateText method;
    // The URL, `http` or `https`.
    struct PadgateText url;
    // The first header.
    const struct PadgateHeader *headers;
    // How many headers.
    size_t header_count;
    // The body, up to 48 KiB.
    struct PadgateText body;
} PadgateHttpRequest;

// The table.
typedef struct PadgateHttp {
    // Size of this table in bytes.
    uint32_t size;
    // Makes the request and waits. On success `code` is the HTTP status, and `body` the beginning of the answer, up to
    // 48 KiB, which the caller releases; on failure `body` is a text that says why. An answer with a status of 400 or
    // more is a success here.
    PadgateStatus (*request)(void *context,
                             const struct PadgateHttpRequest *request,
                             uint16_t *code,
                             struct PadgateBuffer *body);
} PadgateHttp;

// The table.
typedef struct PadgateTcp {
    // Size of this table in bytes.
    uint32_t size;
    // Resolves, checks and connects in the daemon, and waits for it. On success `socket` is the descriptor of a
    // connected, blocking socket, which the plugin owns; on failure `error` gets a text, which the caller releases.
    // It can be read, written, shut down and closed, and nothing else.
    PadgateStatus (*connect)(void *context,
                             struct PadgateText host,
                             uint16_t port,
                             uint32_t timeout_ms,
                             int32_t *socket,
                             struct PadgateBuffer *error);
} PadgateTcp;

// The table.
typedef struct PadgateUdp {
    // Size of this table in bytes.
    uint32_t size;
    // Sends one datagram of up to 48 KiB. Returns when it was handed to the system, which promises nothing; what is
    // answered can't be received. `error` may be null; else it gets a text on failure, which the caller releases.
    PadgateStatus (*send)(void *context,
                          struct PadgateText host,
                          uint16_t port,
                          struct PadgateText data,
                          struct PadgateBuffer *error);
} PadgateUdp;

// The table.
typedef struct PadgateProcess {
    // Size of this table in bytes.
    uint32_t size;
    // Runs a program with these arguments (the program itself is not among them) and this standard input. With
    // `timeout_ms` 0 it is started and left alone, `code` is 0 and `output` empty. Else it is waited for, and killed
    // when it takes longer; `code` is its exit code (or 128 + the signal that ended it), and `output` the beginning of
    // what it wrote to standard output and standard error, up to 48 KiB. On failure `output` is a text that says why.
    PadgateStatus (*run)(void *context,
                         struct PadgateText program,
                         const struct PadgateText *arguments,
                         size_t argument_count,
                         struct PadgateText input,
                         uint32_t timeout_ms,
                         int32_t *code,
                         struct PadgateBuffer *output);
} PadgateProcess;

// The table. `error` may be null; else it gets a text on failure, which the caller releases.
typedef struct PadgateSystem {
    // Size of this table in bytes.
    uint32_t size;
    // Does one of `PADGATE_SYSTEM_…`. Returns when it has been handed on.
    PadgateStatus (*perform)(void *context,
                             uint32_t what,
                             struct PadgateText text,
                             struct PadgateBuffer *error);
} PadgateSystem;

// It was done.
#define PADGATE_OK 0

// It failed; a text says why.
#define PADGATE_FAILED 1

// The user has not granted it; a text says what would allow it.
#define PADGATE_REFUSED 2

// It can't be done now: no such device, no server, no network.
#define PADGATE_UNAVAILABLE 3

// The caller passed something impossible.
#define PADGATE_INVALID 4

// It took too long.
#define PADGATE_TIMEOUT 5

// Too much of it at once; a text says how much is allowed.
#define PADGATE_LIMIT 6

// The plugin panicked; a text says where.
#define PADGATE_PANICKED (-100)

/* The one function that a plugin defines with this name. */
#ifdef __cplusplus
extern "C" {
#endif
PADGATE_EXPORT const PadgatePlugin *padgate_plugin_entry(void);
#ifdef __cplusplus
}
#endif

/* A text of Padgate from a text of C, which must live as long. Null is the empty text. */
static inline PadgateText padgate_text(const char *text) {
    PadgateText result;
    result.data = (const uint8_t *)text;
    result.length = text ? strlen(text) : 0;
    return result;
}

/* 1 if a text of Padgate and a text of C are the same, else 0. */
static inline int padgate_text_is(PadgateText text, const char *other) {
    return text.length == strlen(other) && (text.length == 0 || memcmp(text.data, other, text.length) == 0);
}

/* Lets the owner of a buffer free it. Harmless if there is nothing to free, and the second time. */
static inline void padgate_release(PadgateBuffer *buffer) {
    void (*release)(PadgateBuffer *) = buffer->release;
    buffer->release = 0;
    if (release) {
        release(buffer);
    }
}

#endif /* PADGATE_PLUGIN_H */
