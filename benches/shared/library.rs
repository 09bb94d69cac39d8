//! The two libraries that a bench compares, as files: where they are, and their functions.

use std::ffi::{CStr, CString, c_void};
use std::path::{Path, PathBuf};

/// A library that stays loaded, with its symbols kept to itself.
#[derive(Clone, Copy)]
pub struct Library(*mut c_void);

impl Library {
    pub fn load(path: &Path) -> Result<Self, String> {
        let file = CString::new(path.as_os_str().as_encoded_bytes())
            .map_err(|_| "a path with a NUL".to_owned())?;
        // SAFETY: a C string; the constructors that run are those of a libpcap.
        let so = unsafe {
            libc::dlopen(file.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_DEEPBIND)
        };
        if so.is_null() {
            return Err(format!("cannot load {}: {}", path.display(), dl_error()));
        }
        Ok(Self(so))
    }

    /// Where a function is, for the caller to give it its type.
    pub fn symbol(self, name: &CStr) -> Result<*mut c_void, String> {
        // SAFETY: a handle from dlopen() that is never closed, and a C string.
        let p = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        if p.is_null() { Err(format!("no {}", name.to_string_lossy())) } else { Ok(p) }
    }
}

/// A function of a library, as the type of the field that it goes into; leaves the caller's function if there is none.
macro_rules! symbol {
    ($library:expr, $path:expr, $name:literal) => {{
        let symbol = $library.symbol($name).map_err(|e| format!("{}: {e}", $path.display()))?;
        // SAFETY: pcap.h declares this symbol with the type of the field it goes into.
        unsafe { std::mem::transmute(symbol) }
    }};
}
pub(crate) use symbol;

fn dl_error() -> String {
    // SAFETY: called right after a failed dlopen(), which leaves a C string.
    unsafe { CStr::from_ptr(libc::dlerror()) }.to_string_lossy().into_owned()
}

/// The library under test: $PCAP_LIB_DIR, else the one that `make` built. (What cargo built for this very bench is
/// not what is installed.)
pub fn our_path() -> Result<PathBuf, String> {
    if let Some(dir) = std::env::var_os("PCAP_LIB_DIR") {
        return Ok(PathBuf::from(dir).join("libpcap.so"));
    }
    let exe = std::env::current_exe().map_err(|e| format!("my own path: {e}"))?;
    let built = exe.ancestors().nth(3).unwrap_or(&exe).join("whole/libpcap.so");
    if built.exists() { Ok(built) } else { Err("no libpcap.so built; run `make`".to_owned()) }
}

/// The distribution's library, by its path: the loader's search path may name ours.
pub fn reference_path() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("PCAP_REFERENCE") {
        return Ok(PathBuf::from(path));
    }
    let arch = std::env::consts::ARCH;
    let dirs = [
        format!("/usr/lib/{arch}-linux-gnu"),
        "/usr/lib64".to_owned(),
        "/usr/lib".to_owned(),
        "/lib".to_owned(),
    ];
    dirs.iter()
        .flat_map(|d| ["libpcap.so.0.8", "libpcap.so.1"].map(|n| PathBuf::from(d).join(n)))
        .find(|p| p.exists())
        .ok_or_else(|| "the distribution's libpcap is not installed; set PCAP_REFERENCE".to_owned())
}
