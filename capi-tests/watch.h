/*
 * Notes down what a case does, for docs/functions.md: what each function returned, and the texts that the case was
 * given. tests/support/watched.rs makes the wrappers that call this, and reads the notes.
 *
 * They are in the file that $CAPI_WATCHED names, mapped and shared: children, threads and signal handlers use it, and
 * processes that may open no file any more. Without it nothing is noted down.
 */
#ifndef CAPI_WATCH_H
#define CAPI_WATCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <assert.h>
#include <fcntl.h>
#include <pcap/linux.h>
#include <pcap/namedb.h>
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Inlined at each call it would take the compiler twice the time. */
#define WATCHED static __attribute__((noinline, unused))

struct watch {
    uint64_t returned[WATCH_FUNCTIONS]; /* a bit for each number from -32 to 31; those beyond count as these */
    uint32_t texts;                     /* how many; more than there is room for are not kept */
    struct {
        int32_t function;
        char text[WATCH_TEXT];
    } text[WATCH_TEXTS];
};

static struct watch *watch_notes;
static __thread int watch_last = -1; /* of this thread's functions, whom a text in a handle is of */

/* A descriptor that stayed open would be in the way of the cases that count them. */
__attribute__((constructor)) static void watch_begin(void)
{
    const char *path = getenv("CAPI_WATCHED");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *map;

    if (fd < 0)
        return;
    map = mmap(NULL, sizeof *watch_notes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        watch_notes = (struct watch *)map;
    close(fd);
}

WATCHED void watch_returned(int function, long long value)
{
    uint64_t bit = UINT64_C(1) << (value < -32 ? 0 : value > 31 ? 63 : value + 32);

    if (watch_notes != NULL && !(__atomic_load_n(&watch_notes->returned[function], __ATOMIC_RELAXED) & bit))
        __atomic_fetch_or(&watch_notes->returned[function], bit, __ATOMIC_RELAXED);
}

/* Two threads may note down the same text; it counts once. */
WATCHED void watch_text(int function, const char *text)
{
    uint32_t i, n;

    if (watch_notes == NULL || function < 0 || text == NULL || *text == '\0')
        return;
    n = __atomic_load_n(&watch_notes->texts, __ATOMIC_RELAXED);
    for (i = 0; i < n && i < WATCH_TEXTS; i++)
        if (watch_notes->text[i].function == function &&
            strncmp(watch_notes->text[i].text, text, WATCH_TEXT - 1) == 0)
            return;
    i = __atomic_fetch_add(&watch_notes->texts, n < WATCH_TEXTS, __ATOMIC_RELAXED);
    if (i >= WATCH_TEXTS)
        return;
    strncpy(watch_notes->text[i].text, text, WATCH_TEXT - 1);
    watch_notes->text[i].function = function;
}

#endif
