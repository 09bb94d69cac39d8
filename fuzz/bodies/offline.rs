//! Savefiles read in every way there is, which must all give the same.

#![allow(
    unsafe_code,
    reason = "reads what a handle lends, and makes pipes and files without a name"
)]

use super::memory;
use pcap::bpf::Insn;
use pcap::handle::batch::Lent;
use pcap::handle::{Handle, Patience, Search, Step};
use pcap::savefile::{About, Savefile};
use pcap::sys::stdio::Stream;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, FromRawFd as _};

/// Most memory that reading may take, whatever the file says.
const MEMORY: usize = 64 << 20;
/// Most packets that are looked at, and bytes of them: of a few bytes a decompressor makes many.
const PACKETS: usize = 100_000;
const BYTES: usize = 64 << 20;
/// Told instead of an error where that was enough.
const ENOUGH: &str = "enough";
/// Most bytes that come through a pipe, and of them at a time.
const PIPE: usize = 512 << 10;
const PIECE: usize = 4096;

/// A packet as a reader gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    pub stamp: (i64, i64),
    pub caplen: u32,
    pub len: u32,
    /// Of its bytes.
    pub hash: u64,
}

/// What came of reading a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub about: About,
    pub packets: Vec<Packet>,
    /// The error at the end, if there is one.
    pub error: Option<String>,
}

/// How to read.
#[derive(Clone, Copy, Debug)]
pub enum Way<'p> {
    /// A file that we open.
    File,
    /// A stream of the caller's.
    Stream,
    /// A file that the caller takes the stream of, after so many packets.
    StreamAfter(usize),
    /// A pipe that has so many bytes when it is opened, and gets them in pieces of these sizes.
    Pipe(usize, &'p [u8]),
    /// A pipe that the caller takes the stream of, after so many packets.
    PipedStreamAfter(usize),
    /// A file that has so many bytes at first, and the rest when these have been read.
    Growing(usize),
    /// With another filter after every so many packets: one of packets longer than that, or none.
    Filtered(usize, u32),
}

/// The numbers look random, and change with every byte.
pub fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Bytes without a name.
fn file(bytes: &[u8]) -> File {
    // SAFETY: a terminated name.
    let fd = unsafe { libc::memfd_create(c"savefile".as_ptr(), libc::MFD_CLOEXEC) };
    assert!(fd >= 0, "memfd_create");
    // SAFETY: a descriptor that nobody else has.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(bytes).expect("memory");
    file
}

/// A name by which the file can be opened from its beginning.
fn name(file: &File) -> OsString {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// Bytes without a name, and a name by which they can be opened.
pub fn named(bytes: &[u8]) -> (File, OsString) {
    let file = file(bytes);
    let name = name(&file);
    (file, name)
}

/// What is still to be written.
struct Feed<'b> {
    to: Option<File>,
    rest: &'b [u8],
    pieces: &'b [u8],
    piece: usize,
}

impl<'b> Feed<'b> {
    const NONE: Self = Self { to: None, rest: &[], pieces: &[], piece: 0 };

    /// The reading end of a pipe, and what feeds the other.
    fn pipe(bytes: &'b [u8], pieces: &'b [u8]) -> (File, Self) {
        let mut ends = [-1; 2];
        // SAFETY: room for two descriptors, which nobody else has.
        let [from, to] = unsafe {
            let made = libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC);
            assert_eq!(made, 0, "pipe2");
            libc::fcntl(ends[1], libc::F_SETPIPE_SZ, 1 << 20);
            ends.map(|end| File::from_raw_fd(end))
        };
        (from, Self { to: Some(to), rest: bytes, pieces, piece: 0 })
    }

    /// One more piece, or the end.
    fn more(&mut self) {
        let size = self.pieces.get(self.piece % self.pieces.len().max(1)).copied().unwrap_or(0);
        // Many small ones take long.
        let size = if self.piece > 300 || size == 0 { PIECE } else { size.into() };
        let (now, rest) = self.rest.split_at(size.min(self.rest.len()));
        self.piece += 1;
        self.rest = rest;
        match &mut self.to {
            Some(to) if !now.is_empty() => to.write_all(now).expect("the pipe has room"),
            _ => self.to = None,
        }
    }
}

/// Accepts packets longer than that.
fn longer_than(len: u32) -> [Insn; 4] {
    [
        Insn { code: 0x80, jt: 0, jf: 0, k: 0 },
        Insn { code: 0x25, jt: 0, jf: 1, k: len },
        Insn { code: 0x06, jt: 0, jf: 0, k: u32::MAX },
        Insn { code: 0x06, jt: 0, jf: 0, k: 0 },
    ]
}

/// Accepts all.
const EVERYTHING: [Insn; 1] = [Insn { code: 0x06, jt: 0, jf: 0, k: 1 }];

/// The packet, all bytes of which must be there.
fn packet(lent: &Lent, snapshot: i32) -> Packet {
    let header = lent.header;
    assert!(header.caplen <= snapshot.cast_unsigned(), "a packet of {} bytes", header.caplen);
    let data = match header.caplen as usize {
        0 => &[],
        // SAFETY: lent until the next step.
        len => unsafe { std::slice::from_raw_parts(lent.data, len) },
    };
    Packet {
        stamp: (header.ts.tv_sec, header.ts.tv_usec),
        caplen: header.caplen,
        len: header.len,
        hash: hash(data),
    }
}

/// One reading of a file.
struct Reading<'b> {
    handle: Handle,
    about: About,
    feed: Feed<'b>,
    way: Way<'b>,
    filtered: bool,
    bytes: usize,
    seen: usize,
}

impl Reading<'_> {
    /// Reads to the end or an error, or until it is enough.
    fn read(&mut self, each: &mut dyn FnMut(Packet)) -> Option<String> {
        loop {
            let token = self.handle.control.token();
            while let Some(slot) = self.handle.lent().take_slot() {
                // SAFETY: a slot of the handle's.
                let packet = packet(&unsafe { slot.read() }, self.about.snapshot);
                each(packet);
                self.seen += 1;
                self.bytes += packet.caplen as usize;
                if self.seen > PACKETS || self.bytes > BYTES {
                    return Some(ENOUGH.to_owned());
                }
                self.interfere();
            }
            let mut search = Search::new(token, Patience::Wait, false);
            loop {
                match self.handle.step(&mut search) {
                    Ok(Step::Packets) => break,
                    Ok(Step::End) => return None,
                    Ok(Step::Wait(mut sleep)) => {
                        self.feed.more();
                        let polled = sleep.sleep();
                        search.slept(sleep, polled);
                    }
                    Ok(other) => panic!("{other:?}"),
                    Err(error) => return Some(error.text().to_owned()),
                }
            }
        }
    }

    /// What the way wants done after a packet.
    fn interfere(&mut self) {
        match self.way {
            Way::StreamAfter(after) | Way::PipedStreamAfter(after) if after == self.seen => {
                self.handle.stream().expect("a stream");
            }
            Way::Filtered(every, len) if self.seen.is_multiple_of(every) => {
                self.filtered = !self.filtered;
                let longer = longer_than(len);
                let program = if self.filtered { &longer[..] } else { &EVERYTHING[..] };
                self.handle.set_filter(Some(program)).expect("a program");
            }
            _ => {}
        }
    }
}

/// Reads `bytes` for time stamps of that precision; what is wrong if they cannot be opened.
pub fn read(bytes: &[u8], precision: u32, way: Way<'_>) -> Result<Told, String> {
    let mut packets = Vec::new();
    let (about, error) = read_each(bytes, precision, way, &mut |packet| packets.push(packet))?;
    Ok(Told { about, packets, error })
}

/// As [`read`], and keeps nothing.
pub fn read_each(
    bytes: &[u8],
    precision: u32,
    way: Way<'_>,
    each: &mut dyn FnMut(Packet),
) -> Result<(About, Option<String>), String> {
    let mut feed = Feed::NONE;
    let source;
    let opened = match way {
        Way::Pipe(..) | Way::PipedStreamAfter(_) => {
            let (ready, pieces) = match way {
                Way::Pipe(ready, pieces) => (ready, pieces),
                _ => (usize::MAX, &[][..]),
            };
            let bytes = &bytes[..bytes.len().min(PIPE)];
            (source, feed) = Feed::pipe(bytes, pieces);
            while feed.to.is_some()
                && (bytes.len() - feed.rest.len() < ready || feed.rest.is_empty())
            {
                feed.more();
            }
            Savefile::open(&name(&source), precision)
        }
        Way::Growing(first) => {
            source = file(&bytes[..first.min(bytes.len())]);
            Savefile::open(&name(&source), precision)
        }
        Way::Stream => {
            let shared = File::open(name(&file(bytes))).expect("a file");
            source = shared.try_clone().expect("a descriptor");
            let stream = Stream::of(shared).expect("a stream");
            let given = stream.as_ptr();
            let opened = Savefile::share(stream, precision);
            if opened.is_err() {
                // SAFETY: it is ours as long as nothing has been opened on it.
                unsafe { libc::fclose(given) };
            }
            opened
        }
        _ => {
            source = file(bytes);
            Savefile::open(&name(&source), precision)
        }
    };
    let opened = opened.map_err(|error| error.text().to_owned())?;
    let about = *opened.about();
    assert!(about.snapshot > 0, "{about:?}");
    let handle = Handle::default();
    handle.open_offline(opened).map_err(|error| error.text().to_owned())?;
    let mut reading = Reading { handle, about, feed, way, filtered: false, bytes: 0, seen: 0 };
    if let Way::StreamAfter(0) | Way::PipedStreamAfter(0) = way {
        reading.interfere();
    }
    let mut error = reading.read(each);
    if let Way::Growing(first) = way
        && first < bytes.len()
        && error.as_ref().is_none_or(|error| error.starts_with("truncated"))
    {
        let mut source = source;
        source.write_all(&bytes[first..]).expect("memory");
        error = reading.read(each);
    } else if error.as_ref().is_some_and(|error| error != ENOUGH)
        && !matches!(way, Way::Stream | Way::StreamAfter(_) | Way::PipedStreamAfter(_))
    {
        let again = reading.read(&mut |packet| panic!("{packet:?} after {error:?}"));
        assert_eq!(again, None, "after {error:?}");
    }
    reading.handle.close().expect("a handle to close");
    Ok((about, error))
}

/// What [`Way::Filtered`] should give of what is there.
fn filtered(told: &Told, every: usize, len: u32) -> Vec<Packet> {
    let (mut kept, mut only_longer) = (Vec::new(), false);
    for packet in &told.packets {
        if only_longer && packet.len <= len {
            continue;
        }
        kept.push(*packet);
        if kept.len().is_multiple_of(every) {
            only_longer = !only_longer;
        }
    }
    kept
}

/// Whether bytes could not be had of the file.
fn is_unreadable(told: &Result<Told, String>) -> bool {
    let error = told.as_ref().ok().and_then(|told| told.error.as_ref());
    error.is_some_and(|error| error.starts_with("error reading"))
}

/// Reads the file as a whole, and once more in this way; fails if that takes too much memory or gives anything else.
pub fn check(bytes: &[u8], precision: u32, way: Way<'_>) -> Result<Told, String> {
    let whole = read(bytes, precision, Way::File);
    let (counted, peak) = memory::peak(|| {
        let mut count = 0;
        read_each(bytes, precision, way, &mut |_| count += 1).map(|_| count)
    });
    assert!(peak <= MEMORY, "{peak} bytes of memory for {} bytes of file, {way:?}", bytes.len());
    let enough = whole.as_ref().is_ok_and(|told| told.error.as_deref() == Some(ENOUGH));
    if enough || (matches!(way, Way::Pipe(..) | Way::PipedStreamAfter(_)) && bytes.len() > PIPE) {
        return whole;
    }
    let again = read(bytes, precision, way);
    let expected = match (way, &whole) {
        (Way::Growing(_), _) if again.is_err() => return whole,
        // A decompressor does not go on after the end of its file, nor does it tell what is wrong there.
        (Way::Growing(_), _) if is_unreadable(&again) || is_unreadable(&whole) => return whole,
        (Way::Filtered(every, len), Ok(told)) => {
            Ok(Told { packets: filtered(told, every, len), ..told.clone() })
        }
        _ => whole.clone(),
    };
    if again != expected {
        let at = again.iter().zip(&expected).find_map(|(again, expected)| {
            let mut pairs = again.packets.iter().zip(&expected.packets).enumerate();
            pairs.find(|(_, (a, b))| a != b).map(|(n, pair)| (n, *pair.0, *pair.1))
        });
        let short = |told: &Result<Told, String>| {
            told.as_ref()
                .map(|t| (t.about, t.packets.len(), t.error.clone()))
                .map_err(String::clone)
        };
        panic!(
            "{way:?} differs at {at:?}: {:?}, but as a file {:?}",
            short(&again),
            short(&expected)
        );
    }
    if let (Ok(counted), Ok(expected)) = (counted, &expected) {
        assert_eq!(counted, expected.packets.len());
    }
    whole
}
