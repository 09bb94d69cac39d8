//! Classic savefiles, as pcap-savefile(5) and RFC drafts of the IETF's opsawg describe them: a header and records.
//!
//! Knows bytes that are here, and no files.

use super::fixup::Fixup;
use super::sink::Sink;
use super::{About, Next, Scale};
use crate::error::{Error, Result};
use crate::handle::batch::PacketHeader;
use crate::linktype;

/// The first words of files, in the byte order of who wrote them.
mod magic {
    pub const MICRO: u32 = 0xa1b2_c3d4;
    pub const NANO: u32 = 0xa1b2_3c4d;
    /// Linux distributions of 1999 had a libpcap of Kuznetsov's with longer headers of records.
    pub const MODIFIED: u32 = 0xa1b2_cd34;
}

/// Bytes of a file's header.
pub const FILE_HEADER: usize = 24;
/// Bytes of a record's header, and of a modified one.
const HEADER: usize = 16;
const MODIFIED_HEADER: usize = 24;
/// How libpcap's buffer begins.
const BUFFER: u32 = 2048;
/// An Ethernet header, which modified files may hold on top of the snapshot length.
const ETHERNET: i32 = 14;

/// The bits of the link type word: the number, those that must be 0, and what is told by pcap_datalink_ext().
const LINKTYPE: u32 = 0x0000_ffff;
const RESERVED: u32 = 0x03ff_0000;
const EXTENSION: u32 = 0xfc00_0000;

/// In which order a record's header has its two lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    /// Captured, on the wire.
    AsNow,
    /// Version 2.3: as now, if that makes sense.
    Unsure,
    /// Before that: on the wire, captured.
    Reversed,
}

/// What is needed to read the records of a file.
#[derive(Debug)]
pub struct Reader {
    swapped: bool,
    modified: bool,
    lengths: Lengths,
    scale: Scale,
    fixup: Option<Fixup>,
    snapshot: u32,
    largest: u32,
    /// What libpcap's buffer would have room for by now. At most the snapshot length and the largest.
    room: u32,
}

/// Whether a file that begins so is one of these, and in the other byte order.
pub fn recognise(first: [u8; 4]) -> Option<bool> {
    let known = |word| matches!(word, magic::MICRO | magic::NANO | magic::MODIFIED);
    let word = u32::from_ne_bytes(first);
    if known(word) { Some(false) } else { known(word.swap_bytes()).then_some(true) }
}

impl Reader {
    /// Reads a file's header, for a handle whose time stamps are in nanoseconds if `nano`.
    pub fn new(header: &[u8; FILE_HEADER], nano: bool) -> Result<(Self, About)> {
        let (magic, rest) = header.split_first_chunk().unwrap_or((&[0; 4], &[]));
        let swapped = recognise(*magic).unwrap_or(false);
        let word = |n: usize| {
            let bytes = rest.get(4 * n..).and_then(|rest| rest.first_chunk()).copied();
            let word = u32::from_ne_bytes(bytes.unwrap_or_default());
            if swapped { word.swap_bytes() } else { word }
        };
        let half = |n: usize| {
            let bytes = rest.get(2 * n..).and_then(|rest| rest.first_chunk()).copied();
            let half = u16::from_ne_bytes(bytes.unwrap_or_default());
            if swapped { half.swap_bytes() } else { half }
        };
        let first = u32::from_ne_bytes(*magic);
        let first = if swapped { first.swap_bytes() } else { first };
        let (major, minor) = (half(0), half(1));
        let lengths = match (major, minor) {
            // DG/UX had a version of its own.
            (2, 0..=2) | (543, 0) => Lengths::Reversed,
            (2, 3) => Lengths::Unsure,
            (2, 4) => Lengths::AsNow,
            _ => {
                let text = format!("unsupported pcap savefile version {major}.{minor}");
                return Err(Error::new(text));
            }
        };
        let (snaplen, link) = (word(3), word(4));
        if link & RESERVED != 0 {
            let text =
                format!("savefile linktype reserved field not zero (0x{:08x})", link & RESERVED);
            return Err(Error::new(text));
        }
        let datalink = linktype::linktype_to_dlt(link & LINKTYPE);
        let modified = first == magic::MODIFIED;
        let mut snapshot = super::snapshot(datalink, snaplen);
        if modified && datalink == linktype::dlt::EN10MB {
            // It may be a cooked capture, with Ethernet headers made up on top of the snapshot length.
            snapshot = snapshot.saturating_add(ETHERNET);
        }
        let about = About {
            datalink,
            datalink_ext: (link & EXTENSION).cast_signed(),
            snapshot,
            swapped,
            version: (major.into(), minor.into()),
            nano,
        };
        let scale = match (first == magic::NANO, nano) {
            (false, true) => Scale::UP,
            (true, false) => Scale::DOWN,
            _ => Scale::SAME,
        };
        let reader = Self {
            swapped,
            modified,
            lengths,
            scale,
            fixup: Fixup::of(datalink, swapped),
            snapshot: snapshot.cast_unsigned(),
            largest: linktype::max_snaplen(datalink),
            room: snapshot.cast_unsigned().min(BUFFER),
        };
        Ok((reader, about))
    }

    /// What libpcap's buffer would have room for: a power of two that holds the packets that were read, or the
    /// snapshot length.
    pub fn buffer_size(&self) -> u32 {
        self.room
    }

    /// Reads the packets that are in `window`, whose first `fixed` bytes have been through here before.
    #[inline]
    pub fn read(&mut self, window: &mut [u8], fixed: usize, sink: &mut Sink<'_>) -> Result<Next> {
        match (self.swapped, self.modified) {
            (false, false) => self.read_as::<false, HEADER>(window, fixed, sink),
            (true, false) => self.read_as::<true, HEADER>(window, fixed, sink),
            (false, true) => self.read_as::<false, MODIFIED_HEADER>(window, fixed, sink),
            (true, true) => self.read_as::<true, MODIFIED_HEADER>(window, fixed, sink),
        }
    }

    #[inline(never)]
    fn read_as<const SWAPPED: bool, const HEADER: usize>(
        &mut self,
        window: &mut [u8],
        fixed: usize,
        sink: &mut Sink<'_>,
    ) -> Result<Next> {
        // Apart from the rest, which does not change.
        let mut room = self.room;
        let walk = Self::walk::<SWAPPED, HEADER>;
        let next = sink.locally(|sink| walk(self, window, fixed, sink, &mut room));
        self.room = room;
        next
    }

    #[inline(always)]
    fn walk<const SWAPPED: bool, const HEADER: usize>(
        &self,
        window: &mut [u8],
        fixed: usize,
        sink: &mut Sink<'_>,
        room: &mut u32,
    ) -> Result<Next> {
        let filter = sink.filter();
        let plain = self.fixup.is_none() && filter.is_none();
        let whole = window.len();
        let mut rest = window;
        while sink.has_room() {
            let Some((head, body)) = rest.split_first_chunk_mut::<HEADER>() else {
                return Ok(Next::More(HEADER));
            };
            let mut header = self.header::<SWAPPED, HEADER>(head);
            let in_file = header.caplen;
            if in_file > *room {
                self.larger(in_file, room)?;
            }
            let Some((mut data, after)) = body.split_at_mut_checked(in_file as usize) else {
                return Ok(Next::More(HEADER.saturating_add(in_file as usize)));
            };
            let end = whole.wrapping_sub(after.len());
            rest = after;
            if in_file > self.snapshot {
                header.caplen = self.snapshot;
                data = data.get_mut(..self.snapshot as usize).unwrap_or_default();
            }
            if !plain {
                if let Some(fixup) = self.fixup {
                    header.len = fixup.apply(data, header.len, end <= fixed);
                }
                if let Some(filter) = filter
                    && filter.run(data, header.len, None) == 0
                {
                    sink.rejected(end);
                    continue;
                }
            }
            sink.packet(header, data, end);
        }
        Ok(Next::Full)
    }

    /// A record's header; `caplen` is how many bytes of the packet the file has.
    #[inline(always)]
    fn header<const SWAPPED: bool, const HEADER: usize>(
        &self,
        head: &[u8; HEADER],
    ) -> PacketHeader {
        let word = |n: usize| {
            let bytes = head.get(4 * n..).and_then(|rest| rest.first_chunk()).copied();
            let word = u32::from_ne_bytes(bytes.unwrap_or_default());
            if SWAPPED { word.swap_bytes() } else { word }
        };
        let (mut caplen, mut len) = (word(2), word(3));
        let reversed = match self.lengths {
            Lengths::AsNow => false,
            Lengths::Unsure => caplen > len,
            Lengths::Reversed => true,
        };
        if reversed {
            (caplen, len) = (len, caplen);
        }
        let ts =
            libc::timeval { tv_sec: word(0) as libc::time_t, tv_usec: self.scale.apply(word(1)) };
        PacketHeader { ts, caplen, len }
    }

    /// Makes room for a packet that is larger than all so far.
    #[cold]
    fn larger(&self, caplen: u32, room: &mut u32) -> Result<()> {
        if caplen > self.largest {
            return Err(self.too_large(caplen));
        }
        *room = caplen.next_power_of_two().min(self.snapshot);
        Ok(())
    }

    fn too_large(&self, caplen: u32) -> Error {
        let bound = if caplen > self.snapshot {
            format!("snaplen of {}", self.snapshot)
        } else {
            format!("maximum of {}", self.largest)
        };
        Error::new(format!("invalid packet capture length {caplen}, bigger than {bound}"))
    }

    /// What is wrong with a file that ends with `window`, where a record is not whole.
    pub fn truncated(&self, window: &[u8]) -> Error {
        let header = if self.modified { MODIFIED_HEADER } else { HEADER };
        let (what, wanted, got) = match self.cut(window, header) {
            Some((wanted, got)) => ("captured", wanted, got),
            None => ("header", header, window.len()),
        };
        let text =
            format!("truncated dump file; tried to read {wanted} {what} bytes, only got {got}");
        Error::new(text)
    }

    /// How many bytes of a packet there should be, and are. QUIRK: if less than the snapshot length is there, more
    /// than that was not looked for.
    fn cut(&self, window: &[u8], header: usize) -> Option<(usize, usize)> {
        let (head, body) = window.split_at_checked(header)?;
        let head = head.first_chunk::<HEADER>()?;
        let read =
            if self.swapped { Self::header::<true, HEADER> } else { Self::header::<false, HEADER> };
        let in_file = read(self, head).caplen;
        let kept = in_file.min(self.snapshot) as usize;
        Some((if body.len() < kept { kept } else { in_file as usize }, body.len()))
    }
}
