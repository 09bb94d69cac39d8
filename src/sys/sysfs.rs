//! What `/sys/class/net` says of an interface.

use std::fs;
use std::path::{Path, PathBuf};

/// The path of `attribute` of `interface`, or `None` for a name that would lead elsewhere.
fn path(interface: &str, attribute: &str) -> Option<PathBuf> {
    let plain =
        !interface.is_empty() && interface != "." && interface != ".." && !interface.contains('/');
    plain.then(|| Path::new("/sys/class/net").join(interface).join(attribute))
}

/// Whether the attribute (a file or a directory) is there.
pub fn exists(interface: &str, attribute: &str) -> bool {
    path(interface, attribute).is_some_and(|path| path.exists())
}

/// The attribute's text without the line end, or `None` where it cannot be read.
pub fn read(interface: &str, attribute: &str) -> Option<String> {
    fs::read_to_string(path(interface, attribute)?).ok().map(|text| text.trim_end().to_owned())
}

/// The attribute's number, or `None` where there is none.
pub fn read_u64(interface: &str, attribute: &str) -> Option<u64> {
    read(interface, attribute)?.parse().ok()
}
