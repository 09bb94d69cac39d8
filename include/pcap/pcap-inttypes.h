/* SPDX-License-Identifier: BSD-3-Clause */
/* Integer types: the exact-width ones, BSD's u_*, and 64 bits that are only 4-byte aligned. */
#ifndef pcap_pcap_inttypes_h
#define pcap_pcap_inttypes_h

#include <inttypes.h>
#include <string.h>
#include <sys/types.h>

/*
 * glibc leaves the u_* types out of <sys/types.h> under a strict -std=c90 and the like; programs
 * that know this define them as macros.
 */
#if defined(__GLIBC__) && !defined(__u_char_defined)
#ifndef u_char
typedef unsigned char u_char;
#endif
#ifndef u_short
typedef unsigned short u_short;
#endif
#ifndef u_int
typedef unsigned int u_int;
#endif
#endif

/*
 * A 64-bit number in a packet that is known to lie on a 4-byte boundary and no better. Use it like
 * any number, or through the functions below, which libpcap 1.11 asks for.
 */
#ifdef __GNUC__
typedef uint64_t pcap_4_byte_aligned_uint64 __attribute__((__aligned__(4)));
typedef int64_t pcap_4_byte_aligned_int64 __attribute__((__aligned__(4)));
#define pcap_inline_ static __inline__
#else
typedef uint64_t pcap_4_byte_aligned_uint64;
typedef int64_t pcap_4_byte_aligned_int64;
#define pcap_inline_ static inline
#endif

pcap_inline_ uint64_t pcap_4_byte_aligned_uint64_val(pcap_4_byte_aligned_uint64 val)
{
	return val;
}

pcap_inline_ int64_t pcap_4_byte_aligned_int64_val(pcap_4_byte_aligned_int64 val)
{
	return val;
}

#undef pcap_inline_

#endif
