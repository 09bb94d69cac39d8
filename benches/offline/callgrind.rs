//! User instructions a packet, counted by valgrind: the difference between two runs of one case that differ in the
//! number of packets only.

use crate::cases::{self, Place};
use crate::paths;
use crate::pcap::Lib;
use crate::report::Pair;
use std::process::Command;

/// How the bench runs itself: `--one SIDE CASE PACKETS DIRECTORY`.
pub const ONE: &str = "--one";

const FEW: u32 = 20_000;
const MANY: u32 = 120_000;

/// Runs one case once.
pub fn child(args: &[String]) -> Result<(), String> {
    let [_, side, case, packets, dir] = args else { return Err(format!("{ONE} has 4 arguments")) };
    let number = |text: &String| text.parse::<usize>().map_err(|e| format!("{text}: {e}"));
    let libs = paths()?;
    let lib = Lib::load(libs.get(number(side)?).ok_or("no such library")?)?;
    let cases = cases::all();
    let case = cases.get(number(case)?).ok_or("no such case")?;
    case.run(&lib, &Place::existing(dir), number(packets)? as u32).map(|_| ())
}

/// The files of few packets and of many.
pub struct Places([(u32, Place); 2]);

impl Places {
    pub fn new() -> Result<Self, String> {
        Ok(Self([(FEW, Place::new(FEW)?), (MANY, Place::new(MANY)?)]))
    }

    /// What one case takes in each library.
    pub fn count(&self, case: usize) -> Pair {
        let mut pair = Pair::default();
        for side in 0..2 {
            let runs =
                self.0.each_ref().map(|(packets, place)| instructions(side, case, *packets, place));
            match runs {
                [Ok(few), Ok(many)] => pair.values[side].push((many - few) / f64::from(MANY - FEW)),
                [Err(why), _] | [_, Err(why)] => pair.notes[side] = Some(why),
            }
        }
        pair
    }
}

fn instructions(side: usize, case: usize, packets: u32, place: &Place) -> Result<f64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().map_err(|e| format!("my own path: {e}"))?)
        .arg(ONE)
        .args([side.to_string(), case.to_string(), packets.to_string()])
        .arg(place.dir())
        .output()
        .map_err(|e| format!("valgrind: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    // ==123== Collected : 456
    let collected = said.lines().filter_map(|line| line.split_once("Collected :")).next_back();
    match collected.and_then(|(_, n)| n.trim().parse().ok()) {
        Some(n) if output.status.success() => Ok(n),
        _ => {
            Err(said.lines().find(|l| !l.starts_with("==")).unwrap_or("valgrind failed").to_owned())
        }
    }
}
