//! What two libraries make of a savefile, compared: equal, but for the differences that we want.

use super::offline::{Classic, MICRO, MODIFIED, NANO, Order};
use super::readers::{Event, Reader, SavedBytes, Transcript, Way};

/// A difference that we want: what it is, and how their transcript must be edited to become ours. The edit leaves
/// one alone that is like ours already (the distribution's library may be newer).
pub struct Wanted {
    /// Why ours differs.
    #[allow(dead_code, reason = "for people")]
    pub why: &'static str,
    /// Makes of the file, ours, and theirs what ours should be.
    pub edit: fn(&[u8], &Transcript, &mut Transcript),
}

pub const WANTED: &[Wanted] = &[
    Wanted {
        why: "a later interface of LINKTYPE_RAW, or with another snapshot length, is none to libpcap",
        edit: |_, ours, theirs| {
            let refused = |event: &Event| {
                matches!(event, Event::Returned(-1, error) if [
                    "an interface has a type 101 different from",
                    "an interface has a snapshot length",
                ].iter().any(|text| error.starts_with(text)))
            };
            if let Some(at) = theirs.events.iter().position(refused) {
                theirs.events.truncate(at);
                theirs.events.extend_from_slice(ours.events.get(at..).unwrap_or_default());
            }
        },
    },
    Wanted {
        why: "after a record that makes no sense, libpcap reads on somewhere; we are at the end",
        edit: |_, _, theirs| {
            let broken =
                |event: &Event| matches!(event, Event::Returned(-1, error) if !is_cut(error));
            if let Some(at) = theirs.events.iter().position(broken) {
                theirs.events.truncate(at + 1);
            }
        },
    },
    Wanted {
        why: "seconds and their fractions have no sign since 1.10.5",
        edit: |bytes, ours, theirs| {
            if classic(bytes).is_none() {
                return;
            }
            for (theirs, ours) in theirs.events.iter_mut().zip(&ours.events) {
                if let (Event::Packet { stamp, .. }, Event::Packet { stamp: ours, .. }) =
                    (theirs, ours)
                {
                    if stamp.0 < 0 {
                        stamp.0 += 1 << 32;
                    }
                    // Scaled up, as it was, or scaled down, which loses something.
                    let down = (stamp.1 * 1000 - 999 + (1 << 32)) / 1000
                        ..=(stamp.1 * 1000 + (1 << 32)) / 1000;
                    let unsigned = [stamp.1 + (1 << 32), stamp.1 + (1000 << 32)];
                    if stamp.1 <= 0 && (unsigned.contains(&ours.1) || down.contains(&ours.1)) {
                        stamp.1 = ours.1;
                    }
                }
            }
        },
    },
    Wanted {
        why: "other bits in the link type word are an error since 1.10.5",
        edit: |bytes, _, theirs| {
            let Some(Classic { version: (2, 0..=4) | (543, 0), link, .. }) = classic(bytes) else {
                return;
            };
            let reserved = link & 0x03ff_0000;
            if reserved != 0 {
                let error = format!("savefile linktype reserved field not zero (0x{reserved:08x})");
                *theirs = Transcript { opened: Err(error), events: Vec::new() };
            }
        },
    },
    Wanted {
        why: "versions before 2 have no text of their own since 1.10.5",
        edit: |bytes, _, theirs| {
            let Some(Classic { version: (major, minor), .. }) = classic(bytes) else { return };
            if theirs.opened.as_ref().is_err_and(|error| error == "archaic pcap savefile format") {
                theirs.opened = Err(format!("unsupported pcap savefile version {major}.{minor}"));
            }
        },
    },
    Wanted {
        why: "fractions finer than 2^-34 seconds are too large for libpcap's multiplication",
        edit: |bytes, ours, theirs| {
            let option = |four: &[u8]| matches!(four, [9, 0, 1, 0, power] | [0, 9, 0, 1, power] if *power >= 0xa2);
            if !bytes.windows(5).any(option) {
                return;
            }
            for (theirs, ours) in theirs.events.iter_mut().zip(&ours.events) {
                if let (Event::Packet { stamp, .. }, Event::Packet { stamp: ours, .. }) =
                    (theirs, ours)
                    && stamp.0 == ours.0
                {
                    stamp.1 = ours.1;
                }
            }
        },
    },
    Wanted {
        why: "that a block's lengths differ is told with the lengths since 1.10.5",
        edit: |_, ours, theirs| {
            let old = "block total length in header and trailer don't match";
            let is_new = |error: &str| {
                error.starts_with("block total length in header ")
                    && error.contains(" and trailer ")
            };
            if let (Err(ours), Err(theirs)) = (&ours.opened, &mut theirs.opened)
                && theirs == old
                && is_new(ours)
            {
                theirs.clone_from(ours);
            }
            for (theirs, ours) in theirs.events.iter_mut().zip(&ours.events) {
                if let (Event::Returned(-1, theirs), Event::Returned(-1, ours)) = (theirs, ours)
                    && theirs == old
                    && is_new(ours)
                {
                    theirs.clone_from(ours);
                }
            }
        },
    },
];

/// A file that ends too early may be growing still.
fn is_cut(error: &str) -> bool {
    error.starts_with("truncated")
}

/// The header, if it is a classic file's and whole.
fn classic(bytes: &[u8]) -> Option<Classic> {
    let header: &[u8; 24] = bytes.first_chunk()?;
    let word = |order: Order, at: usize| {
        let four = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        if order == Order::Big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    };
    let known = |order: &Order| [MICRO, NANO, MODIFIED].contains(&word(*order, 0));
    let order = Order::BOTH.into_iter().find(known)?;
    let version = word(order, 4);
    let halves = ((version >> 16) as u16, version as u16);
    Some(Classic {
        order,
        magic: word(order, 0),
        version: if order == Order::Big { halves } else { (halves.1, halves.0) },
        unused: (word(order, 8), word(order, 12)),
        snaplen: word(order, 16),
        link: word(order, 20),
    })
}

/// What comes after an error of ours that ends the file: nothing.
fn end_after_error(ours: &mut Transcript, way: Way) {
    let broken = |event: &Event| matches!(event, Event::Returned(-1, error) if !is_cut(error));
    let Some(at) = ours.events.iter().position(broken) else { return };
    let after = ours.events.split_off(at + 1);
    // A stream of the caller's goes on, where the caller may have gone.
    if !matches!(way, Way::Tell | Way::NextExOfStream) {
        let ends = |event: &Event| matches!(event, Event::Returned(0 | -2, _));
        assert!(after.iter().all(ends), "{after:?} after {:?}", ours.events.last());
    }
}

/// How the transcripts differ, if they do.
pub fn difference(bytes: &[u8], file: &SavedBytes, precision: u32, way: Way) -> Option<String> {
    let theirs = Reader::theirs().read(file, precision, way);
    let ours = Reader::ours().read(file, precision, way);
    compare(bytes, way, ours, theirs)
}

/// Whether their library makes something else of it than ours up to the first error, wanted or not.
pub fn differs_at_all(file: &SavedBytes, precision: u32) -> bool {
    let [ours, theirs] = [Reader::ours(), Reader::theirs()].map(|reader| {
        let mut transcript = reader.read(file, precision, Way::NextEx);
        let failed = |event: &Event| matches!(event, Event::Returned(-1, _));
        if let Some(at) = transcript.events.iter().position(failed) {
            transcript.events.truncate(at + 1);
        }
        transcript
    });
    ours != theirs
}

fn compare(bytes: &[u8], way: Way, mut ours: Transcript, mut theirs: Transcript) -> Option<String> {
    for wanted in WANTED {
        (wanted.edit)(bytes, &ours, &mut theirs);
    }
    end_after_error(&mut ours, way);
    match (&theirs.opened, &ours.opened) {
        (Err(theirs), Err(ours)) if ours.starts_with(theirs) => return None,
        (theirs, ours) if theirs != ours => {
            return Some(format!("opening: ours {ours:?}, theirs {theirs:?}"));
        }
        _ => {}
    }
    let same = |(ours, theirs): &(&Event, &Event)| match (ours, theirs) {
        (Event::Returned(-1, ours), Event::Returned(-1, theirs)) => ours.starts_with(theirs),
        _ => ours == theirs,
    };
    let alike = ours.events.iter().zip(&theirs.events).take_while(same).count();
    if alike == ours.events.len() && alike == theirs.events.len() {
        return None;
    }
    let (ours, theirs) = (ours.events.get(alike), theirs.events.get(alike));
    Some(format!("after {alike} events: ours {ours:?}, theirs {theirs:?}"))
}
