//! What it costs to load the library, beside the distribution's.

use std::path::Path;
use std::process::Command;

#[path = "support/library.rs"]
mod library;

use library::{library, root, run, scratch};

/// Of so many runs, each library's in turn, the cheapest counts: the others were disturbed.
const RUNS: usize = 9;

/// What loading costs at best: microseconds, and KiB of memory that is written to; the distribution's library,
/// and this one.
fn costs(name: &str) -> [[f64; 2]; 2] {
    let program = scratch(name).join("load");
    run(Command::new("cc")
        .arg("-o")
        .arg(&program)
        .arg(root().join("tests/load/load.c"))
        .arg("-ldl"));
    let theirs = run(Command::new("cc").arg("-print-file-name=libpcap.so"));
    let libraries = [Path::new(theirs.trim()).to_path_buf(), library()];
    assert!(libraries[0].is_absolute(), "the distribution's libpcap is not installed");

    let mut best = [[f64::INFINITY; 2]; 2];
    for _ in 0..RUNS {
        for (library, best) in libraries.iter().zip(&mut best) {
            let output = run(Command::new(&program).arg(library));
            for (figure, best) in output.split_whitespace().zip(best) {
                *best = best.min(figure.parse().expect("a number"));
            }
        }
    }
    assert!(best.as_flattened().iter().all(|figure| *figure > 0.0 && figure.is_finite()));
    best
}

/// It is some 30 % of the time, and 31 % of the memory: what the loader relocates is kept out of tables (src/inline.rs).
/// The bound of the time leaves room for machines that are busy.
#[test]
fn loading_costs_a_third_of_the_distributions() {
    let [theirs, ours] = costs("load");
    assert!(ours[0] <= 0.4 * theirs[0], "{} us of {}", ours[0], theirs[0]);
    assert!(3.0 * ours[1] <= theirs[1], "{} KiB of {}", ours[1], theirs[1]);
}
