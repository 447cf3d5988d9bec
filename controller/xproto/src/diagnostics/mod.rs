//! What is wrong with a text: typed diagnostics with a stable code, a place, a message and help.
//!
//! Every code is a variant of one of the enums here, declared with all that belongs to it by
//! [`declare_diagnostics!`](crate::declare_diagnostics); its documentation says what it means and how to fix it. `X0..`
//! is [`Syntax`], `X1..` [`Unsupported`], `X2..` [`ModelError`], `X3..` [`FieldError`], `X4..` [`OptionError`] and
//! [`ChoiceError`], `X5..` [`LinkError`], `X6..` [`PolicyError`]. A code that is no longer used is never used again.

mod choices;
mod declare;
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
pub use manual::{Code, Declared, Explanation, Level, explanations};
pub use model::ModelError;
pub use option::OptionError;
pub use policy::PolicyError;
pub use syntax::Syntax;
pub use unsupported::Unsupported;

use std::fmt;

use crate::source::Span;

/// How severe a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The models must not be used.
    Error,
    /// The models can be used, but something is probably not as intended.
    Warning,
    /// Nothing is wrong; it says what could not be looked at.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// A place that has to do with a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What the place has to do with it, such as "first declared here".
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

    /// Returns its stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.kind.declared().explanation().code
    }

    /// Returns whether it is an error or a warning.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.kind.declared().level().severity(self.strict)
    }

    /// Returns what is wrong, in one sentence.
    #[must_use]
    pub fn message(&self) -> String {
        self.kind.to_string()
    }

    /// Returns how to fix it, where the message does not already say so.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        self.kind.declared().help()
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

impl Kind {
    fn declared(&self) -> &dyn Declared {
        match self {
            Self::Syntax(kind) => kind,
            Self::Unsupported(kind) => kind,
            Self::Model(kind) => kind,
            Self::Field(kind) => kind,
            Self::Option(kind) => kind,
            Self::Choice(kind) => kind,
            Self::Link(kind) => kind,
            Self::Policy(kind) => kind,
        }
    }
}

/// Returns "did you mean" with the suggestion, if there is one.
pub(crate) fn did_you_mean<'a>(suggestion: impl Into<Option<&'a String>>) -> Option<String> {
    suggestion.into().map(|name| format!("did you mean `{name}`?"))
}

/// Returns a help that names a free number, if there is one.
fn free_number(free: Option<u32>) -> Option<String> {
    free.map(|free| format!("{free} is free"))
}

/// The most names that are shown of a circle.
pub(crate) const MOST_OF_CIRCLE: usize = 10;

/// Returns a circle of names as text; `left_out` of them are not shown before the last one.
pub(crate) fn circle(path: &[String], left_out: usize) -> String {
    match path {
        [first @ .., last] if left_out > 0 => format!("{} → and {left_out} more → {last}", first.join(" → ")),
        _ => path.join(" → "),
    }
}
