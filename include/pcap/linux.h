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
 The packet did not fit into its frame, and came whole past the ring.
 */
#define PCAP_FACT_COPY (1 << 1)

/*
 Packets were dropped since the statistics were last asked for.
 */
#define PCAP_FACT_LOSING (1 << 2)

/*
 The checksum is not computed yet.
 */
#define PCAP_FACT_CSUM_NOT_READY (1 << 3)

/*
 vlan_tci is that of a tag that was taken out of the packet.
 */
#define PCAP_FACT_VLAN_TCI (1 << 4)

/*
 vlan_tpid is, too.
 */
#define PCAP_FACT_VLAN_TPID (1 << 6)

/*
 The checksum has been found right.
 */
#define PCAP_FACT_CSUM_VALID (1 << 7)

/*
 The packet is of several TCP segments.
 */
#define PCAP_FACT_GSO_TCP (1 << 8)

/*
 rxhash is the packet's receive hash.
 */
#define PCAP_FACT_RXHASH (1 << 16)

/*
 The kernel, as it put the packet into the buffer.
 */
#define PCAP_TSTAMP_SOURCE_KERNEL 0

/*
 The kernel, as the packet came in or went out, for some socket wanted to know.
 */
#define PCAP_TSTAMP_SOURCE_SOFTWARE 1

/*
 The interface, brought to the system's clock.
 */
#define PCAP_TSTAMP_SOURCE_SYS_HARDWARE 2

/*
 The interface, by its own clock.
 */
#define PCAP_TSTAMP_SOURCE_RAW_HARDWARE 3

/*
 The packets of a flow, in both directions, go to one handle.
 */
#define PCAP_FANOUT_HASH 0

/*
 One handle after the other.
 */
#define PCAP_FANOUT_LB 1

/*
 By the CPU that a packet comes in on.
 */
#define PCAP_FANOUT_CPU 2

/*
 The first handle, as long as its buffer has room.
 */
#define PCAP_FANOUT_ROLLOVER 3

/*
 By chance.
 */
#define PCAP_FANOUT_RND 4

/*
 By the queue of the interface that a packet comes in on.
 */
#define PCAP_FANOUT_QM 5

/*
 As a program of classic BPF returns.
 */
#define PCAP_FANOUT_CBPF 6

/*
 As a program of extended BPF returns.
 */
#define PCAP_FANOUT_EBPF 7

/*
 A packet whose handle has no room goes to another.
 */
#define PCAP_FANOUT_FLAG_ROLLOVER 4096

/*
 The kernel chooses the group's number.
 */
#define PCAP_FANOUT_FLAG_UNIQUEID 8192

/*
 Nothing of what the host sends.
 */
#define PCAP_FANOUT_FLAG_IGNORE_OUTGOING 16384

/*
 Fragments of IPv4 are put together first.
 */
#define PCAP_FANOUT_FLAG_DEFRAG 32768

/*
 Multicasts to one address.
 */
#define PCAP_MEMBERSHIP_MULTICAST 0

/*
 All packets: promiscuous mode.
 */
#define PCAP_MEMBERSHIP_PROMISC 1

/*
 All multicasts.
 */
#define PCAP_MEMBERSHIP_ALLMULTI 2

/*
 Packets to one more address.
 */
#define PCAP_MEMBERSHIP_UNICAST 3

/*
 Of pcap_set_tx_ring_linux(): what the interface cannot send is left out.
 */
#define PCAP_TX_RING_LOSS 1

/*
 Of pcap_set_tx_ring_linux(): the kernel copies packets from the ring, on Ethernet.
 */
#define PCAP_TX_RING_COPY 2

/*
 Of pcap_set_tx_ring_linux(): an XDP socket's ring, straight to the driver, on Ethernet.
 */
#define PCAP_TX_RING_XDP 4

/*
 A packet that is lent until the next read.
 */
typedef struct pcap_packet_linux {
  /*
   As a callback gets it.
   */
  struct pcap_pkthdr header;
  /*
   Its bytes, header.caplen of them.
   */
  const unsigned char *data;
} pcap_packet_linux;

/*
 What the kernel tells of a packet beside its bytes.
 */
typedef struct pcap_facts_linux {
  /*
   Bytes of this structure, which the caller sets.
   */
  uint32_t size;
  /*
   PCAP_FACT_ values.
   */
  uint32_t flags;
  /*
   The time stamp, in nanoseconds since the Epoch.
   */
  uint64_t nanoseconds;
  /*
   Index of the interface.
   */
  int32_t ifindex;
  /*
   The receive hash; 0 without PCAP_FACT_RXHASH.
   */
  uint32_t rxhash;
  /*
   Ethertype, or one of the kernel's own numbers (ETH_P_) for frames without one.
   */
  uint16_t protocol;
  /*
   ARPHRD_ type of the interface.
   */
  uint16_t hatype;
  /*
   TCI of the tag that was taken out of the packet; 0 without PCAP_FACT_VLAN_TCI.
   */
  uint16_t vlan_tci;
  /*
   TPID of that tag; 0 without PCAP_FACT_VLAN_TPID.
   */
  uint16_t vlan_tpid;
  /*
   PACKET_HOST, PACKET_OUTGOING and so on, of linux/if_packet.h.
   */
  uint8_t pkttype;
  /*
   A PCAP_TSTAMP_SOURCE_ value.
   */
  uint8_t tstamp_source;
  /*
   Bytes of the sender's address, which may be more than addr holds.
   */
  uint8_t halen;
  /*
   All 0.
   */
  uint8_t reserved[5];
  /*
   The sender's address.
   */
  uint8_t addr[8];
} pcap_facts_linux;

/*
 Counts since activation.
 */
typedef struct pcap_stat_linux {
  /*
   Bytes of this structure, which the caller sets.
   */
  uint32_t size;
  /*
   0.
   */
  uint32_t reserved;
  /*
   Packets that came to the socket, those that were dropped included.
   */
  uint64_t received;
  /*
   Packets dropped for want of room in the buffer.
   */
  uint64_t dropped;
  /*
   How often the kernel found no free block of the buffer and stopped for a while.
   */
  uint64_t freezes;
  /*
   Packets that came into the buffer and were thrown away by this library, for the filter or the direction.
   */
  uint64_t filtered;
  /*
   Packets dropped by the interface.
   */
  uint64_t interface_dropped;
  /*
   Packets that the program was given.
   */
  uint64_t packets;
  /*
   Bytes of packets that it was given.
   */
  uint64_t bytes;
} pcap_stat_linux;

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
 Packets to be sent in one call: struct pcap_pkthdr and caplen bytes each, one after the other without a gap.
 */
typedef struct pcap_send_queue {
  /*
   Bytes of memory.
   */
  unsigned int maxlen;
  /*
   Bytes that are in use.
   */
  unsigned int len;
  /*
   The memory.
   */
  char *buffer;
} pcap_send_queue;

/*
 Up to max packets, all lent until the next read; 0 if none came in time.
 */
PCAP_API int pcap_next_batch_linux(pcap_t *p, struct pcap_packet_linux *packets, int max);

/*
 What the kernel tells of a packet that a read lends, until the next read.
 */
PCAP_API
int pcap_packet_facts_linux(pcap_t *p,
                            const unsigned char *packet,
                            struct pcap_facts_linux *facts);

/*
 Counts since activation, in 64 bits. Signal handlers and other threads may ask while a read waits.
 */
PCAP_API int pcap_stats_linux(pcap_t *p, struct pcap_stat_linux *stats);

/*
 The fanout group to join, whose handles share what is captured.
 */
PCAP_API int pcap_set_fanout_linux(pcap_t *p, int mode, int flags, int group);

/*
 What chooses in a group of mode PCAP_FANOUT_CBPF.
 */
PCAP_API int pcap_set_fanout_program_linux(pcap_t *p, const struct bpf_program *program);

/*
 What chooses in a group of mode PCAP_FANOUT_EBPF: a program's descriptor, which stays the caller's.
 */
PCAP_API int pcap_set_fanout_ebpf_linux(pcap_t *p, int fd);

/*
 The number of the fanout group that an active handle is in.
 */
PCAP_API int pcap_get_fanout_linux(pcap_t *p);

/*
 Activates a handle and opens more like it, n in all, which share what is captured; it is the first of them.
 */
PCAP_API
int pcap_activate_group_linux(pcap_t *p,
                              int n,
                              pcap_t **handles);

/*
 Has the interface take in more than its own packets, for as long as the handle lives.
 */
PCAP_API
int pcap_add_membership_linux(pcap_t *p,
                              int kind,
                              const unsigned char *address,
                              int length);

/*
 Takes that back.
 */
PCAP_API
int pcap_drop_membership_linux(pcap_t *p,
                               int kind,
                               const unsigned char *address,
                               int length);

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

/*
 For how many microseconds a read that finds nothing has the driver look for packets; 0 for none.
 */
PCAP_API int pcap_set_busy_poll_linux(pcap_t *p, int microseconds);

/*
 The network namespace to capture in, by what stands for it in the file system; NULL or "" for the program's.
 */
PCAP_API
int pcap_set_netns_linux(pcap_t *p,
                         const char *path);

/*
 The same, by a descriptor, which is copied; -1 for the program's.
 */
PCAP_API int pcap_set_netns_fd_linux(pcap_t *p, int fd);

/*
 A queue with `memsize` bytes of memory, or NULL.
 */
PCAP_API struct pcap_send_queue *pcap_sendqueue_alloc(unsigned int memsize);

/*
 Frees a queue; NULL is nothing.
 */
PCAP_API void pcap_sendqueue_destroy(struct pcap_send_queue *queue);

/*
 Adds a packet, of which `pkt_header->caplen` bytes are at `pkt_data`: 0, or -1 if there is no room.
 */
PCAP_API
int pcap_sendqueue_queue(struct pcap_send_queue *queue,
                         const struct pcap_pkthdr *pkt_header,
                         const unsigned char *pkt_data);

/*
 Sends a queue's packets, if `sync` at the distances of their time stamps.
 */
PCAP_API unsigned int pcap_sendqueue_transmit(pcap_t *p, struct pcap_send_queue *queue, int sync);

/*
 Whether to send past the interface's queueing discipline.
 */
PCAP_API int pcap_set_qdisc_bypass_linux(pcap_t *p, int bypass);

/*
 A ring of about `bytes` bytes to send from, 0 for none; `flags` are `PCAP_TX_RING_*`.
 */
PCAP_API int pcap_set_tx_ring_linux(pcap_t *p, int bytes, int flags);

#ifdef __cplusplus
}
#endif

#endif
