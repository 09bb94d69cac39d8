//! What is wrong with an expression, and how it is told.
//!
//! libpcap's text comes first and unchanged, because programs print and match it. Where, and what would
//! have been right, follows as far as there is room.

use super::ast::Span;
use std::borrow::Cow;
use std::fmt::Write;

/// What `PCAP_ERRBUF_SIZE` leaves for a text.
const LINE: usize = 255;

/// How much of the text between quotes is shown at most, in characters.
const QUOTE: usize = 32;

/// How much of a long line [`FilterError::full`] shows on each side of the place, in characters.
const WINDOW: usize = 60;

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// libpcap's words.
    pub text: Cow<'static, str>,
    /// Where in the expression.
    pub span: Option<Span>,
    /// What would have been right, as in `expected a name, an address or a number`.
    pub hint: Option<Cow<'static, str>>,
}

impl FilterError {
    /// An error that has no place.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), span: None, hint: None }
    }

    /// The same at a place.
    pub fn at(self, span: Span) -> Self {
        Self { span: Some(span), ..self }
    }

    /// The same with a hint.
    pub fn hint(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// At most 255 bytes: the text, then, where there is room, the place, then the hint.
    pub fn one_line(&self, source: &str) -> String {
        let mut line = String::with_capacity(self.text.len().max(LINE));
        line.push_str(&self.text);
        if let Some(span) = self.span {
            let place = Place::of(span, source);
            let mut add = |more: &[&str]| {
                if line.len() + more.iter().map(|part| part.len()).sum::<usize>() <= LINE {
                    line.extend(more.iter().copied());
                }
            };
            // Other texts tell already what they are about.
            if self.text.starts_with("can't parse") {
                let quote = place.quote();
                match quote.char_indices().nth(QUOTE) {
                    None if quote.is_empty() => add(&[" at the end"]),
                    None => add(&[" near \"", quote, "\""]),
                    Some((end, _)) => {
                        add(&[" near \"", quote.get(..end).unwrap_or_default(), "...\""]);
                    }
                }
            }
            let column = place.column.to_string();
            match place.lines {
                1 => add(&[" (column ", &column, ")"]),
                _ => add(&[" (line ", &place.line.to_string(), ", column ", &column, ")"]),
            }
            if let Some(hint) = &self.hint {
                add(&[": ", hint]);
            }
        }
        line.truncate(line.floor_char_boundary(LINE));
        line
    }

    /// Several lines: the text, the line of the expression that it is about, and below it a mark with the
    /// hint. No line break at the end.
    pub fn full(&self, source: &str) -> String {
        let mut full = self.text.clone().into_owned();
        let hint = self.hint.as_deref().unwrap_or_default();
        if let Some(span) = self.span {
            let place = Place::of(span, source);
            let (shown, before, width) = place.window();
            let mark = "^".repeat(width.max(1));
            let line = format!("\n  {shown}\n  {:before$}{mark} {hint}", "");
            full.push_str(line.trim_end());
        } else if !hint.is_empty() {
            // Writing to a String does not fail.
            let _ = write!(full, "\n  {hint}");
        }
        full
    }
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// A span as people count it.
struct Place<'s> {
    /// The line that the span begins in, as the expression has it.
    text: &'s str,
    /// The span in `text`, as far as it is in it.
    start: usize,
    end: usize,
    /// How many lines the expression has.
    lines: usize,
    /// Which of them, from 1.
    line: usize,
    /// Which character, from 1.
    column: usize,
}

impl<'s> Place<'s> {
    fn of(span: Span, source: &'s str) -> Self {
        let at = source.floor_char_boundary(span.start);
        let (before, after) = source.split_at(at);
        let first = before.rfind('\n').map_or(0, |newline| newline + 1);
        let last = after.find('\n').map_or(source.len(), |newline| at + newline);
        let text = source.get(first..last).unwrap_or_default();
        let end = source.floor_char_boundary(span.end).clamp(at, last);
        Self {
            text,
            start: at - first,
            end: end - first,
            lines: newlines(source) + 1,
            line: newlines(before) + 1,
            column: source.get(first..at).unwrap_or_default().chars().count() + 1,
        }
    }

    /// What is in the span.
    fn quote(&self) -> &'s str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// The line, or the part of it around the span, in printable characters; how many of them are before
    /// the span, and how many in it.
    fn window(&self) -> (String, usize, usize) {
        let part = |range| self.text.get::<std::ops::Range<usize>>(range).unwrap_or_default();
        let before: Vec<char> = part(0..self.start).chars().collect();
        let marked: Vec<char> = part(self.start..self.end).chars().collect();
        let after: Vec<char> = part(self.end..self.text.len()).chars().collect();
        let skipped = before.len().saturating_sub(WINDOW);
        let (width, rest) = (marked.len().min(WINDOW), after.len().min(WINDOW));
        let dots = |cut: bool| if cut { "..." } else { "" };
        let mut shown = dots(skipped > 0).to_owned();
        let head = shown.len() + before.len() - skipped;
        shown.extend(before.iter().skip(skipped));
        shown.extend(marked.iter().take(width));
        if width == marked.len() {
            shown.extend(after.iter().take(rest));
        }
        shown.push_str(dots(width < marked.len() || rest < after.len()));
        (shown.replace(char::is_control, " "), head, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNTAX: &str = "can't parse filter expression: syntax error";

    fn syntax(source: &str, word: &str) -> FilterError {
        let start = source.find(word).expect("the word is there");
        let span = Span { start, end: start + word.len() };
        FilterError::new(SYNTAX).at(span).hint("expected a name")
    }

    #[test]
    fn one_line_tells_what_where_and_how() {
        let source = "tcp prot 80";
        assert_eq!(
            syntax(source, "prot").one_line(source),
            format!("{SYNTAX} near \"prot\" (column 5): expected a name")
        );
        assert_eq!(
            syntax("host", "").at(Span { start: 4, end: 4 }).one_line("host"),
            format!("{SYNTAX} at the end (column 5): expected a name")
        );
        let lines = "ip and\n  tcp prot 80";
        assert_eq!(
            syntax(lines, "prot").one_line(lines),
            format!("{SYNTAX} near \"prot\" (line 2, column 7): expected a name")
        );
        let unknown = FilterError::new("unknown host 'a'").at(Span { start: 0, end: 6 });
        assert_eq!(unknown.one_line("host a"), "unknown host 'a' (column 1)");
        assert_eq!(FilterError::new("out of luck").one_line("ip"), "out of luck");
    }

    #[test]
    fn one_line_has_room_for_255_bytes() {
        let source = format!("host {}", "x".repeat(1000));
        let error = syntax(&source, &source[5..]);
        let quote = "x".repeat(QUOTE);
        assert_eq!(
            error.one_line(&source),
            format!("{SYNTAX} near \"{quote}...\" (column 6): expected a name")
        );
        let unknown = FilterError::new(format!("unknown host '{}'", "é".repeat(200)));
        let line = unknown.one_line(&source);
        assert_eq!(line, format!("unknown host '{}", "é".repeat(120)));
        assert!(unknown.at(Span::default()).one_line(&source).starts_with(&line));
        // The place fits, the hint does not.
        let error = syntax("ip ip", "ip").hint("y".repeat(250));
        assert_eq!(error.one_line("ip ip"), format!("{SYNTAX} near \"ip\" (column 1)"));
    }

    #[test]
    fn full_marks_the_place() {
        let source = "ip and\n\ttcp prot 80 or";
        assert_eq!(
            syntax(source, "prot").full(source),
            format!("{SYNTAX}\n   tcp prot 80 or\n       ^^^^ expected a name")
        );
        let end = Span { start: 4, end: 4 };
        let error = FilterError::new(SYNTAX).at(end);
        assert_eq!(error.full("host"), format!("{SYNTAX}\n  host\n      ^"));
        assert_eq!(FilterError::new("a").hint("b").full("host"), "a\n  b");
        assert_eq!(FilterError::new("a").full("host"), "a");
    }

    #[test]
    fn full_shows_a_window_of_a_long_line() {
        let source = format!("{}bad {}", "a ".repeat(100), "b ".repeat(100));
        let full = syntax(&source, "bad").full(&source);
        let (a, b) = ("a ".repeat(30), " b".repeat(30));
        let mark = format!("{}^^^ expected a name", " ".repeat(63));
        assert_eq!(full, format!("{SYNTAX}\n  ...{a}bad{b}...\n  {mark}"));
        let word = "x".repeat(1000);
        let full = syntax(&word, &word).full(&word);
        let (shown, mark) = ("x".repeat(WINDOW), "^".repeat(WINDOW));
        assert_eq!(full, format!("{SYNTAX}\n  {shown}...\n  {mark} expected a name"));
    }

    #[test]
    fn spans_that_do_not_fit_are_cut() {
        for (start, end) in [(0, 99), (99, 99), (1, 2), (3, 1)] {
            let error = FilterError::new(SYNTAX).at(Span { start, end });
            assert!(error.one_line("é é").starts_with(SYNTAX));
            assert!(error.full("é é").starts_with(SYNTAX));
        }
    }
}
