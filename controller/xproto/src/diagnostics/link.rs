//! `X5..`: links.

use super::{did_you_mean, free_number};
use crate::declare_diagnostics;

declare_diagnostics! {
    /// A link: its peer, its kind, or its port at the peer.
    pub enum LinkError;

    /// The peer of a link is declared in no file of the set. XOS 4.0.4 leaves the link dangling silently. Correct the
    /// name, or add the file that declares the peer: all files of a set see each other's messages.
    ///
    /// ```proto
    /// required manytoone site->Sitte:ports = 1:1001;
    /// ```
    X501 Error UnknownPeer { link: String, peer: String, suggestion: Option<String> } => {
        message("link `{link}` leads to the unknown model `{peer}`");
        suggest(did_you_mean(suggestion));
        help("add the file that declares it to the set");
    }
    /// A link does not say how many objects there are on either side. Write `manytoone`, `onetoone` or `manytomany`
    /// before its name.
    ///
    /// ```proto
    /// required parent->M:children = 1:1001;
    /// ```
    X502 Error MissingKind { name: String } => {
        message("link `{name}` has no kind");
        help("write `manytoone`, `onetoone` or `manytomany` before its name");
    }
    /// XOS's documents spell a link `port:Peer->peer_port`, but its grammar rejects that. Write `port->Peer:peer_port`.
    ///
    /// ```proto
    /// required manytoone parent:M->children = 1:1001;
    /// ```
    X503 Error OldSpelling { instead: String } => {
        message("a link is written `port->Peer:peer_port`");
        help("write `{instead}`");
    }
    /// The number of the peer's port is not between 1000 and 1899. Use one from that range, or leave it out: then XOS
    /// allots one from 1900 up, which can differ between installations.
    ///
    /// ```proto
    /// required manytoone parent->M:children = 1:7;
    /// ```
    X504 Error ReverseNumberOutOfRange { link: String, number: String } => {
        message("the peer's port of link `{link}` has the number {number}, which is not between 1000 and 1899");
        help("use a number from 1000 to 1899, or leave it out");
    }
    /// Two links give a model ports of the same number. Give the second one a free number.
    ///
    /// ```proto
    /// required manytoone mother->M:born = 1:1001;
    /// required manytoone father->M:begotten = 2:1001;
    /// ```
    X505 Error DuplicateReverseNumber {
        port: String, other: String, peer: String, number: u32, free: Option<u32>
    } => {
        message("port `{port}` of `{peer}` has the number {number} of its port `{other}`");
        suggest(free_number(*free));
    }
    /// Two links give a model ports of the same name. Rename one of the ports, or write `+` for a port that nobody
    /// needs.
    ///
    /// ```proto
    /// required manytoone mother->M:children = 1:1001;
    /// required manytoone father->M:children = 2:1002;
    /// ```
    X506 Error DuplicateReversePort { port: String, peer: String, first: String, second: String } => {
        message("port `{port}` of `{peer}` is made by `{first}` and by `{second}`");
        help("rename one of them, or write `+` for no port");
    }
    /// XOS's documents have `onetomany`, but its grammar rejects it. Write a `manytoone` link on the other model.
    ///
    /// ```proto
    /// optional onetomany children->M:parent = 1:1001;
    /// ```
    X507 Warning OneToMany { link: String } => {
        message("XOS 4.0.4 rejects the `onetomany` of link `{link}`");
        help("write a `manytoone` link on the other model");
    }
    /// A package before the peer has no effect: models are found by their own name. In XOS 4.0.4 it keeps the peer from
    /// having a port. Leave the package out.
    ///
    /// ```proto
    /// required manytoone parent->core.M:children = 1:1001;
    /// ```
    X508 Warning Qualified { link: String, package: String } => {
        message("the package `{package}` before the peer of `{link}` has no effect");
        help("remove it: in XOS 4.0.4 it keeps the peer from having a port");
    }
    /// A link has a number for the peer's port, but no port. Name the port, or leave the number out.
    ///
    /// ```proto
    /// required manytoone parent->M:+ = 1:1001;
    /// ```
    X509 Warning NumberWithoutPort { link: String } => {
        message("link `{link}` has a number for a port of its peer, but makes none");
        help("name the port, or leave the number out");
    }
    /// Only a `manytomany` link has a model that holds its pairs. Remove the `/Model`.
    ///
    /// ```proto
    /// required manytoone parent->M/Family:children = 1:1001;
    /// ```
    X510 Warning ThroughWithoutPairs { link: String, through: String } => {
        message("the `/{through}` of link `{link}` has no effect: it is no `manytomany`");
        help("remove it");
    }
    /// Two members of a model have the same name in XOS's API, where a link is called `<port>_id`, and a link to many
    /// and a port of a peer `<port>_ids`. Rename one of them.
    ///
    /// ```proto
    /// required manytoone parent->M:children = 1:1001;
    /// required int32 parent_id = 2;
    /// ```
    X511 Error ApiNameTaken { model: String, first: String, second: String, api: String } => {
        message("{first} and {second} of `{model}` are both `{api}` in XOS's API");
        help("rename one of them");
    }
    /// A link has a word before its name that is none of the kinds `manytoone`, `onetoone` and `manytomany`. A foreign
    /// key, as databases call it, is a `manytoone` link.
    ///
    /// ```proto
    /// required foreignkey parent->M:children = 1:1001;
    /// ```
    X512 Error UnknownKind { kind: String, instead: &'static str } => {
        message("`{kind}` is no kind of link");
        help("write `{instead}`");
    }
}
