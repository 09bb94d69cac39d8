//! The manual pages of man/: that they are sound mdoc(7), that every function has one, and that what they
//! claim is so. Prototypes are the headers', examples compile and run, filter expressions compile,
//! references lead somewhere.
//!
//! `PCAP_WRITE_ROWS=1` writes the rows of pcap-linktype(7) anew, from the table that they are compared with,
//! and docs/functions.md.

use pcap::error::status_text;
use pcap::filter::code::Options;
use pcap::filter::compile::compile;
use pcap::filter::{Context, Source};
use pcap::linktype;
use pcap::names::resolver::System;
use pcap::names::tstamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

#[path = "man/functions.rs"]
mod functions_table;
#[path = "support/library.rs"]
mod library;
#[allow(dead_code, reason = "made for tests with more of a network")]
#[path = "support/netns.rs"]
mod netns;
#[path = "man/pages.rs"]
mod pages;
#[path = "support/watched.rs"]
mod watched;

use library::{attempt, cc, installed, library, root, run, scratch};
use pages::{Example, Page, constant_parts, error_text, links, man, pages, read};
use watched::functions;

/// Manuals of others that ours refer to.
const ELSEWHERE: &[(&str, &str)] = &[
    ("editcap", "1"),
    ("gzip", "1"),
    ("lz4", "1"),
    ("pkg-config", "1"),
    ("xz", "1"),
    ("zstd", "1"),
    ("epoll", "7"),
    ("eventfd", "2"),
    ("poll", "2"),
    ("select", "2"),
    ("free", "3"),
    ("freeaddrinfo", "3"),
    ("getaddrinfo", "3"),
    ("if_nametoindex", "3"),
    ("dlsym", "3"),
    ("network_namespaces", "7"),
    ("secure_getenv", "3"),
    ("pidfd_open", "2"),
    ("longjmp", "3"),
    ("strerror", "3"),
    ("ethers", "5"),
    ("networks", "5"),
    ("protocols", "5"),
    ("services", "5"),
    ("capabilities", "7"),
    ("netdevice", "7"),
    ("packet", "7"),
    ("tc", "8"),
    ("send", "2"),
    ("socket", "7"),
    ("ethtool", "8"),
    ("iw", "8"),
    ("ping", "8"),
    ("tcpdump", "8"),
];

#[test]
fn mandoc_finds_no_fault() {
    if !installed("mandoc") {
        return netns::skip("mandoc_finds_no_fault: mandoc is not installed");
    }
    let files = pages().into_iter().map(|page| format!("{}.{}", page.name, page.section));
    let mut command = Command::new("mandoc");
    let output = command.args(["-Tlint", "-Wwarning"]).args(files).current_dir(man()).output();
    let output = output.expect("run mandoc");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn each_name_of_a_page_is_its_own_or_a_link() {
    let mut named = BTreeMap::new();
    for page in pages() {
        let mut names = page.section("NAME").filter_map(|line| line.strip_prefix(".Nm "));
        assert_eq!(names.next().map(|name| name.trim_end_matches(" ,")), Some(&*page.name));
        for name in names.map(|name| name.trim_end_matches(" ,")) {
            named.insert(name.to_owned(), page.name.clone());
        }
    }
    assert_eq!(named, links());
}

#[test]
fn each_function_is_in_the_synopsis_of_its_page() {
    let mut found = BTreeSet::new();
    for page in pages() {
        for (name, _) in page.prototypes() {
            let of = links().get(&name).cloned().unwrap_or_else(|| name.clone());
            assert_eq!(of, page.name, "{name}");
            assert!(found.insert(name), "a function on two pages");
        }
    }
    assert_eq!(found, functions());
}

#[test]
fn prototypes_are_the_headers() {
    let mut code = String::from("#include <pcap/pcap.h>\n#include <pcap/namedb.h>\n");
    code.push_str("#include <pcap/linux.h>\n");
    for (_, prototype) in pages().iter().flat_map(Page::prototypes) {
        code.push_str(&prototype);
        code.push('\n');
    }
    let file = scratch("man-prototypes").join("prototypes.c");
    fs::write(&file, code).expect("write");
    run(cc().args(["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]).arg(file));
}

/// Every name that the distribution's packages have a page for.
#[test]
fn no_page_of_the_distribution_is_missing() {
    let mut dpkg = Command::new("dpkg");
    let files = attempt(dpkg.args(["-S", "/usr/share/man/man*/*pcap*"])).unwrap_or_default();
    let files: Vec<&str> = files.lines().filter(|line| line.starts_with("libpcap0.8")).collect();
    if files.is_empty() {
        return netns::skip("no_page_of_the_distribution_is_missing: no packages to compare with");
    }
    let ours = pages().into_iter().map(|page| format!("{}.{}", page.name, page.section));
    let linked = links().into_keys().map(|name| format!("{name}.3pcap"));
    let ours: BTreeSet<String> = ours.chain(linked).collect();
    let theirs = files.iter().filter_map(|file| {
        let name = Path::new(file).file_name()?.to_str()?;
        name.strip_suffix(".gz").map(str::to_owned)
    });
    let theirs: BTreeSet<String> = theirs.collect();
    assert!(theirs.len() > 70, "{theirs:?}");
    assert_eq!(theirs.difference(&ours).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn references_lead_somewhere() {
    let pages = pages();
    let links = links();
    let mut wrong = Vec::new();
    for page in &pages {
        for line in page.source.lines() {
            let Some((_, reference)) = line.split_once("Xr ") else { continue };
            let mut words = reference.split(' ');
            let (name, section) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let ours = pages.iter().any(|p| p.name == name && p.section.to_uppercase() == section)
                || (section == "3PCAP" && links.contains_key(name));
            if !ours && !ELSEWHERE.contains(&(name, section)) {
                wrong.push(format!("{}: {name}({section})", page.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// All in one network namespace, on whose loopback interface there is traffic.
#[test]
fn examples_run() {
    netns::private(|| {
        let dir = scratch("man-examples");
        for name in ["libpcap.so", "libpcap.so.0.8", "libpcap.so.1"] {
            let library = fs::canonicalize(library()).expect("libpcap.so");
            symlink(library, dir.join(name)).expect("link the library");
        }
        fs::write(dir.join("in.pcap"), savefile()).expect("write a savefile");
        let examples: Vec<Example> = pages().iter().flat_map(Page::examples).collect();
        assert!(examples.len() > 17, "{} examples", examples.len());

        let stop = AtomicBool::new(false);
        let failures: Vec<String> = thread::scope(|scope| {
            scope.spawn(|| chatter(&stop));
            let failures = examples.iter().filter_map(|e| try_example(e, &dir).err()).collect();
            stop.store(true, Ordering::Relaxed);
            failures
        });
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    });
}

/// A savefile of three Ethernet frames of 60 bytes, the second of which is ARP.
fn savefile() -> Vec<u8> {
    let header: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1];
    let mut file: Vec<u8> = header.into_iter().flat_map(u32::to_le_bytes).collect();
    for (second, ethertype) in (0..).zip([0x0800_u16, 0x0806, 0x86dd]) {
        let header: [u32; 4] = [1_700_000_000 + second, 1, 60, 60];
        file.extend(header.into_iter().flat_map(u32::to_le_bytes));
        let mut frame = [0; 60];
        frame[12..14].copy_from_slice(&ethertype.to_be_bytes());
        file.extend(frame);
    }
    file
}

/// Sends datagrams to nobody until `stop`.
fn chatter(stop: &AtomicBool) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    while !stop.load(Ordering::Relaxed) {
        // Refusals of earlier ones come back as errors.
        let _ = socket.send_to(b"hello", "127.0.0.1:9");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Compiles and runs an example in `dir`, which has the library.
fn try_example(example: &Example, dir: &Path) -> Result<(), String> {
    let source = dir.join(format!("{}.c", example.name));
    fs::write(&source, &example.code).expect("write");
    let program = dir.join(&example.name);
    let mut compile = cc();
    compile.args(["-Wall", "-Wextra", "-Werror", "-pthread", "-o"]).arg(&program).arg(source);
    attempt(compile.arg("-L").arg(dir).arg("-lpcap"))?;

    let line = format!("exec timeout 60 ./{} {}", example.name, example.arguments);
    let mut shell = Command::new("sh");
    let output = attempt(shell.args(["-c", &line]).current_dir(dir).env("LD_LIBRARY_PATH", dir))?;
    match example.prints.iter().find(|text| !output.contains(*text)) {
        None => Ok(()),
        Some(text) => Err(format!("{} does not print {text:?} but {output:?}", example.name)),
    }
}

/// The expressions of pcap-filter(7), each for Ethernet or the type that the comment before it names.
#[test]
fn filter_expressions_compile() {
    let source = read("man/pcap-filter.7");
    let mut previous = "";
    let mut compiled = 0;
    for line in source.lines() {
        if let Some(quoted) = line.strip_prefix(".Dl ") {
            let text = quoted.trim_matches('"').replace("\\e", "\\");
            let link = previous.strip_prefix(".\\\" type: ").unwrap_or("EN10MB");
            let dlt = linktype::by_name(link).expect("a link type").dlt;
            let source = Source::Live { vlan: true };
            let context = Context { dlt, netmask: 0x00ff_ffff, source };
            let options = Options { snaplen: 262_144, optimise: true };
            if let Err(error) = compile(&text, context, options, &System) {
                panic!("{}", error.full(&text));
            }
            compiled += 1;
        }
        previous = line;
    }
    assert!(compiled > 40, "{compiled} expressions");
}

/// The words in the tables of keywords and of names that mean something in one place.
#[test]
fn every_word_of_filters_is_told() {
    let page = read("man/pcap-filter.7").replace("\\-", "-").replace("\\&", "");
    let told: BTreeSet<&str> =
        page.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).collect();
    let tables = ["src/filter/token.rs", "src/filter/words.rs"].map(read).concat();
    let words = tables.lines().filter_map(|line| {
        let (word, value) = line.trim().strip_prefix("(\"")?.split_once("\", ")?;
        (value.ends_with("),") || value.ends_with(")),")).then_some(word)
    });
    let words: BTreeSet<&str> = words.collect();
    assert!(words.len() > 250, "{} words", words.len());
    assert_eq!(words.difference(&told).collect::<Vec<_>>(), Vec::<&&str>::new());
}

/// The rows that pcap-linktype(7) must have.
fn link_type_rows() -> String {
    let mut rows =
        String::from(".Bl -column \"IEEE802_16_MAC_CPS_RADIO\" \"12/101\" \"Ethernet\"\n");
    for row in linktype::all() {
        let (name, description) = (row.name.as_str(), row.description.as_str());
        let number = match linktype::dlt_to_linktype(row.dlt) {
            Some(same) if i64::from(same) == i64::from(row.dlt) => row.dlt.to_string(),
            Some(other) => format!("{}/{other}", row.dlt),
            None => format!("{}/-", row.dlt),
        };
        let _ = writeln!(rows, ".It Dv {name} Ta {number} Ta {description}");
    }
    rows + ".El\n"
}

#[test]
fn link_types_are_those_of_the_table() {
    let page = read("man/pcap-linktype.7");
    let (head, rest) = page.split_once(".\\\" rows begin\n").expect("where the rows begin");
    let (rows, tail) = rest.split_once(".\\\" rows end\n").expect("where the rows end");
    let wanted = link_type_rows();
    if std::env::var_os("PCAP_WRITE_ROWS").is_some() {
        let page = format!("{head}.\\\" rows begin\n{wanted}.\\\" rows end\n{tail}");
        fs::write(man().join("pcap-linktype.7"), page).expect("write the page");
    } else {
        assert_eq!(rows, wanted, "to write them anew, run this with PCAP_WRITE_ROWS=1");
    }
}

/// The sources, and what the C library says of errors.
fn all_texts() -> String {
    let mut texts = String::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                texts.push_str(&read(&path));
            }
        }
    }
    for errno in 1..134 {
        let _ = writeln!(texts, "{}", std::io::Error::from_raw_os_error(errno));
    }
    texts
}

/// The texts in the lists of ERRORS sections.
#[test]
fn errors_are_those_of_the_sources() {
    let texts = all_texts();
    let mut told = 0;
    let mut missing = Vec::new();
    for page in pages() {
        for line in page.section("ERRORS") {
            let Some(text) = error_text(line) else { continue };
            told += 1;
            let wrong = |part: &String| !texts.contains(part);
            missing.extend(constant_parts(&text).into_iter().filter(wrong));
        }
    }
    assert!(told > 40, "{told} texts");
    assert_eq!(missing, Vec::<String>::new());
}

/// What follows the `.It` lines of a page that name a constant, by that constant's name.
fn after_constants(page: &str) -> BTreeMap<String, String> {
    let source = read(page);
    let lines: Vec<&str> = source.lines().collect();
    let pairs = lines.iter().zip(lines.iter().skip(1)).filter_map(|(line, next)| {
        let (_, constant) = line.strip_prefix(".It ")?.split_once("Dv ")?;
        Some((constant.to_owned(), (*next).to_owned()))
    });
    pairs.collect()
}

/// The value of a macro that is a number.
fn value(header: &str, name: &str) -> i32 {
    let line = header.lines().find_map(|line| line.strip_prefix(&format!("#define {name} ")));
    let words = line.unwrap_or_else(|| panic!("no {name}")).split_whitespace();
    words.take(1).next().and_then(|word| word.parse().ok()).expect("a number")
}

#[test]
fn statuses_have_the_texts_that_are_told() {
    let header = read("include/pcap/pcap.h");
    let told = after_constants("man/pcap_geterr.3pcap");
    assert_eq!(told.len(), 16, "{told:?}");
    for (constant, text) in told {
        let known = status_text(value(&header, &constant)).expect("a status");
        assert_eq!(known.as_str(), text, "{constant}");
    }
}

#[test]
fn time_stamps_have_the_names_that_are_told() {
    let header = read("include/pcap/pcap.h");
    let page = read("man/pcap-tstamp.7");
    let items = page.lines().filter_map(|line| line.strip_prefix(".It Cm "));
    let told: BTreeMap<i32, &str> = items
        .map(|item| item.split_once(" Pq Dv ").expect("a name and a constant"))
        .map(|(name, constant)| (value(&header, constant), name))
        .collect();
    let known = tstamp::ALL.iter().map(|kind| (kind.value, kind.name.as_str()));
    assert_eq!(told, known.collect());
}

#[test]
fn the_overview_leads_to_every_page() {
    let overview = read("man/pcap.3pcap");
    let links = links();
    let led: BTreeSet<&str> = overview
        .lines()
        .filter_map(|line| line.strip_prefix(".Xr ")?.split(' ').next())
        .map(|name| links.get(name).map_or(name, String::as_str))
        .collect();
    let pages: Vec<Page> = pages();
    let missing = pages.iter().map(|page| page.name.as_str()).filter(|name| !led.contains(name));
    assert_eq!(missing.collect::<Vec<_>>(), ["pcap"]);
}
