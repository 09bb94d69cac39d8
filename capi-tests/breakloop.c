/*
 * pcap_breakloop: from the thread itself, from the callback, from another thread and from a signal
 * handler; never lost, never late, and the handle reads on afterwards.
 */
#include "net.h"

#include <pthread.h>

/* How late a blocked read may notice the break, where nothing keeps its thread from being run. */
#define LATE 0.1

static double late[100];

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Most of `n` breaks were noticed at once, and none after what threads are kept waiting for. */
static int at_once(int n)
{
    qsort(late, (size_t)n, sizeof late[0], by_size);
    CHECK(late[n - 1] < PATIENCE / 4, "a break noticed after %.3f s", late[n - 1]);
    return late[n / 2] < LATE;
}

static struct caught seen;
static char err[PCAP_ERRBUF_SIZE];
static pcap_t *p;
static int raw;

static void open_by(enum mode m)
{
    p = opened_by(m, "v0", plain);
    raw = raw_socket("v1");
}

static int loops(int cnt)
{
    return pcap_loop(p, cnt, keep, (unsigned char *)&seen);
}

/* The handle reads on: nothing is left of the break, no packet is missing. */
static void reads_on(unsigned first, int count)
{
    int i;

    seen.n = 0;
    CHECK_INT(loops(count), 0);
    CHECK_INT(seen.n, count);
    for (i = 0; i < count; i++)
        CHECK_INT(frame_number(seen.data[i]), first + (unsigned)i);
    seen.n = 0;
}

static void body_before(enum mode m)
{
    struct pcap_pkthdr *h;
    const unsigned char *data;
    double start, took = 0;
    int attempt;

    open_by(m);
    for (attempt = 0; AGAIN(attempt, took, 5 * LATE); attempt++) {
        start = now();
        pcap_breakloop(p);
        CHECK_INT(loops(-1), PCAP_ERROR_BREAK);
        pcap_breakloop(p);
        CHECK_INT(loops(5), PCAP_ERROR_BREAK);
        pcap_breakloop(p);
        CHECK_INT(pcap_dispatch(p, -1, keep, (unsigned char *)&seen), PCAP_ERROR_BREAK);
        pcap_breakloop(p);
        CHECK_INT(pcap_next_ex(p, &h, &data), PCAP_ERROR_BREAK);
        pcap_breakloop(p);
        pcap_breakloop(p); /* two are one */
        CHECK_INT(loops(-1), PCAP_ERROR_BREAK);
        took = now() - start;
    }
    CHECK(took < 5 * LATE, "%.3f s", took);
    CHECK_INT(seen.n, 0);
    send_numbered(raw, 0, 3);
    reads_on(0, 3);
    pcap_close(p);
}

CASE(break_before_the_call)
{
    in_modes(ALL_MODES, body_before);
}

/* Also when packets wait: none is delivered, none is lost. */
static void body_before_packets(enum mode m)
{
    open_by(m);
    send_numbered(raw, 0, 3);
    wait_readable(p, 3);
    pcap_breakloop(p);
    CHECK_INT(loops(-1), PCAP_ERROR_BREAK);
    CHECK_INT(seen.n, 0);
    reads_on(0, 3);
    pcap_close(p);
}

CASE(break_before_the_packets)
{
    in_modes(ALL_MODES, body_before_packets);
}

static void body_before_nonblock(enum mode m)
{
    open_by(m);
    CHECK_INT(pcap_setnonblock(p, 1, err), 0);
    pcap_breakloop(p);
    CHECK_INT(pcap_dispatch(p, -1, keep, (unsigned char *)&seen), PCAP_ERROR_BREAK);
    CHECK_INT(pcap_dispatch(p, -1, keep, (unsigned char *)&seen), 0);
    send_numbered(raw, 0, 3);
    wait_readable(p, 3);
    pcap_breakloop(p);
    CHECK_INT(pcap_dispatch(p, -1, keep, (unsigned char *)&seen), PCAP_ERROR_BREAK);
    CHECK_INT(pcap_setnonblock(p, 0, err), 0);
    reads_on(0, 3);
    pcap_close(p);
}

CASE(break_in_nonblocking_mode)
{
    in_modes(ALL_MODES, body_before_nonblock);
}

/* A break asked for in nonblocking mode outlives the way back to blocking mode. */
static void body_across_modes(enum mode m)
{
    open_by(m);
    CHECK_INT(pcap_setnonblock(p, 1, err), 0);
    pcap_breakloop(p);
    CHECK_INT(pcap_setnonblock(p, 0, err), 0);
    CHECK_INT(loops(-1), PCAP_ERROR_BREAK);
    send_numbered(raw, 0, 1);
    reads_on(0, 1);
    pcap_close(p);
}

CASE(break_across_modes)
{
    in_modes(ALL_MODES, body_across_modes);
}

static void keep_and_break(unsigned char *user, const struct pcap_pkthdr *h,
                           const unsigned char *data)
{
    keep(user, h, data);
    pcap_breakloop(p);
}

static void body_in_callback(enum mode m)
{
    open_by(m);
    send_numbered(raw, 0, 6);
    wait_readable(p, 6);
    CHECK_INT(pcap_loop(p, -1, keep_and_break, (unsigned char *)&seen), PCAP_ERROR_BREAK);
    CHECK_INT(seen.n, 1);
    /* A count that is reached by the packet that breaks: the break wins. */
    seen.n = 0;
    CHECK_INT(pcap_loop(p, 1, keep_and_break, (unsigned char *)&seen), PCAP_ERROR_BREAK);
    CHECK_INT(seen.n, 1);
    /* libpcap's dispatch forgets its count. The manual has the count first, then -2. */
    seen.n = 0;
    CHECK_INT(pcap_dispatch(p, -1, keep_and_break, (unsigned char *)&seen), PCAP_ERROR_BREAK);
    CHECK_INT(seen.n, 1);
    reads_on(3, 3);
    pcap_close(p);
}

CASE(break_in_the_callback)
{
    in_modes(ALL_MODES, body_in_callback);
}

static volatile double broken_at;
static volatile int pause_ms;
static pthread_t reader;

static void *break_later(void *unused)
{
    (void)unused;
    sleep_ms(pause_ms);
    broken_at = now();
    pcap_breakloop(p);
    return NULL;
}

static void *signal_later(void *unused)
{
    (void)unused;
    sleep_ms(pause_ms);
    pthread_kill(reader, SIGUSR1);
    return NULL;
}

static void on_signal(int sig)
{
    (void)sig;
    broken_at = now();
    pcap_breakloop(p);
}

static void handle_signal(int flags)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_signal;
    sa.sa_flags = flags;
    sigaction(SIGUSR1, &sa, NULL);
}

/* Blocks in a read until `later` breaks it, `times` times, at varying moments. */
static void broken_by(void *(*later)(void *), int times)
{
    pthread_t t;
    int i, attempt, prompt = 0;

    reader = pthread_self();
    for (attempt = 0; attempt < 5 && !prompt; attempt++) {
        for (i = 0; i < times; i++) {
            pause_ms = (i * 7) % 60;
            CHECK(pthread_create(&t, NULL, later, NULL) == 0, "no thread");
            CHECK_INT(loops(-1), PCAP_ERROR_BREAK);
            late[i] = now() - broken_at;
            pthread_join(t, NULL);
            CHECK_INT(seen.n, 0);
        }
        prompt = at_once(times);
    }
    CHECK(prompt, "most of %d breaks noticed after more than %.3f s", times, late[times / 2]);
    send_numbered(raw, 0, 2);
    reads_on(0, 2);
}

static void body_thread(enum mode m)
{
    open_by(m);
    broken_by(break_later, 20);
    pcap_close(p);
}

CASE(break_from_another_thread)
{
    in_modes(ALL_MODES, body_thread);
}

static void body_thread_no_timeout(enum mode m)
{
    struct how how = plain;

    how.no_timeout = 1;
    p = opened_by(m, "v0", how);
    pause_ms = 50;
    pthread_t t;
    double took = 0;
    int attempt;
    for (attempt = 0; AGAIN(attempt, took, LATE); attempt++) {
        CHECK(pthread_create(&t, NULL, break_later, NULL) == 0, "no thread");
        CHECK_INT(loops(-1), PCAP_ERROR_BREAK);
        took = now() - broken_at;
        pthread_join(t, NULL);
    }
    CHECK(took < LATE, "noticed after %.3f s", took);
    pcap_close(p);
}

CASE(break_without_timeout)
{
    in_modes(ALL_MODES, body_thread_no_timeout);
}

static void body_signal(enum mode m)
{
    open_by(m);
    handle_signal(0);
    broken_by(signal_later, 10);
    handle_signal(SA_RESTART);
    broken_by(signal_later, 10);
    pcap_close(p);
}

CASE(break_from_a_signal_handler)
{
    in_modes(ALL_MODES, body_signal);
}

/* The break of a handle that polls by itself: nonblocking, with another thread breaking. */
static volatile int stop;

static void *send_always(void *unused)
{
    (void)unused;
    while (!stop) {
        send_numbered(raw, 0, 1);
        sleep_ms(1);
    }
    return NULL;
}

/* Under traffic, breaks at odd moments: each ends one loop, soon. */
static void body_traffic(enum mode m)
{
    double end = now() + PATIENCE;
    pthread_t sender, t;
    int i, n = 0, prompt = 0;

    open_by(m);
    stop = 0;
    CHECK(pthread_create(&sender, NULL, send_always, NULL) == 0, "no thread");
    do {
        for (i = 0; i < 100; i++) {
            pause_ms = (i * 3) % 11;
            CHECK(pthread_create(&t, NULL, break_later, NULL) == 0, "no thread");
            CHECK_INT(pcap_loop(p, -1, count_packet, (unsigned char *)&n), PCAP_ERROR_BREAK);
            late[i] = now() - broken_at;
            pthread_join(t, NULL);
        }
        prompt |= at_once(100);
    } while ((n == 0 || !prompt) && now() < end);
    CHECK(prompt, "most of 100 breaks noticed after more than %.3f s", late[50]);
    CHECK(n > 0, "no packet between breaks");
    stop = 1;
    pthread_join(sender, NULL);
    pcap_close(p);
}

CASE(break_under_traffic)
{
    in_modes(ALL_MODES, body_traffic);
}

static volatile int loops_broken;

/* Breaks that fall anywhere in a loop's life, none waited for: as many -2 as breaks that found it unbroken. */
static void *break_often(void *unused)
{
    double end = now() + PATIENCE;
    int i;

    (void)unused;
    for (i = 0; i < 2000 || (loops_broken <= 50 && now() < end); i++) {
        pcap_breakloop(p);
        if (i % 16 == 0)
            sleep_ms(1);
    }
    stop = 1;
    pcap_breakloop(p);
    return NULL;
}

static void body_storm(enum mode m)
{
    pthread_t t;
    int rc;

    open_by(m);
    stop = 0;
    loops_broken = 0;
    CHECK(pthread_create(&t, NULL, break_often, NULL) == 0, "no thread");
    while (!stop) {
        rc = loops(-1);
        CHECK_INT(rc, PCAP_ERROR_BREAK);
        loops_broken++;
    }
    pthread_join(t, NULL);
    CHECK(loops_broken > 50, "%d", loops_broken);
    CHECK_INT(pcap_setnonblock(p, 1, err), 0);
    rc = pcap_dispatch(p, -1, keep, (unsigned char *)&seen); /* one break may be left over */
    CHECK(rc == 0 || rc == PCAP_ERROR_BREAK, "rc %d", rc);
    CHECK_INT(pcap_dispatch(p, -1, keep, (unsigned char *)&seen), 0);
    CHECK_INT(pcap_setnonblock(p, 0, err), 0);
    send_numbered(raw, 0, 2);
    reads_on(0, 2);
    pcap_close(p);
}

CASE(break_storm)
{
    in_modes(ALL_MODES, body_storm);
}

/* On handles that cannot read it does nothing, and what was broken before activation stays so. */
static void *read_forever(void *by_next)
{
    struct pcap_pkthdr *h;
    const unsigned char *data;

    if (!by_next)
        loops(-1);
    while (pcap_next_ex(p, &h, &data) >= 0)
        ;
    return NULL;
}

/* A thread that sleeps in a read can be cancelled, and the handle goes on being of use. */
static void body_cancel(enum mode m)
{
    char err[PCAP_ERRBUF_SIZE];
    int raw = raw_socket("v1"), i, n;
    void *result;
    pthread_t t;

    p = opened_by(m, "v0", plain);
    for (i = 0; i < 10; i++) {
        n = 0;
        CHECK(pcap_setnonblock(p, 0, err) == 0, "%s", err);
        CHECK(pthread_create(&t, NULL, read_forever, i % 2 ? &n : NULL) == 0, "no thread");
        if (i % 4 < 2)
            sleep_ms(20);
        CHECK_INT(pthread_cancel(t), 0);
        pthread_join(t, &result);
        CHECK(result == PTHREAD_CANCELED, "ended of itself");
        send_numbered(raw, 0, 3);
        CHECK(pcap_setnonblock(p, 1, err) == 0, "%s", err);
        while (n < 3)
            CHECK(pcap_dispatch(p, -1, count_packet, (unsigned char *)&n) >= 0, "%s", pcap_geterr(p));
        CHECK_INT(n, 3);
    }
    pcap_close(p);
}

CASE(cancelled_threads)
{
    in_modes(ALL_MODES, body_cancel);
}

/* A thread that is being cancelled may break a loop: it ends at a point of cancellation of its own, not in the call. */
static void *breaks_when_cancelled(void *called)
{
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_cancel(pthread_self());
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pcap_breakloop(p);
    *(int *)called = 1;
    pthread_testcancel();
    return NULL;
}

static void body_cancelled_breaker(enum mode m)
{
    pthread_t t;
    void *result;
    int called = 0;

    p = opened_by(m, "v0", plain);
    CHECK(pthread_create(&t, NULL, breaks_when_cancelled, &called) == 0, "no thread");
    pthread_join(t, &result);
    CHECK(result == PTHREAD_CANCELED, "ended of itself");
    CHECK_INT(called, 1);
    CHECK_INT(loops(-1), PCAP_ERROR_BREAK);
    pcap_close(p);
}

CASE(break_by_a_cancelled_thread)
{
    in_modes(ALL_MODES, body_cancelled_breaker);
}

CASE(break_other_handles)
{
    pcap_t *dead = pcap_open_dead(DLT_EN10MB, 100);

    pcap_breakloop(dead);
    pcap_close(dead);
    enter_veth();
    p = created("v0", &plain);
    pcap_breakloop(p);
    CHECK_INT(loops(1), PCAP_ERROR_NOT_ACTIVATED);
    pcap_close(p);
}
