/*
 * Fanout groups for the tests: frames of flows, groups of handles, and which handle got which packet.
 */
#ifndef CAPI_FANOUT_H
#define CAPI_FANOUT_H

#include "net.h"

#include <pcap/linux.h>

#define MEMBERS 4
#define NUMBERS 20000

/* One packet of a flow; the other direction of it has the addresses and ports swapped. */
struct flow {
    unsigned char a, b;
    unsigned pa, pb;
};

static inline struct flow flow_number(unsigned i)
{
    struct flow f = {(unsigned char)(1 + i % 50), (unsigned char)(100 + i % 7), 1000 + i, 53 + i % 3};

    return f;
}

static inline struct flow turned(struct flow f)
{
    struct flow t = {f.b, f.a, f.pb, f.pa};

    return t;
}

#define UDP_AT 34
#define NUMBER_AT 42
#define UDP_FRAME 60

/* An IPv4 header at `p` before `len` bytes; `fragment` is flags and offset. */
static inline void ipv4(unsigned char *p, struct flow f, unsigned len, unsigned id, unsigned fragment)
{
    static const unsigned char start[] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0, 10, 9, 8, 0, 10, 9, 8};
    unsigned sum = 0, i;

    memset(p, 0, 20);
    memcpy(p, start, sizeof start);
    put16(p + 2, 20 + len);
    put16(p + 4, id);
    put16(p + 6, fragment);
    p[15] = f.a;
    p[19] = f.b;
    for (i = 0; i < 20; i += 2)
        sum += get16(p + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    put16(p + 10, ~sum & 0xffff);
}

/* A UDP datagram in an Ethernet frame of 60 bytes that bears a number. */
static inline void udp_frame(unsigned char *p, struct flow f, unsigned number)
{
    memset(p, 0, UDP_FRAME);
    memcpy(p, mac_v0, 6);
    memcpy(p + 6, mac_v1, 6);
    put16(p + 12, ETHERTYPE_IP);
    ipv4(p + 14, f, UDP_FRAME - 34, number & 0xffff, 0);
    put16(p + UDP_AT, f.pa);
    put16(p + UDP_AT + 2, f.pb);
    put16(p + UDP_AT + 4, UDP_FRAME - UDP_AT);
    put16(p + NUMBER_AT, number >> 16);
    put16(p + NUMBER_AT + 2, number & 0xffff);
}

static inline void send_udp(int fd, struct flow f, unsigned number)
{
    unsigned char p[UDP_FRAME];

    udp_frame(p, f, number);
    send_raw(fd, p, sizeof p);
}

/* Handles of one group, and where each numbered packet went. */
struct group {
    int n, total;
    pcap_t *p[300];
    int got[300];
    int number_at; /* in a packet */
    unsigned char times[NUMBERS], at[NUMBERS];
    bpf_u_int32 len[NUMBERS];
};

struct place {
    struct group *g;
    int i;
};

static inline void take(unsigned char *user, const struct pcap_pkthdr *h, const unsigned char *data)
{
    const struct place *to = (const struct place *)user;
    struct group *g = to->g;
    unsigned number;

    CHECK(h->caplen >= (unsigned)g->number_at + 4, "a packet of %u bytes", h->caplen);
    number = get32(data + g->number_at);
    CHECK(number < NUMBERS, "number %#x", number);
    g->times[number]++;
    g->at[number] = (unsigned char)to->i;
    g->len[number] = h->len;
    g->got[to->i]++;
    g->total++;
}

static inline void forget(struct group *g)
{
    memset(g->got, 0, sizeof g->got);
    memset(g->times, 0, sizeof g->times);
    g->total = 0;
}

static inline void listen_to(struct group *g, pcap_t *p)
{
    char err[PCAP_ERRBUF_SIZE] = "";

    CHECK(pcap_setnonblock(p, 1, err) == 0, "pcap_setnonblock: %s", err);
    g->p[g->n++] = p;
}

/* Reads what is there, from all; 0 if there is nothing. */
static inline int read_all(struct group *g)
{
    struct place to = {g, 0};
    int rc, any = 0;

    for (to.i = 0; to.i < g->n; to.i++) {
        if (g->p[to.i] == NULL)
            continue;
        rc = pcap_dispatch(g->p[to.i], -1, take, (unsigned char *)&to);
        CHECK(rc >= 0, "pcap_dispatch: %d, %s", rc, pcap_geterr(g->p[to.i]));
        any += rc;
    }
    return any;
}

/* Reads until `want` packets came in all, or none for some time; and then for a moment whether there are more. */
static inline void gather_all(struct group *g, int want)
{
    double last = now();

    while (now() < last + (g->total < want ? PATIENCE : 0.12)) {
        if (read_all(g))
            last = now();
        else
            sleep_ms(2);
    }
}

static inline pcap_t *created_by(enum mode m, const char *dev)
{
    struct how how = plain;

    how.immediate = m == MODE_V2;
    how.snaplen = 256; /* or a ring of frames has few */
    return created(dev, &how);
}

static struct group shared;

/* Opens `n` handles on a device in a new group. */
static inline struct group *group_of(enum mode m, const char *dev, int mode, int flags, int n)
{
    pcap_t *p = created_by(m, dev), *all[300];
    int i, rc;

    memset(&shared, 0, sizeof shared);
    shared.number_at = NUMBER_AT;
    CHECK_INT(pcap_set_fanout_linux(p, mode, flags, -1), 0);
    rc = pcap_activate_group_linux(p, n, all);
    CHECK(rc == 0, "pcap_activate_group_linux: %d, %s", rc, pcap_geterr(p));
    CHECK(all[0] == p, "the first is %p, not %p", (void *)all[0], (void *)p);
    for (i = 0; i < n; i++)
        listen_to(&shared, all[i]);
    return &shared;
}

static inline void close_group(struct group *g)
{
    int i;

    for (i = 0; i < g->n; i++)
        if (g->p[i] != NULL)
            pcap_close(g->p[i]);
}

/* Packets that a handle had no room for. */
static inline int dropped(pcap_t *p)
{
    struct pcap_stat st;

    CHECK_INT(pcap_stats(p, &st), 0);
    return (int)st.ps_drop;
}

/* Each of the numbers came once, to one handle. */
static inline void each_once(const struct group *g, unsigned first, unsigned count)
{
    unsigned i;

    for (i = first; i < first + count; i++)
        CHECK(g->times[i] == 1, "packet %u came %d times", i, g->times[i]);
    CHECK_INT(g->total, count);
}

#endif
