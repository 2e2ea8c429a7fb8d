/*
 * The hostile plugin's probes: each tries one way out, and says how that ended.
 *
 * A probe returns a negative errno if it was refused, and 0 or more if it got what it wanted.
 */

#ifndef PROBES_H
#define PROBES_H

struct probe {
    const char *name;
    /* `target` is a path, a port or whatever the probe is about; never null. */
    int (*run)(const char *target);
};

/* Each ends with an entry without a name. */
extern const struct probe file_probes[];
extern const struct probe socket_probes[];
extern const struct probe process_probes[];
extern const struct probe work_probes[];

/* What a call of the C library says: its result, or the negative errno. */
int said(long result);

#endif
