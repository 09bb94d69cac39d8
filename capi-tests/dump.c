/*
 * Writing savefiles: the bytes of header and records, the ways to open, and the stream underneath. What happens when
 * a write fails is in dump_errors.c, appending in append.c.
 */
#include "dumpfile.h"

#include <pthread.h>

static char err[PCAP_ERRBUF_SIZE];

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

/* A file whose link type's word says more than the link type: what is written says it, too. */
CASE(link_type_extension)
{
    static const unsigned char fcs[] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4,    0, 0, 0, 0, 0,
                                        0,    0,    0,    0,    0, 1, 0, 0, 1, 0, 0, 0x24};
    pcap_dumper_t *d;
    FILE *f;
    pcap_t *p;

    make_path();
    f = fopen(path, "wb");
    CHECK(f != NULL && fwrite(fcs, sizeof fcs, 1, f) == 1, "%s", strerror(errno));
    fclose(f);
    p = pcap_open_offline(path, err);
    CHECK(p != NULL, "%s", err);
    CHECK_INT(pcap_datalink_ext(p), 0x24000000);
    unlink(path);
    d = pcap_dump_open(p, path);
    CHECK(d != NULL, "%s", pcap_geterr(p));
    pcap_dump_close(d);
    CHECK_INT(read_back(), 24);
    check_header(0xa1b2c3d4, 256, 0x24000001);
    d = pcap_dump_fopen(p, fopen(path, "wb"));
    CHECK(d != NULL, "%s", pcap_geterr(p));
    pcap_dump_close(d);
    CHECK_INT(read_back(), 24);
    check_header(0xa1b2c3d4, 256, 0x24000001);
    unlink(path);
    /* Begun by appending, it does not; and what does is not appended to. */
    d = pcap_dump_open_append(p, path);
    CHECK(d != NULL, "%s", pcap_geterr(p));
    pcap_dump_close(d);
    CHECK_INT(read_back(), 24);
    check_header(0xa1b2c3d4, 256, 1);
    pcap_close(p);
    unlink(path);
}

/* A stream of the program's stays its own when no savefile can begin there. */
CASE(into_a_stream_that_fails)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);
    FILE *f = fopen("/dev/full", "wb");

    CHECK(f != NULL && setvbuf(f, NULL, _IONBF, 0) == 0, "/dev/full: %s", strerror(errno));
    CHECK(pcap_dump_fopen(p, f) == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), "Can't write to stream: No space left on device");
    CHECK_INT(fclose(f), 0);
    pcap_close(p);
}

/* What a program may do to the FILE: its own buffer, writing somewhere else, its own bytes, closing it. */
CASE(stdio_of_the_program)
{
    static char own[5000];
    static unsigned char data[3000];
    struct pcap_pkthdr h = packet(1, 2, sizeof data, sizeof data);
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 5000);
    pcap_dumper_t *d;
    struct stat a, b;
    FILE *f;
    int i;

    make_path();
    d = pcap_dump_open(p, path);
    f = pcap_dump_file(d);
    CHECK(fstat(fileno(f), &a) == 0 && stat(path, &b) == 0, "%s", strerror(errno));
    CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "fileno() is another file");
    CHECK_INT(setvbuf(f, own, _IOFBF, sizeof own), 0);
    for (i = 0; i < 40; i++) {
        data[0] = (unsigned char)i;
        pcap_dump((unsigned char *)d, &h, data);
        CHECK_INT(pcap_dump_ftell64(d), 24 + (i + 1) * 3016);
        CHECK(fputc('x', f) == 'x' && fseek(f, -1, SEEK_CUR) == 0, "%s", strerror(errno));
    }
    CHECK_INT(fseek(f, 24 + 5 * 3016 + 16, SEEK_SET), 0);
    CHECK_INT(fputc(77, f), 77);
    CHECK_INT(fseek(f, 0, SEEK_END), 0);
    CHECK_INT(fflush(f), 0);
    CHECK_INT(read_back(), 24 + 40 * 3016 + 1);
    for (i = 0; i < 40; i++)
        CHECK_INT(bytes[24 + i * 3016 + 16], i == 5 ? 77 : i);
    CHECK_INT(fclose(f), 0);
    /* In another file. */
    f = (FILE *)pcap_dump_open(p, path);
    CHECK(freopen("/dev/null", "wb", f) == f, "freopen: %s", strerror(errno));
    for (i = 0; i < 100; i++)
        pcap_dump((unsigned char *)f, &h, data);
    pcap_dump_close((pcap_dumper_t *)f);
    CHECK_INT(read_back(), 24);
    /* Line by line. */
    f = (FILE *)pcap_dump_open(p, path);
    CHECK_INT(setvbuf(f, NULL, _IOLBF, 0), 0);
    pcap_dump((unsigned char *)f, &h, data);
    CHECK_INT(pcap_dump_ftell((pcap_dumper_t *)f), 3040);
    data[2999] = '\n';
    h.ts.tv_sec = '\n';
    pcap_dump((unsigned char *)f, &h, data);
    CHECK_INT(read_back(), 24 + 2 * 3016);
    pcap_dump_close((pcap_dumper_t *)f);
    pcap_close(p);
    unlink(path);
}

/* Programs that close the FILE themselves, in turns with those that do not: no buffer serves two streams, or goes. */
CASE(closed_by_the_program)
{
    static unsigned char data[1000];
    struct pcap_pkthdr h = packet(1, 2, sizeof data, sizeof data);
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 5000);
    char names[8][64];
    pcap_dumper_t *d[8];
    unsigned i, j, round;

    make_path();
    for (i = 0; i < 8; i++)
        snprintf(names[i], sizeof names[i], "%s-%u", path, i);
    for (round = 0; round < 50; round++) {
        for (i = 0; i < 8; i++) {
            d[i] = pcap_dump_open(p, names[i]);
            CHECK(d[i] != NULL, "%s", pcap_geterr(p));
        }
        for (j = 0; j < 100; j++) {
            for (i = 0; i < 8; i++) {
                memset(data, (int)(i * 16 + round % 16), sizeof data);
                pcap_dump((unsigned char *)d[i], &h, data);
            }
        }
        for (i = 0; i < 8; i++) {
            if ((i + round) % 3 == 0)
                CHECK_INT(fclose((FILE *)d[i]), 0);
            else
                pcap_dump_close(d[i]);
        }
    }
    for (i = 0; i < 8; i++) {
        CHECK_INT(rename(names[i], path), 0);
        CHECK_INT(read_back(), 24 + 100 * 1016);
        for (j = 0; j < 100; j++) {
            check_record(24 + j * 1016, 1, 2, 1000, 1000);
            CHECK_INT(bytes[24 + j * 1016 + 16], i * 16 + 1);
            CHECK_INT(bytes[24 + j * 1016 + 1015], i * 16 + 1);
        }
    }
    pcap_close(p);
    unlink(path);
}

/* More files at a time than get a large buffer. */
CASE(many_at_a_time)
{
    static const unsigned char data[500];
    struct pcap_pkthdr h = packet(1, 2, sizeof data, sizeof data);
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 5000);
    static pcap_dumper_t *d[600];
    char name[64];
    int i, j;

    make_path();
    for (i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "%s-%d", path, i);
        d[i] = pcap_dump_open(p, name);
        CHECK(d[i] != NULL, "%s", pcap_geterr(p));
    }
    for (j = 0; j < 20; j++)
        for (i = 0; i < 600; i++)
            pcap_dump((unsigned char *)d[i], &h, data);
    for (i = 0; i < 600; i++) {
        struct stat st;

        pcap_dump_close(d[i]);
        snprintf(name, sizeof name, "%s-%d", path, i);
        CHECK_INT(stat(name, &st), 0);
        CHECK_INT(st.st_size, 24 + 20 * 516);
        unlink(name);
    }
    pcap_close(p);
    unlink(path);
}

/* How many packets of 84 bytes it takes until some of them arrive. */
static int arrive_after(pcap_dumper_t *d, int fd)
{
    static const unsigned char data[68];
    struct pcap_pkthdr h = packet(1, 2, sizeof data, sizeof data);
    struct stat st;
    off_t was;
    int n;

    CHECK_INT(fstat(fd, &st), 0);
    was = st.st_size;
    for (n = 1; n < 10000; n++) {
        int here = 0;

        pcap_dump((unsigned char *)d, &h, data);
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
            here = st.st_size > was;
        else
            CHECK_INT(ioctl(fd, FIONREAD, &here), 0);
        if (here)
            return n;
    }
    return n;
}

/* Somebody may read along on a pipe: packets come as early as stdio has them come. Files are written in larger pieces. */
CASE(pieces)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 5000);
    pcap_dumper_t *d;
    int fd;

    make_path();
    unlink(path);
    CHECK_INT(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR);
    d = pcap_dump_open(p, path);
    CHECK(d != NULL, "%s", pcap_geterr(p));
    CHECK_INT(arrive_after(d, fd), (4096 - 24) / 84 + 1);
    pcap_dump_close(d);
    close(fd);
    unlink(path);
    d = pcap_dump_open(p, path);
    fd = open(path, O_RDONLY);
    CHECK_INT(arrive_after(d, fd), (65536 - 24) / 84 + 1);
    pcap_dump_close(d);
    d = pcap_dump_open_append(p, path);
    CHECK_INT(arrive_after(d, fd), 65536 / 84 + 1);
    pcap_dump_close(d);
    close(fd);
    pcap_close(p);
    unlink(path);
}

static void *dump_marked(void *arg)
{
    static unsigned char data[4][60];
    struct pcap_pkthdr h = packet(1, 2, 60, 60);
    static int threads;
    int n, i = __atomic_fetch_add(&threads, 1, __ATOMIC_SEQ_CST);

    memset(data[i], 'a' + i, sizeof data[i]);
    for (n = 0; n < 20000; n++)
        pcap_dump(arg, &h, data[i]);
    return NULL;
}

/* Threads that write to one dumper, as one that began alone: nothing is lost or torn where there is room. */
CASE(threads)
{
    static char buffer[4 * 20000 * 76 + 100];
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);
    unsigned count[4] = {0};
    pcap_dumper_t *d;
    pthread_t t[4];
    size_t at;
    FILE *f;
    int i, j;

    make_path();
    f = fopen(path, "w+b");
    setvbuf(f, buffer, _IOFBF, sizeof buffer);
    d = pcap_dump_fopen(p, f);
    CHECK(d != NULL, "%s", pcap_geterr(p));
    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&t[i], NULL, dump_marked, d) == 0, "no thread");
    for (i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    CHECK_INT(pcap_dump_ftell(d), 24 + 4 * 20000 * 76);
    rewind(f);
    CHECK(fread(bytes, 24, 1, f) == 1, "no header");
    for (at = 0; at < 4 * 20000; at++) {
        CHECK(fread(bytes, 76, 1, f) == 1, "packet %zu", at);
        check_record(0, 1, 2, 60, 60);
        for (j = 17; j < 76; j++)
            CHECK(bytes[j] == bytes[16], "packet %zu is torn", at);
        count[bytes[16] - 'a']++;
    }
    for (i = 0; i < 4; i++)
        CHECK_INT(count[i], 20000);
    pcap_dump_close(d);
    pcap_close(p);
    unlink(path);
}

/* One thread waits while another has the stream, as with any FILE. */
CASE(locked_stream)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);
    pcap_dumper_t *d;
    pthread_t t;

    make_path();
    d = pcap_dump_open(p, path);
    flockfile((FILE *)d);
    CHECK(pthread_create(&t, NULL, dump_marked, d) == 0, "no thread");
    sleep_ms(100);
    CHECK_INT(pcap_dump_ftell(d), 24);
    dump_marked(d); /* the owner does not wait */
    CHECK_INT(pcap_dump_ftell(d), 24 + 20000 * 76);
    funlockfile((FILE *)d);
    pthread_join(t, NULL);
    CHECK_INT(pcap_dump_ftell(d), 24 + 2 * 20000 * 76);
    pcap_dump_close(d);
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
