/*
 * Writing savefiles when writes fail: a full disk, a pipe without a reader, a file that must not grow. Whatever it is,
 * pcap_dump_flush, pcap_dump_ftell and pcap_dump_close say so, and nothing is written behind the gap.
 */
#include "dumpfile.h"

#include <sys/resource.h>

static const unsigned char data[1000];

/* Everything that can tell of a failure tells of this one, and pcap_dump_close ends it. */
static void check_told(pcap_dumper_t *d, int why)
{
    struct pcap_pkthdr h = packet(1, 2, sizeof data, sizeof data);
    int n;

    for (n = 0; n < 3; n++) {
        errno = 0;
        CHECK_INT(pcap_dump_flush(d), -1);
        CHECK_INT(errno, why);
        errno = 0;
        CHECK_INT(pcap_dump_ftell(d), -1);
        CHECK_INT(errno, why);
        errno = 0;
        CHECK_INT(pcap_dump_ftell64(d), -1);
        CHECK_INT(errno, why);
        CHECK(ferror(pcap_dump_file(d)), "no error on the stream");
        pcap_dump((unsigned char *)d, &h, data);
    }
    errno = 0;
    pcap_dump_close(d);
    CHECK_INT(errno, why);
}

static pcap_dumper_t *dumper(const char *name)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100000);
    pcap_dumper_t *d = pcap_dump_open(p, name);

    CHECK(d != NULL, "%s", pcap_geterr(p));
    pcap_close(p); /* which the dumper outlives */
    return d;
}

static void dump(pcap_dumper_t *d, int times)
{
    struct pcap_pkthdr h = packet(1, 2, sizeof data, sizeof data);

    while (times-- > 0)
        pcap_dump((unsigned char *)d, &h, data);
}

/* Seen first by a flush. */
CASE(full_at_flush)
{
    pcap_dumper_t *d = dumper("/dev/full");

    dump(d, 1);
    CHECK_INT(pcap_dump_ftell(d), 24 + 1016);
    errno = 0;
    CHECK_INT(pcap_dump_flush(d), -1);
    CHECK_INT(errno, ENOSPC);
    check_told(d, ENOSPC);
}

/* Seen first by a pcap_dump, which says nothing; then the buffer is empty, and a mere fflush() has no complaints. */
CASE(full_at_dump)
{
    pcap_dumper_t *d = dumper("/dev/full");

    dump(d, 1000);
    errno = EBADF; /* of something else, meanwhile */
    CHECK_INT(fflush(pcap_dump_file(d)), 0);
    check_told(d, ENOSPC);
}

/* Seen first by the close. */
CASE(full_at_close)
{
    pcap_dumper_t *d = dumper("/dev/full");

    dump(d, 1);
    errno = 0;
    pcap_dump_close(d);
    CHECK_INT(errno, ENOSPC);
    d = dumper("/dev/full");
    dump(d, 1000);
    errno = 0;
    pcap_dump_close(d);
    CHECK_INT(errno, ENOSPC);
}

/* What goes well leaves errno alone. */
CASE(no_failure)
{
    pcap_dumper_t *d;

    make_path();
    d = dumper(path);
    dump(d, 1000);
    errno = 4321;
    pcap_dump_close(d);
    CHECK_INT(errno, 4321);
    unlink(path);
    d = dumper("/dev/null");
    dump(d, 1000);
    errno = 0;
    CHECK_INT(pcap_dump_flush(d), 0);
    pcap_dump_close(d);
    CHECK_INT(errno, 0);
}

/* Standard output: the close tells, and leaves it open. */
CASE(full_standard_output)
{
    pcap_dumper_t *d;

    CHECK(freopen("/dev/full", "wb", stdout) != NULL, "freopen: %s", strerror(errno));
    d = dumper("-");
    dump(d, 1);
    errno = 0;
    pcap_dump_close(d);
    CHECK_INT(errno, ENOSPC);
    CHECK(ferror(stdout) && fileno(stdout) >= 0, "standard output");
    errno = 0;
    pcap_dump_close(d);
    CHECK_INT(errno, ENOSPC);
}

/* A stream without a buffer is full at once. */
CASE(full_at_open)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);

    CHECK(freopen("/dev/full", "wb", stdout) != NULL, "freopen: %s", strerror(errno));
    setvbuf(stdout, NULL, _IONBF, 0);
    CHECK(pcap_dump_open(p, "-") == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), "Can't write to standard output: No space left on device");
    clearerr(stdout);
    CHECK(pcap_dump_open_append(p, "-") == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), "Can't write to standard output: No space left on device");
    CHECK(fileno(stdout) >= 0, "standard output is closed");
    pcap_close(p);
}

static void enter_small_disk(void)
{
    enter_netns();
    CHECK(mount("none", "/mnt", "tmpfs", 0, "size=64k") == 0, "mount: %s", strerror(errno));
}

/* A disk that takes some of it: what is there is whole but for its end, and grows no more when there is room again. */
CASE(small_disk)
{
    pcap_dumper_t *d;
    struct stat st;
    int fd;

    enter_small_disk();
    fd = open("/mnt/other", O_WRONLY | O_CREAT, 0600);
    CHECK_INT(write(fd, bytes, 20000), 20000);
    close(fd);
    d = dumper("/mnt/file");
    dump(d, 50);
    CHECK_INT(pcap_dump_ftell(d), 24 + 50 * 1016);
    CHECK_INT(pcap_dump_flush(d), -1);
    unlink("/mnt/other");
    check_told(d, ENOSPC);
    CHECK_INT(stat("/mnt/file", &st), 0);
    CHECK(st.st_size >= 40000 && st.st_size <= 45056, "%ld bytes", (long)st.st_size);
}

CASE(small_disk_appended)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100000);
    pcap_dumper_t *d;
    int fd;

    enter_small_disk();
    d = dumper("/mnt/file");
    dump(d, 50);
    pcap_dump_close(d);
    d = pcap_dump_open_append(p, "/mnt/file");
    CHECK(d != NULL, "%s", pcap_geterr(p));
    dump(d, 50);
    check_told(d, ENOSPC);
    /* No room for a header either: opening seeks, and that writes. */
    unlink("/mnt/file");
    fd = open("/mnt/other", O_WRONLY | O_CREAT, 0600);
    CHECK_INT(write(fd, bytes, 65536), 65536);
    close(fd);
    CHECK(pcap_dump_open_append(p, "/mnt/file") == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), "Can't seek to the end of /mnt/file: No space left on device");
    pcap_close(p);
}

CASE(pipe_without_a_reader)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100000);
    pcap_dumper_t *d;
    int ends[2], late;

    signal(SIGPIPE, SIG_IGN);
    for (late = 0; late < 2; late++) {
        CHECK_INT(pipe(ends), 0);
        d = pcap_dump_fopen(p, fdopen(ends[1], "wb"));
        CHECK(d != NULL, "%s", pcap_geterr(p));
        dump(d, 1);
        close(ends[0]);
        dump(d, late ? 0 : 100);
        CHECK_INT(pcap_dump_flush(d), -1);
        check_told(d, EPIPE);
    }
    pcap_close(p);
}

CASE(file_size_limit)
{
    struct rlimit limit = {100000, 100000};
    pcap_dumper_t *d;

    make_path();
    signal(SIGXFSZ, SIG_IGN);
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
    d = dumper(path);
    dump(d, 90);
    CHECK_INT(pcap_dump_flush(d), 0);
    CHECK_INT(pcap_dump_ftell(d), 24 + 90 * 1016);
    dump(d, 100);
    check_told(d, EFBIG);
    CHECK_INT(read_back(), 100000);
    check_record(24 + 97 * 1016, 1, 2, 1000, 1000);
    unlink(path);
}

/* A program that has made room and cleared the error goes on. */
CASE(cleared)
{
    pcap_dumper_t *d;
    int fd;

    enter_small_disk();
    fd = open("/mnt/other", O_WRONLY | O_CREAT, 0600);
    CHECK_INT(write(fd, bytes, 65536), 65536);
    close(fd);
    d = dumper("/mnt/file");
    CHECK_INT(pcap_dump_flush(d), -1);
    unlink("/mnt/other");
    CHECK_INT(pcap_dump_flush(d), -1);
    clearerr(pcap_dump_file(d));
    dump(d, 10);
    CHECK_INT(pcap_dump_flush(d), 0);
    CHECK(pcap_dump_ftell(d) >= 10 * 1016, "at %ld", pcap_dump_ftell(d));
    errno = 0;
    pcap_dump_close(d);
    CHECK_INT(errno, 0);
}

/* Why a stream failed is not told of the next one at its place. */
CASE(the_next_stream)
{
    pcap_dumper_t *d;
    int n;

    for (n = 0; n < 10; n++) {
        d = dumper("/dev/full");
        dump(d, 100);
        CHECK_INT(pcap_dump_flush(d), -1);
        fclose((FILE *)d);
        d = dumper("/dev/null");
        dump(d, 100);
        errno = 0;
        CHECK_INT(pcap_dump_flush(d), 0);
        pcap_dump_close(d);
        CHECK_INT(errno, 0);
    }
}
