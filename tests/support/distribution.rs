//! The distribution's libpcap, as a black box to compare with.

#![allow(unsafe_code, reason = "calls a C library")]
#![allow(dead_code, reason = "shared by several test crates, none of which uses all of it")]

use libc::{c_char, c_int, c_void};
use std::ffi::{CStr, CString};
use std::sync::OnceLock;

/// Where Debian has it.
const PATH: &CStr = c"libpcap.so.0.8";

/// An instruction of classic BPF, as `struct bpf_insn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Insn {
    pub code: u16,
    pub jt: u8,
    pub jf: u8,
    pub k: u32,
}

#[repr(C)]
struct Program {
    len: u32,
    insns: *mut Insn,
}

type OpenDead = unsafe extern "C" fn(c_int, c_int) -> *mut c_void;
type Compile = unsafe extern "C" fn(*mut c_void, *mut Program, *const c_char, c_int, u32) -> c_int;
type GetErr = unsafe extern "C" fn(*mut c_void) -> *const c_char;
type FreeCode = unsafe extern "C" fn(*mut Program);
type Close = unsafe extern "C" fn(*mut c_void);

/// Functions of the library.
pub struct Distribution {
    open_dead: OpenDead,
    compile: Compile,
    geterr: GetErr,
    freecode: FreeCode,
    close: Close,
}

/// The library, loaded once.
pub fn distribution() -> &'static Distribution {
    static LIBRARY: OnceLock<Distribution> = OnceLock::new();
    LIBRARY.get_or_init(Distribution::load)
}

impl Distribution {
    fn load() -> Self {
        // Its own functions, not those of the crate under test that have the same names.
        let flags = libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_DEEPBIND;
        // SAFETY: the path is a C string; the library's constructors do nothing of note.
        let library = unsafe { libc::dlopen(PATH.as_ptr(), flags) };
        assert!(!library.is_null(), "install libpcap0.8");
        let find = |name: &CStr| {
            // SAFETY: the library stays loaded, the name is a C string.
            let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
            assert!(!symbol.is_null(), "{name:?}");
            symbol
        };
        // SAFETY: the types are those of pcap/pcap.h.
        unsafe {
            use std::mem::transmute;
            Self {
                open_dead: transmute::<*mut c_void, OpenDead>(find(c"pcap_open_dead")),
                compile: transmute::<*mut c_void, Compile>(find(c"pcap_compile")),
                geterr: transmute::<*mut c_void, GetErr>(find(c"pcap_geterr")),
                freecode: transmute::<*mut c_void, FreeCode>(find(c"pcap_freecode")),
                close: transmute::<*mut c_void, Close>(find(c"pcap_close")),
            }
        }
    }

    /// What `pcap_compile` makes of an expression for a link type, with a snapshot length of 65,535: a
    /// program or an error text.
    pub fn compile(
        &self,
        dlt: c_int,
        text: &str,
        optimize: bool,
        netmask: u32,
    ) -> Result<Vec<Insn>, String> {
        let text = CString::new(text).expect("no NUL");
        let mut program = Program { len: 0, insns: std::ptr::null_mut() };
        // SAFETY: a new handle, which is closed below; the program is read as long as pcap_compile filled
        // it in, and freed once.
        unsafe {
            let handle = (self.open_dead)(dlt, 65_535);
            assert!(!handle.is_null());
            let code =
                (self.compile)(handle, &raw mut program, text.as_ptr(), optimize.into(), netmask);
            let result = if code == 0 {
                let insns = std::slice::from_raw_parts(program.insns, program.len as usize);
                Ok(insns.to_vec())
            } else {
                let error = CStr::from_ptr((self.geterr)(handle));
                Err(error.to_string_lossy().into_owned())
            };
            (self.freecode)(&raw mut program);
            (self.close)(handle);
            result
        }
    }
}
