/* SPDX-License-Identifier: BSD-3-Clause */
/* The old name of <pcap/bpf.h>. */
#include <pcap/bpf.h>
