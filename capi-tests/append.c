/*
 * pcap_dump_open_append: which files may be gone on with, what is said of the others, and what is in them then.
 */
#include "dumpfile.h"

static pcap_t *p;

/* Words and bytes of a file's header that is as ours. */
static void begin(void)
{
    static const uint32_t header[6] = {0xa1b2c3d4, 0, 0, 0, 100, 1};
    static const uint16_t version[2] = {2, 4};

    memcpy(bytes, header, sizeof header);
    memcpy(bytes + 4, version, 4);
}

static void put_word(size_t at, uint32_t v)
{
    memcpy(bytes + at, &v, 4);
}

static void write_back(size_t n)
{
    FILE *f = fopen(path, "wb");

    CHECK(f != NULL && fwrite(bytes, 1, n, f) == n && fclose(f) == 0, "%s", strerror(errno));
}

static void setup(void)
{
    make_path();
    p = pcap_open_dead(DLT_EN10MB, 100);
    begin();
}

/* The file, of n bytes, is refused, and left as it is. */
static void refused(size_t n, const char *why)
{
    static unsigned char before[sizeof bytes];
    char want[PCAP_ERRBUF_SIZE];

    write_back(n);
    memcpy(before, bytes, n);
    CHECK(pcap_dump_open_append(p, path) == NULL, "a dumper, not: %s", why);
    snprintf(want, sizeof want, "%s: %s", path, why);
    CHECK_STR(pcap_geterr(p), want);
    CHECK_INT(read_back(), n);
    CHECK(memcmp(before, bytes, n) == 0, "the file has changed");
}

/* The file, of n bytes, gets a packet. */
static void taken(size_t n)
{
    struct pcap_pkthdr h = packet(3, 4, 5, 60);
    pcap_dumper_t *d;

    write_back(n);
    d = pcap_dump_open_append(p, path);
    CHECK(d != NULL, "%s", pcap_geterr(p));
    CHECK_INT(pcap_dump_ftell(d), n);
    pcap_dump((unsigned char *)d, &h, (const unsigned char *)"hello");
    CHECK_INT(pcap_dump_ftell64(d), n + 21);
    CHECK_INT(pcap_dump_flush(d), 0);
    pcap_dump_close(d);
    CHECK_INT(read_back(), n + 21);
    check_record(n, 3, 4, 5, 60);
    CHECK(memcmp(bytes + n + 16, "hello", 5) == 0, "the data");
}

CASE(kinds)
{
    static const uint32_t variants[] = {0xa1b2cd34, 0xa12b3c4d}, others[] = {0, 0xa1b234cd, 0xa1b2c3cb, 0x0a0d0d0a};
    size_t i;

    setup();
    taken(24);
    begin();
    put_word(0, 0xa1b23c4d);
    refused(24, "different time stamp precision, cannot append to file");
    put_word(0, __builtin_bswap32(0xa1b2c3d4));
    refused(24, "different byte order, cannot append to file");
    put_word(0, __builtin_bswap32(0xa1b23c4d));
    refused(24, "different byte order, cannot append to file");
    for (i = 0; i < sizeof variants / sizeof *variants; i++) {
        put_word(0, variants[i]);
        refused(24, "not a pcap file to which we can append");
        put_word(0, __builtin_bswap32(variants[i]));
        refused(24, "not a pcap file to which we can append");
    }
    for (i = 0; i < sizeof others / sizeof *others; i++) {
        put_word(0, others[i]);
        refused(24, "not a pcap file");
    }
    pcap_close(p);
    p = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 100, PCAP_TSTAMP_PRECISION_NANO);
    begin();
    refused(24, "different time stamp precision, cannot append to file");
    put_word(0, 0xa1b23c4d);
    taken(24);
    pcap_close(p);
    unlink(path);
}

CASE(versions)
{
    static const struct {
        uint16_t number[2];
        const char *text;
    } versions[] = {
        {{2, 3}, "version is 2.3, cannot append to file"},
        {{2, 5}, "version is 2.5, cannot append to file"},
        {{1, 4}, "version is 1.4, cannot append to file"},
        {{543, 0}, "version is 543.0, cannot append to file"},
        {{65535, 65535}, "version is 65535.65535, cannot append to file"},
    };
    size_t i;

    setup();
    for (i = 0; i < sizeof versions / sizeof *versions; i++) {
        memcpy(bytes + 4, versions[i].number, 4);
        refused(24, versions[i].text);
    }
    pcap_close(p);
    unlink(path);
}

CASE(lengths_and_types)
{
    setup();
    put_word(20, 2);
    refused(24, "different linktype, cannot append to file");
    put_word(16, 99); /* one thing at a time, and this one later */
    refused(24, "different linktype, cannot append to file");
    put_word(20, 0x24000001); /* the same, with check sums behind the packets */
    refused(24, "different linktype, cannot append to file");
    put_word(20, 1);
    refused(24, "different snaplen, cannot append to file");
    put_word(16, 0);
    refused(24, "different snaplen, cannot append to file");
    begin();
    put_word(8, 3600); /* these two mean nothing */
    put_word(12, 6);
    taken(24);
    taken(45); /* behind a packet */
    taken(50); /* and behind the beginning of one: who is to know? */
    pcap_close(p);
    unlink(path);
}

CASE(truncated)
{
    size_t n;

    setup();
    for (n = 1; n < 24; n++) {
        begin();
        refused(n, "truncated pcap file header");
    }
    memset(bytes, 'x', 10);
    refused(10, "truncated pcap file header");
    pcap_close(p);
    unlink(path);
}

CASE(empty_and_new)
{
    struct pcap_pkthdr h = packet(3, 4, 5, 60);
    struct stat st;
    int n;

    setup();
    for (n = 0; n < 2; n++) {
        pcap_dumper_t *d = pcap_dump_open_append(p, path);

        CHECK(d != NULL, "%s", pcap_geterr(p));
        CHECK_INT(pcap_dump_ftell(d), 24);
        pcap_dump((unsigned char *)d, &h, (const unsigned char *)"hello");
        pcap_dump_close(d);
        CHECK_INT(read_back(), 45);
        check_header(0xa1b2c3d4, 100, 1);
        check_record(24, 3, 4, 5, 60);
        unlink(path);
    }
    umask(022);
    pcap_dump_close(pcap_dump_open_append(p, path));
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode, S_IFREG | 0644);
    pcap_close(p);
    unlink(path);
}

/* Every write goes to the end, wherever that is by then. */
CASE(two_at_a_time)
{
    struct pcap_pkthdr h = packet(3, 4, 5, 60);
    pcap_dumper_t *a, *b;
    int n;

    setup();
    a = pcap_dump_open_append(p, path);
    b = pcap_dump_open_append(p, path);
    CHECK(a != NULL && b != NULL, "%s", pcap_geterr(p));
    for (n = 0; n < 10; n++) {
        h.ts.tv_sec = n;
        pcap_dump((unsigned char *)(n % 2 ? a : b), &h, (const unsigned char *)"hello");
        CHECK_INT(pcap_dump_flush(n % 2 ? a : b), 0);
    }
    CHECK_INT(fseek(pcap_dump_file(a), 0, SEEK_SET), 0);
    pcap_dump((unsigned char *)a, &h, (const unsigned char *)"hello");
    pcap_dump_close(a);
    pcap_dump_close(b);
    CHECK_INT(read_back(), 24 + 11 * 21);
    for (n = 0; n < 11; n++)
        check_record(24 + (size_t)n * 21, n < 10 ? (uint32_t)n : 9, 4, 5, 60);
    pcap_close(p);
    unlink(path);
}

/* It is a FILE that reads, too. */
CASE(stdio_underneath)
{
    uint32_t magic = 0;
    pcap_dumper_t *d;
    FILE *f;

    setup();
    taken(24);
    d = pcap_dump_open_append(p, path);
    f = pcap_dump_file(d);
    CHECK((void *)f == (void *)d, "another stream");
    rewind(f);
    CHECK(fread(&magic, 4, 1, f) == 1 && magic == 0xa1b2c3d4, "magic %08x", magic);
    CHECK_INT(fseek(f, 0, SEEK_CUR), 0);
    CHECK(fputs("own", f) >= 0, "fputs");
    CHECK_INT(pcap_dump_flush(d), 0);
    CHECK_INT(read_back(), 45 + 3);
    CHECK_INT(fclose(f), 0);
    pcap_close(p);
    unlink(path);
}

/* "-" begins anew, on standard output. */
CASE(standard_output)
{
    struct pcap_pkthdr h = packet(3, 4, 5, 60);
    pcap_dumper_t *d;

    setup();
    CHECK(freopen(path, "wb", stdout) != NULL, "freopen: %s", strerror(errno));
    d = pcap_dump_open_append(p, "-");
    CHECK((void *)d == (void *)stdout, "another stream");
    pcap_dump((unsigned char *)d, &h, (const unsigned char *)"hello");
    pcap_dump_close(d);
    CHECK_INT(read_back(), 45);
    check_header(0xa1b2c3d4, 100, 1);
    CHECK(puts("on") >= 0 && fflush(stdout) == 0, "stdout is closed");
    pcap_close(p);
    unlink(path);
}

static void fails(const char *name, const char *text)
{
    CHECK(pcap_dump_open_append(p, name) == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), text);
}

CASE(open_errors)
{
    char text[PCAP_ERRBUF_SIZE], err[PCAP_ERRBUF_SIZE];
    int fds = count_fds();

    setup();
    fails("/tmp", "/tmp: Is a directory");
    fails("/nonexistent/file", "/nonexistent/file: No such file or directory");
    fails("/dev/full", "/dev/full: not a pcap file"); /* it reads as zeros */
    fails(NULL, "A null pointer was supplied as the file name");
    CHECK_INT(unlink(path), 0);
    CHECK_INT(mkfifo(path, 0600), 0);
    snprintf(text, sizeof text, "Can't seek to the beginning of %s: Illegal seek", path);
    fails(path, text);
    pcap_close(p);
    p = pcap_open_dead(9999, 100);
    fails("/dev/null", "/dev/null: link-layer type 9999 isn't supported in savefiles");
    fails("-", "-: link-layer type 9999 isn't supported in savefiles");
    pcap_close(p);
    p = pcap_create("lo", err);
    fails("/dev/null", "/dev/null: not-yet-activated pcap_t passed to pcap_dump_open_append");
    pcap_close(p);
    CHECK_INT(count_fds(), fds);
    unlink(path);
}

/* A file that may not be written to, or not be read. */
CASE(permissions)
{
    char text[PCAP_ERRBUF_SIZE];
    int mode;

    setup();
    write_back(24);
    if (geteuid() == 0)
        CHECK(chown(path, 65534, 65534) == 0 && setgid(65534) == 0 && setuid(65534) == 0, "%s",
              strerror(errno));
    snprintf(text, sizeof text, "%s: Permission denied", path);
    for (mode = 0; mode < 3; mode++) { /* nothing, write only, read only */
        CHECK_INT(chmod(path, mode == 1 ? 0200 : mode == 2 ? 0400 : 0), 0);
        fails(path, text);
    }
    CHECK_INT(chmod(path, 0600), 0);
    CHECK_INT(read_back(), 24);
    taken(24);
    pcap_close(p);
    unlink(path);
}
