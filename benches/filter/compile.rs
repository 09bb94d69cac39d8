//! How long compiling takes, how much memory, and how long the program becomes.

use crate::expressions::{LENGTHS, LISTS, USUAL, or_list};
use crate::pcap::{Handle, Lib, c_text};
use crate::report::{self, Pair};
use crate::{Effort, thread_ns};
use std::ffi::CStr;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// A compilation that takes longer, in seconds, is cut off.
const LIMIT: u32 = 5;

/// Each of the usual filters, again and again.
pub fn usual(libs: &[Lib; 2], effort: &Effort) -> Result<(), String> {
    report::head(
        "Compiling usual filters",
        &["µs", "instructions", "µs unoptimised", "instructions"],
    );
    let handles = [libs[0].open()?, libs[1].open()?];
    for text in USUAL {
        let c = c_text(text);
        let mut pairs: Vec<Pair> = Vec::new();
        for optimise in [true, false] {
            let (mut time, mut length) = (Pair::default(), Pair::default());
            for (side, handle) in handles.iter().enumerate() {
                match handle.compile(&c, optimise) {
                    Ok(program) => length.values[side].push(program.insns().len() as f64),
                    Err(error) => time.notes[side] = Some(error),
                }
            }
            for rep in 0..effort.reps {
                for side in [rep % 2, 1 - rep % 2] {
                    if time.notes[side].is_none() {
                        time.values[side].push(repeat(&handles[side], &c, optimise, effort.slice));
                    }
                }
            }
            pairs.extend([time, length]);
        }
        report::line(&format!("`{text}`"), &pairs);
    }
    Ok(())
}

/// Microseconds per compilation, in a slice of some microseconds.
fn repeat(handle: &Handle, text: &CStr, optimise: bool, slice: u64) -> f64 {
    let begun = thread_ns();
    let mut times = 0_u32;
    loop {
        let program = handle.compile(text, optimise);
        drop(program);
        times += 1;
        let taken = thread_ns() - begun;
        if taken > slice * 1000 {
            return taken as f64 / 1000.0 / f64::from(times);
        }
    }
}

/// Long lists, each in a process of its own.
pub fn growth(libs: &[Lib; 2], effort: &Effort) -> Result<(), String> {
    for optimise in [true, false] {
        let title = if optimise { "Compiling lists" } else { "Compiling lists, unoptimised" };
        report::head(title, &["ms", "KiB at most", "instructions"]);
        for (name, term) in LISTS {
            let mut late = [false; 2];
            for &n in LENGTHS.iter().filter(|n| **n <= effort.longest) {
                let text = c_text(&or_list(*term, n));
                let pairs = list(libs, &text, optimise, effort, &mut late)?;
                report::line(&format!("{n} × `{name}`"), &pairs);
            }
        }
    }
    Ok(())
}

fn list(
    libs: &[Lib; 2],
    text: &CStr,
    optimise: bool,
    effort: &Effort,
    late: &mut [bool; 2],
) -> Result<Vec<Pair>, String> {
    let mut pairs = [Pair::default(), Pair::default(), Pair::default()];
    let mut done = [false; 2];
    for rep in 0..effort.reps.min(5) {
        for side in [rep % 2, 1 - rep % 2] {
            if late[side] || done[side] {
                pairs[0].notes[side].get_or_insert_with(|| "not tried".to_owned());
                continue;
            }
            match in_child(|| measure(&libs[side], text, optimise))? {
                Ok(found) => {
                    // Once is enough of what takes long.
                    done[side] = found[0] > 1000.0;
                    for (pair, value) in pairs.iter_mut().zip(found) {
                        pair.values[side].push(value);
                    }
                }
                Err(note) => {
                    late[side] = true;
                    pairs[0].notes[side] = Some(note);
                }
            }
        }
    }
    Ok(pairs.into())
}

/// Milliseconds, KiB and instructions.
fn measure(lib: &Lib, text: &CStr, optimise: bool) -> Result<[f64; 3], String> {
    let handle = lib.open()?;
    // What every compilation touches is there before.
    handle.compile(c"tcp port 80 or net 10.0.0.0/8 or ip6 host ::1", optimise)?;
    // SAFETY: no preconditions. Free memory would be used again and not be seen.
    unsafe { libc::malloc_trim(0) };
    forget_peak()?;
    let before = peak()?;
    let begun = thread_ns();
    let program = handle.compile(text, optimise)?;
    let taken = thread_ns() - begun;
    let kib = peak()? - before;
    Ok([taken as f64 / 1e6, kib, program.insns().len() as f64])
}

/// Has the kernel count the most memory of this process from now on (proc(5), `clear_refs`).
fn forget_peak() -> Result<(), String> {
    fs::write("/proc/self/clear_refs", "5").map_err(|e| format!("clear_refs: {e}"))
}

/// The most memory that this process had, in KiB.
fn peak() -> Result<f64, String> {
    let status = fs::read_to_string("/proc/self/status").map_err(|e| e.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok())
        .ok_or_else(|| "no VmHWM in /proc/self/status".to_owned())
}

/// Calls `work` in a process that is ended when it takes too long. What is wrong with the work is the inner
/// error, what is wrong with the measurement the outer one.
fn in_child<const N: usize>(
    work: impl FnOnce() -> Result<[f64; N], String>,
) -> Result<Result<[f64; N], String>, String> {
    let fail = |what: &str| format!("{what}: {}", io::Error::last_os_error());
    let (mut reader, mut writer) = io::pipe().map_err(|e| format!("pipe: {e}"))?;
    // SAFETY: this process has one thread.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(fail("fork"));
    }
    if pid == 0 {
        // SAFETY: neither call has preconditions; SIGALRM ends the process.
        unsafe {
            libc::signal(libc::SIGALRM, libc::SIG_DFL);
            libc::alarm(LIMIT);
        }
        let said = match work() {
            Ok(values) => values.map(|value| value.to_string()).join(" "),
            Err(error) => format!("!{error}"),
        };
        let code = i32::from(writer.write_all(said.as_bytes()).is_err());
        // SAFETY: ends the process without what its parent will do at its end.
        unsafe { libc::_exit(code) };
    }
    drop(writer);
    let mut said = String::new();
    let read = reader.read_to_string(&mut said);
    let mut status = 0;
    // SAFETY: the child's id, and room for its status.
    if unsafe { libc::waitpid(pid, &raw mut status, 0) } != pid {
        return Err(fail("waitpid"));
    }
    read.map_err(|e| format!("pipe: {e}"))?;
    Ok(match ExitStatus::from_raw(status).signal() {
        Some(libc::SIGALRM) => Err(format!("over {LIMIT} s")),
        Some(signal) => Err(format!("signal {signal}")),
        None => said.strip_prefix('!').map_or_else(
            || {
                let values: Vec<f64> = said.split(' ').filter_map(|v| v.parse().ok()).collect();
                values.try_into().map_err(|_| "nothing".to_owned())
            },
            |error| Err(error.to_owned()),
        ),
    })
}
