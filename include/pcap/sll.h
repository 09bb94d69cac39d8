/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Linux "cooked" captures: the headers of DLT_LINUX_SLL and DLT_LINUX_SLL2, put where the
 * link-layer header would be. Numbers are in network byte order. The layouts are file formats,
 * https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html and LINKTYPE_LINUX_SLL2.html.
 */
#ifndef lib_pcap_sll_h
#define lib_pcap_sll_h

#include <pcap/pcap-inttypes.h>

#define SLL_HDR_LEN 16
#define SLL2_HDR_LEN 20
#define SLL_ADDRLEN 8

struct sll_header {
	uint16_t sll_pkttype;          /* LINUX_SLL_HOST, ... */
	uint16_t sll_hatype;           /* ARPHRD_ number of the interface */
	uint16_t sll_halen;            /* length of the sender's address, may exceed SLL_ADDRLEN */
	uint8_t sll_addr[SLL_ADDRLEN]; /* sender's link-layer address, cut or zero filled */
	uint16_t sll_protocol;         /* EtherType, or LINUX_SLL_P_ */
};

struct sll2_header {
	uint16_t sll2_protocol;
	uint16_t sll2_reserved_mbz; /* zero */
	uint32_t sll2_if_index;     /* interface the packet was seen on */
	uint16_t sll2_hatype;
	uint8_t sll2_pkttype;
	uint8_t sll2_halen;
	uint8_t sll2_addr[SLL_ADDRLEN];
};

/* Packet types; the numbers are the kernel's PACKET_ ones. */
#define LINUX_SLL_HOST 0      /* to us */
#define LINUX_SLL_BROADCAST 1 /* to everyone */
#define LINUX_SLL_MULTICAST 2 /* to a group */
#define LINUX_SLL_OTHERHOST 3 /* to someone else, seen in promiscuous mode */
#define LINUX_SLL_OUTGOING 4  /* by us */

/* Protocols that are not EtherTypes; the numbers are the kernel's ETH_P_ ones. */
#define LINUX_SLL_P_802_3 0x0001 /* Novell's raw 802.3, without an LLC header */
#define LINUX_SLL_P_802_2 0x0004 /* an 802.2 LLC header follows */
#define LINUX_SLL_P_CAN 0x000C   /* CAN frame */
#define LINUX_SLL_P_CANFD 0x000D /* CAN FD frame */
#define LINUX_SLL_P_CANXL 0x000E /* CAN XL frame */

#endif
