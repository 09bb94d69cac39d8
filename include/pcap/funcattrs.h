/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands in front of, and behind, the declarations of the other headers. */
#ifndef lib_pcap_funcattrs_h
#define lib_pcap_funcattrs_h

#include <pcap/compiler-tests.h>

/* pcap_EXPORTS is for those who build a libpcap, not for those who use one. */
#if defined(pcap_EXPORTS) && PCAP_IS_AT_LEAST_GNUC_VERSION(3, 4)
#define PCAP_API_DEF __attribute__((visibility("default")))
#else
#define PCAP_API_DEF
#endif

#define PCAP_API PCAP_API_DEF extern

/*
 * The libpcap release that brought a function. They expand to nothing: documentation that a
 * compiler reads over. A release without a macro added no function.
 */
#define PCAP_AVAILABLE_0_4
#define PCAP_AVAILABLE_0_5
#define PCAP_AVAILABLE_0_6
#define PCAP_AVAILABLE_0_7
#define PCAP_AVAILABLE_0_8
#define PCAP_AVAILABLE_0_9
#define PCAP_AVAILABLE_1_0
#define PCAP_AVAILABLE_1_2
#define PCAP_AVAILABLE_1_5
#define PCAP_AVAILABLE_1_7
#define PCAP_AVAILABLE_1_8
#define PCAP_AVAILABLE_1_9
#define PCAP_AVAILABLE_1_9_REMOTE
#define PCAP_AVAILABLE_1_10
#define PCAP_AVAILABLE_1_10_REMOTE
#define PCAP_AVAILABLE_1_11

/*
 * Attributes. PCAP_NONNULL needs variadic macros, so C90 and C++98 go without it.
 *
 * The declarations here use neither PCAP_NONNULL nor PCAP_WARN_UNUSED_RESULT: this library answers
 * a null pointer with an error, and a program that builds without warnings against libpcap 1.10
 * must do so against these headers too.
 */
#if PCAP_IS_AT_LEAST_GNUC_VERSION(2, 5)
#define PCAP_NORETURN __attribute__((noreturn))
#define PCAP_NORETURN_DEF __attribute__((noreturn))
#define PCAP_PRINTFLIKE(x, y) __attribute__((__format__(__printf__, x, y)))
#else
#define PCAP_NORETURN
#define PCAP_NORETURN_DEF
#define PCAP_PRINTFLIKE(x, y)
#endif

#if PCAP_IS_AT_LEAST_GNUC_VERSION(4, 5) || PCAP_IS_AT_LEAST_CLANG_VERSION(2, 8)
#define PCAP_DEPRECATED(msg) __attribute__((deprecated(msg)))
#else
#define PCAP_DEPRECATED(msg)
#endif

#if PCAP_IS_AT_LEAST_GNUC_VERSION(3, 4)
#define PCAP_WARN_UNUSED_RESULT __attribute__((warn_unused_result))
#else
#define PCAP_WARN_UNUSED_RESULT
#endif

#if (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L) || \
	(defined(__cplusplus) && __cplusplus >= 201103L)
#if PCAP_IS_AT_LEAST_GNUC_VERSION(3, 3)
#define PCAP_NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#else
#define PCAP_NONNULL(...)
#endif
#endif

#define PCAP_FORMAT_STRING(p) p

#endif
