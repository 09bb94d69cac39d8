/*
 * Names: pcap/namedb.h. Files of our own stand in /etc, in a mount namespace, and in a network
 * without anybody in it, so that no name server is asked. ethers.c has what needs no database.
 */
#include "namedb.h"
#include "net.h"

#include <netdb.h>
#include <pthread.h>

__attribute__((format(printf, 2, 3))) static void put(const char *path, const char *fmt, ...)
{
    FILE *f = fopen(path, "w");
    va_list ap;

    CHECK(f != NULL, "%s: %s", path, strerror(errno));
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fclose(f);
}

/* /etc with nothing but these databases. */
static void enter_etc(void)
{
    load_theirs();
    enter_netns();
    CHECK(mount("tmpfs", "/etc", "tmpfs", 0, "mode=755") == 0, "mount: %s", strerror(errno));
    put("/etc/nsswitch.conf", "hosts: files\nnetworks: files\nprotocols: files\n"
                              "services: files\nethers: files\n");
    put("/etc/host.conf", "multi on\n");
    put("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n192.0.2.1 one.example one\n"
                      "192.0.2.9 many\n192.0.2.2 many\n2001:db8::2 many\n2001:db8::1 many\n"
                      "2001:db8::6 six\n192.0.2.77 caf\xe9\n");
    put("/etc/networks", "loopback 127.0.0.0\nshort 10.1\nzero 0.0.0.0 nought\n");
    put("/etc/protocols", "ip 0 IP\ntcp 6 TCP\nudp 17 UDP\nsctp 132\nhigh 300\n");
    put("/etc/services", "http 80/tcp www\ndomain 53/tcp\ndomain 53/udp\ntftp 69/udp\n"
                         "differ 512/tcp\ndiffer 513/udp\nonly-sctp 99/sctp\nftp-data 20/tcp\n"
                         "ftp 21/tcp\n");
    put("/etc/ethers", "# comment\n02:00:00:00:00:01 one\n2:0:0:0:0:2\ttwo\n");
}

/* The addresses as text, with a blank behind each. */
static const char *addrinfo_text(struct addrinfo *list, char *text, size_t size)
{
    struct addrinfo *ai;
    size_t n = 0;

    text[0] = 0;
    for (ai = list; ai != NULL && n < size; ai = ai->ai_next) {
        CHECK_INT(ai->ai_socktype, SOCK_STREAM);
        CHECK_INT(ai->ai_protocol, IPPROTO_TCP);
        CHECK_INT(getnameinfo(ai->ai_addr, ai->ai_addrlen, text + n, (socklen_t)(size - n), NULL, 0,
                              NI_NUMERICHOST),
                  0);
        strcat(text, " ");
        n = strlen(text);
    }
    if (list != NULL)
        freeaddrinfo(list);
    return text;
}

static const char *addresses_text(bpf_u_int32 **list, char *text, size_t size)
{
    size_t n = 0;

    if (list == NULL)
        return "none";
    text[0] = 0;
    for (; *list != NULL; list++)
        n += (size_t)snprintf(text + n, size - n, "%08x ", **list);
    return text;
}

/* pcap_nametoaddr() is deprecated, and is there. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

CASE(addresses_of_hosts)
{
    const char *names[] = {"localhost", "one",       "one.example", "many",    "six",
                           "nosuch",    "",          "192.0.2.3",   "127.1",   "2001:db8::9",
                           "caf\xe9",   "1.2.3.4.5", "0x7f000001",  "one two", "256.1.1.1"};
    char ours_text[400], theirs_text[400];
    size_t i;

    enter_etc();
    CHECK_STR(addresses_text(pcap_nametoaddr("many"), ours_text, sizeof ours_text),
              "c0000209 c0000202 ");
    CHECK_STR(addresses_text(pcap_nametoaddr("caf\xe9"), ours_text, sizeof ours_text), "c000024d ");
    CHECK_STR(addresses_text(pcap_nametoaddr("six"), ours_text, sizeof ours_text), "none");
    CHECK_STR(addrinfo_text(pcap_nametoaddrinfo("six"), ours_text, sizeof ours_text),
              "2001:db8::6 ");
    CHECK(pcap_nametoaddrinfo("nosuch") == NULL, "a name that no file has");
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK_STR(addresses_text(pcap_nametoaddr(names[i]), ours_text, sizeof ours_text),
                  addresses_text(theirs.nametoaddr(names[i]), theirs_text, sizeof theirs_text));
        CHECK_STR(addrinfo_text(pcap_nametoaddrinfo(names[i]), ours_text, sizeof ours_text),
                  addrinfo_text(theirs.nametoaddrinfo(names[i]), theirs_text, sizeof theirs_text));
    }
}

static void *ask_for_one(void *arg)
{
    bpf_u_int32 **got = pcap_nametoaddr("one");

    CHECK(got != NULL && **got == 0xc0000201, "one");
    return memcpy(arg, &got, sizeof got);
}

CASE(addresses_stay_until_the_next_call)
{
    bpf_u_int32 **many, **one, **other;
    pthread_t thread;
    int i;

    enter_etc();
    many = pcap_nametoaddr("many");
    CHECK(many != NULL && many[0] != NULL && many[1] != NULL && many[2] == NULL, "two addresses");
    CHECK_INT(pthread_create(&thread, NULL, ask_for_one, &other), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK(other != many, "two threads got the same array");
    CHECK_INT(*many[0], 0xc0000209);
    CHECK_INT(*many[1], 0xc0000202);
    /* A name that is not found leaves what the last one was. */
    CHECK(pcap_nametoaddr("nosuch") == NULL, "nosuch");
    CHECK_INT(*many[0], 0xc0000209);
    /* The caller may change it. */
    *many[0] = 1;
    for (i = 0; i < 100; i++) {
        one = pcap_nametoaddr("one");
        CHECK(one != NULL && one[0] != NULL && one[1] == NULL, "one address");
        CHECK_INT(*one[0], 0xc0000201);
    }
}

#pragma GCC diagnostic pop

CASE(networks)
{
    const char *names[] = {"loopback", "short", "zero", "nought", "nosuch", "", "127", "Loopback",
                           "10.1",     "caf\xe9"};
    size_t i;

    enter_etc();
    CHECK_INT(pcap_nametonetaddr("loopback"), 0x7f000000);
    CHECK_INT(pcap_nametonetaddr("short"), 0x0a010000);
    CHECK_INT(pcap_nametonetaddr("zero"), 0);
    CHECK_INT(pcap_nametonetaddr("nosuch"), 0);
    for (i = 0; i < sizeof names / sizeof *names; i++)
        CHECK_INT(pcap_nametonetaddr(names[i]), theirs.nametonetaddr(names[i]));
}

CASE(protocols)
{
    const char *names[] = {"ip",   "IP",   "tcp", "TCP",   "Tcp",     "udp",      "sctp", "high",
                           "6",    "",     "arp", "rarp",  "atalk",   "aarp",     "decnet", "ip6",
                           "lat",  "sca",  "iso", "stp",   "ipx",     "netbeui",  "moprc",  "mopdl",
                           "ISO",  "isis", "clnp", "loopback", "nosuch", "caf\xe9"};
    size_t i;

    enter_etc();
    CHECK_INT(pcap_nametoproto("sctp"), 132);
    CHECK_INT(pcap_nametoproto("high"), 300);
    CHECK_INT(pcap_nametoproto("ip"), 0);
    CHECK_INT(pcap_nametoproto("nosuch"), PROTO_UNDEF);
    CHECK_INT(pcap_nametoeproto("ip6"), 0x86dd);
    CHECK_INT(pcap_nametollc("netbeui"), 0xf0);
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK_INT(pcap_nametoproto(names[i]), theirs.nametoproto(names[i]));
        CHECK_INT(pcap_nametoeproto(names[i]), theirs.nametoeproto(names[i]));
        CHECK_INT(pcap_nametollc(names[i]), theirs.nametollc(names[i]));
    }
    /* Newer than the distribution's. */
    CHECK_INT(pcap_nametoeproto("lldp"), 0x88cc);
    CHECK_INT(pcap_nametoeproto("slow"), 0x8809);
}

/* 3,000 bytes of aliases. */
static const char *aliases(const char *word)
{
    static char text[3200];
    size_t n = 0;

    while (n < 3000)
        n += (size_t)snprintf(text + n, sizeof text - n, " %s%zu", word, n);
    return text;
}

/* libpcap has no room for these entries, nor for a look at what stands behind them. */
CASE(long_entries)
{
    int port = -9, proto = -9;

    enter_etc();
    put("/etc/networks", "long 10.2.3.0%s\nnext 10.0.0.0\n", aliases("net"));
    put("/etc/protocols", "long 99%s\nnext 98\n", aliases("proto"));
    put("/etc/services", "long 77/tcp%s\n", aliases("port"));
    CHECK_INT(pcap_nametonetaddr("long"), 0x0a020300);
    CHECK_INT(pcap_nametonetaddr("net0"), 0x0a020300);
    CHECK_INT(pcap_nametonetaddr("next"), 0x0a000000);
    CHECK_INT(pcap_nametoproto("long"), 99);
    CHECK_INT(pcap_nametoproto("proto0"), 99);
    CHECK_INT(pcap_nametoproto("next"), 98);
    CHECK_INT(pcap_nametoproto("nosuch"), PROTO_UNDEF);
    CHECK_INT(pcap_nametoport("port0", &port, &proto), 1);
    CHECK_INT(port, 77);
    CHECK_INT(proto, IPPROTO_TCP);
}

static void is_port(const char *name, int port, int proto)
{
    int got = -9, got_proto = -9;

    CHECK(pcap_nametoport(name, &got, &got_proto) == 1, "%s", name);
    CHECK(got == port && got_proto == proto, "%s: %d %d", name, got, got_proto);
}

CASE(ports)
{
    const char *names[] = {"http", "www", "domain", "tftp",  "differ",   "only-sctp", "ftp-data",
                           "80",   "0",   "65535",  "00080", " 80",      "+80",       "-1",
                           "",     "*",   "80 ",    "0x50",  "nosuch",   "HTTP",      "caf\xe9",
                           "8o",   "-",   "+",      " ",     "80.0",     "\t80",      "-0"};
    size_t i;
    int a, b;

    enter_etc();
    is_port("http", 80, IPPROTO_TCP);
    is_port("tftp", 69, IPPROTO_UDP);
    is_port("domain", 53, PROTO_UNDEF);
    is_port("differ", 512, IPPROTO_TCP);
    is_port("443", 443, PROTO_UNDEF);
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        int port = -9, proto = -9, their_port = -9, their_proto = -9;
        int found = pcap_nametoport(names[i], &port, &proto);

        CHECK(found == theirs.nametoport(names[i], &their_port, &their_proto), "\"%s\": %d",
              names[i], found);
        CHECK(port == their_port && proto == their_proto, "\"%s\": %d %d, not %d %d", names[i],
              port, proto, their_port, their_proto);
    }
    /* These, libpcap cuts to 16 or 32 bits: 34463, 0, 80. */
    a = b = -9;
    CHECK_INT(pcap_nametoport("99999", &a, &b), 0);
    CHECK_INT(pcap_nametoport("65536", &a, &b), 0);
    CHECK_INT(pcap_nametoport("4294967376", &a, &b), 0);
    CHECK(a == -9 && b == -9, "%d %d", a, b);
}

static void is_range(const char *text, int port1, int port2, int proto)
{
    int a = -9, b = -9, c = -9;

    CHECK(pcap_nametoportrange(text, &a, &b, &c) == 1, "%s", text);
    CHECK(a == port1 && b == port2 && c == proto, "%s: %d %d %d", text, a, b, c);
}

static void is_no_range(const char *text)
{
    int a = -9, b = -9, c = -9;

    CHECK(pcap_nametoportrange(text, &a, &b, &c) == 0, "%s: %d %d %d", text, a, b, c);
    CHECK(a == -9 && b == -9 && c == -9, "%s: %d %d %d", text, a, b, c);
}

CASE(port_ranges)
{
    const char *same[] = {"1-2",    "2-1",     "http-domain", "domain-http", "http-www",
                          "tftp-tftp",
                          "-80",    "80-",     "-",           "80",          "",         "http-",
                          "domain", "http-80", "80-http",     "http-tftp",   " 1- 2",    "x-1"};
    size_t i;

    enter_etc();
    is_range("1-2", 1, 2, PROTO_UNDEF);
    is_range("http-www", 80, 80, IPPROTO_TCP);
    is_range("tftp-tftp", 69, 69, IPPROTO_UDP);
    is_range("http-tftp", 80, 69, PROTO_UNDEF);
    is_range("http-domain", 80, 53, PROTO_UNDEF);
    for (i = 0; i < sizeof same / sizeof *same; i++) {
        int a = -9, b = -9, c = -9, d = -9, e = -9, f = -9;
        int found = pcap_nametoportrange(same[i], &a, &b, &c);

        CHECK(found == theirs.nametoportrange(same[i], &d, &e, &f), "%s: %d", same[i], found);
        CHECK(!found || (a == d && b == e && c == f), "%s: %d %d %d, not %d %d %d", same[i], a, b,
              c, d, e, f);
    }
    /* Too high for ports: what was given, as in 1.10.3. */
    is_range("1-99999", 1, 99999, PROTO_UNDEF);
    is_range("70000-80000", 70000, 80000, PROTO_UNDEF);
    is_range("http-99999", 80, 99999, PROTO_UNDEF);
    is_no_range("99999999999-1");
    /* Here 1.10.3 stops reading early. */
    is_no_range("1-2x");
    is_no_range("1-2-3");
    is_no_range("1-0x10");
    is_no_range("1--2");
    /* A hyphen of a name is none of the range. */
    is_no_range("ftp-data-80");
    is_no_range("only-sctp");
}

/* Both sides as the distribution's library has them, each by itself. */
CASE(random_port_ranges)
{
    const char *sides[] = {"http",   "www", "domain", "tftp", "differ",   "ftp",      "data",
                           "nosuch", "",    "1",      "80",   "65535",    "000443",   "+9",
                           " 10",    "9 ",  "0x1",    "*",    "ftp-data", "only-sctp"};
    const unsigned n = sizeof sides / sizeof *sides;
    int i, good = 0;

    enter_etc();
    for (i = 0; i < 2000; i++) {
        const char *second = sides[below(n)];
        char text[80], first[80], *hyphen;
        int a, b, c, d, e, f, g, wanted, found;

        snprintf(text, sizeof text, "%s%s%s", sides[below(n)], below(9) ? "-" : "", second);
        strcpy(first, text);
        hyphen = strchr(first, '-');
        wanted = 0;
        if (hyphen != NULL) {
            *hyphen = 0;
            wanted = theirs.nametoport(first, &d, &f) && theirs.nametoport(hyphen + 1, &e, &g);
        }
        found = pcap_nametoportrange(text, &a, &b, &c);
        CHECK(found == wanted, "\"%s\": %d", text, found);
        CHECK(!found || (a == d && b == e && c == (f == g ? f : PROTO_UNDEF)), "\"%s\": %d %d %d",
              text, a, b, c);
        good += found;
    }
    CHECK(good > 500 && good < 1500, "%d ranges", good);
}

CASE(ethers_of_hosts)
{
    const char *names[] = {"one", "two", "three", "", "#", "caf\xe9", "02:00:00:00:00:01"};
    size_t i;

    enter_etc();
    is_mac("one", pcap_ether_hostton("one"), "02:00:00:00:00:01");
    is_mac("two", pcap_ether_hostton("two"), "02:00:00:00:00:02");
    is_mac("three", pcap_ether_hostton("three"), "none");
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        u_char *ours = pcap_ether_hostton(names[i]), *other = theirs.ether_hostton(names[i]);

        CHECK(!ours == !other && (!ours || memcmp(ours, other, 6) == 0), "%s", names[i]);
        free(ours);
        free(other);
    }
    /* The file may change, and be gone. */
    put("/etc/ethers", "02:00:00:00:00:03 three\n");
    is_mac("three", pcap_ether_hostton("three"), "02:00:00:00:00:03");
    CHECK_INT(unlink("/etc/ethers"), 0);
    is_mac("three", pcap_ether_hostton("three"), "none");
}

/* A megabyte in one word; the answers are quick and no. */
CASE(long_names)
{
    size_t n = 1 << 20;
    char *name = malloc(n + 1);
    int a, b, c, round;

    enter_etc();
    for (round = 0; round < 3; round++) {
        memset(name, "a9-"[round], n);
        name[n] = 0;
        CHECK(pcap_nametoaddrinfo(name) == NULL, "addrinfo");
        CHECK_INT(pcap_nametonetaddr(name), 0);
        CHECK_INT(pcap_nametoport(name, &a, &b), 0);
        CHECK_INT(pcap_nametoportrange(name, &a, &b, &c), 0);
        CHECK_INT(pcap_nametoproto(name), PROTO_UNDEF);
        CHECK_INT(pcap_nametoeproto(name), PROTO_UNDEF);
        CHECK_INT(pcap_nametollc(name), PROTO_UNDEF);
        is_mac("hostton", pcap_ether_hostton(name), "none");
        is_mac("aton", pcap_ether_aton(name), "none");
    }
    free(name);
}

/* The databases themselves may be missing. */
CASE(no_databases)
{
    const char *files[] = {"hosts", "networks", "protocols", "services", "ethers"};
    char path[40];
    size_t i;
    int a, b;

    enter_etc();
    for (i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "/etc/%s", files[i]);
        CHECK_INT(unlink(path), 0);
    }
    CHECK(pcap_nametoaddrinfo("one") == NULL, "one");
    CHECK_INT(pcap_nametonetaddr("loopback"), 0);
    CHECK_INT(pcap_nametoproto("tcp"), PROTO_UNDEF);
    CHECK_INT(pcap_nametoport("http", &a, &b), 0);
    is_port("80", 80, PROTO_UNDEF);
    CHECK_INT(pcap_nametoeproto("ip"), 0x800);
    is_mac("one", pcap_ether_hostton("one"), "none");
}
