//! The distribution's libpcap, loaded beside ours: what it makes of an expression.

#![allow(unsafe_code, reason = "calls a C library")]
#![allow(dead_code, reason = "every test program uses its own part of this")]

use libc::{c_char, c_int, c_uint, c_void};
use pcap::bpf::Insn;
use std::ffi::{CStr, CString};
use std::ptr;
use std::sync::OnceLock;

/// `struct bpf_program`.
#[repr(C)]
struct BpfProgram {
    bf_len: c_uint,
    bf_insns: *mut Insn,
}

/// What is called of it.
pub struct Distribution {
    open_dead: unsafe extern "C" fn(c_int, c_int) -> *mut c_void,
    compile: unsafe extern "C" fn(*mut c_void, *mut BpfProgram, *const c_char, c_int, u32) -> c_int,
    freecode: unsafe extern "C" fn(*mut BpfProgram),
    geterr: unsafe extern "C" fn(*mut c_void) -> *mut c_char,
    close: unsafe extern "C" fn(*mut c_void),
    version: unsafe extern "C" fn() -> *const c_char,
}

impl Distribution {
    /// `$PCAP_REFERENCE`, or the one that is installed; `None` if there is none.
    pub fn get() -> Option<&'static Self> {
        static LOADED: OnceLock<Option<Distribution>> = OnceLock::new();
        LOADED.get_or_init(Self::load).as_ref()
    }

    fn load() -> Option<Self> {
        let name = std::env::var("PCAP_REFERENCE").unwrap_or("libpcap.so.0.8".into());
        let name = CString::new(name).ok()?;
        // SAFETY: a C string. The library's constructors do nothing; it calls its own functions, not
        // those of the same names here.
        let library = unsafe {
            libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_DEEPBIND)
        };
        let symbol = |name: &CStr| {
            // SAFETY: a handle of dlopen() or NULL, which is the program itself, and a C string.
            let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
            (!library.is_null() && !symbol.is_null()).then_some(symbol)
        };
        // SAFETY: these are the signatures of pcap/pcap.h.
        unsafe {
            Some(Self {
                open_dead: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(c_int, c_int) -> *mut c_void,
                >(symbol(c"pcap_open_dead")?),
                compile: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(
                        *mut c_void,
                        *mut BpfProgram,
                        *const c_char,
                        c_int,
                        u32,
                    ) -> c_int,
                >(symbol(c"pcap_compile")?),
                freecode: std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*mut BpfProgram)>(
                    symbol(c"pcap_freecode")?,
                ),
                geterr: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(*mut c_void) -> *mut c_char,
                >(symbol(c"pcap_geterr")?),
                close: std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*mut c_void)>(
                    symbol(c"pcap_close")?,
                ),
                version: std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> *const c_char>(
                    symbol(c"pcap_lib_version")?,
                ),
            })
        }
    }

    /// What it calls itself.
    pub fn version(&self) -> String {
        // SAFETY: gives a C string that stays.
        unsafe { CStr::from_ptr((self.version)()) }.to_string_lossy().into_owned()
    }

    /// Compiles for a dead handle: a program, or what is wrong.
    pub fn compile(
        &self,
        text: &str,
        dlt: i32,
        netmask: u32,
        optimise: bool,
    ) -> Result<Vec<Insn>, String> {
        let text = CString::new(text).map_err(|error| error.to_string())?;
        let mut program = BpfProgram { bf_len: 0, bf_insns: ptr::null_mut() };
        // SAFETY: a handle that is open until close(); a program that lives as long, whose
        // instructions are `bf_len` of our own layout, which is C's, until freecode().
        unsafe {
            let handle = (self.open_dead)(dlt, 262_144);
            if handle.is_null() {
                return Err("pcap_open_dead failed".into());
            }
            let rc =
                (self.compile)(handle, &raw mut program, text.as_ptr(), optimise.into(), netmask);
            let result = if rc == 0 {
                Ok(std::slice::from_raw_parts(program.bf_insns, program.bf_len as usize).to_vec())
            } else {
                Err(CStr::from_ptr((self.geterr)(handle)).to_string_lossy().into_owned())
            };
            (self.freecode)(&raw mut program);
            (self.close)(handle);
            result
        }
    }
}
