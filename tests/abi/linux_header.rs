//! `pcap/linux.h`: written by cbindgen from `src/ffi/linux`.

use std::{env, fs};

use super::library::root;

fn generated() -> String {
    let mut config =
        cbindgen::Config::from_file(root().join("cbindgen-linux.toml")).expect("config");
    // Tags, and names that the other headers have.
    config.export.rename = cbindgen::Config::from_root_or_default(root()).export.rename;
    let source = root().join("src/ffi/linux/mod.rs");
    let builder = cbindgen::Builder::new().with_config(config).with_src(source);
    let mut text = Vec::new();
    builder.generate().expect("cbindgen").write(&mut text);
    String::from_utf8(text).expect("UTF-8")
}

#[test]
fn linux_header_is_generated() {
    let file = root().join("include/pcap/linux.h");
    let text = generated();
    if env::var_os("PCAP_WRITE_ROWS").is_some() {
        return fs::write(file, text).expect("write");
    }
    let there = fs::read_to_string(file).unwrap_or_default();
    assert!(there == text, "PCAP_WRITE_ROWS=1 cargo test --test abi linux_header writes:\n{text}");
}
