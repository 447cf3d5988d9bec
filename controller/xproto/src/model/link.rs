//! Links: the fields of a model whose values are objects of another model.

use std::sync::Arc;

use super::Name;
use super::field::{FieldState, Literal, RawOption, camel_case};
use crate::source::Span;

/// A link of a model to its peer: `required manytoone site->Site:slices = 6:1005`.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The port as written, `site`.
    pub name: String,
    /// How many objects there are on either side.
    pub kind: LinkKind,
    /// `required` and not `optional`.
    pub required: bool,
    /// Whether the link may be left out: not a required one.
    pub blank: bool,
    /// Whether the link may lead nowhere: only optional ones, and never one to many objects, which is empty then.
    pub null: bool,
    /// The model at the other end, by its name in the set.
    pub peer: String,
    /// The package before the peer's name, `core` in `core.Site`; it has no effect.
    pub peer_qualifier: Option<String>,
    /// The model that holds the pairs of a link between many and many.
    pub through: Option<String>,
    /// How the link is seen from the peer.
    pub reverse: Reverse,
    /// The number as written, 1 to 99 when there are no errors.
    pub number: u32,
    /// The message that declares the link.
    pub declared_in: Name,
    /// Who may change the link.
    pub state: FieldState,
    /// Option `default`; the name of a Python callable in all real files.
    pub default: Option<Literal>,
    /// Option `help_text`, else `description`, else the comment right above the link.
    pub help_text: Option<String>,
    /// Option `verbose_name`.
    pub verbose_name: Option<String>,
    /// Option `unique`: no two objects lead to the same peer.
    pub unique: bool,
    /// Option `unique_with`: fields and links that are unique together with this one.
    pub unique_with: Vec<String>,
    /// Option `tosca_key`: a part of what names the object.
    pub tosca_key: bool,
    /// Option `tosca_key_one_of`: links of which one, with this one, names the object.
    pub tosca_key_one_of: Vec<String>,
    /// Option `db_index`.
    pub db_index: bool,
    /// Option `gui_hidden`.
    pub gui_hidden: bool,
    /// Option `immutable`, our own addition: the value cannot be changed after creation.
    pub immutable: bool,
    /// The policy after `::`; XOS 4.0.4 reads it but does not use it.
    pub policy: Option<String>,
    /// The options as written; of one given twice only the first.
    pub options: Vec<RawOption>,
    /// The name of the link in the source.
    pub span: Span,
    /// The peer in the source.
    pub peer_span: Span,
}

impl Link {
    /// Returns the option of that name.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&RawOption> {
        self.options.iter().find(|option| option.name == name)
    }

    /// Returns the name in lowerCamelCase, as custom resources have it.
    #[must_use]
    pub fn camel_name(&self) -> String {
        camel_case(&self.name)
    }

    /// Returns whether the value is a set of objects and not at most one.
    #[must_use]
    pub fn is_to_many(&self) -> bool {
        matches!(self.kind, LinkKind::ManyToMany | LinkKind::OneToMany)
    }
}

/// How many objects there are on either side of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// `manytoone`: many objects lead to one peer.
    ManyToOne,
    /// `onetoone`: one object leads to one peer.
    OneToOne,
    /// `onetomany`, of XOS's documents; its grammar rejects it.
    OneToMany,
    /// `manytomany`: many objects lead to many peers.
    ManyToMany,
}

impl LinkKind {
    /// All kinds with their keywords.
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("manytoone", Self::ManyToOne),
        ("onetoone", Self::OneToOne),
        ("onetomany", Self::OneToMany),
        ("manytomany", Self::ManyToMany),
    ];

    /// Returns the kind that a keyword names.
    #[must_use]
    pub fn from_keyword(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(keyword, _)| *keyword == word).map(|&(_, kind)| kind)
    }

    /// Returns the keyword of the language.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(keyword, _)| keyword)
    }
}

/// How a link is seen from its peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reverse {
    /// No peer port is written, as in `port->Peer = 1`.
    LeftOut,
    /// The peer port is `+`, or has a `+` in its name, which keeps the peer from having one. The port as written.
    Suppressed(String),
    /// The peer has this port.
    Port {
        /// The name of the port.
        name: String,
        /// The number of the port, 1000 to 1899; one that has none is allotted one from 1900 up.
        number: Option<u32>,
    },
}

impl Reverse {
    /// Returns the name of the port, if the peer has one.
    #[must_use]
    pub fn port(&self) -> Option<&str> {
        match self {
            Self::Port { name, .. } => Some(name),
            Self::LeftOut | Self::Suppressed(_) => None,
        }
    }
}

/// A link seen from its peer: which objects lead here.
#[derive(Clone, Debug, PartialEq)]
pub struct ReverseLink {
    /// The name of the port.
    pub name: String,
    /// The number as written, if one is.
    pub number: Option<u32>,
    /// The model that has the port; models that inherit from it have it too.
    pub declared_in: String,
    /// The model whose objects lead here; so do the objects of models that inherit from it.
    pub model: String,
    /// The link itself.
    pub link: Arc<Link>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_name_kinds() {
        for (keyword, kind) in LinkKind::ALL {
            assert_eq!((LinkKind::from_keyword(keyword), kind.keyword()), (Some(kind), keyword));
        }
        assert_eq!(LinkKind::from_keyword("manytoany"), None);
    }
}
