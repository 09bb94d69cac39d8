//! Both libraries loaded side by side, and a program that reads a savefile through either, by the C API alone.

#![allow(unsafe_code, reason = "calls a C library")]

use super::loaded::{Header, Loaded, Pcap, Program, functions, text};
use pcap::bpf::Insn;
use std::ffi::{CString, c_char, c_int, c_long, c_uint, c_void};
use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::ptr;
use std::sync::OnceLock;

type Callback = unsafe extern "C" fn(*mut c_void, *const Header, *const u8);

functions! {
    /// A library that reads.
    pub struct Reader {
        open c"pcap_open_offline_with_tstamp_precision": fn(*const c_char, c_uint, *mut c_char) -> Pcap;
        fopen c"pcap_fopen_offline_with_tstamp_precision": fn(*mut libc::FILE, c_uint, *mut c_char) -> Pcap;
        close c"pcap_close": fn(Pcap);
        geterr c"pcap_geterr": fn(Pcap) -> *const c_char;
        next_ex c"pcap_next_ex": fn(Pcap, *mut *const Header, *mut *const u8) -> c_int;
        run c"pcap_loop": fn(Pcap, c_int, Callback, *mut c_void) -> c_int;
        dispatch c"pcap_dispatch": fn(Pcap, c_int, Callback, *mut c_void) -> c_int;
        breakloop c"pcap_breakloop": fn(Pcap);
        setfilter c"pcap_setfilter": fn(Pcap, *const Program) -> c_int;
        file c"pcap_file": fn(Pcap) -> *mut libc::FILE;
        datalink c"pcap_datalink": fn(Pcap) -> c_int;
        datalink_ext c"pcap_datalink_ext": fn(Pcap) -> c_int;
        snapshot c"pcap_snapshot": fn(Pcap) -> c_int;
        bufsize c"pcap_bufsize": fn(Pcap) -> c_int;
        is_swapped c"pcap_is_swapped": fn(Pcap) -> c_int;
        major_version c"pcap_major_version": fn(Pcap) -> c_int;
        minor_version c"pcap_minor_version": fn(Pcap) -> c_int;
        get_tstamp_precision c"pcap_get_tstamp_precision": fn(Pcap) -> c_int;
        lib_version c"pcap_lib_version": fn() -> *const c_char;
    }
}

/// What a library says of an open file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub datalink: i32,
    pub extension: i32,
    pub snapshot: i32,
    pub buffer: i32,
    pub swapped: i32,
    pub version: (i32, i32),
    pub precision: i32,
}

/// A packet's bytes; most of them are not worth showing.
#[derive(Clone, PartialEq, Eq)]
pub struct Data(pub Vec<u8>);

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = self
            .0
            .iter()
            .fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        write!(f, "{:02x?}.. {sum:x}", &self.0[..self.0.len().min(12)])
    }
}

/// What happened while a file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Packet {
        stamp: (i64, i64),
        caplen: u32,
        len: u32,
        data: Data,
    },
    /// Where the stream is, as [`Way::Tell`] asks after each packet.
    Position(i64),
    /// A read returned that, with this error if it is one.
    Returned(c_int, String),
}

/// All that a library makes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    pub opened: Result<Facts, String>,
    pub events: Vec<Event>,
}

/// How a program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    NextEx,
    /// pcap_next_ex() up to the first that gives no packet: 1.10.3 may divide by zero in one that comes after an error.
    NextExToTheEnd,
    /// pcap_next_ex() on a stream of the caller's.
    NextExOfStream,
    /// pcap_loop() with this count, again and again.
    Loop(c_int),
    Dispatch(c_int),
    /// pcap_loop() with a break after every so many packets.
    Breaking(usize),
    /// pcap_dispatch() likewise.
    DispatchBreaking(usize),
    /// Asks where the stream is, before the first packet and after each.
    Tell,
    /// With a filter of packets longer than this.
    Filter(u32),
    /// With that filter and none by turns, changed in the callback of every so many packets.
    FilterInCallback(usize, u32),
}

/// What a callback is called with.
struct Called<'r> {
    reader: &'r Reader,
    handle: Pcap,
    way: Way,
    events: Vec<Event>,
    packets: usize,
    filtered: bool,
}

/// Calls that are made at most, of which the last two or three come after the end.
const CALLS: usize = 5000;

impl Reader {
    /// The distribution's library.
    pub fn theirs() -> &'static Self {
        static LOADED: OnceLock<Reader> = OnceLock::new();
        LOADED.get_or_init(|| {
            Loaded::theirs().and_then(Self::of).expect("the distribution's library")
        })
    }

    /// Ours, as C programs load it.
    pub fn ours() -> &'static Self {
        static LOADED: OnceLock<Reader> = OnceLock::new();
        LOADED.get_or_init(|| {
            let ours = Self::of(Loaded::ours()).expect("our functions");
            assert_ne!(ours.version(), Self::theirs().version(), "the same library twice");
            ours
        })
    }

    /// What it calls itself.
    pub fn version(&self) -> String {
        // SAFETY: gives a C string that stays.
        unsafe { text((self.lib_version)()) }.expect("a version")
    }

    /// Reads `file` from its beginning in this way.
    pub fn read(&self, file: &SavedBytes, precision: u32, way: Way) -> Transcript {
        let mut error = [0 as c_char; 512];
        // SAFETY: a C string, a stream that is the handle's if it is opened, and room for an error.
        let handle = unsafe {
            if way == Way::NextExOfStream {
                let stream = libc::fopen(file.name.as_ptr(), c"rb".as_ptr());
                assert!(!stream.is_null(), "{:?}", file.name);
                let handle = (self.fopen)(stream, precision, error.as_mut_ptr());
                if handle.is_null() {
                    libc::fclose(stream);
                }
                handle
            } else {
                (self.open)(file.name.as_ptr(), precision, error.as_mut_ptr())
            }
        };
        if handle.is_null() {
            // SAFETY: what fails leaves a C string there.
            let error = unsafe { text(error.as_ptr()) };
            return Transcript { opened: Err(error.expect("an error")), events: Vec::new() };
        }
        let opened = Ok(self.facts(handle));
        let (events, reader) = (Vec::new(), self);
        let mut called = Called { reader, handle, way, events, packets: 0, filtered: false };
        called.read();
        // SAFETY: open until here.
        unsafe { (self.close)(handle) };
        Transcript { opened, events: called.events }
    }

    fn facts(&self, handle: Pcap) -> Facts {
        // SAFETY: an open handle.
        unsafe {
            Facts {
                datalink: (self.datalink)(handle),
                extension: (self.datalink_ext)(handle),
                snapshot: (self.snapshot)(handle),
                buffer: (self.bufsize)(handle),
                swapped: (self.is_swapped)(handle),
                version: ((self.major_version)(handle), (self.minor_version)(handle)),
                precision: (self.get_tstamp_precision)(handle),
            }
        }
    }
}

impl Called<'_> {
    /// Reads until a call has nothing more to give, and some more.
    fn read(&mut self) {
        match self.way {
            Way::Filter(len) => self.filter(Some(len)),
            Way::Tell => self.tell(),
            _ => {}
        }
        let mut after = 0;
        for _ in 0..CALLS {
            let before = self.packets;
            let returned = self.call();
            if returned != 1 || !self.is_next() {
                // SAFETY: an open handle, whose text lives until the next call.
                let error = unsafe { text((self.reader.geterr)(self.handle)) };
                let error = error.filter(|_| returned == -1).unwrap_or_default();
                self.events.push(Event::Returned(returned, error));
            }
            // What an error leaves behind is asked for once more.
            after += usize::from(self.packets == before && returned <= 0);
            if after == 2 || (after == 1 && self.way == Way::NextExToTheEnd) {
                return;
            }
        }
        panic!("{CALLS} calls do not end");
    }

    fn is_next(&self) -> bool {
        matches!(self.way, Way::NextEx | Way::NextExToTheEnd | Way::NextExOfStream | Way::Tell)
    }

    /// One read.
    fn call(&mut self) -> c_int {
        let user = ptr::from_mut(self).cast();
        let count = match self.way {
            Way::Loop(count) | Way::Dispatch(count) => count,
            _ => -1,
        };
        // SAFETY: an open handle; the callback is called with `self`, which is not used meanwhile; what is lent
        // is read before the next call.
        unsafe {
            match self.way {
                Way::NextEx | Way::NextExToTheEnd | Way::NextExOfStream | Way::Tell => {
                    let (mut header, mut data) = (ptr::null(), ptr::null());
                    let got = (self.reader.next_ex)(self.handle, &raw mut header, &raw mut data);
                    if got == 1 {
                        take(user, header, data);
                    }
                    got
                }
                Way::Dispatch(_) | Way::DispatchBreaking(_) => {
                    (self.reader.dispatch)(self.handle, count, take, user)
                }
                _ => (self.reader.run)(self.handle, count, take, user),
            }
        }
    }

    /// Lets through packets longer than this.
    fn filter(&self, longer_than: Option<u32>) {
        let mut longer = [
            Insn { code: 0x80, jt: 0, jf: 0, k: 0 },
            Insn { code: 0x25, jt: 0, jf: 1, k: longer_than.unwrap_or(0) },
            Insn { code: 0x06, jt: 0, jf: 0, k: 5 },
            Insn { code: 0x06, jt: 0, jf: 0, k: 0 },
        ];
        let insns = if longer_than.is_some() { &mut longer[..] } else { &mut longer[2..3] };
        let program = Program { bf_len: insns.len() as c_uint, bf_insns: insns.as_mut_ptr() };
        // SAFETY: an open handle and a program, which is copied.
        assert_eq!(unsafe { (self.reader.setfilter)(self.handle, &raw const program) }, 0);
    }

    fn tell(&mut self) {
        // SAFETY: an open handle, whose stream stays open as long.
        let position: c_long = unsafe { libc::ftell((self.reader.file)(self.handle)) };
        self.events.push(Event::Position(position));
    }

    fn packet(&mut self, header: &Header, data: &[u8]) {
        self.events.push(Event::Packet {
            stamp: (header.ts.tv_sec, header.ts.tv_usec),
            caplen: header.caplen,
            len: header.len,
            data: Data(data.to_vec()),
        });
        self.packets += 1;
        match self.way {
            Way::Breaking(every) | Way::DispatchBreaking(every)
                if self.packets.is_multiple_of(every) =>
            {
                // SAFETY: an open handle.
                unsafe { (self.reader.breakloop)(self.handle) };
            }
            Way::Tell => self.tell(),
            Way::FilterInCallback(every, len) if self.packets.is_multiple_of(every) => {
                self.filtered = !self.filtered;
                self.filter(self.filtered.then_some(len));
            }
            _ => {}
        }
    }
}

/// What the libraries call.
unsafe extern "C" fn take(user: *mut c_void, header: *const Header, data: *const u8) {
    // SAFETY: called with what `Called::call` gave; a packet has as many bytes as its header says.
    unsafe {
        let header = header.read();
        let data = match header.caplen as usize {
            0 => &[],
            len => std::slice::from_raw_parts(data, len),
        };
        (*user.cast::<Called<'_>>()).packet(&header, data);
    }
}

/// A file in memory, and a name to open it by.
pub struct SavedBytes {
    _file: File,
    name: CString,
}

impl SavedBytes {
    pub fn new(bytes: &[u8]) -> Self {
        // SAFETY: a terminated name; the descriptor is nobody else's.
        let mut file = unsafe {
            let fd = libc::memfd_create(c"savefile".as_ptr(), libc::MFD_CLOEXEC);
            assert!(fd >= 0, "memfd_create");
            File::from_raw_fd(fd)
        };
        file.write_all(bytes).expect("memory");
        let name = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("a name");
        Self { _file: file, name }
    }
}
