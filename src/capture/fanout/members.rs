//! Who is in a group already, whichever process it belongs to: `linux/packet_diag.h`, by sock_diag(7).

use super::{Fanout, MODES, names};
use crate::sys::netlink::{Netlink, attributes, half, number};
use crate::sys::{Sys, iface, packet};

/// `SOCK_DIAG_BY_FAMILY` of `linux/sock_diag.h`.
const BY_FAMILY: u16 = 20;
/// `struct packet_diag_req`, and what to show: `PACKET_SHOW_INFO` and `PACKET_SHOW_FANOUT`.
const REQUEST: usize = 20;
const SHOW: u32 = 1 << 0 | 1 << 3;
/// `struct packet_diag_msg`, and the attributes behind it.
const MESSAGE: usize = 16;
const INFO: u16 = 0;
const FANOUT: u16 = 4;

/// What the kernel wants to be the same in all of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The interface that is captured on, 0 for all.
    pub ifindex: u32,
    /// The `ETH_P_*` that is captured.
    pub protocol: u16,
}

/// A group that there is.
#[derive(Clone, Debug)]
pub struct Group {
    /// A `PACKET_FANOUT_*` number.
    mode: u16,
    place: Place,
    /// The inode numbers of its sockets.
    pub sockets: Vec<u32>,
}

/// The group `number` of this network namespace, if it has members.
pub fn find(number: u16) -> Sys<Option<Group>> {
    let mut request = [0; REQUEST];
    request[0] = libc::AF_PACKET as u8;
    request[8..12].copy_from_slice(&SHOW.to_ne_bytes());
    let list = Netlink::open(libc::NETLINK_SOCK_DIAG)?.list(BY_FAMILY, &request)?;
    let members = list.iter().filter_map(|message| member(&message.body));
    let mut found: Option<Group> = None;
    for (_, mode, place, inode) in members.filter(|member| member.0 == number) {
        let group = found.get_or_insert(Group { mode, place, sockets: Vec::new() });
        group.sockets.push(inode);
    }
    Ok(found)
}

/// Of a socket that is in a group: the group's number and mode, what it captures, and its inode.
fn member(body: &[u8]) -> Option<(u16, u16, Place, u32)> {
    let (protocol, inode) = (half(body, 2)?, number(body, 4)?);
    let find = |kind| attributes(body.get(MESSAGE..)?).find(|found| found.0 == kind);
    let fanout = number(find(FANOUT)?.1, 0)?;
    let ifindex = number(find(INFO)?.1, 0)?;
    Some((fanout as u16, (fanout >> 16) as u16, Place { ifindex, protocol }, inode))
}

impl Group {
    /// In what it differs from what is asked of it.
    pub fn differences(&self, asked: &Fanout, place: Place) -> String {
        let mut all = Vec::new();
        let mut differ = |what: &str, has: String, wanted: String| {
            if has != wanted {
                all.push(format!("its {what} {has}, not {wanted}"));
            }
        };
        differ("mode is", mode_name(self.mode), asked.mode.name().to_owned());
        differ("interface is", device(self.place.ifindex), device(place.ifindex));
        let protocol = |place: Place| format!("{:#06x}", place.protocol);
        differ("protocol is", protocol(self.place), protocol(place));
        match self.flags() {
            Some(flags) => differ("flags are", names(flags), names(asked.flags)),
            // The kernel tells nobody but who has one of the sockets; but it compares nothing else.
            None if all.is_empty() => {
                all.push(format!("its flags are others than {}", names(asked.flags)));
            }
            None => {}
        }
        if all.is_empty() { "it was another a moment ago".to_owned() } else { all.join(", ") }
    }

    /// Its flags, if one of its sockets is this process's.
    fn flags(&self) -> Option<u16> {
        let own = packet::own_fanouts().ok()?;
        own.iter()
            .find(|own| self.sockets.contains(&own.0))
            .map(|own| (own.1 >> 16) as u16 & 0xff00)
    }
}

fn mode_name(mode: u16) -> String {
    MODES
        .iter()
        .find(|(_, known)| *known as u16 == mode)
        .map_or_else(|| mode.to_string(), |(name, _)| (*name).to_owned())
}

fn device(ifindex: u32) -> String {
    match ifindex {
        0 => "any".to_owned(),
        ifindex => iface::name(ifindex).unwrap_or_else(|_| format!("number {ifindex}")),
    }
}
