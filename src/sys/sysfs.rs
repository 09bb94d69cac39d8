//! What `/sys/class` says of interfaces.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Whether a path with this name in it leads to no other place.
fn is_plain(interface: &OsStr) -> bool {
    let name = interface.as_bytes();
    !name.is_empty() && name != b"." && name != b".." && !name.contains(&b'/')
}

/// The path of `attribute` of `interface`, or `None` for a name that would lead elsewhere.
fn path(interface: &OsStr, attribute: &str) -> Option<PathBuf> {
    is_plain(interface).then(|| Path::new("/sys/class/net").join(interface).join(attribute))
}

/// Whether there are Wi-Fi interfaces, by the new interface for them or the one before it.
pub fn has_wifi() -> bool {
    let radios =
        fs::read_dir("/sys/class/ieee80211").is_ok_and(|mut radios| radios.next().is_some());
    // Two lines are the heading.
    radios || fs::read_to_string("/proc/net/wireless").is_ok_and(|text| text.lines().count() > 2)
}

/// Whether the attribute (a file or a directory) is there.
pub fn exists(interface: &OsStr, attribute: &str) -> bool {
    path(interface, attribute).is_some_and(|path| path.exists())
}

/// The attribute's text without the line end, or `None` where it cannot be read.
pub fn read(interface: &OsStr, attribute: &str) -> Option<String> {
    fs::read_to_string(path(interface, attribute)?).ok().map(|text| text.trim_end().to_owned())
}

/// The attribute's number, or `None` where there is none. Allocates nothing, for signal handlers ask too.
pub fn read_u64(interface: &OsStr, attribute: &str) -> Option<u64> {
    if !is_plain(interface) {
        return None;
    }
    let mut path = [0; 128];
    let mut rest = path.as_mut_slice();
    for part in [b"/sys/class/net/", interface.as_bytes(), b"/", attribute.as_bytes()] {
        rest.write_all(part).ok()?;
    }
    let unused = rest.len();
    let path = path.get(..path.len().checked_sub(unused)?)?;
    let mut text = [0; 32];
    let len = File::open(OsStr::from_bytes(path)).ok()?.read(&mut text).ok()?;
    str::from_utf8(text.get(..len)?).ok()?.trim_end().parse().ok()
}
