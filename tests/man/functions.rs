//! docs/functions.md: which C test calls which function for success, which for each failure, and which sees
//! each error that the manual tells of.
//!
//! Made from what the cases of capi-tests/ did when `tests/capi.rs` last ran them, which also checks, case by case,
//! that it is so. Here it is only looked at whether the page is complete.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use super::library::root;
use super::pages::{Page, error_text, pages, quoted, read};
use super::watched::{
    Case, Claim, End, NEVER_FAIL, Watched, claims, claims_of, escaped, functions, returns_pointer,
    short, statuses,
};

/// Cases in a cell, at most.
const CASES: usize = 2;

/// Texts that have no test in C, and why.
const UNTESTED: &[(&str, &str)] = &[("no suitable device found", "\"any\" is always there")];

/// Failures that a page tells of in a paragraph on a function that has no such failure, and why.
const OF_OTHERS: &[(&str, &str, &str)] = &[
    ("pcap_can_set_rfmon", "PCAP_ERROR_ACTIVATED", "only other versions return it"),
    ("pcap_can_set_rfmon", "PCAP_ERROR_NO_SUCH_DEVICE", "only other versions return it"),
    ("pcap_can_set_rfmon", "PCAP_ERROR_PERM_DENIED", "only other versions return it"),
    ("pcap_datalink", "error", "it has a link type, or is not active"),
    ("pcap_datalink_ext", "error", "it has a link type, or is not active"),
    ("pcap_list_datalinks", "error", "wants a process without memory"),
    ("pcap_list_tstamp_types", "error", "wants a process without memory"),
    ("pcap_set_datalink", "PCAP_ERROR_NOT_ACTIVATED", "it returns PCAP_ERROR"),
    ("pcap_set_ignore_outgoing_linux", "error", "any number makes sense"),
    ("pcap_set_netns_linux", "error", "shows in pcap_activate()"),
    ("pcap_set_qdisc_bypass_linux", "error", "any number makes sense"),
    ("pcap_set_rfmon", "PCAP_ERROR_RFMON_NOTSUP", "pcap_activate() returns it"),
    ("pcap_set_ring_block_timeout_linux", "error", "any number makes sense"),
    ("pcap_set_rxhash_linux", "error", "any number makes sense"),
    (
        "pcap_setnonblock",
        "PCAP_ERROR_NOT_ACTIVATED",
        "before activation it notes down what to do then",
    ),
];

/// Functions that always fail, for they are not there yet.
const ALWAYS_FAIL: &[&str] = &[
    "pcap_createsrcstr",
    "pcap_findalldevs_ex",
    "pcap_open",
    "pcap_parsesrcstr",
    "pcap_remoteact_accept",
    "pcap_remoteact_accept_ex",
    "pcap_remoteact_close",
    "pcap_remoteact_list",
    "pcap_setsampling",
];

const HEAD: &str = "\
# Functions and their tests

Which case of `capi-tests/` calls which function for success, which for which failure; and which sees
the errors that the manual tells of. At most two of each are named. Made from what the cases did, and each
is checked to do it whenever it runs: `cargo test --test capi` notes it down, `PCAP_WRITE_ROWS=1 cargo test
--test man functions` then writes this page.

";

/// The functions of a page that a paragraph speaks of: those that it names, or all.
fn spoken_of<'a>(paragraph: &str, all: &'a [String]) -> Vec<&'a String> {
    let named: Vec<&str> =
        paragraph.split("Fn ").skip(1).filter_map(|rest| rest.split_whitespace().next()).collect();
    let is_named = |name: &&String| named.contains(&name.as_str());
    if paragraph.contains("functions that set") {
        all.iter().filter(|name| name.contains("_set_")).collect()
    } else if paragraph.contains("the others") || !all.iter().any(|name| is_named(&name)) {
        all.iter().collect()
    } else {
        all.iter().filter(is_named).collect()
    }
}

/// The failures that a page says its functions return: "error", which also is NULL, and statuses.
fn documented(page: &Page) -> BTreeSet<(String, String)> {
    let prototypes: Vec<_> = page.prototypes().into_iter().collect();
    let fails = |name: &String| !NEVER_FAIL.contains(&name.as_str());
    let all: Vec<String> = prototypes.into_iter().map(|(name, _)| name).filter(fails).collect();
    let text = page.section("RETURN VALUES").collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for paragraph in text.split(".Pp\n") {
        for name in spoken_of(paragraph, &all) {
            if paragraph.contains("returns what\n.Xr pcap_activate 3PCAP\ndoes") {
                let all = pages().into_iter().filter(|page| page.name == "pcap_activate");
                let ends = all.flat_map(|page| documented(&page));
                found.extend(ends.map(|(_, end)| (name.clone(), end)));
            }
            for word in paragraph.split(|c: char| !c.is_alphanumeric() && c != '_') {
                let end = match (word, returns_pointer(name)) {
                    ("NULL", true) | ("PCAP_ERROR", false) => "error",
                    (status, false) if statuses().contains_key(status) => status,
                    _ => continue,
                };
                found.insert((name.clone(), end.to_owned()));
            }
        }
    }
    for (name, status, _) in OF_OTHERS.iter().filter(|(name, ..)| all.iter().any(|n| n == name)) {
        assert!(found.remove(&((*name).into(), (*status).into())), "{name} and {status} are not");
    }
    found
}

/// What the cases did, and the page as it is.
struct Source {
    watched: BTreeMap<Case, Watched>,
    before: String,
}

impl Source {
    /// The cases that show it: at last those of null pointers; those that the row names already, then those that do
    /// little beside.
    fn cases(&self, row: &str, function: &str, end: &End) -> Vec<String> {
        let old = self.before.lines().find(|line| line.starts_with(row)).unwrap_or_default();
        let mut found: Vec<_> = self
            .watched
            .iter()
            .filter(|(_, watched)| watched.shows(function, end))
            .map(|(case, watched)| {
                let new = !old.contains(&case.to_string());
                (case.0 == "null", new, watched.size(), case.to_string())
            })
            .collect();
        found.sort();
        found.truncate(CASES);
        found.into_iter().map(|(.., case)| case).collect()
    }

    /// The row of a function.
    fn row(&self, name: &str, page: &Page) -> String {
        let head = format!("| `{name}` | {} |", page.name);
        let cases = |end: &str| self.cases(&head, name, &End::Came(end.to_owned())).join(", ");
        let mut success = cases("success");
        if ALWAYS_FAIL.contains(&name) {
            assert_eq!(success, "", "{name} works after all");
            "not there yet".clone_into(&mut success);
        }
        let mut failures = String::new();
        let told = documented(page);
        let told = told.iter().filter(|(of, end)| of == name && end != "error");
        for end in ["error"].into_iter().chain(told.map(|(_, end)| end.as_str())) {
            let cases = cases(end);
            if !cases.is_empty() {
                let _ = write!(failures, "{}: {cases}; ", short(end));
            }
        }
        if NEVER_FAIL.contains(&name) {
            "none".clone_into(&mut failures);
        }
        format!("{head} {success} | {} |", failures.trim_end_matches("; "))
    }

    /// The errors that a function returned and its page does not tell of.
    fn untold(&self, name: &str, page: &Page) -> Vec<String> {
        let told = documented(page);
        let mut found = BTreeMap::new();
        for (case, watched) in &self.watched {
            for (status, _) in statuses().iter().filter(|(_, number)| **number < -1) {
                let is_told = told.contains(&(name.to_owned(), status.clone()));
                if !is_told && !NEVER_FAIL.contains(&name) && watched.came_to(name, status) {
                    found.insert(format!("{name}: {status}"), case.to_string());
                }
            }
        }
        found.into_iter().map(|(what, case)| format!("{what}, in {case}")).collect()
    }

    /// The row of a text: each function of its page that gives it, or any other.
    fn text_row(&self, text: &str, page: &Page) -> String {
        let head = format!("| {} | {} |", escaped(text), page.name);
        let mut own: Vec<String> = page.prototypes().into_iter().map(|(name, _)| name).collect();
        own.sort();
        let end = End::Said(text.to_owned());
        let shows = |name: &String| {
            let cases = self.cases(&head, name, &end);
            (!cases.is_empty()).then(|| format!("`{name}`: {}", cases.join(", ")))
        };
        let mut cells: Vec<String> = own.iter().filter_map(shows).collect();
        if cells.is_empty() {
            cells.extend(functions().iter().find_map(shows));
        }
        if let Some((_, why)) = UNTESTED.iter().find(|(start, _)| text.contains(start)) {
            assert!(cells.is_empty(), "{text} is seen after all");
            cells.push(format!("none: {why}"));
        }
        format!("{head} {} |", cells.join("; "))
    }
}

/// The texts of errors that pages tell of, each with its page.
fn texts(pages: &[Page]) -> Vec<(String, &Page)> {
    let of = |page| {
        let told = Page::section(page, "RETURN VALUES").filter_map(quoted);
        let told = told.chain(Page::section(page, "ERRORS").filter_map(error_text));
        told.map(|text| text.replace("\\\"", "\"")).collect::<BTreeSet<_>>()
    };
    pages.iter().flat_map(|page| of(page).into_iter().map(move |text| (text, page))).collect()
}

fn write(pages: &[Page]) {
    let source = Source { watched: Watched::all(), before: read("docs/functions.md") };
    assert!(source.watched.len() > 380, "run all cases first: cargo test --test capi");
    let mut untold = Vec::new();
    let mut out =
        HEAD.to_owned() + "| Function | Manual | Success | Failures |\n|---|---|---|---|\n";
    for name in functions() {
        let page =
            pages.iter().find(|page| page.prototypes().iter().any(|(found, _)| *found == name));
        let page = page.expect("each function has a page");
        out += &source.row(&name, page);
        out.push('\n');
        untold.extend(source.untold(&name, page));
    }
    out += "\n| Error | Manual | Seen by |\n|---|---|---|\n";
    for (text, page) in texts(pages) {
        out += &source.text_row(&text, page);
        out.push('\n');
    }
    fs::write(root().join("docs/functions.md"), out).expect("write the page");
    assert_eq!(untold, Vec::<String>::new(), "the manual does not say that these are returned");
}

/// What the page does not tell of although it should. A failure that the manual of a function tells of needs a case
/// beside those of null pointers.
fn missing(pages: &[Page]) -> Vec<String> {
    let claims = claims();
    let mut missing = Vec::new();
    for name in functions() {
        let name = name.as_str();
        let own = || claims.iter().filter(|claim| claim.function == name);
        if own().any(|claim| claim.came("success")) == ALWAYS_FAIL.contains(&name) {
            missing.push(format!("{name}: success"));
        }
        if own().any(|claim| claim.fails()) == NEVER_FAIL.contains(&name) {
            missing.push(format!("{name}: failure"));
        }
    }
    for (name, end) in pages.iter().flat_map(documented) {
        let shows = |claim: &Claim| claim.function == name && claim.came(&end);
        if !claims.iter().any(|claim| shows(claim) && claim.case.0 != "null") {
            missing.push(format!("{name}: {end}"));
        }
    }
    for (text, _) in texts(pages) {
        let seen = claims.iter().any(|claim| claim.end == End::Said(text.clone()));
        if seen == UNTESTED.iter().any(|(start, _)| text.contains(start)) {
            missing.push(text);
        }
    }
    missing
}

#[test]
fn functions_have_their_tests() {
    let mut pages = pages();
    pages.retain(|page| page.section.starts_with('3'));
    if std::env::var_os("PCAP_WRITE_ROWS").is_some() {
        write(&pages);
    }
    assert_eq!(missing(&pages), Vec::<String>::new(), "no case of docs/functions.md shows this");
}

#[test]
fn rows_say_what_cases_do() {
    let page = "| Function | Manual | Success | Failures |\n|---|---|---|---|\n\
        | `pcap_loop` | pcap_loop | offline: `a` | error: null: `b`; BREAK: read: `c`, read: `d` |\n\
        | `pcap_open` | pcap_open | not there yet | none |\n\
        \n| Error | Manual | Seen by |\n|---|---|---|\n\
        | a \\| b | pcap_inject | `pcap_inject`: send: `e` |\n| c | pcap_inject | none: for a reason |\n";
    let came = |end: &str, program: &str, case: &str| Claim {
        function: "pcap_loop".into(),
        end: End::Came(end.into()),
        case: Case(program.into(), case.into()),
    };
    let said = Claim {
        function: "pcap_inject".into(),
        end: End::Said("a | b".into()),
        case: Case("send".into(), "e".into()),
    };
    let wanted = [
        came("success", "offline", "a"),
        came("error", "null", "b"),
        came("PCAP_ERROR_BREAK", "read", "c"),
        came("PCAP_ERROR_BREAK", "read", "d"),
        said,
    ];
    assert_eq!(claims_of(page), wanted);
}
