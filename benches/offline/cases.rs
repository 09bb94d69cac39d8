//! What is measured: files read in every way, packets written to every sink.

use crate::files::{self, KINDS, Kind};
use crate::packets;
use crate::pcap::{Api, Header, Lib, Reader, Tally};
use std::fs;
use std::path::{Path, PathBuf};

/// A directory, in memory if there is one, that is removed when dropped.
pub struct Place {
    dir: PathBuf,
    own: bool,
}

impl Place {
    /// With files of so many packets.
    pub fn new(packets: u32) -> Result<Self, String> {
        let shm = Path::new("/dev/shm");
        let base = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
        let dir = base.join(format!("libpcap-bench-offline-{}-{packets}", std::process::id()));
        fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let place = Self { dir, own: true };
        files::make(&place, packets)?;
        Ok(place)
    }

    /// One that somebody else has made.
    pub fn existing(dir: &str) -> Self {
        Self { dir: dir.into(), own: false }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.own {
            // Nobody is left to tell.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// Where packets go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    Null,
    Memory,
}

/// One measurement.
#[derive(Clone, Copy)]
pub enum Case {
    Read {
        kind: Kind,
        api: Api,
        filter: bool,
    },
    Dump {
        sink: Sink,
    },
    /// A file through pcap_loop() into pcap_dump(), as `tcpdump -r F -w G`.
    Copy {
        sink: Sink,
    },
}

pub const FILTER: &str = "tcp port 80";

pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        for filter in [false, true] {
            let read = |api| Case::Read { kind, api, filter };
            cases.extend([Api::Loop, Api::NextEx, Api::Dispatch1].map(read));
        }
    }
    cases.extend([Sink::Null, Sink::Memory].map(|sink| Case::Dump { sink }));
    cases.extend([Sink::Null, Sink::Memory].map(|sink| Case::Copy { sink }));
    cases
}

impl Sink {
    fn name(self) -> &'static str {
        match self {
            Self::Null => "/dev/null",
            Self::Memory => "memory",
        }
    }

    fn path(self, place: &Place) -> PathBuf {
        match self {
            Self::Null => "/dev/null".into(),
            Self::Memory => place.file("written"),
        }
    }
}

impl Case {
    pub fn label(self) -> String {
        match self {
            Self::Read { kind, api, filter } => {
                let filter = if filter { format!(", `{FILTER}`") } else { String::new() };
                format!("read {}, {}{filter}", kind.name, api.name())
            }
            Self::Dump { sink } => format!("write to {}", sink.name()),
            Self::Copy { sink } => format!("read micro, loop, write to {}", sink.name()),
        }
    }

    /// Reads the files that are there, or writes so many packets; what came of it.
    pub fn run(self, lib: &Lib, place: &Place, count: u32) -> Result<Tally, String> {
        let open = |kind: Kind| Reader::open(lib, &place.file(kind.name));
        match self {
            Self::Read { kind, api, filter } => {
                let reader = open(kind)?;
                if filter {
                    reader.set_filter(FILTER)?;
                }
                reader.read(api)
            }
            Self::Dump { sink } => {
                let path = fresh(sink.path(place));
                dump(&Reader::dead(lib)?, &path, count)?;
                size(&path)
            }
            Self::Copy { sink } => {
                let path = fresh(sink.path(place));
                open(KINDS[0])?.copy(&path)?;
                size(&path)
            }
        }
    }
}

/// A file that is to be made anew.
fn fresh(path: PathBuf) -> PathBuf {
    if path.is_file() {
        let _ = fs::remove_file(&path);
    }
    path
}

fn size(path: &Path) -> Result<Tally, String> {
    let bytes = fs::metadata(path).map_err(|e| format!("{}: {e}", path.display()))?.len();
    Ok(Tally { packets: 0, bytes, sum: 0 })
}

/// The corpus over and over.
fn dump(dead: &Reader<'_>, path: &Path, count: u32) -> Result<(), String> {
    let packets = short_packets();
    dead.dump(path, packets.iter().cycle().take(count as usize))
}

/// Packets of 64 bytes.
pub fn short_packets() -> Vec<(Header, Vec<u8>)> {
    let mut packets = packets::corpus();
    for (n, (header, packet)) in packets.iter_mut().enumerate() {
        packet.resize(64, 0);
        header.ts = libc::timeval { tv_sec: 1_700_000_000, tv_usec: n as i64 * 7 };
        (header.caplen, header.len) = (64, 64);
    }
    packets
}
