//! TPACKET_V2's frame header.

use super::frames::{Description, Header};
use super::layout::{STATUS_VLAN_TPID_VALID, STATUS_VLAN_VALID, Tpacket2Hdr};

impl Header for Tpacket2Hdr {
    #[inline]
    fn describe(&self, status: u32) -> Description {
        // Kernels before 3.0 tell of a tag only by a TCI that is not zero.
        let tagged = status & STATUS_VLAN_VALID != 0 || self.vlan_tci != 0;
        let tpid = (status & STATUS_VLAN_TPID_VALID != 0).then_some(self.vlan_tpid);
        Description {
            sec: self.sec,
            nsec: self.nsec,
            captured: self.snaplen,
            len: self.len,
            mac: self.mac,
            vlan: tagged.then_some((self.vlan_tci, tpid)),
        }
    }
}
