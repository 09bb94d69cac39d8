/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link-layer types: what pcap_datalink() says of the packets' first header. Formats:
 * https://www.tcpdump.org/linktypes.html. New numbers are given out there and nowhere else.
 */
#ifndef lib_pcap_dlt_h
#define lib_pcap_dlt_h

/* Original numbers. */
#define DLT_NULL 0 /* BSD loopback: AF_ number in the capturing host's byte order */
#define DLT_EN10MB 1 /* Ethernet of any speed */
#define DLT_EN3MB 2 /* experimental 3 Mb/s Ethernet */
#define DLT_AX25 3 /* amateur radio AX.25 */
#define DLT_PRONET 4 /* Proteon ProNET token ring */
#define DLT_CHAOS 5 /* Chaosnet */
#define DLT_IEEE802 6 /* 802.5 token ring */
#define DLT_ARCNET 7 /* ARCNET, BSD header */
#define DLT_SLIP 8 /* SLIP with direction byte */
#define DLT_PPP 9 /* PPP */
#define DLT_FDDI 10 /* FDDI */

/* These differ between systems; the numbers are those of Linux. */
#define DLT_ATM_RFC1483 11 /* LLC-encapsulated ATM, RFC 1483 */
#define DLT_RAW 12 /* IPv4 or IPv6, told apart by its version */
#define DLT_SLIP_BSDOS 15 /* SLIP of BSD/OS */
#define DLT_PPP_BSDOS 16 /* PPP of BSD/OS */
#define DLT_ATM_CLIP 19 /* Linux classical IP over ATM */
#define DLT_REDBACK_SMARTEDGE 32 /* Redback SmartEdge */
#define DLT_PPP_SERIAL 50 /* PPP in HDLC-like framing */
#define DLT_PPP_ETHER 51 /* PPPoE session */
#define DLT_SYMANTEC_FIREWALL 99 /* Symantec Enterprise Firewall */

/* From here on a DLT_ number and the LINKTYPE_ number of a savefile are the same. */
#define DLT_C_HDLC 104 /* Cisco HDLC */
#define DLT_CHDLC DLT_C_HDLC
#define DLT_IEEE802_11 105 /* 802.11 */
#define DLT_FRELAY 107 /* Frame Relay */
#define DLT_LOOP 108 /* OpenBSD loopback: AF_ number in network byte order */
#define DLT_ENC 109 /* OpenBSD encapsulated IP */
#define DLT_HDLC 112 /* NetBSD HDLC */
#define DLT_LINUX_SLL 113 /* Linux cooked capture, <pcap/sll.h> */
#define DLT_LTALK 114 /* LocalTalk */
#define DLT_ECONET 115 /* Acorn Econet */
#define DLT_IPFILTER 116 /* OpenBSD ipfilter */
#define DLT_PFLOG 117 /* OpenBSD pf log */
#define DLT_CISCO_IOS 118 /* Cisco-internal */
#define DLT_PRISM_HEADER 119 /* 802.11 after a Prism header */
#define DLT_AIRONET_HEADER 120 /* Aironet-internal */
#define DLT_HHDLC 121 /* Siemens HiPath HDLC */
#define DLT_IP_OVER_FC 122 /* IP over Fibre Channel, RFC 2625 */
#define DLT_SUNATM 123 /* ATM with Solaris SunATM header */
#define DLT_RIO 124 /* RapidIO */
#define DLT_PCI_EXP 125 /* PCI Express */
#define DLT_AURORA 126 /* Xilinx Aurora */
#define DLT_IEEE802_11_RADIO 127 /* 802.11 after a radiotap header */
#define DLT_TZSP 128 /* Tazmen Sniffer Protocol */
#define DLT_ARCNET_LINUX 129 /* ARCNET, Linux header */
#define DLT_JUNIPER_MLPPP 130
#define DLT_JUNIPER_MLFR 131
#define DLT_JUNIPER_ES 132
#define DLT_JUNIPER_GGSN 133
#define DLT_JUNIPER_MFR 134
#define DLT_JUNIPER_ATM2 135
#define DLT_JUNIPER_SERVICES 136
#define DLT_JUNIPER_ATM1 137
#define DLT_APPLE_IP_OVER_IEEE1394 138 /* IP over FireWire, Apple's header */
#define DLT_MTP2_WITH_PHDR 139 /* SS7 MTP2 after a pseudo-header */
#define DLT_MTP2 140 /* SS7 MTP2 */
#define DLT_MTP3 141 /* SS7 MTP3 */
#define DLT_SCCP 142 /* SS7 SCCP */
#define DLT_DOCSIS 143 /* DOCSIS MAC frames */
#define DLT_LINUX_IRDA 144 /* IrDA, cooked header */
#define DLT_IBM_SP 145 /* IBM SP switch */
#define DLT_IBM_SN 146 /* IBM next federation switch */
#define DLT_USER0 147 /* 147 to 162: private use */
#define DLT_USER1 148
#define DLT_USER2 149
#define DLT_USER3 150
#define DLT_USER4 151
#define DLT_USER5 152
#define DLT_USER6 153
#define DLT_USER7 154
#define DLT_USER8 155
#define DLT_USER9 156
#define DLT_USER10 157
#define DLT_USER11 158
#define DLT_USER12 159
#define DLT_USER13 160
#define DLT_USER14 161
#define DLT_USER15 162
#define DLT_IEEE802_11_RADIO_AVS 163 /* 802.11 after an AVS radio header */
#define DLT_JUNIPER_MONITOR 164
#define DLT_BACNET_MS_TP 165 /* BACnet MS/TP */
#define DLT_PPP_PPPD 166 /* PPP of pppd, first byte is the direction */
#define DLT_PPP_WITH_DIRECTION DLT_PPP_PPPD
#define DLT_LINUX_PPP_WITHDIRECTION DLT_PPP_PPPD
#define DLT_JUNIPER_PPPOE 167
#define DLT_JUNIPER_PPPOE_ATM 168
#define DLT_GPRS_LLC 169 /* GPRS LLC */
#define DLT_GPF_T 170 /* Generic Framing Procedure, transparent mapping */
#define DLT_GPF_F 171 /* Generic Framing Procedure, frame mapping */
#define DLT_GCOM_T1E1 172 /* Gcom T1/E1 monitor */
#define DLT_GCOM_SERIAL 173 /* Gcom serial monitor */
#define DLT_JUNIPER_PIC_PEER 174
#define DLT_ERF_ETH 175 /* Ethernet after an Endace ERF header */
#define DLT_ERF_POS 176 /* packet over SONET after an Endace ERF header */
#define DLT_LINUX_LAPD 177 /* Linux vISDN LAPD, cooked header */
#define DLT_JUNIPER_ETHER 178
#define DLT_JUNIPER_PPP 179
#define DLT_JUNIPER_FRELAY 180
#define DLT_JUNIPER_CHDLC 181
#define DLT_MFR 182 /* multi-link Frame Relay, FRF.16 */
#define DLT_JUNIPER_VP 183
#define DLT_A429 184 /* ARINC 429 words */
#define DLT_A653_ICM 185 /* ARINC 653 interpartition messages */
#define DLT_USB_FREEBSD 186 /* USB, FreeBSD header */
#define DLT_USB 186 /* older name of DLT_USB_FREEBSD */
#define DLT_BLUETOOTH_HCI_H4 187 /* Bluetooth HCI, UART transport */
#define DLT_IEEE802_16_MAC_CPS 188 /* 802.16 MAC common part sublayer */
#define DLT_USB_LINUX 189 /* USB, 48-byte usbmon header, <pcap/usb.h> */
#define DLT_CAN20B 190 /* CAN 2.0B */
#define DLT_IEEE802_15_4_LINUX 191 /* 802.15.4 with Linux's padded addresses */
#define DLT_PPI 192 /* Per-Packet Information */
#define DLT_IEEE802_16_MAC_CPS_RADIO 193 /* 802.16 MAC after a radiotap header */
#define DLT_JUNIPER_ISM 194
#define DLT_IEEE802_15_4_WITHFCS 195 /* 802.15.4 with its FCS */
#define DLT_IEEE802_15_4 DLT_IEEE802_15_4_WITHFCS
#define DLT_SITA 196 /* SITA WAN header */
#define DLT_ERF 197 /* Endace ERF records */
#define DLT_RAIF1 198 /* u10 Networks Ethernet */
#define DLT_IPMB_KONTRON 199 /* IPMB, Kontron header */
#define DLT_JUNIPER_ST 200
#define DLT_BLUETOOTH_HCI_H4_WITH_PHDR 201 /* Bluetooth HCI with direction, <pcap/bluetooth.h> */
#define DLT_AX25_KISS 202 /* AX.25 after a KISS byte */
#define DLT_LAPD 203 /* ISDN LAPD, Q.921 */
#define DLT_PPP_WITH_DIR 204 /* PPP after a direction byte */
#define DLT_C_HDLC_WITH_DIR 205 /* Cisco HDLC after a direction byte */
#define DLT_FRELAY_WITH_DIR 206 /* Frame Relay after a direction byte */
#define DLT_LAPB_WITH_DIR 207 /* LAPB after a direction byte */
#define DLT_I2C_LINUX 209 /* I2C, Linux header */
#define DLT_IPMB_LINUX 209 /* older name of DLT_I2C_LINUX */
#define DLT_FLEXRAY 210 /* FlexRay bus */
#define DLT_MOST 211 /* MOST bus */
#define DLT_LIN 212 /* LIN bus */
#define DLT_X2E_SERIAL 213 /* X2E serial line */
#define DLT_X2E_XORAYA 214 /* X2E Xoraya data logger */
#define DLT_IEEE802_15_4_NONASK_PHY 215 /* 802.15.4 with non-ASK PHY header */
#define DLT_LINUX_EVDEV 216 /* Linux input events */
#define DLT_GSMTAP_UM 217 /* GSMTAP, Um interface */
#define DLT_GSMTAP_ABIS 218 /* GSMTAP, Abis interface */
#define DLT_MPLS 219 /* MPLS label stack first */
#define DLT_USB_LINUX_MMAPPED 220 /* USB, 64-byte usbmon header, <pcap/usb.h> */
#define DLT_DECT 221 /* DECT with pseudo-header */
#define DLT_AOS 222 /* CCSDS AOS space data link */
#define DLT_WIHART 223 /* WirelessHART */
#define DLT_FC_2 224 /* Fibre Channel FC-2 */
#define DLT_FC_2_WITH_FRAME_DELIMS 225 /* Fibre Channel FC-2 with SOF and EOF */
#define DLT_IPNET 226 /* Solaris ipnet, <pcap/ipnet.h> */
#define DLT_CAN_SOCKETCAN 227 /* CAN, <pcap/can_socketcan.h> */
#define DLT_IPV4 228 /* IPv4 and nothing else */
#define DLT_IPV6 229 /* IPv6 and nothing else */
#define DLT_IEEE802_15_4_NOFCS 230 /* 802.15.4 without FCS */
#define DLT_DBUS 231 /* D-Bus messages */
#define DLT_JUNIPER_VS 232
#define DLT_JUNIPER_SRX_E2E 233
#define DLT_JUNIPER_FIBRECHANNEL 234
#define DLT_DVB_CI 235 /* DVB common interface */
#define DLT_MUX27010 236 /* 3GPP 27.010 multiplexing */
#define DLT_STANAG_5066_D_PDU 237 /* STANAG 5066 D_PDUs */
#define DLT_JUNIPER_ATM_CEMIC 238
#define DLT_NFLOG 239 /* Linux netfilter log, <pcap/nflog.h> */
#define DLT_NETANALYZER 240 /* Ethernet after a Hilscher netANALYZER header */
#define DLT_NETANALYZER_TRANSPARENT 241 /* the same with preamble and SFD */
#define DLT_IPOIB 242 /* IP over InfiniBand, RFC 4391 */
#define DLT_MPEG_2_TS 243 /* MPEG-2 transport stream */
#define DLT_NG40 244 /* ng40 tester, Iub and Iur */
#define DLT_NFC_LLCP 245 /* NFC LLCP with pseudo-header */
#define DLT_PFSYNC 246 /* packet filter state syncing */
#define DLT_INFINIBAND 247 /* InfiniBand */
#define DLT_SCTP 248 /* SCTP without IP */
#define DLT_USBPCAP 249 /* USB, USBPcap header */
#define DLT_RTAC_SERIAL 250 /* Schweitzer RTAC serial line */
#define DLT_BLUETOOTH_LE_LL 251 /* Bluetooth LE on the air */
#define DLT_WIRESHARK_UPPER_PDU 252 /* PDUs exported by Wireshark */
#define DLT_NETLINK 253 /* Linux netlink, cooked header */
#define DLT_BLUETOOTH_LINUX_MONITOR 254 /* Bluetooth Linux Monitor, <pcap/bluetooth.h> */
#define DLT_BLUETOOTH_BREDR_BB 255 /* Bluetooth basic and enhanced rate baseband */
#define DLT_BLUETOOTH_LE_LL_WITH_PHDR 256 /* Bluetooth LE on the air with pseudo-header */
#define DLT_PROFIBUS_DL 257 /* PROFIBUS data link */
#define DLT_PKTAP 258 /* Apple pktap */
#define DLT_EPON 259 /* Ethernet after an EPON preamble */
#define DLT_IPMI_HPM_2 260 /* IPMI trace, HPM.2 */
#define DLT_ZWAVE_R1_R2 261 /* Z-Wave profiles R1 and R2 */
#define DLT_ZWAVE_R3 262 /* Z-Wave profile R3 */
#define DLT_WATTSTOPPER_DLM 263 /* WattStopper DLM and Legrand Nitoo */
#define DLT_ISO_14443 264 /* contactless cards, ISO 14443 */
#define DLT_RDS 265 /* Radio Data System groups */
#define DLT_USB_DARWIN 266 /* USB, Darwin header */
#define DLT_OPENFLOW 267 /* OpenBSD OpenFlow */
#define DLT_SDLC 268 /* IBM SDLC */
#define DLT_TI_LLN_SNIFFER 269 /* TI low-power sniffer */
#define DLT_LORATAP 270 /* LoRa after a LoRaTap header */
#define DLT_VSOCK 271 /* Linux vsock monitor */
#define DLT_NORDIC_BLE 272 /* Nordic Bluetooth LE sniffer */
#define DLT_DOCSIS31_XRA31 273 /* Excentis XRA-31 DOCSIS 3.1 sniffer */
#define DLT_ETHERNET_MPACKET 274 /* 802.3br mPackets */
#define DLT_DISPLAYPORT_AUX 275 /* DisplayPort AUX channel */
#define DLT_LINUX_SLL2 276 /* Linux cooked capture v2, <pcap/sll.h> */
#define DLT_SERCOS_MONITOR 277 /* Sercos Monitor */
#define DLT_OPENVIZSLA 278 /* OpenVizsla USB analyser */
#define DLT_EBHSCR 279 /* Elektrobit high-speed capture */
#define DLT_VPP_DISPATCH 280 /* VPP graph dispatch trace */
#define DLT_DSA_TAG_BRCM 281 /* Ethernet with a Broadcom switch tag */
#define DLT_DSA_TAG_BRCM_PREPEND 282 /* Ethernet after a Broadcom switch tag */
#define DLT_IEEE802_15_4_TAP 283 /* 802.15.4 with TAP header */
#define DLT_DSA_TAG_DSA 284 /* Ethernet with a Marvell DSA tag */
#define DLT_DSA_TAG_EDSA 285 /* Ethernet with a Marvell EtherType DSA tag */
#define DLT_ELEE 286 /* ELEE lawful interception */
#define DLT_Z_WAVE_SERIAL 287 /* Z-Wave serial line to the chip */
#define DLT_USB_2_0 288 /* USB packets of unknown speed on the cable */
#define DLT_ATSC_ALP 289 /* ATSC 3.0 link layer */
#define DLT_ETW 290 /* Event Tracing for Windows */
#define DLT_NETANALYZER_NG 291 /* Hilscher netANALYZER NG */
#define DLT_ZBOSS_NCP 292 /* ZBOSS network co-processor */
#define DLT_USB_2_0_LOW_SPEED 293 /* USB low-speed packets on the cable */
#define DLT_USB_2_0_FULL_SPEED 294 /* USB full-speed packets on the cable */
#define DLT_USB_2_0_HIGH_SPEED 295 /* USB high-speed packets on the cable */
#define DLT_AUERSWALD_LOG 296 /* Auerswald logger */
#define DLT_ZWAVE_TAP 297 /* Z-Wave with TAP header */
#define DLT_SILABS_DEBUG_CHANNEL 298 /* Silicon Labs debug channel */
#define DLT_FIRA_UCI 299 /* ultra-wideband controller interface */
#define DLT_MDB 300 /* vending machine Multi-Drop Bus */
#define DLT_DECT_NR 301 /* DECT-2020 New Radio */
#define DLT_EDK2_MM 302 /* edk2 management mode requests */
#define DLT_DEBUG_ONLY 303 /* bytes without any format, for a human's eyes */
#define DLT_DECT_NR_TAP 304 /* DECT-2020 New Radio with TAP header */

/*
 * The two ranges in which every system agrees, by their names of libpcap 1.11 and by the older
 * one. An old header of the system may have other ideas of the end.
 */
#define DLT_LOW_MATCHING_MIN 0
#undef DLT_LOW_MATCHING_MAX
#define DLT_LOW_MATCHING_MAX DLT_FDDI
#define DLT_HIGH_MATCHING_MIN 104
#undef DLT_HIGH_MATCHING_MAX
#define DLT_HIGH_MATCHING_MAX 304
#define DLT_MATCHING_MIN DLT_HIGH_MATCHING_MIN
#undef DLT_MATCHING_MAX
#define DLT_MATCHING_MAX DLT_HIGH_MATCHING_MAX

/* NetBSD's raw type: a class in the upper half, an address family of NetBSD in the lower. */
#define DLT_CLASS(x) ((x) & 0x03ff0000)
#define DLT_CLASS_NETBSD_RAWAF 0x02240000
#define DLT_NETBSD_RAWAF(af) (DLT_CLASS_NETBSD_RAWAF | (af))
#define DLT_NETBSD_RAWAF_AF(x) ((x) & 0x0000ffff)
#define DLT_IS_NETBSD_RAWAF(x) (DLT_CLASS(x) == DLT_CLASS_NETBSD_RAWAF)

#endif
