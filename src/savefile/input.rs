//! Where the bytes of a savefile come from, and the buffer that they wait in.
//!
//! A file that we opened is read with large read(2)s. A stream that the caller has, too, is read by the record, so
//! that its position is always that of the record to come: programs ask for it, and move it.

use super::compressed::{Decompressed, Format};
use crate::error::{Error, Result};
use crate::sys::stdio::Stream;
use crate::sys::{Errno, poll};
use std::fs::File;
use std::io::{Cursor, ErrorKind, Read, Seek as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::rc::Rc;

/// How much is read at once.
const CHUNK: usize = 256 << 10;
/// The first read's: many files end in it, and large memory takes longer to come by than they to read.
const FIRST: usize = 4 << 10;
/// The same, of what is read by the record: headers and small packets.
const RECORD: usize = 512;
/// How far the buffer grows at a time for a record that says it is larger: as far as its bytes do come.
const GROWTH: usize = 1 << 20;
/// The largest record of what is made of a file, whose size says nothing of what it costs: more than pcapng's.
const LARGEST_MADE: usize = 17 << 20;

/// What the bytes come from.
pub enum Origin {
    /// A file that only we read.
    File(File),
    /// Another descriptor of standard input's file: the stream stays open, and gets back what is not read.
    StandardInput(File),
    /// A stream that the caller may use, too.
    Stream(Stream),
    /// What something makes of a file, such as decompressing it.
    Made(Box<dyn Read>),
}

/// What came of asking for more bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// As many as were asked for are there.
    Here,
    /// There are none now: the descriptor has to be waited on.
    Wait,
    /// A signal came first.
    Interrupted,
    /// There are no more, and fewer than were asked for.
    End,
}

/// The unread part of a savefile, as far as it is known.
pub struct Input {
    origin: Origin,
    /// The caller's stream that the origin is made of.
    below: Option<Rc<Stream>>,
    /// Whether a read that would have to wait is not done: see [`More::Wait`].
    waits: bool,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    /// The bytes of `origin`, after `before`, which has been read of it.
    pub fn new(origin: Origin, before: &[u8]) -> Self {
        let by_the_record = matches!(origin, Origin::Stream(_));
        let first = if by_the_record { RECORD } else { FIRST }.max(before.len());
        let mut buffer = Vec::with_capacity(first);
        buffer.extend_from_slice(before);
        if !by_the_record {
            buffer.resize(first, 0);
        }
        Self { origin, below: None, waits: false, buffer, start: 0, end: before.len() }
    }

    /// From now on, what decompressing the unread bytes and all that follow makes.
    pub fn decompress(&mut self, format: &'static Format) {
        let before = Cursor::new(self.window().to_vec());
        let nothing = Origin::Made(Box::new(std::io::empty()));
        let from: Box<dyn Read> = match std::mem::replace(&mut self.origin, nothing) {
            Origin::File(file) | Origin::StandardInput(file) => {
                let fd = file.as_raw_fd();
                Box::new(before.chain(Patient { from: file, fd }))
            }
            Origin::Stream(stream) => {
                let fd = stream.fd();
                // A pipe is not asked for more than it may have.
                let stride = if stream.position() >= 0 { usize::MAX } else { 1 };
                let stream = Rc::new(stream);
                self.below = Some(stream.clone());
                Box::new(before.chain(Patient { from: Below { stream, stride }, fd }))
            }
            Origin::Made(made) => Box::new(before.chain(made)),
        };
        self.origin = Origin::Made(Box::new(Decompressed::new(format, from)));
        self.buffer.resize(CHUNK, 0);
        (self.start, self.end) = (0, 0);
    }

    /// From now on reads of a pipe and the like do not wait: see [`More::Wait`]. Whether it is one.
    pub fn wait_outside(&mut self) -> bool {
        self.waits = match &self.origin {
            Origin::File(file) | Origin::StandardInput(file) => {
                !file.metadata().is_ok_and(|what| what.is_file())
            }
            Origin::Stream(_) | Origin::Made(_) => false,
        };
        self.waits
    }

    /// Whether [`Input::share`] would find a stream.
    pub fn can_be_shared(&self) -> bool {
        !matches!(self.origin, Origin::Made(_))
    }

    /// The unread bytes that are here.
    pub fn window(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.start..self.end).unwrap_or_default()
    }

    /// Where in the buffer they begin.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Bytes up to `start` have been read. They stay where they are until more are asked for.
    pub fn set_start(&mut self, start: usize) {
        self.start = start.min(self.end);
    }

    /// Gives up what is here and unread.
    pub fn skip_here(&mut self) {
        self.start = self.end;
    }

    /// Gives the origin up without closing a stream of the caller's.
    pub fn leave_open(&mut self) {
        self.below = None;
        if matches!(self.origin, Origin::Stream(_)) {
            self.origin = Origin::Made(Box::new(std::io::empty()));
        }
    }

    fn is_ready(&self) -> bool {
        let mut fds = [poll::readable(self.fd().unwrap_or(-1))];
        poll::poll(&mut fds, 0).is_ok_and(|ready| ready > 0)
    }

    /// Whether records are to be read one at a time.
    pub fn is_shared(&self) -> bool {
        matches!(self.origin, Origin::Stream(_))
    }

    /// Tries to have `want` unread bytes here; what was read is given up for it.
    pub fn ask(&mut self, want: usize) -> Result<More> {
        let here = self.end - self.start;
        if here >= want {
            return Ok(More::Here);
        }
        if matches!(self.origin, Origin::Made(_)) {
            if want > LARGEST_MADE {
                let text = format!(
                    "record of {want} bytes in a compressed savefile, maximum is {LARGEST_MADE}"
                );
                return Err(Error::new(text));
            }
            // At once: copies of a buffer that grows would add up.
            self.buffer.reserve_exact(want.saturating_sub(self.buffer.len()));
        }
        if self.end == self.buffer.len() && self.buffer.len() < CHUNK && !self.is_shared() {
            self.buffer.resize(CHUNK, 0);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, here);
        while self.end < want {
            if self.buffer.len() == self.end {
                let more = want.saturating_sub(self.end).min(GROWTH);
                self.buffer.resize(self.end.saturating_add(more), 0);
            }
            if self.waits && !self.is_ready() {
                return Ok(More::Wait);
            }
            let to = if self.is_shared() { want.min(self.buffer.len()) } else { self.buffer.len() };
            let room = self.buffer.get_mut(self.end..to).unwrap_or_default();
            let read = match &mut self.origin {
                Origin::File(file) | Origin::StandardInput(file) => file.read(room),
                Origin::Stream(stream) => stream.read(room).map_err(io_error),
                Origin::Made(made) => made.read(room),
            };
            match read {
                Ok(0) => return Ok(More::End),
                Ok(n) => self.end = self.end.saturating_add(n).min(self.buffer.len()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    return Ok(More::Interrupted);
                }
                Err(error)
                    if error.kind() == ErrorKind::WouldBlock
                        && self.fd().is_some_and(|fd| fd >= 0) =>
                {
                    return Ok(More::Wait);
                }
                Err(error) => return Err(failed(&error)),
            }
        }
        Ok(More::Here)
    }

    /// As [`Input::ask`], waiting as long as it takes; false at the end.
    pub fn demand(&mut self, want: usize) -> Result<bool> {
        loop {
            match self.ask(want)? {
                More::Here => return Ok(true),
                More::End => return Ok(false),
                More::Interrupted => {}
                More::Wait => {
                    let mut fds = [poll::readable(self.fd().unwrap_or(-1))];
                    match poll::poll(&mut fds, -1) {
                        Ok(_) | Err(Errno(libc::EINTR)) => {}
                        Err(errno) => return Err(Error::errno(READING, errno)),
                    }
                }
            }
        }
    }

    /// The descriptor that becomes readable when there is more.
    pub fn fd(&self) -> Option<RawFd> {
        match &self.origin {
            Origin::File(file) => Some(file.as_raw_fd()),
            Origin::StandardInput(_) => Some(libc::STDIN_FILENO),
            Origin::Stream(stream) => Some(stream.fd()),
            Origin::Made(_) => None,
        }
    }

    /// The stream at the position of the first unread byte, which from now on is read by the record; `None` where
    /// there cannot be one. The bytes that were read stay where they are. Of the unread ones, `changed` are not as
    /// they were in the file: none, if they will be read from there again.
    pub fn share(&mut self, changed: &mut usize) -> Result<Option<&Stream>> {
        let nothing = Origin::Made(Box::new(std::io::empty()));
        self.origin = match std::mem::replace(&mut self.origin, nothing) {
            Origin::File(mut file) => {
                let position = file.stream_position();
                self.hand_over(Stream::of(file).map_err(opening)?, position.ok(), changed)
            }
            Origin::StandardInput(mut file) => match Stream::stdin() {
                Some(stream) => self.hand_over(stream, file.stream_position().ok(), changed),
                None => Origin::StandardInput(file),
            },
            other => other,
        };
        match &self.origin {
            Origin::Stream(stream) => Ok(Some(stream)),
            _ => Ok(None),
        }
    }

    /// Gives what is unread back to `stream`, whose file is at `position` if it has positions.
    fn hand_over(&mut self, stream: Stream, position: Option<u64>, changed: &mut usize) -> Origin {
        let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
        let sought = position
            .is_some_and(|here| stream.seek(here.saturating_sub(unread.len() as u64)).is_ok());
        if sought {
            *changed = 0;
        }
        // A pipe: what is not taken back stays here, and is read before the stream goes on.
        let back = if sought { unread.len() } else { stream.unread(unread) };
        self.end = self.end.saturating_sub(back);
        self.waits = false;
        Origin::Stream(stream)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if matches!(self.origin, Origin::StandardInput(_)) && self.start < self.end {
            // What fails leaves the stream behind: nobody would be told.
            let _ = self.share(&mut 0);
        }
        let stream = match &self.origin {
            Origin::Stream(stream) => Some(stream),
            _ => self.below.as_deref(),
        };
        if let Some(stream) = stream
            && !stream.is_stdin()
        {
            // Reading has nothing left to say.
            let _ = stream.close_read();
        }
    }
}

/// A stream that is read for what is made of it, by this many bytes at a time.
struct Below {
    stream: Rc<Stream>,
    stride: usize,
}

impl Read for Below {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let n = to.len().min(self.stride);
        self.stream.read(to.get_mut(..n).unwrap_or_default()).map_err(io_error)
    }
}

/// Reads that wait until there is something, whatever comes between.
struct Patient<R> {
    from: R,
    fd: RawFd,
}

impl<R: Read> Read for Patient<R> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.from.read(to) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // What is wrong with the descriptor, reading it tells.
                    let _ = poll::poll(&mut [poll::readable(self.fd)], -1);
                }
                other => return other,
            }
        }
    }
}

/// What libpcap says of a read that fails.
const READING: &str = "error reading dump file";

fn failed(error: &std::io::Error) -> Error {
    match error.raw_os_error() {
        Some(errno) => Error::errno(READING, Errno(errno)),
        None => Error::new(format!("{READING}: {error}")),
    }
}

fn io_error(errno: Errno) -> std::io::Error {
    std::io::Error::from_raw_os_error(errno.0)
}

fn opening(errno: Errno) -> Error {
    Error::errno("fdopen", errno)
}
