//! Bytes that come late, in pieces, or not at all.
#![allow(unsafe_code, reason = "signals, threads and descriptors")]

use crate::api::{Library, Pcap, both, ours, stdio};
use crate::positions::{as_stdin, pipe_of};
use crate::{capture, file, offset, record};
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// What pcap_next_ex() returns at the end, what pcap_loop() returns after a break, and what both return on errors.
const END: i32 = -2;
const BREAK: i32 = -2;
const ERROR: i32 = -1;

const MOMENT: Duration = Duration::from_millis(50);

fn fifo(dir: &Path) -> PathBuf {
    let path = dir.join("fifo");
    let name = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
    // SAFETY: a C string.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    path
}

/// Opens the FIFO for writing once somebody reads it, writes `bytes` by `step`, and keeps it open.
fn writer(path: &Path, bytes: Vec<u8>, step: usize) -> thread::JoinHandle<File> {
    let path = path.to_owned();
    thread::spawn(move || {
        let mut file = OpenOptions::new().write(true).open(path).expect("open the FIFO");
        for some in bytes.chunks(step) {
            file.write_all(some).expect("write to the FIFO");
        }
        file
    })
}

#[test]
fn byte_by_byte() {
    both(|library, dir, account| {
        let path = fifo(dir);
        let bytes = capture(0..40);
        for cut in [0, 1, offset(40) - offset(39) - 1] {
            let bytes = bytes[..bytes.len() - cut].to_vec();
            let sent = writer(&path, bytes.clone(), 1);
            let pcap = library.open(&path).expect("open");
            let closer = thread::spawn(|| drop(sent.join()));
            account.push(format!("{:?} {}", pcap.all(), pcap.error()));
            pcap.close();
            closer.join().expect("the writer's end");
            // The same by a stream of the caller's.
            as_stdin(&pipe_of(bytes, 1));
            // SAFETY: a descriptor of its own, and a C string.
            let stream = unsafe { libc::fdopen(libc::dup(0), c"rb".as_ptr()) };
            let pcap = library.fopen(stream).expect("open");
            account.push(format!("{:?} {}", pcap.all(), pcap.error()));
            pcap.close();
        }
    });
}

/// What is there is told at once, and not when a buffer is full.
#[test]
fn packets_are_told_as_they_come() {
    ours(|library, dir| {
        let path = fifo(dir);
        let sent = writer(&path, capture(0..5), 1000);
        let pcap = library.open(&path).expect("open");
        for n in 0..5 {
            assert_eq!(pcap.next().expect("a packet").0, n);
        }
        let mut sent = sent.join().expect("the writer");
        let (head, tail) = (record(5)[..30].to_vec(), record(5)[30..].to_vec());
        let more = thread::spawn(move || {
            sent.write_all(&head).expect("write");
            sleep(MOMENT);
            sent.write_all(&tail).expect("write");
            sent
        });
        assert_eq!(pcap.next().expect("a packet").0, 5);
        drop(more.join());
        assert_eq!(pcap.next(), Err(END));
        pcap.close();
    });
}

#[test]
fn a_file_that_grows() {
    ours(|library, dir| {
        let path = file(dir, "file", &capture(0..3));
        let mut grown = OpenOptions::new().append(true).open(&path).expect("open");
        let pcap = library.open(&path).expect("open");
        assert_eq!(pcap.all(), (vec![0, 1, 2], END));
        assert_eq!(pcap.all(), (vec![], END));
        grown.write_all(&[record(3), record(4)].concat()).expect("write");
        assert_eq!(pcap.all(), (vec![3, 4], END));
        // Within the header of a record, and within its bytes.
        for (n, cut) in [(5, 7), (6, 20), (7, 15), (8, 10), (9, 16)] {
            grown.write_all(&record(n)[..cut]).expect("write");
            assert_eq!(pcap.all(), (vec![], ERROR), "{n}");
            assert!(pcap.error().starts_with("truncated dump file; tried to read "), "{n}");
            assert_eq!(pcap.all(), (vec![], END), "{n}");
            grown.write_all(&record(n)[cut..]).expect("write");
            assert_eq!(pcap.all(), (vec![n], END), "{n}");
        }
        // Of the caller's stream, who has to forget that it had ended.
        grown.write_all(&record(10)).expect("write");
        let stream = pcap.stream();
        assert_eq!(pcap.all(), (vec![10], END));
        grown.write_all(&record(11)).expect("write");
        stdio::seek(stream, usize::try_from(stdio::tell(stream)).expect("a position"));
        assert_eq!(pcap.all(), (vec![11], END));
        pcap.close();
    });
}

/// A program that does nothing but read, which does not ask the kernel each time, finds what was added, too.
#[test]
fn a_file_that_grows_under_one_who_reads_on() {
    ours(|library, dir| {
        let path = file(dir, "file", &capture(0..3));
        let mut grown = OpenOptions::new().append(true).open(&path).expect("open");
        let pcap = library.open(&path).expect("open");
        assert_eq!(pcap.all(), (vec![0, 1, 2], END));
        for n in 3..8 {
            for _ in 0..5000 {
                assert_eq!(pcap.all(), (vec![], END));
            }
            grown.write_all(&record(n)).expect("write");
            let patience = Instant::now() + Duration::from_secs(10);
            let found = loop {
                match pcap.all() {
                    (found, END) if found.is_empty() && Instant::now() < patience => {}
                    other => break other,
                }
            };
            assert_eq!(found, (vec![n], END));
        }
        pcap.close();
    });
}

/// A descriptor that does not wait makes reads wait all the same, and lose nothing.
#[test]
fn a_descriptor_that_does_not_wait() {
    ours(|library, _| {
        let (reader, mut writer) = std::io::pipe().expect("pipe(2)");
        // SAFETY: an open descriptor.
        assert_eq!(unsafe { libc::fcntl(reader.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) }, 0);
        as_stdin(&reader);
        let bytes = [capture(0..30), capture(0..30)].concat();
        let sent = thread::spawn(move || {
            for some in bytes.chunks(700) {
                sleep(Duration::from_millis(1));
                writer.write_all(some).expect("write");
            }
        });
        // The first by name, the second by the stream.
        let pcap = library.open("-").expect("open");
        assert_eq!(pcap.run(30, |_| {}), 0);
        pcap.close();
        let pcap = library.fopen(stdio::standard_input()).expect("open");
        assert_eq!(pcap.all(), ((0..30).collect(), END));
        pcap.close();
        sent.join().expect("the writer");
    });
}

static HANDLE: AtomicPtr<Pcap> = AtomicPtr::new(std::ptr::null_mut());
static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn on_signal(_: i32) {
    SIGNALS.fetch_add(1, Ordering::SeqCst);
    let handle = HANDLE.load(Ordering::SeqCst);
    if !handle.is_null() {
        // SAFETY: set once it is open, and never closed.
        unsafe { (*handle).breakloop() };
    }
}

fn handle_signals(flags: i32) {
    // SAFETY: a handler that only calls what signal handlers may.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as extern "C" fn(i32) as usize;
        action.sa_flags = flags;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()), 0);
    }
}

/// This thread, for signals to it.
fn this_thread() -> libc::pthread_t {
    // SAFETY: always works.
    unsafe { libc::pthread_self() }
}

fn signal(thread: libc::pthread_t) {
    // SAFETY: a thread that waits for this one.
    assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR1) }, 0);
}

#[test]
fn signals_while_it_waits() {
    ours(|library, dir| {
        let (pcap, sent) = empty_fifo(library, dir);
        for flags in [0, libc::SA_RESTART] {
            handle_signals(flags);
            let reader = this_thread();
            let mut sent = sent.try_clone().expect("dup");
            let n = if flags == 0 { 2 } else { 3 };
            let more = thread::spawn(move || {
                for some in record(n).chunks(20) {
                    sleep(Duration::from_millis(2));
                    signal(reader);
                    sent.write_all(some).expect("write");
                }
            });
            assert_eq!(pcap.next().expect("a packet").0, n as i64);
            more.join().expect("the writer");
            assert!(SIGNALS.load(Ordering::SeqCst) > 0);
        }
    });
}

/// A FIFO of two packets that have been read, opened by name, and its other end.
fn empty_fifo(library: Library, dir: &Path) -> (Pcap, File) {
    let path = fifo(dir);
    let sent = writer(&path, capture(0..2), 1000);
    let pcap = library.open(&path).expect("open");
    assert_eq!(pcap.run(2, |_| {}), 0);
    (pcap, sent.join().expect("the writer"))
}

#[test]
fn broken_by_another_thread() {
    ours(|library, dir| {
        let (pcap, mut sent) = empty_fifo(library, dir);
        for n in [2, 3] {
            let start = Instant::now();
            let breaker = thread::spawn(move || {
                let pcap = pcap;
                sleep(MOMENT);
                pcap.breakloop();
            });
            assert_eq!(pcap.run(-1, |_| {}), BREAK);
            assert!(start.elapsed() >= MOMENT / 2);
            breaker.join().expect("the other thread");
            // And goes on.
            sent.write_all(&record(n)).expect("write");
            assert_eq!(pcap.run(1, |got| assert_eq!(got, n as i64)), 0);
        }
    });
}

#[test]
fn broken_by_a_signal_handler() {
    ours(|library, dir| {
        let (pcap, mut sent) = empty_fifo(library, dir);
        handle_signals(libc::SA_RESTART);
        HANDLE.store(Box::into_raw(Box::new(pcap)), Ordering::SeqCst);
        let reader = this_thread();
        // Within a record, too.
        sent.write_all(&record(2)[..20]).expect("write");
        let other = thread::spawn(move || {
            sleep(MOMENT);
            signal(reader);
        });
        assert_eq!(pcap.run(-1, |_| {}), BREAK);
        other.join().expect("the other thread");
        sent.write_all(&record(2)[20..]).expect("write");
        assert_eq!(pcap.next().expect("a packet").0, 2);
    });
}

unsafe extern "C" {
    fn pthread_cancel(thread: libc::pthread_t) -> i32;
}

static WAITING: AtomicBool = AtomicBool::new(false);

extern "C-unwind" fn wait_in_loop(pcap: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: of the test below, which waits for this thread.
    let pcap = unsafe { *pcap.cast::<Pcap>() };
    WAITING.store(true, Ordering::SeqCst);
    unsafe extern "C-unwind" fn none(_: *mut u8, _: *const crate::api::Header, _: *const u8) {}
    // No Rust frame that drops anything is unwound.
    pcap.run_plain(none);
    std::ptr::null_mut()
}

#[test]
fn a_thread_cancelled_while_it_waits() {
    ours(|library, dir| {
        let (pcap, mut sent) = empty_fifo(library, dir);
        let mut thread = 0;
        let mut pcap = pcap;
        // SAFETY: `pcap` outlives the thread, which is joined.
        unsafe {
            let argument = (&raw mut pcap).cast();
            let rc = libc::pthread_create(&raw mut thread, std::ptr::null(), start(), argument);
            assert_eq!(rc, 0);
            while !WAITING.load(Ordering::SeqCst) {
                sleep(Duration::from_millis(1));
            }
            sleep(MOMENT);
            assert_eq!(pthread_cancel(thread), 0);
            let mut result = std::ptr::null_mut();
            assert_eq!(libc::pthread_join(thread, &raw mut result), 0);
            assert_eq!(result.addr(), usize::MAX, "PTHREAD_CANCELED");
        }
        // The handle is as it was.
        sent.write_all(&record(2)).expect("write");
        assert_eq!(pcap.next().expect("a packet").0, 2);
        pcap.close();
    });
}

/// As pthread_create(3) is declared in Rust, which knows no unwinding out of it.
fn start() -> extern "C" fn(*mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: the same calling convention.
    unsafe {
        std::mem::transmute::<
            extern "C-unwind" fn(*mut libc::c_void) -> *mut libc::c_void,
            extern "C" fn(*mut libc::c_void) -> *mut libc::c_void,
        >(wait_in_loop)
    }
}
