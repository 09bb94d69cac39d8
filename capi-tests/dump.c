/*
 * Writing savefiles: the bytes of header and records, the ways to open, and write errors.
 * The format is that of pcap-savefile(5).
 */
#include "net.h"

#include <pthread.h>
#include <sys/stat.h>

static char path[] = "/tmp/capi-dump-XXXXXX";
static unsigned char bytes[100000];
static char err[PCAP_ERRBUF_SIZE];

static void make_path(void)
{
    int fd = mkstemp(path);

    CHECK(fd >= 0, "mkstemp: %s", strerror(errno));
    close(fd);
}

static size_t read_back(void)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    CHECK(f != NULL, "%s: %s", path, strerror(errno));
    n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return n;
}

/* A word of the file, in this machine's order. */
static uint32_t word(size_t at)
{
    uint32_t v;

    memcpy(&v, bytes + at, 4);
    return v;
}

static void check_header(uint32_t magic, uint32_t snaplen, uint32_t linktype)
{
    uint16_t version[2];

    memcpy(version, bytes + 4, 4);
    CHECK(word(0) == magic, "magic %08x", word(0));
    CHECK(version[0] == 2 && version[1] == 4, "version %u.%u", version[0], version[1]);
    CHECK_INT(word(8), 0);
    CHECK_INT(word(12), 0);
    CHECK_INT(word(16), snaplen);
    CHECK_INT(word(20), linktype);
}

static void check_record(size_t at, uint32_t sec, uint32_t frac, uint32_t caplen, uint32_t len)
{
    CHECK_INT(word(at), sec);
    CHECK_INT(word(at + 4), frac);
    CHECK_INT(word(at + 8), caplen);
    CHECK_INT(word(at + 12), len);
}

static struct pcap_pkthdr packet(long sec, long frac, unsigned caplen, unsigned len)
{
    struct pcap_pkthdr h;

    h.ts.tv_sec = sec;
    h.ts.tv_usec = frac;
    h.caplen = caplen;
    h.len = len;
    return h;
}

CASE(file)
{
    static const unsigned char data[] = "abcdefghij";
    struct pcap_pkthdr h = packet(1700000000, 123456, 10, 1500), e = packet(1, 2, 0, 60);
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
    pcap_dumper_t *d;

    make_path();
    d = pcap_dump_open(p, path);
    CHECK(d != NULL, "%s", pcap_geterr(p));
    CHECK_INT(pcap_dump_ftell(d), 24);
    CHECK_INT(pcap_dump_ftell64(d), 24);
    pcap_dump((unsigned char *)d, &h, data);
    CHECK_INT(pcap_dump_ftell(d), 24 + 26);
    pcap_dump((unsigned char *)d, &e, data);
    CHECK_INT(pcap_dump_ftell64(d), 24 + 26 + 16);
    CHECK_INT(pcap_dump_flush(d), 0);
    CHECK_INT(read_back(), 66);
    check_header(0xa1b2c3d4, 65535, 1);
    check_record(24, 1700000000, 123456, 10, 1500);
    CHECK(memcmp(bytes + 40, data, 10) == 0, "the data");
    check_record(50, 1, 2, 0, 60);
    pcap_dump_close(d);
    CHECK_INT(read_back(), 66);
    pcap_close(p);
    unlink(path);
}

CASE(name_that_is_no_utf8)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
    pcap_dumper_t *d;

    make_path();
    unlink(path);
    path[strlen(path) - 1] = (char)0xe9;
    d = pcap_dump_open(p, path);
    CHECK(d != NULL, "%s", pcap_geterr(p));
    pcap_dump_close(d);
    CHECK_INT(read_back(), 24);
    pcap_close(p);
    unlink(path);
}

CASE(nanoseconds)
{
    struct pcap_pkthdr h = packet(5, 999999999, 1, 1);
    pcap_t *p = pcap_open_dead_with_tstamp_precision(DLT_RAW, 100, PCAP_TSTAMP_PRECISION_NANO);
    pcap_dumper_t *d;

    make_path();
    d = pcap_dump_open(p, path);
    CHECK(d != NULL, "%s", pcap_geterr(p));
    pcap_dump((unsigned char *)d, &h, (const unsigned char *)"x");
    pcap_dump_close(d);
    CHECK_INT(read_back(), 41);
    check_header(0xa1b23c4d, 100, 101); /* DLT_RAW is 12 here, LINKTYPE_RAW is 101 */
    check_record(24, 5, 999999999, 1, 1);
    pcap_close(p);
    unlink(path);
}

CASE(linktypes)
{
    static const struct {
        int dlt;
        uint32_t linktype;
    } table[] = {
        {DLT_NULL, 0},           {DLT_EN10MB, 1},        {DLT_PPP, 9},
        {DLT_FDDI, 10},          {DLT_RAW, 101},         {DLT_ATM_RFC1483, 100},
        {DLT_C_HDLC, 104},       {DLT_IEEE802_11, 105},  {DLT_FRELAY, 107},
        {DLT_LOOP, 108},         {DLT_ENC, 109},         {DLT_LINUX_SLL, 113},
        {DLT_PFLOG, 117},        {DLT_PRISM_HEADER, 119}, {DLT_IEEE802_11_RADIO, 127},
        {DLT_LINUX_IRDA, 144},   {DLT_USER0, 147},       {DLT_USER15, 162},
        {DLT_PPI, 192},          {DLT_CAN_SOCKETCAN, 227}, {DLT_NFLOG, 239},
        {DLT_NETLINK, 253},      {DLT_LINUX_SLL2, 276},
    };
    size_t i;

    make_path();
    for (i = 0; i < sizeof table / sizeof table[0]; i++) {
        pcap_t *p = pcap_open_dead(table[i].dlt, 77);
        pcap_dumper_t *d = pcap_dump_open(p, path);

        CHECK(d != NULL, "DLT %d: %s", table[i].dlt, pcap_geterr(p));
        pcap_dump_close(d);
        CHECK_INT(read_back(), 24);
        check_header(0xa1b2c3d4, 77, table[i].linktype);
        pcap_close(p);
    }
    unlink(path);
}

CASE(open_errors)
{
    pcap_t *p = pcap_open_dead(9999, 100);

    CHECK(pcap_dump_open(p, "/dev/null") == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), "/dev/null: link-layer type 9999 isn't supported in savefiles");
    CHECK(pcap_dump_fopen(p, stdout) == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), "stream: link-layer type 9999 isn't supported in savefiles");
    pcap_close(p);
    p = pcap_open_dead(DLT_EN10MB, 100);
    CHECK(pcap_dump_open(p, "/nonexistent/file") == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), "/nonexistent/file: No such file or directory");
    CHECK(pcap_dump_open(p, "/tmp") == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), "/tmp: Is a directory");
    CHECK(pcap_dump_open(p, NULL) == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), "A null pointer was supplied as the file name");
    pcap_close(p);
}

/* A dumper is a FILE underneath: programs take it so. */
CASE(stdio_underneath)
{
    struct pcap_pkthdr h = packet(1, 2, 3, 3);
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);
    pcap_dumper_t *d;
    FILE *f;

    make_path();
    d = pcap_dump_open(p, path);
    f = pcap_dump_file(d);
    CHECK(f != NULL && (void *)f == (void *)d, "pcap_dump_file %p of %p", (void *)f, (void *)d);
    CHECK_INT(ftell(f), 24);
    CHECK_INT(setvbuf(f, NULL, _IONBF, 0), 0); /* as tcpdump -U might */
    pcap_dump((unsigned char *)f, &h, (const unsigned char *)"xyz");
    CHECK_INT(ftell(f), 43);
    CHECK_INT(read_back(), 43);
    CHECK(fputs("own", f) >= 0, "fputs");
    CHECK_INT(pcap_dump_ftell(d), 46);
    pcap_dump_close(d);
    CHECK_INT(read_back(), 46);
    pcap_close(p);
    unlink(path);
}

CASE(into_a_stream)
{
    struct pcap_pkthdr h = packet(1, 2, 3, 3);
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);
    pcap_dumper_t *d;
    FILE *f;

    make_path();
    f = fopen(path, "wb");
    d = pcap_dump_fopen(p, f);
    CHECK((void *)d == (void *)f, "another stream");
    pcap_dump((unsigned char *)d, &h, (const unsigned char *)"xyz");
    pcap_dump_close(d); /* closes the stream */
    CHECK_INT(read_back(), 43);
    check_header(0xa1b2c3d4, 100, 1);
    pcap_close(p);
    unlink(path);
}

/* "-" is standard output, which pcap_dump_close only flushes. */
CASE(standard_output)
{
    struct pcap_pkthdr h = packet(1, 2, 3, 3);
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);
    pcap_dumper_t *d;

    make_path();
    CHECK(freopen(path, "wb", stdout) != NULL, "freopen");
    d = pcap_dump_open(p, "-");
    CHECK((void *)d == (void *)stdout, "another stream");
    pcap_dump((unsigned char *)d, &h, (const unsigned char *)"xyz");
    pcap_dump_close(d);
    CHECK_INT(read_back(), 43);
    CHECK(puts("on") >= 0 && fflush(stdout) == 0, "stdout is closed");
    CHECK_INT(read_back(), 46);
    pcap_close(p);
    unlink(path);
}

/* A full disk is seen by pcap_dump_flush, or when the file is opened; pcap_dump itself says nothing. */
CASE(full_disk)
{
    static unsigned char big[70000];
    struct pcap_pkthdr h = packet(1, 2, 10, 10), huge = packet(1, 2, sizeof big, sizeof big);
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100000);
    pcap_dumper_t *d = pcap_dump_open(p, "/dev/full");

    CHECK(d != NULL, "%s", pcap_geterr(p));
    pcap_dump((unsigned char *)d, &h, big);
    errno = 0;
    CHECK_INT(pcap_dump_flush(d), -1);
    CHECK_INT(errno, ENOSPC);
    pcap_dump_close(d);
    d = pcap_dump_open(p, "/dev/full");
    pcap_dump((unsigned char *)d, &huge, big);
    pcap_dump((unsigned char *)d, &huge, big);
    CHECK(ferror(pcap_dump_file(d)), "no error on the stream");
    pcap_dump((unsigned char *)d, &h, big);
    pcap_dump_close(d);
    pcap_close(p);
}

/* Seconds are 32 bits in the file, and the writer does not judge its packets. */
CASE(odd_values)
{
    struct pcap_pkthdr h = packet(0x1ffffffffL, 77000000, 4, 0xffffffffu);
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 2);
    pcap_dumper_t *d;

    make_path();
    d = pcap_dump_open(p, path);
    pcap_dump((unsigned char *)d, &h, (const unsigned char *)"abcd");
    pcap_dump_close(d);
    CHECK_INT(read_back(), 44);
    check_header(0xa1b2c3d4, 2, 1);
    check_record(24, 0xffffffffu, 77000000, 4, 0xffffffffu);
    pcap_close(p);
    unlink(path);
}

/* pcap_dump as the callback of pcap_loop, as every sniffer has it. */
static void live(struct how how, const char *dev, uint32_t magic, uint32_t linktype, size_t length)
{
    int i, raw = raw_socket("v1");
    pcap_dumper_t *d;
    pcap_t *p = opened(dev, how);

    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
    d = pcap_dump_open(p, path);
    CHECK(d != NULL, "%s", pcap_geterr(p));
    send_numbered(raw, 0, 10);
    CHECK_INT(pcap_loop(p, 10, pcap_dump, (unsigned char *)d), 0);
    CHECK_INT(pcap_dump_flush(d), 0);
    CHECK_INT(pcap_dump_ftell(d), 24 + 10 * (16 + length));
    CHECK_INT(read_back(), 24 + 10 * (16 + length));
    check_header(magic, 262144, linktype);
    for (i = 0; i < 10; i++) {
        size_t at = 24 + (size_t)i * (16 + length);

        CHECK_INT(word(at + 8), length);
        CHECK_INT(word(at + 12), length);
        CHECK_INT(get32(bytes + at + 16 + length - 46), i);
    }
    pcap_dump_close(d);
    pcap_close(p);
    close(raw);
}

static void *dump_forever(void *d)
{
    static const unsigned char data[1000];
    struct pcap_pkthdr h = packet(1, 2, sizeof data, sizeof data);

    while (ferror(pcap_dump_file(d)) == 0)
        pcap_dump(d, &h, data);
    return NULL;
}

/* A thread can be cancelled while what it writes to is full. */
CASE(cancelled_thread)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
    pcap_dumper_t *d;
    void *result;
    pthread_t t;
    int ends[2];

    CHECK(pipe(ends) == 0, "pipe: %s", strerror(errno));
    d = pcap_dump_fopen(p, fdopen(ends[1], "wb"));
    CHECK(d != NULL, "%s", pcap_geterr(p));
    CHECK(pthread_create(&t, NULL, dump_forever, d) == 0, "no thread");
    sleep_ms(100);
    CHECK_INT(pthread_cancel(t), 0);
    pthread_join(t, &result);
    CHECK(result == PTHREAD_CANCELED, "ended of itself");
    signal(SIGPIPE, SIG_IGN);
    close(ends[0]); /* what is in the buffer has nowhere to go */
    pcap_dump_close(d);
    pcap_close(p);
}

CASE(live_capture)
{
    struct how nano = plain;

    nano.precision = PCAP_TSTAMP_PRECISION_NANO;
    enter_veth();
    make_path();
    live(plain, "v0", 0xa1b2c3d4, 1, 60);
    live(nano, "v0", 0xa1b23c4d, 1, 60);
    live(immediate, "v0", 0xa1b2c3d4, 1, 60);
    live(plain, "any", 0xa1b2c3d4, 113, 62);
    CHECK(err[0] == 0, "%s", err);
    unlink(path);
}
