//! Savefiles in the pcapng format, as the IETF's draft-ietf-opsawg-pcapng describes it: sections of blocks.
//!
//! What is not needed to hand out packets is skipped. Knows bytes that are here, and no files, but for
//! [`Reader::open`], which looks for the first interface.

mod block;
mod interface;
#[cfg(test)]
mod tests;

use super::fixup::Fixup;
use super::input::Input;
use super::sink::Sink;
use super::{About, Next};
use crate::error::{Error, Result};
use crate::handle::batch::PacketHeader;
use crate::linktype;
use block::{Cut, Order};
use interface::{Description, Interface};

/// The first word of a file.
pub const MAGIC: [u8; 4] = 0x0a0d_0d0a_u32.to_be_bytes();

/// The types of blocks.
mod kind {
    pub const SECTION: u32 = 0x0a0d_0d0a;
    pub const INTERFACE: u32 = 1;
    /// Obsolete since long.
    pub const PACKET: u32 = 2;
    pub const SIMPLE_PACKET: u32 = 3;
    pub const ENHANCED_PACKET: u32 = 6;
}

/// What tells the byte order of a section.
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Bytes of a section's header between its frame: byte order, version, length of the section.
const SECTION_HEADER: usize = 16;
/// The smallest and the largest block that may begin a file.
const SMALLEST_SECTION: u32 = 28;
const LARGEST_SECTION: u32 = 1 << 20;
/// The largest block, for link types whose packets are not larger still.
const LARGEST: u32 = 16 << 20;
/// What an enhanced packet block may have besides its packet: frame, fields and options.
const BESIDES_PACKET: u32 = 32 + (128 << 10);
/// Bytes before the packet in a packet block, and in a simple one.
const PACKET_FIELDS: usize = 20;
const SIMPLE_FIELDS: usize = 4;
/// What libpcap's buffer has room for at least.
const BUFFER: u32 = 2048;
/// Interfaces of a section. They are kept, so there has to be an end; libpcap has one, too, at 2^31.
const MOST_INTERFACES: usize = 1 << 19;

/// What is needed to read the blocks of a file.
#[derive(Debug)]
pub struct Reader {
    order: Order,
    nano: bool,
    datalink: i32,
    /// The first interface's snapshot length, which is the handle's.
    snapshot: u32,
    /// The largest block.
    largest: u32,
    buffer_size: u32,
    fixup: Option<Fixup>,
    /// Those of this section.
    interfaces: Vec<Interface>,
}

/// What a packet block says of its packet.
struct Packet<'w> {
    interface: u32,
    stamp: u64,
    caplen: u32,
    len: u32,
    /// At least as many bytes as there should be, if all is well.
    data: &'w mut [u8],
}

impl Reader {
    /// Reads blocks up to the first interface's description, and takes them off `input`.
    pub fn open(input: &mut Input, nano: Result<bool>) -> Result<(Self, About)> {
        let (order, section, nano) = first_section(input, nano)?;
        loop {
            let here = input.window().len();
            let (kind, body, left) = match block::cut(order, input.window(), LARGEST)? {
                Cut::Whole(kind, body, rest) => (kind, body, rest.len()),
                Cut::Part(want) => {
                    if input.demand(want)? {
                        continue;
                    }
                    return Err(match input.window() {
                        [] => Error::new("the capture file has no Interface Description Blocks"),
                        part => block::truncated(order, part),
                    });
                }
            };
            match kind {
                kind::INTERFACE => {
                    let opened = Self::new(order, &section, body, nano)?;
                    input.set_start(input.start().saturating_add(here.saturating_sub(left)));
                    return Ok(opened);
                }
                kind::ENHANCED_PACKET | kind::SIMPLE_PACKET | kind::PACKET => {
                    return Err(Error::new(
                        "the capture file has a packet block before any Interface Description Blocks",
                    ));
                }
                // QUIRK: whatever it is, if it is another section's header.
                _ => input.set_start(input.start().saturating_add(here.saturating_sub(left))),
            }
        }
    }

    /// A reader for a file whose first interface is described by `body`.
    fn new(order: Order, section: &Section, body: &[u8], nano: bool) -> Result<(Self, About)> {
        let description = Description::read(order, body)?;
        let datalink = linktype::linktype_to_dlt(description.link.into());
        let interface = description.interface(order, datalink, nano)?;
        let about = About {
            datalink,
            datalink_ext: 0,
            snapshot: interface.snapshot.cast_signed(),
            swapped: order.swapped,
            version: section.version,
            nano,
        };
        let largest = linktype::max_snaplen(datalink).saturating_add(BESIDES_PACKET).max(LARGEST);
        let reader = Self {
            order,
            nano,
            datalink,
            snapshot: interface.snapshot,
            largest,
            buffer_size: section.length.max(BUFFER),
            fixup: Fixup::of(datalink, order.swapped),
            interfaces: vec![interface],
        };
        Ok((reader, about))
    }

    /// What libpcap's buffer would have room for. QUIRK: it tells the size that the buffer had when the file was
    /// opened, however it has grown since.
    pub fn buffer_size(&self) -> u32 {
        self.buffer_size
    }

    /// Reads the packets that are in `window`, whose first `fixed` bytes have been through here before. Blocks that
    /// change what is known are read only while there are no packets, for packets may be read again.
    #[inline]
    pub fn read(&mut self, window: &mut [u8], fixed: usize, sink: &mut Sink<'_>) -> Result<Next> {
        let plain = self.fixup.is_none() && sink.filter().is_none();
        match (self.order.swapped, plain) {
            (false, true) => self.read_as::<false, true>(window, fixed, sink),
            (true, true) => self.read_as::<true, true>(window, fixed, sink),
            (false, false) => self.read_as::<false, false>(window, fixed, sink),
            (true, false) => self.read_as::<true, false>(window, fixed, sink),
        }
    }

    /// Reads packets, which are neither fixed up nor filtered if `PLAIN`.
    #[inline(never)]
    fn read_as<const SWAPPED: bool, const PLAIN: bool>(
        &mut self,
        window: &mut [u8],
        fixed: usize,
        sink: &mut Sink<'_>,
    ) -> Result<Next> {
        sink.locally(|sink| self.walk::<SWAPPED, PLAIN>(window, fixed, sink))
    }

    #[inline(always)]
    fn walk<const SWAPPED: bool, const PLAIN: bool>(
        &mut self,
        window: &mut [u8],
        fixed: usize,
        sink: &mut Sink<'_>,
    ) -> Result<Next> {
        let order = Order { swapped: SWAPPED };
        let whole = window.len();
        let (largest, snapshot) = (self.largest, self.snapshot);
        let mut rest = window;
        while sink.has_room() {
            let (kind, body, after) = match block::cut(order, rest, largest)? {
                Cut::Whole(kind, body, after) => (kind, body, after),
                Cut::Part(want) => return Ok(Next::More(want)),
            };
            let end = whole.wrapping_sub(after.len());
            rest = after;
            // The one that is common goes first.
            let packet = if kind == kind::ENHANCED_PACKET {
                packet(order, kind::ENHANCED_PACKET, body)?
            } else {
                match kind {
                    kind::PACKET | kind::SIMPLE_PACKET => self.old_packet(order, kind, body)?,
                    _ if sink.taken() == 0 => {
                        self.other(kind, body)?;
                        sink.other(end);
                        continue;
                    }
                    kind::SECTION | kind::INTERFACE => return Ok(Next::Other),
                    _ => continue,
                }
            };
            let Packet { interface, stamp, caplen, len, data } = packet;
            let Some(interface) = self.interfaces.get_mut(interface as usize) else {
                return Err(no_interface(interface));
            };
            let mut data = data.get_mut(..caplen as usize);
            if caplen > snapshot {
                data = shorter(data, caplen, snapshot, interface.snapshot)?;
            }
            let Some(data) = data else {
                return Err(block::too_short(kind));
            };
            let ts = interface.clock.time(stamp);
            let mut header = PacketHeader { ts, caplen: data.len() as u32, len };
            if !PLAIN {
                if let Some(fixup) = self.fixup {
                    header.len = fixup.apply(data, len, end <= fixed);
                }
                if let Some(filter) = sink.filter()
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

    /// What an obsolete packet block says, or a simple one, of a packet of the first interface.
    #[cold]
    #[inline(never)]
    fn old_packet<'w>(&self, order: Order, kind: u32, body: &'w mut [u8]) -> Result<Packet<'w>> {
        if kind == kind::PACKET {
            return packet(order, kind::PACKET, body);
        }
        let Some((fields, data)) = body.split_first_chunk_mut::<SIMPLE_FIELDS>() else {
            return Err(block::too_short(kind));
        };
        let len = order.word(fields, 0);
        let snapshot = self.interfaces.first().map_or(0, |interface| interface.snapshot);
        Ok(Packet { interface: 0, stamp: 0, caplen: len.min(snapshot), len, data })
    }

    /// Reads a block that holds no packet.
    #[cold]
    #[inline(never)]
    fn other(&mut self, kind: u32, body: &[u8]) -> Result<()> {
        match kind {
            kind::INTERFACE => self.add(&Description::read(self.order, body)?),
            kind::SECTION => {
                if body.len() < SECTION_HEADER {
                    return Err(block::too_short(kind));
                }
                let magic = self.order.word(body, 0);
                let major = self.order.half(body, 2);
                if magic == BYTE_ORDER.swap_bytes() {
                    return Err(Error::new("the file has sections with different byte orders"));
                }
                if magic != BYTE_ORDER {
                    return Err(Error::new(
                        "the file has a section with a bad byte order magic field",
                    ));
                }
                if major != 1 {
                    return Err(Error::new(format!(
                        "unknown pcapng savefile major version number {major}"
                    )));
                }
                self.interfaces.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// One interface more.
    fn add(&mut self, description: &Description<'_>) -> Result<()> {
        let link = description.link;
        if linktype::linktype_to_dlt(link.into()) != self.datalink {
            return Err(Error::new(format!(
                "an interface has a type {link} different from the type of the first interface"
            )));
        }
        if self.interfaces.len() >= MOST_INTERFACES {
            return Err(Error::new(format!("more than {MOST_INTERFACES} interfaces in the file")));
        }
        let interface = description.interface(self.order, self.datalink, self.nano)?;
        self.interfaces.push(interface);
        Ok(())
    }

    /// What is wrong with a file that ends with `window`, where a block is not whole.
    pub fn truncated(&self, window: &[u8]) -> Error {
        block::truncated(self.order, window)
    }
}

/// What a packet block says, enhanced or obsolete.
#[inline(always)]
fn packet(order: Order, kind: u32, body: &mut [u8]) -> Result<Packet<'_>> {
    let Some((fields, data)) = body.split_first_chunk_mut::<PACKET_FIELDS>() else {
        return Err(block::too_short(kind));
    };
    let interface = if kind == kind::ENHANCED_PACKET {
        order.word(fields, 0)
    } else {
        order.half(fields, 0).into()
    };
    let stamp = order.halves(fields, 1);
    Ok(Packet { interface, stamp, caplen: order.word(fields, 3), len: order.word(fields, 4), data })
}

/// What the handle, which has this `snapshot` length, tells of a packet that is longer. Its `interface` may have
/// captured more, and then it is cut; none may hold more than that.
#[cold]
#[inline(never)]
fn shorter(
    data: Option<&mut [u8]>,
    caplen: u32,
    snapshot: u32,
    interface: u32,
) -> Result<Option<&mut [u8]>> {
    let bound = snapshot.max(interface);
    if caplen > bound {
        return Err(Error::new(format!(
            "invalid packet capture length {caplen}, bigger than snaplen of {bound}"
        )));
    }
    Ok(data.and_then(|data| data.get_mut(..snapshot as usize)))
}

#[cold]
fn no_interface(interface: u32) -> Error {
    Error::new(format!(
        "a packet arrived on interface {interface}, but there's no Interface Description Block for that interface"
    ))
}

/// What is known of a file's first section.
struct Section {
    version: (i32, i32),
    length: u32,
}

/// Reads the header of the first section. QUIRK: unlike others, it need not have the same length at its end.
fn first_section(input: &mut Input, nano: Result<bool>) -> Result<(Order, Section, bool)> {
    const BEGIN: usize = 12;
    let unknown = || Error::new("unknown file format");
    input.demand(BEGIN)?;
    let begin = *input.window().first_chunk::<BEGIN>().ok_or_else(unknown)?;
    let order = |swapped| Order { swapped };
    let order = [false, true].map(order).into_iter().find(|o| o.word(&begin, 2) == BYTE_ORDER);
    let order = order.ok_or_else(unknown)?;
    let length = order.word(&begin, 1);
    if !(SMALLEST_SECTION..=LARGEST_SECTION).contains(&length) {
        return Err(Error::new(format!(
            "Section Header Block in pcapng dump file has invalid length {SMALLEST_SECTION} < _{length}_ < \
             {LARGEST_SECTION} (BT_SHB_INSANE_MAX)"
        )));
    }
    // What is wrong with the beginning comes first.
    let nano = nano?;
    let whole = length as usize;
    if !input.demand(whole)? {
        let got = input.window().len().saturating_sub(BEGIN);
        return Err(block::ends_early(whole.saturating_sub(BEGIN), got));
    }
    let fields = input.window().get(BEGIN..).unwrap_or_default();
    let (major, minor) = (order.half(fields, 0), order.half(fields, 1));
    if !matches!((major, minor), (1, 0 | 2)) {
        return Err(Error::new(format!("unsupported pcapng savefile version {major}.{minor}")));
    }
    input.set_start(input.start().saturating_add(whole));
    Ok((order, Section { version: (major.into(), minor.into()), length }, nano))
}
