/*
 * The interface under a live handle: its going down, up and away, directions, sending, statistics,
 * promiscuous mode, and what a thousand handles leave behind.
 */
#include "net.h"

#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/time.h>

static struct caught seen;
static char err[PCAP_ERRBUF_SIZE];

/*
 * The buffer is large because without CAP_NET_ADMIN outside the namespace a frame of immediate mode has
 * room for the largest packet: the default would hold eight of them on "any".
 */
static pcap_t *nonblocking(enum mode m, const char *dev)
{
    struct how how = plain;

    how.nonblock = 1;
    how.buffer = 16 << 20;
    return opened_by(m, dev, how);
}

static void body_down_up(enum mode m)
{
    int raw = raw_socket("v1"), i, rc, waits = 0;
    pcap_t *p = nonblocking(m, "v0");

    send_numbered(raw, 0, 1);
    gather(p, &seen, 1);
    CHECK_INT(seen.n, 1);
    CHECK(pcap_get_required_select_timeout(p) == NULL, "a timeout while up");
    run("ip link set v0 down");
    for (i = 0; i < 50; i++) {
        rc = pcap_dispatch(p, -1, keep, (unsigned char *)&seen);
        CHECK(rc == 0, "while down: %d, %s", rc, pcap_geterr(p));
        waits += pcap_get_required_select_timeout(p) != NULL;
        sleep_ms(2);
    }
    CHECK(waits > 0, "no select timeout while the interface is down");
    run("ip link set v0 up && " VETH_UP);
    for (i = 0; i < 10; i++) {
        rc = pcap_dispatch(p, -1, keep, (unsigned char *)&seen);
        CHECK(rc >= 0, "after up: %s", pcap_geterr(p));
        sleep_ms(2);
    }
    CHECK(pcap_get_required_select_timeout(p) == NULL, "a timeout when up again");
    seen.n = 0;
    send_numbered(raw, 7, 1);
    gather(p, &seen, 1);
    CHECK_INT(seen.n, 1);
    CHECK_INT(frame_number(seen.data[0]), 7);
    seen.n = 0;
    pcap_close(p);
}

CASE(down_and_up)
{
    in_modes(ALL_MODES, body_down_up);
}

static int raw_later;

static void *down_up_send(void *unused)
{
    (void)unused;
    sleep_ms(50);
    run("ip link set v0 down");
    sleep_ms(200);
    run("ip link set v0 up && " VETH_UP);
    sleep_ms(50);
    send_numbered(raw_later, 3, 1);
    return NULL;
}

static void body_down_up_blocked(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    pthread_t t;
    int rc;

    raw_later = raw_socket("v1");
    CHECK(pthread_create(&t, NULL, down_up_send, NULL) == 0, "no thread");
    rc = pcap_loop(p, 1, keep, (unsigned char *)&seen);
    CHECK(rc == 0, "pcap_loop %d: %s", rc, pcap_geterr(p));
    CHECK_INT(frame_number(seen.data[0]), 3);
    pthread_join(t, NULL);
    pcap_close(p);
}

CASE(down_and_up_while_blocked)
{
    in_modes(ALL_MODES, body_down_up_blocked);
}

/* How often the library has asked. */
static long polls;

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    struct timespec t = {timeout / 1000, timeout % 1000 * 1000000L};

    polls++;
    return ppoll(fds, n, timeout < 0 ? NULL : &t, NULL);
}

/* A program that reads again and again seldom asks the kernel, and learns all the same what has happened. */
static void body_spinning(enum mode m)
{
    enum { READS = 20000, FIRST = 8 };
    pcap_t *p = nonblocking(m, "v0");
    struct pcap_pkthdr *h;
    const unsigned char *data;
    int raw = raw_socket("v1"), rc = 0;
    long i, ticks;
    double start, end;

    sleep_ms(50); /* what the kernel sends of itself */
    while (pcap_next_ex(p, &h, &data) > 0)
        ;
    polls = 0;
    start = now();
    for (i = 0; i < READS; i++)
        CHECK(pcap_next_ex(p, &h, &data) >= 0, "%s", pcap_geterr(p));
    ticks = (long)((now() - start) * 1000);
    CHECK(polls > 0, "errors would go unseen");
    CHECK(polls <= 2 * FIRST + ticks, "%ld polls in %ld ms", polls, ticks);
    /* One that waits for the descriptor is to be told at once, for that may not tell again. */
    CHECK(pcap_get_selectable_fd(p) >= 0, "no descriptor");
    polls = 0;
    for (i = 0; i < 100; i++)
        CHECK(pcap_next_ex(p, &h, &data) >= 0, "%s", pcap_geterr(p));
    CHECK(polls >= 100, "%ld polls", polls);
    send_numbered(raw, 4, 1);
    for (end = now() + PATIENCE; rc == 0 && now() < end;)
        rc = pcap_next_ex(p, &h, &data);
    CHECK_INT(rc, 1);
    CHECK_INT(frame_number(data), 4);
    run("ip link set v0 down");
    for (end = now() + PATIENCE; pcap_get_required_select_timeout(p) == NULL && now() < end;)
        CHECK(pcap_next_ex(p, &h, &data) >= 0, "%s", pcap_geterr(p));
    CHECK(pcap_get_required_select_timeout(p) != NULL, "it was not seen that the interface is down");
    run("ip link del v0");
    for (rc = 0, end = now() + PATIENCE; rc == 0 && now() < end;)
        rc = pcap_next_ex(p, &h, &data);
    CHECK_INT(rc, -1);
    CHECK_STR(pcap_geterr(p), "The interface disappeared");
    pcap_close(p);
    make_veth(); /* for the next mode */
}

CASE(spinning)
{
    in_modes(ALL_MODES, body_spinning);
}

static void *delete_later(void *unused)
{
    (void)unused;
    sleep_ms(100);
    run("ip link del v0");
    return NULL;
}

static void body_gone(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    pthread_t t;
    double start = now();

    CHECK(pthread_create(&t, NULL, delete_later, NULL) == 0, "no thread");
    CHECK_INT(pcap_loop(p, -1, keep, (unsigned char *)&seen), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "The interface disappeared");
    CHECK(now() - start < PATIENCE, "%.3f s", now() - start);
    pthread_join(t, NULL);
    CHECK_INT(pcap_dispatch(p, -1, keep, (unsigned char *)&seen), PCAP_ERROR);
    pcap_close(p);
    make_veth(); /* for the next mode */
}

CASE(interface_deleted)
{
    in_modes(ALL_MODES, body_gone);
}

/* Packets that came before the interface went are still read. */
static void body_gone_packets(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    int raw = raw_socket("v1"), rc = 0, i;

    send_numbered(raw, 0, 3);
    wait_readable(p, 3);
    run("ip link del v0");
    for (i = 0; i < 500 && rc >= 0; i++)
        rc = pcap_dispatch(p, 1, keep, (unsigned char *)&seen);
    CHECK_INT(seen.n, 3);
    CHECK_INT(rc, PCAP_ERROR);
    pcap_close(p);
    make_veth();
}

CASE(packets_before_deletion)
{
    in_modes(ALL_MODES, body_gone_packets);
}

/* Datagrams over loopback to a socket that takes them. */
static void send_datagrams(int count)
{
    struct sockaddr_in to;
    socklen_t len = sizeof to;
    int in = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0), i;

    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(in, (struct sockaddr *)&to, len) == 0, "bind: %s", strerror(errno));
    getsockname(in, (struct sockaddr *)&to, &len);
    for (i = 0; i < count; i++)
        CHECK(sendto(out, "datagram", 8, 0, (struct sockaddr *)&to, len) == 8, "sendto");
    close(in);
    close(out);
}

static void each_once(enum mode m, const char *dev, pcap_direction_t d, int offset, int want)
{
    pcap_t *p = nonblocking(m, dev);
    int i;

    CHECK_INT(pcap_setdirection(p, d), 0);
    seen.n = 0;
    send_datagrams(5);
    gather_only(p, &seen, want);
    CHECK_INT(seen.n, want);
    for (i = 0; i < want; i++)
        CHECK(memcmp(seen.data[i] + offset + 28, "datagram", 8) == 0, "packet %d", i);
    pcap_close(p);
}

static void body_lo(enum mode m)
{
    each_once(m, "lo", PCAP_D_INOUT, 14, 5);
    each_once(m, "lo", PCAP_D_IN, 14, 5);
    each_once(m, "lo", PCAP_D_OUT, 14, 0);
    each_once(m, "any", PCAP_D_INOUT, 16, 5);
}

CASE(loopback_once)
{
    in_modes(ALL_MODES, body_lo);
}

static void directed(enum mode m, const char *dev, pcap_direction_t d, int in, int out)
{
    int from_v1 = raw_socket("v1"), from_v0 = raw_socket("v0"), i, ins = 0, outs = 0;
    int at = strcmp(dev, "any") == 0 ? 16 : 14;
    pcap_t *p = nonblocking(m, dev);

    CHECK_INT(pcap_setdirection(p, d), 0);
    seen.n = 0;
    send_numbered(from_v1, 100, 3);
    send_numbered(from_v0, 200, 3);
    gather_only(p, &seen, in + out);
    for (i = 0; i < seen.n; i++) {
        unsigned number = get32(seen.data[i] + at);

        ins += number / 100 == 1;
        outs += number / 100 == 2;
    }
    CHECK_INT(ins, in);
    CHECK_INT(outs, out);
    pcap_close(p);
    close(from_v1);
    close(from_v0);
}

/* On "any" each frame shows twice: going out of one end and coming in at the other. */
static void body_direction(enum mode m)
{
    directed(m, "v0", PCAP_D_INOUT, 3, 3);
    directed(m, "v0", PCAP_D_IN, 3, 0);
    directed(m, "v0", PCAP_D_OUT, 0, 3);
    directed(m, "any", PCAP_D_INOUT, 6, 6);
    directed(m, "any", PCAP_D_IN, 3, 3);
    directed(m, "any", PCAP_D_OUT, 3, 3);
}

CASE(directions)
{
    in_modes(ALL_MODES, body_direction);
}

static void body_inject(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain), *other = nonblocking(MODE_V2, "v1");
    static unsigned char f[70000];

    seen.n = 0;
    fill_frame(f, 5, 1514);
    CHECK_INT(pcap_inject(p, f, 1514), 1514);
    CHECK_INT(pcap_sendpacket(p, f, 60), 0);
    gather(other, &seen, 2);
    CHECK_INT(seen.n, 2);
    CHECK(seen.hdr[0].len == 1514 && memcmp(seen.data[0], f, 1514) == 0, "not what was sent");
    CHECK_INT(seen.hdr[1].len, 60);
    CHECK_INT(pcap_inject(p, f, sizeof f), -1);
    CHECK_STARTS(pcap_geterr(p), "send: Message too long");
    CHECK_INT(pcap_sendpacket(p, f, sizeof f), -1);
    CHECK_INT(pcap_inject(p, f, 0), -1);
    CHECK_STARTS(pcap_geterr(p), "The number of bytes to be injected must not be zero");
    run("ip link set v0 down");
    CHECK_INT(pcap_inject(p, f, 60), -1);
    CHECK_STARTS(pcap_geterr(p), "send: Network is down");
    run("ip link set v0 up && " VETH_UP);
    pcap_close(p);
    pcap_close(other);
}

CASE(inject)
{
    in_modes(ALL_MODES, body_inject);
}

CASE(inject_cooked)
{
    pcap_t *p;
    int tun;

    enter_netns();
    p = opened("any", plain);
    CHECK_INT(pcap_inject(p, "01234567890123456789", 20), -1);
    CHECK_STARTS(pcap_geterr(p), "Sending packets isn't supported on the \"any\" device");
    pcap_close(p);
    tun = make_tun("t0", 512); /* ARPHRD_PPP: cooked */
    p = opened("t0", plain);
    CHECK_INT(pcap_datalink(p), DLT_LINUX_SLL);
    CHECK_INT(pcap_inject(p, "01234567890123456789", 20), -1);
    CHECK_STARTS(pcap_geterr(p), "Sending packets isn't supported in cooked mode");
    CHECK_INT(pcap_sendpacket(p, (const unsigned char *)"01234567890123456789", 20), -1);
    pcap_close(p);
    close(tun);
}

static void check_stats(pcap_t *p, unsigned recv, unsigned drop)
{
    struct pcap_stat st = {77, 77, 77};

    wait_received(p, recv);
    CHECK_INT(pcap_stats(p, &st), 0);
    CHECK_INT(st.ps_recv, recv);
    CHECK_INT(st.ps_drop, drop);
    CHECK_INT(st.ps_ifdrop, 0);
}

static void body_stats(enum mode m)
{
    pcap_t *p = nonblocking(m, "v0");
    int raw = raw_socket("v1");

    check_stats(p, 0, 0);
    send_numbered(raw, 0, 4);
    check_stats(p, 4, 0);
    check_stats(p, 4, 0);
    gather(p, &seen, 4);
    send_numbered(raw, 4, 6);
    check_stats(p, 10, 0);
    gather(p, &seen, 10);
    CHECK_INT(seen.n, 10);
    check_stats(p, 10, 0);
    pcap_close(p);
}

CASE(stats_accumulate)
{
    in_modes(ALL_MODES, body_stats);
}

/* What does not fit in the ring is counted: ps_recv counts all, ps_drop what was lost. */
static void body_drops(enum mode m)
{
    struct how how = plain;
    struct pcap_stat st;
    static unsigned char f[1400];
    int raw = raw_socket("v1"), i, n = 0, rc;
    double end;
    pcap_t *p;

    how.buffer = 300000;
    how.nonblock = 1;
    p = opened_by(m, "v0", how);
    fill_frame(f, 1, sizeof f);
    for (i = 0; i < 4000; i++)
        send_raw(raw, f, sizeof f);
    wait_received(p, 4000);
    CHECK_INT(pcap_stats(p, &st), 0);
    CHECK_INT(st.ps_recv, 4000);
    CHECK(st.ps_drop > 100, "%u dropped", st.ps_drop);
    for (end = now() + PATIENCE; n < (int)(4000 - st.ps_drop) && now() < end;) {
        rc = pcap_dispatch(p, -1, count_packet, (unsigned char *)&n);
        CHECK(rc >= 0, "%s", pcap_geterr(p));
        sleep_ms(3);
    }
    CHECK_INT(pcap_stats(p, &st), 0);
    CHECK_INT(st.ps_recv - st.ps_drop, n);
    pcap_close(p);
}

CASE(stats_count_drops)
{
    in_modes(ALL_MODES, body_drops);
}

static const char missed[] = "/sys/class/net/v0/statistics/rx_missed_errors";

/* Has a file stand for the interface's count of missed packets, which nothing here can make grow. */
static void play_missed(const char *count)
{
    char name[] = "/tmp/missed-XXXXXX";
    int fd = mkstemp(name);

    CHECK(fd >= 0, "%s: %s", name, strerror(errno));
    close(fd);
    CHECK_INT(write_file(name, count), 0);
    CHECK(mount(name, missed, NULL, MS_BIND, NULL) == 0, "mount: %s", strerror(errno));
    unlink(name);
}

/* The interface's own losses since activation count, if promiscuous mode was asked for. */
CASE(stats_of_the_interface)
{
    struct how how = plain;
    struct pcap_stat st;
    pcap_t *p, *q;

    enter_veth();
    play_missed("1000\n");
    p = opened("v0", plain);
    how.promisc = 1;
    q = opened("v0", how);
    CHECK_INT(write_file(missed, "1007\n"), 0);
    CHECK_INT(pcap_stats(p, &st), 0);
    CHECK_INT(st.ps_ifdrop, 0);
    CHECK_INT(pcap_stats(q, &st), 0);
    CHECK_INT(st.ps_ifdrop, 7);
    pcap_close(p);
    pcap_close(q);
}

static pcap_t *asked;
static volatile int asked_rc = 77;
static volatile unsigned asked_recv;
static pthread_t reader;

static void ask_stats(int sig)
{
    struct pcap_stat st;
    int rc = pcap_stats(asked, &st);

    (void)sig;
    asked_recv = st.ps_recv;
    asked_rc = rc;
}

static void *signal_then_send(void *unused)
{
    (void)unused;
    send_numbered(raw_later, 0, 2);
    sleep_ms(200);
    pthread_kill(reader, SIGUSR1);
    while (asked_rc == 77)
        sleep_ms(5);
    send_numbered(raw_later, 2, 1);
    return NULL;
}

/* As tcpdump does for SIGUSR1. */
static void body_stats_signal(enum mode m)
{
    struct sigaction sa;
    pthread_t t;

    memset(&sa, 0, sizeof sa);
    sa.sa_handler = ask_stats;
    sa.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &sa, NULL);
    asked = opened_by(m, "v0", plain);
    raw_later = raw_socket("v1");
    reader = pthread_self();
    CHECK(pthread_create(&t, NULL, signal_then_send, NULL) == 0, "no thread");
    CHECK_INT(pcap_loop(asked, 3, keep, (unsigned char *)&seen), 0);
    CHECK_INT(asked_rc, 0);
    CHECK_INT(asked_recv, 2);
    CHECK_INT(seen.n, 3);
    pthread_join(t, NULL);
    pcap_close(asked);
}

CASE(stats_in_a_signal_handler)
{
    in_modes(ALL_MODES, body_stats_signal);
}

static void close_it(int sig)
{
    (void)sig;
    pcap_close(asked);
    asked_rc = 1;
}

/* As programs do that end with a signal, whatever that interrupts. */
CASE(closed_in_a_signal_handler)
{
    struct itimerval soon = {{0, 0}, {0, 0}};
    struct pcap_stat st;
    double end;
    int i;

    enter_veth();
    signal(SIGVTALRM, close_it);
    for (i = 0; i < 40; i++) {
        asked = opened("v0", plain);
        asked_rc = 0;
        soon.it_value.tv_usec = 100 + i;
        setitimer(ITIMER_VIRTUAL, &soon, NULL);
        for (end = now() + PATIENCE; asked_rc == 0 && now() < end;)
            pcap_stats(asked, &st);
        CHECK(asked_rc == 1, "no signal");
        CHECK_INT(pcap_stats(asked, &st), PCAP_ERROR);
    }
}

/* Such a handler may interrupt malloc(): pcap_stats must not call it, whatever it has to read. */
CASE(stats_in_a_signal_handler_of_malloc)
{
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    struct how how = plain;
    double enough = now() + 1, end = now() + PATIENCE;
    void *kept[16];
    size_t i, n = 0;

    enter_veth();
    how.promisc = 1;
    asked = opened("v0", how);
    signal(SIGVTALRM, ask_stats);
    setitimer(ITIMER_VIRTUAL, &often, NULL);
    for (; now() < enough || (asked_rc == 77 && now() < end); n++) {
        for (i = 0; i < 16; i++)
            kept[i] = malloc(30 + i * 60 + n % 200);
        for (i = 0; i < 16; i++)
            free(kept[i]);
    }
    setitimer(ITIMER_VIRTUAL, &never, NULL);
    CHECK_INT(asked_rc, 0);
    pcap_close(asked);
}

static int promiscuity(const char *dev)
{
    char cmd[200];
    int n = -1;
    FILE *f;

    snprintf(cmd, sizeof cmd,
             "unset LD_PRELOAD LD_LIBRARY_PATH; ip -d link show %s | sed -n 's/.*promiscuity \\([0-9]*\\).*/\\1/p'",
             dev);
    f = popen(cmd, "r");
    CHECK(f != NULL && fscanf(f, "%d", &n) == 1, "no promiscuity");
    pclose(f);
    return n;
}

CASE(promiscuous_mode)
{
    struct how how = plain;
    pcap_t *p, *q;

    enter_veth();
    how.promisc = 1;
    CHECK_INT(promiscuity("v0"), 0);
    p = opened("v0", how);
    CHECK_INT(promiscuity("v0"), 1);
    q = opened("v0", how);
    CHECK_INT(promiscuity("v0"), 2);
    pcap_close(p);
    CHECK_INT(promiscuity("v0"), 1);
    pcap_close(q);
    CHECK_INT(promiscuity("v0"), 0);
    p = opened("v0", plain);
    CHECK_INT(promiscuity("v0"), 0);
    pcap_close(p);
    rules("setsockopt:SOL_PACKET:PACKET_RX_RING:ENOMEM:*");
    p = created("v0", &how);
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    CHECK_INT(promiscuity("v0"), 0);
    pcap_close(p);
}

static void body_protocol(enum mode m)
{
    struct how how = plain;
    unsigned char f[60];
    int raw = raw_socket("v1"), i;
    pcap_t *p;

    how.protocol = 1 << 16 | TEST_TYPE; /* the lower 16 bits count */
    how.nonblock = 1;
    p = opened_by(m, "v0", how);
    for (i = 0; i < 6; i++) {
        fill_frame(f, (unsigned)i, sizeof f);
        put16(f + 12, i % 2 ? TEST_TYPE : TEST_TYPE + 1);
        send_raw(raw, f, sizeof f);
    }
    seen.n = 0;
    gather_only(p, &seen, 3);
    CHECK_INT(seen.n, 3);
    for (i = 0; i < 3; i++)
        CHECK_INT(frame_number(seen.data[i]), 2 * i + 1);
    pcap_close(p);
}

CASE(one_protocol)
{
    in_modes(ALL_MODES, body_protocol);
}

static void body_two_handles(enum mode m)
{
    pcap_t *p = nonblocking(m, "v0"), *q = nonblocking(m, "v0");
    int raw = raw_socket("v1");

    send_numbered(raw, 0, 3);
    gather(p, &seen, 3);
    CHECK_INT(seen.n, 3);
    pcap_close(p);
    seen.n = 0;
    gather(q, &seen, 3);
    CHECK_INT(seen.n, 3);
    pcap_close(q);
}

CASE(two_handles)
{
    in_modes(ALL_MODES, body_two_handles);
}

/* The kernel takes any bytes for a name but slashes, colons and blanks. */
CASE(name_that_is_no_utf8)
{
    pcap_t *p;
    int raw;

    enter_veth();
    CHECK_INT(system("ip link set v0 down; ip link set v0 name \"$(printf 'v\\351')\";"
                     "ip link set \"$(printf 'v\\351')\" up;" UNTIL_UP("2", ".*")), 0);
    p = nonblocking(MODE_V3, "v\351");
    raw = raw_socket("v1");
    seen.n = 0;
    send_numbered(raw, 0, 3);
    gather(p, &seen, 3);
    CHECK_INT(seen.n, 3);
    pcap_close(p);
}

static long resident_kib(void)
{
    char line[200];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");

    CHECK(f != NULL, "/proc/self/status");
    while (fgets(line, sizeof line, f) != NULL)
        sscanf(line, "VmRSS: %ld kB", &kib);
    fclose(f);
    return kib;
}

static void open_and_close(int i)
{
    static const char *const devices[] = {"v0", "any", "lo", "nosuch0"};
    pcap_t *p = pcap_create(devices[i % 4], err);

    CHECK(p != NULL, "%s", err);
    pcap_set_immediate_mode(p, i & 4);
    pcap_set_timeout(p, 10);
    CHECK_INT(pcap_activate(p), i % 4 == 3 ? PCAP_ERROR_NO_SUCH_DEVICE : 0);
    if (i % 4 != 3) {
        CHECK_INT(pcap_setnonblock(p, 1, err), 0);
        CHECK(pcap_dispatch(p, -1, count_packet, (unsigned char *)&(int){0}) >= 0, "dispatch");
    }
    pcap_close(p);
}

/* A thousand handles leave no descriptor, no mapping and no memory behind. */
CASE(thousand_handles)
{
    struct mallinfo2 before, after;
    long kib;
    int i, fds;

    alarm(4 * CASE_SECONDS); /* closing a ring waits for the kernel's grace period */
    enter_veth();
    for (i = 0; i < 16; i++)
        open_and_close(i);
    fds = count_fds();
    kib = resident_kib();
    before = mallinfo2();
    for (i = 0; i < 1000; i++)
        open_and_close(i);
    after = mallinfo2();
    CHECK_INT(count_fds(), fds);
    CHECK(after.uordblks <= before.uordblks + 4096, "malloc: %zu bytes more",
          after.uordblks - before.uordblks);
    CHECK(resident_kib() < kib + 1024, "%ld KiB more", resident_kib() - kib);
}
