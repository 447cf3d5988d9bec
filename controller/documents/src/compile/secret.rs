//! What comes from Secrets.

use xos_steps::{Access, ForeignKind, Use, Whereabouts};
use xos_yaml::{Node, Value};

use super::Compiler;

/// A Secret that a document names; without a namespace in the one that the program runs in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NamedSecret {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
}

/// A key of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NamedKey {
    pub(crate) secret: NamedSecret,
    pub(crate) key: String,
}

/// Who is trusted, and who asks.
#[derive(Clone, Debug)]
pub(crate) struct CompiledTls {
    pub(crate) ca: Option<Authority>,
    pub(crate) client: Option<NamedSecret>,
}

/// Where certificates of authorities are.
#[derive(Clone, Debug)]
pub(crate) enum Authority {
    Key(NamedKey),
    File(String),
}

impl Compiler<'_> {
    /// Reads `secretRef` of a map, and notes that it is read. Returns nothing if something is wrong with it.
    pub(super) fn named_secret(&mut self, node: &Node, key: &str) -> Option<NamedSecret> {
        self.secret_at(node.at("secretRef")?, &format!("{key}.secretRef"))
    }

    /// Reads `secretKeyRef` of a map.
    pub(super) fn named_key(&mut self, node: &Node, key: &str) -> Option<NamedKey> {
        let (at, key) = (node.at("secretKeyRef")?, format!("{key}.secretKeyRef"));
        let secret = self.secret_at(at, &key);
        let key = self.constant(at, &key, "key");
        Some(NamedKey { secret: secret?, key: key? })
    }

    fn secret_at(&mut self, node: &Node, key: &str) -> Option<NamedSecret> {
        let name = self.constant(node, key, "name");
        let namespace = match node.at("namespace") {
            Some(_) => self.constant(node, key, "namespace").map(Some),
            None => Some(None),
        };
        let (name, namespace) = (name?, namespace?);
        let kind = ForeignKind {
            group: String::new(),
            version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            plural: "secrets".to_owned(),
            is_namespaced: true,
        };
        let at = namespace.clone().map_or(Whereabouts::Home, Whereabouts::Namespace);
        self.uses.push(Use { kind, at, access: Access::Read, name: Some(name.clone()) });
        Some(NamedSecret { name, namespace })
    }

    #[expect(clippy::option_option, reason = "the outer one says whether it could be read")]
    pub(super) fn tls(&mut self, node: &Node) -> Option<Option<CompiledTls>> {
        let Some(tls) = node.at("tls") else { return Some(None) };
        let ca = match tls.at("ca") {
            Some(Node { value: Value::Text(path), .. }) => {
                self.check_constant(tls, "ca");
                Some(Some(Authority::File(path.clone())))
            }
            Some(at) => self.named_key(at, "tls.ca").map(Authority::Key).map(Some),
            None => Some(None),
        };
        let client = match tls.at("clientCertificate") {
            Some(at) => self.named_secret(at, "tls.clientCertificate").map(Some),
            None => Some(None),
        };
        Some(Some(CompiledTls { ca: ca?, client: client? }))
    }
}
