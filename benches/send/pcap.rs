//! The few functions that the bench calls, taken from a library file with dlopen(); those of pcap/linux.h where the
//! library has them.

use crate::library::{Library, symbol};
use std::ffi::{CStr, c_char, c_int, c_uchar, c_uint, c_void};
use std::path::{Path, PathBuf};

/// `struct pcap_send_queue`.
#[repr(C)]
pub struct Queue {
    pub maxlen: c_uint,
    pub len: c_uint,
    pub buffer: *mut u8,
}

/// `struct pcap_pkthdr`.
#[repr(C)]
pub struct Header {
    pub ts: libc::timeval,
    pub caplen: u32,
    pub len: u32,
}

/// `pcap_t`, seen through a pointer only.
pub enum Opaque {}

type SetInt = unsafe extern "C" fn(*mut Opaque, c_int) -> c_int;
type Callback = unsafe extern "C" fn(*mut c_void, *const Header, *const c_uchar);

/// What is ours.
pub struct Extensions {
    transmit: unsafe extern "C" fn(*mut Opaque, *mut Queue, c_int) -> c_uint,
    qdisc_bypass: SetInt,
    tx_ring: unsafe extern "C" fn(*mut Opaque, c_int, c_int) -> c_int,
}

/// One loaded library.
pub struct Lib {
    pub path: PathBuf,
    create: unsafe extern "C" fn(*const c_char, *mut c_char) -> *mut Opaque,
    activate: unsafe extern "C" fn(*mut Opaque) -> c_int,
    set_timeout: SetInt,
    dispatch: unsafe extern "C" fn(*mut Opaque, c_int, Callback, *mut c_void) -> c_int,
    sendpacket: unsafe extern "C" fn(*mut Opaque, *const c_uchar, c_int) -> c_int,
    geterr: unsafe extern "C" fn(*mut Opaque) -> *mut c_char,
    close: unsafe extern "C" fn(*mut Opaque),
    extensions: Option<Extensions>,
}

/// How a handle sends.
#[derive(Clone, Copy, Default)]
pub struct How {
    pub qdisc_bypass: bool,
    /// Bytes and flags of a ring.
    pub tx_ring: Option<(c_int, c_int)>,
}

impl Lib {
    /// Loads the library in `path` with its symbols kept to itself.
    #[allow(clippy::missing_transmute_annotations, reason = "the fields' types say it")]
    pub fn load(path: &Path, ours: bool) -> Result<Self, String> {
        let so = Library::load(path)?;
        let extensions = if ours {
            Some(Extensions {
                transmit: symbol!(so, path, c"pcap_sendqueue_transmit"),
                qdisc_bypass: symbol!(so, path, c"pcap_set_qdisc_bypass_linux"),
                tx_ring: symbol!(so, path, c"pcap_set_tx_ring_linux"),
            })
        } else {
            None
        };
        Ok(Self {
            path: path.to_owned(),
            create: symbol!(so, path, c"pcap_create"),
            activate: symbol!(so, path, c"pcap_activate"),
            set_timeout: symbol!(so, path, c"pcap_set_timeout"),
            dispatch: symbol!(so, path, c"pcap_dispatch"),
            sendpacket: symbol!(so, path, c"pcap_sendpacket"),
            geterr: symbol!(so, path, c"pcap_geterr"),
            close: symbol!(so, path, c"pcap_close"),
            extensions,
        })
    }

    /// Opens `device`.
    pub fn open(&self, device: &CStr, how: How) -> Result<Handle<'_>, String> {
        let mut errbuf = [0; 256];
        // SAFETY: a C string and an error buffer of the size that pcap_create(3PCAP) wants.
        let p = unsafe { (self.create)(device.as_ptr(), errbuf.as_mut_ptr()) };
        if p.is_null() {
            return Err("pcap_create failed".to_owned());
        }
        let handle = Handle { lib: self, p };
        // SAFETY: a handle that is not active.
        let status = unsafe {
            (self.set_timeout)(p, 50);
            if let Some(extensions) = &self.extensions {
                (extensions.qdisc_bypass)(p, how.qdisc_bypass.into());
                let (bytes, flags) = how.tx_ring.unwrap_or_default();
                (extensions.tx_ring)(p, bytes, flags);
            }
            (self.activate)(p)
        };
        if status < 0 { Err(handle.error("pcap_activate")) } else { Ok(handle) }
    }
}

/// An active handle, closed when dropped.
pub struct Handle<'a> {
    lib: &'a Lib,
    p: *mut Opaque,
}

impl Handle<'_> {
    /// Sends one packet.
    pub fn send(&self, packet: &[u8]) -> Result<(), String> {
        // SAFETY: an active handle, and bytes of the length given.
        let rc = unsafe { (self.lib.sendpacket)(self.p, packet.as_ptr(), packet.len() as c_int) };
        if rc == 0 { Ok(()) } else { Err(self.error("pcap_sendpacket")) }
    }

    /// Sends a queue.
    pub fn transmit(&self, queue: &mut [u8]) -> Result<(), String> {
        let extensions = self.lib.extensions.as_ref().ok_or("no send queues")?;
        let len = queue.len() as c_uint;
        let mut queue = Queue { maxlen: len, len, buffer: queue.as_mut_ptr() };
        // SAFETY: an active handle, and a queue whose buffer has as many bytes as it says.
        let sent = unsafe { (extensions.transmit)(self.p, &raw mut queue, 0) };
        if sent == len { Ok(()) } else { Err(self.error("pcap_sendqueue_transmit")) }
    }

    /// Reads and counts what is there, or comes within the time-out.
    pub fn read(&self, count: &mut u64) -> Result<(), String> {
        let user = std::ptr::from_mut(count).cast();
        // SAFETY: an active handle; the callback gets the counter, which outlives the call.
        let rc = unsafe { (self.lib.dispatch)(self.p, 1000, on_packet, user) };
        if rc < 0 { Err(self.error("pcap_dispatch")) } else { Ok(()) }
    }

    fn error(&self, what: &str) -> String {
        // SAFETY: pcap_geterr() always returns a C string that lives in the handle.
        let text = unsafe { CStr::from_ptr((self.lib.geterr)(self.p)) };
        format!("{what}: {}", text.to_string_lossy())
    }
}

impl Drop for Handle<'_> {
    fn drop(&mut self) {
        // SAFETY: made by pcap_create() and closed only here.
        unsafe { (self.lib.close)(self.p) }
    }
}

/// Counts.
///
/// # Safety
/// As pcap_dispatch(3PCAP) calls it, with a counter as the user argument.
unsafe extern "C" fn on_packet(user: *mut c_void, _: *const Header, _: *const c_uchar) {
    // SAFETY: the counter that `read` has passed.
    unsafe { *user.cast::<u64>() += 1 }
}
