//! A libpcap as C programs load it, ours or the distribution's, and its functions with the signatures of pcap/pcap.h.

#![allow(unsafe_code, reason = "loads C libraries")]
#![allow(dead_code, reason = "every test program uses its own part of this")]

use super::library::library;
use libc::{c_char, c_void};
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

pub use pcap::ffi::types::{bpf_program as Program, pcap_pkthdr as Header};

/// `pcap_t *`.
pub type Pcap = *mut c_void;

/// A library that stays loaded.
#[derive(Clone, Copy)]
pub struct Loaded(*mut c_void);

impl Loaded {
    /// Ours.
    pub fn ours() -> Self {
        Self::at(&library()).expect("our library")
    }

    /// The distribution's, if there is one.
    pub fn theirs() -> Option<Self> {
        Self::at(&reference())
    }

    /// The one at `path`. Its constructors do nothing, and it calls its own functions, not those of the same names
    /// elsewhere.
    pub fn at(path: &Path) -> Option<Self> {
        let path = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
        let flags = libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_DEEPBIND;
        // SAFETY: a C string.
        let library = unsafe { libc::dlopen(path.as_ptr(), flags) };
        (!library.is_null()).then_some(Self(library))
    }

    /// Where a function is.
    pub fn symbol(self, name: &CStr) -> Option<*mut c_void> {
        // SAFETY: a handle of dlopen() that is never closed, and a C string.
        let symbol = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        (!symbol.is_null()).then_some(symbol)
    }
}

/// Where the distribution's library is: `$PCAP_REFERENCE`, or by its path, for the loader's search path may name ours.
pub fn reference() -> PathBuf {
    if let Some(path) = std::env::var_os("PCAP_REFERENCE") {
        return path.into();
    }
    let arch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let files =
        [arch.as_str(), "/usr/lib64", "/usr/lib"].map(|dir| Path::new(dir).join("libpcap.so.0.8"));
    files.into_iter().find(|file| file.exists()).unwrap_or_else(|| "libpcap.so.0.8".into())
}

/// A C string of a library's, or nothing for NULL.
///
/// # Safety
/// `text` is NULL or ends.
pub unsafe fn text(text: *const c_char) -> Option<String> {
    // SAFETY: this function's contract.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// A structure of the functions that are called of a library, by their names there: its `of` finds them, all or none.
macro_rules! functions {
    (
        $(#[$about:meta])*
        $visible:vis struct $library:ident {
            $($field:ident $name:literal: fn($($argument:ty),* $(,)?) $(-> $result:ty)?;)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy)]
        $visible struct $library {
            $($field: unsafe extern "C-unwind" fn($($argument),*) $(-> $result)?,)*
        }

        impl $library {
            fn of(library: $crate::support::loaded::Loaded) -> Option<Self> {
                Some(Self {
                    $($field: {
                        let symbol = library.symbol($name)?;
                        // SAFETY: this is its signature in pcap/pcap.h.
                        unsafe {
                            std::mem::transmute::<
                                *mut libc::c_void,
                                unsafe extern "C-unwind" fn($($argument),*) $(-> $result)?,
                            >(symbol)
                        }
                    },)*
                })
            }
        }
    };
}
pub(crate) use functions;
