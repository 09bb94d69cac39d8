//! Replays what the fuzz targets once failed on, without a fuzzer: see `fuzz/bodies/mod.rs`.

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn inputs_that_once_failed() {
    let regressions = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/regressions");
    for (target, body) in bodies::TARGETS {
        let dir = fs::read_dir(regressions.join(target)).expect("the target's directory");
        let mut inputs: Vec<_> = dir.map(|entry| entry.expect("an entry").path()).collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{target}: no inputs");
        for input in inputs {
            println!("{}", input.display());
            body(&fs::read(&input).expect("an input"));
        }
    }
}

/// A target that is built is replayed, too.
#[test]
fn targets_are_the_same_everywhere() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("the manifest");
    let built: BTreeSet<String> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
        .map(str::to_owned)
        .collect();
    let replayed: BTreeSet<String> =
        bodies::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(built, replayed);
}
