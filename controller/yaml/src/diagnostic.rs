//! A problem with its place, for people and for programs.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use xos_xproto::diagnostics::Declared;
use xos_xproto::{Code, DiagnosticJson, Position, Range, Severity};

use crate::file::{File, Place};

/// A problem with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic<P> {
    /// The problem.
    pub problem: P,
    /// The file, or `$` and the environment variable; empty when there is none.
    pub file: String,
    /// The place in the file; its beginning when there is none.
    pub range: Range,
    excerpt: Option<Excerpt>,
}

/// The line of the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    text: String,
    marked: std::ops::Range<usize>,
}

impl<P: Declared + fmt::Display> Diagnostic<P> {
    /// Returns a problem with its place in one of the files.
    pub fn new(problem: P, place: &Place, files: &[File]) -> Self {
        let (file, bytes) = match place {
            Place::File { file, bytes } => (files.get(*file), bytes.clone()),
            Place::Variable(_) | Place::Nowhere => (None, 0..0),
        };
        if let Some(file) = file {
            return Self::in_file(problem, file, &bytes);
        }
        let start = Position { line: 1, column: 1 };
        let file = if let Place::Variable(name) = place { format!("${name}") } else { String::new() };
        Self { problem, file, range: Range { start, end: start }, excerpt: None }
    }

    fn in_file(problem: P, file: &File, bytes: &std::ops::Range<usize>) -> Self {
        let position = |at| {
            let (line, column) = file.line_column(at);
            Position { line, column }
        };
        let (line_start, text) = file.line(bytes.start);
        let in_line = |at: usize| at.saturating_sub(line_start).min(text.len());
        let marked = in_line(bytes.start)..in_line(bytes.end);
        let excerpt = (!text.is_empty()).then_some(Excerpt { text, marked });
        let range = Range { start: position(bytes.start), end: position(bytes.end) };
        Self { problem, file: file.path.display().to_string(), range, excerpt }
    }

    /// Returns its stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.problem.explanation().code
    }

    /// Returns what is wrong, in one sentence.
    #[must_use]
    pub fn message(&self) -> String {
        self.problem.to_string()
    }

    /// Returns how severe it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.problem.level().severity(false)
    }

    /// Returns whether what it is about can be used all the same.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        self.severity() == Severity::Warning
    }

    /// Returns the problem with its code, the marked line and help, as the compiler of models shows its diagnostics.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let level = match self.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let mut group = Group::with_title(level.primary_title(self.message()).id(self.code().as_str()));
        if let Some(excerpt) = &self.excerpt {
            let mark = AnnotationKind::Primary.span(excerpt.marked.clone());
            let snippet = Snippet::source(&excerpt.text).path(&self.file).line_start(self.range.start.line);
            group = group.element(snippet.annotation(mark));
        } else if !self.file.is_empty() {
            group = group.element(Origin::path(&self.file));
        }
        if let Some(help) = self.problem.help() {
            group = group.element(Level::HELP.message(help));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }

    /// Returns the problem in the form for programs.
    #[must_use]
    pub fn to_json(&self) -> DiagnosticJson {
        DiagnosticJson {
            file: self.file.clone(),
            range: self.range,
            code: self.code().to_string(),
            severity: self.severity().to_string(),
            message: self.message(),
            help: self.problem.help(),
            related: Vec::new(),
        }
    }
}

/// The problem on one line, as a log has it.
impl<P: Declared + fmt::Display> fmt::Display for Diagnostic<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() && !self.file.starts_with('$') {
            let Position { line, column } = self.range.start;
            write!(f, "{}:{line}:{column}: ", self.file)?;
        }
        write!(f, "{}", self.problem)?;
        self.problem.help().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}
