//! The few libpcap functions that the bench calls, taken from a library file with dlopen().

use crate::library::{Library, symbol};
use std::ffi::{CStr, c_char, c_int, c_uchar, c_void};
use std::path::{Path, PathBuf};

/// `struct pcap_pkthdr`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Header {
    pub ts: libc::timeval,
    pub caplen: u32,
    pub len: u32,
}

/// `struct pcap_stat`.
#[repr(C)]
#[derive(Default, Clone, Copy)]
pub struct Stats {
    pub recv: u32,
    pub drop: u32,
    pub ifdrop: u32,
}

/// `struct pcap_packet_linux`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Packet {
    header: Header,
    data: *const c_uchar,
}

/// Packets that are asked for at once.
const BATCH: usize = 256;

/// `pcap_t`, seen through a pointer only.
pub enum Opaque {}

pub type Callback = unsafe extern "C" fn(*mut c_void, *const Header, *const c_uchar);
type SetInt = unsafe extern "C" fn(*mut Opaque, c_int) -> c_int;
type Read = unsafe extern "C" fn(*mut Opaque, c_int, Callback, *mut c_void) -> c_int;
type NextBatch = unsafe extern "C" fn(*mut Opaque, *mut Packet, c_int) -> c_int;
type NextEx = unsafe extern "C" fn(*mut Opaque, *mut *const Header, *mut *const c_uchar) -> c_int;

/// The captures' time-out.
pub const TIMEOUT_MS: c_int = 50;

/// Which of libpcap's ways to read is measured.
#[derive(Clone, Copy)]
pub enum Api {
    Loop,
    Dispatch,
    NextEx,
    /// `pcap_next_batch_linux()`; the other library, which has none, reads with `pcap_next_ex()`.
    Batch,
}

impl Api {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::Dispatch => "dispatch",
            Self::NextEx => "next_ex",
            Self::Batch => "next_batch",
        }
    }
}

/// One loaded library.
pub struct Lib {
    pub name: &'static str,
    pub path: PathBuf,
    create: unsafe extern "C" fn(*const c_char, *mut c_char) -> *mut Opaque,
    set_snaplen: SetInt,
    set_timeout: SetInt,
    set_buffer_size: SetInt,
    set_immediate_mode: SetInt,
    activate: unsafe extern "C" fn(*mut Opaque) -> c_int,
    loop_: Read,
    dispatch: Read,
    next_ex: NextEx,
    next_batch: Option<NextBatch>,
    breakloop: unsafe extern "C" fn(*mut Opaque),
    stats: unsafe extern "C" fn(*mut Opaque, *mut Stats) -> c_int,
    geterr: unsafe extern "C" fn(*mut Opaque) -> *mut c_char,
    close: unsafe extern "C" fn(*mut Opaque),
    lib_version: unsafe extern "C" fn() -> *const c_char,
}

impl Lib {
    /// Loads the library in `path` with its symbols kept to itself.
    #[allow(clippy::missing_transmute_annotations, reason = "the fields' types say it")]
    pub fn load(name: &'static str, path: &Path) -> Result<Self, String> {
        let so = Library::load(path)?;
        Ok(Self {
            name,
            path: path.to_owned(),
            create: symbol!(so, path, c"pcap_create"),
            set_snaplen: symbol!(so, path, c"pcap_set_snaplen"),
            set_timeout: symbol!(so, path, c"pcap_set_timeout"),
            set_buffer_size: symbol!(so, path, c"pcap_set_buffer_size"),
            set_immediate_mode: symbol!(so, path, c"pcap_set_immediate_mode"),
            activate: symbol!(so, path, c"pcap_activate"),
            loop_: symbol!(so, path, c"pcap_loop"),
            dispatch: symbol!(so, path, c"pcap_dispatch"),
            next_ex: symbol!(so, path, c"pcap_next_ex"),
            // SAFETY: pcap/linux.h declares this symbol with that type.
            next_batch: so
                .symbol(c"pcap_next_batch_linux")
                .ok()
                .map(|symbol| unsafe { std::mem::transmute(symbol) }),
            breakloop: symbol!(so, path, c"pcap_breakloop"),
            stats: symbol!(so, path, c"pcap_stats"),
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

    /// Opens `device`; `buffer` None leaves the library's default size.
    pub fn open(
        &self,
        device: &CStr,
        immediate: bool,
        buffer: Option<usize>,
    ) -> Result<Capture<'_>, String> {
        let mut errbuf = [0 as c_char; 256];
        // SAFETY: a C string and a buffer of PCAP_ERRBUF_SIZE bytes.
        let p = unsafe { (self.create)(device.as_ptr(), errbuf.as_mut_ptr()) };
        if p.is_null() {
            // SAFETY: on failure the library left a C string in the buffer.
            let text = unsafe { CStr::from_ptr(errbuf.as_ptr()) };
            return Err(format!("pcap_create: {}", text.to_string_lossy()));
        }
        let capture = Capture { lib: self, p };
        // SAFETY: `p` is a handle that is not activated yet.
        let rc = unsafe {
            (self.set_snaplen)(p, 262_144);
            (self.set_timeout)(p, TIMEOUT_MS);
            (self.set_immediate_mode)(p, c_int::from(immediate));
            if let Some(bytes) = buffer {
                (self.set_buffer_size)(p, c_int::try_from(bytes).unwrap_or(c_int::MAX));
            }
            (self.activate)(p)
        };
        if rc < 0 { Err(capture.error("pcap_activate")) } else { Ok(capture) }
    }
}

/// An activated handle; closed when dropped.
pub struct Capture<'a> {
    lib: &'a Lib,
    p: *mut Opaque,
}

// SAFETY: only stop() is called on another thread, and pcap_breakloop() is made for that.
unsafe impl Sync for Capture<'_> {}

impl Capture<'_> {
    /// Reads until stop() is called, or until `count` packets were delivered.
    ///
    /// `tally` is what `callback` takes its user argument for.
    pub fn read<T>(
        &self,
        api: Api,
        count: Option<usize>,
        callback: Callback,
        tally: &mut T,
    ) -> Result<(), String> {
        let user: *mut c_void = std::ptr::from_mut(tally).cast();
        let limit = count.map_or(-1, |n| c_int::try_from(n).unwrap_or(c_int::MAX));
        let rc = match api {
            // SAFETY: an active handle, and a callback that fits `user`.
            Api::Loop => unsafe { (self.lib.loop_)(self.p, limit, callback, user) },
            Api::Dispatch => self.read_dispatch(limit, callback, user),
            Api::NextEx => self.read_next_ex(limit, callback, user),
            Api::Batch => match self.lib.next_batch {
                Some(next_batch) => self.read_batch(next_batch, limit, callback, user),
                None => self.read_next_ex(limit, callback, user),
            },
        };
        if rc == -1 { Err(self.error(api.name())) } else { Ok(()) }
    }

    fn read_dispatch(&self, limit: c_int, callback: Callback, user: *mut c_void) -> c_int {
        let mut left = limit;
        loop {
            // SAFETY: an active handle, and a callback that fits `user`.
            let n = unsafe { (self.lib.dispatch)(self.p, left, callback, user) };
            if n < 0 {
                return n;
            }
            if limit > 0 {
                left -= n;
                if left <= 0 {
                    return 0;
                }
            }
        }
    }

    fn read_next_ex(&self, limit: c_int, callback: Callback, user: *mut c_void) -> c_int {
        let mut left = limit;
        let (mut header, mut data) = (std::ptr::null(), std::ptr::null());
        while left != 0 {
            // SAFETY: an active handle and two places for the results.
            match unsafe { (self.lib.next_ex)(self.p, &raw mut header, &raw mut data) } {
                1 => {
                    left -= i32::from(limit > 0);
                    // SAFETY: pcap_next_ex() returned 1, so both point to a packet.
                    unsafe { callback(user, header, data) };
                }
                0 => {}
                rc => return rc,
            }
        }
        0
    }

    fn read_batch(
        &self,
        next_batch: NextBatch,
        limit: c_int,
        callback: Callback,
        user: *mut c_void,
    ) -> c_int {
        let header = Header { ts: libc::timeval { tv_sec: 0, tv_usec: 0 }, caplen: 0, len: 0 };
        let mut packets = [Packet { header, data: std::ptr::null() }; BATCH];
        let mut left = limit;
        while left != 0 {
            let most = if limit > 0 { left.min(BATCH as c_int) } else { BATCH as c_int };
            // SAFETY: an active handle and room for so many packets.
            let n = unsafe { next_batch(self.p, packets.as_mut_ptr(), most) };
            let Ok(got) = usize::try_from(n) else { return n };
            for packet in packets.iter().take(got) {
                // SAFETY: so many packets were given, and are lent until the next read.
                unsafe { callback(user, &raw const packet.header, packet.data) };
            }
            left -= if limit > 0 { n } else { 0 };
        }
        0
    }

    /// Ends a read on another thread.
    pub fn stop(&self) {
        // SAFETY: a handle that is open as long as `self` lives.
        unsafe { (self.lib.breakloop)(self.p) }
    }

    /// What the library's own statistics say.
    pub fn stats(&self) -> Stats {
        let mut st = Stats::default();
        // SAFETY: an active handle and room for the result.
        unsafe { (self.lib.stats)(self.p, &raw mut st) };
        st
    }

    fn error(&self, what: &str) -> String {
        // SAFETY: pcap_geterr() always returns a C string that lives in the handle.
        let text = unsafe { CStr::from_ptr((self.lib.geterr)(self.p)) };
        format!("{what}: {}", text.to_string_lossy())
    }
}

impl Drop for Capture<'_> {
    fn drop(&mut self) {
        // SAFETY: made by pcap_create() and closed only here.
        unsafe { (self.lib.close)(self.p) }
    }
}
