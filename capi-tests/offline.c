/*
 * Reading savefiles: what the calls return where a file ends or a break comes, what a savefile has not got, and what
 * a callback may do. What is in the packets is tests/offline.rs' business.
 */
#include "harness.h"

#include <fcntl.h>
#include <sys/mman.h>

static char err[PCAP_ERRBUF_SIZE];

#define PACKETS 200

struct record {
    uint32_t sec, usec, caplen, len;
    unsigned char data[60];
};

static void write_file(FILE *f, unsigned packets)
{
    struct pcap_file_header header = {0xa1b2c3d4, 2, 4, 0, 0, 1000, 1};
    struct record r;
    unsigned i;

    CHECK(fwrite(&header, sizeof header, 1, f) == 1, "write");
    for (i = 0; i < packets; i++) {
        memset(&r, 0, sizeof r);
        r.sec = i;
        r.caplen = sizeof r.data;
        r.len = sizeof r.data + (i % 2);
        memcpy(r.data, &i, sizeof i);
        CHECK(fwrite(&r, sizeof r, 1, f) == 1, "write");
    }
    CHECK(fflush(f) == 0, "write");
}

/* A file without a name; what it can be opened by. */
static const char *a_file(unsigned packets)
{
    static char name[64];
    int fd = memfd_create("savefile", MFD_CLOEXEC);
    FILE *f = fdopen(fd, "wb");

    CHECK(f != NULL, "fdopen: %s", strerror(errno));
    write_file(f, packets);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return name;
}

static pcap_t *opened(unsigned packets)
{
    pcap_t *p = pcap_open_offline(a_file(packets), err);

    CHECK(p != NULL, "%s", err);
    return p;
}

static unsigned number(const unsigned char *data)
{
    unsigned n;

    memcpy(&n, data, sizeof n);
    return n;
}

struct seen {
    pcap_t *p;
    unsigned n, break_at;
};

static void see(unsigned char *user, const struct pcap_pkthdr *h, const unsigned char *data)
{
    struct seen *seen = (struct seen *)user;

    CHECK_INT(number(data), seen->n);
    CHECK_INT(h->ts.tv_sec, seen->n);
    CHECK_INT(h->caplen, 60);
    CHECK_INT(h->len, 60 + seen->n % 2);
    seen->n++;
    if (seen->n == seen->break_at)
        pcap_breakloop(seen->p);
}

CASE(next_ex)
{
    pcap_t *p = opened(PACKETS);
    struct pcap_pkthdr *h;
    const unsigned char *data, *mark = (const unsigned char *)"mark";
    unsigned i;

    for (i = 0; i < PACKETS; i++) {
        CHECK_INT(pcap_next_ex(p, &h, &data), 1);
        CHECK_INT(number(data), i);
        CHECK_INT(h->caplen, 60);
    }
    data = mark;
    for (i = 0; i < 3; i++) {
        h = NULL;
        CHECK_INT(pcap_next_ex(p, &h, &data), PCAP_ERROR_BREAK);
        CHECK(data == mark, "the data pointer was touched");
    }
    CHECK_INT(pcap_loop(p, -1, see, NULL), 0);
    CHECK_INT(pcap_dispatch(p, -1, see, NULL), 0);
    pcap_close(p);
}

CASE(next_packet)
{
    pcap_t *p = opened(3);
    struct pcap_pkthdr h, copy;
    const unsigned char *data;
    unsigned i;

    for (i = 0; i < 3; i++) {
        data = pcap_next(p, &h);
        CHECK(data != NULL && number(data) == i, "packet %u", i);
        CHECK_INT(h.len, 60 + i % 2);
    }
    memset(&copy, 7, sizeof copy);
    h = copy;
    CHECK(pcap_next(p, &h) == NULL, "a packet");
    CHECK(memcmp(&h, &copy, sizeof h) == 0, "the header was touched");
    pcap_close(p);
}

CASE(loop_counts)
{
    struct seen seen = {opened(PACKETS), 0, 0};

    CHECK_INT(pcap_loop(seen.p, 1, see, (unsigned char *)&seen), 0);
    CHECK_INT(seen.n, 1);
    CHECK_INT(pcap_loop(seen.p, 150, see, (unsigned char *)&seen), 0);
    CHECK_INT(seen.n, 151);
    CHECK_INT(pcap_loop(seen.p, 0, see, (unsigned char *)&seen), 0);
    CHECK_INT(seen.n, PACKETS);
    CHECK_INT(pcap_loop(seen.p, 1, see, (unsigned char *)&seen), 0);
    pcap_close(seen.p);
    seen = (struct seen){opened(PACKETS), 0, 0};
    CHECK_INT(pcap_loop(seen.p, PACKETS + 1, see, (unsigned char *)&seen), 0);
    CHECK_INT(seen.n, PACKETS);
    pcap_close(seen.p);
}

/* A dispatch takes the whole file, or as many as it is told. */
CASE(dispatch_counts)
{
    struct seen seen = {opened(PACKETS), 0, 0};

    CHECK_INT(pcap_dispatch(seen.p, 1, see, (unsigned char *)&seen), 1);
    CHECK_INT(pcap_dispatch(seen.p, 130, see, (unsigned char *)&seen), 130);
    CHECK_INT(pcap_dispatch(seen.p, 1000, see, (unsigned char *)&seen), PACKETS - 131);
    CHECK_INT(pcap_dispatch(seen.p, 1, see, (unsigned char *)&seen), 0);
    CHECK_INT(pcap_dispatch(seen.p, -1, see, (unsigned char *)&seen), 0);
    pcap_close(seen.p);
    seen = (struct seen){opened(PACKETS), 0, 0};
    CHECK_INT(pcap_dispatch(seen.p, 0, see, (unsigned char *)&seen), PACKETS);
    pcap_close(seen.p);
    seen = (struct seen){opened(0), 0, 0};
    CHECK_INT(pcap_dispatch(seen.p, -1, see, (unsigned char *)&seen), 0);
    pcap_close(seen.p);
}

/* A dispatch that is broken out of tells its packets, and the next read tells the break. */
CASE(break_in_the_callback)
{
    struct seen seen = {opened(PACKETS), 0, 5};
    struct pcap_pkthdr *h;
    const unsigned char *data;

    CHECK_INT(pcap_dispatch(seen.p, -1, see, (unsigned char *)&seen), 5);
    CHECK_INT(pcap_dispatch(seen.p, -1, see, (unsigned char *)&seen), PCAP_ERROR_BREAK);
    seen.break_at = 7;
    CHECK_INT(pcap_loop(seen.p, -1, see, (unsigned char *)&seen), PCAP_ERROR_BREAK);
    CHECK_INT(seen.n, 7);
    seen.break_at = 9;
    CHECK_INT(pcap_dispatch(seen.p, 2, see, (unsigned char *)&seen), 2);
    CHECK_INT(pcap_next_ex(seen.p, &h, &data), PCAP_ERROR_BREAK);
    CHECK_INT(pcap_next_ex(seen.p, &h, &data), 1);
    CHECK_INT(number(data), 9);
    seen.n = 10;
    seen.break_at = 12;
    CHECK_INT(pcap_loop(seen.p, 2, see, (unsigned char *)&seen), 0);
    CHECK_INT(pcap_loop(seen.p, 2, see, (unsigned char *)&seen), PCAP_ERROR_BREAK);
    seen.break_at = PACKETS;
    CHECK_INT(pcap_loop(seen.p, 0, see, (unsigned char *)&seen), PCAP_ERROR_BREAK);
    CHECK_INT(seen.n, PACKETS);
    CHECK_INT(pcap_loop(seen.p, 0, see, (unsigned char *)&seen), 0);
    pcap_close(seen.p);
}

CASE(break_before_the_read)
{
    struct seen seen = {opened(PACKETS), 0, 0};

    pcap_breakloop(seen.p);
    CHECK_INT(pcap_dispatch(seen.p, 1, see, (unsigned char *)&seen), PCAP_ERROR_BREAK);
    CHECK_INT(pcap_dispatch(seen.p, 1, see, (unsigned char *)&seen), 1);
    pcap_close(seen.p);
}

/* What a savefile has not got, and says so. */
CASE(refusals)
{
    pcap_t *p = opened(1);
    struct pcap_stat st;

    CHECK_INT(pcap_stats(p, &st), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "Statistics aren't available from savefiles");
    CHECK_INT(pcap_inject(p, "x", 1), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "Sending packets isn't supported on savefiles");
    CHECK_INT(pcap_sendpacket(p, (const unsigned char *)"x", 1), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "Sending packets isn't supported on savefiles");
    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "Setting direction is not supported on savefiles");
    CHECK_INT(pcap_getnonblock(p, err), 0);
    CHECK_INT(pcap_setnonblock(p, 1, err), PCAP_ERROR);
    CHECK_STR(err, "Savefiles cannot be put into non-blocking mode");
    CHECK_INT(pcap_set_snaplen(p, 1), PCAP_ERROR_ACTIVATED);
    CHECK_INT(pcap_activate(p), PCAP_ERROR_ACTIVATED);
    CHECK_INT(pcap_can_set_rfmon(p), 0);
    CHECK(pcap_get_required_select_timeout(p) == NULL, "a timeout");
    pcap_close(p);
}

CASE(facts)
{
    pcap_t *p = opened(1);
    int *list, fd;

    CHECK_INT(pcap_fileno(p), -1);
    fd = pcap_get_selectable_fd(p);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) >= 0, "descriptor %d", fd);
    CHECK_INT(pcap_datalink(p), DLT_EN10MB);
    CHECK_INT(pcap_datalink_ext(p), 0);
    CHECK_INT(pcap_snapshot(p), 1000);
    CHECK_INT(pcap_bufsize(p), 1000);
    CHECK_INT(pcap_major_version(p), 2);
    CHECK_INT(pcap_minor_version(p), 4);
    CHECK_INT(pcap_is_swapped(p), 0);
    CHECK_INT(pcap_get_tstamp_precision(p), PCAP_TSTAMP_PRECISION_MICRO);
    CHECK_INT(pcap_list_datalinks(p, &list), 1);
    CHECK_INT(list[0], DLT_EN10MB);
    pcap_free_datalinks(list);
    CHECK_INT(pcap_set_datalink(p, DLT_EN10MB), 0);
    CHECK_INT(pcap_set_datalink(p, DLT_RAW), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "RAW is not one of the DLTs supported by this device");
    CHECK_INT(pcap_datalink(p), DLT_EN10MB);
    pcap_close(p);
}

CASE(opening)
{
    FILE *f;
    pcap_t *p;

    CHECK(pcap_open_offline("/nonexistent", err) == NULL, "opened");
    CHECK_STR(err, "/nonexistent: No such file or directory");
    CHECK(pcap_open_offline_with_tstamp_precision(a_file(1), 7, err) == NULL, "opened");
    CHECK_STR(err, "unknown time stamp resolution 7");
    p = pcap_open_offline_with_tstamp_precision(a_file(1), PCAP_TSTAMP_PRECISION_NANO, err);
    CHECK(p != NULL, "%s", err);
    CHECK_INT(pcap_get_tstamp_precision(p), PCAP_TSTAMP_PRECISION_NANO);
    pcap_close(p);
    CHECK(pcap_open_offline("/", err) == NULL, "opened");
    CHECK_STARTS(err, "error reading dump file: Is a directory");
    /* What cannot be opened stays the caller's. */
    f = fopen("/dev/null", "rb");
    CHECK(pcap_fopen_offline(f, err) == NULL, "opened");
    CHECK_STARTS(err, "truncated dump file; tried to read 4 file header bytes, only got 0");
    CHECK(fclose(f) == 0, "fclose");
}

/* The caller's stream goes on where the file's header ends, and closing the handle closes it. */
CASE(stream_of_the_caller)
{
    FILE *f = fopen(a_file(3), "rb");
    int fds = count_fds();
    struct pcap_pkthdr *h;
    const unsigned char *data;
    pcap_t *p = pcap_fopen_offline(f, err);

    CHECK(p != NULL, "%s", err);
    CHECK(pcap_file(p) == f, "another stream");
    CHECK_INT(ftell(f), 24);
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(ftell(f), 24 + 76);
    CHECK(fseek(f, 24 + 2 * 76, SEEK_SET) == 0, "fseek");
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(number(data), 2);
    CHECK_INT(pcap_next_ex(p, &h, &data), PCAP_ERROR_BREAK);
    CHECK(fseek(f, 24, SEEK_SET) == 0, "fseek");
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(number(data), 0);
    pcap_close(p);
    CHECK_INT(count_fds(), fds - 1);
}

/* pcap_file() of a file that we opened: at the packet that comes next, and to be moved. */
CASE(stream_in_the_middle)
{
    struct seen seen = {opened(PACKETS), 0, 0};
    struct pcap_pkthdr *h;
    const unsigned char *data;
    FILE *f;

    CHECK_INT(pcap_loop(seen.p, 140, see, (unsigned char *)&seen), 0);
    f = pcap_file(seen.p);
    CHECK(f != NULL && ftell(f) == 24 + 140 * 76, "at %ld", f ? ftell(f) : -1);
    CHECK_INT(pcap_next_ex(seen.p, &h, &data), 1);
    CHECK_INT(number(data), 140);
    CHECK(fseek(f, 24 + 10 * 76, SEEK_SET) == 0, "fseek");
    CHECK_INT(pcap_next_ex(seen.p, &h, &data), 1);
    CHECK_INT(number(data), 10);
    CHECK(pcap_file(seen.p) == f, "another stream");
    pcap_close(seen.p);
}

/* A file that ends within a packet says so; one that has grown goes on. */
CASE(growing)
{
    int fd = memfd_create("savefile", MFD_CLOEXEC);
    FILE *f = fdopen(fd, "wb");
    char name[64], *bytes;
    struct seen seen = {NULL, 0, 0};
    long size;

    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    write_file(f, 3);
    size = ftell(f);
    bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(bytes != MAP_FAILED, "mmap: %s", strerror(errno));
    bytes = memcpy(malloc((size_t)size), bytes, (size_t)size);
    CHECK(ftruncate(fd, size - 30) == 0, "ftruncate");
    seen.p = pcap_open_offline(name, err);
    CHECK(seen.p != NULL, "%s", err);
    CHECK_INT(pcap_loop(seen.p, -1, see, (unsigned char *)&seen), PCAP_ERROR);
    CHECK_STR(pcap_geterr(seen.p),
              "truncated dump file; tried to read 60 captured bytes, only got 30");
    CHECK_INT(seen.n, 2);
    CHECK_INT(pcap_loop(seen.p, -1, see, (unsigned char *)&seen), 0);
    CHECK(pwrite(fd, bytes + size - 30, 30, size - 30) == 30, "pwrite");
    if (strstr(pcap_lib_version(), "libpcap-rs") != NULL) {
        CHECK_INT(pcap_loop(seen.p, -1, see, (unsigned char *)&seen), 0);
        CHECK_INT(seen.n, 3);
    }
    pcap_close(seen.p);
    free(bytes);
}

static void close_it(unsigned char *user, const struct pcap_pkthdr *h, const unsigned char *data)
{
    (void)h, (void)data;
    pcap_close((pcap_t *)user);
}

CASE(close_in_callback)
{
    pcap_t *p = opened(PACKETS);

    CHECK_INT(pcap_loop(p, -1, close_it, (unsigned char *)p), PCAP_ERROR_BREAK);
}

/* In the callback of one file, all of another. */
static void read_another(unsigned char *user, const struct pcap_pkthdr *h,
                         const unsigned char *data)
{
    struct seen *outer = (struct seen *)user, inner = {opened(PACKETS), 0, 0};

    CHECK_INT(pcap_loop(inner.p, -1, see, (unsigned char *)&inner), 0);
    CHECK_INT(inner.n, PACKETS);
    pcap_close(inner.p);
    see((unsigned char *)outer, h, data);
}

CASE(another_file_in_the_callback)
{
    struct seen seen = {opened(10), 0, 0};

    CHECK_INT(pcap_loop(seen.p, -1, read_another, (unsigned char *)&seen), 0);
    CHECK_INT(seen.n, 10);
    pcap_close(seen.p);
}

static unsigned odd;

static void see_odd(unsigned char *user, const struct pcap_pkthdr *h, const unsigned char *data)
{
    (void)user;
    CHECK_INT(h->len, 61);
    CHECK_INT(number(data), 2 * odd + 1);
    odd++;
}

/* Rejected packets do not count; without a filter to set, the old one stays. */
CASE(filters)
{
    pcap_t *p = opened(PACKETS);
    struct bpf_program program, none = {0, NULL};

    CHECK(pcap_compile(p, &program, "greater 61", 1, 0) == 0, "%s", pcap_geterr(p));
    CHECK_INT(pcap_setfilter(p, &program), 0);
    pcap_freecode(&program);
    if (strstr(pcap_lib_version(), "libpcap-rs") != NULL) {
        CHECK_INT(pcap_setfilter(p, NULL), PCAP_ERROR);
        CHECK_STARTS(pcap_geterr(p), "setfilter: No filter specified");
    }
    CHECK_INT(pcap_setfilter(p, &none), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "BPF program is not valid");
    CHECK_INT(pcap_dispatch(p, 10, see_odd, NULL), 10);
    CHECK_INT(pcap_loop(p, 70, see_odd, NULL), 0);
    CHECK_INT(odd, 80);
    CHECK_INT(pcap_dispatch(p, -1, see_odd, NULL), PACKETS / 2 - 80);
    pcap_close(p);
}

/* What NULL does. */
CASE(nulls)
{
    pcap_t *p = opened(1);
    struct pcap_pkthdr *h;
    const unsigned char *data;

    CHECK_INT(pcap_next_ex(p, NULL, &data), PCAP_ERROR);
    CHECK_INT(pcap_next_ex(p, &h, NULL), PCAP_ERROR);
    CHECK_INT(pcap_loop(p, 1, NULL, NULL), PCAP_ERROR);
    CHECK_INT(pcap_dispatch(p, 1, NULL, NULL), PCAP_ERROR);
    CHECK_INT(pcap_stats(p, NULL), PCAP_ERROR);
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(number(data), 0);
    pcap_close(p);
}
