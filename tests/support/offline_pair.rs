//! Our library and the distribution's, loaded beside each other: what each makes of a savefile.

#![allow(unsafe_code, reason = "calls C libraries")]
#![allow(dead_code, reason = "every test program uses its own part of this")]

use super::library;
use libc::{c_char, c_int, c_uint, c_void};
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::sync::OnceLock;

/// `struct pcap_pkthdr`.
#[repr(C)]
struct Header {
    ts: libc::timeval,
    caplen: u32,
    len: u32,
}

type Handle = *mut c_void;
type Number = unsafe extern "C" fn(Handle) -> c_int;

/// What is called of a library.
pub struct Api {
    open: unsafe extern "C" fn(*const c_char, c_uint, *mut c_char) -> Handle,
    next: unsafe extern "C" fn(Handle, *mut *mut Header, *mut *const u8) -> c_int,
    geterr: unsafe extern "C" fn(Handle) -> *mut c_char,
    close: unsafe extern "C" fn(Handle),
    numbers: [Number; NUMBERS.len()],
}

/// What tells a number of a handle.
const NUMBERS: [&CStr; 7] = [
    c"pcap_datalink",
    c"pcap_datalink_ext",
    c"pcap_snapshot",
    c"pcap_is_swapped",
    c"pcap_major_version",
    c"pcap_minor_version",
    c"pcap_bufsize",
];

/// A packet as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub seconds: i64,
    pub fraction: i64,
    pub len: u32,
    pub data: Vec<u8>,
}

/// What a library makes of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The [`NUMBERS`], if it could be opened.
    pub about: Option<[c_int; NUMBERS.len()]>,
    pub packets: Vec<Packet>,
    /// The error that ended it, if one did.
    pub end: String,
}

impl Outcome {
    /// The link type, of a file that could be opened.
    pub fn datalink(&self) -> Option<c_int> {
        self.about.map(|[datalink, ..]| datalink)
    }
}

impl Api {
    /// The library under test.
    pub fn ours() -> &'static Self {
        static OURS: OnceLock<Api> = OnceLock::new();
        OURS.get_or_init(|| {
            let path = library::library().into_os_string().into_encoded_bytes();
            Self::load(&CString::new(path).expect("a path")).expect("our library")
        })
    }

    /// `$PCAP_REFERENCE`, or the one that is installed; `None` if there is none.
    pub fn distribution() -> Option<&'static Self> {
        static THEIRS: OnceLock<Option<Api>> = OnceLock::new();
        let load = || {
            let name = std::env::var("PCAP_REFERENCE").unwrap_or("libpcap.so.0.8".into());
            Self::load(&CString::new(name).ok()?)
        };
        THEIRS.get_or_init(load).as_ref()
    }

    fn load(name: &CStr) -> Option<Self> {
        // SAFETY: a C string. The library's constructors do nothing; it calls its own functions.
        let library = unsafe {
            libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_DEEPBIND)
        };
        let symbol = |name: &CStr| {
            // SAFETY: a handle of dlopen() or NULL, which is the program itself, and a C string.
            let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
            (!library.is_null() && !symbol.is_null()).then_some(symbol)
        };
        let number = |name: &CStr| {
            // SAFETY: all of these have this signature in pcap/pcap.h.
            symbol(name).map(|s| unsafe { std::mem::transmute::<*mut c_void, Number>(s) })
        };
        let numbers: Option<Vec<Number>> = NUMBERS.into_iter().map(number).collect();
        // SAFETY: these are the signatures of pcap/pcap.h.
        unsafe {
            Some(Self {
                open: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(*const c_char, c_uint, *mut c_char) -> Handle,
                >(symbol(c"pcap_open_offline_with_tstamp_precision")?),
                next: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(Handle, *mut *mut Header, *mut *const u8) -> c_int,
                >(symbol(c"pcap_next_ex")?),
                geterr: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(Handle) -> *mut c_char,
                >(symbol(c"pcap_geterr")?),
                close: std::mem::transmute::<*mut c_void, unsafe extern "C" fn(Handle)>(symbol(
                    c"pcap_close",
                )?),
                numbers: numbers?.try_into().ok()?,
            })
        }
    }

    /// Reads a file up to its end or the first error, with time stamps in nanoseconds if `nano`.
    pub fn read(&self, bytes: &[u8], nano: bool) -> Outcome {
        // SAFETY: a C string; the descriptor is new and nobody else's.
        let mut file = unsafe { File::from_raw_fd(libc::memfd_create(c"savefile".as_ptr(), 0)) };
        file.write_all(bytes).expect("room for a file in memory");
        let path = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("a path");
        let mut text = [0; 256];
        // SAFETY: a C string, and the 256 bytes that an error may have.
        let handle = unsafe { (self.open)(path.as_ptr(), nano.into(), text.as_mut_ptr()) };
        if handle.is_null() {
            // SAFETY: the library wrote a C string.
            let end = unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned();
            return Outcome { about: None, packets: Vec::new(), end };
        }
        // SAFETY: the handle is open.
        let about = Some(self.numbers.map(|number| unsafe { number(handle) }));
        let mut packets = Vec::new();
        let end = loop {
            let (mut header, mut data) = (std::ptr::null_mut(), std::ptr::null());
            // SAFETY: the handle is open, and both are writable.
            match unsafe { (self.next)(handle, &raw mut header, &raw mut data) } {
                1 => packets.push({
                    // SAFETY: a header and its `caplen` bytes, which stay until the next call.
                    let (header, data) = unsafe {
                        let caplen = (*header).caplen as usize;
                        (
                            &*header,
                            if caplen == 0 {
                                &[]
                            } else {
                                std::slice::from_raw_parts(data, caplen)
                            },
                        )
                    };
                    Packet {
                        seconds: header.ts.tv_sec,
                        fraction: header.ts.tv_usec,
                        len: header.len,
                        data: data.to_vec(),
                    }
                }),
                -2 => break String::new(),
                _ => {
                    // SAFETY: the handle is open, and its error is a C string.
                    let text = unsafe { CStr::from_ptr((self.geterr)(handle)) };
                    break text.to_string_lossy().into_owned();
                }
            }
        };
        // SAFETY: the handle is open, and not used again.
        unsafe { (self.close)(handle) };
        Outcome { about, packets, end }
    }
}
