//! Medians and the table.

/// What one metric was in each repetition: libpcap's and ours. Of one of them there may be none, because of
/// what stands in its note.
#[derive(Default)]
pub struct Pair {
    pub values: [Vec<f64>; 2],
    pub notes: [Option<String>; 2],
}

impl Pair {
    /// Of metrics that are the same in every repetition.
    pub fn of(theirs: f64, ours: f64) -> Self {
        Self { values: [vec![theirs], vec![ours]], notes: [None, None] }
    }
}

/// The head of a table.
pub fn head(title: &str, columns: &[&str]) {
    println!("\n### {title}\n");
    let names: Vec<String> =
        columns.iter().map(|name| format!(" {name}: libpcap | ours | ratio |")).collect();
    println!("| |{}", names.concat());
    println!("|---|{}", "---:|".repeat(3 * columns.len()));
}

/// One line of it.
pub fn line(label: &str, pairs: &[Pair]) {
    let cells: Vec<String> = pairs.iter().map(cells).collect();
    println!("| {} |{}", label.replace('|', "\\|"), cells.concat());
}

fn cells(pair: &Pair) -> String {
    let value = |side: usize| match (median(&pair.values[side]), &pair.notes[side]) {
        (Some(value), _) => number(value),
        (None, note) => note.clone().unwrap_or_else(|| "-".to_owned()),
    };
    let [theirs, ours] = &pair.values;
    let ratios: Vec<f64> = theirs.iter().zip(ours).map(|(theirs, ours)| ours / theirs).collect();
    let ratio = median(&ratios).filter(|r| r.is_finite()).map_or("-".to_owned(), |r| match r {
        0.0..0.1 => format!("{r:.3}"),
        _ => format!("{r:.2}"),
    });
    format!(" {} | {} | {ratio} |", value(0), value(1))
}

/// As exact as it matters.
fn number(value: f64) -> String {
    match value {
        _ if value.fract() == 0.0 || value >= 1000.0 => format!("{value:.0}"),
        100.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
