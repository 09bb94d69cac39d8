//! Network namespaces: network_namespaces(7), setns(2).

use super::thread::{self, uncancelled};
use super::{Errno, Sys, check};
use std::fs::OpenOptions;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::resume_unwind;
use std::path::Path;

/// Enough for what is done in a namespace, and not what the environment says that threads have.
const STACK: usize = 256 << 10;

/// Opens what stands for a namespace, such as `/run/netns/NAME` or `/proc/PID/ns/net`.
pub fn open(path: &Path) -> Sys<OwnedFd> {
    // Or a pipe of that name would wait for a writer.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    file.map(Into::into).map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EINVAL)))
}

/// Runs `f` in the namespace `namespace`, in a thread of its own that ends with it: no other one ever is in another
/// namespace than its own, whatever becomes of `f`, and no signal handler runs where it does not belong. `f` panics in
/// the caller's thread.
pub fn inside<R: Send>(namespace: BorrowedFd<'_>, f: impl FnOnce() -> R + Send) -> Sys<R> {
    let work = || {
        thread::silenced(|| {
            // SAFETY: no pointer is passed, and the namespace is this thread's only.
            check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })?;
            Ok(f())
        })
    };
    uncancelled(|| {
        std::thread::scope(|scope| {
            let builder = std::thread::Builder::new().stack_size(STACK);
            let started = thread::with_signals_blocked(|| builder.spawn_scoped(scope, work));
            let started =
                started.map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EAGAIN)))?;
            started.join().unwrap_or_else(|payload| resume_unwind(payload))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::os::fd::AsFd as _;
    use std::panic::catch_unwind;

    const OWN: &str = "/proc/thread-self/ns/net";

    fn own() -> String {
        fs::read_link(OWN).expect("the namespace").display().to_string()
    }

    /// A namespace that no process is in; `None` where we may make none.
    fn other() -> Option<OwnedFd> {
        let make = || {
            // SAFETY: no pointer is passed; the thread ends with its namespace.
            check(unsafe { libc::unshare(libc::CLONE_NEWNET) })?;
            Ok::<_, Errno>(File::open(OWN).expect("the new one").into())
        };
        std::thread::spawn(make).join().expect("no panic").ok()
    }

    #[test]
    fn only_the_thread_of_its_own_is_there() {
        let Some(other) = other() else { return };
        let before = own();
        let there = inside(other.as_fd(), own).expect("inside");
        assert_ne!(there, before);
        assert_eq!(inside(other.as_fd(), own), Ok(there), "the same one again");
        assert_eq!(own(), before);
    }

    #[test]
    fn a_panic_there_is_one_here() {
        let Some(other) = other() else { return };
        let before = own();
        let panicked = catch_unwind(|| inside(other.as_fd(), || panic!("there")));
        let payload = panicked.expect_err("a panic");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"there"));
        assert_eq!(own(), before);
    }

    #[test]
    fn what_is_no_namespace_is_refused() {
        let null = File::open("/dev/null").expect("a file");
        assert_eq!(inside(null.as_fd(), || ()), Err(Errno(libc::EINVAL)));
        assert_eq!(open(Path::new("/nonexistent")).err(), Some(Errno(libc::ENOENT)));
        assert_eq!(open(Path::new("a\0b")).err(), Some(Errno(libc::EINVAL)));
    }
}
