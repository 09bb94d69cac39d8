/*
 * Reading live: pcap_loop, pcap_dispatch, pcap_next and pcap_next_ex, blocking and not, by poll and
 * epoll, and when packets come. Breaking the loop is breakloop.c, the interface's fate interface.c.
 */
#include "net.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

static struct caught seen;
static char err[PCAP_ERRBUF_SIZE];

static void check_seen(unsigned first, int count)
{
    unsigned char want[60];
    int i;

    CHECK_INT(seen.n, count);
    for (i = 0; i < count; i++) {
        fill_frame(want, first + (unsigned)i, sizeof want);
        CHECK_INT(seen.hdr[i].caplen, 60);
        CHECK_INT(seen.hdr[i].len, 60);
        CHECK(memcmp(seen.data[i], want, 60) == 0, "packet %d has number %u", i,
              frame_number(seen.data[i]));
    }
    seen.n = 0;
}

static void body_loop(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    int raw = raw_socket("v1");

    send_numbered(raw, 0, 10);
    CHECK_INT(pcap_loop(p, 3, keep, (unsigned char *)&seen), 0);
    check_seen(0, 3);
    CHECK_INT(pcap_loop(p, 7, keep, (unsigned char *)&seen), 0);
    check_seen(3, 7);
    send_numbered(raw, 10, 1);
    CHECK_INT(pcap_loop(p, 1, keep, (unsigned char *)&seen), 0);
    check_seen(10, 1);
    pcap_close(p);
}

CASE(loop_counts)
{
    in_modes(ALL_MODES, body_loop);
}

static pcap_t *breaking;
static int break_after;

static void keep_and_break(unsigned char *user, const struct pcap_pkthdr *h,
                           const unsigned char *data)
{
    keep(user, h, data);
    if (seen.n == break_after)
        pcap_breakloop(breaking);
}

/* 0 and negative counts mean: until an error or a break. */
static void body_loop_forever(enum mode m)
{
    int raw = raw_socket("v1"), cnt;

    breaking = opened_by(m, "v0", plain);
    break_after = 5;
    for (cnt = 0; cnt >= -7; cnt -= 7) {
        send_numbered(raw, 0, 5);
        CHECK_INT(pcap_loop(breaking, cnt, keep_and_break, (unsigned char *)&seen),
                  PCAP_ERROR_BREAK);
        check_seen(0, 5);
    }
    pcap_close(breaking);
}

CASE(loop_without_count)
{
    in_modes(ALL_MODES, body_loop_forever);
}

/* Nonblocking, with the packets waiting: a count is a bound, and none is "all there are". */
static void body_dispatch(enum mode m)
{
    struct how how = plain;
    int raw = raw_socket("v1"), cnt;
    pcap_t *p;

    how.nonblock = 1;
    p = opened_by(m, "v0", how);
    for (cnt = 0; cnt >= -7; cnt -= 7) {
        CHECK_INT(pcap_dispatch(p, cnt, keep, (unsigned char *)&seen), 0);
        send_numbered(raw, 0, 10);
        wait_readable(p, 10);
        CHECK_INT(pcap_dispatch(p, 3, keep, (unsigned char *)&seen), 3);
        check_seen(0, 3);
        CHECK_INT(pcap_dispatch(p, 1, keep, (unsigned char *)&seen), 1);
        check_seen(3, 1);
        gather(p, &seen, 6);
        check_seen(4, 6);
        CHECK_INT(pcap_dispatch(p, cnt, keep, (unsigned char *)&seen), 0);
    }
    pcap_close(p);
}

CASE(dispatch_counts)
{
    in_modes(ALL_MODES, body_dispatch);
}

/* With no count, one call takes the whole buffer (the recvmsg way has none: one packet or more). */
static void body_dispatch_all(enum mode m)
{
    struct how how = plain;
    int raw = raw_socket("v1");
    pcap_t *p;

    how.nonblock = 1;
    p = opened_by(m, "v0", how);
    send_numbered(raw, 0, 10);
    wait_readable(p, 10);
    CHECK_INT(pcap_dispatch(p, -1, keep, (unsigned char *)&seen), 10);
    check_seen(0, 10);
    pcap_close(p);
}

CASE(dispatch_takes_the_buffer)
{
    in_modes(RINGS_NOW | MODE_V1, body_dispatch_all);
}

/* A blocking dispatch comes back with the packets of the moment, not with the count. */
static void body_dispatch_blocking(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    int raw = raw_socket("v1"), rc, got = 0;
    double end = now() + PATIENCE;

    send_numbered(raw, 0, 3);
    while (got < 3 && now() < end) {
        rc = pcap_dispatch(p, 100, keep, (unsigned char *)&seen);
        CHECK(rc >= 0 && rc <= 3, "rc %d", rc);
        got += rc;
    }
    check_seen(0, 3);
    pcap_close(p);
}

CASE(dispatch_blocking)
{
    in_modes(ALL_MODES, body_dispatch_blocking);
}

static void body_next(enum mode m)
{
    struct how how = plain;
    struct pcap_pkthdr h;
    const unsigned char *data;
    unsigned char want[60];
    int raw = raw_socket("v1"), i;
    pcap_t *p;

    p = opened_by(m, "v0", how);
    send_numbered(raw, 0, 5);
    for (i = 0; i < 5; i++) {
        data = pcap_next(p, &h);
        CHECK(data != NULL, "packet %d: %s", i, pcap_geterr(p));
        fill_frame(want, (unsigned)i, sizeof want);
        CHECK(h.caplen == 60 && h.len == 60 && memcmp(data, want, 60) == 0, "packet %d", i);
    }
    CHECK_INT(pcap_setnonblock(p, 1, err), 0);
    CHECK(pcap_next(p, &h) == NULL, "a packet");
    pcap_close(p);
}

CASE(next_packet)
{
    in_modes(ALL_MODES, body_next);
}

static void body_next_ex(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    struct pcap_pkthdr *h = NULL;
    const unsigned char *data = NULL, *mark = (const unsigned char *)"mark";
    unsigned char want[60];
    int raw = raw_socket("v1"), i;

    send_numbered(raw, 0, 5);
    for (i = 0; i < 5; i++) {
        CHECK_INT(pcap_next_ex(p, &h, &data), 1);
        fill_frame(want, (unsigned)i, sizeof want);
        CHECK(h->caplen == 60 && h->len == 60 && memcmp(data, want, 60) == 0, "packet %d", i);
    }
    CHECK_INT(pcap_setnonblock(p, 1, err), 0);
    data = mark;
    CHECK_INT(pcap_next_ex(p, &h, &data), 0);
    CHECK(data == mark, "the data pointer was touched");
    pcap_breakloop(p);
    CHECK_INT(pcap_next_ex(p, &h, &data), PCAP_ERROR_BREAK);
    CHECK(data == mark, "the data pointer was touched");
    CHECK_INT(pcap_next_ex(p, &h, &data), 0);
    run("ip link del v0");
    for (i = 0; i < PATIENCE * 200 && pcap_next_ex(p, &h, &data) == 0; i++)
        sleep_ms(5);
    CHECK_INT(pcap_next_ex(p, &h, &data), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "The interface disappeared");
    pcap_close(p);
}

CASE(next_ex_v3)
{
    enter_veth();
    body_next_ex(MODE_V3);
}

CASE(next_ex_v2)
{
    enter_veth();
    body_next_ex(MODE_V2);
}

CASE(next_ex_v1)
{
    enter_veth();
    body_next_ex(MODE_V1);
}

CASE(next_ex_recvmsg)
{
    enter_veth();
    body_next_ex(MODE_RECVMSG);
}

/* What next_ex gave stays whole until the next call, whatever runs through the ring meanwhile. */
static void body_next_ex_valid(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    struct pcap_pkthdr *h, copy;
    struct pcap_stat st;
    const unsigned char *data;
    unsigned char want[60], big[1500];
    int raw = raw_socket("v1"), i;

    send_numbered(raw, 0, 3);
    for (i = 0; i < 3; i++) {
        CHECK_INT(pcap_next_ex(p, &h, &data), 1);
        copy = *h;
        fill_frame(big, 7777, sizeof big);
        if (i == 2)
            for (int k = 0; k < 3000; k++)
                send_raw(raw, big, sizeof big);
        sleep_ms(100);
        CHECK_INT(pcap_stats(p, &st), 0);
        CHECK_INT(pcap_getnonblock(p, err), 0);
        fill_frame(want, (unsigned)i, sizeof want);
        CHECK(memcmp(data, want, sizeof want) == 0, "packet %d changed", i);
        CHECK(memcmp(h, &copy, sizeof copy) == 0, "header %d changed", i);
    }
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(frame_number(data), 7777);
    pcap_close(p);
}

CASE(next_ex_data_stays)
{
    in_modes(ALL_MODES, body_next_ex_valid);
}

static void body_mixed(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    struct pcap_pkthdr *h, header;
    const unsigned char *data;
    int raw = raw_socket("v1");
    unsigned i;

    send_numbered(raw, 0, 12);
    for (i = 0; i < 12; i += 3) {
        CHECK_INT(pcap_next_ex(p, &h, &data), 1);
        CHECK_INT(frame_number(data), i);
        data = pcap_next(p, &header);
        CHECK(data != NULL && frame_number(data) == i + 1, "packet %u", i + 1);
        CHECK_INT(pcap_loop(p, 1, keep, (unsigned char *)&seen), 0);
        check_seen(i + 2, 1);
    }
    pcap_close(p);
}

CASE(reads_mixed)
{
    in_modes(ALL_MODES, body_mixed);
}

static void body_nonblock(enum mode m)
{
    struct pcap_pkthdr h;
    struct how how = plain;
    int raw = raw_socket("v1"), attempt;
    double start, took = 0;
    pcap_t *p = opened_by(m, "v0", how);

    CHECK_INT(pcap_getnonblock(p, err), 0);
    CHECK_INT(pcap_setnonblock(p, 1, err), 0);
    CHECK_INT(pcap_getnonblock(p, err), 1);
    for (attempt = 0; AGAIN(attempt, took, 0.2); attempt++) {
        start = now();
        CHECK_INT(pcap_dispatch(p, -1, keep, (unsigned char *)&seen), 0);
        CHECK(pcap_next(p, &h) == NULL, "a packet");
        took = now() - start;
    }
    CHECK(took < 0.2, "%.3f s in nonblocking mode", took);
    send_numbered(raw, 0, 2);
    gather(p, &seen, 2);
    check_seen(0, 2);
    CHECK_INT(pcap_setnonblock(p, 0, err), 0);
    CHECK_INT(pcap_getnonblock(p, err), 0);
    send_numbered(raw, 2, 2);
    CHECK_INT(pcap_loop(p, 2, keep, (unsigned char *)&seen), 0);
    check_seen(2, 2);
    pcap_close(p);
}

CASE(nonblocking)
{
    in_modes(ALL_MODES, body_nonblock);
}

/* A timeout below 0 is nonblocking mode from the start; what remains of it in blocking mode is ~timeout. */
static void body_negative(enum mode m)
{
    struct how how = plain;
    int raw = raw_socket("v1");
    pcap_t *p;

    how.timeout_ms = -21;
    p = opened_by(m, "v0", how);
    CHECK_INT(pcap_getnonblock(p, err), 1);
    CHECK_INT(pcap_dispatch(p, -1, keep, (unsigned char *)&seen), 0);
    send_numbered(raw, 0, 2);
    gather(p, &seen, 2);
    check_seen(0, 2);
    CHECK_INT(pcap_setnonblock(p, 0, err), 0);
    CHECK_INT(pcap_getnonblock(p, err), 0);
    send_numbered(raw, 2, 1);
    CHECK_INT(pcap_loop(p, 1, keep, (unsigned char *)&seen), 0);
    check_seen(2, 1);
    pcap_close(p);
}

CASE(negative_timeout)
{
    in_modes(ALL_MODES, body_negative);
}

static int raw_later;

static void *send_later(void *ms)
{
    sleep_ms((int)(intptr_t)ms);
    send_numbered(raw_later, 0, 1);
    return NULL;
}

/* Back in blocking mode a read waits: for the packet that another thread sends after 200 ms. */
static void body_blocks_again(enum mode m)
{
    pthread_t t;
    double start;
    pcap_t *p = opened_by(m, "v0", plain);

    raw_later = raw_socket("v1");
    CHECK_INT(pcap_setnonblock(p, 1, err), 0);
    CHECK_INT(pcap_dispatch(p, -1, keep, (unsigned char *)&seen), 0);
    CHECK_INT(pcap_setnonblock(p, 0, err), 0);
    start = now();
    CHECK(pthread_create(&t, NULL, send_later, (void *)(intptr_t)200) == 0, "no thread");
    CHECK_INT(pcap_loop(p, 1, keep, (unsigned char *)&seen), 0);
    CHECK(now() - start > 0.15, "did not wait: %.3f s", now() - start);
    check_seen(0, 1);
    pthread_join(t, NULL);
    pcap_close(p);
}

CASE(blocking_again)
{
    in_modes(ALL_MODES, body_blocks_again);
}

static int readable(int fd, int ms)
{
    struct pollfd f = {fd, POLLIN, 0};
    int n = poll(&f, 1, ms);

    CHECK(n >= 0 && (n == 0 || f.revents == POLLIN), "poll %d, revents %#x", n, f.revents);
    return n;
}

/* Not readable, then readable by a packet, then not any more: whichever count takes the packet. */
static void poll_reads(enum mode m, int cnt)
{
    struct how how = plain;
    int raw = raw_socket("v1"), fd;
    unsigned i;
    double end;
    pcap_t *p;

    how.nonblock = 1;
    p = opened_by(m, "v0", how);
    fd = pcap_get_selectable_fd(p);
    CHECK(fd >= 0, "fd %d", fd);
    for (i = 0; i < 5; i++) {
        CHECK(!readable(fd, 120), "readable with no packet");
        send_numbered(raw, i, 1);
        CHECK(readable(fd, PATIENCE * 1000), "not readable with a packet");
        for (end = now() + PATIENCE; seen.n == 0 && now() < end;)
            CHECK(pcap_dispatch(p, cnt, keep, (unsigned char *)&seen) >= 0, "dispatch");
        check_seen(i, 1);
    }
    pcap_close(p);
}

static void body_poll(enum mode m)
{
    poll_reads(m, -1);
}

CASE(select_by_poll)
{
    in_modes(ALL_MODES, body_poll);
}

static void body_poll_counted(enum mode m)
{
    poll_reads(m, 1);
}

/* The last packet of a counted read does not leave the descriptor readable. */
CASE(select_after_counted_read)
{
    in_modes(ALL_MODES, body_poll_counted);
}

/* An event loop: each packet wakes it, whether the descriptor is watched by level or by edge. */
static void epoll_reads(enum mode m, unsigned events)
{
    struct how how = plain;
    struct epoll_event e = {events, {NULL}};
    int raw = raw_socket("v1"), ep = epoll_create1(0), rc;
    unsigned i;
    pcap_t *p;

    how.nonblock = 1;
    how.timeout_ms = 20;
    p = opened_by(m, "v0", how);
    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, pcap_get_selectable_fd(p), &e) == 0, "epoll_ctl: %s",
          strerror(errno));
    for (i = 0; i < 20; i++) {
        send_numbered(raw, i, 1);
        while (seen.n == 0) {
            CHECK(epoll_wait(ep, &e, 1, PATIENCE * 1000) == 1, "packet %u did not wake epoll", i);
            do {
                rc = pcap_dispatch(p, -1, keep, (unsigned char *)&seen);
                CHECK(rc >= 0, "dispatch: %s", pcap_geterr(p));
            } while (rc > 0);
        }
        check_seen(i, 1);
    }
    close(ep);
    pcap_close(p);
}

static void body_epoll(enum mode m)
{
    epoll_reads(m, EPOLLIN);
    epoll_reads(m, EPOLLIN | EPOLLET);
}

CASE(select_by_epoll)
{
    in_modes(ALL_MODES, body_epoll);
}

/* The seconds from sending one packet to its delivery; `limit` is what they should stay below. */
static double latency(enum mode m, struct how how, double limit)
{
    int raw = raw_socket("v1"), attempt;
    double start, took = 0;
    pcap_t *p = opened_by(m, "v0", how);

    for (attempt = 0; AGAIN(attempt, took, limit); attempt++) {
        sleep_ms(300);
        start = now();
        send_numbered(raw, 0, 1);
        CHECK_INT(pcap_loop(p, 1, keep, (unsigned char *)&seen), 0);
        took = now() - start;
        check_seen(0, 1);
    }
    pcap_close(p);
    return took;
}

CASE(timeout_bounds_delivery)
{
    struct how how = plain;
    double took;

    enter_veth();
    how.timeout_ms = 100;
    took = latency(MODE_V3, how, 0.4);
    CHECK(took < 0.4, "to_ms 100: %.3f s", took);
    how.timeout_ms = 500;
    took = latency(MODE_V3, how, 1.2);
    CHECK(took < 1.2, "to_ms 500: %.3f s", took);
}

/* Immediate mode does not wait for the timeout, nor do the ways without blocks. */
static void body_immediate(enum mode m)
{
    struct how how = plain;
    double took;

    how.timeout_ms = 5000;
    took = latency(m, how, 0.1);
    CHECK(took < 0.1, "%.3f s", took);
    how.no_timeout = 1;
    took = latency(m, how, 0.1);
    CHECK(took < 0.1, "no timeout: %.3f s", took);
}

CASE(immediate_is_at_once)
{
    in_modes(ALL_MODES & ~MODE_V3, body_immediate);
}

/* With to_ms 0 the block ring waits for a full block, and gives all of it. */
CASE(no_timeout_waits_for_a_block)
{
    struct how how = plain;
    unsigned char f[1400];
    int raw, n = 0, rc;
    unsigned i;
    pcap_t *p;

    enter_veth();
    raw = raw_socket("v1");
    how.no_timeout = 1;
    p = opened("v0", how);
    for (i = 0; i < 400; i++) {
        fill_frame(f, i, sizeof f);
        send_raw(raw, f, sizeof f);
    }
    rc = pcap_dispatch(p, -1, count_packet, (unsigned char *)&n);
    CHECK(rc > 100 && rc == n, "dispatch %d, %d packets", rc, n);
    pcap_close(p);
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
    (void)sig;
    signals++;
}

static pthread_t reader;

static void *interrupt_then_send(void *unused)
{
    int i;

    (void)unused;
    for (i = 0; i < 5; i++) {
        sleep_ms(40);
        pthread_kill(reader, SIGUSR1);
        while (signals == i) /* or it is one with the next */
            sleep_ms(1);
    }
    sleep_ms(40);
    send_numbered(raw_later, 0, 1);
    return NULL;
}

/* A signal that breaks nothing does not end the wait. */
static void interrupted(enum mode m, int flags)
{
    struct sigaction sa;
    pthread_t t;
    int rc;
    double end = now() + PATIENCE;
    pcap_t *p = opened_by(m, "v0", plain);

    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_signal;
    sa.sa_flags = flags;
    sigaction(SIGUSR1, &sa, NULL);
    signals = 0;
    reader = pthread_self();
    raw_later = raw_socket("v1");
    CHECK(pthread_create(&t, NULL, interrupt_then_send, NULL) == 0, "no thread");
    do
        rc = pcap_dispatch(p, 1, keep, (unsigned char *)&seen);
    while (rc == 0 && now() < end);
    CHECK(rc == 1, "dispatch %d: %s", rc, pcap_geterr(p));
    check_seen(0, 1);
    CHECK_INT(signals, 5);
    pthread_join(t, NULL);
    pcap_close(p);
}

static void body_eintr(enum mode m)
{
    interrupted(m, 0);
    interrupted(m, SA_RESTART);
}

CASE(signals_do_not_end_a_read)
{
    in_modes(ALL_MODES, body_eintr);
}
