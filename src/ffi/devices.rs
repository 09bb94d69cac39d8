//! Devices: pcap_findalldevs(3PCAP), pcap_freealldevs, pcap_lookupdev, pcap_lookupnet.

use super::boundary::{name, null, refuse_in, store, with_errbuf};
use super::buffers::{self, TextBuffer};
use super::types::{bpf_u_int32, pcap_addr, pcap_if, pcap_if_t};
use super::{cmem, open};
use crate::device::{self, Device, DeviceAddr};
use crate::error::{Error, Result};
use crate::sys::ifaddrs::SockAddr;
use std::ffi::{c_char, c_int};
use std::ptr::{NonNull, null_mut};

fn short() -> Error {
    cmem::no_memory()
}

/// A malloc'd copy of an address, NULL for none.
fn address(address: Option<&SockAddr>) -> Result<*mut libc::sockaddr> {
    let Some(address) = address else { return Ok(null_mut()) };
    cmem::array(address.bytes()).map(|p| p.as_ptr().cast()).ok_or_else(short)
}

/// A malloc'd list node without a successor.
fn address_node(from: &DeviceAddr) -> Result<*mut pcap_addr> {
    let node = pcap_addr {
        next: null_mut(),
        addr: address(Some(&from.addr))?,
        netmask: address(from.netmask.as_ref())?,
        broadaddr: address(from.broadaddr.as_ref())?,
        dstaddr: address(from.dstaddr.as_ref())?,
    };
    cmem::boxed(node).map(NonNull::as_ptr).ok_or_else(short)
}

/// A malloc'd list node without a successor. Where memory is short, what was made so far is lost: the process
/// is about to end anyway.
fn device_node(from: &Device) -> Result<*mut pcap_if> {
    let mut addresses = null_mut();
    let mut end: *mut *mut pcap_addr = &raw mut addresses;
    for from in &from.addrs {
        let node = address_node(from)?;
        // SAFETY: `end` points to the list's head or to the last node's successor, both ours.
        unsafe {
            end.write(node);
            end = &raw mut (*node).next;
        }
    }
    let description = match from.description {
        Some(description) => cmem::string(description).ok_or_else(short)?.as_ptr(),
        None => null_mut(),
    };
    let name = cmem::string(&from.name).ok_or_else(short)?.as_ptr();
    let node = pcap_if { next: null_mut(), name, description, addresses, flags: from.flags };
    cmem::boxed(node).map(NonNull::as_ptr).ok_or_else(short)
}

/// Lists the devices, for pcap_freealldevs() to free.
///
/// # Safety
/// As pcap_findalldevs(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_findalldevs(
    devices: *mut *mut pcap_if_t,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_errbuf(errbuf, || {
            store(devices, null_mut())?;
            let mut end = devices;
            for device in device::list()? {
                let node = device_node(&device).inspect_err(|_| {
                    pcap_freealldevs(devices.replace(null_mut()));
                })?;
                end.write(node);
                end = &raw mut (*node).next;
            }
            Ok(0)
        })
    }
}

/// Frees what pcap_findalldevs() handed out.
///
/// # Safety
/// As pcap_freealldevs(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_freealldevs(devices: *mut pcap_if_t) {
    let mut device = devices;
    while !device.is_null() {
        // SAFETY: a node of a list from pcap_findalldevs(), by contract: all its pointers are malloc's or NULL.
        unsafe {
            let node = device.read();
            let mut address = node.addresses;
            while !address.is_null() {
                let node = address.read();
                for sockaddr in [node.addr, node.netmask, node.broadaddr, node.dstaddr] {
                    cmem::free(sockaddr);
                }
                cmem::free(address);
                address = node.next;
            }
            cmem::free(node.name);
            cmem::free(node.description);
            cmem::free(device);
            device = node.next;
        }
    }
}

thread_local! {
    static DEVICE: TextBuffer<64> = const { TextBuffer::empty() };
}

/// The name of the device to use where none is chosen. QUIRK: fails once pcap_init() has been called.
///
/// # Safety
/// As pcap_lookupdev(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_lookupdev(errbuf: *mut c_char) -> *mut c_char {
    if open::is_initialized() {
        let why =
            c"pcap_lookupdev() is deprecated and is not supported in programs calling pcap_init()";
        // SAFETY: forwarded contract.
        unsafe { refuse_in(errbuf, why) };
        return std::ptr::null_mut();
    }
    // SAFETY: forwarded contract.
    unsafe {
        with_errbuf(errbuf, || {
            let name = device::lookup_dev()?;
            Ok(buffers::put(&DEVICE, &name.to_string_lossy()))
        })
    }
}

/// A device's IPv4 network and mask, in network byte order.
///
/// # Safety
/// As pcap_lookupnet(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_lookupnet(
    device: *const c_char,
    net: *mut bpf_u_int32,
    mask: *mut bpf_u_int32,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_errbuf(errbuf, || {
            if net.is_null() || mask.is_null() {
                return Err(null());
            }
            store(net, 0)?;
            store(mask, 0)?;
            let (found_net, found_mask) = device::lookup_net(name(device).as_deref())?;
            store(net, found_net)?;
            store(mask, found_mask)?;
            Ok(0)
        })
    }
}
