//! The link types that tests build packets for and judge filters on: `DLT_*` of `pcap/dlt.h`.

pub const NULL: i32 = 0;
pub const EN10MB: i32 = 1;
pub const EN3MB: i32 = 2;
pub const AX25: i32 = 3;
pub const PRONET: i32 = 4;
pub const CHAOS: i32 = 5;
pub const IEEE802: i32 = 6;
pub const ARCNET: i32 = 7;
pub const SLIP: i32 = 8;
pub const PPP: i32 = 9;
pub const FDDI: i32 = 10;
pub const ATM_RFC1483: i32 = 11;
pub const RAW: i32 = 12;
pub const SLIP_BSDOS: i32 = 15;
pub const PPP_BSDOS: i32 = 16;
pub const ATM_CLIP: i32 = 19;
pub const REDBACK_SMARTEDGE: i32 = 32;
pub const PPP_SERIAL: i32 = 50;
pub const PPP_ETHER: i32 = 51;
pub const SYMANTEC_FIREWALL: i32 = 99;
pub const C_HDLC: i32 = 104;
pub const IEEE802_11: i32 = 105;
pub const FRELAY: i32 = 107;
pub const LOOP: i32 = 108;
pub const ENC: i32 = 109;
pub const HDLC: i32 = 112;
pub const LINUX_SLL: i32 = 113;
pub const LTALK: i32 = 114;
pub const PFLOG: i32 = 117;
pub const PRISM_HEADER: i32 = 119;
pub const IP_OVER_FC: i32 = 122;
pub const SUNATM: i32 = 123;
pub const IEEE802_11_RADIO: i32 = 127;
pub const ARCNET_LINUX: i32 = 129;
pub const JUNIPER_MLPPP: i32 = 130;
pub const JUNIPER_MLFR: i32 = 131;
pub const JUNIPER_ES: i32 = 132;
pub const JUNIPER_GGSN: i32 = 133;
pub const JUNIPER_MFR: i32 = 134;
pub const JUNIPER_ATM2: i32 = 135;
pub const JUNIPER_SERVICES: i32 = 136;
pub const JUNIPER_ATM1: i32 = 137;
pub const APPLE_IP_OVER_IEEE1394: i32 = 138;
pub const MTP2_WITH_PHDR: i32 = 139;
pub const MTP2: i32 = 140;
pub const IEEE802_11_RADIO_AVS: i32 = 163;
pub const JUNIPER_MONITOR: i32 = 164;
pub const BACNET_MS_TP: i32 = 165;
pub const PPP_PPPD: i32 = 166;
pub const JUNIPER_PPPOE: i32 = 167;
pub const JUNIPER_PPPOE_ATM: i32 = 168;
pub const JUNIPER_ETHER: i32 = 178;
pub const JUNIPER_PPP: i32 = 179;
pub const JUNIPER_FRELAY: i32 = 180;
pub const JUNIPER_CHDLC: i32 = 181;
pub const MFR: i32 = 182;
pub const JUNIPER_VP: i32 = 183;
pub const USB_LINUX: i32 = 189;
pub const PPI: i32 = 192;
pub const JUNIPER_ISM: i32 = 194;
pub const ERF: i32 = 197;
pub const JUNIPER_ST: i32 = 200;
pub const AX25_KISS: i32 = 202;
pub const IPNET: i32 = 226;
pub const IPV4: i32 = 228;
pub const IPV6: i32 = 229;
pub const JUNIPER_VS: i32 = 232;
pub const JUNIPER_SRX_E2E: i32 = 233;
pub const JUNIPER_FIBRECHANNEL: i32 = 234;
pub const JUNIPER_ATM_CEMIC: i32 = 238;
pub const NFLOG: i32 = 239;
pub const NETANALYZER: i32 = 240;
pub const NETANALYZER_TRANSPARENT: i32 = 241;
pub const PFSYNC: i32 = 246;
pub const LINUX_SLL2: i32 = 276;
pub const DSA_TAG_BRCM: i32 = 281;
pub const DSA_TAG_DSA: i32 = 284;

/// Every one of them, each of which the compiler knows something of besides raw bytes, or nothing
/// (a few of the many).
pub const ALL: &[i32] = &[
    NULL,
    EN10MB,
    EN3MB,
    AX25,
    PRONET,
    CHAOS,
    IEEE802,
    ARCNET,
    SLIP,
    PPP,
    FDDI,
    ATM_RFC1483,
    RAW,
    SLIP_BSDOS,
    PPP_BSDOS,
    ATM_CLIP,
    REDBACK_SMARTEDGE,
    PPP_SERIAL,
    PPP_ETHER,
    SYMANTEC_FIREWALL,
    C_HDLC,
    IEEE802_11,
    FRELAY,
    LOOP,
    ENC,
    HDLC,
    LINUX_SLL,
    LTALK,
    PFLOG,
    PRISM_HEADER,
    IP_OVER_FC,
    SUNATM,
    IEEE802_11_RADIO,
    ARCNET_LINUX,
    JUNIPER_MLPPP,
    JUNIPER_MLFR,
    JUNIPER_ES,
    JUNIPER_GGSN,
    JUNIPER_MFR,
    JUNIPER_ATM2,
    JUNIPER_SERVICES,
    JUNIPER_ATM1,
    APPLE_IP_OVER_IEEE1394,
    MTP2_WITH_PHDR,
    MTP2,
    IEEE802_11_RADIO_AVS,
    JUNIPER_MONITOR,
    BACNET_MS_TP,
    PPP_PPPD,
    JUNIPER_PPPOE,
    JUNIPER_PPPOE_ATM,
    JUNIPER_ETHER,
    JUNIPER_PPP,
    JUNIPER_FRELAY,
    JUNIPER_CHDLC,
    MFR,
    JUNIPER_VP,
    USB_LINUX,
    PPI,
    JUNIPER_ISM,
    ERF,
    JUNIPER_ST,
    AX25_KISS,
    IPNET,
    IPV4,
    IPV6,
    JUNIPER_VS,
    JUNIPER_SRX_E2E,
    JUNIPER_FIBRECHANNEL,
    JUNIPER_ATM_CEMIC,
    NFLOG,
    NETANALYZER,
    NETANALYZER_TRANSPARENT,
    PFSYNC,
    LINUX_SLL2,
    DSA_TAG_BRCM,
    DSA_TAG_DSA,
];

/// Juniper's, whose packets begin with a magic number.
pub const fn is_juniper(dlt: i32) -> bool {
    matches!(
        dlt,
        JUNIPER_MLPPP
            | JUNIPER_MLFR
            | JUNIPER_ES
            | JUNIPER_GGSN
            | JUNIPER_MFR
            | JUNIPER_ATM2
            | JUNIPER_SERVICES
            | JUNIPER_ATM1
            | JUNIPER_MONITOR
            | JUNIPER_PPPOE
            | JUNIPER_PPPOE_ATM
            | JUNIPER_ETHER
            | JUNIPER_PPP
            | JUNIPER_FRELAY
            | JUNIPER_CHDLC
            | JUNIPER_VP
            | JUNIPER_ISM
            | JUNIPER_ST
            | JUNIPER_VS
            | JUNIPER_SRX_E2E
            | JUNIPER_FIBRECHANNEL
            | JUNIPER_ATM_CEMIC
    )
}

/// 802.11, with or without a header of the radio's before it.
pub const fn is_wlan(dlt: i32) -> bool {
    matches!(dlt, IEEE802_11 | PRISM_HEADER | IEEE802_11_RADIO_AVS | IEEE802_11_RADIO | PPI)
}

/// Ethernet, with or without something before or in its header.
pub const fn is_ethernet(dlt: i32) -> bool {
    matches!(dlt, EN10MB | NETANALYZER | NETANALYZER_TRANSPARENT | DSA_TAG_BRCM | DSA_TAG_DSA)
}
