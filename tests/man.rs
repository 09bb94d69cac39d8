//! The manual pages of man/: that they are sound mdoc(7), that every function has one, and that what they
//! claim is so. Prototypes are the headers', examples compile and run, filter expressions compile,
//! references lead somewhere.
//!
//! `PCAP_WRITE_ROWS=1` writes the rows of pcap-linktype(7) anew, from the table that they are compared with.

use pcap::filter::code::Options;
use pcap::filter::compile::compile;
use pcap::filter::{Context, Source};
use pcap::linktype;
use pcap::names::resolver::System;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

#[path = "support/library.rs"]
mod library;
#[allow(dead_code, reason = "made for tests with more of a network")]
#[path = "support/netns.rs"]
mod netns;

use library::{attempt, cc, installed, library, root, run, scratch};

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
    ("longjmp", "3"),
    ("strerror", "3"),
    ("ethers", "5"),
    ("networks", "5"),
    ("protocols", "5"),
    ("services", "5"),
    ("capabilities", "7"),
    ("netdevice", "7"),
    ("packet", "7"),
    ("socket", "7"),
    ("ethtool", "8"),
    ("iw", "8"),
    ("ping", "8"),
    ("tcpdump", "8"),
];

/// A page: its name, its section as references and its file's name have it, and its source.
struct Page {
    name: String,
    section: String,
    source: String,
}

fn man() -> PathBuf {
    root().join("man")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every page, by name.
fn pages() -> Vec<Page> {
    let mut pages: Vec<Page> = fs::read_dir(man())
        .expect("man/")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name != "links"))
        .map(|path| Page {
            name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
            section: path.extension().expect("a section").to_string_lossy().into_owned(),
            source: read(&path),
        })
        .collect();
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    pages
}

/// man/links: the page that each further name stands for.
fn links() -> BTreeMap<String, String> {
    let text = read("man/links");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let links = lines.iter().map(|line| line.split_once(' ').expect("a name and a page"));
    let links: BTreeMap<_, _> = links.map(|(name, page)| (name.into(), page.into())).collect();
    assert_eq!(links.len(), lines.len(), "a name stands twice in man/links");
    links
}

impl Page {
    /// The lines between one heading and the next.
    fn section(&self, heading: &str) -> impl Iterator<Item = &str> {
        let heading = format!(".Sh {heading}");
        let lines = self.source.lines().skip_while(move |line| *line != heading).skip(1);
        lines.take_while(|line| !line.starts_with(".Sh "))
    }

    /// The functions that the synopsis declares: name and prototype.
    fn prototypes(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut returned = "";
        for line in self.section("SYNOPSIS") {
            if let Some(words) = line.strip_prefix(".Ft ") {
                returned = words;
            } else if let Some(words) = line.strip_prefix(".Fn ") {
                let (name, arguments) = words.split_once(' ').expect("arguments, or void");
                let arguments = arguments.trim_matches('"').replace("\" \"", ", ");
                found.push((name.to_owned(), format!("{returned} {name}({arguments});")));
            }
        }
        found
    }

    /// The programs in it.
    fn examples(&self) -> Vec<Example> {
        let lines: Vec<&str> = self.source.lines().collect();
        let mut found = Vec::new();
        for (begin, _) in lines.iter().enumerate().filter(|(_, l)| l.starts_with(".Bd -literal")) {
            let code = lines[begin + 1..].iter().take_while(|line| **line != ".Ed");
            let code = code.fold(String::new(), |code, line| code + line + "\n");
            if !code.contains("int main(") {
                continue;
            }
            let before = lines[..begin].iter().rev().take_while(|line| line.starts_with(".\\\" "));
            let told = |what: &str| {
                before.clone().filter_map(|line| line.strip_prefix(what)).map(str::trim).collect()
            };
            let arguments: Vec<&str> = told(".\\\" run:");
            assert_eq!(arguments.len(), 1, "{}: how is the example run?", self.name);
            found.push(Example {
                name: format!("{}-{}", self.name, found.len()),
                code: code.replace("\\e", "\\").replace("\\&", ""),
                arguments: arguments[0].to_owned(),
                prints: told(".\\\" prints:").into_iter().map(str::to_owned).collect(),
            });
        }
        found
    }
}

/// A program of a page, with what the comments before it say: the arguments to run it with, as for a
/// shell, and what must be in its output.
struct Example {
    name: String,
    code: String,
    arguments: String,
    prints: Vec<String>,
}

/// capi-tests/exports.txt without its two variables.
fn functions() -> BTreeSet<String> {
    let all = read("capi-tests/exports.txt");
    let names = all.lines().filter(|name| !["eproto_db", "pcap_version"].contains(name));
    names.map(str::to_owned).collect()
}

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
    let Ok(files) = attempt(dpkg.args(["-L", "libpcap0.8", "libpcap0.8-dev"])) else {
        return netns::skip("no_page_of_the_distribution_is_missing: no packages to compare with");
    };
    let ours = pages().into_iter().map(|page| format!("{}.{}", page.name, page.section));
    let linked = links().into_keys().map(|name| format!("{name}.3pcap"));
    let ours: BTreeSet<String> = ours.chain(linked).collect();
    let theirs = files.lines().filter(|file| file.contains("/man/man")).filter_map(|file| {
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
        let examples: Vec<Example> = pages().iter().flat_map(Page::examples).collect();
        assert!(examples.len() > 15, "{} examples", examples.len());

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

    let line = format!("exec timeout 20 ./{} {}", example.name, example.arguments);
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
        let (name, description) = (row.name.to_string_lossy(), row.description.to_string_lossy());
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
