//! What a packet socket can do that libpcap has no option for: asked for by the functions of `pcap/linux.h`,
//! or by the environment of a program that does not know them.
//!
//! packet(7), and the kernel's packet_mmap documentation.

use super::fanout::{self, Chooser, Fanout};
use super::membership::Membership;
use super::netns::Netns;
use super::ring;
use crate::error::{Code, Error, Result};
use crate::filter::compile::compile;
use crate::filter::{Context, Source, code};
use crate::names::resolver::System;
use crate::sys::socket;
use std::os::fd::BorrowedFd;

/// The options of a handle that only packet sockets have.
#[derive(Clone, Debug, Default)]
pub struct Tuning {
    /// Packets that the host sends are not captured, and cost nothing (since Linux 4.20).
    pub ignore_outgoing: bool,
    /// The fanout group to join.
    pub fanout: Option<Fanout>,
    /// What the group's program is made of, where it is told as a filter expression: the packets that it lets through
    /// are for the group's second member.
    pub fanout_expression: Option<String>,
    /// Packets are sent past the interface's queueing discipline (since Linux 3.14).
    pub qdisc_bypass: bool,
    /// Packets are sent from a ring of frames that is shared with the kernel (since Linux 2.6.31).
    pub tx_ring: Option<TxRing>,
    /// What the interface is to take in beside its own packets.
    pub memberships: Vec<Membership>,
    /// What is asked of the ring.
    pub ring: ring::Wish,
    /// For how many microseconds a read that finds nothing asks the driver for more (since Linux 3.11).
    pub busy_poll_us: u32,
    /// The network namespace to capture in; `None` for the program's.
    pub netns: Option<Netns>,
    /// The environment has been heard.
    pub environment_heard: bool,
    /// The ring that there is, once the handle is active: none where packets come without.
    pub got: Option<ring::Shape>,
}

/// A ring to send from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxRing {
    /// Bytes of it, rounded up to what it takes; at least one frame for the largest packet.
    pub bytes: u32,
    /// Packets that the interface cannot send are left out, and those behind them go (`PACKET_LOSS`).
    pub loss: bool,
    /// The kernel copies packets from it, on Ethernet, and does not lend its pages to the device.
    pub copy: bool,
    /// It is the ring of an XDP socket, on Ethernet (since Linux 6.17).
    pub xdp: bool,
}

impl Tuning {
    /// The group to join. What a group is not given is the group's business, whatever its sockets ignore.
    pub(super) fn fanout(&self) -> Option<Fanout> {
        let mut fanout = self.fanout.clone()?;
        if self.ignore_outgoing {
            fanout.flags |= fanout::IGNORE_OUTGOING;
        }
        Some(fanout)
    }

    /// The same, with its program for packets of the link type `dlt`; `vlan` if it can ask for tags that were taken out.
    pub(super) fn fanout_on(&self, dlt: i32, vlan: bool) -> Result<Option<Fanout>> {
        let (Some(mut fanout), Some(text)) = (self.fanout(), &self.fanout_expression) else {
            return Ok(self.fanout());
        };
        let context = Context { dlt, netmask: u32::MAX, source: Source::Live { vlan } };
        // What the program returns is the number of a member.
        let options = code::Options { snaplen: 1, optimise: true };
        let program = compile(text, context, options, &System)
            .map_err(|error| Error::new(format!("fanout_program: {}", error.one_line(text))))?;
        fanout.program = Some(Chooser::Classic(program.into()));
        Ok(Some(fanout))
    }

    /// As pcap_set_fanout_linux(): a mode, flags and a group. A program stays.
    pub fn set_fanout(&mut self, mode: i32, flags: i32, group: i32) -> Result<()> {
        let fanout = Fanout::new(mode, flags, group)?;
        let program = self.fanout.take().and_then(|fanout| fanout.program);
        self.fanout = Some(Fanout { program, ..fanout });
        Ok(())
    }

    /// What chooses. Asked for alone, it asks for a group of its own mode, with a number that the kernel chooses.
    pub fn set_fanout_program(&mut self, program: Chooser) {
        let fanout = self.fanout.get_or_insert_with(|| Fanout::chosen_by(&program));
        fanout.program = Some(program);
    }

    /// Sets what is set on a socket that receives nothing yet.
    pub(super) fn prepare(&self, fd: BorrowedFd<'_>) -> Result<()> {
        if self.ignore_outgoing {
            socket::set(fd, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1)
                .map_err(|errno| Error::errno("setsockopt (PACKET_IGNORE_OUTGOING)", errno))?;
        }
        if self.qdisc_bypass {
            socket::set(fd, libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, 1)
                .map_err(|errno| Error::errno("setsockopt (PACKET_QDISC_BYPASS)", errno))?;
        }
        if self.busy_poll_us > 0 {
            let us = i32::try_from(self.busy_poll_us).unwrap_or(i32::MAX);
            socket::set(fd, libc::SOL_SOCKET, libc::SO_BUSY_POLL, us).map_err(|errno| match errno.0 {
                libc::EPERM => Error::with_code(
                    Code::PermDenied,
                    format!(
                        "Attempt to poll busily for {us} microseconds failed - CAP_NET_ADMIN may be required"
                    ),
                ),
                _ => {
                    Error::errno(format!("setsockopt (SO_BUSY_POLL, {us} microseconds)"), errno)
                }
            })?;
        }
        Ok(())
    }
}
