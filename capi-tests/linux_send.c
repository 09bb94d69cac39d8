/*
 * Send queues and options for sending: what arrives at the other end of a veth, when, and what is said of what
 * does not. A queueing discipline of the veth (tc-tbf(8)) plays the slow device.
 */
#include "send.h"

#include <pthread.h>
#include <sys/resource.h>

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
    gather(at, &seen, TOTAL);
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
    gather(at, &seen, TOTAL + 2);
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
    gather_only(at, &seen, 4 + HEADER - 1);
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

static volatile double down_at;

static void *down_soon(void *unused)
{
    sleep_ms(100);
    run("ip link set v0 down");
    down_at = now();
    return unused;
}

static void body_down(void)
{
    pcap_t *p = sender(), *at = receiver();
    pcap_send_queue *q = pcap_sendqueue_alloc(1000);
    double ended;
    pthread_t thread;
    unsigned sent;
    int due;

    /* Later where it has taken too long for the interface to go down. */
    for (due = 1;; due *= 3) {
        seen.n = 0;
        q->len = 0;
        add(q, 0, 60, 0, 0);
        add(q, 1, 60, 0, 1);
        add(q, 2, 60, due, 0);
        CHECK_INT(pthread_create(&thread, NULL, down_soon, NULL), 0);
        sent = pcap_sendqueue_transmit(p, q, 1);
        ended = now();
        pthread_join(thread, NULL);
        if (sent < q->len || ended > down_at || due > 20)
            break;
        run("ip link set v0 up && " VETH_UP);
        arrive(at, 3);
    }
    CHECK_STARTS(pcap_geterr(p), "send: Network is down (packet 3 of the queue, 60 bytes)");
    CHECK_INT(sent, 2 * (HEADER + 60));
    run("ip link set v0 up && " VETH_UP);
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

/* How late most are that only sleep: where there is much else to do, that much is not the library's. */
static double late_by_sleep(void)
{
    struct timespec t;
    double late[50];
    int i;

    clock_gettime(CLOCK_MONOTONIC, &t);
    for (i = 0; i < 50; i++) {
        t.tv_nsec += 3000000;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
        late[i] = now() - ((double)t.tv_sec + (double)t.tv_nsec / 1e9);
    }
    qsort(late, 50, sizeof late[0], by_size);
    return late[25];
}

/* Packets are due at `due` seconds after the first; stamps are in units of a second's `unit`th part. */
static void check_timing(pcap_t *p, long unit, const double *stamps, const double *due, int n)
{
    pcap_send_queue *q = pcap_sendqueue_alloc(100000);
    double late[100], most = 0.001;
    pcap_t *at;
    int i, attempt;

    for (i = 0; i < n; i++) {
        long sec = (long)stamps[i];

        add(q, (unsigned)i, 60, sec, (long)((stamps[i] - (double)sec) * (double)unit + 0.5));
    }
    /* Where there is much else to do, some are late, the first perhaps, but most are not, and not each time. */
    for (attempt = 0; attempt < 25; attempt++) {
        at = receiver();
        CHECK_INT(pcap_sendqueue_transmit(p, q, 1), q->len);
        arrive(at, (unsigned)n);
        pcap_close(at);
        for (i = 0; i < n; i++)
            late[i] = since_first(i) - due[i];
        qsort(late, (size_t)n, sizeof late[0], by_size);
        if (under_valgrind())
            break;
        if (late[0] > -0.001 && late[n / 2] < most && late[n - 1] < 0.1)
            break;
        most = 0.001 + 2 * late_by_sleep();
    }
    CHECK(attempt < 25, "late by %.6f to %.6f s, most by %.6f, not %.6f", late[0], late[n - 1],
          late[n / 2], most);
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

/* A break that was asked for before the transmission is not its: the first packet tells that it has begun. */
static void wait_for_first(pcap_t *at)
{
    gather(at, &seen, 1);
    CHECK_INT(seen.n, 1);
    sleep_ms(50);
}

static void *break_soon(void *at)
{
    wait_for_first(at);
    pcap_breakloop(breaking);
    return NULL;
}

static pthread_t transmitting;

static void *signal_soon(void *at)
{
    wait_for_first(at);
    CHECK_INT(pthread_kill(transmitting, SIGUSR1), 0);
    return NULL;
}

static void body_break(void)
{
    pcap_t *p = breaking = sender(), *at = receiver();
    pcap_send_queue *q = pcap_sendqueue_alloc(1000);
    double start = now();
    pthread_t thread;
    int i;

    add(q, 0, 60, 0, 0);
    add(q, 1, 60, 1000, 0);
    signal(SIGUSR1, break_it);
    transmitting = pthread_self();
    for (i = 0; i < 2; i++) {
        /* A break that was asked for before is not this one's. */
        pcap_breakloop(p);
        seen.n = 0;
        CHECK_INT(pthread_create(&thread, NULL, i ? signal_soon : break_soon, at), 0);
        CHECK_INT(pcap_sendqueue_transmit(p, q, 1), HEADER + 60);
        CHECK_STR(pcap_geterr(p), "The transmission was ended by pcap_breakloop");
        pthread_join(thread, NULL);
    }
    CHECK_INT(pcap_dispatch(p, 1, keep, (unsigned char *)&seen), PCAP_ERROR_BREAK);
    CHECK(now() - start < PATIENCE, "%.3f s", now() - start);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
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

/* Goes past the queueing discipline that plays the slow device. */
static int goes_past_it(void)
{
    return by->flags & PCAP_TX_RING_XDP;
}

static void body_pressure(void)
{
    pcap_send_queue *q = queue_of(TOTAL, 1000);
    char err[PCAP_ERRBUF_SIZE];
    pcap_t *p, *at;
    double start;
    int limited;

    if (goes_past_it())
        return;
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
        arrive_once(at, TOTAL);
        CHECK(pcap_setnonblock(p, 1, err) == 0, "%s", err);
        seen.n = 0;
        CHECK(pieces(p, q, text) > 3, "the device is not slow");
        arrive_once(at, TOTAL);
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

    if (goes_past_it())
        return;
    slow_device("80kbit", 10000000);
    p = breaking = sender();
    small_buffer(p);
    at = receiver();
    CHECK_INT(pthread_create(&thread, NULL, break_soon, at), 0);
    sent = pcap_sendqueue_transmit(p, q, 0);
    CHECK_STR(pcap_geterr(p), "The transmission was ended by pcap_breakloop");
    pthread_join(thread, NULL);
    CHECK_INT(sent % (HEADER + 1000), 0);
    run("tc qdisc replace dev v0 root tbf rate 80mbit burst 2000 limit 10000000");
    arrive_once(at, sent / (unsigned)(HEADER + 1000));
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
    double end = now() + PATIENCE;
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

/* It is the interface that is sent by, whatever it is called by now. */
static void body_renamed(void)
{
    static const unsigned char f[60];
    pcap_send_queue *q = queue_of(10, 60);
    pcap_t *p = activated(sender_created(plain), 1), *at;

    run("ip link set v0 down");
    run("ip link set v0 name other0");
    run("ip link set other0 up && " UNTIL_UP("2", ".*"));
    pcap_inject(p, f, sizeof f); /* may tell that it was down */
    at = receiver();
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    arrive(at, 10);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(p);
}

CASE(interface_is_renamed)
{
    in_ways(body_renamed);
}

static void *inject_for_ever(void *p)
{
    static const unsigned char f[1000];

    while (pcap_inject(p, f, sizeof f) >= 0)
        ;
    sleep_ms(10000); /* until it is cancelled */
    return NULL;
}

/* A thread that is cancelled while it sends goes on to the end, also where it is the last that uses the socket. */
static void body_cancelled(void)
{
    void *result;
    pthread_t thread;
    pcap_t *p;

    if (goes_past_it())
        return;
    slow_device("8kbit", 10000000);
    p = sender();
    small_buffer(p);
    CHECK_INT(pthread_create(&thread, NULL, inject_for_ever, p), 0);
    sleep_ms(200);
    pcap_close(p);
    CHECK_INT(pthread_cancel(thread), 0);
    run("tc qdisc replace dev v0 root tbf rate 80mbit burst 2000 limit 10000000");
    pthread_join(thread, &result);
    CHECK(result == PTHREAD_CANCELED, "ended of itself");
}

CASE(cancelled_while_it_is_closed)
{
    in_ways(body_cancelled);
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
        if (bypass || goes_past_it()) {
            arrive(at, 20);
            run("tc -s qdisc show dev v0 root | grep 'Sent 0 bytes 0 pkt'");
        } else {
            gather_for(0.3, at, &seen, 20);
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
