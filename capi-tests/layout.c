/*
 * The layout of every structure in the headers, for 64-bit Linux: sizes, and each member's offset
 * and size. Compiled only; a figure that is wrong is a compile error. The same file must compile
 * against the headers of any libpcap, which is what makes the figures libpcap's and not ours.
 */
#include <pcap.h>

#include <pcap-namedb.h>
#include <pcap/bluetooth.h>
#include <pcap/can_socketcan.h>
#include <pcap/nflog.h>
#include <pcap/sll.h>
#include <pcap/usb.h>
#include <pcap/vlan.h>

#include <stddef.h>

#ifndef __LP64__
#error "these are the figures of 64-bit Linux"
#endif

#define GLUE(a, b) a##b
#define NAMED(line) GLUE(holds_at_line_, line)
#define HOLDS(what) extern char NAMED(__LINE__)[(what) ? 1 : -1]

#define SIZE(type, size) HOLDS(sizeof(type) == (size))
#define AT(type, member, offset, size) \
	HOLDS(offsetof(type, member) == (offset) && sizeof(((type *)0)->member) == (size))

SIZE(struct pcap_pkthdr, 24);
AT(struct pcap_pkthdr, ts, 0, 16);
AT(struct pcap_pkthdr, caplen, 16, 4);
AT(struct pcap_pkthdr, len, 20, 4);

SIZE(struct pcap_stat, 12);
AT(struct pcap_stat, ps_recv, 0, 4);
AT(struct pcap_stat, ps_drop, 4, 4);
AT(struct pcap_stat, ps_ifdrop, 8, 4);

SIZE(struct pcap_if, 40);
AT(struct pcap_if, next, 0, 8);
AT(struct pcap_if, name, 8, 8);
AT(struct pcap_if, description, 16, 8);
AT(struct pcap_if, addresses, 24, 8);
AT(struct pcap_if, flags, 32, 4);

SIZE(struct pcap_addr, 40);
AT(struct pcap_addr, next, 0, 8);
AT(struct pcap_addr, addr, 8, 8);
AT(struct pcap_addr, netmask, 16, 8);
AT(struct pcap_addr, broadaddr, 24, 8);
AT(struct pcap_addr, dstaddr, 32, 8);

SIZE(struct pcap_file_header, 24);
AT(struct pcap_file_header, magic, 0, 4);
AT(struct pcap_file_header, version_major, 4, 2);
AT(struct pcap_file_header, version_minor, 6, 2);
AT(struct pcap_file_header, thiszone, 8, 4);
AT(struct pcap_file_header, sigfigs, 12, 4);
AT(struct pcap_file_header, snaplen, 16, 4);
AT(struct pcap_file_header, linktype, 20, 4);

SIZE(struct pcap_rmtauth, 24);
AT(struct pcap_rmtauth, type, 0, 4);
AT(struct pcap_rmtauth, username, 8, 8);
AT(struct pcap_rmtauth, password, 16, 8);

SIZE(struct pcap_samp, 8);
AT(struct pcap_samp, method, 0, 4);
AT(struct pcap_samp, value, 4, 4);

SIZE(struct bpf_insn, 8);
AT(struct bpf_insn, code, 0, 2);
AT(struct bpf_insn, jt, 2, 1);
AT(struct bpf_insn, jf, 3, 1);
AT(struct bpf_insn, k, 4, 4);

SIZE(struct bpf_program, 16);
AT(struct bpf_program, bf_len, 0, 4);
AT(struct bpf_program, bf_insns, 8, 8);

SIZE(struct pcap_etherent, 128);
AT(struct pcap_etherent, addr, 0, 6);
AT(struct pcap_etherent, name, 6, 122);

SIZE(struct sll_header, 16);
AT(struct sll_header, sll_pkttype, 0, 2);
AT(struct sll_header, sll_hatype, 2, 2);
AT(struct sll_header, sll_halen, 4, 2);
AT(struct sll_header, sll_addr, 6, 8);
AT(struct sll_header, sll_protocol, 14, 2);

SIZE(struct sll2_header, 20);
AT(struct sll2_header, sll2_protocol, 0, 2);
AT(struct sll2_header, sll2_reserved_mbz, 2, 2);
AT(struct sll2_header, sll2_if_index, 4, 4);
AT(struct sll2_header, sll2_hatype, 8, 2);
AT(struct sll2_header, sll2_pkttype, 10, 1);
AT(struct sll2_header, sll2_halen, 11, 1);
AT(struct sll2_header, sll2_addr, 12, 8);

SIZE(struct vlan_tag, 4);
AT(struct vlan_tag, vlan_tpid, 0, 2);
AT(struct vlan_tag, vlan_tci, 2, 2);

SIZE(pcap_can_socketcan_hdr, 8);
AT(pcap_can_socketcan_hdr, can_id, 0, 4);
AT(pcap_can_socketcan_hdr, payload_length, 4, 1);
AT(pcap_can_socketcan_hdr, fd_flags, 5, 1);
AT(pcap_can_socketcan_hdr, reserved1, 6, 1);
AT(pcap_can_socketcan_hdr, reserved2, 7, 1);

#ifdef CANXL_XLF /* libpcap 1.11 */
SIZE(pcap_can_socketcan_xl_hdr, 12);
AT(pcap_can_socketcan_xl_hdr, priority_vcid, 0, 4);
AT(pcap_can_socketcan_xl_hdr, flags, 4, 1);
AT(pcap_can_socketcan_xl_hdr, sdu_type, 5, 1);
AT(pcap_can_socketcan_xl_hdr, payload_length, 6, 2);
AT(pcap_can_socketcan_xl_hdr, acceptance_field, 8, 4);
#endif

SIZE(pcap_usb_setup, 8);
AT(pcap_usb_setup, bmRequestType, 0, 1);
AT(pcap_usb_setup, bRequest, 1, 1);
AT(pcap_usb_setup, wValue, 2, 2);
AT(pcap_usb_setup, wIndex, 4, 2);
AT(pcap_usb_setup, wLength, 6, 2);

SIZE(iso_rec, 8);
AT(iso_rec, error_count, 0, 4);
AT(iso_rec, numdesc, 4, 4);

SIZE(pcap_usb_header, 48);
AT(pcap_usb_header, id, 0, 8);
AT(pcap_usb_header, event_type, 8, 1);
AT(pcap_usb_header, transfer_type, 9, 1);
AT(pcap_usb_header, endpoint_number, 10, 1);
AT(pcap_usb_header, device_address, 11, 1);
AT(pcap_usb_header, bus_id, 12, 2);
AT(pcap_usb_header, setup_flag, 14, 1);
AT(pcap_usb_header, data_flag, 15, 1);
AT(pcap_usb_header, ts_sec, 16, 8);
AT(pcap_usb_header, ts_usec, 24, 4);
AT(pcap_usb_header, status, 28, 4);
AT(pcap_usb_header, urb_len, 32, 4);
AT(pcap_usb_header, data_len, 36, 4);
AT(pcap_usb_header, setup, 40, 8);

SIZE(pcap_usb_header_mmapped, 64);
AT(pcap_usb_header_mmapped, id, 0, 8);
AT(pcap_usb_header_mmapped, event_type, 8, 1);
AT(pcap_usb_header_mmapped, transfer_type, 9, 1);
AT(pcap_usb_header_mmapped, endpoint_number, 10, 1);
AT(pcap_usb_header_mmapped, device_address, 11, 1);
AT(pcap_usb_header_mmapped, bus_id, 12, 2);
AT(pcap_usb_header_mmapped, setup_flag, 14, 1);
AT(pcap_usb_header_mmapped, data_flag, 15, 1);
AT(pcap_usb_header_mmapped, ts_sec, 16, 8);
AT(pcap_usb_header_mmapped, ts_usec, 24, 4);
AT(pcap_usb_header_mmapped, status, 28, 4);
AT(pcap_usb_header_mmapped, urb_len, 32, 4);
AT(pcap_usb_header_mmapped, data_len, 36, 4);
AT(pcap_usb_header_mmapped, s, 40, 8);
AT(pcap_usb_header_mmapped, s.setup, 40, 8);
AT(pcap_usb_header_mmapped, s.iso, 40, 8);
AT(pcap_usb_header_mmapped, interval, 48, 4);
AT(pcap_usb_header_mmapped, start_frame, 52, 4);
AT(pcap_usb_header_mmapped, xfer_flags, 56, 4);
AT(pcap_usb_header_mmapped, ndesc, 60, 4);

SIZE(usb_isodesc, 16);
AT(usb_isodesc, status, 0, 4);
AT(usb_isodesc, offset, 4, 4);
AT(usb_isodesc, len, 8, 4);
AT(usb_isodesc, pad, 12, 4);

SIZE(pcap_bluetooth_h4_header, 4);
AT(pcap_bluetooth_h4_header, direction, 0, 4);

SIZE(pcap_bluetooth_linux_monitor_header, 4);
AT(pcap_bluetooth_linux_monitor_header, adapter_id, 0, 2);
AT(pcap_bluetooth_linux_monitor_header, opcode, 2, 2);

SIZE(nflog_hdr_t, 4);
AT(nflog_hdr_t, nflog_family, 0, 1);
AT(nflog_hdr_t, nflog_version, 1, 1);
AT(nflog_hdr_t, nflog_rid, 2, 2);

SIZE(nflog_tlv_t, 4);
AT(nflog_tlv_t, tlv_length, 0, 2);
AT(nflog_tlv_t, tlv_type, 2, 2);

SIZE(nflog_packet_hdr_t, 4);
AT(nflog_packet_hdr_t, hw_protocol, 0, 2);
AT(nflog_packet_hdr_t, hook, 2, 1);
AT(nflog_packet_hdr_t, pad, 3, 1);

SIZE(nflog_hwaddr_t, 12);
AT(nflog_hwaddr_t, hw_addrlen, 0, 2);
AT(nflog_hwaddr_t, pad, 2, 2);
AT(nflog_hwaddr_t, hw_addr, 4, 8);

SIZE(nflog_timestamp_t, 16);
AT(nflog_timestamp_t, sec, 0, 8);
AT(nflog_timestamp_t, usec, 8, 8);
