/*
 * An LD_PRELOAD library that plays older or poorer kernels: it makes chosen system calls of the
 * library fail, and counts the calls that got through.
 *
 * Rules, separated by commas, come from $PCAP_SHIM or from shim_rules():
 *
 *   CALL[:LEVEL:OPTION[=VALUE]]:ERRNO:TIMES
 *
 *   CALL     socket, bind, mmap, setsockopt, getsockopt or ioctl
 *   LEVEL    SOL_PACKET or SOL_SOCKET            (setsockopt and getsockopt), or IOCTL
 *   OPTION   a name of packet_names, socket_names, xdp_names or ioctl_names below
 *   VALUE    a number, V1, V2 or V3: the int handed in, as PACKET_VERSION and PACKET_HDRLEN have it;
 *            of SIOCSHWTSTAMP the rx_filter
 *   ERRNO    a name of errno_names below; OK for a call that is not made and succeeds
 *   TIMES    how often it fails, * = always
 *
 * E.g. setsockopt:SOL_PACKET:PACKET_RX_RING:ENOMEM:3,getsockopt:SOL_PACKET:PACKET_HDRLEN=V3:EINVAL:*
 * or ioctl:IOCTL:SIOCSHWTSTAMP:OK:*
 *
 * socket and bind mean those of AF_PACKET; mmap means the mapping of a socket. PACKET_RX_RING with
 * no frames (a ring given back) always goes through. $PCAP_SHIM_LOG names a file that gets one line
 * a call. It also looks into the rings that it sees made: shim_readable().
 */
#define _GNU_SOURCE
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/net_tstamp.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct name {
    const char *name;
    int value;
};

#define NAME(n) {#n, n}
/* Of no socket option, and of a request of SIOCETHTOOL that is played by itself. */
#define IOCTL (-2)
#define GET_TS_INFO (-ETHTOOL_GET_TS_INFO)
#define SIOCGIWNAME 0x8b01
static const struct name level_names[] = {
    NAME(SOL_PACKET), NAME(SOL_SOCKET), NAME(SOL_XDP), NAME(IOCTL), {NULL, 0}};
static const struct name ioctl_names[] = {NAME(SIOCSHWTSTAMP), NAME(SIOCGIWNAME),
                                          {"ETHTOOL_GET_TS_INFO", GET_TS_INFO}, {NULL, 0}};
static const struct name packet_names[] = {NAME(PACKET_VERSION),    NAME(PACKET_HDRLEN),
                                           NAME(PACKET_RX_RING),    NAME(PACKET_RESERVE),
                                           NAME(PACKET_AUXDATA),    NAME(PACKET_STATISTICS),
                                           NAME(PACKET_TIMESTAMP),  NAME(PACKET_ADD_MEMBERSHIP),
                                           NAME(PACKET_COPY_THRESH), NAME(PACKET_FANOUT),
                                           NAME(PACKET_TX_RING),    NAME(PACKET_LOSS),
                                           NAME(PACKET_QDISC_BYPASS), NAME(PACKET_VNET_HDR),
                                           {NULL, 0}};
static const struct name socket_names[] = {NAME(SO_ATTACH_FILTER), NAME(SO_DETACH_FILTER),
                                           NAME(SO_BPF_EXTENSIONS), NAME(SO_ERROR),
                                           NAME(SO_TIMESTAMPNS),   NAME(SO_BUSY_POLL),
                                           {NULL, 0}};
/* Of option 9 the headers of older systems do not know. */
static const struct name xdp_names[] = {
    NAME(XDP_UMEM_REG), {"XDP_MAX_TX_SKB_BUDGET", 9}, {NULL, 0}};
#define OK (-1)
static const struct name errno_names[] = {
    NAME(OK),     NAME(ERANGE),
    NAME(EPERM),  NAME(EACCES),  NAME(ENOMEM),      NAME(EINVAL),     NAME(ENOPROTOOPT), NAME(EAFNOSUPPORT),
    NAME(ENODEV), NAME(ENETDOWN), NAME(EOPNOTSUPP), NAME(EIO),        NAME(EMFILE),      {NULL, 0}};

enum call { CALL_SOCKET, CALL_BIND, CALL_MMAP, CALL_SETSOCKOPT, CALL_GETSOCKOPT, CALL_IOCTL };
static const struct name call_names[] = {{"socket", CALL_SOCKET},
                                         {"bind", CALL_BIND},
                                         {"mmap", CALL_MMAP},
                                         {"setsockopt", CALL_SETSOCKOPT},
                                         {"getsockopt", CALL_GETSOCKOPT},
                                         {"ioctl", CALL_IOCTL},
                                         {NULL, 0}};

/* A call, or what a rule or a question says of calls; -1 = any. */
struct what {
    int call, level, option;
    long value;
};

#define ANY (-1)
#define MAX_RULES 32
static struct rule {
    struct what what;
    int err;
    long times; /* left; ANY = for ever */
} rules[MAX_RULES];
static int rule_count;

#define MAX_SEEN 4096
static struct what seen[MAX_SEEN];
static int seen_count;

static void die(const char *why, const char *text)
{
    fprintf(stderr, "shim: %s: %s\n", why, text);
    abort();
}

static int lookup(const struct name *table, const char *text)
{
    for (; table->name != NULL; table++)
        if (strcmp(table->name, text) == 0)
            return table->value;
    die("unknown word", text);
    return 0;
}

static const char *name_of(const struct name *table, int value)
{
    for (; table->name != NULL; table++)
        if (table->value == value)
            return table->name;
    return "?";
}

static const struct name *options_of(int level)
{
    switch (level) {
    case SOL_PACKET:
        return packet_names;
    case SOL_XDP:
        return xdp_names;
    case IOCTL:
        return ioctl_names;
    default:
        return socket_names;
    }
}

/* Reads CALL[:LEVEL:OPTION[=VALUE]] from strtok_r's `state`. */
static struct what parse_what(char *word, char **state)
{
    struct what w = {lookup(call_names, word), ANY, ANY, ANY};
    char *option, *value;

    if (w.call != CALL_SETSOCKOPT && w.call != CALL_GETSOCKOPT && w.call != CALL_IOCTL)
        return w;
    word = strtok_r(NULL, ":", state);
    option = strtok_r(NULL, ":", state);
    if (word == NULL || option == NULL)
        die("level and option wanted", "setsockopt or getsockopt");
    w.level = lookup(level_names, word);
    value = strchr(option, '=');
    if (value != NULL) {
        *value++ = 0;
        w.value = *value == 'V' ? atol(value + 1) - 1 : atol(value);
    }
    w.option = lookup(options_of(w.level), option);
    return w;
}

void shim_rules(const char *text)
{
    char copy[2000], *rule, *comma_state = NULL, *colon_state, *err, *times;

    rule_count = 0;
    seen_count = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (rule = strtok_r(copy, ",", &comma_state); rule != NULL;
         rule = strtok_r(NULL, ",", &comma_state)) {
        struct rule r;

        colon_state = NULL;
        r.what = parse_what(strtok_r(rule, ":", &colon_state), &colon_state);
        err = strtok_r(NULL, ":", &colon_state);
        times = strtok_r(NULL, ":", &colon_state);
        if (err == NULL || times == NULL || rule_count == MAX_RULES)
            die("errno and times wanted, or too many rules", text);
        r.err = lookup(errno_names, err);
        r.times = *times == '*' ? ANY : atol(times);
        rules[rule_count++] = r;
    }
}

__attribute__((constructor)) static void from_environment(void)
{
    if (getenv("PCAP_SHIM") != NULL)
        shim_rules(getenv("PCAP_SHIM"));
}

static int matches(const struct what *pattern, const struct what *w)
{
    return pattern->call == w->call && (pattern->level == ANY || pattern->level == w->level) &&
           (pattern->option == ANY || pattern->option == w->option) &&
           (pattern->value == ANY || pattern->value == w->value);
}

int shim_saw(const char *pattern)
{
    char copy[200], *state = NULL;
    struct what what;
    int i, n = 0;

    snprintf(copy, sizeof copy, "%s", pattern);
    what = parse_what(strtok_r(copy, ":", &state), &state);
    for (i = 0; i < seen_count; i++)
        n += matches(&what, &seen[i]);
    return n;
}

static void record(const struct what *w, int err)
{
    const char *path = getenv("PCAP_SHIM_LOG");
    FILE *f;

    if (err == 0 && seen_count < MAX_SEEN)
        seen[seen_count++] = *w;
    if (path == NULL || (f = fopen(path, "a")) == NULL)
        return;
    fputs(name_of(call_names, w->call), f);
    if (w->level != ANY)
        fprintf(f, " %s %s(%d)", name_of(level_names, w->level),
                name_of(options_of(w->level), w->option), w->option);
    if (w->value != ANY)
        fprintf(f, "=%ld", w->value);
    fprintf(f, " %s\n", err == 0 ? "ok" : strerror(err));
    fclose(f);
}

/* The errno that the rules have for this call, 0 if none. */
static int refused(const struct what *w)
{
    int i;

    for (i = 0; i < rule_count; i++)
        if (rules[i].times != 0 && matches(&rules[i].what, w)) {
            if (rules[i].times > 0)
                rules[i].times--;
            record(w, rules[i].err == OK ? 0 : rules[i].err);
            return rules[i].err;
        }
    return 0;
}

/* The real function behind ours. It is looked up once: dlsym(3) may hang in a signal handler that interrupts it. */
static void *next_symbol(void **kept, const char *name)
{
    if (*kept == NULL && (*kept = dlsym(RTLD_NEXT, name)) == NULL)
        die("no such function", name);
    return *kept;
}

/* Refuses the call with the rules' errno, or makes the real one and records how it went. */
#define THROUGH(what, failed, result, real_call)                                                   \
    do {                                                                                           \
        int err_ = refused(&(what));                                                               \
        if (err_ != 0) {                                                                           \
            errno = err_;                                                                          \
            return failed;                                                                         \
        }                                                                                          \
        result = real_call;                                                                        \
        err_ = errno;                                                                              \
        record(&(what), result == failed ? err_ : 0);                                              \
        errno = err_;                                                                              \
        return result;                                                                             \
    } while (0)

/* The rings of sockets, as they were asked for and mapped. */
#define MAX_RINGS 1024
static struct ring {
    int version;
    struct tpacket_req req;
    const char *at;
} rings[MAX_RINGS];

static struct ring *ring_of(int fd)
{
    static struct ring none;

    return fd >= 0 && fd < MAX_RINGS ? &rings[fd] : &none;
}

/* Gives back what a call gave, and notes down what it says of a ring. */
static int note_option(int rc, int fd, int level, int option, const void *value)
{
    if (rc == 0 && level == SOL_PACKET && option == PACKET_VERSION)
        memcpy(&ring_of(fd)->version, value, sizeof(int));
    if (rc == 0 && level == SOL_PACKET && option == PACKET_RX_RING)
        memcpy(&ring_of(fd)->req, value, sizeof(struct tpacket_req));
    return rc;
}

static int note_socket(int fd)
{
    memset(ring_of(fd), 0, sizeof(struct ring));
    return fd;
}

static void *note_map(void *at, int fd)
{
    ring_of(fd)->at = at == MAP_FAILED ? NULL : at;
    return at;
}

static int readable_in_blocks(const struct ring *r)
{
    unsigned i, n = 0;

    for (i = 0; i < r->req.tp_block_nr; i++) {
        const volatile struct tpacket_block_desc *b =
            (const void *)(r->at + (size_t)i * r->req.tp_block_size);

        if (b->hdr.bh1.block_status & TP_STATUS_USER)
            n += b->hdr.bh1.num_pkts;
    }
    return (int)n;
}

static int readable_in_frames(const struct ring *r)
{
    unsigned i, n = 0, of_a_block = r->req.tp_block_size / r->req.tp_frame_size;

    for (i = 0; i < r->req.tp_frame_nr; i++) {
        const char *at = r->at + (size_t)(i / of_a_block) * r->req.tp_block_size +
                         (size_t)(i % of_a_block) * r->req.tp_frame_size;

        if (r->version == TPACKET_V2)
            n += ((const volatile struct tpacket2_hdr *)(const void *)at)->tp_status & TP_STATUS_USER;
        else
            n += ((const volatile struct tpacket_hdr *)(const void *)at)->tp_status & TP_STATUS_USER;
    }
    return (int)n;
}

int shim_readable(int fd)
{
    const struct ring *r = ring_of(fd);

    if (r->at == NULL || r->req.tp_frame_nr == 0)
        return -1;
    return r->version == TPACKET_V3 ? readable_in_blocks(r) : readable_in_frames(r);
}

static long int_value(const void *value, socklen_t len)
{
    int v;

    if (value == NULL || len != sizeof v)
        return ANY;
    memcpy(&v, value, sizeof v);
    return v;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
    static void *kept;
    int (*real)(int, int, int, const void *, socklen_t) =
        (int (*)(int, int, int, const void *, socklen_t))(uintptr_t)next_symbol(&kept, "setsockopt");
    struct what w = {CALL_SETSOCKOPT, level, option, int_value(value, len)};
    const struct tpacket_req *ring = value;
    int rc;

    if (level == SOL_PACKET && option == PACKET_RX_RING && ring->tp_frame_nr == 0)
        return note_option(real(fd, level, option, value, len), fd, level, option, value);
    THROUGH(w, -1, rc, note_option(real(fd, level, option, value, len), fd, level, option, value));
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
    static void *kept;
    int (*real)(int, int, int, void *, socklen_t *) =
        (int (*)(int, int, int, void *, socklen_t *))(uintptr_t)next_symbol(&kept, "getsockopt");
    struct what w = {CALL_GETSOCKOPT, level, option, ANY};
    int rc;

    if (level == SOL_PACKET && option == PACKET_HDRLEN) /* the only one whose int is handed in */
        w.value = int_value(value, *len);
    THROUGH(w, -1, rc, real(fd, level, option, value, len));
}

int socket(int domain, int type, int protocol)
{
    static void *kept;
    int (*real)(int, int, int) = (int (*)(int, int, int))(uintptr_t)next_symbol(&kept, "socket");
    struct what w = {CALL_SOCKET, ANY, ANY, ANY};
    int fd;

    if (domain != AF_PACKET)
        return real(domain, type, protocol);
    THROUGH(w, -1, fd, note_socket(real(domain, type, protocol)));
}

int bind(int fd, const struct sockaddr *address, socklen_t len)
{
    static void *kept;
    int (*real)(int, const struct sockaddr *, socklen_t) =
        (int (*)(int, const struct sockaddr *, socklen_t))(uintptr_t)next_symbol(&kept, "bind");
    struct what w = {CALL_BIND, ANY, ANY, ANY};
    int rc;

    if (address == NULL || address->sa_family != AF_PACKET)
        return real(fd, address, len);
    THROUGH(w, -1, rc, real(fd, address, len));
}

static void *map(void *at, size_t len, int prot, int flags, int fd, off64_t off)
{
    static void *kept;
    void *(*real)(void *, size_t, int, int, int, off64_t) =
        (void *(*)(void *, size_t, int, int, int, off64_t))(uintptr_t)next_symbol(&kept, "mmap64");
    struct what w = {CALL_MMAP, ANY, ANY, ANY};
    struct stat st;
    void *p;

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISSOCK(st.st_mode))
        return real(at, len, prot, flags, fd, off);
    THROUGH(w, MAP_FAILED, p, note_map(real(at, len, prot, flags, fd, off), fd));
}

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
    return map(at, len, prot, flags, fd, off);
}

void *mmap64(void *at, size_t len, int prot, int flags, int fd, off64_t off)
{
    return map(at, len, prot, flags, fd, off);
}

static unsigned played_stamps, played_filters, played_missed;

void shim_ts_info(unsigned so_timestamping, unsigned rx_filters)
{
    played_stamps = so_timestamping;
    played_filters = rx_filters;
}

void shim_missed(unsigned packets)
{
    played_missed = packets;
}

int ioctl(int fd, unsigned long request, ...)
{
    static void *kept;
    int (*real)(int, unsigned long, ...) =
        (int (*)(int, unsigned long, ...))(uintptr_t)next_symbol(&kept, "ioctl");
    struct what w = {CALL_IOCTL, IOCTL, (int)request, ANY};
    va_list ap;
    struct ifreq *ifr;
    int rc;

    va_start(ap, request);
    ifr = va_arg(ap, void *);
    va_end(ap);
    if (request == SIOCSHWTSTAMP)
        w.value = ((struct hwtstamp_config *)ifr->ifr_data)->rx_filter;
    if (request == SIOCETHTOOL) {
        struct ethtool_ts_info *info = (void *)ifr->ifr_data;

        if (info->cmd != ETHTOOL_GET_TS_INFO)
            return real(fd, request, ifr);
        w.option = GET_TS_INFO;
        if (played_stamps != 0) {
            info->so_timestamping = played_stamps;
            info->rx_filters = played_filters;
            return 0;
        }
    } else if (request != SIOCSHWTSTAMP && request != SIOCGIWNAME) {
        return real(fd, request, ifr);
    }
    rc = refused(&w);
    if (rc == OK)
        return 0;
    if (rc != 0) {
        errno = rc;
        return -1;
    }
    rc = real(fd, request, ifr);
    record(&w, rc == 0 ? 0 : errno);
    return rc;
}

/* What rtnetlink says of an interface's counts gets the number of packets that it has missed. */
ssize_t recv(int fd, void *buffer, size_t len, int flags)
{
    static void *kept;
    ssize_t (*real)(int, void *, size_t, int) =
        (ssize_t(*)(int, void *, size_t, int))(uintptr_t)next_symbol(&kept, "recv");
    ssize_t n = real(fd, buffer, len, flags);
    struct nlmsghdr *head = buffer;
    char *counts = (char *)buffer + NLMSG_LENGTH(sizeof(struct if_stats_msg)) + NLA_HDRLEN;

    if (played_missed && n >= counts - (char *)buffer + (ssize_t)sizeof(struct rtnl_link_stats64) &&
        head->nlmsg_len == (unsigned)n && head->nlmsg_type == RTM_NEWSTATS) {
        struct rtnl_link_stats64 stats;

        memcpy(&stats, counts, sizeof stats);
        stats.rx_missed_errors += played_missed;
        memcpy(counts, &stats, sizeof stats);
    }
    return n;
}
