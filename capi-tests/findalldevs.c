/*
 * pcap_findalldevs: names, flags, addresses and order, for interfaces of every state; and
 * pcap_lookupnet and pcap_lookupdev beside it. Devices that the machine has by itself are passed over.
 */
#include "net.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define STATE (PCAP_IF_LOOPBACK | PCAP_IF_UP | PCAP_IF_RUNNING | PCAP_IF_CONNECTION_STATUS)

static pcap_if_t *list;
static char err[PCAP_ERRBUF_SIZE];

static void find(void)
{
    CHECK(pcap_findalldevs(&list, err) == 0, "%s", err);
}

static pcap_if_t *device(const char *name)
{
    pcap_if_t *d;

    for (d = list; d != NULL; d = d->next)
        if (strcmp(d->name, name) == 0)
            return d;
    CHECK(0, "%s is not listed", name);
    return NULL;
}

static int place(const char *name)
{
    pcap_if_t *d;
    int n = 0;

    for (d = list; d != NULL && strcmp(d->name, name) != 0; d = d->next)
        n++;
    return n;
}

static void check_flags(const char *name, unsigned flags)
{
    unsigned got = device(name)->flags;

    CHECK((got & STATE) == flags, "%s: flags %#x, expected %#x", name, got, flags);
    CHECK(!(got & PCAP_IF_WIRELESS), "%s is wireless", name);
}

/* Whether a device has a carrier is announced a moment after it is up. */
#define UNTIL_SHOWN(device, state)                                                                 \
    "for i in $(seq 2000); do"                                                                     \
    " ip link show " device " | grep -q ' state " state " ' && break; sleep 0.01; done"

CASE(flags)
{
    enter_veth();
    run("ip link add d0 type veth peer name d1");
    run("ip link add h0 type veth peer name h1 && ip link set h0 up && " UNTIL_SHOWN("h0", ".*DOWN"));
    find();
    check_flags("v0", PCAP_IF_UP | PCAP_IF_RUNNING | PCAP_IF_CONNECTION_STATUS_CONNECTED);
    check_flags("v1", PCAP_IF_UP | PCAP_IF_RUNNING | PCAP_IF_CONNECTION_STATUS_CONNECTED);
    check_flags("d0", PCAP_IF_CONNECTION_STATUS_DISCONNECTED);
    check_flags("h0", PCAP_IF_UP | PCAP_IF_CONNECTION_STATUS_DISCONNECTED);
    check_flags("lo", PCAP_IF_LOOPBACK | PCAP_IF_UP | PCAP_IF_RUNNING |
                          PCAP_IF_CONNECTION_STATUS_NOT_APPLICABLE);
    check_flags("any", PCAP_IF_UP | PCAP_IF_RUNNING | PCAP_IF_CONNECTION_STATUS_NOT_APPLICABLE);
    CHECK_STR(device("any")->description, "Pseudo-device that captures on all interfaces");
    CHECK(device("any")->addresses == NULL, "any has an address");
    CHECK(device("v0")->description == NULL, "v0: %s", device("v0")->description);
    pcap_freealldevs(list);
}

CASE(loopback_down)
{
    enter_netns();
    run("ip link set lo down");
    find();
    check_flags("lo", PCAP_IF_LOOPBACK | PCAP_IF_CONNECTION_STATUS_NOT_APPLICABLE);
    pcap_freealldevs(list);
}

/* Running before up, up before down, loopback late, "any" after the real ones. */
CASE(order)
{
    pcap_if_t *d;
    int n = 0, more;

    enter_netns();
    run("ip link add d0 type veth peer name d1");
    run("ip link add h0 type veth peer name h1 && ip link set h0 up && " UNTIL_SHOWN("h0", ".*DOWN"));
    make_veth();
    find();
    CHECK(place("v0") < place("any") && place("v1") < place("any"), "any first");
    CHECK(place("any") < place("lo"), "lo before any");
    CHECK(place("lo") < place("h0"), "not running before lo");
    CHECK(place("h0") < place("d0"), "down before up");
    for (d = list; d != NULL; d = d->next, n++) {
        more = 0;
        for (pcap_if_t *e = list; e != NULL; e = e->next)
            more += strcmp(d->name, e->name) == 0;
        CHECK(more == 1, "%s is listed %d times", d->name, more);
    }
    pcap_freealldevs(list);
}

/* The first address of a family, and how many there are. */
static pcap_addr_t *address(const char *name, int family, int want)
{
    pcap_addr_t *a, *first = NULL;
    int n = 0;

    for (a = device(name)->addresses; a != NULL; a = a->next) {
        CHECK(a->addr != NULL, "%s: no address in an address", name);
        if (a->addr->sa_family == family && n++ == 0)
            first = a;
    }
    CHECK(n == want, "%s: %d addresses of family %d, expected %d", name, n, family, want);
    return first;
}

static void check_ipv4(const struct sockaddr *a, const char *want)
{
    char text[INET_ADDRSTRLEN] = "none";

    if (a != NULL && a->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, text, sizeof text);
    CHECK_STR(text, want);
}

CASE(ipv4_addresses)
{
    pcap_addr_t *a;

    enter_veth();
    run("ip addr add 10.1.2.3/24 broadcast 10.1.2.255 dev v0 && ip addr add 10.9.0.1/16 dev v0");
    find();
    a = address("v0", AF_INET, 2);
    check_ipv4(a->addr, "10.1.2.3");
    check_ipv4(a->netmask, "255.255.255.0");
    check_ipv4(a->broadaddr, "10.1.2.255");
    CHECK(a->dstaddr == NULL, "a destination");
    a = address("lo", AF_INET, 1);
    check_ipv4(a->addr, "127.0.0.1");
    check_ipv4(a->netmask, "255.0.0.0");
    CHECK(a->broadaddr == NULL && a->dstaddr == NULL, "loopback with more");
    pcap_freealldevs(list);
}

CASE(address_labels)
{
    enter_veth();
    run("ip addr add 10.1.2.3/24 dev v0 && ip addr add 10.1.3.4/24 dev v0 label v0:1");
    find();
    address("v0", AF_INET, 2);
    CHECK(list != NULL, "nothing");
    for (pcap_if_t *d = list; d != NULL; d = d->next)
        CHECK(strchr(d->name, ':') == NULL, "%s", d->name);
    pcap_freealldevs(list);
}

CASE(ipv6_addresses)
{
    char text[INET6_ADDRSTRLEN];
    pcap_addr_t *a;

    enter_veth();
    if (write_file("/proc/sys/net/ipv6/conf/v0/disable_ipv6", "0") != 0)
        skip("no IPv6 in this kernel");
    run("ip addr add fd00::7/64 dev v0 nodad");
    find();
    for (a = device("v0")->addresses; a != NULL; a = a->next)
        if (a->addr->sa_family == AF_INET6) {
            inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)a->addr)->sin6_addr, text, sizeof text);
            if (strcmp(text, "fd00::7") == 0)
                break;
        }
    CHECK(a != NULL, "fd00::7 is not there");
    CHECK(a->netmask != NULL && a->netmask->sa_family == AF_INET6, "no mask");
    inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)a->netmask)->sin6_addr, text, sizeof text);
    CHECK_STR(text, "ffff:ffff:ffff:ffff::");
    pcap_freealldevs(list);
}

CASE(link_addresses)
{
    struct sockaddr_ll *ll;

    enter_veth();
    find();
    ll = (struct sockaddr_ll *)(void *)address("v0", AF_PACKET, 1)->addr;
    CHECK_INT(ll->sll_ifindex, if_nametoindex("v0"));
    CHECK(ll->sll_halen == 6 && memcmp(ll->sll_addr, mac_v0, 6) == 0, "another address");
    CHECK_INT(device("v0")->addresses->addr->sa_family, AF_PACKET);
    pcap_freealldevs(list);
}

CASE(point_to_point)
{
    pcap_addr_t *a;
    int tun;

    enter_netns();
    tun = make_tun("t0", 0xfffe);
    run("ip addr add 10.5.0.1 peer 10.5.0.2 dev t0 && " UNTIL_SHOWN("t0", "U[PN].*"));
    find();
    a = address("t0", AF_INET, 1);
    check_ipv4(a->addr, "10.5.0.1");
    check_ipv4(a->dstaddr, "10.5.0.2");
    CHECK(a->broadaddr == NULL, "a broadcast address");
    check_flags("t0", PCAP_IF_UP | PCAP_IF_RUNNING | PCAP_IF_CONNECTION_STATUS_CONNECTED);
    pcap_freealldevs(list);
    close(tun);
}

CASE(many_devices)
{
    int i, n = 0;
    pcap_if_t *d;

    enter_netns();
    run("for i in $(seq 40); do echo link add a$i type veth peer name b$i; done | ip -batch -");
    find();
    for (i = 1; i <= 40; i++) {
        char name[IFNAMSIZ];

        snprintf(name, sizeof name, "a%d", i);
        device(name);
    }
    for (d = list; d != NULL; d = d->next)
        n++;
    CHECK(n >= 82, "%d devices", n);
    pcap_freealldevs(list);
}

/* A bad errno text must not be left in the buffer of a call that went well. */
CASE(without_privileges)
{
    enter_veth();
    if (setgid(65534) != 0 || setuid(65534) != 0)
        skip("cannot become nobody: %s", strerror(errno));
    find();
    check_flags("v0", PCAP_IF_UP | PCAP_IF_RUNNING | PCAP_IF_CONNECTION_STATUS_CONNECTED);
    CHECK_STR(err, "");
    pcap_freealldevs(list);
}

static void looks_up(const char *dev, int rc, unsigned net, unsigned mask, const char *text)
{
    bpf_u_int32 n = 77, m = 77;

    err[0] = 0;
    CHECK_INT(pcap_lookupnet(dev, &n, &m, err), rc);
    CHECK_STARTS(err, text);
    CHECK(rc < 0 || (n == htonl(net) && m == htonl(mask)), "%s: %#x/%#x", dev, ntohl(n), ntohl(m));
}

CASE(lookupnet)
{
    enter_veth();
    run("ip addr add 10.1.2.3/24 dev v0");
    looks_up("v0", 0, 0x0a010200, 0xffffff00, "");
    looks_up("lo", 0, 0x7f000000, 0xff000000, "");
    looks_up("any", 0, 0, 0, "");
    looks_up(NULL, 0, 0, 0, "");
    looks_up("v1", -1, 0, 0, "v1: no IPv4 address assigned");
    looks_up("nosuch0", -1, 0, 0, "SIOCGIFADDR: nosuch0: No such device");
    looks_up("a-name-much-too-long", -1, 0, 0, "SIOCGIFADDR: a-name-much-too-long: ");
}

CASE(lookupdev)
{
    char *name;

    enter_veth();
    find();
    name = pcap_lookupdev(err);
    CHECK_STR(name, list->name);
    pcap_freealldevs(list);
    CHECK_INT(pcap_init(PCAP_CHAR_ENC_LOCAL, err), 0);
    CHECK(pcap_lookupdev(err) == NULL, "a device after pcap_init");
    CHECK_STARTS(err, "pcap_lookupdev() is deprecated");
}
