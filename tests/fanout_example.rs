//! The example programs that capture with several threads, one in C and one in Rust, over traffic of many flows.

#[path = "support/library.rs"]
mod library;
#[path = "support/netns.rs"]
#[allow(dead_code, reason = "shared by several test crates")]
mod netns;

use library::{cc, library, root, run, scratch};
use netns::{ip, private};
use std::io::{BufRead as _, BufReader};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Flows, and packets of each.
const FLOWS: u64 = 40;
const PACKETS: u64 = 400;

fn in_c(name: &str) -> PathBuf {
    let dir = scratch(name);
    std::os::unix::fs::symlink(library(), dir.join("libpcap.so")).expect("link the library");
    for soname in ["libpcap.so.0.8", "libpcap.so.1"] {
        std::os::unix::fs::symlink(library(), dir.join(soname)).expect("link the library");
    }
    let program = dir.join("fanout");
    run(cc()
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"])
        .args([&program, &root().join("examples/fanout.c")])
        .arg("-L")
        .arg(&dir)
        .arg("-lpcap"));
    program
}

fn in_rust() -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    run(build.args(["build", "--example", "fanout"]).current_dir(root()));
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root().join(target).join("debug/examples/fanout")
}

/// What a report says: of each thread, and of all, how many packets and drops.
#[derive(Debug, Default)]
struct Report {
    threads: Vec<[u64; 2]>,
    all: [u64; 2],
}

/// A program that is running, and what it says.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    fn start(program: &Path, args: &str) -> Self {
        let libraries = program.parent().expect("a directory");
        let mut child = Command::new(program)
            .args(args.split(' '))
            .env("LD_LIBRARY_PATH", libraries)
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the example");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut running = Self { child, lines };
        let first = running.line();
        assert!(first.as_deref().is_some_and(|first| first.ends_with("2 threads")), "{first:?}");
        running
    }

    fn line(&mut self) -> Option<String> {
        self.lines.next().map(|line| line.expect("text"))
    }

    /// The next report; `None` once it has ended.
    fn report(&mut self) -> Option<Report> {
        let mut report = Report::default();
        while let Some(line) = self.line() {
            assert!(!line.contains('\x1b'), "{line:?} is for a terminal");
            if line.starts_with("after ") {
                continue;
            }
            let numbers = line.get(9..).expect("a name").split_whitespace();
            let numbers: Vec<u64> = numbers.filter_map(|word| word.parse().ok()).collect();
            let [packets, drops, _rate] = *numbers else { panic!("{line}") };
            if line.starts_with("all") {
                report.all = [packets, drops];
                return Some(report);
            }
            report.threads.push([packets, drops]);
        }
        None
    }

    /// Reports until it ends; the last one.
    fn end(mut self) -> Report {
        let mut last = None;
        while let Some(report) = self.report() {
            last = Some(report);
        }
        assert!(self.child.wait().expect("wait for it").success());
        last.expect("a report")
    }
}

/// Sends packets of many flows out of v0.
fn send() {
    let sockets: Vec<UdpSocket> =
        (0..FLOWS).map(|_| UdpSocket::bind("10.9.0.1:0").expect("a socket")).collect();
    for n in 0..PACKETS {
        let socket = &sockets[(n % FLOWS) as usize];
        socket.send_to(&n.to_be_bytes(), "10.9.0.2:4000").expect("send");
    }
}

/// Nothing is lost or counted twice.
fn adds_up(report: &Report) {
    let sum = |at: usize| report.threads.iter().map(|thread| thread[at]).sum::<u64>();
    assert_eq!((report.threads.len(), [sum(0), sum(1)]), (2, report.all), "{report:?}");
    assert_eq!(report.all, [PACKETS, 0], "{report:?}");
}

fn counters_add_up(program: &Path) {
    netns::veth();
    ip("addr add 10.9.0.1/24 dev v0");
    ip("neigh add 10.9.0.2 lladdr 02:00:00:00:00:01 dev v0");

    // It shows while it runs what has come, and ends when interrupted.
    let mut running = Running::start(program, "-i v0 -n 2 -t 100 -m hash");
    send();
    netns::wait_until("all packets are shown", || {
        running.report().is_some_and(|report| report.all[0] >= PACKETS)
    });
    run(Command::new("kill").args(["-INT", &running.child.id().to_string()]));
    let report = running.end();
    adds_up(&report);
    // That all flows go to one of two has a chance of 2^-39.
    assert!(report.threads.iter().all(|thread| thread[0] > 0), "{report:?}");

    let running = Running::start(program, &format!("-i v0 -n 2 -c {PACKETS} -t 100"));
    send();
    // One more than is wanted, in case that is what it waits for.
    send();
    adds_up(&running.end());

    let running = Running::start(program, "-i v0 -n 2 -t 0.3 -m lb");
    assert_eq!(running.end().all, [0, 0]);

    let output = Command::new(program)
        .args(["-i", "nothing9"])
        .env("LD_LIBRARY_PATH", program.parent().expect("a directory"))
        .output()
        .expect("start the example");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.starts_with("fanout: nothing9: "), "{said}");
}

#[test]
fn counters_of_the_c_program() {
    let program = in_c("fanout_example");
    private(|| counters_add_up(&program));
}

#[test]
fn counters_of_the_rust_program() {
    let program = in_rust();
    private(|| counters_add_up(&program));
}
