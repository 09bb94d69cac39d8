//! What the kernel tells of a packet beside its bytes, as a program may ask for it while the packet is lent.
//!
//! `linux/if_packet.h`; the header of a frame in a ring, or the auxiliary data of a packet that came without one.

use super::cooked::LinkAddr;

/// Facts about one packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketFacts {
    /// Nanoseconds since the Epoch.
    pub nanoseconds: u64,
    /// Whose clock that is.
    pub clock: Clock,
    /// The `TP_STATUS_*` bits between those that say whose the frame is and those that say whose clock.
    pub status: u32,
    /// The packet type, the interface, the protocol and the sender's address.
    pub addr: LinkAddr,
    /// TCI and, if known, TPID of a tag that the kernel or the hardware took out of the packet.
    pub vlan: Option<(u16, Option<u16>)>,
    /// The receive hash, where the ring was asked for it.
    pub rxhash: Option<u32>,
}

/// Who made a time stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The kernel, as it put the packet into the buffer.
    #[default]
    Kernel = 0,
    /// The kernel, as the packet came in or went out, for some socket wanted to know.
    Software = 1,
    /// The interface, brought to the system's clock.
    SysHardware = 2,
    /// The interface, by its own clock.
    RawHardware = 3,
}
