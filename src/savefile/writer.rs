//! The headers of a savefile, in the machine's byte order: what stands before all packets, and before each.

use crate::handle::batch::PacketHeader;
use crate::handle::options::PRECISION_NANO;

/// The first word of a file with time stamps in microseconds.
pub const MAGIC_MICRO: u32 = 0xa1b2_c3d4;
/// The first word of a file with time stamps in nanoseconds.
pub const MAGIC_NANO: u32 = 0xa1b2_3c4d;
/// Bytes of the header of a file.
pub const FILE_HEADER: usize = 24;
/// Bytes of the header of a packet.
pub const PACKET_HEADER: usize = 16;
/// The version of the format.
const VERSION: (u16, u16) = (2, 4);

/// The header of a file.
pub fn file_header(linktype: u32, snapshot: i32, precision: i32) -> [u8; FILE_HEADER] {
    let magic = if precision == PRECISION_NANO { MAGIC_NANO } else { MAGIC_MICRO };
    let version = [VERSION.0.to_ne_bytes(), VERSION.1.to_ne_bytes()].concat();
    let mut header = [0; FILE_HEADER];
    // The two words after the version are of no meaning any more, and 0.
    let words = [magic, 0, 0, 0, snapshot.cast_unsigned(), linktype];
    for (to, word) in header.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_ne_bytes());
    }
    header[4..8].copy_from_slice(&version);
    header
}

/// The header of a packet. QUIRK: of the seconds the lower 32 bits count.
#[inline(always)]
pub fn packet_header(header: &PacketHeader) -> [u8; PACKET_HEADER] {
    let words = [header.ts.tv_sec as u32, header.ts.tv_usec as u32, header.caplen, header.len];
    let mut bytes = [0; PACKET_HEADER];
    for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_ne_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_hold_what_the_format_says() {
        let header = file_header(1, 96, PRECISION_NANO);
        assert_eq!(header[..4], MAGIC_NANO.to_ne_bytes());
        assert_eq!(header[4..6], 2u16.to_ne_bytes());
        assert_eq!(header[6..8], 4u16.to_ne_bytes());
        assert_eq!(header[8..16], [0; 8]);
        assert_eq!(header[16..20], 96u32.to_ne_bytes());
        assert_eq!(header[20..24], 1u32.to_ne_bytes());
        assert_eq!(file_header(1, 96, 0)[..4], MAGIC_MICRO.to_ne_bytes());
        let ts = libc::timeval { tv_sec: 0x1_0000_0002, tv_usec: 3 };
        let packet = packet_header(&PacketHeader { ts, caplen: 4, len: 5 });
        assert_eq!(packet, [2u32, 3, 4, 5].map(u32::to_ne_bytes).concat()[..]);
    }
}
