//! What it costs to load the library, beside the distribution's.

use std::path::Path;
use std::process::Command;

#[path = "support/library.rs"]
mod library;

use library::{library, root, run, scratch};

/// Of so many runs, each library's in turn, the cheapest counts: the others were disturbed.
const RUNS: usize = 9;

/// Of what the distribution's costs. It is some 30 % of the time and 43 % of the memory; half leaves room
/// for machines that are busy, and other distributions' builds.
const SHARE: f64 = 0.5;

#[test]
fn loading_costs_half_of_the_distributions_or_less() {
    let program = scratch("load").join("load");
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
    let [theirs, ours] = best;
    println!("microseconds, KiB: {theirs:?}, and ours: {ours:?}");
    for (theirs, ours) in theirs.into_iter().zip(ours) {
        assert!(ours > 0.0 && ours <= SHARE * theirs, "{ours} of {theirs}");
    }
}
