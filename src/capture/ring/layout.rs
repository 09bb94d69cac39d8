//! The structures of `linux/if_packet.h`, as the kernel lays them out in a ring.

use super::memory::Shared;

/// The owner is the program: `TP_STATUS_USER`.
pub const STATUS_USER: u32 = 1;
/// The owner is the kernel: `TP_STATUS_KERNEL`.
pub const STATUS_KERNEL: u32 = 0;
/// The packet did not fit and waits whole in the socket's queue: `TP_STATUS_COPY`.
pub const STATUS_COPY: u32 = 1 << 1;
/// Packets were dropped since the statistics were last asked for: `TP_STATUS_LOSING`. In a ring of blocks it
/// stands in the block's status.
pub const STATUS_LOSING: u32 = 1 << 2;
/// The TCI is that of a tag that was stripped: `TP_STATUS_VLAN_VALID`.
pub const STATUS_VLAN_VALID: u32 = 1 << 4;
/// The TPID is too: `TP_STATUS_VLAN_TPID_VALID`.
pub const STATUS_VLAN_TPID_VALID: u32 = 1 << 6;
/// Whose clock stamped the packet: `TP_STATUS_TS_SOFTWARE` and so on, none of which kernels before 3.11 told.
pub const STATUS_TS_SOFTWARE: u32 = 1 << 29;
/// `TP_STATUS_TS_SYS_HARDWARE`.
pub const STATUS_TS_SYS_HARDWARE: u32 = 1 << 30;
/// `TP_STATUS_TS_RAW_HARDWARE`.
pub const STATUS_TS_RAW_HARDWARE: u32 = 1 << 31;

/// What every header of a ring is aligned to: `TPACKET_ALIGNMENT`.
pub const ALIGNMENT: usize = 16;

/// `TPACKET_ALIGN`.
pub const fn align(len: usize) -> usize {
    len.next_multiple_of(ALIGNMENT)
}

/// `struct sockaddr_ll`, which follows each frame header.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct SockaddrLl {
    pub family: u16,
    /// In network byte order.
    pub protocol: u16,
    pub ifindex: i32,
    pub hatype: u16,
    pub pkttype: u8,
    pub halen: u8,
    pub addr: [u8; 8],
}

/// `struct tpacket3_hdr` with its `hv1` variant.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Tpacket3Hdr {
    pub next_offset: u32,
    pub sec: u32,
    pub nsec: u32,
    pub snaplen: u32,
    pub len: u32,
    pub status: u32,
    pub mac: u16,
    pub net: u16,
    pub rxhash: u32,
    pub vlan_tci: u32,
    pub vlan_tpid: u16,
    pub padding: [u8; 10],
}

/// `struct tpacket_block_desc` up to the end of what every version of it has.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct BlockDesc {
    pub version: u32,
    pub offset_to_priv: u32,
    pub block_status: u32,
    pub num_pkts: u32,
    pub offset_to_first_pkt: u32,
    pub blk_len: u32,
}

/// Where `block_status` stands in a block.
pub const BLOCK_STATUS: usize = std::mem::offset_of!(BlockDesc, block_status);

/// `struct tpacket2_hdr`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Tpacket2Hdr {
    pub status: u32,
    pub len: u32,
    pub snaplen: u32,
    pub mac: u16,
    pub net: u16,
    pub sec: u32,
    pub nsec: u32,
    pub vlan_tci: u16,
    pub vlan_tpid: u16,
    pub padding: [u8; 4],
}

/// `struct tpacket_hdr` of a kernel whose `unsigned long` has 32 bits.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Tpacket1Hdr32 {
    pub status: u32,
    pub len: u32,
    pub snaplen: u32,
    pub mac: u16,
    pub net: u16,
    pub sec: u32,
    pub usec: u32,
}

/// `struct tpacket_hdr` of a kernel whose `unsigned long` has 64 bits.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Tpacket1Hdr64 {
    pub status: [u32; 2],
    pub len: u32,
    pub snaplen: u32,
    pub mac: u16,
    pub net: u16,
    pub sec: u32,
    pub usec: u32,
    pub padding: u32,
}

macro_rules! shared {
    ($($t:ty = $size:literal),* $(,)?) => { $(
        // SAFETY: `repr(C)`, made of integers and arrays of them.
        unsafe impl Shared for $t {}
        const _: () = assert!(size_of::<$t>() == $size);
    )* };
}

shared!(
    u32 = 4,
    SockaddrLl = 20,
    Tpacket3Hdr = 48,
    BlockDesc = 24,
    Tpacket2Hdr = 32,
    Tpacket1Hdr32 = 24,
    Tpacket1Hdr64 = 32,
);

const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<libc::tpacket3_hdr>() == size_of::<Tpacket3Hdr>());
    assert!(offset_of!(libc::tpacket3_hdr, tp_mac) == offset_of!(Tpacket3Hdr, mac));
    assert!(offset_of!(libc::tpacket3_hdr, hv1) == offset_of!(Tpacket3Hdr, rxhash));
    assert!(size_of::<libc::tpacket2_hdr>() == size_of::<Tpacket2Hdr>());
    assert!(offset_of!(libc::tpacket2_hdr, tp_vlan_tci) == offset_of!(Tpacket2Hdr, vlan_tci));
    assert!(size_of::<libc::sockaddr_ll>() == size_of::<SockaddrLl>());
    assert!(BLOCK_STATUS == 8);
};
