//! The binary interface: symbols, SONAME, structure layouts, signatures, headers.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

#[path = "abi/abidiff.rs"]
mod abidiff;
#[path = "abi/declared.rs"]
mod declared;
#[path = "abi/headers.rs"]
mod headers;
#[path = "support/library.rs"]
mod library;
#[path = "abi/linux_header.rs"]
mod linux_header;
#[path = "abi/standards.rs"]
mod standards;

use library::{attempt, cc, library, root, run, scratch};

/// The exported symbols that are not functions.
const DATA: [&str; 2] = ["eproto_db", "pcap_version"];

/// Libraries that every Linux has.
const NEEDED: [&str; 3] = ["libc.so.6", "libgcc_s.so.1", "ld-linux"];

/// capi-tests/exports.txt.
fn exports() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("capi-tests/exports.txt")).expect("exports.txt");
    let names: Vec<&str> = text.lines().collect();
    assert!(names.is_sorted(), "exports.txt is not sorted");
    let set: BTreeSet<String> = names.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(set.len(), names.len(), "a name stands twice in exports.txt");
    set
}

/// The dynamic symbols that a library defines: name and nm's letter for the kind.
fn symbols(library: &Path) -> Vec<(String, String)> {
    run(Command::new("nm").args(["-D", "--defined-only"]).arg(library))
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace().skip(1);
            let mut next = || words.next().expect("address, kind, name").to_owned();
            let kind = next();
            (next(), kind)
        })
        .collect()
}

fn names(symbols: &[(String, String)]) -> BTreeSet<String> {
    symbols.iter().map(|(name, _)| name.clone()).collect()
}

#[track_caller]
fn same(found: &BTreeSet<String>, expected: &BTreeSet<String>) {
    let missing: Vec<_> = expected.difference(found).collect();
    let extra: Vec<_> = found.difference(expected).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:?}, extra {extra:?}");
}

#[test]
fn exports_are_the_list() {
    let symbols = symbols(&library());
    same(&names(&symbols), &exports());
    for (name, kind) in symbols {
        let expected: &[&str] =
            if DATA.contains(&name.as_str()) { &["B", "D", "R"] } else { &["T"] };
        assert!(expected.contains(&kind.as_str()), "{name} is of kind {kind}");
    }
}

#[test]
fn distribution_exports_are_in_the_list() {
    let listed = exports();
    for dir in ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"]
    {
        for soname in ["libpcap.so.0.8", "libpcap.so.1"] {
            let theirs = Path::new(dir).join(soname);
            if theirs.exists() {
                let missing: Vec<_> =
                    names(&symbols(&theirs)).difference(&listed).cloned().collect();
                assert!(missing.is_empty(), "{} also has {missing:?}", theirs.display());
            }
        }
    }
}

/// The values of one tag in the dynamic section: `0x... (NEEDED) Shared library: [libc.so.6]`.
fn dynamic(library: &Path, tag: &str) -> Vec<String> {
    run(Command::new("readelf").arg("-dW").arg(library).env("LC_ALL", "C"))
        .lines()
        .filter(|line| line.contains(&format!("({tag})")))
        .filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned()))
        .collect()
}

#[test]
fn soname_and_needed_libraries() {
    let library = library();
    let expected = env::var("PCAP_SONAME").unwrap_or_else(|_| {
        let debian_like = Path::new("/etc/debian_version").exists();
        if debian_like { "libpcap.so.0.8" } else { "libpcap.so.1" }.to_owned()
    });
    assert_eq!(dynamic(&library, "SONAME"), [expected]);
    for needed in dynamic(&library, "NEEDED") {
        assert!(NEEDED.iter().any(|known| needed.starts_with(known)), "needs {needed}");
    }
}

/// Compiles C text against the headers, without producing anything.
fn compiles(name: &str, text: &str) -> Result<String, String> {
    let source = scratch(name).join("text.c");
    fs::write(&source, text).expect("write");
    attempt(cc().args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]).arg(source))
}

#[test]
fn every_exported_function_is_declared() {
    let mut text =
        String::from("#include <pcap.h>\n#include <pcap-namedb.h>\n#include <pcap/linux.h>\n");
    text += "#pragma GCC diagnostic ignored \"-Wdeprecated-declarations\"\n";
    for (number, name) in exports().iter().enumerate() {
        if !DATA.contains(&name.as_str()) {
            text += &format!("extern __typeof__({name}) *function{number};\n");
        }
    }
    compiles("declared", &text).expect("a function is not declared");
    compiles("undeclared", &(text + "extern __typeof__(pcap_nothing) *function;\n"))
        .expect_err("what is not declared must not compile");
}

#[test]
fn layouts_in_the_headers() {
    let text = fs::read_to_string(root().join("capi-tests/layout.c")).expect("layout.c");
    compiles("layout", &text).expect("layout.c against our headers");
    // The distribution's headers, where there are any: the figures must be theirs too.
    if Path::new("/usr/include/pcap/pcap.h").exists() {
        run(Command::new("cc")
            .args(["-std=gnu11", "-fsyntax-only"])
            .arg(root().join("capi-tests/layout.c")));
    }
    for (right, wrong) in [
        ("SIZE(struct pcap_if, 40)", "SIZE(struct pcap_if, 48)"),
        ("AT(struct bpf_insn, jf, 3, 1)", "AT(struct bpf_insn, jf, 2, 1)"),
    ] {
        assert!(text.contains(right), "layout.c has no {right}");
        compiles("wrong-layout", &text.replace(right, wrong)).expect_err("a wrong figure");
    }
}

fn field_size<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// C that compiles if `struct $name` is laid out as the Rust structure of that name.
macro_rules! layout {
    ($name:ident, $($field:ident),+) => {{
        use pcap::ffi::types::$name;
        let name = stringify!($name);
        let mut text =
            format!("_Static_assert(sizeof(struct {name}) == {}, \"size\");\n", size_of::<$name>());
        $(
            // Rust has no field named `type`.
            let field = stringify!($field).trim_end_matches('_');
            text += &format!(
                "_Static_assert(offsetof(struct {name}, {field}) == {}, \"offset\");\n\
                 _Static_assert(sizeof(((struct {name} *)0)->{field}) == {}, \"size\");\n",
                std::mem::offset_of!($name, $field),
                field_size(|value: &$name| &value.$field),
            );
        )+
        text
    }};
}

#[test]
fn layouts_in_rust_are_those_of_the_headers() {
    let text = [
        "#include <pcap.h>\n#include <pcap-namedb.h>\n#include <stddef.h>\n".to_owned(),
        layout!(bpf_insn, code, jt, jf, k),
        layout!(bpf_program, bf_len, bf_insns),
        layout!(pcap_addr, next, addr, netmask, broadaddr, dstaddr),
        layout!(pcap_etherent, addr, name),
        layout!(pcap_if, next, name, description, addresses, flags),
        layout!(pcap_pkthdr, ts, caplen, len),
        layout!(pcap_rmtauth, type_, username, password),
        layout!(pcap_samp, method, value),
        layout!(pcap_stat, ps_recv, ps_drop, ps_ifdrop),
    ]
    .concat();
    compiles("rust-layout", &text).expect("the headers and the Rust structures disagree");
    let wrong = text.replace("offsetof(struct pcap_if, flags)", "offsetof(struct pcap_if, name)");
    assert_ne!(wrong, text);
    compiles("wrong-rust-layout", &wrong).expect_err("a field elsewhere");
}

/// The C prototypes that the exported functions of a Rust module and those below it amount to,
/// after the headers.
fn prototypes(module: &Path) -> String {
    let config = cbindgen::Config::from_root_or_default(root());
    assert!(config.no_includes, "cbindgen.toml was not read");
    let builder = cbindgen::Builder::new().with_config(config).with_src(module);
    let mut text = Vec::new();
    builder.generate().expect("cbindgen").write(&mut text);
    String::from_utf8(text).expect("UTF-8")
}

/// The names of the functions that C text declares, one declaration after the other.
fn declared(text: &str) -> BTreeSet<String> {
    text.split(';')
        .filter_map(|declaration| declaration.split_once('('))
        .filter_map(|(head, _)| head.rsplit(|c: char| c != '_' && !c.is_alphanumeric()).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn signatures_are_those_of_the_headers() {
    let text = prototypes(&root().join("src/ffi/mod.rs"));
    let mut functions = exports();
    functions.retain(|name| !DATA.contains(&name.as_str()));
    same(&declared(&text), &functions);
    compiles("signatures", &text).expect("the headers and the Rust functions disagree");
}

#[test]
fn a_wrong_signature_is_found() {
    let right = r#"
        pub struct pcap_t { _private: [u8; 0] }
        #[repr(C)]
        pub struct pcap_pkthdr { pub ts: libc::timeval, pub caplen: u32, pub len: u32 }
        pub type pcap_direction_t = c_uint;
        pub type pcap_handler =
            Option<unsafe extern "C-unwind" fn(*mut c_uchar, *const pcap_pkthdr, *const c_uchar)>;
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn pcap_loop(
            p: *mut pcap_t, count: c_int, callback: pcap_handler, user: *mut c_uchar,
        ) -> c_int { 0 }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn pcap_next_ex(
            p: *mut pcap_t, header: *mut *mut pcap_pkthdr, data: *mut *const c_uchar,
        ) -> c_int { 0 }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn pcap_inject(p: *mut pcap_t, data: *const c_void, size: usize)
        -> c_int { 0 }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn pcap_nametoaddrinfo(name: *const c_char) -> *mut libc::addrinfo {
            null_mut()
        }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn pcap_setdirection(p: *mut pcap_t, d: pcap_direction_t) -> c_int
        { 0 }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn pcap_file(p: *mut pcap_t) -> *mut libc::FILE { null_mut() }
    "#;
    let source = scratch("sample").join("sample.rs");
    let check = |rust: &str| {
        fs::write(&source, rust).expect("write");
        let text = prototypes(&source);
        assert_eq!(declared(&text).len(), 6, "{text}");
        compiles("sample-signatures", &text)
    };
    check(right).expect("the sample is right");
    for (from, to) in [
        ("count: c_int", "count: c_long"),
        ("data: *mut *const c_uchar", "data: *mut *mut c_uchar"),
        ("size: usize", "size: c_int"),
        ("*mut libc::addrinfo", "*mut libc::sockaddr"),
        ("p: *mut pcap_t, header", "p: *mut pcap_dumper_t, header"),
    ] {
        assert!(right.contains(from), "the sample has no {from}");
        let report = check(&right.replace(from, to)).expect_err(to);
        assert!(report.contains("conflicting types"), "{report}");
    }
}
