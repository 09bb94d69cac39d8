//! Facts about packets that are lent, and statistics.

use crate::capture::facts::{Clock, PacketFacts};
use crate::error::{Error, Result};
use crate::ffi::boundary::{handle, null, with_handle};
use crate::ffi::handle::pcap_t;
use crate::ffi::types::PCAP_ERROR;
use std::ffi::{c_int, c_uchar};

/// The packet did not fit into its frame, and came whole past the ring.
pub const PCAP_FACT_COPY: c_int = 1 << 1;
/// Packets were dropped since the statistics were last asked for.
pub const PCAP_FACT_LOSING: c_int = 1 << 2;
/// The checksum is not computed yet.
pub const PCAP_FACT_CSUM_NOT_READY: c_int = 1 << 3;
/// vlan_tci is that of a tag that was taken out of the packet.
pub const PCAP_FACT_VLAN_TCI: c_int = 1 << 4;
/// vlan_tpid is, too.
pub const PCAP_FACT_VLAN_TPID: c_int = 1 << 6;
/// The checksum has been found right.
pub const PCAP_FACT_CSUM_VALID: c_int = 1 << 7;
/// The packet is of several TCP segments.
pub const PCAP_FACT_GSO_TCP: c_int = 1 << 8;
/// rxhash is the packet's receive hash.
pub const PCAP_FACT_RXHASH: c_int = 1 << 16;

/// The kernel, as it put the packet into the buffer.
pub const PCAP_TSTAMP_SOURCE_KERNEL: c_int = 0;
/// The kernel, as the packet came in or went out, for some socket wanted to know.
pub const PCAP_TSTAMP_SOURCE_SOFTWARE: c_int = 1;
/// The interface, brought to the system's clock.
pub const PCAP_TSTAMP_SOURCE_SYS_HARDWARE: c_int = 2;
/// The interface, by its own clock.
pub const PCAP_TSTAMP_SOURCE_RAW_HARDWARE: c_int = 3;

const _: () = {
    assert!(PCAP_TSTAMP_SOURCE_KERNEL == Clock::Kernel as c_int);
    assert!(PCAP_TSTAMP_SOURCE_SOFTWARE == Clock::Software as c_int);
    assert!(PCAP_TSTAMP_SOURCE_SYS_HARDWARE == Clock::SysHardware as c_int);
    assert!(PCAP_TSTAMP_SOURCE_RAW_HARDWARE == Clock::RawHardware as c_int);
};

/// What the kernel tells of a packet beside its bytes.
#[repr(C)]
pub struct pcap_facts_linux {
    /// Bytes of this structure, which the caller sets.
    pub size: u32,
    /// PCAP_FACT_ values.
    pub flags: u32,
    /// The time stamp, in nanoseconds since the Epoch.
    pub nanoseconds: u64,
    /// Index of the interface.
    pub ifindex: i32,
    /// The receive hash; 0 without PCAP_FACT_RXHASH.
    pub rxhash: u32,
    /// Ethertype, or one of the kernel's own numbers (ETH_P_) for frames without one.
    pub protocol: u16,
    /// ARPHRD_ type of the interface.
    pub hatype: u16,
    /// TCI of the tag that was taken out of the packet; 0 without PCAP_FACT_VLAN_TCI.
    pub vlan_tci: u16,
    /// TPID of that tag; 0 without PCAP_FACT_VLAN_TPID.
    pub vlan_tpid: u16,
    /// PACKET_HOST, PACKET_OUTGOING and so on, of linux/if_packet.h.
    pub pkttype: u8,
    /// A PCAP_TSTAMP_SOURCE_ value.
    pub tstamp_source: u8,
    /// Bytes of the sender's address, which may be more than addr holds.
    pub halen: u8,
    /// All 0.
    pub reserved: [u8; 5],
    /// The sender's address.
    pub addr: [u8; 8],
}

/// Counts since activation.
#[repr(C)]
pub struct pcap_stat_linux {
    /// Bytes of this structure, which the caller sets.
    pub size: u32,
    /// 0.
    pub reserved: u32,
    /// Packets that came to the socket, those that were dropped included.
    pub received: u64,
    /// Packets dropped for want of room in the buffer.
    pub dropped: u64,
    /// How often the kernel found no free block of the buffer and stopped for a while.
    pub freezes: u64,
    /// Packets that came into the buffer and were thrown away by this library, for the filter or the direction.
    pub filtered: u64,
    /// Packets dropped by the interface.
    pub interface_dropped: u64,
    /// Packets that the program was given.
    pub packets: u64,
    /// Bytes of packets that it was given.
    pub bytes: u64,
}

/// A structure of the caller's that begins with its own size, which may be that of another version of it.
trait Sized32: Sized {
    /// Bytes that it had in its first version.
    const LEAST: u32;
}

/// What a size can be at most: more is no size, but memory that was not set.
const MOST: u32 = 4096;

impl Sized32 for pcap_facts_linux {
    const LEAST: u32 = 48;
}

impl Sized32 for pcap_stat_linux {
    const LEAST: u32 = 64;
}

/// Fills in a structure of the caller's, but for its size. What this library does not know of is 0.
///
/// # Safety
/// `to` is NULL, or begins with a `u32` that holds how many bytes from there are writable.
unsafe fn fill<T: Sized32>(to: *mut T, value: impl FnOnce() -> Result<T>) -> Result<()> {
    if to.is_null() {
        return Err(null());
    }
    // SAFETY: not null, so the caller's `u32`.
    let size = unsafe { to.cast::<u32>().read() };
    if !(T::LEAST..=MOST).contains(&size) {
        return Err(Error::new(format!("a structure of {size} bytes was given, which cannot be")));
    }
    let value = value()?;
    let known = (size as usize).min(size_of::<T>());
    let head = size_of::<u32>();
    // SAFETY: `size` bytes are writable, of which none but the first `size_of::<T>()` come from `value`; the caller's
    // size stays.
    unsafe {
        let (to, from) = (to.cast::<u8>(), (&raw const value).cast::<u8>());
        to.add(head).copy_from_nonoverlapping(from.add(head), known.saturating_sub(head));
        to.add(known).write_bytes(0, (size as usize).saturating_sub(known));
    }
    Ok(())
}

fn facts(of: &PacketFacts) -> pcap_facts_linux {
    const KERNELS: c_int = PCAP_FACT_COPY
        | PCAP_FACT_LOSING
        | PCAP_FACT_CSUM_NOT_READY
        | PCAP_FACT_CSUM_VALID
        | PCAP_FACT_GSO_TCP;
    let tpid = of.vlan.and_then(|(_, tpid)| tpid);
    let flag = |set: bool, flag: c_int| if set { flag } else { 0 };
    let flags = (of.status.cast_signed() & KERNELS)
        | flag(of.vlan.is_some(), PCAP_FACT_VLAN_TCI)
        | flag(tpid.is_some(), PCAP_FACT_VLAN_TPID)
        | flag(of.rxhash.is_some(), PCAP_FACT_RXHASH);
    pcap_facts_linux {
        size: 0,
        flags: flags.cast_unsigned(),
        nanoseconds: of.nanoseconds,
        ifindex: of.addr.ifindex,
        rxhash: of.rxhash.unwrap_or(0),
        protocol: u16::from_be(of.addr.protocol),
        hatype: of.addr.hatype,
        pkttype: of.addr.pkttype,
        tstamp_source: of.clock as u8,
        vlan_tci: of.vlan.map_or(0, |(tci, _)| tci),
        vlan_tpid: tpid.unwrap_or(0),
        halen: of.addr.halen,
        reserved: [0; 5],
        addr: of.addr.addr,
    }
}

/// What the kernel tells of a packet that a read lends, until the next read.
///
/// # Safety
/// As pcap-linux(3PCAP): `facts` is NULL, or has as many bytes as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_packet_facts_linux(
    p: *mut pcap_t,
    packet: *const c_uchar,
    facts: *mut pcap_facts_linux,
) -> c_int {
    // SAFETY: forwarded contract.
    let Some(h) = (unsafe { handle(p) }) else { return PCAP_ERROR };
    let told = |h: &pcap_t| h.handle.packet_facts(packet).map(|of| self::facts(&of));
    // SAFETY: forwarded contract.
    let filled = h.run_step(|h| unsafe { fill(facts, || told(h)) });
    filled.map_or_else(|error| error.code() as c_int, |()| 0)
}

/// Counts since activation, in 64 bits. Signal handlers and other threads may ask while a read waits.
///
/// # Safety
/// As pcap-linux(3PCAP): `stats` is NULL, or has as many bytes as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_stats_linux(p: *mut pcap_t, stats: *mut pcap_stat_linux) -> c_int {
    let counts = |h: &pcap_t| {
        let counts = h.handle.stats(true)?;
        let (packets, bytes) = h.handle.delivered.counts();
        Ok(pcap_stat_linux {
            size: 0,
            reserved: 0,
            received: counts.received,
            dropped: counts.dropped,
            freezes: counts.freezes,
            filtered: counts.rejected,
            interface_dropped: counts.interface_dropped,
            packets,
            bytes,
        })
    };
    // SAFETY: forwarded contract.
    unsafe { with_handle(p, |h| fill(stats, || counts(h)).map(|()| 0)) }
}
