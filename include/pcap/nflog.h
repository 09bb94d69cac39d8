/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DLT_NFLOG, https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html: a header, then TLVs padded to
 * 4 bytes. Length and type of a TLV are in the byte order of the capturing host, everything else
 * is in network byte order.
 */
#ifndef lib_pcap_nflog_h
#define lib_pcap_nflog_h

#include <pcap/pcap-inttypes.h>

typedef struct nflog_hdr {
	uint8_t nflog_family;  /* AF_ number */
	uint8_t nflog_version; /* 0 */
	uint16_t nflog_rid;    /* the log group */
} nflog_hdr_t;

typedef struct nflog_tlv {
	uint16_t tlv_length; /* header and value, without the padding */
	uint16_t tlv_type;   /* NFULA_ */
} nflog_tlv_t;

typedef struct nflog_packet_hdr {
	uint16_t hw_protocol; /* EtherType */
	uint8_t hook;         /* NF_INET_ number */
	uint8_t pad;
} nflog_packet_hdr_t;

typedef struct nflog_hwaddr {
	uint16_t hw_addrlen;
	uint16_t pad;
	uint8_t hw_addr[8];
} nflog_hwaddr_t;

typedef struct nflog_timestamp {
	uint64_t sec;
	uint64_t usec;
} nflog_timestamp_t;

/* TLV types; the numbers are those of <linux/netfilter/nfnetlink_log.h>. */
#define NFULA_PACKET_HDR 1         /* nflog_packet_hdr_t */
#define NFULA_MARK 2               /* the packet's mark */
#define NFULA_TIMESTAMP 3          /* nflog_timestamp_t */
#define NFULA_IFINDEX_INDEV 4      /* interface it came in by, perhaps a bridge */
#define NFULA_IFINDEX_OUTDEV 5     /* interface it goes out by, perhaps a bridge */
#define NFULA_IFINDEX_PHYSINDEV 6  /* bridge port it came in by */
#define NFULA_IFINDEX_PHYSOUTDEV 7 /* bridge port it goes out by */
#define NFULA_HWADDR 8             /* nflog_hwaddr_t */
#define NFULA_PAYLOAD 9            /* the packet from its network header on */
#define NFULA_PREFIX 10            /* the rule's log prefix, with its NUL */
#define NFULA_UID 11               /* owner of the local socket */
#define NFULA_SEQ 12               /* count within the log group */
#define NFULA_SEQ_GLOBAL 13        /* count over all log groups */
#define NFULA_GID 14               /* group of the local socket */
#define NFULA_HWTYPE 15            /* ARPHRD_ number of the device */
#define NFULA_HWHEADER 16          /* the link-layer header */
#define NFULA_HWLEN 17             /* its length */

#endif
