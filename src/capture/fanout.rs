//! Fanout groups: sockets that share the packets of an interface, each packet going to one of them.
//!
//! packet(7) under `PACKET_FANOUT`, and `net/packet/af_packet.c` for what a group demands of who joins it.

mod join;
mod members;

pub(super) use join::{close, open};
pub(super) use members::Place;

use crate::bpf::Insn;
use crate::error::{Error, Result};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// By what a group chooses the socket that gets a packet: `PACKET_FANOUT_*` of `linux/if_packet.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// The flow that it belongs to, in whichever direction.
    Hash = 0,
    /// One after the other.
    Lb = 1,
    /// The CPU that it came in on.
    Cpu = 2,
    /// The first, as long as it has room.
    Rollover = 3,
    /// Chance.
    Rnd = 4,
    /// The queue of the interface that it came in on.
    Qm = 5,
    /// What a program of classic BPF returns.
    Cbpf = 6,
    /// What a program of extended BPF returns.
    Ebpf = 7,
}

/// The modes by their names.
pub const MODES: [(&str, Mode); 8] = [
    ("hash", Mode::Hash),
    ("lb", Mode::Lb),
    ("cpu", Mode::Cpu),
    ("rollover", Mode::Rollover),
    ("rnd", Mode::Rnd),
    ("qm", Mode::Qm),
    ("cbpf", Mode::Cbpf),
    ("ebpf", Mode::Ebpf),
];

/// A packet whose socket has no room goes to another one.
pub const ROLLOVER: u16 = 0x1000;
/// The kernel chooses a number that no group has.
pub const UNIQUEID: u16 = 0x2000;
/// The group gets nothing of what the host sends.
pub const IGNORE_OUTGOING: u16 = 0x4000;
/// Fragments of IPv4 are put together before a socket is chosen.
pub const DEFRAG: u16 = 0x8000;

/// The flags by their names: `PACKET_FANOUT_FLAG_*`.
pub const FLAGS: [(&str, u16); 4] = [
    ("rollover", ROLLOVER),
    ("uniqueid", UNIQUEID),
    ("ignore_outgoing", IGNORE_OUTGOING),
    ("defrag", DEFRAG),
];

/// A program that chooses.
#[derive(Clone, Debug)]
pub enum Chooser {
    /// Classic BPF.
    Classic(Arc<[Insn]>),
    /// The descriptor of a program of extended BPF.
    Extended(Arc<OwnedFd>),
}

/// The group that a socket is to join.
#[derive(Clone, Debug)]
pub struct Fanout {
    /// By what the group chooses.
    pub mode: Mode,
    /// [`ROLLOVER`] and the like; [`UNIQUEID`] goes without saying where there is no number.
    pub flags: u16,
    /// Its number; `None` for one that the kernel chooses.
    pub group: Option<u16>,
    /// What chooses in modes [`Mode::Cbpf`] and [`Mode::Ebpf`].
    pub program: Option<Chooser>,
}

impl Mode {
    /// Its name.
    fn name(self) -> &'static str {
        MODES.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }
}

/// The names of `flags`, as they are written behind a mode's name.
fn names(flags: u16) -> String {
    let names: Vec<&str> =
        FLAGS.iter().filter(|(_, flag)| flags & flag != 0).map(|(name, _)| *name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join("+") }
}

impl Fanout {
    /// A group as C programs ask for it: `PACKET_FANOUT_*`, flags, a number or -1.
    pub fn new(mode: i32, flags: i32, group: i32) -> Result<Self> {
        let known = FLAGS.iter().fold(0, |all, (_, flag)| all | flag);
        let Some((_, mode)) = MODES.iter().find(|(_, known)| *known as i32 == mode) else {
            return Err(Error::new(format!("{mode} is not a fanout mode")));
        };
        let flags = u16::try_from(flags)
            .ok()
            .filter(|flags| flags & !known == 0)
            .ok_or_else(|| Error::new(format!("{flags:#x} has bits that are no fanout flag")))?;
        let group = match group {
            -1 => None,
            // The number that the kernel wants with this flag.
            0 if flags & UNIQUEID != 0 => None,
            group => Some(u16::try_from(group).map_err(|_| {
                Error::new(format!("{group} is not a fanout group: -1 to 65535 are"))
            })?),
        };
        let fanout = Self { mode: *mode, flags, group, program: None };
        fanout.check()?;
        Ok(fanout)
    }

    /// A new group, whose packets `program` deals out.
    pub fn chosen_by(program: &Chooser) -> Self {
        let mode = match program {
            Chooser::Classic(_) => Mode::Cbpf,
            Chooser::Extended(_) => Mode::Ebpf,
        };
        Self { mode, flags: 0, group: None, program: None }
    }

    /// From now on, the group `number`, which there is.
    pub fn join(&mut self, number: u16) {
        self.group = Some(number);
        self.flags &= !UNIQUEID;
    }

    /// Refuses what no kernel takes.
    fn check(&self) -> Result<()> {
        if self.mode == Mode::Rollover && self.flags & ROLLOVER != 0 {
            return Err(Error::new("fanout mode rollover does not go with the flag rollover"));
        }
        match self.group {
            Some(group) if self.flags & UNIQUEID != 0 => {
                let text =
                    format!("fanout flag uniqueid does not go with a group, which is {group}");
                Err(Error::new(text))
            }
            _ => Ok(()),
        }
    }
}
