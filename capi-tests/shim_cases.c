/*
 * Kernels that are older, poorer or stricter than this one, played by the shim: which way of reading
 * is chosen, what pcap_activate says when none is left, and that it leaves nothing behind.
 */
#include "net.h"

#define SET "setsockopt:SOL_PACKET:"
#define GET "getsockopt:SOL_PACKET:"

static struct caught seen;
static char err[PCAP_ERRBUF_SIZE];

/* 200 frames, in eight rounds, tagged and not: whole and in order. `tags` = they come back. */
static void captures(pcap_t *p, int tags)
{
    unsigned char want[64], frame[60];
    int raw = raw_socket("v1"), i;
    unsigned round, len;

    for (round = 0; round < 20; round++) {
        for (i = 0; i < 10; i++) {
            fill_frame(frame, round * 10 + (unsigned)i, sizeof frame);
            memcpy(want, frame, 12);
            put16(want + 12, 0x8100);
            put16(want + 14, 0xb000 + (unsigned)i);
            memcpy(want + 16, frame + 12, 48);
            send_raw(raw, i % 2 ? want : frame, i % 2 ? 64 : 60);
        }
        seen.n = 0;
        CHECK(pcap_loop(p, 10, keep, (unsigned char *)&seen) == 0, "%s", pcap_geterr(p));
        for (i = 0; i < 10; i++) {
            fill_frame(frame, round * 10 + (unsigned)i, sizeof frame);
            memcpy(want, frame, 12);
            put16(want + 12, 0x8100);
            put16(want + 14, 0xb000 + (unsigned)i);
            memcpy(want + 16, frame + 12, 48);
            len = i % 2 && tags ? 64 : 60;
            CHECK(seen.hdr[i].caplen == len && seen.hdr[i].len == len, "caplen %u, len %u",
                  seen.hdr[i].caplen, seen.hdr[i].len);
            CHECK(memcmp(seen.data[i], i % 2 && tags ? want : frame, len) == 0, "round %u, frame %d",
                  round, i);
        }
    }
    close(raw);
}

/* Activates v0 under some rules; the last calls that got through tell which version it uses. */
static pcap_t *under(const char *text, struct how how)
{
    enter_veth();
    rules(text);
    return opened("v0", how);
}

static void check_version(int v3, int v2, int ring)
{
    CHECK_INT(shim_saw(SET "PACKET_VERSION=V3") > 0, v3);
    CHECK_INT(shim_saw(SET "PACKET_VERSION=V2") > 0, v2);
    CHECK_INT(shim_saw(SET "PACKET_RX_RING") > 0, ring);
    CHECK_INT(shim_saw("mmap") > 0, ring);
}

CASE(plain_is_v3)
{
    pcap_t *p = under("", plain);

    check_version(1, 0, 1);
    captures(p, 1);
    pcap_close(p);
}

CASE(immediate_is_v2)
{
    pcap_t *p = under("", immediate);

    check_version(0, 1, 1);
    captures(p, 1);
    pcap_close(p);
}

CASE(no_v3_header_is_v2)
{
    pcap_t *p = under(GET "PACKET_HDRLEN=V3:EINVAL:*", plain);

    check_version(0, 1, 1);
    captures(p, 1);
    pcap_close(p);
}

/* The kernel knows the header's size but will not have the version: the next one down is tried. */
CASE(v3_refused_is_v2)
{
    pcap_t *p = under(SET "PACKET_VERSION=V3:EINVAL:*", plain);

    check_version(0, 1, 1);
    captures(p, 1);
    pcap_close(p);
}

CASE(no_v2_either_is_v1)
{
    pcap_t *p = under(REFUSE_V3 "," REFUSE_V2, plain);

    check_version(0, 0, 1);
    captures(p, 0); /* the kernel's V1 header has no room for a tag */
    pcap_close(p);
}

CASE(immediate_without_v2_is_v1)
{
    pcap_t *p = under(REFUSE_V2, immediate);

    check_version(0, 0, 1);
    captures(p, 0);
    pcap_close(p);
}

/* Kernels before 2.6.27 have a ring, of one version and without room to reserve. */
CASE(options_unknown_is_v1)
{
    pcap_t *p = under(REFUSE_VERSIONS, plain);

    check_version(0, 0, 1);
    captures(p, 0);
    pcap_close(p);
}

CASE(no_ring_is_recvmsg)
{
    pcap_t *p = under(SET "PACKET_RX_RING:ENOPROTOOPT:*", plain);

    CHECK_INT(shim_saw(SET "PACKET_RX_RING"), 0);
    CHECK_INT(shim_saw("mmap"), 0);
    captures(p, 1);
    pcap_close(p);
}

CASE(no_packet_mmap_is_recvmsg)
{
    pcap_t *p = under(REFUSE_RING, plain);

    check_version(0, 0, 0);
    captures(p, 1);
    pcap_close(p);
}

CASE(no_packet_mmap_immediate)
{
    pcap_t *p = under(REFUSE_RING, immediate);

    check_version(0, 0, 0);
    captures(p, 1);
    pcap_close(p);
}

/* Auxiliary data came with 2.6.21: without it there are no tags, but there are packets. */
CASE(no_auxdata)
{
    pcap_t *p = under(SET "PACKET_AUXDATA:ENOPROTOOPT:*," REFUSE_RING, plain);

    captures(p, 0);
    pcap_close(p);
}

CASE(memory_short_shrinks_v3)
{
    pcap_t *p = under(SET "PACKET_RX_RING:ENOMEM:3", plain);

    check_version(1, 0, 1);
    captures(p, 1);
    pcap_close(p);
}

CASE(memory_short_shrinks_v2)
{
    pcap_t *p = under(SET "PACKET_RX_RING:ENOMEM:3", immediate);

    check_version(0, 1, 1);
    captures(p, 1);
    pcap_close(p);
}

CASE(memory_short_shrinks_v1)
{
    pcap_t *p = under(REFUSE_V3 "," REFUSE_V2 "," SET "PACKET_RX_RING:ENOMEM:3", plain);

    check_version(0, 0, 1);
    captures(p, 0);
    pcap_close(p);
}

static long mappings(void)
{
    long n = 0;
    int c;
    FILE *f = fopen("/proc/self/maps", "r");

    CHECK(f != NULL, "/proc/self/maps");
    while ((c = getc(f)) != EOF)
        n += c == '\n';
    fclose(f);
    return n;
}

/* It fails so, leaves nothing, and the same handle is activated and reads once the cause is gone. */
static void fails(const char *text, struct how how, int rc, const char *message)
{
    pcap_t *p;
    int none, fds, i;
    long maps;

    enter_veth();
    rules("");
    none = count_fds();
    p = created("v0", &how);
    fds = count_fds();
    rules(text);
    CHECK_INT(pcap_activate(p), rc);
    CHECK_STARTS(pcap_geterr(p), message);
    CHECK(count_fds() <= fds, "%d descriptors more", count_fds() - fds);
    fds = count_fds();
    maps = mappings();
    for (i = 0; i < 20; i++) {
        rules(text);
        CHECK_INT(pcap_activate(p), rc);
    }
    CHECK_INT(count_fds(), fds);
    CHECK(mappings() <= maps, "%ld mappings more", mappings() - maps);
    CHECK_INT(pcap_datalink(p), PCAP_ERROR_NOT_ACTIVATED);
    rules("");
    CHECK(pcap_activate(p) == 0, "again: %s", pcap_geterr(p));
    captures(p, 1);
    pcap_close(p);
    CHECK_INT(count_fds(), none);
}

#define NO_MEMORY "can't create rx ring on packet socket: Cannot allocate memory"

CASE(no_memory_v3)
{
    fails(SET "PACKET_RX_RING:ENOMEM:*", plain, PCAP_ERROR, NO_MEMORY);
}

CASE(no_memory_v2)
{
    fails(SET "PACKET_RX_RING:ENOMEM:*", immediate, PCAP_ERROR, NO_MEMORY);
}

CASE(no_memory_v1)
{
    fails(REFUSE_V3 "," REFUSE_V2 "," SET "PACKET_RX_RING:ENOMEM:*", plain, PCAP_ERROR, NO_MEMORY);
}

CASE(ring_refused_otherwise)
{
    fails(SET "PACKET_RX_RING:EPERM:*", plain, PCAP_ERROR,
          "can't create rx ring on packet socket: Operation not permitted");
}

CASE(mmap_fails)
{
    fails("mmap:ENOMEM:*", plain, PCAP_ERROR, "can't mmap rx ring: Cannot allocate memory");
}

CASE(mmap_fails_v2)
{
    fails("mmap:EINVAL:*", immediate, PCAP_ERROR, "can't mmap rx ring: Invalid argument");
}

#define NO_PERMISSION "Attempt to create packet socket failed - CAP_NET_RAW may be required"

CASE(socket_not_permitted)
{
    fails("socket:EPERM:*", plain, PCAP_ERROR_PERM_DENIED, NO_PERMISSION);
}

CASE(socket_access_denied)
{
    fails("socket:EACCES:*", plain, PCAP_ERROR_PERM_DENIED, NO_PERMISSION);
}

CASE(no_packet_sockets)
{
    fails("socket:EAFNOSUPPORT:*", plain, -13, "PF_PACKET sockets not supported - is this WSL1?");
}

CASE(no_descriptor_left)
{
    fails("socket:EMFILE:*", plain, PCAP_ERROR, "socket: Too many open files");
}

CASE(bind_net_down)
{
    fails("bind:ENETDOWN:*", plain, PCAP_ERROR_IFACE_NOT_UP, "That device is not up");
}

CASE(bind_no_device)
{
    fails("bind:ENODEV:*", plain, PCAP_ERROR_NO_SUCH_DEVICE, "No such device exists");
}

CASE(promisc_refused)
{
    struct how how = plain;

    how.promisc = 1;
    fails(SET "PACKET_ADD_MEMBERSHIP:EPERM:*", how, PCAP_ERROR,
          "setsockopt (PACKET_ADD_MEMBERSHIP): Operation not permitted");
}

CASE(auxdata_refused)
{
    fails(SET "PACKET_AUXDATA:EIO:*", plain, PCAP_ERROR,
          "setsockopt (PACKET_AUXDATA): Input/output error");
}

CASE(stats_refused)
{
    struct pcap_stat st;
    pcap_t *p = under("", plain);

    rules(GET "PACKET_STATISTICS:EIO:*");
    CHECK_INT(pcap_stats(p, &st), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "failed to get statistics from socket: Input/output error");
    rules("");
    CHECK_INT(pcap_stats(p, &st), 0);
    pcap_close(p);
}

CASE(open_live_says_why)
{
    enter_veth();
    rules("socket:EPERM:*");
    CHECK(pcap_open_live("v0", 100, 0, 10, err) == NULL, "a handle");
    CHECK_STARTS(err, "v0: You don't have permission to perform this capture on that device "
                      "(" NO_PERMISSION ")");
    rules(SET "PACKET_RX_RING:ENOMEM:*");
    CHECK(pcap_open_live("v0", 100, 0, 10, err) == NULL, "a handle");
    CHECK_STARTS(err, "v0: " NO_MEMORY);
    rules("socket:EAFNOSUPPORT:*");
    CHECK(pcap_open_live("v0", 100, 0, 10, err) == NULL, "a handle");
    CHECK_STARTS(err, "v0: Packet capture is not supported on that device");
}
