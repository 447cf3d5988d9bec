//! The syntax tree: what a file says, before any name is looked up.

use crate::model::RawOption;
use crate::source::Span;

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// One file. Its options and messages keep their places; no order between them is kept but by their spans.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) options: Vec<RawOption>,
    pub(crate) messages: Vec<Message>,
}

/// `message Name::policy (Base, …) { … }`
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) doc: Option<String>,
    pub(crate) name: Name,
    pub(crate) policy: Option<Name>,
    pub(crate) bases: Vec<Name>,
    pub(crate) options: Vec<RawOption>,
    pub(crate) fields: Vec<Field>,
}

/// `required type name = number [options];`
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) doc: Option<String>,
    pub(crate) required: bool,
    pub(crate) ty: Name,
    pub(crate) name: Name,
    /// The number as written.
    pub(crate) number: Name,
    pub(crate) options: Vec<RawOption>,
}
