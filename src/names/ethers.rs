//! Lines of an ethers(5) file: an Ethernet address, a name, and what follows is a comment.
//!
//! This is for pcap_next_etherent(), which reads a file that the caller has opened. Which address a host
//! has is asked of the C library, which may know it from elsewhere: `sys/netdb.rs`.

use std::cell::Cell;
use std::iter::{Peekable, from_fn};

/// The longest name, in bytes; the rest of a longer one is dropped.
pub const NAME_LEN: usize = 121;

/// A host and its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its Ethernet address.
    pub address: [u8; 6],
    /// Its name: up to [`NAME_LEN`] bytes.
    pub name: Vec<u8>,
}

/// How a line ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Line,
    File,
}

/// The next entry of a file that `read` gives byte by byte; `None` at its end. Whole lines are read, and
/// those that are no entry are skipped.
pub fn next_entry(mut read: impl FnMut() -> Option<u8>) -> Option<Entry> {
    loop {
        let end = Cell::new(None);
        let byte = || match read() {
            Some(b'\n') => Err(End::Line),
            Some(byte) => Ok(byte),
            None => Err(End::File),
        };
        let mut line = bytes_of_line(byte, &end).peekable();
        let entry = parse(&mut line);
        line.for_each(drop);
        if entry.is_some() || end.get() == Some(End::File) {
            return entry;
        }
    }
}

/// What `byte` gives, up to the end, which is noted and not asked beyond.
fn bytes_of_line(
    mut byte: impl FnMut() -> Result<u8, End>,
    end: &Cell<Option<End>>,
) -> impl Iterator<Item = u8> {
    from_fn(move || {
        if end.get().is_some() {
            return None;
        }
        byte().inspect_err(|how| end.set(Some(*how))).ok()
    })
}

/// The entry at the beginning of a line.
fn parse(line: &mut Peekable<impl Iterator<Item = u8>>) -> Option<Entry> {
    skip_space(line);
    let mut address = [octet(line)?, 0, 0, 0, 0, 0];
    for place in &mut address[1..] {
        line.next_if_eq(&b':')?;
        *place = octet(line)?;
    }
    line.next_if(is_space)?;
    skip_space(line);
    let mut name = vec![line.next_if(|byte| *byte != b'#')?];
    while name.len() < NAME_LEN
        && let Some(byte) = line.next_if(|byte| !is_space(byte))
    {
        name.push(byte);
    }
    Some(Entry { address, name })
}

/// One or two hexadecimal digits.
fn octet(line: &mut Peekable<impl Iterator<Item = u8>>) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let high = digit(line.next()?)?;
    let low = line.next_if(|byte| byte.is_ascii_hexdigit()).and_then(digit);
    u8::try_from(low.map_or(high, |low| high << 4 | low)).ok()
}

fn skip_space(line: &mut Peekable<impl Iterator<Item = u8>>) {
    while line.next_if(is_space).is_some() {}
}

/// Space within a line; CR, so that a file may end its lines with CR and LF.
fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &[u8]) -> Vec<([u8; 6], String)> {
        let mut bytes = text.iter().copied();
        let entry = from_fn(|| next_entry(|| bytes.next()));
        entry
            .map(|entry| (entry.address, String::from_utf8_lossy(&entry.name).into_owned()))
            .collect()
    }

    fn one(address: [u8; 6], name: &str) -> Vec<([u8; 6], String)> {
        vec![(address, name.to_owned())]
    }

    #[test]
    fn entries_among_other_lines() {
        let text =
            b"# hosts\n\n\t\r\n00:11:22:33:44:55 one\n  a:B:c:D:e:F\t two three # four\r\nfive\n";
        let want = [([0, 0x11, 0x22, 0x33, 0x44, 0x55], "one"), ([10, 11, 12, 13, 14, 15], "two")];
        assert_eq!(entries(text), want.map(|(address, name)| (address, name.to_owned())));
    }

    #[test]
    fn a_last_line_needs_no_end() {
        assert_eq!(entries(b"1:2:3:4:5:6 last"), one([1, 2, 3, 4, 5, 6], "last"));
        assert_eq!(entries(b"1:2:3:4:5:6"), []);
        assert_eq!(entries(b""), []);
    }

    #[test]
    fn lines_that_are_no_entry() {
        for line in [
            "1:2:3:4:5 short",
            "1:2:3:4:5: short",
            "1:2:3:4:5:6:7 long",
            "1:2:3:4:5:678 long",
            "1:2:3:4:5:6x",
            "1:2:3:4:5:z letter",
            "1-2-3-4-5-6 hyphens",
            "1:2:3:4:5:6",
            "1:2:3:4:5:6   ",
            "1:2:3:4:5:6 # comment",
            "#1:2:3:4:5:6 comment",
            "x 1:2:3:4:5:6 later",
            ":1:2:3:4:5:6 colon",
            "\0",
        ] {
            let text = format!("{line}\n7:7:7:7:7:7 next\n");
            assert_eq!(entries(text.as_bytes()), one([7; 6], "next"), "{line}");
        }
    }

    #[test]
    fn names_are_cut() {
        let line = |n| format!("1:1:1:1:1:1 {} x\n2:2:2:2:2:2 y\n", "n".repeat(n));
        for (given, kept) in [(121, 121), (122, 121), (5000, 121)] {
            let found = entries(line(given).as_bytes());
            assert_eq!(found.len(), 2);
            assert_eq!(found[0].1.len(), kept);
        }
    }

    /// Nothing beyond the line of the entry is read.
    #[test]
    fn a_line_at_a_time() {
        let text = b"\n1:1:1:1:1:1 a b c\nrest";
        let mut read = 0;
        let entry = next_entry(|| {
            read += 1;
            text.get(read - 1).copied()
        });
        assert_eq!(
            (entry.map(|entry| entry.name), &text[read..]),
            (Some(b"a".to_vec()), &b"rest"[..])
        );
    }

    #[test]
    fn a_file_that_ends_is_asked_once() {
        let mut asked = 0;
        let entry = next_entry(|| {
            asked += 1;
            None
        });
        assert_eq!((entry, asked), (None, 1));
    }
}
