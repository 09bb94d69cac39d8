//! The packets: Ethernet frames of a type that no protocol takes, one by one and as a queue.

/// Bytes of a packet.
pub const SIZE: usize = 64;
/// Of so many different ones.
pub const COUNT: usize = 10_000;
const HEADER: usize = size_of::<crate::pcap::Header>();

pub fn packets() -> Vec<[u8; SIZE]> {
    (0..COUNT as u32)
        .map(|number| {
            let mut packet = [0x55; SIZE];
            packet[..14].copy_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5]);
            packet[14..18].copy_from_slice(&number.to_be_bytes());
            packet
        })
        .collect()
}

/// All of them as the records of a send queue.
pub fn queue(packets: &[[u8; SIZE]]) -> Vec<u8> {
    let mut queue = Vec::new();
    for packet in packets {
        let mut header = [0; HEADER];
        header[HEADER - 8..HEADER - 4].copy_from_slice(&(SIZE as u32).to_ne_bytes());
        header[HEADER - 4..].copy_from_slice(&(SIZE as u32).to_ne_bytes());
        queue.extend(header);
        queue.extend(packet);
    }
    queue
}
