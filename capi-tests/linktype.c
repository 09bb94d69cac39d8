/*
 * Every kind of interface: the link type that pcap_datalink gives for its ARPHRD_ number, and its
 * packets whole, behind a cooked header where there is one. Played by TUN devices, which take any number.
 */
#include "net.h"

#define COOKED 16
#define WARNS 1 /* unknown to us: cooked, with a warning */

struct kind {
    int arphrd, dlt, header, rc;
};

static const struct kind kinds[] = {
    {1, DLT_EN10MB, 0, 0},
    {2, DLT_EN3MB, 0, 0},
    {3, DLT_AX25_KISS, 0, 0},
    {4, DLT_PRONET, 0, 0},
    {5, DLT_CHAOS, 0, 0},
    {6, DLT_IEEE802, 0, 0},
    {7, DLT_ARCNET_LINUX, 0, 0},
    {15, DLT_RAW, 0, 0},
    {18, DLT_IP_OVER_FC, 0, 0},
    {19, DLT_LINUX_SLL, COOKED, 0},
    {23, DLT_EN10MB, 0, 0},
    {32, DLT_LINUX_SLL, COOKED, WARNS},
    {256, DLT_RAW, 0, 0},
    {257, DLT_RAW, 0, 0},
    {258, DLT_RAW, 0, 0},
    {259, DLT_RAW, 0, 0},
    {264, DLT_RAW, 0, 0},
    {512, DLT_LINUX_SLL, COOKED, 0},
    {513, DLT_C_HDLC, 0, 0},
    {518, DLT_RAW, 0, 0},
    {519, DLT_LINUX_SLL, COOKED, WARNS},
    {768, DLT_RAW, 0, 0},
    {769, DLT_LINUX_SLL, COOKED, WARNS},
    {770, DLT_FRELAY, 0, 0},
    {773, DLT_LTALK, 0, 0},
    {774, DLT_FDDI, 0, 0},
    {776, DLT_RAW, 0, 0},
    {778, DLT_LINUX_SLL, COOKED, WARNS},
    {783, DLT_LINUX_IRDA, COOKED, 0},
    {784, DLT_FC_2, 0, 0},
    {785, DLT_FC_2, 0, 0},
    {786, DLT_FC_2, 0, 0},
    {787, DLT_FC_2, 0, 0},
    {800, DLT_IEEE802, 0, 0},
    {801, DLT_IEEE802_11, 0, 0},
    {802, DLT_PRISM_HEADER, 0, 0},
    {803, DLT_IEEE802_11_RADIO, 0, 0},
    {804, DLT_IEEE802_15_4_NOFCS, 0, 0},
    {823, DLT_LINUX_SLL, COOKED, WARNS},
    {824, DLT_NETLINK, COOKED, 0},
    {825, DLT_LINUX_SLL, COOKED, WARNS},
    {826, DLT_VSOCK, 0, 0},
    {8445, DLT_LINUX_LAPD, COOKED, 0},
    {0xfffe, DLT_RAW, 0, 0},
    {0xfffd, DLT_LINUX_SLL, COOKED, WARNS},
};
#define KINDS ((int)(sizeof kinds / sizeof kinds[0]))

static struct caught seen;
static char err[PCAP_ERRBUF_SIZE];

static void check_kind(const struct kind *k, int tun, const char *dev, struct how how)
{
    unsigned char packet[60];
    char text[100];
    pcap_t *p = created(dev, &how);
    int rc = pcap_activate(p), i;

    CHECK(rc == k->rc, "ARPHRD %d: activate %d, %s", k->arphrd, rc, pcap_geterr(p));
    snprintf(text, sizeof text,
             "arptype %d not supported by libpcap - falling back to cooked socket", k->arphrd);
    if (k->rc == WARNS)
        CHECK_STARTS(pcap_geterr(p), text);
    CHECK(pcap_datalink(p) == k->dlt, "ARPHRD %d: DLT %d, expected %d", k->arphrd,
          pcap_datalink(p), k->dlt);
    fill_frame(packet, 1, sizeof packet);
    packet[0] = 0x45; /* it says IPv4, for TUN to find its protocol */
    CHECK(write(tun, packet, sizeof packet) == sizeof packet, "TUN: %s", strerror(errno));
    seen.n = 0;
    CHECK_INT(pcap_loop(p, 1, keep, (unsigned char *)&seen), 0);
    CHECK(seen.hdr[0].caplen == 60u + (unsigned)k->header &&
              seen.hdr[0].len == 60u + (unsigned)k->header,
          "ARPHRD %d: caplen %u, len %u", k->arphrd, seen.hdr[0].caplen, seen.hdr[0].len);
    for (i = 0; i < 60; i++)
        CHECK(seen.data[0][k->header + i] == packet[i], "ARPHRD %d: byte %d", k->arphrd, i);
    if (k->header) {
        CHECK_INT(get16(seen.data[0]), PACKET_HOST);
        CHECK_INT(get16(seen.data[0] + 2), k->arphrd);
        CHECK_INT(get16(seen.data[0] + 14), 0x0800);
    }
    pcap_close(p);
}

static void check_kinds(struct how how)
{
    char dev[IFNAMSIZ];
    int i, tun;

    enter_netns();
    for (i = 0; i < KINDS; i++) {
        snprintf(dev, sizeof dev, "t%d", kinds[i].arphrd);
        tun = make_tun(dev, kinds[i].arphrd);
        check_kind(&kinds[i], tun, dev, how);
        close(tun);
    }
}

CASE(arphrd_to_dlt)
{
    check_kinds(plain);
}

CASE(arphrd_to_dlt_immediate)
{
    check_kinds(immediate);
}

/* CAN: the identifier goes from the host's order to the network's. */
CASE(can_identifier)
{
    static const unsigned char frame[16] = {0x45, 0x03, 0x02, 0x81, 4, 0, 0, 0, 9, 8, 7, 6};
    unsigned want = (unsigned)frame[3] << 24 | frame[2] << 16 | frame[1] << 8 | frame[0];
    pcap_t *p;
    int tun;

    enter_netns();
    tun = make_tun("c0", 280);
    p = opened("c0", plain);
    CHECK_INT(pcap_datalink(p), DLT_CAN_SOCKETCAN);
    CHECK(write(tun, frame, sizeof frame) == sizeof frame, "TUN: %s", strerror(errno));
    CHECK_INT(pcap_loop(p, 1, keep, (unsigned char *)&seen), 0);
    CHECK_INT(seen.hdr[0].len, 16);
    if (htonl(1) != 1)
        CHECK_INT(get32(seen.data[0]), want);
    CHECK(memcmp(seen.data[0] + 8, frame + 8, 8) == 0, "the data");
    pcap_close(p);
    close(tun);
}

static int caught_on(pcap_t *p, int want)
{
    seen.n = 0;
    gather_only(p, &seen, want);
    return seen.n;
}

/* A frame sent on a CAN interface comes back as received: as sent it shows only to who asks for that. */
CASE(can_sent_frames)
{
    static const unsigned char frame[16] = {1, 2, 3, 0, 1};
    struct how how = plain;
    pcap_t *p;
    int tun, raw;

    enter_netns();
    tun = make_tun("c0", 280);
    raw = raw_socket("c0");
    how.nonblock = 1;
    p = opened("c0", how);
    send_raw(raw, frame, sizeof frame);
    CHECK_INT(caught_on(p, 0), 0);
    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
    send_raw(raw, frame, sizeof frame);
    CHECK_INT(caught_on(p, 0), 0);
    CHECK_INT(pcap_setdirection(p, PCAP_D_OUT), 0);
    send_raw(raw, frame, sizeof frame);
    CHECK_INT(caught_on(p, 1), 1);
    CHECK_INT(seen.hdr[0].len, 16);
    pcap_close(p);
    close(raw);
    close(tun);
}

/* A cooked device that is not "any" has the first cooked header only. */
CASE(cooked_device_lists_sll)
{
    int tun, *list = NULL;
    pcap_t *p;

    enter_netns();
    tun = make_tun("t0", 512);
    p = opened("t0", plain);
    CHECK_INT(pcap_list_datalinks(p, &list), 1);
    CHECK_INT(list[0], DLT_LINUX_SLL);
    pcap_free_datalinks(list);
    CHECK_INT(pcap_set_datalink(p, DLT_LINUX_SLL2), -1);
    CHECK_STR(pcap_geterr(p), "LINUX_SLL2 is not one of the DLTs supported by this device");
    pcap_close(p);
    close(tun);
}

/* The two other lists: Ethernet may be DOCSIS, Fibre Channel has three. */
CASE(other_lists)
{
    int tun, *list = NULL;
    pcap_t *p;

    enter_netns();
    tun = make_tun("f0", 784);
    p = opened("f0", plain);
    CHECK_INT(pcap_list_datalinks(p, &list), 3);
    CHECK(list[0] == DLT_FC_2 && list[1] == DLT_FC_2_WITH_FRAME_DELIMS &&
              list[2] == DLT_IP_OVER_FC,
          "%d, %d, %d", list[0], list[1], list[2]);
    pcap_free_datalinks(list);
    pcap_close(p);
    close(tun);
    tun = make_tun("r0", 0xfffe);
    p = opened("r0", plain);
    CHECK_INT(pcap_list_datalinks(p, &list), 1);
    CHECK_INT(list[0], DLT_RAW);
    pcap_free_datalinks(list);
    CHECK_INT(pcap_set_datalink(p, DLT_RAW), 0);
    CHECK(err[0] == 0, "%s", err);
    pcap_close(p);
    close(tun);
}
