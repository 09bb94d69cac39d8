//! The distribution's tcpdump, run at the same time on the distribution's library and on ours, and
//! what each run printed, wrote and returned.
//!
//! Ours is loaded in both ways that users have: under LD_PRELOAD, and through LD_LIBRARY_PATH from
//! a directory that holds it under both names, libpcap.so.0.8 and libpcap.so.1. See ld.so(8).

#![allow(unsafe_code, reason = "std can send no signal but SIGKILL")]

use std::env;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::frames::LAST;
use super::library::{cc, library, root, run};
use super::netns;

/// Whose library a tcpdump runs on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    /// The distribution's.
    Theirs,
    /// Ours, under LD_PRELOAD.
    Preload,
    /// Ours, through LD_LIBRARY_PATH.
    LibraryPath,
}

const SIDES: [Side; 3] = [Side::Theirs, Side::Preload, Side::LibraryPath];

/// A difference that we want: what it is, and how their run must be edited to become ours. The
/// edit leaves a run alone that is like ours already (the distribution's library may be newer).
pub struct Wanted {
    /// Why ours differs.
    pub why: &'static str,
    /// Makes their run what ours should be.
    pub edit: fn(&mut Run),
}

/// What a tcpdump that has ended left behind.
#[derive(Clone, Debug)]
pub struct Run {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it said.
    pub stderr: String,
    /// The directory that it ran in.
    pub dir: PathBuf,
}

impl Run {
    /// What it printed, as text.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The files that it wrote, in the order of their names.
    pub fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.dir).expect("the run's directory");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        paths
    }

    /// The number before ` packets WHAT` (or ` packet WHAT`) in the closing statistics.
    pub fn count(&self, what: &str) -> u64 {
        let found = self.stderr.lines().find_map(|line| {
            let (number, rest) = line.split_once(" packet")?;
            (rest.trim_start_matches('s') == format!(" {what}")).then(|| number.parse().ok())?
        });
        found.unwrap_or_else(|| panic!("no statistics line \"{what}\" in:\n{}", self.stderr))
    }
}

/// A directory that holds our library under its names, and the directories of runs.
pub struct Bench {
    dir: PathBuf,
    started: AtomicU32,
    nobody: bool,
    /// What ours are started under: a library, and its rules.
    shim: Option<(PathBuf, &'static str)>,
    /// What ours find in PCAP_LINUX_OPTIONS.
    options: Option<&'static str>,
}

impl Bench {
    /// Sets up the directory. It is gone when the bench is dropped.
    pub fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("libpcap-rs-{}-{number}", process::id()));
        let lib = dir.join("lib");
        fs::create_dir_all(&lib).expect("make a temporary directory");
        for name in ["libpcap.so.0.8", "libpcap.so.1"] {
            let ours = library();
            fs::copy(&ours, lib.join(name)).unwrap_or_else(|e| panic!("{}: {e}", ours.display()));
        }
        Self { dir, started: AtomicU32::new(0), nobody: false, shim: None, options: None }
    }

    /// Starts its tcpdumps as the user nobody (as root only).
    pub fn for_nobody(mut self) -> Self {
        self.nobody = true;
        self
    }

    /// Starts those on our library under capi-tests/shim.c with these rules.
    pub fn under_shim(mut self, rules: &'static str) -> Self {
        let shim = self.dir.join("shim.so");
        let source = root().join("capi-tests/shim.c");
        run(cc().args(["-shared", "-fPIC"]).arg(source).arg("-o").arg(&shim).arg("-ldl"));
        self.shim = Some((shim, rules));
        self
    }

    /// Starts those on our library with these options.
    pub fn with_options(mut self, options: &'static str) -> Self {
        self.options = Some(options);
        self
    }

    /// Starts one with these arguments, split at blanks, on our library alone.
    pub fn start_one(&self, args: &str) -> Tcpdump {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        Tcpdump::start(self, Side::Preload, args, &number.to_string())
    }

    /// Starts a tcpdump with these arguments, split at blanks, on each side.
    pub fn start(&self, args: &str) -> Runs {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let start = |side| Tcpdump::start(self, side, args, &format!("{number}-{side:?}"));
        Runs { args: args.to_owned(), all: SIDES.map(start) }
    }

    /// Runs a tcpdump that ends by itself on each side, compares, and returns theirs.
    pub fn assert_same(&self, args: &str, wanted: &[Wanted]) -> Run {
        self.start(args).assert_same(wanted)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The same tcpdump on each side.
pub struct Runs {
    args: String,
    all: [Tcpdump; 3],
}

impl Runs {
    /// Waits until every side captures, each on the right library.
    pub fn listening(self) -> Self {
        self.until("it listens", Tcpdump::listens);
        self.all.iter().for_each(Tcpdump::check_library);
        self
    }

    /// Waits until both of ours capture, where theirs cannot.
    pub fn listening_on_ours(self) -> Self {
        self.until("ours listens", |tcpdump| tcpdump.side == Side::Theirs || tcpdump.listens());
        self
    }

    /// Waits until every side has printed the last packet this many times.
    pub fn printed_last(&self, times: usize) {
        self.until("it printed the last packet", |tcpdump| tcpdump.printed_last(times));
    }

    /// Waits until both of ours have printed the last packet this many times, where theirs cannot.
    pub fn printed_last_on_ours(&self, times: usize) {
        self.until("ours printed the last packet", |tcpdump| {
            tcpdump.side == Side::Theirs || tcpdump.printed_last(times)
        });
    }

    /// Waits until every side has written a file of at least this many bytes.
    pub fn wrote(&self, name: &str, bytes: u64) {
        self.until("the file is written", |tcpdump| tcpdump.file_len(name) >= bytes);
    }

    /// Waits until `done` is true of every side.
    pub fn until(&self, what: &str, done: impl Fn(&Tcpdump) -> bool) {
        let came = netns::eventually(|| self.all.iter().all(&done));
        assert!(came, "waited too long until {what}:\n{}", self.report());
    }

    /// Sends this signal to every side.
    pub fn signal(&self, signal: libc::c_int) {
        for tcpdump in &self.all {
            tcpdump.signal(signal);
        }
    }

    /// Sends this signal to both of ours, where theirs has ended.
    pub fn signal_ours(&self, signal: libc::c_int) {
        for tcpdump in self.all.iter().filter(|tcpdump| tcpdump.side != Side::Theirs) {
            tcpdump.signal(signal);
        }
    }

    /// Waits until every side has ended: theirs, ours, ours.
    pub fn finish(mut self) -> [Run; 3] {
        let ended = netns::eventually(|| self.all.iter_mut().all(Tcpdump::has_ended));
        assert!(ended, "waited too long until it ended:\n{}", self.report());
        self.all.map(Tcpdump::finish)
    }

    /// Waits until every side has ended, fails the test if they differ in what they printed, said
    /// or returned, and returns theirs.
    pub fn assert_same(self, wanted: &[Wanted]) -> Run {
        let args = self.args.clone();
        let runs = self.finish();
        assert_same(&args, &runs, wanted);
        let [theirs, ..] = runs;
        theirs
    }

    fn report(&self) -> String {
        let of = |t: &Tcpdump| {
            let (printed, said) = (t.stdout.text(), t.stderr.text());
            format!("--- {:?} printed:\n{}--- said:\n{}", t.side, excerpt(&printed), excerpt(&said))
        };
        format!("tcpdump {}\n{}", self.args, self.all.iter().map(of).collect::<String>())
    }
}

/// Does what wakes every one of them, and waits until it sleeps again.
pub fn wake(all: &[Runs], act: impl FnOnce()) {
    let each = || all.iter().flat_map(|runs| &runs.all).map(Tcpdump::sleeps);
    let before: Vec<_> = each().collect();
    act();
    netns::wait_until("every tcpdump has woken up", || {
        each().zip(&before).all(|(now, before)| now > *before)
    });
}

/// Fails the test unless both of our runs are what theirs is, but for the differences we want.
pub fn assert_same(args: &str, [theirs, preload, path]: &[Run; 3], wanted: &[Wanted]) {
    let mut expected = theirs.clone();
    for difference in wanted {
        (difference.edit)(&mut expected);
    }
    let mut complaints = String::new();
    for (ours, side) in [(preload, Side::Preload), (path, Side::LibraryPath)] {
        if expected.status != ours.status {
            complaints += &format!("{side:?}: {} but {} wanted\n", ours.status, expected.status);
        }
        complaints += &difference(side, "printed", &expected.printed(), &ours.printed());
        complaints += &difference(side, "said", &expected.stderr, &ours.stderr);
    }
    assert!(complaints.is_empty(), "tcpdump {args}\n{complaints}");
}

/// Describes how two texts differ; empty if they do not.
fn difference(side: Side, verb: &str, wanted: &str, got: &str) -> String {
    if wanted == got {
        return String::new();
    }
    let same = wanted.lines().zip(got.lines()).take_while(|(a, b)| a == b).count();
    let tail = |text: &str| text.lines().skip(same).take(12).map(|l| format!("  {l}\n")).collect();
    let (wanted, got): (String, String) = (tail(wanted), tail(got));
    format!("{side:?} {verb}, after {same} equal lines:\n{got}wanted:\n{wanted}")
}

fn excerpt(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let skipped = lines.len().saturating_sub(12);
    lines.iter().skip(skipped).map(|line| format!("  {line}\n")).collect()
}

/// One running tcpdump.
pub struct Tcpdump {
    side: Side,
    child: Child,
    ended: Option<ExitStatus>,
    /// What it has printed so far.
    pub stdout: Collected,
    /// What it has said so far.
    pub stderr: Collected,
    dir: PathBuf,
    lib: PathBuf,
}

impl Tcpdump {
    fn start(bench: &Bench, side: Side, args: &str, name: &str) -> Self {
        let dir = bench.dir.join(name);
        fs::create_dir(&dir).expect("make a run's directory");
        // tcpdump writes its files as another user after dropping root's privileges.
        fs::set_permissions(&dir, Permissions::from_mode(0o777)).expect("open it to every user");
        let lib = bench.dir.join("lib");
        let mut command = Command::new("tcpdump");
        command.args(args.split(' ')).current_dir(&dir);
        command.env("PATH", netns::path()).env("LC_ALL", "C").env("TZ", "UTC");
        // Cargo sets this to where it built the library.
        command.env_remove("LD_LIBRARY_PATH");
        let mut preload = Vec::new();
        if side != Side::Theirs
            && let Some((shim, rules)) = &bench.shim
        {
            preload.push(shim.clone());
            command.env("PCAP_SHIM", rules);
        }
        if side != Side::Theirs
            && let Some(options) = bench.options
        {
            command.env("PCAP_LINUX_OPTIONS", options);
        }
        match side {
            Side::Theirs => {}
            Side::Preload => preload.push(lib.join("libpcap.so.0.8")),
            Side::LibraryPath => {
                command.env("LD_LIBRARY_PATH", &lib);
            }
        }
        if !preload.is_empty() {
            command.env("LD_PRELOAD", env::join_paths(preload).expect("paths without a colon"));
        }
        if bench.nobody {
            command.uid(65534).gid(65534);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("tcpdump starts");
        let stdout = Collected::from(child.stdout.take().expect("a pipe"));
        let stderr = Collected::from(child.stderr.take().expect("a pipe"));
        Self { side, child, ended: None, stdout, stderr, dir, lib }
    }

    /// The length of a file that it writes; 0 while there is none.
    pub fn file_len(&self, name: &str) -> u64 {
        fs::metadata(self.dir.join(name)).map_or(0, |meta| meta.len())
    }

    /// The length of all files that it writes.
    pub fn written(&self) -> u64 {
        let files = fs::read_dir(&self.dir).expect("the run's directory");
        files.map(|file| file.and_then(|file| file.metadata()).map_or(0, |meta| meta.len())).sum()
    }

    /// How often it has gone to sleep.
    fn sleeps(&self) -> u64 {
        let status = self.proc("status");
        let number = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        number.and_then(|number| number.trim().parse().ok()).expect("a number of sleeps")
    }

    /// Its entry in /proc of this name.
    pub fn proc(&self, entry: &str) -> String {
        let path = format!("/proc/{}/{entry}", self.child.id());
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// Sends it this signal.
    pub fn signal(&self, signal: libc::c_int) {
        assert!(self.ended.is_none(), "{:?} has ended already", self.side);
        let pid = libc::pid_t::try_from(self.child.id()).expect("a process id");
        // SAFETY: kill takes no pointers; the child is not reaped yet, so pid is still its own.
        unsafe { libc::kill(pid, signal) };
    }

    /// Fails the test unless the process has mapped the library of its side and no other libpcap.
    fn check_library(&self) {
        let maps = self.proc("maps");
        let mut files = maps.lines().filter(|line| line.contains("/libpcap.so"));
        let ours = self.lib.to_str().expect("a path in UTF-8");
        let right = match self.side {
            Side::Theirs => files.all(|line| !line.contains(ours)),
            Side::Preload | Side::LibraryPath => {
                let mut files = files.peekable();
                files.peek().is_some() && files.all(|line| line.contains(ours))
            }
        };
        assert!(right, "{:?}: the wrong library is loaded:\n{maps}", self.side);
    }

    /// Whether it captures.
    pub fn listens(&self) -> bool {
        let said = self.stderr.text();
        said.contains("listening on ") && said.ends_with('\n')
    }

    fn printed_last(&self, times: usize) -> bool {
        let text = self.stdout.text();
        text.matches(LAST).count() >= times && text.ends_with('\n')
    }

    fn has_ended(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("wait for tcpdump");
        }
        self.ended.is_some()
    }

    /// Waits until it has ended.
    pub fn finish(mut self) -> Run {
        Run {
            status: self.child.wait().expect("wait for tcpdump"),
            stdout: self.stdout.whole(),
            stderr: String::from_utf8_lossy(&self.stderr.whole()).into_owned(),
            dir: self.dir.clone(),
        }
    }
}

impl Drop for Tcpdump {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes out of a pipe, collected by a thread.
pub struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    fn from(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(got @ 1..) = pipe.read(&mut chunk) {
                sink.lock().expect("no panic in here").extend_from_slice(&chunk[..got]);
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    /// What has come so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("no panic in there")).into_owned()
    }

    fn whole(&mut self) -> Vec<u8> {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader of a pipe ends");
        }
        std::mem::take(&mut *self.bytes.lock().expect("no panic in there"))
    }
}
