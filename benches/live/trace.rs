//! Counts instructions and system calls with ptrace(2), for machines where perf_event_open(2)
//! cannot: virtual machines without a hardware counter, normal users without tracepoints.
//!
//! Slow, so the work has to be small, but exact: every instruction of the traced region is a step.

/// What the traced work calls at the begin and at the end of the region to count.
pub fn mark() {
    // SAFETY: a signal to ourselves, which the tracer takes away before it is delivered.
    unsafe { libc::kill(libc::getpid(), MARK) };
}

/// What is counted.
#[derive(Clone, Copy)]
pub enum What {
    Instructions,
    Syscalls,
}

const MARK: i32 = libc::SIGUSR2;
/// getpid() and kill() of the second mark, which fall into the region.
const CALLS_OF_MARK: u64 = 2;
/// Beyond this many stops the child is ended: something waits for ever.
const MOST_STOPS: u64 = 5_000_000;

/// Runs `work` in a traced child and counts between its two marks; None when that fails.
/// The process must have one thread.
pub fn count(what: What, work: impl FnOnce()) -> Option<f64> {
    // SAFETY: one thread, so the child is a whole copy.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: no pointers used; the parent waits for the stop and then traces us.
        unsafe {
            if libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) != 0 {
                libc::_exit(1);
            }
            libc::raise(libc::SIGSTOP);
        }
        work();
        // SAFETY: ends the child at once, running nothing that belongs to the parent.
        unsafe { libc::_exit(0) };
    }
    let stops = (pid > 0).then(|| follow(pid, what)).flatten()?;
    Some(match what {
        What::Instructions => stops as f64,
        // Each call stops twice, at its entry and at its exit.
        What::Syscalls => (stops / 2).saturating_sub(CALLS_OF_MARK) as f64,
    })
}

/// Lets the child run to its first mark, then counts its stops up to the second.
fn follow(pid: i32, what: What) -> Option<u64> {
    let step = match what {
        What::Instructions => libc::PTRACE_SINGLESTEP,
        What::Syscalls => libc::PTRACE_SYSCALL,
    };
    let (mut marks, mut stops) = (0, 0);
    if !libc::WIFSTOPPED(wait(pid)) {
        return None;
    }
    while marks < 2 && stops < MOST_STOPS {
        let request = if marks == 0 { libc::PTRACE_CONT } else { step };
        // SAFETY: the child is ours and stopped; no signal is passed on to it.
        if unsafe { libc::ptrace(request, pid, 0, 0) } != 0 {
            break;
        }
        let status = wait(pid);
        if !libc::WIFSTOPPED(status) {
            return None;
        }
        if libc::WSTOPSIG(status) == MARK {
            marks += 1;
        } else {
            stops += u64::from(marks == 1);
        }
    }
    // SAFETY: ends our own child, whose id is taken until it is waited for.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    wait(pid);
    (marks == 2).then_some(stops)
}

fn wait(pid: i32) -> i32 {
    let mut status = 0;
    // SAFETY: our own child and room for its status.
    unsafe { libc::waitpid(pid, &raw mut status, 0) };
    status
}
