//! docs/functions.md: which C test calls which function for success, which for each failure, and which sees
//! each error that the manual tells of.
//!
//! Generated from the sources of the tests, by statements: one that names a status, or `FAILS` or the like,
//! is there for that failure. A case also does what the functions of its program do that it calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use super::library::root;
use super::pages::{Page, pages, read};
use super::{constant_parts, error_text, functions};

/// Any failure that has no number of its own: also NULL.
const ERROR: &str = "PCAP_ERROR";

/// Functions of which 0 is that they found, or did, nothing, and one whose NULL is no failure.
const ZERO_IS_FAILURE: &[&str] =
    &["pcap_nametonetaddr", "pcap_nametoport", "pcap_nametoportrange", "pcap_sendqueue_transmit"];
const NULL_IS_SUCCESS: &[&str] = &["pcap_get_required_select_timeout"];

/// Cases in a cell, at most: those that do it themselves first.
const CASES: usize = 2;

/// What has no test in C, and why.
const UNTESTED: &[(&str, &str)] = &[
    ("no suitable device found", "\"any\" is always there"),
    ("socket for SIOCETHTOOL", "wants a process that is out of descriptors at that very call"),
];

/// Statuses that a page tells of and no test wants, and why.
const UNTESTED_STATUSES: &[(&str, &str, &str)] = &[
    ("pcap_set_rfmon", "PCAP_ERROR_RFMON_NOTSUP", "is pcap_activate()'s"),
    ("pcap_set_rfmon", "PCAP_ERROR_NO_SUCH_DEVICE", "never here: no device has monitor mode"),
    ("pcap_set_rfmon", "PCAP_ERROR_PERM_DENIED", "never here: no device has monitor mode"),
];

/// Functions that nothing makes fail: they return nothing, or something whatever they are given.
const NEVER_FAIL: &[&str] = &[
    "bpf_dump",
    "bpf_filter",
    "bpf_image",
    "pcap_breakloop",
    "pcap_close",
    "pcap_create",
    "pcap_datalink_val_to_description_or_dlt",
    "pcap_dump",
    "pcap_dump_close",
    "pcap_free_datalinks",
    "pcap_free_tstamp_types",
    "pcap_freealldevs",
    "pcap_freecode",
    "pcap_geterr",
    "pcap_lib_version",
    "pcap_offline_filter",
    "pcap_open_dead",
    "pcap_open_dead_with_tstamp_precision",
    "pcap_perror",
    "pcap_remoteact_cleanup",
    "pcap_sendqueue_destroy",
    "pcap_statustostr",
    "pcap_strerror",
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

/// A function of a C program: a case, or what cases call; or a macro or table that they use.
struct Body {
    name: String,
    is_case: bool,
    text: String,
}

/// The functions of a source: what stands between a line `{` and a line `}`, and the name before that.
fn bodies(source: &str) -> Vec<Body> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some((head, tail)) = rest.split_once("\n{\n") {
        let (text, tail) = tail.split_once("\n}").unwrap_or((tail, ""));
        let signature = head.rsplit(['}', ';', '\n', '/']).find(|line| line.contains('('));
        let (before, after) = signature.unwrap_or_default().split_once('(').unwrap_or_default();
        let is_case = before == "CASE";
        let name = if is_case { after.split(')').next() } else { before.rsplit([' ', '*']).next() };
        let name = name.unwrap_or_default().to_owned();
        found.push(Body { name, is_case, text: text.to_owned() });
        rest = tail;
    }
    found.extend(tables(source));
    found
}

/// The tables of a source, which begin with `NAME[] = {` and end with a line `};`, and its macros.
fn tables(source: &str) -> Vec<Body> {
    let mut found = Vec::new();
    for (head, tail) in source.match_indices("[] = {\n").map(|(at, _)| source.split_at(at)) {
        let name = head.rsplit([' ', '*']).next().unwrap_or_default().to_owned();
        let text = tail.split("\n};").next().unwrap_or_default().to_owned();
        found.push(Body { name, is_case: false, text });
    }
    let joined = source.replace("\\\n", " ");
    for definition in joined.lines().filter_map(|line| line.strip_prefix("#define ")) {
        if let Some((name, text)) = definition.split_once('(') {
            found.push(Body { name: name.to_owned(), is_case: false, text: text.to_owned() });
        }
    }
    found
}

/// C without what stands between quotes.
fn without_strings(text: &str) -> String {
    text.replace("\\\"", "").split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether text has this name in it as a word.
fn mentions(text: &str, name: &str) -> bool {
    text.split(|c| !is_word(c)).any(|word| word == name)
}

/// Whether text calls a function of this name.
fn calls(text: &str, name: &str) -> bool {
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(is_word) && text[at + name.len()..].starts_with('('))
}

/// What a statement wants of the calls in it: "" is success; `None` that they only return.
fn wanted(statement: &str) -> Option<Vec<String>> {
    let words = statement.split(|c| !is_word(c));
    let is_status =
        |word: &&str| word.starts_with("PCAP_ERROR") || word.starts_with("PCAP_WARNING");
    let mut statuses: Vec<String> = words.filter(is_status).map(str::to_owned).collect();
    if statement.contains("-13") {
        // Headers before libpcap 1.11 have no name for it.
        statuses.push("PCAP_ERROR_CAPTURE_NOTSUP".to_owned());
    }
    let checks = ["CHECK", "HOLDS"].iter().any(|check| statement.trim_start().starts_with(check));
    let fails = ["FAILS(", "IS_NULL("].iter().any(|check| statement.contains(check))
        || checks && ["== NULL", "< 0", ", -1)"].iter().any(|sign| statement.contains(sign));
    if !statuses.is_empty() {
        Some(statuses)
    } else if fails {
        Some(vec![ERROR.to_owned()])
    } else if statement.contains("RETURNS(") {
        None
    } else {
        Some(vec![String::new()])
    }
}

/// What a statement wants, and the text of the helpers and macros in it: what those do, they do for the
/// status that they are handed, and a macro may have its own.
fn outcomes(statement: &str, used: &[&Body]) -> (Vec<String>, String) {
    let mut helpers = String::new();
    let mut macros = String::new();
    for body in used.iter().filter(|body| !body.is_case && calls(statement, &body.name)) {
        helpers += &body.text;
        if !body.name.contains(char::is_lowercase) {
            macros += &body.text;
        }
    }
    let outcomes = match wanted(statement) {
        Some(own) if own[0].is_empty() && macros.contains("PCAP_") => wanted(&macros),
        own => own,
    };
    (outcomes.unwrap_or_default(), helpers)
}

/// What a statement wants of this function.
fn adjusted(name: &str, statement: &str, outcomes: &[String]) -> Vec<String> {
    let zero = statement.trim_end().ends_with(", 0)") || statement.contains("== 0");
    if NULL_IS_SUCCESS.contains(&name) && !statement.contains("(NULL)") {
        vec![String::new()]
    } else if ZERO_IS_FAILURE.contains(&name) && zero {
        vec![ERROR.to_owned()]
    } else {
        outcomes.to_vec()
    }
}

/// What is done where: by what it is, the cases that do it, each with whether another function does it for it.
type Found = BTreeMap<String, BTreeSet<(bool, String)>>;

/// For each function and outcome, and for each error text, the cases.
#[derive(Default)]
struct Tests {
    by_function: BTreeMap<String, Found>,
    by_text: Found,
}

/// A case, and all that it uses, directly or not: itself first.
fn used_by<'a>(case: &'a Body, known: &[&'a Body]) -> Vec<&'a Body> {
    let mut used = vec![case];
    let mut next = 0;
    while let Some(body) = used.get(next).copied() {
        for other in known.iter().filter(|other| !other.is_case) {
            if mentions(&body.text, &other.name) && !used.iter().any(|u| std::ptr::eq(*u, *other)) {
                used.push(other);
            }
        }
        next += 1;
    }
    used
}

impl Tests {
    /// Goes through every case of every program.
    fn search(names: &BTreeSet<String>, texts: &[String]) -> Self {
        let mut tests = Self::default();
        let shared = bodies(&read("capi-tests/net.h"));
        let mut files: Vec<_> = fs::read_dir(root().join("capi-tests"))
            .expect("capi-tests/")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|e| e == "c" || e == "cc"))
            .collect();
        files.sort();
        for file in files {
            let program = file.file_stem().expect("a name").to_string_lossy().into_owned();
            let own = bodies(&read(&file));
            let known: Vec<&Body> = own.iter().chain(&shared).collect();
            for case in own.iter().filter(|body| body.is_case) {
                let used = used_by(case, &known);
                for (depth, body) in used.iter().enumerate() {
                    let entry = (depth > 0, format!("{program}: `{}`", case.name));
                    tests.note(body, &used, &entry, names);
                    // A string may go on in the next line.
                    let lines = body.text.lines().map(str::trim).collect::<String>();
                    let joined = lines.replace("\"\"", "");
                    for text in texts {
                        if constant_parts(text).iter().all(|part| joined.contains(part)) {
                            tests.by_text.entry(text.clone()).or_default().insert(entry.clone());
                        }
                    }
                }
            }
        }
        tests
    }

    /// Notes the functions that the statements of a body call, and for what.
    fn note(
        &mut self,
        body: &Body,
        used: &[&Body],
        entry: &(bool, String),
        names: &BTreeSet<String>,
    ) {
        for statement in without_strings(&body.text).split(';') {
            let (outcomes, helpers) = outcomes(statement, used);
            let for_a_status = outcomes.iter().any(|outcome| outcome.len() > ERROR.len());
            let in_it =
                |name: &&String| calls(statement, name) || for_a_status && calls(&helpers, name);
            for name in names.iter().filter(in_it) {
                let found = self.by_function.entry(name.clone()).or_default();
                for outcome in adjusted(name, statement, &outcomes) {
                    found.entry(outcome).or_default().insert(entry.clone());
                }
            }
        }
    }
}

/// A status as the table has it.
fn short(outcome: &str) -> &str {
    if outcome == ERROR {
        "error:"
    } else {
        outcome.trim_start_matches("PCAP_").trim_start_matches("ERROR_")
    }
}

fn cell(cases: &BTreeSet<(bool, String)>) -> String {
    let names: Vec<&str> = cases.iter().map(|(_, name)| name.as_str()).collect();
    let mut unique: Vec<&str> = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique.truncate(CASES);
    unique.join(", ")
}

/// The statuses that a page tells of.
fn documented(page: &Page) -> BTreeSet<String> {
    let lines = page.section("RETURN VALUES").chain(page.section("ERRORS"));
    let words = lines.flat_map(|line| line.split(|c| !is_word(c)));
    words
        .filter(|w| w.starts_with("PCAP_ERROR") || w.starts_with("PCAP_WARNING"))
        .map(str::to_owned)
        .collect()
}

/// docs/functions.md as it must be, and what is not tested although it should be.
fn table() -> (String, Vec<String>) {
    let pages: Vec<Page> =
        pages().into_iter().filter(|page| page.section.starts_with('3')).collect();
    let texts: Vec<(String, String)> = pages
        .iter()
        .flat_map(|page| {
            let texts = page.section("ERRORS").filter_map(error_text).collect::<BTreeSet<_>>();
            texts.into_iter().map(|text| (page.name.clone(), text))
        })
        .collect();
    let only_texts: Vec<String> = texts.iter().map(|(_, text)| text.clone()).collect();
    let names = functions();
    let Tests { by_function, by_text } = Tests::search(&names, &only_texts);
    let nothing = Found::new();
    let mut faults = Vec::new();
    let mut out = String::from(
        "# Functions and their tests\n\n\
         Which case of `capi-tests/` calls which function for success, which for which failure; and which sees\n\
         the errors that the manual tells of. At most two of each are named. Generated from the sources:\n\
         `PCAP_WRITE_ROWS=1 cargo test --test man functions` writes this page, and `make test` compares it.\n\n\
         | Function | Manual | Success | Failures |\n|---|---|---|---|\n",
    );
    for name in &names {
        let page =
            pages.iter().find(|page| page.prototypes().iter().any(|(found, _)| found == name));
        let page = page.expect("each function has a page");
        let found = by_function.get(name).unwrap_or(&nothing);
        let success = match found.get("") {
            None if ALWAYS_FAIL.contains(&name.as_str()) => "not there yet".to_owned(),
            Some(cases) if !ALWAYS_FAIL.contains(&name.as_str()) => cell(cases),
            Some(_) => {
                faults.push(format!("{name} works after all"));
                "-".to_owned()
            }
            None => {
                faults.push(format!("{name} is not called for success"));
                "-".to_owned()
            }
        };
        let told = documented(page);
        let failures: Vec<String> = found
            .iter()
            .filter(|(outcome, _)| told.contains(*outcome) || *outcome == ERROR)
            .map(|(outcome, cases)| format!("{} {}", short(outcome), cell(cases)))
            .collect();
        let mut failures = failures.join("; ");
        if NEVER_FAIL.contains(&name.as_str()) {
            failures = "none".to_owned();
        } else if failures.is_empty() {
            faults.push(format!("{name} is not called for failure"));
        }
        let _ = writeln!(out, "| `{name}` | {} | {success} | {failures} |", page.name);
    }
    for page in &pages {
        let functions = page.prototypes();
        for status in documented(page) {
            let seen = |name: &String| {
                by_function.get(name).is_some_and(|found| found.contains_key(&status))
            };
            // pcap(3PCAP) is the overview: it tells of all statuses, and declares no function.
            let tested = functions.is_empty() || functions.iter().any(|(name, _)| seen(name));
            let excused = UNTESTED_STATUSES.iter().any(|(p, s, _)| *p == page.name && *s == status);
            if tested == excused {
                let how = if tested { "is tested after all" } else { "is not tested" };
                faults.push(format!("{}: {status} {how}", page.name));
            }
        }
    }
    out += "\n| Status that no test wants | Manual | Why |\n|---|---|---|\n";
    for (page, status, why) in UNTESTED_STATUSES {
        let _ = writeln!(out, "| {status} | {page} | {why} |");
    }
    out += "\n| Error | Manual | Seen by |\n|---|---|---|\n";
    for (page, text) in texts {
        let untested = UNTESTED.iter().find(|(start, _)| text.contains(start));
        let seen = match (by_text.get(&text), untested) {
            (Some(cases), _) => cell(cases),
            (None, Some((_, why))) => format!("none: {why}"),
            (None, None) => {
                faults.push(format!("{page}: no test sees {text:?}"));
                "-".to_owned()
            }
        };
        let _ = writeln!(
            out,
            "| {} | {page} | {seen} |",
            text.replace("\\\"", "\"").replace('|', "\\|")
        );
    }
    (out, faults)
}

#[test]
fn functions_have_their_tests() {
    let (wanted, faults) = table();
    assert_eq!(faults, Vec::<String>::new());
    let path = root().join("docs/functions.md");
    if std::env::var_os("PCAP_WRITE_ROWS").is_some() {
        fs::write(path, wanted).expect("write the page");
    } else {
        let is = fs::read_to_string(path).unwrap_or_default();
        let other: Vec<_> =
            is.lines().zip(wanted.lines()).filter(|(a, b)| a != b).take(5).collect();
        assert!(is == wanted, "to write it anew, run this with PCAP_WRITE_ROWS=1: {other:?}");
    }
}

#[test]
fn statements_are_told_apart() {
    let outcome = |text: &str| wanted(text).map(|all| all.join(" "));
    assert_eq!(
        outcome("CHECK_INT(pcap_loop(p), PCAP_ERROR_BREAK)"),
        Some("PCAP_ERROR_BREAK".into())
    );
    assert_eq!(outcome("\n CHECK(pcap_create(d, e) == NULL, \"x\")"), Some(ERROR.into()));
    assert_eq!(outcome("FAILS(pcap_loop(NULL))"), Some(ERROR.into()));
    assert_eq!(outcome("CHECK_INT(pcap_loop(p), 0)"), Some(String::new()));
    assert_eq!(outcome("RETURNS(pcap_next(NULL))"), None);
    assert!(calls("x = pcap_next(p)", "pcap_next") && !calls("pcap_next_ex(p)", "pcap_next"));
    assert!(!calls("my_pcap_next(p)", "pcap_next"));
    assert_eq!(without_strings("a(\"b(\\\"); c\", 1)"), "a(\"\", 1)");
    let found = bodies("static void a(int b)\n{\n    one;\n}\n\nCASE(two)\n{\n    a(1);\n}\n");
    let found: Vec<_> = found.iter().map(|body| (body.name.as_str(), body.is_case)).collect();
    assert_eq!(found, [("a", false), ("two", true)]);
}
