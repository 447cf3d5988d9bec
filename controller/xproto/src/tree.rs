//! The syntax tree: what a file says, before any name is looked up. Its names are parts of the file's text.

use crate::model::{Expr, LinkKind, RawOption};
use crate::source::Span;

/// A name and its place in the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    pub(crate) text: &'a str,
    pub(crate) span: Span,
}

/// One file. Its options and messages keep their places; no order between them is kept but by their spans.
#[derive(Debug, Default)]
pub(crate) struct File<'a> {
    pub(crate) options: Vec<RawOption>,
    pub(crate) messages: Vec<Message<'a>>,
    pub(crate) policies: Vec<Policy<'a>>,
}

/// `message Name::policy (Base, …) { … }`
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) doc: Option<String>,
    pub(crate) name: Name<'a>,
    pub(crate) policy: Option<Name<'a>>,
    pub(crate) bases: Vec<Name<'a>>,
    pub(crate) options: Vec<RawOption>,
    pub(crate) members: Vec<Member<'a>>,
}

/// `policy name < expression >`
#[derive(Debug)]
pub(crate) struct Policy<'a> {
    pub(crate) doc: Option<String>,
    pub(crate) name: Name<'a>,
    /// None if it has an error.
    pub(crate) expr: Option<Expr>,
}

/// A field or a link.
#[derive(Debug)]
pub(crate) enum Member<'a> {
    Field(Field<'a>),
    Link(Box<Link<'a>>),
}

/// `required kind name->Peer/Through:port = number:reverse [options];`
#[derive(Debug)]
pub(crate) struct Link<'a> {
    pub(crate) doc: Option<String>,
    pub(crate) required: bool,
    pub(crate) kind: LinkKind,
    /// The keyword of the kind.
    pub(crate) kind_span: Span,
    pub(crate) name: Name<'a>,
    pub(crate) policy: Option<Name<'a>>,
    /// The package before the peer.
    pub(crate) qualifier: Option<&'a str>,
    pub(crate) peer: Name<'a>,
    pub(crate) through: Option<Name<'a>>,
    /// The peer's port as written, which may be `+`.
    pub(crate) port: Option<Name<'a>>,
    pub(crate) number: Name<'a>,
    pub(crate) reverse_number: Option<Name<'a>>,
    pub(crate) options: Vec<RawOption>,
}

/// `required type name = number [options];`
#[derive(Debug)]
pub(crate) struct Field<'a> {
    pub(crate) doc: Option<String>,
    pub(crate) required: bool,
    pub(crate) ty: Name<'a>,
    pub(crate) name: Name<'a>,
    pub(crate) policy: Option<Name<'a>>,
    /// The number as written.
    pub(crate) number: Name<'a>,
    pub(crate) options: Vec<RawOption>,
}
