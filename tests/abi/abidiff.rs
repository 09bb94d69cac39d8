//! What abidiff says of the distribution's library and this one: of their symbols, and, since neither has
//! debug information that tells of C types, of types as a compiler sees them in the two sets of headers.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::library::{library, root, run, scratch};
use super::{DATA, exports, names, symbols};

const HEADERS: &str = "/usr/include/pcap/pcap.h";

/// The distribution's library, by its multiarch or plain path.
fn distribution() -> PathBuf {
    let text = run(Command::new("cc").arg("-print-file-name=libpcap.so"));
    let path = Path::new(text.trim());
    assert!(path.is_absolute(), "the distribution's libpcap is not installed");
    path.to_path_buf()
}

/// abidiff's report, and whether it found nothing but what was added.
fn abidiff(theirs: &Path, ours: &Path) -> (bool, String) {
    let output = Command::new("abidiff").arg("--no-added-syms").args([theirs, ours]).output();
    let output = output.expect("abidiff is not installed: Debian has it in abigail-tools");
    let report = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    // Bit 0: it failed. Bit 1: wrong usage. Bits 2 and 3: something changed.
    let code = output.status.code().expect("an exit code");
    assert!(code & 3 == 0, "{report}");
    (code == 0, report)
}

#[test]
fn symbols_are_those_of_the_distribution() {
    let (same, report) = abidiff(&distribution(), &library());
    assert!(same, "{report}");
    // It is found if one is missing, and if one is of another kind.
    let dir = scratch("abidiff-symbols");
    let source = dir.join("less.c");
    fs::write(&source, "int pcap_loop; int pcap_next(void) { return 0; }").expect("write");
    let less = dir.join("less.so");
    run(Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&less, &source]));
    assert!(!abidiff(&distribution(), &less).0);
}

/// A library with debug information that has a pointer to each function which both libraries export.
fn types(name: &str, flags: &[&str]) -> PathBuf {
    let dir = scratch(name);
    let mut text = String::from("#include <pcap.h>\n#include <pcap-namedb.h>\n");
    let theirs = names(&symbols(&distribution()));
    let shared = exports().into_iter().filter(|name| theirs.contains(name));
    for name in shared.filter(|name| !DATA.contains(&name.as_str())) {
        writeln!(text, "__typeof__({name}) *const type_of_{name} = {name};").expect("write");
    }
    let (source, library) = (dir.join("types.c"), dir.join("types.so"));
    fs::write(&source, text).expect("write");
    run(Command::new("cc")
        .args(["-g", "-shared", "-fPIC", "-Wno-deprecated-declarations", "-o"])
        .args([&library, &source])
        .args(flags));
    library
}

#[test]
fn types_are_those_of_the_distribution() {
    assert!(Path::new(HEADERS).exists(), "the distribution's headers are not installed");
    let include = format!("-I{}", root().join("include").display());
    let theirs = types("abidiff-theirs", &[]);
    let (same, report) = abidiff(&theirs, &types("abidiff-ours", &[&include]));
    assert!(same, "{report}");
    // Another type is found, however deep it lies.
    let other = scratch("abidiff-include");
    let header = fs::read_to_string(root().join("include/pcap/pcap.h")).expect("read");
    let wrong = header.replace("bpf_u_int32 caplen;", "unsigned short caplen;");
    assert_ne!(wrong, header);
    fs::create_dir(other.join("pcap")).expect("make a directory");
    fs::write(other.join("pcap/pcap.h"), wrong).expect("write");
    let other = types("abidiff-other", &[&format!("-I{}", other.display()), &include]);
    let (same, report) = abidiff(&theirs, &other);
    assert!(!same && report.contains("struct pcap_pkthdr"), "{report}");
}
