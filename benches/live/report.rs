//! Medians and the table.

use crate::cases::{Outcome, Sample};

/// Width of the column that names the case.
const LABEL: usize = 37;

/// The head of a table. Every metric has the distribution's value and ours, and where it helps the
/// ratio ours / distribution's.
pub fn head(title: &str) {
    println!("\n{title}");
    println!(
        "  {:LABEL$}{:>22}{:>22}{:>18}{:>16}{:>14}",
        "", "instructions/packet", "CPU ns/packet", "calls/1000 pkts", "lost %", "truncated %"
    );
}

/// One line for one case: `results[0]` is the reference's, `results[1]` ours.
pub fn line(label: &str, results: &[Vec<Outcome>; 2]) {
    if let Some(e) = results.iter().flatten().find_map(|r| r.as_ref().err()) {
        println!("  {label:LABEL$}{e}");
        return;
    }
    let pair =
        |get: fn(&Sample) -> Option<f64>| results.each_ref().map(|r| median(&values(r, get)));
    println!(
        "  {label:LABEL$}{:>22}{:>22}{:>18}{:>16}{:>14}",
        with_ratio(pair(|s| s.instructions), ratio(results, |s| s.instructions)),
        with_ratio(pair(|s| Some(s.cpu_ns)), ratio(results, |s| Some(s.cpu_ns))),
        two(pair(|s| s.syscalls.map(|n| n * 1000.0)), 2),
        two(pair(|s| s.lost.map(|n| n * 100.0)), 2),
        two(pair(|s| s.truncated.map(|n| n * 100.0)), 2),
    );
}

fn values(results: &[Outcome], get: fn(&Sample) -> Option<f64>) -> Vec<f64> {
    results.iter().flatten().filter_map(get).collect()
}

/// The median of the ratios within each repetition.
fn ratio(results: &[Vec<Outcome>; 2], get: fn(&Sample) -> Option<f64>) -> Option<f64> {
    let [theirs, ours] = results.each_ref().map(|r| values(r, get));
    median(&theirs.iter().zip(&ours).map(|(a, b)| b / a).collect::<Vec<_>>())
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.digits$}"))
}

fn two([theirs, ours]: [Option<f64>; 2], digits: usize) -> String {
    format!("{} {:>6}", number(theirs, digits), number(ours, digits))
}

fn with_ratio(pair: [Option<f64>; 2], ratio: Option<f64>) -> String {
    let ratio = ratio.map_or(String::new(), |r| format!(" ({r:.2})"));
    format!("{}{ratio}", two(pair, 0))
}
