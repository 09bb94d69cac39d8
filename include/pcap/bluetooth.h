/* SPDX-License-Identifier: BSD-3-Clause */
/* The pseudo-headers of Bluetooth captures, in network byte order. */
#ifndef lib_pcap_bluetooth_h
#define lib_pcap_bluetooth_h

#include <pcap/pcap-inttypes.h>

/* DLT_BLUETOOTH_HCI_H4_WITH_PHDR */
typedef struct _pcap_bluetooth_h4_header {
	uint32_t direction; /* lowest bit set: from the controller to the host */
} pcap_bluetooth_h4_header;

/* DLT_BLUETOOTH_LINUX_MONITOR */
typedef struct _pcap_bluetooth_linux_monitor_header {
	uint16_t adapter_id;
	uint16_t opcode;
} pcap_bluetooth_linux_monitor_header;

#endif
