/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The headers of DLT_CAN_SOCKETCAN, after <linux/can.h>. Byte 4 tells the two apart: it is the
 * length of a CAN or CAN FD frame, which never reaches 0x80, or the flags of a CAN XL frame, in
 * which CANXL_XLF (0x80) is always set.
 */
#ifndef lib_pcap_can_socketcan_h
#define lib_pcap_can_socketcan_h

#include <pcap/pcap-inttypes.h>

/* CAN and CAN FD; can_id is in network byte order. */
typedef struct {
	uint32_t can_id;
	uint8_t payload_length;
	uint8_t fd_flags; /* CANFD_ */
	uint8_t reserved1;
	uint8_t reserved2;
} pcap_can_socketcan_hdr;

#define CANFD_BRS 0x01 /* payload sent at the second bit rate */
#define CANFD_ESI 0x02 /* the sender is error passive */
#define CANFD_FDF 0x04 /* a CAN FD frame, where CAN and CAN FD are mixed */

/* CAN XL; priority_vcid is in network byte order, the other numbers are little-endian. */
typedef struct {
	uint32_t priority_vcid;
	uint8_t flags; /* CANXL_ */
	uint8_t sdu_type;
	uint16_t payload_length;
	uint32_t acceptance_field;
} pcap_can_socketcan_xl_hdr;

#define CANXL_SEC 0x01 /* simple extended content */
#define CANXL_RRS 0x02 /* remote request substitution */
#define CANXL_XLF 0x80 /* a CAN XL frame */

#endif
