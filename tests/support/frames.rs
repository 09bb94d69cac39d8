//! Frames and packets to send, the same ones every time. Built from the RFCs' layouts, without
//! checksums that nobody checks here (UDP's and TCP's are left zero).

/// The UDP port of the last packet of every list.
pub const LAST_PORT: u16 = 4242;

/// What tcpdump -n prints of the last packet, and of no other.
pub const LAST: &str = ".4242: UDP";

const HOST: [u8; 6] = [2, 0, 0, 0, 0, 1];
const SENDER: [u8; 6] = [2, 0, 0, 0, 0, 0];
const STRANGER: [u8; 6] = [2, 0, 0, 0, 0, 0x99];
const BROADCAST: [u8; 6] = [0xff; 6];
const STP_GROUP: [u8; 6] = [1, 0x80, 0xc2, 0, 0, 0];
const GROUP: [u8; 6] = [1, 0, 0x5e, 0, 0, 5];

/// Frames of many kinds and sizes for an Ethernet; the last is a UDP packet to [`LAST_PORT`].
pub fn mixed() -> Vec<Vec<u8>> {
    let mut frames = vec![
        ethernet(BROADCAST, 0x0806, &arp()),
        ethernet(HOST, 0x0800, &tcp(20)),
        ethernet(HOST, 0x0800, &tcp(700)),
        ethernet(HOST, 0x0800, &icmp_echo(56)),
        ethernet(STRANGER, 0x0800, &icmp_echo(100)),
        ethernet(GROUP, 0x0800, &udp(5000, 60)),
        ethernet(HOST, 0x86dd, &ipv6(17, &udp_header(53, 40))),
        ethernet(HOST, 0x86dd, &ipv6(58, &[128, 0, 0, 0, 0, 7, 0, 1, 1, 2, 3, 4])),
        ethernet(HOST, 0x8100, &tagged(100, 0x0800, &udp(5001, 30))),
        ethernet(BROADCAST, 0x8100, &tagged(0xa000 | 7, 0x0806, &arp())),
        ethernet(HOST, 0x8100, &tagged(0x6000, 0x0800, &udp(5002, 30))),
        ethernet(HOST, 0x8100, &tagged(0x1000 | 4094, 0x0800, &udp(5003, 1472))),
        ethernet(HOST, 0x88a8, &tagged(200, 0x8100, &tagged(5, 0x0800, &udp(5004, 30)))),
        ethernet(HOST, 0x8100, &tagged(300, 0x8100, &tagged(6, 0x0800, &udp(5005, 30)))),
        ethernet(HOST, 0x88b5, &[0x5a; 90]),
        llc(STP_GROUP, &[0x42, 0x42, 3, 0, 0, 0, 0, 0]),
        llc(HOST, &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0x45, 0]),
        ethernet(HOST, 0x9000, &[]),
    ];
    for payload in [0, 18, 22, 86, 213, 470, 958, 1472] {
        frames.push(ethernet(HOST, 0x0800, &udp(5006, payload)));
    }
    frames.push(last());
    frames
}

/// The last frame of every list.
pub fn last() -> Vec<u8> {
    ethernet(HOST, 0x0800, &udp(LAST_PORT, 20))
}

/// The last frame in a VLAN.
pub fn tagged_last(vlan: u16) -> Vec<u8> {
    ethernet(HOST, 0x8100, &tagged(vlan, 0x0800, &udp(LAST_PORT, 20)))
}

/// An Ethernet frame of this many bytes, number `n` in its payload.
pub fn sized(n: u32, len: usize) -> Vec<u8> {
    let mut frame = ethernet(HOST, 0x0800, &udp(5007, len.saturating_sub(42)));
    if let Some(place) = frame.get_mut(42..46) {
        place.copy_from_slice(&n.to_be_bytes());
    }
    frame
}

/// An Ethernet frame, padded to the smallest size.
pub fn ethernet(to: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [&to[..], &SENDER, &ethertype.to_be_bytes(), payload].concat();
    if frame.len() < 60 {
        frame.resize(60, 0);
    }
    frame
}

/// An IEEE 802.3 frame: a length in place of the type.
fn llc(to: [u8; 6], payload: &[u8]) -> Vec<u8> {
    ethernet(to, u16::try_from(payload.len()).expect("a frame's size"), payload)
}

/// What stands behind an 802.1Q ethertype: priority and VLAN, then the real type.
fn tagged(tci: u16, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&tci.to_be_bytes(), &ethertype.to_be_bytes(), payload].concat()
}

fn arp() -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, 1];
    [&head[..], &SENDER, &[192, 0, 2, 1], &[0; 6], &[192, 0, 2, 2]].concat()
}

/// An IPv4 UDP packet from 192.0.2.1 to 192.0.2.2.
pub fn udp(port: u16, payload: usize) -> Vec<u8> {
    ipv4(17, &udp_header(port, payload))
}

fn udp_header(port: u16, payload: usize) -> Vec<u8> {
    let len = u16::try_from(8 + payload).expect("a datagram's size").to_be_bytes();
    let data: Vec<u8> = (0..payload).map(|i| (i % 251) as u8).collect();
    [&40000_u16.to_be_bytes()[..], &port.to_be_bytes(), &len, &[0, 0], &data].concat()
}

fn tcp(payload: usize) -> Vec<u8> {
    let head = [0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 16, 0, 0, 0, 0, 0];
    ipv4(6, &[&head[..], &vec![b'x'; payload]].concat())
}

fn icmp_echo(payload: usize) -> Vec<u8> {
    ipv4(1, &[&[8, 0, 0, 0, 0, 1, 0, 2][..], &vec![0xa5; payload]].concat())
}

fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(20 + payload.len()).expect("a packet's size").to_be_bytes();
    let mut head =
        [0x45, 0, len[0], len[1], 0, 1, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    let sum = checksum(&head).to_be_bytes();
    head[10..12].copy_from_slice(&sum);
    [&head[..], payload].concat()
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).expect("a packet's size").to_be_bytes();
    let mut from = [0; 16];
    from[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
    let mut to = from;
    (from[15], to[15]) = (1, 2);
    [&[0x60, 0, 0, 0, len[0], len[1], next, 64][..], &from, &to, payload].concat()
}

/// The Internet checksum, RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded + (folded >> 16)) as u16)
}
