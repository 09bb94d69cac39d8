/* SPDX-License-Identifier: BSD-3-Clause */
/* The old name of <pcap/namedb.h>. */
#include <pcap/namedb.h>
