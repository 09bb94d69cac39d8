/*
 * Send queues and options for sending: what arrives at the other end of a veth, when, and what is said of what
 * does not. A queueing discipline of the veth (tc-tbf(8)) plays the slow device.
 */
#include "net.h"

#include <pcap/linux.h>
#include <pthread.h>
#include <sys/resource.h>

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
                                  {"a small ring of V3", 0, SMALL, 0}};
static const struct way *by;
static struct caught seen;

static pcap_t *sender_created(struct how how)
{
    pcap_t *p;

    how.immediate = by->immediate;
    p = created("v0", &how);
    CHECK_INT(pcap_set_tx_ring_linux(p, by->bytes, by->flags), 0);
    return p;
}

static pcap_t *activated(pcap_t *p, int nonblock)
{
    char err[PCAP_ERRBUF_SIZE] = "";
    int rc = pcap_activate(p);

    CHECK(rc == 0, "pcap_activate: %d, %s", rc, pcap_geterr(p));
    CHECK(pcap_setnonblock(p, nonblock, err) == 0, "pcap_setnonblock: %s", err);
    return p;
}

static pcap_t *sender(void)
{
    return activated(sender_created(plain), 0);
}

/* Captures what arrives; others may have sent before. */
static pcap_t *receiver(void)
{
    struct how how = immediate;

    how.nonblock = 1;
    how.precision = PCAP_TSTAMP_PRECISION_NANO;
    how.buffer = 8 << 20;
    seen.n = 0;
    return opened("v1", how);
}

/* Runs a body in each of the ways, each in a namespace of its own. */
static void in_ways(void (*body)(void))
{
    size_t i;
    int status, failed = 0;

    for (i = 0; i < (under_valgrind() ? 3 : sizeof ways / sizeof ways[0]); i++) {
        pid_t pid = fork();

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
static void add(pcap_send_queue *q, unsigned number, unsigned len, long sec, long fraction)
{
    static unsigned char f[70000];
    struct pcap_pkthdr h = {{sec, fraction}, len, len};

    fill_frame(f, number, len);
    CHECK_INT(pcap_sendqueue_queue(q, &h, f), 0);
}

/* A queue of `count` frames numbered from 0, all of one length. */
static pcap_send_queue *queue_of(unsigned count, unsigned len)
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
static pcap_send_queue rest_of(const pcap_send_queue *q, unsigned sent)
{
    pcap_send_queue rest = {q->maxlen - sent, q->len - sent, q->buffer + sent};

    return rest;
}

/* All frames numbered 0 to count - 1 arrive, in this order, and nothing else does. */
static void arrive(pcap_t *at, unsigned count)
{
    unsigned i;

    gather(at, &seen, (int)count, 5);
    CHECK_INT(seen.n, (int)count);
    sleep_ms(20);
    gather(at, &seen, (int)count + 1, 0.1);
    CHECK_INT(seen.n, (int)count);
    for (i = 0; i < count; i++)
        CHECK_INT(frame_number(seen.data[i]), i);
}

static void body_contents(void)
{
    static const unsigned lengths[] = {14, 18, 60, 61, 333, 1024, 1513, 1514};
    pcap_t *p = sender(), *at = receiver();
    pcap_send_queue *q = pcap_sendqueue_alloc(1 << 20);
    unsigned char f[2000];
    struct pcap_pkthdr *h;
    const unsigned char *data;
    int i;

    for (i = 0; i < TOTAL; i++)
        add(q, (unsigned)i, lengths[i % 8], 7, i);
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    CHECK_STR(pcap_geterr(p), "");
    gather(at, &seen, TOTAL, 5);
    CHECK_INT(seen.n, TOTAL);
    for (i = 0; i < TOTAL; i++) {
        fill_frame(f, (unsigned)i, lengths[i % 8]);
        CHECK_INT(seen.hdr[i].len, lengths[i % 8]);
        CHECK(memcmp(seen.data[i], f, lengths[i % 8]) == 0, "frame %d is another", i);
    }
    /* A queue can be sent again, and a single packet can go in between; the handle sees none of its own. */
    seen.n = 0;
    CHECK_INT(pcap_inject(p, f, 60), 60);
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    CHECK_INT(pcap_sendpacket(p, f, 60), 0);
    gather(at, &seen, TOTAL + 2, 5);
    CHECK_INT(seen.n, TOTAL + 2);
    CHECK_INT(seen.hdr[0].len, 60);
    CHECK_INT(seen.hdr[1].len, lengths[0]);
    CHECK_INT(frame_number(seen.data[TOTAL]), TOTAL - 1);
    CHECK(pcap_setnonblock(p, 1, (char *)f) == 0, "pcap_setnonblock");
    CHECK_INT(pcap_next_ex(p, &h, &data), 0);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(p);
}

CASE(contents_and_order)
{
    in_ways(body_contents);
}

CASE(queues)
{
    pcap_send_queue *q = pcap_sendqueue_alloc(2 * HEADER + 61), *none = pcap_sendqueue_alloc(0);
    struct pcap_pkthdr h = {{1, 2}, 60, 1000}, got;
    unsigned char f[60];

    fill_frame(f, 5, 60);
    CHECK_INT(q->maxlen, 2 * HEADER + 61);
    CHECK_INT(q->len, 0);
    CHECK_INT(pcap_sendqueue_queue(q, &h, f), 0);
    CHECK_INT(q->len, HEADER + 60);
    memcpy(&got, q->buffer, HEADER);
    CHECK(memcmp(&got, &h, HEADER) == 0, "another header");
    CHECK(memcmp(q->buffer + HEADER, f, 60) == 0, "another packet");
    h.caplen = 2;
    CHECK_INT(pcap_sendqueue_queue(q, &h, f), -1);
    h.caplen = 0xffffffff;
    CHECK_INT(pcap_sendqueue_queue(q, &h, f), -1);
    CHECK_INT(q->len, HEADER + 60);
    h.caplen = 1;
    CHECK_INT(pcap_sendqueue_queue(q, &h, f), 0);
    CHECK_INT(q->len, q->maxlen);
    h.caplen = 0;
    CHECK_INT(pcap_sendqueue_queue(q, &h, NULL), -1);
    CHECK_INT(pcap_sendqueue_queue(none, &h, NULL), -1);
    pcap_sendqueue_destroy(none);
    /* A program may say how much is in it, and begin anew. */
    q->len = 0;
    CHECK_INT(pcap_sendqueue_queue(q, &h, NULL), 0);
    CHECK_INT(q->len, HEADER);
    q->len = 0xffffffff;
    CHECK_INT(pcap_sendqueue_queue(q, &h, f), -1);
    pcap_sendqueue_destroy(q);
    pcap_sendqueue_destroy(NULL);
    if (!under_valgrind()) {
        struct rlimit little = {1 << 30, 1 << 30};

        CHECK_INT(setrlimit(RLIMIT_AS, &little), 0);
        CHECK(pcap_sendqueue_alloc(0xffffffff) == NULL, "4 GiB where there is one");
    }
}

/* What is said of a queue after which nothing is sent, or something. */
static void not_all(pcap_t *p, pcap_send_queue q, unsigned sent, const char *text)
{
    unsigned got = pcap_sendqueue_transmit(p, &q, 0);

    CHECK(got == sent, "%u, not %u: %s", got, sent, pcap_geterr(p));
    CHECK_STARTS(pcap_geterr(p), text);
}

static void body_malformed(void)
{
    pcap_t *p = sender(), *at = receiver();
    const unsigned one = HEADER + 60;
    char odd[3 * (HEADER + 60) + 1], *buffer = odd + 1; /* no header is aligned */
    pcap_send_queue *good = queue_of(3, 60), q = {3 * one, 3 * one, buffer};
    uint32_t caplen = 61;
    unsigned i;

    memcpy(buffer, good->buffer, good->len);
    memcpy(buffer + 2 * one + offsetof(struct pcap_pkthdr, caplen), &caplen, 4);
    not_all(p, q, 2 * one,
            "the send queue is malformed: packet 3, at byte 168: its 61 bytes are more than the 60 that follow");
    caplen = 0xffffffff;
    memcpy(buffer + 2 * one + offsetof(struct pcap_pkthdr, caplen), &caplen, 4);
    not_all(p, q, 2 * one, "the send queue is malformed: packet 3, at byte 168: its 4294967295 bytes");
    for (i = 1; i < HEADER; i++) {
        q.len = one + i;
        not_all(p, q, one, "the send queue is malformed: packet 2, at byte 84: ");
    }
    q.len = q.maxlen + 1;
    not_all(p, q, 0, "the send queue is malformed: it has 252 bytes, and 253 in use");
    q.len = one;
    q.buffer = NULL;
    not_all(p, q, 0, "a null pointer was given");
    q.len = 0;
    CHECK_INT(pcap_sendqueue_transmit(p, &q, 0), 0);
    CHECK_INT(pcap_sendqueue_transmit(p, NULL, 0), 0);
    gather(at, &seen, KEEP, 0.2);
    CHECK_INT(seen.n, 4 + HEADER - 1);
    CHECK_INT(pcap_sendqueue_transmit(p, good, 0), good->len);
    pcap_sendqueue_destroy(good);
    pcap_close(at);
    pcap_close(p);
}

CASE(malformed_queues)
{
    in_ways(body_malformed);
}

static void refused(pcap_t *p, const char *text)
{
    pcap_send_queue *q = queue_of(2, 60);

    not_all(p, *q, 0, text);
    pcap_sendqueue_destroy(q);
}

CASE(refusals)
{
    char err[PCAP_ERRBUF_SIZE];
    pcap_t *p;
    int tun;

    enter_veth();
    p = opened("any", plain);
    refused(p, "Sending packets isn't supported on the \"any\" device");
    pcap_close(p);
    tun = make_tun("t0", 512); /* ARPHRD_PPP: cooked */
    p = opened("t0", plain);
    refused(p, "Sending packets isn't supported in cooked mode");
    pcap_close(p);
    close(tun);
    p = pcap_create("v0", err);
    refused(p, "This handle hasn't been activated yet");
    pcap_close(p);
    refused(p, "This handle has been closed");
    p = pcap_open_dead(DLT_EN10MB, 100);
    refused(p, "Packets can't be sent on a pcap_open_dead pcap_t");
    pcap_close(p);
}

/* Frames that the device does not take, in mid-queue. */
static void body_device_refuses(void)
{
    static const struct {
        unsigned len;
        const char *text;
    } bad[] = {
        {1515, "send: Message too long (packet 3 of the queue, 1515 bytes)"},
        {66000, "send: Message too long (packet 3 of the queue, 66000 bytes)"},
        {13, "send: Invalid argument (packet 3 of the queue, 13 bytes)"},
        {0, "send: Invalid argument (packet 3 of the queue, 0 bytes)"},
    };
    pcap_t *p = sender(), *at = receiver();
    pcap_send_queue *q = pcap_sendqueue_alloc(100000), rest;
    const unsigned one = HEADER + 60;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        seen.n = 0;
        q->len = 0;
        add(q, 0, 60, 0, 0);
        add(q, 1, 60, 0, 0);
        add(q, 9, bad[i].len, 0, 0);
        add(q, 2, 60, 0, 0);
        add(q, 3, 60, 0, 0);
        not_all(p, *q, 2 * one, bad[i].text);
        rest = rest_of(q, 2 * one + HEADER + bad[i].len);
        CHECK_INT(pcap_sendqueue_transmit(p, &rest, 0), 2 * one);
        arrive(at, 4);
    }
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(p);
}

CASE(frames_that_the_device_refuses)
{
    in_ways(body_device_refuses);
}

static void *down_soon(void *unused)
{
    sleep_ms(100);
    run("ip link set v0 down");
    return unused;
}

static void body_down(void)
{
    pcap_t *p = sender(), *at = receiver();
    pcap_send_queue *q = pcap_sendqueue_alloc(1000);
    pthread_t thread;
    unsigned sent;

    add(q, 0, 60, 0, 0);
    add(q, 1, 60, 0, 1);
    add(q, 2, 60, under_valgrind() ? 5 : 1, 0);
    CHECK_INT(pthread_create(&thread, NULL, down_soon, NULL), 0);
    sent = pcap_sendqueue_transmit(p, q, 1);
    CHECK_STARTS(pcap_geterr(p), "send: Network is down (packet 3 of the queue, 60 bytes)");
    CHECK_INT(sent, 2 * (HEADER + 60));
    pthread_join(thread, NULL);
    run("ip link set v0 up");
    arrive(at, 2);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(p);
}

CASE(interface_goes_down)
{
    in_ways(body_down);
}

/* A time stamp of the receiver's, in seconds since its first packet. */
static double since_first(int i)
{
    return (double)(seen.hdr[i].ts.tv_sec - seen.hdr[0].ts.tv_sec)
           + (double)(seen.hdr[i].ts.tv_usec - seen.hdr[0].ts.tv_usec) / 1e9;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Packets are due at `due` seconds after the first; stamps are in units of a second's `unit`th part. */
static void check_timing(pcap_t *p, long unit, const double *stamps, const double *due, int n)
{
    pcap_send_queue *q = pcap_sendqueue_alloc(100000);
    double late[100];
    pcap_t *at;
    int i, attempt;

    for (i = 0; i < n; i++) {
        long sec = (long)stamps[i];

        add(q, (unsigned)i, 60, sec, (long)((stamps[i] - (double)sec) * (double)unit + 0.5));
    }
    /* Where there is much else to do, some are late, the first perhaps, but most are not, and not each time. */
    for (attempt = 0; attempt < 5; attempt++) {
        at = receiver();
        CHECK_INT(pcap_sendqueue_transmit(p, q, 1), q->len);
        arrive(at, (unsigned)n);
        pcap_close(at);
        for (i = 0; i < n; i++)
            late[i] = since_first(i) - due[i];
        qsort(late, (size_t)n, sizeof late[0], by_size);
        if (under_valgrind())
            break;
        if (late[0] > -0.001 && late[n / 2] < 0.001 && late[n - 1] < 0.1)
            break;
    }
    CHECK(attempt < 5, "late by %.6f to %.6f s, most by %.6f", late[0], late[n - 1],
          late[n / 2]);
    pcap_sendqueue_destroy(q);
}

static void body_timing(void)
{
    static const double backwards[] = {100, 100.01, 99.5, 50, 50.02, 50.02, 50.01, 50.03};
    static const double backwards_due[] = {0, 0.01, 0.01, 0.01, 0.03, 0.03, 0.03, 0.05};
    double stamps[100], due[100];
    pcap_t *p = sender();
    struct how nano = plain;
    int i;

    for (i = 0; i < 100; i++) {
        due[i] = 0.003 * i;
        stamps[i] = 1700000000 + due[i];
    }
    check_timing(p, 1000000, stamps, due, 100);
    check_timing(p, 1000000, backwards, backwards_due, 8);
    pcap_close(p);
    nano.precision = PCAP_TSTAMP_PRECISION_NANO;
    p = activated(sender_created(nano), 0);
    check_timing(p, 1000000000, backwards, backwards_due, 8);
    pcap_close(p);
}

CASE(timing)
{
    in_ways(body_timing);
}

static pcap_t *breaking;

static void break_it(int unused)
{
    (void)unused;
    pcap_breakloop(breaking);
}

static void *break_soon(void *unused)
{
    sleep_ms(100);
    pcap_breakloop(breaking);
    return unused;
}

static void *signal_soon(void *thread)
{
    sleep_ms(100);
    CHECK_INT(pthread_kill(*(pthread_t *)thread, SIGUSR1), 0);
    return NULL;
}

static void body_break(void)
{
    pcap_t *p = breaking = sender();
    pcap_send_queue *q = pcap_sendqueue_alloc(1000);
    double start = now();
    pthread_t thread, self = pthread_self();
    int i;

    add(q, 0, 60, 0, 0);
    add(q, 1, 60, 1000, 0);
    signal(SIGUSR1, break_it);
    for (i = 0; i < 2; i++) {
        /* A break that was asked for before is not this one's. */
        pcap_breakloop(p);
        CHECK_INT(pthread_create(&thread, NULL, i ? signal_soon : break_soon, &self), 0);
        CHECK_INT(pcap_sendqueue_transmit(p, q, 1), HEADER + 60);
        CHECK_STR(pcap_geterr(p), "The transmission was ended by pcap_breakloop");
        pthread_join(thread, NULL);
    }
    CHECK_INT(pcap_dispatch(p, 1, keep, (unsigned char *)&seen), PCAP_ERROR_BREAK);
    CHECK(now() - start < 5, "%.3f s", now() - start);
    pcap_sendqueue_destroy(q);
    pcap_close(p);
}

CASE(breaks)
{
    in_ways(body_break);
}

/* A device that sends `rate` bits a second and holds `limit` bytes. */
static void slow_device(const char *rate, int limit)
{
    if (system("unset LD_PRELOAD LD_LIBRARY_PATH; tc qdisc add dev v0 root pfifo 2>/dev/null &&"
               " tc qdisc replace dev v0 root tbf rate 1mbit burst 2000 limit 9000 2>/dev/null")
        != 0)
        skip("no tc, or no tbf in this kernel");
    run("tc qdisc replace dev v0 root tbf rate %s burst 2000 limit %d", rate, limit);
}

static void small_buffer(pcap_t *p)
{
    int bytes = 1;

    CHECK_INT(setsockopt(pcap_fileno(p), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
}

/* Sends all of a queue, piece by piece, and counts them. */
static int pieces(pcap_t *p, const pcap_send_queue *q, const char *text)
{
    pcap_send_queue rest;
    unsigned sent = 0, n;
    int count = 1;

    for (;;) {
        rest = rest_of(q, sent);
        n = pcap_sendqueue_transmit(p, &rest, 0);
        sent += n;
        CHECK(sent <= q->len, "%u of %u", sent, q->len);
        if (sent == q->len)
            return count;
        CHECK_INT(n % (HEADER + 1000), 0);
        CHECK_STARTS(pcap_geterr(p), text);
        count++;
        sleep_ms(1);
    }
}

static void body_pressure(void)
{
    pcap_send_queue *q = queue_of(TOTAL, 1000);
    char err[PCAP_ERRBUF_SIZE];
    pcap_t *p, *at;
    double start;
    int limited;

    for (limited = 0; limited < 2; limited++) {
        const char *text = limited ? "send: No buffer space available (packet "
                                   : "send: Resource temporarily unavailable (packet ";

        if (by->bytes == SMALL)
            text = "send: "; /* no frame is free, or the device drops */
        slow_device("8mbit", limited ? 5000 : 10000000);
        p = sender();
        if (!limited)
            small_buffer(p);
        at = receiver();
        start = now();
        CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
        CHECK(now() - start > 0.1, "%.3f s: the device is not slow", now() - start);
        arrive(at, TOTAL);
        CHECK(pcap_setnonblock(p, 1, err) == 0, "%s", err);
        seen.n = 0;
        CHECK(pieces(p, q, text) > 3, "the device is not slow");
        arrive(at, TOTAL);
        pcap_close(at);
        pcap_close(p);
    }
    pcap_sendqueue_destroy(q);
}

CASE(back_pressure)
{
    in_ways(body_pressure);
}

/* A wait for a device that is slow can be ended, and tells how far it came. */
static void body_break_pressure(void)
{
    pcap_send_queue *q = queue_of(TOTAL, 1000);
    pcap_t *p, *at;
    pthread_t thread;
    unsigned sent;

    slow_device("80kbit", 10000000);
    p = breaking = sender();
    small_buffer(p);
    at = receiver();
    CHECK_INT(pthread_create(&thread, NULL, break_soon, NULL), 0);
    sent = pcap_sendqueue_transmit(p, q, 0);
    CHECK_STR(pcap_geterr(p), "The transmission was ended by pcap_breakloop");
    pthread_join(thread, NULL);
    CHECK_INT(sent % (HEADER + 1000), 0);
    run("tc qdisc replace dev v0 root tbf rate 80mbit burst 2000 limit 10000000");
    arrive(at, sent / (unsigned)(HEADER + 1000));
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(p);
}

CASE(breaks_under_back_pressure)
{
    in_ways(body_break_pressure);
}

static void *transmit_often(void *arg)
{
    pcap_send_queue *q = queue_of(10, 60);
    int i;

    for (i = 0; i < 20; i++) {
        CHECK_INT(pcap_sendqueue_transmit(arg, q, 0), q->len);
        CHECK_INT(pcap_inject(arg, q->buffer + HEADER, 60), 60);
    }
    pcap_sendqueue_destroy(q);
    return NULL;
}

static void body_thread(void)
{
    pcap_t *p = activated(sender_created(plain), 1), *at = receiver();
    int from = raw_socket("v1"), i, n = 0;
    double end = now() + (under_valgrind() ? 20 : 5);
    pthread_t threads[2];

    for (i = 0; i < 2; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, transmit_often, p), 0);
    for (i = 0; i < 100; i++) {
        send_numbered(from, 1000, 1);
        CHECK(pcap_dispatch(p, -1, count_packet, (unsigned char *)&n) >= 0, "%s", pcap_geterr(p));
    }
    while (n < 100 && now() < end)
        CHECK(pcap_dispatch(p, -1, count_packet, (unsigned char *)&n) >= 0, "%s", pcap_geterr(p));
    CHECK_INT(n, 100);
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(pcap_dispatch(p, -1, count_packet, (unsigned char *)&n), 0);
    for (n = 0; n < 540 && now() < end;)
        CHECK(pcap_dispatch(at, -1, count_packet, (unsigned char *)&n) >= 0, "%s", pcap_geterr(at));
    CHECK_INT(n, 540);
    pcap_close(at);
    pcap_close(p);
}

CASE(other_threads)
{
    in_ways(body_thread);
}

static void body_bypass(void)
{
    pcap_send_queue *q = queue_of(20, 1000);
    pcap_t *p, *at;
    int bypass;

    for (bypass = 0; bypass < 2; bypass++) {
        slow_device("8kbit", 10000000);
        p = sender_created(plain);
        CHECK_INT(pcap_set_qdisc_bypass_linux(p, bypass), 0);
        activated(p, 0);
        at = receiver();
        CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
        if (bypass) {
            arrive(at, 20);
            run("tc -s qdisc show dev v0 root | grep 'Sent 0 bytes 0 pkt'");
        } else {
            gather(at, &seen, 20, 0.3);
            /* A small ring has waited for the device. */
            CHECK(seen.n < 10 || by->bytes == SMALL, "%d packets of a slow device", seen.n);
            run("! tc -s qdisc show dev v0 root | grep 'Sent 0 bytes 0 pkt'");
        }
        pcap_close(at);
        pcap_close(p);
        run("tc qdisc del dev v0 root");
    }
    pcap_sendqueue_destroy(q);
}

CASE(qdisc_bypass)
{
    in_ways(body_bypass);
}

static void body_loss(void)
{
    static const unsigned lengths[] = {60, 1515, 13, 0, 60, 66000, 60};
    pcap_send_queue *q;
    unsigned char f[2000];
    pcap_t *p, *at;
    unsigned i, number = 0;

    if (by->bytes == 0)
        return;
    q = pcap_sendqueue_alloc(100000);
    for (i = 0; i < 7; i++)
        add(q, lengths[i] == 60 ? number++ : 99, lengths[i], 0, 0);
    p = sender_created(plain);
    CHECK_INT(pcap_set_tx_ring_linux(p, by->bytes, by->flags | PCAP_TX_RING_LOSS), 0);
    activated(p, 0);
    at = receiver();
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    CHECK_STR(pcap_geterr(p), "");
    arrive(at, number);
    /* A single packet has somebody who can be told. */
    fill_frame(f, number, sizeof f);
    CHECK_INT(pcap_inject(p, f, 1515), -1);
    CHECK_STARTS(pcap_geterr(p), "send: Invalid argument");
    CHECK_INT(pcap_sendpacket(p, f, 13), -1);
    CHECK_INT(pcap_sendpacket(p, f, 60), 0);
    arrive(at, number + 1);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(p);
}

CASE(ring_with_loss)
{
    in_ways(body_loss);
}

/* Whatever packets are sent from, those that come are whole; and a tag is on top of the MTU. */
static void body_received(void)
{
    pcap_t *p = activated(sender_created(plain), 1), *at = receiver();
    pcap_send_queue *q = pcap_sendqueue_alloc(10000);
    static const unsigned lengths[] = {60, 1514, 1518};
    static unsigned char f[1519];
    struct pcap_pkthdr h = {{0, 0}, 0, 0};
    int from = raw_socket("v1"), i;

    for (i = 0; i < 3; i++) {
        fill_frame(f, (unsigned)i, sizeof f);
        if (i == 2)
            memcpy(f + 12, "\x81\x00\x00\x05", 4);
        send_raw(from, f, lengths[i]);
        h.caplen = h.len = lengths[i];
        CHECK_INT(pcap_sendqueue_queue(q, &h, f), 0);
    }
    gather(p, &seen, 3, 2);
    CHECK_INT(seen.n, 3);
    for (i = 0; i < 3; i++)
        CHECK_INT(seen.hdr[i].caplen, lengths[i]);
    fill_frame(f, 1, sizeof f);
    CHECK(memcmp(seen.data[1], f, 1514) == 0, "another packet");
    fill_frame(f, 2, sizeof f);
    memcpy(f + 12, "\x81\x00\x00\x05", 4);
    CHECK(memcmp(seen.data[2], f, 1518) == 0, "another packet, or its tag is lost");
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    seen.n = 0;
    gather(at, &seen, 6, 0.2); /* three of which it has sent itself */
    CHECK_INT(seen.hdr[seen.n - 1].caplen, 1518);
    CHECK(memcmp(seen.data[seen.n - 1], f, 1518) == 0, "another packet, or its tag is lost");
    /* One byte more than a tag makes room for. */
    h.caplen = h.len = 1519;
    q->len = 0;
    CHECK_INT(pcap_sendqueue_queue(q, &h, f), 0);
    not_all(p, *q, 0, "send: Message too long (packet 1 of the queue, 1519 bytes)");
    /* An MTU that changes counts. */
    run("ip link set v0 mtu 1000");
    q->len = 0;
    h.caplen = h.len = 1015;
    fill_frame(f, 0, sizeof f);
    CHECK_INT(pcap_sendqueue_queue(q, &h, f), 0);
    not_all(p, *q, 0, "send: Message too long (packet 1 of the queue, 1015 bytes)");
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(p);
}

CASE(receiving_beside)
{
    in_ways(body_received);
}

/* Sends from a ring under rules for the shim; gives back the handle. */
static pcap_t *ring_under(const char *text)
{
    pcap_send_queue *q = queue_of(TOTAL, 60);
    pcap_t *p = created("v0", &plain), *at;

    CHECK_INT(pcap_set_tx_ring_linux(p, 1 << 20, PCAP_TX_RING_LOSS), 0);
    rules(text);
    activated(p, 0);
    rules("");
    at = receiver();
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    arrive(at, TOTAL);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    return p;
}

CASE(rings_of_other_kernels)
{
    enter_veth();
    pcap_close(ring_under(REFUSE_V3));
    pcap_close(ring_under(REFUSE_V3 "," REFUSE_V2));
    /* Before 4.11 V3 had no ring to send from: then both are of V2. */
    pcap_close(ring_under("setsockopt:SOL_PACKET:PACKET_TX_RING:EINVAL:1"));
    /* Less where memory is short. */
    pcap_close(ring_under("setsockopt:SOL_PACKET:PACKET_TX_RING:ENOMEM:5"));
}

static void refused_ring(const char *text, const char *why)
{
    pcap_t *p = created("v0", &plain);

    CHECK_INT(pcap_set_tx_ring_linux(p, 1 << 20, PCAP_TX_RING_LOSS | PCAP_TX_RING_COPY), 0);
    rules(text);
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), why);
    rules("");
    CHECK_INT(pcap_activate(p), 0);
    pcap_close(p);
}

CASE(rings_that_cannot_be_had)
{
    pcap_t *p;

    enter_veth();
    refused_ring("setsockopt:SOL_PACKET:PACKET_TX_RING:EPERM:1",
                 "can't create tx ring on packet socket: Operation not permitted");
    refused_ring("setsockopt:SOL_PACKET:PACKET_TX_RING:EINVAL:*",
                 "can't create tx ring on packet socket: Operation not supported");
    refused_ring("setsockopt:SOL_PACKET:PACKET_LOSS:EPERM:1",
                 "setsockopt (PACKET_LOSS): Operation not permitted");
    refused_ring("setsockopt:SOL_PACKET:PACKET_VNET_HDR:EPERM:1",
                 "setsockopt (PACKET_VNET_HDR): Operation not permitted");
    p = created("v0", &plain);
    CHECK_INT(pcap_set_tx_ring_linux(p, -1, 0), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "a ring of -1 bytes cannot be had");
    CHECK_INT(pcap_set_tx_ring_linux(p, 1, 0x10), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "0x10 are no flags of pcap_set_tx_ring_linux");
    CHECK_INT(pcap_set_qdisc_bypass_linux(p, 1), 0);
    rules("setsockopt:SOL_PACKET:PACKET_QDISC_BYPASS:EPERM:1");
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "setsockopt (PACKET_QDISC_BYPASS): Operation not permitted");
    rules("");
    pcap_close(p);
    /* Where nothing can be sent there is none. */
    p = created("any", &plain);
    CHECK_INT(pcap_set_tx_ring_linux(p, 1 << 20, PCAP_TX_RING_LOSS), 0);
    activated(p, 0);
    refused(p, "Sending packets isn't supported on the \"any\" device");
    pcap_close(p);
}
