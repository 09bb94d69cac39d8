//! Headers in front of packets that are in the byte order of the machine that captured them, wholly or in part:
//! those of OpenBSD's and Linux' logs, of USB as Linux tells it, and of CAN frames in cooked captures.
//!
//! Follows OpenBSD's net/if_pflog.h, Linux' can.h, the kernel's Documentation/usb/usbmon.rst, and the descriptions of
//! LINKTYPE_NFLOG, LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2. LINKTYPE_CAN_SOCKETCAN is big-endian everywhere.

use crate::linktype::dlt;

/// What is to be done to every packet of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixup {
    layout: Layout,
    swapped: bool,
}

/// What is in front of the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Pflog,
    /// A cooked header with so many bytes, and the protocol there.
    Cooked {
        len: usize,
        protocol: usize,
    },
    Usb,
    /// With descriptors of isochronous transfers.
    UsbMmapped,
    Nflog,
}

impl Fixup {
    /// What packets of a link type need, in a file of the other byte order if `swapped`.
    pub fn of(datalink: i32, swapped: bool) -> Option<Self> {
        let layout = match datalink {
            dlt::USB_LINUX_MMAPPED => Layout::UsbMmapped,
            _ if !swapped => return None,
            dlt::PFLOG => Layout::Pflog,
            dlt::LINUX_SLL => Layout::Cooked { len: 16, protocol: 14 },
            dlt::LINUX_SLL2 => Layout::Cooked { len: 20, protocol: 0 },
            dlt::USB_LINUX => Layout::Usb,
            dlt::NFLOG => Layout::Nflog,
            _ => return None,
        };
        Some(Self { layout, swapped })
    }

    /// Brings a packet that had `len` bytes into this machine's byte order, unless `done` already; how many bytes
    /// it really had.
    #[cold]
    pub fn apply(self, packet: &mut [u8], len: u32, done: bool) -> u32 {
        if self.swapped && !done {
            self.swap(packet, len as usize);
        }
        match self.layout {
            Layout::UsbMmapped => usb::length(packet, len).unwrap_or(len),
            _ => len,
        }
    }

    /// Swaps what is there, of a packet that had `len` bytes.
    fn swap(self, packet: &mut [u8], len: usize) {
        match self.layout {
            Layout::Usb => usb::swap(packet, false),
            Layout::UsbMmapped => usb::swap(packet, true),
            Layout::Nflog => swap_nflog(packet, len),
            Layout::Pflog => {
                let header = usize::from(packet.first().copied().unwrap_or(0));
                let there = packet.len().min(len).min(header);
                swap_fields(packet.get_mut(..there).unwrap_or_default(), pflog::FIELDS);
            }
            Layout::Cooked { len: cooked, protocol } => {
                let there = packet.len().min(len);
                let packet = packet.get_mut(..there).unwrap_or_default();
                let Some((header, payload)) = packet.split_at_mut_checked(cooked) else { return };
                let protocol = header.get(protocol..).and_then(|rest| rest.first_chunk());
                match protocol.copied().map(u16::from_be_bytes) {
                    Some(can::CLASSIC | can::FD) => swap_fields(payload, can::FIELDS),
                    Some(can::XL) => swap_fields(payload, can::XL_FIELDS),
                    _ => {}
                }
            }
        }
    }
}

/// The user and process of a packet, and of the rule that matched it.
mod pflog {
    use super::Field;

    pub const FIELDS: &[Field] = &[(44, 4), (48, 4), (52, 4), (56, 4)];
}

/// CAN frames: protocols of cooked headers, and fields of what follows them.
mod can {
    use super::Field;

    pub const CLASSIC: u16 = 0x000c;
    pub const FD: u16 = 0x000d;
    pub const XL: u16 = 0x000e;
    /// The identifier.
    pub const FIELDS: &[Field] = &[(0, 4)];
    /// Priority and virtual network, length, acceptance field.
    pub const XL_FIELDS: &[Field] = &[(0, 4), (6, 2), (8, 4)];
}

/// Where a number begins, and how many bytes it has.
type Field = (usize, usize);

/// Swaps the fields that are there as a whole.
fn swap_fields(bytes: &mut [u8], fields: &[Field]) {
    for (at, len) in fields {
        if let Some(field) = bytes.get_mut(*at..at.saturating_add(*len)) {
            field.reverse();
        }
    }
}

/// Swaps the lengths and types of the values that follow the header, in a packet that had `len` bytes.
fn swap_nflog(packet: &mut [u8], len: usize) {
    const HEADER: usize = 4;
    const VALUE_HEADER: usize = 4;
    if len < HEADER || packet.get(1) != Some(&0) {
        return;
    }
    let (mut at, mut left) = (HEADER, len.saturating_sub(HEADER));
    while let Some(value) = packet.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<VALUE_HEADER>) {
        swap_fields(value, &[(0, 2), (2, 2)]);
        let [a, b, ..] = *value;
        let size = usize::from(u16::from_ne_bytes([a, b])).next_multiple_of(4);
        if size < VALUE_HEADER || size > left {
            return;
        }
        // Behind the packet's end nothing more is found.
        at = at.saturating_add(size);
        left = left.saturating_sub(size);
    }
}

/// USB requests and their completions.
mod usb {
    use super::{Field, swap_fields};

    /// Identifier, bus, seconds, microseconds, status, length, bytes there.
    const FIELDS: &[Field] = &[(0, 8), (12, 2), (16, 8), (24, 4), (28, 4), (32, 4), (36, 4)];
    /// Of an isochronous transfer: errors, descriptors.
    const ISOCHRONOUS_FIELDS: &[Field] = &[(40, 4), (44, 4)];
    /// Behind what is in any header: interval, first frame, flags, descriptors that follow.
    const MMAPPED_FIELDS: &[Field] = &[(48, 4), (52, 4), (56, 4), (60, 4)];
    /// Of a descriptor: status, offset, length.
    const DESCRIPTOR_FIELDS: &[Field] = &[(0, 4), (4, 4), (8, 4)];

    const MMAPPED: usize = 64;
    const DESCRIPTOR: usize = 16;
    /// The kernel lets no more descriptors follow than these.
    const MOST_DESCRIPTORS: u32 = 128;

    const EVENT: usize = 8;
    const TRANSFER: usize = 9;
    const ENDPOINT: usize = 10;
    const NO_DATA: usize = 15;
    const LENGTH: usize = 32;
    const DESCRIPTORS: usize = 60;

    const COMPLETE: u8 = b'C';
    const ISOCHRONOUS: u8 = 0;
    const IN: u8 = 0x80;

    fn word(bytes: &[u8], at: usize) -> u32 {
        let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk()).copied();
        u32::from_ne_bytes(bytes.unwrap_or_default())
    }

    /// Swaps the header, and what follows it if it is a `mmapped` one.
    pub fn swap(packet: &mut [u8], mmapped: bool) {
        let isochronous = packet.get(TRANSFER) == Some(&ISOCHRONOUS);
        swap_fields(packet, FIELDS);
        if isochronous {
            swap_fields(packet, ISOCHRONOUS_FIELDS);
        }
        if !mmapped {
            return;
        }
        swap_fields(packet, MMAPPED_FIELDS);
        if !isochronous {
            return;
        }
        if let Some((header, rest)) = packet.split_at_mut_checked(MMAPPED) {
            let descriptors = word(header, DESCRIPTORS) as usize;
            for descriptor in rest.chunks_mut(DESCRIPTOR).take(descriptors) {
                swap_fields(descriptor, DESCRIPTOR_FIELDS);
            }
        }
    }

    /// What a packet's length should have been: older libpcaps took the buffer of an isochronous transfer that came
    /// in for filled, and it has gaps, which the descriptors tell. `None` if that is not the matter.
    pub fn length(packet: &[u8], len: u32) -> Option<u32> {
        let (header, rest) = packet.split_at_checked(MMAPPED)?;
        let is = |at: usize, value: u8| header.get(at) == Some(&value);
        let incoming = header.get(ENDPOINT).is_some_and(|endpoint| endpoint & IN != 0);
        let count = word(header, DESCRIPTORS);
        let concerned = is(NO_DATA, 0) && is(TRANSFER, ISOCHRONOUS) && is(EVENT, COMPLETE);
        if !concerned || !incoming || count > MOST_DESCRIPTORS {
            return None;
        }
        let headers = MMAPPED.saturating_add(DESCRIPTOR.saturating_mul(count as usize));
        let caplen = u32::try_from(packet.len()).ok()?;
        let before_data = u32::try_from(headers).ok()?;
        if len != before_data.wrapping_add(word(header, LENGTH)) || caplen < before_data {
            return None;
        }
        let ends =
            rest.chunks_exact(DESCRIPTOR).take(count as usize).map(|descriptor| {
                match word(descriptor, 8) {
                    0 => 0,
                    length => word(descriptor, 4).saturating_add(length),
                }
            });
        let right = before_data.saturating_add(ends.max().unwrap_or(0));
        // Never below what is there.
        Some(if right >= caplen { right } else { len.max(caplen) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes 1, 2, 3 and so on, but for those of `at`.
    fn packet(size: usize, at: &[(usize, &[u8])]) -> Vec<u8> {
        let mut packet: Vec<u8> = (1..=size).map(|n| n as u8).collect();
        for (at, bytes) in at {
            packet[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        packet
    }

    /// What a packet of another machine becomes, whole and cut anywhere: `fields` are swapped, as far as they are
    /// there as a whole.
    #[track_caller]
    fn swaps(link: i32, packet: &[u8], least: usize, fields: &[Field]) {
        assert_eq!(Fixup::of(link, false).is_some(), link == dlt::USB_LINUX_MMAPPED);
        let fixup = Fixup::of(link, true).expect("a fix-up");
        for size in 0..=packet.len() {
            let mut cut = packet[..size].to_vec();
            let mut wanted = cut.clone();
            if size >= least {
                swap_fields(&mut wanted, fields);
            }
            assert_eq!(fixup.apply(&mut cut, packet.len() as u32, false), packet.len() as u32);
            assert_eq!(cut, wanted, "{size} bytes of {link}");
            fixup.apply(&mut cut, packet.len() as u32, true);
            assert_eq!(cut, wanted, "not again");
        }
    }

    #[test]
    fn headers_are_swapped() {
        swaps(dlt::PFLOG, &packet(64, &[(0, &[61])]), 1, pflog::FIELDS);
        swaps(dlt::PFLOG, &packet(64, &[(0, &[55])]), 1, &[(44, 4), (48, 4)]);
        swaps(dlt::LINUX_SLL, &packet(32, &[(14, &[0, 12])]), 16, &[(16, 4)]);
        swaps(dlt::LINUX_SLL, &packet(32, &[(14, &[0, 13])]), 16, &[(16, 4)]);
        swaps(dlt::LINUX_SLL, &packet(32, &[(14, &[0, 14])]), 16, &[(16, 4), (22, 2), (24, 4)]);
        swaps(dlt::LINUX_SLL, &packet(32, &[(14, &[8, 0])]), 16, &[]);
        swaps(dlt::LINUX_SLL2, &packet(32, &[(0, &[0, 14])]), 20, &[(20, 4), (26, 2), (28, 4)]);
        let control = packet(64, &[(9, &[2])]);
        let fields = &[(0, 8), (12, 2), (16, 8), (24, 4), (28, 4), (32, 4), (36, 4)];
        swaps(dlt::USB_LINUX, &control, 0, fields);
        let more = [&fields[..], &[(48, 4), (52, 4), (56, 4), (60, 4)]].concat();
        swaps(dlt::USB_LINUX_MMAPPED, &control, 0, &more);
        let two = (2_u32).swap_bytes().to_ne_bytes();
        let isochronous = packet(112, &[(9, &[0]), (60, &two)]);
        swaps(dlt::USB_LINUX, &isochronous, 0, &[fields, &[(40, 4), (44, 4)][..]].concat());
        let descriptors = [(64, 4), (68, 4), (72, 4), (80, 4), (84, 4), (88, 4)];
        let all = [&more[..], &[(40, 4), (44, 4)], &descriptors].concat();
        swaps(dlt::USB_LINUX_MMAPPED, &isochronous, 0, &all);
    }

    #[test]
    fn lengths_and_types_of_netfilter_logs_are_swapped() {
        let size = |size: u16| size.swap_bytes().to_ne_bytes();
        let values: &[(usize, &[u8])] =
            &[(1, &[0]), (4, &size(5)), (12, &size(4)), (16, &size(8)), (24, &size(0))];
        let fixup = Fixup::of(dlt::NFLOG, true).expect("a fix-up");
        let mut swapped = packet(40, values);
        let mut wanted = swapped.clone();
        let headers = [4, 12, 16, 24].map(|at| [(at, 2), (at + 2, 2)]);
        swap_fields(&mut wanted, headers.as_flattened());
        fixup.apply(&mut swapped, 40, false);
        assert_eq!(swapped, wanted, "up to a value of no length");
        let mut unknown = packet(40, &[(1, &[1])]);
        fixup.apply(&mut unknown, 40, false);
        assert_eq!(unknown, packet(40, &[(1, &[1])]), "of another version");
    }

    #[test]
    fn lengths_of_isochronous_transfers_are_corrected() {
        let number = u32::to_ne_bytes;
        let (length, count) = (number(5000), number(2));
        let header: Vec<(usize, &[u8])> =
            vec![(8, b"C\0\x81"), (15, &[0]), (32, &length), (60, &count)];
        let (begin, size, none) = (number(100), number(300), number(0));
        let descriptors: [(usize, &[u8]); 3] = [(68, &begin), (72, &size), (88, &none)];
        let mut good = packet(200, &[&header[..], &descriptors].concat());
        let fixup = Fixup::of(dlt::USB_LINUX_MMAPPED, false).expect("a fix-up");
        assert_eq!(fixup.apply(&mut good, 96 + 5000, false), 96 + 400);
        assert_eq!(fixup.apply(&mut good, 96 + 5000, true), 96 + 400, "every time");
        assert_eq!(fixup.apply(&mut good, 96 + 4999, false), 96 + 4999, "not miscounted");
        let mut long = [&good[..], &[0; 1000]].concat();
        assert_eq!(fixup.apply(&mut long, 96 + 5000, false), 96 + 5000, "less than is there");
        assert_eq!(fixup.apply(&mut good[..95], 96 + 5000, false), 96 + 5000, "cut");
        for (at, other) in [(8, b'S'), (9, 1), (10, 1), (15, b'<'), (61, 1)] {
            let mut other = packet(200, &[&header[..], &descriptors, &[(at, &[other])]].concat());
            assert_eq!(fixup.apply(&mut other, 96 + 5000, false), 96 + 5000, "{at}");
        }
    }
}
