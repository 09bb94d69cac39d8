/*
 * One savefile that a test case writes: its place, its bytes, and packets to put in. The format is that of
 * pcap-savefile(5), in this machine's byte order.
 */
#ifndef CAPI_DUMPFILE_H
#define CAPI_DUMPFILE_H

#include "net.h"

#include <sys/stat.h>

static char path[] = "/tmp/capi-dump-XXXXXX";
static unsigned char bytes[400000];

static inline void make_path(void)
{
    int fd = mkstemp(path);

    CHECK(fd >= 0, "mkstemp: %s", strerror(errno));
    close(fd);
}

static inline size_t read_back(void)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    CHECK(f != NULL, "%s: %s", path, strerror(errno));
    n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return n;
}

/* A word of the file, in this machine's order. */
static inline uint32_t word(size_t at)
{
    uint32_t v;

    memcpy(&v, bytes + at, 4);
    return v;
}

static inline void check_header(uint32_t magic, uint32_t snaplen, uint32_t linktype)
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

static inline void check_record(size_t at, uint32_t sec, uint32_t frac, uint32_t caplen,
                                uint32_t len)
{
    CHECK_INT(word(at), sec);
    CHECK_INT(word(at + 4), frac);
    CHECK_INT(word(at + 8), caplen);
    CHECK_INT(word(at + 12), len);
}

static inline struct pcap_pkthdr packet(long sec, long frac, unsigned caplen, unsigned len)
{
    struct pcap_pkthdr h;

    h.ts.tv_sec = sec;
    h.ts.tv_usec = frac;
    h.caplen = caplen;
    h.len = len;
    return h;
}

#endif
