//! What C text declares: its functions and its types. Not a parser of C: what headers of libpcap hold, after the
//! preprocessor.

use std::path::Path;

use super::headers::preprocessed;

/// The functions and types that headers declare.
#[derive(Default)]
pub struct Declared {
    /// Name, and the declaration without attributes. Inline functions are not among them.
    pub functions: Vec<(String, String)>,
    /// As C names them: `pcap_t`, `struct bpf_insn`.
    pub types: Vec<String>,
}

/// What the headers in `include` declare themselves.
pub fn declared(include: &Path) -> Declared {
    let mut declared = Declared::default();
    for item in items(&without_attributes(&preprocessed(include, "-w"))) {
        let (head, body) = match item.split_once('{') {
            Some((head, body)) => (head.trim(), Some(body)),
            None => (item.as_str(), None),
        };
        if body.is_some() && head.contains('(') {
            continue;
        }
        let head_words = words(head);
        if let (Some(_), [.., kind @ ("struct" | "union" | "enum"), name]) = (body, &head_words[..])
        {
            declared.types.push(format!("{kind} {name}"));
        }
        if head_words.first() == Some(&"typedef") {
            // The name is the last word, or stands in the first brackets: void (*name)(...).
            let after = item.rsplit_once('}').map_or(head, |(_, after)| after);
            let name = match after.split_once("(*") {
                Some((_, name)) => name.split(')').next().unwrap_or_default().trim(),
                None => words(after).last().copied().unwrap_or_default(),
            };
            declared.types.push(name.to_owned());
        } else if let Some((before, _)) = head.split_once('(')
            && body.is_none()
        {
            let name = words(before).last().copied().unwrap_or_default().to_owned();
            declared.functions.push((name, format!("{item};")));
        }
    }
    declared.types.sort();
    declared.types.dedup();
    declared
}

/// The words of C text, without stars and other signs.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| c != '_' && !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

/// The text without `__attribute__((...))` and `#` lines, on one line.
fn without_attributes(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let mut rest = lines.join(" ");
    while let Some(start) = rest.find("__attribute") {
        let end = closing(&rest[start..]).expect("an attribute ends");
        rest.replace_range(start..start + end, " ");
    }
    rest
}

/// Where the first brackets in `text` have been closed; strings in it may hold any.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quoted) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Declarations and definitions, one after the other, without the semicolon.
fn items(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let (mut item, mut depth) = (String::new(), 0);
    for c in text.chars() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth -= 1,
            _ => {}
        }
        let ends_function =
            c == '}' && depth == 0 && item.split('{').next().is_some_and(|h| h.contains('('));
        if depth == 0 && (c == ';' || ends_function) {
            items.push(std::mem::take(&mut item).trim().to_owned());
        } else {
            item.push(c);
        }
    }
    items.retain(|item| !item.is_empty());
    items
}
