//! The pages of man/ as the tests read them: line by line, by the macros that they begin with.

use super::library::root;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A page: its name, its section as references and its file's name have it, and its source.
pub struct Page {
    pub name: String,
    pub section: String,
    pub source: String,
}

/// Where the pages are.
pub fn man() -> PathBuf {
    root().join("man")
}

/// A file of the project.
pub fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every page, by name.
pub fn pages() -> Vec<Page> {
    let mut pages: Vec<Page> = fs::read_dir(man())
        .expect("man/")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name != "links"))
        .map(|path| Page {
            name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
            section: path.extension().expect("a section").to_string_lossy().into_owned(),
            source: read(&path),
        })
        .collect();
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    pages
}

/// man/links: the page that each further name stands for.
pub fn links() -> BTreeMap<String, String> {
    let text = read("man/links");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let links = lines.iter().map(|line| line.split_once(' ').expect("a name and a page"));
    let links: BTreeMap<_, _> = links.map(|(name, page)| (name.into(), page.into())).collect();
    assert_eq!(links.len(), lines.len(), "a name stands twice in man/links");
    links
}

impl Page {
    /// The lines between one heading and the next.
    pub fn section(&self, heading: &str) -> impl Iterator<Item = &str> {
        let heading = format!(".Sh {heading}");
        let lines = self.source.lines().skip_while(move |line| *line != heading).skip(1);
        lines.take_while(|line| !line.starts_with(".Sh "))
    }

    /// The functions that the synopsis declares: name and prototype.
    pub fn prototypes(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut returned = "";
        for line in self.section("SYNOPSIS") {
            if let Some(words) = line.strip_prefix(".Ft ") {
                returned = words;
            } else if let Some(words) = line.strip_prefix(".Fn ") {
                let (name, arguments) = words.split_once(' ').expect("arguments, or void");
                let arguments = arguments.trim_matches('"').replace("\" \"", ", ");
                found.push((name.to_owned(), format!("{returned} {name}({arguments});")));
            }
        }
        found
    }

    /// The programs in it.
    pub fn examples(&self) -> Vec<Example> {
        let lines: Vec<&str> = self.source.lines().collect();
        let mut found = Vec::new();
        for (begin, _) in lines.iter().enumerate().filter(|(_, l)| l.starts_with(".Bd -literal")) {
            let code = lines[begin + 1..].iter().take_while(|line| **line != ".Ed");
            let code = code.fold(String::new(), |code, line| code + line + "\n");
            if !code.contains("int main(") {
                continue;
            }
            let before = lines[..begin].iter().rev().take_while(|line| line.starts_with(".\\\" "));
            let told = |what: &str| {
                before.clone().filter_map(|line| line.strip_prefix(what)).map(str::trim).collect()
            };
            let arguments: Vec<&str> = told(".\\\" run:");
            assert_eq!(arguments.len(), 1, "{}: how is the example run?", self.name);
            found.push(Example {
                name: format!("{}-{}", self.name, found.len()),
                code: code.replace("\\e", "\\").replace("\\&", ""),
                arguments: arguments[0].to_owned(),
                prints: told(".\\\" prints:").into_iter().map(str::to_owned).collect(),
            });
        }
        found
    }
}

/// A program of a page, with what the comments before it say: the arguments to run it with, as for a
/// shell, and what must be in its output.
pub struct Example {
    pub name: String,
    pub code: String,
    pub arguments: String,
    pub prints: Vec<String>,
}

/// Words in the texts of ERRORS sections that stand for something.
const PLACEHOLDERS: &[&str] =
    &["FILE", "DEVICE", "FUNCTION", "NAME", "TYPE", "A", "B", "M", "N", "0xN", "WHERE"];

/// The parts of a text that are the same each time.
pub fn constant_parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for word in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        match parts.last_mut() {
            Some(part) if !PLACEHOLDERS.contains(&bare) => part.push_str(word),
            _ => parts.push(word[bare.len()..].to_owned()),
        }
    }
    let parts = parts.iter().flat_map(|part| part.split("...")).map(|part| part.trim_matches(' '));
    // What comes from errno is put behind a colon.
    let parts = parts.map(|part| part.trim_matches(':').trim_start_matches(' ').to_owned());
    parts.filter(|part| part.chars().any(char::is_alphabetic)).collect()
}

/// The text that a line in the list of an ERRORS section tells of, as C has it between quotes.
pub fn error_text(line: &str) -> Option<String> {
    line.strip_prefix(".It ").and_then(quoted)
}

/// What stands between quotes, as C has it there.
pub fn quoted(line: &str) -> Option<String> {
    let text = line.split_once("\\(lq")?.1.split("\\(rq").next()?;
    Some(text.replace("\\(dq", "\\\"").replace("\\ ", " "))
}
