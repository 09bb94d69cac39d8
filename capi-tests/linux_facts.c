/*
 * What pcap/linux.h tells of packets: facts beside their bytes.
 */
#include "net.h"

#include <linux/if_arp.h>
#include <netinet/tcp.h>
#include <pcap/linux.h>
#include <pthread.h>

/* What the callback was told, packet by packet. */
static struct asked {
    pcap_t *p;
    int n, refused;
    struct pcap_facts_linux facts[KEEP];
    struct pcap_pkthdr hdr[KEEP];
    unsigned char data[KEEP][64];
} asked;

static struct pcap_facts_linux facts_of(pcap_t *p, const unsigned char *packet)
{
    struct pcap_facts_linux f;
    int rc;

    memset(&f, 0xa5, sizeof f);
    f.size = sizeof f;
    rc = pcap_packet_facts_linux(p, packet, &f);
    CHECK(rc == 0, "pcap_packet_facts_linux: %d, %s", rc, pcap_geterr(p));
    CHECK_INT(f.size, sizeof f);
    return f;
}

/* The address is not one of a packet that is lent. */
static void no_packet(pcap_t *p, const unsigned char *packet)
{
    struct pcap_facts_linux f = {.size = sizeof f};

    CHECK_INT(pcap_packet_facts_linux(p, packet, &f), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "There is no packet at this address that is lent now");
}

static void note(const struct pcap_pkthdr *h, const unsigned char *data)
{
    CHECK(asked.n < KEEP, "more packets than expected: %d", asked.n);
    asked.facts[asked.n] = facts_of(asked.p, data);
    asked.hdr[asked.n] = *h;
    memcpy(asked.data[asked.n], data, h->caplen < 64 ? h->caplen : 64);
    asked.n++;
}

static void ask(unsigned char *user, const struct pcap_pkthdr *h, const unsigned char *data)
{
    (void)user;
    note(h, data);
    no_packet(asked.p, data + 1);
    no_packet(asked.p, data - 1);
}

/* Reads `want` packets and asks about each: in a callback, or after pcap_next_ex(). */
static void ask_about(pcap_t *p, int want, int by_next_ex)
{
    struct pcap_pkthdr *h;
    const unsigned char *data;
    int rc, i;

    asked.p = p;
    asked.n = 0;
    if (!by_next_ex) {
        CHECK_INT(pcap_loop(p, want, ask, NULL), 0);
        return;
    }
    for (i = 0; i < want; i++) {
        while ((rc = pcap_next_ex(p, &h, &data)) == 0)
            ;
        CHECK(rc == 1, "pcap_next_ex: %d, %s", rc, pcap_geterr(p));
        note(h, data);
        no_packet(p, data + 1);
    }
}

/* What holds of every packet that was asked about. */
static void check_common(enum mode m, const char *dev, int hatype)
{
    static const unsigned char zero[5];
    int i;

    for (i = 0; i < asked.n; i++) {
        const struct pcap_facts_linux *f = &asked.facts[i];

        CHECK_INT(f->ifindex, if_nametoindex(dev));
        CHECK_INT(f->hatype, hatype);
        CHECK_INT(f->nanoseconds / 1000000000, asked.hdr[i].ts.tv_sec);
        CHECK_INT(f->nanoseconds % 1000000000 / 1000, asked.hdr[i].ts.tv_usec);
        CHECK(f->tstamp_source == PCAP_TSTAMP_SOURCE_SOFTWARE ||
                  (m != MODE_RECVMSG && f->tstamp_source == PCAP_TSTAMP_SOURCE_KERNEL),
              "time stamp source %d", f->tstamp_source);
        CHECK(!(f->flags & PCAP_FACT_RXHASH) && f->rxhash == 0, "hash %#x", f->rxhash);
        CHECK(memcmp(f->reserved, zero, sizeof zero) == 0, "reserved");
    }
}

static const struct {
    unsigned char to[6];
    unsigned pkttype;
} destinations[] = {
    {{2, 0, 0, 0, 0, 1}, PACKET_HOST},
    {{255, 255, 255, 255, 255, 255}, PACKET_BROADCAST},
    {{1, 0, 0x5e, 1, 2, 3}, PACKET_MULTICAST},
    {{2, 0, 0, 0, 9, 9}, PACKET_OTHERHOST},
    {{2, 0, 0, 0, 0, 1}, PACKET_HOST},
};
#define DESTINATIONS 5

/* To all kinds of destinations into v0, then one out of it. */
static void send_to_all(int v0, int v1)
{
    unsigned char f[60];
    int i;

    for (i = 0; i < DESTINATIONS; i++) {
        fill_frame(f, (unsigned)i, sizeof f);
        memcpy(f, destinations[i].to, 6);
        send_raw(v1, f, sizeof f);
    }
    fill_frame(f, DESTINATIONS, sizeof f);
    memcpy(f, mac_v1, 6);
    memcpy(f + 6, mac_v0, 6);
    send_raw(v0, f, sizeof f);
}

static void check_types(int offset)
{
    int i;

    for (i = 0; i <= DESTINATIONS; i++) {
        const struct pcap_facts_linux *f = &asked.facts[i];
        int out = i == DESTINATIONS;

        CHECK_INT(get32(asked.data[i] + offset + 14), i);
        CHECK_INT(f->pkttype, out ? PACKET_OUTGOING : destinations[i].pkttype);
        CHECK_INT(f->protocol, TEST_TYPE);
        CHECK_INT(f->halen, 6);
        CHECK(memcmp(f->addr, out ? mac_v0 : mac_v1, 6) == 0, "packet %d: the sender", i);
        CHECK(!(f->flags & (PCAP_FACT_VLAN_TCI | PCAP_FACT_VLAN_TPID | PCAP_FACT_COPY |
                            PCAP_FACT_LOSING | PCAP_FACT_GSO_TCP)),
              "packet %d: flags %#x", i, f->flags);
        CHECK(f->vlan_tci == 0 && f->vlan_tpid == 0, "packet %d: a tag", i);
    }
}

static void body_packet_types(enum mode m)
{
    int v0 = raw_socket("v0"), v1 = raw_socket("v1"), by_next_ex;
    struct how how = plain;
    pcap_t *p;

    how.promisc = 1;
    p = opened_by(m, "v0", how);
    for (by_next_ex = 0; by_next_ex < 2; by_next_ex++) {
        send_to_all(v0, v1);
        ask_about(p, DESTINATIONS + 1, by_next_ex);
        check_common(m, "v0", ARPHRD_ETHER);
        check_types(0);
    }
    pcap_close(p);
}

CASE(packet_types)
{
    in_modes(ALL_MODES, body_packet_types);
}

/* Tags, as they were on the wire; version 1 of the ring has no place for them. */
static const struct {
    unsigned tpid, tci;
} tags[] = {{0x8100, 100}, {0x8100, 0xfffe}, {0x88a8, 0x600a}, {0, 0}, {0x8100, 0}};
#define TAGS 5

static void body_vlan(enum mode m)
{
    int v1 = raw_socket("v1"), i, cooked;
    unsigned char f[64];
    pcap_t *p;

    for (cooked = 0; cooked < 3; cooked++) {
        p = opened_by(m, cooked ? "any" : "v0", plain);
        CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
        if (cooked)
            CHECK_INT(pcap_set_datalink(p, cooked == 1 ? DLT_LINUX_SLL : DLT_LINUX_SLL2), 0);
        for (i = 0; i < TAGS; i++) {
            fill_frame(f, (unsigned)i, sizeof f);
            memmove(f + 16, f + 12, sizeof f - 16);
            put16(f + 12, tags[i].tpid);
            put16(f + 14, tags[i].tci);
            if (tags[i].tpid == 0)
                fill_frame(f, (unsigned)i, sizeof f);
            send_raw(v1, f, sizeof f);
        }
        ask_about(p, TAGS, cooked == 2);
        check_common(m, "v0", ARPHRD_ETHER);
        for (i = 0; i < TAGS; i++) {
            unsigned flags = asked.facts[i].flags & (PCAP_FACT_VLAN_TCI | PCAP_FACT_VLAN_TPID);
            int told = m != MODE_V1 && tags[i].tpid != 0;

            CHECK_INT(flags, told ? PCAP_FACT_VLAN_TCI | PCAP_FACT_VLAN_TPID : 0);
            CHECK_INT(asked.facts[i].vlan_tci, told ? tags[i].tci : 0);
            CHECK_INT(asked.facts[i].vlan_tpid, told ? tags[i].tpid : 0);
            CHECK_INT(asked.facts[i].protocol, TEST_TYPE);
        }
        pcap_close(p);
    }
}

CASE(vlan_tags)
{
    in_modes(ALL_MODES, body_vlan);
}

/* On all interfaces at once each packet says where it was. */
static void body_any(enum mode m)
{
    int v0 = raw_socket("v0"), lo = raw_socket("lo"), sll2;
    unsigned char f[60];
    pcap_t *p;

    for (sll2 = 0; sll2 < 2; sll2++) {
        p = opened_by(m, "any", plain);
        CHECK_INT(pcap_set_datalink(p, sll2 ? DLT_LINUX_SLL2 : DLT_LINUX_SLL), 0);
        fill_frame(f, 1, sizeof f);
        memcpy(f, mac_v1, 6);
        memcpy(f + 6, mac_v0, 6);
        send_raw(v0, f, sizeof f);
        memset(f, 0, 12);
        send_raw(lo, f, sizeof f);
        ask_about(p, 3, sll2);
        CHECK_INT(asked.facts[0].pkttype, PACKET_OUTGOING);
        CHECK_INT(asked.facts[0].ifindex, if_nametoindex("v0"));
        CHECK_INT(asked.facts[1].pkttype, PACKET_HOST);
        CHECK_INT(asked.facts[1].ifindex, if_nametoindex("v1"));
        CHECK_INT(asked.facts[2].pkttype, PACKET_HOST);
        CHECK_INT(asked.facts[2].ifindex, if_nametoindex("lo"));
        CHECK_INT(asked.facts[2].hatype, ARPHRD_LOOPBACK);
        pcap_close(p);
    }
}

CASE(any_device)
{
    in_modes(ALL_MODES, body_any);
}

static void switch_and_ask(unsigned char *user, const struct pcap_pkthdr *h,
                           const unsigned char *data)
{
    int other = pcap_datalink(asked.p) == DLT_LINUX_SLL ? DLT_LINUX_SLL2 : DLT_LINUX_SLL;

    CHECK_INT(pcap_set_datalink(asked.p, other), 0);
    ask(user, h, data);
    CHECK_INT(pcap_setdirection(asked.p, PCAP_D_IN), 0);
    ask(user, h, data);
}

/* A packet stays what it was when the link type changes while it is lent. */
static void body_link_type(enum mode m)
{
    int v1 = raw_socket("v1");
    pcap_t *p = opened_by(m, "any", plain);

    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
    send_numbered(v1, 0, 6);
    asked.p = p;
    CHECK_INT(pcap_loop(p, 6, switch_and_ask, NULL), 0);
    CHECK_INT(asked.n, 12);
    check_common(m, "v0", ARPHRD_ETHER);
    pcap_close(p);
}

CASE(link_type_changes)
{
    in_modes(ALL_MODES, body_link_type);
}

/* Interfaces without link-layer addresses, and CAN, whose bytes are changed for the program. */
static void body_tun(enum mode m)
{
    static const int types[] = {ARPHRD_NONE, ARPHRD_PPP, ARPHRD_CAN};
    unsigned char packet[16] = {0x45, 0x03, 0x02, 0x81, 4};
    char dev[IFNAMSIZ];
    pcap_t *p;
    int i, n, tun;

    for (i = 0; i < 3; i++) {
        snprintf(dev, sizeof dev, "t%d-%d", types[i], (int)m);
        tun = make_tun(dev, types[i]);
        p = opened_by(m, dev, plain);
        for (n = 0; n < 3; n++)
            CHECK(write(tun, packet, sizeof packet) == sizeof packet, "TUN: %s", strerror(errno));
        ask_about(p, 3, 0);
        for (n = 0; n < 3; n++)
            CHECK(write(tun, packet, sizeof packet) == sizeof packet, "TUN: %s", strerror(errno));
        ask_about(p, 3, 1);
        check_common(m, dev, types[i]);
        for (n = 0; n < 3; n++) {
            CHECK_INT(asked.facts[n].halen, 0);
            CHECK_INT(asked.facts[n].pkttype, PACKET_HOST);
            CHECK_INT(asked.facts[n].protocol, 0x0800);
        }
        pcap_close(p);
        close(tun);
    }
}

CASE(tun_devices)
{
    in_modes(ALL_MODES, body_tun);
}

/* Frames above what the ring's were made for: in rings of frames they come past it. */
static void body_copy(enum mode m)
{
    static unsigned char f[4000];
    int raw, by_next_ex, copied = m == MODE_V2 || m == MODE_V1;
    pcap_t *p;

    run("ip link set v0 mtu 1500 && ip link set v1 mtu 1500");
    p = opened_by(m, "v0", plain);
    run("ip link set v0 mtu 9000 && ip link set v1 mtu 9000");
    raw = raw_socket("v1");
    for (by_next_ex = 0; by_next_ex < 2; by_next_ex++) {
        fill_frame(f, 1, sizeof f);
        send_raw(raw, f, 60);
        send_raw(raw, f, sizeof f);
        send_raw(raw, f, 60);
        ask_about(p, 3, by_next_ex);
        check_common(m, "v0", ARPHRD_ETHER);
        CHECK_INT(asked.facts[0].flags & PCAP_FACT_COPY, 0);
        CHECK_INT(asked.facts[1].flags & PCAP_FACT_COPY, copied ? PCAP_FACT_COPY : 0);
        CHECK_INT(asked.facts[2].flags & PCAP_FACT_COPY, 0);
        CHECK_INT(asked.hdr[1].caplen, sizeof f);
    }
    pcap_close(p);
}

CASE(too_large_for_a_frame)
{
    in_modes(ALL_MODES, body_copy);
}

/* After packets were lost each one says so, until somebody asks for the statistics. */
static void body_losing(enum mode m)
{
    static unsigned char f[1400];
    struct how how = plain;
    struct pcap_stat st;
    int raw = raw_socket("v1"), i, n = 0, losing;
    pcap_t *p;

    how.buffer = 300000;
    how.nonblock = 1;
    p = opened_by(m, "v0", how);
    fill_frame(f, 1, sizeof f);
    for (i = 0; i < 2000; i++)
        send_raw(raw, f, sizeof f);
    /* Until nothing has come for longer than a block is held back. */
    for (i = 0; i < 30; i++) {
        int rc = pcap_dispatch(p, -1, count_packet, (unsigned char *)&n);

        CHECK(rc >= 0, "%s", pcap_geterr(p));
        if (rc > 0)
            i = 0;
        sleep_ms(5);
    }
    CHECK(n < 2000, "nothing was lost");
    CHECK_INT(pcap_setnonblock(p, 0, NULL), 0);
    for (losing = 1; losing >= 0; losing--) {
        send_numbered(raw, 1, 2);
        ask_about(p, 2, losing);
        for (i = 0; i < 2; i++)
            CHECK_INT(asked.facts[i].flags & PCAP_FACT_LOSING,
                      losing && m != MODE_RECVMSG ? PCAP_FACT_LOSING : 0);
        CHECK_INT(pcap_stats(p, &st), 0);
    }
    pcap_close(p);
}

CASE(losing)
{
    in_modes(ALL_MODES, body_losing);
}

/* What this host sends has no checksum yet where the device says it will compute it. */
static void body_checksums(enum mode m)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int udp = socket(AF_INET, SOCK_DGRAM, 0), v1 = raw_socket("v1"), i;
    char text[1000] = "";
    pcap_t *p;

    run("ip address replace 10.99.0.1/24 dev v0 && ip neigh replace 10.99.0.2 "
        "lladdr 02:00:00:00:00:02 dev v0");
    p = opened_by(m, "v0", plain);
    inet_pton(AF_INET, "10.99.0.2", &to.sin_addr);
    for (i = 0; i < 3; i++)
        CHECK(sendto(udp, text, sizeof text, 0, (struct sockaddr *)&to, sizeof to) > 0, "sendto: %s",
              strerror(errno));
    send_numbered(v1, 1, 1);
    ask_about(p, 4, 0);
    for (i = 0; i < 3; i++) {
        CHECK_INT(asked.facts[i].pkttype, PACKET_OUTGOING);
        CHECK_INT(asked.facts[i].protocol, 0x0800);
        CHECK_INT(asked.facts[i].flags & (PCAP_FACT_CSUM_NOT_READY | PCAP_FACT_CSUM_VALID),
                  PCAP_FACT_CSUM_NOT_READY);
    }
    CHECK_INT(asked.facts[3].flags & (PCAP_FACT_CSUM_NOT_READY | PCAP_FACT_CSUM_VALID), 0);
    pcap_close(p);
    close(udp);
}

CASE(checksums_not_ready)
{
    in_modes(ALL_MODES, body_checksums);
}

/* Once any socket wants time stamps the kernel makes them earlier, and says so. */
static void body_stamps(enum mode m)
{
    int wants = socket(AF_INET, SOCK_DGRAM, 0), raw = raw_socket("v1"), one = 1;
    double end = now() + PATIENCE;
    pcap_t *p = opened_by(m, "v0", plain);

    CHECK(setsockopt(wants, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof one) == 0, "SO_TIMESTAMP: %s",
          strerror(errno));
    do {
        sleep_ms(10);
        send_numbered(raw, 1, 1);
        ask_about(p, 1, 0);
        check_common(m, "v0", ARPHRD_ETHER);
    } while (asked.facts[0].tstamp_source != PCAP_TSTAMP_SOURCE_SOFTWARE && now() < end);
    CHECK_INT(asked.facts[0].tstamp_source, PCAP_TSTAMP_SOURCE_SOFTWARE);
    pcap_close(p);
    close(wants);
}

CASE(stamped_on_arrival)
{
    in_modes(ALL_MODES, body_stamps);
}

static int listening;

static void *swallow(void *unused)
{
    static char to[65536];
    int from = accept(listening, NULL, NULL);

    while (read(from, to, sizeof to) > 0)
        ;
    close(from);
    return unused;
}

/* Several segments in one packet; the device trusts their checksums. */
static void body_segments(enum mode m)
{
    static char much[300000];
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    struct how how = plain;
    int to = socket(AF_INET, SOCK_STREAM, 0), rc, several = 0;
    struct pcap_pkthdr *h;
    const unsigned char *data;
    double end = now() + PATIENCE;
    pthread_t t;
    pcap_t *p;

    run("ip link set lo mtu 1500");
    how.buffer = 8 << 20;
    how.nonblock = 1;
    p = opened_by(m, "lo", how);
    listening = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    CHECK(bind(listening, (struct sockaddr *)&at, sizeof at) == 0 && listen(listening, 1) == 0 &&
              getsockname(listening, (struct sockaddr *)&at, &len) == 0,
          "listen: %s", strerror(errno));
    CHECK(pthread_create(&t, NULL, swallow, NULL) == 0, "no thread");
    CHECK(connect(to, (struct sockaddr *)&at, sizeof at) == 0, "connect: %s", strerror(errno));
    CHECK(write(to, much, sizeof much) == sizeof much, "write: %s", strerror(errno));
    close(to);
    pthread_join(t, NULL);
    while ((rc = pcap_next_ex(p, &h, &data)) == 1 || (rc == 0 && several == 0 && now() < end)) {
        struct pcap_facts_linux f;

        if (rc == 0) {
            sleep_ms(2);
            continue;
        }
        f = facts_of(p, data);
        CHECK_INT(f.pkttype, PACKET_HOST);
        if (f.flags & PCAP_FACT_GSO_TCP) {
            CHECK(f.flags & PCAP_FACT_CSUM_NOT_READY, "flags %#x", f.flags);
            CHECK(h->len > 1514, "%u bytes", h->len);
            several++;
        }
    }
    CHECK(several > 0, "no packet of several segments");
    pcap_close(p);
    close(listening);
}

CASE(tcp_segments)
{
    in_modes(ALL_MODES, body_segments);
}

/* A packet is told of until the next read, and not afterwards. */
static void body_lent(enum mode m)
{
    int raw = raw_socket("v1");
    pcap_t *p = opened_by(m, "v0", plain);
    struct pcap_pkthdr *h;
    const unsigned char *data, *before;
    char err[PCAP_ERRBUF_SIZE];

    no_packet(p, NULL);
    no_packet(p, (unsigned char *)&raw);
    send_numbered(raw, 1, 1);
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    facts_of(p, data);
    facts_of(p, data);
    CHECK_INT(pcap_setnonblock(p, 1, err), 0);
    before = data;
    CHECK_INT(pcap_next_ex(p, &h, &data), 0);
    no_packet(p, before);
    send_numbered(raw, 2, 5);
    wait_readable(p, 5);
    asked.p = p;
    asked.n = 0;
    CHECK_INT(pcap_dispatch(p, 2, ask, NULL), 2);
    /* Those that wait are taken back by a new direction; the last one stays lent. */
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
    CHECK_INT(facts_of(p, data).pkttype, PACKET_HOST);
    CHECK_INT(frame_number(data), 4);
    CHECK_INT(pcap_setdirection(p, PCAP_D_INOUT), 0);
    CHECK_INT(facts_of(p, data).pkttype, PACKET_HOST);
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(frame_number(data), 5);
    CHECK_INT(facts_of(p, data).pkttype, PACKET_HOST);
    pcap_close(p);
    CHECK_INT(pcap_packet_facts_linux(p, data, &(struct pcap_facts_linux){.size = 48}), -1);
}

CASE(until_the_next_read)
{
    in_modes(ALL_MODES, body_lent);
}

/* The structure may be of another version than the library's. */
CASE(sizes_of_the_structure)
{
    struct {
        struct pcap_facts_linux f;
        unsigned char more[40];
    } large;
    static const unsigned wrong[] = {0, 1, 4, 47, 4097, 0xffffffff};
    static const unsigned char zero[40];
    struct pcap_pkthdr *h;
    const unsigned char *data;
    size_t i;
    pcap_t *p;

    enter_veth();
    p = opened("v0", plain);
    send_numbered(raw_socket("v1"), 1, 1);
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(sizeof large.f, 48);
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memset(&large, 0xa5, sizeof large);
        large.f.size = wrong[i];
        CHECK_INT(pcap_packet_facts_linux(p, data, &large.f), PCAP_ERROR);
        CHECK(strstr(pcap_geterr(p), "bytes was given") != NULL, "%s", pcap_geterr(p));
        CHECK(large.f.size == wrong[i] && large.f.pkttype == 0xa5, "it was written");
    }
    CHECK_INT(pcap_packet_facts_linux(p, data, NULL), PCAP_ERROR);
    memset(&large, 0xa5, sizeof large);
    large.f.size = sizeof large.f + 32;
    CHECK_INT(pcap_packet_facts_linux(p, data, &large.f), 0);
    CHECK_INT(large.f.size, sizeof large.f + 32);
    CHECK_INT(large.f.protocol, TEST_TYPE);
    CHECK(memcmp(large.more, zero, 32) == 0 && large.more[32] == 0xa5, "what follows");
    pcap_close(p);
}

/* Handles that have no packets, or no kernel behind them. */
CASE(without_a_kernel)
{
    static const unsigned char file[] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0,
                                         0,    0,    0,    0,    0, 0, 1, 0, 1, 0, 0, 0,
                                         1,    0,    0,    0,    1, 0, 0, 0, 4, 0, 0, 0,
                                         4,    0,    0,    0,    9, 9, 9, 9};
    struct pcap_facts_linux f = {.size = sizeof f};
    char err[PCAP_ERRBUF_SIZE] = "";
    struct pcap_pkthdr *h;
    const unsigned char *data;
    FILE *stream = tmpfile();
    pcap_t *p;

    p = pcap_create("lo", err);
    CHECK_INT(pcap_packet_facts_linux(p, file, &f), PCAP_ERROR_NOT_ACTIVATED);
    CHECK_STARTS(pcap_geterr(p), "This handle hasn't been activated yet");
    pcap_close(p);
    p = pcap_open_dead(DLT_EN10MB, 100);
    CHECK_INT(pcap_packet_facts_linux(p, file, &f), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "Facts about packets aren't available from a pcap_open_dead pcap_t");
    pcap_close(p);
    CHECK(stream != NULL && fwrite(file, sizeof file, 1, stream) == 1, "tmpfile");
    rewind(stream);
    p = pcap_fopen_offline(stream, err);
    CHECK(p != NULL, "%s", err);
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(pcap_packet_facts_linux(p, data, &f), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "Facts about packets aren't available from savefiles");
    pcap_close(p);
}
