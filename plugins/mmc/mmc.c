/* MIDI Machine Control for Padgate: transport commands for a DAW, recorder or tape machine.
 *
 * Written in C, with nothing but padgate_plugin.h, to show how a plugin without the Rust SDK looks. It is the whole
 * plugin: a table of functions, one prepared message per handle, and a System Exclusive that is sent when a pad is hit.
 *
 * The messages are those of the MIDI Machine Control 1.0 specification: F0 7F <device> 06 <command> ... F7.
 *
 *   cc -std=c99 -O2 -fPIC -shared -I plugins/abi/include plugins/mmc/mmc.c -o libmmc.so
 */
#include "padgate_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest name of a device, in bytes; and the longest message: locate has 13 bytes. */
#define DEVICE_MAX 256
#define MESSAGE_MAX 16

/* What one mapping wants, ready to be sent. */
typedef struct {
  char device[DEVICE_MAX];
  size_t device_length;
  uint8_t message[MESSAGE_MAX];
  size_t message_length;
} Prepared;

typedef struct {
  const PadgateHost *host;
  const PadgateMidi *midi;
  Prepared **prepared; /* by handle; NULL where there is none */
  size_t count;
} Mmc;

typedef struct {
  const char *name;
  uint8_t code;
} Command;

static const Command commands[] = {
    {"stop", 0x01},   {"play", 0x02},        {"deferred-play", 0x03}, {"fast-forward", 0x04},
    {"rewind", 0x05}, {"record", 0x06},      {"record-exit", 0x07},   {"record-pause", 0x08},
    {"pause", 0x09},  {"eject", 0x0A},       {"reset", 0x0D},
};

static PadgateText text_of(const char *from) {
  PadgateText text;
  text.data = (const uint8_t *)from;
  text.length = strlen(from);
  return text;
}

static int is(PadgateText text, const char *word) {
  return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

/* Errors are allocated here and freed here, whenever the host has read them. */
static void free_error(PadgateBuffer *buffer) { free(buffer->data); }

static PadgateStatus fail(PadgateBuffer *error, PadgateStatus status, const char *format, const char *what) {
  char line[512];
  int length = snprintf(line, sizeof line, format, what);
  if (error != NULL && length > 0) {
    size_t bytes = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    error->data = malloc(bytes);
    if (error->data != NULL) {
      memcpy(error->data, line, bytes);
      error->length = bytes;
      error->release = free_error;
    }
  }
  return status;
}

/* ---- Parameters: a flat JSON object of texts and whole numbers, which is all that the manifest allows. ---- */

typedef struct {
  char name[32];
  char text[DEVICE_MAX];
  size_t length;
} Member;

static const char *skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

/* Appends one character as UTF-8; half surrogates become the replacement character. */
static size_t put_utf8(char *into, unsigned code) {
  if (code >= 0xD800 && code <= 0xDFFF) code = 0xFFFD;
  if (code < 0x80) {
    into[0] = (char)code;
    return 1;
  }
  if (code < 0x800) {
    into[0] = (char)(0xC0 | code >> 6);
    into[1] = (char)(0x80 | (code & 0x3F));
    return 2;
  }
  into[0] = (char)(0xE0 | code >> 12);
  into[1] = (char)(0x80 | (code >> 6 & 0x3F));
  into[2] = (char)(0x80 | (code & 0x3F));
  return 3;
}

/* Reads a JSON string into `into`; returns what follows it, or NULL. */
static const char *read_text(const char *at, const char *end, char *into, size_t size, size_t *length) {
  if (at >= end || *at != '"') return NULL;
  *length = 0;
  for (at++; at < end && *at != '"'; at++) {
    if (*length + 4 >= size) return NULL;
    if (*at != '\\') {
      into[(*length)++] = *at;
      continue;
    }
    if (++at >= end) return NULL;
    switch (*at) {
      case 'n': into[(*length)++] = '\n'; break;
      case 't': into[(*length)++] = '\t'; break;
      case 'r': into[(*length)++] = '\r'; break;
      case 'b': into[(*length)++] = '\b'; break;
      case 'f': into[(*length)++] = '\f'; break;
      case 'u': {
        char digits[5] = {0};
        char *stop;
        if (end - at < 5) return NULL;
        memcpy(digits, at + 1, 4);
        unsigned long code = strtoul(digits, &stop, 16);
        if (stop != digits + 4) return NULL;
        *length += put_utf8(into + *length, (unsigned)code);
        at += 4;
        break;
      }
      default: into[(*length)++] = *at;
    }
  }
  if (at >= end) return NULL;
  into[*length] = '\0';
  return at + 1;
}

/* Reads one `"name": value`; returns what follows it, or NULL. */
static const char *read_member(const char *at, const char *end, Member *member) {
  size_t name_length;
  at = read_text(skip_space(at, end), end, member->name, sizeof member->name, &name_length);
  if (at == NULL) return NULL;
  at = skip_space(at, end);
  if (at >= end || *at != ':') return NULL;
  at = skip_space(at + 1, end);
  if (at < end && *at == '"') return read_text(at, end, member->text, sizeof member->text, &member->length);
  member->length = 0;
  while (at < end && (*at == '-' || (*at >= '0' && *at <= '9'))) {
    if (member->length + 1 >= sizeof member->text) return NULL;
    member->text[member->length++] = *at++;
  }
  member->text[member->length] = '\0';
  return member->length > 0 ? at : NULL;
}

typedef struct {
  char command[32];
  char time[32];
  long id;
} Wanted;

static int copy_word(char *into, size_t size, const Member *member) {
  if (member->length >= size) return 0;
  memcpy(into, member->text, member->length + 1);
  return 1;
}

static int read_parameters(PadgateText json, Wanted *wanted, Prepared *prepared) {
  const char *at = (const char *)json.data, *end = at + json.length;
  Member member;
  at = skip_space(at, end);
  if (at >= end || *at++ != '{') return 0;
  at = skip_space(at, end);
  if (at < end && *at == '}') return 1;
  for (;;) {
    at = read_member(at, end, &member);
    if (at == NULL) return 0;
    if (strcmp(member.name, "command") == 0) {
      if (!copy_word(wanted->command, sizeof wanted->command, &member)) return 0;
    } else if (strcmp(member.name, "time") == 0) {
      if (!copy_word(wanted->time, sizeof wanted->time, &member)) return 0;
    } else if (strcmp(member.name, "id") == 0) {
      wanted->id = strtol(member.text, NULL, 10);
    } else if (strcmp(member.name, "to") == 0) {
      memcpy(prepared->device, member.text, member.length);
      prepared->device_length = member.length;
    }
    at = skip_space(at, end);
    if (at < end && *at == ',') {
      at++;
      continue;
    }
    return at < end && *at == '}';
  }
}

/* ---- Messages ---- */

static void begin_message(Prepared *prepared, long id) {
  const uint8_t head[] = {0xF0, 0x7F, (uint8_t)id, 0x06};
  memcpy(prepared->message, head, sizeof head);
  prepared->message_length = sizeof head;
}

static void put(Prepared *prepared, unsigned byte) { prepared->message[prepared->message_length++] = (uint8_t)byte; }

static PadgateStatus make_transport(const Wanted *wanted, Prepared *prepared, PadgateBuffer *error) {
  size_t at;
  for (at = 0; at < sizeof commands / sizeof commands[0]; at++) {
    if (strcmp(wanted->command, commands[at].name) == 0) {
      begin_message(prepared, wanted->id);
      put(prepared, commands[at].code);
      put(prepared, 0xF7);
      return PADGATE_OK;
    }
  }
  return fail(error, PADGATE_INVALID, "there is no command \"%s\"", wanted->command);
}

static PadgateStatus make_locate(const Wanted *wanted, Prepared *prepared, PadgateBuffer *error) {
  unsigned hours, minutes, seconds, frames;
  char rest;
  int fields = sscanf(wanted->time, "%2u:%2u:%2u:%2u%c", &hours, &minutes, &seconds, &frames, &rest);
  if (fields != 4 || hours > 23 || minutes > 59 || seconds > 59 || frames > 29)
    return fail(error, PADGATE_INVALID,
                "\"%s\" is no time: write hours:minutes:seconds:frames, for example 00:01:30:00", wanted->time);
  begin_message(prepared, wanted->id);
  put(prepared, 0x44); /* LOCATE */
  put(prepared, 0x06); /* six bytes follow */
  put(prepared, 0x01); /* to a target */
  put(prepared, 0x60 | hours); /* 30 frames a second, non-drop */
  put(prepared, minutes);
  put(prepared, seconds);
  put(prepared, frames);
  put(prepared, 0x00); /* no subframes */
  put(prepared, 0xF7);
  return PADGATE_OK;
}

/* ---- The table ---- */

static void *create(const PadgateHost *host, PadgateText state, PadgateBuffer *error) {
  Mmc *mmc;
  (void)state;
  mmc = calloc(1, sizeof *mmc);
  if (mmc == NULL) {
    fail(error, PADGATE_FAILED, "out of memory%s", "");
    return NULL;
  }
  mmc->host = host;
  mmc->midi = host->extension(host->context, text_of(PADGATE_MIDI_EXTENSION));
  if (mmc->midi == NULL) {
    fail(error, PADGATE_UNAVAILABLE, "this Padgate has no %s", PADGATE_MIDI_EXTENSION);
    free(mmc);
    return NULL;
  }
  return mmc;
}

static void forget(void *instance, uint32_t handle) {
  Mmc *mmc = instance;
  if (handle < mmc->count) {
    free(mmc->prepared[handle]);
    mmc->prepared[handle] = NULL;
  }
}

static void destroy(void *instance) {
  Mmc *mmc = instance;
  uint32_t handle;
  for (handle = 0; handle < mmc->count; handle++) forget(mmc, handle);
  free(mmc->prepared);
  free(mmc);
}

/* Makes room for `handle`. Handles are small: the host reuses them. */
static int make_room(Mmc *mmc, uint32_t handle) {
  size_t wanted = (size_t)handle + 1;
  Prepared **grown;
  if (wanted <= mmc->count) return 1;
  grown = realloc(mmc->prepared, wanted * sizeof *grown);
  if (grown == NULL) return 0;
  memset(grown + mmc->count, 0, (wanted - mmc->count) * sizeof *grown);
  mmc->prepared = grown;
  mmc->count = wanted;
  return 1;
}

static PadgateStatus prepare(void *instance, uint32_t handle, PadgateText action, PadgateText parameters,
                             PadgateBuffer *error) {
  Mmc *mmc = instance;
  Wanted wanted = {"", "", 127};
  Prepared *prepared = calloc(1, sizeof *prepared);
  PadgateStatus status;
  if (prepared == NULL || !make_room(mmc, handle)) {
    free(prepared);
    return fail(error, PADGATE_FAILED, "out of memory%s", "");
  }
  if (!read_parameters(parameters, &wanted, prepared))
    status = fail(error, PADGATE_INVALID, "the parameters are no flat table of short texts and numbers%s", "");
  else if (wanted.id < 0 || wanted.id > 127)
    status = fail(error, PADGATE_INVALID, "the id must be 0 to 127%s", "");
  else if (is(action, "transport"))
    status = make_transport(&wanted, prepared, error);
  else if (is(action, "locate"))
    status = make_locate(&wanted, prepared, error);
  else
    status = fail(error, PADGATE_INVALID, "there is no such action%s", "");
  if (status != PADGATE_OK) {
    free(prepared);
    return status;
  }
  free(mmc->prepared[handle]);
  mmc->prepared[handle] = prepared;
  return PADGATE_OK;
}

static PadgateStatus execute(void *instance, uint32_t handle, const PadgateContext *context, PadgateBuffer *error) {
  Mmc *mmc = instance;
  const Prepared *prepared = handle < mmc->count ? mmc->prepared[handle] : NULL;
  PadgateText device, message;
  if (prepared == NULL) return fail(error, PADGATE_INVALID, "nothing was prepared for this call%s", "");
  if (context->phase == PADGATE_PHASE_RELEASE) return PADGATE_OK; /* the command was sent at the press */
  device.data = (const uint8_t *)prepared->device;
  device.length = prepared->device_length;
  message.data = prepared->message;
  message.length = prepared->message_length;
  return mmc->midi->send(mmc->host->context, device, message, 0, error);
}

static const PadgatePlugin plugin = {
    .size = sizeof(PadgatePlugin),
    .abi = PADGATE_ABI_VERSION,
    .name = {(const uint8_t *)"mmc", 3},
    .version = {(const uint8_t *)"0.1.0", 5},
    .create = create,
    .destroy = destroy,
    .prepare = prepare,
    .forget = forget,
    .execute = execute,
};

PADGATE_EXPORT const PadgatePlugin *padgate_plugin_entry(void) { return &plugin; }
