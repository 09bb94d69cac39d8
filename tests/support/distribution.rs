//! The distribution's libpcap, loaded beside ours: what it makes of an expression.

#![allow(unsafe_code, reason = "calls a C library")]
#![allow(dead_code, reason = "every test program uses its own part of this")]

use super::loaded::{Loaded, Pcap, Program, functions, text};
use libc::{c_char, c_int};
use pcap::bpf::Insn;
use std::ffi::CString;
use std::ptr;
use std::sync::OnceLock;

functions! {
    /// What is called of it.
    pub struct Distribution {
        open_dead c"pcap_open_dead": fn(c_int, c_int) -> Pcap;
        compile c"pcap_compile": fn(Pcap, *mut Program, *const c_char, c_int, u32) -> c_int;
        freecode c"pcap_freecode": fn(*mut Program);
        geterr c"pcap_geterr": fn(Pcap) -> *const c_char;
        close c"pcap_close": fn(Pcap);
        version c"pcap_lib_version": fn() -> *const c_char;
    }
}

impl Distribution {
    /// The distribution's library; `None` if there is none.
    pub fn get() -> Option<&'static Self> {
        static LOADED: OnceLock<Option<Distribution>> = OnceLock::new();
        LOADED.get_or_init(|| Self::of(Loaded::theirs()?)).as_ref()
    }

    /// What it calls itself.
    pub fn version(&self) -> String {
        // SAFETY: gives a C string that stays.
        unsafe { text((self.version)()) }.expect("a version")
    }

    /// Compiles for a dead handle: a program, or what is wrong.
    pub fn compile(
        &self,
        expression: &str,
        dlt: i32,
        netmask: u32,
        optimise: bool,
    ) -> Result<Vec<Insn>, String> {
        let expression = CString::new(expression).map_err(|error| error.to_string())?;
        let mut program = Program { bf_len: 0, bf_insns: ptr::null_mut() };
        // SAFETY: a handle that is open until close(); a program that lives as long, whose
        // instructions are `bf_len` of our own layout, which is C's, until freecode().
        unsafe {
            let handle = (self.open_dead)(dlt, 262_144);
            if handle.is_null() {
                return Err("pcap_open_dead failed".into());
            }
            let rc = (self.compile)(
                handle,
                &raw mut program,
                expression.as_ptr(),
                optimise.into(),
                netmask,
            );
            let result = if rc == 0 {
                Ok(std::slice::from_raw_parts(program.bf_insns, program.bf_len as usize).to_vec())
            } else {
                Err(text((self.geterr)(handle)).expect("an error"))
            };
            (self.freecode)(&raw mut program);
            (self.close)(handle);
            result
        }
    }
}
