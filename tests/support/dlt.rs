//! The link types that tests build packets for and judge filters on: `DLT_*` of `pcap/dlt.h`.

macro_rules! link_types {
    ($($name:ident = $number:literal),* $(,)?) => {
        $(pub const $name: i32 = $number;)*

        /// Every one of them, and its name. Of those that the compiler knows nothing but raw bytes of,
        /// only a few of the many.
        pub const NAMES: &[(i32, &str)] = &[$(($name, stringify!($name))),*];
    };
}

link_types! {
    NULL = 0,
    EN10MB = 1,
    EN3MB = 2,
    AX25 = 3,
    PRONET = 4,
    CHAOS = 5,
    IEEE802 = 6,
    ARCNET = 7,
    SLIP = 8,
    PPP = 9,
    FDDI = 10,
    ATM_RFC1483 = 11,
    RAW = 12,
    SLIP_BSDOS = 15,
    PPP_BSDOS = 16,
    ATM_CLIP = 19,
    REDBACK_SMARTEDGE = 32,
    PPP_SERIAL = 50,
    PPP_ETHER = 51,
    SYMANTEC_FIREWALL = 99,
    C_HDLC = 104,
    IEEE802_11 = 105,
    FRELAY = 107,
    LOOP = 108,
    ENC = 109,
    HDLC = 112,
    LINUX_SLL = 113,
    LTALK = 114,
    PFLOG = 117,
    PRISM_HEADER = 119,
    IP_OVER_FC = 122,
    SUNATM = 123,
    IEEE802_11_RADIO = 127,
    ARCNET_LINUX = 129,
    JUNIPER_MLPPP = 130,
    JUNIPER_MLFR = 131,
    JUNIPER_ES = 132,
    JUNIPER_GGSN = 133,
    JUNIPER_MFR = 134,
    JUNIPER_ATM2 = 135,
    JUNIPER_SERVICES = 136,
    JUNIPER_ATM1 = 137,
    APPLE_IP_OVER_IEEE1394 = 138,
    MTP2_WITH_PHDR = 139,
    MTP2 = 140,
    IEEE802_11_RADIO_AVS = 163,
    JUNIPER_MONITOR = 164,
    BACNET_MS_TP = 165,
    PPP_PPPD = 166,
    JUNIPER_PPPOE = 167,
    JUNIPER_PPPOE_ATM = 168,
    JUNIPER_ETHER = 178,
    JUNIPER_PPP = 179,
    JUNIPER_FRELAY = 180,
    JUNIPER_CHDLC = 181,
    MFR = 182,
    JUNIPER_VP = 183,
    USB_LINUX = 189,
    PPI = 192,
    JUNIPER_ISM = 194,
    ERF = 197,
    JUNIPER_ST = 200,
    AX25_KISS = 202,
    IPNET = 226,
    IPV4 = 228,
    IPV6 = 229,
    JUNIPER_VS = 232,
    JUNIPER_SRX_E2E = 233,
    JUNIPER_FIBRECHANNEL = 234,
    JUNIPER_ATM_CEMIC = 238,
    NFLOG = 239,
    NETANALYZER = 240,
    NETANALYZER_TRANSPARENT = 241,
    PFSYNC = 246,
    LINUX_SLL2 = 276,
    DSA_TAG_BRCM = 281,
    DSA_TAG_DSA = 284,
}

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
