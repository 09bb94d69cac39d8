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
 A ring as it was got.
 */
typedef struct pcap_ring_linux {
  /*
   The size of this structure, set by who asks.
   */
  uint32_t size;
  /*
   1, 2 or 3; 0 if there is no ring, and nothing else to tell.
   */
  uint32_t version;
  /*
   Bytes of a block.
   */
  uint32_t block_size;
  /*
   How many blocks there are.
   */
  uint32_t blocks;
  /*
   Bytes of a frame.
   */
  uint32_t frame_size;
  /*
   How many frames there are.
   */
  uint32_t frames;
  /*
   For how many milliseconds a block is held back; 0: as the kernel finds good; -1: until it is full.
   */
  int block_timeout_ms;
  /*
   Whether packets have a receive hash.
   */
  int rxhash;
} pcap_ring_linux;

/*
 Whether to capture nothing of what the host sends.
 */
PCAP_API int pcap_set_ignore_outgoing_linux(pcap_t *p, int ignore);

/*
 The version of the ring: 1, 2 or 3, or 0 for the one that libpcap would choose.
 */
PCAP_API int pcap_set_ring_version_linux(pcap_t *p, int version);

/*
 The size of the ring's blocks, rounded up to what the kernel takes; 0 is the default.
 */
PCAP_API int pcap_set_ring_block_size_linux(pcap_t *p, int bytes);

/*
 The size of the ring's frames, rounded up to what the kernel takes; 0 is the default.
 */
PCAP_API int pcap_set_ring_frame_size_linux(pcap_t *p, int bytes);

/*
 For how long a block may be held back, 0 for as long as the kernel finds good, below 0 for as long as packets may be.
 */
PCAP_API
int pcap_set_ring_block_timeout_linux(pcap_t *p,
                                      int ms);

/*
 Whether the kernel is to tell each packet's receive hash.
 */
PCAP_API int pcap_set_rxhash_linux(pcap_t *p, int on);

/*
 What the ring is like that the handle reads from.
 */
PCAP_API int pcap_get_ring_linux(pcap_t *p, struct pcap_ring_linux *ring);

#ifdef __cplusplus
}
#endif

#endif
