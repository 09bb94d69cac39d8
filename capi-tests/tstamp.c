/*
 * Time stamps of the hardware's: drivers that can make them are played by the shim.
 */
#include "net.h"

#include <linux/net_tstamp.h>

static struct caught seen;
static char err[PCAP_ERRBUF_SIZE];

#define ALL (1 << HWTSTAMP_FILTER_ALL)
#define SOFT SOF_TIMESTAMPING_SOFTWARE
#define SYS SOF_TIMESTAMPING_SYS_HARDWARE
#define RAW SOF_TIMESTAMPING_RAW_HARDWARE

static void play(unsigned stamps, unsigned filters)
{
    if (shim_ts_info == NULL)
        skip("the shim is not preloaded");
    shim_ts_info(stamps, filters);
}

/* Bits of the types that v0 offers. */
static unsigned offered(void)
{
    pcap_t *p = pcap_create("v0", err);
    unsigned bits = 0;
    int *types, n, i;

    CHECK(p != NULL, "%s", err);
    n = pcap_list_tstamp_types(p, &types);
    CHECK(n > 0, "%s", pcap_geterr(p));
    for (i = 0; i < n; i++)
        bits |= 1u << types[i];
    for (i = -1; i < 7; i++)
        CHECK_INT(pcap_set_tstamp_type(p, i),
                  i >= 0 && bits & 1u << i ? 0 : PCAP_WARNING_TSTAMP_TYPE_NOTSUP);
    pcap_free_tstamp_types(types);
    pcap_close(p);
    return bits;
}

CASE(types_of_a_device)
{
    unsigned host = 1 << PCAP_TSTAMP_HOST, adapter = 1 << PCAP_TSTAMP_ADAPTER,
             unsynced = 1 << PCAP_TSTAMP_ADAPTER_UNSYNCED;

    enter_veth();
    CHECK_INT(offered(), host);
    play(SOFT | SYS | RAW, ALL);
    CHECK_INT(offered(), host | adapter | unsynced);
    play(SOFT | RAW, ALL | 1 << HWTSTAMP_FILTER_NONE);
    CHECK_INT(offered(), host | unsynced);
    play(SOFT | SYS | RAW, 1 << HWTSTAMP_FILTER_NONE | 1 << HWTSTAMP_FILTER_PTP_V2_EVENT);
    CHECK_INT(offered(), host);
    play(0, 0);
    rules("ioctl:IOCTL:ETHTOOL_GET_TS_INFO:EOPNOTSUPP:*");
    CHECK_INT(offered(), host | adapter | unsynced);
    rules("ioctl:IOCTL:ETHTOOL_GET_TS_INFO:ENODEV:*");
    CHECK_INT(offered(), host);
    rules("ioctl:IOCTL:ETHTOOL_GET_TS_INFO:EIO:*");
    CHECK(pcap_create("v0", err) == NULL, "a handle");
    CHECK_STARTS(err, "v0: SIOCETHTOOL(ETHTOOL_GET_TS_INFO) ioctl failed: Input/output error");
}

static pcap_t *of_type(int type)
{
    struct how how = plain;
    pcap_t *p;

    play(SOFT | SYS | RAW, ALL);
    p = created("v0", &how);
    CHECK_INT(pcap_set_tstamp_type(p, type), 0);
    return p;
}

/* What PACKET_TIMESTAMP is set to. */
static int asked_of(pcap_t *p)
{
    int bits = -1;
    socklen_t len = sizeof bits;

    CHECK(getsockopt(pcap_fileno(p), SOL_PACKET, PACKET_TIMESTAMP, &bits, &len) == 0, "%s",
          strerror(errno));
    return bits;
}

/* Packets come, and with a time: the host's, where there is none of the hardware's. */
static void captures(pcap_t *p)
{
    int raw = raw_socket("v1");
    long long before = time(NULL);

    CHECK_INT(pcap_setnonblock(p, 1, NULL), 0);
    send_numbered(raw, 1, 5);
    seen.n = 0;
    gather(p, &seen, 5);
    CHECK_INT(seen.n, 5);
    CHECK(seen.hdr[4].ts.tv_sec >= before && seen.hdr[4].ts.tv_sec <= before + 10 + PATIENCE, "at %lld",
          (long long)seen.hdr[4].ts.tv_sec);
    close(raw);
}

static const struct {
    int type, bits;
} types[] = {{PCAP_TSTAMP_HOST, 0},
             {PCAP_TSTAMP_ADAPTER, SOF_TIMESTAMPING_SYS_HARDWARE},
             {PCAP_TSTAMP_ADAPTER_UNSYNCED, SOF_TIMESTAMPING_RAW_HARDWARE}};

/* The driver is told to stamp all packets, and the socket which of its stamps to hand over. */
CASE(stamps_of_the_hardware)
{
    pcap_t *p;
    int i, immediate;

    enter_veth();
    for (i = 0; i < 3; i++)
        for (immediate = 0; immediate < 2; immediate++) {
            rules("ioctl:IOCTL:SIOCSHWTSTAMP:OK:*");
            p = of_type(types[i].type);
            CHECK_INT(pcap_set_immediate_mode(p, immediate), 0);
            CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
            CHECK_INT(shim_saw("ioctl:IOCTL:SIOCSHWTSTAMP"), types[i].bits != 0);
            CHECK_INT(shim_saw("ioctl:IOCTL:SIOCSHWTSTAMP=1"), types[i].bits != 0);
            CHECK_INT(asked_of(p), types[i].bits);
            captures(p);
            pcap_close(p);
        }
}

static void without(const char *rule, int status, const char *text)
{
    pcap_t *p;
    int i;

    for (i = 1; i < 3; i++) {
        p = of_type(types[i].type);
        rules(rule);
        CHECK_INT(pcap_activate(p), status);
        CHECK_STR(pcap_geterr(p), text);
        if (status > 0) {
            CHECK_INT(asked_of(p), 0);
            captures(p);
        }
        pcap_close(p);
    }
}

CASE(stamps_that_are_refused)
{
    enter_veth();
    /* As it is: the driver of veth says so itself. */
    without("", PCAP_WARNING_TSTAMP_TYPE_NOTSUP, "");
    without("ioctl:IOCTL:SIOCSHWTSTAMP:ERANGE:*", PCAP_WARNING_TSTAMP_TYPE_NOTSUP, "");
    without("ioctl:IOCTL:SIOCSHWTSTAMP:EPERM:*", PCAP_ERROR_PERM_DENIED,
            "Attempt to set hardware timestamp failed - CAP_NET_ADMIN may be required");
    without("ioctl:IOCTL:SIOCSHWTSTAMP:EIO:*", PCAP_ERROR,
            "SIOCSHWTSTAMP failed: Input/output error");
    without("ioctl:IOCTL:SIOCSHWTSTAMP:OK:*,setsockopt:SOL_PACKET:PACKET_TIMESTAMP:EINVAL:*",
            PCAP_ERROR, "can't set PACKET_TIMESTAMP: Invalid argument");
}
