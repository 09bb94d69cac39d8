/*
 * pcap_next_batch_linux: many packets by one call, all lent until the next read.
 */
#include "net.h"

#include <pcap/linux.h>
#include <poll.h>
#include <pthread.h>

#define MOST 1024
static struct pcap_packet_linux batch[MOST];

/* The frames of a batch, `len` bytes each, numbered from `number` on. */
static void check_frames(int n, unsigned number, size_t len)
{
    static unsigned char want[2000];
    int i;

    for (i = 0; i < n; i++) {
        fill_frame(want, number + (unsigned)i, len);
        CHECK(batch[i].header.len == len && batch[i].header.caplen == len, "%u: %u bytes of %u",
              number + (unsigned)i, batch[i].header.caplen, batch[i].header.len);
        CHECK(memcmp(batch[i].data, want, len) == 0, "expected frame %u, got %u",
              number + (unsigned)i, frame_number(batch[i].data));
        CHECK(batch[i].header.ts.tv_sec > 1000000000, "no time stamp");
    }
}

/* Reads batches of up to `max` until `count` frames have come, in order. */
static void take(pcap_t *p, int max, int count, unsigned number, size_t len)
{
    double end = now() + PATIENCE;
    int n;

    while (count > 0) {
        n = pcap_next_batch_linux(p, batch, max < count ? max : count);
        CHECK(n >= 0 && n <= max && n <= count, "%d: %s", n, pcap_geterr(p));
        CHECK(n > 0 || now() < end, "%d are missing", count);
        check_frames(n, number, len);
        if (n == 0)
            sleep_ms(2);
        number += (unsigned)n;
        count -= n;
    }
}

static pcap_t *opened_with(enum mode m, const char *dev, int nonblock, int buffer)
{
    struct how how = plain;

    how.nonblock = nonblock;
    how.buffer = buffer;
    return opened_by(m, dev, how);
}

static void body_sizes(enum mode m)
{
    static const int sizes[] = {1, 2, 7, 64, 127, 128, 129, MOST};
    pcap_t *p = opened_with(m, "v0", 0, 4 << 20);
    int raw = raw_socket("v1");
    size_t i;

    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        send_numbered(raw, 1000 * (unsigned)i, 140);
        take(p, sizes[i], 140, 1000 * (unsigned)i, 60);
    }
    pcap_close(p);
}

CASE(sizes)
{
    in_modes(ALL_MODES, body_sizes);
}

/* Batches end at the edges of blocks, and nothing is lost there. */
static void body_edges(enum mode m)
{
    static unsigned char f[1400];
    int raw = raw_socket("v1"), round, i, count = m == MODE_RECVMSG ? 50 : 700;
    pcap_t *p = opened_with(m, "v0", 1, 4 << 20);

    for (round = 0; round < 4; round++) {
        for (i = 0; i < count; i++) {
            fill_frame(f, (unsigned)i, sizeof f);
            send_raw(raw, f, sizeof f);
        }
        take(p, round % 2 ? MOST : 50, count, 0, sizeof f);
    }
    pcap_close(p);
}

CASE(block_edges)
{
    in_modes(ALL_MODES, body_edges);
}

/* Every packet of a batch can be asked about. */
static void body_facts(enum mode m)
{
    pcap_t *p = opened_with(m, "v0", 0, 0);
    int raw = raw_socket("v1"), left = 100, n, i;
    struct pcap_facts_linux f = {.size = sizeof f};
    const unsigned char *before;

    send_numbered(raw, 0, 100);
    while (left > 0) {
        n = pcap_next_batch_linux(p, batch, 64);
        CHECK(n >= 0, "%s", pcap_geterr(p));
        for (i = n - 1; i >= 0; i--) {
            CHECK_INT(pcap_packet_facts_linux(p, batch[i].data, &f), 0);
            CHECK_INT(f.protocol, TEST_TYPE);
            CHECK_INT(f.nanoseconds / 1000 % 1000000, batch[i].header.ts.tv_usec);
        }
        left -= n;
    }
    before = batch[0].data;
    CHECK_INT(pcap_setnonblock(p, 1, NULL), 0);
    CHECK_INT(pcap_next_batch_linux(p, batch, 64), 0);
    CHECK_INT(pcap_packet_facts_linux(p, before, &f), PCAP_ERROR);
    pcap_close(p);
}

CASE(facts_of_each)
{
    in_modes(ALL_MODES, body_facts);
}

/* Tags are put back and cooked headers in front, here as elsewhere. */
static void body_changed(enum mode m)
{
    int raw = raw_socket("v1"), left = 30, n, i;
    pcap_t *p = opened_with(m, "any", 0, 0);
    unsigned number = 0;

    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
    send_numbered(raw, 0, 30);
    for (; left > 0; left -= n) {
        n = pcap_next_batch_linux(p, batch, 20);
        CHECK(n >= 0 && n <= 20, "%s", pcap_geterr(p));
        for (i = 0; i < n; i++, number++) {
            CHECK_INT(batch[i].header.len, 16 + 46);
            CHECK_INT(get16(batch[i].data + 14), TEST_TYPE);
            CHECK_INT(get32(batch[i].data + 16), number);
        }
    }
    pcap_close(p);
    p = opened_with(m, "v0", 0, 0);
    for (i = 0; i < 20; i++) {
        unsigned char f[64];

        fill_frame(f, (unsigned)i, 60);
        if (i % 3 == 0) {
            memmove(f + 16, f + 12, 48);
            put16(f + 12, 0x8100);
            put16(f + 14, 100);
        }
        send_raw(raw, f, i % 3 == 0 ? 64 : 60);
    }
    for (number = 0; number < 20; number += (unsigned)n) {
        n = pcap_next_batch_linux(p, batch, MOST);
        CHECK(n >= 0, "%s", pcap_geterr(p));
        for (i = 0; i < n; i++) {
            int tag = m != MODE_V1 && (number + (unsigned)i) % 3 == 0 ? 4 : 0;

            CHECK_INT(batch[i].header.len, 60 + tag);
            CHECK_INT(get16(batch[i].data + 12), tag ? 0x8100 : TEST_TYPE);
            CHECK_INT(get32(batch[i].data + tag + 14), number + (unsigned)i);
        }
    }
    pcap_close(p);
}

CASE(changed_packets)
{
    in_modes(ALL_MODES, body_changed);
}

static void count_number(unsigned char *user, const struct pcap_pkthdr *h,
                         const unsigned char *data)
{
    unsigned *next = (unsigned *)user;

    (void)h;
    CHECK_INT(frame_number(data), *next);
    ++*next;
}

static struct bpf_insn few_insns[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 17),
                                      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 50, 0, 1),
                                      BPF_STMT(BPF_RET | BPF_K, 65535),
                                      BPF_STMT(BPF_RET | BPF_K, 0)};
static struct bpf_program from_50 = {4, few_insns};

/* All reads go on where the last one stopped, and new rules meet what was not read. */
static void body_mixed(enum mode m)
{
    pcap_t *p = opened_with(m, "v0", 0, 0);
    int raw = raw_socket("v1"), n;
    struct pcap_pkthdr *h;
    const unsigned char *data;
    unsigned next = 0;

    send_numbered(raw, 0, 100);
    wait_readable(p, 100);
    take(p, 3, 3, 0, 60);
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(frame_number(data), 3);
    next = 4;
    CHECK_INT(pcap_loop(p, 6, count_number, (unsigned char *)&next), 0);
    take(p, 5, 5, 10, 60);
    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
    CHECK_INT(pcap_setdirection(p, PCAP_D_INOUT), 0);
    take(p, 4, 10, 15, 60);
    next = 25;
    n = pcap_dispatch(p, 1, count_number, (unsigned char *)&next);
    CHECK_INT(n, 1);
    if (m == MODE_RECVMSG) {
        /* A new filter throws away what waits in the socket, as libpcap's does. */
        take(p, MOST, 74, 26, 60);
        pcap_close(p);
        return;
    }
    CHECK_INT(pcap_setfilter(p, &from_50), 0);
    take(p, 7, 49, 50, 60);
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(frame_number(data), 99);
    pcap_close(p);
}

CASE(mixed_with_other_reads)
{
    in_modes(ALL_MODES, body_mixed);
}

static int readable(pcap_t *p)
{
    struct pollfd fd = {.fd = pcap_get_selectable_fd(p), .events = POLLIN};

    return poll(&fd, 1, 0);
}

/* A batch is lent, so the descriptor stays readable for its packets; the read that finds nothing ends that. */
static void body_readable(enum mode m)
{
    pcap_t *p = opened_with(m, "v0", 1, 0);
    double end = now() + PATIENCE;
    int raw = raw_socket("v1"), n = 0;

    CHECK_INT(readable(p), 0);
    send_numbered(raw, 0, 5);
    while (n < 5 && now() < end) {
        n += pcap_next_batch_linux(p, batch, MOST);
        sleep_ms(2);
    }
    CHECK_INT(n, 5);
    CHECK_INT(readable(p), m != MODE_RECVMSG);
    CHECK_INT(pcap_next_batch_linux(p, batch, MOST), 0);
    CHECK_INT(readable(p), 0);
    send_numbered(raw, 5, 1);
    while (!readable(p) && now() < end)
        sleep_ms(2);
    CHECK_INT(pcap_next_batch_linux(p, batch, MOST), 1);
    check_frames(1, 5, 60);
    pcap_close(p);
}

CASE(descriptor)
{
    in_modes(ALL_MODES, body_readable);
}

static pcap_t *waiting;
static int raw_later;

static void *break_later(void *unused)
{
    sleep_ms(150);
    pcap_breakloop(waiting);
    return unused;
}

static void *send_later(void *unused)
{
    sleep_ms(150);
    send_numbered(raw_later, 3, 1);
    return unused;
}

static void body_waits(enum mode m)
{
    pthread_t t;

    waiting = opened_with(m, "v0", 0, 0);
    raw_later = raw_socket("v1");
    CHECK(pthread_create(&t, NULL, send_later, NULL) == 0, "no thread");
    take(waiting, MOST, 1, 3, 60);
    pthread_join(t, NULL);
    CHECK(pthread_create(&t, NULL, break_later, NULL) == 0, "no thread");
    CHECK_INT(pcap_next_batch_linux(waiting, batch, MOST), PCAP_ERROR_BREAK);
    pthread_join(t, NULL);
    /* A break that comes before the read is told before packets are. */
    send_numbered(raw_later, 4, 2);
    pcap_breakloop(waiting);
    CHECK_INT(pcap_next_batch_linux(waiting, batch, MOST), PCAP_ERROR_BREAK);
    take(waiting, 1, 2, 4, 60);
    CHECK_INT(pcap_setnonblock(waiting, 1, NULL), 0);
    CHECK_INT(pcap_next_batch_linux(waiting, batch, MOST), 0);
    pcap_close(waiting);
    CHECK_INT(pcap_next_batch_linux(waiting, batch, MOST), PCAP_ERROR);
}

CASE(waits_and_breaks)
{
    in_modes(ALL_MODES, body_waits);
}

/* A read whose packets are all rejected ends in time, as other reads do. */
static void body_rejected(enum mode m)
{
    pcap_t *p = opened_with(m, "v0", 0, 0);

    CHECK_INT(pcap_setdirection(p, PCAP_D_OUT), 0);
    send_numbered(raw_socket("v1"), 0, 5);
    CHECK_INT(pcap_next_batch_linux(p, batch, MOST), 0);
    pcap_close(p);
}

CASE(all_rejected)
{
    in_modes(ALL_MODES, body_rejected);
}

/* A savefile of 300 records; whether it is read through a stream or not. */
static void check_file(const char *name, int stream)
{
    char err[PCAP_ERRBUF_SIZE] = "";
    pcap_t *p = stream ? pcap_fopen_offline(fopen(name, "r"), err) : pcap_open_offline(name, err);
    struct pcap_pkthdr *h;
    const unsigned char *data;
    unsigned number;
    int n;

    CHECK(p != NULL, "%s", err);
    n = pcap_next_batch_linux(p, batch, 10);
    CHECK_INT(n, stream ? 1 : 10);
    check_frames(n, 0, 60);
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(frame_number(data), n);
    for (number = (unsigned)n + 1; number < 300; number += (unsigned)n) {
        n = pcap_next_batch_linux(p, batch, MOST);
        CHECK(n > 0 && n <= 300, "%d after %u", n, number);
        check_frames(n, number, 60);
    }
    CHECK_INT(number, 300);
    CHECK_INT(pcap_next_batch_linux(p, batch, MOST), PCAP_ERROR_BREAK);
    CHECK_INT(pcap_next_batch_linux(p, batch, MOST), PCAP_ERROR_BREAK);
    pcap_close(p);
}

CASE(savefiles)
{
    char name[] = "/tmp/batch-XXXXXX";
    int fd = mkstemp(name);
    pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);
    pcap_dumper_t *d = pcap_dump_fopen(dead, fdopen(fd, "w"));
    struct pcap_pkthdr h = {{1700000000, 5}, 60, 60};
    unsigned char f[60];
    unsigned i;

    CHECK(d != NULL, "%s", pcap_geterr(dead));
    for (i = 0; i < 300; i++) {
        fill_frame(f, i, sizeof f);
        pcap_dump((unsigned char *)d, &h, f);
    }
    pcap_dump_close(d);
    pcap_close(dead);
    check_file(name, 0);
    check_file(name, 1);
    unlink(name);
}

CASE(refusals)
{
    char err[PCAP_ERRBUF_SIZE] = "";
    pcap_t *p = pcap_create("lo", err);

    CHECK_INT(sizeof batch[0], sizeof(struct pcap_pkthdr) + sizeof(void *));
    CHECK_INT(pcap_next_batch_linux(p, batch, 1), PCAP_ERROR_NOT_ACTIVATED);
    CHECK_STARTS(pcap_geterr(p), "This handle hasn't been activated yet");
    pcap_close(p);
    p = pcap_open_dead(DLT_EN10MB, 100);
    CHECK_INT(pcap_next_batch_linux(p, batch, 1), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "Packets aren't available from a pcap_open_dead pcap_t");
    CHECK_INT(pcap_next_batch_linux(p, batch, 0), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "a batch of 0 packets was asked for");
    CHECK_INT(pcap_next_batch_linux(p, batch, -1), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "a batch of -1 packets was asked for");
    CHECK_INT(pcap_next_batch_linux(p, NULL, 1), PCAP_ERROR);
    pcap_close(p);
}
