//! Texts for tables that lie in the rows themselves. A table of references is written to whenever the library is
//! loaded, since only then it is known where things are; one of these is shared by all processes, as code is.
//! Nothing for texts that are made at run time.

use std::ffi::{CStr, c_char};
use std::fmt;

/// A constant text, or other bytes, of less than `N` bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Inline<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

impl<const N: usize> Inline<N> {
    /// Nothing.
    pub const EMPTY: Self = Self { len: 0, bytes: [0; N] };

    /// This text, which holds no NUL and leaves room for one.
    #[must_use]
    pub const fn new(text: &str) -> Self {
        let inline = Self::of_bytes(text.as_bytes());
        let mut n = 0;
        while n < text.len() {
            assert!(inline.bytes[n] != 0, "a NUL in the text");
            n += 1;
        }
        inline
    }

    /// These bytes, any.
    #[must_use]
    pub const fn of_bytes(bytes: &[u8]) -> Self {
        assert!(bytes.len() < N && N <= 256, "no room");
        let mut inline = Self::EMPTY;
        inline.len = bytes.len() as u8;
        let mut n = 0;
        while n < bytes.len() {
            inline.bytes[n] = bytes[n];
            n += 1;
        }
        inline
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self.bytes.split_at_checked(self.len as usize) {
            Some((bytes, _)) => bytes,
            None => &[],
        }
    }

    /// Its bytes, and the NULs behind them.
    #[must_use]
    pub const fn padded(&self) -> &[u8; N] {
        &self.bytes
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Its text for C, as C points to it.
    #[must_use]
    pub const fn as_ptr(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }

    /// Its text for C.
    #[must_use]
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

impl<const N: usize> fmt::Display for Inline<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Inline<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A table of texts and what belongs to them, as it is written in the source.
#[must_use]
pub const fn table<const N: usize, T: Copy, const ROWS: usize>(
    rows: [(&str, T); ROWS],
) -> [(Inline<N>, T); ROWS] {
    let mut table = [(Inline::EMPTY, rows[0].1); ROWS];
    let mut n = 0;
    while n < ROWS {
        table[n] = (Inline::new(rows[n].0), rows[n].1);
        n += 1;
    }
    table
}

/// Where the rows of a table are, of fewer than 255, by their names: found by looking at one or two of them.
#[derive(Debug)]
pub struct ByName<const ROWS: usize> {
    /// The first row of each bucket, and the one after each row: [`NO_ROW`] where there is none.
    first: [u8; 512],
    after: [u8; ROWS],
}

const NO_ROW: u8 = u8::MAX;

impl<const ROWS: usize> ByName<ROWS> {
    /// Of rows with these names.
    #[must_use]
    pub const fn new(names: [&[u8]; ROWS]) -> Self {
        assert!(ROWS < NO_ROW as usize);
        let mut by_name = Self { first: [NO_ROW; 512], after: [NO_ROW; ROWS] };
        let mut n = ROWS;
        while n > 0 {
            n -= 1;
            let bucket = Self::bucket(names[n]);
            by_name.after[n] = by_name.first[bucket];
            by_name.first[bucket] = n as u8;
        }
        by_name
    }

    /// The rows that may have this name, in any case of letters.
    #[inline]
    pub fn rows(&self, name: &[u8]) -> impl Iterator<Item = usize> {
        let first = self.first.get(Self::bucket(name)).copied();
        let after = |row: &u8| self.after.get(usize::from(*row)).copied();
        std::iter::successors(first, after).take_while(|row| *row != NO_ROW).map(usize::from)
    }

    /// By a name's length and some of its letters.
    #[inline]
    const fn bucket(name: &[u8]) -> usize {
        let [first, .., last] = name else { return 0 };
        let (middle, len) = (name[name.len() / 2], name.len());
        // A small letter and its capital differ in this bit.
        let [first, middle, last] = [*first | 0x20, middle | 0x20, *last | 0x20];
        // Shifted so that few names of the tables that there are meet.
        let letters = (first as usize) * 2 + middle as usize + (last as usize) * 8;
        len.wrapping_mul(64).wrapping_add(letters) % 512
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_name() {
        let names: [&[u8]; 4] = [b"host", b"h", b"port", b"hxst"];
        let by_name = ByName::new(names);
        for (n, name) in names.iter().enumerate() {
            assert!(by_name.rows(name).any(|row| row == n));
        }
        assert!(by_name.rows(b"HOST").eq(by_name.rows(b"host")));
        assert_eq!((by_name.rows(b"").count(), by_name.rows(b"portx").count()), (1, 0));
    }

    const TABLE: [(Inline<6>, u8); 3] = table([("", 1), ("ü", 2), ("hello", 3)]);

    #[test]
    fn holds_what_it_was_given() {
        for (n, (text, (inline, number))) in (1..).zip([c"", c"ü", c"hello"].into_iter().zip(TABLE))
        {
            assert_eq!((number, inline.as_c_str()), (n, text));
            assert_eq!(inline.as_str(), text.to_str().unwrap());
            assert_eq!(inline.as_bytes(), text.to_bytes());
        }
        assert_eq!(format!("{:<4}|{:?}", TABLE[1].0, TABLE[2].0), "ü   |\"hello\"");
        assert_eq!(Inline::<4>::of_bytes(&[0, 1, 0]).as_bytes(), [0, 1, 0]);
    }
}
