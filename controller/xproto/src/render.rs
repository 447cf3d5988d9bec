//! Diagnostics as people and as programs read them.

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use crate::diagnostics::{Diagnostic, Severity};
use crate::source::{Source, SourceId, Sources, Span};

/// The most bytes of a source that are shown with a message.
const MOST_SHOWN: usize = 64 << 10;

/// The longest line that is shown, in bytes: nobody can read longer ones, and many messages about one would fill the
/// screen.
const LONGEST_LINE: usize = 1000;

/// Renders a diagnostic with the marked lines of its source, its code and its help, like rustc's.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &Sources, color: bool) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(diagnostic.message()).id(diagnostic.code().to_string());
    let mut group = Group::with_title(title);
    group = group.elements(elements(diagnostic, sources));
    if let Some(help) = diagnostic.help() {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// Returns a snippet of each source that has marks, that of the primary place first.
fn elements<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Vec<Element<'a>> {
    let mut marks = vec![(diagnostic.primary, None)];
    marks.extend(diagnostic.related.iter().map(|label| (label.span, Some(label.text.as_str()))));
    let mut files: Vec<SourceId> = Vec::new();
    for (span, _) in &marks {
        if !files.contains(&span.source) {
            files.push(span.source);
        }
    }
    let piece = |id| {
        let mine: Vec<_> = marks.iter().filter(|(span, _)| span.source == id).copied().collect();
        sources.get(id).map(|source| element(source, &mine, diagnostic.primary))
    };
    files.into_iter().filter_map(piece).collect()
}

/// Returns the lines of one source from the first mark to the last; only the place if they are too long.
fn element<'a>(source: &'a Source, marks: &[(Span, Option<&'a str>)], primary: Span) -> Element<'a> {
    let first = marks.iter().map(|(span, _)| span.start).min().unwrap_or(0);
    let last = marks.iter().map(|(span, _)| span.end).max().unwrap_or(0);
    let first_line = source.line_column(first).0;
    let last_line = source.line_column(last).0;
    let start = source.line_start(first_line);
    let end = source.line_start(last_line + 1);
    let text = source.text().get(start..end).unwrap_or_default();
    let is_long = |(span, _): &(Span, Option<&str>)| {
        let line = source.line_column(span.start).0;
        source.line_start(line + 1) - source.line_start(line) > LONGEST_LINE
    };
    if text.len() > MOST_SHOWN || marks.iter().any(is_long) {
        let mark = marks.first().map_or(primary, |(span, _)| *span);
        let (line, column) = source.line_column(mark.start);
        return Origin::path(source.path()).line(line).char_column(column).into();
    }
    let annotations = marks.iter().map(|(span, label)| {
        let kind = if *span == primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let at = |byte: u32| (byte as usize).saturating_sub(start).min(text.len());
        kind.span(at(span.start)..at(span.end)).label(*label)
    });
    Snippet::source(text).path(source.path()).line_start(first_line).annotations(annotations).into()
}

/// A place in a file, counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A range of characters in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    /// The first character.
    pub start: Position,
    /// The character after the last one.
    pub end: Position,
}

/// A diagnostic for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiagnosticJson {
    /// The path of the file.
    pub file: String,
    /// The place in it.
    pub range: Range,
    /// The stable code, like `X012`.
    pub code: String,
    /// `error` or `warning`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub help: Option<String>,
    /// Other places that have to do with it, such as the first of two declarations; there may be none.
    pub related: Vec<RelatedJson>,
}

/// A place that has to do with a diagnostic, for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelatedJson {
    /// The path of the file.
    pub file: String,
    /// The place in it.
    pub range: Range,
    /// What the place has to do with it.
    pub message: String,
}

/// Returns a diagnostic for programs.
#[must_use]
pub fn to_json(diagnostic: &Diagnostic, sources: &Sources) -> DiagnosticJson {
    let (file, range) = place(diagnostic.primary, sources);
    let related = diagnostic.related.iter().map(|label| {
        let (file, range) = place(label.span, sources);
        RelatedJson { file, range, message: label.text.clone() }
    });
    DiagnosticJson {
        file,
        range,
        related: related.collect(),
        code: diagnostic.code().to_string(),
        severity: diagnostic.severity().to_string(),
        message: diagnostic.message(),
        help: diagnostic.help(),
    }
}

/// Returns the path of a source, and the place in it.
fn place(span: Span, sources: &Sources) -> (String, Range) {
    let source = sources.get(span.source);
    let position = |byte: u32| {
        let (line, column) = source.map_or((1, 1), |source| source.line_column(byte));
        Position { line, column }
    };
    let path = source.map(Source::path).unwrap_or_default().to_owned();
    (path, Range { start: position(span.start), end: position(span.end) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile;

    fn first(path: &str, text: &str) -> (Diagnostic, Sources) {
        let mut sources = Sources::new();
        sources.add(path, text);
        let diagnostic = compile(&sources).diagnostics.remove(0);
        (diagnostic, sources)
    }

    #[test]
    fn programs_get_the_place_and_the_text() {
        let (diagnostic, sources) = first("a.xproto", "message Ä {\n}");
        let json = to_json(&diagnostic, &sources);
        assert_eq!((json.file.as_str(), json.code.as_str(), json.severity.as_str()), ("a.xproto", "X003", "error"));
        let start = Position { line: 1, column: 9 };
        let end = Position { line: 1, column: 10 };
        assert_eq!(json.range, Range { start, end });
        assert_eq!(json.message, "unexpected character `Ä`");
    }

    #[test]
    fn programs_get_the_other_place_too() {
        let (diagnostic, sources) = first("a.xproto", "option name = \"a\";\nmessage A {}\nmessage A {}");
        let json = to_json(&diagnostic, &sources);
        let [other] = json.related.as_slice() else { panic!("{json:?}") };
        assert_eq!((other.file.as_str(), other.message.as_str()), ("a.xproto", "first declared here"));
        assert_eq!((other.range.start, json.range.start.line), (Position { line: 2, column: 9 }, 3));
    }

    #[test]
    fn colour_is_used_only_when_asked_for() {
        let (diagnostic, sources) = first("a.xproto", "}");
        assert!(!render(&diagnostic, &sources, false).contains('\u{1b}'));
        assert!(render(&diagnostic, &sources, true).contains('\u{1b}'));
    }

    #[test]
    fn of_a_line_that_nobody_can_read_only_the_place_is_shown() {
        let (diagnostic, sources) = first("a.xproto", &format!("{}}}", " ".repeat(LONGEST_LINE)));
        let text = render(&diagnostic, &sources, false);
        assert_eq!(text, "error[X012]: this `}` closes nothing\n--> a.xproto:1:1001");
    }
}
