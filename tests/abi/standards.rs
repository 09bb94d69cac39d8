//! The headers under every compiler, language and standard, alone and together, with the warnings
//! that careful programs ask for, and what stands in front of declarations.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::slice;
use std::thread;

use super::declared::declared;
use super::headers::{copied, distribution, include_all, names, shown};
use super::library::{attempt, installed, root, run, scratch};

/// A compiler, and how it is asked.
struct Compiler {
    program: &'static str,
    package: &'static str,
    language: &'static str,
    standards: &'static [&'static str],
    warnings: &'static [&'static str],
}

const C: &[&str] = &["c90", "c99", "c11", "c17", "c2x", "gnu90", "gnu17"];
const CXX: &[&str] = &["c++98", "c++11", "c++14", "c++17", "c++20", "c++2b", "gnu++17"];
const C_WARNINGS: &[&str] =
    &["-Wstrict-prototypes", "-Wmissing-prototypes", "-Wold-style-definition"];
const CXX_WARNINGS: &[&str] = &["-Wold-style-cast", "-Wnon-virtual-dtor"];

const COMPILERS: [Compiler; 4] = [
    Compiler { program: "gcc", package: "gcc", language: "c", standards: C, warnings: C_WARNINGS },
    Compiler {
        program: "clang",
        package: "clang",
        language: "c",
        standards: C,
        warnings: C_WARNINGS,
    },
    Compiler {
        program: "g++",
        package: "g++",
        language: "c++",
        standards: CXX,
        warnings: CXX_WARNINGS,
    },
    Compiler {
        program: "clang++",
        package: "clang",
        language: "c++",
        standards: CXX,
        warnings: CXX_WARNINGS,
    },
];

/// Every compiler knows these.
const WARNINGS: [&str; 10] = [
    "-pedantic",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wundef",
    "-Wshadow",
    "-Wconversion",
    "-Wcast-qual",
    "-Wredundant-decls",
    "-Wwrite-strings",
];

/// What programs define or not before they include anything. (g++ defines the first by itself.)
const FEATURES: [&str; 5] = [
    "-D_GNU_SOURCE",
    "-U_GNU_SOURCE",
    "-D_DEFAULT_SOURCE",
    "-D_POSIX_C_SOURCE=200809L",
    "-D_XOPEN_SOURCE=700",
];

/// The functions that are deprecated: those of libpcap 1.10 that Linux has.
const DEPRECATED: [&str; 3] = ["pcap_compile_nopcap", "pcap_lookupdev", "pcap_nametoaddr"];

/// BPF_STMT and BPF_JUMP, whose cast is the one that <linux/filter.h> has, too.
const INITIALISERS: &str = "\
#ifdef __cplusplus
#pragma GCC diagnostic ignored \"-Wold-style-cast\"
#endif
extern const struct bpf_insn some[2];
const struct bpf_insn some[2] = {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 1), BPF_STMT(BPF_RET | BPF_K, 9)};
";

/// Sources, for every compiler the same.
struct Sources {
    /// One a header, and all, the last one first.
    includes: Vec<PathBuf>,
    /// All headers, and every macro that has a value.
    uses: PathBuf,
}

fn sources(dir: &str, include: &Path) -> Sources {
    let dir = scratch(dir);
    let write = |name: &str, text: &str| {
        let source = dir.join(name.replace('/', "_")).with_extension("c");
        fs::write(&source, format!("{text}extern int something;\n")).expect("write");
        source
    };
    let all = include_all(include);
    let mut backwards: Vec<&str> = all.lines().collect();
    backwards.reverse();
    let mut uses = format!("{all}{INITIALISERS}void uses(void);\nvoid uses(void)\n{{\n");
    for (_, expression) in shown(include) {
        // The values of initialisers are shown by compound literals, which C90 and C++ lack.
        if !expression.contains('{') && !expression.contains("struct") {
            writeln!(uses, "(void)({expression});").expect("write");
        }
    }
    uses += "}\n";
    let mut includes = vec![write("backwards", &(backwards.join("\n") + "\n"))];
    for name in names(include) {
        includes.push(write(&format!("only_{name}"), &format!("#include <{name}>\n")));
    }
    Sources { includes, uses: write("uses", &uses) }
}

/// What one compiler says against the headers.
fn complaints(compiler: &Compiler, include: &Path, sources: &Sources) -> Vec<String> {
    assert!(
        installed(compiler.program),
        "{} is not installed: Debian has it in {}",
        compiler.program,
        compiler.package
    );
    let mut complaints = Vec::new();
    let mut ask = |standard: &str, feature: &str, files: &[PathBuf]| {
        let mut command = Command::new(compiler.program);
        command.args([&format!("-std={standard}"), feature, "-x", compiler.language]);
        command.args(WARNINGS).args(compiler.warnings).arg("-fsyntax-only");
        complaints.extend(attempt(command.arg("-I").arg(include).args(files)).err());
    };
    for standard in compiler.standards {
        ask(standard, "-DNO_FEATURE", &sources.includes);
        for feature in FEATURES {
            ask(standard, feature, slice::from_ref(&sources.uses));
        }
    }
    complaints
}

#[test]
fn every_standard() {
    let include = root().join("include");
    let sources = sources("standards", &include);
    let complaints: Vec<String> = thread::scope(|scope| {
        let threads = COMPILERS
            .each_ref()
            .map(|compiler| scope.spawn(|| complaints(compiler, &include, &sources)));
        threads.into_iter().flat_map(|thread| thread.join().expect("a compiler")).collect()
    });
    assert!(complaints.is_empty(), "{} complaints: {}", complaints.len(), complaints.join("\n"));
}

#[test]
fn complaints_are_heard() {
    let include = copied(&root().join("include"), "standards-spoilt");
    let spoilt = include.join("pcap/vlan.h");
    let text = fs::read_to_string(&spoilt).expect("read");
    for (compiler, addition) in COMPILERS.iter().zip([
        "typedef long long number; // not C90's\n",
        "void function();\n",
        "enum { LAST, };\n",
        "#if SOMETHING\n#endif\n",
    ]) {
        let first = Compiler { standards: &compiler.standards[..1], ..*compiler };
        let dir = format!("standards-{}", compiler.program);
        fs::write(&spoilt, &text).expect("write");
        assert_eq!(complaints(&first, &include, &sources(&dir, &include)), [""; 0]);
        fs::write(&spoilt, format!("{text}{addition}")).expect("write");
        let found = complaints(&first, &include, &sources(&dir, &include));
        assert_eq!(found.len(), 1 + FEATURES.len(), "{addition}: {found:?}");
    }
}

/// The names that a compiler calls deprecated in `text`, after the headers in `include`.
fn deprecated(program: &str, include: &Path) -> BTreeSet<String> {
    let mut text = include_all(include);
    for (number, (name, _)) in declared(include).functions.iter().enumerate() {
        writeln!(text, "extern __typeof__(&{name}) function{number};").expect("write");
        writeln!(text, "__typeof__(&{name}) function{number} = {name};").expect("write");
    }
    let source = scratch(&format!("deprecated-{program}-{}", include.ends_with("include")));
    let source = source.join("all.c");
    fs::write(&source, text).expect("write");
    let output = Command::new(program)
        .args(["-std=gnu11", "-fsyntax-only", "-fno-diagnostics-color", "-I"])
        .args([include, &source])
        .env("LC_ALL", "C")
        .output()
        .expect("run a compiler");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    report
        .lines()
        .filter(|line| line.contains("[-Wdeprecated-declarations]"))
        .map(|line| line.split('\'').nth(1).expect("a name in quotes").to_owned())
        .collect()
}

#[test]
fn deprecated_are_those_of_libpcap() {
    let ours = root().join("include");
    let expected = DEPRECATED.map(str::to_owned).into();
    for program in ["gcc", "clang"] {
        assert_eq!(deprecated(program, &ours), expected, "{program}");
        if let Some(theirs) = distribution() {
            let theirs = copied(&theirs, &format!("deprecated-model-{program}"));
            assert_eq!(deprecated(program, &theirs), expected, "{program}");
        }
    }
}

/// What an attribute makes a compiler say: a text with the attribute, and the warning's name; gcc's and clang's.
const ATTRIBUTES: [(&str, [&str; 2]); 5] = [
    (
        "extern void f(const char *, ...) PCAP_PRINTFLIKE(1, 2);\nvoid g(void) { f(\"%s\", 1); }\n",
        ["-Wformat=", "-Wformat"],
    ),
    (
        "PCAP_DEPRECATED(\"so\") PCAP_API int f(void);\nint g(void) { return f(); }\n",
        ["-Wdeprecated-declarations"; 2],
    ),
    (
        "PCAP_API int f(void) PCAP_WARN_UNUSED_RESULT;\nvoid g(void) { f(); }\n",
        ["-Wunused-result"; 2],
    ),
    ("PCAP_API int f(int *) PCAP_NONNULL(1);\nint g(void) { return f(0); }\n", ["-Wnonnull"; 2]),
    (
        "PCAP_NORETURN_DEF void PCAP_NORETURN f(void);\nPCAP_NORETURN_DEF void f(void) { }\n",
        ["function does return", "-Winvalid-noreturn"],
    ),
];

#[test]
fn attributes_work() {
    let dir = scratch("attributes");
    for (number, (text, warnings)) in ATTRIBUTES.iter().enumerate() {
        let source = dir.join(format!("{number}.c"));
        fs::write(&source, format!("#include <pcap/funcattrs.h>\n{text}")).expect("write");
        for (program, warning) in ["gcc", "clang"].iter().zip(warnings) {
            let mut command = Command::new(program);
            command.args(["-Wall", "-c", "-o", "/dev/null", "-I"]).arg(root().join("include"));
            command.env("LC_ALL", "C").arg(&source);
            let output = command.output().expect("run a compiler");
            let report = String::from_utf8_lossy(&output.stderr);
            assert!(report.contains(warning), "{program} of {text}: {report}");
        }
    }
}

/// PCAP_API keeps a function visible for those who build a libpcap, and for nobody else.
#[test]
fn exported_where_a_libpcap_is_built() {
    let dir = scratch("visibility");
    let (source, library) = (dir.join("one.c"), dir.join("one.so"));
    let text = "#include <pcap.h>\nconst char *pcap_lib_version(void) { return \"\"; }\n";
    fs::write(&source, text).expect("write");
    for (define, visible) in [("-Dpcap_EXPORTS", true), ("-DSOMETHING", false)] {
        run(Command::new("cc")
            .args(["-shared", "-fPIC", "-fvisibility=hidden", define, "-I"])
            .arg(root().join("include"))
            .arg("-o")
            .args([&library, &source]));
        let symbols = run(Command::new("nm").arg("-D").arg(&library));
        assert_eq!(symbols.contains("pcap_lib_version"), visible, "{define}");
    }
}
