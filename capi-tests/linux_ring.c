/*
 * The shape of the ring, as asked for by pcap/linux.h: what comes of it is asked of the library and, by
 * sock_diag(7), of the kernel.
 */
#include "net.h"

#include <linux/netlink.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <pcap/linux.h>
#include <sys/stat.h>

static struct caught seen;

/* What the kernel says of the ring of a socket; its version is 0 if there is none. */
struct told {
    int version;
    struct packet_diag_ring ring;
};

static struct told told_by_kernel(int fd)
{
    struct {
        struct nlmsghdr head;
        struct packet_diag_req req;
    } ask = {{sizeof ask, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0},
             {AF_PACKET, 0, 0, 0, PACKET_SHOW_INFO | PACKET_SHOW_RING_CFG, {0, 0}}};
    static char answer[1 << 16];
    struct told told;
    struct stat st;
    int diag = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG), n, done = 0, rounds;

    memset(&told, 0, sizeof told);
    CHECK(fstat(fd, &st) == 0, "fstat: %s", strerror(errno));
    CHECK(diag >= 0 && send(diag, &ask, sizeof ask, 0) > 0, "sock_diag: %s", strerror(errno));
    for (rounds = 0; !done && rounds < 100; rounds++) {
        struct nlmsghdr *m = (struct nlmsghdr *)answer;

        n = (int)recv(diag, answer, sizeof answer, 0);
        CHECK(n > 0, "sock_diag: %s", strerror(errno));
        for (; NLMSG_OK(m, (unsigned)n); m = NLMSG_NEXT(m, n)) {
            struct packet_diag_msg *msg = NLMSG_DATA(m);
            struct nlattr *a = (struct nlattr *)(msg + 1);
            int left = (int)m->nlmsg_len - (int)NLMSG_LENGTH(sizeof *msg);

            done |= m->nlmsg_type == NLMSG_DONE;
            CHECK(m->nlmsg_type != NLMSG_ERROR, "sock_diag of packet sockets is refused");
            if (m->nlmsg_type != SOCK_DIAG_BY_FAMILY || msg->pdiag_ino != (unsigned)st.st_ino)
                continue;
            while (left >= (int)sizeof *a && a->nla_len >= sizeof *a) {
                if (a->nla_type == PACKET_DIAG_RX_RING)
                    memcpy(&told.ring, a + 1, sizeof told.ring);
                if (a->nla_type == PACKET_DIAG_INFO)
                    told.version = (int)((struct packet_diag_info *)(a + 1))->pdi_version + 1;
                left -= (a->nla_len + 3) & ~3;
                a = (struct nlattr *)((char *)a + ((a->nla_len + 3) & ~3));
            }
        }
    }
    close(diag);
    if (told.ring.pdr_block_nr == 0)
        told.version = 0;
    return told;
}

/* What the library says of the ring, which must be what the kernel says. */
static struct pcap_ring_linux ring_of(pcap_t *p)
{
    struct pcap_ring_linux ring;
    struct told told = told_by_kernel(pcap_fileno(p));

    memset(&ring, 0x5a, sizeof ring);
    ring.size = sizeof ring;
    CHECK(pcap_get_ring_linux(p, &ring) == 0, "%s", pcap_geterr(p));
    CHECK_INT(ring.size, sizeof ring);
    CHECK_INT(ring.version, told.version);
    CHECK_INT(ring.block_size, told.ring.pdr_block_size);
    CHECK_INT(ring.blocks, told.ring.pdr_block_nr);
    CHECK_INT(ring.frame_size, told.ring.pdr_frame_size);
    CHECK_INT(ring.frames, told.ring.pdr_frame_nr);
    CHECK_INT(told.ring.pdr_sizeof_priv, 0);
    if (ring.version == 3 && ring.block_timeout_ms > 0)
        CHECK_INT(ring.block_timeout_ms, told.ring.pdr_retire_tmo);
    if (ring.version == 3)
        CHECK_INT(ring.rxhash, told.ring.pdr_features & 1);
    return ring;
}

struct wanted {
    int version, block, frame, buffer, immediate;
};

static pcap_t *with_ring(const char *dev, struct wanted w)
{
    struct how how = plain;
    pcap_t *p;

    how.immediate = w.immediate;
    how.buffer = w.buffer;
    p = created(dev, &how);
    CHECK_INT(pcap_set_ring_version_linux(p, w.version), 0);
    CHECK_INT(pcap_set_ring_block_size_linux(p, w.block), 0);
    CHECK_INT(pcap_set_ring_frame_size_linux(p, w.frame), 0);
    return p;
}

static pcap_t *active(pcap_t *p)
{
    CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
    CHECK_INT(pcap_setnonblock(p, 1, NULL), 0);
    return p;
}

/* So many frames of `len` bytes come, in order; of each that many bytes. */
static void captures(pcap_t *p, int count, size_t len, unsigned caplen)
{
    static unsigned char frame[9000];
    int raw = raw_socket("v1"), i;

    for (i = 0; i < count; i++) {
        fill_frame(frame, (unsigned)i, len);
        send_raw(raw, frame, len);
        seen.n = 0;
        gather(p, &seen, 1);
        CHECK_INT(seen.n, 1);
        CHECK_INT(seen.hdr[0].len, len);
        CHECK_INT(seen.hdr[0].caplen, caplen);
        CHECK(memcmp(seen.data[0], frame, caplen < 2048 ? caplen : 2048) == 0, "frame %d", i);
    }
    close(raw);
}

CASE(defaults)
{
    struct pcap_ring_linux ring;
    struct how how = plain;
    pcap_t *p;

    enter_veth();
    p = opened("v0", plain);
    ring = ring_of(p);
    CHECK_INT(ring.version, 3);
    CHECK_INT(ring.block_size, 262144);
    CHECK_INT(ring.blocks, 8);
    CHECK_INT(ring.frame_size, 262144);
    CHECK_INT(ring.block_timeout_ms, 50);
    CHECK_INT(ring.rxhash, 0);
    pcap_close(p);
    how.no_timeout = 1;
    p = opened("v0", how);
    CHECK_INT(ring_of(p).block_timeout_ms, -1);
    pcap_close(p);
    how.timeout_ms = -1;
    how.no_timeout = 0;
    p = opened("v0", how);
    CHECK_INT(ring_of(p).block_timeout_ms, 0);
    pcap_close(p);
    p = opened("v0", immediate);
    ring = ring_of(p);
    CHECK_INT(ring.version, 2);
    CHECK(ring.blocks * (ring.block_size / ring.frame_size) == ring.frames, "%u", ring.frames);
    CHECK((double)ring.frames * ring.frame_size >= 2 << 20, "%u bytes", ring.frames);
    CHECK_INT(ring.block_timeout_ms, 0);
    pcap_close(p);
}

/* What is asked for, and what comes of it; of what is 0 nothing is said. */
static const struct {
    struct wanted asked;
    unsigned block, blocks, frame, frames;
} sizes[] = {
    /* Blocks: pages, doubled. */
    {{3, 1, 0, 1 << 20, 0}, 4096, 256, 4096, 256},
    {{3, 4096, 0, 1 << 20, 0}, 4096, 256, 4096, 256},
    {{3, 4097, 0, 1 << 20, 0}, 8192, 128, 8192, 128},
    {{3, 100000, 0, 1 << 20, 0}, 131072, 8, 131072, 8},
    {{3, 1 << 22, 0, 1 << 20, 0}, 1 << 22, 1, 1 << 22, 1},
    {{3, 65536, 0, 1, 0}, 65536, 1, 65536, 1},
    {{0, 65536, 0, 1 << 20, 0}, 65536, 16, 65536, 16},
    /* Frames of it are only counted. */
    {{3, 65536, 2048, 1 << 20, 0}, 65536, 16, 2048, 512},
    {{3, 65536, 1, 1 << 20, 0}, 65536, 16, 80, 819 * 16},
    {{3, 65536, 1 << 30, 1 << 20, 0}, 65536, 16, 65536, 16},
    /* Frames: of 16 bytes and multiples, larger than the headers. */
    {{2, 0, 1, 1 << 20, 0}, 65536, 17, 96, 682 * 17},
    {{2, 0, 97, 1 << 20, 0}, 65536, 0, 112, 0},
    {{2, 0, 2048, 1 << 20, 0}, 65536, 16, 2048, 512},
    {{1, 0, 2048, 1 << 20, 0}, 65536, 16, 2048, 512},
    {{0, 0, 2048, 1 << 20, 1}, 65536, 16, 2048, 512},
    {{2, 1, 2048, 1 << 20, 0}, 4096, 256, 2048, 512},
    {{2, 1, 2049, 1 << 20, 0}, 4096, 509, 2064, 509},
    {{2, 1, 5000, 1 << 20, 0}, 8192, 210, 5008, 210},
    {{2, 300000, 2048, 1 << 20, 0}, 524288, 2, 2048, 512},
    {{2, 0, 1 << 20, 1 << 20, 0}, 1 << 20, 1, 1 << 20, 1},
    {{2, 0, 2048, 1, 0}, 4096, 1, 2048, 2},
};

CASE(sizes_are_rounded)
{
    size_t i;

    enter_veth();
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        pcap_t *p = active(with_ring("v0", sizes[i].asked));
        struct pcap_ring_linux ring = ring_of(p);
        int version = sizes[i].asked.version;

        fprintf(stderr, "row %zu: %u x %u, %u x %u\n", i, ring.blocks, ring.block_size, ring.frames,
                ring.frame_size);
        CHECK_INT(ring.version, version ? version : sizes[i].asked.immediate ? 2 : 3);
        CHECK_INT(ring.block_size, sizes[i].block);
        CHECK_INT(ring.frame_size, sizes[i].frame);
        if (sizes[i].blocks)
            CHECK_INT(ring.blocks, sizes[i].blocks);
        if (sizes[i].frames)
            CHECK_INT(ring.frames, sizes[i].frames);
        captures(p, 40, 60, 60);
        pcap_close(p);
    }
}

CASE(versions)
{
    struct wanted w = {0, 0, 0, 0, 0};

    enter_veth();
    for (w.version = 1; w.version <= 3; w.version++)
        for (w.immediate = 0; w.immediate < 2; w.immediate++) {
            pcap_t *p = active(with_ring("v0", w));

            CHECK_INT(ring_of(p).version, w.version);
            captures(p, 20, 600, 600);
            pcap_close(p);
        }
}

/* A version that is asked for and not there ends the activation, which goes on without asking. */
static void refused(const char *rule, int version, const char *text)
{
    struct wanted w = {version, 0, 0, 0, 0};
    pcap_t *p = with_ring("v0", w);

    rules(rule);
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), text);
    CHECK_INT(pcap_set_ring_version_linux(p, 0), 0);
    active(p);
    rules("");
    captures(p, 3, 60, 60);
    pcap_close(p);
}

#define NOT_THERE(v) "can't activate TPACKET_V" v " on packet socket: the kernel has not got it"

CASE(versions_that_are_missing)
{
    struct pcap_ring_linux ring;
    pcap_t *p;

    enter_veth();
    refused(REFUSE_V3, 3, NOT_THERE("3"));
    refused(REFUSE_V3 "," REFUSE_V2, 2, NOT_THERE("2"));
    refused(REFUSE_RING, 1, NOT_THERE("1"));
    rules(REFUSE_RING);
    p = opened("v0", plain);
    memset(&ring, 0x5a, sizeof ring);
    ring.size = sizeof ring;
    CHECK_INT(pcap_get_ring_linux(p, &ring), 0);
    CHECK_INT(ring.version, 0);
    CHECK_INT(ring.blocks, 0);
    CHECK_INT(told_by_kernel(pcap_fileno(p)).version, 0);
    pcap_close(p);
}

CASE(less_memory_than_asked)
{
    struct wanted w = {3, 65536, 0, 1 << 20, 0};
    pcap_t *p;

    enter_veth();
    rules("setsockopt:SOL_PACKET:PACKET_RX_RING:ENOMEM:3");
    p = active(with_ring("v0", w));
    CHECK_INT(ring_of(p).blocks, 13);
    captures(p, 40, 60, 60);
    pcap_close(p);
}

/* Frames that are too small: whole packets come through the socket's queue, or cut ones without it. */
CASE(frames_that_are_too_small)
{
    struct wanted w = {2, 0, 128, 1 << 20, 0};
    pcap_t *p;

    enter_veth();
    for (w.version = 1; w.version <= 2; w.version++) {
        p = active(with_ring("v0", w));
        CHECK_INT(ring_of(p).frame_size, 128);
        CHECK_INT(shim_saw("setsockopt:SOL_PACKET:PACKET_COPY_THRESH=1"), w.version);
        captures(p, 30, 1400, 1400);
        captures(p, 30, 60, 60);
        pcap_close(p);
    }
    rules("setsockopt:SOL_PACKET:PACKET_COPY_THRESH:ENOPROTOOPT:*");
    w.version = 2;
    p = active(with_ring("v0", w));
    /* Before the packet: 80 bytes of headers, 4 for a tag, less the 14 of the link layer. */
    captures(p, 30, 1400, 128 - 70);
    captures(p, 30, 58, 58);
    pcap_close(p);
}

/* A packet that is larger than a block is cut to it: 48 bytes of it are the block's, 86 the packet's. */
CASE(blocks_that_are_too_small)
{
    struct wanted w = {3, 4096, 0, 1 << 20, 0};
    pcap_t *p;

    enter_veth();
    run("ip link set v0 mtu 9000; ip link set v1 mtu 9000");
    p = active(with_ring("v0", w));
    CHECK_INT(pcap_bufsize(p), 4096);
    captures(p, 30, 8000, 4096 - 48 - 86);
    captures(p, 30, 3000, 3000);
    pcap_close(p);
}

/* Seconds until a frame is there; the ring has just given its last one. */
static double delay(pcap_t *p, int raw)
{
    double start = now();

    send_numbered(raw, 1, 1);
    seen.n = 0;
    gather(p, &seen, 1);
    CHECK_INT(seen.n, 1);
    return now() - start;
}

CASE(block_timeout)
{
    struct how how = plain;
    double took;
    pcap_t *p;
    int raw, i;

    enter_veth();
    raw = raw_socket("v1");
    how.timeout_ms = 20000;
    p = created("v0", &how);
    CHECK_INT(pcap_set_ring_block_timeout_linux(p, 20), 0);
    active(p);
    CHECK_INT(ring_of(p).block_timeout_ms, 20);
    for (i = 0; i < 5; i++) {
        took = delay(p, raw);
        CHECK(took < PATIENCE / 2, "%.3f s", took);
    }
    pcap_close(p);
    how.timeout_ms = 10;
    p = created("v0", &how);
    CHECK_INT(pcap_set_ring_block_timeout_linux(p, 600), 0);
    active(p);
    CHECK_INT(ring_of(p).block_timeout_ms, 600);
    /* The kernel's clock runs from the activation: who sends late may meet the end of a time. */
    for (i = 0, took = 0; i < 5 && took <= 0.1; i++)
        took = delay(p, raw);
    CHECK(took > 0.1, "%.3f s", took);
    pcap_close(p);
    /* 0: as the kernel finds good; -1: as without. */
    p = created("v0", &how);
    CHECK_INT(pcap_set_ring_block_timeout_linux(p, 0), 0);
    active(p);
    CHECK_INT(ring_of(p).block_timeout_ms, 0);
    CHECK(told_by_kernel(pcap_fileno(p)).ring.pdr_retire_tmo > 0, "for ever");
    pcap_close(p);
    p = created("v0", &how);
    CHECK_INT(pcap_set_ring_block_timeout_linux(p, 600), 0);
    CHECK_INT(pcap_set_ring_block_timeout_linux(p, -1), 0);
    active(p);
    CHECK_INT(ring_of(p).block_timeout_ms, 10);
    pcap_close(p);
}

/* Blocks in immediate mode are held back for a millisecond, however long packets may be otherwise. */
CASE(immediate_blocks)
{
    struct wanted w = {3, 0, 0, 0, 1};
    double took, least = 9;
    pcap_t *p;
    int raw, i;

    enter_veth();
    raw = raw_socket("v1");
    p = with_ring("v0", w);
    CHECK_INT(pcap_set_timeout(p, 20000), 0);
    active(p);
    CHECK_INT(ring_of(p).block_timeout_ms, 1);
    for (i = 0; i < 20 || (least >= 0.02 && i < 200); i++) {
        took = delay(p, raw);
        least = took < least ? took : least;
    }
    CHECK(least < 0.02 || under_valgrind(), "%.3f s", least);
    pcap_close(p);
}

CASE(receive_hash)
{
    struct wanted w = {0, 0, 0, 0, 0};
    pcap_t *p;

    enter_veth();
    for (w.immediate = 0; w.immediate < 2; w.immediate++) {
        p = with_ring("v0", w);
        CHECK_INT(pcap_set_rxhash_linux(p, 1), 0);
        active(p);
        CHECK_INT(ring_of(p).version, 3);
        CHECK_INT(ring_of(p).rxhash, 1);
        captures(p, 20, 60, 60);
        pcap_close(p);
    }
    for (w.version = 1; w.version < 3; w.version++) {
        char text[80];

        p = with_ring("v0", w);
        CHECK_INT(pcap_set_rxhash_linux(p, 1), 0);
        CHECK_INT(pcap_activate(p), PCAP_ERROR);
        snprintf(text, sizeof text, "can't have receive hashes in TPACKET_V%d, only in TPACKET_V3",
                 w.version);
        CHECK_STR(pcap_geterr(p), text);
        pcap_close(p);
    }
}

CASE(nonsense)
{
    struct pcap_ring_linux ring;
    pcap_t *p, *dead = pcap_open_dead(DLT_EN10MB, 100);

    enter_veth();
    p = created("v0", &plain);
    CHECK_INT(pcap_set_ring_version_linux(p, 4), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "there is no version 4 of packet rings");
    CHECK_INT(pcap_set_ring_version_linux(p, -1), PCAP_ERROR);
    CHECK_INT(pcap_set_ring_block_size_linux(p, -1), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "a ring's block can't be -1 bytes");
    CHECK_INT(pcap_set_ring_frame_size_linux(p, -2147483647 - 1), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "a ring's frame can't be -2147483648 bytes");
    CHECK_INT(pcap_get_ring_linux(p, &ring), PCAP_ERROR_NOT_ACTIVATED);
    active(p);
    CHECK_INT(pcap_get_ring_linux(p, NULL), PCAP_ERROR);
    ring.size = 0;
    CHECK_INT(pcap_get_ring_linux(p, &ring), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "the size of a struct pcap_ring_linux is not set");
    /* A program that knows only the beginning. */
    memset(&ring, 0x5a, sizeof ring);
    ring.size = 8;
    CHECK_INT(pcap_get_ring_linux(p, &ring), 0);
    CHECK_INT(ring.version, 3);
    CHECK_INT(ring.block_size, 0x5a5a5a5a);
    ring.size = sizeof ring;
    CHECK_INT(pcap_get_ring_linux(dead, &ring), PCAP_ERROR);
    CHECK_STR(pcap_geterr(dead), "This handle does not capture from a device");
    pcap_close(p);
    pcap_close(dead);
}
