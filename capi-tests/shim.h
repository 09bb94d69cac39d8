/*
 * What a test program may ask of the preloaded shim (shim.c). Weak: NULL when it is not preloaded.
 */
#ifndef CAPI_SHIM_H
#define CAPI_SHIM_H

#ifdef __cplusplus
extern "C" {
#endif

/* Replaces the rules ("" = none) and forgets the calls seen. */
void shim_rules(const char *rules) __attribute__((weak));

/* How many calls like CALL[:LEVEL:OPTION[=VALUE]] were made and succeeded since. */
int shim_saw(const char *call) __attribute__((weak));

/* What ETHTOOL_GET_TS_INFO answers from now on; 0, 0 for the truth. */
void shim_ts_info(unsigned so_timestamping, unsigned rx_filters) __attribute__((weak));

/* How many packets more rtnetlink says that an interface has missed. */
void shim_missed(unsigned packets) __attribute__((weak));

/* How many packets lie in a socket's ring for the program to read; -1 if it has no ring. */
int shim_readable(int fd) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#endif
