//! A libpcap, loaded as C programs load it, in a process of its own.

#![allow(unsafe_code, reason = "calls a C library")]

use crate::support::library;
use crate::support::loaded::{Loaded, functions, reference, text};
use libc::{FILE, c_char, c_int, c_long, c_uchar, c_void};
use std::env;
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;
use std::ptr;

pub use crate::support::loaded::Header;

pub type Handler = unsafe extern "C-unwind" fn(*mut c_uchar, *const Header, *const c_uchar);

functions! {
    /// What is called of a library.
    pub struct Library {
        open_offline c"pcap_open_offline": fn(*const c_char, *mut c_char) -> *mut c_void;
        fopen_offline c"pcap_fopen_offline": fn(*mut FILE, *mut c_char) -> *mut c_void;
        next_ex c"pcap_next_ex": fn(*mut c_void, *mut *const Header, *mut *const c_uchar) -> c_int;
        pcap_loop c"pcap_loop": fn(*mut c_void, c_int, Handler, *mut c_uchar) -> c_int;
        breakloop c"pcap_breakloop": fn(*mut c_void);
        file c"pcap_file": fn(*mut c_void) -> *mut FILE;
        fileno c"pcap_fileno": fn(*mut c_void) -> c_int;
        selectable_fd c"pcap_get_selectable_fd": fn(*mut c_void) -> c_int;
        geterr c"pcap_geterr": fn(*mut c_void) -> *const c_char;
        close c"pcap_close": fn(*mut c_void);
    }
}

/// An open handle.
#[derive(Clone, Copy)]
pub struct Pcap {
    library: Library,
    handle: *mut c_void,
}

// SAFETY: only pcap_breakloop() is called by a thread beside the one that reads.
unsafe impl Send for Pcap {}

/// What a read came to.
pub type Read = Result<(i64, Vec<u8>), i32>;

impl Library {
    /// Opens a file by its name.
    pub fn open(self, name: impl AsRef<Path>) -> Result<Pcap, String> {
        let name = CString::new(name.as_ref().as_os_str().as_bytes()).expect("no NUL");
        // SAFETY: a C string and a buffer of the right size.
        self.opened(|errbuf| unsafe { (self.open_offline)(name.as_ptr(), errbuf) })
    }

    /// Opens a stream.
    pub fn fopen(self, stream: *mut FILE) -> Result<Pcap, String> {
        // SAFETY: an open stream and a buffer of the right size.
        self.opened(|errbuf| unsafe { (self.fopen_offline)(stream, errbuf) })
    }

    fn opened(self, open: impl FnOnce(*mut c_char) -> *mut c_void) -> Result<Pcap, String> {
        let mut errbuf: [c_char; 256] = [0; 256];
        let handle = open(errbuf.as_mut_ptr());
        // SAFETY: terminated by the library.
        let error = || unsafe { text(errbuf.as_ptr()) }.expect("an error");
        if handle.is_null() { Err(error()) } else { Ok(Pcap { library: self, handle }) }
    }
}

impl Pcap {
    /// Reads a packet: its seconds and its bytes, or what pcap_next_ex() returned.
    pub fn next(self) -> Read {
        let (mut header, mut data) = (ptr::null(), ptr::null());
        // SAFETY: an open handle and two pointers to set.
        let rc = unsafe { (self.library.next_ex)(self.handle, &raw mut header, &raw mut data) };
        if rc != 1 {
            return Err(rc);
        }
        // SAFETY: both are lent until the next read, with `caplen` bytes.
        let (header, data) = unsafe {
            let header = &*header;
            (header, std::slice::from_raw_parts(data, header.caplen as usize))
        };
        Ok((header.ts.tv_sec, data.to_vec()))
    }

    /// Reads to the end or an error: the packets' numbers, each checked against [`crate::packet`], and what
    /// pcap_next_ex() returned last.
    pub fn all(self) -> (Vec<usize>, i32) {
        let mut seen = Vec::new();
        loop {
            match self.next() {
                Ok((n, data)) => {
                    let n = usize::try_from(n).expect("a number");
                    assert!(data == crate::packet(n), "packet {n} is not what was written");
                    seen.push(n);
                }
                Err(rc) => return (seen, rc),
            }
        }
    }

    /// Runs pcap_loop() with a callback that gets the packet's seconds.
    pub fn run<F: FnMut(i64)>(self, count: i32, mut each: F) -> i32 {
        unsafe extern "C-unwind" fn call<F: FnMut(i64)>(
            user: *mut c_uchar,
            header: *const Header,
            _data: *const c_uchar,
        ) {
            // SAFETY: `user` is the closure below, and the header is lent for the call.
            unsafe { (*user.cast::<F>())((*header).ts.tv_sec) }
        }
        let user = (&raw mut each).cast();
        // SAFETY: an open handle, and a closure that outlives the call.
        unsafe { (self.library.pcap_loop)(self.handle, count, call::<F>, user) }
    }

    /// Runs pcap_loop() without end, by nothing but C's means: a thread may be cancelled in it.
    pub fn run_plain(self, callback: Handler) -> i32 {
        // SAFETY: an open handle.
        unsafe { (self.library.pcap_loop)(self.handle, -1, callback, ptr::null_mut()) }
    }

    pub fn breakloop(self) {
        // SAFETY: an open handle.
        unsafe { (self.library.breakloop)(self.handle) }
    }

    pub fn stream(self) -> *mut FILE {
        // SAFETY: an open handle.
        unsafe { (self.library.file)(self.handle) }
    }

    pub fn fds(self) -> (i32, i32) {
        // SAFETY: an open handle.
        unsafe { ((self.library.fileno)(self.handle), (self.library.selectable_fd)(self.handle)) }
    }

    pub fn error(self) -> String {
        // SAFETY: an open handle's text, which is terminated.
        unsafe { text((self.library.geterr)(self.handle)) }.expect("a text")
    }

    pub fn close(self) {
        // SAFETY: an open handle, not used again.
        unsafe { (self.library.close)(self.handle) }
    }
}

/// Streams of C's.
pub mod stdio {
    use super::*;

    unsafe extern "C" {
        static stdin: *mut FILE;
    }

    pub fn standard_input() -> *mut FILE {
        // SAFETY: set by the C library.
        unsafe { stdin }
    }

    pub fn open(path: &Path) -> *mut FILE {
        let name = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
        // SAFETY: C strings.
        let stream = unsafe { libc::fopen(name.as_ptr(), c"rb".as_ptr()) };
        assert!(!stream.is_null(), "fopen {path:?}");
        stream
    }

    pub fn tell(stream: *mut FILE) -> c_long {
        // SAFETY: an open stream.
        unsafe { libc::ftell(stream) }
    }

    pub fn seek(stream: *mut FILE, to: usize) {
        // SAFETY: an open stream.
        assert_eq!(unsafe { libc::fseek(stream, to as c_long, libc::SEEK_SET) }, 0);
    }

    pub fn read(stream: *mut FILE, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        // SAFETY: an open stream, and room for `n` bytes.
        let n = unsafe { libc::fread(bytes.as_mut_ptr().cast(), 1, n, stream) };
        bytes.truncate(n);
        bytes
    }

    pub fn fd(stream: *mut FILE) -> i32 {
        // SAFETY: an open stream.
        unsafe { libc::fileno(stream) }
    }

    pub fn close(stream: *mut FILE) {
        // SAFETY: an open stream, not used again.
        assert_eq!(unsafe { libc::fclose(stream) }, 0);
    }
}

/// Marks a process that runs one test's body: the library's path, and where its account goes.
const LIBRARY: &str = "LIBPCAP_RS_INPUT_LIBRARY";
const ACCOUNT: &str = "LIBPCAP_RS_INPUT_ACCOUNT";

/// Runs `body` in a process of its own on our library. To be called with a closure written in the test itself,
/// whose type names the test. It gets a directory of its own, too.
pub fn ours<F: FnOnce(Library, &Path)>(body: F) {
    run_alone::<F>(&[&library::library()], |library, dir, _| body(library, dir));
}

/// As [`ours`] on both libraries, whose accounts of what happened must be the same.
pub fn both<F: FnOnce(Library, &Path, &mut Vec<String>)>(body: F) {
    let accounts = run_alone::<F>(&[&library::library(), &reference()], body);
    if let [ours, theirs] = &accounts[..] {
        assert!(!ours.is_empty(), "no account was given");
        let pairs = ours.lines().zip(theirs.lines());
        if let Some((a, b)) = pairs.into_iter().find(|(a, b)| a != b) {
            panic!("ours: {a}\ntheirs: {b}");
        }
        assert_eq!(ours.len(), theirs.len(), "{ours}\n{theirs}");
    }
}

fn run_alone<F>(
    libraries: &[&Path],
    body: impl FnOnce(Library, &Path, &mut Vec<String>),
) -> Vec<String> {
    let name = std::any::type_name::<F>();
    let name = name.split_once("::").map_or(name, |(_, name)| name);
    let name = name.trim_end_matches("::{{closure}}");
    let dir =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("input-{}", name.replace("::", "-")));
    if let (Some(library), Some(account)) = (env::var_os(LIBRARY), env::var_os(ACCOUNT)) {
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("make a directory");
        let library = Loaded::at(Path::new(&library)).and_then(Library::of).expect("a library");
        let mut lines = Vec::new();
        // SAFETY: an alarm that ends this process, should it hang.
        unsafe { libc::alarm(240) };
        body(library, &dir, &mut lines);
        fs::write(account, lines.join("\n")).expect("write the account");
        return Vec::new();
    }
    let run = |library: &&Path| {
        let account = dir.with_extension("account");
        let _ = fs::remove_file(&account);
        let out = Command::new(env::current_exe().expect("the test program's path"))
            .args(["--exact", name, "--nocapture", "--test-threads=1"])
            .env(LIBRARY, library)
            .env(ACCOUNT, &account)
            .env("RUST_BACKTRACE", "0")
            .output()
            .expect("start the test anew");
        let said = String::from_utf8_lossy(&out.stdout);
        assert!(
            out.status.success() && said.contains("1 passed"),
            "{name} on {} ({}):\n{said}{}",
            library.display(),
            out.status,
            String::from_utf8_lossy(&out.stderr)
        );
        fs::read_to_string(&account).expect("read the account")
    };
    libraries.iter().map(run).collect()
}
