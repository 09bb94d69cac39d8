//! How the shared library is linked: its SONAME is `PCAP_SONAME`, or what this distribution calls libpcap.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-env-changed=PCAP_SONAME");
    let soname = env::var("PCAP_SONAME").unwrap_or_else(|_| {
        let debian_like = Path::new("/etc/debian_version").exists();
        if debian_like { "libpcap.so.0.8" } else { "libpcap.so.1" }.to_owned()
    });
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,{soname}");
    // What the loader writes to begins on a page of its own: fewer pages are no longer shared.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,separate-loadable-segments");
}
