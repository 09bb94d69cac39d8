//! What no program can beat: a filter written by hand.

use std::hint::black_box;

/// `tcp port 80`, as libpcap understands it.
#[inline(never)]
pub fn tcp_port_80(packet: &[u8]) -> bool {
    tcp(black_box(packet)).unwrap_or(false)
}

fn tcp(packet: &[u8]) -> Option<bool> {
    let half = |at: usize| Some(u16::from_be_bytes(*packet.get(at..)?.first_chunk()?));
    let ports = |at| Some(half(at)? == 80 || half(at + 2)? == 80);
    match half(12)? {
        0x86dd if *packet.get(20)? == 6 => ports(54),
        0x0800 if *packet.get(23)? == 6 && half(20)? & 0x1fff == 0 => {
            ports(14 + usize::from(packet.get(14)? & 15) * 4)
        }
        _ => Some(false),
    }
}
