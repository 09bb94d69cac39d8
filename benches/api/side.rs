//! One library as the bench uses it: handles that last, and its functions called by name.

use crate::library::Library;
use std::ffi::{CStr, CString, c_int, c_uint, c_void};
use std::fs;
use std::path::Path;

/// What a function is given.
#[derive(Clone, Copy)]
pub enum Arg {
    /// A number.
    N(isize),
    /// A text.
    T(&'static CStr),
    /// Handles, by `pcap_open_dead`, `pcap_create`, `pcap_open_offline` and `pcap_open_live`.
    Dead,
    Created,
    Offline,
    Live,
    /// Savefiles: one to read, one that is written, and one being written.
    ReadName,
    WriteName,
    Dumper,
    /// Room for what is written: results, and the text of an error.
    Out,
    Out2,
    Errbuf,
    /// A compiled filter, its instructions, and a filter that the call makes.
    Filter,
    Insns,
    InsnCount,
    NewFilter,
    /// What takes packets and does nothing with them.
    Callback,
    /// A packet.
    Header,
    Packet,
    /// What the step before returned, and what it put into `Out`.
    Returned,
    Stored,
}

/// A function's name, and its arguments.
pub type Step = (&'static CStr, &'static [Arg]);

/// Every argument is an integer or a pointer: on the 64-bit machines that Linux runs on a function finds its own
/// in the first registers, and leaves the others alone.
type Function = unsafe extern "C" fn(usize, usize, usize, usize, usize, usize) -> usize;

/// `struct bpf_program`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Program {
    len: c_uint,
    insns: *mut c_void,
}

/// `struct pcap_pkthdr`.
#[repr(C)]
struct Header {
    ts: libc::timeval,
    caplen: u32,
    len: u32,
}

/// An Ethernet frame: IPv4, TCP from port 80.
static FRAME: [u8; 60] = {
    let mut frame = [0; 60];
    frame[12] = 8;
    frame[14] = 0x45;
    frame[17] = 40;
    frame[22] = 64;
    frame[23] = 6;
    frame[35] = 80;
    frame[46] = 0x50;
    frame
};

static HEADER: Header = Header { ts: libc::timeval { tv_sec: 1, tv_usec: 2 }, caplen: 60, len: 60 };

/// A library, and what calls of its functions are given.
pub struct Side {
    so: Library,
    dead: usize,
    created: usize,
    offline: usize,
    live: usize,
    dumper: usize,
    read_name: CString,
    write_name: CString,
    filter: Box<Program>,
    new_filter: Box<Program>,
    out: Box<[usize; 64]>,
    out2: Box<[usize; 64]>,
    errbuf: Box<[u8; 256]>,
}

impl Side {
    /// Loads a library and opens its handles; savefiles are in `dir`.
    pub fn new(path: &Path, dir: &Path) -> Result<Self, String> {
        let name = |name: &str| {
            let path = dir.join(name);
            CString::new(path.as_os_str().as_encoded_bytes()).map_err(|e| e.to_string())
        };
        let none = || Box::new(Program { len: 0, insns: std::ptr::null_mut() });
        let mut side = Self {
            so: Library::load(path)?,
            dead: 0,
            created: 0,
            offline: 0,
            live: 0,
            dumper: 0,
            read_name: name("read.pcap")?,
            write_name: name("write.pcap")?,
            filter: none(),
            new_filter: none(),
            out: Box::new([0; 64]),
            out2: Box::new([0; 64]),
            errbuf: Box::new([0; 256]),
        };
        fs::write(dir.join("read.pcap"), savefile()).map_err(|e| e.to_string())?;
        use Arg::{Dead, Errbuf, Filter, N, ReadName, T, WriteName};
        side.dead = side.made((c"pcap_open_dead", &[N(1), N(65_535)]))?;
        side.created = side.made((c"pcap_create", &[T(c"lo"), Errbuf]))?;
        side.offline = side.made((c"pcap_open_offline", &[ReadName, Errbuf]))?;
        side.live = side.made((c"pcap_open_live", &[T(c"lo"), N(65_535), N(0), N(1), Errbuf]))?;
        side.dumper = side.made((c"pcap_dump_open", &[Dead, WriteName]))?;
        side.call((c"pcap_setnonblock", &[Arg::Live, N(1), Errbuf]))?;
        side.call((c"pcap_compile", &[Dead, Filter, T(c"tcp port 80"), N(1), N(0xffff_ffff)]))?;
        Ok(side)
    }

    fn made(&self, step: Step) -> Result<usize, String> {
        match self.call(step)? {
            0 => Err(format!("{} failed", step.0.to_string_lossy())),
            made => Ok(made),
        }
    }

    fn call(&self, step: Step) -> Result<usize, String> {
        let mut call = Prepared::new(self, &[step])?;
        Ok(call.make())
    }

    fn value(&self, arg: Arg) -> Value {
        let at = |p: *const c_void| Value::Known(p as usize);
        match arg {
            Arg::N(n) => Value::Known(n.cast_unsigned()),
            Arg::T(text) => at(text.as_ptr().cast()),
            Arg::Dead => Value::Known(self.dead),
            Arg::Created => Value::Known(self.created),
            Arg::Offline => Value::Known(self.offline),
            Arg::Live => Value::Known(self.live),
            Arg::Dumper => Value::Known(self.dumper),
            Arg::ReadName => at(self.read_name.as_ptr().cast()),
            Arg::WriteName => at(self.write_name.as_ptr().cast()),
            Arg::Out => at(self.out.as_ptr().cast()),
            Arg::Out2 => at(self.out2.as_ptr().cast()),
            Arg::Errbuf => at(self.errbuf.as_ptr().cast()),
            Arg::Filter => at((&raw const *self.filter).cast()),
            Arg::NewFilter => at((&raw const *self.new_filter).cast()),
            Arg::Insns => at(self.filter.insns),
            Arg::InsnCount => Value::Known(self.filter.len as usize),
            Arg::Callback => at(ignore as *const c_void),
            Arg::Header => at((&raw const HEADER).cast()),
            Arg::Packet => at(FRAME.as_ptr().cast()),
            Arg::Returned => Value::Returned,
            Arg::Stored => Value::At(self.out.as_ptr()),
        }
    }
}

/// An argument, as far as it is known beforehand.
#[derive(Clone, Copy)]
enum Value {
    Known(usize),
    Returned,
    At(*const usize),
}

/// Steps whose functions have been looked up.
pub struct Prepared(Vec<(Function, [Value; 6])>);

impl Prepared {
    pub fn new(side: &Side, steps: &[Step]) -> Result<Self, String> {
        let prepared = steps.iter().map(|(name, args)| {
            // SAFETY: the rows of the table give each function what pcap.h says, all of it integers and pointers.
            let function =
                unsafe { std::mem::transmute::<*mut c_void, Function>(side.so.symbol(name)?) };
            let mut values = [Value::Known(0); 6];
            for (value, arg) in values.iter_mut().zip(*args) {
                *value = side.value(*arg);
            }
            Ok((function, values))
        });
        prepared.collect::<Result<_, String>>().map(Self)
    }

    /// Makes the calls; what the last one returned.
    #[inline]
    pub fn make(&mut self) -> usize {
        let mut returned = 0;
        for (function, values) in &self.0 {
            let [a, b, c, d, e, f] = values.map(|value| match value {
                Value::Known(value) => value,
                Value::Returned => returned,
                // SAFETY: the room of a Side that lives as long as the bench.
                Value::At(place) => unsafe { place.read() },
            });
            // SAFETY: see where the function was looked up.
            returned = unsafe { function(a, b, c, d, e, f) };
        }
        returned
    }
}

extern "C" fn ignore(_: *mut u8, _: *const c_void, _: *const u8) {}

/// A savefile of three packets.
fn savefile() -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_ne_bytes()).collect::<Vec<u8>>();
    let mut file = words(&[0xa1b2_c3d4]);
    file.extend([2u16, 4].iter().flat_map(|h| h.to_ne_bytes()));
    file.extend(words(&[0, 0, 65_535, 1]));
    for n in 0..3 {
        file.extend(words(&[n, 0, 60, 60]));
        file.extend(FRAME);
    }
    file
}

const _: () = assert!(size_of::<c_int>() == 4 && size_of::<usize>() == 8, "see Function");
