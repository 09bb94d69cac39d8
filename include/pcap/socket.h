/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets as the remote-capture functions hand them out: on Linux a file descriptor. */
#ifndef lib_pcap_socket_h
#define lib_pcap_socket_h

#include <sys/types.h>
#include <sys/socket.h>
#include <netdb.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#ifndef PCAP_SOCKET
#define PCAP_SOCKET int
#endif

#ifndef INVALID_SOCKET
#define INVALID_SOCKET -1
#endif

#endif
