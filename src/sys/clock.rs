//! The clock that only goes forward: `clock_gettime(2)`, `clock_nanosleep(2)`, with times in nanoseconds.

use super::thread::uncancelled;

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// What time it is.
pub fn now() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// What time it was when the clock last ticked, which it does every few milliseconds.
pub fn tick() -> u64 {
    read(libc::CLOCK_MONOTONIC_COARSE)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable. The clocks are there on every Linux that we run on.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    u64::try_from(time.tv_sec).unwrap_or(0).saturating_mul(SECOND).saturating_add(nanos)
}

/// Sleeps until it is `time`, or a signal comes.
pub fn sleep_until(time: u64) {
    let until = libc::timespec {
        tv_sec: libc::time_t::try_from(time / SECOND).unwrap_or(libc::time_t::MAX),
        tv_nsec: (time % SECOND) as libc::c_long,
    };
    uncancelled(|| {
        let none = std::ptr::null_mut();
        // SAFETY: `until` is readable, and nothing is written for an absolute time.
        unsafe {
            libc::clock_nanosleep(
                libc::CLOCK_MONOTONIC,
                libc::TIMER_ABSTIME,
                &raw const until,
                none,
            )
        };
    });
}
