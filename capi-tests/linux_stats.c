/*
 * The statistics of pcap/linux.h: they add up, in 64 bits, whoever asks.
 */
#include "net.h"

#include <pcap/linux.h>
#include <pthread.h>

/* What the program itself was given. */
static volatile uint64_t packets, bytes;

static struct pcap_stat_linux stats_of(pcap_t *p)
{
    struct pcap_stat_linux st;
    int rc;

    memset(&st, 0xa5, sizeof st);
    st.size = sizeof st;
    rc = pcap_stats_linux(p, &st);
    CHECK(rc == 0, "pcap_stats_linux: %d, %s", rc, pcap_geterr(p));
    CHECK(st.size == sizeof st && st.reserved == 0, "size %u, reserved %u", st.size, st.reserved);
    return st;
}

static void check(pcap_t *p, uint64_t received, uint64_t filtered)
{
    struct pcap_stat_linux st = stats_of(p);

    CHECK_INT(st.received, received);
    CHECK_INT(st.dropped, 0);
    CHECK_INT(st.filtered, filtered);
    CHECK_INT(st.packets, packets);
    CHECK_INT(st.bytes, bytes);
    CHECK_INT(st.interface_dropped, 0);
}

static void count(unsigned char *user, const struct pcap_pkthdr *h, const unsigned char *data)
{
    (void)data;
    packets++;
    bytes += h->caplen;
    if (user != NULL)
        check((pcap_t *)user, stats_of((pcap_t *)user).received,
              stats_of((pcap_t *)user).filtered);
}

/* Reads until all that was `received` since activation was dropped, given or filtered. */
static void take_all(pcap_t *p, uint64_t received)
{
    double end = now() + PATIENCE;
    struct pcap_stat_linux st;

    do {
        CHECK(pcap_dispatch(p, -1, count, NULL) >= 0, "%s", pcap_geterr(p));
        sleep_ms(5);
        st = stats_of(p);
    } while ((st.received < received || st.received - st.dropped > st.packets + st.filtered) && now() < end);
    CHECK_INT(pcap_dispatch(p, -1, count, NULL), 0);
}

static void take_some(pcap_t *p, int n)
{
    struct pcap_pkthdr *h;
    const unsigned char *data;

    while (n-- > 0) {
        CHECK_INT(pcap_next_ex(p, &h, &data), 1);
        count(NULL, h, data);
    }
}

static pcap_t *nonblocking(enum mode m, const char *dev, int buffer)
{
    struct how how = plain;

    how.nonblock = 1;
    how.buffer = buffer;
    packets = bytes = 0;
    return opened_by(m, dev, how);
}

/*
 * Frames of odd numbers, by a program that the kernel refuses, for it loads from memory where nothing
 * was stored.
 */
static struct bpf_insn odd_insns[] = {
    BPF_STMT(BPF_LD | BPF_MEM, 0),          BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 17),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 1), BPF_STMT(BPF_RET | BPF_K, 50),
    BPF_STMT(BPF_RET | BPF_K, 0)};
static struct bpf_insn all_insns[] = {BPF_STMT(BPF_RET | BPF_K, 65535)};
static struct bpf_program odd = {5, odd_insns}, all = {1, all_insns};

static void body_adds_up(enum mode m)
{
    pcap_t *p = nonblocking(m, "v0", 0);
    int raw = raw_socket("v1"), out = raw_socket("v0");

    check(p, 0, 0);
    send_numbered(raw, 0, 20);
    take_all(p, 20);
    CHECK_INT(packets, 20);
    CHECK_INT(bytes, 20 * 60);
    check(p, 20, 0);
    /* Filtered here. */
    CHECK_INT(pcap_setfilter(p, &odd), 0);
    send_numbered(raw, 0, 30);
    take_all(p, 50);
    CHECK_INT(packets, 35);
    CHECK_INT(bytes, 20 * 60 + 15 * 50);
    check(p, 50, 15);
    /* The direction is looked at here, too. */
    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
    send_numbered(out, 1, 4);
    take_all(p, 54);
    check(p, 54, 19);
    send_numbered(raw, 0, 4);
    take_all(p, 58);
    check(p, 58, 21);
    pcap_close(p);
    /* Another life of the handle's memory. */
    p = nonblocking(m, "v0", 0);
    check(p, 0, 0);
    pcap_close(p);
}

CASE(add_up)
{
    in_modes(ALL_MODES, body_adds_up);
}

/* Packets that are taken back and looked at again by other rules count once. */
static void body_taken_back(enum mode m)
{
    pcap_t *p = nonblocking(m, "v0", 0);
    int raw = raw_socket("v1"), i;

    CHECK_INT(pcap_setfilter(p, &odd), 0);
    send_numbered(raw, 0, 40);
    wait_readable(p, 40);
    for (i = 0; i < 5; i++) {
        take_some(p, 2);
        CHECK_INT(pcap_setdirection(p, i % 2 ? PCAP_D_IN : PCAP_D_INOUT), 0);
        CHECK_INT(pcap_setdirection(p, i % 2 ? PCAP_D_INOUT : PCAP_D_IN), 0);
    }
    /* The first ten odd ones were given; there are ten more. */
    take_all(p, 40);
    CHECK_INT(packets, 20);
    check(p, 40, 20);
    CHECK_INT(pcap_setfilter(p, &all), 0);
    send_numbered(raw, 0, 3);
    take_all(p, 43);
    check(p, 43, 20);
    pcap_close(p);
}

CASE(taken_back)
{
    in_modes(ALL_MODES, body_taken_back);
}

/* They are right at every packet, not only between reads. */
static void body_in_callback(enum mode m)
{
    pcap_t *p = nonblocking(m, "v0", 0);
    double end = now() + PATIENCE;
    int raw = raw_socket("v1"), rc;

    send_numbered(raw, 0, 20);
    while (packets < 20 && now() < end) {
        rc = pcap_dispatch(p, -1, count, (unsigned char *)p);
        CHECK(rc >= 0, "%s", pcap_geterr(p));
        sleep_ms(5);
    }
    check(p, 20, 0);
    pcap_close(p);
}

CASE(in_the_callback)
{
    in_modes(ALL_MODES, body_in_callback);
}

/* The two copies of a packet on the loopback interface: one is thrown away. */
static void body_loopback(enum mode m)
{
    pcap_t *p = nonblocking(m, "lo", 0);

    send_numbered(raw_socket("lo"), 0, 5);
    take_all(p, 10);
    CHECK_INT(packets, 5);
    check(p, 10, 5);
    pcap_close(p);
}

CASE(loopback_copies)
{
    in_modes(ALL_MODES, body_loopback);
}

/* A reader that stalls: what came in was dropped or given; a ring of blocks has stopped for a while. */
static void body_overrun(enum mode m)
{
    static unsigned char f[1400];
    pcap_t *p = nonblocking(m, "v0", 300000);
    struct pcap_stat_linux st;
    int raw = raw_socket("v1"), i, round;

    CHECK_INT(pcap_setfilter(p, &odd), 0);
    for (round = 1; round <= 2; round++) {
        for (i = 0; i < 2000; i++) {
            fill_frame(f, (unsigned)i, sizeof f);
            send_raw(raw, f, sizeof f);
        }
        wait_received(p, 2000 * (unsigned)round);
        st = stats_of(p);
        CHECK_INT(st.received, 2000 * round);
        CHECK(st.dropped > 100, "%llu dropped", (unsigned long long)st.dropped);
        CHECK(m == MODE_V3 ? st.freezes > 0 : st.freezes == 0, "%llu freezes",
              (unsigned long long)st.freezes);
        take_all(p, 2000u * (unsigned)round);
        st = stats_of(p);
        CHECK_INT(st.received - st.dropped, st.packets + st.filtered);
        CHECK(st.packets > 0 && st.filtered > 0, "%llu given", (unsigned long long)st.packets);
        CHECK_INT(st.packets, packets);
        CHECK_INT(st.bytes, bytes);
    }
    pcap_close(p);
}

CASE(overrun)
{
    in_modes(ALL_MODES, body_overrun);
}

static pcap_t *asked;
static volatile int handled, asked_times;
static pthread_t reader;
static int raw_later;

static void on_signal(int sig)
{
    struct pcap_stat_linux st = {.size = sizeof st};

    (void)sig;
    handled = pcap_stats_linux(asked, &st) == 0 && st.received == 2 && st.packets == 2 &&
              st.bytes == 120;
    asked_times++;
}

static void *signal_then_send(void *unused)
{
    send_numbered(raw_later, 0, 2);
    while (packets < 2)
        sleep_ms(5);
    sleep_ms(100); /* the read waits again */
    pthread_kill(reader, SIGUSR1);
    while (asked_times == 0)
        sleep_ms(5);
    send_numbered(raw_later, 2, 1);
    return unused;
}

static void body_signal(enum mode m)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    pthread_t t;

    sigaction(SIGUSR1, &sa, NULL);
    asked = opened_by(m, "v0", plain);
    raw_later = raw_socket("v1");
    reader = pthread_self();
    CHECK(pthread_create(&t, NULL, signal_then_send, NULL) == 0, "no thread");
    CHECK_INT(pcap_loop(asked, 3, count, NULL), 0);
    pthread_join(t, NULL);
    CHECK(handled, "not told while the read waited");
    pcap_close(asked);
}

CASE(in_a_signal_handler)
{
    in_modes(ALL_MODES, body_signal);
}

static volatile int stop;

/* Counts only grow, and no packet is given that was not received. */
static void *watch(void *unused)
{
    struct pcap_stat_linux st, last = {.size = 0};

    while (!stop) {
        uint64_t given = packets;

        st = stats_of(asked);
        CHECK(st.packets + 1 >= given && st.packets >= last.packets && st.bytes >= last.bytes,
              "%llu packets after %llu", (unsigned long long)st.packets,
              (unsigned long long)last.packets);
        CHECK(st.received >= last.received && st.dropped >= last.dropped, "fewer than before");
        last = st;
        sleep_ms(1);
    }
    return unused;
}

static void *send_many(void *unused)
{
    unsigned i;

    /* More than is read: who does not read for some time has no room for all. */
    for (i = 0; !stop; i++) {
        send_numbered(raw_later, i, 20);
        sleep_ms(1);
    }
    return unused;
}

static void body_threads(enum mode m)
{
    struct how how = plain;
    pthread_t watching, sending;

    packets = bytes = 0;
    stop = 0;
    how.buffer = 8 << 20;
    asked = opened_by(m, "v0", how);
    raw_later = raw_socket("v1");
    CHECK(pthread_create(&watching, NULL, watch, NULL) == 0, "no thread");
    CHECK(pthread_create(&sending, NULL, send_many, NULL) == 0, "no thread");
    CHECK_INT(pcap_loop(asked, 1000, count, NULL), 0);
    CHECK_INT(stats_of(asked).packets, 1000);
    stop = 1;
    pthread_join(watching, NULL);
    pthread_join(sending, NULL);
    pcap_close(asked);
}

CASE(by_another_thread)
{
    in_modes(ALL_MODES, body_threads);
}

/* The interface's own losses since activation count in any mode, not only in promiscuous mode. */
CASE(of_the_interface)
{
    const char *missed = "/sys/class/net/v0/statistics/rx_missed_errors";
    char name[] = "/tmp/missed-XXXXXX";
    int fd = mkstemp(name);
    struct pcap_stat st;
    pcap_t *p;

    enter_veth();
    CHECK(fd >= 0 && write_file(name, "1000\n") == 0, "%s: %s", name, strerror(errno));
    close(fd);
    CHECK(mount(name, missed, "none", MS_BIND, NULL) == 0, "mount: %s", strerror(errno));
    unlink(name);
    p = opened("v0", plain);
    CHECK_INT(write_file(missed, "1007\n"), 0);
    CHECK_INT(stats_of(p).interface_dropped, 7);
    CHECK_INT(pcap_stats(p, &st), 0);
    CHECK_INT(st.ps_ifdrop, 0);
    pcap_close(p);
}

/* Handles that have none, and structures that are none. */
CASE(refusals)
{
    struct pcap_stat_linux st = {.size = sizeof st};
    char err[PCAP_ERRBUF_SIZE] = "";
    pcap_t *p = pcap_create("lo", err);

    CHECK_INT(sizeof st, 64);
    CHECK_INT(pcap_stats_linux(p, &st), PCAP_ERROR_NOT_ACTIVATED);
    CHECK_STARTS(pcap_geterr(p), "This handle hasn't been activated yet");
    pcap_close(p);
    p = pcap_open_dead(DLT_EN10MB, 100);
    CHECK_INT(pcap_stats_linux(p, &st), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "Statistics aren't available from a pcap_open_dead pcap_t");
    pcap_close(p);
    enter_veth();
    p = opened("v0", plain);
    CHECK_INT(pcap_stats_linux(p, NULL), PCAP_ERROR);
    st.size = 63;
    CHECK_INT(pcap_stats_linux(p, &st), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "a structure of 63 bytes was given");
    pcap_close(p);
}
