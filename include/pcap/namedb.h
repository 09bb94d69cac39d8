/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of hosts, networks, ports and protocols as filter expressions look them up. */
#ifndef lib_pcap_namedb_h
#define lib_pcap_namedb_h

#include <stdio.h>

#include <pcap/pcap.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef PCAP_ETHERS_FILE
#define PCAP_ETHERS_FILE "/etc/ethers"
#endif

/* A line of PCAP_ETHERS_FILE. */
struct pcap_etherent {
	u_char addr[6];
	char name[122];
};

/* The next line of an ethers(5) file, in storage that the next call uses again; NULL at the end. */
PCAP_AVAILABLE_0_4
PCAP_API struct pcap_etherent *pcap_next_etherent(FILE *);

/* Ethernet address of a host, or of a text; free() the 6 bytes. NULL if there is none. */
PCAP_AVAILABLE_0_4
PCAP_API u_char *pcap_ether_hostton(const char *);

PCAP_AVAILABLE_0_4
PCAP_API u_char *pcap_ether_aton(const char *);

PCAP_AVAILABLE_0_4
PCAP_DEPRECATED("this is not reentrant; use 'pcap_nametoaddrinfo' instead")
PCAP_API bpf_u_int32 **pcap_nametoaddr(const char *);

/* Give the result to freeaddrinfo(). */
PCAP_AVAILABLE_0_7
PCAP_API struct addrinfo *pcap_nametoaddrinfo(const char *);

/* In host byte order; 0 if there is no such network. */
PCAP_AVAILABLE_0_4
PCAP_API bpf_u_int32 pcap_nametonetaddr(const char *);

/* Port and transport protocol (PROTO_UNDEF: TCP and UDP alike); 0 if there is no such port. */
PCAP_AVAILABLE_0_4
PCAP_API int pcap_nametoport(const char *, int *, int *);

PCAP_AVAILABLE_0_9
PCAP_API int pcap_nametoportrange(const char *, int *, int *, int *);

/* Number of an IP protocol, an EtherType, an LLC SAP; PROTO_UNDEF if there is no such name. */
PCAP_AVAILABLE_0_4
PCAP_API int pcap_nametoproto(const char *);

PCAP_AVAILABLE_0_4
PCAP_API int pcap_nametoeproto(const char *);

PCAP_AVAILABLE_0_9
PCAP_API int pcap_nametollc(const char *);

#define PROTO_UNDEF -1

#ifdef __cplusplus
}
#endif

#endif
