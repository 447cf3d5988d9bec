//! The value of a link: the name of another object.

use serde::{Deserialize, Serialize};

/// The name of the object at the other end of a link. The object may be created after the link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// `metadata.name` of the peer.
    pub name: String,
    /// The peer's namespace, if it is another one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub namespace: Option<String>,
    /// The peer's model, where the link leads to a base and the name alone is not unique.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<String>,
}

impl Reference {
    /// Makes a reference to an object of the same namespace.
    pub fn to(name: &str) -> Self {
        Self { name: name.to_owned(), namespace: None, kind: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_said_is_not_written() {
        assert_eq!(serde_json::to_value(Reference::to("a")).unwrap(), json!({"name": "a"}));
        let all = json!({"name": "a", "namespace": "n", "kind": "RCORDService"});
        let read: Reference = serde_json::from_value(all.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), all);
    }
}
