//! The projects of tests/find/, which find libpcap by CMake, autoconf and Meson, against an installation.
//!
//! The distribution's libpcap is there, too, so that a program which builds shows nothing: the compiler
//! tells of each header that it reads, the linker of each library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::library::{root, run, scratch};
use super::{make, needed, works};

/// What makes the compiler and the linker tell where they find things.
const TELL_HEADERS: &str = "-H";
const TELL_LIBRARIES: &str = "-Wl,--trace";

/// A copy of a project, for what its tools leave behind.
fn project(name: &str, dest: &Path) -> PathBuf {
    let copy = dest.join("project");
    fs::create_dir(&copy).expect("make a directory");
    for entry in fs::read_dir(root().join("tests/find").join(name)).expect("tests/find") {
        let path = entry.expect("entry").path();
        fs::copy(&path, copy.join(path.file_name().expect("a name"))).expect("copy");
    }
    copy
}

fn consumer() -> PathBuf {
    root().join("capi-tests/consumer.c")
}

/// A command to which the installation at `prefix` is the only libpcap that pkg-config knows.
fn command(program: &str, dir: &Path, prefix: &Path, sysroot: Option<&Path>) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(dir)
        .env("PKG_CONFIG_LIBDIR", prefix.join("lib/pkgconfig"))
        .env("LD_LIBRARY_PATH", prefix.join("lib"))
        .env("LC_ALL", "C");
    // Neither the environment's own choices, nor those of a make that this test runs under.
    for name in ["PKG_CONFIG_PATH", "CFLAGS", "CPPFLAGS", "LDFLAGS", "LIBS", "MAKEFLAGS", "DESTDIR"]
    {
        command.env_remove(name);
    }
    if let Some(sysroot) = sysroot {
        command.env("PKG_CONFIG_SYSROOT_DIR", sysroot);
    }
    command
}

/// Runs a build, and looks that what it read of libpcap is below `prefix`.
#[track_caller]
fn built(command: &mut Command, prefix: &Path) {
    let output = command.output().expect("run");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{command:?}: {text}");
    let prefix = prefix.to_str().expect("UTF-8");
    for file in ["/pcap/pcap.h", "/libpcap."] {
        let read: Vec<&str> = text
            .lines()
            .map(|line| line.trim_start_matches(['.', ' ']))
            .filter(|line| line.starts_with('/') && line.contains(file) && !line.contains(": "))
            .collect();
        assert!(!read.is_empty(), "{command:?} read no {file}: {text}");
        let others: Vec<&&str> = read.iter().filter(|path| !path.starts_with(prefix)).collect();
        assert!(others.is_empty(), "{command:?} read {others:?}");
    }
}

#[track_caller]
fn dynamic(program: &Path, prefix: &Path) {
    assert!(needed(program).contains("[libpcap.so."), "{}", program.display());
    works(Command::new(program).env("LD_LIBRARY_PATH", prefix.join("lib")));
}

#[test]
fn cmake() {
    let dest = scratch("find-cmake");
    make("install", &dest, &[]);
    let (prefix, project) = (dest.join("usr/local"), project("cmake", &dest));
    let build = dest.join("build");
    fs::create_dir(&build).expect("make a directory");
    run(command("cmake", &build, &prefix, Some(&dest))
        .args(["-G", "Ninja", "-Wdev", "-Werror=dev"])
        .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()))
        .arg(format!("-DCMAKE_C_FLAGS={TELL_HEADERS} {TELL_LIBRARIES}"))
        .arg(format!("-DCONSUMER={}", consumer().display()))
        .arg(project));
    built(command("ninja", &build, &prefix, Some(&dest)).arg("-v"), &prefix);
    for name in ["by-module", "by-target", "by-pkg-config"] {
        dynamic(&build.join(name), &prefix);
    }
    let all = build.join("static-by-pkg-config");
    assert!(!needed(&all).contains("NEEDED"));
    works(&mut Command::new(all));
    let archive = build.join("archive-by-pcap-config");
    assert!(needed(&archive).contains("[libc.so.6]") && !needed(&archive).contains("libpcap"));
    works(&mut Command::new(archive));
}

/// Without DESTDIR: what pcap-config says holds where it is installed.
fn own_prefix(name: &str) -> PathBuf {
    let prefix = scratch(name);
    make("install", Path::new(""), &[&format!("PREFIX={}", prefix.display())]);
    prefix
}

#[test]
fn autoconf() {
    let prefix = own_prefix("find-autoconf");
    let project = project("autoconf", &prefix);
    run(command("autoconf", &project, &prefix, None).args(["-I", "/usr/share/aclocal"]));
    run(command("./configure", &project, &prefix, None)
        .arg(format!("CPPFLAGS=-I{}/include", prefix.display()))
        .arg(format!("LDFLAGS=-L{}/lib", prefix.display()))
        .arg(format!("PCAP_CONFIG={}/bin/pcap-config", prefix.display()))
        .arg(format!("CONSUMER={}", consumer().display())));
    let cc = format!("CC=cc {TELL_HEADERS} {TELL_LIBRARIES}");
    for name in ["by-search", "by-pkg-config", "by-pcap-config"] {
        built(command("make", &project, &prefix, None).arg(&cc).arg(name), &prefix);
        dynamic(&project.join(name), &prefix);
    }
}

#[test]
fn meson() {
    let prefix = own_prefix("find-meson");
    let project = project("meson", &prefix);
    let path = format!("{}/bin:{}", prefix.display(), std::env::var("PATH").unwrap_or_default());
    for (method, told) in [("pkg-config", "by pkgconfig"), ("config-tool", "by config-tool")] {
        let output = run(command("meson", &project, &prefix, None)
            .args(["setup", method])
            .arg(format!("-Dmethod={method}"))
            .arg(format!("-Dconsumer={}", consumer().display()))
            .env("PATH", &path)
            .env("CFLAGS", TELL_HEADERS)
            .env("LDFLAGS", TELL_LIBRARIES));
        assert!(output.contains("pcap 1.10.6") && output.contains(told), "{output}");
        let build = project.join(method);
        built(command("ninja", &build, &prefix, None).arg("-v"), &prefix);
        dynamic(&build.join("consumer"), &prefix);
    }
}
