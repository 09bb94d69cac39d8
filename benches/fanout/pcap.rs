//! The few functions that the bench calls, taken from a library file with dlopen().

use crate::library::{Library, symbol};
use std::ffi::{CStr, c_char, c_int, c_uchar, c_void};
use std::path::Path;

/// `struct pcap_pkthdr`.
#[repr(C)]
pub struct Header {
    pub ts: libc::timeval,
    pub caplen: u32,
    pub len: u32,
}

/// `struct pcap_stat`.
#[repr(C)]
#[derive(Default)]
struct Stats {
    recv: u32,
    drop: u32,
    ifdrop: u32,
}

/// `pcap_t`, seen through a pointer only.
enum Opaque {}

pub type Callback = unsafe extern "C" fn(*mut c_void, *const Header, *const c_uchar);
type SetInt = unsafe extern "C" fn(*mut Opaque, c_int) -> c_int;
type SetFanout = unsafe extern "C" fn(*mut Opaque, c_int, c_int, c_int) -> c_int;
type ActivateGroup = unsafe extern "C" fn(*mut Opaque, c_int, *mut *mut Opaque) -> c_int;

/// What only this library has.
struct Fanout {
    set: SetFanout,
    activate: ActivateGroup,
}

/// One loaded library.
pub struct Lib {
    create: unsafe extern "C" fn(*const c_char, *mut c_char) -> *mut Opaque,
    set_snaplen: SetInt,
    set_timeout: SetInt,
    set_buffer_size: SetInt,
    activate: unsafe extern "C" fn(*mut Opaque) -> c_int,
    loop_: unsafe extern "C" fn(*mut Opaque, c_int, Callback, *mut c_void) -> c_int,
    breakloop: unsafe extern "C" fn(*mut Opaque),
    stats: unsafe extern "C" fn(*mut Opaque, *mut Stats) -> c_int,
    geterr: unsafe extern "C" fn(*mut Opaque) -> *mut c_char,
    close: unsafe extern "C" fn(*mut Opaque),
    fanout: Option<Fanout>,
}

impl Lib {
    /// Loads the library in `path`; `ours` has fanout groups.
    #[allow(clippy::missing_transmute_annotations, reason = "the fields' types say it")]
    pub fn load(path: &Path, ours: bool) -> Result<Self, String> {
        let so = Library::load(path)?;
        let fanout = if ours {
            let set = symbol!(so, path, c"pcap_set_fanout_linux");
            Some(Fanout { set, activate: symbol!(so, path, c"pcap_activate_group_linux") })
        } else {
            None
        };
        Ok(Self {
            create: symbol!(so, path, c"pcap_create"),
            set_snaplen: symbol!(so, path, c"pcap_set_snaplen"),
            set_timeout: symbol!(so, path, c"pcap_set_timeout"),
            set_buffer_size: symbol!(so, path, c"pcap_set_buffer_size"),
            activate: symbol!(so, path, c"pcap_activate"),
            loop_: symbol!(so, path, c"pcap_loop"),
            breakloop: symbol!(so, path, c"pcap_breakloop"),
            stats: symbol!(so, path, c"pcap_stats"),
            geterr: symbol!(so, path, c"pcap_geterr"),
            close: symbol!(so, path, c"pcap_close"),
            fanout,
        })
    }

    /// Opens `device` once, or `readers` times in a group of mode `fanout`, with `buffer` bytes each.
    pub fn open(
        &self,
        device: &CStr,
        fanout: Option<c_int>,
        readers: usize,
        buffer: c_int,
    ) -> Result<Vec<Capture<'_>>, String> {
        let mut errbuf = [0 as c_char; 256];
        // SAFETY: a C string and a buffer of PCAP_ERRBUF_SIZE bytes.
        let p = unsafe { (self.create)(device.as_ptr(), errbuf.as_mut_ptr()) };
        if p.is_null() {
            return Err("pcap_create failed".to_owned());
        }
        let mut all = vec![p; readers];
        // SAFETY: `p` is a handle that is not activated yet, and there is room for `readers` of them.
        let status = unsafe {
            (self.set_snaplen)(p, 262_144);
            (self.set_timeout)(p, 50);
            (self.set_buffer_size)(p, buffer);
            match (&self.fanout, fanout) {
                (Some(group), Some(mode)) => {
                    (group.set)(p, mode, 0, -1);
                    (group.activate)(p, c_int::try_from(readers).unwrap_or(0), all.as_mut_ptr())
                }
                _ => (self.activate)(p),
            }
        };
        if status < 0 {
            // SAFETY: pcap_geterr() always returns a C string that lives in the handle.
            let text = unsafe { CStr::from_ptr((self.geterr)(p)) };
            return Err(text.to_string_lossy().into_owned());
        }
        Ok(all.into_iter().map(|p| Capture { lib: self, p }).collect())
    }
}

/// An activated handle; closed when dropped.
pub struct Capture<'a> {
    lib: &'a Lib,
    p: *mut Opaque,
}

// SAFETY: one thread reads; the others call stop() and dropped(), and libpcap's functions are made for that
// while a loop sleeps or calls back.
unsafe impl Sync for Capture<'_> {}

impl Capture<'_> {
    /// Reads until stop() is called. `tally` is what `callback` takes its user argument for.
    pub fn read<T>(&self, callback: Callback, tally: &T) -> c_int {
        let user: *mut c_void = std::ptr::from_ref(tally).cast_mut().cast();
        // SAFETY: an active handle, and a callback that fits `user` and changes it by atomics only.
        unsafe { (self.lib.loop_)(self.p, -1, callback, user) }
    }

    /// Ends a read on another thread.
    pub fn stop(&self) {
        // SAFETY: a handle that is open as long as `self` lives.
        unsafe { (self.lib.breakloop)(self.p) }
    }

    /// Packets dropped until now.
    pub fn dropped(&self) -> u64 {
        let mut stats = Stats::default();
        // SAFETY: an active handle and room for the result.
        unsafe { (self.lib.stats)(self.p, &raw mut stats) };
        u64::from(stats.drop)
    }
}

impl Drop for Capture<'_> {
    fn drop(&mut self) {
        // SAFETY: a handle of this library's, closed only here.
        unsafe { (self.lib.close)(self.p) }
    }
}
