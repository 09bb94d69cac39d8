//! The functions of libpcap that read and write savefiles, taken from a library file.

use crate::library::{Library, symbol};
use std::ffi::{CStr, CString, c_char, c_int, c_uchar, c_void};
use std::path::Path;
use std::ptr;

/// `struct pcap_pkthdr`.
#[repr(C)]
pub struct Header {
    pub ts: libc::timeval,
    pub caplen: u32,
    pub len: u32,
}

/// `struct bpf_program`.
#[repr(C)]
struct Program {
    len: u32,
    insns: *mut c_void,
}

type Callback = unsafe extern "C" fn(*mut c_uchar, *const Header, *const c_uchar);
type Loop = unsafe extern "C" fn(*mut c_void, c_int, Callback, *mut c_uchar) -> c_int;

/// One loaded library.
pub struct Lib {
    open_dead: unsafe extern "C" fn(c_int, c_int) -> *mut c_void,
    open_offline: unsafe extern "C" fn(*const c_char, *mut c_char) -> *mut c_void,
    compile: unsafe extern "C" fn(*mut c_void, *mut Program, *const c_char, c_int, u32) -> c_int,
    setfilter: unsafe extern "C" fn(*mut c_void, *mut Program) -> c_int,
    freecode: unsafe extern "C" fn(*mut Program),
    loop_: Loop,
    dispatch: Loop,
    next_ex: unsafe extern "C" fn(*mut c_void, *mut *const Header, *mut *const c_uchar) -> c_int,
    dump_open: unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_uchar,
    dump: Callback,
    dump_close: unsafe extern "C" fn(*mut c_uchar),
    geterr: unsafe extern "C" fn(*mut c_void) -> *mut c_char,
    close: unsafe extern "C" fn(*mut c_void),
    lib_version: unsafe extern "C" fn() -> *const c_char,
}

impl Lib {
    #[allow(clippy::missing_transmute_annotations, reason = "the fields' types say it")]
    pub fn load(path: &Path) -> Result<Self, String> {
        let so = Library::load(path)?;
        Ok(Self {
            open_dead: symbol!(so, path, c"pcap_open_dead"),
            open_offline: symbol!(so, path, c"pcap_open_offline"),
            compile: symbol!(so, path, c"pcap_compile"),
            setfilter: symbol!(so, path, c"pcap_setfilter"),
            freecode: symbol!(so, path, c"pcap_freecode"),
            loop_: symbol!(so, path, c"pcap_loop"),
            dispatch: symbol!(so, path, c"pcap_dispatch"),
            next_ex: symbol!(so, path, c"pcap_next_ex"),
            dump_open: symbol!(so, path, c"pcap_dump_open"),
            dump: symbol!(so, path, c"pcap_dump"),
            dump_close: symbol!(so, path, c"pcap_dump_close"),
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
}

/// How packets are read.
#[derive(Clone, Copy)]
pub enum Api {
    Loop,
    NextEx,
    /// `pcap_dispatch()` for one packet at a time.
    Dispatch1,
}

impl Api {
    pub fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::NextEx => "next_ex",
            Self::Dispatch1 => "dispatch(1)",
        }
    }
}

/// What was seen of the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub packets: u64,
    pub bytes: u64,
    pub sum: u64,
}

impl Tally {
    /// # Safety
    /// The header and the data are a packet's of at least 14 bytes.
    #[inline(always)]
    unsafe fn see(&mut self, header: *const Header, data: *const c_uchar) {
        // SAFETY: forwarded contract.
        let (header, byte) = unsafe { (&*header, *data.add(13)) };
        self.packets += 1;
        self.bytes += u64::from(header.caplen);
        self.sum = self.sum.wrapping_add(header.ts.tv_usec as u64 + u64::from(byte));
    }
}

#[allow(clippy::cast_ptr_alignment, reason = "it is the tally's own address")]
unsafe extern "C" fn callback(user: *mut c_uchar, header: *const Header, data: *const c_uchar) {
    // SAFETY: `user` is the tally that read() gives, and libpcap gives packets; those here are long enough.
    unsafe { (*user.cast::<Tally>()).see(header, data) }
}

/// A handle; closed when dropped.
pub struct Reader<'l> {
    lib: &'l Lib,
    p: *mut c_void,
}

fn c_path(path: &Path) -> Result<CString, String> {
    CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| "a path with a NUL".to_owned())
}

impl<'l> Reader<'l> {
    pub fn open(lib: &'l Lib, path: &Path) -> Result<Self, String> {
        let mut errbuf: [c_char; 256] = [0; 256];
        // SAFETY: a C string, and an error buffer of PCAP_ERRBUF_SIZE.
        let p = unsafe { (lib.open_offline)(c_path(path)?.as_ptr(), errbuf.as_mut_ptr()) };
        if p.is_null() {
            // SAFETY: a failed open leaves a C string.
            let why = unsafe { CStr::from_ptr(errbuf.as_ptr()) };
            return Err(why.to_string_lossy().into_owned());
        }
        Ok(Self { lib, p })
    }

    pub fn dead(lib: &'l Lib) -> Result<Self, String> {
        // SAFETY: takes any link type and length.
        let p = unsafe { (lib.open_dead)(1, 262_144) };
        if p.is_null() { Err("pcap_open_dead failed".to_owned()) } else { Ok(Self { lib, p }) }
    }

    fn error(&self) -> String {
        // SAFETY: an open handle, whose error text is a C string that lives in it.
        unsafe { CStr::from_ptr((self.lib.geterr)(self.p)) }.to_string_lossy().into_owned()
    }

    pub fn set_filter(&self, text: &str) -> Result<(), String> {
        let text = CString::new(text).map_err(|e| e.to_string())?;
        let mut program = Program { len: 0, insns: ptr::null_mut() };
        // SAFETY: an open handle, room for the program, a C string.
        unsafe {
            if (self.lib.compile)(self.p, &raw mut program, text.as_ptr(), 1, u32::MAX) != 0
                || (self.lib.setfilter)(self.p, &raw mut program) != 0
            {
                return Err(self.error());
            }
            (self.lib.freecode)(&raw mut program);
        }
        Ok(())
    }

    /// Reads all packets.
    pub fn read(&self, api: Api) -> Result<Tally, String> {
        let mut tally = Tally::default();
        let user = (&raw mut tally).cast();
        let (mut header, mut data) = (ptr::null(), ptr::null());
        // SAFETY: an open handle, and the tally for the callback.
        let rc = unsafe {
            match api {
                Api::Loop => (self.lib.loop_)(self.p, -1, callback, user),
                Api::Dispatch1 => loop {
                    let rc = (self.lib.dispatch)(self.p, 1, callback, user);
                    if rc != 1 {
                        break rc;
                    }
                },
                Api::NextEx => loop {
                    let rc = (self.lib.next_ex)(self.p, &raw mut header, &raw mut data);
                    if rc != 1 {
                        break rc;
                    }
                    tally.see(header, data);
                },
            }
        };
        if rc == -1 { Err(self.error()) } else { Ok(tally) }
    }

    /// Has all its packets written.
    pub fn copy(&self, path: &Path) -> Result<(), String> {
        self.dumping(path, |d| {
            // SAFETY: an open handle, and pcap_dump() with its dumper.
            unsafe { (self.lib.loop_)(self.p, -1, self.lib.dump, d) };
        })
    }

    /// Writes packets.
    pub fn dump<'p>(
        &self,
        path: &Path,
        packets: impl Iterator<Item = &'p (Header, Vec<u8>)>,
    ) -> Result<(), String> {
        self.dumping(path, |d| {
            for (header, data) in packets {
                // SAFETY: an open dumper, and a packet that is as long as its header says.
                unsafe { (self.lib.dump)(d, header, data.as_ptr()) };
            }
        })
    }

    fn dumping(&self, path: &Path, f: impl FnOnce(*mut c_uchar)) -> Result<(), String> {
        // SAFETY: an open handle and a C string.
        let d = unsafe { (self.lib.dump_open)(self.p, c_path(path)?.as_ptr()) };
        if d.is_null() {
            return Err(self.error());
        }
        f(d);
        // SAFETY: an open dumper, not used again.
        unsafe { (self.lib.dump_close)(d) };
        Ok(())
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // SAFETY: opened above and closed only here.
        unsafe { (self.lib.close)(self.p) }
    }
}
