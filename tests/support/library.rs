//! The built library and the C compiler, for the tests that use the library as C programs do.

#![allow(dead_code, reason = "shared by several test crates, none of which uses all of it")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The project's top directory.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shared library under test: `$PCAP_LIB_DIR/libpcap.so`, else what `make` builds, brought up to
/// date first.
pub fn library() -> PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY
        .get_or_init(|| {
            if let Some(dir) = env::var_os("PCAP_LIB_DIR") {
                return Path::new(&dir).join("libpcap.so");
            }
            let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
            run(Command::new("make")
                .env_remove("MAKEFLAGS")
                .args(["build", concat!("CARGO=", env!("CARGO"))])
                .current_dir(root()));
            root().join(target).join("release/libpcap.so")
        })
        .clone()
}

/// A compiler command, `$CC` or `cc`, that sees this project's headers before any other.
pub fn cc() -> Command {
    let mut command = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    command.arg("-I").arg(root().join("include"));
    command
}

/// Runs a command to its end and returns what it wrote on standard output; fails the test if the
/// command fails.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    match attempt(command) {
        Ok(output) => output,
        Err(report) => panic!("{report}"),
    }
}

/// Runs a command to its end: its standard output, or a report with its standard error.
pub fn attempt(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command:?}: {}\n{stderr}", output.status))
    }
}

/// Whether a program of this name is on `$PATH`.
pub fn installed(program: impl AsRef<OsStr>) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(program.as_ref()).is_file())
}

/// An empty directory of this name, for one test's files.
pub fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).expect("remove the last run's files");
    }
    fs::create_dir_all(&dir).expect("make a directory");
    dir
}
