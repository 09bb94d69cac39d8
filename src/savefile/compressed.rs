//! Compressed savefiles: gzip (RFC 1952), zstd (RFC 8878), LZ4 frames and xz, told by how a file begins.
//!
//! A file is a row of members, each of which begins with the bytes that tell its format: what several runs of a
//! compressor made is read as one. The packages that decompress are wrapped so that whatever a file says costs
//! bounded memory, and ends in an error that names the format. Each format is a feature of this package.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, ErrorKind, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// The most that a decompressor may remember of what it made. That is what xz -8 and zstd --ultra -20 use.
const WINDOW: u32 = 32 << 20;
/// How much of a file is read at once.
const CHUNK: usize = 64 << 10;
/// How much is decompressed at once: what comes before bad data in the same go is lost.
const STRIDE: usize = 16 << 10;

/// One way to compress.
#[derive(Debug)]
pub struct Format {
    name: &'static str,
    /// How a member begins, and which bits of that are looked at.
    magic: u32,
    mask: u32,
    open: fn(Source) -> io::Result<Box<dyn Member>>,
}

/// Those that are known.
const FORMATS: &[Format] = &[
    #[cfg(feature = "gzip")]
    Format { name: "gzip", magic: 0x1f8b_0800, mask: 0xffff_ff00, open: gzip::open },
    #[cfg(feature = "lz4")]
    Format { name: "lz4", magic: 0x0422_4d18, mask: u32::MAX, open: lz4::open },
    #[cfg(feature = "xz")]
    Format { name: "xz", magic: 0xfd37_7a58, mask: u32::MAX, open: xz::open },
    #[cfg(feature = "zstd")]
    Format { name: "zstd", magic: 0x28b5_2ffd, mask: u32::MAX, open: zstd::open },
    // In both, for whatever somebody wants to add.
    #[cfg(any(feature = "lz4", feature = "zstd"))]
    Format { name: "lz4 or zstd", magic: 0x502a_4d18, mask: 0xf0ff_ffff, open: skippable::open },
];

/// The format of a member that begins so.
pub fn recognise(first: [u8; 4]) -> Option<&'static Format> {
    let word = u32::from_be_bytes(first);
    FORMATS.iter().find(|format| word & format.mask == format.magic)
}

/// What is in a compressed file.
pub struct Decompressed {
    state: State,
    /// The format of the member that is read, or was last.
    format: &'static Format,
    told: Rc<Told>,
}

enum State {
    Between(Source),
    Within(Box<dyn Member>),
    /// Nothing more comes.
    Over,
}

/// A member being decompressed: reading it ends where it ends.
trait Member: Read {
    /// What comes after it, once it has ended.
    fn after(self: Box<Self>) -> Source;
}

impl Decompressed {
    /// What is in the file that `from` reads and that begins as `format` does. Reads must not stop short of the
    /// end for anything that passes: decompressors do not start over.
    pub fn new(format: &'static Format, from: Box<dyn Read>) -> Self {
        let told = Rc::new(Told::default());
        let source = Source { from, buffer: vec![0; CHUNK], start: 0, end: 0, told: told.clone() };
        Self { state: State::Between(source), format, told }
    }

    fn step(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Between(mut source) => {
                    let Some(format) = source.next_format()? else { return Ok(0) };
                    self.format = format;
                    self.state = State::Within((format.open)(source)?);
                }
                State::Within(mut member) => {
                    let n = member.read(to)?;
                    self.state = match n {
                        0 => State::Between(member.after()),
                        _ => State::Within(member),
                    };
                    if n != 0 {
                        return Ok(n);
                    }
                }
                State::Over => return Ok(0),
            }
        }
    }

    /// What is wrong with a file of which `error` was said.
    fn explain(&self, error: &io::Error) -> io::Error {
        let name = self.format.name;
        if let Some(failed) = self.told.failed.take() {
            return failed;
        }
        if self.told.ended.get() {
            return io::Error::new(ErrorKind::UnexpectedEof, format!("truncated {name} data"));
        }
        let text = match error.kind() {
            ErrorKind::OutOfMemory => {
                let most = WINDOW >> 20;
                format!("{name} data that needs a window of more than {most} MiB, the maximum")
            }
            _ => format!("bad {name} data: {error}"),
        };
        io::Error::new(error.kind(), text)
    }
}

impl Read for Decompressed {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = to.len().min(STRIDE);
        let to = to.get_mut(..n).unwrap_or_default();
        if to.is_empty() {
            return Ok(0);
        }
        // Some packages take bad data for mistakes of their own.
        let read = catch_unwind(AssertUnwindSafe(|| self.step(to)))
            .unwrap_or_else(|_| Err(io::Error::other("no sense in it")));
        read.map_err(|error| {
            self.state = State::Over;
            self.explain(&error)
        })
    }
}

/// What became of reading the file, whatever a decompressor makes of it.
#[derive(Default)]
struct Told {
    ended: Cell<bool>,
    failed: RefCell<Option<io::Error>>,
}

/// The bytes of a file.
struct Source {
    from: Box<dyn Read>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    told: Rc<Told>,
}

impl Source {
    fn here(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads more behind what is here; how much.
    fn more(&mut self) -> io::Result<usize> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end.saturating_sub(self.start));
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let n = self.from.read(room).inspect_err(|error| {
            let same = error.raw_os_error().map(io::Error::from_raw_os_error);
            self.told.failed.replace(same);
        })?;
        self.end = self.end.saturating_add(n).min(self.buffer.len());
        Ok(n)
    }

    /// The format of the member that comes; `None` at the end. Zeros between members are padding.
    fn next_format(&mut self) -> io::Result<Option<&'static Format>> {
        loop {
            let zeros = self.here().iter().take_while(|byte| **byte == 0).count();
            self.consume(zeros);
            if let Some(first) = self.here().first_chunk().copied() {
                let unknown = || io::Error::other("something else follows");
                return recognise(first).map(Some).ok_or_else(unknown);
            }
            if self.more()? == 0 {
                let rest = self.here().is_empty();
                self.told.ended.set(true);
                return if rest { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
        }
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end && self.more()? == 0 {
            self.told.ended.set(true);
        }
        Ok(self.here())
    }

    fn consume(&mut self, n: usize) {
        self.start = self.start.saturating_add(n).min(self.end);
    }
}

impl Read for Source {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(to)?;
        self.consume(n);
        Ok(n)
    }
}

#[cfg(feature = "gzip")]
mod gzip {
    use super::{Member, Source};
    use flate2::bufread::GzDecoder;
    use std::io;

    pub fn open(source: Source) -> io::Result<Box<dyn Member>> {
        Ok(Box::new(GzDecoder::new(source)))
    }

    impl Member for GzDecoder<Source> {
        fn after(self: Box<Self>) -> Source {
            self.into_inner()
        }
    }
}

#[cfg(feature = "lz4")]
mod lz4 {
    use super::{Member, Source};
    use lz4_flex::frame::FrameDecoder;
    use std::io::{self, ErrorKind, Read};

    struct Frame(FrameDecoder<Source>);

    pub fn open(source: Source) -> io::Result<Box<dyn Member>> {
        Ok(Box::new(Frame(FrameDecoder::new(source))))
    }

    impl Read for Frame {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let n = self.0.read(to)?;
            // The package takes the end of the file for that of the frame.
            if n == 0 && self.0.get_ref().told.ended.get() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            Ok(n)
        }
    }

    impl Member for Frame {
        fn after(self: Box<Self>) -> Source {
            self.0.into_inner()
        }
    }
}

#[cfg(feature = "xz")]
mod xz {
    use super::{Member, Source, WINDOW};
    use lzma_rust2::XzReader;
    use std::io;

    /// What the package counts beside the dictionary, in KiB, and some to spare.
    const BESIDE: u32 = 256;

    pub fn open(source: Source) -> io::Result<Box<dyn Member>> {
        Ok(Box::new(XzReader::new_mem_limit(source, false, (WINDOW >> 10) + BESIDE)))
    }

    impl Member for XzReader<Source> {
        fn after(self: Box<Self>) -> Source {
            self.into_inner()
        }
    }
}

#[cfg(feature = "zstd")]
mod zstd {
    use super::{Member, Source, WINDOW};
    use ruzstd::decoding::errors::{FrameDecoderError, FrameHeaderError};
    use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
    use std::io::{self, ErrorKind, Read};

    /// A frame of no bytes.
    const EMPTY: [u8; 9] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0];
    /// The header of a last block without bytes, and a checksum.
    const LAST: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

    struct Frame {
        source: Source,
        decoder: FrameDecoder,
        failed: Option<FrameDecoderError>,
    }

    fn error(error: FrameDecoderError) -> io::Error {
        let kind = match error {
            FrameDecoderError::WindowSizeTooBig { .. }
            | FrameDecoderError::FrameHeaderError(FrameHeaderError::WindowTooBig { .. }) => {
                ErrorKind::OutOfMemory
            }
            _ => ErrorKind::InvalidData,
        };
        // Its text, and not it: it would bring a table of functions for each error inside it.
        io::Error::new(kind, error.to_string())
    }

    pub fn open(mut source: Source) -> io::Result<Box<dyn Member>> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW.into());
        // From its second frame on it has the window in one piece, and not as copies that grow.
        decoder.init(&EMPTY[..]).map_err(error)?;
        decoder.init(&mut source).map_err(error)?;
        Ok(Box::new(Frame { source, decoder, failed: None }))
    }

    impl Read for Frame {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            while self.decoder.can_collect() == 0 {
                if let Some(failed) = self.failed.take() {
                    return Err(error(failed));
                }
                if self.decoder.is_finished() {
                    let told = self.decoder.get_checksum_from_data();
                    return if told.is_some() && told != self.decoder.get_calculated_checksum() {
                        Err(io::Error::new(ErrorKind::InvalidData, "wrong checksum"))
                    } else {
                        Ok(0)
                    };
                }
                let one = BlockDecodingStrategy::UptoBlocks(1);
                if let Err(failed) = self.decoder.decode_blocks(&mut self.source, one) {
                    self.failed = Some(failed);
                    // It holds back what later blocks may refer to, until there are none.
                    let one = BlockDecodingStrategy::UptoBlocks(1);
                    let _ = self.decoder.decode_blocks(&LAST[..], one);
                }
            }
            self.decoder.read(to)
        }
    }

    impl Member for Frame {
        fn after(self: Box<Self>) -> Source {
            self.source
        }
    }
}

#[cfg(any(feature = "lz4", feature = "zstd"))]
mod skippable {
    use super::{Member, Source};
    use std::io::{self, Read as _};

    pub fn open(mut source: Source) -> io::Result<Box<dyn Member>> {
        let mut head = [0; 8];
        source.read_exact(&mut head)?;
        let [_, _, _, _, length @ ..] = head;
        let length = u64::from(u32::from_le_bytes(length));
        if io::copy(&mut source.by_ref().take(length), &mut io::sink())? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Box::new(Skipped(source)))
    }

    struct Skipped(Source);

    impl io::Read for Skipped {
        fn read(&mut self, _to: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }
    }

    impl Member for Skipped {
        fn after(self: Box<Self>) -> Source {
            self.0
        }
    }
}
