//! The counts of an interface, by rtnetlink(7): of that interface of the namespace in which the socket was made,
//! where sysfs shows those of another.

use super::netlink::{self, Netlink};
use super::{Errno, Sys, check_len};
use std::os::fd::{AsRawFd as _, OwnedFd};

/// `RTM_GETSTATS`, since Linux 4.7, and `RTM_NEWSTATS`.
const GETSTATS: u16 = 94;
const NEWSTATS: u16 = 92;
/// `IFLA_STATS_LINK_64`, an attribute that holds a `struct rtnl_link_stats64`; and the bit that asks for it.
const LINK_64: u16 = 1;
const FILTER_LINK_64: u32 = 1;
/// Behind a message's header: `struct if_stats_msg`.
const STATS_MSG: usize = 12;
/// Where in the counts `rx_fifo_errors` and `rx_missed_errors` stand.
const RX_FIFO_ERRORS: usize = 14 * 8;
const RX_MISSED_ERRORS: usize = 15 * 8;

/// A socket that asks for the counts of one interface.
#[derive(Debug)]
pub struct LinkStats {
    fd: OwnedFd,
    ifindex: i32,
}

impl LinkStats {
    /// Of the interface `ifindex` of the namespace that this thread is in.
    pub fn open(ifindex: i32) -> Sys<Self> {
        Ok(Self { fd: Netlink::open(libc::NETLINK_ROUTE)?.into_socket(), ifindex })
    }

    /// How many packets the interface has missed for want of buffers. Allocates nothing, for signal handlers ask too;
    /// who asks at the same time may get the other's answer, which is the same.
    pub fn missed(&self) -> Sys<u64> {
        let body = [0, self.ifindex.cast_unsigned(), FILTER_LINK_64]
            .into_iter()
            .flat_map(u32::to_ne_bytes);
        let mut request = [0; netlink::HEADER + STATS_MSG];
        let parts = netlink::request_header(GETSTATS, request.len()).into_iter().chain(body);
        request.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        let fd = self.fd.as_raw_fd();
        // SAFETY: `request` is readable for its length.
        check_len(unsafe { libc::send(fd, request.as_ptr().cast(), request.len(), 0) })?;
        let mut answer = [0_u8; 2048];
        let (to, room) = (answer.as_mut_ptr().cast(), answer.len());
        // SAFETY: `answer` is writable for its length. The answer is there when the question has been sent.
        let len = check_len(unsafe { libc::recv(fd, to, room, libc::MSG_DONTWAIT) })?;
        missed(answer.get(..len).unwrap_or_default()).ok_or(Errno(libc::EOPNOTSUPP))
    }
}

/// The counts in a message.
fn missed(message: &[u8]) -> Option<u64> {
    if netlink::half(message, 4)? != NEWSTATS {
        return None;
    }
    let attributes = message.get(netlink::HEADER.saturating_add(STATS_MSG)..)?;
    let (_, counts) = netlink::attributes(attributes).find(|(kind, _)| *kind == LINK_64)?;
    let count = |at: usize| Some(u64::from_ne_bytes(*counts.get(at..)?.first_chunk()?));
    Some(count(RX_FIFO_ERRORS)?.saturating_add(count(RX_MISSED_ERRORS)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::sysfs;
    use std::ffi::OsStr;

    #[test]
    fn the_answer_is_read() {
        let mut counts = vec![0; 24 * 8];
        counts[RX_FIFO_ERRORS] = 3;
        counts[RX_MISSED_ERRORS + 1] = 1;
        let message = |kind: u16| {
            let mut message = vec![0; netlink::HEADER + STATS_MSG];
            message[4..6].copy_from_slice(&kind.to_ne_bytes());
            [message, netlink::attribute(LINK_64, &counts)].concat()
        };
        assert_eq!(missed(&message(NEWSTATS)), Some(259));
        assert_eq!(missed(&message(2)), None, "an error");
        for len in 0..NEWSTATS.into() {
            let _ = missed(message(NEWSTATS).get(..len).unwrap_or_default());
        }
    }

    #[test]
    fn the_kernel_answers_as_sysfs_does() {
        let lo = LinkStats::open(1).expect("a socket");
        let sysfs = |name| sysfs::read_u64(OsStr::new("lo"), name).expect("a count");
        let both = sysfs("statistics/rx_missed_errors") + sysfs("statistics/rx_fifo_errors");
        for _ in 0..10 {
            assert_eq!(lo.missed(), Ok(both));
        }
        let gone = LinkStats::open(0x7fff_fff0).expect("a socket");
        assert!(gone.missed().is_err());
    }
}
