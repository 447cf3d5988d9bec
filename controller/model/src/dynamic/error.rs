//! Why a field of a dynamic object could not be read or set.

use crate::choice::{UnknownChoice, hint};
use crate::query::not_named;

/// Why a field could not be read or set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the names of the fields say what they are")]
pub enum DynamicError {
    /// The set has no such model.
    #[error("there is no model `{model}`{}", hint(suggestion.as_deref()))]
    UnknownModel { model: String, suggestion: Option<String> },
    /// The model has no objects of its own.
    #[error("model {model} is abstract: it has no objects of its own")]
    Abstract { model: String },
    /// The model is one of the core's that the set only refers to.
    #[error("{}", not_named(model))]
    NotNamed { model: String },
    /// The object is of another class.
    #[error("a {model} is not a {class}")]
    NotA { model: String, class: String },
    /// The model has no such field.
    #[error("model {model} has no field `{field}`{}", hint(suggestion.as_deref()))]
    UnknownField { model: String, field: String, suggestion: Option<String> },
    /// A value of another type.
    #[error("{model}: field `{field}` is {expected}, not {found}")]
    Type {
        model: String,
        field: String,
        /// What it has to be.
        expected: &'static str,
        /// What it was given, as JSON.
        found: String,
    },
    /// A value that is none of the choices.
    #[error(transparent)]
    Choice(#[from] UnknownChoice),
    /// A required field was to be unset.
    #[error("{model}: field `{field}` is required: it cannot be unset")]
    Required { model: String, field: String },
    /// The field is the framework's.
    #[error("{model}: `{field}` is the framework's own bookkeeping: leave it alone, or use a feedback field")]
    Bookkeeping { model: String, field: String },
    /// It is another sort of member.
    #[error("{model}: `{field}` is {is}: use {instead}")]
    Sort {
        model: String,
        field: String,
        is: &'static str,
        /// The methods that are for it.
        instead: &'static str,
    },
    /// A reference to a kind that is not the peer's.
    #[error("{model}: `{link}` leads to a {peer}, and a {kind} is not one")]
    Peer {
        model: String,
        link: String,
        /// The model that it leads to.
        peer: String,
        /// The kind in the reference.
        kind: String,
    },
}
