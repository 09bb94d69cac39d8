//! What the reading thread costs: user instructions and system calls (perf_event_open(2)), CPU time.

use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const PERF_TYPE_HARDWARE: u32 = 0;
const PERF_TYPE_TRACEPOINT: u32 = 2;
const PERF_COUNT_HW_INSTRUCTIONS: u64 = 1;
const FLAG_DISABLED: u64 = 1;
const FLAG_EXCLUDE_KERNEL: u64 = 1 << 5;
const FLAG_EXCLUDE_HV: u64 = 1 << 6;
const IOC_ENABLE: libc::c_ulong = 0x2400;
const IOC_DISABLE: libc::c_ulong = 0x2401;
const SYS_ENTER: &str = "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id";

/// `struct perf_event_attr` as its first published version has it (PERF_ATTR_SIZE_VER0).
#[repr(C)]
#[derive(Default)]
struct Attr {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    config1: u64,
}

/// What was used between start and stop; None where this machine cannot count it.
#[derive(Clone, Copy)]
pub struct Used {
    pub instructions: Option<f64>,
    pub syscalls: Option<f64>,
    pub cpu_ns: f64,
}

/// Counters of the calling thread, running since `start`.
pub struct Counters {
    instructions: Option<OwnedFd>,
    syscalls: Option<OwnedFd>,
    cpu_ns: f64,
}

impl Counters {
    pub fn start() -> Self {
        let this = Self {
            instructions: open_instructions(),
            syscalls: open_syscalls(),
            cpu_ns: thread_cpu_ns(),
        };
        control(this.instructions.as_ref(), IOC_ENABLE);
        control(this.syscalls.as_ref(), IOC_ENABLE);
        this
    }

    pub fn stop(self) -> Used {
        control(self.syscalls.as_ref(), IOC_DISABLE);
        control(self.instructions.as_ref(), IOC_DISABLE);
        Used {
            instructions: self.instructions.and_then(value),
            // The ioctl that stops the counter is counted too.
            syscalls: self.syscalls.and_then(value).map(|n| n - 1.0),
            cpu_ns: thread_cpu_ns() - self.cpu_ns,
        }
    }
}

/// Whether instructions can be counted while they run.
pub fn sees_instructions() -> bool {
    open_instructions().is_some()
}

/// Whether system calls can be counted while they happen.
pub fn sees_syscalls() -> bool {
    open_syscalls().is_some()
}

/// Two lines for people: how things are counted here.
pub fn availability() -> String {
    let how = |direct: bool, source: &str| {
        if direct { source.to_owned() } else { "ptrace, only where a ring is emptied".to_owned() }
    };
    format!(
        "user instructions counted by: {}\nsystem calls counted by:      {}",
        how(sees_instructions(), "the hardware (perf_event_open)"),
        how(sees_syscalls(), "the tracepoint raw_syscalls:sys_enter"),
    )
}

fn open_instructions() -> Option<OwnedFd> {
    open(&Attr {
        kind: PERF_TYPE_HARDWARE,
        config: PERF_COUNT_HW_INSTRUCTIONS,
        flags: FLAG_DISABLED | FLAG_EXCLUDE_KERNEL | FLAG_EXCLUDE_HV,
        ..Attr::default()
    })
}

fn open_syscalls() -> Option<OwnedFd> {
    let config = fs::read_to_string(SYS_ENTER).ok()?.trim().parse().ok()?;
    open(&Attr { kind: PERF_TYPE_TRACEPOINT, config, flags: FLAG_DISABLED, ..Attr::default() })
}

fn open(attr: &Attr) -> Option<OwnedFd> {
    let mut sized = Attr { size: size_of::<Attr>() as u32, ..*attr };
    let (thread, any_cpu, no_group, no_flags) = (0, -1, -1, 0);
    // SAFETY: `sized` says how large it is; the other arguments are numbers.
    let fd = unsafe {
        let number = libc::SYS_perf_event_open;
        libc::syscall(number, &raw mut sized, thread, any_cpu, no_group, no_flags)
    };
    // SAFETY: a descriptor that the kernel just made for us.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

fn control(fd: Option<&OwnedFd>, request: libc::c_ulong) {
    if let Some(fd) = fd {
        // SAFETY: these two requests take a number.
        unsafe { libc::ioctl(fd.as_raw_fd(), request, 0) };
    }
}

fn value(fd: OwnedFd) -> Option<f64> {
    let mut count = 0u64;
    // SAFETY: room for the eight bytes asked for.
    let n = unsafe { libc::read(fd.as_raw_fd(), (&raw mut count).cast(), 8) };
    (n == 8).then_some(count as f64)
}

fn thread_cpu_ns() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: room for the result.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut t) };
    t.tv_sec as f64 * 1e9 + t.tv_nsec as f64
}
