//! A private network namespace for each live test.
//!
//! [`private`] starts the test again, alone, under `unshare(1)` with a network and a mount
//! namespace of its own, so that no packet leaves the test and none comes in. A fresh sysfs shows
//! the namespace's interfaces and no others; IPv6 is off, so the kernel sends nothing by itself.
//! Root stays the real root there (tcpdump can drop its privileges); a normal user gets a user
//! namespace in which he keeps his own uid and has every capability. See unshare(1),
//! network_namespaces(7), user_namespaces(7).

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Marks a process that is inside its namespace already.
const MARK: &str = "LIBPCAP_RS_NETNS";

/// Names the file that collects the reasons of skipped tests, one a line.
const SKIPS: &str = "LIBPCAP_RS_SKIPS";

/// How long any wait may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where `ip`, `tcpdump` and the like live; a normal user's PATH may lack the system directories.
pub fn path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin:/sbin", env::var("PATH").unwrap_or_default())
}

/// Whether this process may become other users: false for a normal user, in a namespace or not.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").expect("/proc is mounted").uid() == 0
}

/// Runs `body` in a namespace of its own. To be called with a closure written in the test itself:
/// the closure's type names the test.
pub fn private<F: FnOnce()>(body: F) {
    if env::var_os(MARK).is_some() {
        prepare();
        body();
        return;
    }
    let name = test_name(std::any::type_name::<F>());
    if let Err(why) = allowed() {
        skip(&format!("{name}: no network namespace for us: {why}"));
        return;
    }
    let out = unshare()
        .arg(env::current_exe().expect("the test program's path"))
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("unshare(1) of util-linux starts");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(
        out.status.success() && said.contains("test result: ok. 1 passed"),
        "in a namespace ({}), {name}:\n{}{}",
        out.status,
        indented(&said),
        indented(&String::from_utf8_lossy(&out.stderr)),
    );
}

/// The command that runs what follows in namespaces of its own.
fn unshare() -> Command {
    let namespaces: &[&str] = if is_root() {
        &["--net", "--mount"]
    } else {
        &["--user", "--map-current-user", "--keep-caps", "--net", "--mount"]
    };
    let mut command = Command::new("unshare");
    command.args(namespaces).arg("--").env("PATH", path());
    command
}

/// Whether this machine lets us make namespaces, or what unshare(1) says.
fn allowed() -> Result<(), String> {
    let out = unshare().arg("true").output().expect("unshare(1) of util-linux starts");
    let said = String::from_utf8_lossy(&out.stderr).trim_end().replace('\n', "; ");
    if out.status.success() { Ok(()) } else { Err(said) }
}

/// Marks the running test as skipped and gives the reason. The caller returns.
pub fn skip(reason: &str) {
    let _ = writeln!(io::stderr(), "skipped: {reason}");
    if let Some(file) = env::var_os(SKIPS) {
        let file = OpenOptions::new().append(true).create(true).open(file);
        writeln!(file.expect("the list of skipped tests"), "{reason}").expect("list the skip");
    }
}

/// Runs `ip` with these words, split at blanks.
pub fn ip(words: &str) {
    let out = Command::new("ip").args(words.split(' ')).env("PATH", path()).output();
    let out = out.expect("ip(8) of iproute2 starts");
    assert!(out.status.success(), "ip {words}: {}", String::from_utf8_lossy(&out.stderr));
}

/// What `ip` prints for these words.
pub fn ip_says(words: &str) -> String {
    let out = Command::new("ip").args(words.split(' ')).env("PATH", path()).output();
    String::from_utf8(out.expect("ip(8) of iproute2 starts").stdout).expect("ip prints text")
}

/// A veth pair v0, v1, both up, with the addresses 02:00:00:00:00:00 and ...:01.
pub fn veth() {
    ip("link add v0 address 02:00:00:00:00:00 type veth peer name v1 address 02:00:00:00:00:01");
    up("v0");
    up("v1");
    wait_running("v0");
    wait_running("v1");
}

/// A bridge br0, up, with v1 (see [`veth`]) as its only port. It does not look into multicasts: for that
/// it would join a group, and the kernel report so in a packet at some later moment.
pub fn bridge() {
    ip("link add br0 address 02:00:00:00:00:ff type bridge mcast_snooping 0");
    ip("link set v1 master br0");
    up("br0");
    wait_running("br0");
}

/// Takes an interface up, without addresses of its own making.
pub fn up(name: &str) {
    ip(&format!("link set {name} addrgenmode none"));
    ip(&format!("link set {name} up"));
}

/// Waits until an interface that has a carrier passes traffic, which is some time after it was taken up: before, the
/// kernel drops what is sent.
pub fn wait_running(name: &str) {
    wait_until(&format!("{name} runs"), || {
        ip_says(&format!("link show {name}")).contains(" state UP ")
    });
}

/// Waits until `done`; fails the test when that takes longer than [`PATIENCE`].
pub fn wait_until(what: &str, done: impl FnMut() -> bool) {
    assert!(eventually(done), "waited too long until {what}");
}

/// Waits until `done`, or gives up and says false after [`PATIENCE`].
pub fn eventually(mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        if Instant::now() > deadline {
            return false;
        }
        sleep(Duration::from_millis(5));
    }
    true
}

/// `program::module::test` from the type name of a closure in that test.
fn test_name(closure: &str) -> &str {
    let path = closure.trim_end_matches("::{{closure}}");
    path.split_once("::").map_or(path, |(_program, test)| test)
}

/// Lines that cannot be taken for the outer test program's own.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    | {line}\n")).collect()
}

fn prepare() {
    let mounted = Command::new("mount").args(["-t", "sysfs", "sysfs", "/sys"]).output();
    let mounted = mounted.expect("mount(8) starts");
    assert!(mounted.status.success(), "{}", String::from_utf8_lossy(&mounted.stderr));
    // A kernel without IPv6 has no such switch and needs none.
    for scope in ["all", "default"] {
        let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"), "1");
    }
    ip("link set lo up");
}
