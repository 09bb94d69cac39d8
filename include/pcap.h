/* SPDX-License-Identifier: BSD-3-Clause */
/* The name by which most programs include libpcap; everything is in <pcap/pcap.h>. */
#include <pcap/pcap.h>
