/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which compiler, and is it new enough? The library builds on Linux, where every compiler of
 * interest takes GCC's attributes; the tests for other vendors answer "no" and are here because
 * programs use them.
 */
#ifndef lib_pcap_compiler_tests_h
#define lib_pcap_compiler_tests_h

#ifdef __GNUC__
#define PCAP_IS_AT_LEAST_GNUC_VERSION(major, minor) \
	(__GNUC__ > (major) || (__GNUC__ == (major) && __GNUC_MINOR__ >= (minor)))
#else
#define PCAP_IS_AT_LEAST_GNUC_VERSION(major, minor) 0
#endif

#if defined(__clang__) && defined(__clang_major__) && defined(__clang_minor__)
#define PCAP_IS_AT_LEAST_CLANG_VERSION(major, minor) \
	(__clang_major__ > (major) || (__clang_major__ == (major) && __clang_minor__ >= (minor)))
#else
#define PCAP_IS_AT_LEAST_CLANG_VERSION(major, minor) 0
#endif

#define PCAP_IS_AT_LEAST_SUNC_VERSION(major, minor) 0
#define PCAP_IS_AT_LEAST_XL_C_VERSION(major, minor) 0
#define PCAP_IS_AT_LEAST_HP_C_VERSION(major, minor) 0
#define PCAP_IS_AT_LEAST_HP_C_CXX_VERSION(major, minor) 0

#endif
