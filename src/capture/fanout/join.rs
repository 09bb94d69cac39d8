//! Joining a group.
//!
//! The kernel takes a socket into a group once it is bound and receives already, and what comes before that is a
//! second copy of what others of the group are given. So a socket that is to join rejects all that comes, from
//! before it is bound until it is in ([`close`], [`open`]): nothing reaches it but by way of the group. What the
//! group gives it before it is open is lost.

use super::members::{self, Place};
use super::{Chooser, Fanout, Mode, UNIQUEID, names};
use crate::bpf::Insn;
use crate::bpf::insn::{ABS, IND, LD, LDX, MSH, RET_K, SKF_LL_OFF, SKF_NET_OFF};
use crate::capture::Link;
use crate::capture::cooked::{self, Cooked};
use crate::error::{Error, Result};
use crate::sys::{Errno, socket};
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// Offsets that no packet is longer than.
const MAX_OFFSET: u32 = 0xffff;

/// Rejects all that comes.
pub fn close(fd: BorrowedFd<'_>) -> Result<()> {
    socket::attach_filter(fd, &[Insn::stmt(RET_K, 0)])
        .map_err(|errno| Error::errno("can't keep packets from a socket without a group", errno))
}

/// Takes what the group gives.
pub fn open(fd: BorrowedFd<'_>) -> Result<()> {
    socket::detach_filter(fd).map_err(|errno| Error::errno("can't remove kernel filter", errno))
}

impl Fanout {
    /// Has a socket, which is bound and rejects all that comes, join the group; the group's number.
    pub fn enter(&self, fd: BorrowedFd<'_>, place: Place, link: Link) -> Result<u16> {
        self.check()?;
        let (number, flags) = match self.group {
            Some(number) => (number, self.flags),
            None => (0, self.flags | UNIQUEID),
        };
        let program = self.chooser(link)?;
        let asked = u32::from(number) | u32::from(self.mode as u16 | flags) << 16;
        socket::set(fd, libc::SOL_PACKET, libc::PACKET_FANOUT, asked.cast_signed())
            .map_err(|errno| self.refused(place, errno))?;
        let joined = socket::get(fd, libc::SOL_PACKET, libc::PACKET_FANOUT, 0)
            .map_err(|errno| Error::errno("getsockopt (PACKET_FANOUT)", errno))?;
        match program {
            Some(program) => program.set(fd)?,
            None => self.has_program(joined as u16)?,
        }
        Ok(joined as u16)
    }

    /// The program as the kernel runs it.
    fn chooser(&self, link: Link) -> Result<Option<Chooser>> {
        let (fitting, what) = match &self.program {
            None => return Ok(None),
            Some(Chooser::Classic(_)) => (Mode::Cbpf, "classic"),
            Some(Chooser::Extended(_)) => (Mode::Ebpf, "extended"),
        };
        if self.mode != fitting {
            let (mode, fitting) = (self.mode.name(), fitting.name());
            let text = format!("a fanout program of {what} BPF is for mode {fitting}, not {mode}");
            return Err(Error::new(text));
        }
        match &self.program {
            Some(Chooser::Classic(insns)) => match for_kernel(insns, link) {
                Some(insns) => Ok(Some(Chooser::Classic(insns.into()))),
                None => Err(Error::new(
                    "the fanout program looks at parts of a header that the kernel does not have",
                )),
            },
            other => Ok(other.clone()),
        }
    }

    /// Whether a member that brings no program needs none, or finds one: in a group that has others.
    fn has_program(&self, number: u16) -> Result<()> {
        if !matches!(self.mode, Mode::Cbpf | Mode::Ebpf) {
            return Ok(());
        }
        match members::find(number) {
            Ok(Some(group)) if group.sockets.len() == 1 => {
                let mode = self.mode.name();
                let text = format!("the fanout group is new, and its mode {mode} needs a program");
                Err(Error::new(text))
            }
            _ => Ok(()),
        }
    }

    /// What is wrong where the kernel says no.
    fn refused(&self, place: Place, errno: Errno) -> Error {
        let call = "setsockopt (PACKET_FANOUT)";
        let asked = format!("mode {}, flags {}", self.mode.name(), names(self.flags));
        match (errno.0, self.group) {
            (libc::ENOSPC, Some(number)) => {
                Error::new(format!("fanout group {number} has no place left: {errno}"))
            }
            (libc::ENOMEM, None) => {
                Error::new(format!("{call}: no number or no memory for a new group: {errno}"))
            }
            (libc::EINVAL, Some(number)) => match members::find(number) {
                Ok(Some(group)) => {
                    let differences = group.differences(self, place);
                    Error::new(format!("can't join fanout group {number}: {differences}"))
                }
                Ok(None) => Error::errno(format!("{call} for group {number}, {asked}"), errno),
                // Who is in it cannot be seen: a kernel without packet_diag, for one.
                Err(_) => {
                    let text = format!(
                        "can't join fanout group {number}: the kernel does not know {asked}, or the \
                         group has others, or another interface or protocol"
                    );
                    Error::errno(text, errno)
                }
            },
            _ => Error::errno(format!("{call} for {asked}"), errno),
        }
    }
}

impl Chooser {
    /// Gives it to the socket's group, in place of one that the group may have.
    fn set(&self, fd: BorrowedFd<'_>) -> Result<()> {
        let (level, name) = (libc::SOL_PACKET, libc::PACKET_FANOUT_DATA);
        match self {
            Self::Classic(insns) => socket::set_program(fd, level, name, insns),
            Self::Extended(program) => socket::set(fd, level, name, program.as_raw_fd()),
        }
        .map_err(|errno| Error::errno("setsockopt (PACKET_FANOUT_DATA)", errno))
    }
}

/// A program for packets as `link` has them, as the kernel is to run it. A group chooses before it is known which
/// header its sockets want: packets that were received begin behind their link-layer header, those that are sent
/// with it. So each load says from where it counts.
fn for_kernel(insns: &[Insn], link: Link) -> Option<Vec<Insn>> {
    let (mut insns, base) = match link {
        Link::Raw { can: true, .. } if !cooked::can_runs_in_kernel(insns) => return None,
        Link::Raw { .. } => (insns.to_vec(), SKF_LL_OFF),
        Link::Sll { .. } => (cooked::rewrite_for_kernel(insns, Cooked::Sll)?, SKF_NET_OFF),
        Link::Sll2 => (cooked::rewrite_for_kernel(insns, Cooked::Sll2)?, SKF_NET_OFF),
    };
    for insn in &mut insns {
        let loads = matches!((insn.class(), insn.mode()), (LD, ABS | IND) | (LDX, MSH));
        if loads && insn.k <= MAX_OFFSET {
            insn.k = insn.k.wrapping_add(base);
        }
    }
    Some(insns)
}
