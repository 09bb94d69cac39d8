//! What stands in front of a packet where the kernel gives no link-layer header that is of use: the
//! "Linux cooked" headers of `pcap/sll.h`, built from the packet's `sockaddr_ll`.
//!
//! Also what follows from packets looking different to the kernel: filters are rewritten for it
//! ([`rewrite_for_kernel`]), and the headers of CAN frames brought into the byte order of
//! `DLT_CAN_SOCKETCAN` ([`fix_can`]).

use crate::bpf::Insn;
use crate::bpf::insn::{
    ABS, B, H, IND, LD, LD_IMM, LDX, LEN, MSH, SKF_AD_HATYPE, SKF_AD_IFINDEX, SKF_AD_OFF,
    SKF_AD_PKTTYPE, SKF_AD_PROTOCOL, W,
};

/// Length of the `DLT_LINUX_SLL` header, which IrDA, LAPD and netlink captures have too.
pub const SLL_LEN: usize = 16;
/// Length of the `DLT_LINUX_SLL2` header.
pub const SLL2_LEN: usize = 20;

/// Protocol number of a classical CAN frame, `LINUX_SLL_P_CAN`.
pub const P_CAN: u16 = 0x000c;
/// Protocol number of a CAN FD frame, `LINUX_SLL_P_CANFD`.
pub const P_CANFD: u16 = 0x000d;
/// Protocol number of a CAN XL frame, `LINUX_SLL_P_CANXL`.
pub const P_CANXL: u16 = 0x000e;

/// Which cooked header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cooked {
    /// `DLT_LINUX_SLL` and all that share its header.
    Sll,
    /// `DLT_LINUX_SLL2`.
    Sll2,
}

impl Cooked {
    /// The header's length.
    #[must_use]
    pub const fn header_len(self) -> usize {
        match self {
            Self::Sll => SLL_LEN,
            Self::Sll2 => SLL2_LEN,
        }
    }
}

/// What `struct sockaddr_ll` says of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkAddr {
    /// Ethertype in network byte order, as it stands in memory. Frames without one have the
    /// kernel's own numbers (`ETH_P_802_2` 4, `ETH_P_CAN` 12, ...), which the headers keep.
    pub protocol: u16,
    /// `ARPHRD_*` type of the interface, in host byte order.
    pub hatype: u16,
    /// `PACKET_HOST` and so on.
    pub pkttype: u8,
    /// Length of the sender's address, which may be more than `addr` holds.
    pub halen: u8,
    /// The sender's address; what is beyond `halen` is padding, and copied as it is.
    pub addr: [u8; 8],
    /// Index of the interface.
    pub ifindex: i32,
}

/// The `DLT_LINUX_SLL` header of a packet.
#[must_use]
pub fn sll(from: &LinkAddr) -> [u8; SLL_LEN] {
    let mut header = [0; SLL_LEN];
    header[0..2].copy_from_slice(&u16::from(from.pkttype).to_be_bytes());
    header[2..4].copy_from_slice(&from.hatype.to_be_bytes());
    header[4..6].copy_from_slice(&u16::from(from.halen).to_be_bytes());
    header[6..14].copy_from_slice(&from.addr);
    header[14..16].copy_from_slice(&from.protocol.to_ne_bytes());
    header
}

/// The `DLT_LINUX_SLL2` header of a packet.
#[must_use]
pub fn sll2(from: &LinkAddr) -> [u8; SLL2_LEN] {
    let mut header = [0; SLL2_LEN];
    header[0..2].copy_from_slice(&from.protocol.to_ne_bytes());
    header[4..8].copy_from_slice(&from.ifindex.to_be_bytes());
    header[8..10].copy_from_slice(&from.hatype.to_be_bytes());
    header[10] = from.pkttype;
    header[11] = from.halen;
    header[12..20].copy_from_slice(&from.addr);
    header
}

/// A field of a cooked header that the kernel can load: where it is, how wide, and whence.
struct Field {
    at: u32,
    size: u16,
    from: Source,
}

enum Source {
    /// The kernel's extension at this distance from `SKF_AD_OFF`.
    Extension(u32),
    /// Always 0.
    Zero,
}

use Source::{Extension, Zero};

const fn field(at: u32, size: u16, from: Source) -> Field {
    Field { at, size, from }
}

/// The packet type is below 256, so that its first byte is always 0 and its second is all of it.
const SLL_FIELDS: &[Field] = &[
    field(0, H, Extension(SKF_AD_PKTTYPE)),
    field(0, B, Zero),
    field(1, B, Extension(SKF_AD_PKTTYPE)),
    field(2, H, Extension(SKF_AD_HATYPE)),
    field(14, H, Extension(SKF_AD_PROTOCOL)),
];

/// Bytes 2 and 3 are reserved.
const SLL2_FIELDS: &[Field] = &[
    field(0, H, Extension(SKF_AD_PROTOCOL)),
    field(2, H, Zero),
    field(2, B, Zero),
    field(3, B, Zero),
    field(4, W, Extension(SKF_AD_IFINDEX)),
    field(8, H, Extension(SKF_AD_HATYPE)),
    field(10, B, Extension(SKF_AD_PKTTYPE)),
];

/// Turns a program for packets with a cooked header into one for the kernel, which runs it on the
/// packet without: offsets into the payload shift, loads of one whole header field become the
/// kernel's extensions. `None` if the program looks at the header in any other way (part of a field,
/// several, an address, header and payload at once, or at a place that it computes) or at the packet's
/// length, which the header is part of: such a program has to run in userland.
///
/// QUIRK: `ret` keeps that much of the payload, not of the packet; so it is in libpcap.
#[must_use]
pub fn rewrite_for_kernel(insns: &[Insn], cooked: Cooked) -> Option<Vec<Insn>> {
    insns.iter().map(|&insn| rewrite(insn, cooked)).collect()
}

fn rewrite(insn: Insn, cooked: Cooked) -> Option<Insn> {
    let (header, fields) = match cooked {
        Cooked::Sll => (SLL_LEN as u32, SLL_FIELDS),
        Cooked::Sll2 => (SLL2_LEN as u32, SLL2_FIELDS),
    };
    // The kernel's length lacks the header.
    if matches!((insn.class(), insn.mode()), (LD | LDX, LEN)) {
        return None;
    }
    let loads = matches!((insn.class(), insn.mode()), (LD, ABS | IND) | (LDX, MSH));
    // Offsets with the top bit set are the kernel's own in both forms of the program.
    if !loads || insn.k > i32::MAX as u32 {
        return Some(insn);
    }
    if insn.k >= header {
        return Some(Insn { k: insn.k - header, ..insn });
    }
    if insn.class() != LD || insn.mode() != ABS {
        return None;
    }
    let field = fields.iter().find(|field| field.at == insn.k && field.size == insn.size())?;
    Some(match field.from {
        Extension(at) => Insn { k: SKF_AD_OFF + at, ..insn },
        Zero => Insn { code: LD_IMM, k: 0, ..insn },
    })
}

/// Whether the kernel, which sees CAN frames in host byte order and before [`fix_can`], may run this
/// program: it must not look at the header.
#[must_use]
pub fn can_runs_in_kernel(insns: &[Insn]) -> bool {
    insns.iter().all(|insn| match (insn.class(), insn.mode()) {
        (LD, ABS) | (LDX, MSH) => insn.k as usize >= CAN_HEADER_LEN,
        (LD, IND) => false,
        _ => true,
    })
}

/// The part of a CAN frame that [`fix_can`] may change: the whole header of CAN XL.
const CAN_HEADER_LEN: usize = 12;

/// In byte 4: the frame is CAN XL, `CANXL_XLF`.
const CANXL_XLF: u8 = 0x80;
/// In byte 5: the frame is CAN FD, `CANFD_FDF`.
const CANFD_FDF: u8 = 0x04;

/// What [`fix_can`] has overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanUndo {
    header: [u8; CAN_HEADER_LEN],
}

impl CanUndo {
    /// Makes `frame` again what it was.
    pub fn undo(&self, frame: &mut [u8]) {
        for (byte, original) in frame.iter_mut().zip(self.header) {
            *byte = original;
        }
    }
}

/// Makes a frame of an `ARPHRD_CAN` interface, whose header the kernel gives in host byte order, one
/// of `DLT_CAN_SOCKETCAN`: the identifier big-endian, CAN XL's other numbers little-endian, and the
/// flags that tell the kinds of frames apart as `protocol` (a host order ethertype) says.
///
/// Of a frame that was cut within the header, what is there is changed. Cooked CAN frames
/// (`DLT_LINUX_SLL`) stay in host byte order and are none of this function's business.
pub fn fix_can(frame: &mut [u8], protocol: u16) -> CanUndo {
    let mut header = [0; CAN_HEADER_LEN];
    for (copy, byte) in header.iter_mut().zip(&*frame) {
        *copy = *byte;
    }
    let undo = CanUndo { header };
    match protocol {
        P_CAN => {
            header[4] &= !CANXL_XLF;
            header[5] &= !CANFD_FDF;
        }
        P_CANFD => {
            header[4] &= !CANXL_XLF;
            header[5] |= CANFD_FDF;
        }
        P_CANXL => header[4] |= CANXL_XLF,
        _ => (),
    }
    if cfg!(target_endian = "little") {
        header[0..4].reverse();
    } else if header[4] & CANXL_XLF != 0 {
        header[6..8].reverse();
        header[8..12].reverse();
    }
    // An identifier that was cut stays as it is: its other bytes are not known.
    let skip = if frame.len() < 4 { frame.len() } else { 0 };
    for (byte, fixed) in frame.iter_mut().zip(header).skip(skip) {
        *byte = fixed;
    }
    undo
}

#[cfg(test)]
#[path = "cooked_tests.rs"]
mod tests;
