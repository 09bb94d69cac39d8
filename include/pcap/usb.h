/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel's usbmon puts in front of every event, in the host's byte order:
 * Documentation/usb/usbmon.rst. DLT_USB_LINUX has the 48-byte header, DLT_USB_LINUX_MMAPPED the
 * 64-byte one.
 */
#ifndef lib_pcap_usb_h
#define lib_pcap_usb_h

#include <pcap/pcap-inttypes.h>

/* transfer_type */
#define URB_TRANSFER_IN 0x80
#define URB_ISOCHRONOUS 0x0
#define URB_INTERRUPT 0x1
#define URB_CONTROL 0x2
#define URB_BULK 0x3

/* event_type */
#define URB_SUBMIT 'S'
#define URB_COMPLETE 'C'
#define URB_ERROR 'E'

/* The setup packet of a control transfer, little-endian. */
typedef struct _usb_setup {
	uint8_t bmRequestType;
	uint8_t bRequest;
	uint16_t wValue;
	uint16_t wIndex;
	uint16_t wLength;
} pcap_usb_setup;

typedef struct _iso_rec {
	int32_t error_count;
	int32_t numdesc;
} iso_rec;

typedef struct _usb_header {
	pcap_4_byte_aligned_uint64 id; /* joins a completion to its submission */
	uint8_t event_type;
	uint8_t transfer_type;
	uint8_t endpoint_number; /* with URB_TRANSFER_IN for the direction */
	uint8_t device_address;
	uint16_t bus_id;
	char setup_flag; /* 0: setup is filled in */
	char data_flag;  /* 0: data follows */
	pcap_4_byte_aligned_int64 ts_sec;
	int32_t ts_usec;
	int32_t status;
	uint32_t urb_len;
	uint32_t data_len; /* bytes that follow */
	pcap_usb_setup setup;
} pcap_usb_header;

/* Kernels before 2.6.31 leave zeros in s.iso and in everything from interval on. */
typedef struct _usb_header_mmapped {
	pcap_4_byte_aligned_uint64 id;
	uint8_t event_type;
	uint8_t transfer_type;
	uint8_t endpoint_number;
	uint8_t device_address;
	uint16_t bus_id;
	char setup_flag;
	char data_flag;
	pcap_4_byte_aligned_int64 ts_sec;
	int32_t ts_usec;
	int32_t status;
	uint32_t urb_len;
	uint32_t data_len;
	union {
		pcap_usb_setup setup;
		iso_rec iso;
	} s;
	int32_t interval;    /* interrupt and isochronous transfers */
	int32_t start_frame; /* isochronous transfers */
	uint32_t xfer_flags;
	uint32_t ndesc; /* isochronous descriptors at the front of the data */
} pcap_usb_header_mmapped;

typedef struct _usb_isodesc {
	int32_t status;
	uint32_t offset;
	uint32_t len;
	uint8_t pad[4];
} usb_isodesc;

/* usbmon reports no more isochronous descriptors than this. */
#define USB_MAXDESC 128

#endif
