//! Runs the C programs of capi-tests/ against the built library, one test a case.
//!
//! Each program is compiled once against include/ and linked to the release library, which is built
//! first if it is stale. The programs do their work in network namespaces of their own, under the shim
//! that plays older kernels (capi-tests/shim.c). From the environment:
//!
//! - `PCAP_LIB_DIR`: a directory with another libpcap.so to test (the distribution's, say);
//! - `PCAP_INCLUDE_DIR`: other headers than include/;
//! - `CAPI_SKIP_LOG`: a file that gets one line for each case that was skipped, with the reason;
//! - `CAPI_NO_SKIP`: a case that would be skipped fails.

use std::collections::HashMap;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The exit status by which a program says that the case cannot run here.
const SKIPPED: i32 = 77;

/// The programs that are clean under valgrind case by case. The timing cases of the others would only
/// measure valgrind.
const UNDER_VALGRIND: &[&str] = &["boundary", "boundary_cxx", "states", "dump", "findalldevs"];

macro_rules! programs {
    ($($program:ident { $($case:ident)* })*) => {
        $(mod $program {
            $(#[test]
            fn $case() {
                super::run_case(stringify!($program), stringify!($case));
            })*
        })*
        const PROGRAMS: &[(&str, &[&str])] =
            &[$((stringify!($program), &[$(stringify!($case)),*])),*];
    };
}

programs! {
@@LIST@@
}

#[test]
fn every_case_is_listed() {
    for (program, cases) in PROGRAMS {
        let output = Command::new(compiled(program)).arg("--list").env("LD_LIBRARY_PATH", lib_dir()).output();
        let output = output.expect("run --list");
        let listed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(listed.lines().collect::<Vec<_>>(), *cases, "the cases of {program}");
    }
}

#[test]
fn every_program_is_listed() {
    let others = ["layout", "consumer", "shim"];
    let mut names: Vec<String> = fs::read_dir(source_dir())
        .expect("capi-tests/")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "c" || e == "cc"))
        .filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .filter(|name| !others.contains(&name.as_str()))
        .collect();
    names.sort();
    let mut listed: Vec<&str> = PROGRAMS.iter().map(|(program, _)| *program).collect();
    listed.sort_unstable();
    assert_eq!(names, listed);
}

#[test]
fn valgrind_finds_nothing() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return skipped("valgrind", "it is not installed");
    }
    let mut failures = Vec::new();
    for (program, cases) in PROGRAMS.iter().filter(|(program, _)| UNDER_VALGRIND.contains(program)) {
        for case in *cases {
            let mut command = Command::new("valgrind");
            command
                .args(["-q", "--error-exitcode=9", "--leak-check=full"])
                .args(["--errors-for-leak-kinds=definite", "--show-leak-kinds=definite"])
                .arg(compiled(program))
                .arg(case)
                .env("CAPI_VALGRIND", "1")
                .env("LD_LIBRARY_PATH", lib_dir());
            let output = command.output().expect("run valgrind");
            match output.status.code() {
                Some(0) => {}
                Some(SKIPPED) => skipped(&format!("valgrind {program}::{case}"), &text(&output)),
                _ => failures.push(format!("{program}::{case}: {}", text(&output))),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs one case in a process of its own and fails with what it wrote.
fn run_case(program: &str, case: &str) {
    let dir = if program == "panic" { panicking_lib_dir() } else { lib_dir() };
    let output = Command::new(compiled(program))
        .arg(case)
        .env("LD_LIBRARY_PATH", dir)
        .env("LD_PRELOAD", shim())
        .output()
        .expect("run the case");
    match output.status.code() {
        Some(0) => {}
        Some(SKIPPED) => skipped(&format!("{program}::{case}"), &text(&output)),
        _ => panic!("{}\n{}", output.status, text(&output)),
    }
}

fn text(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&all).trim_end().to_owned()
}

/// Notes a skip where it is seen even when the test passes.
fn skipped(what: &str, why: &str) {
    assert!(env::var_os("CAPI_NO_SKIP").is_none(), "{what} would be skipped: {why}");
    let line = format!("SKIPPED {what}: {}\n", why.replace('\n', "; "));
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = env::var_os("CAPI_SKIP_LOG") {
        let log = OpenOptions::new().create(true).append(true).open(path);
        log.and_then(|mut log| log.write_all(line.as_bytes())).expect("write CAPI_SKIP_LOG");
    }
}

fn source_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("capi-tests")
}

fn build_dir() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("capi");
    fs::create_dir_all(&dir).expect("make the build directory");
    dir
}

/// Runs a command that has to succeed.
fn must(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}\n{}", text(&output));
}

/// Builds the library by cargo and returns the directory of the result.
fn cargo_build(target: &Path, arguments: &[&str]) -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--release", "--lib"]);
    must(build.args(arguments).arg("--target-dir").arg(target));
    target.join("release")
}

/// The directory of cargo's output: the one that holds this test's own profile directory.
fn target_dir() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().expect("target directory").to_owned()
}

/// A directory that has the library of `from` under each name that a program may ask for.
fn with_sonames(name: &str, from: &Path) -> PathBuf {
    let library = fs::canonicalize(from.join("libpcap.so")).expect("libpcap.so");
    let dir = build_dir().join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("make the library directory");
    for name in ["libpcap.so", "libpcap.so.0.8", "libpcap.so.1"] {
        symlink(&library, dir.join(name)).expect("link the library");
    }
    dir
}

fn lib_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let from = env::var_os("PCAP_LIB_DIR").map(PathBuf::from);
        with_sonames("lib", &from.unwrap_or_else(|| cargo_build(&target_dir(), &[])))
    })
}

/// The library that panics on request.
fn panicking_lib_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let target = target_dir().join("inject-panic");
        with_sonames("panicking", &cargo_build(&target, &["--features", "inject-panic"]))
    })
}

fn cc() -> String {
    env::var("CC").unwrap_or_else(|_| "cc".to_owned())
}

fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let library = build_dir().join("shim.so");
        let mut compile = Command::new(cc());
        compile.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-shared", "-fPIC"]);
        must(compile.arg(source_dir().join("shim.c")).arg("-o").arg(&library).arg("-ldl"));
        library
    })
}

/// The program, compiled and linked by the first test that asks for it.
fn compiled(program: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    built.entry(program.to_owned()).or_insert_with(|| compile(program)).clone()
}

fn compile(program: &str) -> PathBuf {
    let executable = build_dir().join(program);
    let include = env::var_os("PCAP_INCLUDE_DIR").map(PathBuf::from);
    let include = include.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("include"));
    let cxx = source_dir().join(format!("{program}.cc"));
    let mut command = if cxx.exists() {
        let mut command = Command::new(env::var("CXX").unwrap_or_else(|_| "c++".to_owned()));
        command.args(["-std=c++17"]).arg(cxx);
        command
    } else {
        let mut command = Command::new(cc());
        command.args(["-std=c11"]).arg(source_dir().join(format!("{program}.c")));
        command
    };
    command.args(["-Wall", "-Wextra", "-Werror", "-g", "-O1", "-fPIE", "-pie"]);
    command.arg("-I").arg(include).arg("-o").arg(&executable);
    must(command.arg("-L").arg(lib_dir()).args(["-lpcap", "-lpthread"]));
    executable
}
