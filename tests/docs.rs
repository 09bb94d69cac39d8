//! What docs/ claims of the code: each quirk has its comments, each test that is named is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The files below `dir`.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(below).collect()
}

/// The same of a folder that need not be there.
fn below(folder: &str) -> Vec<PathBuf> {
    let dir = root().join(folder);
    if dir.is_dir() { files(&dir) } else { Vec::new() }
}

/// The last column of each row of a page's tables.
fn last_cells(page: &str) -> Vec<String> {
    let rows = read(page).lines().map(str::to_owned).collect::<Vec<_>>();
    let cell = |row: &String| row.strip_suffix(" |")?.rsplit_once(" | ").map(|(_, c)| c.to_owned());
    rows.iter().filter_map(cell).collect()
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn each_quirk_has_a_row_and_a_comment() {
    let mut rows = BTreeMap::<String, usize>::new();
    for cell in last_cells("docs/quirks.md") {
        for file in quoted(&cell) {
            *rows.entry(file.to_owned()).or_default() += 1;
        }
    }
    let src = root().join("src");
    let comments: BTreeMap<String, usize> = files(&src)
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&src).expect("below src").display().to_string();
            (name, read(path).matches("QUIRK:").count())
        })
        .filter(|(_, count)| *count > 0)
        .collect();
    assert!(!rows.is_empty());
    assert_eq!(rows, comments, "rows of docs/quirks.md, and comments, of each file");
}

/// Programs of the C tests, modules of the unit tests, programs in tests/, and their files where they are folders, each before a
/// colon and the names of its cases.
#[test]
fn each_test_named_is_there() {
    for (page, least) in [("docs/deviations.md", 20), ("docs/packet-sockets.md", 40)] {
        let named = named_tests(page);
        assert!(named > least, "{page}: {named} tests named");
    }
}

/// Each row says all of its option: what it does, how a program gets it, and what shows it.
#[test]
fn each_option_of_packet_sockets_has_all_its_cells() {
    let page = read("docs/packet-sockets.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for row in &rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, _, function, key, tests] = cells[..] else { panic!("not five cells: {row}") };
        assert!(cells.iter().all(|cell| !cell.is_empty()), "an empty cell: {row}");
        assert!(key == "none" || key.contains('`'), "no key: {row}");
        assert!(function.starts_with("none") || function.contains("pcap_"), "no function: {row}");
        assert!(tests.contains(": `"), "no test: {row}");
    }
    assert!(rows.len() > 30, "{} rows", rows.len());
    // Those that the documents tell of from which the page was begun.
    let named = |word: &str| page.contains(&format!("`{word}`"));
    let missing: Vec<&&str> = OPTIONS.iter().filter(|word| !named(word)).collect();
    assert!(missing.is_empty(), "no row has {missing:?}");
}

/// What packet(7), the kernel's packet_mmap documentation and socket(7) name that a packet socket can use.
const OPTIONS: &[&str] = &[
    "PACKET_ADD_MEMBERSHIP",
    "PACKET_AUXDATA",
    "PACKET_COPY_THRESH",
    "PACKET_DROP_MEMBERSHIP",
    "PACKET_FANOUT",
    "PACKET_FANOUT_CBPF",
    "PACKET_FANOUT_CPU",
    "PACKET_FANOUT_EBPF",
    "PACKET_FANOUT_FLAG_DEFRAG",
    "PACKET_FANOUT_FLAG_ROLLOVER",
    "PACKET_FANOUT_HASH",
    "PACKET_FANOUT_LB",
    "PACKET_FANOUT_QM",
    "PACKET_FANOUT_RND",
    "PACKET_FANOUT_ROLLOVER",
    "PACKET_HDRLEN",
    "PACKET_LOSS",
    "PACKET_MR_ALLMULTI",
    "PACKET_MR_MULTICAST",
    "PACKET_MR_PROMISC",
    "PACKET_QDISC_BYPASS",
    "PACKET_RESERVE",
    "PACKET_RX_RING",
    "PACKET_STATISTICS",
    "PACKET_TIMESTAMP",
    "PACKET_TX_RING",
    "PACKET_VERSION",
    "SIOCSHWTSTAMP",
    "SO_ATTACH_FILTER",
    "SO_BINDTODEVICE",
    "SO_DETACH_FILTER",
    "SO_PRIORITY",
    "SO_RCVBUF",
    "SO_RCVLOWAT",
    "SO_RCVTIMEO",
    "SO_SNDBUF",
    "SO_SNDTIMEO",
    "SO_TIMESTAMP",
    "SO_TYPE",
    "TP_FT_REQ_FILL_RXHASH",
    "tp_retire_blk_tov",
    "tp_sizeof_priv",
];

/// How many tests a page names, all of which are there.
fn named_tests(page: &str) -> usize {
    let mut named = 0;
    for cell in last_cells(page) {
        for part in cell.split("; ") {
            let Some((place, cases)) = part.split_once(": ") else { continue };
            let place = place.trim_matches('`').replace("::", "/");
            for case in quoted(cases) {
                let (module, item) = case.split_once("::").map_or(("", case), |(m, i)| (m, i));
                let holders: Vec<PathBuf> = match place.as_str() {
                    folder @ ("tests/input" | "tests/tcpdump") => {
                        vec![format!("{folder}/{module}.rs").into()]
                    }
                    program if program.starts_with("tests/") => {
                        vec![format!("{program}.rs").into()]
                    }
                    _ => [".rs", "_tests.rs", "/tests.rs"]
                        .map(|end| format!("src/{place}{end}").into())
                        .into_iter()
                        .chain([format!("capi-tests/{place}.c").into()])
                        .chain(below(&format!("src/{place}/tests")))
                        .filter(|path: &PathBuf| root().join(path).exists())
                        .collect(),
                };
                let wanted = [
                    format!("fn {item}("),
                    format!("CASE({item})"),
                    format!("const {item}: Wanted"),
                ];
                let found = holders.iter().any(|path| {
                    let text = read(path);
                    wanted.iter().any(|wanted| text.contains(wanted))
                });
                assert!(found || case == "all cases", "{part}: no {item} in {holders:?}");
                named += 1;
            }
        }
    }
    named
}
