/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libpcap's C interface, as of libpcap 1.10 and what 1.11 adds. The man pages say how to use it:
 * https://www.tcpdump.org/manpages/pcap.3pcap.html
 *
 * Functions that return int return 0 or more when all went well and a negative number, often
 * one of PCAP_ERROR_, when not; the text is then in the handle, see pcap_geterr(), or in the
 * caller's buffer of PCAP_ERRBUF_SIZE bytes, which is each function's last argument.
 */
#ifndef lib_pcap_pcap_h
#define lib_pcap_pcap_h

#include <pcap/funcattrs.h>
#include <pcap/pcap-inttypes.h>

#include <sys/types.h>
#include <sys/time.h>

#include <pcap/socket.h>

#ifndef PCAP_DONT_INCLUDE_PCAP_BPF_H
#include <pcap/bpf.h>
#endif

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A <net/bpf.h> that is too old, or none at all. */
#if !defined(BPF_RELEASE) || BPF_RELEASE < 199406
typedef int bpf_int32;
typedef u_int bpf_u_int32;
#endif

struct bpf_program;
struct sockaddr;

#define PCAP_ERRBUF_SIZE 256

typedef struct pcap pcap_t;               /* a source of packets */
typedef struct pcap_dumper pcap_dumper_t; /* a savefile being written */
typedef struct pcap_if pcap_if_t;
typedef struct pcap_addr pcap_addr_t;

/* ---- Packets ---- */

struct pcap_pkthdr {
	struct timeval ts;  /* tv_usec holds nanoseconds where that precision was asked for */
	bpf_u_int32 caplen; /* bytes at hand */
	bpf_u_int32 len;    /* bytes the packet had */
};

struct pcap_stat {
	u_int ps_recv;
	u_int ps_drop;   /* for want of room in the buffer */
	u_int ps_ifdrop; /* by the interface or its driver */
};

/* User argument, header, bytes; header and bytes are lent for the time of the call. */
typedef void (*pcap_handler)(u_char *, const struct pcap_pkthdr *, const u_char *);

typedef enum {
	PCAP_D_INOUT = 0,
	PCAP_D_IN,
	PCAP_D_OUT
} pcap_direction_t;

/* ---- Devices ---- */

struct pcap_if {
	struct pcap_if *next;
	char *name;
	char *description; /* or NULL */
	struct pcap_addr *addresses;
	bpf_u_int32 flags; /* PCAP_IF_ */
};

/* Any of the last four may be NULL. */
struct pcap_addr {
	struct pcap_addr *next;
	struct sockaddr *addr;
	struct sockaddr *netmask;
	struct sockaddr *broadaddr;
	struct sockaddr *dstaddr; /* the peer of a point-to-point link */
};

#define PCAP_IF_LOOPBACK 0x00000001
#define PCAP_IF_UP 0x00000002
#define PCAP_IF_RUNNING 0x00000004
#define PCAP_IF_WIRELESS 0x00000008
/* A field of two bits and its four values. */
#define PCAP_IF_CONNECTION_STATUS 0x00000030
#define PCAP_IF_CONNECTION_STATUS_UNKNOWN 0x00000000
#define PCAP_IF_CONNECTION_STATUS_CONNECTED 0x00000010
#define PCAP_IF_CONNECTION_STATUS_DISCONNECTED 0x00000020
#define PCAP_IF_CONNECTION_STATUS_NOT_APPLICABLE 0x00000030

/* ---- Savefiles ---- */

#define PCAP_VERSION_MAJOR 2
#define PCAP_VERSION_MINOR 4

/* The head of a savefile, pcap-savefile(5). */
struct pcap_file_header {
	bpf_u_int32 magic;
	u_short version_major;
	u_short version_minor;
	bpf_int32 thiszone;   /* 0 */
	bpf_u_int32 sigfigs;  /* 0 */
	bpf_u_int32 snaplen;
	bpf_u_int32 linktype; /* LINKTYPE_ number, and the bits that the macros below take apart */
};

/* Parts of linktype, and of what pcap_datalink_ext() returns; the FCS is counted in 16-bit words. */
#define LT_LINKTYPE(x) ((x) & 0x0000FFFF)
#define LT_LINKTYPE_EXT(x) ((x) & 0xFFFF0000)
#define LT_RESERVED1(x) ((x) & 0x03FF0000)
#define LT_FCS_LENGTH_PRESENT(x) ((x) & 0x04000000)
#define LT_FCS_LENGTH(x) (((x) & 0xF0000000) >> 28)
#define LT_FCS_DATALINK_EXT(x) ((((x) & 0xF) << 28) | 0x04000000)

/* ---- Errors and warnings ---- */

#define PCAP_ERROR -1                          /* see the text */
#define PCAP_ERROR_BREAK -2                    /* pcap_breakloop() was called */
#define PCAP_ERROR_NOT_ACTIVATED -3            /* only after pcap_activate() */
#define PCAP_ERROR_ACTIVATED -4                /* only before pcap_activate() */
#define PCAP_ERROR_NO_SUCH_DEVICE -5
#define PCAP_ERROR_RFMON_NOTSUP -6             /* the device has no monitor mode */
#define PCAP_ERROR_NOT_RFMON -7                /* only in monitor mode */
#define PCAP_ERROR_PERM_DENIED -8
#define PCAP_ERROR_IFACE_NOT_UP -9
#define PCAP_ERROR_CANTSET_TSTAMP_TYPE -10     /* the device has no choice of time stamps */
#define PCAP_ERROR_PROMISC_PERM_DENIED -11     /* allowed to capture, but not promiscuously */
#define PCAP_ERROR_TSTAMP_PRECISION_NOTSUP -12
#define PCAP_ERROR_CAPTURE_NOTSUP -13          /* nothing here can capture on such a device */

#define PCAP_WARNING 1                         /* see the text */
#define PCAP_WARNING_PROMISC_NOTSUP 2          /* capturing, but not promiscuously */
#define PCAP_WARNING_TSTAMP_TYPE_NOTSUP 3      /* capturing, with another kind of time stamps */

PCAP_AVAILABLE_0_4
PCAP_API char *pcap_geterr(pcap_t *);

PCAP_AVAILABLE_0_4
PCAP_API void pcap_perror(pcap_t *, const char *);

PCAP_AVAILABLE_1_0
PCAP_API const char *pcap_statustostr(int);

PCAP_AVAILABLE_0_4
PCAP_API const char *pcap_strerror(int);

/* ---- The library ---- */

/* Options of pcap_init(). */
#define PCAP_CHAR_ENC_LOCAL 0x00000000U
#define PCAP_CHAR_ENC_UTF_8 0x00000001U
#define PCAP_MMAP_32BIT 0x00000002U /* packet buffers below 4 GiB */

PCAP_AVAILABLE_1_10
PCAP_API int pcap_init(unsigned int, char *);

PCAP_AVAILABLE_0_8
PCAP_API const char *pcap_lib_version(void);

/* ---- Finding devices ---- */

PCAP_AVAILABLE_0_7
PCAP_API int pcap_findalldevs(pcap_if_t **, char *);

PCAP_AVAILABLE_0_7
PCAP_API void pcap_freealldevs(pcap_if_t *);

PCAP_AVAILABLE_0_4
PCAP_DEPRECATED("use 'pcap_findalldevs' and use the first device")
PCAP_API char *pcap_lookupdev(char *);

/* IPv4 network and mask of a device, both in network byte order. */
PCAP_AVAILABLE_0_4
PCAP_API int pcap_lookupnet(const char *, bpf_u_int32 *, bpf_u_int32 *, char *);

/* ---- Opening a device: create, set, activate ---- */

/* Kinds of time stamps. Synced ones follow the system clock, backwards too. */
#define PCAP_TSTAMP_HOST 0                  /* the host's, kind unknown */
#define PCAP_TSTAMP_HOST_LOWPREC 1          /* the host's, cheap */
#define PCAP_TSTAMP_HOST_HIPREC 2           /* the host's, precise, synced */
#define PCAP_TSTAMP_ADAPTER 3               /* the adapter's, synced */
#define PCAP_TSTAMP_ADAPTER_UNSYNCED 4      /* the adapter's, by its own clock */
#define PCAP_TSTAMP_HOST_HIPREC_UNSYNCED 5  /* the host's, precise, by another clock */

#define PCAP_TSTAMP_PRECISION_MICRO 0
#define PCAP_TSTAMP_PRECISION_NANO 1

PCAP_AVAILABLE_1_0
PCAP_API pcap_t *pcap_create(const char *, char *);

PCAP_AVAILABLE_1_0
PCAP_API int pcap_set_snaplen(pcap_t *, int);

PCAP_AVAILABLE_1_0
PCAP_API int pcap_set_promisc(pcap_t *, int);

PCAP_AVAILABLE_1_0
PCAP_API int pcap_can_set_rfmon(pcap_t *);

PCAP_AVAILABLE_1_0
PCAP_API int pcap_set_rfmon(pcap_t *, int);

/* In milliseconds. */
PCAP_AVAILABLE_1_0
PCAP_API int pcap_set_timeout(pcap_t *, int);

PCAP_AVAILABLE_1_5
PCAP_API int pcap_set_immediate_mode(pcap_t *, int);

/* In bytes. */
PCAP_AVAILABLE_1_0
PCAP_API int pcap_set_buffer_size(pcap_t *, int);

PCAP_AVAILABLE_1_2
PCAP_API int pcap_set_tstamp_type(pcap_t *, int);

PCAP_AVAILABLE_1_2
PCAP_API int pcap_list_tstamp_types(pcap_t *, int **);

PCAP_AVAILABLE_1_2
PCAP_API void pcap_free_tstamp_types(int *);

PCAP_AVAILABLE_1_2
PCAP_API int pcap_tstamp_type_name_to_val(const char *);

PCAP_AVAILABLE_1_2
PCAP_API const char *pcap_tstamp_type_val_to_name(int);

PCAP_AVAILABLE_1_2
PCAP_API const char *pcap_tstamp_type_val_to_description(int);

PCAP_AVAILABLE_1_5
PCAP_API int pcap_set_tstamp_precision(pcap_t *, int);

PCAP_AVAILABLE_1_5
PCAP_API int pcap_get_tstamp_precision(pcap_t *);

/* An EtherType in host byte order; 0 for all. */
PCAP_AVAILABLE_1_9
PCAP_API int pcap_set_protocol_linux(pcap_t *, int);

PCAP_AVAILABLE_1_0
PCAP_API int pcap_activate(pcap_t *);

/* All of it in one call: device, snapshot length, promiscuous, timeout. */
PCAP_AVAILABLE_0_4
PCAP_API pcap_t *pcap_open_live(const char *, int, int, int, char *);

/* ---- Opening a savefile ("-" is standard input), or nothing ---- */

PCAP_AVAILABLE_0_4
PCAP_API pcap_t *pcap_open_offline(const char *, char *);

PCAP_AVAILABLE_1_5
PCAP_API pcap_t *pcap_open_offline_with_tstamp_precision(const char *, u_int, char *);

PCAP_AVAILABLE_0_9
PCAP_API pcap_t *pcap_fopen_offline(FILE *, char *);

PCAP_AVAILABLE_1_5
PCAP_API pcap_t *pcap_fopen_offline_with_tstamp_precision(FILE *, u_int, char *);

/* For compiling filters and writing savefiles: link-layer type, snapshot length. */
PCAP_AVAILABLE_0_6
PCAP_API pcap_t *pcap_open_dead(int, int);

PCAP_AVAILABLE_1_5
PCAP_API pcap_t *pcap_open_dead_with_tstamp_precision(int, int, u_int);

PCAP_AVAILABLE_0_4
PCAP_API void pcap_close(pcap_t *);

/* ---- Reading packets ---- */

PCAP_AVAILABLE_0_4
PCAP_API int pcap_loop(pcap_t *, int, pcap_handler, u_char *);

PCAP_AVAILABLE_0_4
PCAP_API int pcap_dispatch(pcap_t *, int, pcap_handler, u_char *);

PCAP_AVAILABLE_0_4
PCAP_API const u_char *pcap_next(pcap_t *, struct pcap_pkthdr *);

/* 1 packet, 0 timeout, PCAP_ERROR_BREAK at the end of a savefile too. */
PCAP_AVAILABLE_0_8
PCAP_API int pcap_next_ex(pcap_t *, struct pcap_pkthdr **, const u_char **);

/* May be called from a signal handler and from another thread. */
PCAP_AVAILABLE_0_8
PCAP_API void pcap_breakloop(pcap_t *);

PCAP_AVAILABLE_0_7
PCAP_API int pcap_getnonblock(pcap_t *, char *);

PCAP_AVAILABLE_0_7
PCAP_API int pcap_setnonblock(pcap_t *, int, char *);

PCAP_AVAILABLE_0_8
PCAP_API int pcap_get_selectable_fd(pcap_t *);

PCAP_AVAILABLE_1_9
PCAP_API const struct timeval *pcap_get_required_select_timeout(pcap_t *);

PCAP_AVAILABLE_0_9
PCAP_API int pcap_setdirection(pcap_t *, pcap_direction_t);

PCAP_AVAILABLE_0_4
PCAP_API int pcap_stats(pcap_t *, struct pcap_stat *);

/* ---- Sending packets ---- */

/* Returns the number of bytes sent. */
PCAP_AVAILABLE_0_9
PCAP_API int pcap_inject(pcap_t *, const void *, size_t);

/* Returns 0. */
PCAP_AVAILABLE_0_8
PCAP_API int pcap_sendpacket(pcap_t *, const u_char *, int);

/* ---- Filters ---- */

/* The netmask for pcap_compile() when there is none to tell. */
#define PCAP_NETMASK_UNKNOWN 0xffffffff

/* Program to fill in, expression, optimise, netmask of the local network. */
PCAP_AVAILABLE_0_4
PCAP_API int pcap_compile(pcap_t *, struct bpf_program *, const char *, int, bpf_u_int32);

PCAP_AVAILABLE_0_5
PCAP_DEPRECATED("use pcap_open_dead(), pcap_compile() and pcap_close()")
PCAP_API int pcap_compile_nopcap(int, int, struct bpf_program *, const char *, int, bpf_u_int32);

PCAP_AVAILABLE_0_6
PCAP_API void pcap_freecode(struct bpf_program *);

PCAP_AVAILABLE_0_4
PCAP_API int pcap_setfilter(pcap_t *, struct bpf_program *);

PCAP_AVAILABLE_1_0
PCAP_API int pcap_offline_filter(const struct bpf_program *, const struct pcap_pkthdr *,
	const u_char *);

/* ---- Link-layer types ---- */

PCAP_AVAILABLE_0_4
PCAP_API int pcap_datalink(pcap_t *);

PCAP_AVAILABLE_1_0
PCAP_API int pcap_datalink_ext(pcap_t *);

PCAP_AVAILABLE_0_8
PCAP_API int pcap_list_datalinks(pcap_t *, int **);

PCAP_AVAILABLE_0_8
PCAP_API void pcap_free_datalinks(int *);

PCAP_AVAILABLE_0_8
PCAP_API int pcap_set_datalink(pcap_t *, int);

PCAP_AVAILABLE_0_8
PCAP_API int pcap_datalink_name_to_val(const char *);

PCAP_AVAILABLE_0_8
PCAP_API const char *pcap_datalink_val_to_name(int);

PCAP_AVAILABLE_0_8
PCAP_API const char *pcap_datalink_val_to_description(int);

PCAP_AVAILABLE_1_9
PCAP_API const char *pcap_datalink_val_to_description_or_dlt(int);

/* ---- What a handle is ---- */

PCAP_AVAILABLE_0_4
PCAP_API int pcap_snapshot(pcap_t *);

PCAP_AVAILABLE_1_9
PCAP_API int pcap_bufsize(pcap_t *);

PCAP_AVAILABLE_0_4
PCAP_API int pcap_fileno(pcap_t *);

PCAP_AVAILABLE_0_4
PCAP_API FILE *pcap_file(pcap_t *);

PCAP_AVAILABLE_0_4
PCAP_API int pcap_is_swapped(pcap_t *);

PCAP_AVAILABLE_0_4
PCAP_API int pcap_major_version(pcap_t *);

PCAP_AVAILABLE_0_4
PCAP_API int pcap_minor_version(pcap_t *);

/* ---- Writing savefiles ("-" is standard output) ---- */

PCAP_AVAILABLE_0_4
PCAP_API pcap_dumper_t *pcap_dump_open(pcap_t *, const char *);

PCAP_AVAILABLE_1_7
PCAP_API pcap_dumper_t *pcap_dump_open_append(pcap_t *, const char *);

PCAP_AVAILABLE_0_9
PCAP_API pcap_dumper_t *pcap_dump_fopen(pcap_t *, FILE *);

/* Is a pcap_handler; its user argument is the pcap_dumper_t. */
PCAP_AVAILABLE_0_4
PCAP_API void pcap_dump(u_char *, const struct pcap_pkthdr *, const u_char *);

PCAP_AVAILABLE_0_8
PCAP_API int pcap_dump_flush(pcap_dumper_t *);

PCAP_AVAILABLE_0_9
PCAP_API long pcap_dump_ftell(pcap_dumper_t *);

PCAP_AVAILABLE_1_9
PCAP_API int64_t pcap_dump_ftell64(pcap_dumper_t *);

PCAP_AVAILABLE_0_8
PCAP_API FILE *pcap_dump_file(pcap_dumper_t *);

PCAP_AVAILABLE_0_4
PCAP_API void pcap_dump_close(pcap_dumper_t *);

/* ---- Remote capture (rpcap) and sources given as URLs ---- */

/* Room that pcap_createsrcstr() and pcap_parsesrcstr() want in each of their buffers. */
#define PCAP_BUF_SIZE 1024

/* Kinds of sources, and what their URLs begin with. */
#define PCAP_SRC_FILE 2
#define PCAP_SRC_IFLOCAL 3
#define PCAP_SRC_IFREMOTE 4

#define PCAP_SRC_FILE_STRING "file://"
#define PCAP_SRC_IF_STRING "rpcap://"

/* Flags of pcap_open(). */
#define PCAP_OPENFLAG_PROMISCUOUS 0x00000001
#define PCAP_OPENFLAG_DATATX_UDP 0x00000002        /* packets come by UDP */
#define PCAP_OPENFLAG_NOCAPTURE_RPCAP 0x00000004   /* leave out the rpcap connection itself */
#define PCAP_OPENFLAG_NOCAPTURE_LOCAL 0x00000008   /* Windows: leave out what we send */
#define PCAP_OPENFLAG_MAX_RESPONSIVENESS 0x00000010 /* immediate mode */

/* Kinds of authentication. A password crosses the network readable, but for rpcaps://. */
#define RPCAP_RMTAUTH_NULL 0
#define RPCAP_RMTAUTH_PWD 1

struct pcap_rmtauth {
	int type; /* RPCAP_RMTAUTH_ */
	char *username;
	char *password;
};

/* Source, snapshot length, flags, timeout in milliseconds. */
PCAP_AVAILABLE_1_9_REMOTE
PCAP_API pcap_t *pcap_open(const char *, int, int, int, struct pcap_rmtauth *, char *);

PCAP_AVAILABLE_1_9_REMOTE
PCAP_API int pcap_findalldevs_ex(const char *, struct pcap_rmtauth *, pcap_if_t **, char *);

/* URL, kind, host, port, name: made from its parts, and taken apart. */
PCAP_AVAILABLE_1_9_REMOTE
PCAP_API int pcap_createsrcstr(char *, int, const char *, const char *, const char *, char *);

PCAP_AVAILABLE_1_9_REMOTE
PCAP_API int pcap_parsesrcstr(const char *, int *, char *, char *, char *, char *);

/* Sampling, done by the remote side. */
#define PCAP_SAMP_NOSAMP 0
#define PCAP_SAMP_1_EVERY_N 1        /* the first of every value packets */
#define PCAP_SAMP_FIRST_AFTER_N_MS 2 /* the first packet after every value milliseconds */

struct pcap_samp {
	int method; /* PCAP_SAMP_ */
	int value;
};

PCAP_AVAILABLE_1_9_REMOTE
PCAP_API struct pcap_samp *pcap_setsampling(pcap_t *);

/* Active mode, in which the remote side connects to us. */
#define RPCAP_HOSTLIST_SIZE 1024

/* Address, port, hosts allowed, buffer for the host that came. */
PCAP_AVAILABLE_1_9_REMOTE
PCAP_API PCAP_SOCKET pcap_remoteact_accept(const char *, const char *, const char *, char *,
	struct pcap_rmtauth *, char *);

/* The same with TLS, or without. */
PCAP_AVAILABLE_1_10_REMOTE
PCAP_API PCAP_SOCKET pcap_remoteact_accept_ex(const char *, const char *, const char *, char *,
	struct pcap_rmtauth *, int, char *);

PCAP_AVAILABLE_1_9_REMOTE
PCAP_API int pcap_remoteact_list(char *, char, int, char *);

PCAP_AVAILABLE_1_9_REMOTE
PCAP_API int pcap_remoteact_close(const char *, char *);

PCAP_AVAILABLE_1_9_REMOTE
PCAP_API void pcap_remoteact_cleanup(void);

#ifdef __cplusplus
}
#endif

#endif
