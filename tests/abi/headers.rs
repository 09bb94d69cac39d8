//! The headers: usable in company, and the same in every name, value, declaration and type as those
//! of the libpcap that the distribution has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::declared::declared;
use super::library::{attempt, cc, root, run, scratch};

const STRICT: [&str; 4] = ["-pedantic", "-Wall", "-Wextra", "-Werror"];

/// What may differ from the distribution's headers, and why.
const DIFFERENCES: [(&str, &str); 2] =
    [("DLT_MATCHING_MAX", "link types are added"), ("SOCKET", "PCAP_SOCKET since libpcap 1.10.5")];

/// Macros that expand to something other than a value: compared by name alone.
const NOT_VALUES: [&str; 6] = [
    "PCAP_API",
    "PCAP_NORETURN",
    "PCAP_NORETURN_DEF",
    "PCAP_SOCKET",
    "SOCKET",
    "PCAP_WARN_UNUSED_RESULT",
];

/// Families of function-like macros that are expressions.
const EXPRESSIONS: [&str; 4] = ["BPF_", "DLT_", "LT_", "PCAP_IS_AT_LEAST_"];

pub fn names(include: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for dir in ["", "pcap/"] {
        for entry in fs::read_dir(include.join(dir)).expect("headers") {
            let name = entry.expect("entry").file_name().into_string().expect("ASCII");
            if name.ends_with(".h") && (name.starts_with("pcap") || !dir.is_empty()) {
                names.push(format!("{dir}{name}"));
            }
        }
    }
    // libpcap 1.10's pcap/namedb.h needs pcap.h in front of it.
    names.sort_by_key(|name| (name != "pcap.h", name.clone()));
    names
}

pub fn include_all(include: &Path) -> String {
    names(include).iter().map(|name| format!("#include <{name}>\n")).collect()
}

#[test]
fn in_company() {
    let dir = scratch("company");
    let (gnu, strict): (&[_], &[_]) = (&["-std=gnu11", "-std=c11"], &["-std=c11"]);
    let texts = [
        (gnu, "#include <linux/filter.h>\n#include <pcap.h>\n"),
        (gnu, "#include <pcap.h>\n#include <linux/filter.h>\n"),
        (gnu, "#include <linux/if_packet.h>\n#include <net/if_arp.h>\n#include <pcap.h>\n"),
        (gnu, "#define PCAP_DONT_INCLUDE_PCAP_BPF_H\n#include <pcap.h>\nbpf_u_int32 value;\n"),
        (gnu, "#define pcap_EXPORTS\n#include <pcap.h>\n"),
        // What programs do who know that a strict glibc has no such types.
        (strict, "#define u_int unsigned int\n#define u_char unsigned char\n#include <pcap.h>\n"),
    ];
    for (number, (standards, text)) in texts.iter().enumerate() {
        let source = dir.join(format!("{number}.c"));
        fs::write(&source, text).expect("write");
        for standard in *standards {
            run(cc().args(STRICT).args([standard, "-fsyntax-only"]).arg(&source));
        }
    }
}

/// The text that comes out of the preprocessor for all headers in `include`, without the lines
/// that system headers contributed.
pub fn preprocessed(include: &Path, option: &str) -> String {
    let source = scratch_file("all.c", &include_all(include));
    let mut own = false;
    let mut kept = String::new();
    let text = run(Command::new("cc")
        .args(["-E", "-std=gnu11", option])
        .arg("-I")
        .arg(include)
        .arg(source));
    for line in text.lines() {
        // A line marker: # 12 "/usr/include/pcap.h" 1
        if let Some(marker) = line.strip_prefix("# ") {
            let file = marker.split('"').nth(1).unwrap_or_default();
            own = Path::new(file).starts_with(include);
        } else if own {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// A file of its own for every caller: the tests run side by side.
fn scratch_file(name: &str, text: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let file = scratch(&format!("headers-{number}")).join(name);
    fs::write(&file, text).expect("write");
    file
}

/// Every macro that the headers leave defined: its parameters, if it is function-like, and whether
/// it expands to anything.
fn macros(include: &Path) -> BTreeMap<String, (Option<usize>, bool)> {
    let mut macros = BTreeMap::new();
    for line in preprocessed(include, "-dD").lines() {
        if let Some(name) = line.strip_prefix("#undef ") {
            macros.remove(name.trim());
        } else if let Some(definition) = line.strip_prefix("#define ") {
            let (head, body) = definition.split_once([' ', '\t']).unwrap_or((definition, ""));
            let (name, parameters) = match definition.split_once('(') {
                Some((name, rest)) if !name.contains([' ', '\t']) => {
                    let list = rest.split(')').next().unwrap_or_default();
                    (name, Some(list.split(',').count()))
                }
                _ => (head, None),
            };
            macros.insert(name.to_owned(), (parameters, !body.trim().is_empty()));
        }
    }
    macros
}

/// The C expressions that show a macro's value.
fn expressions(name: &str, parameters: Option<usize>, expands: bool) -> Vec<String> {
    let is_expression = EXPRESSIONS.iter().any(|family| name.starts_with(family));
    match (name, parameters) {
        ("BPF_STMT", _) => ["code", "jt", "jf", "k"]
            .map(|field| format!("((struct bpf_insn)BPF_STMT(BPF_RET | BPF_K, 7)).{field}"))
            .to_vec(),
        ("BPF_JUMP", _) => ["code", "jt", "jf", "k"]
            .map(|field| format!("((struct bpf_insn)BPF_JUMP(BPF_JMP | BPF_JA, 7, 2, 1)).{field}"))
            .to_vec(),
        (_, None) if expands && !NOT_VALUES.contains(&name) => vec![name.to_owned()],
        (_, Some(1)) if is_expression => ["0u", "1u", "0x12345678u", "0x022400ABu", "0xFFFFFFFFu"]
            .map(|argument| format!("{name}({argument})"))
            .to_vec(),
        (_, Some(2)) if is_expression => {
            ["3, 4", "99, 0"].map(|arguments| format!("{name}({arguments})")).to_vec()
        }
        _ => Vec::new(),
    }
}

/// Macros that are a value, and calls of those that make one: the macro, and the C expression.
pub fn shown(include: &Path) -> Vec<(String, String)> {
    let mut shown = Vec::new();
    for (name, (parameters, expands)) in macros(include) {
        let all = expressions(&name, parameters, expands).into_iter();
        shown.extend(all.map(|expression| (name.clone(), expression)));
    }
    shown
}

/// Every name in the headers with its value, as a C program prints them; names without a value
/// stand there with an empty one.
fn values(include: &Path) -> BTreeMap<String, String> {
    let macros = macros(include);
    assert!(macros.len() > 300, "only {} macros in {}", macros.len(), include.display());
    let mut program = include_all(include);
    program.push_str(
        "static void number(const char *name, long long v) { printf(\"%s\\t%lld\\n\", name, v); }\n\
         static void text(const char *name, const char *v) { printf(\"%s\\t%s\\n\", name, v); }\n\
         #define SHOW(name, v) _Generic((v), char *: text, default: number)(name, v)\n\
         int main(void) {\n",
    );
    for enumerator in ["PCAP_D_INOUT", "PCAP_D_IN", "PCAP_D_OUT"] {
        writeln!(program, "SHOW(\"{enumerator}\", {enumerator});").expect("write");
    }
    let mut values = BTreeMap::new();
    for (name, (parameters, expands)) in &macros {
        values.insert(name.clone(), String::new());
        for expression in expressions(name, *parameters, *expands) {
            writeln!(program, "SHOW(\"{expression}\", {expression});").expect("write");
        }
    }
    program.push_str("return 0; }\n");
    let source = scratch_file("values.c", &program);
    let executable = source.with_extension("");
    run(Command::new("cc")
        .args(["-std=gnu11", "-w", "-o"])
        .args([&executable, &source])
        .arg("-I")
        .arg(include));
    for line in run(&mut Command::new(executable)).lines() {
        let (name, value) = line.split_once('\t').expect("name and value");
        values.insert(name.to_owned(), value.to_owned());
    }
    values
}

/// What `include` lacks of `model`, or has with another value.
fn differences(model: &Path, include: &Path) -> Vec<String> {
    let ours = values(include);
    values(model)
        .into_iter()
        .filter(|(name, value)| ours.get(name) != Some(value))
        .map(|(name, _)| name)
        .collect()
}

/// A copy of the libpcap headers in `from`, which no other directory of the compiler's can shadow.
pub fn copied(from: &Path, name: &str) -> PathBuf {
    let to = scratch(name);
    fs::create_dir(to.join("pcap")).expect("make a directory");
    for header in names(from) {
        // /usr/include may hold other projects' headers.
        if header.starts_with("pcap/") || root().join("include").join(&header).exists() {
            fs::copy(from.join(&header), to.join(&header)).expect("copy");
        }
    }
    to
}

/// The distribution's headers, if it has any.
pub fn distribution() -> Option<PathBuf> {
    Path::new("/usr/include/pcap/pcap.h").exists().then(|| PathBuf::from("/usr/include"))
}

#[test]
fn nothing_is_missing_or_different() {
    let ours = root().join("include");
    let model = match distribution() {
        Some(dir) => copied(&dir, "model"),
        None => ours.clone(),
    };
    let mut found = differences(&model, &ours);
    found.retain(|name| DIFFERENCES.iter().all(|(allowed, _)| name != allowed));
    assert!(found.is_empty(), "missing or different: {found:?}");
}

#[test]
fn a_difference_is_found() {
    let ours = root().join("include");
    let spoilt = copied(&ours, "spoilt");
    for (header, from, to) in [
        ("pcap/dlt.h", "#define DLT_IEEE802_11 105", "#define DLT_IEEE802_11 106"),
        ("pcap/pcap.h", "#define PCAP_SRC_IF_STRING", "#define PCAP_SRC_OTHER"),
        ("pcap/pcap.h", "PCAP_D_IN,", "PCAP_D_IN = 4,"),
        ("pcap/bpf.h", "(u_short)(code), jt, jf, k", "(u_short)(code), jf, jt, k"),
    ] {
        let text = fs::read_to_string(spoilt.join(header)).expect("read");
        assert!(text.contains(from), "{header} has no {from}");
        fs::write(spoilt.join(header), text.replacen(from, to, 1)).expect("write");
    }
    let found: Vec<String> = differences(&ours, &spoilt)
        .into_iter()
        .map(|name| name.split('.').next_back().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        found,
        ["jf", "jt", "DLT_IEEE802_11", "PCAP_D_IN", "PCAP_D_OUT", "PCAP_SRC_IF_STRING"]
    );
}

#[test]
fn declarations_agree() {
    let ours = root().join("include");
    let declared = declared(&match distribution() {
        Some(dir) => copied(&dir, "declarations"),
        None => ours.clone(),
    });
    assert!(declared.functions.len() >= 94, "only {} functions", declared.functions.len());
    let declarations: String =
        declared.functions.iter().map(|(_, declaration)| format!("{declaration}\n")).collect();
    let both = include_all(&ours) + &declarations;
    // A function that we lack would be declared here alone.
    let known: String =
        declared.functions.iter().map(|(name, _)| format!("(void)&{name};\n")).collect();
    let known = format!("{}void f(void) {{\n{known}}}\n", include_all(&ours));
    for text in [&both, &known] {
        let source = scratch_file("both.c", text);
        run(cc()
            .args(["-std=gnu11", "-Wno-deprecated-declarations", "-Werror", "-fsyntax-only"])
            .arg(source));
    }

    let spoilt = both.replacen("extern int pcap_loop(", "extern long pcap_loop(", 1);
    assert_ne!(spoilt, both, "pcap_loop is not declared");
    let compiled =
        attempt(cc().args(["-std=gnu11", "-fsyntax-only"]).arg(scratch_file("spoilt.c", &spoilt)));
    let report = compiled.expect_err("a wrong declaration must not compile");
    assert!(report.contains("conflicting types for") && report.contains("pcap_loop"), "{report}");
}
