//! What is wrong with a text: typed diagnostics with a stable code, a place, a message and help.
//!
//! Every code is a variant of one of the enums here; its documentation says what it means and how to fix it. `X0..` is
//! [`Syntax`], `X1..` [`Unsupported`], `X2..` [`ModelError`], `X3..` [`FieldError`], `X4..` [`OptionError`] and [`ChoiceError`],
//! `X5..` [`LinkError`], `X6..` [`PolicyError`]. A code that is no longer used is not given to anything else.

mod choices;
mod field;
mod link;
mod manual;
mod model;
mod option;
mod policy;
pub(crate) mod sink;
mod syntax;
mod unsupported;

pub use choices::ChoiceError;
pub use field::FieldError;
pub use link::LinkError;
pub use manual::{Explanation, explanations, read as read_explanations};
pub use model::ModelError;
pub use option::OptionError;
pub use policy::PolicyError;
pub use syntax::Syntax;
pub use unsupported::Unsupported;

use std::fmt;

use crate::source::Span;

/// A stable name for a kind of diagnostic, displayed like `X012`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub(crate) u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "X{:03}", self.0)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The models must not be used.
    Error,
    /// The models can be used, but probably not all is as intended.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A place with a word on its part in a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// Its part, such as "first declared here".
    pub text: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// What is wrong.
    pub kind: Kind,
    /// Where.
    pub primary: Span,
    /// Other places that have to do with it.
    pub related: Vec<Label>,
    /// Whether XOS's own rules on options are errors.
    pub(crate) strict: bool,
}

impl Diagnostic {
    pub(crate) fn new(kind: impl Into<Kind>, primary: Span) -> Self {
        Self { kind: kind.into(), primary, related: Vec::new(), strict: false }
    }

    pub(crate) fn with(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label { span, text: text.into() });
        self
    }

    /// The stable code of what is wrong.
    #[must_use]
    pub fn code(&self) -> Code {
        match &self.kind {
            Kind::Syntax(kind) => kind.code(),
            Kind::Unsupported(kind) => kind.code(),
            Kind::Model(kind) => kind.code(),
            Kind::Field(kind) => kind.code(),
            Kind::Option(kind) => kind.code(),
            Kind::Choice(kind) => kind.code(),
            Kind::Link(kind) => kind.code(),
            Kind::Policy(kind) => kind.code(),
        }
    }

    /// Whether it is an error or a warning.
    #[must_use]
    pub fn severity(&self) -> Severity {
        let warning = match &self.kind {
            Kind::Syntax(_) => false,
            Kind::Unsupported(kind) => kind.is_warning(),
            Kind::Model(kind) => kind.is_warning(),
            Kind::Field(kind) => kind.is_warning(),
            Kind::Option(kind) => kind.is_warning(),
            Kind::Choice(kind) => kind.is_warning(),
            Kind::Link(kind) => kind.is_warning(),
            Kind::Policy(kind) => kind.is_warning(),
        };
        let promoted = self.strict && self.is_strict_rule();
        if warning && !promoted { Severity::Warning } else { Severity::Error }
    }

    /// Whether it is one of the rules that XOS's own validator has (xosgenx, validator.py), which are errors on demand.
    fn is_strict_rule(&self) -> bool {
        match &self.kind {
            Kind::Field(kind) => kind.is_warning(),
            Kind::Option(kind) => kind.is_strict_rule(),
            _ => false,
        }
    }

    /// What is wrong, in one sentence.
    #[must_use]
    pub fn message(&self) -> String {
        self.kind.to_string()
    }

    /// How to fix it, where the message does not already say so.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match &self.kind {
            Kind::Syntax(kind) => kind.help(),
            Kind::Unsupported(kind) => kind.help(),
            Kind::Model(kind) => kind.help(),
            Kind::Field(kind) => kind.help(),
            Kind::Option(kind) => kind.help(),
            Kind::Choice(kind) => kind.help(),
            Kind::Link(kind) => kind.help(),
            Kind::Policy(kind) => kind.help(),
        }
    }
}

/// Everything that can be wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Kind {
    /// The text does not follow the grammar.
    #[error(transparent)]
    Syntax(#[from] Syntax),
    /// A part of protobuf's language that means nothing to XOS.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// A message as a whole, its bases or its names.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A field.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// An option.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The choices of a field.
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    /// A link.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A policy, or something that names one.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// "did you mean" for a suggestion, or `otherwise`.
pub(crate) fn did_you_mean(suggestion: Option<&String>, otherwise: &str) -> String {
    suggestion.map_or_else(|| otherwise.to_owned(), |name| format!("did you mean `{name}`?"))
}

/// The most names that are shown of a circle.
pub(crate) const MOST_OF_CIRCLE: usize = 10;

/// A circle of names, of which `left_out` are not shown before the last one.
pub(crate) fn circle(path: &[String], left_out: usize) -> String {
    match path {
        [first @ .., last] if left_out > 0 => format!("{} → and {left_out} more → {last}", first.join(" → ")),
        _ => path.join(" → "),
    }
}
