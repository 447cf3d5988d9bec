//! `X5..`: links.

use super::{Code, did_you_mean};

/// A link: its peer, its kind, or what the peer has of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// `X501`: The peer of a link is declared in no file of the set. XOS 4.0.4 leaves the link dangling silently.
    /// Correct the name, or add the file that declares the peer: all files of a set see each other's messages.
    ///
    /// ```proto
    /// required manytoone site->Sitte:ports = 1:1001;
    /// ```
    #[error("link `{link}` leads to the unknown model `{peer}`")]
    UnknownPeer {
        /// The link.
        link: String,
        /// The peer as written.
        peer: String,
        /// A model that it may have meant.
        suggestion: Option<String>,
    },
    /// `X502`: A link does not say how many objects stand on either side. Write `manytoone`, `onetoone` or `manytomany`
    /// before its name.
    ///
    /// ```proto
    /// required parent->M:children = 1:1001;
    /// ```
    #[error("link `{name}` has no kind")]
    MissingKind {
        /// The link.
        name: String,
    },
    /// `X503`: The spelling `port:Peer->peer_port` stands in XOS's documents, but its grammar rejects it. Write
    /// `port->Peer:peer_port`.
    ///
    /// ```proto
    /// required manytoone parent:M->children = 1:1001;
    /// ```
    #[error("a link is written `port->Peer:peer_port`")]
    OldSpelling {
        /// The link as it should be written.
        instead: String,
    },
    /// `X504`: The number of the peer's port is not between 1000 and 1899. Use one from there, or leave it out: then
    /// XOS allots one from 1900 up, which can differ between installations.
    ///
    /// ```proto
    /// required manytoone parent->M:children = 1:7;
    /// ```
    #[error("the peer's port of link `{link}` has the number {number}, which is not between 1000 and 1899")]
    ReverseNumberOutOfRange {
        /// The link.
        link: String,
        /// The number as written.
        number: String,
    },
    /// `X505`: Two links give one model ports of one number. Give the second one a free number.
    ///
    /// ```proto
    /// required manytoone mother->M:born = 1:1001;
    /// required manytoone father->M:begotten = 2:1001;
    /// ```
    #[error("port `{port}` of `{peer}` has the number {number} of its port `{other}`")]
    DuplicateReverseNumber {
        /// The second port.
        port: String,
        /// The first port.
        other: String,
        /// The model that has both.
        peer: String,
        /// The number of both.
        number: u32,
        /// The lowest number that is free.
        free: Option<u32>,
    },
    /// `X506`: Two links give one model ports of one name. Rename one of the ports, or write `+` for a port that nobody
    /// needs.
    ///
    /// ```proto
    /// required manytoone mother->M:children = 1:1001;
    /// required manytoone father->M:children = 2:1002;
    /// ```
    #[error("port `{port}` of `{peer}` is made by `{first}` and by `{second}`")]
    DuplicateReversePort {
        /// The name of both ports.
        port: String,
        /// The model that has both.
        peer: String,
        /// The first link.
        first: String,
        /// The second link.
        second: String,
    },
    /// `X507` (warning): `onetomany` stands in XOS's documents, but its grammar rejects it. Write a `manytoone` link on
    /// the other model.
    ///
    /// ```proto
    /// optional onetomany children->M:parent = 1:1001;
    /// ```
    #[error("XOS 4.0.4 rejects the `onetomany` of link `{link}`")]
    OneToMany {
        /// The link.
        link: String,
    },
    /// `X508` (warning): A package before the peer has no effect: models are found by their own name. In XOS 4.0.4 it
    /// keeps the peer from having a port. Leave the package out.
    ///
    /// ```proto
    /// required manytoone parent->core.M:children = 1:1001;
    /// ```
    #[error("the package `{package}` before the peer of `{link}` has no effect")]
    Qualified {
        /// The link.
        link: String,
        /// The package.
        package: String,
    },
    /// `X509` (warning): A number for the peer's port, but no port that could have it. Name the port, or leave the
    /// number out.
    ///
    /// ```proto
    /// required manytoone parent->M:+ = 1:1001;
    /// ```
    #[error("link `{link}` has a number for a port of its peer, but makes none")]
    NumberWithoutPort {
        /// The link.
        link: String,
    },
    /// `X510` (warning): Only a link between many and many has a model that holds its pairs. Remove the `/Model`.
    ///
    /// ```proto
    /// required manytoone parent->M/Family:children = 1:1001;
    /// ```
    #[error("the `/{through}` of link `{link}` has no effect: it is no `manytomany`")]
    ThroughWithoutPairs {
        /// The link.
        link: String,
        /// The model behind the slash.
        through: String,
    },
    /// `X511`: Two members of a model have one name in XOS's API, where a link is called `<port>_id`, and a link to
    /// many and a port of a peer `<port>_ids`. Rename one of them.
    ///
    /// ```proto
    /// required manytoone parent->M:children = 1:1001;
    /// required int32 parent_id = 2;
    /// ```
    #[error("{first} and {second} of `{model}` are both `{api}` in XOS's API")]
    ApiNameTaken {
        /// The model.
        model: String,
        /// The first one.
        first: String,
        /// The second one.
        second: String,
        /// The name of both.
        api: String,
    },
}

impl LinkError {
    pub(crate) fn code(&self) -> Code {
        Code(match self {
            Self::UnknownPeer { .. } => 501,
            Self::MissingKind { .. } => 502,
            Self::OldSpelling { .. } => 503,
            Self::ReverseNumberOutOfRange { .. } => 504,
            Self::DuplicateReverseNumber { .. } => 505,
            Self::DuplicateReversePort { .. } => 506,
            Self::OneToMany { .. } => 507,
            Self::Qualified { .. } => 508,
            Self::NumberWithoutPort { .. } => 509,
            Self::ThroughWithoutPairs { .. } => 510,
            Self::ApiNameTaken { .. } => 511,
        })
    }

    pub(crate) fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::OneToMany { .. }
                | Self::Qualified { .. }
                | Self::NumberWithoutPort { .. }
                | Self::ThroughWithoutPairs { .. }
        )
    }

    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::UnknownPeer { suggestion, .. } => {
                did_you_mean(suggestion.as_ref(), "add the file that declares it to the set")
            }
            Self::MissingKind { .. } => "write `manytoone`, `onetoone` or `manytomany` before its name".to_owned(),
            Self::OldSpelling { instead } => format!("write `{instead}`"),
            Self::ReverseNumberOutOfRange { .. } => "use a number from 1000 to 1899, or leave it out".to_owned(),
            Self::DuplicateReverseNumber { free, .. } => free.map(|free| format!("{free} is free"))?,
            Self::DuplicateReversePort { .. } => "rename one of them, or write `+` for no port".to_owned(),
            Self::OneToMany { .. } => "write a `manytoone` link on the other model".to_owned(),
            Self::Qualified { .. } => "remove it: in XOS 4.0.4 it keeps the peer from having a port".to_owned(),
            Self::NumberWithoutPort { .. } => "name the port, or leave the number out".to_owned(),
            Self::ThroughWithoutPairs { .. } => "remove it".to_owned(),
            Self::ApiNameTaken { .. } => "rename one of them".to_owned(),
        };
        Some(help)
    }
}
