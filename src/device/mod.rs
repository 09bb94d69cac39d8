//! Which devices there are: what `pcap_findalldevs`, `pcap_lookupdev` and `pcap_lookupnet` answer.
//!
//! Network interfaces and "any"; nothing here opens a device for capturing.

pub mod flags;
pub mod list;
pub mod lookup;
mod netlink;

pub use crate::sys::ifaddrs::SockAddr;
pub use list::{Device, DeviceAddr, list};
pub use lookup::{lookup_dev, lookup_net};
