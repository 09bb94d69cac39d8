//! What abidiff says of the distribution's library and this one: of their symbols, and, since neither has
//! debug information that tells of C types, of types as a compiler sees them in the two sets of headers.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::declared::declared;
use super::headers::{copied, include_all};
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

/// abidiff's report, and whether it found nothing but what was added. Names are differences, too.
fn abidiff(theirs: &Path, ours: &Path) -> (bool, String) {
    let output = Command::new("abidiff")
        .args(["--no-added-syms", "--harmless", "--suppressions"])
        .arg(root().join("tests/abi/names.abignore"))
        .args([theirs, ours])
        .output();
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

/// A library with debug information that has a pointer to each function which both libraries export, and
/// to each type of the distribution's headers, whether a function has to do with it or not.
fn types(name: &str, include: &[&Path]) -> PathBuf {
    let dir = scratch(name);
    let mut text = include_all(include[include.len() - 1]);
    let theirs = names(&symbols(&distribution()));
    let shared = exports().into_iter().filter(|name| theirs.contains(name));
    for name in shared.filter(|name| !DATA.contains(&name.as_str())) {
        writeln!(text, "__typeof__({name}) *const type_of_{name} = {name};").expect("write");
    }
    for (number, name) in declared(&model()).types.iter().enumerate() {
        writeln!(text, "{name} *pointer_{number}_to_a_type;").expect("write");
    }
    let (source, library) = (dir.join("types.c"), dir.join("types.so"));
    fs::write(&source, text).expect("write");
    let mut command = Command::new("cc");
    for dir in include {
        command.arg("-I").arg(dir);
    }
    run(command
        .args(["-g", "-shared", "-fPIC", "-Wno-deprecated-declarations", "-o"])
        .args([&library, &source]));
    library
}

/// The distribution's headers, in a directory of their own.
fn model() -> PathBuf {
    static MODEL: OnceLock<PathBuf> = OnceLock::new();
    MODEL.get_or_init(|| copied(Path::new("/usr/include"), "abidiff-model")).clone()
}

#[test]
fn types_are_those_of_the_distribution() {
    assert!(Path::new(HEADERS).exists(), "the distribution's headers are not installed");
    let ours = root().join("include");
    let theirs = types("abidiff-theirs", &[&model()]);
    let (same, report) = abidiff(&theirs, &types("abidiff-ours", &[&ours]));
    assert!(same, "{report}");
    // Another type is found, however deep it lies, and where no function has to do with it.
    for (number, (header, right, wrong, name)) in SPOILT.iter().enumerate() {
        let other = scratch(&format!("abidiff-include-{number}"));
        let text = fs::read_to_string(ours.join(header)).expect("read");
        let spoilt = text.replace(right, wrong);
        assert_ne!(spoilt, text, "{header} has no {right}");
        fs::create_dir(other.join("pcap")).expect("make a directory");
        fs::write(other.join(header), spoilt).expect("write");
        let other = types(&format!("abidiff-other-{number}"), &[&other, &ours]);
        let (same, report) = abidiff(&theirs, &other);
        assert!(!same && report.contains(name), "{header}: {report}");
    }
}

/// A header, what is in it, what is put there instead, and what abidiff then names.
const SPOILT: [(&str, &str, &str, &str); 4] = [
    ("pcap/pcap.h", "bpf_u_int32 caplen;", "unsigned short caplen;", "struct pcap_pkthdr"),
    ("pcap/nflog.h", "uint16_t nflog_rid;", "uint16_t nflog_id;", "nflog_rid"),
    ("pcap/usb.h", "uint32_t offset;", "int32_t offset;", "offset"),
    ("pcap/pcap.h", "PCAP_D_OUT", "PCAP_D_SENT", "PCAP_D_OUT"),
];
