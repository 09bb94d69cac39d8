/*
 * What the interface takes in: multicast groups, all of them, promiscuous mode, further addresses.
 */
#include "net.h"

#include <pcap/linux.h>

static struct caught seen;
static const unsigned char group[6] = {1, 0, 0x5e, 1, 2, 3}, more[6] = {2, 0, 0, 0, 0, 0x77};

/* m0 is a device that hands over only what it was asked to take in: a macvlan(4) on v0. */
static void enter_filtering(void)
{
    enter_veth();
    run("ip link add m0 link v0 address 02:00:00:00:00:33 type macvlan mode private && "
        "ip link set m0 up");
}

static int sysfs_flags(const char *dev)
{
    char path[80], text[40] = "";
    int fd, n;

    snprintf(path, sizeof path, "/sys/class/net/%s/flags", dev);
    fd = open(path, O_RDONLY);
    n = fd < 0 ? -1 : (int)read(fd, text, sizeof text - 1);
    CHECK(n > 0, "%s: %s", path, strerror(errno));
    close(fd);
    return (int)strtol(text, NULL, 16);
}

/* How many of three frames to `to` the handle gets. */
static int taken_in(pcap_t *p, const unsigned char *to, int expected)
{
    unsigned char frame[60];
    int raw = raw_socket("v1"), i;

    for (i = 0; i < 3; i++) {
        fill_frame(frame, 1, sizeof frame);
        memcpy(frame, to, 6);
        send_raw(raw, frame, sizeof frame);
    }
    seen.n = 0;
    if (expected)
        gather(p, &seen, expected);
    else
        gather_only(p, &seen, 0);
    close(raw);
    return seen.n;
}

static pcap_t *active(pcap_t *p)
{
    CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
    CHECK_INT(pcap_setnonblock(p, 1, NULL), 0);
    return p;
}

/* Of an Ethernet address, or none. */
static int add(pcap_t *p, int kind, const unsigned char *address)
{
    return pcap_add_membership_linux(p, kind, address, address == NULL ? 0 : 6);
}

static int drop(pcap_t *p, int kind, const unsigned char *address)
{
    return pcap_drop_membership_linux(p, kind, address, address == NULL ? 0 : 6);
}

/* Whether m0 is in the group, as the kernel lists it. */
static int in_group(void)
{
    char line[200];
    int found = 0;
    FILE *f = fopen("/proc/net/dev_mcast", "r");

    CHECK(f != NULL, "/proc/net/dev_mcast: %s", strerror(errno));
    while (fgets(line, sizeof line, f) != NULL)
        found |= strstr(line, "m0") != NULL && strstr(line, "01005e010203") != NULL;
    fclose(f);
    return found;
}

CASE(multicast_groups)
{
    pcap_t *p;

    enter_filtering();
    p = active(created("m0", &plain));
    CHECK_INT(taken_in(p, group, 0), 0);
    CHECK(add(p, PCAP_MEMBERSHIP_MULTICAST, group) == 0, "%s", pcap_geterr(p));
    CHECK_INT(taken_in(p, group, 3), 3);
    CHECK_INT(in_group(), 1);
    /* The device goes on to hand over what the kernel has told it that it need not. */
    CHECK(drop(p, PCAP_MEMBERSHIP_MULTICAST, group) == 0, "%s", pcap_geterr(p));
    CHECK_INT(in_group(), 0);
    pcap_close(p);
    /* Asked for before activation, and once taken back. */
    p = created("m0", &plain);
    CHECK_INT(add(p, PCAP_MEMBERSHIP_MULTICAST, group), 0);
    active(p);
    CHECK_INT(in_group(), 1);
    CHECK_INT(taken_in(p, group, 3), 3);
    pcap_close(p);
    CHECK_INT(in_group(), 0);
    p = created("m0", &plain);
    CHECK_INT(add(p, PCAP_MEMBERSHIP_MULTICAST, group), 0);
    CHECK_INT(drop(p, PCAP_MEMBERSHIP_MULTICAST, group), 0);
    active(p);
    CHECK_INT(in_group(), 0);
    pcap_close(p);
}

CASE(all_multicasts)
{
    pcap_t *p;

    enter_filtering();
    p = active(created("m0", &plain));
    CHECK_INT(sysfs_flags("m0") & IFF_ALLMULTI, 0);
    CHECK(add(p, PCAP_MEMBERSHIP_ALLMULTI, NULL) == 0, "%s", pcap_geterr(p));
    CHECK_INT(sysfs_flags("m0") & IFF_ALLMULTI, IFF_ALLMULTI);
    CHECK_INT(taken_in(p, group, 3), 3);
    CHECK_INT(drop(p, PCAP_MEMBERSHIP_ALLMULTI, NULL), 0);
    CHECK_INT(sysfs_flags("m0") & IFF_ALLMULTI, 0);
    CHECK_INT(taken_in(p, group, 0), 0);
    CHECK_INT(add(p, PCAP_MEMBERSHIP_ALLMULTI, NULL), 0);
    pcap_close(p);
    CHECK_INT(sysfs_flags("m0") & IFF_ALLMULTI, 0);
}

CASE(promiscuous_mode)
{
    struct how how = plain;
    pcap_t *p;

    enter_veth();
    how.promisc = 1;
    p = active(created("v0", &how));
    CHECK_INT(sysfs_flags("v0") & IFF_PROMISC, IFF_PROMISC);
    CHECK_INT(drop(p, PCAP_MEMBERSHIP_PROMISC, NULL), 0);
    CHECK_INT(sysfs_flags("v0") & IFF_PROMISC, 0);
    CHECK_INT(add(p, PCAP_MEMBERSHIP_PROMISC, NULL), 0);
    CHECK_INT(sysfs_flags("v0") & IFF_PROMISC, IFF_PROMISC);
    pcap_close(p);
    CHECK_INT(sysfs_flags("v0") & IFF_PROMISC, 0);
}

CASE(further_addresses)
{
    pcap_t *p;
    int lines;
    FILE *f;

    enter_veth();
    p = active(created("v0", &plain));
    CHECK(add(p, PCAP_MEMBERSHIP_UNICAST, more) == 0, "%s", pcap_geterr(p));
    CHECK_INT(taken_in(p, more, 3), 3);
    f = popen("unset LD_PRELOAD; bridge fdb show dev v0 | grep -c 02:00:00:00:00:77", "r");
    CHECK(f != NULL && fscanf(f, "%d", &lines) == 1, "bridge(8) says nothing");
    pclose(f);
    CHECK_INT(lines, 1);
    CHECK_INT(drop(p, PCAP_MEMBERSHIP_UNICAST, more), 0);
    pcap_close(p);
}

CASE(by_the_environment)
{
    pcap_t *p;

    enter_filtering();
    setenv("PCAP_LINUX_OPTIONS", "multicast=01:00:5e:00:00:01+01:00:5e:01:02:03", 1);
    p = active(created("m0", &plain));
    CHECK_INT(taken_in(p, group, 3), 3);
    pcap_close(p);
    setenv("PCAP_LINUX_OPTIONS", "allmulti", 1);
    p = active(created("m0", &plain));
    CHECK_INT(taken_in(p, group, 3), 3);
    CHECK_INT(sysfs_flags("m0") & IFF_ALLMULTI, IFF_ALLMULTI);
    pcap_close(p);
    setenv("PCAP_LINUX_OPTIONS", "multicast=01:00:5e:00:00:0g", 1);
    p = created("m0", &plain);
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    pcap_close(p);
}

CASE(nonsense)
{
    pcap_t *p, *dead = pcap_open_dead(DLT_EN10MB, 100);

    enter_veth();
    p = created("v0", &plain);
    CHECK_INT(add(p, 4, NULL), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "4 is not a kind of membership");
    CHECK_INT(add(p, PCAP_MEMBERSHIP_MULTICAST, NULL), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "a membership of kind 0 can't have an address of 0 bytes");
    CHECK_INT(add(p, PCAP_MEMBERSHIP_ALLMULTI, group), PCAP_ERROR);
    CHECK_INT(pcap_add_membership_linux(p, PCAP_MEMBERSHIP_MULTICAST, group, 9), PCAP_ERROR);
    CHECK_INT(pcap_add_membership_linux(p, PCAP_MEMBERSHIP_MULTICAST, group, -1), PCAP_ERROR);
    CHECK_INT(pcap_add_membership_linux(p, PCAP_MEMBERSHIP_MULTICAST, NULL, 6), PCAP_ERROR);
    /* What the kernel refuses shows when it is asked. */
    CHECK_INT(pcap_add_membership_linux(p, PCAP_MEMBERSHIP_MULTICAST, group, 8), 0);
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "setsockopt (PACKET_ADD_MEMBERSHIP): Invalid argument");
    CHECK_INT(pcap_drop_membership_linux(p, PCAP_MEMBERSHIP_MULTICAST, group, 8), 0);
    CHECK_INT(drop(p, 4, NULL), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "4 is not a kind of membership");
    CHECK_INT(pcap_drop_membership_linux(p, PCAP_MEMBERSHIP_MULTICAST, group, 9), PCAP_ERROR);
    active(p);
    CHECK_INT(drop(p, PCAP_MEMBERSHIP_ALLMULTI, group), PCAP_ERROR);
    CHECK_INT(pcap_add_membership_linux(p, PCAP_MEMBERSHIP_MULTICAST, group, 8), PCAP_ERROR);
    CHECK_INT(add(dead, PCAP_MEMBERSHIP_ALLMULTI, NULL), PCAP_ERROR);
    CHECK_STR(pcap_geterr(dead), "This handle does not capture from a device");
    CHECK_INT(drop(dead, PCAP_MEMBERSHIP_ALLMULTI, NULL), PCAP_ERROR);
    CHECK_STR(pcap_geterr(dead), "This handle does not capture from a device");
    pcap_close(p);
    pcap_close(dead);
}
