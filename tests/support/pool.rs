//! The addresses and numbers that both expressions and packets are made of, so that filters match.

/// IPv4 addresses: of two networks, multicast, broadcast, nothing.
pub const V4: &[[u8; 4]] = &[
    [10, 0, 0, 1],
    [10, 0, 0, 2],
    [10, 0, 1, 255],
    [10, 1, 2, 3],
    [127, 0, 0, 1],
    [172, 16, 0, 1],
    [192, 168, 1, 1],
    [192, 168, 1, 2],
    [192, 0, 2, 1],
    [224, 0, 0, 1],
    [239, 255, 255, 250],
    [255, 255, 255, 255],
    [0, 0, 0, 0],
];

/// IPv6 addresses: documentation's, link-local, multicast, loopback.
pub const V6: &[[u8; 16]] = &[
    [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
    [0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
];

/// Link-layer addresses: two stations, two groups, everybody.
pub const MAC: &[[u8; 6]] = &[
    [0, 1, 2, 3, 4, 5],
    [0xaa, 0, 4, 0, 0x1d, 4],
    [0x02, 0, 0, 0, 0, 1],
    [0x01, 0x80, 0xc2, 0, 0, 0],
    [0x33, 0x33, 0, 0, 0, 1],
    [0xff; 6],
];

/// One-byte link-layer addresses.
pub const MAC8: &[u8] = &[0, 1, 0x2b, 0xff];

/// DECnet addresses: area and node.
pub const DECNET: &[(u16, u16)] = &[(1, 1), (10, 123), (63, 1023)];

/// TCP's, UDP's and SCTP's.
pub const PORTS: &[u32] =
    &[80, 53, 443, 22, 20, 21, 23, 25, 0, 1, 67, 1024, 4789, 5000, 6081, 8080, 65535];

/// IP's protocol numbers.
pub const PROTOCOLS: &[u32] =
    &[0, 1, 2, 6, 9, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 88, 89, 103, 112, 132, 255];

/// VLAN identifiers.
pub const VLANS: &[u32] = &[100, 200, 5, 300, 0, 1, 4095];

/// MPLS labels.
pub const LABELS: &[u32] = &[1024, 16, 100_000, 3, 0, 0xfffff];

/// PPPoE sessions.
pub const SESSIONS: &[u32] = &[0x27, 1, 0, 65535];

/// Geneve's and VXLAN's networks.
pub const NETWORKS: &[u32] = &[7, 0xb, 0, 0xff_ffff];

/// Names of interfaces and rule sets.
pub const NAMES: &[&str] = &["eth0", "en0", "lo", "rules"];
