//! What a packet socket captures on: one interface or all of them, opened but not yet receiving.

use super::ring::{tx, xdp};
use super::tuning::TxRing;
use super::{Link, arphrd, ring};
use crate::error::{Code, Error, Result, WarnCode, Warning};
use crate::handle::options::Options;
use crate::linktype::{MAXIMUM_SNAPLEN, dlt};
use crate::names::tstamp;
use crate::sys::packet::{self, Kind};
use crate::sys::{Errno, ethtool, iface, socket, sysfs};
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

/// Bytes that an Ethernet header and one tag add to the MTU.
const ETHERNET_OVERHEAD: u32 = 18;
/// Bytes that the link-layer header and a tag add to the MTU, on whatever interface: `MAX_HEADER` of
/// linux/netdevice.h, where it is large.
const LINK_HEADERS: u32 = 128;
/// The largest packet that segmentation offload makes.
const OFFLOAD_PACKET: u32 = 65535;
/// `linux/net_tstamp.h`: a time stamp of the hardware's, brought to the system's clock.
const SOF_TIMESTAMPING_SYS_HARDWARE: i32 = 1 << 5;
/// `linux/net_tstamp.h`: a time stamp of the hardware's own clock.
const SOF_TIMESTAMPING_RAW_HARDWARE: i32 = 1 << 6;

/// An open socket, and what is known of its interface.
pub(super) struct Interface {
    /// The socket.
    pub fd: OwnedFd,
    /// The interface's index, -1 for all of them.
    pub ifindex: i32,
    /// What its packets look like to the program.
    pub link: Link,
    /// The link types to choose from; none means only the present one.
    pub datalinks: Vec<i32>,
}

fn open_socket(kind: Kind) -> Result<OwnedFd> {
    packet::open(kind).map_err(|errno| match errno.0 {
        libc::EPERM | libc::EACCES => Error::with_code(
            Code::PermDenied,
            "Attempt to create packet socket failed - CAP_NET_RAW may be required",
        ),
        libc::EAFNOSUPPORT => {
            Error::with_code(Code::CaptureNotSup, "PF_PACKET sockets not supported - is this WSL1?")
        }
        _ => Error::errno("socket", errno),
    })
}

impl Interface {
    /// All interfaces at once, with cooked headers.
    pub fn open_any(options: &Options) -> Result<(Self, Option<Warning>)> {
        let fd = open_socket(Kind::Cooked)?;
        if options.rfmon {
            return Err(Error::bare(Code::RfmonNotSup));
        }
        let datalinks = vec![dlt::LINUX_SLL, dlt::LINUX_SLL2];
        Ok((Self { fd, ifindex: -1, link: Link::Sll { dlt: dlt::LINUX_SLL }, datalinks }, None))
    }

    /// One interface, with its own headers or, where the kernel's are of no use, cooked ones. In a `foreign` namespace
    /// sysfs knows nothing of it: not known there is the tagging of a DSA switch, nor that it is Wi-Fi 7.
    pub fn open(options: &Options, foreign: bool) -> Result<(Self, Option<Warning>)> {
        let device = options.device.as_os_str();
        let mut fd = open_socket(Kind::Raw)?;
        if options.rfmon {
            return Err(Error::bare(Code::RfmonNotSup));
        }
        let arptype = iface::hardware_type(fd.as_fd(), device).map_err(|errno| match errno.0 {
            libc::ENODEV => Error::bare(Code::NoSuchDevice),
            _ => Error::errno("SIOCGIFHWADDR", errno),
        })?;
        let (wireless, tagging) = match (arptype, foreign) {
            (arphrd::ETHER, true) => (iface::is_wireless(fd.as_fd(), device), None),
            (arphrd::ETHER, false) => {
                (sysfs::exists(device, "wireless"), sysfs::read(device, "dsa/tagging"))
            }
            // Nobody else is either.
            _ => (false, None),
        };
        let choice = arphrd::map(arptype, device.as_bytes(), wireless, tagging.as_deref());
        let mut warning = None;
        if choice.unknown {
            let text = arphrd::unknown_warning(arptype);
            warning = Some(Warning { code: WarnCode::Generic, text });
        }
        let link = if choice.cooked {
            fd = packet::open(Kind::Cooked).map_err(|errno| Error::errno("socket", errno))?;
            Link::Sll { dlt: choice.dlt }
        } else {
            Link::Raw { dlt: choice.dlt, can: choice.dlt == dlt::CAN_SOCKETCAN }
        };
        let ifindex = iface::index(fd.as_fd(), device)
            .map_err(|errno| Error::errno("SIOCGIFINDEX", errno))?;
        let interface = Self { fd, ifindex, link, datalinks: choice.offered.to_vec() };
        interface.bind(0)?;
        Ok((interface, warning))
    }

    /// Receives `protocol` from now on, 0 meaning nothing, if the interface is one that can be read.
    pub fn bind(&self, protocol: u16) -> Result<()> {
        let fd = self.fd.as_fd();
        packet::bind(fd, self.ifindex.max(0), protocol).map_err(|errno| match errno.0 {
            libc::ENETDOWN => Error::bare(Code::IfaceNotUp),
            libc::ENODEV => Error::bare(Code::NoSuchDevice),
            _ => Error::errno("bind", errno),
        })?;
        let pending = socket::pending_error(fd)
            .map_err(|errno| Error::errno("getsockopt (SO_ERROR)", errno))?;
        match pending {
            0 => Ok(()),
            libc::ENETDOWN => Err(Error::bare(Code::IfaceNotUp)),
            errno => Err(Error::errno("bind", Errno(errno))),
        }
    }

    /// Promiscuous mode, and the metadata that a VLAN tag comes in.
    pub fn prepare(&self, options: &Options) -> Result<()> {
        let fd = self.fd.as_fd();
        if options.promiscuous {
            let mut membership: libc::packet_mreq = socket::OptionValue::zeroed();
            membership.mr_ifindex = self.ifindex;
            membership.mr_type = libc::PACKET_MR_PROMISC as u16;
            socket::set(fd, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, membership)
                .map_err(|errno| Error::errno("setsockopt (PACKET_ADD_MEMBERSHIP)", errno))?;
        }
        match socket::set(fd, libc::SOL_PACKET, libc::PACKET_AUXDATA, 1) {
            Ok(()) | Err(Errno(libc::ENOPROTOOPT)) => Ok(()),
            Err(errno) => Err(Error::errno("setsockopt (PACKET_AUXDATA)", errno)),
        }
    }

    /// Has the hardware stamp packets, if that is asked for.
    pub fn stamp_in_hardware(&self, options: &Options) -> Result<Option<Warning>> {
        let source = match options.tstamp_type {
            tstamp::ADAPTER => SOF_TIMESTAMPING_SYS_HARDWARE,
            tstamp::ADAPTER_UNSYNCED => SOF_TIMESTAMPING_RAW_HARDWARE,
            _ => return Ok(None),
        };
        let fd = self.fd.as_fd();
        match iface::stamp_in_hardware(fd, &options.device) {
            Ok(()) => socket::set(fd, libc::SOL_PACKET, libc::PACKET_TIMESTAMP, source)
                .map(|()| None)
                .map_err(|errno| Error::errno("can't set PACKET_TIMESTAMP", errno)),
            Err(Errno(libc::EPERM)) => Err(Error::with_code(
                Code::PermDenied,
                "Attempt to set hardware timestamp failed - CAP_NET_ADMIN may be required",
            )),
            Err(Errno(libc::EOPNOTSUPP | libc::ERANGE)) => {
                Ok(Some(Warning { code: WarnCode::TstampTypeNotSup, text: String::new() }))
            }
            Err(errno) => Err(Error::errno("SIOCSHWTSTAMP failed", errno)),
        }
    }

    /// The ring to send from that is asked for, if it is one of the packet socket.
    pub fn tx_ring(&self, options: &Options) -> Result<Option<tx::Request>> {
        let Some(TxRing { bytes, loss, copy, xdp }) = options.tuning.tx_ring else {
            return Ok(None);
        };
        if xdp && self.is_ethernet() {
            return Ok(None);
        }
        let largest = self.largest(options)?;
        let copy = (copy && self.is_ethernet()).then(|| options.device.clone());
        Ok(Some(tx::Request { bytes, largest, loss, copy }))
    }

    /// The same, if it is one of an XDP socket.
    pub fn xdp_ring(&self, options: &Options) -> Result<Option<xdp::Request>> {
        let Some(TxRing { bytes, loss, xdp: true, .. }) = options.tuning.tx_ring else {
            return Ok(None);
        };
        if !self.is_ethernet() {
            return Ok(None);
        }
        let (device, ifindex) = (options.device.clone(), self.ifindex.max(0).unsigned_abs());
        let mtu = self.mtu(options)?;
        let largest = mtu.saturating_add(ETHERNET_OVERHEAD);
        Ok(Some(xdp::Request { bytes, largest, loss, device, ifindex }))
    }

    fn is_ethernet(&self) -> bool {
        matches!(self.link, Link::Raw { .. }) && self.link.dlt() == dlt::EN10MB
    }

    fn mtu(&self, options: &Options) -> Result<u32> {
        iface::mtu(self.fd.as_fd(), &options.device)
            .map_err(|errno| Error::errno("SIOCGIFMTU", errno))
    }

    /// Bytes of the largest packet that can be sent: the kernel takes nothing larger than the MTU, and its own
    /// link-layer headers are no larger than that.
    fn largest(&self, options: &Options) -> Result<u32> {
        Ok(self.mtu(options)?.saturating_add(LINK_HEADERS))
    }

    /// How large packets get, which a ring of frames is made for.
    pub fn limits(&self, device: &OsStr) -> Result<ring::Limits> {
        if self.link.dlt() != dlt::EN10MB {
            return Ok(ring::Limits { frame: MAXIMUM_SNAPLEN, packet: MAXIMUM_SNAPLEN });
        }
        let fd = self.fd.as_fd();
        let mtu = iface::mtu(fd, device).map_err(|errno| Error::errno("SIOCGIFMTU", errno))?;
        let frame = mtu.saturating_add(ETHERNET_OVERHEAD);
        let packet = match ethtool::offloads_on(fd, device) {
            Ok(false) => frame,
            Ok(true) => frame.max(OFFLOAD_PACKET + ETHERNET_OVERHEAD),
            Err((request, errno)) => {
                let what = format!("{}: SIOCETHTOOL({request}) ioctl failed", device.display());
                return Err(Error::errno(what, errno));
            }
        };
        Ok(ring::Limits { frame, packet })
    }
}
