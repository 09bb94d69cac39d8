//! The private network namespace: a veth pair v0-v1 for raw frames, and for TCP a pair t0-t1 whose
//! other end is in a second namespace. All of it disappears with the process.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::process::Command;

/// The end of the first pair that is captured on, and the end that frames are sent from.
pub const CAPTURE: &CStr = c"v0";
pub const SEND: &CStr = c"v1";
/// The end of the TCP pair that is captured on, and its address.
pub const TCP: &CStr = c"t0";
pub const TCP_ADDR: &str = "10.9.0.1";

/// Moves the process into a network namespace of its own. Call before the first thread starts.
pub fn enter() -> Result<(), String> {
    // SAFETY: these take no pointers.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    if uid == 0 {
        unshare(libc::CLONE_NEWNET | libc::CLONE_NEWNS)?;
        mount_tracefs();
    } else {
        unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET)?;
        let write = |file: &str, text: String| {
            fs::write(format!("/proc/self/{file}"), text).map_err(|e| format!("{file}: {e}"))
        };
        write("setgroups", "deny".to_owned())?;
        write("uid_map", format!("0 {uid} 1"))?;
        write("gid_map", format!("0 {gid} 1"))?;
    }
    no_ipv6();
    ip("link set lo up")?;
    ip("link add v0 type veth peer name v1")?;
    ip("link set v0 up")?;
    ip("link set v1 up")
}

/// Puts the calling thread alone into a new namespace, and returns its id for `add_tcp_pair`.
pub fn enter_peer() -> Result<i32, String> {
    unshare(libc::CLONE_NEWNET)?;
    no_ipv6();
    // SAFETY: takes no pointers.
    Ok(unsafe { libc::gettid() })
}

/// Makes t0 here and t1 in the namespace of thread `peer`.
pub fn add_tcp_pair(peer: i32) -> Result<(), String> {
    ip(&format!("link add t0 type veth peer name t1 netns {peer}"))?;
    ip(&format!("addr add {TCP_ADDR}/24 dev t0"))?;
    ip("link set t0 up")
}

/// The other side of `add_tcp_pair`, called by the peer.
pub fn configure_peer() -> Result<(), String> {
    ip("addr add 10.9.0.2/24 dev t1")?;
    ip("link set t1 up")
}

/// Removes what `add_tcp_pair` made.
pub fn remove_tcp_pair() -> Result<(), String> {
    ip("link del t0")
}

/// Packets that crossed a device of this thread's namespace in both directions, as the kernel
/// counted them.
pub fn packets_on(device: &CStr) -> u64 {
    let device = device.to_string_lossy();
    let table = fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    let fields: Vec<u64> = table
        .lines()
        .find_map(|l| l.trim_start().strip_prefix(&*device)?.strip_prefix(':'))
        .unwrap_or("")
        .split_whitespace()
        .map(|f| f.parse().unwrap_or(0))
        .collect();
    // Columns of the table: received bytes, packets, 6 more; then sent bytes, packets.
    fields.get(1).unwrap_or(&0) + fields.get(9).unwrap_or(&0)
}

fn unshare(flags: i32) -> Result<(), String> {
    // SAFETY: takes no pointers.
    if unsafe { libc::unshare(flags) } == 0 {
        return Ok(());
    }
    let e = io::Error::last_os_error();
    Err(format!("cannot make a network namespace ({e}): needs root or user namespaces"))
}

/// tracefs tells the number of the system call tracepoint; without it one column is lost.
fn mount_tracefs() {
    let none = std::ptr::null();
    // SAFETY: C strings and null pointers, as mount(2) allows for these calls.
    unsafe {
        let private = libc::MS_REC | libc::MS_PRIVATE;
        libc::mount(none, c"/".as_ptr(), none, private, none.cast());
        let (kind, place) = (c"tracefs".as_ptr(), c"/sys/kernel/tracing".as_ptr());
        libc::mount(kind, place, kind, 0, none.cast());
    }
}

/// No neighbour discovery among the packets that are counted.
fn no_ipv6() {
    for which in ["all", "default"] {
        // A kernel without IPv6 has no such file, and that is as good.
        let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{which}/disable_ipv6"), "1");
    }
}

fn ip(args: &str) -> Result<(), String> {
    let out = Command::new("ip")
        .args(args.split(' '))
        .output()
        .map_err(|e| format!("ip: {e} (install iproute2)"))?;
    if out.status.success() {
        return Ok(());
    }
    Err(format!("ip {args}: {}", String::from_utf8_lossy(&out.stderr).trim()))
}
