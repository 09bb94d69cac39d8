//! The example program that shows what the stages of the filter compiler make of an expression.

#[path = "support/library.rs"]
mod library;

use library::root;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The program, built by the first test that asks for it.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        library::run(build.args(["build", "--example", "filter"]).current_dir(root()));
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        root().join(target).join("debug/examples/filter")
    })
}

fn filter(args: &str) -> Output {
    Command::new(program()).args(args.split(' ')).output().expect("run the example")
}

/// What it prints, and on which stream.
#[track_caller]
fn shows(args: &str, wanted: &str) {
    let output = filter(args);
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains(wanted), "{args} shows:\n{shown}");
}

#[track_caller]
fn refuses(args: &str, wanted: &str) {
    let output = filter(args);
    assert!(!output.status.success() && output.stdout.is_empty(), "{args}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), wanted, "{args}");
}

#[test]
fn every_stage() {
    for (stage, wanted) in [
        ("tokens", "4..8 type port"),
        ("ast", "0..11 tcp port 80\n15..18 arp\nor"),
        ("expression", "tcp port 80 or arp"),
        ("pred", "Ports {"),
        ("formula", "[12:2] = 0x806"),
        ("graph", "[12:2]"),
        ("optimised", "[12:2]"),
        ("dot", "digraph"),
        ("program", "(000) ldh      [12]"),
        ("evaluate", "a packet of 0 bytes\nthe formula rejects it"),
    ] {
        shows(&format!("--stage {stage} tcp port 80 or arp"), wanted);
    }
}

#[test]
fn options() {
    shows("--dlt RAW ip", "(000) ldb      [0]");
    shows("--dlt 12 ip", "(000) ldb      [0]");
    shows("--live inbound", "[type]");
    shows("--snaplen 96 arp", "ret      #96");
    shows("--netmask 255.255.255.0 ip broadcast", "ret");
    shows("--no-optimise ip and arp", "jeq      #0x806");
    shows("--stage evaluate --packet 00000000000000000000000008060000 arp", "keeps 262144 bytes");
}

#[test]
fn errors() {
    refuses(
        "tcp prot 80",
        "can't parse filter expression: syntax error\n  tcp prot 80\n      ^^^^ expected 'host', 'net', \
         'port', 'and' or 'or'\n",
    );
    refuses(
        "--dlt PPP tcp or vlan",
        "'vlan' not supported on DLT_PPP (Point-to-Point Protocol)\n  tcp or vlan\n         ^^^^\n",
    );
    refuses("ip and arp", "expression rejects all packets\n");
    let help = String::from_utf8_lossy(&filter("--nonsense").stderr).into_owned();
    assert!(help.starts_with("unknown option --nonsense\nusage: "), "{help}");
}
