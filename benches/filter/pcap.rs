//! The functions of libpcap that compile and run filters, taken from a library file.

use crate::library::{Library, symbol};
use pcap::bpf::Insn;
use std::ffi::{CStr, CString, c_char, c_int, c_uchar, c_void};
use std::path::{Path, PathBuf};

/// `struct pcap_pkthdr`.
#[repr(C)]
pub struct Header {
    pub ts: libc::timeval,
    pub caplen: u32,
    pub len: u32,
}

/// `struct bpf_program`.
#[repr(C)]
struct RawProgram {
    len: u32,
    insns: *mut Insn,
}

const DLT_EN10MB: c_int = 1;
const SNAPLEN: c_int = 262_144;
const NO_NETMASK: u32 = u32::MAX;

/// One loaded library.
pub struct Lib {
    pub name: &'static str,
    pub path: PathBuf,
    open_dead: unsafe extern "C" fn(c_int, c_int) -> *mut c_void,
    compile: unsafe extern "C" fn(*mut c_void, *mut RawProgram, *const c_char, c_int, u32) -> c_int,
    freecode: unsafe extern "C" fn(*mut RawProgram),
    offline_filter: unsafe extern "C" fn(*const RawProgram, *const Header, *const c_uchar) -> c_int,
    geterr: unsafe extern "C" fn(*mut c_void) -> *mut c_char,
    close: unsafe extern "C" fn(*mut c_void),
    lib_version: unsafe extern "C" fn() -> *const c_char,
}

impl Lib {
    #[allow(clippy::missing_transmute_annotations, reason = "the fields' types say it")]
    pub fn load(name: &'static str, path: &Path) -> Result<Self, String> {
        let so = Library::load(path)?;
        Ok(Self {
            name,
            path: path.to_owned(),
            open_dead: symbol!(so, path, c"pcap_open_dead"),
            compile: symbol!(so, path, c"pcap_compile"),
            freecode: symbol!(so, path, c"pcap_freecode"),
            offline_filter: symbol!(so, path, c"pcap_offline_filter"),
            geterr: symbol!(so, path, c"pcap_geterr"),
            close: symbol!(so, path, c"pcap_close"),
            lib_version: symbol!(so, path, c"pcap_lib_version"),
        })
    }

    /// What `pcap_lib_version()` says.
    pub fn version(&self) -> String {
        // SAFETY: returns a static C string.
        unsafe { CStr::from_ptr((self.lib_version)()) }.to_string_lossy().into_owned()
    }

    /// A handle that filters for Ethernet are compiled with.
    pub fn open(&self) -> Result<Handle<'_>, String> {
        // SAFETY: takes any link type and length.
        let p = unsafe { (self.open_dead)(DLT_EN10MB, SNAPLEN) };
        if p.is_null() {
            Err("pcap_open_dead failed".to_owned())
        } else {
            Ok(Handle { lib: self, p })
        }
    }
}

/// What `pcap_open_dead()` made; closed when dropped.
pub struct Handle<'l> {
    lib: &'l Lib,
    p: *mut c_void,
}

impl<'l> Handle<'l> {
    pub fn compile(&self, text: &CStr, optimise: bool) -> Result<Compiled<'l>, String> {
        let mut raw = RawProgram { len: 0, insns: std::ptr::null_mut() };
        // SAFETY: an open handle, room for the program, a C string.
        let rc = unsafe {
            (self.lib.compile)(self.p, &raw mut raw, text.as_ptr(), optimise.into(), NO_NETMASK)
        };
        if rc == 0 {
            return Ok(Compiled { lib: self.lib, raw });
        }
        // SAFETY: pcap_geterr() returns a C string that lives in the handle.
        let text = unsafe { CStr::from_ptr((self.lib.geterr)(self.p)) };
        Err(text.to_string_lossy().into_owned())
    }
}

impl Drop for Handle<'_> {
    fn drop(&mut self) {
        // SAFETY: made by pcap_open_dead() and closed only here.
        unsafe { (self.lib.close)(self.p) }
    }
}

/// What `pcap_compile()` made; freed when dropped.
pub struct Compiled<'l> {
    lib: &'l Lib,
    raw: RawProgram,
}

impl Compiled<'_> {
    pub fn insns(&self) -> &[Insn] {
        // SAFETY: the library says that there are so many, laid out as in C, until pcap_freecode().
        unsafe { std::slice::from_raw_parts(self.raw.insns, self.raw.len as usize) }
    }

    /// `pcap_offline_filter()`.
    #[inline]
    pub fn accepts(&self, header: &Header, packet: &[u8]) -> bool {
        // SAFETY: a valid program, and a packet that is as long as its header says.
        unsafe { (self.lib.offline_filter)(&raw const self.raw, header, packet.as_ptr()) != 0 }
    }
}

impl Drop for Compiled<'_> {
    fn drop(&mut self) {
        // SAFETY: made by pcap_compile() and freed only here.
        unsafe { (self.lib.freecode)(&raw mut self.raw) }
    }
}

/// The expression as C has it.
pub fn c_text(text: &str) -> CString {
    CString::new(text).expect("an expression without NUL")
}
