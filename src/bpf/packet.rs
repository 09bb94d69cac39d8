//! What a program's loads find: numbers in a packet and, where it is known, what the kernel keeps
//! beside it (`net/core/filter.c`).

use super::insn::{
    B, H, SKF_AD_ALU_XOR_X, SKF_AD_HATYPE, SKF_AD_IFINDEX, SKF_AD_OFF, SKF_AD_PKTTYPE,
    SKF_AD_PROTOCOL, SKF_AD_RXHASH, SKF_AD_VLAN_TAG, SKF_AD_VLAN_TAG_PRESENT, SKF_AD_VLAN_TPID,
    SKF_LL_OFF, SKF_NET_OFF, W,
};

/// What the kernel knows of a packet besides its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Ethertype, in host byte order.
    pub protocol: u16,
    /// `PACKET_HOST` and so on, of `linux/if_packet.h`.
    pub pkttype: u8,
    /// Index of the interface it came through.
    pub ifindex: u32,
    /// The interface's `ARPHRD_*` type.
    pub hatype: u16,
    /// The stripped VLAN tag, priority bits included.
    pub vlan_tci: u16,
    /// The stripped tag's ethertype, in host byte order.
    pub vlan_tpid: u16,
    /// Whether a VLAN tag was stripped.
    pub vlan_present: bool,
    /// The receive hash.
    pub rxhash: u32,
    /// Where in the packet the network header begins, if known.
    pub net_offset: Option<u32>,
}

impl Meta {
    /// What the kernel keeps at offset `k`, for a program whose registers are `a` and `x`; `None`
    /// where it keeps nothing, and for what cannot be known out here: marks, queues, processors,
    /// random numbers, and what it dissects (payload offsets, netlink attributes).
    #[must_use]
    pub fn ancillary(&self, k: u32, a: u32, x: u32) -> Option<u32> {
        Some(match k.checked_sub(SKF_AD_OFF)? {
            SKF_AD_PROTOCOL => self.protocol.into(),
            SKF_AD_PKTTYPE => self.pkttype.into(),
            SKF_AD_IFINDEX => self.ifindex,
            SKF_AD_HATYPE => self.hatype.into(),
            SKF_AD_RXHASH => self.rxhash,
            SKF_AD_ALU_XOR_X => a ^ x,
            SKF_AD_VLAN_TAG => self.vlan_tci.into(),
            SKF_AD_VLAN_TAG_PRESENT => self.vlan_present.into(),
            SKF_AD_VLAN_TPID => self.vlan_tpid.into(),
            _ => return None,
        })
    }

    /// Where in the packet the kernel looks for offset `k`. It is signed: what is below 0 counts
    /// from a header.
    #[must_use]
    pub fn place(&self, k: u32) -> Option<usize> {
        let at = match k {
            SKF_NET_OFF.. => self.net_offset?.checked_add(k - SKF_NET_OFF)?,
            SKF_LL_OFF.. => k - SKF_LL_OFF,
            ..=0x7fff_ffff => k,
            _ => return None,
        };
        usize::try_from(at).ok()
    }
}

/// The byte at `at`.
#[inline]
#[must_use]
pub fn byte(packet: &[u8], at: usize) -> Option<u32> {
    packet.get(at).map(|byte| u32::from(*byte))
}

/// The 16-bit number at `at`, in network byte order.
#[inline]
#[must_use]
pub fn half(packet: &[u8], at: usize) -> Option<u32> {
    let bytes = packet.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(*bytes.first_chunk()?).into())
}

/// The 32-bit number at `at`, in network byte order.
#[inline]
#[must_use]
pub fn word(packet: &[u8], at: usize) -> Option<u32> {
    let bytes = packet.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(*bytes.first_chunk()?))
}

/// The number of width `size` ([`B`], [`H`] or [`W`]) at `at`.
#[must_use]
pub fn number(size: u16, packet: &[u8], at: usize) -> Option<u32> {
    match size {
        B => byte(packet, at),
        H => half(packet, at),
        W => word(packet, at),
        _ => None,
    }
}
