/*
 * For the tests of names: the distribution's library, which answers the same questions in the same
 * process, and what they share.
 */
#ifndef CAPI_NAMEDB_H
#define CAPI_NAMEDB_H

#include "distribution.h"

#include <pcap/namedb.h>

/* The distribution's library. */
static struct {
    bpf_u_int32 **(*nametoaddr)(const char *);
    struct addrinfo *(*nametoaddrinfo)(const char *);
    bpf_u_int32 (*nametonetaddr)(const char *);
    int (*nametoport)(const char *, int *, int *);
    int (*nametoportrange)(const char *, int *, int *, int *);
    int (*nametoproto)(const char *);
    int (*nametoeproto)(const char *);
    int (*nametollc)(const char *);
    u_char *(*ether_hostton)(const char *);
    u_char *(*ether_aton)(const char *);
    struct pcap_etherent *(*next_etherent)(FILE *);
} theirs;

static inline void load_theirs(void)
{
    void *lib = distribution();

#define LOAD(name) CHECK((*(void **)&theirs.name = dlsym(lib, "pcap_" #name)) != NULL, #name)
    LOAD(nametoaddr);
    LOAD(nametoaddrinfo);
    LOAD(nametonetaddr);
    LOAD(nametoport);
    LOAD(nametoportrange);
    LOAD(nametoproto);
    LOAD(nametoeproto);
    LOAD(nametollc);
    LOAD(ether_hostton);
    LOAD(ether_aton);
    LOAD(next_etherent);
}

/* A malloc'd address against its text; frees it. */
static inline void is_mac(const char *what, u_char *got, const char *want)
{
    char text[18] = "none";

    if (got != NULL)
        snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", got[0], got[1], got[2], got[3],
                 got[4], got[5]);
    CHECK(strcmp(text, want) == 0, "%s: expected %s, got %s", what, want, text);
    free(got);
}

/* A number below n, of a sequence that is the same in each run. */
static unsigned random_state = 12345;

static inline unsigned below(unsigned n)
{
    random_state = random_state * 1103515245 + 12345;
    return (random_state >> 16) % n;
}

#endif
