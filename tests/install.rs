//! `make install`, what pkg-config and pcap-config then say, programs built from that alone, and
//! `make uninstall`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "install/find.rs"]
mod find;
#[path = "support/library.rs"]
mod library;

use library::{installed, library, root, run, scratch};

/// Runs make on what is built already.
fn make(target: &str, destdir: &Path, variables: &[&str]) {
    let library = library();
    let built = library.parent().expect("a directory").display();
    let mut command = Command::new("make");
    // Neither the environment's own choices, nor those of a make that this test runs under.
    for name in [
        "PREFIX",
        "LIBDIR",
        "INCLUDEDIR",
        "BINDIR",
        "MANDIR",
        "PCAP_SONAME",
        "MAKEFLAGS",
        "MAKELEVEL",
    ] {
        command.env_remove(name);
    }
    run(command
        .current_dir(root())
        .args(["-s", target, "CARGO=true"])
        .arg(format!("BUILT={built}"))
        .arg(format!("DESTDIR={}", destdir.display()))
        .args(variables));
}

/// Every file and link below `dir`, by its path from there.
fn files(dir: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut pending = vec![dir.to_path_buf()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(&next).expect("read a directory") {
            let entry = entry.expect("entry");
            if entry.file_type().expect("type").is_dir() {
                pending.push(entry.path());
            } else {
                let path = entry.path();
                let below = path.strip_prefix(dir).expect("below");
                found.insert(below.to_str().expect("UTF-8").to_owned());
            }
        }
    }
    found
}

/// What an installation consists of, given where its parts go.
fn expected(libdir: &str, includedir: &str, bindir: &str, mandir: &str) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = files(&root().join("include"))
        .into_iter()
        .map(|header| format!("{includedir}/{header}"))
        .collect();
    for library in ["so", "so.0.8", "so.1", "so.1.10.6", "a"] {
        names.insert(format!("{libdir}/libpcap.{library}"));
    }
    names.insert(format!("{libdir}/pkgconfig/libpcap.pc"));
    names.insert(format!("{bindir}/pcap-config"));
    for page in files(&root().join("man")) {
        if let Some((_, section)) = page.rsplit_once('.') {
            names.insert(format!("{mandir}/man{}/{page}", &section[..1]));
        }
    }
    names.extend(further_names().map(|(name, _)| format!("{mandir}/man3/{name}.3pcap")));
    names
}

/// man/links: names in the manual, and the page that each is.
fn further_names() -> impl Iterator<Item = (String, String)> {
    let links = fs::read_to_string(root().join("man/links")).expect("man/links");
    let lines: Vec<String> = links.lines().skip(1).map(str::to_owned).collect();
    lines.into_iter().map(|line| {
        let (name, page) = line.split_once(' ').expect("a name and a page");
        (name.to_owned(), page.to_owned())
    })
}

#[test]
fn lays_down_and_takes_away_the_same_files() {
    let dest = scratch("install");
    let foreign = dest.join("usr/local/include/pcap/other.h");
    fs::create_dir_all(foreign.parent().expect("parent")).expect("make a directory");
    fs::write(&foreign, "").expect("write");

    let (lib, include) = ("usr/local/lib", "usr/local/include");
    let mut expected = expected(lib, include, "usr/local/bin", "usr/local/share/man");
    expected.insert("usr/local/include/pcap/other.h".into());
    for _ in 0..2 {
        make("install", &dest, &[]);
        assert_eq!(files(&dest), expected);
    }
    for link in ["libpcap.so", "libpcap.so.0.8", "libpcap.so.1"] {
        let target = fs::read_link(dest.join("usr/local/lib").join(link)).expect("a link");
        assert_eq!(target, Path::new("libpcap.so.1.10.6"), "{link}");
    }
    for (name, page) in further_names() {
        let link = dest.join(format!("usr/local/share/man/man3/{name}.3pcap"));
        assert_eq!(fs::read_to_string(link).expect("read"), format!(".so man3/{page}.3pcap\n"));
        assert!(dest.join(format!("usr/local/share/man/man3/{page}.3pcap")).is_file());
    }
    assert_eq!(
        fs::read(dest.join("usr/local/lib/libpcap.so")).expect("read"),
        fs::read(library()).expect("read"),
    );

    make("uninstall", &dest, &[]);
    assert_eq!(files(&dest), BTreeSet::from(["usr/local/include/pcap/other.h".into()]));
    fs::remove_file(foreign).expect("remove");
    make("uninstall", &dest, &[]);
    assert!(!dest.join("usr/local/include/pcap").exists());
}

#[test]
fn goes_where_it_is_told() {
    let dest = scratch("elsewhere");
    let variables = [
        "PREFIX=/opt/p",
        "LIBDIR=/opt/l",
        "INCLUDEDIR=/opt/i",
        "MANDIR=/opt/m",
        "PCAP_SONAME=libpcap.so.7",
    ];
    make("install", &dest, &variables);
    let mut expected = expected("opt/l", "opt/i", "opt/p/bin", "opt/m");
    expected.insert("opt/l/libpcap.so.7".into());
    assert_eq!(files(&dest), expected);

    let config = |options: &[&str]| {
        run(Command::new(dest.join("opt/p/bin/pcap-config")).args(options)).trim_end().to_owned()
    };
    assert_eq!(config(&["--cflags"]), "-I/opt/i");
    assert_eq!(config(&["--libs"]), "-L/opt/l -lpcap");
    assert_eq!(config(&["--cflags", "--libs"]), "-I/opt/i -L/opt/l -lpcap");
    assert_eq!(config(&["--additional-libs"]), "");
    assert_eq!(config(&["--version"]), "1.10.6");
    assert!(config(&["--help"]).starts_with("Usage: pcap-config"));
    for how in ["--static", "--static-pcap-only"] {
        let additional = config(&["--additional-libs", how]);
        assert!(additional.starts_with("-l") && !additional.contains("-lgcc_s"), "{additional}");
        assert_eq!(config(&[how, "--libs"]), format!("-L/opt/l -lpcap {additional}"));
        assert_eq!(config(&[how, "--cflags"]), "-I/opt/i");
    }
    let wrong =
        Command::new(dest.join("opt/p/bin/pcap-config")).arg("--all").output().expect("run");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("command-line option --all"));

    make("uninstall", &dest, &variables);
    assert_eq!(files(&dest), BTreeSet::new());
}

#[test]
fn in_usr_no_directory_is_named() {
    let dest = scratch("usr");
    make("install", &dest, &["PREFIX=/usr", "LIBDIR=/usr/lib/multiarch"]);
    let libs = run(Command::new(dest.join("usr/bin/pcap-config")).arg("--libs"));
    assert_eq!(libs, "-lpcap\n");
}

/// What pkg-config says of the libpcap below `dest`, and of no other.
fn pkg_config(dest: &Path, options: &[&str]) -> Vec<String> {
    let program = ["pkg-config", "pkgconf"].into_iter().find(|name| installed(name));
    let output = run(Command::new(program.expect("pkg-config is not installed"))
        .args(options)
        .arg("libpcap")
        .env("PKG_CONFIG_LIBDIR", dest.join("usr/local/lib/pkgconfig"))
        .env_remove("PKG_CONFIG_PATH")
        .env("PKG_CONFIG_SYSROOT_DIR", dest));
    output.split_whitespace().map(str::to_owned).collect()
}

/// Builds capi-tests/consumer.c with these flags and nothing else.
fn consumer(dest: &Path, name: &str, language: &str, flags: &[String]) -> PathBuf {
    let program = dest.join(name);
    run(Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&program)
        .args(["-x", language])
        .arg(root().join("capi-tests/consumer.c"))
        .args(["-x", "none"])
        .args(flags));
    program
}

/// The names of the shared libraries that a program asks for.
fn needed(program: &Path) -> String {
    run(Command::new("readelf").arg("-dW").arg(program).env("LC_ALL", "C"))
}

/// Runs the consumer and looks at what it prints.
#[track_caller]
fn works(program: &mut Command) {
    let output = run(program);
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines.len(), 3, "{output}");
    assert!(lines[0].starts_with("libpcap version 1.10.6 ("), "{output}");
    assert_eq!(lines[1..], ["1 instruction", "EN10MB"], "{output}");
}

#[test]
fn programs_build_from_pkg_config_alone() {
    let dest = scratch("programs");
    make("install", &dest, &[]);
    assert_eq!(pkg_config(&dest, &["--modversion"]), ["1.10.6"]);

    let flags = pkg_config(&dest, &["--cflags", "--libs"]);
    // As C++ it links only if the headers say extern "C".
    for language in ["c", "c++"] {
        let dynamic = consumer(&dest, language, language, &flags);
        assert!(needed(&dynamic).contains("[libpcap.so."));
        works(Command::new(&dynamic).env("LD_LIBRARY_PATH", dest.join("usr/local/lib")));
    }

    let flags = pkg_config(&dest, &["--static", "--cflags", "--libs"]);
    // Some distributions have the C library's archive in a package of its own.
    let libc = run(Command::new("cc").arg("-print-file-name=libc.a"));
    if libc.starts_with('/') {
        let all: Vec<String> = flags.iter().cloned().chain(["-static".into()]).collect();
        let program = consumer(&dest, "all-static", "c", &all);
        assert!(!needed(&program).contains("NEEDED"));
        works(&mut Command::new(program));
    }

    // Only libpcap static: take the archive by its name.
    let archive: Vec<String> = flags.iter().map(|f| f.replace("-lpcap", "-l:libpcap.a")).collect();
    let program = consumer(&dest, "pcap-static", "c", &archive);
    assert!(needed(&program).contains("[libc.so.6]") && !needed(&program).contains("libpcap"));
    works(&mut Command::new(program));
}
