/*
 * VLAN tags, which the kernel strips into metadata and the library puts back; the cooked headers of
 * "any"; and the link type of every kind of interface, with its packets whole.
 */
#include "net.h"

static struct caught seen;

/* A tagged frame: up to three tags before TEST_TYPE, 64 bytes in all. */
struct tagged {
    const char *what;
    int tags;
    unsigned tpid[3], tci[3];
};

#define FRAME 64

static const struct tagged frames[] = {
    {"no tag", 0, {0}, {0}},
    {"vid 100", 1, {0x8100}, {100}},
    {"vid 4094, priority 7, DEI", 1, {0x8100}, {0xfffe}},
    {"priority 5 alone (vid 0)", 1, {0x8100}, {0xa000}},
    {"DEI alone", 1, {0x8100}, {0x1000}},
    {"vid 0, priority 0", 1, {0x8100}, {0}},
    {"802.1ad", 1, {0x88a8}, {0x600a}},
    {"802.1ad over 802.1Q", 2, {0x88a8, 0x8100}, {0xe123, 0x2456}},
    {"802.1Q over 802.1Q", 2, {0x8100, 0x8100}, {3, 0xf004}},
    {"802.1ad over priority", 2, {0x88a8, 0x8100}, {1, 0x8000}},
    {"three tags", 3, {0x88a8, 0x8100, 0x8100}, {7, 8, 9}},
    {"0x9100", 1, {0x9100}, {0x3005}},
};
#define FRAMES ((int)(sizeof frames / sizeof frames[0]))

static void fill_tagged(unsigned char *f, const struct tagged *t, unsigned number)
{
    unsigned char whole[FRAME];
    int i;

    fill_frame(whole, number, sizeof whole);
    memcpy(f, whole, 12);
    for (i = 0; i < t->tags; i++) {
        put16(f + 12 + 4 * i, t->tpid[i]);
        put16(f + 14 + 4 * i, t->tci[i]);
    }
    memcpy(f + 12 + 4 * t->tags, whole + 12, FRAME - 12 - 4 * (size_t)t->tags);
}

/* The kernel's V1 header has no room for the tag: there, the outer one is gone. */
static void check_tagged(enum mode m, int i, const struct pcap_pkthdr *h, const unsigned char *data)
{
    unsigned char want[FRAME];
    unsigned len = FRAME;

    fill_tagged(want, &frames[i], (unsigned)i);
    if (m == MODE_V1 && h->len == FRAME - 4 && frames[i].tags > 0) {
        memmove(want + 12, want + 16, FRAME - 16);
        len -= 4;
    }
    CHECK(h->len == len && h->caplen == len, "%s: caplen %u, len %u", frames[i].what, h->caplen,
          h->len);
    CHECK(memcmp(data, want, len) == 0, "%s: %04x %04x %04x %04x", frames[i].what,
          get16(data + 12), get16(data + 14), get16(data + 16), get16(data + 18));
}

static void send_tagged(int raw)
{
    unsigned char f[FRAME];
    int i;

    for (i = 0; i < FRAMES; i++) {
        fill_tagged(f, &frames[i], (unsigned)i);
        send_raw(raw, f, sizeof f);
    }
}

static void body_tags(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    int i, raw = raw_socket("v1");

    send_tagged(raw);
    CHECK_INT(pcap_loop(p, FRAMES, keep, (unsigned char *)&seen), 0);
    for (i = 0; i < FRAMES; i++)
        check_tagged(m, i, &seen.hdr[i], seen.data[i]);
    pcap_close(p);
}

CASE(tags_come_back)
{
    in_modes(ALL_MODES, body_tags);
}

static void body_tags_next_ex(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    struct pcap_pkthdr *h;
    const unsigned char *data;
    int i, raw = raw_socket("v1");

    send_tagged(raw);
    for (i = 0; i < FRAMES; i++) {
        CHECK_INT(pcap_next_ex(p, &h, &data), 1);
        check_tagged(m, i, h, data);
    }
    pcap_close(p);
}

CASE(tags_by_next_ex)
{
    in_modes(ALL_MODES, body_tags_next_ex);
}

/* Frames that this host sends have their tags in place. */
static void body_tags_out(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    int i, raw = raw_socket("v0");

    CHECK_INT(pcap_setdirection(p, PCAP_D_OUT), 0);
    send_tagged(raw);
    CHECK_INT(pcap_loop(p, FRAMES, keep, (unsigned char *)&seen), 0);
    for (i = 0; i < FRAMES; i++)
        check_tagged(MODE_V3, i, &seen.hdr[i], seen.data[i]);
    pcap_close(p);
}

CASE(tags_going_out)
{
    in_modes(ALL_MODES, body_tags_out);
}

/* Two handles see the same frame: the tag is not put in twice. */
static void body_tags_two_handles(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain), *q = opened_by(m, "v0", plain);
    int i, raw = raw_socket("v1");

    send_tagged(raw);
    CHECK_INT(pcap_loop(p, FRAMES, keep, (unsigned char *)&seen), 0);
    CHECK_INT(pcap_loop(q, FRAMES, keep, (unsigned char *)&seen), 0);
    for (i = 0; i < 2 * FRAMES; i++)
        check_tagged(m, i % FRAMES, &seen.hdr[i], seen.data[i]);
    pcap_close(p);
    pcap_close(q);
}

CASE(tags_for_two_handles)
{
    in_modes(ALL_MODES, body_tags_two_handles);
}

/* `snaplen` bytes of the frame as it was on the wire, and its whole length. */
static void snapped(enum mode m, int snaplen, const struct bpf_program *filter)
{
    struct how how = plain;
    struct bpf_program prog;
    unsigned char want[FRAME];
    int i, raw = raw_socket("v1");
    unsigned cap = snaplen < FRAME ? (unsigned)snaplen : FRAME;
    pcap_t *p;

    how.snaplen = snaplen;
    p = opened_by(m, "v0", how);
    if (filter != NULL) {
        prog = *filter;
        CHECK_INT(pcap_setfilter(p, &prog), 0);
    }
    seen.n = 0;
    send_tagged(raw);
    CHECK_INT(pcap_loop(p, FRAMES, keep, (unsigned char *)&seen), 0);
    for (i = 0; i < FRAMES; i++) {
        fill_tagged(want, &frames[i], (unsigned)i);
        CHECK(seen.hdr[i].len == FRAME && seen.hdr[i].caplen == cap,
              "snaplen %d, %s: caplen %u, len %u", snaplen, frames[i].what, seen.hdr[i].caplen,
              seen.hdr[i].len);
        CHECK(memcmp(seen.data[i], want, cap) == 0, "snaplen %d, %s", snaplen, frames[i].what);
    }
    pcap_close(p);
    close(raw);
}

static const int snaplens[] = {12, 13, 14, 15, 16, 17, 18, 20, 22, 40, 63, 64, 65, 200};

static void body_snaplen(enum mode m)
{
    size_t i;

    for (i = 0; i < sizeof snaplens / sizeof snaplens[0]; i++)
        snapped(m, snaplens[i], NULL);
    snapped(m, 1, NULL);
    snapped(m, 11, NULL);
}

CASE(tags_and_snaplen)
{
    in_modes(RINGS_NOW | MODE_RECVMSG, body_snaplen);
}

/* With a filter whose "accept" value is the snaplen, as pcap_compile makes them, the kernel cuts. */
static void body_snaplen_filter(enum mode m)
{
    size_t i;

    for (i = 0; i < sizeof snaplens / sizeof snaplens[0]; i++) {
        struct bpf_insn insn = BPF_STMT(BPF_RET | BPF_K, (unsigned)snaplens[i]);
        struct bpf_program prog = {1, &insn};

        snapped(m, snaplens[i], &prog);
    }
}

CASE(tags_and_kernel_snaplen)
{
    in_modes(RINGS_NOW | MODE_RECVMSG, body_snaplen_filter);
}

struct cooked {
    const char *what;
    unsigned char to[6];
    unsigned pkttype;
};

static const struct cooked destinations[] = {
    {"host", {2, 0, 0, 0, 0, 1}, PACKET_HOST},
    {"broadcast", {255, 255, 255, 255, 255, 255}, PACKET_BROADCAST},
    {"multicast", {1, 0, 0x5e, 1, 2, 3}, PACKET_MULTICAST},
    {"other host", {2, 0, 0, 0, 9, 9}, PACKET_OTHERHOST},
};

static void check_sll(const unsigned char *d, unsigned pkttype, const unsigned char *from)
{
    static const unsigned char zero[2];

    CHECK_INT(get16(d), pkttype);
    CHECK_INT(get16(d + 2), 1);
    CHECK_INT(get16(d + 4), 6);
    CHECK(memcmp(d + 6, from, 6) == 0 && memcmp(d + 12, zero, 2) == 0, "the address");
    CHECK_INT(get16(d + 14), TEST_TYPE);
}

static void check_sll2(const unsigned char *d, unsigned pkttype, const unsigned char *from,
                       const char *dev)
{
    static const unsigned char zero[2];

    CHECK_INT(get16(d), TEST_TYPE);
    CHECK_INT(get16(d + 2), 0);
    CHECK_INT(get32(d + 4), if_nametoindex(dev));
    CHECK_INT(get16(d + 8), 1);
    CHECK_INT(d[10], pkttype);
    CHECK_INT(d[11], 6);
    CHECK(memcmp(d + 12, from, 6) == 0 && memcmp(d + 18, zero, 2) == 0, "the address");
}

/* What follows the cooked header: the frame from its 15th byte on. */
static void check_cooked_rest(int i, unsigned header, unsigned number)
{
    unsigned char want[60];

    fill_frame(want, number, sizeof want);
    CHECK_INT(seen.hdr[i].len, header + 46);
    CHECK_INT(seen.hdr[i].caplen, header + 46);
    CHECK(memcmp(seen.data[i] + header, want + 14, 46) == 0, "packet %d", i);
}

static void cooked(enum mode m, int dlt)
{
    struct how how = plain;
    unsigned char f[60];
    int i, v1 = raw_socket("v1"), v0 = raw_socket("v0");
    pcap_t *p = opened_by(m, "any", how);

    CHECK_INT(pcap_datalink(p), DLT_LINUX_SLL);
    CHECK_INT(pcap_set_datalink(p, dlt), 0);
    CHECK_INT(pcap_datalink(p), dlt);
    for (i = 0; i < 4; i++) {
        CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
        seen.n = 0;
        fill_frame(f, (unsigned)i, sizeof f);
        memcpy(f, destinations[i].to, 6);
        send_raw(v1, f, sizeof f);
        CHECK_INT(pcap_loop(p, 1, keep, (unsigned char *)&seen), 0);
        if (dlt == DLT_LINUX_SLL)
            check_sll(seen.data[0], destinations[i].pkttype, mac_v1);
        else
            check_sll2(seen.data[0], destinations[i].pkttype, mac_v1, "v0");
        check_cooked_rest(0, dlt == DLT_LINUX_SLL ? 16 : 20, (unsigned)i);
    }
    /* Out of v0, and so into v1. */
    CHECK_INT(pcap_setdirection(p, PCAP_D_INOUT), 0);
    seen.n = 0;
    fill_frame(f, 9, sizeof f);
    memcpy(f, mac_v1, 6);
    memcpy(f + 6, mac_v0, 6);
    send_raw(v0, f, sizeof f);
    CHECK_INT(pcap_loop(p, 2, keep, (unsigned char *)&seen), 0);
    if (dlt == DLT_LINUX_SLL) {
        check_sll(seen.data[0], PACKET_OUTGOING, mac_v0);
        check_sll(seen.data[1], PACKET_HOST, mac_v0);
    } else {
        check_sll2(seen.data[0], PACKET_OUTGOING, mac_v0, "v0");
        check_sll2(seen.data[1], PACKET_HOST, mac_v0, "v1");
    }
    pcap_close(p);
}

static void body_sll(enum mode m)
{
    cooked(m, DLT_LINUX_SLL);
}

CASE(cooked_sll)
{
    in_modes(ALL_MODES, body_sll);
}

static void body_sll2(enum mode m)
{
    cooked(m, DLT_LINUX_SLL2);
}

CASE(cooked_sll2)
{
    in_modes(ALL_MODES, body_sll2);
}

/* A frame with a length where the type would be is 802.2 (4), or 802.3 raw (1) if it begins ffff. */
static void body_llc(enum mode m)
{
    pcap_t *p = opened_by(m, "any", plain);
    unsigned char f[60];
    int raw = raw_socket("v1");

    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
    fill_frame(f, 0x42420300, sizeof f);
    put16(f + 12, 46);
    send_raw(raw, f, sizeof f);
    fill_frame(f, 0xffff0000, sizeof f);
    put16(f + 12, 46);
    send_raw(raw, f, sizeof f);
    seen.n = 0;
    CHECK_INT(pcap_loop(p, 2, keep, (unsigned char *)&seen), 0);
    CHECK_INT(get16(seen.data[0] + 14), 4);
    CHECK_INT(get16(seen.data[1] + 14), 1);
    pcap_close(p);
}

CASE(cooked_llc)
{
    in_modes(ALL_MODES, body_llc);
}

/* The header follows the link type that is set when the packet is read. */
static void body_switch(enum mode m)
{
    static const int order[] = {DLT_LINUX_SLL2, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_LINUX_SLL2};
    pcap_t *p = opened_by(m, "any", plain);
    int i, raw = raw_socket("v1"), *list = NULL;

    CHECK_INT(pcap_list_datalinks(p, &list), 2);
    CHECK(list[0] == DLT_LINUX_SLL && list[1] == DLT_LINUX_SLL2, "%d, %d", list[0], list[1]);
    pcap_free_datalinks(list);
    CHECK_INT(pcap_set_datalink(p, DLT_EN10MB), -1);
    CHECK_STR(pcap_geterr(p), "EN10MB is not one of the DLTs supported by this device");
    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
    send_numbered(raw, 0, 4);
    wait_readable(p, 4);
    for (i = 0; i < 4; i++) {
        CHECK_INT(pcap_set_datalink(p, order[i]), 0);
        seen.n = 0;
        CHECK_INT(pcap_loop(p, 1, keep, (unsigned char *)&seen), 0);
        if (order[i] == DLT_LINUX_SLL)
            check_sll(seen.data[0], PACKET_HOST, mac_v1);
        else
            check_sll2(seen.data[0], PACKET_HOST, mac_v1, "v0");
        check_cooked_rest(0, order[i] == DLT_LINUX_SLL ? 16 : 20, (unsigned)i);
    }
    pcap_close(p);
}

CASE(cooked_switch)
{
    in_modes(ALL_MODES, body_switch);
}

static void body_cooked_snaplen(enum mode m)
{
    static const int lengths[] = {21, 22, 36, 61, 62, 63, 66, 100};
    struct how how = plain;
    int raw = raw_socket("v1"), sll2;
    unsigned header, cap;
    size_t i;
    pcap_t *p;

    for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (sll2 = 0; sll2 < 2; sll2++) {
            how.snaplen = lengths[i];
            p = opened_by(m, "any", how);
            CHECK_INT(pcap_set_datalink(p, sll2 ? DLT_LINUX_SLL2 : DLT_LINUX_SLL), 0);
            CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
            seen.n = 0;
            send_numbered(raw, 3, 1);
            CHECK_INT(pcap_loop(p, 1, keep, (unsigned char *)&seen), 0);
            header = sll2 ? 20 : 16;
            cap = (unsigned)lengths[i] < header + 46 ? (unsigned)lengths[i] : header + 46;
            CHECK_INT(seen.hdr[0].len, header + 46);
            CHECK_INT(seen.hdr[0].caplen, cap);
            pcap_close(p);
        }
}

CASE(cooked_snaplen)
{
    in_modes(ALL_MODES, body_cooked_snaplen);
}

/* In a cooked header of version 1 the tag stands where the protocol was, which then follows it. */
static void body_cooked_tag(enum mode m)
{
    pcap_t *p = opened_by(m, "any", plain);
    unsigned char f[FRAME];
    int raw = raw_socket("v1");

    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
    fill_tagged(f, &frames[2], 5);
    send_raw(raw, f, sizeof f);
    CHECK_INT(pcap_loop(p, 1, keep, (unsigned char *)&seen), 0);
    CHECK_INT(seen.hdr[0].len, 16 + FRAME - 14);
    CHECK_INT(seen.hdr[0].caplen, 16 + FRAME - 14);
    CHECK(memcmp(seen.data[0] + 14, f + 12, FRAME - 12) == 0, "%04x %04x %04x",
          get16(seen.data[0] + 14), get16(seen.data[0] + 16), get16(seen.data[0] + 18));
    pcap_close(p);
}

CASE(cooked_tag)
{
    in_modes(RINGS_NOW | MODE_RECVMSG, body_cooked_tag);
}
