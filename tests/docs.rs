//! What docs/ claims of the code: each quirk has its comments, each test that is named is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The files below `dir`.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(below).collect()
}

/// The last column of each row of a page's tables.
fn last_cells(page: &str) -> Vec<String> {
    let rows = read(page).lines().map(str::to_owned).collect::<Vec<_>>();
    let cell = |row: &String| row.strip_suffix(" |")?.rsplit_once(" | ").map(|(_, c)| c.to_owned());
    rows.iter().filter_map(cell).collect()
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn each_quirk_has_a_row_and_a_comment() {
    let mut rows = BTreeMap::<String, usize>::new();
    for cell in last_cells("docs/quirks.md") {
        for file in quoted(&cell) {
            *rows.entry(file.to_owned()).or_default() += 1;
        }
    }
    let src = root().join("src");
    let comments: BTreeMap<String, usize> = files(&src)
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&src).expect("below src").display().to_string();
            (name, read(path).matches("QUIRK:").count())
        })
        .filter(|(_, count)| *count > 0)
        .collect();
    assert!(!rows.is_empty());
    assert_eq!(rows, comments, "rows of docs/quirks.md, and comments, of each file");
}

/// Programs of the C tests, modules of the unit tests, programs in tests/, and their files where they are folders, each before a
/// colon and the names of its cases.
#[test]
fn each_test_named_is_there() {
    let mut named = 0;
    for cell in last_cells("docs/deviations.md") {
        for part in cell.split("; ") {
            let Some((place, cases)) = part.split_once(": ") else { continue };
            let place = place.trim_matches('`').replace("::", "/");
            for case in quoted(cases) {
                let (module, item) = case.split_once("::").map_or(("", case), |(m, i)| (m, i));
                let holders: Vec<PathBuf> = match place.as_str() {
                    folder @ ("tests/input" | "tests/tcpdump") => {
                        vec![format!("{folder}/{module}.rs").into()]
                    }
                    program if program.starts_with("tests/") => {
                        vec![format!("{program}.rs").into()]
                    }
                    _ => [".rs", "_tests.rs", "/tests.rs"]
                        .map(|end| format!("src/{place}{end}").into())
                        .into_iter()
                        .chain([format!("capi-tests/{place}.c").into()])
                        .filter(|path: &PathBuf| root().join(path).exists())
                        .collect(),
                };
                let wanted = [
                    format!("fn {item}("),
                    format!("CASE({item})"),
                    format!("const {item}: Wanted"),
                ];
                let found = holders.iter().any(|path| {
                    let text = read(path);
                    wanted.iter().any(|wanted| text.contains(wanted))
                });
                assert!(found || case == "all cases", "{part}: no {item} in {holders:?}");
                named += 1;
            }
        }
    }
    assert!(named > 20, "{named} tests named");
}
