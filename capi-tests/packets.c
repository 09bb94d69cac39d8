/*
 * What a packet's header says and how much of the packet there is: snapshot lengths, frames of all sizes,
 * time stamps.
 */
#include "net.h"

static struct caught seen;

static void body_snaplen(enum mode m)
{
    static const int snaplens[] = {1, 13, 20, 59, 60, 61, 100};
    struct how how = plain;
    unsigned char want[60];
    int raw = raw_socket("v1");
    size_t i;
    pcap_t *p;

    fill_frame(want, 9, sizeof want);
    for (i = 0; i < sizeof snaplens / sizeof snaplens[0]; i++) {
        how.snaplen = snaplens[i];
        p = opened_by(m, "v0", how);
        seen.n = 0;
        send_numbered(raw, 9, 1);
        CHECK_INT(pcap_loop(p, 1, keep, (unsigned char *)&seen), 0);
        CHECK_INT(seen.hdr[0].caplen, snaplens[i] < 60 ? snaplens[i] : 60);
        CHECK_INT(seen.hdr[0].len, 60);
        CHECK(memcmp(seen.data[0], want, seen.hdr[0].caplen) == 0, "other bytes");
        pcap_close(p);
    }
}

CASE(snaplens)
{
    in_modes(ALL_MODES, body_snaplen);
}

static unsigned expected;
static const unsigned sizes[] = {60, 1500, 2100, 4000, 9000, 60, 16000, 33000, 65000, 64, 65549, 1514};

static void check_size(unsigned char *user, const struct pcap_pkthdr *h, const unsigned char *data)
{
    static unsigned char want[70000];
    unsigned size = sizes[expected % (sizeof sizes / sizeof sizes[0])];

    (void)user;
    CHECK(h->len == size && h->caplen == size, "packet %u: caplen %u len %u, expected %u", expected,
          h->caplen, h->len, size);
    fill_frame(want, expected, size);
    CHECK(memcmp(data, want, size) == 0, "packet %u: number %u", expected, frame_number(data));
    expected++;
}

/* Frames of up to 64 KiB between small ones arrive whole and in order. */
static void body_sizes(enum mode m)
{
    static unsigned char f[70000];
    int raw = raw_socket("v1"), round;
    unsigned i, n = sizeof sizes / sizeof sizes[0];
    unsigned batch = m == MODE_RECVMSG ? 2 : n; /* all that a socket's default buffer holds */
    pcap_t *p;

    run("ip link set v0 mtu 65535 && ip link set v1 mtu 65535");
    p = opened_by(m, "v0", plain);
    expected = 0;
    for (round = 0; round < 20; round++)
        for (i = 0; i < n; i++) {
            fill_frame(f, (unsigned)round * n + i, sizes[i]);
            send_raw(raw, f, sizes[i]);
            if ((i + 1) % batch == 0)
                CHECK_INT(pcap_loop(p, (int)batch, check_size, NULL), 0);
        }
    pcap_close(p);
}

CASE(large_frames)
{
    in_modes(ALL_MODES, body_sizes);
}

/* The interface's MTU grew after activation: the larger frames still come whole. */
static void body_mtu_grows(enum mode m)
{
    static unsigned char f[9000];
    int raw;
    pcap_t *p;

    run("ip link set v0 mtu 1500 && ip link set v1 mtu 1500");
    p = opened_by(m, "v0", plain);
    run("ip link set v0 mtu 9000 && ip link set v1 mtu 9000");
    raw = raw_socket("v1");
    for (expected = 1; expected < 5;) { /* sizes[1..4]: 1500 to 9000 */
        fill_frame(f, expected, sizes[expected]);
        send_raw(raw, f, sizes[expected]);
        CHECK_INT(pcap_loop(p, 1, check_size, NULL), 0);
    }
    pcap_close(p);
}

CASE(frames_above_the_first_mtu)
{
    in_modes(ALL_MODES, body_mtu_grows);
}

/* The interface goes down, which the socket tells before anything else, while large frames wait. */
static void body_down(enum mode m)
{
    static unsigned char f[9000];
    char err[PCAP_ERRBUF_SIZE];
    int raw, n = 0;
    pcap_t *p;

    run("ip link set v0 mtu 1500 && ip link set v1 mtu 1500");
    p = opened_by(m, "v0", plain);
    run("ip link set v0 mtu 9000 && ip link set v1 mtu 9000");
    raw = raw_socket("v1");
    for (expected = 0; expected < 5; expected++) {
        fill_frame(f, expected, sizes[expected]);
        send_raw(raw, f, sizes[expected]);
    }
    run("ip link set v0 down && ip link set v0 up");
    expected = 0;
    CHECK_INT(pcap_loop(p, 5, check_size, NULL), 0);
    CHECK(pcap_setnonblock(p, 1, err) == 0, "%s", err);
    CHECK_INT(pcap_dispatch(p, -1, count_packet, (unsigned char *)&n), 0);
    pcap_close(p);
}

CASE(large_frames_of_an_interface_that_went_down)
{
    in_modes(RINGS_NOW | MODE_V1, body_down);
}

static void times(enum mode m, int precision)
{
    struct how how = plain;
    struct timespec before, after;
    long long last = 0, t, unit = precision == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
    int raw = raw_socket("v1"), i, fine = 0;
    pcap_t *p;

    how.precision = precision;
    p = opened_by(m, "v0", how);
    seen.n = 0;
    clock_gettime(CLOCK_REALTIME, &before);
    for (i = 0; i < 50; i += 10) {
        send_numbered(raw, (unsigned)i, 10);
        CHECK_INT(pcap_loop(p, 10, keep, (unsigned char *)&seen), 0);
    }
    clock_gettime(CLOCK_REALTIME, &after);
    for (i = 0; i < 50; i++) {
        CHECK(seen.hdr[i].ts.tv_usec >= 0 && seen.hdr[i].ts.tv_usec < 1000000000 / unit, "%ld",
              (long)seen.hdr[i].ts.tv_usec);
        t = seen.hdr[i].ts.tv_sec * 1000000000LL + seen.hdr[i].ts.tv_usec * unit;
        CHECK(t >= last, "packet %d is %lld ns before the one before it", i, last - t);
        last = t;
        fine += t % 1000 != 0;
        CHECK(t >= before.tv_sec * 1000000000LL + before.tv_nsec - 1000 &&
                  t <= after.tv_sec * 1000000000LL + after.tv_nsec,
              "packet %d: outside of the time of sending", i);
    }
    /* The kernel's V1 header has microseconds only. */
    CHECK(unit == 1000 || fine > 10 || m == MODE_V1, "only %d stamps with nanoseconds", fine);
    pcap_close(p);
}

static void body_times(enum mode m)
{
    times(m, PCAP_TSTAMP_PRECISION_MICRO);
    times(m, PCAP_TSTAMP_PRECISION_NANO);
}

CASE(time_stamps)
{
    in_modes(ALL_MODES, body_times);
}
