//! The syntax tree: what a file says, before any name is looked up.

use crate::model::{Expr, LinkKind, RawOption};
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
    pub(crate) policies: Vec<Policy>,
}

/// `message Name::policy (Base, …) { … }`
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) doc: Option<String>,
    pub(crate) name: Name,
    pub(crate) policy: Option<Name>,
    pub(crate) bases: Vec<Name>,
    pub(crate) options: Vec<RawOption>,
    pub(crate) members: Vec<Member>,
}

/// `policy name < expression >`
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) doc: Option<String>,
    pub(crate) name: Name,
    /// None if it has an error.
    pub(crate) expr: Option<Expr>,
}

/// A field or a link.
#[derive(Debug)]
pub(crate) enum Member {
    Field(Field),
    Link(Link),
}

/// `required kind name->Peer/Through:port = number:reverse [options];`
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) doc: Option<String>,
    pub(crate) required: bool,
    pub(crate) kind: LinkKind,
    /// The keyword of the kind.
    pub(crate) kind_span: Span,
    pub(crate) name: Name,
    pub(crate) policy: Option<Name>,
    /// The package before the peer.
    pub(crate) qualifier: Option<String>,
    pub(crate) peer: Name,
    pub(crate) through: Option<Name>,
    /// The peer's port as written, which may be `+`.
    pub(crate) port: Option<Name>,
    pub(crate) number: Name,
    pub(crate) reverse_number: Option<Name>,
    pub(crate) options: Vec<RawOption>,
}

/// `required type name = number [options];`
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) doc: Option<String>,
    pub(crate) required: bool,
    pub(crate) ty: Name,
    pub(crate) name: Name,
    pub(crate) policy: Option<Name>,
    /// The number as written.
    pub(crate) number: Name,
    pub(crate) options: Vec<RawOption>,
}
