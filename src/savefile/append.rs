//! Whether packets may be appended to a file that is there: it has to be one that would have been begun just so.

use super::writer::{FILE_HEADER, MAGIC_MICRO, MAGIC_NANO};
use crate::error::{Error, Result};

/// The first words of files that are not ours to go on with, in either byte order, and what is wrong with them.
const OTHERS: [(u32, &str); 4] = [
    (MAGIC_MICRO, PRECISION),
    (MAGIC_NANO, PRECISION),
    // Kuznetsov's, with longer headers of packets; and Navtel's.
    (0xa1b2_cd34, VARIANT),
    (0xa12b_3c4d, VARIANT),
];
const PRECISION: &str = "different time stamp precision, cannot append to file";
const ORDER: &str = "different byte order, cannot append to file";
const VARIANT: &str = "not a pcap file to which we can append";

/// Fails if a file that begins with `found`, called `name`, is of another kind than one that begins with `ours`.
pub fn check(found: &[u8; FILE_HEADER], ours: &[u8; FILE_HEADER], name: &str) -> Result<()> {
    let differs = |at: std::ops::Range<usize>| found.get(at.clone()) != ours.get(at);
    let wrong = |what: &str| Err(Error::new(format!("{name}: {what}")));
    if differs(0..4) {
        return wrong(other_magic(found));
    }
    if differs(4..8) {
        let [major, minor] = [[found[4], found[5]], [found[6], found[7]]].map(u16::from_ne_bytes);
        return wrong(&format!("version is {major}.{minor}, cannot append to file"));
    }
    if differs(20..24) {
        return wrong("different linktype, cannot append to file");
    }
    if differs(16..20) {
        return wrong("different snaplen, cannot append to file");
    }
    Ok(())
}

/// What is wrong with a file that begins with another word.
fn other_magic(found: &[u8; FILE_HEADER]) -> &'static str {
    let magic = found.first_chunk().map_or(0, |word| u32::from_ne_bytes(*word));
    let other = |magic| OTHERS.iter().find(|(word, _)| *word == magic).map(|(_, what)| *what);
    match (other(magic), other(magic.swap_bytes())) {
        (Some(what), _) => what,
        (_, Some(PRECISION)) => ORDER,
        (_, Some(what)) => what,
        (None, None) => "not a pcap file",
    }
}

#[cfg(test)]
mod tests {
    use super::super::writer::file_header;
    use super::*;

    fn of(found: [u8; FILE_HEADER]) -> String {
        check(&found, &file_header(1, 96, 0), "f").map_err(|e| e.text().to_owned()).unwrap_err()
    }

    /// A header that has something else at `at`.
    fn with(at: usize, bytes: &[u8]) -> [u8; FILE_HEADER] {
        let mut header = file_header(1, 96, 0);
        header[at..at + bytes.len()].copy_from_slice(bytes);
        header
    }

    #[test]
    fn only_what_we_would_have_begun_is_gone_on_with() {
        assert!(check(&file_header(1, 96, 0), &file_header(1, 96, 0), "f").is_ok());
        // Two words that have no meaning.
        assert!(check(&with(8, &[1; 8]), &file_header(1, 96, 0), "f").is_ok());
        assert_eq!(
            of(file_header(1, 96, 1)),
            "f: different time stamp precision, cannot append to file"
        );
        assert_eq!(of(file_header(2, 97, 0)), "f: different linktype, cannot append to file");
        assert_eq!(of(file_header(1, 97, 0)), "f: different snaplen, cannot append to file");
        assert_eq!(of(with(4, &3u16.to_ne_bytes())), "f: version is 3.4, cannot append to file");
        assert_eq!(of(with(0, &[0; 4])), "f: not a pcap file");
    }

    #[test]
    fn files_of_others_are_known() {
        for (magic, same, swapped) in [
            (MAGIC_NANO, PRECISION, ORDER),
            (0xa1b2_cd34, VARIANT, VARIANT),
            (0xa12b_3c4d, VARIANT, VARIANT),
        ] {
            assert_eq!(of(with(0, &magic.to_ne_bytes())), format!("f: {same}"));
            assert_eq!(of(with(0, &magic.swap_bytes().to_ne_bytes())), format!("f: {swapped}"));
        }
        let swapped = with(0, &MAGIC_MICRO.swap_bytes().to_ne_bytes());
        assert_eq!(of(swapped), format!("f: {ORDER}"));
    }
}
