//! Diagnostics as people and as programs read them.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::diagnostics::{Diagnostic, Severity};
use crate::source::{Source, Sources, Span};

/// A diagnostic with the marked lines of its source, its code and its help, like rustc's.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &Sources, color: bool) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(diagnostic.message())
        .id(diagnostic.code().to_string());
    let mut group = Group::with_title(title);
    for snippet in snippets(diagnostic, sources) {
        group = group.element(snippet);
    }
    if let Some(help) = diagnostic.help() {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.render(&[group])
}

/// One snippet for each source that has to do with it, the primary place's first.
fn snippets<'a>(
    diagnostic: &'a Diagnostic,
    sources: &'a Sources,
) -> Vec<Snippet<'a, Annotation<'a>>> {
    let mut marks = vec![(diagnostic.primary, None)];
    marks.extend(
        diagnostic
            .related
            .iter()
            .map(|label| (label.span, Some(label.text.as_str()))),
    );
    let mut files: Vec<_> = Vec::new();
    for (span, _) in &marks {
        if !files.contains(&span.source) {
            files.push(span.source);
        }
    }
    let snippet = |id| {
        let source = sources.get(id)?;
        let mine: Vec<_> = marks
            .iter()
            .filter(|(span, _)| span.source == id)
            .copied()
            .collect();
        Some(snippet(source, &mine, diagnostic.primary))
    };
    files.into_iter().filter_map(snippet).collect()
}

/// The lines of one source from the first mark to the last, with the marks.
fn snippet<'a>(
    source: &'a Source,
    marks: &[(Span, Option<&'a str>)],
    primary: Span,
) -> Snippet<'a, Annotation<'a>> {
    let first = marks.iter().map(|(span, _)| span.start).min().unwrap_or(0);
    let last = marks.iter().map(|(span, _)| span.end).max().unwrap_or(0);
    let (first_line, last_line) = (source.line_column(first).0, source.line_column(last).0);
    let (start, end) = (
        source.line_start(first_line),
        source.line_start(last_line + 1),
    );
    let text = source.text().get(start..end).unwrap_or_default();
    let annotations = marks.iter().map(|(span, label)| {
        let kind = if *span == primary {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let at = |byte: u32| (byte as usize).saturating_sub(start).min(text.len());
        kind.span(at(span.start)..at(span.end)).label(*label)
    });
    Snippet::source(text)
        .path(source.path())
        .line_start(first_line)
        .annotations(annotations)
}

/// A place in a file, counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// From the first character to the one behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    /// The first character.
    pub start: Position,
    /// The character behind the last.
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
}

/// A diagnostic for programs.
#[must_use]
pub fn to_json(diagnostic: &Diagnostic, sources: &Sources) -> DiagnosticJson {
    let source = sources.get(diagnostic.primary.source);
    let position = |byte: u32| {
        let (line, column) = source.map_or((1, 1), |source| source.line_column(byte));
        Position { line, column }
    };
    DiagnosticJson {
        file: source.map(Source::path).unwrap_or_default().to_owned(),
        range: Range {
            start: position(diagnostic.primary.start),
            end: position(diagnostic.primary.end),
        },
        code: diagnostic.code().to_string(),
        severity: diagnostic.severity().to_string(),
        message: diagnostic.message(),
        help: diagnostic.help(),
    }
}
