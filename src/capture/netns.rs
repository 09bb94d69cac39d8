//! Capturing in another network namespace than the program's: network_namespaces(7).
//!
//! A socket belongs to the namespace that it was made in, and so do the answers to its ioctls; sysfs shows the program's.

use super::{interface::Interface, packet::ANY, tstamp_types};
use crate::error::{Code, Error, Result, Warning};
use crate::handle::options::Options;
use crate::sys::linkstats::LinkStats;
use crate::sys::{Errno, netns, sysfs};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;

/// A namespace that a program has asked for.
#[derive(Clone, Debug)]
pub enum Netns {
    /// What stands for it in the file system.
    Path(OsString),
    /// The same, open, and the number that the program knows it by.
    Descriptor(Arc<OwnedFd>, i32),
}

impl Netns {
    /// Runs `f` there.
    pub fn run<R: Send>(&self, f: impl FnOnce() -> R + Send) -> Result<R> {
        let inside = match self {
            Self::Descriptor(fd, _) => netns::inside(fd.as_fd(), f),
            Self::Path(path) => {
                let fd = netns::open(Path::new(path)).map_err(|errno| {
                    let what = format!("can't open network namespace {}", path.display());
                    Error::errno(what, errno)
                })?;
                netns::inside(fd.as_fd(), f)
            }
        };
        inside.map_err(|errno| self.no_entry(errno))
    }

    fn no_entry(&self, errno: Errno) -> Error {
        let which = match self {
            Self::Path(path) => path.display().to_string(),
            Self::Descriptor(_, number) => format!("of descriptor {number}"),
        };
        match errno.0 {
            libc::EPERM => Error::with_code(
                Code::PermDenied,
                format!(
                    "Attempt to enter network namespace {which} failed - CAP_SYS_ADMIN may be required"
                ),
            ),
            libc::EINVAL => {
                let text = format!("can't enter network namespace {which}: it is none");
                Error::new(text)
            }
            _ => Error::errno(format!("can't enter network namespace {which}"), errno),
        }
    }
}

/// What opening a device came to, wherever it is.
pub(super) struct Found {
    /// The device.
    pub interface: Interface,
    /// What the program is to know.
    pub warning: Option<Warning>,
    /// What tells of the packets that it drops.
    pub drops: Option<Drops>,
}

/// Opens the device in the namespace that the options name.
pub(super) fn open(options: &mut Options) -> Result<Found> {
    let Some(namespace) = options.tuning.netns.clone() else { return open_here(options, false) };
    let device = options.device.clone();
    let wanted = &*options;
    let (types, found) = namespace.run(|| (tstamp_types(&device), open_here(wanted, true)))?;
    let found = found?;
    // pcap_create() could not know them.
    options.tstamp_types = types?;
    Ok(found)
}

/// In the namespace that this thread is in; `foreign` if sysfs shows another one.
fn open_here(options: &Options, foreign: bool) -> Result<Found> {
    let device = options.device.as_os_str();
    let any = device == ANY;
    let (interface, warning) =
        if any { Interface::open_any(options)? } else { Interface::open(options, foreign)? };
    let drops = match (any, foreign) {
        (true, _) => None,
        (false, false) => Some(Counter::Sysfs(device.to_owned())),
        (false, true) => LinkStats::open(interface.ifindex).ok().map(Counter::Netlink),
    };
    let drops = drops.map(|counter| Drops { before: counter.read(), counter });
    Ok(Found { interface, warning, drops })
}

/// Packets that an interface has missed for want of buffers since it was opened.
pub(super) struct Drops {
    before: u64,
    counter: Counter,
}

impl Drops {
    /// How many.
    pub fn count(&self) -> u64 {
        self.counter.read().saturating_sub(self.before)
    }
}

/// Who is asked for the packets that an interface has missed. What cannot be had is 0.
enum Counter {
    /// Of the interface of this name.
    Sysfs(OsString),
    /// In another namespace.
    Netlink(LinkStats),
}

impl Counter {
    fn read(&self) -> u64 {
        match self {
            Self::Sysfs(device) => missed(device),
            Self::Netlink(stats) => stats.missed().unwrap_or(0),
        }
    }
}

fn missed(device: &OsStr) -> u64 {
    ["statistics/rx_missed_errors", "statistics/rx_fifo_errors"]
        .iter()
        .filter_map(|counter| sysfs::read_u64(device, counter))
        .fold(0, u64::saturating_add)
}
