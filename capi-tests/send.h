/*
 * Sending for the tests: the ways in which queues are sent, queues of numbered frames, and what arrives.
 */
#ifndef CAPI_SEND_H
#define CAPI_SEND_H

#include "net.h"

#include <pcap/linux.h>
#include <sys/utsname.h>

#define HEADER sizeof(struct pcap_pkthdr)
#define TOTAL 200
#define SMALL 1 /* bytes of a ring: a page, of few frames */

/* By what packets are sent. */
struct way {
    const char *name;
    int immediate; /* a ring of V2, not V3 */
    int bytes;     /* of a ring to send from */
    int flags;     /* of it */
};

static const struct way ways[] = {{"sendmmsg", 0, 0, 0},
                                  {"a ring of V3", 0, 1 << 20, 0},
                                  {"a ring of V2, copied", 1, 1 << 20, PCAP_TX_RING_COPY},
                                  {"a ring of V2", 1, 1 << 20, 0},
                                  {"a ring of V3, copied", 0, 1 << 20, PCAP_TX_RING_COPY},
                                  {"a small ring of V3", 0, SMALL, 0},
                                  {"XDP", 0, 1 << 20, PCAP_TX_RING_XDP},
                                  {"a small ring of XDP", 1, SMALL, PCAP_TX_RING_XDP}};
static const struct way *by;
static struct caught seen;

/* Whether the kernel is one on which XDP sends. */
static inline int has_xdp(void)
{
    struct utsname about;
    int major = 0, minor = 0;

    CHECK(uname(&about) == 0, "%s", strerror(errno));
    CHECK_INT(sscanf(about.release, "%d.%d", &major, &minor), 2);
    return major > 6 || (major == 6 && minor >= 17);
}

static inline pcap_t *sender_created(struct how how)
{
    pcap_t *p;

    how.immediate = by->immediate;
    p = created("v0", &how);
    CHECK_INT(pcap_set_tx_ring_linux(p, by->bytes, by->flags), 0);
    return p;
}

static inline pcap_t *activated(pcap_t *p, int nonblock)
{
    char err[PCAP_ERRBUF_SIZE] = "";
    int rc = pcap_activate(p);

    CHECK(rc == 0, "pcap_activate: %d, %s", rc, pcap_geterr(p));
    CHECK(pcap_setnonblock(p, nonblock, err) == 0, "pcap_setnonblock: %s", err);
    return p;
}

static inline pcap_t *sender(void)
{
    return activated(sender_created(plain), 0);
}

/* Captures what arrives; others may have sent before. */
static inline pcap_t *receiver(void)
{
    struct how how = immediate;

    how.nonblock = 1;
    how.precision = PCAP_TSTAMP_PRECISION_NANO;
    how.buffer = 8 << 20;
    seen.n = 0;
    return opened("v1", how);
}

/* Runs a body in each of the ways, each in a namespace of its own. */
static inline void in_ways(void (*body)(void))
{
    size_t i;
    int status, failed = 0;

    for (i = 0; i < (under_valgrind() ? 3 : sizeof ways / sizeof ways[0]); i++) {
        pid_t pid;

        if (ways[i].flags & PCAP_TX_RING_XDP && !has_xdp())
            continue;
        pid = fork();

        CHECK(pid >= 0, "fork: %s", strerror(errno));
        if (pid == 0) {
            alarm(CASE_SECONDS / 2);
            by = &ways[i];
            enter_veth();
            body();
            exit(0);
        }
        waitpid(pid, &status, 0);
        if (status != 0) {
            fprintf(stderr, "by %s: status %#x\n", ways[i].name, status);
            failed = WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED ? SKIPPED : 1;
        }
    }
    if (failed)
        exit(failed);
}

/* Adds a frame with a number and a time stamp. */
static inline void add(pcap_send_queue *q, unsigned number, unsigned len, long sec, long fraction)
{
    static unsigned char f[70000];
    struct pcap_pkthdr h = {{sec, fraction}, len, len};

    fill_frame(f, number, len);
    CHECK_INT(pcap_sendqueue_queue(q, &h, f), 0);
}

/* A queue of `count` frames numbered from 0, all of one length. */
static inline pcap_send_queue *queue_of(unsigned count, unsigned len)
{
    pcap_send_queue *q = pcap_sendqueue_alloc(count * (unsigned)(HEADER + len));
    unsigned i;

    CHECK(q != NULL, "no queue");
    for (i = 0; i < count; i++)
        add(q, i, len, 0, 0);
    CHECK_INT(q->len, q->maxlen);
    return q;
}

/* What is left of a queue of which `sent` bytes have gone. */
static inline pcap_send_queue rest_of(const pcap_send_queue *q, unsigned sent)
{
    pcap_send_queue rest = {q->maxlen - sent, q->len - sent, q->buffer + sent};

    return rest;
}

/* So many frames arrive, and nothing else does. */
static inline void arrive_so_many(pcap_t *at, unsigned count)
{
    gather(at, &seen, (int)count);
    CHECK_INT(seen.n, (int)count);
    sleep_ms(20);
    gather_for(0.1, at, &seen, (int)count + 1);
    CHECK_INT(seen.n, (int)count);
}

/* All frames numbered 0 to count - 1 arrive, each once: those that a device has kept may come by another processor. */
static inline void arrive_once(pcap_t *at, unsigned count)
{
    static unsigned char came[TOTAL];
    unsigned i;

    arrive_so_many(at, count);
    memset(came, 0, sizeof came);
    for (i = 0; i < count; i++) {
        CHECK(frame_number(seen.data[i]) < TOTAL, "frame %u", frame_number(seen.data[i]));
        CHECK_INT(came[frame_number(seen.data[i])]++, 0);
    }
    for (i = 0; i < count; i++)
        CHECK(came[i], "frame %u is missing", i);
}

/* The same, in this order. */
static inline void arrive(pcap_t *at, unsigned count)
{
    unsigned i;

    arrive_so_many(at, count);
    for (i = 0; i < count; i++)
        CHECK_INT(frame_number(seen.data[i]), i);
}

/* What is said of a queue after which nothing is sent, or something. */
static inline void not_all(pcap_t *p, pcap_send_queue q, unsigned sent, const char *text)
{
    unsigned got = pcap_sendqueue_transmit(p, &q, 0);

    CHECK(got == sent, "%u, not %u: %s", got, sent, pcap_geterr(p));
    CHECK_STARTS(pcap_geterr(p), text);
}

static inline void refused(pcap_t *p, const char *text)
{
    pcap_send_queue *q = queue_of(2, 60);

    not_all(p, *q, 0, text);
    pcap_sendqueue_destroy(q);
}

/* A child that has the same handle sends all of a queue. */
static inline void child_sends(pcap_t *p, pcap_send_queue *q)
{
    int status;
    pid_t pid = fork();

    CHECK(pid >= 0, "fork: %s", strerror(errno));
    if (pid == 0) {
        CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
        /* At an exit, valgrind tells of what the parent frees later, if the compiler has dropped it here. */
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
}

/* A process and its children take turns in sending, also where the one before has left something behind: of `bad`
 * only `sent` bytes go, for the reason `why`. */
static inline void take_turns(pcap_t *p, int turns, const pcap_send_queue *bad, unsigned sent, const char *why)
{
    pcap_send_queue *q = queue_of(10, 60);
    pcap_t *at;
    int i;

    for (i = 0; i < turns; i++) {
        at = receiver();
        if (i % 2)
            child_sends(p, q);
        else
            CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
        arrive(at, 10);
        pcap_close(at);
        if (i % 3 == 0)
            not_all(p, *bad, sent, why);
    }
    pcap_sendqueue_destroy(q);
}

#endif
