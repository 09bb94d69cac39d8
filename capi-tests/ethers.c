/*
 * Ethernet addresses as text, and ethers(5) files: pcap_ether_aton(), pcap_next_etherent(). Beside
 * the distribution's library where both have to agree.
 */
#include "namedb.h"

#include <pthread.h>

CASE(addresses)
{
    const char *bad[] = {"",
                         "a",
                         "aa",
                         ":",
                         "aa0004001d0",
                         "aa0004001d040",
                         "aa0004001d0g",
                         "aa00:0400:1d04",
                         "aa00-0400-1d04",
                         "aa:0:4:0:1d",
                         "aa:0:4:0:1d:",
                         "aa:0:4:0:1d:4:5",
                         "aa:0:4:0:1d-4",
                         "aa:0:4:0:1d:004",
                         "aa::0:4:0:1d:4",
                         " aa:0:4:0:1d:4",
                         "aa:0:4:0:1d:4 ",
                         "one"};
    const char *separators[] = {":", "-", "."};
    size_t i;
    int n;

    load_theirs();
    is_mac("plain", pcap_ether_aton("aa0004001d04"), "aa:00:04:00:1d:04");
    is_mac("dots", pcap_ether_aton("AA00.0400.1D04"), "aa:00:04:00:1d:04");
    is_mac("hyphens", pcap_ether_aton("aa-0-4-0-1d-4"), "aa:00:04:00:1d:04");
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        is_mac(bad[i], pcap_ether_aton(bad[i]), "none");
    for (n = 0; n < 5000; n++) {
        const char *sep = separators[below(3)];
        char text[40];
        unsigned form = below(4), a[6];
        u_char *ours, *other;

        for (i = 0; i < 6; i++)
            a[i] = below(4) ? below(256) : below(16);
        if (form == 0)
            snprintf(text, sizeof text, "%02x%02x%02X%02x%02x%02X", a[0], a[1], a[2], a[3], a[4],
                     a[5]);
        else if (form == 1)
            snprintf(text, sizeof text, "%02x%02x.%02X%02x.%02x%02X", a[0], a[1], a[2], a[3], a[4],
                     a[5]);
        else
            snprintf(text, sizeof text, "%x%s%02x%s%X%s%x%s%02X%s%x", a[0], sep, a[1], sep, a[2],
                     sep, a[3], sep, a[4], sep, a[5]);
        ours = pcap_ether_aton(text);
        other = theirs.ether_aton(text);
        CHECK(ours != NULL && memcmp(ours, other, 6) == 0, "%s", text);
        for (i = 0; i < 6; i++)
            CHECK(ours[i] == a[i], "%s", text);
        free(ours);
        free(other);
    }
}

static FILE *as_file(const char *text)
{
    FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

    CHECK(f != NULL, "fmemopen: %s", strerror(errno));
    return f;
}

static void is_entry(struct pcap_etherent *e, const char *mac, const char *name)
{
    u_char *copy;

    CHECK(e != NULL, "no %s", name);
    CHECK_STR(e->name, name);
    copy = malloc(6);
    is_mac(name, memcpy(copy, e->addr, 6), mac);
}

CASE(entries)
{
    FILE *f = as_file("# comment\n\n \t\r\n02:00:00:00:00:01 one\n"
                      " 2:0:0:0:0:A\ttwo more # words\r\n"
                      "2:0:0:0:0:3 # no name\n2:0:0:0:0:4:5 long\nhost\n2:0:0:0:0:5 five\nrest");
    char line[200], name[140];
    struct pcap_etherent *e;
    int i;

    is_entry(pcap_next_etherent(f), "02:00:00:00:00:01", "one");
    is_entry(pcap_next_etherent(f), "02:00:00:00:00:0a", "two");
    is_entry(pcap_next_etherent(f), "02:00:00:00:00:05", "five");
    CHECK_INT(getc(f), 'r');
    CHECK(pcap_next_etherent(f) == NULL, "no more");
    CHECK(pcap_next_etherent(f) == NULL && feof(f), "still no more");
    fclose(f);
    for (i = 119; i < 125; i++) {
        memset(name, 'n', sizeof name);
        name[i] = 0;
        snprintf(line, sizeof line, "1:1:1:1:1:1 %s x\n2:2:2:2:2:2 y\n", name);
        f = as_file(line);
        e = pcap_next_etherent(f);
        CHECK(e != NULL && strlen(e->name) == (size_t)(i < 121 ? i : 121), "a name of %d", i);
        is_entry(pcap_next_etherent(f), "02:02:02:02:02:02", "y");
        fclose(f);
    }
    f = fopen("/nosuch", "r");
    CHECK(f == NULL && pcap_next_etherent(f) == NULL, "no file");
    f = fopen("/", "r");
    CHECK(f != NULL && pcap_next_etherent(f) == NULL, "a directory cannot be read");
    fclose(f);
}

/* libpcap reads these otherwise: it loses the last line, and takes a name from the line below. */
CASE(entries_a_line_each)
{
    FILE *f = as_file("2:0:0:0:0:1\nhost\n2:0:0:0:0:2\n2:0:0:0:0:3 three\n2:0 short\n"
                      "2:0:0:0:0:z letter\n2:0:0:0:0:  blank\n2:0:0:0:0:4 last");

    is_entry(pcap_next_etherent(f), "02:00:00:00:00:03", "three");
    is_entry(pcap_next_etherent(f), "02:00:00:00:00:04", "last");
    CHECK(pcap_next_etherent(f) == NULL, "no more");
    fclose(f);
}

/* Files of well-formed lines, comments and lines that begin with what no address begins with. */
CASE(random_entries)
{
    const char *lines[] = {"# comment",         "",       " ",     "\t# later",
                           "xyz 1:2:3:4:5:6 a", "-1:2 b", "\r",    "1:2:3:4:5:6 # none",
                           "1:2:3:4:5:6:7 c",   "1:2:3x", "1.2.3", "0:0:0:0:0:678 d"};
    const char *space[] = {" ", "\t", "  ", " \t "}, *tail[] = {"", " alias", "\t# x", "\r", " "};
    int i, j, entries = 0;

    load_theirs();
    for (i = 0; i < 300; i++) {
        char text[4000];
        size_t n = 0;
        FILE *ours, *other;
        struct pcap_etherent *a, *b;

        for (j = 0; j < 20; j++) {
            if (below(2))
                n += (size_t)snprintf(text + n, sizeof text - n, "%s\n", lines[below(12)]);
            else
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%x:%02X:%x:%x:%02x:%x%sh%u%s\n",
                                      below(3) ? "" : space[below(4)], below(256), below(256),
                                      below(256), below(16), below(256), below(256),
                                      space[below(4)], below(1000), tail[below(5)]);
        }
        ours = as_file(text);
        other = as_file(text);
        do {
            a = pcap_next_etherent(ours);
            b = theirs.next_etherent(other);
            CHECK(!a == !b, "%s in\n%s", a ? a->name : b->name, text);
            CHECK(!a || (memcmp(a->addr, b->addr, 6) == 0 && strcmp(a->name, b->name) == 0),
                  "%s, not %s, in\n%s", a->name, b->name, text);
            entries += a != NULL;
        } while (a != NULL);
        fclose(ours);
        fclose(other);
    }
    CHECK(entries > 2000, "%d entries", entries);
}

static void *read_two(void *arg)
{
    FILE *f = as_file("2:0:0:0:0:2 two\n");

    is_entry(pcap_next_etherent(f), "02:00:00:00:00:02", "two");
    fclose(f);
    return arg;
}

CASE(entries_of_two_threads)
{
    FILE *f = as_file("2:0:0:0:0:1 one\n");
    struct pcap_etherent *one = pcap_next_etherent(f);
    pthread_t thread;

    CHECK_INT(pthread_create(&thread, NULL, read_two, NULL), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    is_entry(one, "02:00:00:00:00:01", "one");
    fclose(f);
}
