//! What the cases of capi-tests/ do: the wrappers that note it down (capi-tests/watch.h), the notes, and what
//! docs/functions.md says of them.

#![allow(dead_code, reason = "shared by two test crates, neither of which uses all of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::pages::{Page, constant_parts, pages, read};

/// What fits into the notes of a case: functions, texts, and the bytes of a text.
const FUNCTIONS: usize = 256;
const TEXTS: usize = 512;
const TEXT: usize = 188;
/// Where the texts are, each behind a number of 4 bytes: behind what was returned and their number.
const FIRST_TEXT: usize = FUNCTIONS * 8 + 4;
/// The bytes of a `struct watch`.
const NOTES: usize = (FIRST_TEXT + TEXTS * (4 + TEXT)).next_multiple_of(8);

/// Functions of which 0 is that they found, or did, nothing, or say no.
const ZERO_IS_FAILURE: &[&str] = &[
    "bpf_validate",
    "pcap_nametonetaddr",
    "pcap_nametoport",
    "pcap_nametoportrange",
    "pcap_sendqueue_transmit",
];

/// Functions whose numbers above 0 may be warnings.
const WARN: &[&str] = &["pcap_activate", "pcap_activate_group_linux", "pcap_set_tstamp_type"];

/// Functions that nothing makes fail: they return nothing, or something whatever they are given.
pub const NEVER_FAIL: &[&str] = &[
    "bpf_dump",
    "bpf_filter",
    "bpf_image",
    "pcap_breakloop",
    "pcap_close",
    "pcap_datalink_val_to_description_or_dlt",
    "pcap_dump",
    "pcap_dump_close",
    "pcap_free_datalinks",
    "pcap_free_tstamp_types",
    "pcap_freealldevs",
    "pcap_freecode",
    "pcap_get_required_select_timeout",
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

/// capi-tests/exports.txt without its two variables.
pub fn functions() -> BTreeSet<String> {
    let all = read("capi-tests/exports.txt");
    let names = all.lines().filter(|name| !["eproto_db", "pcap_version"].contains(name));
    names.map(str::to_owned).collect()
}

/// The header that a program is compiled with before anything else of it: each function by its name calls a wrapper.
/// Its address is still its own.
pub fn header() -> String {
    let mut header = format!(
        "#define WATCH_FUNCTIONS {FUNCTIONS}\n#define WATCH_TEXTS {TEXTS}\n#define WATCH_TEXT {TEXT}\n\
         #include \"watch.h\"\nstatic_assert(sizeof(struct watch) == {NOTES}, \"as it is read\");\n\
         #pragma GCC diagnostic push\n\
         #pragma GCC diagnostic ignored \"-Wdeprecated-declarations\"\n",
    );
    let prototypes: BTreeMap<_, _> = pages().iter().flat_map(Page::prototypes).collect();
    let names = functions();
    assert!(names.len() <= FUNCTIONS);
    for (number, name) in names.iter().enumerate() {
        header += &wrapper(number, name, &prototypes[name]);
    }
    header += "#pragma GCC diagnostic pop\n";
    for name in names {
        let _ = writeln!(header, "#define {name}(...) watched_{name}(__VA_ARGS__)");
    }
    header
}

fn wrapper(number: usize, name: &str, prototype: &str) -> String {
    let (returned, parameters) = prototype.split_once(&format!(" {name}(")).expect("a prototype");
    let parameters = parameters.trim_end_matches(");");
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let last_word = |text: &str| text[text.trim_end_matches(is_word).len()..].to_owned();
    let arguments: Vec<String> =
        parameters.split(", ").filter(|one| *one != "void").map(last_word).collect();
    let call = format!("{name}({})", arguments.join(", "));
    let head = format!("WATCHED {returned} watched_{name}({parameters})\n{{\n");
    if returned == "void" {
        return format!("{head}    {call};\n    watch_returned({number}, 0);\n}}\n");
    }
    let pointer = returned.ends_with('*');
    let value = if pointer { "result != NULL" } else { "(long long)result" };
    let mut body = format!("    {returned} result = {call};\n");
    let _ = writeln!(body, "    watch_returned({number}, {value});");
    if name == "pcap_geterr" {
        body += "    watch_text(watch_last, result);\n";
    } else if parameters.starts_with("pcap_t *") {
        // Who succeeds leaves the handle's text as it was; a warning and a part of a queue have one.
        let texts = match name {
            "pcap_sendqueue_transmit" => "1",
            _ if pointer => "result == NULL",
            _ if WARN.contains(&name) => "result != 0",
            _ => "result < 0",
        };
        let _ = writeln!(body, "    if ({texts})\n        watch_last = {number};");
    }
    // A text that is given without a handle. It is not looked at unless there must be one.
    if arguments.last().is_some_and(|last| last == "errbuf") {
        let failed = if pointer { "result == NULL" } else { "result < 0" };
        let _ = writeln!(body, "    if ({failed})\n        watch_text({number}, errbuf);");
    }
    format!("{head}{body}    return result;\n}}\n")
}

/// Where the notes of a case are.
fn notes(program: &str, case: &str) -> PathBuf {
    notes_dir().join(format!("{program}.{case}"))
}

fn notes_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("watched")
}

/// What a case did.
pub struct Watched {
    /// By function: a bit for each number.
    returned: BTreeMap<String, u64>,
    /// Functions and what they said.
    texts: BTreeSet<(String, String)>,
}

impl Watched {
    /// An empty file for what a case is going to do.
    pub fn begin(program: &str, case: &str) -> PathBuf {
        fs::create_dir_all(notes_dir()).expect("make the directory");
        let path = notes(program, case);
        // Not the same file once more: someone may have it mapped still.
        Self::forget(program, case);
        let file = File::create(&path).and_then(|file| file.set_len(NOTES as u64));
        file.expect("make a file for what the case does");
        path
    }

    /// Takes the notes of a case away, for what they say nothing of: it did not run to its end, or is no more.
    pub fn forget(program: &str, case: &str) {
        let _ = fs::remove_file(notes(program, case));
    }

    /// What a case did when it was last run; `None` if it was not.
    pub fn of(program: &str, case: &str) -> Option<Self> {
        let bytes = fs::read(notes(program, case)).ok()?;
        let names: Vec<String> = functions().into_iter().collect();
        let (words, _) = bytes[..FUNCTIONS * 8].as_chunks();
        let words = words.iter().map(|bytes| u64::from_ne_bytes(*bytes));
        let returned = names.iter().cloned().zip(words).filter(|(_, bits)| *bits != 0).collect();
        let mut texts = BTreeSet::new();
        for entry in bytes[FIRST_TEXT..].chunks_exact(4 + TEXT) {
            let number = i32::from_ne_bytes(entry[..4].try_into().expect("4 bytes"));
            let text = entry[4..].split(|byte| *byte == 0).next().unwrap_or_default();
            if !text.is_empty() {
                let name = &names[usize::try_from(number).expect("a function")];
                texts.insert((name.clone(), String::from_utf8_lossy(text).into_owned()));
            }
        }
        Some(Self { returned, texts })
    }

    /// The cases of which there are notes.
    pub fn cases() -> Vec<Case> {
        let names = fs::read_dir(notes_dir()).into_iter().flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let cases = names.filter_map(|name| {
            let (program, case) = name.split_once('.')?;
            Some(Case(program.to_owned(), case.to_owned()))
        });
        cases.collect()
    }

    /// What every case did that was run.
    pub fn all() -> BTreeMap<Case, Self> {
        let did = |case: Case| Some((case.clone(), Self::of(&case.0, &case.1)?));
        Self::cases().into_iter().filter_map(did).collect()
    }

    /// In how many ways functions returned: what shows less is more to the point.
    pub fn size(&self) -> u32 {
        self.returned.values().map(|bits| bits.count_ones()).sum()
    }

    /// Whether a function came to this end: "success", "error" for any failure that has no number of its own, or the
    /// name of a status.
    pub fn came_to(&self, function: &str, end: &str) -> bool {
        let bits = self.returned.get(function).copied().unwrap_or_default();
        bits & ends(function, end) != 0
    }

    /// Whether a function gave a text that has these parts.
    pub fn said(&self, function: &str, parts: &[String]) -> bool {
        let fits = |text: &str| parts.iter().all(|part| text.contains(part.as_str()));
        self.texts.iter().any(|(name, text)| name == function && fits(text))
    }
}

fn bit(number: i32) -> u64 {
    1 << (number + 32)
}

/// The bits of the numbers by which a function tells of this end.
fn ends(function: &str, end: &str) -> u64 {
    let from = |least: i32| u64::MAX << (least + 32);
    match end {
        "success" if NEVER_FAIL.contains(&function) => u64::MAX,
        "success" if WARN.contains(&function) => bit(0),
        "success" if zero_is_failure(function) => from(1),
        "success" => from(0),
        "error" if NEVER_FAIL.contains(&function) => 0,
        "error" if zero_is_failure(function) => bit(0),
        "error" => bit(-1),
        status => bit(statuses()[status]),
    }
}

fn zero_is_failure(function: &str) -> bool {
    ZERO_IS_FAILURE.contains(&function) || returns_pointer(function)
}

/// Whether a function returns a pointer.
pub fn returns_pointer(function: &str) -> bool {
    static POINTERS: std::sync::OnceLock<BTreeSet<String>> = std::sync::OnceLock::new();
    let pointers = POINTERS.get_or_init(|| {
        let prototypes: Vec<_> = pages().iter().flat_map(Page::prototypes).collect();
        let of = |(name, prototype): (String, String)| {
            prototype.contains(&format!("* {name}(")).then_some(name)
        };
        prototypes.into_iter().filter_map(of).collect()
    });
    pointers.contains(function)
}

/// Errors and warnings, by name.
pub fn statuses() -> &'static BTreeMap<String, i32> {
    static STATUSES: std::sync::OnceLock<BTreeMap<String, i32>> = std::sync::OnceLock::new();
    STATUSES.get_or_init(|| {
        let header = read("include/pcap/pcap.h");
        let lines = header.lines().filter_map(|line| line.strip_prefix("#define "));
        let pairs = lines.filter_map(|line| {
            let (name, value) = line.split_once(' ')?;
            let value = value.split_whitespace().next()?.parse().ok()?;
            let is = name.starts_with("PCAP_ERROR") || name.starts_with("PCAP_WARNING");
            is.then(|| (name.to_owned(), value))
        });
        pairs.collect()
    })
}

/// A program and one of its cases.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case(pub String, pub String);

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: `{}`", self.0, self.1)
    }
}

/// What docs/functions.md says of a case: that a function came to an end, or gave a text.
#[derive(Debug, PartialEq)]
pub struct Claim {
    pub function: String,
    pub end: End,
    pub case: Case,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// "success", "error", or a status.
    Came(String),
    /// A text of the manual.
    Said(String),
}

impl Claim {
    /// Whether it says that a function came to this end.
    pub fn came(&self, end: &str) -> bool {
        self.end == End::Came(end.to_owned())
    }

    pub fn fails(&self) -> bool {
        matches!(&self.end, End::Came(end) if end != "success")
    }

    pub fn holds(&self, watched: &Watched) -> bool {
        watched.shows(&self.function, &self.end)
    }
}

impl Watched {
    pub fn shows(&self, function: &str, end: &End) -> bool {
        match end {
            End::Came(end) => self.came_to(function, end),
            End::Said(text) => self.said(function, &constant_parts(text)),
        }
    }
}

/// A status as the table has it.
pub fn short(status: &str) -> &str {
    let status = status.trim_start_matches("PCAP_");
    status.trim_start_matches("ERROR_")
}

fn long(short_name: &str) -> String {
    let known = statuses().keys().find(|name| short(name) == short_name);
    known.cloned().unwrap_or_else(|| short_name.to_owned())
}

/// Everything that docs/functions.md says of cases.
pub fn claims() -> Vec<Claim> {
    claims_of(&read("docs/functions.md"))
}

pub fn claims_of(page: &str) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut errors = false;
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches(['|', ' ']).split(" | ").collect();
        let Some((first, last)) = cells.first().zip(cells.last()) else { continue };
        errors = *first == "Error" || errors;
        if let Some(text) = errors.then(|| unescaped(first)) {
            let each = cases(last).into_iter();
            claims.extend(each.map(|(function, case)| Claim {
                function,
                end: End::Said(text.clone()),
                case,
            }));
        } else if let [function, _, success, failures] = cells[..] {
            let success = format!("success: {success}");
            let each = cases(&success).into_iter().chain(cases(failures));
            let function = function.trim_matches('`');
            claims.extend(each.map(|(end, case)| Claim {
                function: function.to_owned(),
                end: End::Came(long(&end)),
                case,
            }));
        }
    }
    claims
}

/// What a cell says, `WHAT: CASE, CASE; WHAT: CASE`.
fn cases(cell: &str) -> Vec<(String, Case)> {
    let mut found = Vec::new();
    for part in cell.split("; ") {
        let Some((what, cases)) = part.split_once(": ") else { continue };
        for (program, case) in cases.split(", ").filter_map(|case| case.split_once(": `")) {
            let case = Case(program.to_owned(), case.trim_end_matches('`').to_owned());
            found.push((what.trim_matches('`').to_owned(), case));
        }
    }
    found
}

/// A text of the manual in a table of Markdown, and back.
pub fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn unescaped(text: &str) -> String {
    text.replace("\\|", "|")
}
