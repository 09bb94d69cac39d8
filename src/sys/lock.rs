//! Waiting for a lock where a signal handler may be who waits, and its own thread who holds the lock or waits for it.

use super::clock;
use parking_lot::{Mutex, MutexGuard, RwLock, RwLockWriteGuard};

/// Nanoseconds between two looks at the lock.
const BETWEEN: u64 = 50_000;

/// The lock, if it is to be had within `patience` nanoseconds. Nobody queues for it, for a thread that does cannot
/// queue once more in a signal handler.
pub fn lock_within<T>(lock: &Mutex<T>, patience: u64) -> Option<MutexGuard<'_, T>> {
    within(patience, || lock.try_lock())
}

/// As [`lock_within`], to write.
pub fn write_within<T>(lock: &RwLock<T>, patience: u64) -> Option<RwLockWriteGuard<'_, T>> {
    within(patience, || lock.try_write())
}

fn within<G>(patience: u64, attempt: impl Fn() -> Option<G>) -> Option<G> {
    if let Some(guard) = attempt() {
        return Some(guard);
    }
    let until = clock::now().saturating_add(patience);
    loop {
        clock::sleep_until(clock::now().saturating_add(BETWEEN).min(until));
        if let Some(guard) = attempt() {
            return Some(guard);
        }
        if clock::now() >= until {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    const PATIENCE: u64 = 200_000_000;
    static LOCK: Mutex<()> = Mutex::new(());
    static REFUSED: AtomicU32 = AtomicU32::new(0);

    fn ask() {
        if lock_within(&LOCK, PATIENCE).is_none() {
            REFUSED.fetch_add(1, Ordering::SeqCst);
        }
    }

    extern "C" fn handler(_: libc::c_int) {
        ask();
    }

    #[test]
    fn a_signal_handler_waits_where_its_thread_waits() {
        let action = handler as extern "C" fn(libc::c_int) as libc::sighandler_t;
        // SAFETY: a handler of this signature, for a signal that nothing else here uses.
        unsafe { libc::signal(libc::SIGUSR2, action) };
        let held = LOCK.lock();
        let waiting = std::thread::spawn(|| {
            // SAFETY: no pointer is passed.
            let me = unsafe { libc::pthread_self() };
            let signal = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(50));
                // SAFETY: the thread waits for this one before it ends.
                unsafe { libc::pthread_kill(me, libc::SIGUSR2) };
            });
            ask();
            signal.join().expect("no panic");
        });
        waiting.join().expect("no panic");
        assert_eq!(REFUSED.load(Ordering::SeqCst), 2);
        // Others can wait after that, and get it.
        let other = std::thread::spawn(|| assert!(lock_within(&LOCK, 100 * PATIENCE).is_some()));
        std::thread::sleep(Duration::from_millis(50));
        drop(held);
        other.join().expect("no panic");
    }
}
