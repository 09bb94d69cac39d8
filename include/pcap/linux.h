/* SPDX-License-Identifier: BSD-3-Clause */
/* What Linux packet sockets can do that libpcap has no function for: pcap-linux(3PCAP).
   Written by cbindgen from src/ffi/linux. */
#ifndef lib_pcap_linux_h
#define lib_pcap_linux_h

#include <pcap/pcap-inttypes.h>
#include <pcap/pcap.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 Whether to capture nothing of what the host sends.
 */
PCAP_API int pcap_set_ignore_outgoing_linux(pcap_t *p, int ignore);

#ifdef __cplusplus
}
#endif

#endif
