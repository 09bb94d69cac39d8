/* SPDX-License-Identifier: BSD-3-Clause */
/* The 802.1Q tag, as it stands between the addresses and the type of an Ethernet frame. */
#ifndef lib_pcap_vlan_h
#define lib_pcap_vlan_h

#include <pcap/pcap-inttypes.h>

/* Both fields in network byte order. */
struct vlan_tag {
	uint16_t vlan_tpid; /* 0x8100, 0x88a8, ... */
	uint16_t vlan_tci;  /* priority 3 bits, drop-eligible 1 bit, VLAN 12 bits */
};

#define VLAN_TAG_LEN 4

#endif
