/*
 * A private network for one test case: namespace, veth pair, TUN devices, frames, and short ways to
 * open a handle. See packet(7), veth(4), and the kernel's Documentation/networking/tuntap.rst.
 */
#ifndef CAPI_NET_H
#define CAPI_NET_H

#include "harness.h"
#include "shim.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#define TEST_TYPE 0x88b5 /* "local experimental": no protocol of the kernel takes it */

static const unsigned char mac_v0[6] = {2, 0, 0, 0, 0, 1}, mac_v1[6] = {2, 0, 0, 0, 0, 2};
static const unsigned char mac_all[6] = {255, 255, 255, 255, 255, 255};

static inline void put16(unsigned char *p, unsigned v)
{
    p[0] = (unsigned char)(v >> 8);
    p[1] = (unsigned char)v;
}

static inline unsigned get16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static inline unsigned get32(const unsigned char *p)
{
    return get16(p) << 16 | get16(p + 2);
}

/* Runs a shell command, not under a preloaded shim. */
__attribute__((format(printf, 1, 2))) static inline void run(const char *fmt, ...)
{
    char cmd[600];
    int n = snprintf(cmd, sizeof cmd, "unset LD_PRELOAD LD_LIBRARY_PATH; exec 2>&1; ");
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(cmd + n, sizeof cmd - (size_t)n, fmt, ap);
    va_end(ap);
    CHECK(system(cmd) == 0, "%s", cmd);
}

static inline int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

    if (fd >= 0)
        close(fd);
    return n < 0 ? -1 : 0;
}

/* Enters a network namespace of its own, with lo up, IPv6 off and /sys/class/net showing it. */
static inline void enter_netns(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    char map[40];

    if (uid != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0)
            skip("no network namespace for us: %s", strerror(errno));
        snprintf(map, sizeof map, "0 %u 1", uid);
        write_file("/proc/self/uid_map", map);
        write_file("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", gid);
        write_file("/proc/self/gid_map", map);
    }
    CHECK(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0, "mount: %s", strerror(errno));
    CHECK(mount("sysfs", "/sys", "sysfs", 0, NULL) == 0, "mount sysfs: %s", strerror(errno));
    write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
    write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    run("ip link set lo up");
}

/*
 * A shell command that waits until `n` devices whose names match are up for the kernel, too: it takes note of a
 * carrier some time after `ip link set` has ended, and until then drops what they are to send.
 */
#define UNTIL_UP(n, names)                                                                         \
    "for i in $(seq 2000); do"                                                                     \
    " [ $(ip -o link show | LC_ALL=C grep -ac ' " names "@.* state UP ') = " n " ] && break;"      \
    " sleep 0.01; done"
#define VETH_UP UNTIL_UP("2", "v[01]")

/* v0 is what the cases capture on; what is sent into v1 arrives there. */
static inline void make_veth(void)
{
    run("ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02"
        " && ip link set v0 up && ip link set v1 up && " VETH_UP);
}

static inline void enter_veth(void)
{
    enter_netns();
    make_veth();
}

/* A raw socket on a device; it takes no packet itself. */
static inline int raw_socket(const char *dev)
{
    struct sockaddr_ll sll;
    int fd = socket(AF_PACKET, SOCK_RAW, 0);

    memset(&sll, 0, sizeof sll);
    sll.sll_family = AF_PACKET;
    sll.sll_ifindex = (int)if_nametoindex(dev);
    CHECK(fd >= 0 && sll.sll_ifindex > 0, "%s: %s", dev, strerror(errno));
    CHECK(bind(fd, (struct sockaddr *)&sll, sizeof sll) == 0, "bind: %s", strerror(errno));
    return fd;
}

static inline void send_raw(int fd, const void *frame, size_t len)
{
    ssize_t n = send(fd, frame, len, 0);

    CHECK(n == (ssize_t)len, "send: %zd, %s", n, strerror(errno));
}

/* An Ethernet frame of `len` bytes: addresses, TEST_TYPE, a number, then a pattern. */
static inline void fill_frame(unsigned char *f, unsigned number, size_t len)
{
    size_t i;

    memcpy(f, mac_v0, 6);
    memcpy(f + 6, mac_v1, 6);
    put16(f + 12, TEST_TYPE);
    put16(f + 14, number >> 16);
    put16(f + 16, number & 0xffff);
    for (i = 18; i < len; i++)
        f[i] = (unsigned char)(i * 7 + number);
}

static inline unsigned frame_number(const unsigned char *f)
{
    return get32(f + 14);
}

/* Sends frames numbered from `first`, 60 bytes each. */
static inline void send_numbered(int fd, unsigned first, unsigned count)
{
    unsigned char f[60];
    unsigned i;

    for (i = 0; i < count; i++) {
        fill_frame(f, first + i, sizeof f);
        send_raw(fd, f, sizeof f);
    }
}

/* A TUN device (no packet information) whose hardware type is `arphrd`, up. Returns its descriptor. */
static inline int make_tun(const char *name, int arphrd)
{
    struct ifreq ifr;
    int fd = open("/dev/net/tun", O_RDWR);

    if (fd < 0)
        skip("/dev/net/tun: %s", strerror(errno));
    memset(&ifr, 0, sizeof ifr);
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
    ifr.ifr_flags = IFF_TUN | IFF_NO_PI;
    CHECK(ioctl(fd, TUNSETIFF, &ifr) == 0, "TUNSETIFF: %s", strerror(errno));
    CHECK(ioctl(fd, TUNSETLINK, arphrd) == 0, "TUNSETLINK: %s", strerror(errno));
    run("ip link set %s up", name);
    return fd;
}

/* How a case wants its handle; all zero is libpcap's default but for a 50 ms timeout. */
struct how {
    int snaplen, promisc, timeout_ms, no_timeout, buffer, immediate, nonblock, precision, protocol;
};

static inline pcap_t *created(const char *dev, const struct how *h)
{
    char err[PCAP_ERRBUF_SIZE] = "";
    pcap_t *p = pcap_create(dev, err);

    CHECK(p != NULL, "pcap_create(%s): %s", dev, err);
    if (h->snaplen)
        CHECK_INT(pcap_set_snaplen(p, h->snaplen), 0);
    if (h->promisc)
        CHECK_INT(pcap_set_promisc(p, 1), 0);
    if (!h->no_timeout)
        CHECK_INT(pcap_set_timeout(p, h->timeout_ms ? h->timeout_ms : 50), 0);
    if (h->buffer)
        CHECK_INT(pcap_set_buffer_size(p, h->buffer), 0);
    if (h->immediate)
        CHECK_INT(pcap_set_immediate_mode(p, 1), 0);
    if (h->precision)
        CHECK_INT(pcap_set_tstamp_precision(p, h->precision), 0);
    if (h->protocol)
        CHECK_INT(pcap_set_protocol_linux(p, h->protocol), 0);
    return p;
}

static inline pcap_t *opened(const char *dev, struct how h)
{
    char err[PCAP_ERRBUF_SIZE] = "";
    pcap_t *p = created(dev, &h);
    int rc = pcap_activate(p);

    CHECK(rc == 0, "pcap_activate(%s): %d, %s", dev, rc, pcap_geterr(p));
    if (h.nonblock)
        CHECK(pcap_setnonblock(p, 1, err) == 0, "pcap_setnonblock: %s", err);
    return p;
}

static const struct how plain = {0, 0, 0, 0, 0, 0, 0, 0, 0}, immediate = {0, 0, 0, 0, 0, 1, 0, 0, 0};

/* Copies of the packets that a callback was given. */
#define KEEP 256
struct caught {
    int n;
    struct pcap_pkthdr hdr[KEEP];
    unsigned char data[KEEP][2048];
};

static inline void keep(unsigned char *user, const struct pcap_pkthdr *h, const unsigned char *data)
{
    struct caught *c = (struct caught *)user;

    CHECK(c->n < KEEP, "more packets than expected: %d", c->n);
    c->hdr[c->n] = *h;
    memcpy(c->data[c->n], data, h->caplen < 2048 ? h->caplen : 2048);
    c->n++;
}

static inline void count_packet(unsigned char *user, const struct pcap_pkthdr *h,
                                const unsigned char *data)
{
    (void)h;
    (void)data;
    ++*(int *)user;
}

/* Dispatches until `want` packets came or `seconds` are over; the handle must be nonblocking. */
static inline void gather_for(double seconds, pcap_t *p, struct caught *c, int want)
{
    double end = now() + seconds;
    int rc;

    while (c->n < want && now() < end) {
        rc = pcap_dispatch(p, want - c->n, keep, (unsigned char *)c);
        CHECK(rc >= 0, "pcap_dispatch: %d, %s", rc, pcap_geterr(p));
        if (rc == 0)
            sleep_ms(2);
    }
}

/* Packets that must come. */
static inline void gather(pcap_t *p, struct caught *c, int want)
{
    gather_for(PATIENCE, p, c, want);
}

/* Packets that must come, and for a moment whether there are more. */
static inline void gather_only(pcap_t *p, struct caught *c, int want)
{
    gather(p, c, want);
    gather_for(0.15, p, c, want + 1);
}

/* Waits until the kernel has counted `n` packets since activation: sending does not wait for those who receive. */
static inline void wait_received(pcap_t *p, unsigned n)
{
    struct pcap_stat st = {0, 0, 0};
    double end = now() + PATIENCE;

    while (pcap_stats(p, &st) == 0 && st.ps_recv < n && now() < end)
        sleep_ms(2);
    CHECK(st.ps_recv >= n, "%u packets of %u came: %s", st.ps_recv, n, pcap_geterr(p));
}

/* Waits until `n` packets, none of which has been read, can be: a block of them is handed over some time after. */
static inline void wait_readable(pcap_t *p, int n)
{
    double end = now() + PATIENCE;
    int rc = -1;

    while (shim_readable != NULL && (rc = shim_readable(pcap_fileno(p))) >= 0 && rc < n && now() < end)
        sleep_ms(2);
    CHECK(rc < 0 || rc >= n, "%d packets of %d can be read", rc, n);
    if (rc < 0)
        sleep_ms(120); /* there is no ring to look into */
}

/* The ways by which packets come from the kernel. The older two need the shim. */
enum mode { MODE_V3 = 1, MODE_V2 = 2, MODE_V1 = 4, MODE_RECVMSG = 8 };
#define RINGS_NOW (MODE_V3 | MODE_V2)
#define ALL_MODES (RINGS_NOW | MODE_V1 | MODE_RECVMSG)

#define REFUSE_V3                                                                                  \
    "getsockopt:SOL_PACKET:PACKET_HDRLEN=V3:EINVAL:*,setsockopt:SOL_PACKET:PACKET_VERSION=V3:"     \
    "EINVAL:*"
#define REFUSE_V2                                                                                  \
    "getsockopt:SOL_PACKET:PACKET_HDRLEN=V2:EINVAL:*,setsockopt:SOL_PACKET:PACKET_VERSION=V2:"     \
    "EINVAL:*"
/* Kernels before 2.6.27 know none of the three; without CONFIG_PACKET_MMAP there is no ring either. */
#define REFUSE_VERSIONS                                                                            \
    "getsockopt:SOL_PACKET:PACKET_HDRLEN:ENOPROTOOPT:*,setsockopt:SOL_PACKET:PACKET_VERSION:"      \
    "ENOPROTOOPT:*,setsockopt:SOL_PACKET:PACKET_RESERVE:ENOPROTOOPT:*"
#define REFUSE_RING REFUSE_VERSIONS ",setsockopt:SOL_PACKET:PACKET_RX_RING:ENOPROTOOPT:*"

static inline void rules(const char *text)
{
    if (shim_rules == NULL)
        skip("the shim is not preloaded");
    shim_rules(text);
}

static inline const char *mode_name(enum mode m)
{
    return m == MODE_V3 ? "V3" : m == MODE_V2 ? "V2" : m == MODE_V1 ? "V1" : "recvmsg";
}

/* Opens a device so that packets come in the given way. */
static inline pcap_t *opened_by(enum mode m, const char *dev, struct how how)
{
    pcap_t *p;

    how.immediate = m == MODE_V2;
    if (m == MODE_V1)
        rules(REFUSE_V3 "," REFUSE_V2);
    if (m == MODE_RECVMSG)
        rules(REFUSE_RING);
    p = opened(dev, how);
    if (m == MODE_V1 || m == MODE_RECVMSG)
        rules("");
    return p;
}

/*
 * Runs a body once in each of the modes, in one namespace with v0 and v1; says which failed.
 * $CAPI_MODES keeps only some: 3 is what libpcap itself has.
 */
static inline void in_modes(int modes, void (*body)(enum mode))
{
    static const enum mode each[] = {MODE_V3, MODE_V2, MODE_V1, MODE_RECVMSG};
    size_t i;
    int status, failed = 0;
    pid_t pid;

    if (getenv("CAPI_MODES") != NULL)
        modes &= atoi(getenv("CAPI_MODES"));
    enter_veth();
    for (i = 0; i < 4; i++) {
        if (!(modes & each[i]))
            continue;
        fflush(NULL);
        pid = fork();
        CHECK(pid >= 0, "fork: %s", strerror(errno));
        if (pid == 0) {
            alarm(CASE_SECONDS / 2);
            body(each[i]);
            exit(0);
        }
        waitpid(pid, &status, 0);
        if (status != 0) {
            fprintf(stderr, "by %s: status %#x\n", mode_name(each[i]), status);
            if (!(WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED))
                failed = 1;
            else if (!failed)
                failed = SKIPPED;
        }
    }
    if (failed)
        exit(failed);
}

#endif
