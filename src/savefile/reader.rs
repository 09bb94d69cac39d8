//! An open savefile as a source of packets.

use super::input::{Input, More, Origin};
use super::sink::Sink;
use super::{About, Next, compressed, pcap, pcapng};
use crate::bpf::Program;
use crate::capture::facts::PacketFacts;
use crate::capture::idle::Idle;
use crate::capture::{self, Direction, Fill, Source, Wait};
use crate::error::{Error, Known, Result};
use crate::handle::batch::{BATCH, Batch, Lent};
use crate::handle::options::{PRECISION_MICRO, PRECISION_NANO};
use crate::sys::stdio::Stream;
use crate::sys::{Errno, thread};
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;

/// A savefile that is being read.
pub struct Savefile {
    input: Input,
    format: Format,
    about: About,
    filter: Option<Program>,
    /// The window of the last fill: where in the buffer it began, where in it each lent packet's record ends and
    /// the first may begin, and how many there are.
    window: usize,
    ends: Vec<usize>,
    base: usize,
    lent: usize,
    /// How many of the unread bytes have been fixed up: they were read before, and taken back.
    fixed: usize,
    state: State,
    /// The last read has found the end.
    ended: bool,
    idle: Idle,
    wake: Option<OwnedFd>,
}

/// The formats there are.
enum Format {
    Pcap(pcap::Reader),
    Pcapng(pcapng::Reader),
}

/// Whether there may be more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There may.
    Open,
    /// The file ended within a record, of which this many bytes are there, and that has been told.
    Cut(usize),
    /// What comes next makes no sense, and that has been told.
    Broken,
}

impl Savefile {
    /// Opens the file called `name`, "-" being standard input, for time stamps of `precision`.
    pub fn open(name: &OsStr, precision: u32) -> Result<Box<Self>> {
        if name == OsStr::from_bytes(b"-") {
            let stream =
                Stream::stdin().ok_or_else(|| Error::new("The standard input is not open"))?;
            let file = std::io::stdin().as_fd().try_clone_to_owned();
            // Bytes that the program had read into its stream come first; and it may be another file by now.
            return match file {
                Ok(file) if stream.fd() == libc::STDIN_FILENO && !stream.may_hold_bytes() => {
                    Self::new(Origin::StandardInput(file.into()), precision)
                }
                _ => Self::new(Origin::Stream(stream), precision),
            };
        }
        let file = File::open(name).map_err(|error| {
            let errno = Errno(error.raw_os_error().unwrap_or(libc::EINVAL));
            Error::errno(name.to_string_lossy(), errno)
        })?;
        Self::new(Origin::File(file), precision)
    }

    /// Reads what `stream` gives, which is closed with this, if all goes well.
    pub fn share(stream: Stream, precision: u32) -> Result<Box<Self>> {
        Self::new(Origin::Stream(stream), precision)
    }

    fn new(origin: Origin, precision: u32) -> Result<Box<Self>> {
        let mut input = Input::new(origin, &[]);
        let (format, about) = match header(&mut input, precision) {
            Ok(read) => read,
            Err(error) => {
                input.leave_open();
                return Err(error);
            }
        };
        let wake = input.wait_outside().then(capture::wake).transpose()?;
        Ok(Box::new(Self {
            input,
            format,
            about,
            filter: None,
            ends: Vec::new(),
            window: 0,
            base: 0,
            lent: 0,
            fixed: 0,
            state: State::Open,
            ended: false,
            // Who waits for the file to grow may look some hundred times first.
            idle: Idle::new(4096),
            wake,
        }))
    }

    /// What the file says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The descriptor that becomes readable when there is more, -1 for none.
    pub fn fd(&self) -> RawFd {
        self.input.fd().unwrap_or(-1)
    }

    /// What ends a read that waits, where one may, as that of a pipe.
    pub fn wake(&self) -> Option<&OwnedFd> {
        self.wake.as_ref()
    }

    /// `PRECISION_MICRO` or `PRECISION_NANO`.
    pub fn precision(&self) -> i32 {
        if self.about.nano { PRECISION_NANO } else { PRECISION_MICRO }
    }

    /// The stream of the file, at the record that comes after those that the caller of `batch` has had, which is
    /// where reading goes on, wherever the caller moves it; `None` where there is none.
    pub fn stream(&mut self, batch: &Batch) -> Result<Option<&Stream>> {
        if !self.input.is_shared() && self.input.can_be_shared() {
            self.rewind(batch);
            batch.clear();
        }
        self.input.share(&mut self.fixed)
    }
}

/// Reads up to the first record.
fn header(input: &mut Input, precision: u32) -> Result<(Format, About)> {
    let magic = demand::<4>(input, 0)?;
    let nano = match i32::try_from(precision) {
        Ok(PRECISION_MICRO) => Ok(false),
        Ok(PRECISION_NANO) => Ok(true),
        _ => Err(Error::new(format!("unknown time stamp resolution {precision}"))),
    };
    if pcap::recognise(magic).is_some() {
        let header = demand::<{ pcap::FILE_HEADER }>(input, magic.len())?;
        // What is wrong with the file comes first.
        let (reader, about) = pcap::Reader::new(&header, nano == Ok(true))?;
        nano?;
        input.set_start(input.start().saturating_add(header.len()));
        return Ok((Format::Pcap(reader), about));
    }
    if magic == pcapng::MAGIC {
        let (reader, about) = pcapng::Reader::open(input, nano)?;
        return Ok((Format::Pcapng(reader), about));
    }
    // Not what was made by decompressing: that is a savefile, or nothing.
    match compressed::recognise(magic).filter(|_| input.can_be_shared()) {
        Some(format) => {
            input.decompress(format);
            header(input, precision)
        }
        None => Err(Error::new("unknown file format")),
    }
}

/// The first `N` bytes of the file. QUIRK: libpcap counts what it got after the `before` bytes that it had.
fn demand<const N: usize>(input: &mut Input, before: usize) -> Result<[u8; N]> {
    input.demand(N)?;
    input.window().first_chunk().copied().ok_or_else(|| {
        let got = input.window().len().saturating_sub(before);
        let text =
            format!("truncated dump file; tried to read {N} file header bytes, only got {got}");
        Error::new(text)
    })
}

impl Source for Savefile {
    fn datalink(&self) -> i32 {
        self.about.datalink
    }

    fn datalinks(&self) -> &[i32] {
        &[]
    }

    fn set_datalink(&mut self, _dlt: i32) -> Result<()> {
        Ok(())
    }

    fn snapshot(&self) -> u32 {
        self.about.snapshot.cast_unsigned()
    }

    fn buffer_size(&self) -> u32 {
        match &self.format {
            Format::Pcap(reader) => reader.buffer_size(),
            Format::Pcapng(reader) => reader.buffer_size(),
        }
    }

    fn fill(&mut self, batch: &Batch) -> Result<Fill> {
        batch.clear();
        self.lent = 0;
        // Files are opened without being read, too.
        if self.ends.is_empty() {
            self.ends.resize(BATCH, 0);
        }
        loop {
            if self.state == State::Broken {
                return Ok(Fill::End);
            }
            self.window = self.input.start();
            let limit = if self.input.is_shared() { 1 } else { BATCH };
            let mut sink = Sink::new(batch.slots(), &mut self.ends, self.filter.as_ref(), limit);
            let window = self.input.window();
            let next = match &mut self.format {
                Format::Pcap(reader) => reader.read(window, self.fixed, &mut sink),
                Format::Pcapng(reader) => reader.read(window, self.fixed, &mut sink),
            };
            let used = sink.used();
            (self.lent, self.base) = (sink.taken(), sink.base());
            self.input.set_start(self.window.saturating_add(used));
            self.fixed = self.fixed.saturating_sub(used);
            if self.lent != 0 {
                batch.filled(self.lent);
                return Ok(Fill::Packets);
            }
            let found = match next {
                // So that a break is seen.
                _ if used != 0 => Some(Fill::Rejected),
                Ok(Next::More(want)) => self.more(want)?,
                Ok(Next::Full | Next::Other) => Some(Fill::Rejected),
                Err(error) => return Err(self.fail(error)),
            };
            if let Some(fill) = found {
                return Ok(fill);
            }
        }
    }

    fn settle(&mut self, _batch: &Batch, _last: Option<&mut Lent>) {}

    fn rewind(&mut self, batch: &Batch) {
        if self.lent == 0 {
            return;
        }
        let read = batch.read_starts().count();
        let last = read.checked_sub(1).and_then(|last| self.ends.get(last));
        let to = self.window.saturating_add(last.copied().unwrap_or(self.base));
        self.fixed = self.fixed.saturating_add(self.input.start().saturating_sub(to));
        self.input.set_start(to);
        self.lent = 0;
    }

    fn facts(&mut self, _batch: &Batch, _packet: *const u8) -> Result<PacketFacts> {
        Err(Error::new("Facts about packets aren't available from savefiles"))
    }

    fn wait(&self) -> Wait {
        Wait {
            fd: self.fd(),
            timeout_ms: -1,
            look_again: true,
            rejected_ends: false,
            to_the_end: true,
        }
    }

    fn woken(&mut self, _revents: i16) -> Result<()> {
        // What is wrong with the descriptor, reading it tells.
        Ok(())
    }

    fn select_timeout_ms(&self) -> i32 {
        0
    }

    fn tells_vlan_tags(&self) -> bool {
        false
    }

    fn set_filter(&mut self, program: Program) -> Result<()> {
        self.filter = Some(program);
        Ok(())
    }

    fn set_direction(&mut self, _direction: Direction) -> Result<()> {
        Err(Error::new("Setting direction is not supported on savefiles"))
    }

    fn nonblocking(&self) -> bool {
        false
    }

    fn set_nonblocking(&mut self, _on: bool) -> Result<()> {
        Err(Error::new("Savefiles cannot be put into non-blocking mode"))
    }
}

impl Savefile {
    /// Gets at least `want` bytes; what to tell if that cannot be.
    fn more(&mut self, want: usize) -> Result<Option<Fill>> {
        // A stream of the caller's remembers its end, and a pipe's is waited for.
        let at_rest = self.ended && !self.input.is_shared() && self.wake.is_none();
        if at_rest && !self.idle.asks() {
            return Ok(Some(Fill::End));
        }
        self.ended = false;
        // Reading is where a thread can be cancelled, and it must not be here.
        let asked = thread::uncancelled(|| self.input.ask(want));
        let asked = asked.inspect_err(|_| {
            if !self.input.can_be_shared() {
                // A decompressor that has failed has nothing more to say.
                self.state = State::Broken;
            }
        });
        match asked? {
            More::Here => {
                self.idle.end();
                self.state = State::Open;
                Ok(None)
            }
            More::Wait => Ok(Some(Fill::Nothing)),
            More::Interrupted => Ok(Some(Fill::Rejected)),
            More::End => {
                let window = self.input.window();
                if window.is_empty() || self.state == State::Cut(window.len()) {
                    self.ended = true;
                    return Ok(Some(Fill::End));
                }
                self.idle.end();
                let cut = State::Cut(window.len());
                let error = match &self.format {
                    Format::Pcap(reader) => reader.truncated(window),
                    Format::Pcapng(reader) => reader.truncated(window),
                };
                let error = self.fail(error);
                if self.state == State::Broken {
                    // The file may still be growing.
                    self.state = cut;
                }
                Err(error)
            }
        }
    }

    /// Nothing more comes of what was read. In a stream of the caller's, who may go elsewhere in it, reading goes
    /// on after it.
    fn fail(&mut self, error: Error) -> Error {
        if self.input.is_shared() {
            self.input.skip_here();
            self.fixed = 0;
        } else {
            self.state = State::Broken;
        }
        error
    }
}

/// What a savefile says when it is asked for statistics.
pub static NO_STATS: Known = Known::new("Statistics aren't available from savefiles");
/// The same, when a packet is to be sent.
pub static NO_SENDING: Known = Known::new("Sending packets isn't supported on savefiles");
